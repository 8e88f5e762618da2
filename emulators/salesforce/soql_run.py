"""Running a parsed query over the rows: names to fields, conditions to tests, rows to answers.

Owns the meaning of SOQL. Refuses paging and HTTP. Invariant: a query names no field that the client may not see.
Source: SOQL and SOSL Reference: text compares without case, nulls sort first, ``!=`` is true of null.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final

from emulators.salesforce.dates import days
from emulators.salesforce.errors import ApiError
from emulators.salesforce.ids import is_id, to_18
from emulators.salesforce.org import Org
from emulators.salesforce.schema import TEXT_TYPES, Field, Table
from emulators.salesforce.soql import Both, Compare, Condition, In, Join, Literal, Not, Path, Query, TypeOf, at_column
from emulators.salesforce.store import Store, Values
from emulators.salesforce.tables import NAME_FIELDS
from emulators.salesforce.values import NUMBERS, read_instant, show

Test = Callable[[Values], bool]
Get = Callable[[Values], Any]
Show = Callable[[Values, str], Any]

_HINT: Final = (
    "If you are attempting to use a custom {kind}, be sure to append the '{suffix}' after the custom {kind} name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)
_ORDERED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip
_QUOTED: Final = TEXT_TYPES | {"id", "reference", "time"}


class Run:
    """One query on its way. ``rows`` gives what it found, ``show`` one row as the answer carries it."""

    def __init__(self, store: Store, org: Org, query: Query, *, deleted: bool = False) -> None:
        self._store = store
        self._org = org
        self._query = query
        self._deleted = deleted
        self.table = self._table(query.object)
        self._plan = self._select(self.table, query.items)
        self._test = self._condition(self.table, query.where) if query.where else None
        self._order = [(self._field(self.table, one.path), one) for one in query.order]

    def rows(self) -> list[Values]:
        """What was found, in order, before paging."""
        found = [row for row in self._store.rows(self.table.name, deleted=self._deleted) if self._keeps(row)]
        for (get, field), one in reversed(self._order):
            nulls = [row for row in found if get(row) is None]
            rest = [row for row in found if get(row) is not None]
            rest.sort(key=_sort_key(get, field), reverse=one.descending)
            found = rest + nulls if one.nulls_last else nulls + rest
        if self._query.offset > 2000:
            raise self._wrong("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        end = None if self._query.limit is None else self._query.offset + self._query.limit
        return found[self._query.offset : end]

    def show(self, row: Values, base: str) -> Values:
        """``base`` is the version's path, ``/services/data/v68.0``."""
        return _show_row(self.table, row, self._plan, base)

    def _keeps(self, row: Values) -> bool:
        return self._test is None or self._test(row)

    # Names

    def _wrong(self, code: str, message: str) -> ApiError:
        return ApiError(400, code, message)

    def _table(self, name: str) -> Table:
        table = self._store.tables.get(name.lower())
        if table is None:
            hint = _HINT.format(kind="object", suffix="__c").replace("custom object name", "entity name")
            raise self._wrong("INVALID_TYPE", f"sObject type '{name}' is not supported. {hint}")
        return table

    def _own(self, table: Table, path: Path, name: str) -> Field:
        field = table.field(name)
        if field is None or self._org.is_hidden(table.name, field.name):
            hint = _HINT.format(kind="field", suffix="__c")
            raise self._at(path.column, f"No such column '{name}' on entity '{table.name}'. {hint}")
        return field

    def _relation(self, table: Table, name: str, column: int) -> Field:
        field = table.relation(name)
        if field is None or self._org.is_hidden(table.name, field.name):
            hint = _HINT.format(kind="relationship", suffix="__r")
            raise self._at(column, f"Didn't understand relationship '{name}' in field path. {hint}")
        return field

    def _at(self, column: int, message: str) -> ApiError:
        return self._wrong("INVALID_FIELD", at_column(self._query.text, column, message))

    def _field(self, table: Table, path: Path, names: tuple[str, ...] | None = None) -> tuple[Get, Field]:
        """How to get a path's value from a row, and the field at its end."""
        names = path.names if names is None else names
        if len(names) > 1 and names[0].lower() == table.name.lower() and not table.relation(names[0]):
            names = names[1:]
        if len(names) == 1:
            field = self._own(table, path, names[0])
            return (lambda row, name=field.name: row.get(name)), field
        reference = self._relation(table, names[0], path.column)
        if len(reference.references) > 1:
            return self._name_field(reference, path, names[1:])
        inner, field = self._field(self._table(reference.references[0]), path, names[1:])
        find, key = self._store.find, reference.name

        def get(row: Values) -> Any:
            parent = find(row.get(key))
            return None if parent is None else inner(parent)

        return get, field

    def _name_field(self, reference: Field, path: Path, names: tuple[str, ...]) -> tuple[Get, Field]:
        """A polymorphic parent shows only the fields of the Name object."""
        known = next((one for one in NAME_FIELDS if one.lower() == names[0].lower()), None)
        if known is None or len(names) > 1:
            hint = _HINT.format(kind="field", suffix="__c")
            raise self._at(path.column, f"No such column '{names[0]}' on entity 'Name'. {hint}")
        store, key = self._store, reference.name

        def get(row: Values) -> Any:
            parent = store.find(row.get(key))
            return None if parent is None else _of_name(store, parent, known)

        return get, Field(known, "boolean" if known == "IsActive" else "string", known)

    # SELECT

    def _select(self, table: Table, items: tuple[Path | TypeOf, ...]) -> dict[str, Show]:
        plan: dict[str, Show] = {}
        parents: dict[str, list[Path]] = {}
        for item in items:
            if isinstance(item, TypeOf):
                plan[item.relationship] = self._typeof(table, item)
            elif len(item.names) == 1 or (len(item.names) == 2 and item.names[0].lower() == table.name.lower()):
                field = self._own(table, item, item.names[-1])
                if field.name in plan:
                    raise self._wrong("INVALID_FIELD", f"duplicate field selected: {field.name}")
                plan[field.name] = _show_field(field)
            else:
                reference = self._relation(table, item.names[0], item.column)
                inner = parents.setdefault(str(reference.relationship), [])
                inner.append(Path(item.names[1:], item.column))
                plan[str(reference.relationship)] = lambda row, base: None  # noqa: ARG005 - keeps the place in order
        for name, paths in parents.items():
            plan[name] = self._parent(self._relation(table, name, paths[0].column), paths)
        return plan

    def _parent(self, reference: Field, paths: list[Path]) -> Show:
        store, key = self._store, reference.name
        if len(reference.references) == 1:
            target = self._table(reference.references[0])
            plan = self._select(target, tuple(paths))

            def one(row: Values, base: str) -> Any:
                parent = store.find(row.get(key))
                return None if parent is None else _show_row(target, parent, plan, base)

            return one
        names = [self._name_field(reference, path, path.names)[1].name for path in paths]

        def named(row: Values, base: str) -> Any:
            parent = store.find(row.get(key))
            if parent is None:
                return None
            table = store.table_of(parent["Id"])
            shown: Values = {"attributes": _attributes("Name", table.name if table else "", parent, base)}
            return shown | {name: _of_name(store, parent, name) for name in names}

        return named

    def _typeof(self, table: Table, item: TypeOf) -> Show:
        reference = self._relation(table, item.relationship, item.column)
        plans = {}
        for name, paths in item.whens:
            target = self._table(name)
            if target.name not in reference.references:
                raise self._wrong("INVALID_TYPE", f"'{name}' is no type of '{item.relationship}'")
            plans[target.name] = self._select(target, paths)
        others = [self._name_field(reference, path, path.names)[1].name for path in item.otherwise]
        store = self._store

        def shown(row: Values, base: str) -> Any:
            parent = store.find(row.get(reference.name))
            target = store.table_of(parent["Id"]) if parent else None
            if parent is None or target is None:
                return None
            if target.name in plans:
                return _show_row(target, parent, plans[target.name], base)
            attributes = {"attributes": _attributes(target.name, target.name, parent, base)}
            return attributes | {name: _of_name(store, parent, name) for name in others}

        return shown

    # WHERE

    def _condition(self, table: Table, condition: Condition) -> Test:
        if isinstance(condition, Not):
            inner = self._condition(table, condition.inner)
            return lambda row: not inner(row)
        if isinstance(condition, Both):
            parts = [self._condition(table, part) for part in condition.parts]
            if condition.every:
                return lambda row: all(part(row) for part in parts)
            return lambda row: any(part(row) for part in parts)
        get, field = self._field(table, condition.path)
        if not field.filterable:
            raise self._at(condition.path.column, f"field '{field.name}' can not be filtered in a query call")
        if isinstance(condition, In):
            known = {self._value(field, literal) for literal in condition.literals}
            return lambda row: (_folded(field, get(row)) in known) is not condition.negated
        if isinstance(condition, Join):
            found = self._joined(condition)
            return lambda row: (get(row) in found) is not condition.negated
        return self._comparison(get, field, condition)

    def _joined(self, join: Join) -> set[Any]:
        table = self._table(join.object)
        get, _ = self._field(table, join.column)
        test = self._condition(table, join.where) if join.where else None
        return {get(row) for row in self._store.rows(table.name) if test is None or test(row)} - {None}

    def _comparison(self, get: Get, field: Field, condition: Compare) -> Test:
        operator, literal = condition.operator, condition.literal
        if operator == "LIKE":
            return self._like(get, field, literal)
        if literal.kind == "DATE_WORD":
            return self._within(get, field, operator, literal)
        wanted = self._value(field, literal)
        if operator == "=":
            return lambda row: _folded(field, get(row)) == wanted
        if operator == "!=":
            return lambda row: _folded(field, get(row)) != wanted
        if field.type == "boolean":
            raise self._wrong("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field")
        compare = _ORDERED[operator]

        def test(row: Values) -> bool:
            value = get(row)
            return value is not None and wanted is not None and compare(_folded(field, value), wanted)

        return test

    def _like(self, get: Get, field: Field, literal: Literal) -> Test:
        if field.type not in TEXT_TYPES:
            raise self._wrong("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field")
        pattern = re.compile(_pattern(literal.text), re.IGNORECASE | re.DOTALL)
        return lambda row: get(row) is not None and pattern.fullmatch(get(row)) is not None

    def _within(self, get: Get, field: Field, operator: str, literal: Literal) -> Test:
        today = datetime.fromtimestamp(self._store.now_ms() / 1000, UTC).date()
        span = days(literal.value, today)
        if span is None:
            raise self._wrong("MALFORMED_QUERY", f"unexpected token: '{literal.text}'")
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
                raise self._wrong("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.value}")
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
        return self._wrong(
            "INVALID_FIELD",
            f"value of filter criterion for field '{field.name}' must be of type {kind} and should {quotes}",
        )


def _edge(field: Field, day: date) -> Any:
    if field.type == "date":
        return day.isoformat()
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _folded(field: Field, value: Any) -> Any:
    """Text without case, except ids."""
    return value.lower() if isinstance(value, str) and field.type in TEXT_TYPES else value


def _sort_key(get: Get, field: Field) -> Get:
    return lambda row: _folded(field, get(row))


def _pattern(text: str) -> str:
    """A LIKE pattern as a regular expression: ``%`` any text, ``_`` one character, a backslash takes the next as is."""
    parts = re.findall(r"\\.|.", text, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return "".join(wild.get(part) or re.escape(part[-1]) for part in parts)


def _of_name(store: Store, parent: Values, name: str) -> Any:
    """A field of the Name object. Queues are groups; their type there is ``Queue``."""
    if name == "Type":
        table = store.table_of(parent["Id"])
        return parent.get("Type") if table and table.name == "Group" else (table.name if table else None)
    if name == "Name" and "Name" not in parent:
        return parent.get("CaseNumber") or parent.get("Subject")
    return parent.get(name)


def _show_field(field: Field) -> Show:
    return lambda row, base: show(field, row.get(field.name))  # noqa: ARG005


def _attributes(type: str, object: str, row: Values, base: str) -> Values:
    return {"type": type, "url": f"{base}/sobjects/{object}/{row['Id']}"}


def _show_row(table: Table, row: Values, plan: dict[str, Show], base: str) -> Values:
    shown: Values = {"attributes": _attributes(table.name, table.name, row, base)}
    for name, one in plan.items():
        shown[name] = one(row, base)
    return shown
