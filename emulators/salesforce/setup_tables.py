"""The objects that an administrator works with: permission sets, what they grant, holidays.

Owns names, types and flags. Refuses behaviour: see ``permissions``. Invariant: as in ``tables``.
Source: Object Reference, one page per object: PermissionSet, PermissionSetAssignment, ObjectPermissions,
FieldPermissions, UserPermissionAccess, Holiday.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-fieldpermissions.html
"""

from __future__ import annotations

from functools import cache
from typing import Final

from emulators.salesforce.schema import Table, table

PERMISSIONS: Final = (
    "ApiEnabled", "EditTask", "TransferAnyLead", "TransferAnyCase", "ViewSetup", "ModifyAllData", "ViewAllData",
    "CustomizeApplication", "ModifyMetadata", "ManageUsers", "AuthorApex", "ManageProfilesPermissionsets",
    "AssignPermissionSets", "ManageBusinessHourHolidays", "ViewEncryptedData", "PasswordNeverExpires",
)  # fmt: skip
_FLAGS: Final = "\n".join(f"Permissions{name} boolean" for name in PERMISSIONS)
_OBJECT_FLAGS: Final = "\n".join(
    f"Permissions{name} boolean" for name in ("Create", "Read", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")
)
_HOLIDAY: Final = """
Name                    string:80 required
Description             string:100
ActivityDate            date
IsAllDay                boolean true
StartTimeInMinutes      int
EndTimeInMinutes        int
IsRecurrence            boolean
RecurrenceStartDate     date
RecurrenceEndDateOnly   date
RecurrenceType          picklist
RecurrenceInterval      int
RecurrenceDayOfWeekMask int
RecurrenceDayOfMonth    int
RecurrenceInstance      picklist
RecurrenceMonthOfYear   picklist
"""
_STAMPED: Final = ("created", "created_by", "modified", "modified_by", "stamp")


@cache
def setup_tables() -> dict[str, Table]:
    """The tables by lower-case name; never changed."""
    tables = [
        table("PermissionSet", "0PS", f"Name string:80 required\nLabel string:80 required\nDescription string:255\n"
              f"IsOwnedByProfile boolean ro\n{_FLAGS}", system=_STAMPED, label="Permission Set"),
        table("PermissionSetAssignment", "0Pa", "PermissionSetId reference:PermissionSet@PermissionSet required"
              " create\n"
              "AssigneeId reference:User@Assignee required create", system=("stamp",), name_field=None,
              label="Permission Set Assignment"),
        table("ObjectPermissions", "110", f"ParentId reference:PermissionSet@Parent required create\n"
              f"SobjectType string:40 required create\n{_OBJECT_FLAGS}", system=_STAMPED, name_field=None,
              label="Object Permissions"),
        table("FieldPermissions", "01k", "ParentId reference:PermissionSet@Parent required create\n"
              "SobjectType string:40 required create\nField string:255 required create\nPermissionsRead boolean\n"
              "PermissionsEdit boolean", system=("stamp",), name_field=None, label="Field Permissions"),
        table("UserPermissionAccess", "0Uq", _FLAGS, system=(), writable=False, name_field=None,
              label="User Permission Access"),
        table("Holiday", "0C0", _HOLIDAY, system=_STAMPED, picklists={
            "RecurrenceType": ("RecursDaily", "RecursEveryWeekday", "RecursWeekly", "RecursMonthly",
                               "RecursMonthlyNth", "RecursYearly", "RecursYearlyNth"),
            "RecurrenceInstance": ("First", "Second", "Third", "Fourth", "Last"),
            "RecurrenceMonthOfYear": ("January", "February", "March", "April", "May", "June", "July", "August",
                                      "September", "October", "November", "December"),
        }),
    ]  # fmt: skip
    return {one.name.lower(): one for one in tables}
