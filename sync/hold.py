"""Steps that have been reached and wait for working hours.

Owns the table ``hold``. Refuses to be a decision: a held step is judged anew whenever its clock is. Invariant: a row
stands here exactly as long as its step waits, so a step that is decided, re-armed or overtaken leaves none behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sync.clock_row import StepName
from sync.store import Transaction


class Hold(NamedTuple):
    """One waiting step: noticed at ``since``, to be judged again at ``until`` (epoch ms)."""

    record: str
    name: StepName
    since: int
    until: int
    reason: str


def load(transaction: Transaction, records: Sequence[str]) -> dict[str, dict[StepName, Hold]]:
    """What waits, by record and step."""
    found: dict[str, dict[StepName, Hold]] = {}
    for record, target, policy, cycle, step, arm, since, until, reason in transaction.select_in(
        "SELECT record, target, policy, cycle, step, arm, since, until, reason FROM hold WHERE record IN ({})", records
    ):
        name = (target, policy, cycle, step, arm)
        found.setdefault(record, {})[name] = Hold(record, name, since, until, reason)
    return found


def save(transaction: Transaction, holds: Iterable[Hold]) -> None:
    """Adds holds; one that is there gets its new end."""
    transaction.many(
        "INSERT INTO hold (record, target, policy, cycle, step, arm, since, until, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (record, target, policy, cycle, step, arm)"
        " DO UPDATE SET until = excluded.until, reason = excluded.reason",
        [(hold.record, *hold.name, hold.since, hold.until, hold.reason) for hold in holds],
    )


def release(transaction: Transaction, holds: Iterable[Hold]) -> None:
    """Removes holds whose steps wait no more."""
    transaction.many(
        "DELETE FROM hold WHERE record = ? AND target = ? AND policy = ? AND cycle = ? AND step = ? AND arm = ?",
        [(hold.record, *hold.name) for hold in holds],
    )
