"""Which reached steps of a clock happen, and what they do: pure.

Owns the once-only rule, the collapse of several steps into the latest, the stages, and the ranks of delivery. Refuses
the store and the CRM. Invariant: of one clock at most one step fires in one judgement.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sla.instant import format_instant
from sla.step import fill
from sync import key

if TYPE_CHECKING:
    from sla.clock import Clock, StepState
    from sla.record import RecordState

BREACH, TASK, WARNING, REFRESH = 0, 1, 2, 3
"""Ranks: what is due now goes before what warns, and that before what merely refreshes."""

LATE_MS: Final = 60_000
"""An effect decided this long after its instant may have been made before, by a store that was lost since."""

DESTRUCTIVE: Final = frozenset({"owner", "set"})
"""Actions that overwrite what a person may just have changed."""

_ACTIONS: Final = {"notify": "notify", "task": "task", "reassign": "owner", "set": "set"}


class Decision(NamedTuple):
    """``what``: fired, collapsed, measured, dropped."""

    step: StepState
    what: str
    reason: str | None


class Effect(NamedTuple):
    """One desired effect, ready for the outbox. ``at`` is the instant of the step that wants it."""

    key: str
    action: str
    rank: int
    at: int
    body: dict[str, Any]


def decide(clock: Clock, decided: Container[tuple[str, int]], measured: str | None) -> list[Decision]:
    """What becomes of the steps that have been reached and are not ``decided`` yet, by (at, arm).

    ``measured`` tells why nothing is done for this record, None when it is.
    """
    reached = [step for step in clock.steps if step.reached and (step.at, step.arm) not in decided]
    if not reached:
        return []
    why = measured or ("the policy is only tried out" if clock.stage == "shadow" else None)
    if why:
        return [Decision(step, "measured", why) for step in reached]
    if clock.state == "stopped":
        return [Decision(step, "dropped", "the clock had stopped before it was seen") for step in reached]
    if clock.state == "paused":
        return []  # it is looked at again when the clock goes on
    reached.sort(key=lambda step: step.instant_ms or 0)
    last = reached[-1]
    return [
        *(Decision(step, "collapsed", f"{last.at} was reached as well") for step in reached[:-1]),
        Decision(last, "fired", None),
    ]


def effects(clock: Clock, step: StepState, state: RecordState, now: int) -> Iterator[Effect]:
    """What a fired step does, in the order of its actions. Stage ``warn`` leaves out what is destructive."""
    instant = step.instant_ms or now
    overdue = clock.due_ms is not None and instant >= clock.due_ms
    why = {
        "policy": clock.policy,
        "target": clock.target,
        "cycle": clock.cycle,
        "step": step.at,
        "arm": step.arm,
        "started_at": clock.started_ms,
        "due_at": clock.due_ms,
        "instant": instant,
    }
    for name, wish in step.actions.items():
        action = _ACTIONS[name]
        if clock.stage == "warn" and action in DESTRUCTIVE:
            continue
        body = {"why": why, **_body(action, wish, clock, step, state)}
        rank = BREACH if overdue else TASK if action == "task" else WARNING
        named = key.step_key(clock.record, clock.policy, clock.target, clock.started_ms, step.at, step.arm, action)
        yield Effect(named, action, rank, instant, body)


def caught_up(effect: Effect, now: int, changed_at: int) -> Effect:
    """The effect, marked when it comes late: then it is looked up before it is made. ``changed_at`` is when the CRM
    last saw the record change: after the effect's instant, that may have been the effect itself."""
    if effect.at >= now - LATE_MS:
        return effect
    return effect._replace(body={**effect.body, "late": True, "touched": changed_at >= effect.at})


def expectation(state: RecordState) -> dict[str, Any]:
    """What must still hold of the record when a destructive effect is delivered."""
    return {"owner": state.owner, "status": state.status, "last_answer_at": state.last_answer_at}


def _body(action: str, wish: Any, clock: Clock, step: StepState, state: RecordState) -> dict[str, Any]:
    if action == "notify":
        text = f"{clock.target} of {state.fields.get('name') or clock.record}: {step.at} reached{_due(clock)}"
        return {"to": wish, "owner": state.owner, "text": text}
    if action == "task":
        owner = state.owner if state.owner and state.owner.startswith("user:") else None
        filled = fill(wish, _record_values(clock, state), _clock_values(clock))
        return {"subject": filled, "owner": owner, "due_at": clock.due_ms, "priority": "high"}
    if action == "owner":
        return {"pool": wish, "expect": expectation(state)}
    return {"values": wish, "expect": expectation(state)}


def _due(clock: Clock) -> str:
    return "" if clock.due_ms is None else f", due {format_instant(clock.due_ms)}"


def _record_values(clock: Clock, state: RecordState) -> dict[str, Any]:
    # A record whose name is not known is called by its own: "Call crm:lead:9 now" rather than "Call  now".
    return {"name": clock.record, **{name: value for name, value in state.fields.items() if value is not None}}


def _clock_values(clock: Clock) -> dict[str, Any]:
    minutes = clock.remaining_ms // 60_000
    return {
        "target": clock.target,
        "policy": clock.policy,
        "due_at": "" if clock.due_ms is None else format_instant(clock.due_ms),
        "remaining": f"{minutes // 60}h{minutes % 60:02d}m" if minutes >= 60 else f"{minutes}m",
    }
