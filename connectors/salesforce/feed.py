"""Reading: sweeps over what changed, and fresh reads of single records.

Owns queries, cursors and the making of changes out of raw rows. Refuses to understand more of a row than its identity.
Invariant: within a sweep the pair (SystemModstamp, Id) only grows, so that no row is skipped however many share a
stamp; between sweeps the cursor stays ``overlap`` behind, since rows can become visible late with an older stamp.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final
from zlib import crc32

import msgspec

from connectors.base import Change, Page
from connectors.errors import Rejected, RetryLater
from connectors.salesforce import names
from connectors.salesforce.actors import ME, READ
from connectors.salesforce.api import Answer, Api
from connectors.salesforce.columns import Columns
from connectors.salesforce.conversation import AUTOMATIC, says_automatic
from connectors.salesforce.ids import is_id
from connectors.salesforce.mapping import GONE
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import Shapes
from connectors.salesforce.values import id_list, quote, read_instant, select, show_instant
from sla.model import DONE_STATUSES, split_record

LOOKBACK_MS: Final = 30 * 24 * 3_600_000
"""How much further a first sweep reaches back for what was said on records that are still open."""


class Cursor(msgspec.Struct, omit_defaults=True):
    """Where a stream stands. Between sweeps only ``reached`` is set: everything up to it (epoch ms) has been seen.

    ``first``: since when a first sweep asks. Within a sweep: ``start`` the server's time when it began, ``stamp`` and
    ``id`` of the last row seen. ``turn`` counts the pages that brought something, so that every such page has a cursor
    of its own.
    """

    reached: int | None = None
    first: int | None = None
    start: int | None = None
    stamp: str | None = None
    id: str | None = None
    turn: int = 0


class _Result(msgspec.Struct):
    """One page of a query; a record stays the bytes it came as."""

    records: list[msgspec.Raw]
    done: bool = True


class _Identity(msgspec.Struct, rename="pascal", gc=False):
    """What makes a change of a row; the parents tell whether it belongs to a watched record."""

    id: str
    system_modstamp: str
    who_id: str | None = None
    what_id: str | None = None
    parent_id: str | None = None


_decode_result = msgspec.json.Decoder(_Result).decode
_decode_identity = msgspec.json.Decoder(_Identity).decode
_decode_cursor = msgspec.json.Decoder(Cursor).decode
decode_row = msgspec.json.Decoder(dict[str, Any]).decode


def rows_of(answer: Answer) -> _Result:
    """The rows of a query's answer. Raises RetryLater when it is cut short or something else."""
    try:
        return _decode_result(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RetryLater("the answer to a query is not a list of records", code="UNREADABLE") from None


class Feed:
    """The reading half of one connection."""

    def __init__(
        self, api: Api, shapes: Shapes, columns: Columns, settings: SalesforceSettings, clock: Callable[[], int]
    ) -> None:
        self._api = api
        self._shapes = shapes
        self._columns = columns
        self._overlap_ms = int(settings.overlap * 1000)
        self._settings = settings
        self._clock = clock
        self._served = _Served()

    # ---- sweeps

    def poll(self, name: str, cursor: str | None, since: int) -> Page:
        """The next page of object ``name``; an empty one while the object does not exist for us."""
        place = _cursor(cursor, since if name in names.KINDS else since - LOOKBACK_MS)
        columns = self._select(name)
        if not columns:
            return Page([], cursor or msgspec.json.encode(place).decode())
        self._served.confirm(name, cursor)
        asked_at = self._clock()
        try:
            answer = self._api.query(self._sweep(name, columns, place))
        except Rejected as error:
            if error.code not in {"INVALID_FIELD", "INVALID_TYPE"}:
                raise
            self._shapes.forget()  # an administrator took something away: look again and ask for what is left
            answer = self._api.query(self._sweep(name, self._select(name), place))
        result = rows_of(answer)
        changes, last = self._changes(name, result.records, asked_at)
        new = [change for change in changes if not self._served.has(name, change.key)]
        reached, more = self._advance(place, result, last, answer.at)
        reached.turn = place.turn + bool(new)
        text = msgspec.json.encode(reached).decode()
        if place.first is None:  # a first sweep is too long to remember
            self._served.offer(name, text, {change.key for change in changes}, swept=not more)
        return Page(new, text, more)

    def _select(self, name: str) -> list[str]:
        if self._shapes.get(name) is None:
            return []
        return self._columns.select(name, lambda path: self._shapes.has(name, path))

    def _sweep(self, name: str, columns: Sequence[str], place: Cursor) -> str:
        if place.stamp is not None and place.id is not None:
            stamp = show_instant(read_instant(place.stamp))
            where = f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > {quote(place.id)}))"
        else:
            low = place.first if place.first is not None else (place.reached or 0) - self._overlap_ms
            where = f"SystemModstamp >= {show_instant(low)}"
        if place.first is not None:
            where = self._first(name, columns, where, place)
        return select(columns, name, where, f"ORDER BY SystemModstamp ASC, Id ASC LIMIT {names.PAGE_ROWS}")

    def _first(self, name: str, columns: Sequence[str], where: str, place: Cursor) -> str:
        """A first sweep also brings every record that is still open, however old."""
        is_open = self._is_open(name, columns)
        if is_open is None:
            return where
        recent = f"SystemModstamp >= {show_instant(place.first or 0)}"
        if place.stamp is None:
            return f"({recent} OR ({is_open}))"
        return f"{where} AND ({recent} OR ({is_open}))"

    def _is_open(self, name: str, columns: Sequence[str]) -> str | None:
        if name == names.CASE and "IsClosed" in columns:
            return "IsClosed = false AND IsDeleted = false"
        if name == names.LEAD and "IsConverted" in columns:
            ended = sorted(raw for raw, word in self._settings.status.get("lead", {}).items() if word in DONE_STATUSES)
            rest = f" AND Status NOT IN ({', '.join(quote(raw) for raw in ended)})" if ended else ""
            return f"IsConverted = false AND IsDeleted = false{rest}"
        return None

    def _advance(self, place: Cursor, result: _Result, last: _Identity | None, at: int | None) -> tuple[Cursor, bool]:
        start = place.start or at or self._clock()
        if last is not None and (len(result.records) >= names.PAGE_ROWS or not result.done):
            return Cursor(place.reached, place.first, start, last.system_modstamp, last.id), True
        seen = last.system_modstamp if last is not None else place.stamp
        # Never past the server's own time when the sweep began: rows written since then may still be uncommitted.
        if seen is not None:
            return Cursor(max(min(read_instant(seen), start), place.reached or 0)), False
        return Cursor(place.reached if place.reached is not None else start), False

    # ---- fresh reads

    def read(self, records: Sequence[str]) -> list[Change]:
        """The records as they are now, with what was said on them; what is gone comes as a row of our own making."""
        changes: list[Change] = []
        by_object: dict[str, list[str]] = {}
        for record in records:
            _, kind, key = split_record(record)
            if is_id(key) and kind in names.OBJECTS:
                by_object.setdefault(names.OBJECTS[kind], []).append(key)
            elif kind in names.OBJECTS:
                changes.append(_gone(names.OBJECTS[kind], key, self._clock()))
        for name, keys in by_object.items():
            for start in range(0, len(keys), names.IDS_PER_QUERY):
                changes += self._read(name, keys[start : start + names.IDS_PER_QUERY])
        return changes

    def _read(self, name: str, keys: list[str]) -> list[Change]:
        columns = self._select(name)
        if not columns:
            return []
        queries = {name: select(columns, name, f"Id IN {id_list(keys)}")}
        for other, link in _said_on(name):
            columns = self._select(other) if other in self._settings.answers else []
            if link in columns:
                latest = f"ORDER BY SystemModstamp DESC LIMIT {names.PAGE_ROWS}"
                queries[other] = select(columns, other, f"{link} IN {id_list(keys)}", latest)
        asked_at = self._clock()
        answers = dict(zip(queries, self._api.queries(list(queries.values())), strict=True))
        changes = {key: self._changes(key, rows_of(answer).records, asked_at)[0] for key, answer in answers.items()}
        found = {change.key.split(":")[1][:15] for change in changes[name]}
        noticed = answers[name].at or self._clock()
        changes[name] += [_gone(name, key, noticed) for key in keys if key[:15] not in found]
        return [change for part in changes.values() for change in part]

    # ---- rows to changes

    def _changes(
        self, name: str, records: Iterable[msgspec.Raw], read_at: int
    ) -> tuple[list[Change], _Identity | None]:
        """A change per row that belongs to a watched record, and the identity of the last row of all. The key holds a
        checksum of the row, since a record can change twice within the second that a stamp can tell."""
        note = f',"{ME}":"{self._api.user or ""}","{READ}":{read_at}}}'.encode()
        changes: list[Change] = []
        row: _Identity | None = None
        for raw in records:
            row = _decode_identity(raw)
            if name not in names.KINDS and not self._watched(row):
                continue
            body = bytes(raw)
            if name == names.EMAIL:
                body = _without_headers(body)
            changes.append(Change(name, f"{name}:{row.id}:{row.system_modstamp}:{crc32(body):08x}", body[:-1] + note))
        return changes, row

    def _watched(self, row: _Identity) -> bool:
        for parent in (row.who_id, row.what_id, row.parent_id):
            if parent is not None and names.PREFIXES.get(parent[:3]) in self._settings.objects:
                return True
        return False


class _Served:
    """Keys of rows that were handed out and taken, so that the overlap costs nothing downstream.

    A key counts once the caller comes back with the cursor that was given beside it: by then its row is stored. It is
    an economy only; the store drops doubles anyway.
    """

    def __init__(self) -> None:
        self._taken: dict[str, set[str]] = {}
        self._this_sweep: dict[str, set[str]] = {}
        self._offered: dict[str, tuple[str, set[str], bool]] = {}

    def confirm(self, name: str, cursor: str | None) -> None:
        offered, keys, swept = self._offered.pop(name, ("", set(), False))
        if cursor is None or offered != cursor:
            return
        self._this_sweep.setdefault(name, set()).update(keys)
        if swept:  # the next sweep can meet only what this one met, and what is new
            self._taken[name] = self._this_sweep.pop(name)

    def has(self, name: str, key: str) -> bool:
        return key in self._taken.get(name, ()) or key in self._this_sweep.get(name, ())

    def offer(self, name: str, cursor: str, keys: set[str], *, swept: bool) -> None:
        self._offered[name] = (cursor, keys, swept)


def _cursor(text: str | None, since: int) -> Cursor:
    if text is None:
        return Cursor(first=since)
    try:
        return _decode_cursor(text)
    except msgspec.DecodeError:
        raise Rejected("the stored cursor cannot be read: forget it and sweep anew", code="CURSOR") from None


def _said_on(name: str) -> tuple[tuple[str, str], ...]:
    """Objects that hold what was said on ``name``, with the field that points to it."""
    if name == names.LEAD:
        return ((names.TASK, "WhoId"), (names.EVENT, "WhoId"))
    return ((names.TASK, "WhatId"), (names.EVENT, "WhatId"), (names.EMAIL, "ParentId"), (names.COMMENT, "ParentId"))


def _gone(name: str, key: str, noticed: int) -> Change:
    return Change(name, f"{name}:{key}:gone", msgspec.json.encode({"Id": key, GONE: noticed}))


def _without_headers(body: bytes) -> bytes:
    """An e-mail's row with the one thing that its headers are read for, and without them: they hold addresses."""
    row = decode_row(body)
    row[AUTOMATIC] = says_automatic(row.pop("Headers", None))
    return msgspec.json.encode(row)
