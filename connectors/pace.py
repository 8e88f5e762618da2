"""How fast calls may follow each other, in seconds of real time.

Owns the two ways of spacing: so many within a window, and a store that is refilled evenly. Refuses to sleep and to know
what is called. Invariant: a place that was given out is never given out twice, and places come in the order of asking,
so that nobody waits while others overtake.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol


class Pace(Protocol):
    """Times are seconds of one clock that only goes forward."""

    def next(self, now: float) -> float:
        """From when on the next call may be made; ``now`` when it may at once."""
        ...

    def book(self, at: float) -> None:
        """A call is made ``at``."""
        ...

    def told(self, count: int) -> None:
        """The vendor says that its window holds ``count`` calls: never more than that from here on."""
        ...


class Window:
    """At most ``count`` calls within any ``seconds``, those of the past window included."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._booked: deque[float] = deque(maxlen=count)

    def next(self, now: float) -> float:
        while self._booked and self._booked[0] > now + self._seconds:
            self._booked.popleft()  # the clock was set back
        return now if len(self._booked) < self._count else max(now, self._booked[0] + self._seconds)

    def book(self, at: float) -> None:
        self._booked.append(at)

    def told(self, count: int) -> None:
        if 0 < count < self._count:
            self._count = count
            self._booked = deque(self._booked, maxlen=count)


class Store:
    """At most ``count`` calls within any ``seconds``: a third of them at once, the rest at an even rate.

    Nobody who uses it waits longer than one gap of that rate for a place, however long a burst has lasted.
    """

    def __init__(self, count: int, seconds: float) -> None:
        self._seconds = seconds
        self._count = count
        self._full_at = -seconds
        self._set(count)

    def _set(self, count: int) -> None:
        self._burst = max(1, count // 3)
        self._gap = self._seconds / max(1, count - self._burst)

    def next(self, now: float) -> float:
        return max(now, self._full_at - (self._burst - 1) * self._gap)

    def book(self, at: float) -> None:
        self._full_at = max(self._full_at, at) + self._gap

    def told(self, count: int) -> None:
        if 0 < count < self._count:
            self._count = count
            self._set(count)
