"""Stage and owner by their history: who moved a record, when, and what it costs to know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hubspot_samples.desk import Desk, order

from connectors.hubspot import moves, names
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.moves import Memory
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.shapes import Envelope, Row, Stage
from connectors.secret import Secret
from emulators.hubspot.deeds import Deeds
from sla.model import Event

MINUTE = 60
HOUR = 60 * MINUTE
CREATED = 1_772_460_300_000  # 2026-03-02T14:05:00Z
STAGES = {
    "1": Stage("1", "New", "Support", first=True),
    "2": Stage("2", "Waiting on contact", "Support"),
    "3": Stage("3", "Waiting on us", "Support"),
}


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


def told(desk: Desk, changes: Any) -> list[tuple[str, Any, str | None]]:
    """Changes of stage and owner: their kind, what they set, and who did it; the oldest first."""
    found = [event for event in desk.events(changes) if event.id.startswith(("stage:", "owner:"))]
    ordered = sorted(found, key=lambda event: event.at)
    return [(event.id[:5], (event.set or {}).get("status", (event.set or {}).get("owner")), event.actor)
            for event in ordered]  # fmt: skip


def histories(desk: Desk) -> int:
    """How many batch reads of tickets and contacts there were since the last time this was asked."""
    return sum(
        count for call, count in desk.calls().items() if call.endswith(("tickets/batch/read", "contacts/batch/read"))
    )


# ---- who did it


@pytest.mark.parametrize(
    ("order", "who"),
    [({"by": "Sam"}, "user:Sam"), ({"by": "Sam", "via": "mobile"}, "user:Sam"),
     ({"by": "Sam", "via": "bulk"}, "user:Sam"), ({"via": "workflow"}, "workflow:hubspot"),
     ({"via": "sequence"}, "workflow:hubspot"), ({"via": "bot"}, "bot:hubspot"),
     ({"via": "import"}, "system:import"), ({"via": "migration"}, "system:import"),
     ({"via": "integration"}, "system:integration"), ({"via": "sync"}, "system:integration")],
)  # fmt: skip
def test_a_change_of_stage_is_told_with_who_made_it(desk: Desk, order: dict[str, str], who: str) -> None:
    ticket = desk.ticket()
    _, cursor = desk.poll("tickets")
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, stage="Waiting on contact", **order)
    desk.pass_time(MINUTE)
    changes, _ = desk.poll("tickets", cursor)
    actor = f"user:{desk.owner('Sam')}" if who == "user:Sam" else who
    assert told(desk, changes)[-1] == ("stage", "pending", actor)


def test_what_happened_between_two_polls_is_told_step_by_step(desk: Desk) -> None:
    ticket = desk.ticket()
    _, cursor = desk.poll("tickets")
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, fields={"hubspot_owner_id": "Sam"}, via="workflow")
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, stage="customer", by="Sam")
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, fields={"hubspot_owner_id": "Jo"}, by="Jo")
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, stage="closed", via="integration")
    changes, _ = desk.poll("tickets", cursor)
    sam, jo = f"user:{desk.owner('Sam')}", f"user:{desk.owner('Jo')}"
    assert told(desk, changes) == [
        ("stage", "new", "system:hubspot"), ("owner", None, "system:hubspot"),
        ("owner", sam, "workflow:hubspot"), ("stage", "pending", sam), ("owner", jo, jo),
        ("stage", "closed", "system:integration"),
    ]  # fmt: skip


def test_a_change_keeps_its_own_instant_however_late_it_is_seen(desk: Desk) -> None:
    ticket = desk.ticket()
    _, cursor = desk.poll("tickets")
    desk.pass_time(MINUTE)
    moved_at = desk.now
    desk.act("update", object="tickets", id=ticket, stage="customer", by="Sam")
    desk.pass_time(8 * HOUR)
    desk.act("message", object="tickets", id=ticket, text="Hello?")
    changes, _ = desk.poll("tickets", cursor)
    stage = [event for event in desk.events(changes) if event.id.startswith("stage:")][-1]
    assert 0 <= stage.at - moved_at < 1_000
    assert stage.id == f"stage:{stage.at}"


def test_our_own_app_is_recognised_by_what_it_wrote_into_our_own_fields(desk: Desk) -> None:
    ticket = desk.ticket(hubspot_owner_id="Sam")
    _, cursor = desk.poll("tickets")
    desk.pass_time(MINUTE)
    record = f"acme:ticket:{ticket}"
    desk.connector.write([order("fields", record, values={"first_response_due": desk.now + 60_000})])
    jo = f"user:{desk.owner('Jo')}"
    desk.connector.write([order("owner", record, owner=jo, expect={"owner": f"user:{desk.owner('Sam')}"})])
    desk.pass_time(MINUTE)
    changes, _ = desk.poll("tickets", cursor)
    assert told(desk, changes)[-1] == ("owner", jo, "system:sla-sidecar")


def test_of_a_history_only_stage_and_owner_are_kept_and_no_label(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.connector.write([order("fields", f"acme:ticket:{ticket}", values={"sla_status": "running"})])
    desk.act("update", object="tickets", id=ticket, stage="customer", via="integration")
    (change,), _ = desk.poll("tickets")
    kept = msgspec.json.decode(change.payload)["object"]
    assert set(kept["propertiesWithHistory"]) == {"hs_pipeline_stage", "hubspot_owner_id"}
    assert b"sourceLabel" not in change.payload


def test_our_own_app_is_recognised_by_the_configuration(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.connector = desk.connect(app_id=desk.emulator.portal.app_id, write={})
    _, cursor = desk.poll("tickets")
    desk.pass_time(MINUTE)
    desk.connector.write([order("set", f"acme:ticket:{ticket}", values={"status": "pending"})])
    desk.pass_time(MINUTE)
    changes, _ = desk.poll("tickets", cursor)
    assert told(desk, changes)[-1] == ("stage", "pending", "system:sla-sidecar")


def test_a_contacts_lead_status_has_a_history_too(desk: Desk) -> None:
    contact = desk.contact()
    _, cursor = desk.poll("contacts")
    desk.pass_time(MINUTE)
    desk.act("update", object="contacts", id=contact, fields={"hs_lead_status": "CONNECTED"}, via="workflow")
    desk.pass_time(MINUTE)
    desk.act("update", object="contacts", id=contact, fields={"hs_lead_status": "UNQUALIFIED"}, by="Li")
    changes, _ = desk.poll("contacts", cursor)
    li = f"user:{desk.owner('Li')}"
    assert told(desk, changes) == [
        ("stage", "new", "system:hubspot"), ("stage", "open", "workflow:hubspot"), ("stage", "disqualified", li),
    ]  # fmt: skip


def test_an_imported_record_began_with_what_the_import_gave_it(desk: Desk) -> None:
    (ticket,) = desk.act("import", object="tickets", rows=[{"subject": "Old", "hubspot_owner_id": "Sam"}],
                         stage="customer", created="2026-01-05T09:00:00Z")["ids"]  # fmt: skip
    events = desk.events(desk.poll("tickets")[0])
    created = next(event for event in events if event.event == "created")
    began = [event for event in events if event.id.startswith(("stage:", "owner:"))]
    assert (created.at, created.actor) == (1_767_603_600_000, "system:import")
    assert [(event.at, event.id, event.actor) for event in began] == [
        (created.at, f"stage:{created.at}", "system:hubspot"),
    ]  # fmt: skip
    assert began[0].set == {"status": "pending", "raw_status": "Support Pipeline/Waiting on contact"}
    assert ticket in created.record


# ---- what it costs


def test_histories_are_read_fifty_at_a_time_and_only_of_records_that_moved(desk: Desk) -> None:
    deeds = Deeds(desk.emulator.portal, silent=True, at_ms=desk.now)
    stage = desk.emulator.portal.pipelines.stage("tickets", "new").id
    for number in range(120):
        deeds.create("tickets", {"subject": f"n{number}", "hs_pipeline_stage": stage})
    _, cursor = desk.poll("tickets")
    assert histories(desk) == 3
    desk.pass_time(10 * MINUTE)
    desk.act("bulk_edit", object="tickets", fields={"hs_ticket_priority": "HIGH"}, by="Sam")
    changes, cursor = desk.poll("tickets", cursor)
    assert (len(changes), histories(desk)) == (120, 0)
    desk.act("bulk_edit", object="tickets", stage="customer", by="Sam", count=60)
    desk.pass_time(MINUTE)
    _, cursor = desk.poll("tickets", cursor)
    assert histories(desk) == 2


def test_an_echo_of_our_own_write_costs_no_history(desk: Desk) -> None:
    tickets = [desk.ticket() for _ in range(30)]
    _, cursor = desk.poll("tickets")
    desk.pass_time(MINUTE)
    batch = [order("fields", f"acme:ticket:{one}", key=one, values={"sla_status": "running"}) for one in tickets]
    assert {receipt.outcome for receipt in desk.connector.write(batch)} == {"done"}
    desk.calls()
    desk.pass_time(MINUTE)
    changes, _ = desk.poll("tickets", cursor)
    assert len(changes) == 30
    assert desk.calls() == {"POST /crm/objects/2026-09/tickets/search": 1}
    assert told(desk, changes) == []


def test_first_contact_reads_no_history_of_what_stood_there_before(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, fields={"hubspot_owner_id": "Sam"}, by="Jo")
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, fields={"hs_ticket_priority": "LOW"}, by="Jo")
    desk.pass_time(MINUTE)
    changes, _ = desk.poll("tickets", since=desk.now)
    assert histories(desk) == 0
    assert told(desk, changes) == [("owner", f"user:{desk.owner('Sam')}", f"user:{desk.owner('Jo')}")]


def test_after_a_restart_only_what_moved_since_has_its_history_read(desk: Desk) -> None:
    moved, still = desk.ticket(), desk.ticket()
    _, cursor = desk.poll("tickets")
    desk.connector = desk.connect()
    desk.pass_time(2 * HOUR)
    desk.act("update", object="tickets", id=moved, stage="customer", by="Sam")
    desk.act("update", object="tickets", id=still, fields={"hs_ticket_priority": "LOW"}, by="Sam")
    desk.calls()
    changes, _ = desk.poll("tickets", cursor)
    assert len(changes) == 2
    assert histories(desk) == 1
    assert ("stage", "pending", f"user:{desk.owner('Sam')}") in told(desk, changes)


def test_a_page_that_was_not_kept_has_its_histories_read_again(desk: Desk) -> None:
    ticket = desk.ticket()
    _, cursor = desk.poll("tickets")
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, stage="customer", by="Sam")
    desk.connector.poll("tickets", cursor, 0)  # and the disk is full: the cursor stays where it was
    page = desk.connector.poll("tickets", cursor, 0)
    assert ("stage", "pending", f"user:{desk.owner('Sam')}") in told(desk, page.changes)


def test_a_record_that_a_webhook_made_us_read_has_its_history(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.poll("tickets")
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, stage="customer", by="Sam")
    changes = desk.connector.read([f"acme:ticket:{ticket}"])
    assert told(desk, changes)[-1] == ("stage", "pending", f"user:{desk.owner('Sam')}")


def test_the_memory_of_what_was_seen_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moves, "KNOWN_MAX", 3)
    memory = Memory()
    for number in range(10):
        memory.learn("tickets", f"c{number}", {str(number): "as it was"})
    assert [number for number in range(10) if memory.knows("tickets", str(number))] == [7, 8, 9]
    assert memory.holds("tickets", "9", "as it was")
    assert not memory.holds("tickets", "9", "otherwise")


@pytest.mark.parametrize("conversations", [False, True])
def test_whoever_reads_a_record_later_finds_nothing_that_was_not_told_before(desk: Desk, conversations: bool) -> None:
    answers = ["emails", "calls", *(["conversations"] if conversations else [])]
    desk.connector = desk.connect(answers=answers)
    desk.pass_time(1)
    first, second, contact = desk.ticket(), desk.ticket(hubspot_owner_id="Sam"), desk.contact()
    cursors: dict[str, str | None] = {stream.name: None for stream in desk.connector.streams()}
    told: set[tuple[str, str]] = set()

    def poll() -> None:
        for stream in cursors:
            changes, cursors[stream] = desk.poll(stream, cursors[stream], since=desk.emulator.portal.born_ms)
            told.update((event.record, event.id) for event in desk.events(changes))

    poll()
    for step in (
        lambda: desk.act("update", object="tickets", id=first, fields={"hs_ticket_priority": "LOW"}, by="Sam"),
        lambda: desk.act("update", object="tickets", id=first, fields={"hubspot_owner_id": "Jo"}, via="workflow"),
        lambda: desk.act("message", object="tickets", id=second, text="Help"),
        lambda: desk.act("message", object="tickets", id=second, text="On it", direction="outbound", by="Sam"),
        lambda: desk.act("update", object="tickets", id=second, stage="customer", by="Sam"),
        lambda: desk.act("update", object="contacts", id=contact, fields={"firstname": "A"}, by="Li"),
        lambda: desk.act("update", object="contacts", id=contact, fields={"hs_lead_status": "OPEN"}, by="Li"),
    ):
        desk.pass_time(MINUTE)
        step()
        poll()
    desk.pass_time(2 * HOUR)
    poll()
    records = [f"acme:ticket:{first}", f"acme:ticket:{second}", f"acme:lead:{contact}"]
    for connector in (desk.connector, desk.connect(answers=answers)):
        desk.connector = connector
        read = {(event.record, event.id) for event in desk.events(connector.read(records))}
        poll()
        swept = {(event.record, event.id) for stream in ("tickets", "contacts")
                 for event in desk.events(desk.poll(stream, since=desk.now)[0])}  # fmt: skip
        assert read - told == set()
        assert swept - told == set()


def test_what_moved_a_moment_before_a_sweep_has_its_history_whoever_reads_it_first(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.poll("tickets")
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, stage="customer", by="Sam")
    desk.pass_time(1)
    swept, _ = desk.poll("tickets", since=desk.now)
    assert ("stage", "pending", f"user:{desk.owner('Sam')}") in told(desk, swept)


def test_what_two_records_became_has_its_history_read(desk: Desk) -> None:
    winner, loser = desk.ticket(), desk.ticket()
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=winner, stage="customer", by="Sam")
    _, cursor = desk.poll("tickets")
    desk.pass_time(2 * HOUR)
    desk.act("merge", object="tickets", id=loser, into=winner, by="Sam")
    desk.pass_time(MINUTE)
    changes, _ = desk.poll("tickets", cursor)
    assert ("stage", "pending", f"user:{desk.owner('Sam')}") in told(desk, changes)


# ---- what a history means, without any HubSpot


def meaning(stage: list[dict[str, Any]], *, of: Any = names.TICKETS, stamp: int = CREATED + 9_000_000) -> list[Event]:
    settings = HubSpotSettings.model_validate({"connector": "hubspot", "access_token": Secret("x")})
    properties = {"createdate": str(CREATED), of.modified: str(stamp), of.stage: stage[0]["value"]}
    raw = {"id": "7", "properties": properties, "propertiesWithHistory": {of.stage: stage}}
    envelope = Envelope(msgspec.Raw(msgspec.json.encode(raw)), STAGES.get(stage[0]["value"]), stages=STAGES)
    found = Mapper("acme", settings, frozenset()).normalise(of, msgspec.json.encode(envelope)).events
    return [event for event in found if event.id.startswith("stage:")]


def value(text: str, minutes: int, source: str = "CRM_UI") -> dict[str, Any]:
    return {"value": text, "timestamp": str(CREATED + minutes * 60_000), "sourceType": source}


def test_a_value_that_is_set_again_is_no_change() -> None:
    found = meaning([value("2", 30, "INTEGRATION"), value("2", 20), value("1", 0)])
    assert [(event.at - CREATED, (event.set or {})["status"]) for event in found] == [
        (0, "new"),
        (20 * 60_000, "pending"),
    ]


def test_of_a_history_that_is_cut_off_the_beginning_is_not_made_up() -> None:
    found = meaning([value(str(1 + number % 3), 60 - number) for number in range(20)])
    assert min(event.at for event in found) > CREATED
    assert len(found) == 20


def test_a_longer_history_repeats_what_a_shorter_one_said() -> None:
    shorter = meaning([value("2", 20), value("1", 0)])
    longer = meaning([value("3", 40, "AUTOMATION_PLATFORM"), value("2", 20), value("1", 0)])
    assert longer[:2] == shorter
    assert (longer[2].actor, (longer[2].set or {})["status"]) == ("workflow:hubspot", "open")


def test_a_contact_that_was_given_a_status_later_had_none_before() -> None:
    found = meaning([value("CONNECTED", 20)], of=names.CONTACTS)
    assert [(event.at - CREATED, (event.set or {})["raw_status"]) for event in found] == [
        (0, None), (20 * 60_000, "CONNECTED"),
    ]  # fmt: skip


def test_without_a_stamp_of_its_own_a_status_may_have_moved_with_the_last_change() -> None:
    row = Row("1", {"lastmodifieddate": "900", "hs_lead_status": "NEW", "hubspot_owner_assigneddate": "300"})
    assert moves.last_move(names.CONTACTS, row) == 900
    assert moves.last_move(names.CONTACTS, Row("1", {"lastmodifieddate": "900", "hs_lead_status": None})) == 0
    row = Row("1", {"hs_lastmodifieddate": "900", "hs_pipeline_stage": "2", "hs_v2_date_entered_current_stage": "500"})
    assert moves.last_move(names.TICKETS, row) == 500
