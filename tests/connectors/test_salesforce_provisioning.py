"""Fields, permissions and business hours of an org, set up over HTTP."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from connectors.base import Finding
from connectors.setup import Grant, setup_of

ADMIN = ["ApiEnabled", "EditTask", "TransferAnyLead", "TransferAnyCase", "ViewSetup", "CustomizeApplication",
         "ManageProfilesPermissionsets", "AssignPermissionSets"]  # fmt: skip
NEW = {
    "write": {"lead": {"sla_due": "SLA_New_Due__c", "sla_status": "SLA_New_Status__c"},
              "ticket": {"sla_due": "SLA_Due__c", "sla_policy": "SLA_New_Policy__c"}},
    "tags": {"ticket": "SLA_New_Tags__c"},
    "task_key": "SLA_New_Key__c",
}  # fmt: skip


def offered(connector: Any) -> Any:
    found = setup_of(connector)
    assert found is not None
    return found


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.level, one.subject, one.message) for one in findings]


def test_what_is_missing_is_named_with_type_length_and_the_key_that_wants_it(org: Any) -> None:
    lacking = offered(org.connect(**NEW)).missing()
    assert [(one.object, one.name, one.type, one.length, one.unique, one.purpose) for one in lacking.fields] == [
        ("Lead", "SLA_New_Due__c", "datetime", 0, False, "write.lead.sla_due"),
        ("Lead", "SLA_New_Status__c", "text", 40, False, "write.lead.sla_status"),
        ("Case", "SLA_New_Policy__c", "text", 255, False, "write.ticket.sla_policy"),
        ("Case", "SLA_New_Tags__c", "text", 255, False, "tags.ticket"),
        ("Activity", "SLA_New_Key__c", "text", 80, True, "task_key"),
    ]
    assert (lacking.grants, lacking.findings) == ([], [])


def test_an_org_that_has_everything_lacks_nothing(acme: Any) -> None:
    lacking = offered(acme).missing()
    assert (lacking.fields, lacking.grants, lacking.findings) == ([], [], [])


def test_an_administrators_login_creates_fields_and_permission_set_and_all_of_it_can_be_written_then(org: Any) -> None:
    org.setup(permissions=ADMIN)
    connector = org.connect(**NEW)
    setup = offered(connector)
    done = setup.create(setup.missing())
    assert told(done) == [
        ("ok", "Lead.SLA_New_Due__c", "created"),
        ("ok", "Lead.SLA_New_Status__c", "created"),
        ("ok", "Case.SLA_New_Policy__c", "created"),
        ("ok", "Case.SLA_New_Tags__c", "created"),
        ("ok", "Activity.SLA_New_Key__c", "created"),
        ("ok", "permission set SLA Sidecar", "created"),
        ("ok", "access to Lead", "granted"),
        ("ok", "access to Case", "granted"),
        ("ok", "access to Lead.SLA_New_Due__c", "granted"),
        ("ok", "access to Lead.SLA_New_Status__c", "granted"),
        ("ok", "access to Case.SLA_Due__c", "granted"),
        ("ok", "access to Case.SLA_New_Policy__c", "granted"),
        ("ok", "access to Case.SLA_New_Tags__c", "granted"),
        ("ok", "access to Task.SLA_New_Key__c", "granted"),
        ("ok", "assignment to our user", "granted"),
    ]
    fields = [one for one in connector.check() if one.subject.startswith(("write.", "tags.", "task_key"))]
    assert {one.level for one in fields} == {"ok"}
    assert [one.message for one in fields if one.subject == "task_key"] == ["SLA_New_Key__c makes each task once"]


def test_a_second_run_changes_nothing(org: Any) -> None:
    org.setup(permissions=ADMIN)
    setup = offered(org.connect(**NEW))
    setup.create(setup.missing())
    before = len(org.effects())
    again = setup.missing()
    assert (again.fields, again.grants, again.findings) == ([], [], [])
    assert {one.level for one in setup.create(again)} == {"ok"}
    assert len(org.effects()) == before


def test_the_permission_set_holds_the_least_and_nothing_more(org: Any) -> None:
    org.setup(permissions=ADMIN)
    setup = offered(org.connect(**NEW))
    setup.create(setup.missing())
    [made] = org.emulator.store.rows("PermissionSet")
    assert (made["Name"], made["Label"]) == ("SLA_Sidecar", "SLA Sidecar")
    assert sorted(key for key, value in made.items() if value is True) == [
        "PermissionsApiEnabled", "PermissionsEditTask", "PermissionsTransferAnyCase", "PermissionsTransferAnyLead",
    ]  # fmt: skip
    for row in org.emulator.store.rows("ObjectPermissions"):
        assert sorted(key for key, value in row.items() if value is True) == [
            "PermissionsEdit", "PermissionsRead", "PermissionsViewAllRecords",
        ]  # fmt: skip


def test_fields_that_are_there_but_hidden_are_made_visible_and_not_made_anew(org: Any) -> None:
    org.setup(permissions=ADMIN, hide={"Case": ["SLA_Due__c"]}, read_only={"Case": ["SLA_Due__c"]})
    setup = offered(org.connect(write={"ticket": {"sla_due": "SLA_Due__c"}}))
    lacking = setup.missing()
    assert [one.name for one in lacking.fields] == ["SLA_Due__c"]
    done = setup.create(lacking)
    assert told(done)[0] == ("ok", "Case.SLA_Due__c", "was there already, hidden from this user")
    assert {one.level for one in done} == {"ok"}
    assert setup.missing().fields == []


def test_a_field_that_is_read_only_for_us_needs_a_grant(org: Any) -> None:
    org.setup(permissions=ADMIN, read_only={"Case": ["SLA_Due__c"]})
    setup = offered(org.connect(write={"ticket": {"sla_due": "SLA_Due__c"}}))
    lacking = setup.missing()
    assert (lacking.fields, lacking.grants) == ([], [Grant(object="Case", field="SLA_Due__c")])
    setup.create(lacking)
    assert setup.missing().grants == []


def test_an_object_that_cannot_be_edited_needs_a_grant(org: Any) -> None:
    org.setup(permissions=ADMIN, deny={"Case": ["edit"]})
    setup = offered(org.connect(write={"ticket": {"sla_due": "SLA_Due__c"}}))
    lacking = setup.missing()
    assert (lacking.fields, lacking.grants) == ([], [Grant(object="Case")])
    assert {one.level for one in setup.create(lacking)} == {"ok"}
    assert setup.missing().grants == []


def test_a_field_of_another_type_is_told_and_left_alone(org: Any) -> None:
    setup = offered(org.connect(write={"ticket": {"sla_due": "SLA_Status__c", "sla_status": "SLA_Due__c"}}))
    lacking = setup.missing()
    assert lacking.fields == []
    assert told(lacking.findings) == [
        ("fail", "write.ticket.sla_due",
         "Case.SLA_Status__c is there and holds string, but Date/Time is needed; it is left alone"),
        ("fail", "write.ticket.sla_status",
         "Case.SLA_Due__c is there and holds datetime, but text is needed; it is left alone"),
    ]  # fmt: skip


def test_a_hidden_field_of_another_type_is_found_once_it_can_be_seen(org: Any) -> None:
    org.setup(permissions=ADMIN, hide={"Case": ["SLA_Status__c"]})
    setup = offered(org.connect(write={"ticket": {"sla_due": "SLA_Status__c"}}))
    done = setup.create(setup.missing())
    assert told(done)[-1][:2] == ("fail", "write.ticket.sla_due")


def test_standard_fields_and_those_of_packages_cannot_be_made(org: Any) -> None:
    lacking = offered(org.connect(write={"lead": {"sla_due": "DueDate", "sla_status": "acme__State__c"}})).missing()
    assert lacking.fields == []
    assert [(one.subject, one.message) for one in lacking.findings] == [
        ("write.lead.sla_due", "Lead has no field DueDate, and it cannot be made"),
        ("write.lead.sla_status", "Lead has no field acme__State__c, and it cannot be made"),
    ]


def test_the_daemons_own_user_may_not_create_and_is_told_both_ways_out(org: Any) -> None:
    setup = offered(org.connect(write={"lead": {"sla_due": "SLA_New_Due__c"}}))
    [refused] = setup.create(setup.missing())
    assert (refused.level, refused.subject) == ("fail", "Lead.SLA_New_Due__c")
    assert "Customize Application" in str(refused.fix)
    assert "--package" in str(refused.fix)
    assert org.effects() == []


def test_without_the_right_to_permission_sets_the_fields_are_made_and_said_to_be_hidden(org: Any) -> None:
    org.setup(permissions=["ApiEnabled", "CustomizeApplication"])
    setup = offered(org.connect(write={"lead": {"sla_due": "SLA_New_Due__c"}}))
    done = setup.create(setup.missing())
    assert [(one.level, one.subject) for one in done] == [
        ("ok", "Lead.SLA_New_Due__c"),
        ("fail", "permission set SLA Sidecar"),
        ("fail", "Lead.SLA_New_Due__c"),
    ]
    assert done[-1].message == "is there and still hidden from us"


def test_one_refused_field_leaves_the_others_alone(org: Any) -> None:
    org.setup(permissions=ADMIN)
    setup = offered(org.connect(**NEW))
    lacking = setup.missing()
    org.fault("status:503", "/services/data/v66.0/tooling*", times=1)
    done = {one.subject: one for one in setup.create(lacking)}
    assert (done["Lead.SLA_New_Due__c"].level, done["Lead.SLA_New_Due__c"].unreachable) == ("fail", True)
    assert done["Lead.SLA_New_Status__c"].message == "created"
    assert done["access to Lead.SLA_New_Status__c"].level == "ok"
    assert "access to Lead.SLA_New_Due__c" not in done


def test_the_package_has_the_same_bytes_each_time_and_is_well_formed(org: Any) -> None:
    setup = offered(org.connect(**NEW))
    files = setup.package()
    assert sorted(files) == [
        "objects/Activity.object", "objects/Case.object", "objects/Lead.object", "package.xml",
        "permissionsets/SLA_Sidecar.permissionset",
    ]  # fmt: skip
    assert files == offered(org.connect(**NEW)).package()
    for content in files.values():
        ElementTree.fromstring(content)
    assert (
        b"<fullName>SLA_New_Key__c</fullName><label>SLA New Key</label><type>Text</type><length>80</length>"
        in (files["objects/Activity.object"])
    )
    granted = files["permissionsets/SLA_Sidecar.permissionset"].decode()
    assert "<field>Task.SLA_New_Key__c</field>" in granted
    assert "Activity." not in granted
    assert "<members>Activity.SLA_New_Key__c</members>" in files["package.xml"].decode()
    assert sum(org.emulator.counts.values()) == 0


def test_what_an_account_has_can_be_told_before_anything_is_configured(org: Any) -> None:
    account = offered(org.connect(write=None)).account()
    assert (account.id, account.zone) == (org.credentials["organization_id"], "America/New_York")
    assert [(one.object, one.kind, one.readable) for one in account.objects] == [
        ("Lead", "lead", True), ("Case", "ticket", True),
    ]  # fmt: skip
    assert [(one.name, one.category) for one in account.statuses if one.object == "Case"] == [
        ("New", "new"), ("Working", "open"), ("Waiting on Customer", "pending"), ("On Hold", "on_hold"),
        ("Escalated", "open"), ("Closed", "closed"),
    ]  # fmt: skip


def test_a_status_that_ends_a_record_in_the_org_is_proposed_as_an_end(org: Any) -> None:
    lax = {"lead": {"Closed - Converted": "open"}, "ticket": {"Closed": "open"}}
    account = offered(org.connect(write=None, status=lax)).account()
    assert [(one.name, one.category) for one in account.statuses if one.name in {"Closed", "Closed - Converted"}] == [
        ("Closed - Converted", "converted"), ("Closed", "closed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("logical", "name"),
    [("sla_due", "SLA_Due__c"), ("first_response_due", "SLA_First_Response_Due__c"), ("tags", "SLA_Tags__c")],
)
def test_fields_have_a_usual_name(acme: Any, logical: str, name: str) -> None:
    assert offered(acme).field_name("lead", logical) == name


def some_hours(org: Any) -> None:
    hours = {f"{day}{edge}Time": f"{at}:00:00.000Z" for day in ("Monday", "Tuesday")
             for edge, at in (("Start", "09"), ("End", "17"))}  # fmt: skip
    org.act("create", object="BusinessHours", fields={"Name": "Berlin", "TimeZoneSidKey": "Europe/Berlin", **hours})
    org.act("create", object="Holiday", fields={"Name": "New Year & more", "ActivityDate": "2027-01-01"})


def test_business_hours_are_read_by_the_daemons_own_user_with_all_holidays(org: Any) -> None:
    some_hours(org)
    default, berlin = offered(org.connect()).calendars("2026-11-21")
    assert (default.title, default.table) == (
        "Default", {"timezone": "America/New_York", "hours": "24x7", "closed": ["2027-01-01"]},
    )  # fmt: skip
    assert berlin.table == {
        "timezone": "Europe/Berlin", "hours": {"mon-tue": "09:00-17:00"}, "closed": ["2027-01-01"],
    }  # fmt: skip
    assert "cannot be read by this user" in berlin.notes[0]


def test_who_may_read_metadata_gets_each_holiday_where_it_belongs(org: Any) -> None:
    some_hours(org)
    org.setup(permissions=["ApiEnabled", "ModifyMetadata"], holiday_hours={"New Year & more": ["Berlin"]})
    default, berlin = offered(org.connect()).calendars("2026-11-21")
    assert (default.table.get("closed"), default.notes) == (None, ())
    assert (berlin.table["closed"], berlin.notes) == (["2027-01-01"], ())
