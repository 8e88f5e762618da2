"""Pages of several streams in one call.

Owns which queries travel together, and the answers that wait for their turn. Refuses cursors' meaning and rows.
Streams are polled one after the other, so the first of them asks for those that follow; an answer waits for the very
place that it was asked for, and is used once. Invariant: a stream fails at its own turn alone, and what is asked ahead
in vain costs no call; and no answer outlives a failed call, after which a round may come much later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from connectors.errors import ConnectorError, Rejected, RetryLater
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.bundle import Answer
from connectors.salesforce.selection import Selection
from connectors.salesforce.sweep import Cursor, Sweeps, first_since

log = logging.getLogger(__name__)

TAKEN_AWAY: Final = frozenset({"INVALID_FIELD", "INVALID_TYPE"})


class Asked(NamedTuple):
    """An answer, the place that its query came from, and when it was asked for (epoch ms)."""

    place: Cursor
    answer: Answer
    at: int


class Asking:
    """The queries of one connection's sweeps. ``order``: in which streams are polled; ``clock()`` in epoch ms."""

    def __init__(
        self, api: Api, selection: Selection, sweeps: Sweeps, order: Sequence[str], clock: Callable[[], int]
    ) -> None:
        self._api = api
        self._selection = selection
        self._sweeps = sweeps
        self._order = list(order)
        self._clock = clock
        self._resting: dict[str, Cursor] = {}
        self._met: set[str] = set()
        self._ahead: dict[str, Asked] = {}
        self._begin_together = True

    def rests(self, name: str, place: Cursor) -> None:
        """The stream has come to its end for now, at ``place``."""
        self._resting[name] = place

    def forget(self) -> None:
        """Drops the answers that wait: the next ones are to be no older than the round that they are for."""
        self._ahead.clear()

    def page(self, name: str, place: Cursor) -> Asked | None:
        """The answer to the query of ``name`` at ``place``; None when the object is no longer there for us. Raises what
        another failure means."""
        self._met.add(name)
        ahead = self._ahead.pop(name, None)
        if ahead is not None and ahead.place == place:
            return ahead
        asked_at = self._clock()
        try:
            return Asked(place, self._together(name, place, self._following(name, place), asked_at), asked_at)
        except Rejected as error:
            if error.code not in TAKEN_AWAY:
                raise
            # An administrator took something away, or gave it another name: look again and ask for what is left.
            log.warning("%s: a field or an object is no longer there for us; run `sla-sidecar check`", name)
            self._selection.forget()
            return Asked(place, self._alone(name, place), asked_at) if self._selection.readable(name) else None

    def _together(self, name: str, place: Cursor, following: dict[str, Cursor], asked_at: int) -> Answer:
        if not following:
            return self._alone(name, place)
        places = {name: place, **following}
        queries = [(self._query(one, at), names.page_rows(one)) for one, at in places.items()]
        try:
            own, *others = self._api.each_page(queries)
        except (RetryLater, Rejected) as error:
            if not place.beginning or (isinstance(error, Rejected) and error.code != "TOO_LARGE"):
                raise
            self._begin_together = False  # too much for one call
            return self._alone(name, place)
        for other, answer in zip(following, others, strict=True):
            if isinstance(answer, Answer):  # else it fails, or does not, at its own turn
                self._ahead[other] = Asked(following[other], answer, asked_at)
        if isinstance(own, ConnectorError):
            raise own
        return own

    def _alone(self, name: str, place: Cursor) -> Answer:
        return self._api.query(self._query(name, place), rows=names.page_rows(name))

    def _following(self, name: str, place: Cursor) -> dict[str, Cursor]:
        """The streams after ``name`` that stand as it does, resting or before their first page, as many as go into one
        call."""
        later = self._order[self._order.index(name) + 1 :] if name in self._order else []
        waiting = [other for other in later if other not in self._ahead]
        if place.resting:
            found = {other: self._resting[other] for other in waiting if other in self._resting}
        elif place.beginning and not place.paged and self._begin_together:
            since = first_since(name, place)
            found = {other: Cursor.begin(other, since) for other in waiting if other not in self._met}
        else:
            found = {}
        readable = [other for other in found if self._selection.readable(other)]
        return {other: found[other] for other in readable[: names.QUERIES_PER_CALL - 1]}

    def _query(self, name: str, place: Cursor) -> str:
        chosen = self._selection
        return self._sweeps.query(name, chosen.select(name), place, chosen.stamp(name), chosen.only(name))
