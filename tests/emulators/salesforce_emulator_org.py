"""A served practice org and a bare HTTP client for it, for the tests of the Salesforce emulator."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from emulators.clock import EmulatorClock
from emulators.core import serve
from emulators.salesforce import SalesforceEmulator

START = 1_772_460_300  # 2026-03-02T14:05:00Z, a Monday
DATA = "/services/data/v66.0"


class Org:
    """The clock stands at START until ``advance``. ``get``/``post``/… speak as the integration user."""

    def __init__(self, **options: Any) -> None:
        self.emulator = SalesforceEmulator(**({"clock": EmulatorClock(real=lambda: START)} | options))
        self.server = serve(self.emulator)
        self.url = self.server.url
        self.credentials = self.emulator.credentials()
        self.http = requests.Session()
        self.http.trust_env = False
        self.token = self.credentials["access_token"]

    def close(self) -> None:
        self.http.close()
        self.server.close()

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        where = path if path.startswith("/services") else DATA + path
        return self.http.request(method, self.url + where, headers=headers, timeout=5, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> requests.Response:
        return self.call("POST", path, json=body, **options)

    def patch(self, path: str, body: Any, **options: Any) -> requests.Response:
        return self.call("PATCH", path, json=body, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.call("DELETE", path, **options)

    def query(self, soql: str) -> list[dict[str, Any]]:
        """The records of a query's first page, without their attributes."""
        answer = self.get("/query", params={"q": soql})
        assert answer.status_code == 200, answer.text
        return [plain(record) for record in answer.json()["records"]]

    def make(self, name: str, **fields: Any) -> str:
        """A record made through the API without assignment rules."""
        answer = self.post(f"/sobjects/{name}", fields, headers={"Sforce-Auto-Assign": "FALSE"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def lead(self, **fields: Any) -> str:
        return self.make("Lead", **({"LastName": "Ito", "Company": "Dune Energy"} | fields))

    def case(self, **fields: Any) -> str:
        return self.make("Case", **({"Subject": "Export fails"} | fields))

    def row(self, name: str, record: str) -> dict[str, Any]:
        return dict(self.get(f"/sobjects/{name}/{record}").json())

    def control(self, path: str, body: Any = None, method: str = "POST") -> requests.Response:
        return self.http.request(method, f"{self.url}/_emulator/{path}", json=body, timeout=5)

    def act(self, order: str, **more: Any) -> str:
        answer = self.control("act", {"do": order, **more})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def fault(self, fault: str, **more: Any) -> None:
        assert self.control("faults", {"fault": fault, **more}).status_code == 201

    def advance(self, seconds: float) -> None:
        self.control("advance", {"seconds": seconds})

    def effects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.control("effects", method="GET").text.splitlines()]

    def user(self, email: str) -> str:
        return self.emulator.people.person(email)


def plain(record: Any) -> Any:
    """A record without ``attributes``, at every level."""
    if isinstance(record, dict):
        return {key: plain(value) for key, value in record.items() if key != "attributes"}
    return record


class ToLoopback(HTTPAdapter):
    """Sends what an SDK means for https://….salesforce.com to the emulator, and gives it a time limit."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._place = urlsplit(url).netloc

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        target = urlsplit(request.url or "")
        request.url = urlunsplit(("http", self._place, target.path, target.query, ""))
        return super().send(request, **(options | {"timeout": 5}))


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    """Status, code and message of plain REST's list of one error."""
    (error,) = answer.json()
    return answer.status_code, error["errorCode"], error["message"]
