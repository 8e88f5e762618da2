"""Rate limits: what is counted, in real time, and what the headers tell of it.

Owns the windows. Refuses to know requests beyond whether they search.
Invariant: only searches are refused by themselves; the other limits are counted and told, and refused by a fault.
https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

BURST_MAX: Final = 190
BURST_WINDOW_S: Final = 10.0
DAILY_MAX: Final = 650_000
SECONDLY_MAX: Final = 19
"""A privately distributed app of a Professional account:
developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines."""
SEARCH_PER_SECOND: Final = 5
"""Per account, whatever the plan; search answers carry no rate-limit headers (the same page)."""


class Limits:
    """``monotonic`` is real time in seconds: quotas do not run faster because a demonstration does."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._burst: deque[float] = deque()
        self._searches: deque[float] = deque()
        self._today = 0
        self.search_per_second: int | None = SEARCH_PER_SECOND

    def count(self) -> None:
        """One call of the app."""
        now = self._monotonic()
        _forget(self._burst, now - BURST_WINDOW_S)
        self._burst.append(now)
        self._today += 1

    def may_search(self) -> bool:
        """Counts a search; False when this second is full."""
        now = self._monotonic()
        _forget(self._searches, now - 1.0)
        if self.search_per_second is not None and len(self._searches) >= self.search_per_second:
            return False
        self._searches.append(now)
        return True

    def headers(self, *, used_up: str | None = None) -> dict[str, str]:
        """The quota headers of any answer but a search's. ``used_up``: the policy of a 429."""
        burst = 0 if used_up == "TEN_SECONDLY_ROLLING" else max(0, BURST_MAX - len(self._burst))
        daily = 0 if used_up == "DAILY" else max(0, DAILY_MAX - self._today)
        second = sum(1 for at in self._burst if at > self._monotonic() - 1.0)
        return {
            "X-HubSpot-RateLimit-Max": str(BURST_MAX),
            "X-HubSpot-RateLimit-Remaining": str(burst),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(BURST_WINDOW_S * 1000)),
            "X-HubSpot-RateLimit-Daily": str(DAILY_MAX),
            "X-HubSpot-RateLimit-Daily-Remaining": str(daily),
            "X-HubSpot-RateLimit-Secondly": str(SECONDLY_MAX),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(max(0, SECONDLY_MAX - second)),
        }


def _forget(stamps: deque[float], before: float) -> None:
    while stamps and stamps[0] <= before:
        stamps.popleft()
