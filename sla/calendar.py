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
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sla.holiday import check_region
from sla.hours import parse_dates, parse_week
from sla.instant import DAY, MILLISECOND, from_datetime, milliseconds, parse_instant, to_datetime
from sla.opening import Cut, CutOpenings, Openings, RevisedOpenings, WeeklyOpenings, WorkingDays, day_date, merged
from sla.problem import Collector
from sla.zone import load_zone, local_instant, shift_at

YEARS_WITHOUT_OPENING: Final = 10
_FIRST_YEAR, _LAST_YEAR = 2, 9997
_NEVER = 3_653 * DAY
KEYS: Final = ("timezone", "hours", "holidays", "closed", "open", "revisions")


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


_EMPTY = _Table(0, 0, [], [], [], 0)


class Calendar:
    """Business hours of one IANA zone, exact to the millisecond across clock changes.

    Instants are aware datetimes or, in the ``_ms`` methods, epoch milliseconds. A naive datetime raises ValueError.
    """

    def __init__(self, openings: Openings, *, name: str = "", version: str = "") -> None:
        self.openings = openings
        self.zone = openings.zone
        self.name = name
        self.version = version
        """A hash of the content."""
        self._days: dict[int, WorkingDays] = {}
        self._table = _EMPTY

    @classmethod
    def from_config(cls, config: Mapping[str, Any], name: str = "", problems: Collector | None = None) -> Calendar:
        """A calendar from its table in the configuration (see docs/configuration.md). Raises Problems with all of them.

        With ``problems`` they are collected there instead and a calendar that is open on the readable parts returned.
        """
        found = problems or Collector()
        found.unknown_keys(config, KEYS)
        openings: Openings = _read_openings(config, found)
        for at, later in _read_revisions(config, found):
            openings = RevisedOpenings(openings, at, later)
        if problems is None:
            found.raise_if_any()
        return cls(openings, name=name, version=_hash(config))

    def without(self, spans: Sequence[tuple[int, int, str]]) -> Calendar:
        """The same calendar, closed in these spans of epoch milliseconds, each with its cause."""
        cuts = [Cut(*span) for span in spans]
        return Calendar(CutOpenings(self.openings, cuts), name=self.name, version=_hash([self.version, cuts]))

    def revised(self, at: int, later: Calendar) -> Calendar:
        """This calendar before ``at`` (epoch milliseconds), the ``later`` one from then on."""
        openings = RevisedOpenings(self.openings, at, later.openings)
        return Calendar(openings, name=later.name, version=_hash([self.version, at, later.version]))

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
        year = day_date(day).year
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
        raise NeverOpen(f"calendar {self.name or self.zone.key!r} has too few working days after {day_date(day)}")

    def _check_reachable(self, start: int) -> None:
        """Raises NeverOpen when nothing opens within ten years of ``start``."""
        table = self._cover(start, start + _NEVER)
        i = bisect_right(table.closes, start)
        if i == len(table.opens) or table.opens[i] - start > _NEVER:
            raise NeverOpen(
                f"calendar {self.name or self.zone.key!r} has no opening within {YEARS_WITHOUT_OPENING} years of "
                f"{to_datetime(start).isoformat(timespec='minutes')}"
            )

    def closures(self, start: int, end: int) -> Iterator[tuple[int, int, str | None]]:
        """A closed span of epoch milliseconds in parts, each with its cause (``holiday: NAME``, ``closed``,
        ``maintenance: NAME`` …), None where it is simply out of hours."""
        return self.openings.closures(start, end)

    def _working_days(self, year: int) -> WorkingDays:
        if year not in self._days:
            self._days[year] = self.openings.working_days(year)
        return self._days[year]

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
        # The years on both sides: a night shift may end in the first year, and the first local day of the year after
        # the last one begins in it wherever clocks are ahead of UTC.
        for year in range(max(first - 1, _FIRST_YEAR), last + 2):
            spans += self.openings.of_year(year)
        start = from_datetime(datetime(first, 1, 1, tzinfo=UTC))
        end = from_datetime(datetime(last + 1, 1, 1, tzinfo=UTC))
        whole = [(max(a, start), min(b, end)) for a, b in merged(sorted(spans)) if b > start and a < end]
        before, total = [], 0
        for opening, closing in whole:
            before.append(total)
            total += closing - opening
        self._table = _Table(start, end, [a for a, _ in whole], [b for _, b in whole], before, total)
        return self._table

    def __repr__(self) -> str:
        return f"<Calendar {self.name or self.zone.key}>"


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _read_openings(config: Mapping[str, Any], problems: Collector) -> WeeklyOpenings:
    zone = ZoneInfo("UTC")
    try:
        zone = load_zone(config.get("timezone"))
    except ValueError as mistake:
        (problems.at("timezone") if "timezone" in config else problems).add(str(mistake))
    week = parse_week(config.get("hours"), problems.at("hours") if "hours" in config else problems)
    regions = config.get("holidays", [])
    if not isinstance(regions, list):
        regions = [regions]
    for i, region in enumerate(regions):
        if why_not := check_region(region):
            problems.at("holidays", i).add(why_not)
    return WeeklyOpenings(
        zone,
        week,
        holidays=tuple(region for region in regions if check_region(region) is None),
        closed=tuple(parse_dates(config.get("closed"), problems.at("closed"), hours_needed=False)),
        open=tuple(parse_dates(config.get("open"), problems.at("open"), hours_needed=True)),
    )


def _read_revisions(config: Mapping[str, Any], problems: Collector) -> Iterator[tuple[int, Openings]]:
    """Each revision's first instant and the openings from then on: what it does not say stays as it was."""
    listed = config.get("revisions", [])
    if not isinstance(listed, list):
        problems.at("revisions").add("revisions are a list: begin each with [[calendars.NAME.revisions]]")
        return
    terms = {key: value for key, value in config.items() if key != "revisions"}
    latest: int | None = None
    for i, table in enumerate(listed):
        here = problems.at("revisions", i)
        if not isinstance(table, dict):
            here.add("a revision is a table with `from` and what changes then")
            continue
        here.unknown_keys(table, ("from", *KEYS[:-1]))
        terms = {**terms, **{key: value for key, value in table.items() if key != "from"}}
        changed = Collector(here.path)
        openings = _read_openings(terms, changed)
        depth = len(here.path)  # what the calendar itself has wrong is told there
        here.problems.extend(p for p in changed.problems if p.path[depth : depth + 1] and p.path[depth] in table)
        at = _read_from(table.get("from"), openings.zone, here)
        if at is not None and latest is not None and at <= latest:
            here.at("from").add("a revision comes after the one before it")
        elif at is not None:
            latest = at
            yield at, openings


def _read_from(given: object, zone: ZoneInfo, problems: Collector) -> int | None:
    """Local midnight of a date, or an instant with an offset."""
    text = given.isoformat() if isinstance(given, date | datetime) else given
    where = problems.at("from") if given is not None else problems
    if not isinstance(text, str):
        where.add("`from` says from when on it counts: a date such as 2026-07-01, or a time with an offset")
        return None
    try:
        if len(text) == len("2026-07-01"):
            day = date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()
            return local_instant(zone, day * DAY)
        return parse_instant(text)
    except ValueError:
        where.add(f"{text!r} is neither a date such as 2026-07-01 nor a time with an offset")
        return None
