"""Whether an effect that was wished for is still right, at the moment of its delivery.

Owns rule 17: before anything is overwritten the record is read again, and a wish that time has overtaken is dropped.
Refuses the network: the fresh record has been ingested before. Invariant: a wish is dropped with a reason that a person
understands, and never silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sync.clock_row import read_figures
from sync.effect import DESTRUCTIVE
from sync.outbox import Letter, task_of
from sync.record_row import RecordRow, read_summary
from sync.store import Transaction

_WORDS = {
    "owner": "the owner", "status": "the status", "last_answer_at": "the last answer", "priority": "the priority",
}  # fmt: skip


class Ruling(NamedTuple):
    """``verdict``: send, drop, or done when an earlier try turns out to have taken effect."""

    verdict: str
    reason: str | None = None


def rule(transaction: Transaction, letter: Letter, row: RecordRow | None) -> Ruling:
    """Rules on one letter of a step; ``row`` is the record as just read."""
    if letter.action == "complete":
        task = task_of(transaction, letter)
        return Ruling("send") if task and task[0] == "done" else Ruling("drop", "its task was never made")
    if row is None:
        return Ruling("drop", "the record is not known any more")
    fresh = read_summary(row)
    if fresh["deleted"] or fresh["merged"]:
        return Ruling("drop", "the record is gone")
    why: Mapping[str, Any] = letter.body.get("why", {})
    if letter.action in DESTRUCTIVE:
        chosen = letter.body.get("owner")
        expected: Mapping[str, Any] = letter.body.get("expect", {})
        if letter.unknown and _took_effect(fresh, letter.values, expected, chosen):
            return Ruling("done", "an earlier try had taken effect")
        changed = [_WORDS[name] for name, value in expected.items() if fresh.get(name) != value]
        if changed:
            return Ruling("drop", f"{' and '.join(changed)} changed since it was decided")
    elif letter.unknown:
        return Ruling("send")  # it may be there already: only looking it up tells
    return _still_reached(transaction, letter.record, why) if "step" in why else Ruling("send")


def _holds(fresh: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    return bool(values) and all(name in fresh and fresh[name] == value for name, value in values.items())


def _took_effect(
    fresh: Mapping[str, Any], values: Mapping[str, Any], expected: Mapping[str, Any], chosen: str | None
) -> bool:
    """Whether the record shows that an earlier try was made, which wrote all or nothing: it has the chosen owner, it
    holds all values, or one that was expected otherwise."""
    if _holds(fresh, {"owner": chosen} if chosen else values):
        return True
    return any(
        name in expected and expected[name] != value and fresh.get(name) == value for name, value in values.items()
    )


def _still_reached(transaction: Transaction, record: str, why: Mapping[str, Any]) -> Ruling:
    found = transaction.one(
        "SELECT state, body FROM clock WHERE record = ? AND target = ? AND policy = ? AND cycle = ?",
        (record, why["target"], why["policy"], why["cycle"]),
    )
    if found is None:
        return Ruling("drop", "its clock is no more")
    state, body = found
    if state == "stopped":
        ours = _ended_by_itself(transaction, record, why)
        return Ruling("send") if ours else Ruling("drop", "the clock has stopped meanwhile")
    reached = {at: done for at, _, done in read_figures(body).steps}
    if not reached.get(why["step"]):
        return Ruling("drop", f"the clock stands before {why['step']} again")
    return Ruling("send")


def _ended_by_itself(transaction: Transaction, record: str, why: Mapping[str, Any]) -> bool:
    """Whether another effect of the same step has been made that may have ended the clock: a status, an owner."""
    names = ("target", "policy", "cycle", "step", "arm")
    same = " AND ".join(f"json_extract(body, '$.why.{name}') = ?" for name in names)
    found = transaction.one(
        f"SELECT 1 FROM outbox WHERE record = ? AND state = 'done' AND action IN ('owner', 'set') AND {same}",  # noqa: S608
        (record, *(why[name] for name in names)),
    )
    return found is not None
