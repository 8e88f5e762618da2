"""``check``'s questions about what the integration user may do beyond objects and fields.

Owns which system permissions are needed and which are too many. Refuses what takes "View Setup": permission sets are
not looked at. Invariant: a permission that the org does not know counts as not held.
UserPermissionAccess tells the current user's own permissions, whichever profile or permission set they come from.
https://developer.salesforce.com/docs/atlas.en-us.sfFieldRef.meta/sfFieldRef/
salesforce_field_reference_UserPermissionAccess.htm
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from connectors.base import Finding
from connectors.salesforce.api import Api
from connectors.salesforce.checking_fields import PERMISSIONS
from connectors.salesforce.permission_set import TRANSFER, system_permissions
from connectors.salesforce.rows import decode_row, rows_of
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import Shapes

ACCESS: Final = "UserPermissionAccess"
_PREFIX: Final = "Permissions"
_ALL: Final = "ModifyAllData"

LABELS: Final = {
    "ApiEnabled": "API Enabled", "EditTask": "Edit Tasks",
    "TransferAnyLead": "Transfer Leads", "TransferAnyCase": "Transfer Cases",
    "ModifyAllData": "Modify All Data", "ViewAllData": "View All Data", "ManageUsers": "Manage Users",
    "CustomizeApplication": "Customize Application", "ModifyMetadata": "Modify Metadata Through Metadata API Functions",
    "AuthorApex": "Author Apex", "ManageProfilesPermissionsets": "Manage Profiles and Permission Sets",
    "AssignPermissionSets": "Assign Permission Sets",
}  # fmt: skip
"""API name -> the name in Setup."""
EXCESS: Final = (
    "ModifyAllData", "ViewAllData", "ManageUsers", "CustomizeApplication", "ModifyMetadata", "AuthorApex",
    "ManageProfilesPermissionsets", "AssignPermissionSets",
)  # fmt: skip
"""What a stolen secret of the daemon should not open."""
_LOST: Final = {"ApiEnabled": "no call is answered", "EditTask": "tasks cannot be created"}


class PermissionQuestions:
    """What one connection's user may do."""

    def __init__(self, api: Api, shapes: Shapes, settings: SalesforceSettings) -> None:
        self._api = api
        self._shapes = shapes
        self._settings = settings

    def findings(self) -> Iterator[Finding]:
        held = self._held()
        if held is None:
            message = f"{ACCESS} cannot be read: what this user may do shows only at the first write"
            fix = f"compare its permission set with docs/salesforce.md: {PERMISSIONS}"
            yield Finding("warn", "permissions", message, fix)
            return
        lacking = [one for one in system_permissions(self._settings) if not (held.get(one) or held.get(_ALL))]
        for one in lacking:
            fix = f'give the integration user "{LABELS[one]}": {PERMISSIONS} > System Permissions'
            yield Finding("warn", "permissions", f'"{LABELS[one]}" is missing: {_lost(one)}', fix)
        excess = [LABELS[one] for one in EXCESS if held.get(one)]
        if excess:
            fix = f"take them from the integration user; nothing here needs them: {PERMISSIONS}, or its profile"
            yield Finding("warn", "permissions", f"more than is needed: {', '.join(excess)}", fix)
        if not lacking and not excess:
            yield Finding("ok", "permissions", "the integration user has what is needed and no more")

    def _held(self) -> Mapping[str, bool] | None:
        """Permission -> whether it is held, as far as the org knows it; None where it may not be asked."""
        shape = self._shapes.get(ACCESS)
        asked = [one for one in LABELS if shape is not None and shape.field(_PREFIX + one) is not None]
        if not asked:
            return None
        columns = [_PREFIX + one for one in asked]
        soql = f"SELECT {', '.join(columns)} FROM {ACCESS} LIMIT 1"  # noqa: S608  # names that describe showed
        rows = rows_of(self._api.query(soql, deleted=False)).records
        if not rows:
            return None
        row = decode_row(rows[0])
        return {one: bool(row.get(_PREFIX + one)) for one in asked}


def _lost(permission: str) -> str:
    moved = {transfer: name for name, transfer in TRANSFER.items()}
    if permission in moved:
        return f"the owner of a {moved[permission].lower()} that is another's cannot be changed"
    return _LOST[permission]
