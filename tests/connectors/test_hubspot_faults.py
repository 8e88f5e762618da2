"""Every code that HubSpot is known to send, as a whole answer, as a row of a batch, and over HTTP."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hubspot_samples.desk import Desk, answering, order

from connectors.base import Receipt
from connectors.errors import AuthFailed, Conflict, RateLimited, Rejected, RetryLater
from connectors.hubspot.answers import receipt, row_error, understand
from connectors.hubspot.faults import RULES
from connectors.hubspot.shapes import Failed

NOON = 1_772_452_800_000  # 2026-03-02T12:00:00Z
KINDS = {"stop": AuthFailed, "quota": RateLimited, "retry": RetryLater, "conflict": Conflict, "reject": Rejected}
OUTCOMES = {"stop": "retry", "quota": "retry", "retry": "retry", "conflict": "conflict", "reject": "rejected"}

# code, status, verdict, least wait: as the fact sheets have them, and not as the table under test says.
FACTS = [
    ("PROPERTY_DOESNT_EXIST", 400, "reject", None),
    ("INVALID_OPTION", 400, "reject", None),
    ("READ_ONLY_VALUE", 400, "reject", None),
    ("INVALID_OWNER_ID", 400, "reject", None),
    ("INVALID_DATE", 400, "reject", None),
    ("INVALID_LONG", 400, "reject", None),
    ("INVALID_INTEGER", 400, "reject", None),
    ("INVALID_BOOLEAN", 400, "reject", None),
    ("INVALID_ALPHA", 400, "reject", None),  # an administrator's rule has a code of its own kind
    ("VALIDATION_RULE_VIOLATION", 400, "reject", None),
    ("MISSING_REQUIRED_PROPERTY", 400, "reject", None),
    ("CONFLICTING_UNIQUE_VALUE", 400, "reject", None),
    ("VALIDATION_ERROR", 400, "reject", None),
    ("INVALID_AUTHENTICATION", 401, "stop", None),
    ("EXPIRED_AUTHENTICATION", 401, "stop", None),
    ("MISSING_SCOPES", 403, "stop", None),
    ("FORBIDDEN", 403, "stop", None),
    ("OBJECT_NOT_FOUND", 404, "reject", None),
    ("CONFLICT", 409, "conflict", None),
    ("OBJECT_ALREADY_EXISTS", 409, "conflict", None),
    ("LOCKED", 423, "retry", 5.0),
    ("SECONDLY", 429, "quota", 1.0),
    ("TEN_SECONDLY_ROLLING", 429, "quota", 10.0),
    ("DAILY", 429, "quota", 43_200.0),
    ("RATE_LIMITS", 429, "quota", 10.0),
    ("MIGRATION_IN_PROGRESS", 477, "retry", 60.0),
    ("INTERNAL_ERROR", 500, "retry", None),
    ("INTERNAL_ERROR", 502, "retry", None),
    ("SERVICE_UNAVAILABLE", 503, "retry", None),
    ("TIMEOUT", 504, "retry", None),
    ("TIMEOUT", 524, "retry", None),
]
POLICIES = ("SECONDLY", "TEN_SECONDLY_ROLLING", "DAILY")


def body(code: str, status: int) -> dict[str, object]:
    """The error body that carries a code: as a detail, as a policy, or as its category."""
    if status == 400 and code != "VALIDATION_ERROR":
        detail = {"message": "secret value was not valid", "code": code, "context": {"propertyName": ["sla_due"]}}
        return {"category": "VALIDATION_ERROR", "message": "Property values were not valid", "errors": [detail]}
    if code in POLICIES:
        return {"category": "RATE_LIMITS", "policyName": code, "message": "secret value"}
    return {"category": code, "message": "secret value"}


@pytest.mark.parametrize(("code", "status", "verdict", "after"), FACTS)
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "90000"}])
def test_a_code_means_the_same_as_an_answer(
    code: str, status: int, verdict: str, after: float | None, headers: dict[str, str]
) -> None:
    content = json.dumps(body(code, status)).encode()
    found = understand(status, content, headers, now=NOON, zone="UTC", write=True)
    assert type(found) is KINDS[verdict] or (verdict == "reject" and isinstance(found, Rejected))
    assert "secret" not in found.reason
    if isinstance(found, RetryLater):
        assert found.after == (90_000.0 if headers else after)
        assert found.unknown is (status >= 500)


@pytest.mark.parametrize(("code", "status", "verdict", "after"), FACTS)
def test_a_code_means_the_same_as_a_row(code: str, status: int, verdict: str, after: float | None) -> None:
    said = body(code, status)
    category = "RATE_LIMITS" if code in POLICIES else str(said["category"])
    message = f"You have reached your {code.lower()} limit." if code in POLICIES else str(said["message"])
    failed = Failed(category, message, errors=said.get("errors", []))  # type: ignore[arg-type]
    told = receipt("k", row_error(failed, now=NOON, zone="UTC"))
    assert told.outcome == OUTCOMES[verdict]
    if after is not None:
        assert told.after == after
    assert told.unknown is (status >= 500)
    assert "secret" not in (told.reason or "")


@pytest.mark.parametrize("verdict", list(KINDS))
def test_every_line_of_the_table_is_tried_here(verdict: str) -> None:
    tried = {code for code, _, told, _ in FACTS if told == verdict}
    ours = {"INACTIVE_OWNER"}
    assert {code for code, rule in RULES.items() if rule.verdict == verdict} - ours <= tried


def test_the_documentation_names_every_code_with_its_verdict() -> None:
    page = (Path(__file__).parents[2] / "docs" / "hubspot.md").read_text()
    section = page.partition("\n## Errors\n")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0] in KINDS:
            found |= dict.fromkeys(re.findall(r"`([A-Z_]+)`", cells[1]), cells[0])
    assert found == {code: rule.verdict for code, rule in RULES.items()}


@pytest.mark.parametrize("message", ["You have reached your daily limit.", "You have reached your DAILY limit"])
def test_a_policy_that_only_the_message_names_counts(message: str) -> None:
    found = understand(429, json.dumps({"message": message}).encode(), {}, now=NOON, zone="UTC")
    assert (found.code, found.after) == ("DAILY", 43_200.0)  # type: ignore[attr-defined]


def test_a_policy_that_is_none_is_the_usual_one() -> None:
    found = understand(429, json.dumps({"policyName": "CONFLICT"}).encode(), {}, now=NOON)
    assert (type(found), found.code) == (RateLimited, "429")


@pytest.mark.parametrize(("category", "code"), [("RATE_LIMITS", "401"), ("SOMETHING_NEW", "401"), ("", "401")])
def test_a_category_that_contradicts_its_status_is_not_believed(category: str, code: str) -> None:
    found = understand(401, json.dumps({"category": category}).encode(), {}, now=NOON)
    assert (type(found), found.code) == (AuthFailed, code)


def test_what_stands_in_the_way_is_told_by_its_id() -> None:
    said = {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 4711"}
    found = understand(409, json.dumps(said).encode(), {}, now=NOON)
    assert (type(found), found.reason) == (Conflict, "another object stands against it: 4711")


@pytest.mark.parametrize(("told", "wait"), [(None, 60.0), ("10", 10.0), ("120", 120.0)])
def test_a_migration_lasts_as_long_as_hubspot_says(told: str | None, wait: float) -> None:
    found = understand(477, b"", {"Retry-After": told} if told else {}, now=NOON)
    assert isinstance(found, RetryLater)
    assert found.after == wait


def test_a_refusal_has_its_next_step() -> None:
    said = body("INVALID_OWNER_ID", 400)
    assert understand(400, json.dumps(said).encode(), {}, now=NOON).fix == "take them out of the pool"
    for code, rule in RULES.items():
        if rule.verdict == "stop" and code != "FORBIDDEN":
            assert rule.fix


# ---- over HTTP


def wrote(desk: Desk, *tickets: str) -> dict[str, Receipt]:
    orders = [order("fields", f"acme:ticket:{one}", one, values={"sla_status": "met"}) for one in tickets]
    return {found.key: found for found in desk.connector.write(orders)}


def test_an_administrators_requirement_costs_one_record_alone() -> None:
    with Desk(objects=("tickets",)) as desk:
        rule = {"object": "tickets", "property": "hs_resolution", "when": "hs_ticket_priority", "is": "URGENT"}
        desk.act("settings", required_rule=rule)
        good, bad = desk.ticket(), desk.ticket(hs_ticket_priority="URGENT")
        found = wrote(desk, good, bad)
        assert {key: one.outcome for key, one in found.items()} == {good: "done", bad: "rejected"}
        assert found[bad].reason == "HubSpot refused the values: hs_resolution MISSING_REQUIRED_PROPERTY"


def test_before_2026_09_such_a_requirement_is_for_people_only() -> None:
    with Desk(objects=("tickets",), api_version="2026-03") as desk:
        rule = {"object": "tickets", "property": "hs_resolution", "when": "hs_ticket_priority", "is": "URGENT"}
        desk.act("settings", required_rule=rule)
        ticket = desk.ticket(hs_ticket_priority="URGENT")
        assert wrote(desk, ticket)[ticket].outcome == "done"


def test_a_property_of_hubspots_own_is_refused_for_its_record() -> None:
    with Desk(objects=("tickets",), write={"ticket": {"sla_status": "hs_is_closed"}}) as desk:
        ticket = desk.ticket()
        found = wrote(desk, ticket)[ticket]
        assert (found.outcome, found.code) == ("rejected", "READ_ONLY_VALUE")


@pytest.mark.parametrize("terse", [False, True])
@pytest.mark.parametrize(
    ("fault", "code", "after"), [("status:429", "TEN_SECONDLY_ROLLING", 10.0), ("quota", "DAILY", None)]
)
def test_a_quota_is_known_with_and_without_its_policy(fault: str, code: str, after: float | None, terse: bool) -> None:
    with Desk(objects=("tickets",)) as desk:
        ticket = desk.ticket()
        desk.connector.check()
        desk.act("settings", terse_429=terse)
        desk.fault(fault, path="*/batch/update")
        with pytest.raises(RateLimited) as refused:
            wrote(desk, ticket)
        assert refused.value.code == code
        assert after in (None, refused.value.after)


def test_a_success_that_counts_errors_without_naming_rows_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    with Desk(objects=("tickets",)) as desk:
        tickets = [desk.ticket() for _ in range(2)]
        error = {"status": "error", "category": "VALIDATION_ERROR", "message": "no", "context": {}}
        said = {"status": "COMPLETE", "results": [], "numErrors": 2, "errors": [error]}
        monkeypatch.setattr(desk.emulator, "answer", lambda _request: answering(200, said))
        assert {one.outcome for one in wrote(desk, *tickets).values()} == {"rejected"}
