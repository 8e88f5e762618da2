"""``check`` against an org that lacks things: each lack is named, with the way to mend it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import Finding
from connectors.salesforce.settings import STATUS

FIELDS = "Setup > Object Manager > {} > Fields & Relationships"


def findings(connector: Any, *levels: str) -> dict[str, Finding]:
    return {finding.subject: finding for finding in connector.check() if finding.level in (levels or ("warn", "fail"))}


def test_a_healthy_org_has_nothing_to_mend(org: Any, acme: Any) -> None:
    org.setup(show={})
    found = acme.check()
    assert {finding.level for finding in found} == {"ok"}
    subjects = [finding.subject for finding in found]
    assert subjects[:5] == ["login", "api version", "clock", "permissions", "Lead"]
    assert {"Case", "task_key", "quota", "write.lead.sla_due", "write.ticket.sla_status"} <= set(subjects)


def test_a_refused_login_is_the_only_finding_and_says_what_to_do(org: Any) -> None:
    org.setup(run_as=None)
    found = org.connect().check()
    assert [(finding.level, finding.subject, finding.unreachable) for finding in found] == [("fail", "login", False)]
    assert "Run As user" in str(found[0].fix)


def test_wrong_credentials_say_so_and_show_none(org: Any) -> None:
    found = org.connect(client_secret="hunter2").check()[0]
    assert (found.level, found.unreachable) == ("fail", False)
    assert "hunter2" not in repr(found)


def test_an_org_that_cannot_be_reached_is_told_apart(org: Any) -> None:
    found = org.connect(url="http://127.0.0.1:1").check()
    assert [(finding.level, finding.unreachable) for finding in found] == [("fail", True)]


def test_an_org_that_breaks_off_in_the_middle_is_still_reported(org: Any, acme: Any) -> None:
    org.fault("status:503", "/services/data/v66.0/sobjects/Task")
    found = findings(acme, "fail")
    assert {subject: finding.unreachable for subject, finding in found.items()} == {"answers": True, "tasks": True}


def test_a_version_that_the_org_does_not_speak(org: Any) -> None:
    found = findings(org.connect(api_version="99.0"))
    assert found["api version"].message == "the org does not speak 99.0"
    assert 'such as "68.0"' in str(found["api version"].fix)


def test_fields_that_are_missing_or_read_only_are_named_with_the_way_to_them(org: Any) -> None:
    write = {"sla_due": "SLA_Gone__c", "sla_status": "SLA_Status__c", "first_response_due": "SLA_Policy__c",
             "sla_policy": "SLA_Due__c"}  # fmt: skip
    org.setup(read_only={"Lead": ["SLA_Status__c"]})
    found = findings(org.connect(write={"lead": write}))
    assert {subject: finding.message for subject, finding in found.items()} == {
        "write.lead.sla_due": "Lead has no field SLA_Gone__c, or we may not see it",
        "write.lead.sla_status": "SLA_Status__c is read-only for us",
        "write.lead.first_response_due": "SLA_Policy__c holds string, but a due time needs Date/Time",
        "write.lead.sla_policy": "SLA_Due__c holds datetime, but a state is text",
    }
    assert found["write.lead.sla_due"].fix == (
        f"`sla-sidecar provision` creates it; by hand: {FIELDS.format('Lead')} > New: Date/Time, named SLA_Gone; "
        "then give the integration user Edit access to it: Setup > Permission Sets"
    )
    assert "Set Field-Level Security" in str(found["write.lead.sla_status"].fix)


def test_system_permissions_that_are_missing_are_named_with_the_place_to_grant_them(org: Any) -> None:
    org.setup(permissions=["ApiEnabled", "TransferAnyLead"])
    found = [one for one in org.connect().check() if one.subject == "permissions"]
    assert [(one.level, one.message) for one in found] == [
        ("warn", '"Edit Tasks" is missing: tasks cannot be created'),
        ("warn", '"Transfer Cases" is missing: the owner of a case that is another\'s cannot be changed'),
    ]
    assert found[0].fix == 'give the integration user "Edit Tasks": Setup > Permission Sets > System Permissions'


def test_permissions_that_nothing_needs_are_too_many(org: Any) -> None:
    org.setup(permissions=["ApiEnabled", "EditTask", "ModifyAllData", "ManageUsers", "ViewSetup"])
    found = findings(org.connect())
    assert found["permissions"].message == "more than is needed: Modify All Data, Manage Users"
    assert "take them from the integration user" in str(found["permissions"].fix)


def test_an_org_that_does_not_tell_permissions_is_no_failure(org: Any) -> None:
    org.remove_object("UserPermissionAccess")
    found = findings(org.connect())
    assert found["permissions"].level == "warn"
    assert "shows only at the first write" in found["permissions"].message


def test_a_missing_key_field_of_tasks_is_a_warning(org: Any) -> None:
    found = findings(org.connect(task_key="Our_Key__c"))
    assert list(found) == ["task_key"]
    assert found["task_key"].level == "warn"
    assert found["task_key"].fix == f"{FIELDS.format('Activity')} > New: Text(80), unique, external ID, named Our_Key"


def test_statuses_and_priorities_that_mean_nothing_are_named(org: Any) -> None:
    acme = org.connect(
        status={"ticket": {"Ball is in your court": "pending"}, "lead": {"Working - Contacted": "open"}},
        fields={"priority": {"lead": "Rating", "ticket": "Reason"}},
    )
    found = [finding for finding in acme.check() if finding.level == "warn"]
    assert [(finding.subject, finding.message) for finding in found] == [
        ("priority", "not mapped, taken for normal: Hot, Warm, Cold"),
        ("status.ticket", "the org has no status 'Ball is in your court'"),
        ("priority", "not mapped, taken for normal: Installation, Performance, Other"),
    ]


def test_a_status_that_ends_records_in_the_org_and_not_in_the_mapping_is_named(org: Any) -> None:
    acme = org.connect(status={"ticket": {"Closed": "open"}, "lead": {"Closed - Converted": "converted"}})
    [found] = [finding for finding in acme.check() if finding.level == "warn"]
    assert (found.subject, found.message) == (
        "status.ticket",
        "'Closed' is mapped to open, and means closed in the org",
    )
    assert found.fix == 'status.ticket = { "Closed" = "closed" }: else histories are read as if it were open'


def test_a_status_that_nobody_mapped_is_told_by_what_it_is_taken_for(org: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(STATUS["ticket"], "Closed")
    monkeypatch.delitem(STATUS["ticket"], "Escalated")
    found = [finding for finding in org.connect().check() if finding.subject == "status.ticket"]
    assert [(one.message, one.fix) for one in found] == [
        ("not mapped, taken for open: Escalated", 'add them: status.ticket = { "Escalated" = "open" }'),
        ("not mapped, taken for closed: Closed", 'add them: status.ticket = { "Closed" = "closed" }'),
    ]


def test_fields_that_policies_name_and_nobody_fills(org: Any) -> None:
    found = findings(org.connect("name", "country", "colour", fields={"tier": "Account.Tier__c", "odd": "Odd__c"}))
    assert {subject: finding.level for subject, finding in found.items()} == {
        "fields.tier": "warn", "fields.odd": "warn", "fields.colour": "warn",
    }  # fmt: skip
    assert found["fields.colour"].message == "policies name colour, which nothing fills"


def test_hidden_objects_and_fields(org: Any) -> None:
    org.remove_object("emailmessage")
    org.remove_object("lead")
    org.setup(hide={"Case": ["OwnerId"]})
    found = findings(org.connect())
    assert {subject: finding.level for subject, finding in found.items()} == {
        "Lead": "fail", "Case": "fail", "EmailMessage": "warn",
    }  # fmt: skip
    assert found["EmailMessage"].message == "EmailMessage is not readable: e-mails of cases do not count as answers"


def test_headers_that_cannot_be_read_make_automatic_replies_invisible(org: Any) -> None:
    org.setup(hide={"EmailMessage": ["Headers"]})
    assert findings(org.connect())["EmailMessage"].message == (
        "automatic replies cannot be told from the customer's own"
    )


def test_a_clock_that_is_wrong(org: Any) -> None:
    from connectors.salesforce.connector import SalesforceConnector
    from connectors.salesforce.settings import SalesforceSettings

    settings = SalesforceSettings.model_validate(org.settings())
    late = SalesforceConnector(
        "acme", settings, wanted=frozenset(), clock=lambda: org.emulator.clock.now_ms() - 3_600_000
    )
    assert "behind Salesforce's" in findings(late)["clock"].message


def test_a_day_s_calls_that_run_out(org: Any) -> None:
    org.setup(daily_limit=100, calls=85)
    found = findings(org.connect())
    assert found["quota"].level == "warn"
    assert "of 100 API calls left (day)" in found["quota"].message


@pytest.mark.parametrize(("limit", "keys"), [(15_000, {}), (100_000, {"poll_every": "5s"})])
def test_polls_that_our_share_does_not_pay_for(org: Any, limit: int, keys: dict[str, str]) -> None:
    org.setup(daily_limit=limit)
    found = findings(org.connect(**keys))["poll_every"]
    assert (found.level, found.message) == {
        15_000: ("warn", "polling every 60 s costs 2,880 calls a day, reading may use 2,700 (20% of 15,000)"),
        100_000: ("warn", "polling every 5 s costs 34,560 calls a day, reading may use 18,000 (20% of 100,000)"),
    }[limit]
    assert found.fix is not None
    proposed = found.fix.partition('poll_every = "')[2].partition('"')[0]
    assert "poll_every" not in findings(org.connect(poll_every=proposed))
    assert "poll_every" not in findings(org.connect(**keys, quota_share=0.9))


@pytest.mark.parametrize(
    ("token", "organization", "message"),
    [
        ("hunter2", "00DEm0000000001MAA", "the token is shorter than 22 characters"),
        ("x" * 32, "00D000000000062EAA", "organization is not the org that we are logged in to"),
    ],
)
def test_a_webhook_that_would_let_anybody_in_or_nobody(org: Any, token: str, organization: str, message: str) -> None:
    found = findings(org.connect(webhook={"token": token, "organization": organization}))
    assert found["webhook"].message == message
    assert token not in repr(found)


def test_a_webhook_that_is_well_set_up(org: Any) -> None:
    hook = {"token": "x" * 32, "organization": org.credentials["organization_id"]}
    assert findings(org.connect(webhook=hook), "ok")["webhook"].message == "token and organization are set"
