"""Sweeps over what changed, page by page.

Owns the asking for pages and what becomes of their cursors. Refuses to understand a row, and to hold more than a page.
Invariant: a cursor leaves with the rows before it, and a page that failed moves nothing. What describe no longer shows
is left out of the next query, also in the middle of a sweep.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, NamedTuple

from connectors.base import Page
from connectors.errors import ConnectorError, Rejected
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.bundle import Answer
from connectors.salesforce.loading import Loading, worth_a_job
from connectors.salesforce.rows import Rows, rows_of
from connectors.salesforce.selection import Selection
from connectors.salesforce.served import Served
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.sweep import Cursor, Sweeps, advance, read_cursor

log = logging.getLogger(__name__)

LOOKBACK_MS: Final = 30 * 24 * 3_600_000
"""How much further a first sweep reaches back for what was said and changed on records that are still open."""
TAKEN_AWAY: Final = frozenset({"INVALID_FIELD", "INVALID_TYPE"})


class _Asked(NamedTuple):
    """An answer, the cursor that its query came from, and when it was asked for (epoch ms)."""

    cursor: str | None
    answer: Answer
    at: int


class Feed:
    """The sweeps of one connection. ``streams`` in the order in which they are polled, ``clock()`` in epoch ms."""

    def __init__(
        self, api: Api, selection: Selection, settings: SalesforceSettings, rows: Rows, loading: Loading,
        sweeps: Sweeps, clock: Callable[[], int],
    ) -> None:  # fmt: skip
        self._api = api
        self._selection = selection
        self._rows = rows
        self._loading = loading
        self._clock = clock
        self._sweeps = sweeps
        self._served = Served()
        self._order = streams(settings)
        self._resting: dict[str, str] = {}
        self._ahead: dict[str, _Asked] = {}

    def poll(self, name: str, cursor: str | None, since: int) -> Page:
        """The next page of object ``name``; an empty one while the object does not exist for us."""
        place = read_cursor(cursor, since if name in names.KINDS else since - LOOKBACK_MS)
        if place.job is not None:
            return self._loading.page(name, place)
        if not self._selection.readable(name):
            return Page([], cursor or place.text())
        self._served.confirm(name, cursor)
        try:
            asked = self._asked(name, cursor, place)
        except ConnectorError as error:
            if error.code != "QUERY_TIMEOUT" or not place.beginning or place.paged:
                raise
            return self._loading.begin(name, place, self._clock())  # too much for a query: that is what jobs are for
        return self._page(name, place, asked)

    def _page(self, name: str, place: Cursor, asked: _Asked) -> Page:
        stamp, result, began = self._selection.stamp(name), rows_of(asked.answer), asked.answer.at or asked.at
        taken = self._rows.of_query(name, result.records, self._api.user, asked.at, stamp)
        total = result.total_size if place.beginning and not place.paged else place.left
        left = None if total is None else max(total - taken.total, 0)
        new = [change for change in taken.changes if not self._served.has(name, change.key)]
        if place.beginning and worth_a_job(name, left or 0) and not place.paged:
            return self._loading.begin(name, place, began, new, left)
        full = not result.done or taken.total >= names.page_rows(name)
        overlap_ms = self._sweeps.overlap_ms
        reached = advance(place, taken.last, began, full=full, new=bool(new), overlap_ms=overlap_ms, left=left)
        text = reached.text()
        if place.first is None:  # a first sweep is too long to remember
            self._served.offer(name, text, {change.key for change in taken.changes}, swept=reached.resting)
        if reached.resting:
            self._resting[name] = text
        return Page(new, text, not reached.resting, left if place.first is not None else None)

    def _asked(self, name: str, cursor: str | None, place: Cursor) -> _Asked:
        """The answer to the stream's next query. Streams are polled one after the other, so the first of them asks for
        those that follow in the same call; an answer waits for its own cursor and is used once."""
        ahead = self._ahead.pop(name, None)
        if ahead is not None and ahead.cursor == cursor:
            return ahead
        asked_at = self._clock()
        following = self._following(name) if place.resting else {}
        try:
            if not following:
                return _Asked(cursor, self._alone(name, place), asked_at)
            own, *others = self._api.each_query([self._query(name, place), *following.values()])
            for other, answer in zip(following, others, strict=True):
                if isinstance(answer, Answer):  # else it fails, or does not, at its own turn
                    self._ahead[other] = _Asked(self._resting[other], answer, asked_at)
            if isinstance(own, ConnectorError):
                raise own
            return _Asked(cursor, own, asked_at)
        except Rejected as error:
            if error.code not in TAKEN_AWAY:
                raise
            # An administrator took something away, or gave it another name: look again and ask for what is left.
            log.warning("%s: a field or an object is no longer there for us; run `sla-sidecar check`", name)
            self._selection.forget()
            return _Asked(cursor, self._alone(name, place), asked_at)

    def _alone(self, name: str, place: Cursor) -> Answer:
        return self._api.query(self._query(name, place), rows=names.page_rows(name))

    def _following(self, name: str) -> dict[str, str]:
        """The queries of the streams after ``name`` that rest between sweeps, as many as go into one call."""
        later = self._order[self._order.index(name) + 1 :] if name in self._order else []
        waiting = [other for other in later if other in self._resting and other not in self._ahead]
        chosen = [other for other in waiting if self._selection.readable(other)][: names.QUERIES_PER_CALL - 1]
        return {other: self._query(other, read_cursor(self._resting[other], 0)) for other in chosen}

    def _query(self, name: str, place: Cursor) -> str:
        chosen = self._selection
        return self._sweeps.query(name, chosen.select(name), place, chosen.stamp(name), chosen.only(name))


def streams(settings: SalesforceSettings) -> list[str]:
    """The objects that are swept: records, what was said on them, then what happened to their status and owner."""
    cases = names.CASE in settings.objects
    answers = [name for name in settings.answers if cases or name in names.ON_LEADS]
    histories = [name for name, record in names.HISTORIES.items() if record in settings.objects]
    return [*settings.objects, *answers, *histories]
