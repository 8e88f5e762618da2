"""Faults, counts and effects of the core, through real loopback HTTP on a CRM of three lines."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests

from emulators.core import Emulator, Refused, Server, serve
from emulators.http import Request, Response
from emulators.webhooks import Delivery

ORIGIN = 1_772_460_300_000  # 2026-03-02T14:05:00Z


class Shelf(Emulator):
    """Holds texts by number; every POST adds one."""

    name = "shelf"

    def answer(self, request: Request) -> Response:
        if request.method == "POST" and request.path == "/things":
            number = len(self.effects.lines()) + 1000
            self.effects.record(
                object="thing", id=str(number), by="api:test", request=request.number, fields=request.json()
            )
            return Response(201, {"id": number, "partial": self.partial(request)})
        if request.method == "POST" and request.path == "/crash":
            raise RuntimeError("the shelf broke")
        return Response(200, {"path": request.path, "padding": "x" * 200})

    def expire_token(self, request: Request) -> bool:
        return "authorization" in request.headers

    def over_quota(self, request: Request, which: str) -> Response | None:
        return None if request.path == "/login" else Response(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED" + which}])

    def act(self, order: dict[str, Any]) -> dict[str, Any]:
        if order["do"] != "create":
            raise Refused(f"cannot {order['do']}")
        self.effects.record(object="thing", id="1", by="person:1", fields={"name": order["name"]})
        return {"id": "1"}

    def deliveries(self) -> list[Delivery]:
        queued, self.queue = getattr(self, "queue", []), []
        return queued if self.webhooks.url else []


@pytest.fixture
def served() -> Iterator[Server]:
    server = serve(Shelf(origin=ORIGIN))
    yield server
    server.close()


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def switch(http: requests.Session, served: Server, **fault: Any) -> None:
    assert http.post(f"{served.url}/_emulator/faults", json=fault, timeout=5).status_code == 201


def effects(http: requests.Session, served: Server) -> list[dict[str, Any]]:
    text = http.get(f"{served.url}/_emulator/effects", timeout=5).text
    return [json.loads(line) for line in text.splitlines()]


def add(http: requests.Session, served: Server, name: str = "a") -> requests.Response:
    return http.post(f"{served.url}/things", json={"name": name}, timeout=5)


def test_a_status_fault_strikes_as_often_as_told_and_nothing_is_written(served: Server, http: requests.Session) -> None:
    switch(http, served, fault="status:503", method="POST", path="/things", times=2, seconds=7)
    assert [add(http, served).status_code for _ in range(3)] == [503, 503, 201]
    assert len(effects(http, served)) == 1
    assert http.get(f"{served.url}/things", timeout=5).status_code == 200


def test_a_status_fault_with_seconds_says_when_to_come_back(served: Server, http: requests.Session) -> None:
    switch(http, served, fault="status:429", times=1, seconds=7)
    assert add(http, served).headers["Retry-After"] == "7"


def test_a_path_filter_is_a_prefix_or_a_glob(served: Server, http: requests.Session) -> None:
    switch(http, served, fault="status:500", path="/a")
    switch(http, served, fault="status:502", path="*/deep/*")
    got = [http.get(served.url + path, timeout=5).status_code for path in ("/about", "/b", "/b/deep/c", "/b/deep")]
    assert got == [500, 200, 502, 200]


def test_a_reset_breaks_the_connection_before_anything_is_written(served: Server, http: requests.Session) -> None:
    switch(http, served, fault="reset", times=1)
    with pytest.raises(requests.ConnectionError):
        add(http, served)
    assert effects(http, served) == []
    assert add(http, served).status_code == 201


def test_a_dropped_response_has_taken_effect(served: Server, http: requests.Session) -> None:
    switch(http, served, fault="drop_response", method="POST", times=1)
    with pytest.raises(requests.ConnectionError):
        add(http, served, "lost answer")
    assert [line["fields"] for line in effects(http, served)] == [{"name": "lost answer"}]


def test_a_truncated_response_has_taken_effect(served: Server, http: requests.Session) -> None:
    switch(http, served, fault="truncate", times=1)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        add(http, served)
    assert len(effects(http, served)) == 1


def test_an_html_page_comes_where_json_was_due(served: Server, http: requests.Session) -> None:
    switch(http, served, fault="html", times=1)
    answer = add(http, served)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert effects(http, served) == []


def test_a_page_of_html_may_have_a_status(served: Server, http: requests.Session) -> None:
    http.post(served.url + "/_emulator/faults", json={"fault": "html:503", "times": 1})
    answer = http.get(served.url + "/things", timeout=5)
    assert (answer.status_code, answer.text[:15]) == (503, "<!DOCTYPE html>")


def test_a_dripping_body_outlasts_a_time_out_that_every_byte_starts_anew(
    served: Server, http: requests.Session
) -> None:
    http.post(served.url + "/_emulator/faults", json={"fault": "slow_body", "seconds": 0.2, "times": 1})
    began = time.monotonic()
    assert len(http.get(served.url + "/things", timeout=0.1).json()["padding"]) == 200
    assert time.monotonic() - began > 0.15


def test_latency_outlasts_a_client_that_will_not_wait(served: Server, http: requests.Session) -> None:
    switch(http, served, fault="latency", path="/slow", seconds=0.5)
    with pytest.raises(requests.ReadTimeout):
        http.get(f"{served.url}/slow", timeout=0.05)
    assert http.get(f"{served.url}/quick", timeout=5).status_code == 200


def test_quota_is_asked_of_the_vendor_and_not_spent_on_what_it_does_not_count(
    served: Server, http: requests.Session
) -> None:
    switch(http, served, fault="quota", times=1)
    assert http.post(f"{served.url}/login", timeout=5).status_code == 200
    assert add(http, served).json() == [{"errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    assert add(http, served).status_code == 201


def test_partial_is_kept_for_a_batch(served: Server, http: requests.Session) -> None:
    switch(http, served, fault="partial", times=1)
    http.get(f"{served.url}/other", timeout=5)
    assert [add(http, served).json()["partial"] for _ in range(2)] == [True, False]


def test_expire_token_waits_for_a_request_with_a_token(served: Server, http: requests.Session) -> None:
    switch(http, served, fault="expire_token", times=1)
    http.get(f"{served.url}/x", timeout=5)
    assert served.emulator.faults.list()[0]["struck"] == 0
    http.get(f"{served.url}/x", headers={"Authorization": "Bearer t"}, timeout=5)
    assert served.emulator.faults.list()[0]["struck"] == 1


def test_late_index_is_asked_by_object(served: Server, http: requests.Session) -> None:
    switch(http, served, fault="late_index", path="thing", times=1, seconds=300)
    assert [served.emulator.faults.index_delay(name) for name in ("other", "thing", "thing")] == [0.0, 300.0, 0.0]


def test_a_probability_uses_the_seed(http: requests.Session) -> None:
    runs = []
    for _ in range(2):
        server = serve(Shelf(seed=4, origin=ORIGIN))
        switch(http, server, fault="status:500", probability=0.5)
        runs.append([http.get(f"{server.url}/x", timeout=5).status_code for _ in range(20)])
        server.close()
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def test_faults_can_be_listed_and_cleared(served: Server, http: requests.Session) -> None:
    switch(http, served, fault="status:500")
    assert [fault["fault"] for fault in http.get(f"{served.url}/_emulator/faults", timeout=5).json()] == ["status:500"]
    http.delete(f"{served.url}/_emulator/faults", timeout=5)
    assert add(http, served).status_code == 201


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        ({"fault": "explode"}, "unknown fault 'explode'"),
        ({"fault": "status:abc"}, "names its status"),
        ({"fault": "latency"}, "latency needs seconds"),
        ({"fault": "reset", "probability": 2}, "between 0 and 1"),
        ({"fault": "reset", "often": 2}, "unknown key 'often'"),
    ],
)
def test_a_wrong_fault_is_refused_with_the_reason(
    served: Server, http: requests.Session, order: dict[str, Any], complaint: str
) -> None:
    answer = http.post(f"{served.url}/_emulator/faults", json=order, timeout=5)
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]


def test_requests_are_counted_by_method_and_path_without_ids(served: Server, http: requests.Session) -> None:
    for path in ("/crm/v3/objects/12345", "/crm/v3/objects/98765?x=1", "/crm/objects/2026-09/contacts"):
        http.get(served.url + path, timeout=5)
    add(http, served)
    assert http.get(f"{served.url}/_emulator/requests", timeout=5).json() == {
        "GET /crm/objects/2026-09/contacts": 1,
        "GET /crm/v3/objects/{id}": 2,
        "POST /things": 1,
    }
    http.delete(f"{served.url}/_emulator/requests", timeout=5)
    assert http.get(f"{served.url}/_emulator/requests", timeout=5).json() == {}


def test_effects_are_numbered_in_order_with_the_request_that_made_them(served: Server, http: requests.Session) -> None:
    http.get(f"{served.url}/x", timeout=5)
    add(http, served, "first")
    http.post(f"{served.url}/_emulator/act", json={"do": "create", "name": "by hand"}, timeout=5)
    api, person = effects(http, served)
    assert (api["n"], api["object"], api["by"], api["fields"]) == (1, "thing", "api:test", {"name": "first"})
    assert api["request"] == 2
    assert (person["n"], person["by"], person["request"]) == (2, "person:1", None)


def test_eight_clients_at_once_leave_a_complete_log(served: Server) -> None:
    def client() -> None:
        with requests.Session() as session:
            session.trust_env = False
            for _ in range(10):
                add(session, served)

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = served.emulator.effects.lines()
    assert [line["n"] for line in lines] == list(range(1, 81))
    assert len({line["request"] for line in lines}) == 80


def test_a_wrong_act_is_refused_with_the_reason(served: Server, http: requests.Session) -> None:
    answers = [
        http.post(f"{served.url}/_emulator/act", json=order, timeout=5)
        for order in ({"do": "dance"}, {"do": "create"}, ["do"])
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert [answer.json()["error"] for answer in answers] == [
        "cannot dance", "missing or unknown: name", "the body must be one JSON object",
    ]  # fmt: skip


def test_a_bug_of_the_emulator_is_answered_as_the_vendors_500(
    served: Server, http: requests.Session, caplog: pytest.LogCaptureFixture
) -> None:
    assert http.post(f"{served.url}/crash", timeout=5).status_code == 500
    assert "the shelf broke" in caplog.text


def test_the_clock_advances_and_the_date_header_follows_it(served: Server, http: requests.Session) -> None:
    before = served.emulator.clock.now_ms()
    http.post(f"{served.url}/_emulator/advance", json={"seconds": 3600}, timeout=5)
    assert served.emulator.clock.now_ms() - before >= 3_600_000
    now = http.get(f"{served.url}/_emulator/", timeout=5).json()["now"]
    date = http.get(f"{served.url}/x", timeout=5).headers["Date"]
    assert date[17:25] >= now[11:19]
    assert http.post(f"{served.url}/_emulator/advance", json={"seconds": -1}, timeout=5).status_code == 400


def test_a_chunked_body_is_read_whole(served: Server, http: requests.Session) -> None:
    http.post(f"{served.url}/things", data=iter([b'{"name":', b'"in parts"}']), timeout=5)
    assert effects(http, served)[0]["fields"] == {"name": "in parts"}


class Receiver:
    """Takes webhooks and answers what it is told to."""

    def __init__(self, statuses: list[int]) -> None:
        self.bodies: list[bytes] = []
        self.enough = threading.Event()
        self.wanted = len(statuses)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(statuses[min(len(receiver.bodies), len(statuses)) - 1])
                self.send_header("Content-Length", "0")
                self.end_headers()
                if len(receiver.bodies) >= receiver.wanted:
                    receiver.enough.set()

            def log_message(self, *args: Any) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/hook"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


def test_a_webhook_is_repeated_until_it_is_accepted(served: Server, http: requests.Session) -> None:
    receiver = Receiver([500, 503, 200])
    http.post(f"{served.url}/_emulator/webhooks", json={"url": receiver.url}, timeout=5)
    with served.emulator.lock:
        served.emulator.queue = [Delivery("POST", receiver.url, {}, b"hello", waits=(0.01, 0.01, 0.01))]
    assert receiver.enough.wait(5)
    receiver.close()
    assert receiver.bodies == [b"hello"] * 3


def test_a_webhook_is_doubled_or_dropped_on_request(served: Server, http: requests.Session) -> None:
    receiver = Receiver([200, 200])
    hooks = f"{served.url}/_emulator/webhooks"
    http.post(hooks, json={"url": receiver.url, "duplicate": True, "shuffle": True}, timeout=5)
    with served.emulator.lock:
        served.emulator.queue = [Delivery("POST", receiver.url, {}, b"twice")]
    assert receiver.enough.wait(5)
    http.post(hooks, json={"url": receiver.url, "drop": True}, timeout=5)
    with served.emulator.lock:
        served.emulator.queue = [Delivery("POST", receiver.url, {}, b"never")]
        served.emulator.webhooks.url = receiver.url
    while not http.get(hooks, timeout=5).json()["counts"]["dropped"]:
        pass
    receiver.close()
    assert receiver.bodies == [b"twice", b"twice"]


def test_webhooks_go_to_loopback_only(served: Server, http: requests.Session) -> None:
    answer = http.post(f"{served.url}/_emulator/webhooks", json={"url": "https://example.com/hook"}, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (400, "an emulator sends to loopback only")
