"""Changing owners, statuses and tags: on condition, and only to who can own."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import pytest

from connectors.base import Receipt, WriteBack
from connectors.errors import AuthFailed, RateLimited, RetryLater
from emulators.http import Response

LEADS = "/services/data/v66.0/sobjects/Lead"


def owner(id: str, new: str, key: str = "o", attempts: int = 0, **expect: Any) -> WriteBack:
    return WriteBack(
        key=key, record=f"acme:lead:{id}", action="owner", owner=new, expect=expect, attempts=attempts
    )  # fmt: skip


def said(receipt: Receipt) -> tuple[str, bool, str | None]:
    return receipt.outcome, receipt.wrote, receipt.code


def between(org: Any, acme: Any, do: Any) -> None:
    """``do()`` happens after we have read and before we write."""
    send = acme._api.send

    def late(*args: Any) -> Any:
        acme._api.send = send
        do()
        return send(*args)

    acme._api.send = late
    org.emulator.clock.advance(1)  # the vendor's condition has whole seconds


def test_who_is_faster_than_we_are_keeps_the_record(org: Any, acme: Any) -> None:
    lead = org.create("Lead", OwnerId="maria@acme.test")
    between(org, acme, lambda: org.act("update", id=lead, fields={"OwnerId": "sam@acme.test"}))
    receipt = acme.write([owner(lead, org.agent(1), owner=org.agent(0))])[0]
    assert said(receipt) == ("conflict", False, "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE")
    assert f"user:{org.row(lead)['OwnerId']}" == org.agent(2)


def test_what_cannot_be_compared_waits_until_it_is_shown_and_is_not_given_up(org: Any, acme: Any) -> None:
    lead = org.create("Lead", OwnerId="maria@acme.test")
    org.act("hide_field", object="Lead", field="Status")
    acme._shapes.forget()
    order = owner(lead, org.agent(1), owner=org.agent(0), status="new")
    waiting = acme.write([order])[0]
    assert (said(waiting), waiting.after) == (("retry", False, "HIDDEN"), 600)
    assert f"user:{org.row(lead)['OwnerId']}" == org.agent(0)
    org.act("setup", show={"Lead": ["Status"]})
    acme._shapes.forget()
    assert said(acme.write([order])[0]) == ("done", True, None)


@pytest.mark.parametrize(
    "write",
    [
        {"action": "owner"},
        {"action": "fields", "values": {"sla_status": "missed"}},
        {"action": "tag", "subject": "late"},
    ],
)
def test_an_object_that_is_hidden_altogether_buries_no_write_back(org: Any, write: dict[str, Any]) -> None:
    acme = org.connect(tags={"lead": "SLA_Tags__c"})
    lead = org.create("Lead", OwnerId="maria@acme.test")
    given = {**write, **({"owner": org.agent(1)} if write["action"] == "owner" else {})}
    order = WriteBack(key="k", record=f"acme:lead:{lead}", **given)
    org.act("setup", deny={"Lead": ["read"]})
    acme._shapes.forget()
    assert said(acme.write([order])[0]) == ("retry", False, "HIDDEN")
    org.act("setup", allow={"Lead": ["read"]})
    acme._shapes.forget()
    assert said(acme.write([order])[0]) == ("done", True, None)


@pytest.mark.parametrize(
    "write",
    [
        {"action": "set", "values": {"status": "open"}},
        {"action": "tag", "subject": "late"},
    ],
)
def test_statuses_and_tags_of_others_are_not_overwritten_either(org: Any, write: dict[str, Any]) -> None:
    acme = org.connect(tags={"lead": "SLA_Tags__c"})
    lead = org.create("Lead")
    seen: dict[str, Any] = {"Status": "Closed - Not Converted", "SLA_Tags__c": "vip"}
    between(org, acme, lambda: org.act("update", id=lead, fields=seen))
    assert acme.write([WriteBack(key="k", record=f"acme:lead:{lead}", **write)])[0].outcome == "conflict"
    assert {name: org.row(lead)[name] for name in seen} == seen


def test_a_change_costs_two_calls_and_keeps_assignment_rules_off(org: Any, acme: Any) -> None:
    lead = org.create("Lead", OwnerId="maria@acme.test")
    acme.write([owner(lead, org.agent(1))])
    before = org.calls()
    assert said(acme.write([owner(lead, org.agent(2))])[0]) == ("done", True, None)
    assert org.calls() == before + 2
    assert "also" not in org.effects()[-1]
    assert f"user:{org.row(lead)['OwnerId']}" == org.agent(2)


def test_twenty_five_changes_go_in_one_call_each_with_its_own_answer(org: Any, acme: Any) -> None:
    leads = [org.create("Lead", OwnerId="maria@acme.test") for _ in range(25)]
    org.act("convert", id=leads[3])
    org.setup(lock={leads[7]: 1}, validation={"object": "Lead", "field": "Status", "value": "Working - Contacted",
                                              "message": "Ann Doe must not"})  # fmt: skip
    org.act("update", id=leads[9], fields={"OwnerId": "sam@acme.test"})
    acme.write([owner(leads[0], org.agent(0))])
    before = org.calls()
    batch = [owner(one, org.agent(1), one, owner=org.agent(0)) for one in leads]
    receipts = {receipt.key: said(receipt) for receipt in acme.write(batch)}
    assert org.calls() == before + 2
    assert receipts.pop(leads[3]) == ("rejected", False, "CANNOT_UPDATE_CONVERTED_LEAD")
    assert receipts.pop(leads[7]) == ("retry", False, "UNABLE_TO_LOCK_ROW")
    assert receipts.pop(leads[9]) == ("conflict", False, "CHANGED")
    assert set(receipts.values()) == {("done", True, None)}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("row:INVALID_SESSION_ID", AuthFailed),
        ("row:REQUEST_LIMIT_EXCEEDED", RateLimited),
        ("row:API_DISABLED_FOR_ORG", AuthFailed),
    ],
)
def test_what_every_row_of_a_composite_is_told_is_told_to_the_connection(
    org: Any, acme: Any, fault: str, kind: type[Exception]
) -> None:
    leads = [org.create("Lead") for _ in range(3)]
    org.fault(fault, LEADS)
    with pytest.raises(kind):
        acme.write([owner(one, org.agent(1), one) for one in leads])
    org.emulator.faults.clear()
    org.emulator.clock.advance(1_000)
    org.fault(fault, LEADS, times=1)
    outcomes = [said(receipt)[0] for receipt in acme.write([owner(one, org.agent(1), one) for one in leads])]
    assert outcomes == ["retry", "done", "done"]


def test_a_lost_answer_is_looked_up(org: Any, acme: Any) -> None:
    lead = org.create("Lead", OwnerId="maria@acme.test")
    acme.write([owner(lead, org.agent(0))])
    send = acme._api.send

    def lost(*args: Any) -> Any:
        acme._api.send = send
        send(*args)
        raise RetryLater("lost", unknown=True)

    acme._api.send = lost
    with pytest.raises(RetryLater):
        acme.write([owner(lead, org.agent(1), owner=org.agent(0))])
    again = acme.write([owner(lead, org.agent(1), attempts=1, owner=org.agent(1))])[0]
    assert said(again) == ("done", False, None)
    assert len(org.effects()) == 1


# ---- who can own


def test_who_cannot_own_is_refused_before_anything_is_sent(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    org.act("deactivate_user", user="li@acme.test")
    acme.write([owner(lead, org.agent(0))])
    before = org.calls()
    gone = acme.write([owner(lead, org.agent(1))])[0]
    queue = acme.write([owner(lead, f"queue:{org.emulator.cast.support}")])[0]
    assert said(gone) == ("rejected", False, "INACTIVE_OWNER_OR_USER")
    assert said(queue) == ("rejected", False, "INVALID_OPERATION")
    assert "Setup > Queues" in str(queue.reason)
    assert org.calls() == before + 2


def test_who_is_hidden_from_us_is_left_to_salesforce_to_judge(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    org.remove_object("QueueSobject")
    assert said(acme.write([owner(lead, f"queue:{org.emulator.cast.unassigned}")])[0]) == ("done", True, None)


def test_an_owner_who_leaves_between_looking_and_writing_is_refused_by_salesforce(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    between(org, acme, lambda: org.act("deactivate_user", user="li@acme.test"))
    receipt = acme.write([owner(lead, org.agent(1))])[0]
    assert said(receipt) == ("rejected", False, "INACTIVE_OWNER_OR_USER")


# ---- what the org's own rules say


def test_a_duplicate_rule_that_alerts_does_not_keep_us_from_writing_and_one_that_blocks_does(
    org: Any, acme: Any
) -> None:
    org.create("Lead", SLA_Policy__c="Web leads")
    lead = org.create("Lead")
    write = WriteBack(key="f", record=f"acme:lead:{lead}", action="fields", values={"sla_policy": "Web leads"})
    org.act("duplicate_rule", object="Lead", field="SLA_Policy__c")
    assert said(acme.write([write])[0]) == ("done", True, None)
    org.act("duplicate_rule", object="Lead", field="SLA_Policy__c", block=True)
    receipt = acme.write([write])[0]
    assert said(receipt) == ("rejected", False, "DUPLICATES_DETECTED")
    assert "Setup > Duplicate Rules" in str(receipt.reason)


def test_a_note_on_a_lead_is_for_colleagues_only(org: Any, acme: Any) -> None:
    lead, case = org.create("Lead"), org.create("Case")
    for record in (f"acme:lead:{lead}", f"acme:ticket:{case}"):
        acme.write([WriteBack(key=record, record=record, action="note", subject="Breached")])
    post, comment = (line["note"] for line in org.effects())
    assert post["Visibility"] == "InternalUsers"
    assert comment["IsPublished"] is False
    org.setup(hide={"FeedItem": ["Visibility"]})
    other = org.connect()
    other.write([WriteBack(key="n", record=f"acme:lead:{lead}", action="note", subject="Breached")])
    assert "Visibility" not in org.effects()[-1]["note"]


def test_in_forty_races_nobody_s_change_is_lost(org: Any, acme: Any) -> None:
    """Somebody changes the owner before we read, between our two calls, or after; seconds apart, as people are."""
    dice = random.Random(12)
    lead = org.create("Lead", OwnerId="maria@acme.test")
    for _ in range(40):
        org.act("update", id=lead, fields={"OwnerId": "maria@acme.test"})
        org.emulator.clock.advance(1)
        when = dice.choice(["before", "between", "after"])
        take = partial(org.act, "update", id=lead, fields={"OwnerId": "sam@acme.test"})
        if when == "before":
            take()
        elif when == "between":
            between(org, acme, take)
        receipt = acme.write([owner(lead, org.agent(1), owner=org.agent(0))])[0]
        org.emulator.clock.advance(1)
        if when == "after":
            assert receipt.outcome == "done"
            take()
        else:
            assert receipt.outcome == "conflict"
        assert f"user:{org.row(lead)['OwnerId']}" == org.agent(2)


# ---- answers that tell nothing


@pytest.mark.parametrize(
    "answer", [[], {}, {"compositeResponse": []}, [{"success": True}], {"compositeResponse": [{}]}]
)
@pytest.mark.parametrize("action", ["owner", "fields"])
def test_an_answer_that_does_not_tell_what_became_of_each_record_leaves_all_unknown(
    org: Any, acme: Any, monkeypatch: pytest.MonkeyPatch, answer: Any, action: Any
) -> None:
    leads = [org.create("Lead") for _ in range(2)]
    acme.write([owner(leads[0], org.agent(0))])
    real = org.emulator.answer

    def odd(request: Any) -> Any:
        found = real(request)
        writes = request.path.endswith("composite/sobjects") or b"PATCH" in request.body
        return Response(200, answer) if writes else found

    monkeypatch.setattr(org.emulator, "answer", odd)
    batch = [
        WriteBack(key=one, record=f"acme:lead:{one}", action=action, owner=org.agent(1), values={"sla_status": "met"})
        for one in leads
    ]
    with pytest.raises(RetryLater) as caught:
        acme.write(batch)
    assert (caught.value.code, caught.value.unknown) == ("UNREADABLE", True)


def test_a_part_that_says_nothing_but_its_status_goes_by_that(
    org: Any, acme: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = [org.create("Lead") for _ in range(4)]
    acme.write([owner(leads[0], org.agent(0))])
    real = org.emulator.answer
    parts = [
        {"httpStatusCode": 412, "body": None}, {"httpStatusCode": 503, "body": "<html>"},
        {"httpStatusCode": 404, "body": []}, {"httpStatusCode": 400, "body": [{"errorCode": "NEVER_HEARD_OF"}]},
    ]  # fmt: skip

    def odd(request: Any) -> Any:
        return Response(200, {"compositeResponse": parts}) if b"PATCH" in request.body else real(request)

    monkeypatch.setattr(org.emulator, "answer", odd)
    receipts = acme.write([owner(one, org.agent(1), one) for one in leads])
    assert [(receipt.outcome, receipt.code, receipt.unknown) for receipt in receipts] == [
        ("conflict", "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", False),
        ("retry", "UNKNOWN_EXCEPTION", True),
        ("rejected", "NOT_FOUND", False),
        ("rejected", "NEVER_HEARD_OF", False),
    ]
