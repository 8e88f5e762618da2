"""The data for a picture of a record's clocks: a lane for each, with its intervals, steps and marks, on an axis.

Owns where things lie on the axis. Refuses to draw. Invariant: the bars of a lane are the intervals of its clock, and
follow each other on the axis as they do in time; ``x`` runs from 0 to 1.

Time that does not count is drawn shorter by one factor for the whole lane where it would take more than half of it, so
that a quarter of an hour is still seen beside a weekend; ``scale`` tells the factor.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sla.account.interval import Interval
from sla.clock import Clock
from sla.instant import DAY, format_instant
from sla.zone import local_instant, shift_at

_IDLE_SHARE: Final = 0.5
"""How much of a lane time that does not count may take."""

_DAYS: Final = 100


class Axis:
    """Instants of a lane on a line from 0 to 1."""

    def __init__(self, found: Sequence[Interval], start: int, end: int) -> None:
        pieces = [(i.start, i.end, i.counts) for i in found] or [(start, start, True)]
        if end > pieces[-1][1]:
            pieces.append((pieces[-1][1], end, False))
        counted = sum(b - a for a, b, counts in pieces if counts)
        idle = sum(b - a for a, b, counts in pieces if not counts)
        most = counted * _IDLE_SHARE / (1 - _IDLE_SHARE)
        self.scale = idle / most if most and idle > most else 1.0
        """How many times shorter time that does not count is drawn."""
        total = (counted + idle / self.scale) or 1
        self._starts, self._places, at = [], [], 0.0
        for a, b, counts in pieces:
            self._starts.append(a)
            self._places.append(at)
            at += (b - a) / (1 if counts else self.scale) / total
        self._starts.append(pieces[-1][1])
        self._places.append(at or 1.0)

    def __call__(self, at: int) -> float:
        """Where an instant lies; what is outside of the lane lies at its end."""
        i = bisect_right(self._starts, at) - 1
        if i < 0:
            return 0.0
        if i >= len(self._starts) - 1:
            return round(self._places[-1], 6)
        share = (at - self._starts[i]) / ((self._starts[i + 1] - self._starts[i]) or 1)
        return round(self._places[i] + share * (self._places[i + 1] - self._places[i]), 6)


class Mark(NamedTuple):
    """Something at an instant of a lane: ``due``, ``breach``, ``now``, a step, an event."""

    at: int
    kind: str
    label: str


def lane(clock: Clock, found: Sequence[Interval], marks: Iterable[Mark]) -> dict[str, Any]:
    """The lane of one clock, ready for JSON: ``bars`` are its intervals, ``marks`` lie on them."""
    own = [*_own_marks(clock), *marks]
    due = clock.due_ms
    end = max([i.end for i in found] + ([] if due is None else [due]), default=clock.now_ms)
    axis = Axis(found, clock.started_ms, end)
    return {
        "clock": f"{clock.target} #{clock.cycle}",
        "policy": clock.policy,
        "outcome": clock.outcome or clock.state,
        "timezone": clock.run.calendar.zone.key,
        "from": format_instant(clock.started_ms),
        "to": format_instant(end),
        "scale": round(axis.scale, 3),
        "bars": [_bar(interval, axis) for interval in found],
        "marks": [
            {"at": format_instant(m.at), "kind": m.kind, "label": m.label, "x": axis(m.at)}
            for m in sorted(own)
            if clock.started_ms <= m.at <= end
        ],
        "midnights": [
            {"at": format_instant(at), "x": axis(at)}
            for at in _midnights(clock.run.calendar.zone, clock.started_ms, end)
        ],
    }


def _bar(interval: Interval, axis: Axis) -> dict[str, Any]:
    return {
        "from": format_instant(interval.start),
        "to": format_instant(interval.end),
        "kind": interval.kind,
        "cause": interval.cause,
        "counts": interval.counts,
        "working_s": interval.work / 1_000,
        "holder": interval.holder,
        "x": axis(interval.start),
        "x_end": axis(interval.end),
    }


def _midnights(zone: ZoneInfo, start: int, end: int) -> Iterator[int]:
    """The local midnights in a lane; those of its first hundred days."""
    first = (start + shift_at(zone, start)) // DAY + 1
    for day in range(first, first + _DAYS):
        at = local_instant(zone, day * DAY)
        if at >= end:
            return
        yield at


def _own_marks(clock: Clock) -> Iterator[Mark]:
    if clock.due_ms is not None:
        missed = clock.breached_ms is not None
        yield Mark(clock.due_ms, "breach" if missed else "due", "due, missed" if missed else "due")
    if clock.run.ended_at is None:
        yield Mark(clock.now_ms, "now", "now")
    for step in clock.steps:
        if step.instant_ms is not None and step.at != "due":
            yield Mark(step.instant_ms, "reached" if step.reached else "step", step.at)
