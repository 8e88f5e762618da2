"""Clocks as figures want them: one flat fact for each, and the dimensions by which facts are grouped.

Owns what is known of a clock once it is counted: who had it, to which group it belongs. Refuses to count.
Invariant: a fact follows from the evaluation of its record alone; the same evaluation gives the same facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from sla.clock import Clock
from sla.fold import Evaluation
from sla.instant import to_datetime
from sla.model import SYSTEM, split_record
from sla.people import NOBODY, People
from sla.record import RecordState

NONE: Final = "(none)"
"""The group of those that have no value in a dimension."""

_UTC: Final = ZoneInfo("UTC")
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PERIODS: Final = ("day", "week", "month", "quarter", "hour_of_week")
DIMENSIONS: Final = (
    "policy", "target", "kind", "owner", "team", "channel", "source", "priority", "tier", "customer", "connection",
    "stage", *_PERIODS,
)  # fmt: skip
"""The names by which facts can be grouped, beside the record's own fields."""


class Reached(NamedTuple):
    """A step whose threshold was reached at ``instant`` (epoch milliseconds)."""

    at: str
    instant: int
    actions: Mapping[str, Any]


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One clock. Instants are epoch milliseconds, lengths working milliseconds.

    ``owner``: who had the record at the breach if there was one, else at the end, else now (``user:5``, ``queue:X``,
    ``unassigned`` or ``system``). ``fields``: the record's fields as they stood when the clock ended, else as they
    stand. ``raw_outcome``: as if nothing had been excused.
    """

    record: str
    kind: str
    policy: str
    target: str
    cycle: int
    stage: str
    state: str
    outcome: str | None
    raw_outcome: str | None
    reason: str | None
    started_at: int
    due_at: int | None
    completed_at: int | None
    ended_at: int | None
    breached_at: int | None
    within: int
    elapsed: int
    paused: int
    late: int
    owner: str
    team: str | None
    fields: Mapping[str, Any]
    spent: Mapping[str, int]
    reached: list[Reached]

    @property
    def decided_at(self) -> int | None:
        """When it was settled whether the promise was kept: at the breach, else when it ended; None while open."""
        return self.breached_at if self.breached_at is not None else self.ended_at


def facts(evaluation: Evaluation, people: People | None = None) -> list[Fact]:
    """One fact for each clock of a record, in the order of its clocks."""
    return [fact_of(clock, evaluation.state, people or NOBODY) for clock in evaluation.clocks]


def fact_of(clock: Clock, state: RecordState, people: People = NOBODY) -> Fact:
    """A clock as a fact."""
    run = clock.run
    owner = holder_at(state, next((at for at in (run.breached_at, run.ended_at) if at is not None), clock.now_ms))
    fields = run.fields if run.fields is not None else state.fields
    colleague = people.get(owner)
    team = colleague.team if colleague and colleague.team else fields.get("team")
    return Fact(
        record=clock.record,
        kind=state.kind,
        policy=clock.policy,
        target=clock.target,
        cycle=clock.cycle,
        stage=clock.stage,
        state=clock.state,
        outcome=clock.outcome,
        raw_outcome="missed" if run.breached_at is not None else run.outcome,
        reason=clock.reason,
        started_at=run.started_at,
        due_at=run.due_at,
        completed_at=run.completed_at,
        ended_at=run.ended_at,
        breached_at=run.breached_at,
        within=run.within,
        elapsed=clock.elapsed_ms,
        paused=clock.paused_ms,
        late=clock.late_ms,
        owner=owner,
        team=None if team is None else str(team),
        fields=fields,
        spent=clock.spent_ms,
        reached=[
            Reached(step.at, step.instant_ms, step.actions)
            for step in clock.steps
            if step.reached and step.instant_ms is not None
        ],
    )


def holder_at(state: RecordState, at: int) -> str:
    """Whose time ended at an instant: whoever gets the record at that very instant did not have it before."""
    before = [holder for since, holder in state.holders if since < at]
    then = [holder for since, holder in state.holders if since == at]
    return (before or then or [SYSTEM])[-1]


def dimension(fact: Fact, name: str, zone: ZoneInfo = _UTC) -> str:
    """The group of a fact in a dimension: one of ``DIMENSIONS`` or a field of the record; periods are of the local
    date at which it was decided, else at which it started. ``(none)`` where there is no value."""
    if name in _PERIODS:
        return _period(to_datetime(fact.decided_at or fact.started_at).astimezone(zone), name)
    if name in ("policy", "target", "kind", "owner", "stage"):
        return str(getattr(fact, name))
    if name == "connection":
        return split_record(fact.record)[0]
    value = fact.team if name == "team" else fact.fields.get(name)
    if name == "customer" and value is None:
        value = fact.fields.get("requester")
    return NONE if value is None or value == "" else str(value)


def _period(local: datetime, name: str) -> str:
    match name:
        case "day":
            return local.date().isoformat()
        case "week":
            year, week, _ = local.isocalendar()
            return f"{year}-W{week:02d}"
        case "month":
            return f"{local.year}-{local.month:02d}"
        case "quarter":
            return f"{local.year}-Q{(local.month + 2) // 3}"
    return f"{_WEEKDAYS[local.weekday()]} {local.hour:02d}"
