"""The offsets of an IANA time zone as plain intervals of UTC.

Owns the step from wall clock to instants. Refuses calendars and datetimes in its answers.
Invariant: the offsets cover the asked window without a gap, so an hour that clocks skip has no instants and an hour
that they repeat has two sets of them.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from sla.instant import DAY, MILLISECOND, SECOND, from_datetime, to_datetime

_HALF_DAY = DAY // 2
_DAWN = from_datetime(datetime(1, 1, 2, tzinfo=UTC))
"""The earliest instant that has a local date in every zone."""


class Offset(NamedTuple):
    """In ``[start, end)`` of UTC the wall clock shows the instant plus ``shift``; all in milliseconds."""

    start: int
    end: int
    shift: int


def load_zone(name: object) -> ZoneInfo:
    """The zone of an IANA name. Raises ValueError that names the nearest one."""
    if name is None:
        raise ValueError('`timezone` is missing; write one such as "Europe/Berlin"')
    try:
        if isinstance(name, str) and name:
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass  # not a zone's name: the sentence below says so
    near = get_close_matches(str(name), sorted(available_timezones()), 1, 0.6)
    hint = f"; did you mean {near[0]!r}?" if near else '; write one such as "Europe/Berlin"'
    raise ValueError(f"{name!r} is not an IANA time zone{hint}")


def shift_at(zone: ZoneInfo, at: int) -> int:
    """Milliseconds to add to the instant for the zone's wall clock."""
    for offset in offsets_of_year(zone, to_datetime(at).year):
        if at < offset.end:
            return offset.shift
    raise AssertionError("a year's offsets cover the year")


def local_instant(zone: ZoneInfo, wall: int) -> int:
    """The instant at which the wall clock shows ``wall`` (milliseconds as if the wall were UTC).

    A skipped time is moved forward by what was skipped; of a repeated one the first pass is meant.
    """
    at = wall
    for offset in offsets_of_year(zone, to_datetime(wall).year):
        if wall - offset.shift < offset.start:
            return at  # the clocks skipped it: the offset before the skip still counts
        at = wall - offset.shift
        if at < offset.end:
            return at
    return at


def _sample(zone: ZoneInfo, at: int) -> int:
    """The offset as the zone's rules tell it, in milliseconds."""
    shift = to_datetime(at).astimezone(zone).utcoffset()
    assert shift is not None  # noqa: S101 - a ZoneInfo always knows its offset
    return shift // MILLISECOND


@lru_cache(maxsize=4096)
def offsets_of_year(zone: ZoneInfo, year: int) -> tuple[Offset, ...]:
    """The zone's offsets over a calendar year of UTC and two days on both sides of it."""
    start = max(from_datetime(datetime(year, 1, 1, tzinfo=UTC)) - 2 * DAY, _DAWN)
    end = from_datetime(datetime(year + 1, 1, 1, tzinfo=UTC)) + 2 * DAY
    found: list[Offset] = []
    segment_start, shift = start, _sample(zone, start)
    # No zone has ever changed twice within twelve hours, so every change shows between two such samples.
    for sample in range(start + _HALF_DAY, end + _HALF_DAY, _HALF_DAY):
        here = _sample(zone, min(sample, end))
        if here != shift:
            change = _first_instant_with(zone, sample - _HALF_DAY, min(sample, end), shift)
            found.append(Offset(segment_start, change, shift))
            segment_start, shift = change, here
    found.append(Offset(segment_start, end, shift))
    return tuple(found)


def _first_instant_with(zone: ZoneInfo, before: int, after: int, old: int) -> int:
    """The first whole second in ``(before, after]`` whose offset is no longer ``old``."""
    seconds = range((after - before) // SECOND + 1)
    return before + SECOND * bisect_right(seconds, 0, key=lambda s: _sample(zone, before + s * SECOND) != old)


def to_instants(walls: list[tuple[int, int]], offsets: tuple[Offset, ...]) -> list[tuple[int, int]]:
    """The instants at which the wall clock lies in one of ``walls`` (sorted, disjoint), sorted and disjoint."""
    found: list[tuple[int, int]] = []
    starts = [wall[0] for wall in walls]
    for start, end, shift in offsets:
        first = max(bisect_right(starts, start + shift) - 1, 0)
        for i in range(first, len(walls)):
            opening, closing = walls[i][0] - shift, walls[i][1] - shift
            if opening >= end:
                break
            opening, closing = max(opening, start), min(closing, end)
            if opening < closing:
                found.append((opening, closing))
    found.sort()
    return found
