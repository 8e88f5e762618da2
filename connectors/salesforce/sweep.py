"""Sweeps: where a stream stands, what to ask next, and what was handed out already.

Owns cursors and the conditions of queries. Refuses calls and rows. Invariant: within a sweep the pair (SystemModstamp,
Id) only grows, so that no row is skipped however many share a stamp; between sweeps the cursor never passes the
server's time at the sweep's begin, and each sweep starts ``overlap`` before it, since rows can become visible late
with an older stamp.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.errors import Rejected
from connectors.salesforce import names
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.values import quote, read_instant, select, show_instant
from sla.model import DONE_STATUSES


class Cursor(msgspec.Struct, omit_defaults=True):
    """Where a stream stands. Between sweeps ``reached`` is set: everything up to it (epoch ms) has been seen.

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

    @property
    def resting(self) -> bool:
        """Whether the last sweep is finished."""
        return self.first is None and self.stamp is None

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


_decode = msgspec.json.Decoder(Cursor).decode


def read_cursor(text: str | None, since: int) -> Cursor:
    """The cursor that a text holds; without one a first sweep since ``since``. Raises Rejected."""
    if text is None:
        return Cursor(first=since)
    try:
        return _decode(text)
    except msgspec.DecodeError:
        raise Rejected("the stored cursor cannot be read: forget it and sweep anew", code="CURSOR") from None


def advance(place: Cursor, last: tuple[str, str] | None, start: int, *, full: bool, new: bool) -> Cursor:
    """The cursor after a page. ``last`` is (stamp, id) of its last row, ``start`` the server's time at its asking,
    ``full`` whether there may be more, ``new`` whether it brought anything."""
    turn, start = place.turn + new, place.start or start
    if last is not None and full:
        return Cursor(place.reached, place.first, start, last[0], last[1], turn)
    seen = last[0] if last is not None else place.stamp
    if seen is None:
        return Cursor(place.reached if place.reached is not None else start, turn=turn)
    return Cursor(max(min(read_instant(seen), start), place.reached or 0), turn=turn)


class Sweeps:
    """The queries of one connection's sweeps."""

    def __init__(self, settings: SalesforceSettings) -> None:
        self._overlap_ms = int(settings.overlap * 1000)
        ended = (raw for raw, word in settings.status.get("lead", {}).items() if word in DONE_STATUSES)
        self._ended = ", ".join(quote(raw) for raw in sorted(ended))

    def query(self, name: str, columns: Sequence[str], place: Cursor) -> str:
        """The next page of object ``name`` after ``place``."""
        if place.stamp is not None and place.id is not None:
            stamp = show_instant(read_instant(place.stamp))
            where = f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > {quote(place.id)}))"
            if place.first is not None:
                where = f"{where} AND {self._first(name, columns, place.first)}"
        elif place.first is not None:
            where = self._first(name, columns, place.first)
        else:
            where = f"SystemModstamp >= {show_instant((place.reached or 0) - self._overlap_ms)}"
        return select(columns, name, where, f"ORDER BY SystemModstamp ASC, Id ASC LIMIT {names.page_rows(name)}")

    def _first(self, name: str, columns: Sequence[str], since: int) -> str:
        """A first sweep also brings every record that is still open, however old."""
        recent = f"SystemModstamp >= {show_instant(since)}"
        if name == names.CASE and "IsClosed" in columns:
            return f"({recent} OR (IsClosed = false AND IsDeleted = false))"
        if name == names.LEAD and "IsConverted" in columns:
            rest = f" AND Status NOT IN ({self._ended})" if self._ended else ""
            return f"({recent} OR (IsConverted = false AND IsDeleted = false{rest}))"
        return recent


class Served:
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
