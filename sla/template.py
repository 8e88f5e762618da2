"""Texts with places for fields of the record and of the clock: ``Call {record.name} now``.

Owns their grammar and their filling. Refuses everything else that Python's format strings can do: no attributes, no
indexes, no conversions. Invariant: a value that is filled in is never read as a template itself.
"""

from __future__ import annotations

from string import Formatter
from typing import Any, Final

from sla.problem import Collector

CLOCK_FIELDS: Final = (
    "target", "policy", "cycle", "step", "started_at", "due_at", "elapsed", "remaining", "late",
)  # fmt: skip
"""What of a clock a text can name."""


def template_fields(template: str, problems: Collector) -> frozenset[str]:
    """The record fields that ``Call {record.name} now`` names."""
    names = set()
    try:
        parts = [part[1:] for part in Formatter().parse(template) if part[1] is not None]
    except ValueError as mistake:
        problems.add(f"the text cannot be read: {mistake}; a brace itself is written twice")
        return frozenset()
    for place, form, conversion in parts:
        room, _, name = str(place).partition(".")
        if form or conversion:
            problems.add(f"{{{place}}} takes no format", CLOCK_FIELDS)
        elif room == "record" and name.isidentifier():
            names.add(name)
        elif not (room == "clock" and name in CLOCK_FIELDS):
            problems.add(f"{{{place}}} is unknown here; write {{record.FIELD}} or {{clock.NAME}}", CLOCK_FIELDS)
    return frozenset(names)


def fill(template: str, record: dict[str, Any], clock: dict[str, Any]) -> str:
    """The text with its fields filled in; an unknown value is left empty. Values are never read as templates."""
    text = ""
    for literal, place, _, _ in Formatter().parse(template):
        text += literal
        if place is not None:
            room, _, name = place.partition(".")
            value = (record if room == "record" else clock).get(name)
            text += "" if value is None else str(value)
    return text
