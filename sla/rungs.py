"""Where the steps of a running clock stand: at which instant each threshold is or was reached.

Owns the search for thresholds in a run's working time, and what is kept of them when its terms change. Refuses to act.
Invariant: a step that was reached stays so until its threshold lies ahead again; then it may be reached once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sla.calendar import Calendar
from sla.step import Step

if TYPE_CHECKING:
    from sla.run import Run

_AT_DUE: Final = (100.0, 0)


class Leg(NamedTuple):
    """The clock ran in ``[start, end)`` on ``calendar``; ``before`` is the working time up to the start.

    ``resumed``: a pause or a solved gap came before it.
    """

    start: int
    end: int
    before: int
    calendar: Calendar
    resumed: bool

    def opening(self, threshold: int) -> int:
        """The instant of a threshold that stood at its very start."""
        return self.calendar.next_open(self.start) if self.resumed and threshold == self.before else self.start


class Crossing(NamedTuple):
    """Where a threshold stands: ``instant`` None while the clock is paused before it."""

    instant: int | None
    reached: bool


class Rungs:
    """The steps of one run, in the order of its target."""

    __slots__ = ("_run", "arms", "base", "reached")

    def __init__(self, run: Run) -> None:
        self._run = run
        self.reached: list[int | None] = [None] * len(run.target.steps)
        """When each was reached under earlier terms (epoch milliseconds)."""
        self.arms = [0] * len(run.target.steps)
        """How often each was armed again by a later due."""
        self.base = 0
        """The first leg that counts under the present terms."""

    def crossing(self, index: int, now: int) -> Crossing:
        """Where step ``index`` stands and whether the clock has got there."""
        noted = self.reached[index]
        if noted is not None:
            return Crossing(noted, True)
        run = self._run
        step = run.target.steps[index]
        threshold = self._threshold(step)
        if step.threshold == _AT_DUE:  # due may be laid on an instant that no working time reaches first
            return self._ahead(step, threshold, now) if run.breached_at is None else Crossing(run.breached_at, True)
        for leg in run.legs[self.base :]:
            if threshold <= leg.before:
                return Crossing(leg.opening(threshold), True)
            if threshold - leg.before <= leg.calendar.elapsed_ms(leg.start, leg.end):
                instant = leg.calendar.due_ms(leg.start, threshold - leg.before)
                if instant < leg.end:  # what ends the leg at that very instant comes first
                    return Crossing(instant, True)
        return self._ahead(step, threshold, now)

    def mark(self, at: int) -> None:
        """Notes the steps reached before the terms change at ``at``."""
        for i, reached in enumerate(self.reached):
            if reached is None:
                crossing = self.crossing(i, at)
                if crossing.reached and crossing.instant is not None and crossing.instant < at:
                    self.reached[i] = crossing.instant

    def keep(self, steps: tuple[Step, ...]) -> None:
        """Goes over to other steps before their target does; one at the same threshold stays what it is."""
        now = self._run.target.steps
        if [step.at for step in steps] != [step.at for step in now]:
            kept = {step.at: i for i, step in enumerate(now)}
            self.reached = [self.reached[kept[step.at]] if step.at in kept else None for step in steps]
            self.arms = [self.arms[kept[step.at]] if step.at in kept else 0 for step in steps]

    def rearm(self) -> None:
        """A step whose threshold now lies ahead again may be reached once more; later ones count from here on."""
        for i, step in enumerate(self._run.target.steps):
            if self.reached[i] is not None and self._threshold(step) > self._run.elapsed:
                self.reached[i] = None
                self.arms[i] += 1
        self.base = len(self._run.legs)

    def _threshold(self, step: Step) -> int:
        """Working milliseconds from the start of the clock."""
        return round(step.threshold.percent * self._run.budget / 100) + step.threshold.offset

    def _ahead(self, step: Step, threshold: int, now: int) -> Crossing:
        """A threshold that no closed leg has reached."""
        run = self._run
        if run.paused_from is not None:
            return Crossing(None, False)
        if step.threshold == _AT_DUE and run.due_at is not None:
            instant = run.due_at
        elif run.open_from is not None:
            if threshold <= run.elapsed:
                instant = Leg(run.open_from, now, run.elapsed, run.calendar, run.resumed).opening(threshold)
            else:
                instant = run.calendar.due_ms(run.open_from, threshold - run.elapsed)
        else:
            assert run.ended_at is not None  # noqa: S101 - neither running nor paused: it ended
            instant = run.calendar.due_ms(run.ended_at, threshold - run.elapsed)
        return Crossing(instant, run.running and instant <= now)
