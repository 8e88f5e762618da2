"""Writing to Salesforce: once, only what differs, and a plain answer for every row."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.base import Receipt, WriteBack
from connectors.errors import Rejected, RetryLater

COLLECTIONS = "/services/data/v66.0/composite/sobjects"
DUE = 1_772_463_900_000


def fields(id: str, key: str = "f", kind: str = "lead", attempts: int = 0, **values: Any) -> WriteBack:
    chosen = values or {"sla_due": DUE, "sla_status": "running"}
    return WriteBack(key=key, record=f"acme:{kind}:{id}", action="fields", values=chosen, attempts=attempts)


def task(id: str, key: str = "acme:lead:1/first_response/1/due/task", kind: str = "lead", **more: Any) -> WriteBack:
    return WriteBack(key=key, record=f"acme:{kind}:{id}", action="task", subject="Call now", **more)


def owner(id: str, new: str, kind: str = "lead", **expect: Any) -> WriteBack:
    return WriteBack(key="o", record=f"acme:{kind}:{id}", action="owner", owner=new, expect=expect)


def again(write: WriteBack) -> WriteBack:
    return msgspec.structs.replace(write, attempts=write.attempts + 1)


def said(receipt: Receipt) -> tuple[str, bool, str | None]:
    return receipt.outcome, receipt.wrote, receipt.code


# ---- our own fields


def test_our_fields_are_written_in_salesforce_s_own_notation(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    receipt = acme.write([fields(lead, sla_due=DUE + 417, sla_status="running", sla_policy=None, unmapped="x")])[0]
    assert said(receipt) == ("done", True, None)
    assert org.effects()[-1]["fields"] == {
        "SLA_Due__c": "2026-03-02T15:05:00.000Z", "SLA_Status__c": "running", "SLA_Policy__c": None,
    }  # fmt: skip
    assert org.row(lead)["SLA_Due__c"] == DUE


def test_two_hundred_records_travel_in_one_call(org: Any, acme: Any) -> None:
    leads = [org.create("Lead") for _ in range(150)]
    cases = [org.create("Case") for _ in range(50)]
    acme.write([fields(leads[0])])
    before = org.calls()
    batch = [fields(one, one) for one in leads] + [fields(one, one, "ticket") for one in cases]
    receipts = acme.write(batch)
    assert [receipt.outcome for receipt in receipts] == ["done"] * 200
    assert {receipt.key for receipt in receipts} == {*leads, *cases}
    assert org.calls() <= before + 2  # the other object's describe among them


def test_leads_and_cases_by_turns_are_sent_object_by_object(org: Any, acme: Any) -> None:
    # Salesforce works at runs of one type and refuses a call of more than ten of them.
    kinds = [("Lead", "lead"), ("Case", "ticket")] * 6
    batch = [fields(made, made, kind) for made, kind in ((org.create(name), kind) for name, kind in kinds)]
    assert [receipt.outcome for receipt in acme.write(batch)] == ["done"] * 12


def test_a_bad_row_does_not_spoil_its_batch(org: Any, acme: Any) -> None:
    good, deleted, converted, locked, ruled = (org.create("Lead") for _ in range(5))
    org.act("delete", id=deleted)
    org.act("convert", id=converted)
    org.setup(lock={locked: 1}, validation={"object": "Lead", "field": "SLA_Status__c", "value": "forbidden",
                                            "message": "Ann Doe must not be forbidden"})  # fmt: skip
    batch = [fields(one, one) for one in (good, deleted, converted, locked, "00Q00000000000AAAA", "odd")]
    receipts = {receipt.key: receipt for receipt in acme.write([*batch, fields(ruled, ruled, sla_status="forbidden")])}
    assert said(receipts[good]) == ("done", True, None)
    assert said(receipts[deleted]) == ("rejected", False, "ENTITY_IS_DELETED")
    assert said(receipts[converted]) == ("rejected", False, "CANNOT_UPDATE_CONVERTED_LEAD")
    assert said(receipts[locked]) == ("retry", False, "UNABLE_TO_LOCK_ROW")
    assert receipts["00Q00000000000AAAA"].outcome == receipts["odd"].outcome == "rejected"
    assert said(receipts[ruled]) == ("rejected", False, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert "Ann" not in str(receipts[ruled].reason)
    assert [line["id"] for line in org.effects()] == [good]


def test_half_a_batch_that_failed_is_told_row_by_row(org: Any, acme: Any) -> None:
    leads = [org.create("Lead") for _ in range(6)]
    org.fault("partial", COLLECTIONS, times=1)
    outcomes = {receipt.key: receipt.outcome for receipt in acme.write([fields(one, one) for one in leads])}
    assert [outcomes[one] for one in leads] == ["retry", "done"] * 3
    assert [line["id"] for line in org.effects()] == leads[1::2]


def test_a_lost_answer_is_looked_up_and_nothing_is_written_twice(org: Any, acme: Any) -> None:
    lead, other = org.create("Lead"), org.create("Lead")
    org.fault("drop_response", COLLECTIONS, times=1)
    write = fields(lead)
    with pytest.raises(RetryLater) as caught:
        acme.write([write])
    assert caught.value.unknown is True
    receipts = {receipt.key: said(receipt) for receipt in acme.write([again(write), fields(other, "g")])}
    assert receipts == {"f": ("done", False, None), "g": ("done", True, None)}
    assert [line["id"] for line in org.effects()] == [lead, other]


def test_after_a_lost_answer_only_what_differs_is_sent(org: Any, acme: Any) -> None:
    lead = org.create("Lead", SLA_Status__c="running")
    assert said(acme.write([again(fields(lead))])[0]) == ("done", True, None)
    assert org.effects()[-1]["fields"] == {"SLA_Due__c": "2026-03-02T15:05:00.000Z"}


def test_a_missing_field_is_left_out_and_named(org: Any) -> None:
    lead = org.create("Lead")
    write = {"sla_due": "SLA_Gone__c", "sla_status": "SLA_Status__c", "sla_policy": "CreatedById"}
    acme = org.connect(write={"lead": write})
    assert said(acme.write([fields(lead)])[0]) == ("done", True, None)
    assert org.effects()[-1]["fields"] == {"SLA_Status__c": "running"}
    receipt = acme.write([fields(lead, sla_due=DUE, sla_policy="x")])[0]
    assert said(receipt) == ("rejected", False, "FIELD_MISSING")
    assert "SLA_Gone__c, CreatedById" in str(receipt.reason)


def test_a_field_that_becomes_read_only_while_we_run_does_not_stop_the_others(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    acme.write([fields(lead)])
    org.setup(read_only={"Lead": ["SLA_Due__c"]})
    receipt = acme.write([fields(lead, sla_due=DUE + 60_000, sla_status="met")])[0]
    assert said(receipt) == ("done", True, None)
    assert (org.row(lead)["SLA_Status__c"], org.row(lead)["SLA_Due__c"]) == ("met", DUE)
    org.setup(hide={"Lead": ["SLA_Status__c"]})
    receipt = acme.write([fields(lead, sla_status="missed", sla_policy="Web")])[0]
    assert said(receipt) == ("done", True, None)
    assert (org.row(lead)["SLA_Status__c"], org.row(lead)["SLA_Policy__c"]) == ("met", "Web")


def test_a_long_text_is_cut_to_its_field(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    assert acme.write([fields(lead, sla_status="x" * 100)])[0].outcome == "done"
    assert org.row(lead)["SLA_Status__c"] == "x" * 40


def test_writes_of_one_record_in_one_batch_keep_their_order(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    receipts = acme.write([fields(lead, "a", sla_status="running"), fields(lead, "b", sla_status="met")])
    assert [receipt.key for receipt in receipts] == ["a", "b"]
    assert org.row(lead)["SLA_Status__c"] == "met"


def test_assignment_rules_never_run_on_our_writes(org: Any, acme: Any) -> None:
    lead = org.create("Lead", OwnerId="maria@acme.test")
    org.setup(assignment={"Lead": "Unassigned"})
    acme.write([fields(lead)])
    assert f"user:{org.row(lead)['OwnerId']}" == org.agent(0)


def test_a_batch_is_of_one_action_and_within_its_size(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    for batch in ([fields(lead), task(lead)], [fields(lead, str(n)) for n in range(201)]):
        with pytest.raises(Rejected):
            acme.write(batch)
    with pytest.raises(Rejected):
        acme.write([fields(lead, kind="deal")])
    assert org.effects() == []


# ---- owners, statuses, priorities


def test_an_owner_changes_only_from_the_one_expected(org: Any, acme: Any) -> None:
    lead = org.create("Lead", OwnerId="maria@acme.test")
    maria, li, sam = (org.agent(number) for number in range(3))
    moved = acme.write([owner(lead, li, owner=sam)])[0]
    assert said(moved) == ("conflict", False, "CHANGED")
    assert moved.reason == f"meanwhile changed: owner is {maria}"
    assert said(acme.write([owner(lead, li, owner=maria, status="new")])[0]) == ("done", True, None)
    assert said(acme.write([owner(lead, li)])[0]) == ("done", False, None)
    assert said(acme.write([owner(lead, li, status="open")])[0]) == ("conflict", False, "CHANGED")
    assert [line["fields"]["OwnerId"] for line in org.effects()] == [li.removeprefix("user:")]


def test_a_queue_can_own_a_case(org: Any, acme: Any) -> None:
    case = org.create("Case")
    queue = f"queue:{org.emulator.cast.support}"
    assert said(acme.write([owner(case, queue, "ticket")])[0]) == ("done", True, None)
    assert acme.normalise(acme.read([f"acme:ticket:{case}"])[0]).events[1].set["owner"] == queue


def test_who_cannot_own_is_refused(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    org.act("deactivate_user", user="li@acme.test")
    outcomes = {
        "inactive": acme.write([owner(lead, org.agent(1))])[0],
        "queue of cases": acme.write([owner(lead, f"queue:{org.emulator.cast.support}")])[0],
        "nobody": acme.write([owner(lead, "user:maria@acme.test")])[0],
        "a lead": acme.write([owner(lead, f"user:{lead}")])[0],
    }
    assert {why: (receipt.outcome, receipt.code) for why, receipt in outcomes.items()} == {
        "inactive": ("rejected", "INACTIVE_OWNER_OR_USER"),
        "queue of cases": ("rejected", "INVALID_OPERATION"),
        "nobody": ("rejected", "OWNER"),
        "a lead": ("rejected", "OWNER"),
    }
    assert org.effects() == []


def test_what_is_gone_or_converted_is_not_moved(org: Any, acme: Any) -> None:
    deleted, converted = org.create("Lead"), org.create("Lead")
    org.act("delete", id=deleted)
    org.act("convert", id=converted)
    codes = [acme.write([owner(one, org.agent(1))])[0].code for one in (deleted, converted, "00Q00000000000AAAA")]
    assert codes == ["ENTITY_IS_DELETED", "CANNOT_UPDATE_CONVERTED_LEAD", "ENTITY_IS_DELETED"]


def test_a_person_s_change_between_reading_and_writing_is_not_overwritten(org: Any, acme: Any) -> None:
    lead = org.create("Lead", OwnerId="maria@acme.test")
    move = owner(lead, org.agent(1), owner=org.agent(0))
    org.act("update", id=lead, fields={"OwnerId": "sam@acme.test"})
    assert said(acme.write([move])[0]) == ("conflict", False, "CHANGED")
    assert f"user:{org.row(lead)['OwnerId']}" == org.agent(2)


def test_status_and_priority_are_set_in_the_org_s_own_words(org: Any, acme: Any) -> None:
    case = org.create("Case", Priority="Low")
    values = {"priority": "high", "status": "pending"}
    write = WriteBack(key="s", record=f"acme:ticket:{case}", action="set", values=values, expect={"status": "new"})
    assert said(acme.write([write])[0]) == ("done", True, None)
    assert (org.row(case)["Priority"], org.row(case)["Status"]) == ("High", "Waiting on Customer")
    assert said(acme.write([msgspec.structs.replace(write, expect={})])[0]) == ("done", False, None)
    impossible = msgspec.structs.replace(write, values={"priority": "urgent"}, expect={})
    assert said(acme.write([impossible])[0]) == ("rejected", False, "NO_VALUE")
    unknown = msgspec.structs.replace(write, values={"colour": "red"}, expect={})
    assert said(acme.write([unknown])[0]) == ("rejected", False, "NO_VALUE")
    assert len(org.effects()) == 1


# ---- tasks and notes


def test_a_task_names_owner_day_and_priority(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    receipt = acme.write([task(lead, owner=org.agent(0), due_at=DUE, priority="urgent")])[0]
    assert said(receipt) == ("done", True, None)
    assert receipt.crm_id == org.effects()[-1]["id"]
    assert org.effects()[-1]["task"] == {
        "Subject": "Call now", "WhoId": lead, "OwnerId": org.agent(0).removeprefix("user:"),
        "ActivityDate": "2026-03-02", "IsReminderSet": True, "ReminderDateTime": "2026-03-02T15:05:00.000Z",
        "Priority": "High", "SLA_Key__c": "acme:lead:1/first_response/1/due/task",
    }  # fmt: skip


def test_a_task_of_a_case_that_a_queue_owns(org: Any, acme: Any) -> None:
    case = org.create("Case")
    acme.write([task(case, kind="ticket", owner=f"queue:{org.emulator.cast.support}")])
    made = org.effects()[-1]["task"]
    assert made["WhatId"] == case
    assert "OwnerId" not in made


def test_the_same_task_sent_again_is_one_task_and_is_left_as_people_left_it(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    first = acme.write([task(lead)])[0]
    org.act("update", id=first.crm_id, fields={"Status": "Completed"})
    for write in (task(lead), again(task(lead))):
        second = acme.write([write])[0]
        assert (said(second), second.crm_id) == (("done", False, None), first.crm_id)
    assert org.row(first.crm_id)["Status"] == "Completed"
    assert len(org.effects()) == 1


def test_a_task_whose_answer_was_lost_is_found(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    org.fault("drop_response", COLLECTIONS, times=1)
    with pytest.raises(RetryLater) as caught:
        acme.write([task(lead)])
    assert caught.value.unknown is True
    assert said(acme.write([again(task(lead))])[0]) == ("done", False, None)
    assert len(org.effects()) == 1


def test_without_a_key_field_a_task_is_found_by_its_marker(org: Any) -> None:
    lead, other = org.create("Lead"), org.create("Lead")
    acme = org.connect(task_key="Not_There__c")
    assert said(acme.write([task(lead, "a" * 200)])[0]) == ("done", True, None)
    for write in (task(lead, "a" * 200), again(task(lead, "a" * 200))):
        assert said(acme.write([write])[0]) == ("done", False, None)
    assert said(acme.write([task(lead, "b"), ])[0]) == ("done", True, None)  # fmt: skip
    assert said(acme.write([task(other, "a" * 200)])[0]) == ("done", True, None)
    assert len(org.effects()) == 3


def test_a_key_longer_than_its_field_still_makes_one_task(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    assert said(acme.write([task(lead, "k" * 300)])[0]) == ("done", True, None)
    assert said(acme.write([task(lead, "k" * 300)])[0]) == ("done", False, None)
    assert said(acme.write([task(lead, "k" * 301)])[0]) == ("done", True, None)


def test_our_own_task_is_no_activity_even_when_a_person_completes_it(org: Any, acme: Any, drain: Any) -> None:
    lead = org.create("Lead")
    for connector in (acme, org.connect(task_key="Not_There__c")):
        made = connector.write([task(lead)])[0]
        org.act("update", id=made.crm_id, fields={"Status": "Completed"}, by="maria@acme.test")
        changes, _ = drain(connector, "Task")
        assert changes
        assert [event for change in changes for event in connector.normalise(change).events] == []
        org.act("delete", id=made.crm_id)


def test_tasks_of_a_batch_have_each_their_own_answer(org: Any, acme: Any) -> None:
    lead, converted = org.create("Lead"), org.create("Lead")
    org.act("convert", id=converted)
    acme.write([task(lead, "a")])
    receipts = {
        receipt.key: said(receipt)
        for receipt in acme.write([task(lead, "b"), task(converted, "c"), task("500000000000001AAA", "d", "ticket")])
    }
    assert receipts["b"] == ("done", True, None)
    assert receipts["c"] == ("rejected", False, "CANNOT_UPDATE_CONVERTED_LEAD")
    assert receipts["d"][0] == "rejected"


@pytest.mark.parametrize(("name", "kind"), [("Lead", "lead"), ("Case", "ticket")])
def test_a_note_is_written_once_and_stays_inside(org: Any, acme: Any, drain: Any, name: str, kind: str) -> None:
    record = org.create(name)
    note = WriteBack(key="n", record=f"acme:{kind}:{record}", action="note", subject="Breached " + "x" * 9000)
    org.fault("drop_response", COLLECTIONS, times=1)
    with pytest.raises(RetryLater):
        acme.write([note])
    assert said(acme.write([again(note)])[0]) == ("done", False, None)
    assert len(org.effects()) == 1
    body = org.effects()[0]["note"]
    assert body.get("IsPublished", False) is False
    for stream in ("Task", "CaseComment"):
        for change in drain(acme, stream)[0]:
            assert all(event.public is False for event in acme.normalise(change).events)
