"""Deleted, merged and emptied records vanish from ordinary queries, and a clock would run on.

``query`` does not show what lies in the recycle bin; ``queryAll`` does, until the bin is emptied; after that only the
absence itself tells (REST API Developer Guide, QueryAll; getDeleted knows thirty days and whole minutes). What is
restored says nothing of it either: it is simply there again.
"""

from __future__ import annotations

from typing import Any

import requests

from sla import signal
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
