"""Salesforce's ids of 15 characters tell upper from lower case; the same record also goes by 18. Owners may be queues.

Lower-casing merges two records into one, comparing text makes two of one, and not every OwnerId is a user's: leads and
cases may belong to a queue (00G), tasks may not (Salesforce Help 000385585; Object Reference, Case and Task).

HubSpot's ids of stages, pipelines and owners are a portal's own, and one person has two of them: an
owner's id is what records hold, a user's id what histories and logins tell; a queue is an owner too; the metadata of a
stage may lack ``ticketState``. https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide and
https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hubspot import Client
from hubspot.crm.tickets.exceptions import ApiException
from hubspot_samples.desk import Desk, order

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


# ---- HubSpot


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


@pytest.fixture
def sdk(desk: Desk) -> Any:
    return Client.create(access_token=desk.emulator.credentials()["access_token"], host=desk.server.url)


def stages(desk: Desk) -> dict[str, str]:
    """Ids by label."""
    return {stage.label: stage.id for one in desk.emulator.portal.pipelines.of("tickets") for stage in one.stages}


def test_the_stage_ids_of_one_portal_mean_nothing_in_another() -> None:
    with Desk(seed=7) as here, Desk(seed=8) as there:
        learnt = stages(here)  # what a configuration with ids would hold
        assert not set(learnt.values()) & set(stages(there).values())
        with pytest.raises(Exception, match=learnt["Closed"]):
            there.ticket(hs_pipeline_stage=learnt["Closed"])
        for desk in (here, there):
            ticket = desk.ticket()
            desk.act("update", object="tickets", id=ticket, stage="Waiting on contact", by="Sam")
            shown = next(event.set for event in desk.events(desk.poll("tickets")[0]) if event.snapshot)
            assert shown is not None
            assert (shown["status"], shown["raw_status"]) == ("pending", "Support Pipeline/Waiting on contact")


def test_a_stage_without_a_ticket_state_breaks_who_relies_on_it(desk: Desk, sdk: Any) -> None:
    (pipeline,) = sdk.crm.pipelines.pipelines_api.get_all("tickets").results
    with pytest.raises(KeyError, match="ticketState"):
        [stage.metadata["ticketState"] for stage in pipeline.stages]
    ticket = desk.ticket()
    desk.act("update", object="tickets", id=ticket, stage="third", by="Sam")
    shown = next(event.set for event in desk.events(desk.poll("tickets")[0]) if event.snapshot)
    assert shown is not None
    assert shown["status"] == "on_hold"


def test_a_users_id_is_no_owners_id(desk: Desk, sdk: Any) -> None:
    sam = next(one for one in sdk.crm.owners.owners_api.get_page().results if one.first_name == "Sam")
    ticket = desk.ticket(hubspot_owner_id="Jo")
    with pytest.raises(ApiException, match="INVALID_OWNER_ID"):
        sdk.crm.tickets.basic_api.update(
            ticket, simple_public_object_input={"properties": {"hubspot_owner_id": str(sam.user_id)}}
        )
    jo, people = f"user:{desk.owner('Jo')}", {one.name: one.id for one in desk.connector.people()}
    give = order("owner", f"acme:ticket:{ticket}", owner=people["Sam Okafor"], expect={"owner": jo})
    assert desk.connector.write([give])[0].outcome == "done"
    assert desk.value("tickets", ticket, "hubspot_owner_id") == sam.id


def test_who_moved_a_record_is_told_by_a_users_id_and_comes_out_as_the_owner(desk: Desk, sdk: Any) -> None:
    ticket = desk.ticket()
    _, cursor = desk.poll("tickets")
    desk.pass_time(60)
    desk.act("update", object="tickets", id=ticket, stage="customer", by="Sam")
    past = sdk.crm.tickets.basic_api.get_by_id(ticket, properties_with_history=["hs_pipeline_stage"])
    naive = f"user:{past.properties_with_history['hs_pipeline_stage'][0].updated_by_user_id}"
    assert naive not in {one.id for one in desk.connector.people()}
    moved = [event for event in desk.events(desk.poll("tickets", cursor)[0]) if event.id.startswith("stage:")][-1]
    assert moved.actor == f"user:{desk.owner('Sam')}"


def test_a_queue_among_the_owners_is_no_person(desk: Desk, sdk: Any) -> None:
    naive = [f"user:{one.id}" for one in sdk.crm.owners.owners_api.get_page().results]
    queue = desk.owner("Unassigned")
    assert f"user:{queue}" in naive  # and gets reassigned to, and never answers
    assert f"queue:{queue}" in {person.id for person in desk.connector.people()}
