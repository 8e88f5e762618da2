"""The account of a stored record: what the fold tells, with what was decided about its steps and written.

Owns joining the two. Refuses to evaluate and to judge. Invariant: a decision is told at the step that it was about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from console import options, output
from console.boundary import Failure
from console.explain import chosen

if TYPE_CHECKING:
    from sla.account.explain import Wanted
    from sync.view import OutboxRow, RecordView, StepRow, View


def from_store(
    records: Sequence[str], config: Path, asked_now: int | None, clocks: Sequence[Wanted]
) -> list[dict[str, Any]]:
    """The accounts of these records. Raises Failure for one that the store does not know."""
    from console.store import database_of, view

    with view(database_of(config)) as opened:
        now = _now(opened, asked_now)
        return [account(opened, _named(opened, record), now, clocks) for record in records]


def account(opened: View, record: str, now: int, clocks: Sequence[Wanted] = ()) -> dict[str, Any]:
    """The account of one record as of ``now`` (epoch milliseconds). Raises Failure when it is not known."""
    from sla.account.explain import explain_record

    found, terms = opened.record(record), opened.terms(record, now)
    if found is None or terms is None:
        raise Failure(f"the store knows no record '{record}'")
    told = explain_record(terms.policies, found.events, now, opened.waits(record), terms.moves, only=clocks)
    decisions = [_decision(step, found.outbox) for step in found.steps]
    for clock in told["clocks"]:
        names = {clock["policy"], *(change["policy_before"] for change in clock["changes"])}
        own = [d for d in decisions if (d["target"], d["cycle"]) == (clock["target"], clock["cycle"])]
        for step in clock["steps"]:
            step["decisions"] = [d for d in own if d["step"] == step["at"] and d["policy"] in names]
            if step["reached"] and not step["decisions"]:
                step["undecided"] = _undecided(clock, found, now)
    return {**told, **_stored(found), "decisions": decisions}


def _now(opened: View, asked: int | None) -> int:
    # A daemon under a clock of its own, as in the demonstration, may be ahead of this machine's.
    daemon = opened.summary().daemon
    now = options.current(asked)
    return max(now, daemon.beat_at) if asked is None and daemon else now


def _named(opened: View, record: str) -> str:
    if opened.record(record):
        return record
    names = opened.find(record)
    near = None if names else opened.nearest(record)
    return chosen(record, names, "the store", [near] if near else [])


def _undecided(clock: dict[str, Any], found: RecordView, now: int) -> str:
    if clock["state"] == "paused":
        return "held: it is looked at again when the clock goes on"
    wakes = [
        row.wake_at
        for row in found.clocks
        if (row.target, row.policy, row.cycle) == (clock["target"], clock["policy"], clock["cycle"])
    ]
    if wakes and wakes[0] is not None and wakes[0] > now:
        return f"held until {output.instant(wakes[0])}: the policy's steps of this hour are used up"
    return "not decided: no daemon has judged it since"


def _decision(step: StepRow, letters: Sequence[OutboxRow]) -> dict[str, Any]:
    return {
        "target": step.target,
        "policy": step.policy,
        "cycle": step.cycle,
        "step": step.step,
        "arm": step.arm,
        "decision": step.decision,
        "decided_at": output.instant(step.decided_at),
        "reason": step.reason,
        "receipts": list(_receipts(step, letters)),
    }


def _receipts(step: StepRow, letters: Sequence[OutboxRow]) -> Iterator[dict[str, Any]]:
    """What came of the write-backs that a step wished for."""
    named = (step.target, step.policy, step.cycle, step.step, step.arm)
    for letter in letters:
        why = letter.body.get("why")
        if isinstance(why, dict) and tuple(why.get(k) for k in ("target", "policy", "cycle", "step", "arm")) == named:
            yield {
                "action": letter.action,
                "state": letter.state,
                "done_at": None if letter.done_at is None else output.instant(letter.done_at),
                "crm_id": letter.crm_id,
                "reason": letter.reason,
            }


_CHOICE: Final = ("owner", "reason", "pool", "considered")


def _stored(found: RecordView) -> dict[str, Any]:
    """What the store knows beside the clocks: whether the record is acted on at all, and every write-back."""
    return {
        "began_under": found.policy_version,
        "moves": [{"at": output.instant(m.at), "version": m.version, "scope": m.scope} for m in found.moves],
        "measured_only": found.measured,
        "in_the_crm": found.observed,
        "write_backs": [
            {
                "id": row.id,
                "action": row.action,
                "state": row.state,
                "attempts": row.attempts,
                "created_at": output.instant(row.created_at),
                "done_at": None if row.done_at is None else output.instant(row.done_at),
                "retry_at": None if row.retry_at is None else output.instant(row.retry_at),
                "reason": row.reason,
                "crm_id": row.crm_id,
                "body": row.body,
            }
            for row in found.outbox
        ],
        "assignments": [
            {"at": output.instant(row.at), "what": row.what, **{name: row.body["body"].get(name) for name in _CHOICE}}
            for row in found.ledger
            if row.body.get("action") == "owner" and "considered" in row.body.get("body", {})
        ],
        "watches": [
            {"at": output.instant(row.at), **row.body, "begin_at": output.instant(row.body["begin_at"])}
            for row in found.ledger
            if row.what == "watch"
        ],
    }
