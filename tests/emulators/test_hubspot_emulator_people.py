"""What people do, what the CRM keeps of it by itself, the records it begins with, and its life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emulators.core import Refused
from emulators.hubspot import HubSpotEmulator
from emulators.hubspot.kinds import KINDS
from emulators.hubspot.records import Record


@pytest.fixture
def crm() -> HubSpotEmulator:
    return HubSpotEmulator(seed=11)


@pytest.fixture
def ticket(crm: HubSpotEmulator) -> str:
    contact = crm.act({"do": "create", "object": "contacts", "fields": {"email": "ada@acme.test"}})
    order = {"do": "create", "object": "tickets", "fields": {"subject": "Help"}, "associations": [contact]}
    return str(crm.act(order)["id"])


@pytest.fixture
def do(crm: HubSpotEmulator, ticket: str) -> Callable[..., dict[str, Any]]:
    def run(what: str, **more: Any) -> dict[str, Any]:
        return crm.act({"do": what, "object": "tickets", "id": ticket} | more)

    return run


def look(crm: HubSpotEmulator, kind: str, id: str) -> Record:
    record = crm.portal.shelf(KINDS[kind]).find(id)
    assert record is not None
    return record


def test_a_customers_message_is_an_incoming_email_and_goes_on_in_the_thread(
    crm: HubSpotEmulator, ticket: str, do: Callable[..., dict[str, Any]]
) -> None:
    crm.clock.advance(300)
    told = do("message", text="Any news?")
    email = look(crm, "emails", told["id"])
    assert email.text("hs_email_direction") == "INCOMING_EMAIL"
    assert crm.portal.links.ids(email.node, "tickets") == [ticket]
    assert len(crm.portal.links.ids(email.node, "contacts")) == 1
    record = look(crm, "tickets", ticket)
    assert record.instant("hs_last_message_received_at") == email.instant("hs_timestamp")
    assert record.text("hs_last_message_from_visitor") == "true"
    thread = crm.portal.threads.of_ticket(ticket)
    assert thread is not None
    assert thread.id == record.text("hs_conversations_originating_thread_id")
    message = thread.messages[0].body()
    assert (message["direction"], message["text"], message["createdBy"][0]) == ("INCOMING", "Any news?", "V")
    assert record.instant("first_agent_reply_date") is None


def test_the_first_answer_of_an_agent_is_kept_and_the_second_is_not(
    crm: HubSpotEmulator, ticket: str, do: Callable[..., dict[str, Any]]
) -> None:
    record = look(crm, "tickets", ticket)
    crm.clock.advance(600)
    do("message", direction="outbound", automated=True)
    assert record.instant("first_agent_reply_date") is None
    crm.clock.advance(60)
    do("message", direction="outbound", by="sam@acme.test", failed=True)
    assert record.instant("hs_last_message_sent_at") is not None  # the robot's
    assert record.instant("first_agent_reply_date") is None
    crm.clock.advance(60)
    first = do("message", direction="outbound", by="sam@acme.test")
    answered_at = look(crm, "emails", first["id"]).instant("hs_timestamp")
    crm.clock.advance(60)
    do("message", direction="outbound", by="jo@acme.test")
    assert record.instant("first_agent_reply_date") == answered_at
    assert record.text("time_to_first_agent_reply") == str((answered_at or 0) - record.created_ms)
    sam = crm.portal.owners.named("sam")
    assert sam is not None
    thread = crm.portal.threads.of_ticket(ticket)
    assert thread is not None
    assert [(one.actor[:2], one.status) for one in thread.messages] == [
        ("S-", "SENT"), ("A-", "FAILED"), ("A-", "SENT"), ("A-", "SENT"),
    ]  # fmt: skip


def test_an_internal_note_answers_nobody(crm: HubSpotEmulator, ticket: str, do: Callable[..., dict[str, Any]]) -> None:
    do("message", text="Hello?")
    told = do("message", public=False, text="He called twice", by="sam@acme.test")
    assert told["object"] == "notes"
    record = look(crm, "tickets", ticket)
    assert record.instant("hs_last_message_sent_at") is None
    thread = crm.portal.threads.of_ticket(ticket)
    assert thread is not None
    assert thread.messages[-1].body()["type"] == "COMMENT"


def test_a_closed_ticket_has_its_dates_and_a_reopened_one_loses_them(
    crm: HubSpotEmulator, ticket: str, do: Callable[..., dict[str, Any]]
) -> None:
    record = look(crm, "tickets", ticket)
    crm.clock.advance(3600)
    do("update", stage="closed", by="sam@acme.test")
    closed_at = record.instant("closed_date")
    assert record.text("hs_is_closed") == "true"
    assert record.text("time_to_close") == str((closed_at or 0) - record.created_ms)
    crm.clock.advance(60)
    do("update", stage="Waiting on us", by="sam@acme.test")
    assert (record.text("hs_is_closed"), record.instant("closed_date")) == ("false", None)
    assert record.instant("hs_last_closed_date") == closed_at
    assert record.instant("hs_ticket_reopened_at") == record.updated_ms


def test_an_assignment_is_dated_and_remembered(
    crm: HubSpotEmulator, ticket: str, do: Callable[..., dict[str, Any]]
) -> None:
    record = look(crm, "tickets", ticket)
    owners = [crm.portal.owners.named(name) for name in ("Unassigned", "sam", "jo")]
    for owner in owners:
        crm.clock.advance(100)
        assert owner is not None
        do("update", fields={"hubspot_owner_id": owner.first}, by="maria@acme.test")
    assert record.text("hs_all_owner_ids") == ";".join(owner.id for owner in owners if owner)
    assert record.instant("hubspot_owner_assigneddate") == record.updated_ms
    assert int(record.text("hs_time_to_first_rep_assignment")) in range(200_000, 201_000)  # the queue is nobody


def test_a_call_to_a_lead_shows_on_its_contact_too(crm: HubSpotEmulator) -> None:
    contact = crm.act({"do": "create", "object": "contacts", "fields": {"email": "ada@acme.test"}})
    lead = crm.act({"do": "create", "object": "leads", "fields": {"hs_lead_name": "Ada"}, "associations": [contact]})
    crm.clock.advance(240)
    told = crm.act({"do": "call", "object": "leads", "id": lead["id"], "by": "li@acme.test", "outcome": "no_answer"})
    call = look(crm, "calls", told["id"])
    assert (call.text("hs_call_direction"), call.text("hs_call_status")) == ("OUTBOUND", "NO_ANSWER")
    ada = look(crm, "contacts", contact["id"])
    assert ada.text("num_contacted_notes") == "1"
    assert int(ada.text("hs_time_to_first_engagement")) in range(240_000, 241_000)
    assert look(crm, "leads", lead["id"]).instant("hs_lastactivitydate") == call.instant("hs_timestamp")


def test_a_converted_lead_is_qualified_and_has_a_deal(crm: HubSpotEmulator) -> None:
    contact = crm.act({"do": "create", "object": "contacts", "fields": {"email": "ada@acme.test"}})
    lead = crm.act({"do": "create", "object": "leads", "fields": {"hs_lead_name": "Ada"}, "associations": [contact]})
    deal = crm.act({"do": "convert", "object": "leads", "id": lead["id"], "by": "li@acme.test"})
    assert deal["object"] == "deals"
    stage = crm.portal.pipelines.stage("leads", "qualified").id
    assert look(crm, "leads", lead["id"]).text("hs_pipeline_stage") == stage
    ada = look(crm, "contacts", contact["id"])
    assert (ada.text("lifecyclestage"), ada.text("hs_lead_status")) == ("opportunity", "OPEN_DEAL")


def test_merge_delete_and_restore(crm: HubSpotEmulator, ticket: str, do: Callable[..., dict[str, Any]]) -> None:
    do("message")
    other = crm.act({"do": "create", "object": "tickets", "fields": {"subject": "Again"}})["id"]
    merged = do("merge", into=other)
    assert look(crm, "tickets", ticket).id == merged["id"]
    thread = crm.portal.threads.of_ticket(merged["id"])
    assert thread is not None
    crm.act({"do": "delete", "object": "tickets", "id": merged["id"]})
    assert look(crm, "tickets", merged["id"]).archived
    crm.act({"do": "restore", "object": "tickets", "id": merged["id"]})
    assert not look(crm, "tickets", merged["id"]).archived


def test_a_user_leaves_and_comes_back(crm: HubSpotEmulator) -> None:
    sam = crm.portal.owners.named("sam@acme.test")
    assert sam is not None
    crm.act({"do": "deactivate_user", "user": f"user:{sam.id}"})
    assert (sam.archived, "userId" in sam.body()) == (True, False)
    assert sam.body()["userIdIncludingInactive"] == sam.user_id
    crm.act({"do": "activate_user", "email": "sam@acme.test"})
    assert sam.body()["userId"] == sam.user_id


@pytest.mark.parametrize(
    "order",
    [
        {"do": "dance"},
        {"do": "create", "object": "cars"},
        {"do": "update", "object": "tickets", "id": "9"},
        {"do": "create", "object": "leads", "fields": {"hs_lead_name": "Nobody's"}},
        {"do": "create", "object": "tickets", "stage": "Nowhere"},
        {"do": "create", "object": "contacts", "fields": {"email": "x@acme.test"}, "by": "nobody"},
        {"do": "deactivate_user", "id": "Unassigned"},
        {"do": "settings", "colour": "red"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(crm: HubSpotEmulator, order: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        crm.act(order)
    assert crm.effects.lines() == []


def test_the_seed_fills_the_portal_the_same_way_without_effects_or_webhooks() -> None:
    one, same = HubSpotEmulator(seed=4, records=60), HubSpotEmulator(seed=4, records=60)
    for kind in ("contacts", "tickets", "leads", "emails", "calls"):
        ids = [[record.id for record in each.portal.shelves[kind].since()] for each in (one, same)]
        assert ids[0] == ids[1]
        assert ids[0]
    assert len(one.portal.shelves["tickets"]) == 24
    assert one.effects.lines() == []
    one.webhooks.change({"url": "http://127.0.0.1:1/"})
    assert one.deliveries() == []
    births = [record.created_ms for record in one.portal.shelves["tickets"].since()]
    assert births == sorted(births)
    states = {
        found[1].state
        for record in one.portal.shelves["tickets"].since()
        if (found := one.portal.pipelines.of_stage("tickets", record.text("hs_pipeline_stage")))
    }
    assert {"new", "customer", "closed"} <= states


def test_within_an_hour_of_life_everything_has_happened() -> None:
    crm = HubSpotEmulator(seed=2, living=True)
    for _ in range(120):
        crm.clock.advance(30)
        crm.live()
    tickets = list(crm.portal.shelves["tickets"].since())
    waited = [
        record
        for record in tickets
        if crm.portal.pipelines.stage("tickets", "customer").id
        in [version.value for version in record.history("hs_pipeline_stage")]
    ]
    assert len(tickets) >= 5
    assert waited
    assert [
        one for one in waited if (one.instant("last_reply_date") or 0) > (one.instant("first_agent_reply_date") or 0)
    ]
    assert [one for one in tickets if one.instant("first_agent_reply_date") is None]
    inquiries = [one for one in crm.portal.shelves["contacts"].since() if one.text("hs_lead_status")]
    assert [one for one in inquiries if one.text("num_contacted_notes")]
    assert [one for one in inquiries if not one.text("num_contacted_notes")]
    assert len(crm.portal.shelves["leads"]) >= 1
    assert crm.effects.lines() == []


def test_a_lead_left_alone_is_called_when_it_gets_another_owner() -> None:
    crm = HubSpotEmulator(seed=2, living=True)
    for _ in range(20):
        crm.clock.advance(30)
        crm.live()
    alone = [one for one in crm.portal.shelves["contacts"].since() if one.text("hs_lead_status") == "NEW"]
    jo = crm.portal.owners.named("jo@acme.test")
    assert jo is not None
    for contact in alone:
        order = {"do": "update", "object": "contacts", "id": contact.id, "fields": {"hubspot_owner_id": jo.id}}
        crm.act(order)
    for _ in range(120):
        crm.clock.advance(30)
        crm.live()
    assert alone
    assert all(contact.text("num_contacted_notes") for contact in alone)
