"""Every message and activity as a class of answer or the reason why it is none, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from sla.answer import classify, is_team
from sla.model import Event
from sla.signal import CALL_ATTEMPT, CUSTOMER, REPLY, SEQUENCE_EMAIL

REQUESTER = "user:9"
OUT: dict[str, Any] = {"event": "message", "direction": "outbound", "actor": "user:3"}
IN: dict[str, Any] = {"event": "message", "direction": "inbound", "actor": "customer:7"}
CALL: dict[str, Any] = {"event": "activity", "activity": "call", "actor": "user:3"}
EMAIL: dict[str, Any] = {**CALL, "activity": "email"}
MEETING: dict[str, Any] = {**CALL, "activity": "meeting"}


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (OUT, (REPLY, None)),
        (OUT | {"actor": None}, (REPLY, None)),
        (OUT | {"direction": None}, (REPLY, None)),
        (OUT | {"public": False}, (0, "an internal note")),
        (OUT | {"actor": "bot:1"}, (0, "sent by bot, not by a person")),
        (OUT | {"actor": "system:1"}, (0, "sent by system, not by a person")),
        (OUT | {"actor": REQUESTER}, (0, "sent by the requester")),
        (OUT | {"actor": "customer:7"}, (0, "sent by the requester")),
        (OUT | {"actor": "workflow:2"}, (SEQUENCE_EMAIL, None)),
        (OUT | {"automated": True}, (SEQUENCE_EMAIL, None)),
        (IN, (CUSTOMER, None)),
        (IN | {"direction": None}, (CUSTOMER, None)),
        (IN | {"actor": "user:3"}, (CUSTOMER, None)),
        (IN | {"actor": None}, (CUSTOMER, None)),
        (IN | {"public": False}, (0, "an internal note")),
        (IN | {"automated": True}, (0, "an automatic message of the customer's side")),
        (IN | {"actor": "bot:1"}, (0, "an automatic message of the customer's side")),
        (IN | {"actor": "workflow:1"}, (0, "an automatic message of the customer's side")),
        (IN | {"actor": "system:1"}, (0, "an automatic message of the customer's side")),
        (CALL, (REPLY, None)),
        (CALL | {"actor": None}, (REPLY, None)),
        (CALL | {"outcome": " Connected "}, (REPLY, None)),
        (CALL | {"outcome": "completed"}, (REPLY, None)),
        (CALL | {"outcome": "answered"}, (REPLY, None)),
        (CALL | {"outcome": "busy"}, (CALL_ATTEMPT, None)),
        (CALL | {"public": False}, (0, "not visible to the customer")),
        (CALL | {"actor": "bot:1"}, (0, "logged by bot, not by a person")),
        (CALL | {"actor": "customer:7"}, (0, "logged by customer, not by a person")),
        (CALL | {"actor": REQUESTER}, (0, "logged by the requester")),
        (CALL | {"actor": "workflow:2"}, (0, "logged by automation")),
        (CALL | {"automated": True}, (0, "logged by automation")),
        (EMAIL, (REPLY, None)),
        (EMAIL | {"outcome": "bounced"}, (REPLY, None)),
        (EMAIL | {"automated": True}, (SEQUENCE_EMAIL, None)),
        (EMAIL | {"actor": "workflow:2"}, (SEQUENCE_EMAIL, None)),
        (MEETING, (REPLY, None)),
        (MEETING | {"outcome": "held"}, (REPLY, None)),
        (MEETING | {"outcome": "done"}, (REPLY, None)),
        (MEETING | {"outcome": "success"}, (REPLY, None)),
        (MEETING | {"outcome": "No show"}, (0, "a meeting that was no show")),
        (CALL | {"activity": "note"}, (0, "a note reaches nobody")),
        (CALL | {"activity": "task"}, (0, "a task reaches nobody")),
        (CALL | {"activity": None}, (0, "a nameless activity reaches nobody")),
    ],
)
def test_what_answers_and_what_does_not(line: dict[str, Any], answer: tuple[int, str | None]) -> None:
    assert classify(Event(record="desk:ticket:1", id="1", at=0, **line), REQUESTER) == answer


def test_without_a_requester_nobody_of_the_team_is_one() -> None:
    assert classify(Event(record="desk:ticket:1", id="1", at=0, **CALL), None) == (REPLY, None)
    assert classify(Event(record="desk:ticket:1", id="1", at=0, **(OUT | {"actor": None})), "") == (REPLY, None)


@pytest.mark.parametrize(
    ("actor", "team"),
    [
        ("user:3", True),
        (None, True),
        ("customer:7", False),
        ("bot:1", False),
        ("workflow:2", False),
        ("system:1", False),
    ],
)
def test_who_is_of_the_team(actor: str | None, team: bool) -> None:
    assert is_team(actor) is team
