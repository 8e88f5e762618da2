"""Properties of a portal, created over HTTP, and what an account tells before anything is configured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hubspot_samples.desk import Desk
from vendor_descriptions import PROPERTIES, described, needs_descriptions, problems

from connectors.base import Finding
from connectors.hubspot import scopes
from connectors.hubspot.settings import HubSpotSettings
from connectors.secret import Secret
from connectors.setup import setup_of

NEW = {
    "write": {"lead": {"sla_due": "sla_new_due", "sla_status": "sla_new_status"}, "ticket": {"sla_due": "sla_due"}},
    "tags": {"ticket": "sla_new_tags"},
}


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(records=4) as desk:
        yield desk


def offered(connector: Any) -> Any:
    found = setup_of(connector)
    assert found is not None
    return found


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.level, one.subject, one.message) for one in findings]


def ours(fields: Any) -> list[tuple[str, str, str, bool]]:
    return [(one.object, one.name, one.type, one.unique) for one in fields if one.purpose != "task_key"]


def test_what_is_missing_is_named_by_object_and_type(desk: Desk) -> None:
    lacking = offered(desk.connect(**NEW)).missing()
    assert ours(lacking.fields) == [
        ("contacts", "sla_new_due", "datetime", False),
        ("contacts", "sla_new_status", "text", False),
        ("tickets", "sla_new_tags", "text", False),
    ]
    assert lacking.findings == []


def test_properties_are_created_in_a_group_of_their_own_and_can_be_written_then(desk: Desk) -> None:
    connector = desk.connect(**NEW)
    setup = offered(connector)
    done = setup.create(setup.missing())
    assert {one.level for one in done} == {"ok"}
    assert ("ok", "contacts.sla_new_due", "created") in told(done)
    made = desk.emulator.portal.schemas["contacts"].properties["sla_new_due"]
    assert (made.type, made.field_type, made.group, made.label) == ("datetime", "date", "sla_sidecar", "SLA New Due")
    checked = {one.subject: one.level for one in connector.check() if one.subject.startswith(("write.", "tags."))}
    assert set(checked.values()) == {"ok"}


def test_a_second_run_changes_nothing(desk: Desk) -> None:
    setup = offered(desk.connect(**NEW))
    setup.create(setup.missing())
    before = len(desk.effects())
    assert setup.missing().fields == []
    assert len(desk.effects()) == before


def test_what_somebody_else_created_meanwhile_is_fine(desk: Desk) -> None:
    first, second = offered(desk.connect(**NEW)), offered(desk.connect(**NEW))
    lacking = first.missing()
    second.create(lacking)
    done = first.create(lacking)
    assert {(one.level, one.message) for one in done} == {("ok", "was there already")}


def test_the_key_of_tasks_is_a_unique_property_and_one_that_is_not_unique_is_told(desk: Desk) -> None:
    setup = offered(desk.connect(write={}, task_key="sla_new_key"))
    lacking = setup.missing()
    assert [(one.object, one.name, one.type, one.unique) for one in lacking.fields] == [
        ("tasks", "sla_new_key", "text", True)
    ]
    assert told(setup.create(lacking)) == [("ok", "tasks.sla_new_key", "created")]
    assert desk.emulator.portal.schemas["tasks"].properties["sla_new_key"].unique
    assert setup.missing().fields == []
    plain = offered(desk.connect(write={}, task_key="hs_task_subject")).missing()
    assert [one.message for one in plain.findings] == [
        "tasks.hs_task_subject is there and not unique, which HubSpot decides once and for all"
    ]


def test_a_property_of_another_type_is_told_and_left_alone(desk: Desk) -> None:
    lacking = offered(desk.connect(write={"ticket": {"sla_due": "sla_status", "sla_status": "sla_due"}})).missing()
    assert ours(lacking.fields) == []
    assert told(lacking.findings) == [
        ("fail", "write.ticket.sla_due",
         "tickets.sla_status is there and has the type string, but datetime is needed; it is left alone"),
        ("fail", "write.ticket.sla_status",
         "tickets.sla_due is there and has the type datetime, but string is needed; it is left alone"),
    ]  # fmt: skip


def test_an_archived_property_is_not_brought_back_behind_peoples_backs(desk: Desk) -> None:
    desk.emulator.portal.schemas["tickets"].properties["sla_due"].archived = True
    lacking = offered(desk.connect(write={"ticket": {"sla_due": "sla_due"}})).missing()
    assert ours(lacking.fields) == []
    assert told(lacking.findings) == [
        ("fail", "write.ticket.sla_due", "tickets.sla_due is archived; creating it would bring the old one back"),
    ]  # fmt: skip


def test_a_name_that_hubspot_does_not_take_is_told_before_anything_is_sent(desk: Desk) -> None:
    lacking = offered(desk.connect(write={"ticket": {"sla_due": "SLA_Due__c"}})).missing()
    assert ours(lacking.fields) == []
    assert lacking.findings[0].message == "HubSpot takes no property name like 'SLA_Due__c'"


def test_a_key_that_may_not_define_properties_is_told_which_scope_it_needs(desk: Desk) -> None:
    desk.emulator.auth.withheld["private-app"] = {"crm.schemas.contacts.write"}
    setup = offered(desk.connect(**NEW))
    done = {one.subject: one for one in setup.create(setup.missing())}
    assert done["tickets.sla_new_tags"].message == "created"
    refused = done["contacts.sla_new_due"]
    assert refused.level == "fail"
    assert refused.fix == (
        "add the scope crm.schemas.contacts.write to the key for as long as this takes, or do it by hand: --package"
    )


def test_one_refused_property_leaves_the_others_of_its_batch_alone(desk: Desk) -> None:
    setup = offered(desk.connect(**NEW))
    lacking = setup.missing()
    desk.emulator.faults.add({"fault": "status:502", "path": "*/batch/create", "method": "POST"})
    desk.emulator.faults.add({"fault": "status:400", "path": "*/contacts", "method": "POST",
                              "times": 1})  # fmt: skip
    done = {one.subject: (one.level, one.message) for one in setup.create(lacking)}
    assert done["contacts.sla_new_due"][0] == "fail"
    assert done["contacts.sla_new_status"] == ("ok", "created")
    assert done["tickets.sla_new_tags"] == ("ok", "created")


def test_the_package_is_the_bodies_to_send_and_the_way_to_send_them(desk: Desk) -> None:
    files = offered(desk.connect(**NEW)).package()
    assert files == offered(desk.connect(**NEW)).package()
    assert {"README.txt", "contacts-group.json", "contacts-properties.json", "tickets-properties.json"} <= set(files)
    body = json.loads(files["contacts-properties.json"])
    assert body["inputs"][0] == {
        "name": "sla_new_due", "label": "SLA New Due", "type": "datetime", "fieldType": "date",
        "groupName": "sla_sidecar", "description": "Kept by sla-sidecar; please do not edit.", "formField": False,
    }  # fmt: skip
    assert b"POST https://api.hubapi.com/crm/properties/2026-09/contacts/batch/create" in files["README.txt"]


def test_what_an_account_has_can_be_told_before_anything_is_configured(desk: Desk) -> None:
    account = offered(desk.connect(write={})).account()
    assert (account.id, account.zone) == (str(desk.emulator.portal.id), "UTC")
    assert [(one.object, one.kind, one.readable) for one in account.objects] == [
        ("contacts", "lead", True), ("leads", "lead", True), ("tickets", "ticket", True),
    ]  # fmt: skip
    assert [(one.name, one.category) for one in account.statuses if one.object == "tickets"] == [
        ("Support Pipeline/New", "new"), ("Support Pipeline/Waiting on us", "open"),
        ("Support Pipeline/Waiting on contact", "pending"), ("Support Pipeline/Waiting on third party", "on_hold"),
        ("Support Pipeline/Closed", "closed"),
    ]  # fmt: skip
    assert ("NEW", "new") in [(one.name, one.category) for one in account.statuses if one.object == "contacts"]


def test_an_object_that_the_key_may_not_read_is_told_as_such(desk: Desk) -> None:
    desk.emulator.auth.withheld["private-app"] = {"crm.objects.leads.read"}
    account = offered(desk.connect(write={})).account()
    assert [one.readable for one in account.objects] == [True, False, True]
    assert "leads" not in {one.object for one in account.statuses}


def test_hubspot_has_no_opening_hours_to_import_and_usual_names_for_properties(desk: Desk) -> None:
    setup = offered(desk.connect())
    assert setup.calendars("2026-11-21") == []
    assert [setup.field_name("lead", one) for one in ("sla_due", "first_response_due", "tags")] == [
        "sla_due", "sla_first_response_due", "sla_tags",
    ]  # fmt: skip


# ---- scopes


def settings(**more: Any) -> HubSpotSettings:
    return HubSpotSettings(connector="hubspot", access_token=Secret("x"), **more)


def test_scopes_are_needed_for_what_the_configuration_does_and_for_nothing_else() -> None:
    assert set(scopes.needed(settings(objects=("tickets",), answers=()))) == {
        "tickets", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.objects.owners.read",
    }  # fmt: skip
    more = scopes.needed(settings(objects=("leads", "tickets"), sender="77"))
    assert {"crm.objects.leads.write", "sales-email-read", "conversations.write"} <= set(more)


def test_the_newer_pair_of_ticket_scopes_is_as_good_as_the_old_one() -> None:
    held = [*scopes.needed(settings()), "crm.objects.tickets.read", "crm.objects.tickets.write"]
    held.remove("tickets")
    assert scopes.missing(settings(), held) == {}
    held.remove("crm.objects.tickets.write")
    assert list(scopes.missing(settings(), held)) == ["tickets"]


def test_scopes_beyond_the_records_are_too_many() -> None:
    held = [*scopes.needed(settings()), "automation", "crm.export", "settings.users.write", "crm.objects.deals.delete",
            "crm.schemas.contacts.write", "oauth"]  # fmt: skip
    assert scopes.excess(held) == ["automation", "crm.export", "crm.objects.deals.delete", "settings.users.write"]


# ---- against the vendor's own description


@needs_descriptions
def test_what_is_sent_to_create_properties_is_what_the_description_allows(desk: Desk) -> None:
    schemas = described(PROPERTIES)["components"]["schemas"]
    files = offered(desk.connect(**NEW, task_key="sla_key")).package()
    for name, content in files.items():
        if name.endswith("-properties.json"):
            found = list(problems(PROPERTIES, schemas["BatchInputPropertyCreate"], json.loads(content)))
            assert found == [], name
        elif name.endswith("-group.json"):
            assert list(problems(PROPERTIES, schemas["PropertyGroupCreate"], json.loads(content))) == []
