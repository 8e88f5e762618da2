"""When a team is open, as sources of openings: a week with its exceptions, the same with spans cut out, one that gives
way to another.

Owns what a local date is: its hours, holidays, closed and exceptional days. Refuses arithmetic: ``sla.calendar`` asks
here for the openings of a year and counts.
Invariant: an instant is open iff the wall clock of the zone, at that instant, lies in an opening of that local date (an
overnight shift belongs to the day it opens), and in no span that was cut out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from sla.holiday import holidays_of
from sla.hours import DateSpan, Span
from sla.instant import DAY
from sla.zone import local_instant, offsets_of_year, shift_at, to_instants

_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


class Cut(NamedTuple):
    """A span of epoch milliseconds in which nothing is open, and why."""

    start: int
    end: int
    cause: str


class WorkingDays(NamedTuple):
    """Working days since 1970-01-01, sorted, with the first opening and the last close of each in milliseconds since
    its local midnight."""

    days: list[int]
    opens: list[int]
    closes: list[int]


class Openings(Protocol):
    """A source of openings."""

    @property
    def zone(self) -> ZoneInfo: ...

    def of_year(self, year: int) -> list[tuple[int, int]]:
        """The instants ``[open, close)`` of the openings that belong to the local dates of a year, in order."""

    def of_day(self, day: int) -> list[tuple[int, int]]:
        """The instants ``[open, close)`` of the openings that belong to one local date (days since 1970-01-01)."""

    def working_days(self, year: int) -> WorkingDays:
        """The working days of a local year."""

    def closures(self, start: int, end: int) -> Iterator[tuple[int, int, str | None]]:
        """A span that is closed, in parts with the cause of each: None where it is simply out of hours."""


class WeeklyOpenings:
    """The hours of a week in one zone, with holidays, closed days and exceptional openings."""

    def __init__(
        self,
        zone: ZoneInfo,
        week: Mapping[int, list[Span]],
        *,
        holidays: tuple[str, ...] = (),
        closed: tuple[DateSpan, ...] = (),
        open: tuple[DateSpan, ...] = (),
    ) -> None:
        self.zone = zone
        self._week = {weekday: sorted(spans) for weekday, spans in week.items()}
        self._regions = holidays
        self._closed_days = frozenset(d[:3] for d in closed if d.span is None)
        self._closed_parts = [d for d in closed if d.span is not None]
        self._open = open
        self._years: dict[int, list[tuple[int, int]]] = {}
        self._days: dict[int, WorkingDays] = {}

    def of_year(self, year: int) -> list[tuple[int, int]]:
        if year not in self._years:
            walls = [
                (day * DAY + opening, day * DAY + closing)
                for day in _days_of(year)
                for opening, closing in self.openings_of(day_date(day))
            ]
            self._years[year] = to_instants(merged(sorted(walls)), offsets_of_year(self.zone, year))
        return self._years[year]

    def of_day(self, day: int) -> list[tuple[int, int]]:
        walls = [(day * DAY + opening, day * DAY + closing) for opening, closing in self.openings_of(day_date(day))]
        return to_instants(walls, offsets_of_year(self.zone, day_date(day).year))

    def working_days(self, year: int) -> WorkingDays:
        if year not in self._days:
            found = WorkingDays([], [], [])
            for day in _days_of(year):
                spans = self.openings_of(day_date(day))
                if spans and self._happens(day) and self.of_day(day):  # an opening may lie in what the clocks skip
                    found.days.append(day)
                    found.opens.append(spans[0][0])
                    found.closes.append(max(closing for _, closing in spans))
            self._days[year] = found
        return self._days[year]

    def closures(self, start: int, end: int) -> Iterator[tuple[int, int, str | None]]:
        at = start
        while at < end:
            day = (at + shift_at(self.zone, at)) // DAY
            midnight = max(local_instant(self.zone, (day + 1) * DAY), at + 1)
            cause = self.closure_of(day_date(day))
            parts = [] if cause else merged(sorted(self._cuts_of(day_date(day))))
            yield from self._around(parts, day, at, min(midnight, end), cause)
            at = midnight

    def _around(
        self, parts: list[Span], day: int, start: int, end: int, cause: str | None
    ) -> Iterator[tuple[int, int, str | None]]:
        """A closed span of one local date: its closed ``parts`` by that name, the rest by the ``cause``."""
        at = start
        for opening, closing in parts:
            first = max(local_instant(self.zone, day * DAY + opening), at)
            last = min(local_instant(self.zone, day * DAY + closing), end)
            if first < last:
                if at < first:
                    yield at, first, cause
                yield first, last, "closed"
                at = last
        if at < end:
            yield at, end, cause

    def _happens(self, day: int) -> bool:
        """Whether the zone has the local date at all (Samoa went without 30 December 2011)."""
        noon = local_instant(self.zone, day * DAY + DAY // 2)
        return (noon + shift_at(self.zone, noon)) // DAY == day

    def openings_of(self, day: date) -> list[Span]:
        """The openings that belong to a local date, in milliseconds since its midnight, sorted and disjoint."""
        if self.closure_of(day) is not None:
            return []
        special = [d.span for d in self._open if _is_day(d, day) and d.span is not None]
        spans = merged(sorted(special or self._week.get(day.weekday(), [])))
        for cut in self._cuts_of(day):
            spans = without(spans, cut)
        return spans

    def closure_of(self, day: date) -> str | None:
        """Why the whole local date is closed: ``holiday: NAME`` or ``closed``; None when it is not."""
        if (day.year, day.month, day.day) in self._closed_days or (None, day.month, day.day) in self._closed_days:
            return "closed"
        for region in self._regions:
            if name := holidays_of(region, day.year).get(day):
                return f"holiday: {name}"
        return None

    def _cuts_of(self, day: date) -> Iterator[Span]:
        """The closed parts that can touch a shift of ``day``, in milliseconds since its midnight."""
        if self._closed_parts:
            for ahead in (-1, 0, 1):
                other = day + timedelta(days=ahead)
                for part in self._closed_parts:
                    if _is_day(part, other) and part.span is not None:
                        yield part.span[0] + ahead * DAY, part.span[1] + ahead * DAY


class CutOpenings:
    """Openings with spans of instants cut out of them: absences, maintenance."""

    def __init__(self, source: Openings, cuts: Sequence[Cut]) -> None:
        self.zone = source.zone
        self._source = source
        self._cuts = sorted(cuts)

    def of_year(self, year: int) -> list[tuple[int, int]]:
        spans = self._source.of_year(year)
        for start, end, _ in self._cuts:
            spans = without(spans, (start, end))
        return spans

    def of_day(self, day: int) -> list[tuple[int, int]]:
        spans = self._source.of_day(day)
        for start, end, _ in self._cuts:
            spans = without(spans, (start, end))
        return spans

    def working_days(self, year: int) -> WorkingDays:
        """A day of which nothing is left is no working day; one that is cut at an end opens later or closes earlier."""
        return _working_days(self, self._source.working_days(year).days)

    def closures(self, start: int, end: int) -> Iterator[tuple[int, int, str | None]]:
        at = start
        for cut in self._cuts:
            first, last = max(cut.start, at), min(cut.end, end)
            if first < last:
                yield from self._source.closures(at, first)
                yield first, last, cut.cause
                at = last
        if at < end:
            yield from self._source.closures(at, end)


class RevisedOpenings:
    """Openings as they were ``before`` an instant, and as they are from it on."""

    def __init__(self, before: Openings, at: int, after: Openings) -> None:
        self.zone = after.zone
        self._before, self._at, self._after = before, at, after

    def of_year(self, year: int) -> list[tuple[int, int]]:
        # Local dates of two zones may differ by a day: the neighbours are asked as well and cut to this year's.
        earlier = [(a, min(b, self._at)) for a, b in self._before.of_year(year) if a < self._at]
        later = [(max(a, self._at), b) for a, b in self._after.of_year(year) if b > self._at]
        return merged(sorted(earlier + later))

    def of_day(self, day: int) -> list[tuple[int, int]]:
        earlier = [(a, min(b, self._at)) for a, b in self._before.of_day(day) if a < self._at]
        later = [(max(a, self._at), b) for a, b in self._after.of_day(day) if b > self._at]
        return merged(sorted(earlier + later))

    def working_days(self, year: int) -> WorkingDays:
        days = {*self._before.working_days(year).days, *self._after.working_days(year).days}
        return _working_days(self, sorted(days))

    def closures(self, start: int, end: int) -> Iterator[tuple[int, int, str | None]]:
        if start < self._at:
            yield from self._before.closures(start, min(end, self._at))
        if end > self._at:
            yield from self._after.closures(max(start, self._at), end)


def _working_days(openings: Openings, days: Sequence[int]) -> WorkingDays:
    """Those of the days on which anything is open, with what the wall clock shows at the first and last moment."""
    found = WorkingDays([], [], [])
    for day in days:
        if spans := openings.of_day(day):
            first, last = spans[0][0], spans[-1][1]
            found.days.append(day)
            found.opens.append(first + shift_at(openings.zone, first) - day * DAY)
            found.closes.append(last + shift_at(openings.zone, last - 1) - day * DAY)
    return found


def day_date(day: int) -> date:
    """The date that is ``day`` days after 1970-01-01."""
    return date.fromordinal(_EPOCH_ORDINAL + day)


def _days_of(year: int) -> range:
    return range(date(year, 1, 1).toordinal() - _EPOCH_ORDINAL, date(year, 12, 31).toordinal() - _EPOCH_ORDINAL + 1)


def _is_day(entry: DateSpan, day: date) -> bool:
    return entry.month == day.month and entry.day == day.day and entry.year in (None, day.year)


def merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted spans with overlapping and touching ones made one."""
    found: list[tuple[int, int]] = []
    for opening, closing in spans:
        if found and opening <= found[-1][1]:
            if closing > found[-1][1]:
                found[-1] = (found[-1][0], closing)
        else:
            found.append((opening, closing))
    return found


def without(spans: list[tuple[int, int]], cut: tuple[int, int]) -> list[tuple[int, int]]:
    """The spans with one interval cut out of them."""
    left = []
    for opening, closing in spans:
        if opening < min(closing, cut[0]):
            left.append((opening, min(closing, cut[0])))
        if max(opening, cut[1]) < closing:
            left.append((max(opening, cut[1]), closing))
    return left
