"""Trap 19: the error for an inactive owner is not the one that is written everywhere.

``OPERATION_WITH_INACTIVE_USER`` is in neither list of the vendor's codes; Salesforce says ``INACTIVE_OWNER_OR_USER``. A
handler for the first never fires, and the escalation is lost as "some error". Who has left stays the owner of old
records all the same.
SOAP API Developer Guide, StatusCode
"""

from __future__ import annotations

from typing import Any

import pytest
from salesforce_naive import sdk
from simple_salesforce.exceptions import SalesforceMalformedRequest

from connectors.base import WriteBack
from connectors.salesforce.faults import RULES, row_receipt


@pytest.fixture
def lead(org: Any) -> str:
    made = str(org.create("Lead", OwnerId="li@acme.test"))
    org.act("deactivate_user", user="li@acme.test")
    return made


def test_a_handler_for_the_usual_code_never_fires(org: Any, lead: str) -> None:
    naive, _ = sdk(org)
    other = org.create("Lead", OwnerId="maria@acme.test")
    chosen_again = False
    with pytest.raises(SalesforceMalformedRequest) as refused:
        naive.Lead.update(other, {"OwnerId": org.agent(1).removeprefix("user:")})
    if _code(refused.value) == "OPERATION_WITH_INACTIVE_USER":
        chosen_again = True
    assert not chosen_again
    assert _code(refused.value) == "INACTIVE_OWNER_OR_USER"


def test_ours_looks_before_it_writes(org: Any, acme: Any) -> None:
    record = f"acme:lead:{org.create('Lead', OwnerId='maria@acme.test')}"
    org.act("deactivate_user", user="li@acme.test")
    receipt = acme.write([WriteBack(key="k", record=record, action="owner", owner=org.agent(1))])[0]
    assert (receipt.outcome, receipt.code) == ("rejected", "INACTIVE_OWNER_OR_USER")
    assert "take the user out of the pool" in str(receipt.reason)
    assert org.effects() == []
    assert not any(path.startswith("PATCH") for path in org.emulator.counts)


def test_ours_knows_the_code_when_salesforce_says_it_after_all() -> None:
    receipt = row_receipt("k", [{"statusCode": "INACTIVE_OWNER_OR_USER", "message": "…", "fields": []}])
    assert (receipt.outcome, receipt.code) == ("rejected", "INACTIVE_OWNER_OR_USER")
    assert "OPERATION_WITH_INACTIVE_USER" not in RULES


def test_who_has_left_still_owns_and_is_told_apart(org: Any, acme: Any, lead: str) -> None:
    people = {person.id: person.active for person in acme.people()}
    snapshot = acme.normalise(acme.read([f"acme:lead:{lead}"])[0]).events[1]
    assert snapshot.set["owner"] == org.agent(1)
    assert people[org.agent(1)] is False


def _code(error: Any) -> str:
    return str(error.content[0]["errorCode"])
