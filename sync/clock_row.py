"""The rows that the store keeps of clocks and of the steps decided about them.

Owns the tables ``clock`` and ``step``. Refuses to be the truth: a clock is a cache of the fold and can be dropped.
Invariant: a clock's row changes only from the version that was read (compare-and-set); a step's row never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from sync.store import StoreError, Transaction

if TYPE_CHECKING:
    from sla.clock import Clock

ClockName = tuple[str, str, int]
"""Target, policy, cycle: which clock of a record."""

StepName = tuple[str, str, int, str, int]
"""Target, policy, cycle, step, arm: which step of a record."""

_encode: Final = msgspec.json.Encoder().encode


class ClockRow(NamedTuple):
    """What is compared to tell whether a clock has changed, and with what it was detected."""

    state: str
    outcome: str | None
    started_at: int
    due_at: int | None
    breached_at: int | None
    completed_at: int | None
    wake_at: int | None
    detected_at: int | None
    version: int


class ClockChange(NamedTuple):
    """A clock that differs from its row: ``version`` is that row's, 0 when there is none."""

    record: str
    name: ClockName
    values: tuple[Any, ...]
    version: int


class Figures(msgspec.Struct, frozen=True, array_like=True):
    """What a clock's row keeps beside its columns: lengths in working ms, and of each step its threshold, its instant
    (epoch ms) and whether it has been reached. The public verdict is made of it only when somebody asks."""

    within: int
    elapsed: int
    paused: int
    remaining: int
    late: int
    reason: str | None
    steps: list[tuple[str, int | None, bool]]


def figures(clock: Clock) -> Figures:
    """The figures of a clock at the instant it was judged."""
    run, now = clock.run, clock.now_ms
    elapsed = run.elapsed_at(now)
    over = elapsed - run.budget
    late = over if over > 0 and run.breached_at is not None else 0
    paused = run.paused_at(now) if run.pauses or run.paused_from is not None else 0
    steps = [(step.at, step.instant_ms, step.reached) for step in clock.steps]
    return Figures(run.within, elapsed, paused, -over if over < 0 else 0, late, clock.reason, steps)


read_figures: Final = msgspec.json.Decoder(Figures).decode


def change(clock: Clock, old: ClockRow | None, wake_at: int | None, now: int) -> ClockChange | None:
    """What to write of a clock as it stands, None when its row says so already."""
    run, state = clock.run, clock.state
    breached = run.breached_at
    standing = (state, clock.outcome, run.started_at, run.due_at, breached, run.completed_at, wake_at)
    if old is not None and old[:7] == standing:
        return None
    detected = None if breached is None else now if old is None or old.detected_at is None else old.detected_at
    body = _encode(figures(clock)).decode()
    name = (run.target.name, run.target.policy, run.cycle)
    return ClockChange(clock.record, name, (*standing, detected, body), 0 if old is None else old.version)


def save(transaction: Transaction, changes: Sequence[ClockChange]) -> None:
    """Raises StoreError when a clock changed since it was read; nothing of the transaction may then stay."""
    new = [(record, *name, *values) for record, name, values, version in changes if not version]
    changed = [(*values, record, *name, version) for record, name, values, version in changes if version]
    transaction.many(
        "INSERT INTO clock (record, target, policy, cycle, state, outcome, started_at, due_at, breached_at,"
        " completed_at, wake_at, detected_at, body, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
        new,
    )
    count = transaction.many(
        "UPDATE clock SET state = ?, outcome = ?, started_at = ?, due_at = ?, breached_at = ?, completed_at = ?,"
        " wake_at = ?, detected_at = ?, body = ?, version = version + 1"
        " WHERE record = ? AND target = ? AND policy = ? AND cycle = ? AND version = ?",
        changed,
    )
    if count != len(changed):
        raise StoreError("a clock was changed by somebody else at the same time")


def drop(transaction: Transaction, names: Iterable[tuple[str, ClockName]]) -> None:
    """Removes clocks that are no more: an earlier event that arrived late has undone them."""
    transaction.many(
        "DELETE FROM clock WHERE record = ? AND target = ? AND policy = ? AND cycle = ?",
        [(record, *name) for record, name in names],
    )


def load(transaction: Transaction, records: Sequence[str]) -> dict[str, dict[ClockName, ClockRow]]:
    """The clocks of ``records`` by record and name."""
    found: dict[str, dict[ClockName, ClockRow]] = {}
    for record, target, policy, cycle, *rest in transaction.select_in(
        "SELECT record, target, policy, cycle, state, outcome, started_at, due_at, breached_at, completed_at, wake_at,"
        " detected_at, version FROM clock WHERE record IN ({})",
        records,
    ):
        found.setdefault(record, {})[(target, policy, cycle)] = ClockRow(*rest)
    return found


def load_steps(transaction: Transaction, records: Sequence[str]) -> dict[str, dict[ClockName, set[tuple[str, int]]]]:
    """The decided steps of ``records``: (step, arm) by record and clock."""
    found: dict[str, dict[ClockName, set[tuple[str, int]]]] = {}
    for record, target, policy, cycle, step, arm in transaction.select_in(
        "SELECT record, target, policy, cycle, step, arm FROM step WHERE record IN ({})", records
    ):
        found.setdefault(record, {}).setdefault((target, policy, cycle), set()).add((step, arm))
    return found


def save_steps(transaction: Transaction, rows: Iterable[tuple[str, StepName, int, str, str | None]]) -> None:
    """Adds decided steps as (record, name, decided at, decision, reason)."""
    transaction.many(
        "INSERT INTO step (record, target, policy, cycle, step, arm, decided_at, decision, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(record, *name, at, decision, reason) for record, name, at, decision, reason in rows],
    )


def due_records(transaction: Transaction, now: int, limit: int) -> list[str]:
    """Records of which something changes by itself at or before ``now``, earliest first."""
    found = dict.fromkeys(
        record
        for (record,) in transaction.rows(
            "SELECT record FROM clock WHERE wake_at <= ? ORDER BY wake_at LIMIT ?", (now, limit)
        )
    )
    found.update(
        dict.fromkeys(
            record
            for (record,) in transaction.rows(
                "SELECT record FROM record WHERE wake_at <= ? ORDER BY wake_at LIMIT ?", (now, limit)
            )
        )
    )
    return list(found)[:limit]


def next_wake_at(transaction: Transaction) -> int | None:
    """The next instant at which something changes by itself."""
    row = transaction.one(
        "SELECT min(at) FROM (SELECT min(wake_at) AS at FROM clock WHERE wake_at IS NOT NULL"
        " UNION ALL SELECT min(wake_at) FROM record WHERE wake_at IS NOT NULL)"
    )
    return None if row is None else row[0]


def wake_all(transaction: Transaction, now: int) -> int:
    """Asks for every open clock to be judged again, as after the wall clock was set."""
    return transaction.run("UPDATE clock SET wake_at = ?, version = version + 1 WHERE state <> 'stopped'", (now,))


def wake_policies(transaction: Transaction, policies: Sequence[str], at: int) -> int:
    """Asks for the open clocks of these policies to be judged again at ``at``, as after their calendar was edited."""
    return transaction.many(
        "UPDATE clock SET wake_at = ?, version = version + 1 WHERE state <> 'stopped' AND policy = ?",
        [(at, policy) for policy in policies],
    )


def push_away(transaction: Transaction, record: str, until: int) -> None:
    """A record that could not be judged rests until then, so that it stops nobody else."""
    transaction.run("UPDATE clock SET wake_at = ? WHERE record = ? AND wake_at IS NOT NULL", (until, record))
    transaction.run("UPDATE record SET wake_at = ? WHERE record = ? AND wake_at IS NOT NULL", (until, record))
