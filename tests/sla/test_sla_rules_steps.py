"""Rule 18 as far as a clock knows it: where each step stands, whether it was reached, when it is armed again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sla_story import changed, config, created, instant, ladder, only, policy, promise, reply, rung, target

from sla.fold import evaluate

STEPS = [
    {"at": "75%", "notify": "owner"},
    {"at": "-30m", "notify": "owner"},
    {"at": "due", "task": "Call {record.name}"},
    {"at": "+2h", "notify": "manager", "set": {"priority": "high"}},
]
RESPONSE = promise("first_response", "4h", steps=STEPS)
RESOLUTION = promise("resolution", {"high": "4h", "normal": "8h"}, steps=STEPS)
TEN = [created("Mon 10:00", priority="high")]


def at(text: str) -> list[tuple]:
    return ladder(only(RESPONSE, TEN, text))


def test_rule_18_thresholds_before_at_and_after_due() -> None:
    assert at("Mon 10:00") == [
        rung("75%", "Mon 13:00", False), rung("-30m", "Mon 13:30", False),
        rung("due", "Mon 14:00", False), rung("+2h", "Mon 16:00", False),
    ]  # fmt: skip
    assert [reached for _, _, reached in at("Mon 13:15")] == [True, False, False, False]
    assert [reached for _, _, reached in at("Mon 13:45")] == [True, True, False, False]
    assert [reached for _, _, reached in at("Mon 15:00")] == [True, True, True, False]
    assert [reached for _, _, reached in at("Mon 16:30")] == [True, True, True, True]


def test_rule_18_a_step_is_reached_at_its_instant_and_not_before() -> None:
    assert [reached for _, _, reached in at("Mon 12:59:59.999")] == [False, False, False, False]
    assert [reached for _, _, reached in at("Mon 13:00")] == [True, False, False, False]
    assert [reached for _, _, reached in at("Mon 14:00")] == [True, True, True, False]


def test_rule_18_steps_count_in_working_time() -> None:
    late = ladder(only(RESPONSE, [created("Mon 15:00")], "Mon 15:00"))
    assert late == [
        rung("75%", "Tue 10:00", False), rung("-30m", "Tue 10:30", False),
        rung("due", "Tue 11:00", False), rung("+2h", "Tue 13:00", False),
    ]  # fmt: skip


def test_rule_18_a_warning_before_due_lies_before_the_night() -> None:
    promised = promise("first_response", "2h", steps=[{"at": "-30m", "notify": "owner"}])
    verdict = only(promised, [created("Mon 15:15")], "Mon 16:00")
    assert verdict["due_at"] == instant("Tue 09:15")
    assert ladder(verdict) == [rung("-30m", "Mon 16:45", False)]


def test_rule_18_a_step_at_the_close_stands_at_the_close() -> None:
    promised = promise(
        "first_response", "16h", steps=[{"at": "50%", "notify": "owner"}, {"at": "+8h", "notify": "owner"}]
    )
    assert ladder(only(promised, [created("Mon 09:00")], "Mon 09:00")) == [
        rung("50%", "Mon 17:00", False), rung("+8h", "Wed 17:00", False),
    ]  # fmt: skip


def test_rule_18_the_step_at_due_stands_at_due_also_for_working_days() -> None:
    promised = promise("first_response", "1bd", steps=[{"at": "due", "notify": "owner"}])
    assert ladder(only(promised, [created("Mon 07:00")], "Mon 20:00")) == [rung("due", "Tue 09:00", False)]
    assert ladder(only(promised, [created("Mon 07:00")], "Tue 09:00")) == [rung("due", "Tue 09:00", True)]


def test_rule_18_more_than_a_hundred_percent() -> None:
    promised = promise("first_response", "2h", steps=[{"at": "150%", "notify": "owner"}])
    assert ladder(only(promised, [created("Mon 10:00")], "Mon 13:30")) == [rung("150%", "Mon 13:00", True)]


def test_rule_18_a_stopped_clock_reaches_no_further_step() -> None:
    verdict = only(RESPONSE, [*TEN, reply("Mon 13:10")], "Tue 16:00")
    assert ladder(verdict) == [
        rung("75%", "Mon 13:00", True), rung("-30m", "Mon 13:30", False),
        rung("due", "Mon 14:00", False), rung("+2h", "Mon 16:00", False),
    ]  # fmt: skip


def test_rule_18_an_answer_at_the_instant_of_a_step_comes_before_it() -> None:
    for answered, reached in (
        ("Mon 13:00", [False, False, False, False]),
        ("Mon 14:00", [True, True, False, False]),
        ("Mon 16:00", [True, True, True, False]),
    ):
        verdict = only(RESPONSE, [*TEN, reply(answered)], "Tue 16:00")
        assert [step["reached"] for step in verdict["steps"]] == reached, answered


def test_rule_18_a_paused_clock_does_not_know_when_its_next_steps_come() -> None:
    lines = [*TEN, changed("Mon 13:10", status="pending")]
    assert ladder(only(RESOLUTION, lines, "Tue 12:00")) == [
        rung("75%", "Mon 13:00", True), rung("-30m", None, False), rung("due", None, False), rung("+2h", None, False),
    ]  # fmt: skip


def test_rule_18_a_pause_moves_what_is_ahead_and_leaves_what_was_reached() -> None:
    lines = [*TEN, changed("Mon 13:10", status="pending"), changed("Mon 14:10", status="open")]
    assert ladder(only(RESOLUTION, lines, "Mon 14:20")) == [
        rung("75%", "Mon 13:00", True), rung("-30m", "Mon 14:30", False),
        rung("due", "Mon 15:00", False), rung("+2h", "Mon 17:00", False),
    ]  # fmt: skip


def test_rule_18_a_pause_at_the_instant_of_a_step_comes_before_it() -> None:
    lines = [*TEN, changed("Mon 13:00", status="pending")]
    assert ladder(only(RESOLUTION, lines, "Mon 16:00"))[0] == rung("75%", None, False)


def test_rule_18_a_due_that_moves_later_than_a_threshold_arms_it_again() -> None:
    lines = [*TEN, changed("Mon 13:10", priority="normal")]
    before = evaluate(RESOLUTION, TEN, instant("Mon 13:05"))[0]
    after = evaluate(RESOLUTION, lines, instant("Mon 13:20"))[0]
    assert ladder(before.verdict())[0] == rung("75%", "Mon 13:00", True)
    assert ladder(after.verdict())[0] == rung("75%", "Mon 16:00", False)  # six of eight hours
    assert before.steps[0].arm < after.steps[0].arm
    again = evaluate(RESOLUTION, lines, instant("Mon 16:30"))[0]
    assert ladder(again.verdict())[0] == rung("75%", "Mon 16:00", True)
    assert again.steps[0].arm == after.steps[0].arm


def test_rule_18_a_due_that_moves_without_passing_a_reached_threshold_arms_nothing() -> None:
    # A quarter of two hours was reached at 10:30; of four hours it is reached at 11:00, before the change at 11:15.
    promised = promise("resolution", {"high": "2h", "normal": "4h"}, steps=[{"at": "25%", "notify": "owner"}])
    lines = [*TEN, changed("Mon 11:15", priority="normal")]
    clock = evaluate(promised, lines, instant("Mon 11:20"))[0]
    assert clock.steps[0].reached
    assert clock.steps[0].arm == 0


def test_rule_18_a_pause_arms_nothing_again() -> None:
    lines = [*TEN, changed("Mon 13:10", status="pending"), changed("Tue 10:00", status="open")]
    clock = evaluate(RESOLUTION, lines, instant("Tue 10:10"))[0]
    assert [(step.reached, step.arm) for step in clock.steps] == [(True, 0), (False, 0), (False, 0), (False, 0)]


def test_rule_18_a_reopened_clock_arms_the_warning_that_its_floor_moved() -> None:
    promised = promise("resolution", "8h", steps=[{"at": "-30m", "notify": "owner"}])
    lines = [created("Mon 09:00"), changed("Mon 16:55", status="resolved"), changed("Tue 09:00", status="open")]
    assert ladder(only(promised, lines[:2], "Mon 18:00")) == [rung("-30m", "Mon 16:30", True)]
    verdict = only(promised, lines, "Tue 09:10")
    assert verdict["due_at"] == instant("Tue 09:48")
    assert ladder(verdict) == [rung("-30m", "Tue 09:18", False)]


def test_rule_18_a_missed_clock_goes_on_to_its_later_steps() -> None:
    late = only(RESPONSE, [*TEN, reply("Mon 15:00")], "Tue 16:00")
    assert [step["reached"] for step in late["steps"]] == [True, True, True, False]


def test_rule_18_the_second_cycle_has_steps_of_its_own() -> None:
    promised = config(policy(target("in_status", "2h", status="open", steps=[{"at": "50%", "notify": "owner"}])))
    lines = [
        created("Mon 09:00", status="open"), changed("Mon 10:30", status="pending"), changed("Mon 12:00", status="open")
    ]  # fmt: skip
    first, second = evaluate(promised, lines, instant("Mon 12:30"))
    assert ladder(first.verdict()) == [rung("50%", "Mon 10:00", True)]
    assert ladder(second.verdict()) == [rung("50%", "Mon 13:00", False)]


def test_rule_18_a_step_carries_its_actions() -> None:
    clock = evaluate(RESPONSE, TEN, instant("Mon 10:00"))[0]
    assert clock.steps[2].actions == {"task": "Call {record.name}"}
    assert clock.steps[3].actions == {"notify": "manager", "set": {"priority": "high"}}


def test_a_clock_says_when_it_will_change_by_itself() -> None:
    def awake(lines: list[dict], now: str, promised: dict = RESPONSE) -> str | None:
        wake = evaluate(promised, lines, instant(now))[0].wake_ms
        return None if wake is None else f"{datetime.fromtimestamp(wake / 1000, UTC):%a %H:%M}"

    assert awake(TEN, "Mon 10:00") == "Mon 13:00"
    assert awake(TEN, "Mon 13:00") == "Mon 13:30"
    assert awake(TEN, "Mon 13:30") == "Mon 14:00"
    assert awake(TEN, "Mon 15:00") == "Mon 16:00"
    assert awake(TEN, "Mon 16:00") is None
    assert awake([*TEN, reply("Mon 13:10")], "Mon 13:20") is None
    assert awake([*TEN, changed("Mon 13:10", status="pending")], "Mon 13:20", RESOLUTION) is None
    assert awake(TEN, "Mon 12:00", promise("resolution", "4h")) == "Mon 14:00"
    assert awake(TEN, "Mon 14:01", promise("resolution", "4h")) is None


@pytest.mark.parametrize("ending", ["Mon 17:00", "Mon 19:00"])
def test_rule_18_a_step_at_closing_time_is_reached_unless_the_clock_stops_at_that_very_instant(ending: str) -> None:
    half = promise("first_response", "8h", steps=[{"at": "50%", "notify": "owner"}])
    lines = [created("Mon 13:00"), reply(ending)]
    assert ladder(only(half, lines[:1], "Mon 18:00")) == [rung("50%", "Mon 17:00", True)]
    assert ladder(only(half, lines, "Tue 12:00")) == [rung("50%", "Mon 17:00", ending != "Mon 17:00")]


def test_rule_18_the_step_at_due_of_working_days_is_not_reached_by_a_stop_in_the_night_before() -> None:
    days = promise("resolution", "1bd", steps=[{"at": "due", "notify": "owner"}])
    lines = [created("Sun 10:00"), changed("Mon+1 20:00", status="resolved")]
    verdict = only(days, [created("Mon 06:00"), changed("Tue 01:00", status="resolved")], "Wed 09:00")
    assert (verdict["outcome"], ladder(verdict)) == ("met", [rung("due", "Tue 09:00", False)])
    assert only(days, lines, "Tue+1 12:00")["outcome"] == "missed"
