"""A daemon beside a practice HubSpot: who answered, who moved it, and nothing missed, nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sync_beside import Beside

TICKETS = """
[calendars.always]
timezone = "UTC"
hours = "24x7"

[[policies]]
name = "Tickets"
applies_to = "ticket"
calendar = "always"
stage = "warn"
[[policies.targets]]
metric = "first_response"
within = "1h"
answers = ["status_change"]
[[policies.targets]]
metric = "time_to_own"
within = "2h"
[[policies.targets]]
metric = "resolution"
within = "8h"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Beside]:
    fields = {"first_response_due": "sla_first_response_due", "sla_status": "sla_status"}
    desk = Beside(tmp_path, "hubspot", document=TICKETS, objects=["tickets"], answers=["emails", "conversations"],
                  write={"ticket": fields})  # fmt: skip
    desk.round()
    yield desk
    desk.close()


def ticket(desk: Beside) -> str:
    desk.emulator.clock.advance(1)
    return desk.act("create", object="tickets", fields={"subject": "Help"})


def clocks(desk: Beside, made: str) -> dict[str, tuple[str, Any]]:
    """State and outcome of each clock of a ticket."""
    rows = desk.rows("SELECT target, state, outcome FROM clock WHERE record = ?", f"desk:ticket:{made}")
    return {metric: (state, outcome) for metric, state, outcome in rows}


def test_an_agents_chat_is_the_first_response_and_a_bots_is_not(desk: Beside) -> None:
    made = ticket(desk)
    desk.act("chat", object="tickets", id=made, actor="bot", type="WELCOME_MESSAGE")
    desk.act("chat", object="tickets", id=made, actor="visitor")
    desk.round(600)
    desk.act("chat", object="tickets", id=made, actor="integration")
    desk.round(60)
    assert clocks(desk, made)["first_response"] == ("running", None)
    desk.act("chat", object="tickets", id=made, actor="agent", by="Sam")
    desk.round(60)
    assert clocks(desk, made)["first_response"] == ("stopped", "met")


@pytest.mark.parametrize(
    ("order", "state"),
    [({"via": "workflow"}, "running"), ({"via": "integration"}, "running"), ({"via": "import"}, "running"),
     ({"by": "Sam"}, "stopped"), ({"by": "Sam", "via": "mobile"}, "stopped")],
)  # fmt: skip
def test_a_stage_that_a_machine_moved_is_nobodys_answer(desk: Beside, order: dict[str, str], state: str) -> None:
    made = ticket(desk)
    desk.round(60)
    desk.act("update", object="tickets", id=made, stage="us", **order)
    desk.round(60)
    assert clocks(desk, made)["first_response"][0] == state


def test_what_happened_while_we_were_away_counts_when_it_happened(desk: Beside) -> None:
    made = ticket(desk)
    desk.round(60)
    desk.emulator.clock.advance(600)
    desk.act("update", object="tickets", id=made, fields={"hubspot_owner_id": "Sam"}, by="Jo")
    desk.emulator.clock.advance(600)
    desk.act("update", object="tickets", id=made, stage="us", by="Sam")
    desk.emulator.clock.advance(6 * 3_600)
    desk.act("update", object="tickets", id=made, fields={"hs_ticket_priority": "LOW"}, by="Sam")
    desk.restart()
    desk.round(60)
    found = clocks(desk, made)
    assert (found["first_response"], found["time_to_own"]) == (("stopped", "met"), ("stopped", "met"))


def test_a_reconciliation_of_what_was_polled_finds_nothing_missed(desk: Beside) -> None:
    one, other = ticket(desk), ticket(desk)
    desk.round(60)
    desk.act("update", object="tickets", id=one, fields={"hubspot_owner_id": "Sam"}, via="workflow")
    desk.act("message", object="tickets", id=other, text="Hello?")
    desk.round(60)
    desk.act("message", object="tickets", id=other, text="Hello!", direction="outbound", by="Jo")
    desk.act("update", object="tickets", id=one, stage="customer", by="Sam")
    desk.round(60)
    for _ in range(4):
        desk.round(3_000)
    desk.restart()
    desk.round(60)
    assert desk.works.reconciliation.run(desk.link) is True
    assert [(told["missed"], told["gone"]) for told in desk.told("reconcile")] == [(0, 0)]


def test_an_echo_of_our_own_fields_costs_one_page(desk: Beside) -> None:
    for _ in range(20):
        ticket(desk)
    desk.round(60)
    assert len(desk.writes()) == 20
    desk.calls()
    desk.round(60)
    assert desk.calls() == {
        "POST /crm/objects/2026-09/tickets/search": 1,
        "POST /crm/objects/2026-09/emails/search": 1,
        "GET /conversations/conversations/2026-09/threads": 1,
    }
