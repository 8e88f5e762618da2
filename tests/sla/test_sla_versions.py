"""Rule 11: running clocks stay on the version that started them until somebody moves them, and how far a move goes."""

from __future__ import annotations

from typing import Any

import pytest
from sla_story import (
    HOUR,
    changed,
    check,
    config,
    created,
    instant,
    ladder,
    pick,
    policy,
    reply,
    rung,
    target,
)  # fmt: skip

from sla import Policies
from sla.fold import Move, evaluate_record
from sla.instant import parse_instant
from sla.timeline import event_from_mapping


def moved(
    before: dict[str, Any], after: dict[str, Any], lines: list[dict[str, Any]], at: str, scope: str, now: str
) -> list[dict[str, Any]]:
    """The verdicts of a record that went over from one configuration to another at ``at``."""
    move = Move(parse_instant(instant(at)), Policies.from_config(after), scope)
    events = [event_from_mapping(line) for line in lines]
    found = evaluate_record(Policies.from_config(before), events, parse_instant(instant(now)), (), [move])
    return [clock.verdict() for clock in found.clocks]


def promise(within: str, metric: str = "resolution", **more: Any) -> dict[str, Any]:
    return config(policy(target(metric, within, **more)))


FOUR, TWO, SIX = promise("4h"), promise("2h"), promise("6h")


@pytest.mark.parametrize(("scope", "due"), [("new", "Mon 13:00"), ("unbreached", "Mon 15:00"), ("all", "Mon 15:00")])
def test_rule_11_an_open_clock_moves_only_when_the_scope_says_so(scope: str, due: str) -> None:
    check(moved(FOUR, SIX, [created("Mon 09:00")], "Mon 10:00", scope, "Mon 11:00")[0], due_at=due)


def test_rule_11_a_move_that_brings_due_nearer_keeps_the_floor() -> None:
    verdict = moved(FOUR, TWO, [created("Mon 09:00")], "Mon 12:00", "all", "Mon 12:00")[0]
    check(verdict, due_at="Mon 12:15", within_s=2 * HOUR, outcome=None)


@pytest.mark.parametrize("scope", ["new", "unbreached", "all"])
def test_rule_11_a_breach_that_was_made_stays(scope: str) -> None:
    verdict = moved(TWO, SIX, [created("Mon 09:00")], "Mon 12:00", scope, "Mon 13:00")[0]
    check(verdict, outcome="missed", breached_at="Mon 11:00", within_s=2 * HOUR)


def test_rule_11_a_clock_that_is_due_at_the_very_instant_is_not_overdue_yet() -> None:
    verdict = moved(TWO, SIX, [created("Mon 09:00")], "Mon 11:00", "unbreached", "Mon 11:30")[0]
    check(verdict, outcome=None, due_at="Mon 15:00")


@pytest.mark.parametrize("scope", ["new", "unbreached", "all"])
def test_rule_11_closed_cycles_never_change(scope: str) -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:30", status="resolved")]
    before = moved(TWO, promise("15m"), lines, "Tue 09:00", "new", "Mon 11:00")
    assert moved(TWO, promise("15m"), lines, "Mon 12:00", scope, "Mon 13:00") == before


def test_rule_11_cycles_that_begin_after_the_move_live_by_the_new_version() -> None:
    lines = [
        created("Mon 09:00"), reply("Mon 09:10"),
        {"record": "desk:ticket:1", "at": instant("Mon 09:30"), "event": "message", "actor": "customer:7"},
        reply("Mon 09:40"),
        {"record": "desk:ticket:1", "at": instant("Mon 11:00"), "event": "message", "actor": "customer:7"},
    ]  # fmt: skip
    found = moved(
        promise("1h", "next_response"), promise("3h", "next_response"), lines, "Mon 10:00", "new", "Mon 11:00"
    )
    assert [verdict["within_s"] for verdict in found] == [HOUR, 3 * HOUR]


def test_rule_11_an_open_clock_left_behind_is_weighed_by_its_own_version() -> None:
    lines = [created("Mon 09:00", priority="normal"), changed("Mon 10:30", priority="urgent")]
    old = promise({"normal": "8h", "urgent": "4h"})  # type: ignore[arg-type]
    new = promise({"normal": "6h", "urgent": "1h"})  # type: ignore[arg-type]
    check(moved(old, new, lines, "Mon 10:00", "new", "Mon 11:00")[0], within_s=4 * HOUR, due_at="Mon 13:00")
    check(moved(old, new, lines, "Mon 10:00", "all", "Mon 11:00")[0], within_s=HOUR)


def test_rule_11_a_promise_that_is_no_more_cancels_the_clocks_that_move() -> None:
    other = promise("1h", "update_every")
    check(moved(FOUR, other, [created("Mon 09:00")], "Mon 10:00", "all", "Mon 11:00")[0],
          state="stopped", outcome="cancelled", reason="policy")  # fmt: skip
    check(moved(FOUR, other, [created("Mon 09:00")], "Mon 10:00", "new", "Mon 11:00")[0], state="running")


def test_rule_11_a_promise_that_is_new_counts_from_where_it_began_and_is_not_overdue_by_surprise() -> None:
    more = config(policy(target("resolution", "4h"), target("first_response", "1h")))
    found = moved(FOUR, more, [created("Mon 09:00")], "Mon 12:00", "unbreached", "Mon 12:05")
    check(pick(found, target="first_response"), started_at="Mon 09:00", due_at="Mon 12:15", outcome=None)
    assert len(moved(FOUR, more, [created("Mon 09:00")], "Mon 12:00", "new", "Mon 12:05")) == 1
    answered = [created("Mon 09:00"), reply("Mon 09:30")]
    assert len(moved(FOUR, more, answered, "Mon 12:00", "all", "Mon 12:05")) == 1


def test_rule_11_pauses_before_the_move_are_kept() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending"), changed("Mon 12:00", status="open")]
    verdict = moved(FOUR, SIX, lines, "Mon 13:00", "all", "Mon 13:00")[0]
    check(verdict, elapsed_s=2 * HOUR, paused_s=2 * HOUR, due_at="Mon 17:00")


def test_rule_11_a_paused_clock_moves_with_what_is_left() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending")]
    verdict = moved(FOUR, SIX, lines, "Mon 11:00", "unbreached", "Mon 12:00")[0]
    check(verdict, state="paused", due_at=None, remaining_s=5 * HOUR)


def test_rule_11_steps_that_were_reached_before_the_move_stay_reached() -> None:
    old = promise("4h", steps=[{"at": "50%", "notify": "owner"}, {"at": "due", "notify": "manager"}])
    new = promise("4h", steps=[{"at": "50%", "notify": "owner"}, {"at": "75%", "notify": "owner"}])
    verdict = moved(old, new, [created("Mon 09:00")], "Mon 11:30", "all", "Mon 11:30")[0]
    assert ladder(verdict) == [rung("50%", "Mon 11:00", True), rung("75%", "Mon 12:00", False)]


def test_rule_11_a_late_clock_that_moves_has_the_new_steps() -> None:
    new = promise("4h", steps=[{"at": "+2h", "notify": "manager"}])
    verdict = moved(TWO, new, [created("Mon 09:00")], "Mon 12:00", "all", "Mon 12:00")[0]
    assert ladder(verdict) == [rung("+2h", "Mon 13:00", False)]


def test_rule_11_a_calendar_of_another_version_counts_from_the_move_on() -> None:
    lunch = config(policy(target("resolution", "4h")), calendars={
        "office": {"timezone": "UTC", "hours": {"mon-fri": ["09:00-12:00", "13:00-17:00"]}}
    })  # fmt: skip
    verdict = moved(FOUR, lunch, [created("Mon 09:00")], "Mon 10:00", "all", "Mon 14:00")[0]
    check(verdict, due_at="Mon 14:00", elapsed_s=4 * HOUR)


def test_rule_11_a_move_after_now_has_not_happened_yet() -> None:
    check(moved(FOUR, SIX, [created("Mon 09:00")], "Mon 10:00", "all", "Mon 09:59")[0], within_s=4 * HOUR)


def test_rule_11_events_of_the_instant_of_the_move_come_before_it() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="resolved")]
    check(moved(FOUR, SIX, lines, "Mon 10:00", "all", "Mon 11:00")[0], outcome="met", within_s=4 * HOUR)


def test_rule_11_rules_for_derived_fields_move_with_the_record() -> None:
    old = promise({"normal": "4h", "urgent": "1h"})  # type: ignore[arg-type]
    new = {**old, "derive": [{"field": "priority", "value": "urgent", "when": {"vip": True}}]}
    verdict = moved(old, new, [created("Mon 09:00", vip=True)], "Mon 09:10", "all", "Mon 09:20")[0]
    check(verdict, within_s=HOUR, due_at="Mon 10:00")


def test_rule_11_the_change_is_told() -> None:
    events = [event_from_mapping(created("Mon 09:00"))]
    move = Move(parse_instant(instant("Mon 12:00")), Policies.from_config(TWO), "all")
    run = evaluate_record(Policies.from_config(FOUR), events, move.at, (), [move]).clocks[0].run
    change = run.changes[0]
    assert (change.why, change.within_before, change.within, change.floored) == (
        "version", 4 * HOUR * 1000, 2 * HOUR * 1000, True,
    )  # fmt: skip
    assert change.due == parse_instant(instant("Mon 12:15"))


def test_rule_11_two_moves_count_one_after_the_other() -> None:
    events = [event_from_mapping(created("Mon 09:00"))]
    moves = [
        Move(parse_instant(instant("Mon 11:00")), Policies.from_config(SIX), "all"),
        Move(parse_instant(instant("Mon 10:00")), Policies.from_config(TWO), "all"),
    ]
    clock = evaluate_record(Policies.from_config(FOUR), events, parse_instant(instant("Mon 10:30")), (), moves).clocks[
        0
    ]
    check(clock.verdict(), due_at="Mon 11:00")
    clock = evaluate_record(Policies.from_config(FOUR), events, parse_instant(instant("Mon 11:30")), (), moves).clocks[
        0
    ]
    check(clock.verdict(), due_at="Mon 15:00")
