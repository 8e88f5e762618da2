"""Tasks in Salesforce: whose, due when, and closed once nobody waits for them."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import Receipt, WriteBack
from connectors.errors import RetryLater

COLLECTIONS = "/services/data/v66.0/composite/sobjects"
LATE = 1_772_499_600_000
"""2026-03-03T01:00:00Z: still the second of March in New York."""


def task(record: str, key: str = "t", **more: Any) -> WriteBack:
    return WriteBack(key=key, record=record, action="task", subject="Call now", **more)


def complete(record: str, task: str = "t", crm_id: str | None = None, key: str = "c", attempts: int = 0) -> WriteBack:
    return WriteBack(key=key, record=record, action="complete", task=task, crm_id=crm_id, attempts=attempts)


def said(receipt: Receipt) -> tuple[str, bool, str | None]:
    return receipt.outcome, receipt.wrote, receipt.code


def lead(org: Any, **fields: Any) -> str:
    return f"acme:lead:{org.create('Lead', **fields)}"


@pytest.fixture(params=["key field", "marker"])
def either(request: pytest.FixtureRequest, org: Any) -> Any:
    """A connection to an org with a key field, and to one without."""
    return org.connect() if request.param == "key field" else org.connect(task_key="Not_There__c")


# ---- whose, and when


def test_a_task_is_due_on_the_day_that_its_owner_s_clock_shows(org: Any, acme: Any) -> None:
    acme.write([task(lead(org), owner=org.agent(0), due_at=LATE)])
    assert org.effects()[-1]["task"]["ActivityDate"] == "2026-03-02"
    assert org.effects()[-1]["task"]["ReminderDateTime"] == "2026-03-03T01:00:00.000Z"


def test_nobody_s_task_is_due_by_the_org_s_clock_and_reminds_nobody(org: Any, acme: Any) -> None:
    acme.write([task(lead(org), owner=f"queue:{org.emulator.cast.unassigned}", due_at=LATE)])
    made = org.effects()[-1]["task"]
    assert made["ActivityDate"] == "2026-03-02"
    assert set(made).isdisjoint({"OwnerId", "IsReminderSet", "ReminderDateTime"})


def test_the_org_s_clock_is_asked_for_once_an_hour_however_many_tasks_are_nobody_s(org: Any, acme: Any) -> None:
    acme.write([task(lead(org), due_at=LATE)])
    one, other = lead(org), lead(org)
    before = org.calls()
    acme.write([task(one, "u", due_at=LATE)])
    acme.write([task(other, "v", due_at=LATE)])
    assert org.calls() == before + 2
    org.emulator.clock.advance(3_601)
    acme.write([task(lead(org), "w", owner=org.agent(0), due_at=LATE)])
    assert org.effects()[-1]["task"]["ActivityDate"] == "2026-03-02"


def test_who_has_left_gets_no_task_and_the_record_gets_it_all_the_same(org: Any, acme: Any) -> None:
    org.act("deactivate_user", user="li@acme.test")
    receipt = acme.write([task(lead(org), owner=org.agent(1), due_at=LATE)])[0]
    assert said(receipt) == ("done", True, None)
    assert org.row(receipt.crm_id)["OwnerId"] == org.emulator.cast.integration


def test_zones_are_asked_for_once_an_hour(org: Any, acme: Any) -> None:
    record = lead(org)
    acme.write([task(record, "a", owner=org.agent(0), due_at=LATE)])
    before = org.calls()
    acme.write([task(record, "b", owner=org.agent(0), due_at=LATE)])
    assert org.calls() == before + 1


# ---- closing


def test_a_task_is_closed_wherever_it_is_found(org: Any, either: Any) -> None:
    record = lead(org)
    made = either.write([task(record, "one"), task(record, "two")])
    by_id = either.write([complete(record, "one", made[0].crm_id)])[0]
    by_key = either.write([complete(record, "two")])[0]
    assert [said(by_id), said(by_key)] == [("done", True, None)] * 2
    assert [org.row(receipt.crm_id)["Status"] for receipt in made] == ["Completed", "Completed"]
    assert by_key.crm_id == made[1].crm_id


def test_a_closed_deleted_or_vanished_task_is_done_with(org: Any, either: Any) -> None:
    record = lead(org)
    closed, deleted = (either.write([task(record, key)])[0].crm_id for key in ("closed", "deleted"))
    org.act("update", id=closed, fields={"Status": "Completed"}, by="maria@acme.test")
    org.act("delete", id=deleted)
    effects = len(org.effects())
    batch = [
        complete(record, "closed", closed, "1"), complete(record, "closed", None, "2"),
        complete(record, "deleted", deleted, "3"), complete(record, "deleted", None, "4"),
        complete(record, "never made", None, "5"), complete(record, "never made", "00T000000000001AAA", "6"),
    ]  # fmt: skip
    assert [said(either.write([one])[0]) for one in batch] == [("done", False, None)] * 6
    assert len(org.effects()) == effects


def test_a_task_that_somebody_took_over_is_closed_too(org: Any, acme: Any) -> None:
    record = lead(org)
    made = acme.write([task(record, owner=org.agent(0))])[0].crm_id
    org.act("update", id=made, fields={"OwnerId": "sam@acme.test", "Status": "In Progress"}, by="maria@acme.test")
    assert said(acme.write([complete(record)])[0]) == ("done", True, None)
    assert (org.row(made)["Status"], f"user:{org.row(made)['OwnerId']}") == ("Completed", org.agent(2))


def test_two_hundred_tasks_are_closed_by_two_calls(org: Any, acme: Any) -> None:
    records = [lead(org) for _ in range(200)]
    made = acme.write([task(record, f"acme/{record}/first_response/1/due/task") for record in records])
    acme.write([complete(records[0], crm_id=made[0].crm_id)])
    before = org.calls()
    keys = [f"acme/{record}/first_response/1/due/task" for record in records]
    by_key = [complete(record, key, None, key) for record, key in zip(records[:100], keys[:100], strict=True)]
    by_id = [complete(one, "?", receipt.crm_id, one) for one, receipt in zip(records[100:], made[100:], strict=True)]
    receipts = acme.write([*by_key, *by_id])
    assert [receipt.outcome for receipt in receipts] == ["done"] * 200
    assert sum(receipt.wrote for receipt in receipts) == 199
    assert org.calls() == before + 2


def test_a_task_whose_closing_was_not_answered_is_looked_at_again(org: Any, acme: Any) -> None:
    record = lead(org)
    acme.write([task(record)])
    org.fault("drop_response", COLLECTIONS, times=1)
    with pytest.raises(RetryLater) as caught:
        acme.write([complete(record)])
    assert caught.value.unknown is True
    assert said(acme.write([complete(record, attempts=1)])[0]) == ("done", False, None)
    assert sum("task" in line for line in org.effects()) == 2


def statuses(org: Any, *closed: str) -> None:
    """An org in which these statuses of tasks are closed."""
    store = org.emulator.store
    for row in list(store.rows("TaskStatus")):
        store.amend("TaskStatus", row["Id"], {"IsClosed": row["ApiName"] in closed})


def test_the_org_s_own_word_for_a_closed_task_is_used(org: Any, acme: Any) -> None:
    statuses(org, "Deferred")
    record = lead(org)
    made = acme.write([task(record)])[0].crm_id
    assert said(acme.write([complete(record)])[0]) == ("done", True, None)
    assert org.row(made)["Status"] == "Deferred"


def test_an_org_without_a_closed_status_is_told_where_to_look(org: Any, acme: Any) -> None:
    statuses(org)
    record = lead(org)
    acme.write([task(record)])
    receipt = acme.write([complete(record)])[0]
    assert said(receipt) == ("rejected", False, "NO_VALUE")
    assert "Object Manager > Task" in str(receipt.reason)


def test_an_org_that_hides_its_statuses_gets_the_usual_one(org: Any, acme: Any) -> None:
    org.remove_object("TaskStatus")
    record = lead(org)
    made = acme.write([task(record)])[0].crm_id
    assert said(acme.write([complete(record)])[0]) == ("done", True, None)
    assert org.row(made)["Status"] == "Completed"


def test_a_task_that_vanishes_between_looking_and_closing_is_done_with(org: Any, acme: Any) -> None:
    record = lead(org)
    acme.write([task(record)])
    org.fault("row:ENTITY_IS_DELETED", COLLECTIONS, times=1)
    assert said(acme.write([complete(record)])[0]) == ("done", False, None)


def test_a_status_that_the_org_took_away_is_asked_for_anew(org: Any, acme: Any) -> None:
    record = lead(org)
    made = acme.write([task(record)])[0].crm_id
    org.fault("row:INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", COLLECTIONS, times=1)
    assert said(acme.write([complete(record)])[0])[0] == "rejected"
    statuses(org, "Deferred")
    acme.write([complete(record)])
    assert org.row(made)["Status"] == "Deferred"


@pytest.mark.parametrize("tasks", [100, 200])
def test_as_many_tasks_as_go_into_a_call_are_looked_for_within_the_length_of_an_address(
    org: Any, acme: Any, tasks: int
) -> None:
    record = lead(org)
    keys = [f"task:{record}:first_response:Inbound leads:1:75%:{number:03}".ljust(80, "x") for number in range(tasks)]
    batch = [complete(record, key, key=f"c{key}") for key in keys]
    receipts = [*acme.write(batch), *acme.write(batch)]  # the first also asks for the statuses, in a body
    assert {said(receipt) for receipt in receipts} == {("done", False, None)}
