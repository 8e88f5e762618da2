"""What was handed out already, so that the overlap of two sweeps costs nothing downstream.

Owns a memory of keys. Refuses to be relied on: it is an economy, the store drops doubles anyway. Invariant: a key
counts once the caller comes back with the cursor that was given beside it, for by then its row is stored; and no more
than ``MOST`` keys are held for a stream, however many rows change at once.
"""

from __future__ import annotations

from typing import Final

MOST: Final = 20_000
"""About 4 MB of keys."""


class Served:
    """The keys of one connection, by stream."""

    def __init__(self) -> None:
        self._taken: dict[str, set[str]] = {}
        self._this_sweep: dict[str, set[str]] = {}
        self._offered: dict[str, tuple[str, set[str], bool]] = {}

    def confirm(self, name: str, cursor: str | None) -> None:
        """The caller comes with ``cursor``: what was offered with it is taken."""
        offered, keys, swept = self._offered.pop(name, ("", set(), False))
        if cursor is None or offered != cursor:
            return
        known = self._this_sweep.setdefault(name, set())
        if len(known) + len(keys) <= MOST:
            known.update(keys)
        if swept:  # the next sweep can meet only what this one met, and what is new
            self._taken[name] = self._this_sweep.pop(name)

    def has(self, name: str, key: str) -> bool:
        return key in self._taken.get(name, ()) or key in self._this_sweep.get(name, ())

    def offer(self, name: str, cursor: str, keys: set[str], *, swept: bool) -> None:
        self._offered[name] = (cursor, keys, swept)
