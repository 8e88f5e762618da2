"""The life of a clock in intervals, each with one cause: what counted, what did not, and why.

Owns the words for causes. Refuses to decide what counts: that is read from the run.
Invariant: the intervals of a clock tile it from its start to its end or to now, without gap or overlap; the work of
those that count is its elapsed time, that of those that pause it its paused time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from sla import signal
from sla.account.moment import Moments
from sla.calendar import Calendar
from sla.clock import Clock, held  # whose time it was is told in one place
from sla.model import SYSTEM
from sla.record import Excuse, RecordState

RUNNING: Final = "running"
UNROUTED: Final = "waiting for first assignment"
LAG: Final = "source lag"
EXCUSED: Final = "excused"
COUNTED: Final = frozenset({RUNNING, UNROUTED, LAG, EXCUSED})
"""Kinds whose working time is elapsed time."""

CUSTOMER: Final = "waiting on customer"
HOLD: Final = "on hold"
PAUSED: Final = "paused"
PAUSES: Final = {"pending": CUSTOMER, "on_hold": HOLD}
"""The kind of a pause by the category of the status."""

RESOLVED: Final = "resolved"
DELETED: Final = "deleted"
OUT_OF_HOURS: Final = "out of hours"

Span = tuple[int, int]


class Interval(NamedTuple):
    """``[start, end)`` in epoch milliseconds. ``kind`` is one of the words above, or why it was closed (``holiday``,
    ``closed``, ``maintenance`` …); ``cause`` tells more of it in words."""

    start: int
    end: int
    kind: str
    cause: str
    openings: tuple[Span, ...]
    """The working time in it, whether it counts or not."""
    holder: str | None = None
    """Whose time it was, where it counts."""

    @property
    def work(self) -> int:
        """Working milliseconds."""
        return sum(end - start for start, end in self.openings)

    @property
    def counts(self) -> bool:
        """Whether its work is elapsed time of the clock."""
        return self.kind in COUNTED


def intervals(clock: Clock, state: RecordState, moments: Moments) -> list[Interval]:
    """Every interval of a clock, from its start to its end or to now. ``state`` is what is known of the record now."""
    run = clock.run
    pauses = run.pauses if run.paused_from is None else [*run.pauses, (run.paused_from, clock.now_ms)]
    known: list[tuple[int, int, Calendar | None]] = [*((s, e, c) for s, e, c in counted(clock))]
    known += [(start, end, None) for start, end in pauses]
    found: list[Interval] = []
    at = run.started_at
    for start, end, calendar in sorted(known, key=lambda k: k[:2]):
        found += _gap(clock, at, start, moments)
        found += (
            _paused(clock, start, end, moments)
            if calendar is None
            else _ran(calendar, start, end, state, clock.seen_ms)
        )
        at = end
    found += _gap(clock, at, ending(clock), moments)
    return _joined(found)


def ending(clock: Clock) -> int:
    """When the clock ended, else now; never before its start."""
    ended = clock.run.ended_at
    return max(clock.run.started_at, clock.now_ms if ended is None else ended)


def counted(clock: Clock) -> Iterator[tuple[int, int, Calendar]]:
    """The spans in which the clock ran, open hours or not, and the calendar of each."""
    run = clock.run
    for leg in run.legs_until(max(clock.now_ms, run.open_from or 0)):
        yield leg.start, leg.end, leg.calendar


# ---- while it ran


def _ran(calendar: Calendar, start: int, end: int, state: RecordState, seen: int) -> Iterator[Interval]:
    at = start
    for opening, closing in calendar.intervals_ms(start, end):
        yield from _closed(calendar, at, opening)
        for holder, first, last in held(state, opening, closing, seen):
            yield from _worked(holder, first, last, state, seen)
        at = closing
    yield from _closed(calendar, at, end)


def _worked(holder: str, start: int, end: int, state: RecordState, seen: int) -> Iterator[Interval]:
    """Working time of one holder, cut where excuses begin and end."""
    cuts = {at for excuse in state.excuses for at in (excuse.start, excuse.end) if start < at < end}
    edges = [start, *sorted(cuts), end]
    for first, last in pairwise(edges):
        kind, cause = _why_counted(holder, first, state, seen)
        yield Interval(first, last, kind, cause, ((first, last),), holder)


def _why_counted(holder: str, at: int, state: RecordState, seen: int) -> tuple[str, str]:
    excuse = next((excuse for excuse in sorted(state.excuses) if excuse.start <= at < excuse.end), None)
    if excuse is not None:
        return EXCUSED, _excuse(excuse)
    if at < seen:
        return LAG, f"{LAG}: not seen here yet"
    return (UNROUTED, UNROUTED) if holder == SYSTEM else (RUNNING, RUNNING)


def _excuse(excuse: Excuse) -> str:
    by = f" (by {excuse.by})" if excuse.by else ""
    return f"{EXCUSED}: {excuse.reason}{by}" if excuse.reason else EXCUSED + by


def _closed(calendar: Calendar, start: int, end: int) -> Iterator[Interval]:
    for first, last, why in calendar.closures(start, end):
        cause = why or OUT_OF_HOURS
        yield Interval(first, last, cause.partition(":")[0], cause, ())


# ---- while it did not


def _paused(clock: Clock, start: int, end: int, moments: Moments) -> Iterator[Interval]:
    """A pause, cut where the reason for it changed."""
    edges = [start, *sorted({moment.at for moment in moments.between(start, end)}), end]
    for first, last in pairwise(edges):
        kind, cause = _why_paused(clock, first, moments)
        yield _still(clock, first, last, kind, cause)


def _why_paused(clock: Clock, at: int, moments: Moments) -> tuple[str, str]:
    moment = moments.until(at)
    if moment is None:
        return PAUSED, PAUSED
    if moment.status is not None and moment.status in PAUSES:
        raw = moment.fields.get("raw_status")
        return PAUSES[moment.status], f"{PAUSED}: {moment.status}" + (f" ({raw})" if raw else "")
    said = (f"{name} {_plain(moment.fields.get(name))}" for name in sorted(clock.run.target.metric.pause.fields))
    return PAUSED, f"{PAUSED}: " + ", ".join(said)


def _plain(value: object) -> str:
    return "empty" if value is None or value == "" else str(value)


def _gap(clock: Clock, start: int, end: int, moments: Moments) -> Iterator[Interval]:
    """Between an end of the clock and its going on again."""
    if start >= end:
        return
    ended = [found for moment in moments.at(start) if (found := moment.signals & (signal.RESOLVED | signal.DELETED))]
    if ended and not ended[0] & signal.RESOLVED:
        yield _still(clock, start, end, DELETED, "deleted, until it was restored")
    else:
        yield _still(clock, start, end, RESOLVED, "resolved, until it was reopened")


def _still(clock: Clock, start: int, end: int, kind: str, cause: str) -> Interval:
    return Interval(start, end, kind, cause, tuple(clock.run.calendar.intervals_ms(start, end)))


def _joined(found: Iterable[Interval]) -> list[Interval]:
    """Neighbours of one cause and holder as one."""
    joined: list[Interval] = []
    for interval in found:
        if interval.start >= interval.end:
            continue
        last = joined[-1] if joined else None
        if last and last.end == interval.start and last.cause == interval.cause and last.holder == interval.holder:
            joined[-1] = last._replace(end=interval.end, openings=_touching(last.openings + interval.openings))
        else:
            joined.append(interval)
    return joined


def _touching(openings: tuple[Span, ...]) -> tuple[Span, ...]:
    whole: list[Span] = []
    for start, end in openings:
        if whole and whole[-1][1] == start:
            whole[-1] = (whole[-1][0], end)
        else:
            whole.append((start, end))
    return tuple(whole)
