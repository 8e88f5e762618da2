"""The record as it stood after each of its events: what an account of a clock looks things up in.

Owns the replay. Refuses policies' decisions and clocks.
Invariant: a moment holds what ``sla.record`` made of the events up to it and nothing more.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sla import signal
from sla.fold import Move
from sla.model import Event
from sla.policy import Policies
from sla.record import RecordState


class Moment(NamedTuple):
    """One event, the signals that it meant, and the record after it."""

    event: Event
    signals: int
    fields: Mapping[str, Any]
    """With those that rules derived."""
    status: str | None
    """The category as it really stands (see ``RecordState.effective``), None while it was never told."""
    changed: frozenset[str]
    """The fields that got another value."""
    derived: Mapping[str, str]
    """The rule behind each derived field."""

    @property
    def at(self) -> int:
        """The instant of the event, epoch milliseconds."""
        return self.event.at


class Moments:
    """Every moment of a record in order, and what stood at an instant."""

    def __init__(self, policies: Policies, ordered: Sequence[Event], moves: Sequence[Move] = ()) -> None:
        """``ordered`` as ``sla.timeline.settle`` gives them, ``moves`` in order of time."""
        self.all: list[Moment] = []
        state = RecordState(ordered[0].record if ordered else "none:ticket:none", policies.derivation)
        ahead = list(moves)
        for event in ordered:
            while ahead and ahead[0].at < event.at:
                move = ahead.pop(0)
                if move.instead in (None, policies):  # edited hours of a version that was left behind change nothing
                    policies = move.policies
                    state.derive_by(policies.derivation)
            self.all.append(_after(state, event))
        self._times = [moment.at for moment in self.all]

    def until(self, at: int) -> Moment | None:
        """The last moment at or before an instant; None before the first."""
        place = bisect_right(self._times, at)
        return self.all[place - 1] if place else None

    def before(self, at: int) -> Moment | None:
        """The last moment before an instant; None when there is none."""
        place = bisect_left(self._times, at)
        return self.all[place - 1] if place else None

    def at(self, instant: int) -> list[Moment]:
        """The moments of exactly this instant, in order."""
        return self.all[bisect_left(self._times, instant) : bisect_right(self._times, instant)]

    def between(self, start: int, end: int) -> list[Moment]:
        """The moments after ``start`` and before ``end``."""
        return self.all[bisect_right(self._times, start) : bisect_left(self._times, end)]


def _after(state: RecordState, event: Event) -> Moment:
    found = state.apply(event)
    changed = frozenset(state.changed) if found & signal.FIELDS else frozenset()
    return Moment(event, found, state.fields, state.effective().get("status"), changed, state.derived)
