"""Sweeps over what changed, page by page.

Owns the asking for pages and what becomes of their cursors. Refuses to understand a row, and to hold more than a page.
Invariant: a cursor leaves with the rows before it, and a page that failed moves nothing. What describe no longer shows
is left out of the next query, also in the middle of a sweep.
"""

from __future__ import annotations

from collections.abc import Callable

from connectors.base import Page
from connectors.errors import ConnectorError
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.asking import Asked, Asking
from connectors.salesforce.loading import Loading, worth_a_job
from connectors.salesforce.rows import Rows, rows_of
from connectors.salesforce.selection import Selection
from connectors.salesforce.served import Served
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.sweep import Cursor, Sweeps, advance, read_cursor


class Feed:
    """The sweeps of one connection. ``clock()`` is the present in epoch ms."""

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
        self._asking = Asking(api, selection, sweeps, streams(settings), clock)
        self._served = Served()

    def poll(self, name: str, cursor: str | None, since: int) -> Page:
        """The next page of object ``name``; an empty one while the object does not exist for us."""
        try:
            return self._poll(name, cursor, since)
        except ConnectorError:
            self._asking.forget()  # who comes back after a failure may come an hour later
            raise

    def _poll(self, name: str, cursor: str | None, since: int) -> Page:
        place = read_cursor(name, cursor, since)
        if place.job is not None:
            return self._loading.page(name, place)
        if not self._selection.readable(name):
            return Page([], cursor or place.text())
        self._served.confirm(name, cursor)
        try:
            asked = self._asking.page(name, place)
        except ConnectorError as error:
            if error.code != "QUERY_TIMEOUT" or place.first is None or place.paged:
                raise
            # Too much for a query: that is what jobs are for. They bring all of the sweep, in no order.
            began = place.start or self._api.server_at or self._clock()
            return self._loading.begin(name, place, began, left=place.left)
        return Page([], cursor or place.text()) if asked is None else self._page(name, place, asked)

    def _page(self, name: str, place: Cursor, asked: Asked) -> Page:
        stamp, result, began = self._selection.stamp(name), rows_of(asked.answer), asked.answer.at or asked.at
        taken = self._rows.of_query(name, result.records, self._api.user, asked.at, stamp)
        total = result.total_size if place.beginning and not place.paged else place.left
        left = None if total is None else max(total - taken.total, 0)
        new = taken.changes
        if place.first is None:  # whoever sweeps from the beginning wants to see what there is
            new = [change for change in new if not self._served.has(name, change.key)]
        if place.beginning and worth_a_job(name, left or 0) and not place.paged:
            return self._loading.begin(name, place, began, new, left)
        full = not result.done or taken.total >= names.page_rows(name)
        overlap_ms = self._sweeps.overlap_ms
        reached = advance(place, taken.last, began, full=full, new=bool(new), overlap_ms=overlap_ms, left=left)
        text = reached.text()
        if place.first is None:  # a first sweep is too long to remember
            self._served.offer(name, text, {change.key for change in taken.changes}, swept=reached.resting)
        if reached.resting:
            self._asking.rests(name, reached)
        return Page(new, text, not reached.resting, left if place.first is not None else None)


def streams(settings: SalesforceSettings) -> list[str]:
    """The objects that are swept: records, what was said on them, then what happened to their status and owner."""
    cases = names.CASE in settings.objects
    answers = [name for name in settings.answers if cases or name in names.ON_LEADS]
    histories = [name for name, record in names.HISTORIES.items() if record in settings.objects]
    return [*settings.objects, *answers, *histories]
