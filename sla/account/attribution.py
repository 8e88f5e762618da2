"""Whose working time it was: of a clock's whole working time, each holder's, each kind of wait, what was left out.

Owns the sums. Refuses hours and events: it adds up intervals.
Invariant: every sum is given with its parts; elapsed, paused and left out make the whole, and holders make the elapsed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from sla.account.interval import CUSTOMER, DELETED, EXCUSED, HOLD, PAUSED, RESOLVED, Interval, Span
from sla.calendar import Calendar
from sla.clock import Clock
from sla.model import SYSTEM


class Sum(NamedTuple):
    """Spans of working time in epoch milliseconds, and what they come to."""

    parts: tuple[Span, ...]

    @property
    def work(self) -> int:
        """Working milliseconds."""
        return sum(end - start for start, end in self.parts)


class Attribution(NamedTuple):
    """The working time of a clock from its start to its end or to now."""

    elapsed: Sum
    spent: dict[str, Sum]
    """Elapsed time by who had the record, ``system`` first."""
    paused: dict[str, Sum]
    """Paused time: waiting on customer, on hold, paused (for any other reason)."""
    left_out: dict[str, Sum]
    """What counts for nobody: resolved until reopened, deleted until restored."""
    excused: Sum
    """The part of the elapsed time that is not held against the team."""
    whole: int
    """Elapsed, paused and left out."""


def attribute(found: Sequence[Interval]) -> Attribution:
    """Shares the working time of a clock's intervals out."""
    holders = dict.fromkeys([SYSTEM, *(i.holder for i in found if i.holder)])
    return Attribution(
        elapsed=_sum(found, lambda i: i.counts),
        spent={holder: _sum(found, lambda i, name=holder: i.holder == name) for holder in holders},  # type: ignore[misc]
        paused=_by_kind(found, (CUSTOMER, HOLD, PAUSED)),
        left_out=_by_kind(found, (RESOLVED, DELETED)),
        excused=_sum(found, lambda i: i.kind == EXCUSED),
        whole=sum(interval.work for interval in found),
    )


def due_parts(clock: Clock, found: Iterable[Interval]) -> Sum | None:
    """The working time up to due; what lies ahead of the clock's end or of now as if it ran on. None without a due."""
    due = clock.due_ms
    if due is None:
        return None
    parts = [*_before(found, due)]
    end = clock.now_ms if clock.run.ended_at is None else clock.run.ended_at
    return Sum(tuple(_merged([*parts, *_ahead(clock.run.calendar, end, due)])))


def _ahead(calendar: Calendar, start: int, end: int) -> Iterator[Span]:
    return calendar.intervals_ms(start, end)


def _before(found: Iterable[Interval], due: int) -> Iterator[Span]:
    for interval in found:
        if interval.counts:
            for start, end in interval.openings:
                if start < due:
                    yield start, min(end, due)


def _by_kind(found: Sequence[Interval], kinds: Sequence[str]) -> dict[str, Sum]:
    sums = {kind: _sum(found, lambda i, wanted=kind: i.kind == wanted) for kind in kinds}  # type: ignore[misc]
    return {kind: total for kind, total in sums.items() if total.parts}


def _sum(found: Iterable[Interval], wanted: Callable[[Interval], bool]) -> Sum:
    return Sum(tuple(_merged(part for interval in found if wanted(interval) for part in interval.openings)))


def _merged(parts: Iterable[Span]) -> Iterator[Span]:
    """Touching spans as one."""
    held: Span | None = None
    for start, end in parts:
        if held and held[1] == start:
            held = held[0], end
            continue
        if held:
            yield held
        held = start, end
    if held:
        yield held
