"""What a row of HubSpot means, without any HubSpot: samples in, events out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hubspot_samples.desk import WRITE, sample

from connectors.hubspot import names
from connectors.hubspot.mapping import Mapper, encode, same
from connectors.hubspot.names import ObjectType
from connectors.hubspot.portal import read_stages
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.shapes import Envelope, Pipeline, Pipelines, PipelineStage, Stage, instant, iso
from connectors.secret import Secret
from sla.model import Event

WAITING = Stage("2", "Waiting on contact", "Support Pipeline", "0")
CREATED = 1_772_460_300_120  # 2026-03-02T14:05:00.120Z


def mapper(*wanted: str, **given: Any) -> Mapper:
    settings = HubSpotSettings.model_validate({"connector": "hubspot", "access_token": Secret("x"), **given})
    return Mapper("acme", settings, frozenset(wanted))


def ticket(of: Mapper | None = None, stage: Stage | None = WAITING, **envelope: Any) -> list[Event]:
    told = Envelope(msgspec.Raw(sample("ticket.json")), stage, "user:89779390", editor="user:5")
    return (
        (of or mapper()).normalise(names.TICKETS, msgspec.json.encode(msgspec.structs.replace(told, **envelope))).events
    )


def by_id(events: list[Event]) -> dict[str, Event]:
    return {event.id: event for event in events}


def test_a_ticket_is_born_and_looks_like_this() -> None:
    events = by_id(ticket())
    assert events["created"] == Event(
        record="acme:ticket:2574114363", at=CREATED, id="created", event="created", kind="ticket", set={}
    )
    assert events["s:1772469600500"] == Event(
        record="acme:ticket:2574114363", at=1_772_469_600_500, id="s:1772469600500", event="changed", kind="ticket",
        actor="user:5", snapshot=True,
        set={"status": "pending", "raw_status": "Support Pipeline/Waiting on contact", "owner": "user:89779390",
             "priority": "normal", "source": "EMAIL", "channel": "email"},
    )  # fmt: skip


def test_what_hubspot_dates_itself_is_dated_so() -> None:
    events = by_id(ticket())
    stage, owner = events["stage:1772463600000"], events["owner:1772460600000"]
    assert (stage.at, stage.snapshot) == (1_772_463_600_000, False)
    assert stage.set == {"status": "pending", "raw_status": "Support Pipeline/Waiting on contact"}
    assert (owner.at, owner.set) == (1_772_460_600_000, {"owner": "user:89779390"})


def test_a_ticket_tells_the_customers_last_message_and_the_first_agents() -> None:
    events = by_id(ticket())
    assert events["in:1772469598000"].direction == "inbound"
    assert events["in:1772469598000"].actor == "customer:unknown"
    assert events["out:1772461260000"].direction == "outbound"
    assert events["out:1772461260000"].actor is None


def test_neither_subject_nor_name_is_kept_unless_a_policy_names_it() -> None:
    assert "name" not in by_id(ticket())["s:1772469600500"].set  # type: ignore[operator]
    assert "subject" not in mapper().properties["tickets"]
    assert by_id(ticket(mapper("name")))["s:1772469600500"].set["name"] == "Printer on fire"  # type: ignore[index]
    assert not {"firstname", "lastname", "email"} & set(mapper().properties["contacts"])


def test_our_own_fields_are_observed_and_are_no_events() -> None:
    of = mapper(write={"ticket": WRITE})
    found = of.normalise(names.TICKETS, msgspec.json.encode(Envelope(msgspec.Raw(sample("ticket.json")), WAITING)))
    assert found.observed is not None
    assert found.observed.record == "acme:ticket:2574114363"
    assert found.observed.values == {
        "first_response_due": None, "first_response_status": None,
        "sla_due": 1_772_546_700_000, "sla_status": "running",
    }  # fmt: skip
    assert all("sla" not in str(event.set) for event in found.events)


def contact(of: Mapper, **envelope: Any) -> list[Event]:
    told = Envelope(msgspec.Raw(sample("contact.json")), **envelope)
    return of.normalise(names.CONTACTS, msgspec.json.encode(told)).events


def test_a_contact_is_a_lead_by_its_lead_status() -> None:
    found = by_id(contact(mapper("name", "country", "type")))["s:1772443800000"]
    assert found.record == "acme:lead:51"
    assert found.set == {
        "status": "open", "raw_status": "ATTEMPTED_TO_CONTACT", "owner": None, "source": "PAID_SEARCH",
        "country": "GB", "type": "lead", "name": "Ada Byron",
    }  # fmt: skip


def test_what_a_contact_swallowed_is_merged_at_the_time_hubspot_knows() -> None:
    merged = [event for event in contact(mapper()) if event.event == "merged"]
    assert [(event.record, event.at, event.into) for event in merged] == [
        ("acme:lead:48", 1_772_442_300_000, "acme:lead:51"),
        ("acme:lead:49", 1_772_443_800_000, "acme:lead:51"),
    ]


def test_a_record_that_leads_nowhere_any_more_is_deleted() -> None:
    told = Envelope(msgspec.Raw(b'{"id":"51"}'), gone=True, seen_at=CREATED)
    (event,) = mapper().normalise(names.CONTACTS, msgspec.json.encode(told)).events
    assert (event.event, event.record, event.at) == ("deleted", "acme:lead:51", CREATED)


def test_an_archived_record_is_deleted_when_it_was_archived() -> None:
    raw = msgspec.Raw(b'{"id":"7","archived":true,"archivedAt":"2026-03-02T15:00:00Z","properties":{}}')
    (event,) = mapper().normalise(names.TICKETS, msgspec.json.encode(Envelope(raw))).events
    assert (event.event, event.at) == ("deleted", 1_772_463_600_000)


def test_the_same_envelope_gives_the_same_events() -> None:
    assert ticket() == ticket()


@pytest.mark.parametrize(
    ("stage", "category"),
    [
        (Stage("1", "New", "Support", first=True), "new"),
        (Stage("2", "Waiting on contact", "Support"), "pending"),
        (Stage("3", "Waiting on us", "Support"), "open"),
        (Stage("9", "Waiting on third party", "Support"), "on_hold"),
        (Stage("4", "Closed", "Support", closed=True), "closed"),
        (Stage("5", "Parked", "Support"), "on_hold"),  # by label
        (Stage("6", "Done", "Support"), "resolved"),  # by id
        (Stage("7", "Done", "Returns"), "open"),
        (Stage("8", "Review", "Returns"), "pending"),  # by pipeline and label
    ],
)
def test_a_stage_has_a_category_by_configuration_first(stage: Stage, category: str) -> None:
    of = mapper(status={"ticket": {"Parked": "on_hold", "6": "resolved", "returns/review": "pending"}})
    assert of.category(names.TICKETS, stage.id, stage) == category


@pytest.mark.parametrize(
    ("raw", "category"),
    [(None, "new"), ("NEW", "new"), ("IN_PROGRESS", "open"), ("OPEN_DEAL", "converted"),
     ("UNQUALIFIED", "disqualified"),
     ("nurture", "on_hold"), ("BAD_TIMING", "on_hold"), ("SOMETHING_NEW", "open")],
)  # fmt: skip
def test_a_lead_status_has_a_category(raw: str | None, category: str) -> None:
    of = mapper(status={"lead": {"Nurture": "on_hold", "BAD_TIMING": "on_hold"}})
    assert of.category(names.CONTACTS, raw, None) == category


@pytest.mark.parametrize(
    ("label", "category"), [("New", "open"), ("Qualified", "converted"), ("Disqualified", "disqualified")]
)
def test_the_usual_lead_stages_are_known_by_their_labels(label: str, category: str) -> None:
    of = mapper(objects=["leads"])
    assert of.category(names.LEADS, "1", Stage("1", label, "Lead pipeline")) == category


def test_a_stage_that_nobody_knows_is_open_and_keeps_its_id() -> None:
    found = by_id(ticket(stage=None))["s:1772469600500"].set
    assert found is not None
    assert (found["status"], found["raw_status"]) == ("open", "2")


@pytest.mark.parametrize(
    ("raw", "meant"),
    [("URGENT", "urgent"), ("HIGH", "high"), ("MEDIUM", "normal"), ("low", "low"), ("P1", "urgent"), ("odd", None),
     (None, None), ("", None)],
)  # fmt: skip
def test_priorities_are_the_configurations_and_then_hubspots(raw: str | None, meant: str | None) -> None:
    assert mapper(priority={"P1": "urgent"}).priority(raw) == meant


def test_fields_can_differ_by_kind() -> None:
    of = mapper(fields={"tier": {"ticket": "tier__t"}, "country": "hs_country_region_code"})
    assert of.fields["tickets"]["tier"] == "tier__t"
    assert "tier" not in of.fields["contacts"]
    assert of.fields["contacts"]["country"] == "hs_country_region_code"


@pytest.mark.parametrize(
    ("logical", "value", "text"),
    [("sla_due", 1_772_546_700_000, "1772546700000"), ("sla_due", None, ""), ("sla_status", "met", "met"),
     ("sla_policy", None, ""), ("sla_met", True, "true"), ("sla_hops", 3, "3")],
)  # fmt: skip
def test_a_value_is_written_as_hubspot_takes_it(logical: str, value: Any, text: str) -> None:
    assert encode(logical, value) == text


def test_an_instant_is_the_same_however_it_is_written() -> None:
    assert same("sla_due", 1_772_546_700_000, "2026-03-03T14:05:00Z")
    assert same("sla_due", 1_772_546_700_000, "1772546700000")
    assert same("sla_due", None, None)
    assert not same("sla_due", 1_772_546_700_001, "2026-03-03T14:05:00Z")
    assert same("sla_status", None, "")
    assert not same("sla_status", "met", "running")


def test_a_word_in_a_property_that_should_hold_an_instant_hides_no_record() -> None:
    of = mapper(write={"ticket": {**WRITE, "sla_due": "subject"}})
    found = of.normalise(names.TICKETS, msgspec.json.encode(Envelope(msgspec.Raw(sample("ticket.json")), WAITING)))
    assert by_id(found.events)
    assert found.observed is not None
    assert found.observed.values["sla_due"] == "Printer on fire"
    assert not same("sla_due", 1_772_546_700_000, "tomorrow")
    assert not same("sla_due", None, "tomorrow")


@pytest.mark.parametrize(
    ("text", "at"),
    [("2026-03-02T14:05:00.120Z", CREATED), ("2026-03-02T14:05:00.120999Z", CREATED), ("1772460300120", CREATED),
     ("2026-03-02T15:05:00.120+01:00", CREATED), ("2026-03-02", 1_772_409_600_000), ("", None), (None, None)],
)  # fmt: skip
def test_a_time_is_read_in_every_form_that_hubspot_uses(text: str | None, at: int | None) -> None:
    assert instant(text) == at


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    assert iso(CREATED) == "2026-03-02T14:05:00.120Z"


def test_stages_are_read_with_what_the_portal_says_of_them() -> None:
    stages = read_stages(
        [
            Pipeline(
                "0", "Support", 0, False,
                [
                    PipelineStage("b", "Closed", 2, metadata={"ticketState": "CLOSED"}),
                    PipelineStage("a", "New", 1, metadata={"isClosed": "false"}),
                    PipelineStage("z", "Old first", 0, archived=True),
                    PipelineStage("c", "Shut", 3, metadata={"isClosed": "true"}),
                ],
            )
        ]
    )  # fmt: skip
    assert {one.id: (one.first, one.closed) for one in stages.values()} == {
        "a": (True, False), "b": (False, True), "c": (False, True),
    }  # fmt: skip
    assert msgspec.json.decode(b'{"results":[{"id":"1","stages":[]}]}', type=Pipelines).results[0].label == ""


def test_every_kind_of_record_asks_for_its_stamp_owner_and_status() -> None:
    of = mapper(objects=["leads", "tickets"])
    wanted: list[ObjectType] = [names.LEADS, names.TICKETS]
    for one in wanted:
        assert {one.modified, one.created, "hubspot_owner_id", "hs_pipeline_stage"} <= set(of.properties[one.name])
