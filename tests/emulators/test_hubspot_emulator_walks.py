"""Searches of a large portal look at few records, and find what a look at all of them finds."""

from __future__ import annotations

import random
from typing import Any

import pytest

from emulators.clock import EmulatorClock
from emulators.hubspot import HubSpotEmulator
from emulators.hubspot.deeds import Deeds
from emulators.hubspot.kinds import KINDS
from emulators.hubspot.records import Record, Shelf
from emulators.hubspot.search import search

TICKETS = KINDS["tickets"]
ALWAYS = {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "0"}
OPEN = {"propertyName": "hs_is_closed", "operator": "EQ", "value": "false"}


def portal() -> HubSpotEmulator:
    """Its clock stands until it is advanced."""
    return HubSpotEmulator(seed=3, records=60, clock=EmulatorClock(real=lambda: 1_772_460_300))


def behind(crm: HubSpotEmulator, number: int, *filters: dict[str, Any], limit: int = 3) -> tuple[int, list[str]]:
    bound = {"propertyName": "hs_object_id", "operator": "GT", "value": str(number)}
    order = {"filterGroups": [{"filters": [*filters, bound]}], "sorts": ["hs_object_id"], "limit": limit}
    found = search(crm.portal, TICKETS, order)
    return found.total, [record.id for record in found.records]


def test_a_walk_finds_what_a_new_search_would_whatever_was_written_meanwhile() -> None:
    crm = portal()
    dice, deeds = random.Random(5), Deeds(crm.portal)
    tickets = list(crm.portal.live(TICKETS))
    for turn in range(30):
        crm.portal.index_lag_ms = 1000 * (turn % 3)
        one = dice.choice(tickets)
        if turn % 7 == 6:
            deeds.writer(None).archive(one)
            tickets.remove(one)
        else:
            deeds.move(one, dice.choice(("closed", "us")), None)
        crm.clock.advance(1)
        number = dice.choice(tickets).number
        found = behind(crm, number, ALWAYS, OPEN)
        matching = [
            record.id
            for record in crm.portal.shelves["tickets"].since(number + 1)
            if record.indexed and record.indexed.get("hs_is_closed") == "false"
        ]
        assert found == (len(matching), matching[:3])


def test_a_late_record_takes_its_place_in_a_walk_when_it_arrives() -> None:
    crm = portal()
    deeds = Deeds(crm.portal)
    total, _ = behind(crm, 1, ALWAYS)
    stage = crm.portal.pipelines.stage("tickets", "new").id
    crm.portal.index_lag_ms = 5000
    late = deeds.create("tickets", {"subject": "late", "hs_pipeline_stage": stage})
    assert behind(crm, 1, ALWAYS)[0] == total
    crm.clock.advance(6)
    assert behind(crm, 1, ALWAYS)[0] == total + 1
    assert behind(crm, late.number - 1, ALWAYS)[1] == [late.id]


def test_further_pages_and_recent_changes_are_found_without_looking_at_every_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crm = portal()
    total, first = behind(crm, 1, ALWAYS)
    monkeypatch.setattr(Shelf, "since", lambda *_: [])  # what looks at all of them
    changed: Record = crm.portal.shelves["tickets"].numbered(int(first[0]))
    Deeds(crm.portal).move(changed, "closed", None)
    assert behind(crm, int(first[2]), ALWAYS)[0] == total - 3
    recent = ALWAYS | {"value": str(crm.portal.now_ms() - 60_000)}
    assert behind(crm, 1, recent) == (1, [changed.id])
