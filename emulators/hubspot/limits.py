"""Rate limits: what is counted, in real time, and what the headers tell of it.

Owns the windows. Refuses to know requests beyond whether they search.
Invariant: searches are refused by themselves; of the other limits, which are told always, only those that are enforced.
https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
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
        self.burst = BURST_MAX
        self.daily = DAILY_MAX
        self.enforced = False
        """Whether a call beyond the burst or the day is refused; else both are only told."""

    def enforce(self, quota: Mapping[str, int] | None) -> None:
        """``burst`` and ``daily``, each the vendor's own when left out; None: told, not enforced."""
        self.enforced = quota is not None
        self.burst = int((quota or {}).get("burst", BURST_MAX))
        self.daily = int((quota or {}).get("daily", DAILY_MAX))

    def count(self, *, search: bool = False) -> str | None:
        """One call of the app. Returns the policy that refuses it; what is refused counts as well. The burst "excludes
        the CRM Search API" (the same page, of installed apps); that it does for keys, and that the day counts searches
        too, is assumed."""
        now = self._monotonic()
        _forget(self._burst, now - BURST_WINDOW_S)
        if not search:
            self._burst.append(now)
        self._today += 1
        if not self.enforced:
            return None
        over = "TEN_SECONDLY_ROLLING" if len(self._burst) > self.burst and not search else None
        return "DAILY" if self._today > self.daily else over

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
        burst = 0 if used_up == "TEN_SECONDLY_ROLLING" else max(0, self.burst - len(self._burst))
        daily = 0 if used_up == "DAILY" else max(0, self.daily - self._today)
        second = sum(1 for at in self._burst if at > self._monotonic() - 1.0)
        return {
            "X-HubSpot-RateLimit-Max": str(self.burst),
            "X-HubSpot-RateLimit-Remaining": str(burst),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(BURST_WINDOW_S * 1000)),
            "X-HubSpot-RateLimit-Daily": str(self.daily),
            "X-HubSpot-RateLimit-Daily-Remaining": str(daily),
            "X-HubSpot-RateLimit-Secondly": str(SECONDLY_MAX),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(max(0, SECONDLY_MAX - second)),
        }


def _forget(stamps: deque[float], before: float) -> None:
    while stamps and stamps[0] <= before:
        stamps.popleft()
