"""On which days a holiday of Salesforce falls. Pure.

Owns the seven kinds of recurrence. Refuses business hours. Invariant: every day that is told lies between the
recurrence's own first and last day.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-holiday.html
Assumed, since the page does not say: weeks begin on Sunday, intervals are counted from the first day's own day, week or
month, and a month that has no 30th or 31st is left out.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

Row = Mapping[str, Any]

MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
         "December"), 1
    )
}  # fmt: skip
INSTANCES: Final = {"First": 0, "Second": 1, "Third": 2, "Fourth": 3, "Last": -1}
_LEAP_YEAR: Final = 2024
_WEEK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)


def days_of(row: Row, first: date, last: date) -> list[date]:
    """The days between ``first`` and ``last``, both included, on which the holiday ``row`` falls. An unknown kind of
    recurrence raises ValueError."""
    if not row.get("IsRecurrence"):
        day = _day(row.get("ActivityDate"))
        return [day] if day is not None and first <= day <= last else []
    begin, end = _day(row.get("RecurrenceStartDate")), _day(row.get("RecurrenceEndDateOnly"))
    if begin is None:
        raise ValueError("it recurs without a first day")
    until = min(last, end) if end is not None else last
    return [day for day in _recurring(row, begin, until) if max(begin, first) <= day <= until]


def every_year(row: Row, first: date) -> tuple[int, int] | None:
    """Month and day of a holiday that falls on the same day of every year from ``first`` on; None for any other."""
    begin = _day(row.get("RecurrenceStartDate"))
    if row.get("RecurrenceType") != "RecursYearly" or not row.get("IsRecurrence") or begin is None or begin > first:
        return None
    month, day = MONTHS.get(str(row.get("RecurrenceMonthOfYear"))), row.get("RecurrenceDayOfMonth")
    if row.get("RecurrenceEndDateOnly") or month is None or not day:
        return None
    return (month, int(day)) if int(day) <= calendar.monthrange(_LEAP_YEAR, month)[1] else None


def _day(text: object) -> date | None:
    return date.fromisoformat(text[:10]) if isinstance(text, str) else None


def _recurring(row: Row, begin: date, until: date) -> Iterator[date]:
    every = max(1, int(row.get("RecurrenceInterval") or 1))
    kind = row.get("RecurrenceType")
    if kind == "RecursDaily":
        yield from _stepping(begin, until, timedelta(days=every))
    elif kind == "RecursEveryWeekday":
        yield from (day for day in _stepping(begin, until, _DAY) if day.weekday() < 5)
    elif kind == "RecursWeekly":
        yield from _weekly(begin, until, every, _mask(row))
    elif kind in {"RecursMonthly", "RecursMonthlyNth"}:
        for number, (year, month) in enumerate(_months(begin, until)):
            if number % every == 0:
                yield from _in_month(row, year, month)
    elif kind in {"RecursYearly", "RecursYearlyNth"}:
        wanted = MONTHS[str(row.get("RecurrenceMonthOfYear"))]
        for year, month in _months(begin, until):
            if month == wanted:
                yield from _in_month(row, year, month)
    else:
        raise ValueError(f"it recurs in a way that is not known here ({kind})")


def _stepping(begin: date, until: date, step: timedelta) -> Iterator[date]:
    day = begin
    while day <= until:
        yield day
        day += step


def _weekly(begin: date, until: date, every: int, mask: int) -> Iterator[date]:
    sunday = begin - timedelta(days=(begin.weekday() + 1) % 7)
    for week in _stepping(sunday, until, every * _WEEK):
        yield from (day for day in _stepping(week, week + 6 * _DAY, _DAY) if _in(day, mask))


def _months(begin: date, until: date) -> Iterator[tuple[int, int]]:
    for number in range(begin.year * 12 + begin.month - 1, until.year * 12 + until.month):
        yield number // 12, number % 12 + 1


def _in_month(row: Row, year: int, month: int) -> Iterator[date]:
    """The one day of a month, by its number or as the first, second … last of some days of the week."""
    length = calendar.monthrange(year, month)[1]
    if str(row.get("RecurrenceType")).endswith("Nth"):
        days = [day for day in (date(year, month, number) for number in range(1, length + 1)) if _in(day, _mask(row))]
        place = INSTANCES[str(row.get("RecurrenceInstance"))]
        if -len(days) <= place < len(days):
            yield days[place]
    elif 1 <= int(row.get("RecurrenceDayOfMonth") or 0) <= length:
        yield date(year, month, int(row["RecurrenceDayOfMonth"]))


def _mask(row: Row) -> int:
    return int(row.get("RecurrenceDayOfWeekMask") or 0)


def _in(day: date, mask: int) -> bool:
    """Sunday is 1, Monday 2, Tuesday 4 … Saturday 64."""
    return bool(mask >> ((day.weekday() + 1) % 7) & 1)
