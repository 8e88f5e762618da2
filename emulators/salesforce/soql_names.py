"""Names in a query: which object, which field, which path over relationships, and the refusal of the rest.

Owns resolution and its errors. Refuses values. Invariant: no name resolves to what the client may not see.
Source: SOQL and SOSL Reference, "Understanding Relationship Names"; a polymorphic parent shows the fields
of the Name object.
https://developer.salesforce.com/docs/platform/salesforce-soql-sosl/guide/sforce-api-calls-soql-relationships-and-polymorph-keys.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from emulators.salesforce.errors import ApiError
from emulators.salesforce.org import Org
from emulators.salesforce.permissions import is_shown
from emulators.salesforce.schema import Field, Table
from emulators.salesforce.soql import Path, at_column
from emulators.salesforce.store import Store, Values
from emulators.salesforce.tables import NAME_FIELDS

Get = Callable[[Values], Any]

_HINT: Final = (
    "If you are attempting to use a custom {kind}, be sure to append the '{suffix}' after the {kind} name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)


class Names:
    """The names of one query; ``text`` is the query, for pointing into it."""

    def __init__(self, store: Store, org: Org, text: str) -> None:
        self.store = store
        self._org = org
        self._text = text

    def table(self, name: str) -> Table:
        table = self.store.tables.get(name.lower())
        if table is None or not is_shown(self._org, table.name):
            hint = _HINT.format(kind="object", suffix="__c").replace("custom object name", "entity name")
            raise self.wrong("INVALID_TYPE", f"sObject type '{name}' is not supported. {hint}")
        return table

    def is_filterable(self, table: Table, field: Field) -> bool:
        return self._org.is_filterable(table.name, field)

    def own(self, table: Table, path: Path, name: str) -> Field:
        field = table.field(name)
        if field is None or self._org.is_hidden(table.name, field.name):
            hint = _HINT.format(kind="field", suffix="__c")
            raise self.at(path.column, f"No such column '{name}' on entity '{table.name}'. {hint}")
        return field

    def relation(self, table: Table, name: str, column: int) -> Field:
        field = table.relation(name)
        if field is None or self._org.is_hidden(table.name, field.name):
            hint = _HINT.format(kind="relationship", suffix="__r")
            raise self.at(column, f"Didn't understand relationship '{name}' in field path. {hint}")
        return field

    def at(self, column: int, message: str) -> ApiError:
        return self.wrong("INVALID_FIELD", at_column(self._text, column, message))

    def field(self, table: Table, path: Path, names: tuple[str, ...] | None = None) -> tuple[Get, Field]:
        """How to get a path's value from a row, and the field at its end."""
        names = path.names if names is None else names
        if len(names) > 1 and names[0].lower() == table.name.lower() and not table.relation(names[0]):
            names = names[1:]
        if len(names) == 1:
            field = self.own(table, path, names[0])
            return (lambda row, name=field.name: row.get(name)), field
        reference = self.relation(table, names[0], path.column)
        if len(reference.references) > 1:
            return self.name_field(reference, path, names[1:])
        inner, field = self.field(self.table(reference.references[0]), path, names[1:])
        find, key = self.store.find, reference.name

        def get(row: Values) -> Any:
            parent = find(row.get(key))
            return None if parent is None else inner(parent)

        return get, field

    def name_field(self, reference: Field, path: Path, names: tuple[str, ...]) -> tuple[Get, Field]:
        """A polymorphic parent shows only the fields of the Name object."""
        known = next((one for one in NAME_FIELDS if one.lower() == names[0].lower()), None)
        if known is None or len(names) > 1:
            hint = _HINT.format(kind="field", suffix="__c")
            raise self.at(path.column, f"No such column '{names[0]}' on entity 'Name'. {hint}")
        store, key = self.store, reference.name

        def get(row: Values) -> Any:
            parent = store.find(row.get(key))
            return None if parent is None else of_name(store, parent, known)

        return get, Field(known, "boolean" if known == "IsActive" else "string", known)

    def wrong(self, code: str, message: str) -> ApiError:
        return ApiError(400, code, message)


def of_name(store: Store, parent: Values, name: str) -> Any:
    """A field of the Name object. Queues are groups; their type there is ``Queue``."""
    if name == "Type":
        table = store.table_of(parent["Id"])
        return parent.get("Type") if table and table.name == "Group" else (table.name if table else None)
    if name == "Name" and "Name" not in parent:
        return parent.get("CaseNumber") or parent.get("Subject")
    return parent.get(name)
