"""Alerts: which steps of a history would have fired, when, and whom each would have reached.

Owns what a step means to the people it speaks to, and how alerts are counted by day, person and hour. Refuses to send
anything, and to guess what would have changed because somebody was told.
Invariant: an alert follows from the evaluation of its record alone; of one clock at most one fires at an instant.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sla.calendar import NeverOpen
from sla.clock import Clock
from sla.condition import ALWAYS
from sla.fold import Evaluation
from sla.instant import HOUR, MINUTE
from sla.model import SYSTEM
from sla.people import NOBODY, People
from sla.record import UNASSIGNED, RecordState
from sla.step import Step
from sla.zone import shift_at

SHADOW: Final = "shadow"
DESTRUCTIVE: Final = frozenset({"reassign", "set", "status", "priority", "message"})
"""What a policy of stage ``warn`` leaves out."""

PROMPT: Final = MINUTE
"""A step at closing time that is known so soon after it still fires."""

Fields = Callable[[int], Mapping[str, Any]]
"""The fields of a record at an instant (epoch milliseconds)."""


class Alert(NamedTuple):
    """A step that fires at the instant ``at`` (epoch milliseconds). ``to`` names whom its actions reach: a person, a
    queue, a pool as the configuration names it, ``manager of user:5`` where nobody is known, ``customer``, or
    ``unassigned``. ``risk``: it fires only from this chance to miss on, which history alone does not tell."""

    at: int
    record: str
    policy: str
    target: str
    cycle: int
    step: str
    stage: str
    actions: tuple[str, ...]
    to: tuple[str, ...]
    risk: float | None = None

    @property
    def sent(self) -> bool:
        """False for a policy that is only tried out, and for a step of which nobody knows."""
        return self.stage != SHADOW and self.risk is None


def alerts_of(evaluation: Evaluation, people: People = NOBODY, fields: Fields | None = None) -> Iterator[Alert]:
    """The alerts of one record's clocks, clock by clock, each clock's in order of time.

    Steps that become known at one instant count once, as the latest of them: those that share a threshold, and those
    that had passed before the record was first seen. Each waits for its hours. A clock that had ended by then raises
    none; one that was paused raises them when it goes on. ``fields`` is asked by steps with a condition; without it
    every condition is taken to hold.
    """
    for clock in evaluation.clocks:
        for at, step in _firing(clock, evaluation.state, fields):
            actions = tuple(name for name in step.actions if clock.stage != "warn" or name not in DESTRUCTIVE)
            if actions:
                owner = _holder(evaluation.state, at)
                reached = (_addressee(name, step.actions[name], owner, people) for name in actions)
                to = tuple(dict.fromkeys(name for name in reached if name is not None))
                yield Alert(
                    at, clock.record, clock.policy, clock.target, clock.cycle, step.at, clock.stage, actions, to,
                    step.risk,
                )  # fmt: skip


def _firing(clock: Clock, state: RecordState, fields: Fields | None) -> list[tuple[int, Step]]:
    """The steps that fire, each with the instant at which it does."""
    seen = state.first_seen_at
    found: dict[int, Step] = {}
    doubtful: list[tuple[int, Step]] = []
    rules = zip(clock.steps, clock.run.target.steps, strict=True)
    reached = [(step.instant_ms, rule) for step, rule in rules if step.reached and step.instant_ms is not None]
    for instant, rule in sorted(reached, key=lambda pair: pair[0]):
        at = _moment(clock, rule, instant, instant if seen is None else max(instant, seen))
        if at is None or (rule.when is not ALWAYS and fields is not None and not rule.when(fields(at))):
            continue
        if rule.risk is None:
            found[at] = rule  # a later one takes the place of an earlier one
        else:
            doubtful.append((at, rule))
    return sorted([*found.items(), *doubtful], key=lambda pair: pair[0])


def _moment(clock: Clock, rule: Step, instant: int, known: int) -> int | None:
    """When a step that was reached at ``instant`` and became known at ``known`` fires; None when it never does."""
    at = _running(clock, known)
    calendar = None if rule.instant else rule.hours or clock.run.calendar
    if at is None or calendar is None or calendar.is_open(at):
        return at
    closing = calendar.is_open(instant - 1)  # a threshold at closing time belongs to the day
    if closing and at - instant <= PROMPT:
        return at
    try:
        opening = calendar.next_open(at)
    except NeverOpen:
        return None
    return _running(clock, opening) if opening <= clock.now_ms else None


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
    if action == "message":
        return "customer"
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
    tried out, and of steps that ask for a chance to miss, just how many there are."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self.sent = 0
        self.measured = 0
        self.doubtful = 0
        """Steps that may have fired: whether they do depends on a chance to miss."""
        self.hours: Counter[int] = Counter()
        """By local hour: hours since the epoch on the wall clock of the zone."""
        self.people: dict[str, Counter[int]] = {}
        """By person and local day: days since the epoch."""
        self._instants: dict[str, list[int]] = {}

    def add(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            if not alert.sent:
                self.measured += alert.stage == SHADOW
                self.doubtful += alert.stage != SHADOW
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
