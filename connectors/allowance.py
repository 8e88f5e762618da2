"""How many calls a connection may make, and for what.

Owns the buckets of one connection, its share of the account's daily allowance, and what each purpose has used. Refuses
the network and the store: what vendors say comes in by ``heard``, what was counted goes out by ``quota``. Invariant: a
call is counted before it is made, and none is made that the share does not have left for its purpose.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal, get_args

Purpose = Literal["breach", "warning", "refresh", "read", "reconcile", "check"]
"""What a call is for, the most urgent first."""
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)

_purpose: ContextVar[Purpose] = ContextVar("purpose", default="check")


@contextmanager
def spending(purpose: Purpose) -> Iterator[None]:
    """Every call within is for ``purpose``."""
    token = _purpose.set(purpose)
    try:
        yield
    finally:
        _purpose.reset(token)


class Allowance:
    """The calls of one connection. ``clock()`` is the present in epoch ms; ``share`` the part of the account's daily
    allowance that is ours, between 0 and 1."""

    def __init__(self, clock: Callable[[], int], share: float = 0.2) -> None:
        self._clock = clock
        self._share = share
        self._lock = threading.Lock()
        self._used: dict[Purpose, int] = {}

    def take(self, endpoint: str) -> None:  # noqa: ARG002
        """Counts one call to a class of endpoints (``rest``, ``search``, ``login`` …), before it is made.

        Waits where that is a matter of a second; raises RateLimited where it is not.
        """
        with self._lock:
            purpose = _purpose.get()
            self._used[purpose] = self._used.get(purpose, 0) + 1

    def heard(self, window: str, used: int, limit: int) -> None:
        """What the vendor says of the account's allowance: ``used`` of ``limit`` calls in ``window``."""

    def used(self) -> dict[Purpose, int]:
        """Our own calls since the start, by purpose."""
        with self._lock:
            return dict(self._used)
