"""Instants: aware datetimes and ISO 8601 text to epoch milliseconds and back.

Owns the one conversion everybody uses. Refuses naive times: an instant without an offset is nobody's.
Invariant: milliseconds are floored, so an instant never moves into the future by being read.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
SECOND: Final = 1_000
MINUTE: Final = 60_000
HOUR: Final = 3_600_000
DAY: Final = 86_400_000


def from_datetime(instant: datetime) -> int:
    """Epoch milliseconds of an aware datetime. Raises ValueError for a naive one."""
    # The epoch is in UTC: only two datetimes of the *same* tzinfo are subtracted by wall clock, and UTC's wall is true.
    try:
        return (instant - EPOCH) // MILLISECOND
    except TypeError:
        raise ValueError(f"{instant!r} has no time zone; give an aware datetime") from None


def to_datetime(at: int) -> datetime:
    """The aware UTC datetime of an instant."""
    # A double holds every millisecond of the calendar's range with room to spare, and this is the fastest constructor.
    return datetime.fromtimestamp(at / 1_000, UTC)


def parse_instant(text: str) -> int:
    """Epoch milliseconds of ISO 8601 text with an offset (``Z``, ``+02:00`` or ``+0000``).

    Raises ValueError, with the text and the reason, for anything else.
    """
    try:
        instant = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise ValueError(f"{text!r} is not an ISO 8601 time such as 2026-03-02T14:05:00Z") from None
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write 2026-03-02T14:05:00Z or +02:00")
    return from_datetime(instant)


def format_instant(at: int) -> str:
    """``2026-03-02T14:05:00Z``; milliseconds only where they are not zero."""
    text = to_datetime(at).isoformat(timespec="milliseconds" if at % SECOND else "seconds")
    return text[:-6] + "Z"


def milliseconds(span: timedelta) -> int:
    """A timedelta in whole milliseconds, floored."""
    return span // MILLISECOND
