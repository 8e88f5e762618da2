"""``check`` against a portal over HTTP: every problem is found and says the next step."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hubspot_samples.desk import Desk

from connectors.base import Finding
from connectors.hubspot import HubSpotConnector
from connectors.hubspot.checking import _version
from connectors.secret import Secret


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(records=10) as desk:
        yield desk


def problems(connector: HubSpotConnector) -> dict[str, Finding]:
    found = {finding.subject: finding for finding in connector.check() if finding.level != "ok"}
    connector.close()
    return found


def test_a_good_connection_has_nothing_to_say(desk: Desk) -> None:
    findings = desk.connector.check()
    assert {finding.level for finding in findings} == {"ok"}
    told = {finding.subject: finding.message for finding in findings}
    assert told["login"] == f"portal {desk.emulator.portal.id}, time zone UTC"
    assert told["tickets pipeline"] == (
        "Support Pipeline: New = new, Waiting on us = open, Waiting on contact = pending, "
        "Waiting on third party = on_hold, Closed = closed"
    )
    assert told["owners"] == "4 people, 1 queues, 0 deactivated"
    assert told["write.ticket.sla_due"] == "sla_due (datetime)"


def test_checking_writes_nothing_and_takes_no_search_from_the_daemon(desk: Desk) -> None:
    desk.calls()
    desk.connector.check()
    asked = [call for call in desk.calls() if not call.startswith("GET ")]
    assert asked == ["POST /oauth/v2/private-apps/get/access-token-info"]
    assert desk.effects() == []


def test_scopes_that_only_a_write_would_miss_are_named_before_it(desk: Desk) -> None:
    desk.emulator.auth.withheld["private-app"] = {"crm.objects.contacts.write"}
    found = problems(desk.connector)
    assert list(found) == ["scopes"]
    assert (found["scopes"].level, found["scopes"].message) == (
        "fail", "missing: crm.objects.contacts.write (writing contacts)",
    )  # fmt: skip


def test_scopes_that_nothing_needs_are_too_many(desk: Desk) -> None:
    desk.emulator.auth.scopes |= {"automation", "crm.export"}
    found = problems(desk.connector)
    assert found["scopes"].message == "more than is needed: automation, crm.export"


def test_a_key_that_hubspot_tells_nothing_of_is_judged_by_what_it_reads(desk: Desk) -> None:
    desk.emulator.faults.add({"fault": "status:404", "path": "/oauth/v2"})
    findings = desk.connector.check()
    assert {one.level for one in findings} == {"ok"}
    assert "scopes" not in {one.subject for one in findings}


def test_a_refused_token_is_the_only_finding(desk: Desk) -> None:
    findings = desk.connect(access_token=Secret("pat-eu1-wrong")).check()
    assert [(finding.level, finding.subject) for finding in findings] == [("fail", "login")]
    assert findings[0].fix is not None
    assert "access_token" in findings[0].fix
    assert not findings[0].unreachable


def test_a_portal_out_of_reach_is_unreachable(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (finding,) = desk.connect(url=f"http://127.0.0.1:{port}").check()
    assert (finding.level, finding.unreachable) == ("fail", True)


def test_a_missing_scope_is_named_and_the_rest_is_still_checked(desk: Desk) -> None:
    desk.act("settings", missing_scopes=["tickets", "crm.objects.owners.read"])
    found = problems(desk.connect())
    assert found["tickets"].fix == "add the scope tickets to the service key or private app"
    assert "crm.objects.owners.read" in found["owners"].message
    assert "contacts" not in found


def test_a_missing_property_to_write_says_how_to_make_it(desk: Desk) -> None:
    found = problems(desk.connect(write={"ticket": {"sla_due": "sla_nowhere"}}))
    finding = found["write.ticket.sla_due"]
    assert (finding.level, finding.message) == ("fail", "tickets has no property sla_nowhere")
    assert finding.fix is not None
    assert "datetime" in finding.fix


def test_a_property_that_cannot_be_written_is_found(desk: Desk) -> None:
    found = problems(desk.connect(write={"ticket": {"sla_due": "hs_time_to_close_sla_at", "next_due": "subject"}}))
    assert found["write.ticket.sla_due"].message == "hs_time_to_close_sla_at is read-only in HubSpot"
    assert found["write.ticket.next_due"].message == "subject has the type string, which holds no instant"


def test_a_status_that_no_pipeline_has_says_what_was_meant(desk: Desk) -> None:
    found = problems(desk.connect(status={"ticket": {"Waiting on contract": "pending", "closed": "resolved"}}))
    assert found["status.ticket"].message == "this portal has no 'Waiting on contract'"
    assert found["status.ticket"].fix == 'did you mean "Waiting on contact"?'


def test_a_lead_status_that_is_no_option_is_found(desk: Desk) -> None:
    found = problems(desk.connect(status={"lead": {"NEWISH": "new"}}))
    assert found["status.lead"].fix == 'did you mean "NEW"?'


def test_fields_that_policies_name_must_come_from_somewhere(desk: Desk) -> None:
    found = problems(desk.connect(wanted=("tier", "country", "source", "name"), fields={"tier": "teir"}))
    assert found["fields.tier"].message == "this portal has no 'teir'"
    assert "policies name 'country', which no property of tickets gives" in found["fields.country"].message
    assert "fields.name" not in found
    assert "fields.source" not in found


def test_a_token_of_another_portal_is_found(desk: Desk) -> None:
    found = problems(desk.connect(portal_id=4))
    assert found["portal_id"].level == "fail"


def test_a_wrong_clock_is_found(desk: Desk) -> None:
    connector = desk.connect()
    connector._api._clock = lambda: desk.now - 600_000
    found = problems(connector)
    assert found["clock"].message in (f"this machine's clock is {seconds} s behind HubSpot's" for seconds in (599, 600))


@pytest.mark.parametrize(
    ("version", "day", "level"),
    [("v3", "2026-11-21", "warn"), ("v3", "2027-04-01", "fail"), ("2026-09", "2026-11-21", "ok"),
     ("2026-09", "2028-01-01", "warn")],
)  # fmt: skip
def test_the_end_of_an_api_version_is_told_in_time(version: str, day: str, level: str) -> None:
    now = {"2026-11-21": 1_795_219_200_000, "2027-04-01": 1_806_537_600_000, "2028-01-01": 1_830_297_600_000}[day]
    assert _version(version, now).level == level


def test_one_fault_does_not_silence_the_other_questions(desk: Desk) -> None:
    desk.fault("status:500", path="*/pipelines/*")
    found = problems(desk.connect())
    assert found["statuses"].level == "fail"
    assert "owners" not in found
