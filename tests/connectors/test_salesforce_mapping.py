"""Rows and what they mean: one sample a file, as Salesforce sends them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.base import Change
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.conversation import says_automatic
from connectors.salesforce.settings import SalesforceSettings
from sla.model import Event

SAMPLES = sorted((Path(__file__).parent / "salesforce_samples").glob("*.json"))
SETTINGS = {
    "connector": "salesforce",
    "domain": "acme.my",
    "client_id": "key",
    "client_secret": "secret",
    "automation_users": ["005000000000007"],
    "call_outcomes": {"had a chat": "connected"},
    "status": {"ticket": {"Ball is in your court": "pending"}},
    "priority": {"Blocker": "urgent"},
    "fields": {"tier": "Account.Tier__c"},
    "write": {
        kind: {"first_response_due": "SLA_First_Response_Due__c", "sla_status": "SLA_Status__c"}
        for kind in ("lead", "ticket")
    },
}


def connect(*wanted: str, **more: Any) -> SalesforceConnector:
    settings = SalesforceSettings.model_validate({**SETTINGS, **more})
    return SalesforceConnector("acme", settings, wanted=frozenset(wanted), clock=lambda: 0)


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(__file__).parent / "salesforce_samples" / f"{name}.json").read_text())
    return found


def change(stream: str, row: dict[str, Any]) -> Change:
    return Change(stream, "k", json.dumps(row).encode())


@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_a_row_means_what_its_sample_says(path: Path) -> None:
    given = json.loads(path.read_text())
    found = connect().normalise(change(given["stream"], given["row"]))
    assert found.events == [msgspec.convert(event, Event) for event in given["events"]], given["why"]
    if "observed" in given:
        assert found.observed is not None
        assert found.observed.values == given["observed"]
        assert found.observed.at == 1772461200000
    else:
        assert found.observed is None


def test_a_field_of_ours_that_the_row_does_not_show_is_not_observed() -> None:
    row = sample("lead_written_by_ourselves")["row"]
    row.pop("SLA_First_Response_Due__c")
    observed = connect().normalise(change("Lead", row)).observed
    assert observed is not None
    assert observed.values == {"sla_status": "running"}


def test_names_are_filled_only_when_a_policy_wants_them() -> None:
    row = sample("lead_from_the_web")["row"] | {"Name": "Ann Doe", "Company": "Doe Ltd", "Email": "ann@doe.test"}
    plain = connect().normalise(change("Lead", row)).events[1].set or {}
    asked = connect("name", "company").normalise(change("Lead", row)).events[1].set or {}
    assert not {"name", "company", "email"} & set(plain)
    assert (asked["name"], asked["company"]) == ("Ann Doe", "Doe Ltd")
    assert "email" not in asked


def test_the_settings_know_the_integration_user_before_the_first_login() -> None:
    row = sample("lead_written_by_ourselves")["row"]
    row.pop("_me")
    named = connect(integration_user="005000000000009")
    assert named.normalise(change("Lead", row)).events[1].actor is None
    assert connect().normalise(change("Lead", row)).events[1].actor == f"user:{row['LastModifiedById']}"


def test_a_field_can_be_filled_differently_by_kind() -> None:
    fields = {"fields": {"priority": {"lead": "Rating"}, "region": "Region__c"}, "priority": {"Hot": "urgent"}}
    row = sample("lead_from_the_web")["row"] | {"Rating": "Hot", "Region__c": "EMEA"}
    lead = connect(**fields).normalise(change("Lead", row)).events[1].set or {}
    assert (lead["priority"], lead["region"]) == ("urgent", "EMEA")
    case = connect(**fields).normalise(change("Case", sample("case_by_email")["row"])).events[1].set or {}
    assert (case["priority"], "region" in case) == ("high", False)


def test_two_states_of_one_second_are_two_events_in_the_order_of_reading() -> None:
    row = sample("lead_from_the_web")["row"]
    first = connect().normalise(change("Lead", row)).events[1]
    second = (
        connect().normalise(change("Lead", {**row, "Status": "Working", "_read_at": row["_read_at"] + 1})).events[1]
    )
    assert first.at == second.at
    assert first.id != second.id
    assert (first.seq or 0) < (second.seq or 0)


@pytest.mark.parametrize(
    "headers",
    [
        "From: a@b.test\nAuto-Submitted: auto-replied\nTo: c@d.test",
        "AUTO-SUBMITTED:auto-generated",
        "X-Autoreply: yes",
        "X-Auto-Reply: yes",
        "X-Autorespond: yes",
        "Precedence: auto_reply",
        "Subject: x\r\nPrecedence: bulk\r\n",
    ],
)
def test_headers_of_automatic_mail(headers: str) -> None:
    assert says_automatic(headers)


@pytest.mark.parametrize(
    "headers", ["", None, "Auto-Submitted: no", "Subject: Auto-Submitted: auto-replied", "Precedence: first-class"]
)
def test_headers_of_a_person_s_mail(headers: str | None) -> None:
    assert not says_automatic(headers)


@pytest.mark.parametrize("automatic", [True, False])
def test_an_answer_that_says_itself_that_a_machine_sent_it_is_nobody_s(automatic: bool) -> None:
    row = {"Id": "02s000000000001AAA", "ParentId": "500000000000001AAA", "Incoming": False, "Status": "3",
           "MessageDate": "2026-03-02T09:00:00.000+0000", "CreatedById": "005000000000009AAA"}  # fmt: skip
    [event] = connect().normalise(change("EmailMessage", {**row, "_automatic": automatic})).events
    assert (event.direction, event.automated) == ("outbound", automatic)
