"""Trap 14: a lost answer to the creation of a task makes two of it.

Neither API takes a key for the creation of a task. Who repeats the call makes a second task; who searches first is told
by an index that is late, and makes it as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot import Client
from hubspot.crm.objects import PublicObjectSearchRequest, SimplePublicObjectInputForCreate
from hubspot_samples.desk import Desk, order
from salesforce_naive import sdk

from connectors.errors import RetryLater


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(objects=("tickets",)) as desk:
        desk.act("settings", index_lag_s=60)
        yield desk


def naive(desk: Desk) -> Any:
    return Client.create(access_token=desk.emulator.credentials()["access_token"], host=desk.server.url, retry=False)


def created(desk: Desk) -> int:
    return sum("task" in effect for effect in desk.effects())


@pytest.mark.parametrize("searches_first", [False, True])
def test_a_repeated_call_makes_a_second_task_in_hubspot(desk: Desk, searches_first: bool) -> None:
    crm, ticket = naive(desk).crm.objects, desk.ticket()
    to = {"to": {"id": ticket}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 230}]}
    properties = {"hs_task_subject": "Call", "hs_timestamp": str(desk.now)}
    wanted = SimplePublicObjectInputForCreate(associations=[to], properties=properties)
    desk.fault("drop_response", path="/crm/v3/objects/task[s]", times=1)
    for _ in range(2):
        if searches_first:
            alike = {"propertyName": "hs_task_subject", "operator": "EQ", "value": "Call"}
            asked = PublicObjectSearchRequest(filter_groups=[{"filters": [alike]}], limit=1)
            if crm.search_api.do_search("tasks", asked).total:
                break
        try:
            crm.basic_api.create("tasks", wanted)
            break
        except Exception:  # noqa: BLE001 - as everybody writes it
            continue
    assert created(desk) == 2


@pytest.mark.parametrize("task_key", [None, "sla_key"])
def test_ours_is_made_once_in_hubspot(desk: Desk, task_key: str | None) -> None:
    asked = {"name": "sla_key", "label": "SLA key", "groupName": "task", "type": "string", "fieldType": "text"}
    desk.emulator.portal.schemas["tasks"].create({**asked, "hasUniqueValue": True}, desk.now)
    connector, ticket = desk.connect(task_key=task_key), desk.ticket()
    desk.fault("drop_response", path="*/tasks/batch/create", times=1)
    with pytest.raises(RetryLater) as lost:
        connector.write([order("task", f"acme:ticket:{ticket}", subject="Call")])
    assert lost.value.unknown
    (receipt,) = connector.write([order("task", f"acme:ticket:{ticket}", subject="Call", attempts=1)])
    assert (receipt.outcome, receipt.wrote) == ("done", False)
    assert created(desk) == 1
    connector.close()


TASKS = "/services/data/v66.0/sobjects/Task"


def made_in_salesforce(org: Any) -> int:
    return sum("task" in effect for effect in org.effects())


@pytest.mark.parametrize("searches_first", [False, True])
def test_a_repeated_call_makes_a_second_task_in_salesforce(org: Any, searches_first: bool) -> None:
    naive, _ = sdk(org)
    lead = org.create("Lead")
    org.fault("drop_response", TASKS, method="POST", times=1)
    if searches_first:
        org.fault("late_index", "Task", seconds=300)
    for _ in range(2):
        if searches_first and naive.query(f"SELECT Id FROM Task WHERE WhoId = '{lead}'")["totalSize"]:
            break
        try:
            naive.Task.create({"WhoId": lead, "Subject": "Call"})
            break
        except Exception:  # noqa: BLE001 - as everybody writes it
            continue
    assert made_in_salesforce(org) == 2


@pytest.mark.parametrize("late_s", [None, 300])
def test_ours_is_made_once_in_salesforce_even_if_no_query_shows_it_yet(org: Any, acme: Any, late_s: int | None) -> None:
    record = f"acme:lead:{org.create('Lead')}"
    acme.people()
    org.fault("drop_response", "/services/data/v66.0/composite/sobjects", method="POST", times=1)
    if late_s is not None:
        org.fault("late_index", "Task", seconds=late_s)
    with pytest.raises(RetryLater) as lost:
        acme.write([order("task", record, subject="Call")])
    assert lost.value.unknown
    (receipt,) = acme.write([order("task", record, subject="Call", attempts=1)])
    assert (receipt.outcome, receipt.wrote) == ("done", False)
    assert made_in_salesforce(org) == 1


def test_ours_is_made_once_in_an_org_without_a_key_field(org: Any) -> None:
    acme = org.connect(task_key="Not_There__c")
    record = f"acme:lead:{org.create('Lead')}"
    acme.people()
    org.fault("drop_response", "/services/data/v66.0/composite/sobjects", method="POST", times=1)
    with pytest.raises(RetryLater):
        acme.write([order("task", record, subject="Call")])
    (receipt,) = acme.write([order("task", record, subject="Call", attempts=1)])
    assert (receipt.outcome, receipt.wrote, made_in_salesforce(org)) == ("done", False, 1)


def test_an_upsert_would_open_again_what_a_person_closed(org: Any, acme: Any) -> None:
    naive, _ = sdk(org)
    record = f"acme:lead:{org.create('Lead')}"
    (first,) = acme.write([order("task", record, "key", subject="Call")])
    org.act("update", id=first.crm_id, fields={"Status": "Completed"})
    acme.write([order("task", record, "key", subject="Call")])
    assert org.row(first.crm_id)["Status"] == "Completed"
    naive.Task.upsert("SLA_Key__c/key", {"Subject": "Call", "Status": "Not Started"})
    assert org.row(first.crm_id)["Status"] == "Not Started"
