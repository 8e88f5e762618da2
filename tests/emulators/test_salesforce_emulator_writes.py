"""Writing one record: what follows from it, and the vendor's refusals word for word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from salesforce_emulator_org import Org, error_of

NO_RULES = {"Sforce-Auto-Assign": "FALSE"}


@pytest.fixture
def org() -> Iterator[Org]:
    org = Org()
    yield org
    org.close()


def test_assignment_rules_move_the_owner_unless_the_client_says_no(org: Org) -> None:
    maria = org.user("maria@acme.test")
    lead = org.lead(OwnerId=maria)
    org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Hot"}, headers=NO_RULES)
    assert org.row("Lead", lead)["OwnerId"] == maria
    org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Warm"})
    assert org.row("Lead", lead)["OwnerId"] == org.user("Unassigned")
    assert org.effects()[-1]["also"] == {"OwnerId": org.user("Unassigned")}


def test_assignment_rules_leave_closed_records_and_orgs_without_rules_alone(org: Org) -> None:
    maria = org.user("maria@acme.test")
    done = org.lead(OwnerId=maria, Status="Closed - Not Converted")
    org.patch(f"/sobjects/Lead/{done}", {"Rating": "Hot"})
    org.act("setup", assignment={"Lead": None})
    open_one = org.lead(OwnerId=maria)
    org.patch(f"/sobjects/Lead/{open_one}", {"Rating": "Hot"})
    assert [org.row("Lead", one)["OwnerId"] for one in (done, open_one)] == [maria, maria]


def test_a_write_stamps_the_record_in_whole_seconds(org: Org) -> None:
    lead = org.lead()
    org.advance(61.7)
    org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Hot"}, headers=NO_RULES)
    row = org.row("Lead", lead)
    assert row["CreatedDate"] == "2026-03-02T14:05:00.000+0000"
    assert row["SystemModstamp"] == row["LastModifiedDate"] == "2026-03-02T14:06:01.000+0000"
    assert row["LastModifiedById"] == org.user("sidecar@acme.test")


def test_a_case_is_numbered_closed_and_reopened(org: Org) -> None:
    case = org.case()
    assert (org.row("Case", case)["CaseNumber"], org.row("Case", case)["IsClosed"]) == ("00001001", False)
    org.patch(f"/sobjects/Case/{case}", {"Status": "Closed"}, headers=NO_RULES)
    assert org.row("Case", case)["ClosedDate"] == "2026-03-02T14:05:00.000+0000"
    org.patch(f"/sobjects/Case/{case}", {"Status": "Working"}, headers=NO_RULES)
    row = org.row("Case", case)
    assert (row["IsClosed"], row["ClosedDate"]) == (False, None)
    assert row["BusinessHoursId"].startswith("01m")


def test_history_has_a_row_for_a_status_and_two_for_an_owner(org: Org) -> None:
    lead = org.lead(OwnerId=org.user("maria@acme.test"))
    li = org.user("li@acme.test")
    org.patch(f"/sobjects/Lead/{lead}", {"Status": "Working - Contacted", "OwnerId": li}, headers=NO_RULES)
    soql = f"SELECT Field, OldValue, NewValue, CreatedById FROM LeadHistory WHERE LeadId = '{lead}' ORDER BY Id"
    rows = [(row["Field"], row["OldValue"], row["NewValue"]) for row in org.query(soql)]
    assert rows == [
        ("created", None, None),
        ("Status", "Open - Not Contacted", "Working - Contacted"),
        ("Owner", "Maria Costa", "Li Wei"),
        ("Owner", org.user("maria@acme.test"), li),
    ]


def test_a_finished_task_is_closed_and_dates_the_leads_last_activity(org: Org) -> None:
    lead = org.lead()
    task = org.make("Task", WhoId=lead, Subject="Call", Status="Completed", Priority="High")
    row = org.row("Task", task)
    assert (row["IsClosed"], row["IsHighPriority"], row["TaskSubtype"]) == (True, True, "Task")
    assert row["OwnerId"] == org.user("sidecar@acme.test")
    assert org.row("Lead", lead)["LastActivityDate"] == "2026-03-02"


def test_datetimes_are_taken_with_any_offset(org: Org) -> None:
    lead = org.lead(SLA_Due__c="2026-03-02T10:05:00-05:00", SLA_Breached_At__c="2026-03-02T15:05:00.000+0000")
    row = org.row("Lead", lead)
    assert row["SLA_Due__c"] == row["SLA_Breached_At__c"] == "2026-03-02T15:05:00.000+0000"
    org.patch(f"/sobjects/Lead/{lead}", {"SLA_Due__c": None}, headers=NO_RULES)
    assert org.row("Lead", lead)["SLA_Due__c"] is None


@pytest.mark.parametrize(
    ("fields", "status", "code", "message"),
    [
        ({"Foo__c": 1}, 400, "INVALID_FIELD", "No such column 'Foo__c' on sobject of type Lead"),
        ({"CreatedDate": "2026-03-02T14:05:00Z"}, 400, "INVALID_FIELD_FOR_INSERT_UPDATE",
         "Unable to create/update fields: CreatedDate."),
        ({"Status": "Hot"}, 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
         "Status: bad value for restricted picklist field: Hot"),
        ({"City": "x" * 41}, 400, "STRING_TOO_LONG", "City: data value too large"),
        ({"Company": None}, 400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Company]"),
        ({"OwnerId": "005"}, 400, "MALFORMED_ID", "Owner ID: id value of incorrect type: 005"),
        ({"OwnerId": "001Em0000000001MAA"}, 400, "MALFORMED_ID", "Owner ID: id value of incorrect type"),
        ({"OwnerId": "005Em0000000zzz"}, 400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
        ({"SLA_Due__c": "tomorrow"}, 400, "JSON_PARSER_ERROR", "Cannot deserialize instance of datetime"),
        ({"NumberOfEmployees": "many"}, 400, "JSON_PARSER_ERROR", "Cannot deserialize instance of int"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused(org: Org, fields: dict[str, Any], status: int, code: str, message: str) -> None:
    lead = org.lead()
    found = error_of(org.patch(f"/sobjects/Lead/{lead}", fields))
    assert found[:2] == (status, code)
    assert message in found[2]
    assert len(org.effects()) == 1


def test_a_new_record_needs_its_required_fields(org: Org) -> None:
    answer = org.post("/sobjects/Lead", {"FirstName": "Ada"})
    assert error_of(answer) == (400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName, Company]")
    assert answer.json()[0]["fields"] == ["LastName", "Company"]


def test_an_inactive_owner_is_refused(org: Org) -> None:
    alex, lead = org.user("alex@acme.test"), org.lead()
    assert error_of(org.patch(f"/sobjects/Lead/{lead}", {"OwnerId": alex})) == (
        400, "INACTIVE_OWNER_OR_USER", f"operation performed with inactive user [{alex[:15]}] as owner of lead",
    )  # fmt: skip


def test_a_deactivated_user_stays_owner_of_what_they_own(org: Org) -> None:
    lead = org.lead(OwnerId=org.user("sam@acme.test"))
    org.act("deactivate_user", user="sam@acme.test")
    assert org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Hot"}, headers=NO_RULES).status_code == 204


def test_a_queue_owns_only_what_it_is_for(org: Org) -> None:
    assert error_of(org.patch(f"/sobjects/Lead/{org.lead()}", {"OwnerId": org.user("Support")})) == (
        400, "INVALID_OPERATION", "Queue not associated with this SObject type",
    )  # fmt: skip
    task = org.post("/sobjects/Task", {"Subject": "Call", "OwnerId": org.user("Unassigned")})
    assert error_of(task)[:2] == (400, "MALFORMED_ID")


def test_a_leads_task_has_no_related_record(org: Org) -> None:
    answer = org.post("/sobjects/Task", {"Subject": "Call", "WhoId": org.lead(), "WhatId": org.case()})
    assert error_of(answer)[1] == "FIELD_INTEGRITY_EXCEPTION"


def test_a_converted_lead_takes_no_more_writes(org: Org) -> None:
    lead = org.lead()
    org.act("convert", id=lead)
    refused = (400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    assert error_of(org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Hot"})) == refused
    assert error_of(org.post("/sobjects/Task", {"Subject": "Call", "WhoId": lead})) == refused


def test_a_deleted_record_takes_no_more_writes(org: Org) -> None:
    lead = org.lead()
    assert org.delete(f"/sobjects/Lead/{lead}").status_code == 204
    assert error_of(org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Hot"})) == (
        404, "ENTITY_IS_DELETED", "entity is deleted",
    )  # fmt: skip


def test_a_validation_rule_speaks_for_itself(org: Org) -> None:
    lead = org.lead()
    rule = {"object": "Lead", "field": "Rating", "value": "Cold", "message": "Nobody is cold."}
    org.act("setup", validation=rule)
    answer = org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Cold"})
    assert error_of(answer) == (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Nobody is cold.")


def test_a_locked_row_is_free_again_after_a_while(org: Org) -> None:
    lead = org.lead()
    org.act("setup", lock={lead: 1})
    status, code, message = error_of(org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Hot"}))
    assert (status, code) == (400, "UNABLE_TO_LOCK_ROW")
    assert lead in message
    assert org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Hot"}).status_code == 204


def test_a_read_only_field_is_visible_but_not_writable(org: Org) -> None:
    lead = org.lead()
    org.act("setup", read_only={"Lead": ["SLA_Status__c"]})
    fields = {one["name"]: one for one in org.get("/sobjects/Lead/describe").json()["fields"]}
    assert fields["SLA_Status__c"]["updateable"] is False
    answer = error_of(org.patch(f"/sobjects/Lead/{lead}", {"SLA_Status__c": "met"}))
    assert answer[:2] == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


def test_a_unique_key_belongs_to_one_record_whatever_its_case(org: Org) -> None:
    first = org.make("Task", Subject="One", SLA_Key__c="key-1")
    answer = org.post("/sobjects/Task", {"Subject": "Two", "SLA_Key__c": "KEY-1"})
    assert error_of(answer) == (
        400, "DUPLICATE_VALUE", f"duplicate value found: SLA_Key__c duplicates value on record with id: {first}",
    )  # fmt: skip
    org.delete(f"/sobjects/Task/{first}")
    org.make("Task", Subject="Two", SLA_Key__c="key-1")


def test_an_upsert_by_an_unknown_external_id_field_is_not_found(org: Org) -> None:
    answer = org.patch("/sobjects/Task/Subject/x", {"Status": "Completed"})
    assert error_of(answer)[:2] == (404, "NOT_FOUND")
    assert "Provided external ID field does not exist or is not accessible: Subject" in error_of(answer)[2]


def test_an_external_id_may_hold_what_an_address_may_not(org: Org) -> None:
    answer = org.patch("/sobjects/Task/SLA_Key__c/a%2Fb%3Ac%20d", {"Subject": "Call"})
    assert (answer.status_code, answer.json()["created"]) == (201, True)
    assert org.row("Task", answer.json()["id"])["SLA_Key__c"] == "a/b:c d"


def test_what_is_not_there_is_not_found_and_what_is_no_id_neither(org: Org) -> None:
    assert error_of(org.get("/sobjects/Lead/00QEm0000000zzz"))[:2] == (404, "NOT_FOUND")
    assert error_of(org.get("/sobjects/Lead/nonsense"))[:2] == (404, "NOT_FOUND")
    assert error_of(org.get("/sobjects/Leed/00Q"))[:2] == (404, "NOT_FOUND")
    assert error_of(org.get(f"/sobjects/Lead/{org.case()}"))[:2] == (400, "MALFORMED_ID")
    assert error_of(org.get("/nothing"))[:2] == (404, "NOT_FOUND")
    assert error_of(org.call("PUT", f"/sobjects/Lead/{org.lead()}"))[:2] == (405, "METHOD_NOT_ALLOWED")


def test_a_body_that_is_no_json_object_is_refused(org: Org) -> None:
    answers = [org.call("POST", "/sobjects/Lead", data=data) for data in (b"{", b"[]", b"")]
    assert [error_of(answer)[:2] for answer in answers] == [(400, "JSON_PARSER_ERROR")] * 3


def test_a_conditional_update_is_refused_once_the_record_has_moved_on(org: Org) -> None:
    lead = org.lead()
    org.advance(60)
    org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Hot"}, headers=NO_RULES)
    since = {"If-Unmodified-Since": "Mon, 02 Mar 2026 14:05:30 GMT"}
    assert org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Cold"}, headers=since).status_code == 412
    unchanged = {"If-Modified-Since": "Mon, 02 Mar 2026 14:06:00 GMT"}
    assert org.get(f"/sobjects/Lead/{lead}", headers=unchanged).status_code == 304


def test_fields_can_be_chosen_on_reading(org: Org) -> None:
    lead = org.lead(Country="DE")
    row = org.get(f"/sobjects/Lead/{lead}", params={"fields": "Country,Status"}).json()
    assert list(row) == ["attributes", "Country", "Status"]
    assert error_of(org.get(f"/sobjects/Lead/{lead}", params={"fields": "Nope"}))[1] == "INVALID_FIELD"


def test_deleting_a_case_takes_its_mails_and_comments_along(org: Org) -> None:
    case = org.case()
    org.act("message", id=case)
    org.act("message", id=case, direction="outbound", channel="comment")
    org.delete(f"/sobjects/Case/{case}")
    assert org.query("SELECT Id FROM EmailMessage") == org.query("SELECT Id FROM CaseComment") == []


def test_history_and_statuses_are_read_only(org: Org) -> None:
    answer = org.post("/sobjects/LeadStatus", {"MasterLabel": "New"})
    assert answer.status_code == 400
    statuses = org.query("SELECT ApiName, IsClosed FROM CaseStatus ORDER BY SortOrder")
    assert statuses[-1] == {"ApiName": "Closed", "IsClosed": True}


def test_an_external_id_that_two_records_share_is_ambiguous(org: Org) -> None:
    twins = [org.make("Account", Name=name, Legacy_Id__c="7") for name in ("One", "Two")]
    answer = org.patch("/sobjects/Account/Legacy_Id__c/7", {"Name": "Three"})
    assert answer.status_code == 300
    assert answer.json() == [f"/services/data/v66.0/sobjects/Account/{one}" for one in twins]


def test_the_path_of_an_upsert_says_which_record_and_the_body_does_not(org: Org) -> None:
    for field in ("SLA_Key__c", "Id"):
        refused = org.patch("/sobjects/Task/SLA_Key__c/a", {"Subject": "Call", field: "a"})
        assert error_of(refused)[:2] == (400, "INVALID_FIELD")


def test_an_upsert_answers_with_a_body_since_version_46(org: Org) -> None:
    path = "/sobjects/Task/SLA_Key__c/key"
    statuses = [
        org.patch(f"/services/data/v{number}.0{path}", {"Subject": "Call"}).status_code for number in (46, 45, 46)
    ]
    assert statuses == [201, 204, 200]


def test_a_condition_that_is_no_date_is_refused(org: Org) -> None:
    lead = org.lead()
    answer = org.patch(f"/sobjects/Lead/{lead}", {"City": "Ulm"}, headers={"If-Unmodified-Since": "yesterday"})
    assert answer.status_code == 400
    assert org.row("Lead", lead)["City"] is None


def test_a_part_of_a_composite_call_has_its_own_condition_and_inherits_no_header(org: Org) -> None:
    lead, other = org.lead(), org.lead()
    past = {"If-Unmodified-Since": "Mon, 02 Mar 2026 10:00:00 GMT", "Sforce-Auto-Assign": "FALSE"}
    parts = [
        {"method": "PATCH", "url": f"/services/data/v66.0/sobjects/Lead/{one}", "referenceId": f"r{one}",
         "httpHeaders": headers, "body": {"City": "Ulm"}}
        for one, headers in ((lead, past), (other, {}))
    ]  # fmt: skip
    answer = org.post("/composite", {"compositeRequest": parts}, headers={"Sforce-Auto-Assign": "FALSE"}).json()
    assert [part["httpStatusCode"] for part in answer["compositeResponse"]] == [412, 204]
    assert org.row("Lead", lead)["City"] is None
    assert org.row("Lead", other)["OwnerId"] == org.user("Unassigned")
