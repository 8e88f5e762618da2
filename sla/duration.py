"""Durations as people write them: ``15m``, ``1h30m``, ``2bd``; and thresholds: ``75%``, ``-30m``, ``due``, ``+2h``.

Owns their grammar. Refuses bare days, which mean two different things to two readers.
Invariant: a parsed duration is either working milliseconds or a count of working days, never both.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sla.instant import HOUR, MINUTE, SECOND

_PARTS = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?", re.ASCII)
_BUSINESS_DAYS = re.compile(r"(\d+)bd", re.ASCII)
_DAYS = re.compile(r"(\d+(?:\.\d+)?)\s*(?:d|days?)", re.ASCII | re.IGNORECASE)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%", re.ASCII)

EXAMPLE = 'such as "15m", "1h30m", "45s" or "2bd"'


class Duration(NamedTuple):
    """A promise's length: ``work`` working milliseconds, or ``days`` whole working days."""

    work: int = 0
    days: int = 0


class Threshold(NamedTuple):
    """Where a step stands on its clock: ``percent`` of the budget plus ``offset`` working milliseconds."""

    percent: float
    offset: int


def parse_duration(text: object) -> int:
    """Milliseconds of ``"1h30m"``. Raises ValueError for days, empty text and everything else."""
    if isinstance(text, str) and text:
        match = _PARTS.fullmatch(text.replace(" ", ""))
        if match and any(match.groups()):
            hours, minutes, seconds = (float(part or 0) for part in match.groups())
            return round(hours * HOUR + minutes * MINUTE + seconds * SECOND)
        if days := _DAYS.fullmatch(text):
            n = float(days[1])
            raise ValueError(
                f'"{text}" can be read in two ways: write "{n:g}bd" for {n:g} working days, '
                f'or "{n * 24:g}h" for {n * 24:g} hours of working time'
            )
    raise ValueError(f"{text!r} is not a duration; write one {EXAMPLE}")


def parse_within(text: object) -> Duration:
    """A target's length: working time or whole working days (``"2bd"``). Raises ValueError."""
    if isinstance(text, str) and (days := _BUSINESS_DAYS.fullmatch(text.replace(" ", ""))):
        if int(days[1]) == 0:
            raise ValueError('"0bd" promises nothing; write at least "1bd"')
        return Duration(days=int(days[1]))
    work = parse_duration(text)
    if work <= 0:
        raise ValueError(f"{text!r} promises nothing; write a duration above zero")
    return Duration(work=work)


def parse_threshold(text: object) -> Threshold:
    """Where a step stands: ``"75%"``, ``"-30m"`` before due, ``"due"``, ``"+2h"`` after. Raises ValueError."""
    if text == "due":
        return Threshold(100.0, 0)
    if isinstance(text, str) and text:
        if percent := _PERCENT.fullmatch(text.replace(" ", "")):
            return Threshold(float(percent[1]), 0)
        if text[0] in "+-":
            offset = parse_duration(text[1:])
            return Threshold(100.0, offset if text[0] == "+" else -offset)
    raise ValueError(f'{text!r} is not a threshold; write one such as "75%", "-30m" (before due), "due" or "+2h"')


def format_duration(work: int) -> str:
    """``1h30m``, ``45s``, ``-2m``; ``0s`` for nothing. Milliseconds are floored away."""
    sign, seconds = ("-" if work < 0 else ""), abs(work) // SECOND
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    text = (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "") + (f"{seconds}s" if seconds else "")
    return sign + text if text else "0s"


def in_seconds(work: int) -> float:
    """Whole seconds as an int; milliseconds only where there are some."""
    return work // SECOND if work % SECOND == 0 else work / SECOND
