"""A record event by event: which signals each event means and what is known of the record after it."""

from __future__ import annotations

from typing import Any

import pytest

from sla import signal as s
from sla.derivation import read_derivation
from sla.model import Event
from sla.problem import Collector
from sla.record import Excuse, RecordState, Rejection


def event(at: int, word: str, **more: Any) -> Event:
    return Event(record="desk:ticket:1", at=at, id=f"e{at}", event=word, **more)


def born(at: int = 10, *, actor: str | None = "customer:7", kind: str = "ticket", **fields: Any) -> Event:
    return event(at, "created", actor=actor, kind=kind, set={"status": "new", **fields})


def sets(at: int, actor: str | None = "user:3", **fields: Any) -> Event:
    return event(at, "changed", actor=actor, set=fields)


def says(at: int, **more: Any) -> Event:
    return event(at, "message", **{"actor": "customer:7", **more})


def replies(at: int, actor: str | None = "user:3", **more: Any) -> Event:
    return event(at, "message", actor=actor, direction="outbound", **more)


def living(*events: Event, record: str = "desk:ticket:1") -> RecordState:
    state = RecordState(record)
    for one in events:
        state.apply(one)
    return state


def signals(*events: Event, record: str = "desk:ticket:1") -> list[int]:
    state = RecordState(record)
    return [state.apply(one) for one in events]


def test_a_record_of_which_nothing_is_known() -> None:
    state = RecordState("desk:lead:1")
    assert (state.record, state.kind, state.status, state.owner) == ("desk:lead:1", "lead", "new", None)
    assert (state.fields, state.derived, state.changed, state.owners, state.holders) == ({}, {}, {}, [], [])
    assert (state.answers, state.reopened, state.pending, state.merged, state.deleted) == (0, 0, False, False, False)
    assert (state.excuses, state.rejections, state.into, state.requester) == ([], [], None, None)
    assert [
        state.created_at, state.first_seen_at, state.last_answer_at, state.last_customer_at, state.waiting_since,
        state.deleted_at,
    ] == [None] * 6  # fmt: skip
    assert state.pending is False
    assert state.merged is False


# ---- coming to be


@pytest.mark.parametrize(
    ("kind", "actor", "found", "waits"),
    [
        ("ticket", "customer:7", s.CREATED | s.ASKED | s.FIELDS, 10),
        ("ticket", "user:3", s.CREATED | s.FIELDS, None),
        ("ticket", "bot:1", s.CREATED | s.ASKED | s.FIELDS, 10),
        ("ticket", None, s.CREATED | s.ASKED | s.FIELDS, 10),
        ("lead", "user:3", s.CREATED | s.ASKED | s.FIELDS, 10),
        ("deal", "user:3", s.CREATED | s.ASKED | s.FIELDS, 10),
    ],
)
def test_who_waits_when_a_record_is_made(kind: str, actor: str | None, found: int, waits: int | None) -> None:
    state = RecordState("desk:ticket:1")
    assert state.apply(born(actor=actor, kind=kind)) == found
    assert (state.waiting_since, state.created_at, state.kind, state.holders) == (waits, 10, kind, [(10, "system")])
    assert state.requester == ("customer:7" if actor == "customer:7" else None)


def test_a_record_that_is_made_as_done_has_nobody_waiting() -> None:
    state = RecordState("desk:ticket:1")
    found = state.apply(event(10, "created", kind="ticket", actor="workflow:1", set={"status": "resolved"}))
    assert found == s.CREATED | s.ASKED | s.FIELDS | s.RESOLVED
    assert (state.waiting_since, state.reopened, state.rejections, state.answers) == (None, 0, [], 0)


def test_a_creation_without_kind_or_fields() -> None:
    state = RecordState("desk:lead:1")
    assert state.apply(event(10, "created")) == s.CREATED | s.ASKED
    assert (state.kind, state.fields, state.status) == ("lead", {}, "new")


def test_a_second_inquiry_asks_for_a_lead_only() -> None:
    again = event(30, "created", kind="lead", actor="customer:8", set={"status": "new"})
    assert signals(born(kind="lead"), replies(20), again) == [s.CREATED | s.ASKED | s.FIELDS, s.REPLY, s.ASKED]
    state = living(born(kind="lead"), replies(20), again)
    assert (state.created_at, state.requester, state.waiting_since, state.holders) == (
        10, "customer:7", 30, [(10, "system")],
    )  # fmt: skip
    assert living(born(kind="lead"), again).waiting_since == 10
    twice = event(30, "created", kind="ticket", set={"tier": "gold"})
    assert signals(born(), replies(20), twice)[2] == s.FIELDS
    assert living(born(), replies(20), twice).waiting_since is None


def test_the_earliest_sight_counts() -> None:
    state = living(event(10, "created", kind="ticket", seen=50), says(20, seen=40), says(45))
    assert state.first_seen_at == 40
    assert living(event(10, "created", kind="ticket", seen=0)).first_seen_at == 0
    assert living(says(45), says(45, seen=46)).first_seen_at == 45


# ---- messages


def test_a_customers_message_begins_a_wait_that_an_answer_ends() -> None:
    state = living(born(actor="user:3"), says(20), says(30))
    assert (state.waiting_since, state.last_customer_at, state.answers, state.last_answer_at) == (20, 30, 0, None)
    assert state.apply(replies(40)) == s.REPLY
    assert (state.waiting_since, state.last_customer_at, state.answers, state.last_answer_at) == (None, 30, 1, 40)
    state.apply(replies(50))
    assert (state.answers, state.last_answer_at) == (2, 50)


@pytest.mark.parametrize(
    ("actor", "owner", "found"),
    [
        ("user:3", "user:3", s.REPLY | s.BY_OWNER), ("user:4", "user:3", s.REPLY),
        (None, "user:3", s.REPLY | s.BY_OWNER),
        (None, None, s.REPLY | s.BY_OWNER), ("user:3", None, s.REPLY),
    ],
)  # fmt: skip
def test_whose_answer_it_was(actor: str | None, owner: str | None, found: int) -> None:
    assert signals(born(owner=owner), replies(20, actor))[1] == found


def test_what_only_looks_like_an_answer_is_kept_with_the_reason() -> None:
    state = living(born(), replies(20, public=False), replies(30, actor="bot:1"))
    assert state.rejections == [
        Rejection(20, "e20", "an internal note"), Rejection(30, "e30", "sent by bot, not by a person"),
    ]  # fmt: skip
    assert (state.answers, state.waiting_since) == (0, 10)
    assert signals(born(), replies(20, public=False))[1] == 0


def test_a_requester_does_not_answer_himself() -> None:
    state = living(born(requester="user:3"), replies(20))
    assert state.rejections == [Rejection(20, "e20", "sent by the requester")]
    assert living(born(), sets(15, requester="user:3"), replies(20)).answers == 0
    assert living(born(), sets(15, requester=None), replies(20)).requester is None


@pytest.mark.parametrize(("kind", "answers"), [("lead", 1), ("ticket", 0), ("deal", 0)])
def test_a_call_attempt_answers_a_lead(kind: str, answers: int) -> None:
    attempt = event(20, "activity", actor="user:3", activity="call", outcome="busy")
    assert signals(born(kind=kind), attempt)[1] == s.CALL_ATTEMPT
    state = living(born(kind=kind), attempt)
    assert (state.answers, state.waiting_since) == (answers, None if answers else 10)


def test_a_sequence_e_mail_answers_nobody() -> None:
    state = living(born(kind="lead"), replies(20, actor="workflow:1"))
    assert (state.answers, state.waiting_since) == (0, 10)
    assert signals(born(), replies(20, actor="workflow:1"))[1] == s.SEQUENCE_EMAIL


# ---- waiting for the customer


def test_a_customers_word_ends_the_wait_for_the_customer() -> None:
    state = living(born(raw_status="New"), sets(20, status="pending", raw_status="Waiting"))
    assert (state.pending, state.effective()) == (True, {"status": "pending", "raw_status": "Waiting"})
    assert state.apply(says(30)) == s.CUSTOMER | s.UNPENDING
    assert (state.pending, state.status) == (False, "pending")
    assert state.effective() == {"status": "open", "raw_status": None}
    assert state.fields == {"status": "pending", "raw_status": "Waiting"}
    assert state.apply(replies(40)) == s.REPLY | s.PENDING
    assert state.pending is True
    assert state.apply(sets(50, status="open")) == s.FIELDS | s.UNPENDING
    assert state.effective() == {"status": "open", "raw_status": "Waiting"}


def test_only_a_reply_makes_the_team_wait_again() -> None:
    attempt = event(40, "activity", actor="user:3", activity="call", outcome="busy")
    assert signals(born(), sets(20, status="pending"), says(30), attempt)[3] == s.CALL_ATTEMPT


def test_a_status_set_anew_makes_the_team_wait_again() -> None:
    found = signals(born(), sets(20, status="pending"), says(30), sets(40, status="pending"))
    assert found[1:] == [s.FIELDS | s.PENDING | s.STATUS_CHANGE, s.CUSTOMER | s.UNPENDING, s.PENDING]


def test_a_snapshot_of_the_same_status_changes_nothing() -> None:
    seen = event(40, "changed", set={"status": "pending"}, snapshot=True)
    state = living(born(), sets(20, status="pending"), says(30))
    assert state.apply(seen) == 0
    assert state.pending is False


# ---- fields


def test_only_what_differs_has_changed() -> None:
    state = living(born(tier="gold"))
    assert state.changed == {"status": "new", "tier": "gold"}
    assert state.apply(sets(20, tier="gold")) == 0
    assert state.changed == {"status": "new", "tier": "gold"}
    assert state.apply(sets(30, tier="gold", region=None)) == s.FIELDS
    assert state.changed == {"region": None}
    assert state.fields == {"status": "new", "tier": "gold", "region": None}
    assert state.apply(event(40, "changed")) == 0
    assert state.apply(event(40, "changed", set={})) == 0


def test_who_owned_it_and_whose_time_it_was() -> None:
    state = living(born())
    assert state.apply(sets(20, owner="queue:Desk")) == s.FIELDS
    assert state.apply(sets(30, owner="user:3")) == s.FIELDS | s.OWNER_CHANGED | s.OWNED
    assert state.owner == "user:3"
    assert state.apply(sets(40, owner=None)) == s.FIELDS | s.OWNER_CHANGED
    assert state.owner is None
    assert state.apply(sets(50, owner="user:3")) == s.FIELDS | s.OWNED
    assert state.holders == [
        (10, "system"), (20, "queue:Desk"), (30, "user:3"), (40, "unassigned"), (50, "user:3"),
    ]  # fmt: skip
    assert state.owners == ["user:3", "user:3"]


def test_before_anybody_had_it_the_time_is_the_systems() -> None:
    state = living(born(owner=None), sets(20, owner="somebody"), sets(30, owner=5))
    assert state.holders == [(10, "system")]
    assert state.owner is None
    assert living(sets(20, owner=None)).holders == [(20, "system")]
    assert living(sets(20, owner="user:1")).holders == [(20, "user:1")]


def test_two_names_of_nobody_are_one_holder() -> None:
    state = living(born(owner="user:1"), sets(20, owner=None), sets(30, owner="x"))
    assert state.holders == [(10, "system"), (10, "user:1"), (20, "unassigned")]


# ---- solving


@pytest.mark.parametrize("status", ["resolved", "closed"])
@pytest.mark.parametrize(
    ("actor", "owner", "found"),
    [
        ("user:3", "user:3", s.SOLVE | s.BY_OWNER | s.STATUS_CHANGE), ("user:3", "user:4", s.SOLVE | s.STATUS_CHANGE),
        (None, "user:4", s.SOLVE | s.STATUS_CHANGE), ("bot:1", "user:4", 0),
    ],
)  # fmt: skip
def test_who_solved_it(status: str, actor: str | None, owner: str, found: int) -> None:
    state = living(born(owner=owner))
    assert state.apply(sets(20, actor, status=status)) == s.FIELDS | s.RESOLVED | found
    person = actor != "bot:1"
    assert (state.answers, state.last_answer_at, state.waiting_since) == ((1, 20, None) if person else (0, None, 10))
    why = "resolved by automation, not by a person"
    assert state.rejections == ([] if person else [Rejection(20, "e20", why)])


def test_a_record_solved_by_nobody_of_an_unowned_record() -> None:
    # Nobody is named and nobody owns it: the two are the same nobody.
    assert signals(born(), sets(20, None, status="resolved"))[1] == (
        s.FIELDS | s.RESOLVED | s.SOLVE | s.BY_OWNER | s.STATUS_CHANGE
    )


def test_from_one_end_to_the_other_nothing_is_solved_again() -> None:
    assert signals(born(), sets(20, status="resolved"), sets(30, status="closed"))[2] == s.FIELDS
    state = living(born(), sets(20, status="resolved"), sets(30, status="closed"))
    assert (state.answers, state.reopened, state.status) == (1, 0, "closed")


def test_automation_that_solves_what_was_open_already_is_no_answer_worth_a_word() -> None:
    state = living(born(), sets(20, status="open"))
    assert state.apply(sets(30, "bot:1", status="resolved")) == s.FIELDS | s.RESOLVED
    assert state.rejections == []


def test_moving_it_out_of_new_is_a_status_change_of_a_person() -> None:
    assert signals(born(), sets(20, status="open"))[1] == s.FIELDS | s.STATUS_CHANGE
    assert signals(born(owner="user:3"), sets(20, status="open"))[1] == s.FIELDS | s.STATUS_CHANGE | s.BY_OWNER
    assert signals(born(owner="user:3"), sets(20, "bot:1", status="open"))[1] == s.FIELDS
    assert living(born(), sets(20, "bot:1", status="open")).rejections == []
    assert signals(born(), sets(20, status="open"), sets(30, status="on_hold"))[2] == s.FIELDS
    assert signals(born(), sets(20, status="new"))[1] == 0


# ---- reopening


def test_a_reopened_record_says_by_whom() -> None:
    state = living(born(), sets(20, status="resolved"))
    assert state.apply(sets(30, status="open")) == s.FIELDS | s.REOPENED | s.REOPENED_BY_TEAM
    assert (state.reopened, state.waiting_since) == (1, None)
    state.apply(sets(40, status="closed"))
    assert state.apply(sets(50, "workflow:1", status="open")) == s.FIELDS | s.REOPENED
    assert state.reopened == 2


@pytest.mark.parametrize(("actor", "since"), [("user:3", 50), (None, 50), ("customer:7", 30), ("workflow:1", 30)])
def test_a_late_word_waits_since_it_came_unless_a_person_reopened_it(actor: str | None, since: int) -> None:
    state = living(born(), sets(20, status="resolved"), says(30), says(40))
    assert (state.waiting_since, state.last_customer_at) == (None, 40)
    state.apply(sets(50, actor, status="open"))
    assert state.waiting_since == since


def test_a_late_word_counts_once() -> None:
    state = living(born(), sets(20, status="resolved"), says(30), replies(40), sets(50, "bot:1", status="open"))
    assert state.waiting_since is None
    state = living(
        born(), sets(20, status="resolved"), says(30), sets(40, "bot:1", status="open"), replies(50),
        sets(60, "bot:1", status="resolved"), sets(70, "bot:1", status="open"),
    )  # fmt: skip
    assert (state.waiting_since, state.reopened) == (None, 2)


def test_what_was_never_seen_to_be_made_is_not_reopened() -> None:
    state = living(sets(20, status="resolved"), sets(30, status="open"))
    assert state.reopened == 0
    assert signals(sets(20, status="resolved"), sets(30, status="open"))[1] == s.FIELDS


def test_a_wait_that_goes_on_is_not_moved_by_a_late_word() -> None:
    state = living(born(), sets(20, "bot:1", status="resolved"), says(30), sets(40, "bot:1", status="open"))
    assert state.waiting_since == 10


# ---- leads that end


def ends(at: int, word: str, **more: Any) -> Event:
    return event(at, word, **{"actor": "user:3", **more})


def test_a_person_who_converts_answers_and_resolves() -> None:
    state = living(born(kind="lead", owner="user:3"))
    found = state.apply(ends(20, "converted", into="crm:deal:1"))
    assert found == s.RESOLVED | s.REPLY | s.BY_OWNER
    assert (state.status, state.fields["status"], state.answers, state.waiting_since, state.into) == (
        "converted", "converted", 1, None, None,
    )  # fmt: skip


def test_automation_that_converts_moves_the_wait_on() -> None:
    state = living(born(kind="lead"))
    assert state.apply(ends(20, "converted", actor="bot:1", into="crm:deal:1")) == s.RESOLVED | s.MOVED
    assert (state.answers, state.waiting_since, state.into) == (0, 10, "crm:deal:1")
    state.apply(ends(30, "converted", actor="bot:1"))
    assert state.into == "crm:deal:1"


def test_a_lead_that_is_disqualified_has_nobody_waiting() -> None:
    state = living(born(kind="lead", owner="user:3"))
    assert state.apply(ends(20, "disqualified")) == s.BY_OWNER | s.DISQUALIFIED
    assert (state.status, state.fields["status"], state.waiting_since, state.answers) == (
        "disqualified", "disqualified", None, 0,
    )  # fmt: skip
    assert signals(born(kind="lead"), ends(20, "disqualified", set={"tier": "x"}))[1] == s.FIELDS | s.DISQUALIFIED


def test_an_end_that_brings_its_status_along_says_it_once() -> None:
    state = living(born(kind="lead"))
    found = state.apply(ends(20, "disqualified", set={"status": "disqualified"}))
    assert found == s.FIELDS | s.DISQUALIFIED
    assert living(born(kind="lead"), ends(20, "converted", set={"status": "converted"})).answers == 1


def test_a_status_that_says_converted_or_disqualified_is_as_good_as_the_event() -> None:
    by_person = signals(born(kind="lead"), sets(20, status="converted"))[1]
    assert by_person == s.FIELDS | s.RESOLVED | s.STATUS_CHANGE | s.REPLY | s.BY_OWNER
    by_bot = signals(born(kind="lead"), sets(20, "bot:1", status="converted"))[1]
    assert by_bot == s.FIELDS | s.RESOLVED | s.MOVED
    assert signals(born(kind="lead"), sets(20, status="disqualified"))[1] == (
        s.FIELDS | s.STATUS_CHANGE | s.DISQUALIFIED
    )
    assert living(born(kind="lead"), sets(20, status="disqualified")).answers == 0
    assert living(born(kind="lead"), sets(20, status="converted")).answers == 1


# ---- deleted, merged, excused


def test_deleted_and_back() -> None:
    state = living(born())
    assert state.apply(event(20, "deleted")) == s.DELETED
    assert (state.deleted, state.deleted_at) == (True, 20)
    assert state.apply(event(30, "restored")) == s.RESTORED
    assert (state.deleted, state.deleted_at) == (False, None)
    assert living(event(0, "deleted")).deleted is True


def test_what_is_seen_again_after_its_deletion_is_back() -> None:
    gone = living(born(), event(20, "deleted"))
    seen = {"set": {"status": "new"}, "snapshot": True}
    assert gone.apply(event(20, "changed", **seen)) == 0
    assert gone.deleted is True
    assert gone.apply(event(30, "changed", set={"tier": "x"})) == s.FIELDS
    assert gone.deleted is True
    assert gone.apply(event(40, "changed", **seen)) == s.RESTORED
    assert (gone.deleted, gone.deleted_at) == (False, None)
    assert gone.apply(event(50, "changed", **seen)) == 0
    back = living(born(), event(20, "deleted"))
    assert back.apply(event(21, "changed", set={"tier": "x"}, snapshot=True)) == s.FIELDS | s.RESTORED


def test_a_merged_record_says_into_which_and_waits_no_more() -> None:
    state = living(born())
    assert state.apply(event(20, "merged", into="desk:ticket:2")) == s.MERGED
    assert (state.merged, state.into, state.waiting_since) == (True, "desk:ticket:2", None)


def test_an_excuse_covers_its_span_or_its_own_instant() -> None:
    state = living(born())
    assert state.apply(event(50, "excused", from_at=20, until=40, reason="fire", by="user:9")) == s.EXCUSED
    assert state.apply(event(60, "excused")) == s.EXCUSED
    assert state.excuses == [Excuse(20, 40, "fire", "user:9"), Excuse(60, 60, "", "")]
    assert state.apply(event(70, "extended", until=90)) == s.EXTENDED
    assert state.apply(event(80, "telegram")) == 0


# ---- fields that follow by rule


def rules(*tables: dict[str, Any]) -> Any:
    problems = Collector()
    read = read_derivation(list(tables), problems)
    assert problems.problems == []
    return read


URGENT = {"field": "priority", "value": "urgent", "when": {"tier": "gold"}, "name": "gold"}


def test_what_follows_changes_with_what_it_follows_from() -> None:
    state = RecordState("desk:ticket:1", rules(URGENT))
    state.apply(born(priority="low"))
    assert (state.fields, state.derived, state.changed) == (
        {"status": "new", "priority": "low"}, {}, {"status": "new", "priority": "low"},
    )  # fmt: skip
    state.apply(sets(20, tier="gold"))
    assert (state.fields, state.derived) == (
        {"status": "new", "priority": "urgent", "tier": "gold"}, {"priority": "gold"},
    )  # fmt: skip
    assert state.changed == {"tier": "gold", "priority": "urgent"}
    state.apply(sets(30, priority="high"))
    assert state.fields["priority"] == "urgent"
    assert state.changed == {"priority": "high"}
    state.apply(sets(40, tier="none"))
    assert (state.fields["priority"], state.derived) == ("high", {})
    assert state.changed == {"tier": "none", "priority": "high"}


def test_a_field_that_no_longer_follows_is_gone() -> None:
    state = RecordState("desk:ticket:1", rules(URGENT))
    state.apply(born(tier="gold"))
    assert state.changed == {"status": "new", "tier": "gold", "priority": "urgent"}
    state.apply(sets(20, tier="x"))
    assert "priority" not in state.fields
    assert state.changed == {"tier": "x", "priority": None}


def test_other_rules_from_now_on() -> None:
    state = living(born(tier="gold"))
    state.derive_by(rules(URGENT))
    assert (state.fields["priority"], state.derived) == ("urgent", {"priority": "gold"})
    state.apply(sets(20, region="x"))
    assert state.fields == {"status": "new", "tier": "gold", "region": "x", "priority": "urgent"}
    state.derive_by(rules())
    assert (state.fields, state.derived) == ({"status": "new", "tier": "gold", "region": "x"}, {})
