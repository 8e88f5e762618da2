"""Who may do what: permission sets and what follows when one is written.

Owns the rows of permissions and their effect on the integration user. Refuses HTTP. Invariant: what a permission set
grants takes effect once it is assigned, at once, and nothing is ever taken away by a grant.
Source: Object Reference, FieldPermissions, ObjectPermissions, PermissionSet ("only users with the View Setup and
Configuration permission can access this object"), PermissionSetAssignment; the refusals' wording is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from emulators.salesforce.errors import ApiError
from emulators.salesforce.org import Org
from emulators.salesforce.setup_tables import PERMISSIONS
from emulators.salesforce.store import Store, Values

NEEDS: Final = {
    "PermissionSet": "ManageProfilesPermissionsets",
    "ObjectPermissions": "ManageProfilesPermissionsets",
    "FieldPermissions": "ManageProfilesPermissionsets",
    "PermissionSetAssignment": "AssignPermissionSets",
    "BusinessHours": "ManageBusinessHourHolidays",
    "Holiday": "ManageBusinessHourHolidays",
}
"""What a client needs to write the objects of the setup."""
BEHIND_SETUP: Final = frozenset({"PermissionSet", "ObjectPermissions", "FieldPermissions", "PermissionSetAssignment"})
_ACTIVITIES: Final = ("Task", "Event")
_KEYS: Final = {
    "FieldPermissions": ("ParentId", "Field"),
    "ObjectPermissions": ("ParentId", "SobjectType"),
    "PermissionSetAssignment": ("PermissionSetId", "AssigneeId"),
}


def is_shown(org: Org, object: str) -> bool:
    """Whether the integration user sees the object at all."""
    if (object, "read") in org.denied:
        return False
    return object not in BEHIND_SETUP or "ViewSetup" in org.permissions


def refuse(store: Store, org: Org, object: str, access: str, body: Mapping[str, Any]) -> None:
    """Raises ApiError for a client's write that the integration user's permissions do not cover, or that makes a
    permission which cannot be."""
    need = NEEDS.get(object)
    if (object, access) in org.denied or (need is not None and not org.permissions & {need, "ModifyAllData"}):
        raise ApiError(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object", [])
    if access == "create" and object in _KEYS:
        _check(store, object, body)


def _check(store: Store, object: str, body: Mapping[str, Any]) -> None:
    if object == "FieldPermissions":
        entity, _, name = str(body.get("Field")).partition(".")
        table = store.tables.get(entity.lower())
        if table is None or entity != body.get("SobjectType") or not table.has(name):
            message = f"Field Name: bad value for restricted picklist field: {body.get('Field')}"
            raise ApiError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, ["Field"])
    same = _KEYS[object]
    for row in store.rows(object):
        if all(row[key] == body.get(key) for key in same):
            message = "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
            raise ApiError(400, "DUPLICATE_VALUE", message, [])


def take_effect(store: Store, org: Org) -> None:
    """Gives the integration user what its permission sets grant, and writes down what it may."""
    assigned = [row["PermissionSetId"] for row in store.rows("PermissionSetAssignment")
                if row["AssigneeId"] == org.run_as]  # fmt: skip
    for row in store.rows("PermissionSet"):
        if row["Id"] in assigned:
            org.permissions |= {name for name in PERMISSIONS if row[f"Permissions{name}"]}
    for row in store.rows("ObjectPermissions"):
        if row["ParentId"] in assigned:
            granted = {access for access in ("read", "create", "edit") if row[f"Permissions{access.title()}"]}
            org.denied -= {(row["SobjectType"], access) for access in granted}
    for row in store.rows("FieldPermissions"):
        if row["ParentId"] in assigned:
            _open(org, row)
    show_permissions(store, org)


def _open(org: Org, row: Values) -> None:
    entity, _, name = row["Field"].partition(".")
    # A field of activities is granted on Task; the platform mirrors the grant to Event.
    for one in _ACTIVITIES if entity in _ACTIVITIES else (entity,):
        if row["PermissionsRead"]:
            org.hidden.discard((one, name))
        if row["PermissionsEdit"]:
            org.read_only.discard((one, name))


def show_permissions(store: Store, org: Org) -> None:
    """The one row of ``UserPermissionAccess``, as the current user sees it."""
    for row in list(store.rows("UserPermissionAccess")):
        told = {f"Permissions{name}": name in org.permissions for name in PERMISSIONS}
        store.amend("UserPermissionAccess", row["Id"], told)
