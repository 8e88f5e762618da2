"""Rules 8 and 9: what a change of priority or policy does to a running clock, and which policy rules it."""

from __future__ import annotations

import pytest
from sla_story import (
    HOUR,
    MINUTE,
    changed,
    check,
    config,
    created,
    event,
    only,
    pick,
    policy,
    promise,
    reply,
    target,
    verdicts,
)

BY_PRIORITY = {"urgent": "1h", "high": "2h", "normal": "8h", "low": "40h"}
PROMISED = promise("resolution", BY_PRIORITY)


def story(start: str, priority: str, *more: dict) -> list[dict]:
    return [created(start, priority=priority), *more]


# ---- 8. recompute on change


def test_rule_08_a_rising_priority_keeps_the_start() -> None:
    lines = story("Mon 10:00", "normal", changed("Mon 10:30", priority="high"))
    verdict = only(PROMISED, lines, "Mon 11:00")
    check(verdict, started_at="Mon 10:00", due_at="Mon 12:00", within_s=2 * HOUR, elapsed_s=HOUR, remaining_s=HOUR)


def test_rule_08_a_falling_priority_keeps_the_start() -> None:
    lines = story("Mon 10:00", "urgent", changed("Mon 10:30", priority="normal"))
    check(only(PROMISED, lines, "Mon 11:30"), due_at="Tue 10:00", outcome=None, elapsed_s=90 * MINUTE)


def test_rule_08_due_is_never_sooner_than_a_quarter_of_an_hour_after_the_change() -> None:
    lines = story("Mon 10:00", "normal", changed("Mon 12:00", priority="urgent"))
    check(only(PROMISED, lines, "Mon 12:05"), due_at="Mon 12:15", outcome=None, remaining_s=10 * MINUTE)
    check(only(PROMISED, lines, "Mon 12:45"), outcome="missed", breached_at="Mon 12:15", late_s=30 * MINUTE)
    in_time = [*lines, changed("Mon 12:15", status="resolved")]
    check(only(PROMISED, in_time, "Mon 13:00"), outcome="met", elapsed_s=135 * MINUTE)


def test_rule_08_due_is_never_sooner_than_a_tenth_of_the_new_target_after_the_change() -> None:
    lines = story("Mon 09:00", "low", changed("Tue 12:00", priority="normal"))
    check(only(PROMISED, lines, "Tue 12:00"), due_at="Tue 12:48")


def test_rule_08_the_floor_is_never_later_than_the_old_due() -> None:
    lines = story("Mon 09:00", "normal", changed("Mon 16:50", priority="urgent"))
    check(only(PROMISED, lines, "Mon 16:55"), due_at="Mon 17:00")


def test_rule_08_the_floor_is_working_time() -> None:
    lines = story("Mon 09:00", "low", changed("Mon 16:55", priority="urgent"))
    check(only(PROMISED, lines, "Mon 16:55"), due_at="Tue 09:10")


def test_rule_08_a_breach_under_the_old_target_stays() -> None:
    lines = story("Mon 10:00", "urgent", changed("Mon 11:30", priority="low"))
    check(only(PROMISED, lines, "Mon 12:00"), outcome="missed", breached_at="Mon 11:00", state="running")
    resolved = [*lines, changed("Mon 12:30", status="resolved")]
    check(only(PROMISED, resolved, "Mon 16:00"), outcome="missed", breached_at="Mon 11:00", completed_at="Mon 12:30")


def test_rule_08_pauses_are_kept() -> None:
    lines = story(
        "Mon 09:00", "normal",
        changed("Mon 10:00", status="pending"), changed("Mon 12:00", status="open"),
        changed("Mon 12:15", priority="high"),
    )  # fmt: skip
    check(only(PROMISED, lines, "Mon 12:30"), due_at="Mon 13:00", paused_s=2 * HOUR, elapsed_s=90 * MINUTE)


def test_rule_08_a_change_while_paused() -> None:
    lines = story(
        "Mon 10:00", "normal",
        changed("Mon 11:00", status="pending"), changed("Mon 12:00", priority="high"),
    )  # fmt: skip
    check(only(PROMISED, lines, "Mon 13:00"), state="paused", within_s=2 * HOUR, remaining_s=HOUR, due_at=None)
    resumed = [*lines, changed("Mon 14:00", status="open")]
    check(only(PROMISED, resumed, "Mon 14:00"), due_at="Mon 15:00", elapsed_s=HOUR)


def test_rule_08_there_and_back_again() -> None:
    lines = story(
        "Mon 09:00", "normal", changed("Mon 12:00", priority="urgent"), changed("Mon 12:10", priority="normal")
    )
    check(only(PROMISED, lines, "Mon 12:30"), due_at="Mon 17:00", outcome=None, within_s=8 * HOUR)


def test_rule_08_a_finished_clock_is_left_alone() -> None:
    lines = story(
        "Mon 09:00", "normal", changed("Mon 14:00", status="resolved"), changed("Mon 14:10", priority="urgent")
    )
    verdict = only(PROMISED, lines, "Mon 16:00")
    check(verdict, outcome="met", within_s=8 * HOUR, due_at="Mon 17:00", completed_at="Mon 14:00")


def test_rule_08_restart_counts_from_the_change() -> None:
    restarts = promise("resolution", BY_PRIORITY, recompute="restart")
    lines = story("Mon 10:00", "normal", changed("Mon 12:00", priority="urgent"))
    check(only(restarts, lines, "Mon 12:05"), due_at="Mon 13:00", within_s=HOUR)


def test_rule_08_keep_keeps_the_old_target() -> None:
    keeps = promise("resolution", BY_PRIORITY, recompute="keep")
    lines = story("Mon 09:00", "normal", changed("Mon 12:00", priority="urgent"))
    check(only(keeps, lines, "Mon 12:05"), due_at="Mon 17:00", within_s=8 * HOUR)


def test_rule_08_a_change_of_another_field_changes_no_due() -> None:
    lines = story("Mon 10:00", "urgent", changed("Mon 10:30", subject="Printer on fire"))
    check(only(PROMISED, lines, "Mon 10:45"), due_at="Mon 11:00")


SILVER = policy(target("resolution", "8h"), name="Silver", when={"tier": "silver"})
GOLD = policy(target("resolution", "2h"), name="Gold", when={"tier": "gold"})
ROUND_THE_CLOCK = policy(target("resolution", "4h"), name="Gold", when={"tier": "gold"}, calendar="always")


def test_rule_08_another_policy_takes_the_clock_over() -> None:
    lines = [created("Mon 10:00", tier="silver"), changed("Mon 11:00", tier="gold")]
    verdict = only(config(SILVER, GOLD), lines, "Mon 11:00")
    check(verdict, policy="Gold", started_at="Mon 10:00", due_at="Mon 12:00", elapsed_s=HOUR, cycle=1, outcome=None)


def test_rule_08_another_policy_while_paused() -> None:
    lines = [
        created("Mon 10:00", tier="silver"), changed("Mon 11:00", status="pending"),
        changed("Mon 12:00", tier="gold"), changed("Mon 14:00", status="open"),
    ]  # fmt: skip
    check(only(config(SILVER, GOLD), lines, "Mon 14:00"), policy="Gold", due_at="Mon 15:00", paused_s=3 * HOUR)


def test_rule_08_another_calendar_keeps_what_has_elapsed() -> None:
    # One office hour on Friday, then three of the four hours are left and Saturday counts.
    lines = [created("Fri 16:00", tier="silver"), changed("Sat 12:00", tier="gold")]
    verdict = only(config(SILVER, ROUND_THE_CLOCK), lines, "Sat 13:00")
    check(verdict, policy="Gold", due_at="Sat 15:00", elapsed_s=2 * HOUR, remaining_s=2 * HOUR)


def test_rule_08_the_floor_holds_for_another_policy_too() -> None:
    lines = [created("Mon 10:00", tier="silver"), changed("Mon 13:00", tier="gold")]
    check(only(config(SILVER, GOLD), lines, "Mon 13:05"), policy="Gold", due_at="Mon 13:15", outcome=None)


def test_rule_08_the_floor_holds_for_a_promise_that_was_not_there_before() -> None:
    best_effort = promise("resolution", {"high": "2h", "low": "none"})
    lines = [created("Mon 10:00", priority="low"), changed("Mon 14:00", priority="high")]
    check(only(best_effort, lines, "Mon 14:05"), outcome=None, breached_at=None, due_at="Mon 14:15", remaining_s=600)


def test_rule_08_the_floor_holds_for_a_policy_that_comes_to_match() -> None:
    lines = [created("Mon 10:00", tier="bronze"), changed("Mon 14:00", tier="gold")]
    check(only(config(GOLD), lines, "Mon 14:05"), outcome=None, breached_at=None, due_at="Mon 14:15")


# ---- 9. which policy

FOUR_HOURS = policy(target("first_response", "4h"), name="Four hours")
ONE_HOUR = policy(target("first_response", "1h"), name="One hour")


@pytest.mark.parametrize("match", [None, "strictest"])
def test_rule_09_the_strictest_due_wins(match: str | None) -> None:
    verdict = only(config(FOUR_HOURS, ONE_HOUR, match=match), [created("Mon 10:00")], "Mon 10:00")
    check(verdict, policy="One hour", due_at="Mon 11:00")


def test_rule_09_the_first_in_file_order_wins_when_asked_for() -> None:
    verdict = only(config(FOUR_HOURS, ONE_HOUR, match="first"), [created("Mon 10:00")], "Mon 10:00")
    check(verdict, policy="Four hours", due_at="Mon 14:00")


def test_rule_09_the_first_in_file_order_must_match() -> None:
    picky = policy(target("first_response", "4h"), name="Phone", when={"source": "Phone"})
    lines = [created("Mon 10:00", source="Email")]
    check(only(config(picky, ONE_HOUR, match="first"), lines, "Mon 10:00"), policy="One hour")


def test_rule_09_strict_is_who_is_due_first_not_who_promises_less_time() -> None:
    office = policy(target("first_response", "2h"), name="Office")  # Friday 16:00: due on Monday at 10:00
    always = policy(target("first_response", "4h"), name="Always", calendar="always")  # due on Friday at 20:00
    check(only(config(office, always), [created("Fri 16:00")], "Fri 16:00"), policy="Always", due_at="Fri 20:00")


def test_rule_09_between_equals_the_first_in_the_file_wins() -> None:
    other = policy(target("first_response", "60m"), name="Sixty minutes")
    check(only(config(ONE_HOUR, other), [created("Mon 10:00")], "Mon 10:00"), policy="One hour")
    check(only(config(other, ONE_HOUR), [created("Mon 10:00")], "Mon 10:00"), policy="Sixty minutes")


def test_rule_09_each_metric_is_weighed_on_its_own() -> None:
    talker = policy(target("first_response", "1h"), target("resolution", "40h"), name="Talker")
    doer = policy(target("first_response", "4h"), target("resolution", "8h"), name="Doer")
    found = verdicts(config(talker, doer), [created("Mon 10:00")], "Mon 10:00")
    assert [(v["target"], v["policy"]) for v in found] == [("first_response", "Talker"), ("resolution", "Doer")]


def test_rule_09_best_effort_leaves_the_field_to_the_others() -> None:
    none = policy(target("first_response", {"low": "none", "urgent": "5m"}), name="Best effort")
    lines = [created("Mon 10:00", priority="low")]
    check(only(config(none, FOUR_HOURS), lines, "Mon 10:00"), policy="Four hours", due_at="Mon 14:00")


def test_rule_09_a_policy_that_is_only_tried_out_takes_no_clock_from_one_that_counts() -> None:
    trial = policy(target("first_response", "1h"), name="Trial", stage="shadow")
    rival = policy(target("first_response", "2h"), name="Rival", stage="shadow")
    found = verdicts(config(trial, FOUR_HOURS, rival), [created("Mon 10:00")], "Mon 10:00")
    assert {(v["policy"], v["due_at"][11:16]) for v in found} == {("Four hours", "14:00"), ("Trial", "11:00")}


def test_rule_09_a_policy_covers_its_kind_of_record_only() -> None:
    leads = policy(target("first_response", "5m"), name="Leads", applies_to="lead")
    check(only(config(leads, FOUR_HOURS), [created("Mon 10:00")], "Mon 10:00"), policy="Four hours")


def test_rule_09_no_policy_no_clock() -> None:
    assert verdicts(config(GOLD), [created("Mon 10:00", tier="silver")], "Mon 12:00") == []


def test_rule_09_a_policy_that_no_longer_matches_cancels_its_clocks() -> None:
    lines = [created("Mon 10:00", tier="gold"), changed("Mon 11:00", tier="bronze")]
    verdict = only(config(GOLD), lines, "Mon 16:00")
    check(verdict, state="stopped", outcome="cancelled", reason="policy", breached_at=None, elapsed_s=HOUR)


def test_rule_09_a_breach_is_not_hidden_by_leaving_the_policy() -> None:
    lines = [created("Mon 10:00", tier="gold"), changed("Mon 13:00", tier="bronze")]
    check(only(config(GOLD), lines, "Mon 16:00"), state="stopped", outcome="missed", breached_at="Mon 12:00")


def test_rule_09_a_finished_clock_stays_what_it_was_when_the_policy_leaves() -> None:
    lines = [
        created("Mon 10:00", tier="gold"), changed("Mon 11:00", status="resolved"), changed("Mon 12:00", tier="bronze")
    ]  # fmt: skip
    check(only(config(GOLD), lines, "Mon 16:00"), outcome="met", completed_at="Mon 11:00", reason=None)


EVERYBODY = policy(target("resolution", "8h"), name="Everybody")


@pytest.mark.parametrize("match", ["strictest", "first"])
def test_rule_09_the_next_policy_takes_over_from_one_that_no_longer_matches(match: str) -> None:
    lines = [created("Mon 09:00", tier="gold"), changed("Mon 10:00", tier="bronze")]
    promised = config(GOLD, EVERYBODY, match=match)
    check(only(promised, lines[:1], "Mon 09:30"), policy="Gold", due_at="Mon 11:00")
    check(only(promised, lines, "Mon 12:00"), policy="Everybody", outcome=None, due_at="Mon 17:00", elapsed_s=3 * HOUR)


def test_rule_09_what_the_one_missed_the_next_does_not_take_back() -> None:
    lines = [created("Mon 09:00", tier="gold"), changed("Mon 12:00", tier="bronze")]
    check(only(config(GOLD, EVERYBODY), lines, "Mon 13:00"), outcome="missed", breached_at="Mon 11:00", state="running")


def test_rule_09_a_policy_that_no_longer_matches_is_not_resumed_by_a_reopening() -> None:
    lines = [
        created("Mon 10:00", tier="gold"), changed("Mon 11:00", status="resolved"),
        changed("Mon 11:10", tier="bronze"), changed("Mon 12:00", status="open"),
    ]  # fmt: skip
    verdict = only(config(GOLD), lines, "Mon 16:00")
    assert (verdict["state"], verdict["breached_at"]) == ("stopped", None)


def test_rule_09_a_reopened_clock_is_ruled_by_the_policy_that_matches_then() -> None:
    lines = [
        created("Mon 09:00", tier="gold"), changed("Mon 10:00", status="resolved"),
        changed("Mon 11:00", tier="bronze"), changed("Mon 12:00", status="open"),
    ]  # fmt: skip
    check(only(config(GOLD, EVERYBODY), lines, "Mon 12:30"), policy="Everybody", cycle=1, within_s=8 * HOUR)


def test_rule_09_a_policy_that_comes_to_match_later_counts_from_the_records_start() -> None:
    lines = [created("Mon 10:00", tier="bronze"), changed("Mon 10:30", tier="gold")]
    check(only(config(GOLD), lines, "Mon 11:00"), started_at="Mon 10:00", due_at="Mon 12:00")


def test_rule_09_what_was_answered_before_a_policy_matched_is_answered() -> None:
    lines = [created("Mon 10:00", tier="bronze"), reply("Mon 10:10"), changed("Mon 10:20", tier="gold")]
    gold = config(policy(target("first_response", "2h"), name="Gold", when={"tier": "gold"}))
    assert verdicts(gold, lines, "Mon 16:00") == []


def test_rule_09_what_was_resolved_before_a_policy_matched_is_resolved() -> None:
    lines = [
        created("Mon 10:00", tier="bronze"),
        changed("Mon 10:10", status="resolved"),
        changed("Mon 10:20", tier="gold"),
    ]
    assert [v for v in verdicts(config(GOLD), lines, "Mon 16:00") if v["state"] != "stopped"] == []


def test_rule_09_a_pause_before_the_policy_matched_is_a_pause() -> None:
    lines = [
        created("Mon 10:00", tier="bronze"), changed("Mon 10:10", status="pending"),
        changed("Mon 11:10", status="open"), changed("Mon 11:20", tier="gold"),
    ]  # fmt: skip
    check(only(config(GOLD), lines, "Mon 11:30"), elapsed_s=30 * MINUTE, paused_s=HOUR, due_at="Mon 13:00")


def test_rule_09_a_policy_may_come_to_match_a_restored_record() -> None:
    lines = [
        created("Mon 10:00", tier="bronze"), event("Mon 10:10", "deleted"), event("Mon 10:20", "restored"),
        changed("Mon 10:30", tier="gold"),
    ]  # fmt: skip
    check(only(config(GOLD), lines, "Mon 11:00"), state="running", started_at="Mon 10:00")


def test_rule_09_a_priority_may_hand_the_clock_to_another_policy() -> None:
    slow = policy(target("resolution", {"normal": "4h", "urgent": "4h"}), name="Slow")
    fast = policy(target("resolution", {"normal": "8h", "urgent": "2h"}), name="Fast")
    lines = [created("Mon 10:00", priority="normal"), changed("Mon 10:30", priority="urgent")]
    check(only(config(slow, fast), lines[:1], "Mon 10:20"), policy="Slow", due_at="Mon 14:00")
    check(only(config(slow, fast), lines, "Mon 10:40"), policy="Fast", due_at="Mon 12:00")


def test_rule_09_a_target_may_have_its_own_calendar_beside_its_policys() -> None:
    both = policy(target("first_response", "2h", calendar="always"), target("resolution", "2h"))
    found = verdicts(config(both), [created("Fri 16:00")], "Fri 16:00")
    check(pick(found, target="first_response"), due_at="Fri 18:00")
    check(pick(found, target="resolution"), due_at="Mon+1 10:00")


def test_rule_11_closed_cycles_never_change() -> None:
    lines = [created("Mon 10:00", tier="silver"), reply("Mon 10:20"), changed("Mon 11:00", tier="gold")]
    silver = policy(target("first_response", "8h"), name="Silver", when={"tier": "silver"})
    gold = policy(target("first_response", "15m"), name="Gold", when={"tier": "gold"})
    check(only(config(silver, gold), lines, "Mon 16:00"), policy="Silver", outcome="met", within_s=8 * HOUR)
