"""Reading: sweeps over what changed, and fresh reads of single records.

Owns the asking and the making of changes out of raw rows. Refuses to understand more of a row than its identity.
Invariant: a row's key is made of its id, its stamp and its content, so that the same state of a record is one change,
read by sweep, by webhook or twice, and another state is another, even within one second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple
from zlib import crc32

import msgspec

from connectors.base import Change, Page
from connectors.errors import RetryLater
from connectors.salesforce import names
from connectors.salesforce.actors import ME, READ
from connectors.salesforce.api import Api
from connectors.salesforce.bundle import Answer
from connectors.salesforce.columns import Columns
from connectors.salesforce.conversation import AUTOMATIC, says_automatic
from connectors.salesforce.ids import is_id
from connectors.salesforce.mapping import GONE
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import Shapes
from connectors.salesforce.sweep import Cursor, Served, Sweeps, advance, read_cursor
from connectors.salesforce.values import id_list, select
from sla.model import split_record

LOOKBACK_MS: Final = 30 * 24 * 3_600_000
"""How much further a first sweep reaches back for what was said on records that are still open."""


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
decode_row = msgspec.json.Decoder(dict[str, Any]).decode


def rows_of(answer: Answer) -> _Result:
    """The rows of a query's answer. Raises RetryLater when it is cut short or something else."""
    try:
        return _decode_result(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RetryLater("the answer to a query is not a list of records", code="UNREADABLE") from None


class _Asked(NamedTuple):
    """An answer, the cursor that its query came from, and when it was asked for (epoch ms)."""

    cursor: str | None
    answer: Answer
    at: int


class Feed:
    """The reading half of one connection."""

    def __init__(
        self, api: Api, shapes: Shapes, columns: Columns, settings: SalesforceSettings, clock: Callable[[], int]
    ) -> None:
        self._api = api
        self._shapes = shapes
        self._columns = columns
        self._settings = settings
        self._clock = clock
        self._sweeps = Sweeps(settings)
        self._served = Served()
        self._order = [*settings.objects, *settings.answers]
        self._resting: dict[str, str] = {}
        self._ahead: dict[str, _Asked] = {}

    # ---- sweeps

    def poll(self, name: str, cursor: str | None, since: int) -> Page:
        """The next page of object ``name``; an empty one while the object does not exist for us."""
        place = read_cursor(cursor, since if name in names.KINDS else since - LOOKBACK_MS)
        if not self._select(name):
            return Page([], cursor or place.text())
        self._served.confirm(name, cursor)
        asked = self._asked(name, cursor, place)
        result = rows_of(asked.answer)
        changes, last = self._changes(name, result.records, asked.at)
        new = [change for change in changes if not self._served.has(name, change.key)]
        full = len(result.records) >= names.page_rows(name) or not result.done
        row = (last.system_modstamp, last.id) if last is not None else None
        reached = advance(place, row, asked.answer.at or asked.at, full=full, new=bool(new))
        text = reached.text()
        if place.first is None:  # a first sweep is too long to remember
            self._served.offer(name, text, {change.key for change in changes}, swept=reached.resting)
        if reached.resting:
            self._resting[name] = text
        return Page(new, text, not reached.resting)

    def _asked(self, name: str, cursor: str | None, place: Cursor) -> _Asked:
        """The answer to the stream's next query. Streams are polled one after the other, so the first of them asks for
        those that follow in the same call; an answer waits for its own cursor and is used once."""
        ahead = self._ahead.pop(name, None)
        if ahead is not None and ahead.cursor == cursor:
            return ahead
        asked_at = self._clock()
        queries = {name: self._query(name, place)}
        if place.resting:
            queries |= self._following(name)
        answers = self._api.each_query(list(queries.values()))
        for other, answer in zip(list(queries)[1:], answers[1:], strict=True):
            if isinstance(answer, Answer):  # else it fails, or does not, at its own turn
                self._ahead[other] = _Asked(self._resting[other], answer, asked_at)
        own = answers[0]
        if isinstance(own, Answer):
            return _Asked(cursor, own, asked_at)
        if own.code not in {"INVALID_FIELD", "INVALID_TYPE"}:
            raise own
        self._shapes.forget()  # an administrator took something away: look again and ask for what is left
        return _Asked(cursor, self._api.query(self._query(name, place)), asked_at)

    def _following(self, name: str) -> dict[str, str]:
        """The queries of the streams after ``name`` that rest between sweeps, as many as go into one call."""
        later = self._order[self._order.index(name) + 1 :] if name in self._order else []
        waiting = [other for other in later if other in self._resting and other not in self._ahead]
        chosen = [other for other in waiting if self._select(other)][: names.QUERIES_PER_CALL - 1]
        return {other: self._query(other, read_cursor(self._resting[other], 0)) for other in chosen}

    def _query(self, name: str, place: Cursor) -> str:
        return self._sweeps.query(name, self._select(name), place)

    def _select(self, name: str) -> list[str]:
        """The columns to ask for; none when the object, or what a sweep stands on, does not exist for us."""
        if self._shapes.get(name) is None:
            return []
        columns = self._columns.select(name, lambda path: self._shapes.has(name, path))
        return columns if {"Id", "SystemModstamp"} <= set(columns) else []

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
                latest = f"ORDER BY SystemModstamp DESC LIMIT {names.page_rows(other)}"
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
