"""The emulator's clock: real time, made faster and moved forward on request.

Owns what "now" means in an emulated CRM. Refuses to run backwards.
Invariant: two processes with the same origin and speed agree on now, and now is the real time when speed is 1.
Our own machinery: no vendor behaves here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime


class EmulatorClock:
    """now = origin + (real now - origin) x speed + what ``advance`` added. ``origin`` is epoch milliseconds.

    ``real`` gives real time in epoch seconds; a constant one makes a clock that only ``advance`` moves.
    """

    def __init__(self, speed: float = 1.0, origin: int | None = None, real: Callable[[], float] = time.time) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self._real = real
        self.origin = int(real() * 1000) if origin is None else origin
        self._advanced_ms = 0
        self._latest_ms = 0
        self._guard = threading.Lock()

    def now_ms(self) -> int:
        """Emulated now in epoch milliseconds; never earlier than an answer given before."""
        with self._guard:
            now = self.origin + (self._real() * 1000 - self.origin) * self.speed + self._advanced_ms
            self._latest_ms = max(self._latest_ms, int(now))
            return self._latest_ms

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_ms() / 1000, UTC)

    def advance(self, seconds: float) -> None:
        """Moves the clock forward. Raises ValueError for a negative step."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        with self._guard:
            self._advanced_ms += int(seconds * 1000)
