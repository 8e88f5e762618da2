"""What an administrator sets up in the practice org, over HTTP: fields, permission sets, hours, and who may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from salesforce_emulator_org import Org

FIELD = "/tooling/sobjects/CustomField"
DUE = {"label": "SLA New Due", "type": "DateTime"}
ADMIN = ["CustomizeApplication", "ViewSetup", "ManageProfilesPermissionsets", "AssignPermissionSets"]


@pytest.fixture
def org() -> Iterator[Org]:
    made = Org()
    yield made
    made.close()


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


def test_custom_fields_take_a_permission_of_their_own(org: Org) -> None:
    assert code(org.post(FIELD, {"FullName": "Case.New__c", "Metadata": DUE})) == (403, "INSUFFICIENT_ACCESS")


def test_a_new_field_is_hidden_until_a_permission_set_shows_it(org: Org) -> None:
    org.act("setup", permissions=ADMIN)
    case = org.case()
    assert org.post(FIELD, {"FullName": "Case.New__c", "Metadata": DUE}).json()["success"] is True
    names = [one["name"] for one in org.get("/sobjects/Case/describe").json()["fields"]]
    assert "New__c" not in names
    assert code(org.patch(f"/sobjects/Case/{case}", {"New__c": "2026-03-02T10:00:00Z"}))[1] == "INVALID_FIELD"
    made = org.make("PermissionSet", Name="Mine", Label="Mine")
    org.make("FieldPermissions", ParentId=made, SobjectType="Case", Field="Case.New__c", PermissionsRead=True,
             PermissionsEdit=True)  # fmt: skip
    assert code(org.patch(f"/sobjects/Case/{case}", {"New__c": "2026-03-02T10:00:00Z"}))[1] == "INVALID_FIELD"
    me = org.emulator.cast.integration
    org.make("PermissionSetAssignment", PermissionSetId=made, AssigneeId=me)
    assert org.patch(f"/sobjects/Case/{case}", {"New__c": "2026-03-02T10:00:00Z"}).status_code == 204
    assert org.row("Case", case)["New__c"] == "2026-03-02T10:00:00.000+0000"


def test_fields_of_tasks_are_made_on_activity_and_show_on_both(org: Org) -> None:
    org.act("setup", permissions=ADMIN)
    key = {"label": "Key", "type": "Text", "length": 80, "unique": True, "externalId": True}
    assert code(org.post(FIELD, {"FullName": "Task.Key__c", "Metadata": key})) == (
        400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    )  # fmt: skip
    assert org.post(FIELD, {"FullName": "Activity.Key__c", "Metadata": key}).status_code == 201
    assert org.emulator.store.tables["task"].field("Key__c").unique
    assert org.emulator.store.tables["event"].has("Key__c")


def test_what_a_field_must_say(org: Org) -> None:
    org.act("setup", permissions=ADMIN)
    wrong = [
        ({"FullName": "Case.SLA_Due__c", "Metadata": DUE}, "DUPLICATE_DEVELOPER_NAME"),
        ({"FullName": "Case.New__c", "Metadata": {"label": "New", "type": "Text"}}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"FullName": "Case.New", "Metadata": DUE}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"FullName": "Case.New__c", "Metadata": {"type": "DateTime"}}, "REQUIRED_FIELD_MISSING"),
        ({"FullName": "Nothing.New__c", "Metadata": DUE}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"FullName": "Case.New__c", "Metadata": {"label": "New", "type": "Odd"}}, "INVALID_FIELD"),
    ]
    assert [code(org.post(FIELD, body))[1] for body, _ in wrong] == [expected for _, expected in wrong]


def test_one_orgs_fields_are_not_anothers(org: Org) -> None:
    org.act("setup", permissions=ADMIN)
    org.post(FIELD, {"FullName": "Case.New__c", "Metadata": DUE})
    other = Org()
    assert other.emulator.store.tables["case"].field("New__c") is None
    other.close()


def test_permission_sets_are_behind_setup_and_ones_own_permissions_are_not(org: Org) -> None:
    answer = org.get("/query", params={"q": "SELECT Id FROM PermissionSet"})
    assert code(answer) == (400, "INVALID_TYPE")
    [mine] = org.query("SELECT PermissionsApiEnabled, PermissionsModifyAllData FROM UserPermissionAccess LIMIT 1")
    assert mine == {"PermissionsApiEnabled": True, "PermissionsModifyAllData": False}
    org.act("setup", permissions=["ModifyAllData"])
    [mine] = org.query("SELECT PermissionsApiEnabled, PermissionsModifyAllData FROM UserPermissionAccess LIMIT 1")
    assert mine == {"PermissionsApiEnabled": False, "PermissionsModifyAllData": True}


def test_a_permission_is_granted_once_and_for_what_there_is(org: Org) -> None:
    org.act("setup", permissions=ADMIN)
    made = org.make("PermissionSet", Name="Mine", Label="Mine")
    row = {"ParentId": made, "SobjectType": "Case", "Field": "Case.Subject", "PermissionsRead": True}
    assert org.post("/sobjects/FieldPermissions", row).status_code == 201
    assert code(org.post("/sobjects/FieldPermissions", row))[1] == "DUPLICATE_VALUE"
    answer = org.post("/sobjects/FieldPermissions", {**row, "Field": "Case.Nothing__c"})
    assert code(answer)[1] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_what_is_denied_shows_in_describe_and_at_the_write(org: Org) -> None:
    org.act("setup", deny={"Case": ["edit"], "Task": ["create"], "Lead": ["read"]})
    assert org.get("/sobjects/Case/describe").json()["updateable"] is False
    assert code(org.patch(f"/sobjects/Case/{org.case()}", {"Subject": "x"})) == (
        403, "INSUFFICIENT_ACCESS_OR_READONLY",
    )  # fmt: skip
    assert org.post("/sobjects/Task", {"Subject": "x"}).status_code == 403
    assert org.get("/sobjects/Lead/describe").status_code == 404
    org.act("setup", allow={"Case": ["edit"], "Lead": ["read"]})
    assert org.get("/sobjects/Lead/describe").status_code == 200


def envelope(token: str) -> str:
    return (
        f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header><SessionHeader><sessionId>{token}'
        "</sessionId></SessionHeader></e:Header><e:Body><readMetadata><type>BusinessHoursSettings</type>"
        "<fullNames>BusinessHours</fullNames></readMetadata></e:Body></e:Envelope>"
    )


def test_only_the_metadata_api_tells_which_hours_observe_a_holiday_and_not_to_everybody(org: Org) -> None:
    org.act("create", object="Holiday", fields={"Name": "A & B", "ActivityDate": "2026-12-24"})
    path = "/services/Soap/m/66.0"
    refused = org.call("POST", path, data=envelope(org.token))
    assert (refused.status_code, "INSUFFICIENT_ACCESS" in refused.text) == (500, True)
    org.act("setup", permissions=["ModifyMetadata"], holiday_hours={"A & B": ["Default"]})
    told = org.call("POST", path, data=envelope(org.token))
    assert told.status_code == 200
    assert "<businessHours>Default</businessHours><name>A &amp; B</name>" in told.text
    assert "INVALID_SESSION_ID" in org.call("POST", path, data=envelope("wrong")).text


def test_holidays_are_written_by_people_and_read_by_everybody(org: Org) -> None:
    fields = {"Name": "Day off", "ActivityDate": "2026-12-24", "IsAllDay": True}
    assert org.post("/sobjects/Holiday", fields).status_code == 403
    org.act("create", object="Holiday", fields=fields)
    assert org.query("SELECT Name, ActivityDate, IsRecurrence FROM Holiday") == [
        {"Name": "Day off", "ActivityDate": "2026-12-24", "IsRecurrence": False}
    ]
