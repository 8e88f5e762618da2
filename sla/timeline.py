"""Timelines: the public line format, and the order in which events count.

Owns reading, writing, de-duplicating and ordering events. Refuses to interpret them.
Invariant: ``settle`` gives the same list for every permutation and duplication of the same events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

import msgspec

from sla.instant import format_instant, parse_instant
from sla.model import ACTIVITIES, ACTORS, EVENTS, KINDS, STATUSES, Event, split_record

KEYS: Final = (
    "record", "kind", "at", "id", "seq", "seen", "event", "actor", "set", "direction", "public", "automated", "channel",
    "activity", "outcome", "into", "from", "until", "reason", "by", "target",
)  # fmt: skip
_INSTANTS = {"at": "at", "seen": "seen", "from": "from_at", "until": "until"}
_TEXTS = (
    "id",
    "event",
    "kind",
    "actor",
    "direction",
    "channel",
    "activity",
    "outcome",
    "into",
    "reason",
    "by",
    "target",
)
_FLAGS = ("public", "automated")


_UNTOLD: Final = object()


class BadLine(NamedTuple):
    """A line that could not be read: its number from 1, and why."""

    number: int
    reason: str


def parse_line(line: str | bytes) -> Event:
    """One event from one JSON line of the public format. Raises ValueError that says what is wrong with it."""
    try:
        table = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as mistake:
        raise ValueError(f"not JSON: {mistake}") from None
    if not isinstance(table, dict):
        raise ValueError("a line is one JSON object")
    return event_from_mapping(table)


def read_lines(lines: Iterable[str | bytes], bad: list[BadLine]) -> Iterator[Event]:
    """The events of a timeline file; blank lines are passed over, unreadable ones are added to ``bad``."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield parse_line(line)
        except ValueError as mistake:
            bad.append(BadLine(number, str(mistake)))


def event_from_mapping(table: Mapping[str, Any]) -> Event:
    """One event from a parsed line. Raises ValueError."""
    for key in table:
        if key not in KEYS:
            near = get_close_matches(key, KEYS, 1, 0.6)
            raise ValueError(f"unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    given: dict[str, Any] = {}
    record = table.get("record")
    if not isinstance(record, str):
        raise ValueError("`record` is missing: it is connection:kind:id")
    split_record(record)
    given["record"] = record
    for key, name in _INSTANTS.items():
        if table.get(key) is not None:
            given[name] = _instant(key, table[key])
    if "at" not in given:
        raise ValueError("`at` is missing: the source time with an offset, such as 2026-03-02T14:05:00Z")
    for key in _TEXTS:
        if (value := table.get(key)) is not None:
            if not isinstance(value, str):
                raise ValueError(f"`{key}` is text, not {value!r}")
            given[key] = value
    for key in _FLAGS:
        if (value := table.get(key)) is not None:
            if not isinstance(value, bool):
                raise ValueError(f"`{key}` is true or false, not {value!r}")
            given[key] = value
    if (seq := table.get("seq")) is not None:
        if not isinstance(seq, int) or isinstance(seq, bool):
            raise ValueError(f"`seq` is a whole number, not {seq!r}")
        given["seq"] = seq
    if (fields := table.get("set")) is not None:
        given["set"] = _fields(fields)
    _check_words(given)
    if "id" not in given:
        given["id"] = "line:" + hashlib.sha256(msgspec.json.encode(table, order="sorted")).hexdigest()[:32]
    return Event(**given)


def _instant(key: str, value: object) -> int:
    if not isinstance(value, str):
        raise ValueError(f"`{key}` is an ISO 8601 time, not {value!r}")
    try:
        return parse_instant(value)
    except ValueError as mistake:
        raise ValueError(f"`{key}`: {mistake}") from None


def _fields(fields: object) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise ValueError(f"`set` is an object of fields, not {fields!r}")
    status = fields.get("status")
    if status is not None and status not in STATUSES:
        raise ValueError(f"status {status!r} is no category; known: {', '.join(STATUSES)}")
    owner = fields.get("owner")
    if owner is not None and not (isinstance(owner, str) and owner.startswith(("user:", "queue:"))):
        raise ValueError(f"owner {owner!r} is neither user:ID nor queue:ID nor null")
    return fields


def _check_words(given: Mapping[str, Any]) -> None:
    word = given.get("event")
    if word not in EVENTS:
        raise ValueError(f"`event` {word!r} is unknown; known: {', '.join(EVENTS)}")
    if word == "created" and "kind" not in given:
        raise ValueError("`kind` is required on created: lead, ticket or deal")
    for key, known in (("kind", KINDS), ("activity", ACTIVITIES), ("direction", ("inbound", "outbound"))):
        if key in given and given[key] not in known:
            raise ValueError(f"`{key}` {given[key]!r} is unknown; known: {', '.join(known)}")
    actor = given.get("actor")
    if actor is not None and actor.partition(":")[0] not in ACTORS:
        raise ValueError(f"actor {actor!r} is unknown; write one of {', '.join(a + ':ID' for a in ACTORS)}")


def event_to_line(event: Event) -> dict[str, Any]:
    """The public form of an event, ready for JSON; defaults are left out."""
    table = msgspec.to_builtins(event)
    line = {
        key: format_instant(table[name]) if key in _INSTANTS else table[name] for key, name in _NAMES if name in table
    }
    return line


_NAMES = [(key, _INSTANTS.get(key, key)) for key in KEYS]


def _order(event: Event) -> tuple[int, int, int, str]:
    """Source time, then a record's creation, then the source's own sequence, then the id."""
    return event.at, event.event != "created", event.seq or 0, event.id


def settle(events: Sequence[Event], now: int) -> list[Event]:
    """The events up to ``now``, each once, in the order in which they count.

    A ``created`` event that carries no fields takes those of the record's earliest snapshot, except that a record
    changed since its creation is taken to have begun as ``new``, and that what is told to have changed in between began
    as it ``was``, or with nothing where nobody says.
    """
    if len(events) == 1:
        return [events[0]] if events[0].at <= now else []
    ordered = sorted((event for event in events if event.at <= now), key=_order)
    told: dict[str, Event] = {}
    for event in ordered:
        other = told.setdefault(event.id, event)
        if other is not event and other.at == event.at and other != event:
            told[event.id] = min(other, event, key=msgspec.json.encode)  # one id, two stories: the same one every time
    unique = ordered if len(told) == len(ordered) else sorted(told.values(), key=_order)
    for i, event in enumerate(unique):
        if event.event == "created" and not event.set:
            unique[i] = _backfilled(event, unique)
            break
    return unique


def _backfilled(created: Event, ordered: Sequence[Event]) -> Event:
    began: dict[str, Any] = {}
    for event in ordered:
        if event.snapshot and event.set:
            if event.at == created.at:
                return msgspec.structs.replace(created, set=event.set)
            shown = {k: v for k, v in event.set.items() if k not in ("raw_status", "status") and k not in began}
            told = {k: v for k, v in began.items() if v is not _UNTOLD}
            return msgspec.structs.replace(created, set={**shown, "status": "new", **told})
        if event.event == "changed" and event.set:
            was = event.was or {}
            for name in event.set.keys() - began.keys():
                began[name] = was.get(name, _UNTOLD)
    return created
