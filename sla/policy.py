"""Policies: which records are promised what, as read from a configuration.

Owns ``[calendars]`` and ``[[policies]]``. Refuses connections, pools and files.
Invariant: a ``Policies`` that was read without a problem can be evaluated without one; its ``version`` changes when
and only when its content does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sla import signal
from sla.calendar import Calendar
from sla.condition import ALWAYS, Condition, read_condition
from sla.duration import Duration, parse_duration, parse_within
from sla.instant import MINUTE
from sla.metric import Metric, read_metric
from sla.model import KINDS, PRIORITIES
from sla.problem import Collector
from sla.step import Step, read_steps

STAGES: Final = ("shadow", "warn", "enforce")
RECOMPUTE: Final = ("carry", "restart", "keep")
MATCH: Final = ("strictest", "first")
POLICY_KEYS: Final = (
    "name", "applies_to", "calendar", "stage", "when", "answers", "reopen", "recompute", "actions_per_hour", "targets",
)  # fmt: skip
TARGET_KEYS: Final = (
    "name", "metric", "within", "steps", "calendar", "answers", "reopen", "pause", "start", "stop", "repeat",
    "status", "raw_status",
)  # fmt: skip
REOPEN_KEYS: Final = ("window", "floor")
DEFAULT_ANSWERS: Final = {"lead": signal.CALL_ATTEMPT, "ticket": signal.SOLVE, "deal": 0}
FLOOR: Final = 15 * MINUTE
_WINDOW: Final = Duration(days=5)


@dataclass(frozen=True, slots=True)
class Reopen:
    """Until when a reopened record resumes its cycle, and how far ahead it is then due at least.

    ``window``: a length, or None for always; ``never`` begins a new cycle at once. ``floor``: working milliseconds,
    None for max(10 % of the target, 15 min).
    """

    window: Duration | None = _WINDOW
    never: bool = False
    floor: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One promise: a metric and how long it may take. ``within`` is by priority, or the same for all under None."""

    name: str
    metric: Metric
    within: Mapping[str | None, Duration]
    steps: tuple[Step, ...]
    calendar: Calendar
    answers: int
    """The signals that count as an answer."""
    reopen: Reopen
    policy: str
    stage: str
    recompute: str
    rank: int
    """Its place in the file, which decides between equals."""

    def within_for(self, fields: Mapping[str, Any]) -> Duration | None:
        """How long it may take for a record with these fields; None is best effort, without a clock."""
        if None in self.within:
            return self.within[None]
        priority = fields.get("priority") or "normal"
        return self.within.get(str(priority).casefold())


@dataclass(frozen=True, slots=True)
class Policy:
    """Which records it covers (``when``) and what it promises them."""

    name: str
    applies_to: str
    stage: str
    when: Condition
    targets: tuple[Target, ...]
    actions_per_hour: int
    rank: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that may rule the clock of its name, with the policy that offers it."""

    policy: Policy
    target: Target


class Policies:
    """Every policy of a configuration, in file order, and its calendars by name."""

    def __init__(self, policies: list[Policy], calendars: dict[str, Calendar], match: str, version: str) -> None:
        self.policies = policies
        self.calendars = calendars
        self.match = match
        """``strictest``: the earliest due of all matching policies rules; ``first``: the first in file order."""
        self.version = version
        """A hash of the content: calendars, policies and the way they are matched."""
        self.fields = frozenset(
            name
            for policy in policies
            for name in (*policy.when.fields, *(f for t in policy.targets for f in _fields_of(t)))
        )
        """The record fields that conditions and texts name."""
        self.matching_fields = frozenset(name for policy in policies for name in policy.when.fields) | {"priority"}
        self._groups: dict[str, list[list[Candidate]]] = {}

    @classmethod
    def from_config(cls, document: Mapping[str, Any]) -> Policies:
        """Reads ``calendars``, ``policies`` and ``daemon.match`` of a parsed configuration.

        Raises Problems with every mistake, each with its path into the document.
        """
        problems = Collector()
        calendars = _read_calendars(document.get("calendars", {}), problems.at("calendars"))
        daemon = document.get("daemon")
        match = daemon.get("match", "strictest") if isinstance(daemon, dict) else "strictest"
        if match not in MATCH:
            problems.at("daemon", "match").add(f"{match!r} is no way to match", MATCH)
        listed = document.get("policies", [])
        if not isinstance(listed, list):
            problems.at("policies").add("policies are a list: begin each with [[policies]]")
            listed = []
        policies = [
            policy
            for rank, table in enumerate(listed)
            if (policy := _read_policy(table, rank, calendars, problems.at("policies", rank)))
        ]
        names = [policy.name for policy in policies]
        for policy in policies:
            if names.index(policy.name) != policies.index(policy):
                problems.at("policies", policy.rank, "name").add(f"there is another policy named {policy.name!r}")
        problems.raise_if_any()
        content = {"calendars": document.get("calendars", {}), "policies": listed, "match": match}
        digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
        return cls(policies, calendars, match, digest)

    def groups(self, kind: str) -> list[list[Candidate]]:
        """The targets for a kind of record, grouped by name: those of one group compete for one clock.

        Policies that are only tried out (stage ``shadow``) compete among themselves.
        """
        if kind not in self._groups:
            found: dict[tuple[str, bool], list[Candidate]] = {}
            for policy in self.policies:
                if policy.applies_to == kind:
                    for target in policy.targets:
                        key = (target.name, policy.stage == "shadow")
                        found.setdefault(key, []).append(Candidate(policy, target))
            self._groups[kind] = list(found.values())
        return self._groups[kind]


def _fields_of(target: Target) -> set[str]:
    metric = target.metric
    names = {*metric.start.condition.fields, *metric.stop.condition.fields, *metric.pause.fields}
    for step in target.steps:
        names |= step.fields
    return names


def _read_calendars(table: object, problems: Collector) -> dict[str, Calendar]:
    if not isinstance(table, dict):
        problems.add("calendars are tables: begin each with [calendars.NAME]")
        return {}
    found = {}
    for name, config in table.items():
        here = problems.at(name)
        if isinstance(config, dict):
            found[name] = Calendar.from_config(config, name, here)
        else:
            here.add("a calendar is a table with timezone and hours")
    return found


def _read_policy(table: object, rank: int, calendars: dict[str, Calendar], problems: Collector) -> Policy | None:
    if not isinstance(table, dict):
        problems.add("a policy is a table: begin it with [[policies]]")
        return None
    problems.unknown_keys(table, POLICY_KEYS)
    name = table.get("name")
    if not isinstance(name, str) or not name:
        (problems.at("name") if "name" in table else problems).add("a policy needs a name")
        name = f"policy {rank + 1}"
    kind = table.get("applies_to")
    if kind not in KINDS:
        where = problems.at("applies_to") if "applies_to" in table else problems
        where.add(f"`applies_to` says which records: lead, ticket or deal, not {kind!r}", KINDS)
        kind = "ticket"
    shared = {
        "stage": _choice(table, "stage", STAGES, "enforce", problems),
        "recompute": _choice(table, "recompute", RECOMPUTE, "carry", problems),
        "policy": name,
    }
    targets = table.get("targets")
    if not isinstance(targets, list) or not targets:
        problems.add("a policy needs at least one [[policies.targets]]")
        targets = []
    read = [
        _read_target(target, table, kind, calendars, shared, rank * 1_000 + i, problems.at("targets", i))
        for i, target in enumerate(targets)
    ]
    found = tuple(target for target in read if target)
    for i, target in enumerate(found):
        if any(other.name == target.name for other in found[:i]):
            problems.at("targets", i).add(f"another target is named {target.name!r}; give this one a `name` of its own")
    return Policy(
        name=name,
        applies_to=kind,
        stage=shared["stage"],
        when=read_condition(table["when"], problems.at("when")) if "when" in table else ALWAYS,
        targets=found,
        actions_per_hour=_count(table, "actions_per_hour", 200, problems),
        rank=rank,
    )


def _read_target(
    table: object,
    policy: dict[str, Any],
    kind: str,
    calendars: dict[str, Calendar],
    shared: dict[str, str],
    rank: int,
    problems: Collector,
) -> Target | None:
    if not isinstance(table, dict):
        problems.add("a target is a table: begin it with [[policies.targets]]")
        return None
    problems.unknown_keys(table, TARGET_KEYS)
    metric = read_metric(table, problems)
    within = _read_within(table, problems)
    calendar = _read_calendar(table, policy, calendars, problems)
    steps = read_steps(table.get("steps", []), problems.at("steps"))
    own = {key: table.get(key, policy.get(key)) for key in ("answers", "reopen")}
    answers = _read_answers(own["answers"], kind, problems.at("answers"))
    reopen = _read_reopen(own["reopen"], problems.at("reopen"))
    if metric is None or calendar is None:
        return None
    name = table.get("name", metric.name)
    if not isinstance(name, str) or not name:
        problems.at("name").add("a target's name is text")
        name = metric.name
    return Target(name, metric, within, steps, calendar, signal.REPLY | answers, reopen, rank=rank, **shared)


def _read_calendar(
    table: dict[str, Any], policy: dict[str, Any], calendars: dict[str, Calendar], problems: Collector
) -> Calendar | None:
    named = table.get("calendar", policy.get("calendar"))
    if isinstance(named, str) and named in calendars:
        return calendars[named]
    where = problems.at("calendar") if "calendar" in table else problems
    if named is None:
        where.add("neither the target nor its policy names a calendar", tuple(calendars))
    else:
        where.add(f"there is no calendar {named!r}", tuple(calendars))
    return None


def _read_within(table: dict[str, Any], problems: Collector) -> dict[str | None, Duration]:
    if "within" not in table:
        problems.add('a target needs `within`, such as "4h" or { urgent = "15m", normal = "4h", low = "none" }')
        return {}
    given = table["within"]
    here = problems.at("within")
    if not isinstance(given, dict):
        return {None: duration} if (duration := _duration(given, here)) else {}
    here.unknown_keys(given, PRIORITIES)
    found: dict[str | None, Duration] = {}
    for priority, text in given.items():
        if text != "none" and (duration := _duration(text, here.at(priority))):
            found[priority] = duration
    return found


def _duration(text: object, problems: Collector) -> Duration | None:
    if text == "none":
        return None
    try:
        return parse_within(text)
    except ValueError as mistake:
        problems.add(str(mistake))
        return None


def _read_answers(given: object, kind: str, problems: Collector) -> int:
    if given is None:
        return DEFAULT_ANSWERS[kind]
    if not isinstance(given, list):
        problems.add("`answers` is a list of what else counts as an answer", tuple(signal.ANSWER_WORDS))
        return 0
    mask = 0
    for i, word in enumerate(given):
        if word in signal.ANSWER_WORDS:
            mask |= signal.ANSWER_WORDS[word]
        else:
            problems.at(i).add(f"{word!r} is nothing that can count as an answer", tuple(signal.ANSWER_WORDS))
    return mask


def _read_reopen(given: object, problems: Collector) -> Reopen:
    if given is None:
        return Reopen()
    if not isinstance(given, dict):
        problems.add('`reopen` is a table such as { window = "5bd", floor = "15m" }')
        return Reopen()
    problems.unknown_keys(given, REOPEN_KEYS)
    window: Duration | None = _WINDOW
    if "window" in given and given["window"] not in ("always", "never"):
        window = _duration(given["window"], problems.at("window"))
    floor = None
    if "floor" in given:
        try:
            floor = parse_duration(given["floor"])
        except ValueError as mistake:
            problems.at("floor").add(str(mistake))
    return Reopen(None if given.get("window") == "always" else window, given.get("window") == "never", floor)


def _choice(table: dict[str, Any], key: str, known: tuple[str, ...], default: str, problems: Collector) -> str:
    value = table.get(key, default)
    if value in known:
        return str(value)
    problems.at(key).add(f"`{key}` is one of {', '.join(known)}, not {value!r}", known)
    return default


def _count(table: dict[str, Any], key: str, default: int, problems: Collector) -> int:
    value = table.get(key, default)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    problems.at(key).add(f"`{key}` is a whole number above zero, not {value!r}")
    return default
