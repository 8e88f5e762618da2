"""Deleted, merged and emptied records vanish from ordinary queries, and a clock would run on.

``query`` does not show what lies in the recycle bin; ``queryAll`` does, until the bin is emptied; after that only the
absence itself tells (REST API Developer Guide, QueryAll; getDeleted knows thirty days and whole minutes). What is
restored says nothing of it either: it is simply there again.

HubSpot's search never shows what is archived; a merge leaves the old id only in the winner's
``hs_merged_object_ids``; a deactivated owner is in a list of its own, and has no date. supaglue-labs/supaglue,
issue 665; https://developers.hubspot.com/docs/api-reference/crm-objects-v3/guide
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hubspot import Client
from hubspot_samples.desk import Desk

from sla import signal
from sla.model import Event
from sla.record import RecordState
from sla.timeline import settle


def naive(org: Any) -> set[str]:
    """What a reader without queryAll sees of all leads."""
    answer = requests.get(
        f"{org.url}/services/data/v66.0/query", params={"q": "SELECT Id FROM Lead"}, timeout=5,
        headers={"Authorization": f"Bearer {org.credentials['access_token']}"},
    )  # fmt: skip
    return {row["Id"] for row in answer.json()["records"]}


def life(acme: Any, record: str, changes: list[Any]) -> tuple[RecordState, int]:
    """The state of a record after its changes, and the last signals."""
    state, found = RecordState(record), 0
    events = [event for change in changes for event in acme.normalise(change).events if event.record == record]
    for event in settle(events, 1 << 60):
        found = state.apply(event)
    return state, found


def test_a_plain_query_says_nothing_of_what_is_gone(org: Any) -> None:
    one, two = org.create("Lead"), org.create("Lead")
    org.act("delete", id=one)
    assert naive(org) == {two}


def test_ours_hears_of_a_deletion(org: Any, acme: Any, drain: Any) -> None:
    lead = org.create("Lead")
    first, cursor = drain(acme, "Lead")
    org.emulator.clock.advance(60)
    org.act("delete", id=lead)
    state, found = life(acme, f"acme:lead:{lead}", first + drain(acme, "Lead", cursor)[0])
    assert state.deleted
    assert found & signal.DELETED


def test_ours_hears_of_a_merge_and_where_the_wait_goes_on(org: Any, acme: Any, drain: Any) -> None:
    loser, winner = org.create("Case"), org.create("Case")
    first, cursor = drain(acme, "Case")
    org.emulator.clock.advance(60)
    org.act("merge", id=loser, into=winner)
    state, _ = life(acme, f"acme:ticket:{loser}", first + drain(acme, "Case", cursor)[0])
    assert (state.merged, state.into, state.deleted) == (True, f"acme:ticket:{winner}", False)


def test_ours_hears_that_a_record_is_back(org: Any, acme: Any, drain: Any) -> None:
    lead = org.create("Lead")
    seen, cursor = drain(acme, "Lead")
    for what in ("delete", "undelete"):
        org.emulator.clock.advance(60)
        org.act(what, id=lead)
        changes, cursor = drain(acme, "Lead", cursor)
        seen += changes
    state, _ = life(acme, f"acme:lead:{lead}", seen)
    assert not state.deleted


def test_what_left_the_bin_no_query_shows_but_ours_asks_by_id(org: Any, acme: Any, drain: Any) -> None:
    lead = org.create("Lead")
    first, cursor = drain(acme, "Lead")
    org.emulator.clock.advance(60)
    org.act("purge", id=lead)
    assert drain(acme, "Lead", cursor)[0] == []  # no feed tells it
    state, found = life(acme, f"acme:lead:{lead}", first + acme.read([f"acme:lead:{lead}"]))
    assert state.deleted
    assert found & signal.DELETED


# ---- HubSpot


MINUTE = 60


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


@pytest.fixture
def sdk(desk: Desk) -> Any:
    return Client.create(access_token=desk.emulator.credentials()["access_token"], host=desk.server.url)


def open_tickets(sdk: Any) -> set[str]:
    """A mirror that is kept up to date by what changed: what it does not hear of stays as it was."""
    order = {
        "filterGroups": [{"filters": [{"propertyName": "createdate", "operator": "GT", "value": "0"}]}],
        "limit": 200,
    }
    return {one.id for one in sdk.crm.tickets.search_api.do_search(public_object_search_request=order).results}


def about(desk: Desk, ticket: str) -> list[Event]:
    """What asking after a ticket that no longer shows gives, as reconciliation does."""
    record = f"acme:ticket:{ticket}"
    return [event for event in desk.events(desk.connector.read([record])) if event.record == record]


def test_a_mirror_of_changes_keeps_a_deleted_ticket_for_ever(desk: Desk, sdk: Any) -> None:
    ticket = desk.ticket()
    mirror = open_tickets(sdk)
    desk.act("delete", object="tickets", id=ticket, by="Sam")
    desk.pass_time(60 * MINUTE)
    mirror |= open_tickets(sdk)
    assert ticket in mirror


def test_a_deleted_ticket_is_told_as_deleted_when_it_was(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.poll("tickets")
    desk.pass_time(MINUTE)
    deleted_at = desk.now
    desk.act("delete", object="tickets", id=ticket, by="Sam")
    desk.pass_time(60 * MINUTE)
    (event,) = about(desk, ticket)
    assert event.event == "deleted"
    assert 0 <= event.at - deleted_at < 1_000


@pytest.mark.parametrize("keeps_primary", [False, True])
def test_a_merged_ticket_is_told_as_merged_into_the_one_that_lives(desk: Desk, sdk: Any, keeps_primary: bool) -> None:
    desk.act("settings", merge_keeps_primary=keeps_primary)
    winner, loser = desk.ticket(), desk.ticket()
    naive = {winner, loser}
    desk.act("merge", object="tickets", id=loser, into=winner, by="Sam")
    living = sdk.crm.tickets.basic_api.get_by_id(loser).id  # the old id leads to what became of it
    assert open_tickets(sdk) == {living}
    assert naive - {living}  # whose timers run on
    merged = [event for event in about(desk, loser) if event.event == "merged"]
    assert [event.into for event in merged] == [f"acme:ticket:{living}"]
    assert not [event for event in about(desk, loser) if event.event == "deleted"]


def test_a_restored_ticket_is_seen_again_without_asking(desk: Desk) -> None:
    ticket = desk.ticket()
    _, cursor = desk.poll("tickets")
    desk.act("delete", object="tickets", id=ticket, by="Sam")
    desk.pass_time(MINUTE)
    _, cursor = desk.poll("tickets", cursor)
    desk.act("restore", object="tickets", id=ticket, by="Sam")
    desk.pass_time(MINUTE)
    assert any(event.snapshot for event in desk.events(desk.poll("tickets", cursor)[0]))


def test_a_deactivated_owner_is_not_in_the_list_and_we_know_them_still(desk: Desk, sdk: Any) -> None:
    ticket = desk.ticket(hubspot_owner_id="Jo")
    desk.act("deactivate_user", user="Jo")
    jo = desk.owner("Jo")
    assert jo not in {one.id for one in sdk.crm.owners.owners_api.get_page().results}
    assert {person.id: person.active for person in desk.connector.people()}[f"user:{jo}"] is False
    shown = next(event.set for event in desk.events(desk.poll("tickets")[0]) if event.snapshot)
    assert shown is not None
    assert shown["owner"] == f"user:{jo}"
    assert ticket
