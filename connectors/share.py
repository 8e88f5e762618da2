"""Our share of an account's daily calls: how much of it is left, for what, and when there is more.

Owns the count of our own calls by quarter of an hour and purpose, what the vendor last said of the account, and the
reserves that keep the last calls for what is urgent. Refuses the clock and threads: the present is an argument.
Invariant: while a limit is known, our own calls within the vendor's day never exceed ``share`` of it.

Two kinds of day: HubSpot's ends at midnight in the account's time zone
(https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines), Salesforce's is any 24 hours
(https://developer.salesforce.com/docs/platform/salesforce-app-limits/guide/salesforce-app-limits-platform-api.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Purpose = Literal["breach", "warning", "refresh", "read", "reconcile", "check"]
"""What a call is for, the most urgent first; ``refresh`` gives way before ``read``, see ``RESERVED``."""
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)

RESERVED: Final[Mapping[Purpose, float]] = {
    "breach": 0.0,
    "warning": 0.05,
    "read": 0.10,
    "check": 0.10,
    "refresh": 0.20,
    "reconcile": 0.40,
}
"""Which part of our share a purpose leaves to more urgent ones. Reading ranks above refreshing fields: without it
nobody knows what is due. ``check`` is a person who asks, with a dozen calls, and needs what reading needs."""

QUARTER_MS: Final = 900_000
"""Calls are counted by the quarter of an hour: every time zone's midnight falls between two of them."""

DAY_MS: Final = 86_400_000
BELIEVED_MS: Final = 900_000
"""How long the vendor's figure of a rolling day stands without a new one; then one call finds out."""


class Day(NamedTuple):
    """The vendor's day that holds an instant: where it began and, unless it rolls, when the next one begins."""

    begin: int
    end: int | None


def rolling_day(now: int) -> Day:
    """The last 24 hours."""
    return Day(now - DAY_MS, None)


def calendar_day(now: int, zone: str | None) -> Day:
    """From midnight to midnight in an IANA zone; the last 24 hours while the zone is not known."""
    try:
        place = ZoneInfo(zone) if zone else None
    except (ZoneInfoNotFoundError, ValueError):
        place = None
    if place is None:
        return rolling_day(now)
    here = datetime.fromtimestamp(now / 1_000, place).date()
    ends = [datetime.combine(day, datetime.min.time(), place) for day in (here, here + timedelta(days=1))]
    begin, end = (int(each.astimezone(UTC).timestamp() * 1_000) for each in ends)
    return Day(begin, end)


class Heard(NamedTuple):
    """What the vendor said of the account at an instant, and how many calls of ours it has not seen yet."""

    used: int
    limit: int
    at: int
    since: int = 0


class Spent(NamedTuple):
    """Our own calls for a purpose in the quarter of an hour that began at ``quarter`` (epoch ms)."""

    quarter: int
    purpose: Purpose
    calls: int


class Balance(NamedTuple):
    """How a share stands in the day that began at ``begin_at``. ``limit`` is the account's, None while unknown; ``own``
    what we used, ``left`` what we may still use."""

    share: float
    limit: int | None
    own: int
    left: int | None
    begin_at: int
    resets_at: int | None


class Share:
    """The share of one connection, between 0 and 1. ``day(now)`` is the vendor's day."""

    def __init__(self, share: float, day: Callable[[int], Day] = rolling_day) -> None:
        self._share = share
        self._day = day
        self._spent: dict[int, dict[Purpose, int]] = {}
        self._heard: dict[str, Heard] = {}

    # ---- what happens

    def spend(self, purpose: Purpose, now: int) -> None:
        """Counts a call."""
        quarter = self._spent.setdefault(now - now % QUARTER_MS, {})
        quarter[purpose] = quarter.get(purpose, 0) + 1
        self._heard = {window: heard._replace(since=heard.since + 1) for window, heard in self._heard.items()}
        if len(self._spent) > 2 * DAY_MS // QUARTER_MS:
            self._spent = {begin: each for begin, each in self._spent.items() if begin > now - DAY_MS - QUARTER_MS}

    def heard(self, window: str, used: int, limit: int, now: int) -> None:
        """The vendor's figures for a ``window`` of a day: of the account, or of our app alone (``day, this app``)."""
        if limit > 0:
            self._heard[window] = Heard(used, limit, now)

    def restore(self, spent: list[Spent], heard: Mapping[str, Heard]) -> None:
        """What was counted and heard before a restart."""
        for quarter, purpose, calls in spent:
            if purpose in PURPOSES:
                self._spent.setdefault(quarter, {})[purpose] = calls
        self._heard = {**heard, **self._heard}

    def clock_was_set(self, step_ms: int) -> None:
        """The vendor's figures stay as old as they are, whatever the wall clock says now."""
        self._heard = {window: heard._replace(at=heard.at + step_ms) for window, heard in self._heard.items()}

    # ---- what is asked

    def spent(self, since: int) -> list[Spent]:
        """Our own calls of the quarters that began at ``since`` (epoch ms) or later."""
        found = [(begin, each) for begin, each in self._spent.items() if begin >= since]
        return [Spent(begin, purpose, calls) for begin, each in found for purpose, calls in each.items()]

    def balance(self, now: int) -> Balance:
        """How the share stands."""
        told = self._heard.get("day")
        mine, theirs = self._mine(now), self._theirs(now)
        left = None if mine is None else max(0, mine if theirs is None else min(mine, theirs))
        return Balance(self._share, told.limit if told else None, self._own(now), left, *self._day(now))

    def free_at(self, purpose: Purpose, now: int) -> int:
        """From when on (epoch ms) a call for ``purpose`` may be made; ``now`` or earlier when it may at once."""
        keep = self._kept(purpose)
        mine, theirs = self._mine(now), self._theirs(now)
        free = now
        if mine is not None and mine <= keep:
            free = max(free, self._mine_above(keep, now))
        if theirs is not None and theirs <= keep:
            free = max(free, self._told_again_at(now))
        return free

    def worth_s(self, calls: int, purpose: Purpose, now: int) -> float:
        """How many seconds ``calls`` are worth at the highest even rate that the purpose can keep up for a day; 0 while
        more than half of what it may use is left, or no limit is known."""
        mine, keep = self._mine(now), self._kept(purpose)
        if mine is None or (mine - keep) * 2 > mine + self._own(now) - keep:
            return 0.0
        left = max(1, mine - keep)
        end = self._day(now).end
        if end is not None:
            return calls * (end - now) / 1_000 / left
        slowest = (
            0.0  # seconds for a call: at no instant ahead may more be spent than is left and has come back by then
        )
        for quarter, each in self._within(now):
            slowest = max(slowest, (quarter + QUARTER_MS + DAY_MS - now) / 1_000 / left)
            left += sum(each.values())
        return calls * max(slowest, DAY_MS / 1_000 / left)

    # ---- inside

    def _kept(self, purpose: Purpose) -> int:
        told = self._heard.get("day")
        return int(RESERVED[purpose] * self._share * told.limit) if told else 0

    def _own(self, now: int) -> int:
        return sum(sum(each.values()) for _, each in self._within(now))

    def _within(self, now: int) -> list[tuple[int, dict[Purpose, int]]]:
        """The quarters of today, oldest first; the one that the day's beginning falls into counts as a whole."""
        begin = self._day(now).begin
        return sorted((quarter, each) for quarter, each in self._spent.items() if quarter + QUARTER_MS > begin)

    def _mine(self, now: int) -> int | None:
        told = self._heard.get("day")
        return None if told is None else int(self._share * told.limit) - self._own(now)

    def _theirs(self, now: int) -> int | None:
        """What the account has left, by the tightest of its windows; None when nobody has said so of late."""
        return min((h.limit - h.used - h.since for h in self._heard.values() if self._holds(h, now)), default=None)

    def _holds(self, heard: Heard, now: int) -> bool:
        day = self._day(now)
        return heard.at >= day.begin if day.end is not None else heard.at > now - BELIEVED_MS

    def _told_again_at(self, now: int) -> int:
        end = self._day(now).end
        return min((h.at for h in self._heard.values()), default=now) + BELIEVED_MS if end is None else end

    def _mine_above(self, keep: int, now: int) -> int:
        """When enough of our own calls have left the day. Never earlier than that: a quarter leaves as a whole."""
        end = self._day(now).end
        if end is not None:
            return end
        missing = keep + 1 - (self._mine(now) or 0)
        for quarter, each in self._within(now):
            missing -= sum(each.values())
            if missing <= 0:
                return quarter + QUARTER_MS + DAY_MS
        return now + DAY_MS
