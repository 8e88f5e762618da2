"""What an evaluation knows of the record itself, beside its clocks."""

from __future__ import annotations

from sla_story import activity, asks, changed, created, event, instant, promise, reply

from sla.fold import evaluate_record
from sla.instant import parse_instant
from sla.policy import Policies
from sla.record import RecordState
from sla.timeline import event_from_mapping

POLICIES = Policies.from_config(promise("first_response", "1h"))


def at(text: str) -> int:
    return parse_instant(instant(text))


def state(lines: list[dict], now: str = "Fri 12:00") -> RecordState:
    return evaluate_record(POLICIES, [event_from_mapping(line) for line in lines], at(now)).state


def test_the_fields_as_they_stand() -> None:
    found = state([
        created("Mon 10:00", priority="high", owner="queue:Support", raw_status="New"),
        changed("Mon 11:00", status="open", raw_status="Working", tier="gold"),
        changed("Mon 12:00", priority="low", owner="user:3"),
    ])  # fmt: skip
    assert (found.record, found.kind, found.status, found.owner) == ("desk:ticket:1", "ticket", "open", "user:3")
    assert found.fields == {
        "status": "open", "raw_status": "Working", "priority": "low", "owner": "user:3", "tier": "gold",
    }  # fmt: skip


def test_the_fields_as_they_stood() -> None:
    lines = [created("Mon 10:00", priority="high"), changed("Mon 12:00", priority="low", status="pending")]
    found = state(lines, "Mon 11:59")
    assert (found.fields["priority"], found.status) == ("high", "new")


def test_when_it_was_made_and_who_spoke_last() -> None:
    found = state([
        created("Mon 10:00"), reply("Mon 10:30"), asks("Mon 11:00"), reply("Mon 11:30", public=False),
        activity("Mon 12:00", "call", outcome="connected"), asks("Mon 13:00"),
    ])  # fmt: skip
    assert found.created_at == at("Mon 10:00")
    assert found.last_answer_at == at("Mon 12:00")
    assert found.last_customer_at == at("Mon 13:00")


def test_nobody_has_spoken_yet() -> None:
    found = state([created("Mon 10:00")])
    assert (found.last_answer_at, found.last_customer_at) == (None, None)


def test_every_owner_in_order() -> None:
    lines = [
        created("Mon 10:00", owner="user:3"), changed("Mon 11:00", owner="queue:Support"),
        changed("Mon 12:00", owner="user:4"), changed("Mon 13:00", owner="user:3"), changed("Mon 14:00", owner=None),
    ]  # fmt: skip
    found = state(lines)
    assert [owner for owner in found.owners if owner.startswith("user:")] == ["user:3", "user:4", "user:3"]
    assert found.owner is None


def test_deleted_and_restored() -> None:
    lines = [created("Mon 10:00"), event("Mon 11:00", "deleted"), event("Mon 12:00", "restored")]
    assert [state(lines, now).deleted for now in ("Mon 10:30", "Mon 11:30", "Mon 12:30")] == [False, True, False]


def test_a_resolved_record_says_so() -> None:
    for status in ("resolved", "closed"):
        assert state([created("Mon 10:00"), changed("Mon 11:00", status=status)]).status == status
    lead = {"record": "crm:lead:1"}
    lines = [created("Mon 10:00", **lead), event("Mon 11:00", "disqualified", actor="user:3", **lead)]
    assert state(lines).status == "disqualified"
