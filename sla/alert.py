"""Alerts: which steps of a history would have fired, when, and whom each would have reached.

Owns what a step means to the people it speaks to, and how alerts are counted by day, person and hour. Refuses to send
anything, and to guess what would have changed because somebody was told.
Invariant: an alert follows from the evaluation of its record alone; of one clock at most one fires at an instant.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sla.clock import Clock
from sla.fold import Evaluation
from sla.instant import HOUR
from sla.model import SYSTEM
from sla.people import NOBODY, People
from sla.record import UNASSIGNED, RecordState
from sla.zone import shift_at

SHADOW: Final = "shadow"
DESTRUCTIVE: Final = frozenset({"reassign", "set", "status", "priority"})
"""What a policy of stage ``warn`` leaves out."""


class Alert(NamedTuple):
    """A step that fires at the instant ``at`` (epoch milliseconds). ``to`` names whom its actions reach: a person, a
    queue, a pool as the configuration names it, ``manager of user:5`` where nobody is known, or ``unassigned``."""

    at: int
    record: str
    policy: str
    target: str
    cycle: int
    step: str
    stage: str
    actions: tuple[str, ...]
    to: tuple[str, ...]

    @property
    def sent(self) -> bool:
        """False for a policy that is only tried out."""
        return self.stage != SHADOW


def alerts_of(evaluation: Evaluation, people: People = NOBODY) -> Iterator[Alert]:
    """The alerts of one record's clocks, clock by clock, each clock's in order of time.

    Steps that become known at one instant count once, as the latest of them: those that share a threshold, and those
    that had passed before the record was first seen. A clock that had ended by then raises none; one that was paused
    raises them when it goes on.
    """
    for clock in evaluation.clocks:
        for at, step in _noticed(clock, evaluation.state):
            actions = tuple(name for name in step.actions if clock.stage != "warn" or name not in DESTRUCTIVE)
            if actions:
                owner = _holder(evaluation.state, at)
                reached = (_addressee(name, step.actions[name], owner, people) for name in actions)
                to = tuple(dict.fromkeys(name for name in reached if name is not None))
                yield Alert(
                    at, clock.record, clock.policy, clock.target, clock.cycle, step.at, clock.stage, actions, to
                )


class _Notice(NamedTuple):
    at: str
    actions: Mapping[str, Any]


def _noticed(clock: Clock, state: RecordState) -> list[tuple[int, _Notice]]:
    """The steps that fire, each with the instant at which it does."""
    seen = state.first_seen_at
    found: dict[int, _Notice] = {}
    reached = sorted(
        (s for s in clock.steps if s.reached and s.instant_ms is not None), key=lambda s: s.instant_ms or 0
    )
    for step in reached:
        assert step.instant_ms is not None  # noqa: S101 - those without an instant were left out above
        at = _running(clock, step.instant_ms if seen is None else max(step.instant_ms, seen))
        if at is not None:
            found[at] = _Notice(step.at, step.actions)  # a later one takes the place of an earlier one
    return sorted(found.items())


def _running(clock: Clock, at: int) -> int | None:
    """``at``, or the end of the pause that it lies in; None when the clock does not run any more by then."""
    run = clock.run
    for start, end in run.pauses:
        if start <= at < end:
            at = end
    if run.paused_from is not None and at >= run.paused_from:
        return None
    if run.ended_at is not None and at >= run.ended_at:
        return None
    return at if at <= clock.now_ms else None


def _holder(state: RecordState, at: int) -> str:
    """Who has the record at an instant, with everything that happened at it."""
    place = bisect_right(state.holders, at, key=lambda held: held[0])
    holder = state.holders[place - 1][1] if place else SYSTEM
    return UNASSIGNED if holder == SYSTEM else holder


def _addressee(action: str, wish: Any, owner: str, people: People) -> str | None:
    """Whom an action reaches; None when it speaks to nobody."""
    if action == "task" or (action == "notify" and wish == "owner"):
        return owner
    if action not in ("notify", "reassign"):
        return None
    if wish == "manager":
        colleague = people.get(owner)
        return colleague.manager if colleague and colleague.manager else f"manager of {owner}"
    return f"next of the pool of {owner}" if wish == "next" else str(wish)


# ---- counting


class Storm(NamedTuple):
    """A span in which a policy's alerts went over its budget an hour: ``held`` came while it was spent, ``peak`` is
    the most within any one hour. Instants are epoch milliseconds."""

    policy: str
    budget: int
    since: int
    until: int
    held: int
    peak: int


class AlertCount:
    """How many alerts there were, by local day, hour and person. Counts those that are sent; of policies that are only
    tried out just how many there would have been."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self.sent = 0
        self.measured = 0
        self.hours: Counter[int] = Counter()
        """By local hour: hours since the epoch on the wall clock of the zone."""
        self.people: dict[str, Counter[int]] = {}
        """By person and local day: days since the epoch."""
        self._instants: dict[str, list[int]] = {}

    def add(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            if not alert.sent:
                self.measured += 1
                continue
            hour = (alert.at + shift_at(self._zone, alert.at)) // HOUR
            self.sent += 1
            self.hours[hour] += 1
            self._instants.setdefault(alert.policy, []).append(alert.at)
            for person in alert.to:
                self.people.setdefault(person, Counter())[hour // 24] += 1

    @property
    def days(self) -> Counter[int]:
        """Alerts by local day."""
        found: Counter[int] = Counter()
        for hour, count in self.hours.items():
            found[hour // 24] += count
        return found

    @property
    def busiest_hour(self) -> tuple[int, int] | None:
        """The local hour with the most alerts, the first of equals, and how many."""
        return max(self.hours.items(), key=lambda item: (item[1], -item[0]), default=None)

    def storms(self, budgets: Mapping[str, int]) -> list[Storm]:
        """The spans in which a policy went over its alerts an hour, in order of time."""
        found = [
            storm
            for policy, instants in self._instants.items()
            if policy in budgets
            for storm in storms(policy, instants, budgets[policy])
        ]
        return sorted(found, key=lambda storm: (storm.since, storm.policy))


def storms(policy: str, instants: Iterable[int], budget: int) -> Iterator[Storm]:
    """The spans in which more than ``budget`` of the instants lie within an hour; less than an hour apart they are one.

    What is over the budget is held back and fires later, so it is not counted against the hours that follow.
    """
    hour: deque[int] = deque()
    fired: deque[int] = deque()
    storm: Storm | None = None
    for at in sorted(instants):
        hour.append(at)
        while hour[0] <= at - HOUR:
            hour.popleft()
        while fired and fired[0] <= at - HOUR:
            fired.popleft()
        if len(fired) < budget:
            fired.append(at)
            continue
        if storm is not None and at - storm.until >= HOUR:
            yield storm
            storm = None
        since, held, peak = (hour[0], 0, 0) if storm is None else (storm.since, storm.held, storm.peak)
        storm = Storm(policy, budget, since, at, held + 1, max(peak, len(hour)))
    if storm is not None:
        yield storm
