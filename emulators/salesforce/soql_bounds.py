"""How few rows a query has to look at: what its conditions say of ids, references and stamps.

Owns the reading of conditions for that, our own machinery. Refuses to decide of a row: that does ``soql_where``.
Invariant: every row that a condition keeps is within the bounds that are read from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulators.salesforce.ids import is_id, to_18
from emulators.salesforce.schema import Field, Table
from emulators.salesforce.soql import Both, Compare, Condition, In, Literal
from emulators.salesforce.values import read_instant

Bounds = tuple[Any, Any]
"""The least and the greatest value, None where there is no end."""
ENDLESS: Bounds = (None, None)


def pointed(table: Table, condition: Condition | None) -> tuple[str, frozenset[str]] | None:
    """An id or reference of which a condition names all values that it lets through: the field and the values."""
    if isinstance(condition, Both) and condition.every:
        found = [one for one in (pointed(table, part) for part in condition.parts) if one is not None]
        return min(found, key=lambda one: len(one[1]), default=None)
    literals: tuple[Literal, ...] = ()
    if isinstance(condition, In) and not condition.negated:
        literals = condition.literals
    elif isinstance(condition, Compare) and condition.operator == "=":
        literals = (condition.literal,)
    field = _own(table, condition) if isinstance(condition, In | Compare) else None
    if field is None or field.type not in ("id", "reference") or not literals:
        return None
    if any(one.kind != "STRING" or not is_id(one.value) for one in literals):
        return None
    return field.name, frozenset(to_18(one.value) for one in literals)


def bounds(table: Table, condition: Condition | None, field: Field) -> Bounds:
    """Between which values of an instant or the id a condition lets rows through."""
    if isinstance(condition, Both):
        parts = [bounds(table, part, field) for part in condition.parts]
        narrow: tuple[Callable[..., Any], Callable[..., Any]] = (max, min) if condition.every else (min, max)
        return _end(narrow[0], [low for low, _ in parts], condition), _end(
            narrow[1], [high for _, high in parts], condition
        )
    if not isinstance(condition, Compare) or _own(table, condition) is not field:
        return ENDLESS
    value = _value(field, condition.literal)
    if value is None or condition.operator in ("!=", "LIKE"):
        return ENDLESS
    return (
        None if condition.operator in ("<", "<=") else value,
        None if condition.operator in (">", ">=") else value,
    )


def _end(narrow: Callable[..., Any], ends: list[Any], both: Both) -> Any:
    """One end for all parts: where one of several alternatives has none, there is none."""
    known = [end for end in ends if end is not None]
    return narrow(known) if known and (both.every or len(known) == len(ends)) else None


def _own(table: Table, condition: Compare | In) -> Field | None:
    return table.field(condition.path.names[0]) if len(condition.path.names) == 1 else None


def _value(field: Field, literal: Literal) -> Any:
    if field.type == "datetime" and literal.kind == "DATETIME":
        return read_instant(literal.value, exact=True)
    if field.type == "id" and literal.kind == "STRING" and is_id(literal.value):
        return to_18(literal.value)
    return None
