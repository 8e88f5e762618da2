"""The time, as the daemon knows it: real, scaled for a demonstration, or set by hand in a test.

Owns the only reading of the wall clock beside the daemon's watchdog. Refuses to schedule anything.
Invariant: ``now`` is epoch milliseconds UTC; nothing else in the product asks the machine for the time.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Where ``now`` comes from."""

    def now(self) -> int:
        """Epoch milliseconds UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever go forward, on the same scale as ``now``."""
        ...

    def real_seconds(self, seconds: float) -> float:
        """How many real seconds pass while this clock moves on by ``seconds``."""
        ...

    def wait(self, seconds: float, event: threading.Event) -> bool:
        """Waits until ``event`` is set or this clock has moved on by ``seconds``; True when the event was set."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def real_seconds(self, seconds: float) -> float:
        return seconds

    def wait(self, seconds: float, event: threading.Event) -> bool:
        return event.wait(seconds)


class ScaledClock:
    """A clock that agrees with the real one at ``origin`` (epoch ms) and runs ``speed`` times as fast as the real one.

    Processes that share ``origin`` and ``speed`` agree on the time: ``origin + (real - origin) * speed``.
    """

    def __init__(self, origin: int, speed: float) -> None:
        if speed <= 0:
            raise ValueError("a clock runs forward: speed is above 0")
        self._origin = origin
        self._speed = speed

    def now(self) -> int:
        return self._origin + int((time.time_ns() // 1_000_000 - self._origin) * self._speed)

    def monotonic(self) -> float:
        return time.monotonic() * self._speed

    def real_seconds(self, seconds: float) -> float:
        return seconds / self._speed

    def wait(self, seconds: float, event: threading.Event) -> bool:
        return event.wait(seconds / self._speed)


class ManualClock:
    """A clock that stands still until it is told otherwise. Waiting on it moves it on at once."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._start = now
        self._steps = 0

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start - self._steps) / 1_000

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self._now += round(seconds * 1_000)

    def step(self, seconds: float) -> None:
        """Somebody sets the wall clock; no time passes."""
        self._now += round(seconds * 1_000)
        self._steps += round(seconds * 1_000)

    def real_seconds(self, seconds: float) -> float:
        return seconds

    def wait(self, seconds: float, event: threading.Event) -> bool:
        if not event.is_set():
            self.advance(seconds)
        return event.is_set()
