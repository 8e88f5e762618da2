"""How clocks have ended so far, as the store knows it: what the chance of a running one to miss is judged by.

Owns reading endings from clocks' rows, and when they are read again. Refuses to keep them anywhere: the rows are the
history. Invariant: the same rows give the same answer, whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from sla.figures.risk import Ending, History, Segment, priority_of
from sync import clock_row

if TYPE_CHECKING:
    from sla.clock import Clock
    from sla.record import RecordState
    from sync.store import Transaction

REFRESH_MS: Final = 600_000
"""For how long endings that were read are good enough."""

MOST: Final = 100_000
"""How many clocks are history: the latest by their start, which says nothing of how long they last."""


class _Summary(msgspec.Struct):
    """What is needed of a record's state."""

    priority: str | int | None = None


class RiskHistory:
    """The endings of one store, read when they are first needed and again when they have become old."""

    def __init__(self) -> None:
        self._read_at: int | None = None
        self._history = History(())

    def read(self, transaction: Transaction, now: int) -> History:
        """The history as of at most ten minutes ago."""
        if self._read_at is None or not 0 <= now - self._read_at < REFRESH_MS:
            self._history, self._read_at = History(load(transaction)), now
        return self._history

    def chance(self, transaction: Transaction, now: int, clock: Clock, state: RecordState) -> tuple[float, int] | None:
        """The chance of a clock to miss and how many endings tell so, as the condition of a step wants it."""
        found = self.read(transaction, now).of(clock, state)
        return None if found is None else (found.probability, found.count)


def load(transaction: Transaction, most: int = MOST) -> Iterator[Ending]:
    """An ending for each row of the latest ``most`` clocks: a completed one by its working time, one that was cancelled
    by what it had run, one that is open by what it had when it was last judged."""
    read_summary = msgspec.json.Decoder(_Summary).decode
    segments: dict[tuple[str, str, object], Segment] = {}
    for target, policy, completed_at, body, state in transaction.rows(
        "SELECT c.target, c.policy, c.completed_at, c.body, r.state FROM clock AS c"
        " JOIN record AS r ON r.record = c.record ORDER BY c.started_at DESC, c.record, c.target, c.policy, c.cycle"
        " LIMIT ?",
        (most,),
    ):
        priority = read_summary(state).priority
        name = (target, policy, priority)
        segment = segments.get(name)
        if segment is None:
            segment = segments[name] = Segment(target, policy, priority_of(priority))
        yield Ending(segment, clock_row.read_figures(body).elapsed, completed_at is not None)
