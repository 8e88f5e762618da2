"""Writing to a portal over HTTP: once, only what differs, and never over somebody's change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hubspot_samples.desk import WRITE, Desk, order

from connectors.base import Receipt
from connectors.errors import AuthFailed, RateLimited, RetryLater
from connectors.http import Patience
from emulators.hubspot.pipelines import Pipeline

DUE = 1_795_000_000_000
DUE_TEXT = "2026-11-18T11:06:40Z"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


def one(receipts: list[Receipt]) -> Receipt:
    (receipt,) = receipts
    return receipt


# ---- fields


def test_fields_are_written_by_their_mapping(desk: Desk) -> None:
    ticket = desk.ticket()
    values = {"sla_due": DUE, "sla_status": "running", "sla_policy": "not mapped here"}
    receipt = one(desk.connector.write([order("fields", f"acme:ticket:{ticket}", values=values)]))
    assert receipt == Receipt(key="k1", outcome="done", crm_id=ticket)
    (effect,) = desk.effects()
    assert effect["fields"] == {"sla_due": DUE_TEXT, "sla_status": "running"}


def test_none_clears_a_field(desk: Desk) -> None:
    ticket = desk.ticket(sla_due=str(DUE))
    desk.connector.write([order("fields", f"acme:ticket:{ticket}", values={"sla_due": None})])
    assert desk.value("tickets", ticket, "sla_due") == ""


def test_a_hundred_records_are_written_in_one_call(desk: Desk) -> None:
    tickets = [desk.ticket() for _ in range(100)]
    desk.calls()
    batch = [order("fields", f"acme:ticket:{one_id}", f"k{one_id}", values={"sla_status": "met"}) for one_id in tickets]
    receipts = desk.connector.write(batch)
    assert {receipt.outcome for receipt in receipts} == {"done"}
    assert {receipt.key for receipt in receipts} == {f"k{one_id}" for one_id in tickets}
    assert desk.calls() == {"POST /crm/objects/2026-09/tickets/batch/update": 1}


def test_leads_and_tickets_go_in_one_batch_of_write_backs(desk: Desk) -> None:
    ticket, contact = desk.ticket(), desk.contact()
    receipts = desk.connector.write(
        [
            order("fields", f"acme:ticket:{ticket}", "a", values={"sla_status": "met"}),
            order("fields", f"acme:lead:{contact}", "b", values={"sla_status": "missed"}),
        ]
    )
    assert {receipt.key: receipt.outcome for receipt in receipts} == {"a": "done", "b": "done"}
    assert desk.value("contacts", contact, "sla_status") == "missed"


def test_two_write_backs_of_one_record_share_a_row_and_the_later_wins(desk: Desk) -> None:
    ticket = desk.ticket()
    receipts = desk.connector.write(
        [
            order("fields", f"acme:ticket:{ticket}", "a", values={"sla_status": "running", "sla_due": DUE}),
            order("fields", f"acme:ticket:{ticket}", "b", values={"sla_status": "met"}),
        ]
    )
    assert {receipt.key: receipt.outcome for receipt in receipts} == {"a": "done", "b": "done"}
    (effect,) = desk.effects()
    assert effect["fields"] == {"sla_due": DUE_TEXT, "sla_status": "met"}


def test_a_field_that_is_not_mapped_is_nothing_to_write(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.calls()
    assert one(desk.connector.write([order("fields", f"acme:ticket:{ticket}", values={"other_due": 1})])).wrote is False
    assert desk.calls() == {}


def test_after_an_unknown_outcome_only_what_differs_is_sent(desk: Desk) -> None:
    ticket = desk.ticket(sla_status="met", sla_due=str(DUE))
    again = order("fields", f"acme:ticket:{ticket}", values={"sla_status": "met", "sla_due": DUE}, attempts=1)
    assert one(desk.connector.write([again])).wrote is False
    assert desk.effects() == []
    more = order("fields", f"acme:ticket:{ticket}", values={"sla_status": "missed", "sla_due": DUE}, attempts=1)
    assert one(desk.connector.write([more])).wrote is True
    assert desk.effects()[0]["fields"] == {"sla_status": "missed"}


def test_an_update_whose_answer_was_lost_is_not_repeated_at_once(desk: Desk) -> None:
    patient = desk.connect(patience=Patience(attempts=3, first_s=0, longest_s=0))
    ticket = desk.ticket()
    desk.fault("drop_response", path="*/tickets/batch/update", times=1)
    with pytest.raises(RetryLater) as lost:
        patient.write([order("fields", f"acme:ticket:{ticket}", values={"sla_status": "met"})])
    assert lost.value.unknown
    assert len(desk.effects()) == 1


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_one_deleted_record_costs_the_others_nothing(desk: Desk, version: str) -> None:
    good, bad = desk.ticket(), desk.ticket()
    desk.act("delete", object="tickets", id=bad)
    connector = desk.connect(api_version=version)
    batch = [order("fields", f"acme:ticket:{one_id}", one_id, values={"sla_status": "met"}) for one_id in (good, bad)]
    receipts = {receipt.key: receipt for receipt in connector.write(batch)}
    assert receipts[good].outcome == "done"
    assert (receipts[bad].outcome, receipts[bad].code) == ("rejected", "OBJECT_NOT_FOUND")
    connector.close()


def test_a_partial_failure_is_told_row_by_row(desk: Desk) -> None:
    tickets = [desk.ticket() for _ in range(4)]
    desk.fault("partial", times=1)
    batch = [order("fields", f"acme:ticket:{one_id}", one_id, values={"sla_status": "met"}) for one_id in tickets]
    receipts = {receipt.key: receipt for receipt in desk.connector.write(batch)}
    for one_id in tickets:
        wrote = desk.value("tickets", one_id, "sla_status") == "met"
        assert receipts[one_id].outcome == ("done" if wrote else "retry")
    assert sum(receipt.outcome == "done" for receipt in receipts.values()) == 2


def test_a_missing_property_is_rejected_with_the_way_out(desk: Desk) -> None:
    ticket = desk.ticket()
    connector = desk.connect(write={"ticket": {"sla_due": "sla_nowhere"}})
    receipt = one(connector.write([order("fields", f"acme:ticket:{ticket}", values={"sla_due": DUE})]))
    assert receipt.outcome == "rejected"
    assert receipt.reason == "the property sla_nowhere does not exist: create it or mend the configuration"
    connector.close()


def test_an_admins_validation_rule_rejects_one_record_only(desk: Desk) -> None:
    desk.act("settings", validation_rule={"object": "tickets", "property": "sla_status", "forbidden": ["missed"]})
    good, bad = desk.ticket(), desk.ticket()
    receipts = desk.connector.write(
        [
            order("fields", f"acme:ticket:{good}", "good", values={"sla_status": "met"}),
            order("fields", f"acme:ticket:{bad}", "bad", values={"sla_status": "missed"}),
        ]
    )
    assert {receipt.key: receipt.outcome for receipt in receipts} == {"good": "done", "bad": "rejected"}


def test_a_kind_that_is_not_watched_is_rejected(desk: Desk) -> None:
    receipt = one(desk.connector.write([order("fields", "acme:deal:5", values={"sla_status": "met"})]))
    assert (receipt.outcome, receipt.code) == ("rejected", "NO_SUCH_KIND")


# ---- owner and set


def test_an_owner_is_changed_when_everything_is_as_expected(desk: Desk) -> None:
    ticket, sam, li = desk.ticket(hubspot_owner_id="Sam"), desk.owner("Sam"), desk.owner("Li")
    desk.poll("tickets")
    desk.calls()
    expect = {"owner": f"user:{sam}", "status": "new"}
    receipt = one(desk.connector.write([order("owner", f"acme:ticket:{ticket}", owner=f"user:{li}", expect=expect)]))
    assert receipt.outcome == "done"
    assert desk.value("tickets", ticket, "hubspot_owner_id") == li
    assert receipt.reason is None
    assert desk.calls() == {
        "POST /crm/objects/2026-09/tickets/batch/read": 2,  # before, and the history after
        "POST /crm/objects/2026-09/tickets/batch/update": 1,
    }


@pytest.mark.parametrize(
    ("change", "word"), [({"fields": {"hubspot_owner_id": "Jo"}}, "owner"), ({"stage": "closed"}, "status")]
)
def test_an_owner_is_left_alone_when_somebody_was_faster(desk: Desk, change: dict[str, Any], word: str) -> None:
    ticket, sam, li = desk.ticket(hubspot_owner_id="Sam"), desk.owner("Sam"), desk.owner("Li")
    desk.poll("tickets")
    desk.act("update", object="tickets", id=ticket, by="Jo", **change)
    expect = {"owner": f"user:{sam}", "status": "new"}
    receipt = one(desk.connector.write([order("owner", f"acme:ticket:{ticket}", owner=f"user:{li}", expect=expect)]))
    assert (receipt.outcome, receipt.code) == ("conflict", "EXPECTATION_FAILED")
    assert receipt.reason is not None
    assert word in receipt.reason
    assert desk.effects() == []


def test_an_owner_that_is_so_already_is_done(desk: Desk) -> None:
    ticket, li = desk.ticket(hubspot_owner_id="Li"), desk.owner("Li")
    again = order("owner", f"acme:ticket:{ticket}", owner=f"user:{li}", expect={"owner": "user:1"}, attempts=1)
    receipt = one(desk.connector.write([again]))
    assert (receipt.outcome, receipt.wrote) == ("done", False)


def test_a_record_can_go_to_a_queue(desk: Desk) -> None:
    ticket, queue = desk.ticket(), desk.owner("Unassigned")
    assert (
        one(desk.connector.write([order("owner", f"acme:ticket:{ticket}", owner=f"queue:{queue}")])).outcome == "done"
    )
    assert desk.value("tickets", ticket, "hubspot_owner_id") == queue


def test_a_deactivated_owner_is_rejected(desk: Desk) -> None:
    ticket, jo = desk.ticket(), desk.owner("Jo")
    desk.act("deactivate_user", user="Jo")
    receipt = one(desk.connector.write([order("owner", f"acme:ticket:{ticket}", owner=f"user:{jo}")]))
    assert (receipt.outcome, receipt.code) == ("rejected", "INACTIVE_OWNER")
    assert "POST /crm/objects/2026-09/tickets/batch/update" not in desk.calls()


def test_an_owner_who_left_a_moment_ago_is_refused_by_hubspot(desk: Desk) -> None:
    ticket, jo = desk.ticket(), desk.owner("Jo")
    desk.connector.people()
    desk.act("deactivate_user", user="Jo")
    receipt = one(desk.connector.write([order("owner", f"acme:ticket:{ticket}", owner=f"user:{jo}")]))
    assert (receipt.outcome, receipt.code) == ("rejected", "INVALID_OWNER_ID")
    assert receipt.reason == "HubSpot refused the values: hubspot_owner_id INVALID_OWNER_ID"


def test_owners_who_may_not_be_read_are_left_to_hubspot(desk: Desk) -> None:
    ticket, jo = desk.ticket(), desk.owner("Jo")
    desk.act("settings", missing_scopes=["crm.objects.owners.read"])
    receipt = one(desk.connector.write([order("owner", f"acme:ticket:{ticket}", owner=f"user:{jo}")]))
    assert receipt.outcome == "done"


def test_an_edit_that_falls_between_read_and_write_is_told_and_the_write_stays_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, sam, li = desk.ticket(hubspot_owner_id="Sam"), desk.owner("Sam"), desk.owner("Li")
    answer = desk.emulator.answer

    def meanwhile(request: Any) -> Any:
        if request.path.endswith("/batch/update"):
            desk.act("update", object="tickets", id=ticket, by="Jo", fields={"hubspot_owner_id": "Jo"})
        return answer(request)

    monkeypatch.setattr(desk.emulator, "answer", meanwhile)
    expect = {"owner": f"user:{sam}"}
    receipt = one(desk.connector.write([order("owner", f"acme:ticket:{ticket}", owner=f"user:{li}", expect=expect)]))
    assert (receipt.outcome, receipt.code) == ("done", "OVERWROTE_EDIT")
    jo = desk.owner("Jo")
    assert receipt.reason is not None
    assert receipt.reason.startswith(f"this ran over an edit: user:{jo} had set the owner to user:{jo} at 20")


def test_an_edit_right_after_ours_is_nothing_that_we_ran_over(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket, li = desk.ticket(hubspot_owner_id="Sam"), desk.owner("Li")
    answer = desk.emulator.answer

    def afterwards(request: Any) -> Any:
        response = answer(request)
        if request.path.endswith("/batch/update"):
            desk.act("update", object="tickets", id=ticket, by="Jo", fields={"hubspot_owner_id": "Jo"})
        return response

    monkeypatch.setattr(desk.emulator, "answer", afterwards)
    receipt = one(desk.connector.write([order("owner", f"acme:ticket:{ticket}", owner=f"user:{li}")]))
    assert (receipt.outcome, receipt.reason) == ("done", None)


@pytest.mark.parametrize("fault", ["status:500", "quota", "status:403", "reset"])
def test_an_owner_whose_history_cannot_be_read_afterwards_is_changed_all_the_same(desk: Desk, fault: str) -> None:
    ticket, li = desk.ticket(), desk.owner("Li")
    answer = desk.emulator.answer

    def then(request: Any) -> Any:
        if request.path.endswith("/batch/update"):
            desk.fault(fault, path="*/batch/read")
        return answer(request)

    desk.emulator.answer = then  # type: ignore[method-assign]
    receipt = one(desk.connector.write([order("owner", f"acme:ticket:{ticket}", owner=f"user:{li}")]))
    assert (receipt.outcome, receipt.wrote) == ("done", True)


def test_a_set_instant_that_stands_there_already_is_not_written_again(desk: Desk) -> None:
    ticket = desk.ticket(sla_due=str(DUE))
    receipt = one(desk.connector.write([order("set", f"acme:ticket:{ticket}", values={"sla_due": DUE})]))
    assert (receipt.outcome, receipt.wrote) == ("done", False)
    later = one(desk.connector.write([order("set", f"acme:ticket:{ticket}", values={"sla_due": DUE + 1})]))
    assert later.wrote is True


def test_a_record_that_is_gone_is_rejected(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.act("delete", object="tickets", id=ticket)
    receipt = one(desk.connector.write([order("owner", f"acme:ticket:{ticket}", owner="user:1")]))
    assert (receipt.outcome, receipt.code) == ("rejected", "OBJECT_NOT_FOUND")


def test_priority_and_status_are_set_by_what_they_mean(desk: Desk) -> None:
    ticket = desk.ticket(hs_ticket_priority="LOW")
    asked = {"priority": "normal", "status": "pending"}
    assert one(desk.connector.write([order("set", f"acme:ticket:{ticket}", values=asked)])).outcome == "done"
    stage = desk.emulator.portal.pipelines.stage("tickets", "customer")
    assert desk.value("tickets", ticket, "hs_ticket_priority") == "MEDIUM"
    assert desk.value("tickets", ticket, "hs_pipeline_stage") == stage.id


def test_a_status_that_fits_already_is_kept(desk: Desk) -> None:
    ticket = desk.ticket(hs_pipeline_stage=desk.emulator.portal.pipelines.stage("tickets", "us").id)
    receipt = one(desk.connector.write([order("set", f"acme:ticket:{ticket}", values={"status": "open"})]))
    assert receipt.wrote is False


def test_a_stage_can_be_set_by_its_name_and_a_lead_status_by_its_word(desk: Desk) -> None:
    ticket, contact = desk.ticket(), desk.contact()
    receipts = desk.connector.write(
        [
            order("set", f"acme:ticket:{ticket}", "a", values={"raw_status": "Support Pipeline/Closed"}),
            order("set", f"acme:lead:{contact}", "b", values={"status": "disqualified"}),
        ]
    )
    assert {receipt.outcome for receipt in receipts} == {"done"}
    assert desk.value("tickets", ticket, "hs_is_closed") == "true"
    assert desk.value("contacts", contact, "hs_lead_status") == "UNQUALIFIED"


def test_a_lead_gets_the_stage_of_its_own_pipeline() -> None:
    with Desk(objects=("leads",), write={"lead": WRITE}) as desk:
        partners = another(desk, "leads", "Partners")
        contact = desk.contact()
        to = [{"object": "contacts", "id": contact}]
        fields = {"hs_lead_name": "x", "hs_pipeline": partners.id, "hs_pipeline_stage": partners.stage("new").id}
        made = desk.act("create", object="leads", associations=to, fields=fields)
        asked = order("set", f"acme:lead:{made['id']}", values={"status": "disqualified"})
        assert one(desk.connector.write([asked])).outcome == "done"
        assert desk.value("leads", str(made["id"]), "hs_pipeline_stage") == partners.stage("disqualified").id


def another(desk: Desk, kind: str, label: str) -> Pipeline:
    """A second pipeline with stages like the first one's."""
    pipelines = desk.emulator.portal.pipelines
    first = pipelines.of(kind)[0]
    stages = [replace(stage, id=f"{int(stage.id) + 1000}") for stage in first.stages]
    second = Pipeline(str(int(first.id) + 1000), label, 1, stages)
    pipelines._pipelines[kind].append(second)
    return second


@pytest.mark.parametrize(("values", "code"), [({"mood": "good"}, "NO_PROPERTY"), ({"status": "resolved"}, "NO_STATUS")])
def test_what_has_no_property_or_status_is_rejected(desk: Desk, values: dict[str, str], code: str) -> None:
    receipt = one(desk.connector.write([order("set", f"acme:ticket:{desk.ticket()}", values=values)]))
    assert (receipt.outcome, receipt.code) == ("rejected", code)


def test_two_changes_of_one_record_go_one_after_the_other(desk: Desk) -> None:
    ticket, li, sam = desk.ticket(), desk.owner("Li"), desk.owner("Sam")
    receipts = desk.connector.write(
        [
            order("owner", f"acme:ticket:{ticket}", "a", owner=f"user:{li}", expect={"owner": None}),
            order("owner", f"acme:ticket:{ticket}", "b", owner=f"user:{sam}", expect={"owner": None}),
        ]
    )
    assert {receipt.key: receipt.outcome for receipt in receipts} == {"a": "done", "b": "conflict"}
    assert desk.value("tickets", ticket, "hubspot_owner_id") == li


# ---- tasks and notes


def test_a_task_is_created_on_its_record(desk: Desk) -> None:
    ticket, li = desk.ticket(), desk.owner("Li")
    told = {"subject": "Call Ada now", "owner": f"user:{li}", "due_at": DUE, "priority": "urgent"}
    receipt = one(desk.connector.write([order("task", f"acme:ticket:{ticket}", **told)]))
    (effect,) = desk.effects()
    assert receipt == Receipt(key="k1", outcome="done", crm_id=effect["id"])
    assert effect["task"] == {
        "hs_task_subject": "Call Ada now",
        "hs_task_body": "Made by sla-sidecar [sla-6ab9f1eb8f7d3388f4f9d586]",
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "TODO",
        "hs_task_priority": "HIGH",
        "hs_timestamp": DUE_TEXT,
        "hubspot_owner_id": li,
        "associations": [{"object": "tickets", "id": ticket}],
    }


def test_tasks_go_a_hundred_at_a_time(desk: Desk) -> None:
    contacts = [desk.contact(email=f"n{number}@example.test") for number in range(60)]
    desk.calls()
    batch = [order("task", f"acme:lead:{one_id}", f"k{one_id}", subject="Call", due_at=DUE) for one_id in contacts]
    receipts = desk.connector.write(batch)
    ids = {effect["id"]: effect["task"]["associations"][0]["id"] for effect in desk.effects()}
    assert {f"k{ids[receipt.crm_id or '']}" for receipt in receipts} == {receipt.key for receipt in receipts}
    assert desk.calls() == {"POST /crm/objects/2026-09/tasks/batch/create": 1}


def test_a_task_whose_answer_was_lost_is_found_again(desk: Desk) -> None:
    ticket = desk.ticket()
    task = order("task", f"acme:ticket:{ticket}", subject="Call", due_at=DUE)
    desk.fault("drop_response", path="*/tasks/batch/create", times=1)
    with pytest.raises(RetryLater) as lost:
        desk.connector.write([task])
    assert lost.value.unknown
    again = order("task", f"acme:ticket:{ticket}", subject="Call", due_at=DUE, attempts=1)
    receipt = one(desk.connector.write([again]))
    assert (receipt.outcome, receipt.wrote) == ("done", False)
    assert receipt.crm_id == desk.effects()[0]["id"]
    assert len(desk.effects()) == 1


def test_a_task_that_never_arrived_is_created_after_looking(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.fault("reset", path="*/tasks/batch/create", times=1)
    with pytest.raises(RetryLater):
        desk.connector.write([order("task", f"acme:ticket:{ticket}", subject="Call")])
    again = order("task", f"acme:ticket:{ticket}", subject="Call", attempts=1)
    assert one(desk.connector.write([again])).wrote is True
    assert len(desk.effects()) == 1


def test_a_marked_task_is_found_while_the_search_index_is_late(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.act("settings", index_lag_s=3600)
    desk.connector.write([order("task", f"acme:ticket:{ticket}", "mine", subject="Call")])
    desk.connector.write([order("task", f"acme:ticket:{ticket}", "other", subject="Call")])
    receipt = one(desk.connector.write([order("task", f"acme:ticket:{ticket}", "mine", subject="Call", attempts=2)]))
    assert (receipt.wrote, receipt.crm_id) == (False, desk.effects()[0]["id"])


def test_a_task_for_a_lead_asks_for_the_association_once(desk: Desk) -> None:
    contact = desk.contact()
    leads = [
        str(desk.act("create", object="leads", fields={"hs_lead_name": "x"}, stage="new",
                     associations=[{"object": "contacts", "id": contact}])["id"])
        for _ in range(2)
    ]  # fmt: skip
    connector = desk.connect(objects=("leads",), write={"lead": WRITE})
    desk.calls()
    for one_id in leads:
        assert one(connector.write([order("task", f"acme:lead:{one_id}", one_id, subject="Call")])).outcome == "done"
    assert desk.calls()["GET /crm/associations/2026-09/tasks/leads/labels"] == 1
    assert [effect["task"]["associations"][0]["object"] for effect in desk.effects()] == ["leads", "leads"]
    connector.close()


def test_a_task_on_a_record_that_is_gone_costs_the_others_nothing(desk: Desk) -> None:
    good, bad = desk.ticket(), desk.ticket()
    desk.act("delete", object="tickets", id=bad)
    batch = [order("task", f"acme:ticket:{one_id}", one_id, subject="Call") for one_id in (good, bad)]
    receipts = {receipt.key: receipt.outcome for receipt in desk.connector.write(batch)}
    assert receipts == {good: "done", bad: "rejected"}


def test_a_queue_owns_no_task(desk: Desk) -> None:
    queue = desk.owner("Unassigned")
    desk.connector.write([order("task", f"acme:ticket:{desk.ticket()}", subject="Call", owner=f"queue:{queue}")])
    assert "hubspot_owner_id" not in desk.effects()[0]["task"]


def test_a_note_is_plain_text_and_written_once(desk: Desk) -> None:
    ticket = desk.ticket()
    asked = order("note", f"acme:ticket:{ticket}", subject="<b>breached</b>")
    desk.connector.write([asked])
    again = order("note", f"acme:ticket:{ticket}", subject="<b>breached</b>", attempts=1)
    assert one(desk.connector.write([again])).wrote is False
    (effect,) = desk.effects()
    assert effect["note"]["hs_note_body"].startswith("&lt;b&gt;breached&lt;/b&gt; [sla-")


# ---- failures of the whole call


@pytest.mark.parametrize(
    ("fault", "kind"), [("quota", RateLimited), ("status:429", RateLimited), ("status:403", AuthFailed)]
)
def test_a_refusal_of_the_whole_call_is_raised(desk: Desk, fault: str, kind: type[Exception]) -> None:
    ticket = desk.ticket()
    desk.fault(fault, path="*/batch/update")
    with pytest.raises(kind):
        desk.connector.write([order("fields", f"acme:ticket:{ticket}", values={"sla_status": "met"})])
    assert desk.effects() == []


def test_what_was_written_before_a_failure_keeps_its_receipt(desk: Desk) -> None:
    ticket, contact = desk.ticket(), desk.contact()
    desk.fault("status:503", path="*/tickets/batch/update")
    receipts = desk.connector.write(
        [
            order("fields", f"acme:ticket:{ticket}", "a", values={"sla_status": "met"}),
            order("fields", f"acme:lead:{contact}", "b", values={"sla_status": "met"}),
        ]
    )
    assert {receipt.key: (receipt.outcome, receipt.unknown) for receipt in receipts} == {
        "a": ("retry", True), "b": ("done", False),
    }  # fmt: skip


def test_our_own_writes_come_back_as_no_news(desk: Desk) -> None:
    ticket = desk.ticket()
    before, cursor = desk.poll("tickets")
    desk.pass_time(10)
    desk.connector.write([order("fields", f"acme:ticket:{ticket}", values={"sla_status": "running"})])
    after, _ = desk.poll("tickets", cursor)
    assert [event.set for event in desk.events(after) if event.snapshot] == [
        event.set for event in desk.events(before) if event.snapshot
    ]
    observed = desk.connector.normalise(after[-1]).observed
    assert observed is not None
    assert observed.values["sla_status"] == "running"
