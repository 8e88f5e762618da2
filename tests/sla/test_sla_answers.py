"""What an answer is and what only looks like one."""

from __future__ import annotations

from typing import Any

import pytest
from sla_story import activity, asks, changed, check, created, instant, only, promise, reply

from sla.fold import evaluate_record
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

ASKED, AT = "Mon 10:00", "Mon 10:30"


def answered(line: dict, kind: str = "ticket", answers: list[str] | None = None, **fields: Any) -> bool:
    """Whether a first response that began at 10:00 is met by this event of 10:30."""
    record = f"desk:{kind}:1"
    more = {} if answers is None else {"answers": answers}
    promised = promise("first_response", "1h", applies_to=kind, **more)
    lines = [created(ASKED, record=record, **fields), {**line, "record": record}]
    verdict = only(promised, lines, "Mon 10:45")
    if verdict["outcome"] == "met":
        check(verdict, completed_at=AT, state="stopped")
        return True
    check(verdict, outcome=None, state="running")
    return False


ANSWERS = {
    "a message to the customer": reply(AT),
    "a message by anybody of the team": reply(AT, actor="user:99"),
    "a message in a chat": reply(AT, channel="chat"),
    "a call that reached somebody": activity(AT, "call", outcome="connected"),
    "a logged call": activity(AT, "call"),
    "a logged e-mail": activity(AT, "email"),
    "a logged meeting": activity(AT, "meeting"),
}


@pytest.mark.parametrize("kind", ["ticket", "lead"])
@pytest.mark.parametrize("line", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is(line: dict, kind: str) -> None:
    assert answered(line, kind)
    assert answered(line, kind, answers=[])


NO_ANSWERS = {
    "an internal note": reply(AT, public=False),
    "a message by a bot": reply(AT, actor="bot:1"),
    "a message by a workflow": reply(AT, actor="workflow:welcome"),
    "a message by the system": reply(AT, actor="system:crm"),
    "our own write-back": reply(AT, actor="system:sla-sidecar"),
    "an auto-reply": reply(AT, actor="bot:autoreply", automated=True),
    "an automated message in a person's name": reply(AT, automated=True),
    "a merge notice": reply(AT, actor="system:merge", automated=True),
    "another message of the customer": asks(AT),
    "an outbound message by the customer": reply(AT, actor="customer:7"),
    "a logged task": activity(AT, "task"),
    "a logged note": activity(AT, "note"),
    "a call by a bot": activity(AT, "call", actor="bot:dialer", outcome="connected"),
    "a call by a workflow": activity(AT, "call", actor="workflow:dialer", outcome="connected"),
    "a mail of a sequence": activity(AT, "email", actor="workflow:sequence"),
    "a change of owner": changed(AT, owner="user:3"),
    "a change of priority": changed(AT, priority="high"),
    "moving it to open": changed(AT, status="open"),
    "moving it to pending": changed(AT, status="pending"),
}


@pytest.mark.parametrize("kind", ["ticket", "lead"])
@pytest.mark.parametrize("line", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_no_answer_is(line: dict, kind: str) -> None:
    assert not answered(line, kind)


def test_the_requester_does_not_answer_himself_even_as_a_member_of_the_team() -> None:
    assert not answered(reply(AT, actor="user:3"), requester="user:3")
    assert answered(reply(AT, actor="user:4"), requester="user:3")
    assert not answered(activity(AT, "call", actor="user:3", outcome="connected"), requester="user:3")


# ---- opt-ins

MISSED_CALL = activity(AT, "call", outcome="no_answer")
SEQUENCE = reply(AT, actor="workflow:sequence", automated=True, channel="email")
SEQUENCE_LOGGED = activity(AT, "email", actor="workflow:sequence")
DIALLED = activity(AT, "call", actor="workflow:dialer", outcome="connected")
MOVED = changed(AT, status="open", actor="user:3")
SOLVED = changed(AT, status="resolved", actor="user:3")


@pytest.mark.parametrize(
    ("line", "kind", "answers", "expected"),
    [
        (MISSED_CALL, "lead", None, True),  # by default for leads
        (MISSED_CALL, "lead", [], False),
        (MISSED_CALL, "ticket", None, False),
        (MISSED_CALL, "ticket", ["call_attempt"], True),
        (SEQUENCE, "lead", None, False),
        (SEQUENCE, "lead", ["sequence_email"], True),
        (SEQUENCE, "ticket", ["sequence_email"], True),
        (SEQUENCE_LOGGED, "lead", None, False),
        (SEQUENCE_LOGGED, "lead", ["sequence_email"], True),
        (DIALLED, "lead", ["sequence_email"], False),
        (MOVED, "lead", None, False),
        (MOVED, "lead", ["status_change"], True),
        (MOVED, "ticket", ["status_change"], True),
        (SOLVED, "ticket", None, True),  # by default for tickets
        (SOLVED, "ticket", [], False),
        (SOLVED, "ticket", ["call_attempt"], False),
        (SOLVED, "lead", ["solve_without_reply"], True),
    ],
)
def test_a_policy_chooses_what_else_counts(line: dict, kind: str, answers: list[str] | None, expected: bool) -> None:
    assert answered(line, kind, answers) is expected


@pytest.mark.parametrize("actor", ["workflow:autoclose", "bot:1", "system:crm"])
@pytest.mark.parametrize("status", ["open", "resolved"])
def test_a_status_that_automation_changed_is_no_persons_answer(actor: str, status: str) -> None:
    everything = ["call_attempt", "sequence_email", "status_change", "solve_without_reply"]
    assert not answered(changed(AT, status=status, actor=actor), answers=everything)


def test_a_call_that_automation_attempted_is_no_attempt() -> None:
    assert not answered(activity(AT, "call", actor="workflow:dialer", outcome="no_answer"), "lead", ["call_attempt"])


def test_only_leaving_new_is_the_change_of_status_that_counts() -> None:
    line = changed(AT, status="on_hold")
    assert not answered(line, answers=["status_change"], status="open")
    assert answered(line, answers=["status_change"], status="new")


def test_a_target_may_have_its_own_answers_beside_its_policys() -> None:
    own = promise("first_response", "1h", answers=["call_attempt"])
    own["policies"][0]["answers"] = []
    check(only(own, [created(ASKED), MISSED_CALL], "Mon 10:45"), outcome="met")


# ---- when


def test_an_answer_in_the_instant_of_the_creation_counts() -> None:
    lines = [created(ASKED, id="a"), reply(ASKED, id="b")]
    check(only(promise("first_response", "1h"), lines, "Mon 12:00"), outcome="met", elapsed_s=0, completed_at=ASKED)


def test_what_was_said_before_the_clock_started_is_no_answer() -> None:
    lines = [reply("Mon 09:50"), created(ASKED)]
    check(only(promise("first_response", "1h"), lines, "Mon 10:30"), outcome=None, state="running")


def test_the_first_answer_counts_and_the_later_ones_do_not() -> None:
    lines = [created(ASKED), reply("Mon 10:40"), reply("Mon 10:20"), reply("Mon 10:50")]
    check(only(promise("first_response", "1h"), lines, "Mon 12:00"), outcome="met", completed_at="Mon 10:20")


# ---- what was rejected is kept


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (reply(AT, public=False), "internal"),
        (reply(AT, actor="bot:1"), "bot"),
        (reply(AT, actor="system:merge"), "system"),
        (reply(AT, actor="user:3"), "requester"),
        (activity(AT, "note"), "note"),
    ],
)
def test_a_rejected_candidate_is_kept_with_its_reason(line: dict, reason: str) -> None:
    lines = [created(ASKED, requester="user:3"), {**line, "id": "candidate"}]
    policies = Policies.from_config(promise("first_response", "1h"))
    events = [event_from_mapping(one) for one in lines]
    state = evaluate_record(policies, events, parse_instant(instant("Mon 12:00"))).state
    assert [(rejection.event, reason in rejection.reason) for rejection in state.rejections] == [("candidate", True)]
