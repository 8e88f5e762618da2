"""How an objective stands: its attainment window by window, what remains of the allowance, how fast it burns, credits.

Owns the reckoning over clocks. Refuses to evaluate them and to lay out.
Invariant: shares are exact fractions; every figure follows from the counts of met and missed that stand beside it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, NamedTuple

from sla.calendar import Calendar
from sla.figures.case import Case
from sla.figures.credit import credit_for, format_share, formula
from sla.figures.objective import Objective, judge
from sla.figures.window import Window, rolling_days, window_at
from sla.instant import DAY, HOUR

BURNS: Final = ("hour", "day", "week")

DEFINITIONS: Final = {
    "attainment": "met / (met + missed) of the clocks decided in the window; `adjusted` leaves excused ones out, `raw` "
    "counts them as missed",
    "allowed": "(1 - goal) x decided: how many may be missed at the volume so far",
    "remaining": "allowed - missed; below zero the objective is not met",
    "projected_allowed": "(1 - goal) x decided / share of the window's working time that has passed",
    "projected_remaining": "projected_allowed - missed: what may still be missed when the volume goes on as so far",
    "burn": "share missed in the last working hour, in as much working time as an average working day has, and in the "
    "last 7 days / (1 - goal): above 1 the allowance is used up faster than it grows",
    "status": "`exhausted`: more was missed than the whole window allows at its volume so far; `at risk`: below the "
    "goal so far, or the burn rates of day and week are both above 1; else `ok`",
    "credit": "that of the lowest limit which the attainment is under; nothing where nothing was decided",
}  # fmt: skip


class Count:
    """Met, missed and excused of some span."""

    __slots__ = ("excused", "met", "missed")

    def __init__(self, met: int = 0, missed: int = 0, excused: int = 0) -> None:
        self.met, self.missed, self.excused = met, missed, excused

    def add(self, outcome: str) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)

    def share(self, *, adjusted: bool) -> Fraction | None:
        """The attainment; None where nothing was decided."""
        whole = self.met + self.bad(adjusted=adjusted)
        return Fraction(self.met, whole) if whole else None

    def bad(self, *, adjusted: bool) -> int:
        return self.missed if adjusted else self.missed + self.excused


class Standing(NamedTuple):
    """How an objective stands in one window. ``burn`` is by span, None where nothing was decided in it; it and the
    projection are there only for a window that is not over."""

    objective: Objective
    window: Window
    met: int
    missed: int
    excused: int
    current: bool
    passed: Fraction
    """The share of the window's working time that has passed."""
    burn: dict[str, Fraction | None]

    @property
    def attainment(self) -> Fraction | None:
        return Count(self.met, self.missed, self.excused).share(adjusted=self.objective.adjusted)

    @property
    def bad(self) -> int:
        """What counts against the goal."""
        return self.missed if self.objective.adjusted else self.missed + self.excused

    @property
    def decided(self) -> int:
        return self.met + self.bad

    @property
    def allowed(self) -> Fraction:
        return (1 - self.objective.goal) * self.decided

    @property
    def projected_allowed(self) -> Fraction:
        return self.allowed / self.passed if self.passed else self.allowed

    @property
    def status(self) -> str:
        """``ok``, ``at risk`` or ``exhausted``."""
        if self.bad > self.projected_allowed:
            return "exhausted"
        recent = [self.burn.get(span) for span in BURNS[1:]]
        burning = all(rate is not None and rate > 1 for rate in recent)
        return "at risk" if self.bad > self.allowed or burning else "ok"

    @property
    def credit(self) -> Fraction | None:
        """The share that is owed; None for an objective without credits. Of a window that is not over: as of now."""
        return credit_for(self.objective.credits, self.attainment) if self.objective.credits else None

    def document(self) -> dict[str, Any]:
        """Everything for JSON but the instants' text."""
        objective, share = self.objective, self.attainment
        return {
            "objective": objective.name,
            "target": objective.target,
            "goal": float(objective.goal),
            "window": self.window.name,
            "current": self.current,
            "met": self.met,
            "missed": self.missed,
            "excused": self.excused,
            "decided": self.decided,
            "counts": "adjusted" if objective.adjusted else "raw",
            "attainment": None if share is None else round(float(share), 6),
            "allowed": _rounded(self.allowed),
            "remaining": _rounded(self.allowed - self.bad),
            "passed": _rounded(self.passed),
            "projected_allowed": _rounded(self.projected_allowed),
            "projected_remaining": _rounded(self.projected_allowed - self.bad),
            "burn": {span: None if rate is None else _rounded(rate) for span, rate in self.burn.items()},
            "status": self.status,
            "credit": None if self.credit is None else float(self.credit),
            "formula": self.formula(),
        }

    def formula(self) -> str | None:
        """The credit with its numbers, to be checked by hand."""
        if self.credit is None:
            return None
        share = self.attainment
        if share is None:
            return f"nothing was decided, so nothing is owed ({formula(self.objective.credits)})"
        reached = f"{self.met} / ({self.met} + {self.bad}) = {format_share(share)}"
        return f"{reached}; {formula(self.objective.credits)}; credit {format_share(self.credit)}"


def _rounded(value: Fraction) -> float:
    return round(float(value), 6)


class Reckoning:
    """Gathers what counts for one objective, clock by clock, up to ``now``."""

    def __init__(self, objective: Objective, now: int, since: int | None = None, until: int | None = None) -> None:
        self.objective = objective
        self._now, self._since, self._until = now, since, until
        self._current = window_at(now, objective.window, objective.zone)
        self._windows: dict[Window, Count] = {self._current: Count()}
        self._spans = {span: (start, Count()) for span, start in span_starts(objective.calendar, now).items()}

    def add(self, case: Case) -> None:
        """Counts one clock in where it is decided and covered."""
        objective = self.objective
        if not objective.covers(case):
            return
        outcome, at = judge(objective, case, self._now)
        if outcome is not None:
            self.count(outcome, at)

    @property
    def needed_since(self) -> int:
        """From when on decided clocks matter to the current window and its burn rates."""
        return min(self._current.start, *(start for start, _ in self._spans.values()))

    def count(self, outcome: str, at: int) -> None:
        """Counts a clock that is covered: met, missed or excused since ``at``."""
        window = self._window(at)
        if window is not None:
            self._windows.setdefault(window, Count()).add(outcome)
        for start, count in self._spans.values():
            if at >= start:
                count.add(outcome)

    def _window(self, at: int) -> Window | None:
        if self._current.start <= at < self._current.end or (at == self._current.end == self._now):
            return self._current
        if rolling_days(self.objective.window) is not None:
            return None
        return window_at(at, self.objective.window, self.objective.zone)

    def current(self) -> Standing:
        """How it stands in the window that is not over."""
        return self._standing(self._current, self._windows[self._current])

    def standings(self) -> list[Standing]:
        """One a window that something was decided in, and the current one, in order; only those that touch what is
        asked for."""
        return [
            self._standing(window, count)
            for window, count in sorted(self._windows.items())
            if (self._since is None or window.end > self._since) and (self._until is None or window.start < self._until)
        ]

    def _standing(self, window: Window, count: Count) -> Standing:
        objective, current = self.objective, window is self._current
        passed, burn = Fraction(1), {}
        if current:
            whole = objective.calendar.elapsed_ms(window.start, window.end)
            passed = Fraction(objective.calendar.elapsed_ms(window.start, self._now), whole) if whole else Fraction(1)
            burn = {span: self._burn(found) for span, (_, found) in self._spans.items()}
        return Standing(objective, window, count.met, count.missed, count.excused, current, passed, burn)

    def _burn(self, count: Count) -> Fraction | None:
        share, allowance = count.share(adjusted=self.objective.adjusted), 1 - self.objective.goal
        if share is None or not allowance:
            return None
        return (1 - share) / allowance


def span_starts(calendar: Calendar, now: int) -> dict[str, int]:
    """Where the last working hour, as much working time as an average working day, and the last seven days began."""
    return {
        "hour": _before(calendar, now, HOUR),
        "day": _before(calendar, now, _average_day(calendar, now)),
        "week": now - 7 * DAY,
    }


def _average_day(calendar: Calendar, now: int) -> int:
    """The mean working time of the working days among the last 28 whole days of the calendar's own zone."""
    end, found = window_at(now, "day", calendar.zone).start, []
    for _ in range(28):
        start = window_at(end - 1, "day", calendar.zone).start
        found.append(calendar.elapsed_ms(start, end))
        end = start
    open_days = [work for work in found if work]
    return sum(open_days) // len(open_days) if open_days else DAY


def _before(calendar: Calendar, now: int, work: int) -> int:
    """The latest instant from which on ``work`` has passed by ``now``; ten years before where it never has."""
    low, high, step = now - work, now, work
    while calendar.elapsed_ms(low, now) < work and now - low < 3_653 * DAY:
        step *= 2
        low -= step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if calendar.elapsed_ms(middle, now) >= work else (low, middle)
    return low
