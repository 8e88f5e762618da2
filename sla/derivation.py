"""Fields that follow from other fields: a priority from keywords of the subject, a tier from the amount, the owner's
team.

Owns ``[[derive]]``. Refuses status and owner, which are facts of the CRM.
Invariant: the derived fields depend on the record's own fields alone, and each names the rule that gave it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sla.condition import ALWAYS, Condition, read_condition
from sla.model import PRIORITIES
from sla.people import NOBODY, People
from sla.problem import Collector

KEYS: Final = ("field", "value", "when", "name")
FACTS: Final = frozenset({"status", "raw_status", "owner"})
TEAM: Final = "team"
"""The field that holds the owner's team where the CRM tells none."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``field`` is ``value`` while ``when`` holds; of several rules for a field the first that holds counts."""

    name: str
    field: str
    value: Any
    when: Condition


class Derived(NamedTuple):
    """The fields with what was derived, and which rule gave each derived one."""

    fields: dict[str, Any]
    rules: dict[str, str]


class Derivation:
    """All rules in file order, after the owner's team. A later rule sees what earlier ones derived."""

    def __init__(self, rules: Sequence[Rule], people: People = NOBODY) -> None:
        self._rules = rules
        self._people = people
        self.fields = frozenset(name for rule in rules for name in rule.when.fields)
        """The fields that the rules look at."""
        self.empty = not rules and not people
        """Whether nothing ever follows from anything."""

    def of(self, people: People) -> Derivation:
        """The same rules with the teams of these people."""
        return Derivation(self._rules, people)

    def __call__(self, fields: Mapping[str, Any]) -> Derived:
        found, by = dict(fields), dict[str, str]()
        owner = found.get("owner")
        colleague = self._people.get(owner) if isinstance(owner, str) else None
        if colleague and colleague.team and found.get(TEAM) in (None, ""):
            found[TEAM], by[TEAM] = colleague.team, "the owner's team"
        for rule in self._rules:
            if rule.field not in by and rule.when(found):
                found[rule.field] = rule.value
                by[rule.field] = rule.name
        return Derived(found, by)


NOTHING: Final = Derivation(())


def read_derivation(listed: object, problems: Collector) -> Derivation:
    """``[[derive]]``: ``field``, ``value``, ``when`` and, for explanations, ``name``."""
    if not isinstance(listed, list):
        problems.add("rules are a list: begin each with [[derive]]")
        return NOTHING
    return Derivation([_read_rule(table, i, problems.at(i)) for i, table in enumerate(listed)])


def _read_rule(table: object, i: int, problems: Collector) -> Rule:
    if not isinstance(table, dict):
        problems.add('a rule is a table with field, value and when, such as { subject = { contains = "outage" } }')
        table = {"field": "priority", "value": "normal", "when": {}}
    problems.unknown_keys(table, KEYS)
    field, value = table.get("field"), table.get("value")
    if not isinstance(field, str) or not field:
        (problems.at("field") if "field" in table else problems).add("a rule names the `field` that it derives")
        field = ""
    elif field in FACTS:
        problems.at("field").add(f"{field!r} is a fact of the CRM and is not derived")
    if "value" not in table or isinstance(value, list | dict):
        (problems.at("value") if "value" in table else problems).add("`value` is text, a number, true or false")
    elif field == "priority" and value not in PRIORITIES:
        problems.at("value").add(f"{value!r} is no priority", PRIORITIES)
    if "when" not in table:
        problems.add('a rule says `when` it holds, such as { subject = { contains = "outage" } }')
    when = read_condition(table["when"], problems.at("when")) if "when" in table else ALWAYS
    name = table.get("name", f"rule {i + 1}")
    if not isinstance(name, str) or not name:
        problems.at("name").add("a rule's name is text")
    return Rule(str(name), field, value, when)
