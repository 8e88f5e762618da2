"""Sweeps: where a stream stands, and what to ask next.

Owns cursors and the conditions of queries. Refuses calls and rows. Invariant: within a sweep the pair (stamp, Id) only
grows, so that no row is skipped however many share a stamp; between sweeps the cursor never passes the server's time at
the sweep's begin, and each sweep starts ``overlap`` before it, since rows can become visible late with an older stamp.

No page's ``nextRecordsUrl`` is ever followed: a locator that expired, or was given up for another client's, cannot stop
a sweep. Deleted rows come by queryAll within the same pages, with who deleted them and what they were merged into;
getDeleted and getUpdated would cost a call per object a round, know whole minutes and thirty days, and tell ids alone.
What left the recycle bin neither of them shows for long: the reconciliation asks after it by id.
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-getdeleted.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from connectors.errors import Rejected
from connectors.salesforce import names
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.values import quote, read_instant, select, show_instant
from sla.model import DONE_STATUSES

LOOKBACK_MS: Final = 30 * 24 * 3_600_000
"""How much further a first sweep reaches back for what was said and changed on records that are still open."""


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a stream stands. Between sweeps ``reached`` is set: everything up to it (epoch ms) has been seen.

    ``first``: since when a first sweep asks. Within a sweep: ``start`` the server's time when it began, ``stamp`` and
    ``id`` of the last row seen. ``turn`` counts the pages that brought something, so that every such page has a cursor
    of its own. ``left``: how many rows a first sweep has still to bring.

    A first sweep by bulk job has the ``job``, how often its state was ``asked``, and the ``locator`` of its next
    portion: None while the job works, empty for the first one. ``paged``: no job, whatever the number of rows.
    """

    reached: int | None = None
    first: int | None = None
    start: int | None = None
    stamp: str | None = None
    id: str | None = None
    turn: int = 0
    left: int | None = None
    job: str | None = None
    asked: int = 0
    locator: str | None = None
    paged: bool = False

    @classmethod
    def begin(cls, name: str, since: int) -> Cursor:
        """The place before a first sweep of object ``name``, for records since ``since`` (epoch ms)."""
        return cls(first=since if name in names.KINDS else since - LOOKBACK_MS)

    @property
    def resting(self) -> bool:
        """Whether the last sweep is finished."""
        return self.first is None and self.stamp is None

    @property
    def beginning(self) -> bool:
        """Whether nothing has been asked yet."""
        return self.first is not None and self.stamp is None and self.job is None

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


_decode = msgspec.json.Decoder(Cursor).decode


def first_since(name: str, place: Cursor) -> int:
    """Since when records are wanted, by the place before a first sweep of object ``name``."""
    return (place.first or 0) + (0 if name in names.KINDS else LOOKBACK_MS)


def read_cursor(name: str, text: str | None, since: int) -> Cursor:
    """The cursor that a text holds; without one a first sweep of object ``name`` since ``since``. Raises Rejected."""
    if text is None:
        return Cursor.begin(name, since)
    try:
        return _decode(text)
    except msgspec.DecodeError:
        raise Rejected("the stored cursor cannot be read: forget it and sweep anew", code="CURSOR") from None


def advance(
    place: Cursor, last: tuple[str, str] | None, start: int, *, full: bool, new: bool, overlap_ms: int,
    left: int | None = None,
) -> Cursor:  # fmt: skip
    """The cursor after a page. ``last`` is (stamp, id) of its last row, ``start`` the server's time at its asking,
    ``full`` whether there may be more, ``new`` whether it brought anything.

    Where nothing happens the cursor follows the time at a distance, so that the last great change before the silence
    is not read in every round; seldom, for a cursor that moves is written down.
    """
    turn, start = place.turn + new, place.start or start
    if last is not None and full:
        return msgspec.structs.replace(place, start=start, stamp=last[0], id=last[1], turn=turn, left=left)
    seen = last[0] if last is not None else place.stamp
    if seen is not None:
        reached = max(min(read_instant(seen), start), place.reached or 0)
    else:
        reached = place.reached if place.reached is not None else start
    return Cursor(reached=start - overlap_ms if start - reached > 2 * overlap_ms else reached, turn=turn)


class Sweeps:
    """The queries of one connection's sweeps."""

    def __init__(self, settings: SalesforceSettings) -> None:
        self.overlap_ms = int(settings.overlap * 1000)
        ended = (raw for raw, word in settings.status.get("lead", {}).items() if word in DONE_STATUSES)
        self._ended = ", ".join(quote(raw) for raw in sorted(ended))

    def query(self, name: str, columns: Sequence[str], place: Cursor, stamp: str, only: str = "") -> str:
        """The next page of object ``name`` after ``place``, in the order of its field ``stamp``.

        ``only`` is one more condition. The first page of a first sweep has no limit: its answer says how many rows
        there are in all.
        """
        if place.stamp is not None and place.id is not None:
            at = show_instant(read_instant(place.stamp))
            where = f"({stamp} > {at} OR ({stamp} = {at} AND Id > {quote(place.id)}))"
            if place.first is not None:
                where = f"{where} AND {self._first(name, columns, place.first, stamp)}"
        elif place.first is not None:
            where = self._first(name, columns, place.first, stamp)
        else:
            where = f"{stamp} >= {show_instant((place.reached or 0) - self.overlap_ms)}"
        limit = "" if place.beginning and not place.paged else f" LIMIT {names.page_rows(name)}"
        return select(columns, name, f"{where}{only}", f"ORDER BY {stamp} ASC, Id ASC{limit}")

    def whole(self, name: str, columns: Sequence[str], place: Cursor, stamp: str, only: str = "") -> str:
        """All of a first sweep, in no order: an order would keep Salesforce from cutting the job into chunks.
        https://developer.salesforce.com/docs/platform/api-asynch/guide/queries.html"""
        return select(columns, name, f"{self._first(name, columns, place.first or 0, stamp)}{only}")

    def _first(self, name: str, columns: Sequence[str], since: int, stamp: str) -> str:
        """A first sweep also brings every record that is still open, however old."""
        recent = f"{stamp} >= {show_instant(since)}"
        if name == names.CASE and "IsClosed" in columns:
            return f"({recent} OR (IsClosed = false AND IsDeleted = false))"
        if name == names.LEAD and "IsConverted" in columns:
            rest = f" AND Status NOT IN ({self._ended})" if self._ended and "Status" in columns else ""
            return f"({recent} OR (IsConverted = false AND IsDeleted = false{rest}))"
        return recent
