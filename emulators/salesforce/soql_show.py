"""What a query answers with: rows as JSON, with parents nested and TYPEOF by the parent's object.

Owns the SELECT list. Refuses to find rows. Invariant: fields come in the order in which they were selected.
Source: REST API Developer Guide, "Query"; SOQL and SOSL Reference, "TYPEOF".
https://developer.salesforce.com/docs/platform/salesforce-soql-sosl/guide/sforce-api-calls-soql-select-typeof.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulators.salesforce.schema import Field, Table
from emulators.salesforce.soql import Path, TypeOf
from emulators.salesforce.soql_names import Names, of_name
from emulators.salesforce.store import Values
from emulators.salesforce.values import show

Show = Callable[[Values, str], Any]
Plan = dict[str, Show]


class Selection:
    """Turns select lists into plans; a plan shows one row, given the version's path."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def plan(self, table: Table, items: tuple[Path | TypeOf, ...]) -> Plan:
        plan: Plan = {}
        parents: dict[str, list[Path]] = {}
        for item in items:
            if isinstance(item, TypeOf):
                plan[item.relationship] = self._typeof(table, item)
            elif len(item.names) == 1 or (len(item.names) == 2 and item.names[0].lower() == table.name.lower()):
                field = self._names.own(table, item, item.names[-1])
                if field.name in plan:
                    raise self._names.wrong("INVALID_FIELD", f"duplicate field selected: {field.name}")
                plan[field.name] = _show_field(field)
            else:
                reference = self._names.relation(table, item.names[0], item.column)
                inner = parents.setdefault(str(reference.relationship), [])
                inner.append(Path(item.names[1:], item.column))
                plan[str(reference.relationship)] = lambda row, base: None  # noqa: ARG005 - keeps the place in order
        for name, paths in parents.items():
            plan[name] = self._parent(self._names.relation(table, name, paths[0].column), paths)
        return plan

    def _parent(self, reference: Field, paths: list[Path]) -> Show:
        store, key = self._names.store, reference.name
        if len(reference.references) == 1:
            target = self._names.table(reference.references[0])
            plan = self.plan(target, tuple(paths))

            def one(row: Values, base: str) -> Any:
                parent = store.find(row.get(key))
                return None if parent is None else show_row(target, parent, plan, base)

            return one
        names = [self._names.name_field(reference, path, path.names)[1].name for path in paths]

        def named(row: Values, base: str) -> Any:
            parent = store.find(row.get(key))
            if parent is None:
                return None
            table = store.table_of(parent["Id"])
            shown: Values = {"attributes": _attributes("Name", table.name if table else "", parent, base)}
            return shown | {name: of_name(store, parent, name) for name in names}

        return named

    def _typeof(self, table: Table, item: TypeOf) -> Show:
        reference = self._names.relation(table, item.relationship, item.column)
        plans = {}
        for name, paths in item.whens:
            target = self._names.table(name)
            if target.name not in reference.references:
                raise self._names.wrong("INVALID_TYPE", f"'{name}' is no type of '{item.relationship}'")
            plans[target.name] = self.plan(target, paths)
        others = [self._names.name_field(reference, path, path.names)[1].name for path in item.otherwise]
        store = self._names.store

        def shown(row: Values, base: str) -> Any:
            parent = store.find(row.get(reference.name))
            target = store.table_of(parent["Id"]) if parent else None
            if parent is None or target is None:
                return None
            if target.name in plans:
                return show_row(target, parent, plans[target.name], base)
            attributes = {"attributes": _attributes(target.name, target.name, parent, base)}
            return attributes | {name: of_name(store, parent, name) for name in others}

        return shown


def _show_field(field: Field) -> Show:
    return lambda row, base: show(field, row.get(field.name))  # noqa: ARG005


def _attributes(type: str, object: str, row: Values, base: str) -> Values:
    return {"type": type, "url": f"{base}/sobjects/{object}/{row['Id']}"}


def show_row(table: Table, row: Values, plan: Plan, base: str) -> Values:
    shown: Values = {"attributes": _attributes(table.name, table.name, row, base)}
    for name, one in plan.items():
        shown[name] = one(row, base)
    return shown
