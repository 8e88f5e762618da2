"""The permission set "SLA Sidecar": the least that the integration user needs, and how it is created.

Owns what the least is. Refuses profiles and other people's permission sets. Invariant: nothing is ever taken away, and
what is granted already is left as it is.
A field made by an API is visible to nobody until a permission set or profile says so; access to fields of tasks is
granted on Task, although they belong to Activity.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-fieldpermissions.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from connectors.base import Finding
from connectors.errors import ConnectorError, RetryLater
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.provisioning import described, refused, wanted
from connectors.salesforce.rows import decode_row, decoded
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.values import quote, select

NAME: Final = "SLA_Sidecar"
LABEL: Final = "SLA Sidecar"
DESCRIPTION: Final = "The least that sla-sidecar needs."
TRANSFER: Final = {names.LEAD: "TransferAnyLead", names.CASE: "TransferAnyCase"}
OBJECT_FLAGS: Final = ("Create", "Read", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")
GRANTED: Final = frozenset({"Read", "Edit", "ViewAllRecords"})

Record = dict[str, Any]


def system_permissions(settings: SalesforceSettings) -> list[str]:
    """API names of the user permissions needed, without the prefix ``Permissions``."""
    return ["ApiEnabled", "EditTask", *(TRANSFER[name] for name in settings.objects)]


def field_permissions(settings: SalesforceSettings) -> dict[tuple[str, str], bool]:
    """(object, field) -> whether it is written too, for every custom field that the configuration names."""
    found: dict[tuple[str, str], bool] = {}
    for name in settings.objects:
        kind: Any = names.KINDS[name]
        for given in settings.fields.values():
            path = given if isinstance(given, str) else given.get(kind, "")
            if path.endswith("__c") and "." not in path:
                found[name, path] = False
    written = {(described(field), field.name): True for field in wanted(settings) if field.name.endswith("__c")}
    return found | written


class PermissionSet:
    """The permission set of one org."""

    def __init__(self, api: Api, settings: SalesforceSettings) -> None:
        self._api = api
        self._settings = settings

    def grant(self, without: frozenset[tuple[str, str]] = frozenset()) -> list[Finding]:
        """Creates the set, completes it and assigns it to the user we are. ``without`` are (object, field) that do
        not exist. Raises RetryLater; what is refused is a finding."""
        try:
            return list(self._grant(without))
        except RetryLater:
            raise
        except ConnectorError as error:
            return [refused(f"permission set {LABEL}", error)]

    def _grant(self, without: frozenset[tuple[str, str]]) -> Iterator[Finding]:
        found = self._rows("Id", "PermissionSet", f"Name = {quote(NAME)}")
        set_id = found[0]["Id"] if found else self._create()
        yield Finding("ok", f"permission set {LABEL}", "was there already" if found else "created")
        lacking = [*self._objects(set_id), *self._fields(set_id, without), *self._assignment(set_id)]
        for start in range(0, len(lacking), names.COLLECTION_ROWS):
            yield from self._insert(lacking[start : start + names.COLLECTION_ROWS])

    def _create(self) -> str:
        flags = {f"Permissions{name}": True for name in system_permissions(self._settings)}
        body = {"Name": NAME, "Label": LABEL, "Description": DESCRIPTION, **flags}
        answer = self._api.send("POST", names.PERMISSION_SET, msgspec.json.encode(body))
        return str(decode_row(answer.body)["id"])

    def _objects(self, set_id: str) -> Iterator[Record]:
        rows = self._rows("SobjectType", "ObjectPermissions", f"ParentId = {quote(set_id)}")
        there = {row["SobjectType"] for row in rows}
        for name in self._settings.objects:
            if name not in there:
                flags = {f"Permissions{flag}": flag in GRANTED for flag in OBJECT_FLAGS}
                yield _row("ObjectPermissions", ParentId=set_id, SobjectType=name, **flags)

    def _fields(self, set_id: str, without: frozenset[tuple[str, str]]) -> Iterator[Record]:
        there = {row["Field"] for row in self._rows("Field", "FieldPermissions", f"ParentId = {quote(set_id)}")}
        for (name, field), written in field_permissions(self._settings).items():
            full = f"{name}.{field}"
            if full not in there and (name, field) not in without:
                yield _row("FieldPermissions", ParentId=set_id, SobjectType=name, Field=full, PermissionsRead=True,
                           PermissionsEdit=written)  # fmt: skip

    def _assignment(self, set_id: str) -> Iterator[Record]:
        user = self._api.user
        if user is None:
            return
        mine = f"PermissionSetId = {quote(set_id)} AND AssigneeId = {quote(user)}"
        if not self._rows("Id", "PermissionSetAssignment", mine):
            yield _row("PermissionSetAssignment", PermissionSetId=set_id, AssigneeId=user)

    def _insert(self, records: Sequence[Record]) -> Iterator[Finding]:
        body = msgspec.json.encode({"allOrNone": False, "records": records})
        results = msgspec.json.decode(self._api.send("POST", names.COLLECTIONS, body).body, type=list[Record])
        for record, result in zip(records, results, strict=False):
            yield _told(record, result)

    def _rows(self, column: str, name: str, where: str) -> list[Record]:
        answer = self._api.query(select((column,), name, where), deleted=False)
        return decoded(answer)


def _row(kind: str, **values: Any) -> Record:
    return {"attributes": {"type": kind}, **values}


def _told(record: Record, result: Mapping[str, Any]) -> Finding:
    kind = record["attributes"]["type"]
    subject = {
        "ObjectPermissions": f"access to {record.get('SobjectType')}",
        "FieldPermissions": f"access to {record.get('Field')}",
    }.get(kind, "assignment to our user")
    codes = [str(error.get("statusCode")) for error in result.get("errors") or ()]
    if result.get("success") or "DUPLICATE_VALUE" in codes:
        return Finding("ok", subject, "granted")
    # A field that was made a moment ago is not always known to permission sets yet.
    fix = "run it again in a minute, or grant it by hand: Setup > Permission Sets > SLA Sidecar"
    return Finding("fail", subject, f"Salesforce refused it ({', '.join(codes) or 'no reason given'})", fix)
