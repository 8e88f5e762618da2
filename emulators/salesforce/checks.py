"""What may be written: types, lengths, picklists, references, owners, required fields, field-level security.

Owns the refusal of a write before anything is changed. Refuses to change anything.
Invariant: a body that passes can be stored as it comes back.
Source: SOAP API Developer Guide, "StatusCode" (the codes), Object Reference (which fields are required or read-only).
The texts are captured from published answers.
https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-task.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulators.salesforce import errors
from emulators.salesforce.errors import ApiError
from emulators.salesforce.org import Org
from emulators.salesforce.schema import TEXT_TYPES, Field, Table
from emulators.salesforce.store import Store, Values
from emulators.salesforce.values import read


class Checks:
    def __init__(self, store: Store, org: Org) -> None:
        self.store = store
        self.org = org

    def fields(self, table: Table, body: Mapping[str, Any], *, creating: bool) -> Values:
        """The values of a body as rows keep them. Raises ApiError for the first thing that is wrong."""
        found = [(self.visible(table, name), value) for name, value in body.items() if name.lower() != "attributes"]
        closed = [field.name for field, _ in found if not self._open(table, field, creating=creating)]
        if closed:
            raise errors.read_only(closed)
        values = {field.name: read(field, value) for field, value in found}
        for field, _ in found:
            self._value(table, field, values[field.name])
        return values

    def visible(self, table: Table, name: str) -> Field:
        """The field of this name. A field hidden by field-level security does not exist for the client."""
        field = table.field(name)
        if field is None or self.org.is_hidden(table.name, field.name):
            raise errors.no_column(name, table.name)
        return field

    def row(self, table: Table, old: Values | None, new: Values) -> None:
        """What the whole row must satisfy. ``old`` is None for a new one."""
        lacking = [field.name for field in table.fields.values() if field.required and new.get(field.name) is None]
        if lacking:
            raise errors.missing(lacking)
        for name in (field.name for field in table.fields.values() if field.unique):
            self._unique(table, name, new)
        if table.name in ("Task", "Event"):
            self._activity(new)
        if new.get("OwnerId") and (old is None or old["OwnerId"] != new["OwnerId"]):
            self._owner(table, new["OwnerId"])
        for rule in self.org.validation:
            if rule.object == table.name and new.get(rule.field) == rule.value:
                raise ApiError(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, [])

    def existing(self, table: Table, id: str) -> Values:
        """The row to be changed. Raises ApiError when it is gone, converted or locked."""
        row = self.store.get(table.name, id)
        if row is None:
            raise errors.bad_reference()
        if row.get("IsDeleted"):
            raise errors.deleted()
        if row.get("IsConverted") is True and table.name == "Lead":
            raise errors.converted_lead()
        if self.org.take_lock(id):
            raise errors.row_locked(id)
        return row

    def _open(self, table: Table, field: Field, *, creating: bool) -> bool:
        allowed = field.createable if creating else field.updateable
        return allowed and (table.name, field.name) not in self.org.read_only

    def _value(self, table: Table, field: Field, value: Any) -> None:
        if value is None:
            if field.required:
                raise errors.missing([field.name])
            return
        if field.length and field.type in TEXT_TYPES and len(value) > field.length:
            raise errors.too_long(field.label, field.name, value, field.length)
        if field.restricted and value not in field.values:
            raise errors.bad_choice(field.label, field.name, value)
        if field.type == "reference":
            self._reference(table, field, value)

    def _reference(self, table: Table, field: Field, id: str) -> None:
        target = self.store.table_of(id)
        if target is None or target.name not in field.references:
            raise errors.malformed_id(field.label.removesuffix(" ID"), id)
        row = self.store.get(target.name, id)
        if row is None:
            raise errors.bad_reference(field.name)
        if row.get("IsDeleted"):
            raise ApiError(400, "ENTITY_IS_DELETED", "entity is deleted", [])
        if field.name == "WhoId" and row.get("IsConverted"):
            raise errors.converted_lead()
        if field.name == "OwnerId" and target.name == "Group":
            self._queue(table, id)

    def _queue(self, table: Table, id: str) -> None:
        served = {row["SobjectType"] for row in self.store.children("QueueSobject", "QueueId", id)}
        if table.name not in served:
            raise ApiError(400, "INVALID_OPERATION", "Queue not associated with this SObject type", [])

    def _owner(self, table: Table, id: str) -> None:
        owner = self.store.find(id)
        if owner is not None and owner.get("IsActive") is False:
            raise errors.inactive_owner(id, table.name)

    def _unique(self, table: Table, name: str, new: Values) -> None:
        value = new.get(name)
        for holder in self.store.holders(table.name, name, value) if value else ():
            if holder != new.get("Id"):
                raise errors.duplicate(name, holder)

    def _activity(self, new: Values) -> None:
        # Object Reference, Task.WhoId: when it is a lead, WhatId must be empty.
        if new.get("WhoId", None) and new["WhoId"].startswith("00Q") and new.get("WhatId"):
            raise ApiError(
                400, "FIELD_INTEGRITY_EXCEPTION", "What ID: a lead's activity has no related record", ["WhatId"]
            )
