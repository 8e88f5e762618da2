"""Windows of the wall calendar: day, week, month, quarter, and the last so many days.

Owns where a window begins and ends and what it is called. Refuses working time. Invariant: the windows of one kind in
one zone follow each other without a gap, and a rolling one ends at the instant that is asked for.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sla.instant import DAY, to_datetime
from sla.zone import local_instant, shift_at

KINDS: Final = ("day", "week", "month", "quarter")
_ROLLING: Final = re.compile(r"([1-9]\d{0,3})d", re.ASCII)
_EPOCH: Final = date(1970, 1, 1).toordinal()


class Window(NamedTuple):
    """``[start, end)`` in epoch milliseconds, and its name: ``2026-03-02``, ``2026-W10``, ``2026-03``, ``2026-Q1``."""

    start: int
    end: int
    name: str


def rolling_days(kind: object) -> int | None:
    """28 of ``"28d"``; None of what is no rolling window."""
    match = _ROLLING.fullmatch(kind) if isinstance(kind, str) else None
    return int(match[1]) if match else None


def window_at(at: int, kind: str, zone: ZoneInfo) -> Window:
    """The window of this kind that the instant lies in; of a rolling kind the one that ends there."""
    days = rolling_days(kind)
    if days is not None:
        return Window(at - days * DAY, at, f"last {days} days")
    first, last, name = _dates(_local_day(at, zone), kind)
    return Window(_midnight(first, zone), _midnight(last, zone), name)


def _local_day(at: int, zone: ZoneInfo) -> date:
    return to_datetime(at + (0 if zone.key == "UTC" else shift_at(zone, at))).date()


def _midnight(day: date, zone: ZoneInfo) -> int:
    return local_instant(zone, (day.toordinal() - _EPOCH) * DAY)


def _dates(day: date, kind: str) -> tuple[date, date, str]:
    """First day, first day after, and name."""
    if kind == "day":
        return day, date.fromordinal(day.toordinal() + 1), day.isoformat()
    if kind == "week":
        year, week, weekday = day.isocalendar()
        monday = day.toordinal() - weekday + 1
        return date.fromordinal(monday), date.fromordinal(monday + 7), f"{year}-W{week:02}"
    if kind == "month":
        return date(day.year, day.month, 1), _month_after(day.year, day.month), f"{day.year}-{day.month:02}"
    if kind == "quarter":
        quarter = (day.month - 1) // 3
        after = _month_after(day.year, 3 * quarter + 3)
        return date(day.year, 3 * quarter + 1, 1), after, f"{day.year}-Q{quarter + 1}"
    raise ValueError(f"{kind!r} is no window; known: {', '.join(KINDS)}")


def _month_after(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1)
