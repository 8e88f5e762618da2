"""Salesforce's ids of 15 characters tell upper from lower case; the same record also goes by 18. Owners may be queues.

Lower-casing merges two records into one, comparing text makes two of one, and not every OwnerId is a user's: leads and
cases may belong to a queue (00G), tasks may not (Salesforce Help 000385585; Object Reference, Case and Task).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Change, WriteBack
from connectors.salesforce.actors import owner
from connectors.salesforce.ids import full_id, same_id

ONE, OTHER = "00Q5g00000AbCdE", "00Q5g00000aBcDe"
"""Two records of one org."""


def test_lower_casing_makes_one_record_of_two() -> None:
    assert ONE != OTHER
    assert ONE.lower() == OTHER.lower()


def test_comparing_text_makes_two_records_of_one() -> None:
    assert full_id(ONE) != ONE


def test_ours_tells_them_apart_and_knows_both_spellings() -> None:
    assert same_id(ONE, full_id(ONE))
    assert not same_id(ONE, OTHER)
    assert full_id(ONE).lower() != full_id(OTHER).lower()  # what the last three characters are for


def test_no_column_of_the_store_forgets_case() -> None:
    assert "nocase" not in (Path(__file__).parents[2] / "sync/migrations.py").read_text().lower()


def test_ours_keeps_two_timelines(acme: Any) -> None:
    row = {"SystemModstamp": "2026-03-02T14:05:00.000+0000", "CreatedDate": "2026-03-02T14:05:00.000+0000"}
    records = {
        event.record
        for one in (ONE, OTHER)
        for event in acme.normalise(Change("Lead", one, json.dumps({"Id": full_id(one), **row}).encode())).events
    }
    assert len(records) == 2


def test_taking_every_owner_for_a_user_names_nobody(org: Any, acme: Any) -> None:
    case = org.create("Case", OwnerId="Support")
    taken_for_a_user = f"user:{org.row(case)['OwnerId']}"
    assert taken_for_a_user not in {person.id for person in acme.people()}


def test_ours_knows_a_queue(org: Any, acme: Any, drain: Any) -> None:
    org.create("Case", OwnerId="Support")
    (change,) = drain(acme, "Case")[0]
    assert acme.normalise(change).events[1].set["owner"] == f"queue:{org.emulator.cast.support}"
    assert f"queue:{org.emulator.cast.support}" in {person.id for person in acme.people()}


@pytest.mark.parametrize("value", [None, "", "Li Wei", "001000000000001AAA", "005 00000000000"])
def test_what_is_neither_is_nobody(value: Any) -> None:
    assert owner(value) is None


def test_a_task_for_a_queue_is_refused_by_salesforce_and_given_to_nobody_by_us(org: Any, acme: Any) -> None:
    case = org.create("Case", OwnerId="Support")
    queue = org.emulator.cast.support
    with pytest.raises(ValueError, match=r"MALFORMED_ID|INVALID"):
        org.create("Task", WhatId=case, OwnerId="Support", Subject="Call", Status="Not Started", Priority="Normal")
    task = WriteBack(key="t", record=f"acme:ticket:{case}", action="task", subject="Call", owner=f"queue:{queue}",
                     due_at=1_772_463_900_000)  # fmt: skip
    (receipt,) = acme.write([task])
    assert receipt.outcome == "done"
    assert org.row(receipt.crm_id)["OwnerId"].startswith("005")
