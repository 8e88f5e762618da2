"""The stored timelines: append-only lists of events, one per record.

Owns the tables ``event`` and ``withdrawal``. Refuses to interpret an event. Invariant: the same (record, id) is one
row, whose first ``seen_at`` stays whatever arrives later; what a person withdrew stays as a row and is told to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from sla.model import Event
from sync.store import Transaction

EXCEPTIONS: Final = ("excused", "extended")
"""The events that no CRM tells: a person orders them."""

_decode: Final = msgspec.json.Decoder(Event).decode
_encode: Final = msgspec.json.Encoder().encode
_seen_at: Final = msgspec.structs.replace


def load(transaction: Transaction, records: Sequence[str]) -> dict[str, dict[str, Event]]:
    """The stored events of ``records`` by record and id."""
    found: dict[str, dict[str, Event]] = {}
    for record, event_id, body in transaction.select_in(
        "SELECT record, id, body FROM event WHERE record IN ({})", records
    ):
        found.setdefault(record, {})[event_id] = _decode(body)
    for record, event_id in transaction.select_in(
        "SELECT record, event FROM withdrawal WHERE record IN ({})", list(found)
    ):
        found[record].pop(event_id, None)
    return found


def merge(known: dict[str, Event], arrived: Iterable[Event], seen: int) -> list[Event]:
    """Takes ``arrived`` into ``known`` and returns what is new. ``seen`` is when it arrived, epoch ms.

    A source may tell the same id again with other words (two edits within the second of its stamp): the later word
    counts, first seen stays.
    """
    fresh = []
    for event in arrived:
        other = known.get(event.id)
        if other is None:
            found = event if event.seen is not None else _seen_at(event, seen=seen)
        else:
            found = _seen_at(event, seen=other.seen)
            if found == other:
                continue
        known[event.id] = found
        fresh.append(found)
    return fresh


def save(transaction: Transaction, events: Iterable[Event]) -> None:
    """Stores what ``merge`` returned."""
    transaction.many(
        "INSERT INTO event (record, id, at, seen_at, body) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (record, id) DO UPDATE SET at = excluded.at, body = excluded.body",
        [(event.record, event.id, event.at, event.seen or event.at, _encode(event)) for event in events],
    )


class Ordered(NamedTuple):
    """An event that a person ordered, and who withdrew it when (epoch ms), if somebody did."""

    event: Event
    withdrawn_at: int | None
    withdrawn_by: str | None


def ordered(transaction: Transaction, record: str) -> list[Ordered]:
    """The exceptions ordered for a record, withdrawn ones too, oldest first."""
    rows = transaction.rows(
        "SELECT e.body, w.at, w.who FROM event AS e LEFT JOIN withdrawal AS w ON w.record = e.record AND w.event = e.id"
        " WHERE e.record = ?",
        (record,),
    )
    found = [Ordered(_decode(body), at, who) for body, at, who in rows]
    return sorted((o for o in found if o.event.event in EXCEPTIONS), key=lambda o: (o.event.at, o.event.id))


def withdraw(transaction: Transaction, record: str, event: str, at: int, who: str, reason: str | None) -> bool:
    """Leaves an event out of its timeline from now on. False when it was withdrawn already."""
    return bool(
        transaction.run(
            "INSERT INTO withdrawal (record, event, at, who, reason) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (record, event, at, who, reason),
        )
    )
