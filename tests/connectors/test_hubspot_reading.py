"""Reading a portal over HTTP: nothing missed, nothing twice, and few calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot_samples.desk import WRITE, Desk

from connectors.errors import AuthFailed, Rejected, RetryLater
from connectors.hubspot import names
from emulators.hubspot import api
from emulators.hubspot.deeds import Deeds
from emulators.hubspot.pipelines import Stage

MINUTE = 60
HOUR = 60 * MINUTE


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


def records(changes: Any) -> list[str]:
    return [change.key.split(":")[1] for change in changes]


# ---- streams


def test_an_idle_poll_is_one_call_for_each_stream(desk: Desk) -> None:
    desk.ticket()
    cursors = {stream.name: desk.poll(stream.name)[1] for stream in desk.connector.streams()}
    desk.pass_time(30 * MINUTE)
    desk.calls()
    for stream, cursor in cursors.items():
        desk.poll(stream, cursor)
    assert desk.calls() == {
        "POST /crm/objects/2026-09/contacts/search": 1,
        "POST /crm/objects/2026-09/tickets/search": 1,
        "POST /crm/objects/2026-09/emails/search": 1,
        "POST /crm/objects/2026-09/calls/search": 1,
        "POST /crm/objects/2026-09/meetings/search": 1,
    }


def test_the_accounts_zone_is_known_however_we_began(desk: Desk) -> None:
    desk.connector.people()  # a daemon asks who there is before it polls
    desk.poll("tickets")
    resets_at = desk.connector.allowance.balance().resets_at
    assert resets_at is not None
    assert resets_at % 86_400_000 == 0  # the practice portal's midnight is that of UTC


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_every_api_version_reads_the_same(desk: Desk, version: str) -> None:
    ticket = desk.ticket()
    desk.act("message", object="tickets", id=ticket, text="Help")
    desk.connector = desk.connect(api_version=version)
    seen = [event.event for name in ("tickets", "emails") for event in desk.events(desk.poll(name)[0])]
    assert sorted(set(seen)) == ["changed", "created", "message"]
    assert all(version in call or "/v4/" in call for call in desk.calls())


def test_the_first_poll_takes_what_changed_and_what_is_still_open(desk: Desk) -> None:
    open_id, closed_id = desk.ticket(), desk.ticket()
    desk.act("update", object="tickets", id=closed_id, stage="closed", by="Sam")
    old_lead, done_lead = desk.contact(), desk.contact(email="b@example.test", hs_lead_status="UNQUALIFIED")
    desk.pass_time(HOUR)
    since = desk.now
    desk.pass_time(MINUTE)
    new_id = desk.ticket()
    assert records(desk.poll("tickets", since=since)[0]) == [open_id, new_id]
    assert records(desk.poll("contacts", since=since)[0]) == [old_lead]
    assert closed_id not in records(desk.poll("tickets", since=since)[0])
    assert done_lead in records(desk.poll("contacts", since=0)[0])


def test_hundreds_of_records_with_one_stamp_are_read_once_each(desk: Desk) -> None:
    deeds = Deeds(desk.emulator.portal, silent=True, at_ms=desk.now)
    made = [deeds.create("contacts", {"email": f"n{number}@example.test"}).id for number in range(450)]
    desk.pass_time(MINUTE)
    desk.calls()
    changes, cursor = desk.poll("contacts")
    assert records(changes) == made
    assert desk.calls()["POST /crm/objects/2026-09/contacts/search"] == 3
    desk.pass_time(30 * MINUTE)  # the sweep of the overlap reads them all again: the same content, the same keys
    again, _ = desk.poll("contacts", cursor)
    assert [change.key for change in again] == [change.key for change in changes]


def test_a_full_last_page_needs_no_empty_one_behind_it(desk: Desk) -> None:
    deeds = Deeds(desk.emulator.portal, silent=True, at_ms=desk.now)
    for number in range(200):
        deeds.create("contacts", {"email": f"n{number}@example.test"})
    page = desk.connector.poll("contacts", None, 0)
    assert (len(page.changes), page.more) == (200, False)


def test_a_record_that_changes_while_it_is_paged_is_not_lost(desk: Desk) -> None:
    deeds = Deeds(desk.emulator.portal, silent=True, at_ms=desk.now)
    made = [deeds.create("contacts", {"email": f"n{number}@example.test"}).id for number in range(250)]
    first = desk.connector.poll("contacts", None, 0)
    desk.pass_time(5)
    desk.act("update", object="contacts", id=made[220], fields={"hs_lead_status": "OPEN"}, by="Li")
    second = desk.connector.poll("contacts", first.cursor, 0)
    desk.pass_time(5)
    third, _ = desk.poll("contacts", second.cursor)
    assert made[220] in records(third)
    assert set(records([*first.changes, *second.changes, *third])) == set(made)


def test_a_record_that_the_index_shows_late_is_seen_by_a_later_window(desk: Desk) -> None:
    _, cursor = desk.poll("tickets")
    desk.fault("late_index", path="*", times=1, seconds=25 * MINUTE)
    late = desk.ticket()
    seen: list[str] = []
    for _ in range(40):
        desk.pass_time(MINUTE)
        changes, cursor = desk.poll("tickets", cursor)
        seen += records(changes)
    assert late in seen


def test_after_a_day_without_us_everything_is_caught_up(desk: Desk) -> None:
    _, cursor = desk.poll("tickets")
    made = []
    for _ in range(24):
        desk.pass_time(HOUR)
        made.append(desk.ticket())
    assert records(desk.poll("tickets", cursor)[0]) == made


def test_a_stream_that_is_not_watched_is_refused(desk: Desk) -> None:
    with pytest.raises(Rejected, match="no stream 'deals'"):
        desk.connector.poll("deals", None, 0)
    with pytest.raises(Rejected, match="no stream 'leads'"):
        desk.connector.poll("leads", None, 0)


# ---- what is seen


def test_what_people_do_to_a_ticket_is_seen_as_events(desk: Desk) -> None:
    ticket = desk.ticket(hs_ticket_priority="HIGH", source_type="EMAIL")
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, fields={"hubspot_owner_id": "Sam"}, by="Sam")
    desk.pass_time(MINUTE)
    desk.act("message", object="tickets", id=ticket, text="On it", direction="outbound", by="Sam")
    desk.act("update", object="tickets", id=ticket, stage="Waiting on contact", by="Sam")
    sam = f"user:{desk.owner('Sam')}"
    snapshot = next(event for event in desk.events(desk.poll("tickets")[0]) if event.snapshot)
    assert snapshot.set == {
        "status": "pending", "raw_status": "Support Pipeline/Waiting on contact", "owner": sam, "priority": "high",
        "source": "EMAIL", "channel": "email",
    }  # fmt: skip
    assert snapshot.actor == sam
    (message,) = desk.events(desk.poll("emails")[0])
    assert (message.record, message.direction, message.actor) == (f"acme:ticket:{ticket}", "outbound", sam)


def test_a_call_is_seen_on_every_record_that_it_belongs_to(desk: Desk) -> None:
    contact = desk.contact()
    ticket = desk.act("create", object="tickets", fields={"subject": "x"},
                      associations=[{"object": "contacts", "id": contact}])["id"]  # fmt: skip
    desk.act("call", object="tickets", id=ticket, by="Jo", outcome="no_answer")
    desk.calls()
    changes, _ = desk.poll("calls")
    assert sorted((event.record, event.outcome) for event in desk.events(changes)) == [
        (f"acme:lead:{contact}", "no_answer"), (f"acme:ticket:{ticket}", "no_answer"),
    ]  # fmt: skip
    assert desk.calls()["POST /crm/associations/2026-09/calls/contacts/batch/read"] == 1


def test_an_email_that_is_linked_to_a_ticket_later_is_seen_again(desk: Desk) -> None:
    contact, ticket = desk.contact(), desk.ticket()
    email = desk.act("message", object="contacts", id=contact, text="Hello")["id"]
    first, cursor = desk.poll("emails")
    portal = desk.emulator.portal
    start, end = (portal.shelves[kind].find(one) for kind, one in (("emails", email), ("tickets", ticket)))
    assert start is not None
    assert end is not None
    portal.links.add(start.node, end.node, 224)
    desk.pass_time(15 * MINUTE)
    again, _ = desk.poll("emails", cursor)
    assert again[0].key != first[0].key
    assert [event.record for event in desk.events(again)] == [f"acme:lead:{contact}", f"acme:ticket:{ticket}"]


def test_a_workflows_email_is_automatic_and_an_internal_note_is_none(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.act("message", object="tickets", id=ticket, text="We got it", automated=True)
    desk.act("message", object="tickets", id=ticket, text="psst", public=False, by="Sam")
    (event,) = desk.events(desk.poll("emails")[0])
    assert (event.direction, event.automated, event.actor) == ("outbound", True, None)


def test_a_queue_owns_as_a_queue(desk: Desk) -> None:
    queue = desk.owner("Unassigned")
    desk.ticket(hubspot_owner_id="Unassigned")
    snapshot = next(event for event in desk.events(desk.poll("tickets")[0]) if event.snapshot)
    assert snapshot.set is not None
    assert snapshot.set["owner"] == f"queue:{queue}"


def test_leads_are_watched_instead_of_contacts(desk: Desk) -> None:
    contact = desk.contact()
    lead = desk.act("create", object="leads", fields={"hs_lead_name": "Byron", "hs_lead_label": "HOT"}, stage="new",
                    associations=[{"object": "contacts", "id": contact}], by="Maria")["id"]  # fmt: skip
    desk.act("call", object="leads", id=lead, by="Maria")
    desk.connector = desk.connect(objects=("leads",), write={})
    snapshot = next(event for event in desk.events(desk.poll("leads")[0]) if event.snapshot)
    assert snapshot.record == f"acme:lead:{lead}"
    assert snapshot.set is not None
    assert (snapshot.set["status"], snapshot.set["priority"]) == ("new", "high")
    assert [event.record for event in desk.events(desk.poll("calls")[0])] == [f"acme:lead:{lead}"]


def test_a_stage_made_while_we_run_is_looked_up(desk: Desk) -> None:
    desk.poll("tickets")
    pipeline = desk.emulator.portal.pipelines.of("tickets")[0]
    pipeline.stages.append(Stage("4242", "Escalated", 9, {"isClosed": "false"}, "escalated"))
    desk.ticket(hs_pipeline_stage="4242")
    snapshot = next(event for event in desk.events(desk.poll("tickets")[0]) if event.snapshot)
    assert snapshot.set is not None
    assert snapshot.set["raw_status"] == "Support Pipeline/Escalated"


def test_without_permission_to_read_owners_everybody_is_a_person(desk: Desk) -> None:
    desk.act("settings", missing_scopes=["crm.objects.owners.read"])
    desk.ticket(hubspot_owner_id="Unassigned")
    snapshot = next(event for event in desk.events(desk.poll("tickets")[0]) if event.snapshot)
    assert snapshot.set is not None
    assert snapshot.set["owner"] == f"user:{desk.owner('Unassigned')}"
    with pytest.raises(AuthFailed, match=r"crm\.objects\.owners\.read"):
        desk.connector.people()


def test_nothing_is_kept_that_nobody_asked_for(desk: Desk) -> None:
    contact, ticket = desk.contact(), desk.ticket(content="My password is swordfish")
    desk.act("message", object="tickets", id=ticket, text="It still burns")
    kept = b"".join(change.payload for stream in desk.connector.streams() for change in desk.poll(stream.name)[0])
    kept += b"".join(
        change.payload for change in desk.connector.read([f"acme:ticket:{ticket}", f"acme:lead:{contact}"])
    )
    for text in (b"Ada", b"ada@example.test", b"Printer", b"swordfish", b"burns"):
        assert text not in kept
    desk.connector = desk.connect(wanted=("name",))
    assert b"Printer on fire" in desk.poll("tickets")[0][0].payload


# ---- single records


def test_a_record_is_read_with_its_latest_answers(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.act("message", object="tickets", id=ticket, text="Hello?")
    desk.act("call", object="tickets", id=ticket, by="Sam")
    desk.connector.people()
    desk.poll("tickets")
    desk.calls()
    events = desk.events(desk.connector.read([f"acme:ticket:{ticket}"]))
    assert {"created", "changed", "message", "activity"} == {event.event for event in events}
    assert {event.record for event in events} == {f"acme:ticket:{ticket}"}
    assert sum(desk.calls().values()) == 6  # the record, three kinds of links, e-mails and calls


def test_a_hundred_records_are_read_in_as_many_calls_as_one(desk: Desk) -> None:
    tickets = [desk.ticket() for _ in range(100)]
    desk.poll("tickets")
    desk.calls()
    assert len(desk.connector.read([f"acme:ticket:{one}" for one in tickets])) == 100
    assert sum(desk.calls().values()) == 4


def test_polled_and_read_are_the_same_change(desk: Desk) -> None:
    ticket = desk.ticket()
    (polled,), _ = desk.poll("tickets")
    (read,) = desk.connector.read([f"acme:ticket:{ticket}"])
    assert (read.stream, read.key) == (polled.stream, polled.key)


def test_a_deleted_record_is_read_as_deleted(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.act("delete", object="tickets", id=ticket, by="Sam")
    (event,) = desk.events(desk.connector.read([f"acme:ticket:{ticket}"]))
    assert (event.event, event.record) == ("deleted", f"acme:ticket:{ticket}")


def test_a_record_that_never_was_is_read_as_deleted(desk: Desk) -> None:
    (event,) = desk.events(desk.connector.read(["acme:ticket:99"]))
    assert (event.event, event.record) == ("deleted", "acme:ticket:99")


def test_a_merged_record_is_read_as_merged(desk: Desk) -> None:
    one, other = desk.contact(), desk.contact(email="b@example.test")
    desk.act("settings", merge_keeps_primary=True)
    desk.act("merge", object="contacts", id=other, into=one, by="Li")
    events = desk.events(desk.connector.read([f"acme:lead:{other}"]))
    merged = next(event for event in events if event.event == "merged")
    assert (merged.record, merged.into) == (f"acme:lead:{other}", f"acme:lead:{one}")
    assert not any(event.event == "deleted" for event in events)


def test_records_of_a_kind_that_is_not_watched_are_left_out(desk: Desk) -> None:
    assert desk.connector.read(["acme:deal:5"]) == []


# ---- people


def test_people_are_owners_active_and_not(desk: Desk) -> None:
    desk.act("deactivate_user", user="Jo")
    people = {person.name: person for person in desk.connector.people()}
    assert people["Maria Santos"].id == f"user:{desk.owner('Maria')}"
    assert people["Maria Santos"].email == "maria@acme.test"
    assert people["Jo Lindqvist"].active is False
    assert people["Unassigned"].id.startswith("queue:")


def test_owners_come_in_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "OWNERS_LIMIT", 2)
    assert len(desk.connector.people()) == 5


# ---- what a portal has no longer, or never had


def test_an_archived_property_does_not_read_as_empty(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    ticket = desk.ticket(sla_tags="vip")
    desk.connector = desk.connect(fields={"tier": {"ticket": "sla_tags"}})
    _, cursor = desk.poll("tickets")
    desk.act("property", object="tickets", name="sla_tags", archived=True)
    desk.act("property", object="tickets", name="sla_status", archived=True)
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, fields={"hs_ticket_priority": "HIGH"}, by="Sam")
    changes, cursor = desk.poll("tickets", cursor)
    shown = next(event.set for event in desk.events(changes) if event.snapshot)
    assert shown is not None
    assert "tier" not in shown
    observed = desk.connector.normalise(changes[0]).observed
    assert observed is not None
    assert "sla_status" not in observed.values
    assert "sla_status, sla_tags of tickets is gone from HubSpot" in caplog.text
    caplog.clear()
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, fields={"hs_ticket_priority": "LOW"}, by="Sam")
    desk.calls()
    desk.poll("tickets", cursor)
    assert not caplog.text  # said once in ten minutes, asked for as seldom
    assert "GET /crm/properties/2026-09/tickets" not in desk.calls()
    assert [one.subject for one in desk.connector.losses()] == ["tickets.sla_status", "tickets.sla_tags"]
    for name in ("sla_status", "sla_tags"):
        desk.act("property", object="tickets", name=name, archived=False)
    desk.pass_time(11 * MINUTE)
    desk.act("update", object="tickets", id=ticket, fields={"hs_ticket_priority": "HIGH"}, by="Sam")
    desk.poll("tickets", cursor)
    assert desk.connector.losses() == []


def test_a_value_that_hubspot_leaves_out_although_it_has_the_property_is_empty(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shown = api.shown
    monkeypatch.setattr(api, "shown", lambda *asked: {name: one for name, one in shown(*asked).items() if one})
    ticket = desk.ticket(hubspot_owner_id="Sam")
    _, cursor = desk.poll("tickets")
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, fields={"hubspot_owner_id": ""}, by="Sam")
    snapshot = next(event for event in desk.events(desk.poll("tickets", cursor)[0]) if event.snapshot)
    assert snapshot.set is not None
    assert snapshot.set["owner"] is None
    assert not caplog.text


def test_without_a_look_at_the_properties_what_is_missing_is_not_taken_for_empty(desk: Desk) -> None:
    desk.connector = desk.connect(fields={"tier": {"ticket": "sla_tags"}})
    desk.fault("status:403", "*/properties/*")
    desk.act("property", object="tickets", name="sla_tags", archived=True)
    desk.ticket()
    snapshot = next(event for event in desk.events(desk.poll("tickets")[0]) if event.snapshot)
    assert snapshot.set is not None
    assert "tier" not in snapshot.set


@pytest.mark.parametrize("objects", [("contacts", "tickets"), ("leads", "tickets")])
def test_a_portal_that_has_everything_is_not_asked_what_it_has(desk: Desk, objects: tuple[str, ...]) -> None:
    contact = desk.contact()
    desk.ticket()
    desk.act("create", object="leads", fields={"hs_lead_name": "Byron"}, stage="new",
             associations=[{"object": "contacts", "id": contact}], by="Maria")  # fmt: skip
    desk.connector = desk.connect(objects=objects, write={"ticket": WRITE, "lead": WRITE})
    for stream in objects:
        assert desk.poll(stream)[0]
    assert not [call for call in desk.calls() if "/properties/" in call]


def test_a_history_that_cannot_be_read_now_is_read_with_the_next_poll(desk: Desk) -> None:
    ticket = desk.ticket()
    _, cursor = desk.poll("tickets")
    desk.pass_time(MINUTE)
    desk.act("update", object="tickets", id=ticket, stage="customer", by="Sam")
    desk.fault("status:502", "*/tickets/batch/read")
    with pytest.raises(RetryLater):
        desk.poll("tickets", cursor)
    desk.emulator.faults.clear()
    events = desk.events(desk.poll("tickets", cursor)[0])
    assert f"user:{desk.owner('Sam')}" in {event.actor for event in events if event.id.startswith("stage:")}


def test_a_stage_that_is_renamed_while_we_run_has_its_new_name_within_an_hour(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.poll("tickets")
    desk.act("rename_stage", object="tickets", stage="Waiting on us", label="Ours")
    desk.pass_time(61 * MINUTE)
    desk.act("update", object="tickets", id=ticket, stage="Ours", by="Sam")
    snapshot = next(event for event in desk.events(desk.poll("tickets")[0]) if event.snapshot)
    assert snapshot.set is not None
    assert snapshot.set["raw_status"] == "Support Pipeline/Ours"


@pytest.mark.parametrize("how", ["no scope", "no object"])
def test_a_portal_without_leads_goes_on_with_its_tickets(
    desk: Desk, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    if how == "no scope":
        desk.act("settings", missing_scopes=["crm.objects.leads.read", "crm.objects.leads.write"])
    else:
        desk.fault("status:404", "*/leads/*")
    ticket = desk.ticket()
    desk.act("call", object="tickets", id=ticket, by="Sam")
    desk.connector = desk.connect(objects=("leads", "tickets"), write={})
    page = desk.connector.poll("leads", None, 0)
    assert (page.changes, page.more) == ([], False)
    assert "leads cannot be read" in caplog.text
    assert "grant crm.objects.leads.read" in caplog.text
    assert [one.subject for one in desk.connector.losses()] == ["leads"]
    assert records(desk.poll("tickets")[0]) == [ticket]
    assert [event.record for event in desk.events(desk.poll("calls")[0])] == [f"acme:ticket:{ticket}"]
    desk.calls()
    desk.connector.poll("leads", page.cursor, 0)
    assert desk.calls() == {}
    desk.emulator.faults.clear()
    desk.act("settings", missing_scopes=[])
    desk.pass_time(61 * MINUTE)
    contact = desk.contact()
    lead = desk.act("create", object="leads", fields={"hs_lead_name": "Byron"}, stage="new",
                    associations=[{"object": "contacts", "id": contact}], by="Maria")["id"]  # fmt: skip
    assert records(desk.poll("leads", page.cursor)[0]) == [lead]
    assert desk.connector.losses() == []


def test_a_portal_with_leads_alone_and_no_right_to_read_them_stops(desk: Desk) -> None:
    desk.act("settings", missing_scopes=["crm.objects.leads.read"])
    desk.connector = desk.connect(objects=("leads",), write={})
    with pytest.raises(AuthFailed, match=r"crm\.objects\.leads\.read"):
        desk.connector.poll("leads", None, 0)


@pytest.mark.parametrize("at", ["start", "later"])
def test_owners_that_cannot_be_read_now_are_read_with_the_next_poll(desk: Desk, at: str) -> None:
    queue = desk.owner("Unassigned")
    if at == "later":
        desk.ticket(hubspot_owner_id="Sam")
        with pytest.MonkeyPatch.context() as patched:
            owners = desk.emulator.portal.owners
            patched.setattr(owners, "all", [one for one in owners.all if one.id != queue])
            desk.poll("tickets")
        desk.pass_time(11 * MINUTE)
    desk.ticket(hubspot_owner_id="Unassigned")
    desk.fault("status:502", "*/owners/*")
    with pytest.raises(RetryLater):
        desk.poll("tickets")
    desk.emulator.faults.clear()
    events = desk.events(desk.poll("tickets")[0])
    assert f"queue:{queue}" in {event.set["owner"] for event in events if event.snapshot and event.set}
    assert f"user:{queue}" not in {event.set["owner"] for event in events if event.snapshot and event.set}


def test_properties_that_cannot_be_looked_up_now_are_looked_up_with_the_next_poll(desk: Desk) -> None:
    desk.connector = desk.connect(fields={"tier": {"ticket": "sla_tags"}})
    desk.act("property", object="tickets", name="sla_tags", archived=True)
    desk.ticket()
    desk.fault("status:502", "*/properties/*")
    with pytest.raises(RetryLater):
        desk.poll("tickets")
    desk.emulator.faults.clear()
    snapshot = next(event for event in desk.events(desk.poll("tickets")[0]) if event.snapshot)
    assert snapshot.set is not None
    assert "tier" not in snapshot.set


# ---- first contact, and the wall


def test_first_contact_tells_how_much_is_left_and_goes_on_after_a_kill_anywhere(desk: Desk) -> None:
    deeds = Deeds(desk.emulator.portal, silent=True, at_ms=desk.now)
    made = [deeds.create("contacts", {"email": f"n{number}@example.test"}).id for number in range(450)]
    desk.pass_time(MINUTE)
    seen: list[str] = []
    left: list[int | None] = []
    cursor, more = None, True
    while more:
        desk.connector = desk.connect()  # killed after every page
        page = desk.connector.poll("contacts", cursor, 0)
        seen += records(page.changes)
        left.append(page.remaining)
        cursor, more = page.cursor, page.more
    assert seen == made
    assert left == [250, 50, 0]


def test_a_page_of_records_that_were_deleted_since_they_were_indexed_hides_none_behind_it(desk: Desk) -> None:
    deeds = Deeds(desk.emulator.portal, silent=True, at_ms=desk.now)
    made = [deeds.create("contacts", {"email": f"n{number}@example.test"}).id for number in range(230)]
    desk.act("settings", index_lag_s=600)
    for number in made[:210]:
        desk.act("delete", object="contacts", id=number, by="Li")
    assert records(desk.poll("contacts")[0]) == made[210:]


def test_a_restored_record_is_seen_again(desk: Desk) -> None:
    ticket = desk.ticket()
    _, cursor = desk.poll("tickets")
    desk.pass_time(MINUTE)
    desk.act("delete", object="tickets", id=ticket, by="Sam")
    desk.pass_time(MINUTE)
    gone, cursor = desk.poll("tickets", cursor)
    assert gone == []
    desk.act("restore", object="tickets", id=ticket, by="Sam")
    desk.pass_time(MINUTE)
    assert records(desk.poll("tickets", cursor)[0]) == [ticket]
