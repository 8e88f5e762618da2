"""The steps of a clock, each with its threshold in working time and why it has been reached or not.

Owns the words. Refuses to decide whether a reached step happens: that is ``sync``'s.
Invariant: a step that the verdict calls reached is reached here, at the same instant.
"""

from __future__ import annotations

from typing import Any

from sla.clock import Clock, StepState
from sla.duration import format_duration, in_seconds
from sla.instant import format_instant


def ladder(clock: Clock) -> list[dict[str, Any]]:
    """The rungs in file order, ready for JSON. ``threshold_s``: working seconds at which the step stands now."""
    return [_rung(clock, place, step) for place, step in enumerate(clock.steps)]


def _rung(clock: Clock, place: int, step: StepState) -> dict[str, Any]:
    threshold = clock.run.target.steps[place].threshold
    work = round(threshold.percent * clock.run.budget / 100) + threshold.offset
    return {
        "at": step.at,
        "instant": None if step.instant_ms is None else format_instant(step.instant_ms),
        "reached": step.reached,
        "threshold_s": in_seconds(work),
        "armed_again": step.arm,
        "why": _why(clock, step, work, noted=clock.run.rungs.reached[place] is not None),
        "actions": step.actions,
    }


def _why(clock: Clock, step: StepState, work: int, *, noted: bool) -> str:
    elapsed, threshold = format_duration(clock.elapsed_ms), format_duration(work)
    if step.reached:
        return "reached on earlier terms" if noted else f"{threshold} of working time had gone by"
    if clock.state == "stopped":
        return f"the clock ended after {elapsed}, before {threshold}"
    if step.instant_ms is None:
        return f"the clock is paused after {elapsed}, before {threshold}"
    return f"{elapsed} of {threshold} have gone by"
