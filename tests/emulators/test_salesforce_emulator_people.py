"""What people do in the CRM: messages, calls, merges, conversions, and that it all shows in the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from salesforce_emulator_org import Org

MAIL = (
    "SELECT Incoming, Status, FromAddress, ToAddress, MessageDate, CreatedBy.Name, Parent.CaseNumber FROM EmailMessage"
)


@pytest.fixture
def org() -> Iterator[Org]:
    org = Org()
    yield org
    org.close()


def test_the_cast_is_complete(org: Org) -> None:
    people = {row["Email"]: row for row in org.query("SELECT Email, IsActive, Manager.Email FROM User")}
    assert {"maria@acme.test", "li@acme.test", "sam@acme.test", "jo@acme.test", "sidecar@acme.test"} <= set(people)
    assert people["maria@acme.test"]["Manager"] == {"Email": "jo@acme.test"}
    assert people["alex@acme.test"]["IsActive"] is False
    queues = [row["Name"] for row in org.query("SELECT Name FROM Group WHERE Type = 'Queue' ORDER BY Name")]
    assert queues == ["Support", "Unassigned"]
    assert len(org.query("SELECT UserOrGroupId FROM GroupMember WHERE Group.Name = 'Support'")) == 3


def test_a_customers_mail_comes_in_by_the_automation_user(org: Org) -> None:
    case = org.act("create", object="Case", fields={"Subject": "Help", "SuppliedEmail": "ada@dune.test"})
    org.advance(60)
    org.act("message", id=case, text="Hello?")
    (mail,) = org.query(MAIL)
    assert (mail["Incoming"], mail["Status"], mail["FromAddress"]) == (True, "0", "ada@dune.test")
    assert (mail["CreatedBy"]["Name"], mail["MessageDate"][11:19]) == ("Automated Process", "14:06:00")
    assert org.effects()[-1]["by"] == "person:customer"


def test_an_agents_mail_goes_out_under_their_name_and_an_automatic_one_does_not(org: Org) -> None:
    case = org.act("create", object="Case", fields={"Subject": "Help", "OwnerId": "maria@acme.test"})
    org.act("message", id=case, direction="outbound")
    org.act("message", id=case, direction="outbound", by="li@acme.test")
    org.act("message", id=case, direction="outbound", automated=True)
    mails = org.query(f"{MAIL} ORDER BY Id")
    assert [mail["CreatedBy"]["Name"] for mail in mails] == ["Maria Costa", "Li Wei", "Automated Process"]
    assert {(mail["Incoming"], mail["Status"]) for mail in mails} == {(False, "3")}


def test_an_out_of_office_note_tells_so_in_its_headers(org: Org) -> None:
    case = org.act("create", object="Case", fields={"Subject": "Help"})
    org.act("message", id=case, automated=True)
    (mail,) = org.query("SELECT Incoming, Headers FROM EmailMessage")
    assert mail == {"Incoming": True, "Headers": "Auto-Submitted: auto-replied\n"}


def test_a_comment_is_public_or_not(org: Org) -> None:
    case = org.act("create", object="Case", fields={"Subject": "Help"})
    for public in (True, False):
        org.act("message", id=case, direction="outbound", channel="comment", public=public, by="sam@acme.test")
    rows = org.query("SELECT IsPublished, CreatedBy.Email FROM CaseComment ORDER BY Id")
    assert [row["IsPublished"] for row in rows] == [True, False]
    assert org.effects()[-1]["note"] == {"ParentId": case, "CommentBody": "…", "IsPublished": False}


def test_a_call_is_a_completed_task_with_an_outcome(org: Org) -> None:
    lead = org.act("create", object="Lead", fields={"LastName": "Ito", "Company": "Dune", "OwnerId": "li@acme.test"})
    org.act("call", id=lead, outcome="connected")
    (task,) = org.query("SELECT WhoId, TaskSubtype, Status, IsClosed, CallDisposition, Owner.Email FROM Task")
    assert task == {
        "WhoId": lead, "TaskSubtype": "Call", "Status": "Completed", "IsClosed": True, "CallDisposition": "connected",
        "Owner": {"Email": "li@acme.test"},
    }  # fmt: skip
    assert org.effects()[-1]["by"] == f"person:{org.user('li@acme.test')}"


def test_a_mail_to_a_lead_is_a_completed_task(org: Org) -> None:
    lead = org.act("create", object="Lead", fields={"LastName": "Ito", "Company": "Dune"})
    org.act("message", id=lead, direction="outbound", by="maria@acme.test", text="Hello")
    (task,) = org.query("SELECT Subject, TaskSubtype, IsClosed, CreatedBy.Email FROM Task")
    assert (task["Subject"], task["TaskSubtype"], task["IsClosed"]) == ("Email: Hello", "Email", True)
    assert task["CreatedBy"]["Email"] == "maria@acme.test"


def test_people_are_not_subject_to_assignment_rules_unless_they_tick_the_box(org: Org) -> None:
    fields = {"LastName": "Ito", "Company": "Dune", "OwnerId": "li@acme.test"}
    plain = org.act("create", object="Lead", fields=fields)
    ticked = org.act("create", object="Lead", fields=fields, assign=True)
    owners = [org.row("Lead", lead)["OwnerId"] for lead in (plain, ticked)]
    assert owners == [org.user("li@acme.test"), org.user("Unassigned")]


def test_a_merge_moves_activities_and_bins_the_loser(org: Org) -> None:
    loser, winner = org.lead(LastName="Ito"), org.lead(LastName="Ito-Brown")
    org.act("call", id=loser)
    assert org.act("merge", id=loser, into=winner) == winner
    gone = org.get("/queryAll", params={"q": "SELECT Id, MasterRecordId FROM Lead WHERE IsDeleted = true"}).json()
    assert [(row["Id"], row["MasterRecordId"]) for row in gone["records"]] == [(loser, winner)]
    assert [row["WhoId"] for row in org.query("SELECT WhoId FROM Task")] == [winner]


def test_a_converted_lead_names_its_account_and_contact(org: Org) -> None:
    lead = org.lead(LastName="Ito", FirstName="Ada")
    contact = org.act("convert", id=lead, by="li@acme.test")
    row = org.row("Lead", lead)
    assert (row["IsConverted"], row["Status"], row["ConvertedDate"]) == (True, "Closed - Converted", "2026-03-02")
    assert row["ConvertedContactId"] == contact
    assert org.row("Contact", contact)["Name"] == "Ada Ito"
    assert row["LastModifiedById"] == org.user("li@acme.test")


def test_a_deleted_record_can_come_back(org: Org) -> None:
    lead = org.lead()
    org.act("delete", id=lead)
    assert org.query("SELECT Id FROM Lead") == []
    org.act("undelete", id=lead)
    assert org.query("SELECT Id FROM Lead") == [{"Id": lead}]


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        ({"do": "dance"}, "cannot 'dance'; known: create, update, message"),
        ({"do": "create", "object": "Leed"}, "there is no object 'Leed'"),
        ({"do": "create", "object": "Lead", "fields": {}}, "REQUIRED_FIELD_MISSING"),
        ({"do": "update", "id": "00Q"}, "there is no record '00Q'"),
        ({"do": "call"}, "missing or unknown: id"),
        ({"do": "deactivate_user", "user": "nobody"}, "nobody here is called 'nobody'"),
        ({"do": "setup", "colour": "red"}, "unknown setup 'colour'"),
    ],
)
def test_a_wrong_order_is_refused_with_the_reason(org: Org, order: dict[str, Any], complaint: str) -> None:
    answer = org.control("act", order)
    assert answer.status_code == 400
    assert complaint in answer.json()["error"]
    assert org.effects() == []
