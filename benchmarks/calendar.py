"""Business-time arithmetic against the libraries a user would pick: same calendar, same cases, answers compared first.

Monday to Friday, 09:00 to 17:00 in New York with the holidays of the US. businesstimedelta and django-bizcal are pure
Python; pandas (whole hours only) and business-duration (``elapsed`` only) are not, and stand outside the goal.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.biz import biz
from benchmarks.measure import medians, table
from sla.calendar import Calendar
from sla.holiday import holidays_of

ZONE = ZoneInfo("America/New_York")
WORK = {"1 h": 60, "1 d": 480, "1 w": 2_400, "1 mo": 10_080, "1 y": 120_480}
"""Name of a span to its working minutes on an eight-hour day."""
SPANS = {"1 h": 60, "1 d": 1_440, "1 w": 10_080, "1 mo": 43_200, "1 y": 525_600}
"""Name of a span to its minutes on the clock."""
LONG = ("1 mo", "1 y")
GOALS = {"businesstimedelta": {"1 w": 50, "1 y": 500}, "django-bizcal": {"1 w": 10, "1 y": 500}}
OURS = ("ours, ints", "ours, datetimes")

Contest = dict[str, tuple[Callable[[], Any], int]]
"""Name of a contestant to its work and the number of questions in it."""


def _starts() -> list[datetime]:
    rng, first = random.Random(7), datetime(2022, 6, 1, 13, tzinfo=UTC)
    return [first + timedelta(minutes=rng.randrange(3 * 365 * 1440)) for _ in range(60)]


def _measure(contest: Contest) -> dict[str, float]:
    """Median CPU µs of one question."""
    calls = {name: 100 if name in OURS else 1 for name in contest}
    found = medians({name: work for name, (work, _) in contest.items()}, calls, rounds=5)
    return {name: found[name] / count for name, (_, count) in contest.items()}


def _table(title: str, peers: list[str], figures: dict[str, dict[str, float]]) -> None:
    head = ["µs a call", *OURS, *peers, *(f"× {peer}" for peer in peers)]
    rows = [tuple(head)]
    for span, us in figures.items():
        times = [f"{us[name]:.2f}" for name in OURS] + [f"{us[peer]:.1f}" if peer in us else "" for peer in peers]
        ratios = []
        for peer in peers:
            goal = GOALS.get(peer, {}).get(span)
            ratio = us[peer] / us[OURS[1]] if peer in us else 0
            ratios.append((f"{ratio:.0f}" if ratio else "") + (f" (goal {goal})" if goal else ""))
        rows.append((span, *times, *ratios))
    rows.append(("goal", "≤ 1", "≤ 2.5", *("" for _ in peers * 2)))
    table(title, rows)


def run() -> None:
    import businesstimedelta
    import pandas as pd
    import pytz  # businesstimedelta knows no other zones
    from business_duration import businessDuration
    from django_bizcal.calendars.working import WorkingCalendar
    from django_bizcal.providers import SetHolidayProvider

    days: list[date] = sorted({day for year in range(2020, 2032) for day in holidays_of("US", year)})
    off, zone = set(days), pytz.timezone("America/New_York")
    ours = Calendar.from_config(
        {"timezone": "America/New_York", "hours": {"mon-fri": "09:00-17:00"}, "holidays": ["US"]}
    )
    weekdays = businesstimedelta.WorkDayRule(
        start_time=time(9), end_time=time(17), working_days=[0, 1, 2, 3, 4], tz=zone
    )
    rules = businesstimedelta.Rules([weekdays, businesstimedelta.HolidayRule(off, tz=zone)])
    bizcal = WorkingCalendar(
        tz="America/New_York",
        weekly_schedule={day: [("09:00", "17:00")] for day in range(5)},
        holiday_provider=SetHolidayProvider.from_dates(days),
    )
    starts = _starts()
    local = [start.astimezone(ZONE) for start in starts]
    epochs = [int(start.timestamp() * 1000) for start in starts]
    stamps = [pd.Timestamp(start) for start, at in zip(local, epochs) if ours.is_open(at)]

    figures = {}
    for span, minutes in WORK.items():
        work, work_ms, few = timedelta(minutes=minutes), minutes * 60_000, local[: 6 if span in LONG else 60]
        theirs = businesstimedelta.BusinessTimeDelta(rules, hours=minutes // 60)
        offset = pd.offsets.CustomBusinessHour(minutes // 60, start="09:00", end="17:00", holidays=days)
        for start in local[:10]:  # the same answers, or the comparison is worth nothing
            due = ours.due(start, work)
            assert due == (start + theirs).astimezone(UTC), (start, span)
            assert due == bizcal.add_business_time(start, work).astimezone(UTC), (start, span)
        figures[span] = _measure({
            OURS[0]: (lambda: [ours.due_ms(at, work_ms) for at in epochs], len(epochs)),
            OURS[1]: (lambda: [ours.due(start, work) for start in local], len(local)),
            "businesstimedelta": (lambda: [start + theirs for start in few], len(few)),
            "django-bizcal": (lambda: [bizcal.add_business_time(start, work) for start in few], len(few)),
            "pandas": (lambda: [stamp + offset for stamp in stamps], len(stamps)),
        })  # fmt: skip
    for span, us in biz("due", epochs, WORK, days).items():
        figures[span]["Ruby biz"] = us
    ruby = ["Ruby biz"] if "Ruby biz" in figures["1 w"] else []
    _table(
        "due: when so much working time has passed", ["businesstimedelta", "django-bizcal", "pandas", *ruby], figures
    )

    figures = {}
    for span, minutes in SPANS.items():
        ends = [(start.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(ZONE) for start in local]
        pairs, end_ms = list(zip(local, ends)), [int(end.timestamp() * 1000) for end in ends]
        naive = [(a.replace(tzinfo=None), b.replace(tzinfo=None)) for a, b in pairs]
        count = 6 if span in LONG else 60
        few, bare = pairs[:count], naive[:count]
        for (a, b), (c, d) in zip(pairs[:10], naive):
            elapsed = ours.elapsed(a, b)
            assert elapsed == rules.difference(a, b).timedelta, (a, b)
            assert elapsed == bizcal.business_time_between(a, b), (a, b)
            minutes_there = businessDuration(c, d, time(9), time(17), holidaylist=off, unit="min")
            assert elapsed == timedelta(minutes=minutes_there), (a, b)
        figures[span] = _measure({
            OURS[0]: (lambda: [ours.elapsed_ms(a, b) for a, b in zip(epochs, end_ms)], len(epochs)),
            OURS[1]: (lambda: [ours.elapsed(a, b) for a, b in pairs], len(pairs)),
            "businesstimedelta": (lambda: [rules.difference(a, b) for a, b in few], len(few)),
            "django-bizcal": (lambda: [bizcal.business_time_between(a, b) for a, b in few], len(few)),
            "business-duration": (
                lambda: [businessDuration(a, b, time(9), time(17), holidaylist=off, unit="min") for a, b in bare],
                len(bare),
            ),
        })  # fmt: skip
    for span, us in biz("elapsed", epochs, SPANS, days).items():
        figures[span]["Ruby biz"] = us
    peers = ["businesstimedelta", "django-bizcal", "business-duration", *ruby]
    _table("elapsed: working time between two instants", peers, figures)
