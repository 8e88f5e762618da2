"""Policies: which records are promised what, as read from a configuration.

Owns ``[[policies]]`` and what of a configuration they depend on: calendars, people, derived fields, periods. Refuses
connections, pools and files.
Invariant: a ``Policies`` that was read without a problem can be evaluated without one; its ``version`` changes when
and only when its content does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sla.calendar import Calendar
from sla.condition import ALWAYS, Condition, read_condition
from sla.derivation import NOTHING, Derivation, read_derivation
from sla.model import KINDS
from sla.people import NOBODY, Ids, People, read_people
from sla.period import read_periods
from sla.problem import Collector
from sla.target import Setting, Target, read_target

STAGES: Final = ("shadow", "warn", "enforce")
RECOMPUTE: Final = ("carry", "restart", "keep")
MATCH: Final = ("strictest", "first")
LEVELS: Final = ("corporate", "customer", "service")
POLICY_KEYS: Final = (
    "name", "applies_to", "level", "calendar", "stage", "when", "answers", "reopen", "recompute", "actions_per_hour",
    "targets",
)  # fmt: skip
SECTIONS: Final = ("calendars", "policies", "people", "derive", "adjustments", "maintenance")
"""The sections of a configuration that say what is promised."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Which records it covers (``when``) and what it promises them. ``level`` says who agreed on it: the house, a
    customer, or for one service; it names the policy's place and decides nothing."""

    name: str
    applies_to: str
    stage: str
    when: Condition
    targets: tuple[Target, ...]
    actions_per_hour: int
    rank: int
    level: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that may rule the clock of its name, with the policy that offers it."""

    policy: Policy
    target: Target


Group = tuple[str, bool]
"""The name of a clock, and whether its policies are only tried out."""


class Policies:
    """Every policy of a configuration, in file order, with the calendars, people and rules that they need."""

    def __init__(
        self,
        policies: list[Policy],
        calendars: dict[str, Calendar],
        match: str,
        version: str,
        derivation: Derivation = NOTHING,
        people: People = NOBODY,
    ) -> None:
        self.policies = policies
        self.calendars = calendars
        self.match = match
        """``strictest``: the earliest due of all matching policies rules; ``first``: the first in file order."""
        self.version = version
        """A hash of the content: every section that says what is promised, and the way policies are matched."""
        self.derivation = derivation
        self.people = people
        """Whoever stands in ``[people]``."""
        targets = [target for policy in policies for target in policy.targets]
        self.fields = frozenset(
            name
            for names in (*(policy.when.fields for policy in policies), *(map(_fields_of, targets)), derivation.fields)
            for name in names
        )
        """The record fields that conditions, lengths, calendars and texts name."""
        self.matching_fields = frozenset(
            name for names in (*(p.when.fields for p in policies), *(t.fields for t in targets)) for name in names
        ) | {"priority"}
        """The record fields on which the terms of some clock depend."""
        self._groups: dict[str, dict[Group, list[Candidate]]] = {}
        self._introduce()

    @classmethod
    def from_config(cls, document: Mapping[str, Any]) -> Policies:
        """Reads the sections that say what is promised, and ``daemon.match``, of a parsed configuration.

        Raises Problems with every mistake, each with its path into the document.
        """
        problems = Collector()
        calendars = _read_calendars(document.get("calendars", {}), problems.at("calendars"))
        people = read_people(document.get("people", {}), calendars, problems.at("people"))
        derivation = read_derivation(document.get("derive", []), problems.at("derive"))
        adjustments = read_periods(document.get("adjustments", []), problems.at("adjustments"), factor=True)
        windows = read_periods(document.get("maintenance", []), problems.at("maintenance"), factor=False)
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
            if (policy := _read_policy(table, rank, (calendars, adjustments, windows), problems.at("policies", rank)))
        ]
        names = [policy.name for policy in policies]
        for policy in policies:
            if names.index(policy.name) != policies.index(policy):
                problems.at("policies", policy.rank, "name").add(f"there is another policy named {policy.name!r}")
        problems.raise_if_any()
        return cls(policies, calendars, match, _version(document, match), derivation, people)

    def groups(self, kind: str) -> list[list[Candidate]]:
        """The targets for a kind of record, grouped by name: those of one group compete for one clock.

        Policies that are only tried out (stage ``shadow``) compete among themselves.
        """
        return list(self.named_groups(kind).values())

    def named_groups(self, kind: str) -> dict[Group, list[Candidate]]:
        """The same by their names."""
        if kind not in self._groups:
            found: dict[Group, list[Candidate]] = {}
            for policy in self.policies:
                if policy.applies_to == kind:
                    for target in policy.targets:
                        key = (target.name, policy.stage == "shadow")
                        found.setdefault(key, []).append(Candidate(policy, target))
            self._groups[kind] = found
        return self._groups[kind]

    def renewing(self, other: Policies) -> dict[int, Candidate]:
        """This version's targets by the ids of those that they are in ``other``, which says the same of policies."""
        return {
            id(old): Candidate(policy, new)
            for before, policy in zip(other.policies, self.policies, strict=True)
            for old, new in zip(before.targets, policy.targets, strict=True)
        }

    def know(self, ids: Ids) -> None:
        """Notes whose e-mail addresses are which ``user:ID``, so that people listed by address are found as owners."""
        self.people = self.people.with_ids(ids)
        self._introduce()

    def _introduce(self) -> None:
        self.derivation = self.derivation.of(self.people)
        for policy in self.policies:
            for target in policy.targets:
                target.hours.people = self.people


def _version(document: Mapping[str, Any], match: str) -> str:
    content = {name: document.get(name, [] if name == "policies" else {}) for name in ("calendars", "policies")}
    # A section that is not there leaves the version of a file alone that never heard of it.
    content |= {name: document[name] for name in SECTIONS if document.get(name) and name not in content}
    digest = hashlib.sha256(json.dumps({**content, "match": match}, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:16]


def _fields_of(target: Target) -> set[str]:
    metric = target.metric
    names = {*metric.start.condition.fields, *metric.stop.condition.fields, *metric.pause.fields, *target.fields}
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


def _read_policy(table: object, rank: int, around: Any, problems: Collector) -> Policy | None:
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
    stage = _choice(table, "stage", STAGES, "enforce", problems)
    recompute = _choice(table, "recompute", RECOMPUTE, "carry", problems)
    targets = table.get("targets")
    if not isinstance(targets, list) or not targets:
        problems.add("a policy needs at least one [[policies.targets]]")
        targets = []
    setting = Setting(table, name, kind, stage, recompute, *around)
    read = [
        read_target(target, setting, rank * 1_000 + i, problems.at("targets", i)) for i, target in enumerate(targets)
    ]
    found = tuple(target for target in read if target)
    for i, target in enumerate(found):
        if any(other.name == target.name for other in found[:i]):
            problems.at("targets", i).add(f"another target is named {target.name!r}; give this one a `name` of its own")
    return Policy(
        name=name,
        applies_to=kind,
        stage=stage,
        when=read_condition(table["when"], problems.at("when")) if "when" in table else ALWAYS,
        targets=found,
        actions_per_hour=_count(table, "actions_per_hour", 200, problems),
        rank=rank,
        level=_choice(table, "level", LEVELS, LEVELS[0], problems) if "level" in table else None,
    )


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
