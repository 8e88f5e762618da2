"""Business-time arithmetic against businesstimedelta and pandas' CustomBusinessHour, same calendar, same cases."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from benchmarks.measure import medians, table
from sla.calendar import Calendar
from sla.holiday import holidays_of

ZONE = ZoneInfo("America/New_York")
SPANS = {"1 h": 60, "1 d": 480, "1 w": 2_400, "1 mo": 10_080, "1 y": 120_480}
"""Name of a span to its working minutes on an eight-hour day."""


def _holidays() -> set[datetime]:
    return {day for year in range(2020, 2032) for day in holidays_of("US", year)}


def run() -> None:
    import businesstimedelta
    import pandas as pd
    import pytz  # businesstimedelta knows no other zones

    days, zone = _holidays(), pytz.timezone("America/New_York")
    ours = Calendar.from_config(
        {"timezone": "America/New_York", "hours": {"mon-fri": "09:00-17:00"}, "holidays": ["US"]}
    )
    rules = businesstimedelta.Rules(
        [
            businesstimedelta.WorkDayRule(start_time=time(9), end_time=time(17), working_days=[0, 1, 2, 3, 4], tz=zone),
            businesstimedelta.HolidayRule(days, tz=zone),
        ]
    )
    rng = random.Random(7)
    first = datetime(2022, 6, 1, 13, tzinfo=UTC)
    starts = [first + timedelta(minutes=rng.randrange(3 * 365 * 1440)) for _ in range(60)]
    local = [start.astimezone(ZONE) for start in starts]
    in_hours = [s for s in local if ours.is_open(int(s.timestamp() * 1000))] or local[:1]
    stamps = [pd.Timestamp(s) for s in in_hours]
    epochs = [int(start.timestamp() * 1000) for start in starts]

    rows = [
        (
            "add working time, µs per call",
            "ours int",
            "ours datetime",
            "businesstimedelta",
            "pandas",
            "× btd",
            "× pandas",
        )
    ]
    for name, minutes in SPANS.items():
        work, work_ms = timedelta(minutes=minutes), minutes * 60_000
        offset = pd.offsets.CustomBusinessHour(minutes // 60, start="09:00", end="17:00", holidays=sorted(days))
        theirs = businesstimedelta.BusinessTimeDelta(rules, hours=minutes // 60)
        for start in starts[:10]:  # the same answers, or the comparison is worth nothing
            assert ours.due(start, work) == (start.astimezone(ZONE) + theirs).astimezone(UTC), (start, name)
        slow = 5 if minutes > 10_000 else len(local)
        found = medians(
            {
                "int": lambda: [ours.due_ms(at, work_ms) for at in epochs],
                "datetime": lambda: [ours.due(start, work) for start in local],
                "btd": lambda: [start + theirs for start in local[:slow]],
                "pandas": lambda: [stamp + offset for stamp in stamps],
            },
            {"int": 200, "datetime": 100, "btd": 1, "pandas": 5},
        )
        us = {
            "int": found["int"] / len(epochs),
            "datetime": found["datetime"] / len(local),
            "btd": found["btd"] / slow,
            "pandas": found["pandas"] / len(stamps),
        }
        rows.append(
            (
                name,
                *(f"{us[k]:.2f}" for k in ("int", "datetime")),
                *(f"{us[k]:.1f}" for k in ("btd", "pandas")),
                *(f"{us[k] / us['datetime']:.0f}" for k in ("btd", "pandas")),
            )
        )
    table("Calendar arithmetic: due (Mon-Fri 09-17 New York, US holidays)", rows)

    rows = [("working time between, µs per call", "ours int", "ours datetime", "businesstimedelta", "× btd")]
    for name, span in {"1 d": 1, "1 w": 7, "30 d": 30, "1 y": 365}.items():
        ends = [start + timedelta(days=span) for start in local]
        end_ms = [int(end.timestamp() * 1000) for end in ends]
        slow = 5 if span > 30 else len(local)
        found = medians(
            {
                "int": lambda: [ours.elapsed_ms(a, b) for a, b in zip(epochs, end_ms)],
                "datetime": lambda: [ours.elapsed(a, b) for a, b in zip(local, ends)],
                "btd": lambda: [rules.difference(a, b) for a, b in zip(local[:slow], ends[:slow])],
            },
            {"int": 200, "datetime": 100, "btd": 1},
        )
        us = {"int": found["int"] / len(epochs), "datetime": found["datetime"] / len(local), "btd": found["btd"] / slow}
        rows.append(
            (name, f"{us['int']:.2f}", f"{us['datetime']:.2f}", f"{us['btd']:.1f}", f"{us['btd'] / us['datetime']:.0f}")
        )
    table("Calendar arithmetic: elapsed", rows)
