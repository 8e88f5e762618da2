"""Why a clock stands where it stands: its timeline, every interval with its cause, who lost and why, whose time it was.

Owns the account of an evaluation: which parts it has and what they are called. Refuses a second opinion: it reads the
same fold and adds nothing to it.
Invariant: every figure of an account is given with the parts that make it, and they add up to the millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sla.account.annotation import RETERMED, annotate, deeds
from sla.account.attribution import Sum, attribute, due_parts
from sla.account.interval import Interval, Span, intervals
from sla.account.ladder import ladder
from sla.account.moment import Moments
from sla.account.picture import Mark, lane
from sla.account.rivals import Decision, Rival, decision, home, prospect, rivals
from sla.clock import Clock
from sla.duration import in_seconds
from sla.fold import Evaluation, Move, Wait, evaluate_record
from sla.instant import format_instant
from sla.model import Event
from sla.policy import Policies
from sla.run import Change
from sla.target import length_ms
from sla.timeline import settle

Life = tuple[Clock, list[Interval]]
Wanted = tuple[str, int | None]
"""A target and a cycle; all its cycles for None."""


class _Ground(NamedTuple):
    """What the account of every clock of a record stands on."""

    policies: Policies
    moves: Sequence[Move]
    moments: Moments
    evaluation: Evaluation


def explain_record(
    policies: Policies,
    events: Sequence[Event],
    now: int,
    waits: Iterable[Wait] = (),
    moves: Iterable[Move] = (),
    only: Sequence[Wanted] = (),
) -> dict[str, Any]:
    """The account of one record as of ``now`` (epoch milliseconds), ready for JSON (see docs/explain.md).

    ``waits`` and ``moves`` as in ``evaluate_record``. ``only`` narrows the clocks to these.
    """
    moving = sorted((move for move in moves if move.at <= now), key=lambda move: move.at)
    evaluation = evaluate_record(policies, events, now, waits, moving)
    ordered = settle(events, now)
    ground = _Ground(policies, moving, Moments(policies, ordered, moving), evaluation)
    state = evaluation.state
    lives = [
        (clock, intervals(clock, state, ground.moments))
        for clock in evaluation.clocks
        if not only or any(target == clock.target and cycle in (None, clock.cycle) for target, cycle in only)
    ]
    return {
        "record": state.record,
        "kind": state.kind,
        "now": format_instant(now),
        "first_seen_at": None if state.first_seen_at is None else format_instant(state.first_seen_at),
        "policy_version": (moving[-1].policies if moving else policies).version,
        "fields": state.fields,
        "derived": state.derived,
        "timeline": annotate(ground.moments, state, lives),
        "all_clocks": [f"{clock.target}#{clock.cycle}" for clock in evaluation.clocks],
        "clocks": [_clock(clock, found, ground) for clock, found in lives],
        "picture": {"lanes": [lane(clock, found, _marks(clock, found)) for clock, found in lives]},
    }


def _clock(clock: Clock, found: list[Interval], ground: _Ground) -> dict[str, Any]:
    run = clock.run
    version = home(clock, ground.policies, ground.moves)
    made = decision(clock, version, ground.moments)
    return {
        **clock.verdict(),
        "stage": clock.stage,
        "policy_version": version.version,
        "calendar": run.calendar.name,
        "calendar_version": run.calendar.version,
        "timezone": run.calendar.zone.key,
        "ended_at": _instant(run.ended_at),
        "budget_s": in_seconds(run.budget),
        "intervals": [_interval(interval) for interval in found],
        "sums": _sums(clock, found),
        "steps": ladder(clock),
        "changes": [_change(change, version, ground.moments) for change in run.changes],
        "adjustments": list(_adjustments(clock, made)),
        "decision": None if made is None else _decision(clock, made, found),
        "other_policies": [] if made is None else [_rival(rival) for rival in rivals(clock, made, found)],
    }


# ---- intervals and sums


def _interval(interval: Interval) -> dict[str, Any]:
    told = {
        "from": format_instant(interval.start),
        "to": format_instant(interval.end),
        "kind": interval.kind,
        "cause": interval.cause,
        "counts": interval.counts,
        "working_s": in_seconds(interval.work),
    }
    if interval.holder is not None:
        told["holder"] = interval.holder
    elif interval.openings:
        told["openings"] = [_part(part) for part in interval.openings]
    return told


def _sums(clock: Clock, found: list[Interval]) -> dict[str, Any]:
    shares = attribute(found)
    due = due_parts(clock, found)
    return {
        "elapsed": _sum(shares.elapsed),
        "spent": _each(shares.spent),
        "paused": _each(shares.paused),
        "left_out": _each(shares.left_out),
        "excused": _sum(shares.excused),
        "due": None if due is None else _sum(due),
        "whole_s": in_seconds(shares.whole),
    }


def _each(sums: Mapping[str, Sum]) -> dict[str, Any]:
    return {name: _sum(total) for name, total in sums.items()}


def _sum(total: Sum) -> dict[str, Any]:
    return {"working_s": in_seconds(total.work), "parts": [_part(part) for part in total.parts]}


def _part(part: Span) -> dict[str, Any]:
    start, end = part
    return {"from": format_instant(start), "to": format_instant(end), "working_s": in_seconds(end - start)}


# ---- decisions


def _decision(clock: Clock, made: Decision, found: list[Interval]) -> dict[str, Any]:
    ruling = clock.run.target.offer(made.moment.fields, clock.started_ms)
    looked_at = clock.run.target.fields | {"priority"}
    return {
        "at": format_instant(made.at),
        "when": "at its start" if made.begins else "when its terms were last weighed again",
        "match": made.policies.match,
        "due_at": None if ruling is None else format_instant(prospect(clock, made, ruling, found)),
        "derived": {
            name: {"value": made.moment.fields.get(name), "rule": rule}
            for name, rule in made.moment.derived.items()
            if name in looked_at | made.policies.matching_fields
        },
    }


def _adjustments(clock: Clock, made: Decision | None) -> Iterator[dict[str, Any]]:
    """What stretched the promise, each with the length before and after."""
    run = clock.run
    within = run.target.within_for(made.moment.fields) if made else None
    if within is None:
        return
    before = length_ms(within, run.calendar, run.started_at)
    for period in run.stretched:
        after = round(before * period.factor)
        yield {
            "name": period.name,
            "factor": period.factor,
            "reason": period.reason,
            "approved_by": period.approved_by,
            "from_s": in_seconds(before),
            "to_s": in_seconds(after),
        }
        before = after


def _rival(rival: Rival) -> dict[str, Any]:
    return {
        "policy": rival.policy,
        "why_not": rival.why_not,
        "due_at": _instant(rival.due),
        "mismatches": list(rival.mismatches),
    }


def _change(change: Change, version: Policies, moments: Moments) -> dict[str, Any]:
    return {
        "at": format_instant(change.at),
        "why": change.why,
        "fields": _turned(change.at, version, moments),
        "policy_before": change.policy_before,
        "policy": change.policy,
        "within_before_s": in_seconds(change.within_before),
        "within_s": in_seconds(change.within),
        "due_before_at": _instant(change.due_before),
        "due_at": _instant(change.due),
        "floored": change.floored,
    }


def _turned(at: int, version: Policies, moments: Moments) -> dict[str, dict[str, Any]]:
    """The fields on which terms depend that got another value at an instant."""
    before, after = moments.before(at), moments.at(at)
    changed = frozenset[str]().union(*(moment.changed for moment in after)) & version.matching_fields
    return {
        name: {"before": before.fields.get(name) if before else None, "after": after[-1].fields.get(name)}
        for name in sorted(changed)
    }


def _marks(clock: Clock, found: list[Interval]) -> Iterator[Mark]:
    for deed in deeds(clock, found):
        yield Mark(deed.at, "event", "terms changed" if deed.what == RETERMED else deed.what)


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)
