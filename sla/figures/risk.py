"""How likely a running clock is to miss, told by how clocks like it have ended.

Owns the endings, the curves made of them, and which of them a clock is compared with. Refuses models: every chance is
a share of endings that can be counted again. Invariant: the same endings, in any order, give the same answer.

Clocks that were cancelled or still run tell only that they lasted at least so long. Leaving them out would make every
chance too small, because it is the long ones that have not ended; they count as long as they were watched instead
(Kaplan and Meier, https://doi.org/10.2307/2281868). Where none of them matters, the chance is a plain share.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from math import sqrt
from typing import Any, Final, NamedTuple

import msgspec

from sla.clock import Clock
from sla.record import RecordState

ENOUGH: Final = 30
"""How many endings must tell before anything is said."""

Z: Final = 1.959963984540054
"""Of the 95 % interval."""

_DIGITS: Final = 9


class Segment(NamedTuple):
    """Clocks that are compared with each other; None stands for all of them."""

    target: str
    policy: str | None = None
    priority: str | None = None

    def __str__(self) -> str:
        """``resolution, policy Support, priority high``"""
        named = (("policy", self.policy), ("priority", self.priority))
        return ", ".join([self.target, *(f"{name} {value}" for name, value in named if value is not None)])

    def ladder(self) -> tuple[Segment, ...]:
        """It and what it is part of, the most specific first."""
        return (self, self._replace(priority=None), Segment(self.target))


class Ending(NamedTuple):
    """How one clock ended: ``worked`` is its working time (ms) then; ``known`` whether it was completed, else it was
    watched for that long and no more."""

    segment: Segment
    worked: int
    known: bool


class Chance(msgspec.Struct, frozen=True, gc=False):
    """The chance to miss, 0 to 1, and how many endings tell so. ``low`` and ``high`` bound it with 95 % confidence.
    ``segment``: whose endings they are; None when nothing needs to be compared, because the time is used up."""

    probability: float
    count: int
    segment: Segment | None
    low: float
    high: float

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "probability": round(self.probability, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "count": self.count,
            "segment": None if self.segment is None else str(self.segment),
        }


CERTAIN: Final = Chance(1.0, 0, None, 1.0, 1.0)
"""Of a clock whose time is used up."""


class Curve:
    """The endings of one segment."""

    __slots__ = ("_ended", "_survival", "_times", "_watched")

    def __init__(self, endings: Iterable[tuple[int, bool]]) -> None:
        """``endings``: working time and whether it was completed then."""
        given = list(endings)
        self._ended = sorted(worked for worked, known in given if known)
        self._watched = sorted(worked for worked, known in given if not known)
        self._times: list[int] = []
        self._survival = [1.0]
        """The share that lasts longer than each of ``_times``, after a leading 1."""
        for worked, group in groupby(self._ended):
            at_risk = self._lasted(self._ended, worked) + self._lasted(self._watched, worked)
            self._times.append(worked)
            self._survival.append(self._survival[-1] * (1 - sum(1 for _ in group) / at_risk))

    @staticmethod
    def _lasted(ordered: list[int], worked: int) -> int:
        return len(ordered) - bisect_left(ordered, worked)

    def longer(self, elapsed: int, within: int) -> tuple[float, int]:
        """Of those that lasted longer than ``elapsed`` (working ms) the share that lasted longer than ``within``, and
        how many tell so: those of which it is known. The share of none is 0."""
        ended, watched = self._ended, self._watched
        ended_by, watched_by = bisect_right(ended, elapsed), bisect_right(watched, elapsed)
        lost = bisect_right(watched, within) - watched_by
        count = len(ended) - ended_by + len(watched) - watched_by - lost
        if not count:
            return 0.0, 0
        if not lost:
            return (count - (bisect_right(ended, within) - ended_by)) / count, count
        before = self._survival[bisect_right(self._times, elapsed)]
        return round(self._survival[bisect_right(self._times, within)] / before, _DIGITS), count


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``count`` (Wilson's score)."""
    if not count:
        return 0.0, 1.0
    spread = Z * Z / count
    middle = (share + spread / 2) / (1 + spread)
    reach = Z * sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    # The bound of a share of none or all is the share itself, which rounding would miss by a hair.
    return 0.0 if share == 0 else middle - reach, 1.0 if share == 1 else middle + reach


class History:
    """Endings by segment, and the chances that follow from them."""

    __slots__ = ("_curves", "_endings", "size")

    def __init__(self, endings: Iterable[Ending]) -> None:
        self.size = 0
        self._endings: dict[Segment, list[tuple[int, bool]]] = {}
        self._curves: dict[Segment, Curve] = {}
        for segment, worked, known in endings:
            self.size += 1
            for part in segment.ladder():
                self._endings.setdefault(part, []).append((worked, known))

    def chance(self, segment: Segment, elapsed: int, within: int) -> Chance | None:
        """The chance to miss after ``elapsed`` of ``within`` (working ms): by the most specific segment that has
        enough to tell. None when none has. Answering exactly at ``within`` is in time."""
        if elapsed >= within:
            return CERTAIN
        for part in segment.ladder():
            curve = self._curve(part)
            if curve is None:
                continue
            share, count = curve.longer(elapsed, within)
            if count >= ENOUGH:
                return Chance(share, count, part, *wilson(share, count))
        return None

    def _curve(self, segment: Segment) -> Curve | None:
        """Made when it is first asked for."""
        found = self._curves.get(segment)
        if found is None and segment in self._endings:
            found = self._curves[segment] = Curve(self._endings[segment])
        return found

    def of(self, clock: Clock, state: RecordState) -> Chance | None:
        """The chance of a clock to miss, as it stands: 1 once it is overdue; None when it has ended or nothing tells.

        It is that of the breach: what is excused later does not lower it. A paused clock has what it has used so far.
        """
        run = clock.run
        if run.ended:
            return None
        if run.breached_at is not None:
            return CERTAIN
        return self.chance(segment_of(clock, state.fields), clock.elapsed_ms, run.budget)


def segment_of(clock: Clock, fields: Mapping[str, Any]) -> Segment:
    """The most specific segment of a clock on a record with these fields."""
    return Segment(clock.target, clock.policy, priority_of(fields.get("priority")))


def priority_of(value: object) -> str:
    """The priority that counts: ``normal`` where none is told."""
    return str(value or "normal").casefold()


def endings(clocks: Iterable[Clock], state: RecordState) -> Iterator[Ending]:
    """What the clocks of one record tell by now; those that have not ended tell that they lasted this long."""
    for clock in clocks:
        run = clock.run
        fields = run.fields if run.ended and run.fields is not None else state.fields
        yield Ending(segment_of(clock, fields), clock.elapsed_ms, run.completed_at is not None)
