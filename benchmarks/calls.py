"""API calls that reading and writing cost, against the least that the vendors' pages and batches allow.

All objects and all sources of answers are watched: e-mails, calls, meetings, tasks, comments, conversations, histories.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

from benchmarks.measure import table
from benchmarks.practice import Practice, post, works
from sync.link import Link
from sync.works import Works

RECORDS = 1_000
IDLE = 20
LINKED = ("emails", "calls", "meetings")
"""HubSpot's streams whose rows do not name their records."""
MOVES = {
    "salesforce": ("Lead", {"fields": {"Status": "Working - Contacted"}}),
    "hubspot": ("tickets", {"stage": "us"}),
}


class Batches(NamedTuple):
    """What one call of a vendor can carry. ``streams``: how many streams one call can ask."""

    page: int
    write: int
    streams: int
    history: int | None
    """Records whose history one call can tell; None where history is a stream of its own."""


VENDORS = {"salesforce": Batches(2_000, 200, 5, None), "hubspot": Batches(200, 100, 1, 50)}


def run() -> None:
    rows = [("calls", "what", "calls", "least possible")]
    for crm, batches in VENDORS.items():
        with works(crm, RECORDS, everything=True) as (opened, practice):
            rows += _measure(crm, batches, opened, practice)
    table("API calls", rows)


def _measure(crm: str, batches: Batches, opened: Works, practice: Practice) -> list[tuple[str, ...]]:
    link = opened.links["crm"]
    link.connector.check()
    rows = []

    def note(what: str, calls: int, least: int) -> None:
        rows.append((crm, what, str(calls), str(least)))

    seen = _last(opened)
    before = practice.total()
    opened.intake.poll(link)
    found = _kept(opened, seen)
    least = _least(found, batches, link) + _by_nature(practice)
    note(f"first contact: {_told(found)}", practice.total() - before, least)
    before = practice.total()
    opened.deliver()
    done = opened.store.read(lambda t: t.rows("SELECT count(*) FROM outbox WHERE state = 'done'"))[0][0]
    note(f"{done} records written", practice.total() - before, ceil(done / batches.write))
    _settle(opened, link, practice)
    seen, before = _last(opened), practice.total()
    moved = _move(crm, opened, practice)
    practice.pass_time(60)
    opened.intake.poll(link)
    found = _kept(opened, seen)
    history = ceil(moved / batches.history) if batches.history else 0
    note(
        f"{moved} records changed by people: {_told(found)}",
        practice.total() - before,
        _least(found, batches, link) + history,
    )
    opened.deliver()
    _settle(opened, link, practice)
    before = practice.total()
    for _ in range(IDLE):
        practice.pass_time(60)
        opened.intake.poll(link)
    streams = len(link.connector.streams())
    note(
        f"{IDLE} idle minutes, a poll of {streams} streams each",
        practice.total() - before,
        IDLE * ceil(streams / batches.streams),
    )
    return rows


def _settle(opened: Works, link: Link, practice: Practice) -> None:
    """Time passes until nothing that happened is looked back at any more."""
    for _ in range(3):
        practice.pass_time(7_200)
        opened.intake.poll(link)


def _last(opened: Works) -> int:
    return int(opened.store.read(lambda t: t.rows("SELECT coalesce(max(id), 0) FROM inbox"))[0][0])


def _kept(opened: Works, after: int) -> dict[str, int]:
    """Rows that came in after the inbox's row ``after``, by stream."""
    asked = "SELECT stream, count(*) FROM inbox WHERE id > ? GROUP BY stream ORDER BY 2 DESC"
    return dict(opened.store.read(lambda t: t.rows(asked, (after,))))


def _told(found: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in found.items())


def _least(found: Mapping[str, int], batches: Batches, link: Link) -> int:
    """A first page of each stream, as many to a call as the vendor takes, and a call for each further page; where rows
    do not name their records, a call for a thousand of them and each object."""
    streams = [stream.name for stream in link.connector.streams()]
    further = sum(max(0, ceil(found.get(name, 0) / batches.page) - 1) for name in streams)
    linked = sum(2 * ceil(found.get(name, 0) / 1_000) for name in LINKED)
    return ceil(len(streams) / batches.streams) + further + linked


def _by_nature(practice: Practice) -> int:
    """Calls that have no larger batch: the messages of one thread, the histories of fifty records."""
    asked = practice.requests().items()
    return sum(n for call, n in asked if call.endswith("/messages") or ("/objects/" in call and "batch/read" in call))


def _move(crm: str, opened: Works, practice: Practice) -> int:
    """People change the status of every open record of one object. Returns how many there were."""
    name, change = MOVES[crm]
    kind = "lead" if crm == "salesforce" else "ticket"
    asked = "SELECT record FROM record WHERE kind = ? AND status IN ('new', 'open', 'pending')"
    records = [row[0].rpartition(":")[2] for row in opened.store.read(lambda t: t.rows(asked, (kind,)))]
    for number in records:
        post(practice.url, "act", {"do": "update", "object": name, "id": number, **change})
    return len(records)
