"""Targets from history: how long the clocks of a segment took, and which round promise would have kept how many.

Owns the counting, what may be concluded from it, and what must be said against it. Refuses to decide.
Invariant: every share comes with the count behind it, and what is still open is never passed over in silence.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from sla.clock import Clock
from sla.figures.fact import Fact
from sla.figures.percentile import percentiles
from sla.figures.risk import wilson
from sla.figures.scale import Length, Scale, sample_of

FEW: Final = 30
"""A segment with fewer clocks that ended is too small to say."""

HELD: Final = 95
"""The share, in a hundred, that three months must have kept before a target is tightened."""

MONTHS: Final = 3


class Place(NamedTuple):
    """How long a clock took, and the shortest lengths of its scale that would have kept it, as places among its hours
    and its days. ``open``: it has not ended and took at least so long."""

    worked: int
    open: bool
    hours: int
    days: int


def placed(scale: Scale, clock: Clock) -> Place | str:
    """A clock's place on the scale, or the outcome by which it says nothing."""
    sample = sample_of(clock)
    if sample is None:
        return clock.outcome or ""
    return Place(sample.worked, sample.open, scale.first_hours(sample), scale.first_days(sample))


@dataclass(slots=True)
class Tally:
    """How many samples each length is the shortest to keep, hours and days apart: neither is always the longer."""

    count: int = 0
    hours: Counter[int] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)

    def add(self, place: Place) -> None:
        self.count += 1
        if not place.open:  # what has not ended was kept by no length that we know of
            self.hours[place.hours] += 1
            self.days[place.days] += 1

    def kept(self, scale: Scale) -> Iterator[tuple[Length, int]]:
        """Each length with how many samples it keeps, shortest first."""
        for lengths, firsts in ((scale.hours, self.hours), (scale.days, self.days)):
            total = 0
            for place, length in enumerate(lengths):
                total += firsts[place]
                yield length, total


@dataclass(slots=True)
class Month:
    """One calendar month of a segment: what its own targets kept and missed, and what others would have."""

    met: int = 0
    missed: int = 0
    shortest_within: int | None = None
    tally: Tally = field(default_factory=Tally)

    @property
    def decided(self) -> int:
        return self.met + self.missed

    def add(self, place: Place, fact: Fact) -> None:
        self.met += fact.outcome == "met"
        self.missed += fact.outcome == "missed"
        shortest = self.shortest_within
        self.shortest_within = fact.within if shortest is None else min(shortest, fact.within)
        self.tally.add(place)


class Segment:
    """The clocks of one target with the same values in the dimensions asked for."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self.finished = Tally()
        self.worked = array("q")
        self.open = array("q")
        self.left_out: Counter[str] = Counter()
        """Clocks that say nothing, by outcome."""
        self.months: dict[str, Month] = {}

    def add(self, place: Place | str, fact: Fact, month: str) -> None:
        """Counts a clock that ``placed`` has found a place for; ``month`` is the one it belongs to."""
        if isinstance(place, str):
            self.left_out[place] += 1
            return
        if place.open:
            self.open.append(place.worked)
        else:
            self.worked.append(place.worked)
            self.finished.add(place)
        if fact.outcome is not None:
            self.months.setdefault(month, Month()).add(place, fact)


# ---- what a segment says


class Odds(NamedTuple):
    """How many of so many clocks a length would have kept."""

    kept: int
    of: int

    @property
    def share(self) -> float:
        return self.kept / self.of

    @property
    def bounds(self) -> tuple[float, float]:
        """Between what the share lies, by Wilson's interval at 95 %."""
        return wilson(self.share, self.of)


class Tightening(NamedTuple):
    """Months that kept ``HELD`` % of their promises, each as (name, met, decided), and the shortest round length below
    the target that would have done so in each of them; None when there is none."""

    months: list[tuple[str, int, int]]
    to: Length | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the history of a segment says. ``target`` is the shortest round length that ``goal`` % of the clocks that
    ended would have kept, ``if_open_late`` the same when everything still open is counted as late; None where no length
    is long enough. ``odds`` holds every length; percentiles are working milliseconds."""

    count: int
    open: int
    left_out: dict[str, int]
    percentiles: dict[int, int | None]
    goal: int
    target: Length | None
    if_open_late: Length | None
    odds: dict[str, Odds]
    tightening: Tightening | None

    @property
    def small(self) -> bool:
        return self.count < FEW

    def warnings(self) -> Iterator[str]:
        """What keeps the figures from meaning what they seem to mean."""
        if self.small:
            yield f"{self.count} ended: too few to say (at least {FEW})"
        if self.target is None and self.count:
            yield f"no round value was met by {self.goal} %"
        elif self.target != self.if_open_late:
            instead = self.if_open_late.text if self.if_open_late else "longer than any round value"
            yield f"{self.open} still open: counted as late they would make it {instead}"


def suggestion(segment: Segment, goal: int, current_month: str) -> Suggestion:
    """What a segment says. ``goal`` is a share in a hundred; ``current_month`` (``2026-03``) is not over yet."""
    count, still_open = segment.finished.count, len(segment.open)
    kept = list(segment.finished.kept(segment.scale))
    return Suggestion(
        count=count,
        open=still_open,
        left_out=dict(sorted(segment.left_out.items())),
        percentiles=percentiles(segment.worked),
        goal=goal,
        target=_shortest(kept, count, goal),
        if_open_late=_shortest(kept, count + still_open, goal),
        odds={length.text: Odds(n, count) for length, n in kept} if count else {},
        tightening=_tightening(segment, current_month),
    )


def _shortest(kept: Sequence[tuple[Length, int]], count: int, goal: int) -> Length | None:
    if not count:
        return None
    return next((length for length, n in kept if 100 * n >= goal * count), None)


def _tightening(segment: Segment, current_month: str) -> Tightening | None:
    """None unless the three latest months that are over follow each other, are large enough, and were all kept."""
    over = sorted(name for name in segment.months if name < current_month)[-MONTHS:]
    months = [segment.months[name] for name in over]
    if len(over) < MONTHS or any(_after(a) != b for a, b in pairwise(over)):
        return None
    if not all(month.decided >= FEW and 100 * month.met >= HELD * month.decided for month in months):
        return None
    within = min(month.shortest_within or 0 for month in months)
    kept = [list(month.tally.kept(segment.scale)) for month in months]
    to = next(
        (
            length
            for place, length in enumerate(segment.scale.lengths)
            if length.work < within and all(_held(of[place][1], m) for of, m in zip(kept, months, strict=True))
        ),
        None,
    )
    return Tightening([(name, m.met, m.decided) for name, m in zip(over, months, strict=True)], to)


def _held(kept: int, month: Month) -> bool:
    return 100 * kept >= HELD * month.tally.count


def _after(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12}-{number % 12 + 1:02}"
