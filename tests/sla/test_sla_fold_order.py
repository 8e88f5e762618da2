"""What the fold takes when: events, merged waits and other versions of the policies, and in which order clocks come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sla_story import asks, changed, config, created, event, instant, policy, promise, reply, target

from sla.fold import Move, Wait, evaluate, evaluate_record, evaluate_timelines, wait_of, waits_of
from sla.instant import parse_instant
from sla.model import Event
from sla.policy import Policies
from sla.timeline import event_from_mapping

ONE, TWO, THREE = "desk:ticket:1", "desk:ticket:2", "desk:ticket:3"
FIRST = promise("first_response", "2h")


def ms(text: str) -> int:
    return parse_instant(instant(text))


def events(*lines: dict[str, Any]) -> list[Event]:
    return [event_from_mapping(line) for line in lines]


def policies(document: Any = FIRST) -> Policies:
    return Policies.from_config(document)


def merged(at: str, into: str, **more: Any) -> dict[str, Any]:
    return event(at, "merged", into=into, **more)


# ---- one record


def test_nothing_gives_no_clocks_and_a_state_of_nothing() -> None:
    none = evaluate_record(policies(), [], ms("Mon 10:00"))
    assert (none.clocks, none.state.record, none.state.kind) == ([], "none:ticket:none", "ticket")
    early = evaluate_record(policies(), events(created("Mon 10:00", record="crm:lead:1")), ms("Mon 09:59"))
    assert (early.clocks, early.state.record, early.state.kind, early.state.fields) == ([], "crm:lead:1", "lead", {})


def test_the_kind_is_what_the_first_event_that_knows_says() -> None:
    lead = promise("first_response", "2h", applies_to="lead")
    lines = [asks("Mon 09:00"), created("Mon 10:00", kind="lead")]
    found = evaluate_record(policies(lead), events(*lines), ms("Mon 10:30"))
    assert ([clock.started_ms for clock in found.clocks], found.state.kind) == ([ms("Mon 10:00")], "lead")
    deals = [created("Mon 10:00", kind="lead"), created("Mon 11:00", kind="deal")]
    assert len(evaluate_record(policies(lead), events(*deals), ms("Mon 10:30")).clocks) == 1


def test_clocks_come_by_target_then_cycle_then_policy() -> None:
    document = config(
        policy(target("resolution", "4h"), target("next_response", "1h"), name="Z"),
        policy(target("next_response", "1h"), target("first_response", "2h"), name="A", stage="shadow"),
    )
    lines = [created("Mon 09:00"), reply("Mon 09:10"), asks("Mon 10:00"), reply("Mon 10:10"), asks("Mon 11:00")]
    found = evaluate_record(policies(document), events(*lines), ms("Mon 11:30")).clocks
    assert [(clock.target, clock.cycle, clock.policy) for clock in found] == [
        ("first_response", 1, "A"), ("next_response", 1, "A"), ("next_response", 1, "Z"), ("next_response", 2, "A"),
        ("next_response", 2, "Z"), ("resolution", 1, "Z"),
    ]  # fmt: skip


def test_a_field_that_no_term_depends_on_changes_no_terms() -> None:
    document = promise("first_response", {"urgent": "1h", "normal": "2h"}, recompute="restart")
    lines = [created("Mon 10:00"), changed("Mon 10:30", colour="red"), changed("Mon 10:45", priority="urgent")]
    assert evaluate(document, lines[:2], instant("Mon 11:00"))[0].started_ms == ms("Mon 10:00")
    assert evaluate(document, lines, instant("Mon 11:00"))[0].started_ms == ms("Mon 10:45")


# ---- merged waits


def joined(lines: list[dict[str, Any]], now: str, *waits: Wait) -> list[tuple[int, int | None]]:
    found = evaluate_record(policies(), events(*lines), ms(now), waits)
    return [(clock.started_ms, clock.due_ms) for clock in found.clocks]


def test_a_wait_comes_in_at_its_instant_and_not_before() -> None:
    lines = [created("Mon 10:00")]
    wait = Wait(ms("Mon 11:00"), ms("Mon 09:30"))
    assert joined(lines, "Mon 10:59", wait) == [(ms("Mon 10:00"), ms("Mon 12:00"))]
    assert joined(lines, "Mon 11:00", wait) == [(ms("Mon 09:30"), ms("Mon 11:30"))]


def test_a_wait_comes_after_every_event_of_its_instant_and_before_later_ones() -> None:
    wait = Wait(ms("Mon 11:00"), ms("Mon 09:30"))
    lines = [created("Mon 10:00"), reply("Mon 11:00")]
    assert joined(lines, "Mon 12:00", wait) == [(ms("Mon 10:00"), ms("Mon 12:00"))]
    later = [created("Mon 10:00"), reply("Mon 11:00:00.001")]
    assert joined(later, "Mon 12:00", wait) == [(ms("Mon 09:30"), ms("Mon 11:30"))]


def test_waits_come_in_their_own_order() -> None:
    lines = [created("Mon 12:00")]
    waits = [Wait(ms("Mon 13:30"), ms("Mon 11:00")), Wait(ms("Mon 13:00"), ms("Mon 11:30"))]
    assert joined(lines, "Mon 13:10", *waits) == [(ms("Mon 11:30"), ms("Mon 13:30"))]
    # By half past one the second comes in at the very due of the first, and is not overdue by surprise.
    assert joined(lines, "Mon 13:30", *waits) == joined(lines, "Mon 13:30", *reversed(waits))
    before = [Wait(ms("Mon 12:30"), ms("Mon 11:00")), Wait(ms("Mon 12:15"), ms("Mon 11:30"))]
    assert joined(lines, "Mon 12:30", *before) == [(ms("Mon 11:00"), ms("Mon 13:00"))]


def test_waits_and_moves_take_their_turns() -> None:
    hour = Move(ms("Mon 10:20"), policies(promise("first_response", "1h")), "all")
    wait = Wait(ms("Mon 10:10"), ms("Mon 09:50"))
    found = evaluate_record(policies(), events(created("Mon 10:00")), ms("Mon 10:30"), [wait], [hour])
    (clock,) = found.clocks
    assert [(change.at, change.why) for change in clock.run.changes] == [
        (ms("Mon 10:10"), "merged"), (ms("Mon 10:20"), "version"),
    ]  # fmt: skip
    later = [Wait(ms("Mon 10:25"), ms("Mon 09:50"))]
    (clock,) = evaluate_record(policies(), events(created("Mon 10:00")), ms("Mon 10:30"), later, [hour]).clocks
    assert [change.why for change in clock.run.changes] == ["version", "merged"]
    assert clock.due_ms == ms("Mon 10:50")


def test_a_move_counts_from_its_own_instant_on() -> None:
    hour = [Move(ms("Mon 10:20"), policies(promise("first_response", "1h")), "all")]
    read, lines = policies(), events(created("Mon 10:00"))
    assert evaluate_record(read, lines, ms("Mon 10:20") - 1, (), hour).clocks[0].due_ms == ms("Mon 12:00")
    assert evaluate_record(read, lines, ms("Mon 10:20"), (), hour).clocks[0].due_ms == ms("Mon 11:00")
    assert evaluate_record(read, events(created("Mon 10:20")), ms("Mon 10:20"), (), hour).clocks[0].due_ms == ms(
        "Mon 11:20"
    )


def test_edited_hours_concern_only_the_version_that_they_replace() -> None:
    calendars = {"office": {"timezone": "UTC", "hours": {"mon-fri": "09:00-12:00"}}}
    old, other = policies(), policies(promise("first_response", "8h"))
    short = Policies.from_config(config(FIRST["policies"][0], calendars=calendars))
    lines = events(created("Mon 11:00"))
    edit = Move(ms("Mon 11:30"), short, "hours", old)
    (clock,) = evaluate_record(old, lines, ms("Mon 11:30"), (), [edit]).clocks
    assert (clock.due_ms, [c.why for c in clock.run.changes]) == (ms("Tue 10:00"), ["hours"])
    # A record on another version stays there: only the clocks that were left behind go on by the edited hours.
    moved = Move(ms("Mon 11:10"), other, "new")
    found = evaluate_record(old, events(created("Mon 11:00")), ms("Mon 11:30"), (), [moved, edit])
    assert [clock.due_ms for clock in found.clocks] == [ms("Tue 10:00")]


def test_edited_hours_of_a_version_left_behind_leave_the_rules_of_the_present_one() -> None:
    rule = {"field": "priority", "value": "urgent", "when": {"tier": "gold"}, "name": "gold"}
    old, edited = policies(), policies()
    other = policies({**FIRST, "derive": [rule]})
    lines = events(created("Mon 10:00", tier="gold"))
    moved, edit = Move(ms("Mon 10:10"), other, "new"), Move(ms("Mon 10:20"), edited, "hours", old)
    found = evaluate_record(old, lines, ms("Mon 10:30"), (), [moved, edit])
    assert found.state.derived == {"priority": "gold"}
    both_edited = Move(ms("Mon 10:20"), policies({**FIRST, "derive": [rule]}), "hours", old)
    assert evaluate_record(old, lines, ms("Mon 10:30"), (), [both_edited]).state.derived == {"priority": "gold"}


def test_the_fields_that_decide_are_those_of_the_version_in_force() -> None:
    by_tier = promise("first_response", "2h", when={"tier": "gold"})
    lines = [created("Mon 10:00", tier="gold"), changed("Mon 11:00", tier="iron")]
    move = [Move(ms("Mon 10:30"), policies(by_tier), "all")]
    read = policies()
    (clock,) = evaluate_record(read, events(*lines), ms("Mon 11:00"), (), move).clocks
    assert (clock.outcome, clock.reason) == ("cancelled", "policy")
    (clock,) = evaluate_record(read, events(*lines), ms("Mon 11:00")).clocks
    assert clock.state == "running"


def test_a_move_may_match_in_another_way() -> None:
    both = [policy(target("first_response", "4h"), name="A"), policy(target("first_response", "1h"), name="B")]
    strictest, first = policies(config(*both)), policies(config(*both, match="first"))
    lines = events(created("Mon 10:00"))
    start = ms("Mon 10:00")
    assert evaluate_record(strictest, lines, start).clocks[0].policy == "B"
    assert evaluate_record(first, lines, start).clocks[0].policy == "A"
    at = ms("Mon 10:10")
    assert evaluate_record(strictest, lines, at, (), [Move(at, first, "all")]).clocks[0].policy == "A"
    assert evaluate_record(first, lines, at, (), [Move(at, strictest, "all")]).clocks[0].policy == "B"


def test_a_target_that_comes_with_a_later_version_listens_from_the_start() -> None:
    both = policies(config(policy(target("first_response", "2h"), target("resolution", "8h"))))
    move = [Move(ms("Mon 10:30"), both, "all")]
    found = evaluate_record(policies(), events(created("Mon 10:00")), ms("Mon 10:30"), (), move).clocks
    assert [(clock.target, clock.started_ms) for clock in found] == [
        ("first_response", ms("Mon 10:00")), ("resolution", ms("Mon 10:00")),
    ]  # fmt: skip


# ---- many records


def test_events_of_many_records_give_their_clocks_by_record() -> None:
    lines = [created("Mon 11:00", record=TWO), created("Mon 10:00", record=ONE), created("Mon 10:30", record=THREE)]
    found = evaluate(FIRST, [*lines, *lines], instant("Mon 11:30"))
    assert [(clock.record, clock.started_ms) for clock in found] == [
        (ONE, ms("Mon 10:00")), (TWO, ms("Mon 11:00")), (THREE, ms("Mon 10:30")),
    ]  # fmt: skip


def test_now_is_an_aware_datetime_or_iso_text() -> None:
    lines = [created("Mon 10:00")]
    text = evaluate(policies(), lines, "2026-03-02T11:00:00+01:00")
    aware = evaluate(FIRST, events(*lines), datetime(2026, 3, 2, 10, tzinfo=UTC))
    assert [c.now_ms for c in text] == [c.now_ms for c in aware] == [ms("Mon 10:00")]
    with pytest.raises(ValueError, match="has no time zone; give an aware datetime"):
        evaluate(FIRST, lines, datetime(2026, 3, 2, 10))
    with pytest.raises(ValueError, match="has no offset"):
        evaluate(FIRST, lines, "2026-03-02T11:00:00")
    with pytest.raises(ValueError, match="`record` is missing"):
        evaluate(FIRST, [{}], "2026-03-02T11:00:00Z")


def started(lines: list[dict[str, Any]], now: str) -> dict[str, list[int]]:
    by_record: dict[str, list[Event]] = {}
    for one in events(*lines):
        by_record.setdefault(one.record, []).append(one)
    return {
        found.state.record: [clock.started_ms for clock in found.clocks]
        for found in evaluate_timelines(policies(), by_record, ms(now))
    }


def test_the_winner_of_a_merger_takes_the_older_wait() -> None:
    lines = [
        created("Mon 09:00", record=TWO), merged("Mon 10:30", ONE, record=TWO), created("Mon 10:00", record=ONE),
    ]  # fmt: skip
    assert started(lines, "Mon 10:29") == {ONE: [ms("Mon 10:00")], TWO: [ms("Mon 09:00")]}
    assert started(lines, "Mon 10:30")[ONE] == [ms("Mon 09:00")]


def test_a_wait_passes_through_a_chain_of_mergers() -> None:
    chain = [
        created("Mon 09:00", record=THREE), merged("Mon 10:10", TWO, record=THREE),
        created("Mon 09:30", record=TWO), merged("Mon 10:20", ONE, record=TWO), created("Mon 10:00", record=ONE),
    ]  # fmt: skip
    assert started(chain, "Mon 10:19")[ONE] == [ms("Mon 10:00")]
    assert started(chain, "Mon 10:20")[ONE] == [ms("Mon 09:00")]
    # What comes into the loser after its own end passes through, at its own instant.
    late = [*chain[:1], merged("Mon 10:40", TWO, record=THREE), *chain[2:]]
    assert started(late, "Mon 10:39")[ONE] == [ms("Mon 09:30")]
    assert started(late, "Mon 10:40")[ONE] == [ms("Mon 09:00")]


def test_two_records_merged_into_each_other_are_no_endless_story() -> None:
    lines = [
        created("Mon 09:00", record=ONE), merged("Mon 10:00", TWO, record=ONE),
        created("Mon 09:30", record=TWO), merged("Mon 10:10", ONE, record=TWO),
    ]  # fmt: skip
    assert started(lines, "Mon 10:00")[TWO] == [ms("Mon 09:00")]
    assert started(lines, "Mon 11:00") == {ONE: [ms("Mon 09:00")], TWO: [ms("Mon 09:00")]}
    alone = [created("Mon 09:00", record=ONE), merged("Mon 10:00", ONE, record=ONE)]
    assert started(alone, "Mon 11:00") == {ONE: [ms("Mon 09:00")]}


def test_a_record_merged_into_itself_still_brings_what_came_into_it_afterwards() -> None:
    lines = [
        created("Mon 09:30", record=TWO), merged("Mon 10:00", TWO, record=TWO),
        created("Mon 09:00", record=THREE), merged("Mon 10:05", TWO, record=THREE),
        created("Mon 10:00", record=ONE), merged("Mon 10:10", ONE, record=TWO),
    ]  # fmt: skip
    assert started(lines, "Mon 10:10")[ONE] == [ms("Mon 09:00")]


def test_two_losers_bring_their_waits_each() -> None:
    lines = [
        created("Mon 10:00", record=ONE),
        created("Mon 09:30", record=TWO), merged("Mon 10:10", ONE, record=TWO),
        created("Mon 09:15", record=THREE), merged("Mon 10:20", ONE, record=THREE),
    ]  # fmt: skip
    assert started(lines, "Mon 10:15")[ONE] == [ms("Mon 09:30")]
    assert started(lines, "Mon 10:20")[ONE] == [ms("Mon 09:15")]


def test_a_word_that_names_another_record_is_no_merger() -> None:
    lines = [
        created("Mon 09:00", record=TWO), asks("Mon 09:10", record=TWO, into=ONE), created("Mon 10:00", record=ONE),
    ]  # fmt: skip
    assert started(lines, "Mon 11:00")[ONE] == [ms("Mon 10:00")]


# ---- the wait that a record brings


LOSER = [created("Mon 09:00", record=TWO), merged("Mon 10:00", ONE, record=TWO)]


def test_since_when_somebody_waited_on_a_record_when_it_was_merged() -> None:
    at = ms("Mon 10:00")
    assert wait_of(events(*LOSER), at) == ms("Mon 09:00")
    assert wait_of(events(LOSER[0], reply("Mon 09:30", record=TWO), LOSER[1]), at) is None
    asked = [LOSER[0], reply("Mon 09:30", record=TWO), asks("Mon 09:40", record=TWO), LOSER[1]]
    assert wait_of(events(*asked), at) == ms("Mon 09:40")
    assert wait_of(events(LOSER[0], asks("Mon 10:30", record=TWO)), at) == ms("Mon 09:00")
    assert wait_of(events(LOSER[0]), ms("Mon 08:00")) is None
    last_word = [LOSER[0], reply("Mon 10:00", record=TWO, seq=1), {**LOSER[1], "seq": 2}]
    assert wait_of(events(*last_word), at) is None
    too_late = [LOSER[0], {**LOSER[1], "seq": 1}, reply("Mon 10:00", record=TWO, seq=2)]
    assert wait_of(events(*too_late), at) == ms("Mon 09:00")


def test_what_was_inherited_counts_unless_it_was_answered_since() -> None:
    at, since = ms("Mon 10:00"), ms("Mon 08:00")
    assert wait_of(events(*LOSER), at, [Wait(ms("Mon 09:30"), since)]) == since
    assert wait_of(events(*LOSER), at, [Wait(ms("Mon 09:30"), ms("Mon 09:20"))]) == ms("Mon 09:00")
    answered = events(LOSER[0], reply("Mon 09:30", record=TWO), LOSER[1])
    assert wait_of(answered, at, [Wait(ms("Mon 09:20"), since)]) is None
    assert wait_of(answered, at, [Wait(ms("Mon 09:30"), since)]) is None
    assert wait_of(answered, at, [Wait(ms("Mon 09:31"), since)]) == since


def test_the_waits_that_a_record_brings_along() -> None:
    at = ms("Mon 10:00")
    before, then, after = (Wait(ms(t), ms("Mon 08:00")) for t in ("Mon 09:30", "Mon 10:00", "Mon 10:01"))
    assert list(waits_of(events(*LOSER), at)) == [Wait(at, ms("Mon 09:00"))]
    assert list(waits_of(events(*LOSER), at, [before])) == [Wait(at, ms("Mon 08:00"))]
    assert list(waits_of(events(*LOSER), at, [then])) == [Wait(at, ms("Mon 08:00"))]
    assert list(waits_of(events(*LOSER), at, [after])) == [Wait(at, ms("Mon 09:00")), after]
    answered = events(LOSER[0], reply("Mon 09:45", record=TWO), LOSER[1])
    assert list(waits_of(answered, at, [before, after])) == [after]
    assert list(waits_of(answered, at)) == []
