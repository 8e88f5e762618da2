"""What a fired step does, ready for the outbox: pure.

Owns the translation of a step's actions into effects, their ranks and their texts. Refuses to choose people: a wish
goes out as it was written. Invariant: the same step of the same clock gives the same effects by the same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sla.instant import format_instant
from sla.step import RAISE, Wish, fill, parse_reassign, raised, status_field
from sync import key

if TYPE_CHECKING:
    from sla.clock import Clock, StepState
    from sla.record import RecordState

BREACH, TASK, WARNING, REFRESH = 0, 1, 2, 3
"""Ranks: what is due now goes before what warns, and that before what merely refreshes."""

LATE_MS: Final = 60_000
"""An effect decided this long after its instant may have been made before, by a store that was lost since."""

OVERWRITING: Final = frozenset({"owner", "set"})
"""Effects that overwrite what a person may just have changed."""

DESTRUCTIVE: Final = OVERWRITING | {"message"}
"""Effects that cannot be taken back: before them the record is read again, and stage ``warn`` leaves them out."""

ELSEWHERE: Final = frozenset({"notify", "webhook"})
"""Effects that do not go to a CRM."""

_SETS: Final = ("set", "priority", "status")
"""Actions that end in one write to the record's fields."""
_EFFECTS: Final = {
    "notify": "notify", "task": "task", "reassign": "owner", "comment": "note", "tag": "tag", "message": "message",
    "webhook": "webhook",
}  # fmt: skip


class Effect(NamedTuple):
    """One desired effect. ``at`` is the instant from which on it could be made: that of its step, or the opening
    that the step waited for."""

    key: str
    action: str
    rank: int
    at: int
    body: dict[str, Any]


def effects(
    clock: Clock, step: StepState, state: RecordState, now: int, ready_at: int | None = None
) -> Iterator[Effect]:
    """What a fired step does, in the order of its actions, what overwrites last: it may end the very clock that the
    others speak of. Stage ``warn`` leaves out what is destructive."""
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
    for action, made in sorted(_bodies(clock, step, state), key=lambda pair: pair[0] in OVERWRITING):
        if clock.stage == "warn" and action in DESTRUCTIVE:
            continue
        rank = BREACH if overdue else TASK if action == "task" else WARNING
        named = key.step_key(clock.record, clock.policy, clock.target, clock.started_ms, step.at, step.arm, action)
        at = max(instant, ready_at or instant)
        more = {"since": at} if action == "message" else {}
        yield Effect(named, action, rank, at, {"why": why, **made, **more})


def caught_up(effect: Effect, now: int, changed_at: int) -> Effect:
    """The effect, marked when it comes late: then it is looked up before it is made. ``changed_at`` is when the CRM
    last saw the record change: after the effect's instant, that may have been the effect itself."""
    if effect.at >= now - LATE_MS:
        return effect
    return effect._replace(body={**effect.body, "late": True, "touched": changed_at >= effect.at})


def expectation(state: RecordState) -> dict[str, Any]:
    """What must still hold of the record when a destructive effect is delivered."""
    return {"owner": state.owner, "status": state.status, "last_answer_at": state.last_answer_at}


def set_values(actions: Mapping[str, Any], state: RecordState) -> dict[str, Any]:
    """The fields that ``set``, ``priority`` and ``status`` of one step give new values, together."""
    values = dict(actions.get("set", {}))
    wish = actions.get("priority")
    priority = raised(state.fields.get("priority")) if wish == RAISE else wish
    if priority is not None:
        values["priority"] = priority
    if "status" in actions:
        values[status_field(actions["status"])] = actions["status"]
    return values


def _bodies(clock: Clock, step: StepState, state: RecordState) -> Iterator[tuple[str, dict[str, Any]]]:
    """Action of the outbox and what it carries, once for all the actions that set fields."""
    first_set = next((name for name in step.actions if name in _SETS), None)
    for name, wish in step.actions.items():
        if name == first_set:
            if values := set_values(step.actions, state):
                expect = expectation(state)
                if step.actions.get("priority") == RAISE:
                    expect["priority"] = state.fields.get("priority")
                yield "set", {"values": values, "expect": expect}
        elif name not in _SETS:
            yield _EFFECTS[name], _body(name, wish, clock, step, state)


def _body(action: str, wish: Any, clock: Clock, step: StepState, state: RecordState) -> dict[str, Any]:
    if action == "notify":
        text = f"{clock.target} of {state.fields.get('name') or clock.record}: {step.at} reached{_due(clock)}"
        return {"to": wish, "owner": state.owner, "text": text}
    if action == "reassign":
        return _reassignment(parse_reassign(wish), wish, state)
    if action == "webhook":
        return {"webhook": wish, "payload": payload(clock, step, state)}
    filled = fill(wish, _record_values(clock, state), _clock_values(clock, step))
    if action == "task":
        owner = state.owner if state.owner and state.owner.startswith("user:") else None
        return {"subject": filled, "owner": owner, "due_at": clock.due_ms, "priority": "high"}
    return {"subject": filled}


def _reassignment(wish: Wish, written: str, state: RecordState) -> dict[str, Any]:
    named = {"pool": wish.name} if wish.kind == "pool" else {}
    return {"wish": written, **named, "expect": expectation(state)}


def payload(clock: Clock, step: StepState, state: RecordState) -> dict[str, Any]:
    """What a webhook is told: which step of which clock, and how the record stands. No names, no texts."""
    return {
        "event": "step",
        "record": clock.record,
        "kind": state.kind,
        "policy": clock.policy,
        "target": clock.target,
        "cycle": clock.cycle,
        "step": step.at,
        "instant": _instant(step.instant_ms),
        "started_at": _instant(clock.started_ms),
        "due_at": _instant(clock.due_ms),
        "breached_at": _instant(clock.breached_ms),
        "outcome": clock.outcome,
        "owner": state.owner,
        "status": state.status,
        "priority": state.fields.get("priority"),
    }


def _due(clock: Clock) -> str:
    return "" if clock.due_ms is None else f", due {format_instant(clock.due_ms)}"


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)


def _record_values(clock: Clock, state: RecordState) -> dict[str, Any]:
    # A record whose name is not known is called by its own: "Call crm:lead:9 now" rather than "Call  now".
    return {"name": clock.record, **{name: value for name, value in state.fields.items() if value is not None}}


def _clock_values(clock: Clock, step: StepState) -> dict[str, Any]:
    return {
        "target": clock.target,
        "policy": clock.policy,
        "cycle": clock.cycle,
        "step": step.at,
        "started_at": format_instant(clock.started_ms),
        "due_at": "" if clock.due_ms is None else format_instant(clock.due_ms),
        "elapsed": _length(clock.elapsed_ms),
        "remaining": _length(clock.remaining_ms),
        "late": _length(clock.late_ms),
    }


def _length(work: int) -> str:
    minutes = work // 60_000
    return f"{minutes // 60}h{minutes % 60:02d}m" if minutes >= 60 else f"{minutes}m"
