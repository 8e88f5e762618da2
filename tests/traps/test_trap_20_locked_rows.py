"""Trap 20: a locked row is routine, and looks like a mistake of ours.

Every write of a child locks its parents while triggers and roll-ups run; who comes meanwhile is told 400
UNABLE_TO_LOCK_ROW, by the same class of exception as a validation rule, or wrapped in the trigger's own code.
https://github.com/jsforce/jsforce/issues/1018
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from salesforce_naive import sdk
from simple_salesforce.exceptions import SalesforceMalformedRequest

from connectors.base import WriteBack
from sync.link import back_off

COLLECTIONS = "/services/data/v66.0/composite/sobjects"


def fields(lead: str) -> WriteBack:
    return WriteBack(key=lead, record=f"acme:lead:{lead}", action="fields", values={"sla_status": "met"})


def test_the_sdk_tells_a_lock_and_a_rule_by_one_class(org: Any) -> None:
    naive, _ = sdk(org)
    locked, ruled = org.create("Lead"), org.create("Lead")
    org.setup(lock={locked: 1}, validation={"object": "Lead", "field": "City", "value": "Ulm", "message": "no"})
    kinds = []
    for lead, city in ((locked, "Bonn"), (ruled, "Ulm")):
        with pytest.raises(SalesforceMalformedRequest) as refused:
            naive.Lead.update(lead, {"City": city})
        kinds.append((type(refused.value), refused.value.status))
    assert kinds[0] == kinds[1]
    assert org.row(locked)["City"] is None  # whoever drops what was refused has lost this one


@pytest.mark.parametrize("inside", ["", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY,", "CANNOT_EXECUTE_FLOW_TRIGGER,"])
def test_ours_keeps_the_locked_row_alone_for_later(org: Any, acme: Any, inside: str) -> None:
    leads = [org.create("Lead") for _ in range(4)]
    acme.people()
    org.fault(f"row:{inside}UNABLE_TO_LOCK_ROW", COLLECTIONS, times=2)
    receipts = {receipt.key: receipt for receipt in acme.write([fields(lead) for lead in leads])}
    assert [receipts[lead].outcome for lead in leads] == ["retry", "retry", "done", "done"]
    assert not any(receipt.unknown for receipt in receipts.values())
    assert [receipt.outcome for receipt in acme.write([fields(lead) for lead in leads[:2]])] == ["done", "done"]
    assert len(org.effects()) == 4


def test_a_rule_of_the_org_inside_a_trigger_is_not_tried_for_ever(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    acme.people()
    org.fault("row:CANNOT_EXECUTE_FLOW_TRIGGER,FIELD_CUSTOM_VALIDATION_EXCEPTION", COLLECTIONS, times=1)
    receipt = acme.write([fields(lead)])[0]
    assert receipt.outcome == "rejected"
    assert receipt.reason == "a flow of the org fails on it: a validation rule of the org refuses it"


def test_two_of_us_do_not_come_back_at_the_same_moment() -> None:
    waits = {round(back_off(2, Random(seed)), 3) for seed in range(20)}
    assert len(waits) == 20
    assert min(waits) >= 1
    assert max(waits) <= 2


def test_the_children_of_one_account_never_go_in_two_calls_at_once(org: Any, acme: Any) -> None:
    """A connection has one thread, and one batch is one call: nothing of ours locks a parent against us."""
    leads = [org.create("Lead") for _ in range(200)]
    acme.write([fields(leads[0])])
    before = org.emulator.counts[f"PATCH {COLLECTIONS}"]
    acme.write([fields(lead) for lead in leads])
    assert org.emulator.counts[f"PATCH {COLLECTIONS}"] == before + 1
