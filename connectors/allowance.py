"""How many calls a connection may make, and for what.

Owns the gate before every call of one connection: the pace of each class of endpoints, the waits that the vendor asked
for, and the daily share with its reserves. Refuses the network and the store: what vendors say comes in by ``heard``
and ``refused``, what was counted goes out by ``spent``. Invariant: a call is counted before it is made, and none is
made that the share does not have left for its purpose, or earlier than the vendor said.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, NamedTuple

from connectors.errors import RateLimited
from connectors.pace import Pace
from connectors.share import PURPOSES, RESERVED, Balance, Day, Heard, Purpose, Share, Spent, rolling_day

__all__ = ["PURPOSES", "RESERVED", "Allowance", "Balance", "HeldBack", "Purpose", "Spent", "is_held_back", "spending"]

HELD_BACK: Final = "HELD_BACK"
"""The code of a refusal that is ours: nobody was called."""

LONGEST_WAIT_S: Final = 1.2
"""Up to how long a call waits in its place, in real seconds; whatever is longer is refused with the wait."""

EVERYTHING: Final = "*"
"""The class of endpoints that holds all others."""

WRITING: Final = frozenset({"breach", "warning", "refresh"})
"""Purposes whose calls belong together: half of a write-back is worse than none."""


@dataclass(slots=True)
class _Errand:
    """What the calls of one conversation are for, and whether the first of them was made."""

    purpose: Purpose
    begun: bool = False


_errand: ContextVar[_Errand | None] = ContextVar("errand", default=None)


@contextmanager
def spending(purpose: Purpose) -> Iterator[None]:
    """Every call within is for ``purpose``. A write-back that was let begin may use the reserves to come to its end."""
    token = _errand.set(_Errand(purpose))
    try:
        yield
    finally:
        _errand.reset(token)


def is_held_back(error: Exception) -> bool:
    """Whether our own allowance refused, and nobody was called."""
    return isinstance(error, RateLimited) and error.code == HELD_BACK


class HeldBack(NamedTuple):
    """A purpose that gets no calls before ``until`` (epoch ms), and why."""

    purpose: Purpose
    until: int
    reason: str


class Allowance:
    """The calls of one connection. ``clock()`` is the present in epoch ms; ``share`` the part of the account's daily
    allowance that is ours, between 0 and 1; ``day`` the vendor's day; ``paces`` by class of endpoints, and by the name
    of the window in which the vendor tells of one.

    Safe to use from several threads: places are given out in the order of asking.
    """

    def __init__(
        self,
        clock: Callable[[], int],
        share: float = 0.2,
        *,
        day: Callable[[int], Day] = rolling_day,
        paces: Mapping[str, Pace] | None = None,
        seconds: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._share = Share(share, day)
        self._paces = dict(paces or {})
        # Seconds as a vendor counts them, whatever clock the daemon lives by.
        self._seconds = seconds
        self._sleep = sleep
        self._lock = threading.Lock()
        self._shut: dict[str, int] = {}
        """Until when (epoch ms) the vendor wants no call to a class of endpoints."""
        self._held: dict[Purpose, HeldBack] = {}
        self._used: dict[Purpose, int] = {}

    # ---- before and after a call

    def take(self, endpoint: str) -> None:
        """Counts one call to a class of endpoints (``rest``, ``search``, ``login`` …), before it is made.

        Waits where that is a matter of a second; raises RateLimited with the wait where it is not.
        """
        with self._lock:
            errand, now = _errand.get() or _Errand("check"), self._clock()
            purpose = errand.purpose
            self._refuse_shut(purpose, endpoint, now)
            self._refuse_spent(purpose, now, "breach" if errand.begun and purpose in WRITING else purpose)
            wait_s = self._book(purpose, endpoint, now)
            errand.begun = True
            self._held.pop(purpose, None)
            self._share.spend(purpose, now)
            self._used[purpose] = self._used.get(purpose, 0) + 1
        if wait_s > 0:
            self._sleep(wait_s)

    def heard(self, window: str, used: int, limit: int) -> None:
        """What the vendor says of the account's allowance: ``used`` of ``limit`` calls in ``window``, which is a day
        (``day``, ``day, this app``) or a short one that has a pace (``10s``)."""
        with self._lock:
            if window.startswith("day"):
                self._share.heard(window, used, limit, self._clock())
            elif window in self._paces:
                self._paces[window].told(limit)

    def refused(self, endpoint: str, after: float) -> None:
        """The vendor refused a call to a class of endpoints for ``after`` seconds (``*``: calls of every class)."""
        with self._lock:
            until = self._clock() + int(after * 1_000) + 1
            self._shut[endpoint] = max(until, self._shut.get(endpoint, 0))

    def clock_was_set(self, step_ms: int) -> None:
        """Somebody moved the wall clock: what is waited for takes as long as it did before."""
        with self._lock:
            self._shut = {endpoint: until + step_ms for endpoint, until in self._shut.items()}
            self._held = {purpose: held._replace(until=held.until + step_ms) for purpose, held in self._held.items()}
            self._share.clock_was_set(step_ms)

    # ---- for sync

    def free_at(self, purpose: Purpose) -> int | None:
        """From when on (epoch ms) calls for ``purpose`` may be tried again; None when they may now."""
        with self._lock:
            held = self._held.get(purpose)
            return held.until if held is not None and held.until > self._clock() else None

    def held_back(self) -> list[HeldBack]:
        """What is held back now, the most urgent first."""
        with self._lock:
            now = self._clock()
            return [held for one in PURPOSES if (held := self._held.get(one)) is not None and held.until > now]

    def worth_s(self, calls: int, purpose: Purpose) -> float:
        """How many seconds ``calls`` are worth at the highest even rate that the purpose can keep up for a day; 0 while
        more than half of what it may use is left."""
        with self._lock:
            return self._share.worth_s(calls, purpose, self._clock())

    def balance(self) -> Balance:
        """How our share of the day stands."""
        with self._lock:
            return self._share.balance(self._clock())

    def used(self) -> dict[Purpose, int]:
        """Our own calls since the start, by purpose."""
        with self._lock:
            return dict(self._used)

    def spent(self, since: int) -> list[Spent]:
        """Our own calls by quarter of an hour and purpose, of the quarters that began at ``since`` or later."""
        with self._lock:
            return self._share.spent(since)

    def restore(self, spent: list[Spent], told: Mapping[str, tuple[int, int, int]]) -> None:
        """Goes on where an earlier process ended: what it spent, and ``used``, ``limit`` and instant by window."""
        with self._lock:
            days = {window: Heard(*each) for window, each in told.items() if window.startswith("day")}
            self._share.restore(spent, days)

    # ---- inside, under the lock

    def _refuse_shut(self, purpose: Purpose, endpoint: str, now: int) -> None:
        until = max(self._shut.get(endpoint, 0), self._shut.get(EVERYTHING, 0))
        if until > now:
            self._hold_back(purpose, until, now, "the CRM asked for this wait")

    def _refuse_spent(self, purpose: Purpose, now: int, ranked: Purpose) -> None:
        until = self._share.free_at(ranked, now)
        if until > now:
            left = self._share.balance(now).left or 0
            kept = "; they are kept for what is more urgent" if RESERVED[purpose] and left else ""
            self._hold_back(purpose, until, now, f"{left:,} calls of the day's share are left{kept}")

    def _book(self, purpose: Purpose, endpoint: str, now: int) -> float:
        pace = self._paces.get(endpoint)
        if pace is None:
            return 0.0
        seconds = self._seconds()
        at = pace.next(seconds)
        if at - seconds > LONGEST_WAIT_S:
            self._hold_back(
                purpose, now + int((at - seconds) * 1_000) + 1, now, f"calls of the class {endpoint} are paced"
            )
        pace.book(at)
        return at - seconds

    def _hold_back(self, purpose: Purpose, until: int, now: int, reason: str) -> None:
        self._held[purpose] = HeldBack(purpose, until, reason)
        raise RateLimited(f"held back: {reason}", after=(until - now) / 1_000, code=HELD_BACK)
