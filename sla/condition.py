"""Conditions on a record's fields: the ``when`` of a policy and the state part of a metric's triggers.

Owns their grammar and their truth. Refuses expressions and code: a condition is data.
Invariant: text compares case-insensitively, a missing field equals nothing, and ``not`` of it is true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from sla.problem import Collector

Fields = Mapping[str, Any]
Test = Callable[[Any], bool]

OPERATORS: Final = ("not", "in", "gt", "gte", "lt", "lte", "contains", "starts_with", "matches", "exists")
_NESTING = ("all", "any", "not")


class Condition:
    """A compiled condition. Calling it with a record's fields says whether it holds."""

    __slots__ = ("_holds", "fields", "source")

    def __init__(self, holds: Callable[[Fields], bool], fields: frozenset[str], source: Any) -> None:
        self._holds = holds
        self.fields = fields
        """The fields it looks at."""
        self.source = source
        """The table it was read from."""

    def __call__(self, fields: Fields) -> bool:
        return self._holds(fields)


def _always(fields: Fields) -> bool:  # noqa: ARG001
    return True


ALWAYS: Final = Condition(_always, frozenset(), {})


def read_condition(table: object, problems: Collector) -> Condition:
    """A condition from its table: field to value, list (any of) or operators; ``all``, ``any`` and ``not`` nest."""
    if not isinstance(table, dict):
        problems.add(f'a condition is a table such as {{ source = ["Web"] }}, not {table!r}')
        return ALWAYS
    parts: list[Callable[[Fields], bool]] = []
    names: set[str] = set()
    for key, value in table.items():
        here = problems.at(key)
        if key in ("all", "any"):
            nested = _nested(value, here)
            parts.append(_all_of(nested) if key == "all" else _any_of(nested))
            names.update(*(c.fields for c in nested)) if nested else None
        elif key == "not":
            negated = read_condition(value, here)
            parts.append(_not(negated))
            names |= negated.fields
        else:
            parts.append(_on_field(key, read_test(value, here)))
            names.add(key)
    if not parts:
        return ALWAYS
    return Condition(parts[0] if len(parts) == 1 else _all_of(parts), frozenset(names), table)


def _nested(value: object, problems: Collector) -> list[Condition]:
    if not isinstance(value, list) or not value:
        problems.add('a list of conditions is needed, such as [{ source = "Web" }, { tier = "gold" }]')
        return []
    return [read_condition(part, problems.at(i)) for i, part in enumerate(value)]


def read_test(value: object, problems: Collector) -> Test:
    """What a single field must be: a value, a list of which any will do, or a table of operators that all must hold."""
    if not isinstance(value, dict):
        return _is_any_of(value if isinstance(value, list) else [value])
    problems.unknown_keys(value, OPERATORS)
    tests = [test for name, operand in value.items() if (test := _operator(name, operand, problems.at(name)))]
    if not value:
        problems.add("an empty table asks for nothing; name an operator", OPERATORS)
    return lambda found: all(test(found) for test in tests)


def _operator(name: str, operand: Any, problems: Collector) -> Test | None:
    match name:
        case "not":
            refused = read_test(operand, problems)
            return lambda found: not refused(found)
        case "in":
            if not isinstance(operand, list):
                problems.add("`in` takes a list")
                return None
            return _is_any_of(operand)
        case "exists":
            if not isinstance(operand, bool):
                problems.add("`exists` takes true or false")
                return None
            return lambda found: (found is not None and found != "") is operand
        case "matches":
            try:
                pattern = re.compile(str(operand), re.IGNORECASE)
            except re.error as mistake:
                problems.add(f"{operand!r} is not a regular expression: {mistake}")
                return None
            return lambda found: found is not None and pattern.search(str(found)) is not None
        case "contains":
            return _contains(operand)
        case "starts_with":
            start = str(operand).casefold()
            return lambda found: found is not None and str(found).casefold().startswith(start)
        case "gt" | "gte" | "lt" | "lte":
            return _compares(name, operand)
    return None


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _is_any_of(values: list[Any]) -> Test:
    wanted = [_folded(value) for value in values]

    def test(found: Any) -> bool:
        if isinstance(found, list | tuple):
            return any(_same(_folded(one), value) for one in found for value in wanted)
        folded = _folded(found)
        return any(_same(folded, value) for value in wanted)

    return test


def _same(found: Any, value: Any) -> bool:
    if isinstance(value, bool) or isinstance(found, bool):
        return found is value or str(found).casefold() == str(value).casefold()
    if isinstance(value, int | float) and isinstance(found, str):
        return _number(found) == value
    return bool(found == value)


def _contains(operand: Any) -> Test:
    part = _folded(str(operand))

    def test(found: Any) -> bool:
        if isinstance(found, list | tuple):
            return any(_folded(str(one)) == part for one in found)
        return found is not None and part in str(found).casefold()

    return test


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _compares(name: str, operand: Any) -> Test:
    """Numbers compare as numbers, everything else as text (ISO dates order rightly as text)."""
    limit = _number(operand)

    def test(found: Any) -> bool:
        if found is None:
            return False
        left: Any = _number(found)
        right: Any = limit
        if left is None or right is None:
            left, right = str(found).casefold(), str(operand).casefold()
        return bool({"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[name])

    return test


def _on_field(name: str, test: Test) -> Callable[[Fields], bool]:
    return lambda fields: test(fields.get(name))


def _all_of(parts: list[Any]) -> Callable[[Fields], bool]:
    return lambda fields: all(part(fields) for part in parts)


def _any_of(parts: list[Any]) -> Callable[[Fields], bool]:
    return lambda fields: any(part(fields) for part in parts)


def _not(part: Condition) -> Callable[[Fields], bool]:
    return lambda fields: not part(fields)
