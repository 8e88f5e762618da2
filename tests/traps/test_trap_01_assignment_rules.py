"""Trap 1: the org's assignment rules undo what we assign, and the library helps them.

``Sforce-Auto-Assign`` is TRUE where it is absent, on updates too, so that every write hands the lead to whoever the
active rule names. simple-salesforce sends the header that it is given, and drops it when it repeats a call after a 401.
https://developer.salesforce.com/docs/platform/api-rest/guide/headers-autoassign.html
"""

from __future__ import annotations

from typing import Any

import pytest
from salesforce_naive import sdk

from connectors.base import WriteBack

NEVER = {"Sforce-Auto-Assign": "FALSE"}
DATA = "/services/data/v66.0"


@pytest.fixture
def lead(org: Any) -> str:
    org.setup(assignment={"Lead": "Unassigned"})
    return str(org.create("Lead", OwnerId="maria@acme.test"))


def owner(org: Any, lead: str) -> str:
    return f"user:{org.row(lead)['OwnerId']}"


def test_an_update_without_the_header_gives_the_lead_away(org: Any, lead: str) -> None:
    naive, _ = sdk(org)
    naive.Lead.update(lead, {"SLA_Status__c": "running"})
    assert owner(org, lead) == f"user:{org.emulator.cast.unassigned}"


def test_the_sdk_loses_the_header_with_an_expired_session(org: Any, lead: str) -> None:
    naive, wire = sdk(org)
    org.fault("expire_token", f"{DATA}/sobjects/Lead", method="PATCH", times=1)
    naive.Lead.update(lead, {"SLA_Status__c": "running"}, headers=NEVER)
    patches = [request.headers.get("Sforce-Auto-Assign") for request in wire.sent if request.method == "PATCH"]
    assert patches == ["FALSE", None]
    assert owner(org, lead) == f"user:{org.emulator.cast.unassigned}"


def test_a_composite_call_does_not_hand_its_header_down(org: Any, lead: str) -> None:
    naive, _ = sdk(org)
    part = {"method": "PATCH", "url": f"{DATA}/sobjects/Lead/{lead}", "referenceId": "r", "body": {"City": "Ulm"}}
    naive.restful("composite", method="POST", json={"compositeRequest": [part]}, headers=NEVER)
    assert owner(org, lead) == f"user:{org.emulator.cast.unassigned}"


@pytest.mark.parametrize("expires", [False, True])
@pytest.mark.parametrize(
    ("write", "path", "method"),
    [
        ({"action": "fields", "values": {"sla_status": "running"}}, "composite/sobjects", "PATCH"),
        ({"action": "set", "values": {"status": "open"}}, "composite", "POST"),
    ],
)
def test_ours_leaves_the_owner_alone(
    org: Any, acme: Any, lead: str, write: dict[str, Any], path: str, method: str, expires: bool
) -> None:
    acme.people()
    if expires:
        org.fault("expire_token", f"{DATA}/{path}", method=method, times=1)
    assert acme.write([WriteBack(key="k", record=f"acme:lead:{lead}", **write)])[0].outcome == "done"
    assert owner(org, lead) == org.agent(0)


def test_ours_gives_it_to_whom_it_means(org: Any, acme: Any, lead: str) -> None:
    acme.people()
    write = WriteBack(key="k", record=f"acme:lead:{lead}", action="owner", owner=org.agent(1))
    assert acme.write([write])[0].outcome == "done"
    assert owner(org, lead) == org.agent(1)
