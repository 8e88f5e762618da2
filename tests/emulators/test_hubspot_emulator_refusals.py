"""What the practice portal refuses, and what it lets pass where one would not expect it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from emulators.core import Server, serve
from emulators.hubspot import HubSpotEmulator

DAY_S = 86_400
KEY = {"name": "sla_key", "label": "SLA key", "groupName": "task", "type": "string", "fieldType": "text",
       "hasUniqueValue": True}  # fmt: skip


@pytest.fixture
def crm() -> Iterator[Server]:
    server = serve(HubSpotEmulator(seed=5))
    yield server
    server.close()


class Caller:
    """A client by one token."""

    def __init__(self, crm: Server, token: str | None = None) -> None:
        self._crm = crm
        self.token = token or crm.emulator.credentials()["access_token"]

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.request(method, self._crm.url + path, json=body, headers=headers, timeout=5)

    def act(self, do: str, **order: Any) -> dict[str, Any]:
        return self._crm.emulator.act({"do": do, **order})

    def ticket(self, **fields: Any) -> str:
        return str(self.act("create", object="tickets", fields={"subject": "Help", **fields})["id"])


@pytest.fixture
def call(crm: Server) -> Caller:
    return Caller(crm)


def login(crm: Server, **more: str) -> requests.Response:
    given = crm.emulator.credentials()
    form = {name: given[name] for name in ("client_id", "client_secret", "refresh_token")} | more
    return requests.post(f"{crm.url}/oauth/2026-09/token", data={"grant_type": "refresh_token", **form}, timeout=5)


# ---- tokens


def test_a_rotated_refresh_token_ends_the_one_before(crm: Server, call: Caller) -> None:
    call.act("settings", rotate_refresh_token=True)
    before = crm.emulator.credentials()["refresh_token"]
    told = login(crm).json()["refresh_token"]
    assert told == crm.emulator.credentials()["refresh_token"] != before
    refused = login(crm, refresh_token=before)
    assert (refused.status_code, refused.json()["error"], refused.json()["status"]) == (
        400, "invalid_grant", "BAD_REFRESH_TOKEN",
    )  # fmt: skip


def test_an_app_that_is_uninstalled_ends_its_tokens_and_no_key(crm: Server, call: Caller) -> None:
    token = login(crm).json()["access_token"]
    before = crm.emulator.credentials()["refresh_token"]
    call.act("uninstall_app")
    assert Caller(crm, token)("GET", "/crm/owners/2026-09").status_code == 401
    assert login(crm, refresh_token=before).status_code == 400
    assert call("GET", "/crm/owners/2026-09").status_code == 200


def test_a_rotated_key_lives_for_seven_days_more(crm: Server, call: Caller) -> None:
    newer = Caller(crm, call.act("rotate_key")["access_token"])
    crm.emulator.clock.advance(7 * DAY_S - 60)
    assert call("GET", "/crm/owners/2026-09").status_code == 200
    crm.emulator.clock.advance(120)
    assert call("GET", "/crm/owners/2026-09").status_code == 401
    assert newer("GET", "/crm/owners/2026-09").status_code == 200


def test_a_key_that_leaked_ends_now(crm: Server, call: Caller) -> None:
    call.act("rotate_key", now=True)
    assert call("GET", "/crm/owners/2026-09").status_code == 401


def test_each_client_has_scopes_of_its_own(crm: Server, call: Caller) -> None:
    call.act("settings", missing_scopes_of={"oauth-app": ["tickets"]})
    app = Caller(crm, login(crm).json()["access_token"])
    refused = app("GET", "/crm/objects/2026-09/tickets")
    assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")
    assert call("GET", "/crm/objects/2026-09/tickets").status_code == 200


# ---- quota


def test_a_refusal_by_quota_may_leave_out_its_policy(crm: Server, call: Caller) -> None:
    call.act("settings", terse_429=True)
    crm.emulator.faults.add({"fault": "quota"})
    told = call("GET", "/crm/owners/2026-09")
    assert (told.status_code, told.json()["message"]) == (429, "You have reached your daily limit.")
    assert "policyName" not in told.json()
    assert told.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "0"


@pytest.mark.parametrize(
    ("status", "category"), [(423, "LOCKED"), (477, "MIGRATION_IN_PROGRESS"), (502, None), (504, None), (524, None)]
)
def test_faults_answer_as_the_api_or_as_the_proxy_before_it(
    crm: Server, call: Caller, status: int, category: str | None
) -> None:
    crm.emulator.faults.add({"fault": f"status:{status}", "seconds": 3})
    told = call("GET", "/crm/owners/2026-09")
    assert (told.status_code, told.headers["Retry-After"]) == (status, "3")
    assert told.text.startswith("<html>") if category is None else told.json()["category"] == category


# ---- unique values


def task(key: str, **more: Any) -> dict[str, Any]:
    return {"properties": {"hs_task_subject": "Call", "hs_timestamp": "1", "sla_key": key, **more}}


def test_a_second_holder_of_a_unique_value_is_refused_alone_where_rows_are_traced(call: Caller) -> None:
    call("POST", "/crm/properties/2026-09/tasks", KEY)
    path = "/crm/objects/2026-09/tasks/batch/create"
    assert call("POST", path, {"inputs": [task("a")]}).status_code == 201
    inputs = [task("a") | {"objectWriteTraceId": "1"}, task("b") | {"objectWriteTraceId": "2"}]
    told = call("POST", path, {"inputs": inputs})
    assert (told.status_code, told.json()["numErrors"]) == (201, 1)
    (error,) = told.json()["errors"]
    assert (error["category"], error["errors"][0]["code"]) == ("VALIDATION_ERROR", "CONFLICTING_UNIQUE_VALUE")
    assert error["context"]["objectWriteTraceId"] == ["1"]


def test_a_record_is_read_and_changed_by_its_unique_value(call: Caller) -> None:
    call("POST", "/crm/properties/2026-09/tasks", KEY)
    made = call("POST", "/crm/objects/2026-09/tasks", task("a")).json()["id"]
    asked = {"inputs": [{"id": "a"}, {"id": "b"}], "idProperty": "sla_key", "properties": ["sla_key"]}
    read = call("POST", "/crm/objects/2026-09/tasks/batch/read", asked).json()
    assert [row["id"] for row in read["results"]] == [made]
    assert read["numErrors"] == 1
    wrong = asked | {"idProperty": "hs_task_subject"}
    assert call("POST", "/crm/objects/2026-09/tasks/batch/read", wrong).status_code == 400


def test_an_upsert_opens_a_completed_task_again_and_links_nothing(crm: Server, call: Caller) -> None:
    call("POST", "/crm/properties/2026-09/tasks", KEY)
    ticket = call.ticket()
    made = call("POST", "/crm/objects/2026-09/tasks", task("a", hs_task_status="COMPLETED")).json()["id"]
    to = [{"to": {"id": ticket}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 230}]}]
    wanted = {"id": "a", "idProperty": "sla_key", "properties": {"hs_task_status": "NOT_STARTED"}, "associations": to}
    (row,) = call("POST", "/crm/objects/2026-09/tasks/batch/upsert", {"inputs": [wanted]}).json()["results"]
    assert (row["id"], row["new"], row["properties"]["hs_task_status"]) == (made, False, "NOT_STARTED")
    record = crm.emulator.portal.shelves["tickets"].find(ticket)  # type: ignore[attr-defined]
    assert crm.emulator.portal.linked(record, "tasks") == []  # type: ignore[attr-defined]


# ---- rules


@pytest.mark.parametrize(("version", "status"), [("2026-03", 200), ("2026-09", 400)])
def test_a_conditional_requirement_holds_for_the_api_from_2026_09_on(call: Caller, version: str, status: int) -> None:
    call.act(
        "settings",
        required_rule={"object": "tickets", "property": "hs_resolution", "when": "hs_ticket_priority", "is": "URGENT"},
    )
    ticket = call.ticket(hs_ticket_priority="URGENT")
    path = f"/crm/objects/{version}/tickets/{ticket}"
    assert call("PATCH", path, {"properties": {"sla_status": "met"}}).status_code == status
    whole = {"sla_status": "met", "hs_resolution": "ISSUE_FIXED"}
    assert call("PATCH", path, {"properties": whole}).status_code == 200
    assert call("PATCH", path, {"properties": {"hs_ticket_priority": "LOW", "hs_resolution": ""}}).status_code == 200
