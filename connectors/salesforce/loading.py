"""First contact with very many records: one bulk job instead of a hundred pages.

Owns what a cursor says of a job, the pace of the questions about it, and the way back to pages. Refuses wire and rows.
Invariant: a job is begun again for nobody who comes back with its cursor, also after a kill; a job that failed, was
deleted or never ends costs calls and no row, for the sweep then goes page by page from its begin (a job's rows come in
no order, so none of them is the last), and what was read already has the same keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from connectors.base import Change, Page
from connectors.errors import AuthFailed, Conflict, Rejected
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.bulk import COMPLETE, WORKING, BulkQueries
from connectors.salesforce.rows import Rows
from connectors.salesforce.selection import Selection
from connectors.salesforce.sweep import Cursor, Sweeps

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 5.0
"""Between two questions about a job; nobody else of the connection can call meanwhile."""
MOST_QUESTIONS: Final = 720
"""An hour of them: Salesforce itself gives a chunk of a query no longer."""


def worth_a_job(name: str, left: int) -> bool:
    """Whether a job costs fewer calls than the pages of ``left`` rows."""
    return left > names.BULK_PAGES * names.page_rows(name)


class Loading:
    """The bulk jobs of one connection's first sweeps. ``pause(seconds)`` waits, ``clock()`` is in epoch ms."""

    def __init__(
        self, api: Api, jobs: BulkQueries, selection: Selection, rows: Rows, sweeps: Sweeps,
        clock: Callable[[], int], pause: Callable[[float], None],
    ) -> None:  # fmt: skip
        self._api = api
        self._jobs = jobs
        self._selection = selection
        self._rows = rows
        self._sweeps = sweeps
        self._clock = clock
        self._pause = pause

    def begin(
        self, name: str, place: Cursor, began: int, changes: Sequence[Change] = (), left: int | None = None
    ) -> Page:
        """Makes a job for the whole of a first sweep that began at ``began`` (epoch ms, the server's). ``changes`` have
        been read already; they come again with the job, under the same keys."""
        chosen = self._selection
        query = self._sweeps.whole(name, chosen.select(name), place, chosen.stamp(name), chosen.only(name))
        try:
            job = self._jobs.begin(query).id
        except (Rejected, Conflict, AuthFailed):  # no bulk queries for this object, or for us
            return self._paged(place, left)
        turn = place.turn + 1
        return Page(list(changes), _changed(place, start=began, job=job, turn=turn, left=left), True, left)

    def page(self, name: str, place: Cursor) -> Page:
        """One question about the job of ``place``, or one portion of its results."""
        job = place.job or ""
        try:
            if place.locator is None:
                return self._question(job, place)
            return self._portion(name, job, place)
        except (Rejected, Conflict):  # it is no more, or belongs to another version of the API
            return self._paged(place, place.left)

    def _question(self, job: str, place: Cursor) -> Page:
        self._pause(min(FIRST_WAIT_S * 1.5**place.asked, LONGEST_WAIT_S))
        found = self._jobs.ask(job)
        if found.state == COMPLETE:
            left = found.number_records_processed
            return Page([], _changed(place, locator="", left=left, turn=place.turn + 1), True, left)
        if found.state not in WORKING or place.asked >= MOST_QUESTIONS:
            self._jobs.end(job)
            return self._paged(place, place.left)
        return Page([], _changed(place, asked=place.asked + 1), True, place.left)

    def _portion(self, name: str, job: str, place: Cursor) -> Page:
        asked_at = self._clock()
        size = names.PORTION_PAGES * names.page_rows(name)
        portion = self._jobs.portion(job, place.locator or "", name, size)
        taken = self._rows.of_bulk(name, portion.rows, self._api.user, asked_at, self._selection.stamp(name))
        left = max((place.left or 0) - taken.total, 0)
        if portion.locator is not None:
            cursor = _changed(place, locator=portion.locator, left=left, turn=place.turn + 1)
            return Page(taken.changes, cursor, True, left)
        self._jobs.end(job)
        return Page(taken.changes, Cursor(reached=place.start, turn=place.turn + 1).text(), False, 0)

    def _paged(self, place: Cursor, left: int | None) -> Page:
        """To pages, from the sweep's begin; ``left`` is near enough for progress."""
        return Page([], Cursor(first=place.first, turn=place.turn + 1, left=left, paged=True).text(), True, left)


def _changed(place: Cursor, **values: object) -> str:
    return msgspec.structs.replace(place, **values).text()
