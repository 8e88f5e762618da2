"""Opening hours as people write them: days of the week, times of the day, dates.

Owns their grammar. Refuses time zones: everything here is wall clock, in milliseconds since local midnight.
Invariant: a parsed span ``(open, close)`` has ``0 <= open < 24 h`` and ``open < close <= 48 h``; past 24 h it is the
tail of an overnight shift, which belongs to the day it opens.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final, NamedTuple

from sla.instant import DAY, HOUR, MINUTE, SECOND
from sla.problem import Collector

Span = tuple[int, int]

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_DATE = re.compile(r"(?:(\d{4})-)?(\d{2})-(\d{2})(?:[ T]+(.+))?", re.ASCII)

HOURS_EXAMPLE = 'write "24x7" or a table such as { mon-fri = ["09:00-12:30", "13:00-17:00"], sat = "10:00-14:00" }'
DATE_EXAMPLE = 'write "2026-12-24", "2026-12-31 13:00-24:00" or, for every year, "12-25"'


class DateSpan(NamedTuple):
    """A day, or a part of it: ``span`` None is the whole day, ``year`` None every year."""

    year: int | None
    month: int
    day: int
    span: Span | None


def parse_time(text: str) -> int:
    """Milliseconds since midnight of ``HH:MM`` or ``HH:MM:SS``; ``24:00`` is the end of the day. Raises ValueError."""
    match = _TIME.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a time; write HH:MM or HH:MM:SS")
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    at = hour * HOUR + minute * MINUTE + second * SECOND
    if minute > 59 or second > 59 or at > DAY:
        raise ValueError(f"{text!r} is not a time of the day; the last is 24:00")
    return at


def parse_span(text: object) -> Span:
    """``"09:00-17:00"``; a close at or before the open is on the next day (``"22:00-06:00"``). Raises ValueError."""
    if not isinstance(text, str) or text.count("-") != 1:
        raise ValueError(f'{text!r} is not an opening; write one such as "09:00-17:00"')
    opening, closing = (parse_time(part) for part in text.split("-"))
    if opening == closing:
        raise ValueError(f'"{text}" opens and closes at the same time; write "00:00-24:00" for a whole day')
    if opening == DAY:
        raise ValueError(f'"{text}" opens at the end of the day; write 00:00 on the next day')
    return (opening, closing) if closing > opening else (opening, closing + DAY)


def parse_week(hours: object, problems: Collector) -> dict[int, list[Span]]:
    """Weekday (Monday 0) to its openings, from ``"24x7"``, one span for every day, or a table of days."""
    if isinstance(hours, str):
        if hours.strip().lower() == "24x7":
            return {weekday: [(0, DAY)] for weekday in range(7)}
        spans = _spans(hours, problems)
        return {weekday: list(spans) for weekday in range(7)}
    if not isinstance(hours, dict):
        problems.add(f"hours are missing; {HOURS_EXAMPLE}")
        return {}
    week: dict[int, list[Span]] = {}
    for key, value in hours.items():
        here = problems.at(key)
        weekdays = parse_weekdays(key)
        if weekdays is None:
            here.add(f"{key!r} names no days; write mon, mon-fri or sat,sun", WEEKDAYS)
            continue
        spans = _spans(value, here)
        for weekday in weekdays:
            if weekday in week:
                here.add(f"{WEEKDAYS[weekday]} has hours already; give all openings of a day in one list")
            week[weekday] = list(spans)
    return week


def parse_weekdays(key: str) -> list[int] | None:
    """The weekdays of ``mon``, ``mon-fri``, ``fri-mon`` or ``sat,sun``; None when it is none of these."""
    found: list[int] = []
    for part in key.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        start, end = _weekday(first), _weekday(last or first)
        if start is None or end is None:
            return None
        found += [(start + i) % 7 for i in range((end - start) % 7 + 1)]
    return found


def _weekday(word: str) -> int | None:
    if word in _LONG:
        return _LONG.index(word)
    return WEEKDAYS.index(word) if word in WEEKDAYS else None


def _spans(value: object, problems: Collector) -> list[Span]:
    spans = []
    for i, text in enumerate(value if isinstance(value, list) else [value]):
        try:
            spans.append(parse_span(text))
        except ValueError as mistake:
            (problems.at(i) if isinstance(value, list) else problems).add(str(mistake))
    return spans


def parse_dates(entries: object, problems: Collector, *, hours_needed: bool) -> list[DateSpan]:
    """The entries of ``closed`` (a day or a part of it) or ``open`` (``hours_needed``: always with hours)."""
    if entries is None:
        return []
    if not isinstance(entries, list):
        problems.add(f"a list is needed; {DATE_EXAMPLE}")
        return []
    found = []
    for i, entry in enumerate(entries):
        try:
            parsed = _parse_date(entry)
        except ValueError as mistake:
            problems.at(i).add(str(mistake))
            continue
        if hours_needed and parsed.span is None:
            problems.at(i).add(f'{entry!s} says no hours; write them, such as "{entry!s} 10:00-14:00"')
            continue
        found.append(parsed)
    return found


def _parse_date(entry: Any) -> DateSpan:
    text = entry.isoformat() if isinstance(entry, date) else entry
    match = _DATE.fullmatch(text.strip()) if isinstance(text, str) else None
    if not match:
        raise ValueError(f"{entry!r} is not a day; {DATE_EXAMPLE}")
    year, month, day = (int(match[1]) if match[1] else None), int(match[2]), int(match[3])
    try:
        date(year or 2024, month, day)  # 2024: 29 February is a day of every fourth year
    except ValueError:
        raise ValueError(f"{text!r} is not a day of the calendar") from None
    return DateSpan(year, month, day, parse_span(match[4]) if match[4] else None)
