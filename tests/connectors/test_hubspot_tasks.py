"""Tasks in HubSpot: made once, found again, reminded of, and completed when nobody waits any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot_samples.desk import Desk, order

from connectors.base import Receipt
from connectors.errors import RetryLater
from connectors.hubspot import HubSpotConnector

KEY = "sla-6ab9f1eb8f7d3388f4f9d586"  # of the write-back "k1"
CREATE = "POST /crm/objects/2026-09/tasks/batch/create"
READ = "POST /crm/objects/2026-09/tasks/batch/read"
UPDATE = "POST /crm/objects/2026-09/tasks/batch/update"
LINKS = "POST /crm/associations/2026-09/tickets/tasks/batch/read"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


@pytest.fixture
def keyed(desk: Desk) -> Iterator[HubSpotConnector]:
    """A connection to a portal whose tasks have a unique property for our keys."""
    asked = {"name": "sla_key", "label": "SLA key", "groupName": "task", "type": "string", "fieldType": "text"}
    desk.emulator.portal.schemas["tasks"].create({**asked, "hasUniqueValue": True}, desk.now)
    connector = desk.connect(task_key="sla_key")
    yield connector
    connector.close()


def one(receipts: list[Receipt]) -> Receipt:
    (receipt,) = receipts
    return receipt


def task(ticket: str, key: str = "k1", **more: Any) -> Any:
    return order("task", f"acme:ticket:{ticket}", key, subject="Call Ada", **more)


def complete(ticket: str, key: str = "c1", **more: Any) -> Any:
    return order("complete", f"acme:ticket:{ticket}", key, **more)


def finish(desk: Desk, number: str, status: str = "COMPLETED") -> None:
    desk.act("update", object="tasks", id=number, by="Li", fields={"hs_task_status": status})


# ---- once


def test_the_key_of_a_task_stands_in_its_unique_property(desk: Desk, keyed: HubSpotConnector) -> None:
    ticket = desk.ticket()
    receipt = one(keyed.write([task(ticket)]))
    (effect,) = desk.effects()
    assert receipt.crm_id == effect["id"]
    assert effect["task"]["sla_key"] == KEY
    assert effect["task"]["associations"] == [{"object": "tickets", "id": ticket}]


def test_a_lost_answer_is_looked_up_by_the_key_in_one_call(desk: Desk, keyed: HubSpotConnector) -> None:
    ticket = desk.ticket()
    desk.act("settings", index_lag_s=3600)
    desk.fault("drop_response", path="*/tasks/batch/create", times=1)
    with pytest.raises(RetryLater) as lost:
        keyed.write([task(ticket)])
    assert lost.value.unknown
    desk.calls()
    receipt = one(keyed.write([task(ticket, attempts=1)]))
    assert (receipt.outcome, receipt.wrote, receipt.crm_id) == ("done", False, desk.effects()[0]["id"])
    assert desk.calls() == {READ: 1}
    assert len(desk.effects()) == 1


def test_hubspot_itself_refuses_a_second_task_of_a_key(desk: Desk, keyed: HubSpotConnector) -> None:
    ticket, other = desk.ticket(), desk.ticket()
    first = one(keyed.write([task(ticket)]))
    # As after a restored backup: nobody knows of an earlier try, so nothing is looked up first.
    receipts = {found.key: found for found in keyed.write([task(ticket), task(other, "k2")])}
    assert (receipts["k1"].outcome, receipts["k1"].wrote, receipts["k1"].crm_id) == ("done", False, first.crm_id)
    assert (receipts["k2"].outcome, receipts["k2"].wrote) == ("done", True)
    assert len(desk.effects()) == 2


def test_a_second_try_does_not_open_a_completed_task_again(desk: Desk, keyed: HubSpotConnector) -> None:
    ticket = desk.ticket()
    made = str(one(keyed.write([task(ticket)])).crm_id)
    finish(desk, made)
    for attempts in (0, 1):
        assert one(keyed.write([task(ticket, attempts=attempts)])).wrote is False
    assert desk.value("tasks", made, "hs_task_status") == "COMPLETED"


def test_a_task_made_before_there_was_a_property_is_found_by_its_mark(desk: Desk, keyed: HubSpotConnector) -> None:
    ticket = desk.ticket()
    made = one(desk.connector.write([task(ticket)])).crm_id
    receipt = one(keyed.write([task(ticket, attempts=1)]))
    assert (receipt.wrote, receipt.crm_id) == (False, made)


def test_a_property_that_is_not_unique_does_no_harm(desk: Desk) -> None:
    asked = {"name": "sla_key", "label": "SLA key", "groupName": "task", "type": "string", "fieldType": "text"}
    desk.emulator.portal.schemas["tasks"].create(asked, desk.now)
    connector = desk.connect(task_key="sla_key")
    ticket = desk.ticket()
    connector.write([task(ticket)])
    assert one(connector.write([task(ticket, attempts=1)])).wrote is False
    assert len(desk.effects()) == 1
    connector.close()


def test_a_property_that_is_not_there_is_told_with_the_way_out(desk: Desk) -> None:
    connector = desk.connect(task_key="sla_key")
    receipt = one(connector.write([task(desk.ticket())]))
    assert (receipt.outcome, receipt.code) == ("rejected", "PROPERTY_DOESNT_EXIST")
    connector.close()


@pytest.mark.parametrize(
    ("unique", "level", "told"),
    [(None, "fail", "tasks have no property sla_key"), (False, "fail", "sla_key takes a value twice"),
     (True, "ok", "sla_key (unique)")],
)  # fmt: skip
def test_check_looks_at_the_property(desk: Desk, unique: bool | None, level: str, told: str) -> None:
    if unique is not None:
        asked = {"name": "sla_key", "label": "SLA key", "groupName": "task", "type": "string", "fieldType": "text"}
        desk.emulator.portal.schemas["tasks"].create({**asked, "hasUniqueValue": unique}, desk.now)
    connector = desk.connect(task_key="sla_key")
    (finding,) = (one for one in connector.check() if one.subject == "task_key")
    assert finding.level == level
    assert finding.message.startswith(told)
    assert (finding.fix is None) is (level == "ok")
    connector.close()


# ---- what it says


def test_a_task_reminds_and_has_the_type_that_was_asked_for(desk: Desk) -> None:
    connector = desk.connect(task_type="CALL", task_reminder="15m")
    due = desk.now + 3_600_000
    connector.write([task(desk.ticket(), due_at=due)])
    (effect,) = desk.effects()
    made = effect["id"]
    assert effect["task"]["hs_task_type"] == "CALL"
    assert desk.value("tasks", made, "hs_timestamp") == str(due)
    assert desk.value("tasks", made, "hs_task_reminders") == str(due - 900_000)
    connector.close()


def test_a_reminder_that_has_passed_is_left_out(desk: Desk) -> None:
    connector = desk.connect(task_reminder="15m")
    connector.write([task(desk.ticket(), due_at=desk.now + 60_000)])
    assert "hs_task_reminders" not in desk.effects()[0]["task"]
    connector.close()


def test_a_task_for_somebody_who_has_left_is_refused_before_it_is_sent(desk: Desk) -> None:
    ticket, jo, li = desk.ticket(), desk.owner("Jo"), desk.owner("Li")
    desk.act("deactivate_user", user="Jo")
    orders = [task(ticket, "a", owner=f"user:{jo}"), task(ticket, "b", owner=f"user:{li}")]
    receipts = {found.key: (found.outcome, found.code) for found in desk.connector.write(orders)}
    assert receipts == {"a": ("rejected", "INACTIVE_OWNER"), "b": ("done", None)}
    assert len(desk.effects()) == 1


# ---- completed


def test_a_task_is_completed_by_its_id(desk: Desk) -> None:
    ticket = desk.ticket()
    made = str(one(desk.connector.write([task(ticket)])).crm_id)
    desk.calls()
    receipt = one(desk.connector.write([complete(ticket, task="k1", crm_id=made)]))
    assert receipt == Receipt(key="c1", outcome="done", crm_id=made)
    assert desk.value("tasks", made, "hs_task_status") == "COMPLETED"
    assert desk.calls() == {READ: 1, UPDATE: 1}


def test_a_task_whose_id_is_not_known_is_found_by_its_key(desk: Desk, keyed: HubSpotConnector) -> None:
    ticket = desk.ticket()
    made = str(one(keyed.write([task(ticket)])).crm_id)
    desk.calls()
    assert one(keyed.write([complete(ticket, task="k1")])).crm_id == made
    assert desk.value("tasks", made, "hs_task_status") == "COMPLETED"
    assert desk.calls() == {READ: 2, UPDATE: 1}


def test_a_task_whose_id_is_not_known_is_found_by_its_mark(desk: Desk) -> None:
    ticket = desk.ticket()
    desk.act("settings", index_lag_s=3600)
    made = str(one(desk.connector.write([task(ticket)])).crm_id)
    desk.connector.write([task(ticket, "another")])
    desk.calls()
    assert one(desk.connector.write([complete(ticket, task="k1")])).crm_id == made
    assert desk.calls() == {LINKS: 1, READ: 2, UPDATE: 1}
    states = [desk.value("tasks", effect["id"], "hs_task_status") for effect in desk.effects()[:2]]
    assert states == ["COMPLETED", "NOT_STARTED"]


@pytest.mark.parametrize("status", ["COMPLETED", "DEFERRED"])
def test_a_task_that_somebody_closed_is_left_as_it_is(desk: Desk, status: str) -> None:
    ticket = desk.ticket()
    made = str(one(desk.connector.write([task(ticket)])).crm_id)
    finish(desk, made, status)
    desk.calls()
    receipt = one(desk.connector.write([complete(ticket, task="k1", crm_id=made)]))
    assert (receipt.outcome, receipt.wrote, receipt.reason) == ("done", False, "the task is closed already")
    assert desk.calls() == {READ: 1}
    assert desk.value("tasks", made, "hs_task_status") == status


@pytest.mark.parametrize("known", [True, False])
def test_a_task_that_was_thrown_away_is_as_good_as_completed(desk: Desk, known: bool) -> None:
    ticket = desk.ticket()
    made = str(one(desk.connector.write([task(ticket)])).crm_id)
    desk.act("delete", object="tasks", id=made)
    receipt = one(desk.connector.write([complete(ticket, task="k1", crm_id=made if known else None)]))
    assert (receipt.outcome, receipt.wrote, receipt.reason) == ("done", False, "the task is no longer there")


def test_a_task_that_is_thrown_away_under_our_hands_costs_the_others_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets = [desk.ticket() for _ in range(3)]
    made = [str(one(desk.connector.write([task(ticket, ticket)])).crm_id) for ticket in tickets]
    answer = desk.emulator.answer

    def meanwhile(request: Any) -> Any:
        if request.path.endswith("/tasks/batch/update"):
            desk.act("delete", object="tasks", id=made[1])
        return answer(request)

    monkeypatch.setattr(desk.emulator, "answer", meanwhile)
    orders = [complete(ticket, f"c{n}", crm_id=made[n], task=ticket) for n, ticket in enumerate(tickets)]
    receipts = {found.key: (found.outcome, found.wrote) for found in desk.connector.write(orders)}
    assert receipts == {"c0": ("done", True), "c1": ("done", False), "c2": ("done", True)}


def test_a_task_that_went_to_a_colleague_is_completed_all_the_same(desk: Desk) -> None:
    ticket = desk.ticket()
    made = str(one(desk.connector.write([task(ticket, owner=f"user:{desk.owner('Li')}")])).crm_id)
    desk.act("update", object="tasks", id=made, by="Jo", fields={"hubspot_owner_id": "Jo"})
    assert one(desk.connector.write([complete(ticket, task="k1", crm_id=made)])).wrote is True


def test_a_hundred_tasks_are_completed_in_two_calls(desk: Desk) -> None:
    tickets = [desk.ticket() for _ in range(100)]
    made = {found.key: found.crm_id for found in desk.connector.write([task(one_id, one_id) for one_id in tickets])}
    desk.calls()
    orders = [complete(one_id, f"c{one_id}", task=one_id, crm_id=made[one_id]) for one_id in tickets]
    receipts = desk.connector.write(orders)
    assert {(found.outcome, found.wrote) for found in receipts} == {("done", True)}
    assert len(receipts) == 100
    assert desk.calls() == {READ: 1, UPDATE: 1}


def test_two_write_backs_may_complete_the_same_task(desk: Desk) -> None:
    ticket = desk.ticket()
    made = one(desk.connector.write([task(ticket)])).crm_id
    orders = [complete(ticket, key, task="k1", crm_id=made) for key in ("c1", "c2")]
    assert [found.outcome for found in desk.connector.write(orders)] == ["done", "done"]


def test_a_completion_whose_answer_was_lost_is_seen_the_next_time(desk: Desk) -> None:
    ticket = desk.ticket()
    made = one(desk.connector.write([task(ticket)])).crm_id
    desk.fault("drop_response", path="*/tasks/batch/update", times=1)
    with pytest.raises(RetryLater):
        desk.connector.write([complete(ticket, task="k1", crm_id=made)])
    assert one(desk.connector.write([complete(ticket, task="k1", crm_id=made, attempts=1)])).wrote is False
    assert len(desk.effects()) == 2
