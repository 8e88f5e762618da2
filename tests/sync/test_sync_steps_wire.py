"""Every action of a step over HTTP, from the clock to the log of effects of both emulated CRMs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_sync_steps_customer import Desk, HubSpots, Salesforces
from test_sync_steps_webhook import SECRET, Receiver

LADDER = """
tags.ticket = "{tags}"

[pools.support]
members = [{members}]

[webhooks.pager]
url = "{url}"
secret = "{secret}"
allow_plain_secrets = true

[calendars.always]
timezone = "UTC"
hours = "24x7"

[[policies]]
name = "Support"
applies_to = "ticket"
calendar = "always"
[[policies.targets]]
metric = "first_response"
within = "4h"
steps = [
  {{ at = "50%", comment = "Half of the time is gone", tag = "slow", webhook = "pager", priority = "raise" }},
  {{ at = "due", task = "Solve it", status = "on_hold", reassign = "next" }},
  {{ at = "+1h", tag = "slow", priority = "raise", reassign = "{last}" }},
]
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def lines(desk: Desk) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in desk.crm.emulator.effects.json_lines().splitlines()]
    return [line for line in found if line["by"].startswith("api:")]


def test_salesforce(tmp_path: Path, receiver: Receiver) -> None:
    emulator = Salesforces.emulator(seed=1)
    maria, li, sam = emulator.cast.agents[:3]
    people = ", ".join(f'"user:{one}"' for one in (maria, li))
    ladder = LADDER.format(tags="SLA_Tags__c", members=people, url=receiver.url, secret=SECRET, last=f"user:{sam}")
    desk = Desk(tmp_path, emulator, ladder)
    try:
        fields = {"Subject": "It is broken", "Origin": "Email", "Priority": "Low", "OwnerId": maria}
        case = desk.act("create", object="Case", fields=fields)["id"]
        desk.pass_time(6, steps=24)
        told = [(line["object"], line.get("fields") or line.get("task") or line.get("note")) for line in lines(desk)]
        comment, task = told.pop(0)[1], next(said for name, said in told if name == "Task")
        assert comment["CommentBody"].startswith("Half of the time is gone\n[sla-sidecar:")
        assert comment["IsPublished"] is False
        assert (task["Subject"], task["OwnerId"], task["WhatId"]) == ("Solve it", maria, case)
        assert [said for name, said in told if name == "Case"] == [
            {"SLA_Tags__c": "slow"}, {"Priority": "Medium"}, {"OwnerId": li}, {"Status": "On Hold"},
            {"OwnerId": sam}, {"Priority": "High"},
        ]  # fmt: skip
        assert [json.loads(call.body)["step"] for call in receiver.calls] == ["50%"]
    finally:
        desk.close()


def test_hubspot(tmp_path: Path, receiver: Receiver) -> None:
    emulator = HubSpots.emulator()
    maria, _, li, sam = (one.id for one in emulator.portal.owners.people()[:4])
    people = ", ".join(f'"user:{one}"' for one in (maria, li))
    ladder = LADDER.format(tags="sla_tags", members=people, url=receiver.url, secret=SECRET, last=f"user:{sam}")
    desk = Desk(tmp_path, emulator, ladder)
    try:
        fields = {"subject": "It is broken", "hubspot_owner_id": maria, "hs_ticket_priority": "LOW"}
        desk.act("create", object="tickets", fields=fields)
        desk.pass_time(6, steps=24)
        told = [(line["object"], line.get("fields") or line.get("task") or line.get("note")) for line in lines(desk)]
        note = next(said for name, said in told if name == "notes")
        task = next(said for name, said in told if name == "tasks")
        assert note["hs_note_body"].startswith("Half of the time is gone [sla-")
        assert (task["hs_task_subject"], task["hubspot_owner_id"]) == ("Solve it", maria)
        hold = emulator.portal.pipelines.stage("tickets", "third").id
        assert [said for name, said in told if name == "tickets"] == [
            {"sla_tags": "slow"}, {"hs_ticket_priority": "MEDIUM"}, {"hubspot_owner_id": li},
            {"hs_pipeline_stage": hold}, {"hubspot_owner_id": sam}, {"hs_ticket_priority": "HIGH"},
        ]  # fmt: skip
        assert [json.loads(call.body)["step"] for call in receiver.calls] == ["50%"]
    finally:
        desk.close()
