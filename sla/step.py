"""Steps: what happens at a threshold of a clock.

Owns their grammar. Refuses acting on them: whether a step fires is ``sync``'s decision, when is the clock's.
Invariant: a text template can name fields of the record and of the clock and can do nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter
from typing import Any, Final

from sla.duration import Threshold, parse_threshold
from sla.problem import Collector

ACTIONS: Final = ("notify", "task", "reassign", "set")
KEYS: Final = ("at", *ACTIONS)
CLOCK_FIELDS: Final = ("target", "policy", "due_at", "remaining")


@dataclass(frozen=True, slots=True)
class Step:
    """``at`` as written, where that is, and ``actions`` as in the configuration."""

    at: str
    threshold: Threshold
    actions: dict[str, Any]
    fields: frozenset[str]
    """The record fields its texts name."""


def read_steps(given: object, problems: Collector) -> tuple[Step, ...]:
    """The steps of a target in file order."""
    if not isinstance(given, list):
        problems.add('steps are a list such as [{ at = "75%", notify = "owner" }]')
        return ()
    steps = [_read_step(table, problems.at(i)) for i, table in enumerate(given)]
    found = tuple(step for step in steps if step)
    for i, step in enumerate(found):
        if any(other.at == step.at for other in found[:i]):
            problems.at(i).add(f'another step stands at "{step.at}"; give its actions to that one')
    return found


def _read_step(table: object, problems: Collector) -> Step | None:
    if not isinstance(table, dict):
        problems.add('a step is a table such as { at = "due", reassign = "inside-sales" }')
        return None
    problems.unknown_keys(table, KEYS)
    actions = {name: table[name] for name in ACTIONS if name in table}
    if not actions:
        problems.add("a step does something", ACTIONS)
    fields: frozenset[str] = frozenset()
    for name, value in actions.items():
        here = problems.at(name)
        if name == "set":
            if not isinstance(value, dict) or not value:
                here.add('`set` is a table of fields such as { priority = "high" }')
        elif not isinstance(value, str) or not value:
            here.add(f"`{name}` takes text")
        elif name == "task":
            fields = template_fields(value, here)
    at = table.get("at")
    try:
        return Step(str(at), parse_threshold(at), actions, fields)
    except ValueError as mistake:
        (problems.at("at") if "at" in table else problems).add(str(mistake))
        return None


def template_fields(template: str, problems: Collector) -> frozenset[str]:
    """The record fields that ``Call {record.name} now`` names."""
    names = set()
    try:
        parts = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
    except ValueError as mistake:
        problems.add(f"the text cannot be read: {mistake}")
        return frozenset()
    for part in parts:
        room, _, name = part.partition(".")
        if room == "record" and name.isidentifier():
            names.add(name)
        elif not (room == "clock" and name in CLOCK_FIELDS):
            problems.add(f"{{{part}}} is unknown here; write {{record.FIELD}} or {{clock.NAME}}", CLOCK_FIELDS)
    return frozenset(names)


def fill(template: str, record: dict[str, Any], clock: dict[str, Any]) -> str:
    """The text with its fields filled in; an unknown value is left empty. Values are never read as templates."""
    text = ""
    for literal, field, _, _ in Formatter().parse(template):
        text += literal
        if field is not None:
            room, _, name = field.partition(".")
            value = (record if room == "record" else clock).get(name)
            text += "" if value is None else str(value)
    return text
