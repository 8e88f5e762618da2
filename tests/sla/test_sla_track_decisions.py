"""What decides whether a clock begins, goes on, restarts or ends: each edge with a case on either side."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sla_story import (
    HOUR,
    MINUTE,
    asks,
    changed,
    check,
    config,
    created,
    event,
    instant,
    only,
    pick,
    policy,
    promise,
    reply,
    target,
    verdicts,
)

from sla import Policies
from sla.clock import Clock
from sla.fold import Move, evaluate, evaluate_record
from sla.instant import parse_instant
from sla.timeline import event_from_mapping

LEAD = "crm:lead:1"
GOLD = policy(target("resolution", "2h"), name="Gold", when={"tier": "gold"})
SILVER = policy(target("resolution", "8h"), name="Silver", when={"tier": "silver"})
WORK = promise("resolution", "8h")
NEXT = promise("next_response", "1h")


def clocks(configuration: Any, lines: list[dict[str, Any]], now: str) -> list[Clock]:
    return evaluate(configuration, lines, instant(now))


# ---- reopening


@pytest.mark.parametrize(
    ("window", "at", "cycles"),
    [
        ("2h", "Mon 14:00", 1),
        ("2h", "Mon 14:00:00.001", 2),
        ("1bd", "Tue 12:00", 1),
        ("1bd", "Tue 12:00:00.001", 2),
    ],
)
def test_the_last_instant_of_the_window_is_inside(window: str, at: str, cycles: int) -> None:
    lines = [created("Mon 09:00"), changed("Mon 12:00", status="resolved"), changed(at, status="open")]
    assert len(verdicts(promise("resolution", "8h", reopen={"window": window}), lines, "Wed 12:00")) == cycles


def test_a_disqualified_lead_that_is_taken_up_again_begins_anew() -> None:
    lines = [
        created("Mon 09:00", record=LEAD), event("Mon 10:00", "disqualified", record=LEAD, actor="user:5"),
        changed("Mon 12:00", record=LEAD, status="open"),
    ]  # fmt: skip
    first, second = verdicts(promise("resolution", "8h", applies_to="lead"), lines, "Mon 13:00")
    check(first, outcome="cancelled", reason="disqualified", elapsed_s=HOUR)
    check(second, cycle=2, state="running", started_at="Mon 12:00", due_at="Tue 12:00", elapsed_s=HOUR)


def test_a_clock_that_a_policy_cancelled_begins_anew_when_the_record_was_resolved_between() -> None:
    lines = [
        created("Mon 10:00", tier="gold"), changed("Mon 11:00", tier="bronze"), changed("Mon 12:00", status="resolved"),
        changed("Mon 13:00", tier="gold"), changed("Mon 14:00", status="open"),
    ]  # fmt: skip
    first, second = verdicts(config(GOLD), lines, "Mon 14:30")
    check(first, outcome="cancelled", reason="policy", elapsed_s=HOUR)
    check(second, cycle=2, state="running", started_at="Mon 14:00", due_at="Mon 16:00")


def test_a_clock_that_moved_on_with_another_record_does_not_come_back() -> None:
    lines = [
        created("Mon 09:00", record=LEAD),
        event("Mon 10:00", "converted", record=LEAD, actor="workflow:7", into="crm:deal:9"),
        changed("Mon 12:00", record=LEAD, status="open"),
    ]
    verdict = only(promise("resolution", "8h", applies_to="lead"), lines, "Mon 13:00")
    check(verdict, cycle=1, state="stopped", outcome="cancelled", reason="converted", elapsed_s=HOUR)


def test_a_record_that_began_as_resolved_is_waited_for_from_its_reopening_on() -> None:
    lines = [created("Mon 09:00", status="resolved"), changed("Mon 12:00", status="open")]
    check(only(WORK, lines, "Mon 13:00"), cycle=1, started_at="Mon 12:00", due_at="Tue 12:00", elapsed_s=HOUR)


SPOKEN = [
    created("Mon 09:00"), reply("Mon 09:30"), changed("Mon 10:00", status="resolved"),
    asks("Mon 11:00"), asks("Mon 12:00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("who", "start", "due"), [("workflow:9", "Mon 11:00", "Mon 13:15"), ("user:3", "Mon 13:00", "Mon 14:00")]
)
def test_of_two_messages_on_a_resolved_record_the_first_has_waited_unless_a_person_reopens_it(
    who: str, start: str, due: str
) -> None:
    verdict = only(NEXT, [*SPOKEN, changed("Mon 13:00", status="open", actor=who)], "Mon 13:00")
    check(verdict, cycle=1, started_at=start, due_at=due, state="running", outcome=None)


def test_a_message_that_was_answered_on_a_resolved_record_waits_for_nothing_when_it_is_reopened() -> None:
    lines = [*SPOKEN, reply("Mon 12:30"), changed("Mon 13:00", status="open", actor="workflow:9")]
    assert verdicts(NEXT, lines, "Mon 14:00") == []


def test_a_message_counts_for_one_reopening_only() -> None:
    lines = [
        *SPOKEN, changed("Mon 13:00", status="open", actor="workflow:9"), reply("Mon 13:05"),
        changed("Mon 13:10", status="resolved"), changed("Mon 13:20", status="open", actor="workflow:9"),
    ]  # fmt: skip
    check(only(NEXT, lines, "Mon 14:00"), cycle=1, outcome="met", completed_at="Mon 13:05")


# ---- coming back


def test_only_a_deleted_clock_goes_on_when_its_record_is_restored() -> None:
    lines = [
        created("Mon 10:00", record=LEAD), event("Mon 11:00", "disqualified", record=LEAD, actor="user:5"),
        event("Mon 11:30", "deleted", record=LEAD), event("Mon 12:00", "restored", record=LEAD),
    ]  # fmt: skip
    verdict = only(promise("resolution", "8h", applies_to="lead"), lines, "Mon 13:00")
    check(verdict, state="stopped", outcome="cancelled", reason="disqualified", elapsed_s=HOUR)


def test_a_restored_clock_leaves_the_gap_out() -> None:
    lines = [created("Mon 10:00"), event("Mon 11:00", "deleted"), event("Mon 12:00", "restored")]
    check(only(WORK, lines, "Mon 13:00"), due_at="Tue 11:00", elapsed_s=2 * HOUR, state="running", reason=None)


def left_and_back(*between: dict[str, Any]) -> list[dict[str, Any]]:
    """A record that leaves the policy at half past ten and comes back to it at eleven."""
    return [created("Mon 10:00", tier="gold"), changed("Mon 10:30", tier="bronze"), *between,
            changed("Mon 11:00", tier="gold")]  # fmt: skip


def test_a_clock_that_a_policy_cancelled_goes_on_when_it_matches_again_and_the_gap_counts() -> None:
    verdict = only(config(GOLD), left_and_back(), "Mon 11:30")
    check(verdict, cycle=1, state="running", outcome=None, due_at="Mon 12:00", elapsed_s=90 * MINUTE)


def test_a_record_that_was_in_the_bin_between_can_still_come_back_to_its_policy() -> None:
    lines = left_and_back(event("Mon 10:40", "deleted"), event("Mon 10:50", "restored"))
    check(only(config(GOLD), lines, "Mon 11:30"), cycle=1, state="running", due_at="Mon 12:00")


@pytest.mark.parametrize(
    "ending",
    [reply("Mon 10:40"), changed("Mon 10:40", status="resolved"), event("Mon 10:40", "merged", into="d:ticket:2")],
)
def test_what_was_answered_or_gone_between_does_not_come_back(ending: dict[str, Any]) -> None:
    first = policy(target("first_response", "2h"), name="Gold", when={"tier": "gold"})
    verdict = only(config(first), left_and_back(ending), "Mon 11:30")
    check(verdict, cycle=1, state="stopped", outcome="cancelled", reason="policy", elapsed_s=30 * MINUTE)


def test_a_miss_that_left_its_policy_is_over() -> None:
    lines = [created("Mon 10:00", tier="gold"), changed("Mon 13:00", tier="bronze"), changed("Mon 14:00", tier="gold")]
    verdict = only(config(GOLD), lines, "Mon 15:00")
    check(verdict, cycle=1, state="stopped", outcome="missed", reason="policy", elapsed_s=3 * HOUR)


@pytest.mark.parametrize(("match", "name", "due"), [("strictest", "Two", "Mon 12:00"), ("first", "Four", "Mon 14:00")])
def test_who_rules_a_clock_that_comes_back_is_weighed_as_ever(match: str, name: str, due: str) -> None:
    four = policy(target("resolution", "4h"), name="Four", when={"tier": "gold"})
    two = policy(target("resolution", "2h"), name="Two", when={"tier": "gold"})
    check(only(config(four, two, match=match), left_and_back(), "Mon 11:30"), policy=name, due_at=due)


# ---- weighing terms under way


def test_the_strictest_terms_under_way_are_those_due_first_and_not_the_shortest() -> None:
    office = policy(target("resolution", "4h"), name="Office", when={"tier": "gold"})
    always = policy(target("resolution", "6h"), name="Always", when={"tier": "gold"}, calendar="always")
    lines = [created("Fri 15:00", tier="silver"), changed("Fri 16:00", tier="gold")]
    # One hour has passed: three office hours end on Monday at eleven, five of the clock today at nine.
    verdict = only(config(SILVER, office, always), lines, "Fri 16:00")
    check(verdict, policy="Always", due_at="Fri 21:00")


def test_of_terms_that_have_all_run_out_those_that_ran_out_first_rule() -> None:
    four = policy(target("resolution", "4h"), name="Four", when={"tier": "gold"})
    two = policy(target("resolution", "2h"), name="Two", when={"tier": "gold"})
    lines = [created("Mon 09:00", tier="silver"), changed("Mon 14:00", tier="gold")]
    check(only(config(SILVER, four, two), lines, "Mon 14:00"), policy="Two", due_at="Mon 14:15", outcome=None)


BY_PRIORITY = {"normal": "8h", "high": "8h", "urgent": "2h"}


@pytest.mark.parametrize(
    ("priority", "start", "due"), [("high", "Mon 09:00", "Mon 17:00"), ("urgent", "Mon 10:00", "Mon 12:00")]
)
def test_a_restart_needs_another_length(priority: str, start: str, due: str) -> None:
    restarts = promise("resolution", BY_PRIORITY, recompute="restart")
    lines = [created("Mon 09:00", priority="normal"), changed("Mon 10:00", priority=priority)]
    check(only(restarts, lines, "Mon 10:00"), cycle=1, started_at=start, due_at=due)


def test_a_restart_keeps_the_number_of_its_cycle() -> None:
    restarts = promise("resolution", BY_PRIORITY, recompute="restart", reopen={"window": "never"})
    lines = [
        created("Mon 09:00", priority="normal"), changed("Mon 10:00", status="resolved"),
        changed("Mon 11:00", status="open"), changed("Mon 12:00", priority="urgent"),
    ]  # fmt: skip
    found = verdicts(restarts, lines, "Mon 12:30")
    assert [v["cycle"] for v in found] == [1, 2]
    check(found[1], started_at="Mon 12:00", due_at="Mon 14:00", elapsed_s=30 * MINUTE)


def test_nothing_restarts_after_its_due() -> None:
    restarts = promise("resolution", {"normal": "8h", "urgent": "2h"}, recompute="restart")
    lines = [created("Mon 09:00", priority="urgent"), changed("Mon 12:00", priority="normal")]
    check(only(restarts, lines, "Mon 13:00"), started_at="Mon 09:00", outcome="missed", breached_at="Mon 11:00")


@pytest.mark.parametrize(
    ("recompute", "start", "due"), [("keep", "Mon 10:00", "Mon 12:00"), ("restart", "Mon 11:00", "Mon 13:00")]
)
def test_a_policy_that_takes_over_does_so_in_its_own_way(recompute: str, start: str, due: str) -> None:
    lines = [created("Mon 10:00", tier="silver"), changed("Mon 11:00", tier="gold")]
    verdict = only(config(SILVER, {**GOLD, "recompute": recompute}), lines, "Mon 11:00")
    check(verdict, policy="Gold", started_at=start, due_at=due)


def test_the_fields_of_a_clock_that_ended_are_those_of_its_end() -> None:
    stopped = [
        created("Mon 09:00", tier="gold"),
        changed("Mon 10:00", status="resolved"),
        changed("Mon 11:00", tier="x"),
    ]
    left = [created("Mon 09:00", tier="gold"), changed("Mon 10:00", tier="y"), changed("Mon 11:00", tier="x")]
    gone = [created("Mon 09:00", tier="gold"), event("Mon 10:00", "deleted"), changed("Mon 11:00", tier="x")]
    told = []
    for lines in (stopped, left, gone):
        fields = clocks(config(GOLD), lines, "Mon 12:00")[0].run.fields
        told.append(fields and (fields["tier"], fields["status"]))
    assert told == [("gold", "resolved"), ("y", "new"), ("gold", "new")]
    assert clocks(config(GOLD), stopped[:1], "Mon 10:00")[0].run.fields is None


def test_what_creation_itself_brings_stops_what_it_began() -> None:
    clock = clocks(promise("time_to_own", "1h"), [created("Mon 10:00", owner="user:3")], "Mon 12:00")[0]
    check(clock.verdict(), state="stopped", outcome="met", completed_at="Mon 10:00", elapsed_s=0)
    assert clock.run.fields == {"status": "new", "owner": "user:3"}


# ---- when it was seen, and extensions


@pytest.mark.parametrize(("seen", "system"), [("Mon 10:30", 30), ("Mon 09:50", 0), (None, 0)])
def test_the_time_before_a_message_was_seen_is_nobodys(seen: str | None, system: int) -> None:
    word = asks("Mon 10:00", **({"seen": instant(seen)} if seen else {}))
    lines = [created("Mon 09:00", owner="user:3"), reply("Mon 09:10"), word]
    clock = clocks(promise("next_response", "4h"), lines, "Mon 11:00")[0]
    assert clock.verdict()["spent"] == {"system": system * MINUTE, "user:3": (60 - system) * MINUTE}
    assert clock.run.seen_at == parse_instant(instant("Mon 10:30" if system else "Mon 10:00"))


@pytest.mark.parametrize(
    ("named", "first", "resolution"),
    [
        (None, "Mon 16:00", "Mon 16:00"),
        ("first_response", "Mon 16:00", "Mon 13:00"),
        ("resolution", "Mon 12:00", "Mon 16:00"),
        ("update_every", "Mon 12:00", "Mon 13:00"),
    ],
)
def test_an_extension_is_for_the_target_that_it_names_or_for_all(
    named: str | None, first: str, resolution: str
) -> None:
    both = config(policy(target("first_response", "2h"), target("resolution", "3h")))
    more = {"target": named} if named else {}
    lines = [created("Mon 10:00"), event("Mon 11:00", "extended", until=instant("Mon 16:00"), by="user:9", **more)]
    found = verdicts(both, lines, "Mon 11:00")
    check(pick(found, target="first_response"), due_at=first)
    check(pick(found, target="resolution"), due_at=resolution)


def test_an_extension_that_says_no_end_or_finds_no_clock_changes_nothing() -> None:
    check(only(WORK, [created("Mon 09:00"), event("Mon 10:00", "extended")], "Mon 11:00"), due_at="Mon 17:00")
    early = [event("Mon 08:00", "extended", until=instant("Tue 16:00")), created("Mon 09:00")]
    check(only(WORK, early, "Mon 11:00"), due_at="Mon 17:00")


# ---- another start


FORM = promise("first_response", "4h", start_field="submitted_at")


@pytest.mark.parametrize(
    ("told", "start"),
    [
        (parse_instant(instant("Mon 10:00")), "Mon 10:00"),
        (parse_instant(instant("Mon 13:00")), "Mon 12:00"),
        (datetime(2026, 3, 2, 10, tzinfo=UTC), "Mon 10:00"),
        (datetime(2026, 3, 2, 13, tzinfo=UTC), "Mon 12:00"),
        (datetime(2026, 3, 2, 10), "Mon 12:00"),
        (False, "Mon 12:00"),
        (1.5, "Mon 12:00"),
    ],
)
def test_a_start_may_be_told_in_milliseconds_or_as_a_time(told: object, start: str) -> None:
    check(only(FORM, [created("Mon 12:00", submitted_at=told)], "Mon 12:00"), started_at=start)


def test_a_start_that_is_told_in_a_later_cycle_is_none_of_that_cycle() -> None:
    document = promise("first_response", "4h", start_field="submitted_at", applies_to="lead")
    lines = [
        created("Mon 10:00", record=LEAD), reply("Mon 10:10", record=LEAD), created("Tue 10:00", record=LEAD),
        changed("Tue 11:00", record=LEAD, submitted_at=instant("Mon 09:00")),
    ]  # fmt: skip
    found = verdicts(document, lines, "Tue 11:00")
    assert [(v["cycle"], v["started_at"]) for v in found] == [(1, instant("Mon 10:00")), (2, instant("Tue 10:00"))]


# ---- versions


@pytest.mark.parametrize(("scope", "name"), [("new", "Old"), ("unbreached", "Old"), ("all", "New")])
def test_a_late_clock_goes_over_only_with_all_the_others(scope: str, name: str) -> None:
    old, new = promise("resolution", "2h", name="Old"), promise("resolution", "6h", name="New")
    at = parse_instant(instant("Mon 12:00"))
    events = [event_from_mapping(created("Mon 09:00"))]
    move = Move(at, Policies.from_config(new), scope)
    clock = evaluate_record(Policies.from_config(old), events, at + HOUR * 1000, (), [move]).clocks[0]
    check(clock.verdict(), policy=name, outcome="missed", breached_at="Mon 11:00", within_s=2 * HOUR)
    assert [change.why for change in clock.run.changes] == (["version"] if scope == "all" else [])


def test_a_clock_that_no_version_promises_any_more_ends_with_the_fields_of_the_move() -> None:
    at = parse_instant(instant("Mon 10:00"))
    events = [event_from_mapping(line) for line in (created("Mon 09:00", tier="a"), changed("Mon 11:00", tier="b"))]
    move = Move(at, Policies.from_config(promise("first_response", "4h")), "all")
    found = evaluate_record(Policies.from_config(WORK), events, at + 2 * HOUR * 1000, (), [move]).clocks
    run = next(clock.run for clock in found if clock.target == "resolution")
    assert (run.outcome, run.reason, run.ended_at) == ("cancelled", "policy", at)
    assert run.fields == {"status": "new", "tier": "a"}


# ---- a field that changes the terms and a pause in one event


@pytest.mark.parametrize(
    ("recompute", "priority", "at"),
    [("keep", "urgent", "Mon 10:00"), ("carry", "high", "Mon 10:00"), ("carry", "urgent", "Tue 10:00")],
)
def test_terms_that_stay_do_not_hide_the_pause_that_comes_with_the_change(
    recompute: str, priority: str, at: str
) -> None:
    promised = promise("resolution", BY_PRIORITY, recompute=recompute)
    lines = [created("Mon 09:00", priority="normal"), changed(at, priority=priority, status="pending")]
    check(only(promised, lines, "Wed 12:00"), state="paused", within_s=8 * HOUR)


# ---- paused at due


CLOSING = [
    changed("Mon 17:00", status="pending"), changed("Mon 18:00", status="open"), changed("Mon 18:30", status="resolved")
]  # fmt: skip


@pytest.mark.parametrize(
    ("within", "start"),
    [
        ("8h", "Mon 09:00"),
        ("1bd", "2026-02-27T18:00:00Z"),
    ],
)
def test_rule_06_a_clock_paused_at_closing_time_is_due_when_somebody_is_there_again(within: str, start: str) -> None:
    lines = [created(start), *CLOSING]
    check(only(promise("resolution", within), lines[:3], "Mon 18:10"), due_at="Tue 09:00", breached_at=None)
    check(only(promise("resolution", within), lines, "Tue 12:00"), outcome="met", breached_at=None)


def test_rule_06_a_clock_is_not_missed_in_the_pause_into_which_its_extension_ran_out() -> None:
    lines = [
        created("Mon 09:00"), event("Mon 10:00", "extended", until=instant("Mon 20:00"), by="user:9"),
        changed("Mon 18:00", status="pending"), changed("Mon 21:00", status="open"),
    ]  # fmt: skip
    check(only(promise("resolution", "4h"), lines, "Mon 22:00"), breached_at=None, due_at="Tue 09:00")


@pytest.mark.parametrize(("match", "name", "due"), [("strictest", "Two", "Mon 11:00"), ("first", "Four", "Mon 13:00")])
def test_of_the_policies_of_a_new_version_the_strictest_takes_a_clock_over(match: str, name: str, due: str) -> None:
    four, two = (policy(target("resolution", within), name=said) for said, within in (("Four", "4h"), ("Two", "2h")))
    at = parse_instant(instant("Mon 10:00"))
    move = Move(at, Policies.from_config(config(four, two, match=match)), "all")
    events = [event_from_mapping(created("Mon 09:00"))]
    clock = evaluate_record(Policies.from_config(WORK), events, at, (), [move]).clocks[0]
    check(clock.verdict(), policy=name, due_at=due, started_at="Mon 09:00")
