"""Why a condition does not hold, field by field.

Owns the words. Refuses the truth: ``sla.condition`` says whether each part holds.
Invariant: a condition that holds has nothing to tell, one that does not has at least one sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sla.condition import read_condition
from sla.problem import Collector

_SIGNS: Final = {"gt": ">", "gte": "≥", "lt": "<", "lte": "≤", "starts_with": "starting with"}


def mismatches(source: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each part of a condition's table that does not hold for a record with these fields."""
    for key, wanted in source.items():
        if read_condition({key: wanted}, Collector())(fields):
            continue
        if key == "all":
            for part in wanted:
                yield from mismatches(part, fields)
        elif key == "any":
            yield "none of these: " + "; or ".join(" and ".join(mismatches(part, fields)) for part in wanted)
        elif key == "not":
            yield "this must not be: " + " and ".join(_is(name, fields) for name in _names(wanted))
        else:
            yield f"{_is(key, fields)}, wanted {_wanted(wanted)}"


def _is(name: str, fields: Mapping[str, Any]) -> str:
    return f"{name} is {_value(fields.get(name))}"


def _value(value: object) -> str:
    if value is None or value == "":
        return "empty"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _wanted(wanted: object) -> str:
    if isinstance(wanted, list):
        return "one of " + ", ".join(map(_value, wanted)) if len(wanted) > 1 else ", ".join(map(_value, wanted))
    if isinstance(wanted, dict):
        return " and ".join(_operator(name, operand) for name, operand in wanted.items())
    return _value(wanted)


def _operator(name: str, operand: object) -> str:
    if name == "exists":
        return "any value" if operand else "no value"
    if name == "in":
        return _wanted(operand)
    return f"{_SIGNS.get(name, name)} {_wanted(operand)}"


def _names(source: Mapping[str, Any]) -> Iterator[str]:
    for key, wanted in source.items():
        if key in ("all", "any"):
            for part in wanted:
                yield from _names(part)
        elif key == "not":
            yield from _names(wanted)
        else:
            yield key
