"""What a query keeps: conditions as tests of rows.

Owns the meaning of WHERE. Refuses to read or show rows. Invariant: a literal that does not fit its field is refused.
Source: SOQL and SOSL Reference, "Comparison Operators": text compares without case, ``!=`` is true of null.
https://developer.salesforce.com/docs/platform/salesforce-soql-sosl/guide/sforce-api-calls-soql-select-comparisonoperators.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final

from emulators.salesforce.dates import days
from emulators.salesforce.errors import ApiError
from emulators.salesforce.ids import is_id, to_18
from emulators.salesforce.schema import TEXT_TYPES, Field, Table
from emulators.salesforce.soql import Both, Compare, Condition, In, Join, Literal, Not
from emulators.salesforce.soql_names import Get, Names
from emulators.salesforce.store import Values
from emulators.salesforce.values import NUMBERS, read_instant

Test = Callable[[Values], bool]

_ORDERED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip
_QUOTED: Final = TEXT_TYPES | {"id", "reference", "time"}


class Conditions:
    """Turns conditions into tests."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def test(self, table: Table, condition: Condition) -> Test:
        if isinstance(condition, Not):
            inner = self.test(table, condition.inner)
            return lambda row: not inner(row)
        if isinstance(condition, Both):
            parts = [self.test(table, part) for part in condition.parts]
            if condition.every:
                return lambda row: all(part(row) for part in parts)
            return lambda row: any(part(row) for part in parts)
        get, field = self._names.field(table, condition.path)
        if not self._names.is_filterable(table, field):
            raise self._names.at(condition.path.column, f"field '{field.name}' can not be filtered in a query call")
        if isinstance(condition, In):
            known = {self._value(field, literal) for literal in condition.literals}
            return lambda row: (folded(field, get(row)) in known) is not condition.negated
        if isinstance(condition, Join):
            found = self._joined(condition)
            return lambda row: (get(row) in found) is not condition.negated
        return self._comparison(get, field, condition)

    def _joined(self, join: Join) -> set[Any]:
        table = self._names.table(join.object)
        get, _ = self._names.field(table, join.column)
        test = self.test(table, join.where) if join.where else None
        return {get(row) for row in self._names.store.rows(table.name) if test is None or test(row)} - {None}

    def _comparison(self, get: Get, field: Field, condition: Compare) -> Test:
        operator, literal = condition.operator, condition.literal
        if operator == "LIKE":
            return self._like(get, field, literal)
        if literal.kind == "DATE_WORD":
            return self._within(get, field, operator, literal)
        wanted = self._value(field, literal)
        if operator == "=":
            return lambda row: folded(field, get(row)) == wanted
        if operator == "!=":
            return lambda row: folded(field, get(row)) != wanted
        if field.type == "boolean":
            raise self._names.wrong("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field")
        compare = _ORDERED[operator]

        def passes(row: Values) -> bool:
            value = get(row)
            return value is not None and wanted is not None and compare(folded(field, value), wanted)

        return passes

    def _like(self, get: Get, field: Field, literal: Literal) -> Test:
        if field.type not in TEXT_TYPES:
            raise self._names.wrong("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field")
        pattern = re.compile(_pattern(literal.text), re.IGNORECASE | re.DOTALL)
        return lambda row: get(row) is not None and pattern.fullmatch(get(row)) is not None

    def _within(self, get: Get, field: Field, operator: str, literal: Literal) -> Test:
        today = datetime.fromtimestamp(self._names.store.now_ms() / 1000, UTC).date()
        span = days(literal.value, today)
        if span is None:
            raise self._names.wrong("MALFORMED_QUERY", f"unexpected token: '{literal.text}'")
        if field.type not in ("date", "datetime"):
            raise self._mistyped(field)
        first, after = (_edge(field, day) for day in span)
        tests: dict[str, Callable[[Any], bool]] = {
            "=": lambda value: first <= value < after, "!=": lambda value: not first <= value < after,
            "<": lambda value: value < first, "<=": lambda value: value < after,
            ">": lambda value: value >= after, ">=": lambda value: value >= first,
        }  # fmt: skip
        test = tests[operator]
        return lambda row: (operator == "!=") if get(row) is None else test(get(row))

    def _value(self, field: Field, literal: Literal) -> Any:
        """A literal as the field's values compare. Raises ApiError when the type does not fit."""
        if literal.kind == "NULL":
            return None
        if field.type in _QUOTED and literal.kind == "STRING":
            if field.type not in ("id", "reference"):
                return literal.value.lower()
            if not is_id(literal.value):
                raise self._names.wrong("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.value}")
            return to_18(literal.value)
        if field.type == "datetime" and literal.kind == "DATETIME":
            return read_instant(literal.value, exact=True)
        fits = {"date": ("DATE",), "boolean": ("BOOLEAN",)} | dict.fromkeys(NUMBERS, ("NUMBER", "INTEGER"))
        if literal.kind in fits.get(field.type, ()):
            return literal.value
        raise self._mistyped(field)

    def _mistyped(self, field: Field) -> ApiError:
        quotes = "be enclosed in quotes" if field.type in _QUOTED else "not be enclosed in quotes"
        kind = {"datetime": "dateTime", "reference": "id"}.get(field.type, field.type)
        kind = "string" if field.type in TEXT_TYPES else kind
        return self._names.wrong(
            "INVALID_FIELD",
            f"value of filter criterion for field '{field.name}' must be of type {kind} and should {quotes}",
        )


def _edge(field: Field, day: date) -> Any:
    if field.type == "date":
        return day.isoformat()
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def folded(field: Field, value: Any) -> Any:
    """Text without case, except ids."""
    return value.lower() if isinstance(value, str) and field.type in TEXT_TYPES else value


def _pattern(text: str) -> str:
    """A LIKE pattern as a regular expression: ``%`` any text, ``_`` one character, a backslash takes the next as is."""
    parts = re.findall(r"\\.|.", text, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
