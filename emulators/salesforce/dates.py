"""Date words of SOQL (TODAY, LAST_N_DAYS:n …) as ranges of whole days.

Owns calendar words. Refuses time zones: the practice org's user lives in GMT.
Invariant: a range is ``[first, after)`` in days. Source: SOQL and SOSL Reference, "Date Formats and Date Literals".
https://developer.salesforce.com/docs/platform/salesforce-soql-sosl/guide/sforce-api-calls-soql-select-dateformats.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

Range = tuple[date, date]
_DAY: Final = timedelta(days=1)


def _month(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _week(day: date, weeks: int) -> date:
    """Weeks begin on Sunday in an en_US org."""
    return day - timedelta(days=(day.weekday() + 1) % 7) + timedelta(weeks=weeks)


PLAIN: Final[dict[str, Callable[[date], Range]]] = {
    "YESTERDAY": lambda d: (d - _DAY, d),
    "TODAY": lambda d: (d, d + _DAY),
    "TOMORROW": lambda d: (d + _DAY, d + 2 * _DAY),
    "LAST_WEEK": lambda d: (_week(d, -1), _week(d, 0)),
    "THIS_WEEK": lambda d: (_week(d, 0), _week(d, 1)),
    "NEXT_WEEK": lambda d: (_week(d, 1), _week(d, 2)),
    "LAST_MONTH": lambda d: (_month(d, -1), _month(d, 0)),
    "THIS_MONTH": lambda d: (_month(d, 0), _month(d, 1)),
    "NEXT_MONTH": lambda d: (_month(d, 1), _month(d, 2)),
    "LAST_90_DAYS": lambda d: (d - 90 * _DAY, d + _DAY),
    "NEXT_90_DAYS": lambda d: (d + _DAY, d + 91 * _DAY),
    "LAST_YEAR": lambda d: (date(d.year - 1, 1, 1), date(d.year, 1, 1)),
    "THIS_YEAR": lambda d: (date(d.year, 1, 1), date(d.year + 1, 1, 1)),
    "NEXT_YEAR": lambda d: (date(d.year + 1, 1, 1), date(d.year + 2, 1, 1)),
}
COUNTED: Final[dict[str, Callable[[date, int], Range]]] = {
    "LAST_N_DAYS": lambda d, n: (d - n * _DAY, d + _DAY),
    "NEXT_N_DAYS": lambda d, n: (d + _DAY, d + (n + 1) * _DAY),
    "N_DAYS_AGO": lambda d, n: (d - n * _DAY, d - (n - 1) * _DAY),
    "LAST_N_WEEKS": lambda d, n: (_week(d, -n), _week(d, 0)),
    "NEXT_N_WEEKS": lambda d, n: (_week(d, 1), _week(d, n + 1)),
    "LAST_N_MONTHS": lambda d, n: (_month(d, -n), _month(d, 0)),
    "NEXT_N_MONTHS": lambda d, n: (_month(d, 1), _month(d, n + 1)),
}


def days(word: str, today: date) -> Range | None:
    """The days a word means; None for a word that SOQL does not know."""
    name, _, number = word.upper().partition(":")
    if number:
        counted = COUNTED.get(name)
        return counted(today, int(number)) if counted and re.fullmatch(r"\d+", number) else None
    plain = PLAIN.get(name)
    return plain(today) if plain else None
