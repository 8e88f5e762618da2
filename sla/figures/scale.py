"""Round lengths: what people write as a target, and which of them would have kept a clock.

Owns the scale of a calendar and how long a clock took. Refuses shares: ``sla.figures.suggestion`` counts.
Invariant: a length is said to have kept a clock iff the clock, with that length as its target from the start, would
have been met.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, NamedTuple

from sla.calendar import Calendar, NeverOpen
from sla.clock import Clock
from sla.duration import Duration, parse_within
from sla.instant import HOUR
from sla.run import Run
from sla.target import length_ms

_HOURS: Final = (
    "10s", "20s", "30s", "1m", "2m", "5m", "10m", "15m", "20m", "30m", "45m", "1h", "1h30m", "2h", "3h", "4h", "6h",
    "8h", "12h", "24h", "36h", "48h", "72h", "96h", "120h", "168h", "240h", "336h", "504h", "720h",
)  # fmt: skip
_DAYS: Final = ("1bd", "2bd", "3bd", "4bd", "5bd", "7bd", "10bd", "15bd", "20bd", "30bd", "40bd", "60bd", "90bd")
_MONDAY: Final = 1_704_067_200_000  # 1 January 2024
_SAMPLED_DAYS: Final = 20


class Length(NamedTuple):
    """A length as a person writes it; ``work`` is what it comes to on an ordinary day, in working milliseconds."""

    text: str
    within: Duration
    work: int


class Scale:
    """The round lengths of one calendar, shortest first: hours up to a working day, then working days; on a calendar
    that never closes hours alone."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        day = _working_day(calendar)
        hours = [Length(text, parse_within(text), parse_within(text).work) for text in _HOURS]
        self.hours = hours if day >= 24 * HOUR else [length for length in hours if length.work <= day]
        days = [Length(text, parse_within(text), parse_within(text).days * day) for text in _DAYS]
        self.days = [] if day >= 24 * HOUR else days
        self.lengths = [*self.hours, *self.days]
        self._works = [length.work for length in self.hours]

    def first_hours(self, sample: Sample) -> int:
        """The place among ``hours`` of the shortest that keeps a sample; their number when none does."""
        return bisect_left(self._works, sample.worked)

    def first_days(self, sample: Sample) -> int:
        """The place among ``days`` of the shortest that keeps a sample; their number when none does."""
        for place, length in enumerate(self.days):
            if sample.kept_by(length.within):
                return place
        return len(self.days)


def _working_day(calendar: Calendar) -> int:
    """How long a working day is, on average."""
    try:
        return calendar.elapsed_ms(_MONDAY, calendar.add_days_ms(_MONDAY, _SAMPLED_DAYS)) // _SAMPLED_DAYS
    except NeverOpen:
        return 24 * HOUR


class Sample(NamedTuple):
    """How long one clock took. ``worked``: the shortest length in working milliseconds that would have kept it, or had
    already not kept it when ``open``; ``end`` is when it was done, None when only the working time counts."""

    worked: int
    open: bool
    start: int
    end: int | None
    calendar: Calendar

    def kept_by(self, within: Duration) -> bool:
        if within.days and self.end is not None:
            return self.end <= self.calendar.add_days_ms(self.start, within.days)
        return self.worked <= length_ms(within, self.calendar, self.start)


def sample_of(clock: Clock) -> Sample | None:
    """A clock as a sample; None for one that says nothing: cancelled in time, or excused."""
    run = clock.run
    if clock.outcome in ("cancelled", "excused"):
        return None
    if run.completed_at is None:
        return Sample(clock.elapsed_ms, True, run.started_at, None, run.calendar)
    unbroken = run.elapsed == run.calendar.elapsed_ms(run.started_at, run.completed_at)
    end = run.completed_at if unbroken else None
    return Sample(run.elapsed + _after_hours(run), False, run.started_at, end, run.calendar)


def _after_hours(run: Run) -> int:
    """A millisecond for what was done out of hours: a target of just the time that had been worked was due before."""
    for leg in reversed(run.legs):
        if leg.calendar.elapsed_ms(leg.start, leg.end):
            return 0 if leg.calendar.is_open(leg.end - 1) else 1
    return 0
