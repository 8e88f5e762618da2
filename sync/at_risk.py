"""Which open clocks are likely to miss, for people: evaluated anew, with what their like have done.

Owns the question. Refuses to write. Invariant: a clock's chance here is the one by which a step's condition would
decide at the same instant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sla.fold import Evaluation, evaluate_record
from sync.portion import Portion

if TYPE_CHECKING:
    from sla.figures.risk import Chance
    from sync.clock_row import ClockName
    from sync.policy_book import PolicyBook
    from sync.risk_history import RiskHistory
    from sync.store import Transaction


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
    transaction: Transaction, book: PolicyBook, history: RiskHistory, records: Sequence[str], now: int
) -> list[AtRisk]:
    """The open clocks of these records that are not overdue, as of ``now`` (epoch milliseconds), likeliest first."""
    known = history.read(transaction, now)
    found = [
        AtRisk(
            clock.record, (clock.target, clock.policy, clock.cycle), clock.state, clock.due_ms, clock.elapsed_ms,
            clock.remaining_ms, known.of(clock, evaluation.state),
        )
        for evaluation in _evaluations(transaction, book, records, now)
        for clock in evaluation.clocks
        if not clock.run.ended and clock.breached_ms is None
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.urgency)


def _evaluations(transaction: Transaction, book: PolicyBook, records: Sequence[str], now: int) -> Iterator[Evaluation]:
    book.refresh(transaction)
    portion = Portion(transaction, records)
    for record, row in portion.rows.items():
        events = list(portion.events.get(record, {}).values())
        try:
            terms = book.terms(transaction, row.policy_version, portion.moves.get(record, ()), now)
            yield evaluate_record(terms.policies, events, now, portion.waits.get(record, ()), terms.moves)
        except Exception:  # noqa: BLE001, S112 - the engine raises the alarm about a record that cannot be judged
            continue


def next_due(transaction: Transaction, limit: int) -> list[str]:
    """The records of open clocks that are not overdue and are acted on, the earliest due first."""
    return [
        record
        for (record,) in transaction.rows(
            "SELECT c.record FROM clock AS c JOIN record AS r ON r.record = c.record"
            " WHERE c.state <> 'stopped' AND c.breached_at IS NULL AND r.measured IS NULL"
            " GROUP BY c.record ORDER BY min(coalesce(c.due_at, 9223372036854775807)), c.record LIMIT ?",
            (limit,),
        )
    ]
