"""Which reached steps of a clock happen now, which wait, and which never do: pure.

Owns the once-only rule, working hours, conditions, the collapse of several steps into the latest, and the stages.
Refuses the store and the CRM. Invariant: of one clock at most one step fires in one judgement.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from sla.calendar import NeverOpen
from sla.instant import format_instant

if TYPE_CHECKING:
    from sla.calendar import Calendar
    from sla.clock import Clock, StepState
    from sla.record import RecordState
    from sla.step import Step

Risk = Callable[["Clock"], "tuple[float, int] | None"]
"""The chance that a clock will miss, 0 to 1, and how many endings tell so; None when nothing does."""

HELD: Final = "held"
"""Not a final decision: the step waits for working hours."""

PROMPT_MS: Final = 60_000
"""A step that is noticed this soon after a threshold within its hours happens, although they have ended since."""


class Decision(NamedTuple):
    """``what``: fired, collapsed, measured, dropped; or held ``until`` an instant (epoch ms), which is not final.
    ``ready_at``: from when on a fired step could have happened, where it had to wait."""

    step: StepState
    what: str
    reason: str | None
    until: int | None = None
    ready_at: int | None = None


class _Reached(NamedTuple):
    """A reached step with its rules. ``until``: what opening it waits for; ``ready_at``: when it could first happen."""

    state: StepState
    rules: Step
    ready_at: int
    until: int | None


def decide(
    clock: Clock,
    decided: Container[tuple[str, int]],
    measured: str | None,
    state: RecordState | None = None,
    risk: Risk | None = None,
) -> list[Decision]:
    """What becomes of the steps that have been reached and are not ``decided`` yet, by (at, arm).

    ``measured`` tells why nothing is done for this record, None when it is; ``state`` is the record's, against which
    conditions are judged; ``risk`` tells the chance to miss.
    """
    rules = clock.run.target.steps
    reached = [
        (step, rule)
        for step, rule in zip(clock.steps, rules, strict=True)
        if step.reached and (step.at, step.arm) not in decided
    ]
    if not reached:
        return []
    why = measured or ("the policy is only tried out" if clock.stage == "shadow" else None)
    if why:
        return [Decision(step, "measured", why) for step, _ in reached]
    if clock.state == "stopped":
        return [Decision(step, "dropped", "the clock had stopped before it was seen") for step, _ in reached]
    if clock.state == "paused":
        return []  # it is looked at again when the clock goes on
    reached.sort(key=lambda pair: pair[0].instant_ms or 0)
    return list(_weigh(clock, reached, state, risk))


def _weigh(
    clock: Clock, reached: list[tuple[StepState, Step]], state: RecordState | None, risk: Risk | None
) -> Iterator[Decision]:
    """The latest step that may happen now does; what stands before it is done with, what comes after it waits."""
    willing: list[_Reached] = []
    for step, rules in reached:
        try:
            one = _in_hours(clock, step, rules)
        except NeverOpen:
            yield Decision(step, "dropped", "its hours never come again")
            continue
        refusal = None if one.until is not None else _refusal(clock, rules, state, risk)
        if refusal is None:
            willing.append(one)
        else:
            yield Decision(step, "dropped", refusal)
    last = max((i for i, one in enumerate(willing) if one.until is None), default=-1)
    for i, (step, _, ready_at, until) in enumerate(willing):
        if i < last:
            yield Decision(step, "collapsed", f"{willing[last].state.at} was reached as well")
        elif i == last:
            yield Decision(step, "fired", None, None, ready_at)
        elif until is not None:
            yield Decision(step, HELD, f"outside working hours: held until {format_instant(until)}", until)


def _in_hours(clock: Clock, step: StepState, rules: Step) -> _Reached:
    """Raises NeverOpen."""
    now = clock.now_ms
    instant = now if step.instant_ms is None else step.instant_ms
    calendar = _hours(clock, rules)
    if calendar is None:
        return _Reached(step, rules, instant, None)
    within = calendar.is_open(instant) or calendar.is_open(instant - 1)  # at closing time belongs to the day
    if within and now - instant <= PROMPT_MS:
        return _Reached(step, rules, instant, None)
    ready_at = instant if within else calendar.next_open(instant)
    return _Reached(step, rules, ready_at, None if calendar.is_open(now) else calendar.next_open(now))


def _hours(clock: Clock, rules: Step) -> Calendar | None:
    return None if rules.instant else rules.hours or clock.run.calendar


def _refusal(clock: Clock, rules: Step, state: RecordState | None, risk: Risk | None) -> str | None:
    """Why a step does not happen although it was reached in its hours."""
    if state is not None and not rules.when(state.fields):
        return "its condition does not hold"
    if rules.risk is None:
        return None
    found = risk(clock) if risk is not None else None
    if found is None:
        return "nothing to judge the risk by"
    chance, count = found[0], found[1]
    if chance < rules.risk:
        return f"the chance to miss is {chance:.1%}, by {count} endings: below {rules.risk:.1%}"
    return None
