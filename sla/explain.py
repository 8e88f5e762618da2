"""Why a clock stands where it stands: its timeline, every interval with its cause, who lost and why.

Owns the account of an evaluation. Refuses a second opinion: it reads the same fold and adds nothing to it.
Invariant: a clock's intervals follow each other without a gap, and those of cause ``running`` add up to its elapsed
working time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sla.calendar import Calendar
from sla.clock import Clock
from sla.fold import Evaluation, Wait, evaluate_record
from sla.instant import SECOND, format_instant
from sla.model import Event
from sla.policy import Policies
from sla.record import RecordState
from sla.target import Target, length_ms
from sla.timeline import event_to_line, settle

RUNNING = "running"
OUT_OF_HOURS = "out of hours"


class Interval(NamedTuple):
    """``[start, end)`` of one cause; ``work`` is the working time in it, whether it counts or not."""

    start: int
    end: int
    cause: str
    work: int


def explain_record(policies: Policies, events: Sequence[Event], now: int, waits: Iterable[Wait] = ()) -> dict[str, Any]:
    """The account of one record as of ``now`` (epoch milliseconds), ready for JSON.

    ``timeline`` holds the events in the order in which they count, each with ``counts_as`` or ``not_an_answer``;
    ``clocks`` the verdicts, each with its ``intervals`` and the ``other_policies``.
    """
    evaluation = evaluate_record(policies, events, now, waits)
    ordered = settle(events, now)
    state = evaluation.state
    return {
        "record": state.record,
        "kind": state.kind,
        "now": format_instant(now),
        "fields": state.fields,
        "timeline": [_told(event, state) for event in ordered],
        "clocks": [_clock(policies, clock, evaluation, ordered) for clock in evaluation.clocks],
    }


def _told(event: Event, state: RecordState) -> dict[str, Any]:
    line = event_to_line(event)
    for rejection in state.rejections:
        if rejection.event == event.id:
            line["not_an_answer"] = rejection.reason
    return line


def _clock(policies: Policies, clock: Clock, evaluation: Evaluation, ordered: list[Event]) -> dict[str, Any]:
    return {
        **clock.verdict(),
        "calendar": clock.run.target.calendar.name,
        "ended_at": None if clock.run.ended_at is None else format_instant(clock.run.ended_at),
        "intervals": [
            {
                "from": format_instant(i.start),
                "to": format_instant(i.end),
                "cause": i.cause,
                "working_s": i.work // SECOND if i.work % SECOND == 0 else i.work / SECOND,
            }
            for i in intervals(clock, ordered)
        ],
        "other_policies": list(_others(policies, clock, evaluation.state)),
    }


# ---- intervals


def intervals(clock: Clock, ordered: Sequence[Event]) -> list[Interval]:
    """Every interval of a clock from its start to its end or to now, with its cause."""
    run = clock.run
    end = clock.now_ms if run.ended_at is None else run.ended_at
    counted = [(s.start, s.end, s.calendar) for s in run.segments]
    if run.open_from is not None:
        counted.append((run.open_from, end, run.calendar))
    found: list[Interval] = []
    at = run.started_at
    for start, stop, calendar in counted:
        if at < start:
            found += _stopped(run.calendar, at, start, run.pauses, ordered)
        found += _split_by_hours(calendar, start, stop)
        at = max(at, stop)
    if at < end:
        found += _stopped(run.calendar, at, end, [*run.pauses, (run.paused_from or end, end)], ordered)
    return _joined(found)


def _split_by_hours(calendar: Calendar, start: int, end: int) -> Iterator[Interval]:
    at = start
    for opening, closing in calendar.intervals_ms(start, end):
        yield from _closed(calendar, at, opening)
        yield Interval(opening, closing, RUNNING, closing - opening)
        at = closing
    yield from _closed(calendar, at, end)


def _closed(calendar: Calendar, start: int, end: int) -> Iterator[Interval]:
    """A span out of hours, cut at the local midnights around holidays and closed days."""
    for a, b, cause in calendar.closures(start, end):
        yield Interval(a, b, cause or OUT_OF_HOURS, 0)


def _stopped(
    calendar: Calendar, start: int, end: int, pauses: Sequence[tuple[int, int]], ordered: Sequence[Event]
) -> Iterator[Interval]:
    """A span in which the clock did not run: a pause, or the gap between resolved and reopened."""
    paused = any(a <= start < b for a, b in pauses)
    cause = f"paused: {_status_at(ordered, start)}" if paused else "resolved, until it was reopened"
    yield Interval(start, end, cause, calendar.elapsed_ms(start, end))


def _status_at(ordered: Sequence[Event], at: int) -> str:
    state: RecordState | None = None
    for event in ordered:
        if event.at > at:
            break
        state = state or RecordState(event.record)
        state.apply(event)
    if state is None:
        return "new"
    raw = state.fields.get("raw_status")
    return f"{state.status} ({raw})" if raw else state.status


def _joined(found: Iterable[Interval]) -> list[Interval]:
    """Neighbours of one cause as one."""
    joined: list[Interval] = []
    for interval in found:
        if interval.start >= interval.end:
            continue
        last = joined[-1] if joined else None
        if last and last.cause == interval.cause and last.end == interval.start:
            joined[-1] = Interval(last.start, interval.end, last.cause, last.work + interval.work)
        else:
            joined.append(interval)
    return joined


# ---- the other policies


def _others(policies: Policies, clock: Clock, state: RecordState) -> Iterator[dict[str, str]]:
    """Every other policy that has a target of this name, and why it does not rule."""
    for group in policies.groups(state.kind):
        for candidate in group:
            target = candidate.target
            if target.name == clock.target and target is not clock.run.target:
                yield {"policy": target.policy, "why_not": _why_not(policies, clock, target, state)}


def _why_not(policies: Policies, clock: Clock, target: Target, state: RecordState) -> str:
    policy = next(p for p in policies.policies if p.name == target.policy)
    if not policy.when(state.fields):
        return "its conditions do not hold: " + _mismatch(policy.when.source, state)
    within = target.within_for(state.fields)
    if within is None:
        return f"it promises nothing at priority {state.fields.get('priority') or 'normal'}"
    if (target.stage == "shadow") != (clock.stage == "shadow"):
        return "it is only tried out (stage shadow)" if target.stage == "shadow" else "this clock is only tried out"
    if policies.match == "first":
        return "it stands later in the file"
    start = clock.started_ms
    due = target.calendar.due_ms(start, length_ms(within, target.calendar, start))
    return f"its due, {format_instant(due)} from the start, is not earlier"


def _mismatch(source: Any, state: RecordState) -> str:
    parts = []
    for name, wanted in source.items():
        if name in ("all", "any", "not"):
            parts.append(f"{name} of several")
        else:
            parts.append(f"{name} is {state.fields.get(name)!r}, wanted {wanted!r}")
    return "; ".join(parts)
