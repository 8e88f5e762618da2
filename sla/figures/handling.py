"""How a record was handled, whatever was promised about it: answers, reopenings, who waited for whom.

Owns what reports ask of a timeline beyond its clocks. Refuses policies and calendars: spans are plain instants.
Invariant: it follows the same fold of events as the clocks do, so a span here begins and ends at an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sla import signal
from sla.model import Event
from sla.record import RecordState
from sla.timeline import settle

Span = tuple[int, int]


class Handling(NamedTuple):
    """What was done on one record up to an instant. Instants are epoch milliseconds, spans ``[start, end)``."""

    answers: int = 0
    """Answers (messages, calls that got through …) up to the first resolution, or so far."""
    resolved_at: int | None = None
    """When it was resolved for the first time."""
    reopened: int = 0
    """How often it came back after a resolution."""
    waits: tuple[Span, ...] = ()
    """While the team waited for the customer."""
    spoken: tuple[Span, ...] = ()
    """While the customer had spoken and nobody had answered, or set a status, since."""
    stale: tuple[Span, ...] = ()
    """While the status still said that the customer is awaited although they had spoken."""

    @property
    def first_contact(self) -> bool:
        """Resolved with at most one answer, and never reopened."""
        return self.resolved_at is not None and self.answers <= 1 and not self.reopened


class _Spans:
    """Collects the spans in which something held."""

    __slots__ = ("found", "since")

    def __init__(self) -> None:
        self.found: list[Span] = []
        self.since: int | None = None

    def hold(self, holds: bool, at: int) -> None:
        if holds and self.since is None:
            self.since = at
        elif not holds and self.since is not None:
            if at > self.since:
                self.found.append((self.since, at))
            self.since = None

    def until(self, now: int) -> tuple[Span, ...]:
        self.hold(False, now)
        return tuple(self.found)


def handling_of(events: Sequence[Event], now: int) -> Handling:
    """The handling of one record as of ``now``; ``events`` are its own, in any order, doubled or not."""
    state = RecordState(events[0].record if events else "none:ticket:none")
    answers, reopened, resolved_at, spoke = 0, 0, None, False
    waits, spoken, stale = _Spans(), _Spans(), _Spans()
    for event in settle(events, now):
        found = state.apply(event)
        said = event.event in ("message", "activity")
        if said and found & signal.REPLY and resolved_at is None:
            answers += 1
        if found & signal.RESOLVED and resolved_at is None:
            resolved_at = event.at
        if found & signal.REOPENED:
            reopened += 1
        spoke = _spoke(spoke, found, event, state)
        open_now = not (state.deleted or state.merged)
        waits.hold(state.pending and open_now, event.at)
        spoken.hold(spoke and open_now, event.at)
        stale.hold(spoke and open_now and state.status == "pending", event.at)
    return Handling(answers, resolved_at, reopened, waits.until(now), spoken.until(now), stale.until(now))


def _spoke(before: bool, found: int, event: Event, state: RecordState) -> bool:
    """Whether the customer has the last word: an answer takes it, and so does a person who sets the status."""
    if event.event in ("message", "activity"):
        return bool(found & signal.CUSTOMER) or (before and not found & signal.REPLY)
    named = event.set is not None and "status" in event.set
    moved = named and (not event.snapshot or (bool(found & signal.FIELDS) and "status" in state.changed))
    return before and not moved and event.event not in ("converted", "disqualified")
