"""Random calendars against a walk that looks at every single minute, and the laws that any calendar obeys.

The walk knows the definition only: a moment is open iff the wall clock of the zone lies, at that moment, in an opening
of that local date (or in the tail of a night shift of the date before), under the terms in force then, and in nothing
that was cut out. It asks zoneinfo what the clocks show and shares no code with the calendar. Most walks go by the
minute over eight days around a change of the clocks, some by ten seconds over 32 hours.
``SLA_CASES=100000`` asks for more cases; ``pytest -m slow`` runs the whole hundred thousand.
"""

from __future__ import annotations

import os
import random
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla.calendar import Calendar, NeverOpen

DAY = 86_400
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CASES = int(os.environ.get("SLA_CASES", "2000"))
QUESTIONS = 25
"""How many questions each random calendar is asked."""

CHANGES = {
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],  # half an hour
    "Pacific/Apia": ["2011-12-30", "2012-04-01"],  # a day that never was
    "Pacific/Kiritimati": ["1994-12-31"],  # another one, at the end of a year
    "America/Havana": ["2026-03-08", "2026-11-01"],  # at midnight and at one o'clock
    "America/St_Johns": ["2010-03-14", "2010-11-07"],  # at one minute past midnight
    "Pacific/Chatham": ["2026-04-05", "2026-09-27"],  # at a quarter to three
    "Antarctica/Troll": ["2026-03-29", "2026-10-25"],  # two hours
    "Africa/Cairo": ["2026-04-24", "2026-10-30"],  # back into the day before
    "Africa/Casablanca": ["2026-02-15", "2026-03-22"],  # summer time stops for Ramadan
    "America/Caracas": ["2007-12-09", "2016-05-01"],  # a standard time of half an hour, and back
    "America/Sao_Paulo": ["2018-02-18", "2018-11-04"],  # at midnight, both ways
    "Asia/Kathmandu": ["1986-01-01"],  # a quarter of an hour, at new year
    "Asia/Pyongyang": ["2015-08-15", "2018-05-05"],  # a new standard time of half an hour
    "Europe/Dublin": ["2026-03-29", "2026-10-25"],  # winter time is the exception
}
REGIONS = {"America/New_York": ["US", "US-NY"], "Europe/Dublin": ["IE"], "Antarctica/Troll": ["NO"]}

Span = tuple[int, int]
"""Seconds since a midnight, or since the beginning of the walk."""
Entry = tuple[int | None, int, int]


@dataclass
class Terms:
    """Hours and exceptions as they are written, times in seconds since midnight."""

    week: dict[int, list[Span]]
    regions: list[str] = field(default_factory=list)
    closed: list[tuple[Entry, Span | None]] = field(default_factory=list)
    opened: list[tuple[Entry, Span]] = field(default_factory=list)

    def config(self) -> dict:
        return {
            "hours": {WEEKDAYS[day]: [_text(o) for o in openings] for day, openings in self.week.items()},
            "holidays": self.regions,
            "closed": [_date_text(day) + (f" {_text(part)}" if part else "") for day, part in self.closed],
            "open": [f"{_date_text(day)} {_text(opening)}" for day, opening in self.opened],
        }

    def openings_of(self, ordinal: int) -> list[Span]:
        day = date.fromordinal(ordinal)
        if any(_is(day, entry) for entry, part in self.closed if part is None):
            return []
        if any(day in _holidays(region, day.year) for region in self.regions):
            return []
        special = [opening for entry, opening in self.opened if _is(day, entry)]
        return special or self.week.get(day.weekday(), [])

    def cuts_of(self, ordinal: int) -> list[Span]:
        day = date.fromordinal(ordinal)
        return [part for entry, part in self.closed if part is not None and _is(day, entry)]


class Walk:
    """A calendar as written, and every moment of one window marked open or closed."""

    def __init__(self, rng: random.Random) -> None:
        self.zone = rng.choice(sorted(CHANGES))
        self.change = date.fromisoformat(rng.choice(CHANGES[self.zone]))
        self.grain = 10 if rng.random() < 0.1 else 60
        self.start, self.walls = _walls(self.zone, self.change, self.grain)
        near = [self.change + timedelta(days=n) for n in range(-4, 5)]
        self.terms = [(0, _terms(rng, near, self.grain, REGIONS.get(self.zone, [])))]
        self.from_date: date | None = None
        if rng.random() < 0.3:
            self._revise(rng, near)
        length = len(self.walls)
        moments = [sorted(rng.sample(range(length), 2)) for _ in range(rng.choice([0, 0, 0, 1, 3]))]
        self.spans = [(a, min(b, a + rng.choice([30, 400, 3000]))) for a, b in moments]
        self._mark()

    def _revise(self, rng: random.Random, near: list[date]) -> None:
        """Other terms from a date or from a moment on; a revision says only what changes."""
        if rng.random() < 0.5:
            self.from_date = rng.choice(near[2:-2])
            ordinal = self.from_date.toordinal()
            since = next((n for n, (today, _) in enumerate(self.walls) if today >= ordinal), None)
        else:
            since = rng.randrange(len(self.walls))
        if since is None or (self.from_date and self.walls[0][0] >= self.from_date.toordinal()):
            self.from_date = None
            return
        old, new = self.terms[0][1], _terms(rng, near, self.grain, [])
        later = replace(old, week=new.week)
        if rng.random() < 0.5:
            later = replace(later, closed=new.closed, opened=new.opened, regions=[])
        self.terms.append((since, later))

    def calendar(self) -> Calendar:
        whole = Calendar.from_config(self.config())
        if not self.spans:
            return whole
        origin = int(self.start.timestamp())
        return whole.without([
            ((origin + a * self.grain) * 1000, (origin + b * self.grain) * 1000, "maintenance: move")
            for a, b in self.spans
        ])  # fmt: skip

    def config(self) -> dict:
        document = {"timezone": self.zone, **self.terms[0][1].config()}
        if len(self.terms) > 1:
            since, later = self.terms[1]
            changed = {k: v for k, v in later.config().items() if v != document[k]}
            begin = self.from_date or self.start + timedelta(seconds=since * self.grain)
            document["revisions"] = [{"from": begin.isoformat(), **changed}]
        return document

    def _mark(self) -> None:
        self.marks: list[bool] = []
        self.days: dict[int, Span] = {}
        """Local date to the first and the last moment of its own openings, on its own wall clock."""
        for number, (since, terms) in enumerate(self.terms):
            until = self.terms[number + 1][0] if number + 1 < len(self.terms) else len(self.walls)
            self._mark_under(terms, since, until)
        self.before = [0]
        for mark in self.marks:
            self.before.append(self.before[-1] + mark)

    def _mark_under(self, terms: Terms, since: int, until: int) -> None:
        openings: dict[int, list[Span]] = {}
        cuts: dict[int, list[Span]] = {}
        for moment in range(since, until):
            today, time = self.walls[moment]
            if not {today - 1, today} <= openings.keys():
                for day in (today - 1, today):
                    openings[day], cuts[day] = terms.openings_of(day), terms.cuts_of(day)
            owners = [(today, time)] if any(a <= time < b for a, b in openings[today]) else []
            if any(a <= time + DAY < b for a, b in openings[today - 1]):
                owners.append((today - 1, time + DAY))
            if any(a <= time < b for a, b in cuts[today]) or any(a <= moment < b for a, b in self.spans):
                owners = []
            self.marks.append(bool(owners))
            for day, wall in owners:
                first, last = self.days.get(day, (wall, wall))
                self.days[day] = min(first, wall), max(last, wall + self.grain)

    def worked(self, second: int) -> int:
        """Open seconds of the window before ``second``."""
        moment, rest = divmod(second, self.grain)
        return self.before[moment] * self.grain + (rest if rest and self.marks[moment] else 0)

    def due(self, second: int, work: int) -> int | None:
        """The first second at which ``work`` has been done since ``second``; None when that is after the window."""
        need = self.worked(second) + work
        if need > self.before[-1] * self.grain:
            return None
        moment = bisect_left(self.before, need / self.grain) - 1  # in which the last second of work is done
        return moment * self.grain + need - self.before[moment] * self.grain

    def add_days(self, second: int, days: int) -> int | None:
        """The same time of day on a later working day, moved into that day's openings; None where the window ends, or
        where the clocks skip that time or an edge of those openings."""
        today, time = self.walls[second // self.grain]
        shown = {day for day, _ in self.walls}
        later = [day for day in sorted(self.days.keys() & shown) if day > today]
        if len(later) < days or later[days - 1] > self.walls[-1][0] - 2:
            return None
        target = later[days - 1]
        first, last = self.days[target]
        time += second % self.grain
        if not first <= time <= last and self._skips(target):
            return None
        ahead, wall = divmod(min(max(time, first), last), DAY)
        sought = (target + ahead, wall - wall % self.grain)
        place = next((n for n, shown in enumerate(self.walls) if shown == sought), None)
        return None if place is None else place * self.grain + wall % self.grain

    def _skips(self, day: int) -> bool:
        """Whether the clocks go forward on a local date or in a night beside it."""
        absolute = [today * DAY + time for today, time in self.walls if day - 1 <= today <= day + 1]
        return any(b - a > self.grain for a, b in pairwise(absolute))

    def intervals(self) -> list[Span]:
        runs = []
        for mark, group in groupby(enumerate(self.marks), key=lambda pair: pair[1]):
            moments = [moment for moment, _ in group]
            if mark:
                runs.append((moments[0] * self.grain, (moments[-1] + 1) * self.grain))
        return runs


@lru_cache(maxsize=64)
def _walls(zone: str, change: date, grain: int) -> tuple[datetime, list[Span]]:
    """Where the walk begins, and what the wall clock shows at each of its moments: the date's number and the second."""
    before = timedelta(days=4) if grain == 60 else timedelta(hours=16)
    start = datetime(change.year, change.month, change.day, tzinfo=UTC) - before
    shown, walls = ZoneInfo(zone), []
    for n in range(8 * 1440):
        wall = (start + timedelta(seconds=n * grain)).astimezone(shown)
        walls.append((wall.toordinal(), wall.hour * 3600 + wall.minute * 60 + wall.second))
    return start, walls


def _terms(rng: random.Random, near: list[date], grain: int, regions: list[str]) -> Terms:
    week = {day: _openings(rng, grain) for day in rng.sample(range(7), rng.randint(3, 7))}
    if rng.random() < 0.15:
        week = {day: [(0, DAY)] for day in range(7)}
    closed = [(_entry(rng, near), None) for _ in range(rng.choice([0, 0, 1, 2]))]
    closed += [(_entry(rng, near), _part(rng)) for _ in range(rng.choice([0, 0, 1, 2]))]
    opened = [((d.year, d.month, d.day), _opening(rng, grain)) for d in rng.choices(near, k=rng.choice([0, 0, 1, 2]))]
    return Terms(week, rng.choice([[], regions]), closed, opened)


def _opening(rng: random.Random, grain: int) -> Span:
    """Any two times; every third one runs past midnight."""
    step = grain * rng.choice([1, 15, 30])
    opening = rng.randrange(0, DAY, step)
    length = rng.randrange(step, DAY, step) if rng.random() < 0.3 else rng.randrange(step, DAY - opening + step, step)
    return opening, min(opening + length, opening + DAY - grain if opening else DAY)


def _openings(rng: random.Random, grain: int) -> list[Span]:
    """One opening, or two to three that do not overlap within their day, in any order."""
    if rng.random() < 0.5:
        return [_opening(rng, grain)]
    times = sorted(rng.sample(range(0, DAY + 1, 15 * grain), rng.choice([4, 6])))
    found = list(zip(times[::2], times[1::2], strict=True))
    rng.shuffle(found)
    return found


def _part(rng: random.Random) -> Span:
    opening, closing = sorted(rng.sample(range(0, DAY + 1, 900), 2))
    return opening, closing


def _entry(rng: random.Random, near: list[date]) -> Entry:
    day = rng.choice(near)
    return (None if rng.random() < 0.3 else day.year), day.month, day.day


def _is(day: date, entry: Entry) -> bool:
    return (day.month, day.day) == entry[1:] and entry[0] in (None, day.year)


def _text(span: Span) -> str:
    closing = span[1] if span[1] <= DAY else span[1] - DAY
    return f"{_time(span[0])}-{_time(closing)}"


def _time(second: int) -> str:
    text = f"{second // 3600:02}:{second // 60 % 60:02}"
    return text + f":{second % 60:02}" if second % 60 else text


def _date_text(entry: Entry) -> str:
    year, month, day = entry
    return (f"{year}-" if year else "") + f"{month:02}-{day:02}"


@lru_cache
def _holidays(region: str, year: int) -> frozenset[date]:
    country, _, subdivision = region.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


def compare(seed: int) -> Counter[str]:
    """Asks one random calendar everything; how many questions of which kind had an answer within the window."""
    rng = random.Random(seed)
    walk = Walk(rng)
    calendar, config = walk.calendar(), (walk.config(), walk.spans)
    end = len(walk.marks) * walk.grain
    seen = Counter(revised=len(walk.terms) > 1, cut=bool(walk.spans), seconds=walk.grain == 10, calendars=1)

    def instant(second: int) -> datetime:
        return walk.start + timedelta(seconds=second)

    found = [
        (int((a - walk.start).total_seconds()), int((b - walk.start).total_seconds()))
        for a, b in calendar.intervals(walk.start, instant(end))
    ]
    assert _joined(found) == walk.intervals(), (seed, config)
    for _ in range(QUESTIONS):
        unit = rng.choice([1, 60, 60, 900])
        a, b = rng.randrange(0, end, unit), rng.randrange(0, end, unit)
        work = rng.randrange(unit, rng.choice([3600, 8 * 3600, 5 * 86400]) + unit, unit)
        worked = int(calendar.elapsed(instant(a), instant(b)).total_seconds())
        assert worked == walk.worked(b) - walk.worked(a), (seed, config, instant(a), instant(b))
        expected = walk.due(a, work)
        try:
            due = calendar.due(instant(a), timedelta(seconds=work))
        except NeverOpen:
            assert expected is None, (seed, config, instant(a), work)
            continue
        if expected is None:
            assert due > instant(end), (seed, config, instant(a), work)
        else:
            assert due == instant(expected), (seed, config, instant(a), work)
        days = rng.randint(1, 3)
        later = walk.add_days(a, days)
        if later is not None:
            assert calendar.add_days(instant(a), days) == instant(later), (seed, config, instant(a), days)
        seen += Counter(due=expected is not None, days=later is not None)
    return seen


def _joined(pairs: list[Span]) -> list[Span]:
    """Touching intervals as one, as the walk sees them."""
    joined: list[Span] = []
    for a, b in pairs:
        if joined and joined[-1][1] == a:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return joined


def ask(first: int, cases: int) -> Counter[str]:
    return sum((compare(seed) for seed in range(first, first + cases // QUESTIONS)), Counter())


def test_thousands_of_random_questions_agree_with_a_walk_minute_by_minute() -> None:
    seen = ask(0, CASES)
    assert seen["calendars"] == CASES // QUESTIONS
    # None of it for nothing: each kind of question and of calendar was there.
    shares = {kind: seen[kind] / CASES for kind in ("due", "days")}
    shares |= {kind: seen[kind] / seen["calendars"] for kind in ("revised", "cut", "seconds")}
    assert CASES < 2_000 or {kind for kind, share in shares.items() if share < 0.04} == set()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_a_hundred_thousand_random_questions_agree_with_a_walk_minute_by_minute(part: int) -> None:
    assert ask(10_000 + part * 500, 12_500)["calendars"] == 500


def test_the_walk_itself_counts_a_night_of_the_autumn_change() -> None:
    # The oracle is worth no more than this: New York, Saturday 22:00 to Sunday 06:00 on 1 November 2026 is nine hours.
    walk = Walk.__new__(Walk)
    walk.grain, walk.spans = 60, []
    walk.start, walk.walls = _walls("America/New_York", date(2026, 11, 1), 60)
    walk.terms = [(0, Terms({5: [(22 * 3600, 30 * 3600)]}))]
    walk._mark()
    assert sum(walk.marks) == 9 * 60
    assert walk.add_days(0, 1) == 3 * DAY + 26 * 3600  # from Tuesday 20:00 to Saturday's opening, 02:00 UTC


# ---- laws, on calendars that have every difficulty at once

SECONDS = st.integers(0, 400 * 86_400)
WORK = st.integers(1, 60 * 86_400)
ORIGIN = datetime(2025, 12, 1, tzinfo=UTC)
ODD = [
    {"timezone": "America/New_York", "hours": {"mon-fri": ["09:00-12:30", "13:00-17:00"], "sat": "10:00-14:00"},
     "holidays": ["US", "US-NY"], "closed": ["2026-12-24", "2026-12-31 13:00-24:00", "12-25"],
     "open": ["2026-12-19 10:00-14:00"]},
    {"timezone": "America/Havana", "hours": {"mon-sun": "22:00-06:00"}, "closed": ["2026-03-08 00:00-02:00"]},
    {"timezone": "Australia/Lord_Howe", "hours": "24x7", "closed": ["2026-04-05"]},
    {"timezone": "Africa/Cairo", "hours": {"sun-thu": "09:00:30-24:00"}},
]  # fmt: skip
LAWFUL = st.sampled_from([Calendar.from_config(config) for config in ODD])


def second(n: int) -> datetime:
    return ORIGIN + timedelta(seconds=n)


@given(LAWFUL, SECONDS, SECONDS, SECONDS)
def test_elapsed_is_additive(calendar: Calendar, a: int, b: int, c: int) -> None:
    whole = calendar.elapsed(second(a), second(c))
    assert calendar.elapsed(second(a), second(b)) + calendar.elapsed(second(b), second(c)) == whole


@given(LAWFUL, SECONDS, SECONDS)
def test_elapsed_backwards_is_negative(calendar: Calendar, a: int, b: int) -> None:
    assert calendar.elapsed(second(a), second(b)) == -calendar.elapsed(second(b), second(a))


@given(LAWFUL, SECONDS, SECONDS)
def test_working_time_is_never_more_than_time(calendar: Calendar, a: int, b: int) -> None:
    start, end = second(min(a, b)), second(max(a, b))
    assert timedelta(0) <= calendar.elapsed(start, end) <= end - start


@given(LAWFUL, SECONDS, WORK)
def test_due_is_the_earliest_instant_at_which_the_work_is_done(calendar: Calendar, a: int, work: int) -> None:
    due = calendar.due(second(a), timedelta(seconds=work))
    assert calendar.elapsed(second(a), due) == timedelta(seconds=work)
    before = due - timedelta(milliseconds=1)
    assert calendar.elapsed(second(a), before) == timedelta(seconds=work) - timedelta(milliseconds=1)


@given(LAWFUL, SECONDS, WORK, WORK)
def test_due_is_monotone_in_the_work_and_adds_up(calendar: Calendar, a: int, first: int, second_part: int) -> None:
    once = calendar.due(second(a), timedelta(seconds=first))
    twice = calendar.due(once, timedelta(seconds=second_part))
    assert once < twice == calendar.due(second(a), timedelta(seconds=first + second_part))


@given(LAWFUL, SECONDS, SECONDS, WORK)
def test_due_is_monotone_in_the_start(calendar: Calendar, a: int, b: int, work: int) -> None:
    span = timedelta(seconds=work)
    assert calendar.due(second(min(a, b)), span) <= calendar.due(second(max(a, b)), span)


@given(LAWFUL, SECONDS, SECONDS)
def test_intervals_are_ordered_apart_and_sum_to_elapsed(calendar: Calendar, a: int, b: int) -> None:
    start, end = second(min(a, b)), second(max(a, b))
    pairs = list(calendar.intervals(start, end))
    edges = [edge for pair in pairs for edge in pair]
    assert edges == sorted(edges)
    assert all(start <= opening < close <= end for opening, close in pairs)
    assert sum((close - opening for opening, close in pairs), timedelta(0)) == calendar.elapsed(start, end)


@given(st.sampled_from(ODD), st.lists(SECONDS, min_size=1, max_size=5), SECONDS, WORK)
def test_what_was_asked_before_changes_no_answer(config: dict, earlier: list[int], a: int, work: int) -> None:
    used, fresh = Calendar.from_config(config), Calendar.from_config(config)
    for n in earlier:
        used.elapsed(second(n * 7), second(n))
    span = timedelta(seconds=work)
    assert used.due(second(a), span) == fresh.due(second(a), span)
    assert used.elapsed(second(a), second(a + work)) == fresh.elapsed(second(a), second(a + work))
