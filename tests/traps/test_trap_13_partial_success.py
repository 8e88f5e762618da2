"""Trap 13: a success that is only half of one.

HubSpot answers a batch of which rows have failed with 207, and since 2026-09 with 200 and ``numErrors``; its SDK raises
for neither and hands out an object like any other. Salesforce answers collections with 200 and ``success: false`` in
the row, under other keys than its errors have elsewhere.
https://developers.hubspot.com/docs/api-reference/error-handling#multi-status-errors
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections.html
"""

from __future__ import annotations

from typing import Any

import pytest
from hubspot import Client
from hubspot.crm.tickets import BatchInputSimplePublicObjectBatchInput
from hubspot_samples.desk import Desk, order
from salesforce_naive import sdk

VERSIONS = ("v3", "2026-03", "2026-09")


def half(desk: Desk) -> tuple[str, str]:
    """A ticket that is there, and one that was deleted a moment ago."""
    good, bad = desk.ticket(), desk.ticket()
    desk.act("delete", object="tickets", id=bad)
    return good, bad


def test_hubspots_sdk_hands_out_a_failed_batch_like_a_whole_one() -> None:
    with Desk(objects=("tickets",)) as desk:
        good, bad = half(desk)
        client = Client.create(access_token=desk.emulator.credentials()["access_token"], host=desk.server.url)
        inputs = [{"id": one, "properties": {"sla_status": "met"}} for one in (good, bad)]
        answer = client.crm.tickets.batch_api.update(BatchInputSimplePublicObjectBatchInput(inputs=inputs))
        assert answer.status == "COMPLETE"
        assert [row.id for row in answer.results] == [good]  # nothing was raised: one is missing, if anybody counts


@pytest.mark.parametrize("version", VERSIONS)
def test_we_walk_every_row_of_hubspots_answer(version: str) -> None:
    with Desk(objects=("tickets",), api_version=version) as desk:
        good, bad = half(desk)
        orders = [order("fields", f"acme:ticket:{one}", one, values={"sla_status": "met"}) for one in (good, bad)]
        receipts = {receipt.key: (receipt.outcome, receipt.code) for receipt in desk.connector.write(orders)}
        assert receipts == {good: ("done", None), bad: ("rejected", "OBJECT_NOT_FOUND")}


@pytest.mark.parametrize("version", VERSIONS)
def test_we_keep_what_hubspot_failed_inside_for_later(version: str) -> None:
    with Desk(objects=("tickets",), api_version=version) as desk:
        tickets = [desk.ticket() for _ in range(4)]
        desk.fault("partial", times=1)
        orders = [order("fields", f"acme:ticket:{one}", one, values={"sla_status": "met"}) for one in tickets]
        receipts = {receipt.key: receipt for receipt in desk.connector.write(orders)}
        written = [one for one in tickets if desk.value("tickets", one, "sla_status") == "met"]
        assert len(written) == 2
        assert [one for one in tickets if receipts[one].outcome == "done"] == written
        assert {receipts[one].outcome for one in tickets if one not in written} == {"retry"}


def two_leads(org: Any) -> tuple[str, str]:
    good, bad = org.create("Lead"), org.create("Lead")
    org.act("convert", id=bad)
    return good, bad


def test_salesforces_sdk_hands_out_a_half_failed_collection_like_a_whole_one(org: Any) -> None:
    naive, _ = sdk(org)
    good, bad = two_leads(org)
    records = [{"attributes": {"type": "Lead"}, "id": one, "SLA_Status__c": "met"} for one in (good, bad)]
    answer = naive.restful("composite/sobjects", method="PATCH", json={"records": records})
    assert [row["success"] for row in answer] == [True, False]  # nothing was raised
    (error,) = answer[1]["errors"]
    assert "errorCode" not in error  # whoever looks for the key that every other error has finds none
    assert error["statusCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_we_walk_every_row_of_salesforces_answer(org: Any, acme: Any) -> None:
    good, bad = two_leads(org)
    orders = [order("fields", f"acme:lead:{one}", one, values={"sla_status": "met"}) for one in (good, bad)]
    receipts = {receipt.key: (receipt.outcome, receipt.code) for receipt in acme.write(orders)}
    assert receipts == {good: ("done", None), bad: ("rejected", "CANNOT_UPDATE_CONVERTED_LEAD")}


def test_we_walk_every_part_of_salesforces_composite_answer(org: Any, acme: Any) -> None:
    leads = [org.create("Lead") for _ in range(4)]
    acme.people()
    org.fault("row:UNABLE_TO_LOCK_ROW", "/services/data/v66.0/sobjects/Lead", times=2)
    orders = [order("set", f"acme:lead:{one}", one, values={"status": "open"}) for one in leads]
    assert [receipt.outcome for receipt in acme.write(orders)] == ["retry", "retry", "done", "done"]
