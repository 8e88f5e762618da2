"""Which open clocks are likely to miss, for people: evaluated anew, with what their like have done.

Owns the question. Refuses to write. Invariant: a clock's chance here is the one by which a step's condition would
decide at the same instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sync.retrospect import retrospect

if TYPE_CHECKING:
    from sla.risk import Chance
    from sync.clock_row import ClockName
    from sync.policy_book import PolicyBook
    from sync.risk_history import RiskHistory
    from sync.store import Reader, Transaction


class AtRisk(NamedTuple):
    """An open clock that is not overdue yet, and its chance to miss; None where too few have ended to tell.
    ``due_at`` is epoch milliseconds, ``elapsed`` and ``remaining`` working ones."""

    record: str
    name: ClockName
    state: str
    due_at: int | None
    elapsed: int
    remaining: int
    chance: Chance | None

    @property
    def urgency(self) -> tuple[Any, ...]:
        """Orders the greatest chance first, then the earliest due; those of which nothing is known last."""
        likely = 1.0 if self.chance is None else -self.chance.probability
        return likely, self.due_at is None, self.due_at or 0, self.record, self.name


def at_risk(
    reader: Reader, book: PolicyBook, history: RiskHistory, records: Sequence[str], now: int
) -> Iterator[AtRisk]:
    """The open clocks of these records that are not overdue, as of ``now`` (epoch milliseconds)."""
    known = reader.read(lambda transaction: history.read(transaction, now))
    for found in retrospect(reader, now, records, book):
        clocks, state = found.evaluation
        for clock in clocks:
            if not clock.run.ended and clock.breached_ms is None:
                name = (clock.target, clock.policy, clock.cycle)
                chance = known.of(clock, state)
                yield AtRisk(
                    clock.record, name, clock.state, clock.due_ms, clock.elapsed_ms, clock.remaining_ms, chance
                )


def next_due(transaction: Transaction, limit: int) -> list[str]:
    """The records of open clocks that are not overdue and will be acted on, the earliest due first."""
    return [
        record
        for (record,) in transaction.rows(
            "SELECT c.record FROM clock AS c JOIN record AS r ON r.record = c.record"
            " WHERE c.state <> 'stopped' AND c.breached_at IS NULL AND r.measured IS NULL"
            " GROUP BY c.record ORDER BY min(coalesce(c.due_at, 9223372036854775807)), c.record LIMIT ?",
            (limit,),
        )
    ]
