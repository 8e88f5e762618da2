"""Working time: when a team is open, how much of a span counts, and when so much has passed.

Owns the arithmetic of business hours. Refuses clocks, policies and the current time.
Invariant: an instant is open iff the wall clock of the zone, at that instant, lies in an opening of that local date
(an overnight shift belongs to the day it opens); everything else follows from that set of instants.

The openings become a sorted table of UTC milliseconds with running totals, so that an answer is two binary searches,
whatever the span. The table grows with the years asked for and is a cache only.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sla.holiday import check_region, holidays_of
from sla.hours import DateSpan, Span, parse_dates, parse_week
from sla.instant import DAY, MILLISECOND, from_datetime, milliseconds, to_datetime
from sla.problem import Collector
from sla.zone import load_zone, local_instant, offsets_of_year, shift_at, to_instants

YEARS_WITHOUT_OPENING: Final = 10
_FIRST_YEAR, _LAST_YEAR = 2, 9997
_NEVER = 3_653 * DAY
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
KEYS: Final = ("timezone", "hours", "holidays", "closed", "open")


class NeverOpen(ValueError):
    """The calendar has no opening within ten years of the start, so nothing can ever be due."""


class _Table(NamedTuple):
    """Openings ``[opens[i], closes[i])`` in ``[start, end)``; ``before[i]`` is the work before opening i."""

    start: int
    end: int
    opens: list[int]
    closes: list[int]
    before: list[int]
    total: int

    def work(self, at: int) -> int:
        """Working milliseconds in ``[start, at)``."""
        i = bisect_right(self.opens, at) - 1
        if i < 0:
            return 0
        closing = self.closes[i]
        return self.before[i] + (at if at < closing else closing) - self.opens[i]


class _Days(NamedTuple):
    """Working days since 1970-01-01, sorted, with the first opening and the last close of each."""

    days: list[int]
    opens: list[int]
    closes: list[int]


_EMPTY = _Table(0, 0, [], [], [], 0)


class Calendar:
    """Business hours of one IANA zone, exact to the millisecond across clock changes.

    Instants are aware datetimes or, in the ``_ms`` methods, epoch milliseconds. A naive datetime raises ValueError.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        week: Mapping[int, list[Span]],
        *,
        holidays: tuple[str, ...] = (),
        closed: tuple[DateSpan, ...] = (),
        open: tuple[DateSpan, ...] = (),
        name: str = "",
        version: str = "",
    ) -> None:
        self.zone = zone
        self.name = name
        self.version = version
        self._week = {weekday: sorted(spans) for weekday, spans in week.items()}
        self._regions = holidays
        self._closed_days = frozenset(d[:3] for d in closed if d.span is None)
        self._closed_parts = [d for d in closed if d.span is not None]
        self._open = open
        self._years: dict[int, list[tuple[int, int]]] = {}
        self._days: dict[int, _Days] = {}
        self._table = _EMPTY

    @classmethod
    def from_config(cls, config: Mapping[str, Any], name: str = "", problems: Collector | None = None) -> Calendar:
        """A calendar from its table in the configuration (see docs/configuration.md). Raises Problems with all of them.

        With ``problems`` they are collected there instead and a calendar that is open on the readable parts returned.
        """
        found = problems or Collector()
        found.unknown_keys(config, KEYS)
        zone = ZoneInfo("UTC")
        try:
            zone = load_zone(config.get("timezone"))
        except ValueError as mistake:
            (found.at("timezone") if "timezone" in config else found).add(str(mistake))
        week = parse_week(config.get("hours"), found.at("hours") if "hours" in config else found)
        regions = config.get("holidays", [])
        if not isinstance(regions, list):
            regions = [regions]
        for i, region in enumerate(regions):
            if why_not := check_region(region):
                found.at("holidays", i).add(why_not)
        calendar = cls(
            zone,
            week,
            holidays=tuple(region for region in regions if check_region(region) is None),
            closed=tuple(parse_dates(config.get("closed"), found.at("closed"), hours_needed=False)),
            open=tuple(parse_dates(config.get("open"), found.at("open"), hours_needed=True)),
            name=name,
            version=hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()[:16],
        )
        if problems is None:
            found.raise_if_any()
        return calendar

    # ---- public arithmetic on datetimes

    def due(self, start: datetime, work: timedelta) -> datetime:
        """The earliest instant (UTC) at which ``work`` of working time has passed since ``start``.

        ``start`` itself when ``work`` is not positive. Raises ValueError for a naive start, NeverOpen where the
        calendar has no opening within ten years.
        """
        return to_datetime(self.due_ms(from_datetime(start), milliseconds(work)))

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Working time in ``[start, end)``; negative when the end is before the start."""
        return MILLISECOND * self.elapsed_ms(from_datetime(start), from_datetime(end))

    def intervals(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The openings within ``[start, end)``, cut to it, as pairs of UTC datetimes; touching ones are one."""
        for opening, closing in self.intervals_ms(from_datetime(start), from_datetime(end)):
            yield to_datetime(opening), to_datetime(closing)

    def add_days(self, start: datetime, days: int) -> datetime:
        """The same local time of day on the ``days``-th next working day, moved to that day's opening or close when
        outside it (``"2bd"``)."""
        return to_datetime(self.add_days_ms(from_datetime(start), days))

    # ---- the same on epoch milliseconds

    def due_ms(self, start: int, work: int) -> int:
        """See ``due``; epoch and working milliseconds."""
        if work <= 0:
            return start
        first, last, opens, closes, before, total = self._table
        if not first <= start < last:
            first, last, opens, closes, before, total = self._cover(start, start)
        need, i = work, bisect_right(opens, start) - 1
        if i >= 0:  # `_Table.work`, written out
            closing = closes[i]
            need += before[i] + (start if start < closing else closing) - opens[i]
        if need > total:
            table = self._extend(start, work)
            opens, before, need = table.opens, table.before, table.work(start) + work
        i = bisect_left(before, need) - 1
        due = opens[i] + need - before[i]
        if due - start > _NEVER:
            self._check_reachable(start)
        return due

    def elapsed_ms(self, start: int, end: int) -> int:
        """See ``elapsed``; epoch and working milliseconds."""
        first, last, opens, closes, before, _ = self._table
        if not (first <= start < last and first <= end < last):
            _, _, opens, closes, before, _ = self._cover(min(start, end), max(start, end))
        # `_Table.work` twice, written out: this is the innermost loop of everything.
        work, i = 0, bisect_right(opens, end) - 1
        if i >= 0:
            closing = closes[i]
            work = before[i] + (end if end < closing else closing) - opens[i]
        i = bisect_right(opens, start) - 1
        if i >= 0:
            closing = closes[i]
            work -= before[i] + (start if start < closing else closing) - opens[i]
        return work

    def is_open(self, at: int) -> bool:
        """Whether the instant lies in an opening."""
        table = self._cover(at, at)
        i = bisect_right(table.opens, at) - 1
        return i >= 0 and at < table.closes[i]

    def next_open(self, at: int) -> int:
        """The earliest open instant at or after ``at``. Raises NeverOpen."""
        return at if self.is_open(at) else self.due_ms(at, 1) - 1

    def intervals_ms(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """See ``intervals``; epoch milliseconds."""
        if end <= start:
            return
        table = self._cover(start, end)
        for i in range(max(bisect_right(table.opens, start) - 1, 0), len(table.opens)):
            if table.opens[i] >= end:
                return
            opening, closing = max(table.opens[i], start), min(table.closes[i], end)
            if opening < closing:
                yield opening, closing

    def add_days_ms(self, start: int, days: int) -> int:
        """See ``add_days``; epoch milliseconds."""
        if days <= 0:
            return start
        day, time = divmod(start + shift_at(self.zone, start), DAY)
        year = _date(day).year
        last = year + YEARS_WITHOUT_OPENING
        while year <= min(last, _LAST_YEAR):
            working = self._working_days(year)
            place = bisect_right(working.days, day) + days - 1
            if place < len(working.days):
                time = min(max(time, working.opens[place]), working.closes[place])
                return local_instant(self.zone, working.days[place] * DAY + time)
            days = place + 1 - len(working.days)
            if working.days:
                last = year + YEARS_WITHOUT_OPENING
            year += 1
        raise NeverOpen(f"calendar {self.name or self.zone.key!r} has too few working days after {_date(day)}")

    def _check_reachable(self, start: int) -> None:
        """Raises NeverOpen when nothing opens within ten years of ``start``."""
        table = self._cover(start, start + _NEVER)
        i = bisect_right(table.closes, start)
        if i == len(table.opens) or table.opens[i] - start > _NEVER:
            raise NeverOpen(
                f"calendar {self.name or self.zone.key!r} has no opening within {YEARS_WITHOUT_OPENING} years of "
                f"{to_datetime(start).isoformat(timespec='minutes')}"
            )

    # ---- what a day is

    def _working_days(self, year: int) -> _Days:
        """The working days of a local year."""
        if year not in self._days:
            first = date(year, 1, 1).toordinal() - _EPOCH_ORDINAL
            last = date(year, 12, 31).toordinal() - _EPOCH_ORDINAL
            found = _Days([], [], [])
            for day in range(first, last + 1):
                spans = self.openings_of(_date(day))
                if spans and self._happens(day):
                    found.days.append(day)
                    found.opens.append(spans[0][0])
                    found.closes.append(max(closing for _, closing in spans))
            self._days[year] = found
        return self._days[year]

    def _happens(self, day: int) -> bool:
        """Whether the zone has the local date at all (Samoa went without 30 December 2011)."""
        noon = local_instant(self.zone, day * DAY + DAY // 2)
        return (noon + shift_at(self.zone, noon)) // DAY == day

    def openings_of(self, day: date) -> list[Span]:
        """The openings that belong to a local date, in milliseconds since its midnight, sorted and disjoint."""
        if self.closure_of(day) is not None:
            return []
        special = [d.span for d in self._open if _is_day(d, day) and d.span is not None]
        spans = _merged(sorted(special or self._week.get(day.weekday(), [])))
        for cut in self._cuts_of(day):
            spans = _without(spans, cut)
        return spans

    def closure_of(self, day: date) -> str | None:
        """Why the whole local date is closed: the holiday's name or ``closed``; None when it is not."""
        if (day.year, day.month, day.day) in self._closed_days or (None, day.month, day.day) in self._closed_days:
            return "closed"
        for region in self._regions:
            if name := holidays_of(region, day.year).get(day):
                return name
        return None

    def _cuts_of(self, day: date) -> Iterator[Span]:
        """The closed parts that can touch a shift of ``day``, in milliseconds since its midnight."""
        if self._closed_parts:
            for ahead in (-1, 0, 1):
                other = day + timedelta(days=ahead)
                for part in self._closed_parts:
                    if _is_day(part, other) and part.span is not None:
                        yield part.span[0] + ahead * DAY, part.span[1] + ahead * DAY

    # ---- the table

    def _cover(self, start: int, end: int) -> _Table:
        """The table, grown to the years of both instants and one more on either side."""
        table = self._table
        if table.start <= start and end < table.end:
            return table
        first, last = to_datetime(start).year - 1, to_datetime(end).year + 1
        if table.opens or table.end:
            first = min(first, to_datetime(table.start).year)
            last = max(last, to_datetime(table.end - 1).year)
        return self._build(first, last)

    def _extend(self, start: int, work: int) -> _Table:
        """A table that reaches so far that ``work`` has passed since ``start``. Raises NeverOpen."""
        table = self._cover(start, start)
        step = 2
        while table.total - table.work(start) < work:
            first, last = to_datetime(table.start).year, to_datetime(table.end - 1).year
            alive = max(start, table.closes[-1] if table.closes else start)
            if table.end - alive > _NEVER:
                self._check_reachable(alive)
            if last >= _LAST_YEAR:
                raise NeverOpen(f"calendar {self.name or self.zone.key!r} has no time left before the year 9998")
            step = min(step * 2, YEARS_WITHOUT_OPENING + 1)
            table = self._build(first, last + step)
        return table

    def _build(self, first: int, last: int) -> _Table:
        first, last = max(first, _FIRST_YEAR), min(last, _LAST_YEAR)
        spans: list[tuple[int, int]] = []
        for year in range(first - 1, last + 1):  # the year before: its last night shift may end in the first year
            if year not in self._years:
                self._years[year] = self._openings_of_year(year)
            spans += self._years[year]
        start = from_datetime(datetime(first, 1, 1, tzinfo=UTC))
        end = from_datetime(datetime(last + 1, 1, 1, tzinfo=UTC))
        merged = [(max(a, start), min(b, end)) for a, b in _merged(sorted(spans)) if b > start and a < end]
        before, total = [], 0
        for opening, closing in merged:
            before.append(total)
            total += closing - opening
        self._table = _Table(start, end, [a for a, _ in merged], [b for _, b in merged], before, total)
        return self._table

    def _openings_of_year(self, year: int) -> list[tuple[int, int]]:
        """The instants of the openings that belong to the local dates of a year."""
        first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        walls = [
            ((ordinal - _EPOCH_ORDINAL) * DAY + opening, (ordinal - _EPOCH_ORDINAL) * DAY + closing)
            for ordinal in range(first, last + 1)
            for opening, closing in self.openings_of(date.fromordinal(ordinal))
        ]
        return to_instants(_merged(sorted(walls)), offsets_of_year(self.zone, year))

    def __repr__(self) -> str:
        return f"<Calendar {self.name or self.zone.key}>"


def _date(day: int) -> date:
    return date.fromordinal(_EPOCH_ORDINAL + day)


def _is_day(entry: DateSpan, day: date) -> bool:
    return entry.month == day.month and entry.day == day.day and entry.year in (None, day.year)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted spans with overlapping and touching ones made one."""
    merged: list[tuple[int, int]] = []
    for opening, closing in spans:
        if merged and opening <= merged[-1][1]:
            if closing > merged[-1][1]:
                merged[-1] = (merged[-1][0], closing)
        else:
            merged.append((opening, closing))
    return merged


def _without(spans: list[Span], cut: Span) -> list[Span]:
    """The spans with one interval cut out of them."""
    left = []
    for opening, closing in spans:
        if opening < min(closing, cut[0]):
            left.append((opening, min(closing, cut[0])))
        if max(opening, cut[1]) < closing:
            left.append((max(opening, cut[1]), closing))
    return left
