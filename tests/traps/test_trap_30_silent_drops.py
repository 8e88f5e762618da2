"""Trap 30: what is silently ignored, invisible, or refused since a certain version.

HubSpot leaves unknown properties out of what is read, without a word. An activity without an association is in nobody's
timeline. A wrong input refuses a whole batch, and from API version 2026-09 on an administrator's requirements are
reasons to refuse that no test of last year knew. The Salesforce library takes any misspelt method for an object.
https://developers.hubspot.com/changelog/crm-api-write-validation-enforcement
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot import Client
from hubspot.crm.objects import BatchReadInputSimplePublicObjectId, SimplePublicObjectInputForCreate
from hubspot_samples.desk import Desk, order
from simple_salesforce import Salesforce, SFType

UPDATE = "/crm/objects/2026-09/tickets/batch/update"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


def sdk(desk: Desk) -> Any:
    return Client.create(
        access_token=desk.emulator.credentials()["access_token"], host=desk.server.url, base_url=desk.server.url
    )


# ---- a property that is not there


def test_a_misspelt_property_reads_as_if_it_were_empty(desk: Desk) -> None:
    ticket = desk.ticket(sla_status="met")
    asked = BatchReadInputSimplePublicObjectId(
        inputs=[{"id": ticket}], properties=["sla_statsu"], properties_with_history=[]
    )
    (row,) = sdk(desk).crm.objects.batch_api.read("tickets", asked).results
    assert row.properties.get("sla_statsu") is None


def test_we_say_which_property_the_portal_lacks(desk: Desk) -> None:
    connector = desk.connect(fields={"tier": "sla_statsu"})
    found = [finding for finding in connector.check() if "sla_statsu" in finding.message]
    assert [(finding.level, finding.fix) for finding in found] == [("warn", 'did you mean "sla_status"?')] * 2
    connector.close()


# ---- a task that nobody sees


def test_a_task_without_an_association_is_in_nobodys_timeline(desk: Desk) -> None:
    ticket = desk.ticket()
    made = SimplePublicObjectInputForCreate(
        associations=[], properties={"hs_task_subject": "Call", "hs_timestamp": str(desk.now)}
    )
    assert sdk(desk).crm.objects.basic_api.create("tasks", made).id
    assert seen(desk, ticket) == []


def test_our_tasks_are_made_on_their_record(desk: Desk) -> None:
    ticket = desk.ticket()
    (receipt,) = desk.connector.write([order("task", f"acme:ticket:{ticket}", subject="Call")])
    assert seen(desk, ticket) == [receipt.crm_id]


def seen(desk: Desk, ticket: str) -> list[str]:
    """The tasks that somebody who opens the ticket finds there."""
    record = desk.emulator.portal.shelves["tickets"].find(ticket)
    assert record is not None
    return [task.id for task in desk.emulator.portal.linked(record, "tasks")]


# ---- a rule that came later


def test_one_record_that_breaks_a_requirement_costs_the_whole_batch_its_write(desk: Desk) -> None:
    good, bad = required(desk)
    inputs = [{"id": one, "properties": {"sla_status": "met"}} for one in (good, bad)]
    answer = sdk(desk).api_request({"method": "POST", "path": UPDATE, "body": {"inputs": inputs}})
    assert answer.status_code == 400
    assert [desk.value("tickets", one, "sla_status") for one in (good, bad)] == ["", ""]


def test_it_costs_us_that_record_alone(desk: Desk) -> None:
    good, bad = required(desk)
    orders = [order("fields", f"acme:ticket:{one}", one, values={"sla_status": "met"}) for one in (good, bad)]
    receipts = {receipt.key: receipt for receipt in desk.connector.write(orders)}
    assert (receipts[good].outcome, receipts[bad].outcome) == ("done", "rejected")
    assert receipts[bad].reason == "HubSpot refused the values: hs_resolution MISSING_REQUIRED_PROPERTY"
    assert [desk.value("tickets", one, "sla_status") for one in (good, bad)] == ["met", ""]


def required(desk: Desk) -> tuple[str, str]:
    """A ticket that keeps to an administrator's requirement, and one that does not."""
    rule = {"object": "tickets", "property": "hs_resolution", "when": "hs_ticket_priority", "is": "URGENT"}
    desk.act("settings", required_rule=rule)
    return desk.ticket(), desk.ticket(hs_ticket_priority="URGENT")


# ---- a method that is not there


def test_a_misspelt_method_of_the_salesforce_library_is_a_valid_object() -> None:
    client = Salesforce(instance="acme.my.salesforce.com", session_id="x")
    assert isinstance(client.qurey_all, SFType)
