"""Steps: what happens at a threshold of a clock.

Owns their grammar. Refuses acting on them: whether a step fires is ``sync``'s decision, when is the clock's.
Invariant: a text template can name fields of the record and of the clock and can do nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sla.calendar import Calendar
from sla.condition import ALWAYS, Condition, read_condition
from sla.duration import Threshold, parse_threshold
from sla.model import PRIORITIES, STATUSES
from sla.problem import Collector
from sla.template import CLOCK_FIELDS, fill, template_fields

__all__ = [
    "ACTIONS", "CLOCK_FIELDS", "KEYS", "RAISE", "Step", "Wish", "fill", "parse_reassign", "raised", "read_steps",
    "status_field", "template_fields",
]  # fmt: skip

ACTIONS: Final = (
    "notify", "task", "reassign", "set", "priority", "status", "comment", "tag", "message", "webhook",
)  # fmt: skip
TEMPLATES: Final = ("task", "comment", "tag", "message")
"""Actions whose text may name fields."""
CONDITIONS: Final = ("when", "risk", "hours", "instant")
KEYS: Final = ("at", *ACTIONS, *CONDITIONS)
RAISE: Final = "raise"
"""One priority higher, whichever it is."""

_PERSON: Final = re.compile(r"user:\S.*|[^@\s]+@[^@\s]+")
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)%", re.ASCII)


class Wish(NamedTuple):
    """Whom ``reassign`` asks for. ``kind``: ``pool``, ``next`` (of the pool of the present owner), ``manager`` (of
    the present owner), ``queue`` or ``user``; ``name`` is the pool, ``queue:NAME``, ``user:ID`` or e-mail address."""

    kind: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """``at`` as written, where that is, and ``actions`` as in the configuration."""

    at: str
    threshold: Threshold
    actions: dict[str, Any]
    fields: frozenset[str]
    """The record fields that its texts and its condition name."""
    when: Condition = ALWAYS
    """What must hold of the record for it to happen."""
    risk: float | None = None
    """From which chance to miss on it happens, 0 to 1; None whatever the chance."""
    hours: Calendar | None = None
    """In whose hours it happens; None for those of its clock."""
    instant: bool = False
    """Whether it happens outside working hours as well."""


def read_steps(given: object, problems: Collector, calendars: Mapping[str, Calendar] | None = None) -> tuple[Step, ...]:
    """The steps of a target in file order. ``calendars`` are those that ``hours`` may name."""
    if not isinstance(given, list):
        problems.add('steps are a list such as [{ at = "75%", notify = "owner" }]')
        return ()
    steps = [_read_step(table, problems.at(i), calendars or {}) for i, table in enumerate(given)]
    found = tuple(step for step in steps if step)
    for i, step in enumerate(steps):
        if step and any(other and other.at == step.at for other in steps[:i]):
            problems.at(i).add(f'another step stands at "{step.at}"; give its actions to that one')
    return found


def parse_reassign(text: str) -> Wish:
    """What a ``reassign`` asks for: ``next``, ``manager``, ``queue:NAME``, ``user:ID``, an e-mail address, else a
    pool by its name."""
    if text in ("next", "manager"):
        return Wish(text)
    if text.startswith("queue:"):
        return Wish("queue", text)
    return Wish("user" if is_person(text) else "pool", text)


def is_person(text: str) -> bool:
    """Whether a text names a person outright: ``user:ID`` or an e-mail address."""
    return _PERSON.fullmatch(text) is not None


def raised(priority: object) -> str | None:
    """The priority one level above; None above ``urgent``. An unknown one counts as ``normal``."""
    here = PRIORITIES.index(priority) if priority in PRIORITIES else PRIORITIES.index("normal")
    return PRIORITIES[here - 1] if here else None


def status_field(status: str) -> str:
    """The record field that a status is written to: ``status`` for a category, else ``raw_status``."""
    return "status" if status in STATUSES else "raw_status"


def _read_step(table: object, problems: Collector, calendars: Mapping[str, Calendar]) -> Step | None:
    if not isinstance(table, dict):
        problems.add('a step is a table such as { at = "due", reassign = "inside-sales" }')
        return None
    problems.unknown_keys(table, KEYS)
    actions = {name: table[name] for name in ACTIONS if name in table}
    if not actions:
        problems.add("a step does something", ACTIONS)
    fields: set[str] = set()
    for name, value in actions.items():
        fields |= _read_action(name, value, problems.at(name))
    _judge_overlap(actions, problems)
    when = read_condition(table["when"], problems.at("when")) if "when" in table else ALWAYS
    fields |= when.fields
    hours = _read_hours(table, problems, calendars)
    risk = _read_risk(table["risk"], problems.at("risk")) if "risk" in table else None
    instant = table.get("instant", False)
    if not isinstance(instant, bool):
        problems.at("instant").add("`instant` takes true or false")
    elif instant and "hours" in table:
        problems.at("hours").add("a step that is `instant` asks for no hours; keep one of the two")
    at = table.get("at")
    try:
        return Step(
            str(at), parse_threshold(at), actions, frozenset(fields), when, risk, hours, instant is True
        )  # fmt: skip
    except ValueError as mistake:
        (problems.at("at") if "at" in table else problems).add(str(mistake))
        return None


def _read_action(name: str, value: object, problems: Collector) -> frozenset[str]:
    """Judges one action and returns the record fields that it looks at."""
    if name == "set":
        if not isinstance(value, dict) or not value:
            problems.add('`set` is a table of fields such as { priority = "high" }')
        elif "priority" in value and value["priority"] not in PRIORITIES:
            problems.at("priority").add(f"{value['priority']!r} is no priority", PRIORITIES)
        return frozenset()
    if not isinstance(value, str) or not value.strip():
        problems.add(f"`{name}` takes text")
        return frozenset()
    if name in TEMPLATES:
        return template_fields(value, problems)
    if name == "priority" and value not in (RAISE, *PRIORITIES):
        problems.add(f'`priority` is "{RAISE}" or one of {", ".join(PRIORITIES)}, not {value!r}', (RAISE, *PRIORITIES))
    return frozenset({"priority"} if name == "priority" else ())


def _judge_overlap(actions: Mapping[str, Any], problems: Collector) -> None:
    given = actions.get("set")
    if isinstance(given, dict):
        twice = {"priority": {"priority"}, "status": {"status", "raw_status"}}
        for name, fields in twice.items():
            if name in actions and fields & given.keys():
                problems.at(name).add(f"`set` of the same step says another `{name}`; keep one of the two")


def _read_hours(table: Mapping[str, Any], problems: Collector, calendars: Mapping[str, Calendar]) -> Calendar | None:
    name = table.get("hours")
    if name is None:
        return None
    if isinstance(name, str) and name in calendars:
        return calendars[name]
    problems.at("hours").add(f"there is no calendar {name!r}", tuple(calendars))
    return None


def _read_risk(value: object, problems: Collector) -> float | None:
    match = _PERCENT.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if match is None or not 0 < float(match[1]) <= 100:
        problems.add('`risk` is the chance to miss from which on the step happens, such as "60%"')
        return None
    return float(match[1]) / 100
