"""Service-level objectives: a goal for the share of promises kept in a window.

Owns ``[[objectives]]``: their shape and reading, and what a clock counts as for one. Refuses to add up, which
``sla.figures.standing`` does.
Invariant: an objective that was read without a problem names a target that some policy has, and its goal is an exact
share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sla.calendar import Calendar
from sla.condition import ALWAYS, Condition, read_condition
from sla.duration import Duration, parse_within
from sla.figures.case import Case
from sla.figures.credit import Tier, parse_share, read_credits
from sla.figures.window import KINDS, rolling_days
from sla.policy import Policies
from sla.problem import Collector
from sla.run import Run
from sla.target import length_ms
from sla.zone import load_zone

KEYS: Final = ("name", "target", "when", "goal", "within", "window", "zone", "calendar", "credits", "attainment")
ATTAINMENTS: Final = ("adjusted", "raw")
_WINDOWS: Final = tuple(kind for kind in KINDS if kind != "day")
_UTC: Final = ZoneInfo("UTC")
_OF_CLOCKS: Final = frozenset({"policy", "kind"})
"""What conditions can name beside the record's fields."""


@dataclass(frozen=True, slots=True)
class Objective:
    """One goal. ``within``: another length than the targets' own; ``calendar``: whose working time projections and
    burn rates are reckoned in; ``adjusted``: whether excused clocks are left out."""

    name: str
    target: str
    goal: Fraction
    window: str
    zone: ZoneInfo
    calendar: Calendar
    when: Condition = ALWAYS
    within: Duration | None = None
    credits: tuple[Tier, ...] = ()
    adjusted: bool = True

    @property
    def fields(self) -> frozenset[str]:
        """The record fields that its condition names."""
        return self.when.fields - _OF_CLOCKS

    def covers(self, case: Case) -> bool:
        """Whether a clock counts for it."""
        fact = case.fact
        if fact.target != self.target or fact.stage == "shadow":
            return False
        return self.when is ALWAYS or self.when({**fact.fields, "policy": fact.policy, "kind": fact.kind})


class Judgement(NamedTuple):
    """What a clock counts as: ``outcome`` met, missed, excused, or None while undecided (or cancelled); ``at`` is when
    that was decided."""

    outcome: str | None
    at: int


def judge(objective: Objective, case: Case, now: int) -> Judgement:
    """A clock by its own target, or by the objective's ``within``."""
    if objective.within is None:
        outcome = case.fact.outcome
        return Judgement(outcome if outcome != "cancelled" else None, case.at)
    run = case.run
    within = length_ms(objective.within, run.calendar, run.started_at)
    missed_at = _passed(run, within, now)
    if missed_at is None:
        return Judgement(None if case.fact.completed_at is None else "met", case.at)
    end = now if run.ended_at is None else run.ended_at
    excused = _excused(run, case.excuses, end)
    return Judgement("excused" if excused and run.elapsed_at(end) - excused <= within else "missed", missed_at)


def _passed(run: Run, within: int, now: int) -> int | None:
    """When the working time of a clock reached ``within`` without having been completed then; None if it never did."""
    before, legs = 0, run.legs_until(now)
    for i, leg in enumerate(legs):
        work = leg.calendar.elapsed_ms(leg.start, leg.end)
        runs = run.open_from is not None and i == len(legs) - 1
        if before + work > within or (runs and before + work == within):
            left = within - before
            return leg.calendar.due_ms(leg.start, left) if left > 0 else leg.calendar.next_open(leg.start)
        before += work
    return None


def _excused(run: Run, excuses: Sequence[tuple[int, int]], end: int) -> int:
    """Working time of a clock that lies in excused spans."""
    total, counted_to = 0, run.started_at
    for since, until in excuses:
        total += run.work_within(max(since, counted_to), until, end)
        counted_to = max(counted_to, until)
    return total


def read_objectives(given: object, policies: Policies | None, problems: Collector) -> tuple[Objective, ...]:
    """``[[objectives]]`` in file order. ``policies`` None, where they could not be read, leaves out what needs them."""
    if not isinstance(given, list):
        problems.add("objectives are a list: begin each with [[objectives]]")
        return ()
    found = []
    names: set[str] = set()
    for i, table in enumerate(given):
        here = problems.at(i)
        if not isinstance(table, dict):
            here.add("an objective is a table: begin it with [[objectives]]")
            continue
        objective = _read(table, policies, here)
        name = table.get("name")
        if isinstance(name, str) and name in names:
            here.at("name").add(f"there is another objective named {name!r}")
        elif isinstance(name, str):
            names.add(name)
        if objective is not None:
            found.append(objective)
    return tuple(found)


def _read(table: dict[str, Any], policies: Policies | None, problems: Collector) -> Objective | None:
    before = len(problems.problems)
    problems.unknown_keys(table, KEYS)
    name, target = (_text(table, key, problems) for key in ("name", "target"))
    calendars = policies.calendars if policies else {}
    promised = _promised(policies)
    if policies and target and target not in promised:
        problems.at("target").add(f"no policy has a target {target!r}", tuple(promised))
    calendar = promised.get(target)
    if "calendar" in table:
        calendar = calendars.get(table["calendar"]) if isinstance(table["calendar"], str) else None
        if calendar is None and policies:
            problems.at("calendar").add(f"there is no calendar {table['calendar']!r}", tuple(calendars))
    window = table.get("window", "month")
    if window not in _WINDOWS and rolling_days(window) is None:
        problems.at("window").add(
            f'{window!r} is no window; write "month", "week", "quarter", or "28d" for the last 28 days', _WINDOWS
        )
    attainment = table.get("attainment", "adjusted")
    if attainment not in ATTAINMENTS:
        problems.at("attainment").add(f"{attainment!r} is no attainment", ATTAINMENTS)
    goal, within = _goal(table, problems), _within(table, problems)
    zone = _zone(table, calendar, problems)
    when = read_condition(table["when"], problems.at("when")) if "when" in table else ALWAYS
    tiers = read_credits(table["credits"], problems.at("credits")) if "credits" in table else ()
    if len(problems.problems) > before or goal is None or calendar is None:
        return None
    return Objective(
        name, target, goal, window, zone, calendar, when, within, tiers, adjusted=attainment == "adjusted"
    )  # fmt: skip


def _promised(policies: Policies | None) -> dict[str, Calendar]:
    """The names of all targets, with the calendar of the first that bears each."""
    found: dict[str, Calendar] = {}
    for policy in policies.policies if policies else ():
        for target in policy.targets:
            found.setdefault(target.name, target.calendar)
    return found


def _text(table: Mapping[str, Any], key: str, problems: Collector) -> str:
    value = table.get(key)
    if isinstance(value, str) and value:
        return value
    (problems.at(key) if key in table else problems).add(f"an objective needs a {key}")
    return ""


def _goal(table: Mapping[str, Any], problems: Collector) -> Fraction | None:
    if "goal" not in table:
        problems.add('an objective needs a goal, such as "95%"')
        return None
    try:
        return parse_share(table["goal"])
    except ValueError as mistake:
        problems.at("goal").add(str(mistake))
        return None


def _within(table: Mapping[str, Any], problems: Collector) -> Duration | None:
    if "within" not in table:
        return None
    try:
        return parse_within(table["within"])
    except ValueError as mistake:
        problems.at("within").add(str(mistake))
        return None


def _zone(table: Mapping[str, Any], calendar: Calendar | None, problems: Collector) -> ZoneInfo:
    if "zone" not in table:
        return calendar.zone if calendar else _UTC
    try:
        return load_zone(table["zone"])
    except ValueError as mistake:
        problems.at("zone").add(str(mistake))
        return _UTC
