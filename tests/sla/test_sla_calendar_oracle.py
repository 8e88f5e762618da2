"""Random calendars against a walk that looks at every single minute, and the laws that any calendar obeys.

The walk knows the definition only: a minute is open iff the wall clock of the zone lies, at that minute, in an opening
of that local date (or in the tail of a night shift of the date before). It shares no code with the calendar.
``SLA_CASES=100000`` asks for more cases; ``pytest -m slow`` runs the whole hundred thousand.
"""

from __future__ import annotations

import os
import random
from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla.calendar import Calendar, NeverOpen

DAY = 1440
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CASES = int(os.environ.get("SLA_CASES", "3000"))
QUESTIONS = 80
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
    "Asia/Pyongyang": ["2015-08-15", "2018-05-05"],  # a new standard time of half an hour
    "Europe/Dublin": ["2026-03-29", "2026-10-25"],  # winter time is the exception
}
REGIONS = {"America/New_York": ["US", "US-NY"], "Europe/Dublin": ["IE"], "Antarctica/Troll": ["NO"]}


class Walk:
    """A calendar as written, and every minute of one window marked open or closed."""

    def __init__(self, rng: random.Random) -> None:
        self.zone = rng.choice(sorted(CHANGES))
        self.change = date.fromisoformat(rng.choice(CHANGES[self.zone]))
        self.regions = rng.choice([[], REGIONS.get(self.zone, [])])
        self.week = {day: _openings(rng) for day in rng.sample(range(7), rng.randint(3, 7))}
        if rng.random() < 0.15:
            self.week = {day: [(0, DAY)] for day in range(7)}
        near = [self.change + timedelta(days=n) for n in range(-4, 5)]
        self.closed = [(_entry(rng, near), None) for _ in range(rng.choice([0, 0, 1, 2]))]
        self.closed += [(_entry(rng, near), _part(rng)) for _ in range(rng.choice([0, 0, 1, 2]))]
        self.opened = [((d.year, d.month, d.day), _opening(rng)) for d in rng.choices(near, k=rng.choice([0, 0, 1, 2]))]
        self.start = datetime(self.change.year, self.change.month, self.change.day, tzinfo=UTC) - timedelta(days=4)
        self.marks = self._walk(8 * DAY)
        self.before = [0]
        for mark in self.marks:
            self.before.append(self.before[-1] + mark)

    def config(self) -> dict:
        return {
            "timezone": self.zone,
            "hours": {WEEKDAYS[day]: [_text(o) for o in openings] for day, openings in self.week.items()},
            "holidays": self.regions,
            "closed": [_date_text(day) + (f" {_text(part)}" if part else "") for day, part in self.closed],
            "open": [f"{_date_text(day)} {_text(opening)}" for day, opening in self.opened],
        }

    def _walk(self, minutes: int) -> list[bool]:
        zone, openings, cuts = ZoneInfo(self.zone), {}, {}
        marks = []
        for n in range(minutes):
            wall = (self.start + timedelta(minutes=n)).astimezone(zone)
            today, minute = wall.toordinal(), wall.hour * 60 + wall.minute
            if today not in openings:
                for day in (today - 1, today):
                    openings[day], cuts[day] = self._openings_of(day), self._cuts_of(day)
            is_open = any(a <= minute < b for a, b in openings[today]) or any(
                a <= minute + DAY < b for a, b in openings[today - 1]
            )
            marks.append(is_open and not any(a <= minute < b for a, b in cuts[today]))
        return marks

    def _openings_of(self, ordinal: int) -> list[tuple[int, int]]:
        day = date.fromordinal(ordinal)
        if any(_is(day, entry) for entry, part in self.closed if part is None):
            return []
        if any(day in _holidays(region, day.year) for region in self.regions):
            return []
        special = [opening for entry, opening in self.opened if _is(day, entry)]
        return special or self.week.get(day.weekday(), [])

    def _cuts_of(self, ordinal: int) -> list[tuple[int, int]]:
        day = date.fromordinal(ordinal)
        return [part for entry, part in self.closed if part is not None and _is(day, entry)]

    def worked(self, second: int) -> int:
        """Open seconds of the window before ``second``."""
        minute, rest = divmod(second, 60)
        return self.before[minute] * 60 + (rest if rest and self.marks[minute] else 0)

    def due(self, second: int, work: int) -> int | None:
        """The first second at which ``work`` has been done since ``second``; None when that is after the window."""
        need = self.worked(second) + work
        if need > self.before[-1] * 60:
            return None
        minute = bisect_left(self.before, need / 60) - 1  # the minute in which the last second of work is done
        return minute * 60 + need - self.before[minute] * 60

    def intervals(self) -> list[tuple[int, int]]:
        runs = []
        for mark, group in groupby(enumerate(self.marks), key=lambda pair: pair[1]):
            minutes = [minute for minute, _ in group]
            if mark:
                runs.append((minutes[0], minutes[-1] + 1))
        return runs


def _opening(rng: random.Random) -> tuple[int, int]:
    """Any two times; every third one runs past midnight."""
    step = rng.choice([1, 15, 30])
    opening = rng.randrange(0, DAY, step)
    length = rng.randrange(step, DAY, step) if rng.random() < 0.3 else rng.randrange(step, DAY - opening + step, step)
    return opening, min(opening + length, opening + DAY - 1 if opening else DAY)


def _openings(rng: random.Random) -> list[tuple[int, int]]:
    """One opening, or two to three that do not overlap within their day, in any order."""
    if rng.random() < 0.5:
        return [_opening(rng)]
    times = sorted(rng.sample(range(0, DAY + 1, 15), rng.choice([4, 6])))
    found = list(zip(times[::2], times[1::2], strict=True))
    rng.shuffle(found)
    return found


def _part(rng: random.Random) -> tuple[int, int]:
    opening, closing = sorted(rng.sample(range(0, DAY + 1, 15), 2))
    return opening, closing


def _entry(rng: random.Random, near: list[date]) -> tuple[int | None, int, int]:
    day = rng.choice(near)
    return (None if rng.random() < 0.3 else day.year), day.month, day.day


def _is(day: date, entry: tuple[int | None, int, int]) -> bool:
    return (day.month, day.day) == entry[1:] and entry[0] in (None, day.year)


def _text(span: tuple[int, int]) -> str:
    closing = span[1] if span[1] <= DAY else span[1] - DAY
    return f"{span[0] // 60:02}:{span[0] % 60:02}-{closing // 60:02}:{closing % 60:02}"


def _date_text(entry: tuple[int | None, int, int]) -> str:
    year, month, day = entry
    return (f"{year}-" if year else "") + f"{month:02}-{day:02}"


@lru_cache
def _holidays(region: str, year: int) -> frozenset[date]:
    country, _, subdivision = region.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


def compare(seed: int) -> int:
    """Asks one random calendar everything; the number of questions."""
    rng = random.Random(seed)
    walk = Walk(rng)
    config = walk.config()
    calendar = Calendar.from_config(config)
    end = len(walk.marks) * 60

    def instant(second: int) -> datetime:
        return walk.start + timedelta(seconds=second)

    found = [
        (int((a - walk.start).total_seconds()) // 60, int((b - walk.start).total_seconds()) // 60)
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
    return QUESTIONS


def _joined(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Touching intervals as one, as the walk sees them."""
    joined: list[tuple[int, int]] = []
    for a, b in pairs:
        if joined and joined[-1][1] == a:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return joined


def test_thousands_of_random_questions_agree_with_a_walk_minute_by_minute() -> None:
    assert sum(compare(seed) for seed in range(CASES // QUESTIONS)) >= CASES - QUESTIONS


@pytest.mark.slow
def test_a_hundred_thousand_random_questions_agree_with_a_walk_minute_by_minute() -> None:
    assert sum(compare(seed) for seed in range(10_000, 10_000 + 100_000 // QUESTIONS)) == 100_000


def test_the_walk_itself_counts_a_night_of_the_autumn_change() -> None:
    # The oracle is worth no more than this: New York, Saturday 22:00 to Sunday 06:00 on 1 November 2026 is nine hours.
    walk = Walk.__new__(Walk)
    walk.zone, walk.regions, walk.closed, walk.opened = "America/New_York", [], [], []
    walk.week = {5: [(22 * 60, 30 * 60)]}
    walk.start = datetime(2026, 10, 31, 12, tzinfo=UTC)
    assert sum(walk._walk(2 * DAY)) == 9 * 60


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
