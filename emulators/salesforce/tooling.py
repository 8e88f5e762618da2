"""The Tooling API, as far as it makes custom fields.

Owns ``tooling/sobjects/CustomField``. Refuses queries and every other kind of metadata. Invariant: a new field is
hidden from everybody until a permission set grants it.
Source: Tooling API, "CustomField" (FullName and Metadata on create); Metadata API Developer Guide, "CustomField". A
field made by an API has no field-level security for any profile, and custom fields of tasks and events belong to
Activity: published threads (restforce issue 353, sfpowerkit issue 446). Refusals for lack of permission: assumed.
"""

from __future__ import annotations

from typing import Any, Final

from emulators.http import Response
from emulators.salesforce import errors
from emulators.salesforce.call import Call
from emulators.salesforce.errors import ApiError
from emulators.salesforce.ids import make_id
from emulators.salesforce.org import Org
from emulators.salesforce.schema import Field, Table
from emulators.salesforce.store import Store

TYPES: Final = {
    "Text": "string",
    "DateTime": "datetime",
    "Date": "date",
    "Checkbox": "boolean",
    "LongTextArea": "textarea",
}
_PLACES: Final = {"Activity": ("Task", "Event")}


class Tooling:
    def __init__(self, store: Store, org: Org) -> None:
        self._store = store
        self._org = org
        self._made = 0

    def answer(self, call: Call) -> Response:
        """``parts`` start after ``tooling``."""
        if call.parts != ("sobjects", "CustomField"):
            raise errors.not_found()
        if call.method != "POST":
            raise errors.method_not_allowed(call.method, "POST")
        if not self._org.permissions & {"CustomizeApplication", "ModifyAllData"}:
            raise ApiError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on this resource")
        body = call.body()
        entity, _, name = str(body.get("FullName", "")).partition(".")
        self._create(entity, name, body.get("Metadata") or {})
        self._made += 1
        made = {"id": make_id("00N", self._made), "success": True, "errors": [], "warnings": [], "infos": []}
        return Response(201, made)

    def _create(self, entity: str, name: str, metadata: dict[str, Any]) -> None:
        tables = self._tables(entity)
        if not name.endswith("__c") or not name[0].isalpha():
            raise ApiError(400, "FIELD_INTEGRITY_EXCEPTION", f"Invalid fullName: {entity}.{name}", ["FullName"])
        if any(table.field(name) for table in tables):
            message = f"There is already a field named {name.removesuffix('__c')} on {entity}."
            raise ApiError(400, "DUPLICATE_DEVELOPER_NAME", message, ["DeveloperName"])
        made = _field(name, metadata)
        for table in tables:
            table.add(made)
            self._org.hidden.add((table.name, name))
            self._org.read_only.add((table.name, name))

    def _tables(self, entity: str) -> list[Table]:
        """The tables that a field of ``entity`` shows up in."""
        if entity in _PLACES["Activity"] or not (entity in _PLACES or entity.lower() in self._store.tables):
            message = f"Entity Enumeration Or ID: bad value for restricted picklist field: {entity}"
            raise ApiError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, ["TableEnumOrId"])
        return [self._store.tables[one.lower()] for one in _PLACES.get(entity, (entity,))]


def _field(name: str, metadata: dict[str, Any]) -> Field:
    kind = TYPES.get(str(metadata.get("type")))
    if kind is None:
        raise ApiError(400, "INVALID_FIELD", f"Invalid field type: {metadata.get('type')}", ["Metadata"])
    if not metadata.get("label"):
        raise errors.missing(["MasterLabel"])
    if metadata.get("type") == "Text" and not 0 < int(metadata.get("length") or 0) <= 255:
        message = "Must specify 'length' for a CustomField of type Text"
        raise ApiError(400, "FIELD_INTEGRITY_EXCEPTION", message, ["Length"])
    return Field(
        name=name, type=kind, label=str(metadata["label"]), length=int(metadata.get("length") or 0),
        unique=bool(metadata.get("unique")), external_id=bool(metadata.get("externalId")),
        default=False if kind == "boolean" else None,
    )  # fmt: skip
