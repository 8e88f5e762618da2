"""What e-mails, calls and meetings mean, without any HubSpot."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hubspot_samples.desk import sample

from connectors.hubspot import names
from connectors.hubspot.answering import DISPOSITION, normalise
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.names import ObjectType
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.shapes import Envelope
from connectors.secret import Secret
from sla.model import Event

MAPPER = Mapper(
    "acme", HubSpotSettings.model_validate({"connector": "hubspot", "access_token": Secret("x")}), frozenset()
)
AT = "2026-03-02T14:21:00Z"
AT_MS = 1_772_461_260_000
GUID = {word: guid for guid, word in DISPOSITION.items()}


def events(
    of: ObjectType, owner: str | None = "user:5", parents: Any = (("tickets", "7"),), **values: Any
) -> list[Event]:
    row = {"id": "900", "properties": {"hs_timestamp": AT, "hs_lastmodifieddate": AT, **values}}
    envelope = Envelope(msgspec.Raw(msgspec.json.encode(row)), owner=owner, parents=list(parents))
    return normalise(MAPPER, of, msgspec.json.encode(envelope)).events


def one(of: ObjectType, **values: Any) -> Event:
    (found,) = events(of, **values)
    return found


def test_a_sent_email_is_an_outbound_message_on_each_of_its_records() -> None:
    envelope = Envelope(
        msgspec.Raw(sample("email.json")), owner="user:89779390", parents=[("contacts", "51"), ("tickets", "7")]
    )
    found = normalise(MAPPER, names.EMAILS, msgspec.json.encode(envelope)).events
    assert [event.record for event in found] == ["acme:lead:51", "acme:ticket:7"]
    assert found[1] == Event(
        record="acme:ticket:7", at=AT_MS, id="email:900", event="message", actor="user:89779390", direction="outbound",
        channel="email",
    )  # fmt: skip


def test_an_incoming_email_is_the_customers() -> None:
    parents = (("contacts", "51"), ("tickets", "7"))
    found = events(names.EMAILS, parents=parents, hs_email_direction="INCOMING_EMAIL", hs_email_status=None)
    assert {event.actor for event in found} == {"customer:51"}
    assert {event.direction for event in found} == {"inbound"}
    assert one(names.EMAILS, hs_email_direction="INCOMING_EMAIL").actor == "customer:unknown"


@pytest.mark.parametrize("status", ["SCHEDULED", "SENDING", "FAILED", "BOUNCED"])
def test_an_email_that_reached_nobody_says_nothing(status: str) -> None:
    assert events(names.EMAILS, hs_email_direction="EMAIL", hs_email_status=status) == []


def test_a_forwarded_email_says_nothing() -> None:
    assert events(names.EMAILS, hs_email_direction="FORWARDED_EMAIL", hs_email_status="SENT") == []


@pytest.mark.parametrize(
    ("values", "automated"),
    [({}, False), ({"hs_object_source": "CRM_UI"}, False), ({"hs_object_source": "AUTOMATION_PLATFORM"}, True),
     ({"hs_object_source": "SEQUENCES"}, True), ({"hs_sequence_id": "12"}, True)],
)  # fmt: skip
def test_workflows_and_sequences_write_automatically(values: dict[str, str], automated: bool) -> None:
    found = one(names.EMAILS, hs_email_direction="EMAIL", hs_email_status="SENT", **values)
    assert found.automated is automated


@pytest.mark.parametrize(
    ("status", "disposition", "outcome"),
    [("COMPLETED", GUID["connected"], "connected"), ("COMPLETED", GUID["left_voicemail"], "left_voicemail"),
     ("COMPLETED", GUID["left_live_message"], "left_live_message"), ("COMPLETED", None, "completed"),
     ("COMPLETED", "11111111-2222-3333-4444-555555555555", "completed"), ("NO_ANSWER", None, "no_answer"),
     ("BUSY", GUID["busy"], "busy"), ("FAILED", None, "failed"), ("CANCELED", None, "canceled"),
     ("NO_ANSWER", GUID["no_answer"].upper(), "no_answer")],
)  # fmt: skip
def test_a_call_has_its_outcome(status: str, disposition: str | None, outcome: str) -> None:
    found = one(names.CALLS, hs_call_direction="OUTBOUND", hs_call_status=status, hs_call_disposition=disposition)
    assert (found.event, found.activity, found.outcome) == ("activity", "call", outcome)
    assert (found.actor, found.id) == ("user:5", f"call:900:{outcome}")


def test_a_call_of_which_nothing_is_known_is_a_call() -> None:
    found = one(names.CALLS)
    assert (found.id, found.outcome) == ("call:900", None)


@pytest.mark.parametrize("status", ["QUEUED", "RINGING", "CONNECTING", "CALLING_CRM_USER", "IN_PROGRESS"])
def test_a_call_that_is_still_going_on_says_nothing_yet(status: str) -> None:
    assert events(names.CALLS, hs_call_status=status) == []


@pytest.mark.parametrize("status", ["MISSED", "NO_ANSWER", "BUSY"])
def test_a_customers_call_that_nobody_took_is_a_customers_message(status: str) -> None:
    found = one(names.CALLS, hs_call_direction="INBOUND", hs_call_status=status)
    assert (found.event, found.direction, found.channel) == ("message", "inbound", "phone")


def test_a_customers_call_that_somebody_took_is_a_call() -> None:
    assert one(names.CALLS, hs_call_direction="INBOUND", hs_call_status="COMPLETED").activity == "call"


@pytest.mark.parametrize(
    ("outcome", "word"), [("COMPLETED", "completed"), ("NO_SHOW", "no_show"), ("CANCELED", "canceled")]
)
def test_a_meeting_counts_from_its_start(outcome: str, word: str) -> None:
    found = one(names.MEETINGS, hs_meeting_outcome=outcome, hs_meeting_start_time="2026-03-02T16:00:00Z")
    assert (found.activity, found.outcome, found.at) == ("meeting", word, 1_772_467_200_000)


def test_a_meeting_still_to_come_says_nothing() -> None:
    assert events(names.MEETINGS, hs_meeting_outcome="SCHEDULED") == []
    assert events(names.MEETINGS, hs_meeting_start_time="2026-03-09T10:00:00Z") == []


def test_a_meeting_logged_afterwards_without_an_outcome_took_place() -> None:
    found = one(names.MEETINGS, hs_meeting_start_time="2026-03-02T10:00:00Z")
    assert (found.id, found.outcome) == ("meeting:900", None)


def test_engagements_on_other_objects_and_archived_ones_say_nothing() -> None:
    assert events(names.CALLS, parents=[("companies", "1")], hs_call_status="COMPLETED") == []
    row = msgspec.Raw(b'{"id":"1","archived":true,"properties":{"hs_timestamp":"2026-03-02T14:21:00Z"}}')
    payload = msgspec.json.encode(Envelope(row, parents=[("tickets", "7")]))
    assert normalise(MAPPER, names.CALLS, payload).events == []
