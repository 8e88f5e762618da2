"""Rules 1 to 7: units, instants, due, breach, source time, the same instant, pauses.

Office hours are Monday to Friday, 09:00 to 17:00 UTC; the week begins on Monday 2 March 2026.
"""

from __future__ import annotations

import pytest
from sla_story import (
    HOUR,
    MINUTE,
    asks,
    changed,
    check,
    config,
    created,
    only,
    policy,
    promise,
    reply,
    target,
    verdicts,
)

# ---- 1. units


@pytest.mark.parametrize(
    ("within", "seconds", "due"),
    [
        ("45s", 45, "Mon 16:00:45"),
        ("15m", 15 * MINUTE, "Mon 16:15"),
        ("1h", HOUR, "Mon 17:00"),
        ("1h30m", 90 * MINUTE, "Tue 09:30"),
        ("24h", 24 * HOUR, "Thu 16:00"),
    ],
)
def test_rule_01_within_is_working_time(within: str, seconds: int, due: str) -> None:
    verdict = only(promise("resolution", within), [created("Mon 16:00")], "Mon 16:00")
    check(verdict, within_s=seconds, due_at=due, elapsed_s=0, remaining_s=seconds)


@pytest.mark.parametrize(
    ("start", "within", "due"),
    [
        ("Mon 10:00", "2bd", "Wed 10:00"),
        ("Thu 10:00", "2bd", "Mon+1 10:00"),
        ("Fri 18:30", "1bd", "Mon+1 17:00"),  # outside: moved to the close
        ("Sat 12:00", "1bd", "Mon+1 12:00"),  # the next working day after a Saturday is Monday
    ],
)
def test_rule_01_working_days_keep_the_time_of_day(start: str, within: str, due: str) -> None:
    check(only(promise("resolution", within), [created(start)], start), due_at=due, state="running", outcome=None)


def test_rule_01_working_days_from_before_the_opening_end_at_an_opening() -> None:
    before_nine = [created("Mon 07:00")]
    check(only(promise("resolution", "1bd"), before_nine, "Mon 08:00"), due_at="Tue 09:00")


def test_rule_01_working_days_are_met_until_the_very_opening() -> None:
    evening = [created("Mon 07:00"), changed("Mon 20:00", status="resolved")]
    check(only(promise("resolution", "1bd"), evening, "Wed 12:00"), outcome="met", breached_at=None)


def test_rule_01_a_pause_moves_working_days_too() -> None:
    lines = [created("Mon 10:00"), changed("Mon 12:00", status="pending"), changed("Mon 14:00", status="open")]
    check(only(promise("resolution", "2bd"), lines, "Mon 14:00"), due_at="Wed 12:00", paused_s=2 * HOUR)


def test_rule_01_a_target_may_be_absent_for_a_priority() -> None:
    best_effort = promise("first_response", {"urgent": "15m", "low": "none"})
    assert verdicts(best_effort, [created("Mon 10:00", priority="low")], "Mon 12:00") == []
    assert verdicts(best_effort, [created("Mon 10:00", priority="high")], "Mon 12:00") == []
    check(only(best_effort, [created("Mon 10:00", priority="urgent")], "Mon 10:01"), due_at="Mon 10:15")


def test_rule_01_a_target_of_none_has_no_clock() -> None:
    assert verdicts(promise("first_response", "none"), [created("Mon 10:00")], "Mon 12:00") == []


# ---- 2. instants


def test_rule_02_an_hour_that_the_clocks_repeat_counts_twice() -> None:
    new_york = {"new-york": {"timezone": "America/New_York", "hours": "24x7"}}
    promised = config(policy(target("first_response", "2h", calendar="new-york")), calendars=new_york)
    verdict = only(promised, [created("2026-11-01T00:30:00-04:00")], "2026-11-01T05:00:00Z")
    check(verdict, due_at="2026-11-01T06:30:00Z", elapsed_s=30 * MINUTE)


@pytest.mark.parametrize(
    ("answered", "outcome"), [("Mon 10:59:59.999", "met"), ("Mon 11:00", "met"), ("Mon 11:00:00.001", "missed")]
)
def test_rule_02_instants_are_compared_to_the_millisecond(answered: str, outcome: str) -> None:
    verdict = only(promise("first_response", "1h"), [created("Mon 10:00"), reply(answered)], "Mon 12:00")
    check(verdict, outcome=outcome, completed_at=answered, state="stopped")


def test_rule_02_an_overnight_shift_belongs_to_the_day_it_opens() -> None:
    nights = {"nights": {"timezone": "UTC", "hours": {"mon-fri": "22:00-06:00"}, "closed": ["2026-03-07"]}}
    promised = config(policy(target("first_response", "8h", calendar="nights")), calendars=nights)
    check(only(promised, [created("Fri 21:00")], "Fri 23:00"), due_at="Sat 06:00", elapsed_s=HOUR)


# ---- 3. due


def test_rule_03_eight_hours_from_the_opening_are_due_at_the_close() -> None:
    check(only(promise("first_response", "8h"), [created("Mon 09:00")], "Mon 10:00"), due_at="Mon 17:00")


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("Mon 07:00", "Mon 10:00"),
        ("Mon 17:00", "Tue 10:00"),
        ("Sat 12:00", "Mon+1 10:00"),
        ("Sun 22:00", "Mon+1 10:00"),
    ],
)
def test_rule_03_a_start_outside_working_hours_counts_from_the_next_opening(start: str, due: str) -> None:
    verdict = only(promise("first_response", "1h"), [created(start)], start)
    check(verdict, state="running", outcome=None, due_at=due, elapsed_s=0, remaining_s=HOUR)


def test_rule_03_a_stop_at_due_is_met() -> None:
    verdict = only(promise("first_response", "8h"), [created("Mon 09:00"), reply("Mon 17:00")], "Tue 12:00")
    check(verdict, outcome="met", elapsed_s=8 * HOUR, remaining_s=0, late_s=0, breached_at=None)


def test_rule_03_an_answer_in_the_night_after_due_is_missed_though_no_working_time_passed() -> None:
    verdict = only(promise("first_response", "8h"), [created("Mon 09:00"), reply("Mon 20:00")], "Tue 12:00")
    check(verdict, outcome="missed", breached_at="Mon 17:00", completed_at="Mon 20:00", elapsed_s=8 * HOUR, late_s=0)


def test_rule_03_an_answer_before_the_opening_took_no_working_time() -> None:
    verdict = only(promise("first_response", "1h"), [created("Sat 12:00"), reply("Sat 13:00")], "Mon+1 12:00")
    check(verdict, outcome="met", completed_at="Sat 13:00", elapsed_s=0, remaining_s=HOUR, due_at="Mon+1 10:00")


# ---- 4. breach


@pytest.mark.parametrize("now", ["Mon 11:00:00.001", "Mon 11:30", "Fri 12:00", "Mon+2 12:00"])
def test_rule_04_the_breach_is_at_due_whenever_it_is_noticed(now: str) -> None:
    verdict = only(promise("first_response", "1h"), [created("Mon 10:00")], now)
    check(verdict, outcome="missed", state="running", breached_at="Mon 11:00", due_at="Mon 11:00", completed_at=None)


def test_rule_04_there_is_no_breach_before_due() -> None:
    verdict = only(promise("first_response", "1h"), [created("Mon 10:00")], "Mon 10:59:59.999")
    check(verdict, outcome=None, state="running", breached_at=None, late_s=0)


def test_rule_04_finishing_late_stays_missed_and_says_when_and_how_late() -> None:
    verdict = only(promise("first_response", "1h"), [created("Mon 10:00"), reply("Mon 12:30")], "Mon 16:00")
    check(
        verdict, outcome="missed", state="stopped", due_at="Mon 11:00", breached_at="Mon 11:00",
        completed_at="Mon 12:30", elapsed_s=150 * MINUTE, late_s=90 * MINUTE, remaining_s=0,
    )  # fmt: skip


def test_rule_04_lateness_of_a_running_clock_grows_in_working_time() -> None:
    late = promise("first_response", "1h")
    check(only(late, [created("Mon 10:00")], "Mon 16:00"), late_s=5 * HOUR, remaining_s=0)
    check(only(late, [created("Mon 10:00")], "Tue 10:00"), late_s=7 * HOUR)


def test_rule_04_resolving_without_an_answer_does_not_undo_a_missed_one() -> None:
    lines = [created("Mon 10:00"), changed("Mon 12:00", status="resolved"), changed("Mon 13:00", status="open")]
    check(only(promise("first_response", "1h"), lines, "Mon 16:00"), outcome="missed", breached_at="Mon 11:00")


# ---- 5. source time


def test_rule_05_the_order_of_arrival_does_not_matter() -> None:
    lines = [created("Mon 10:00", id="a"), reply("Mon 10:30", id="b"), asks("Mon 11:00", id="c")]
    promised = promise("first_response", "1h")
    forwards, backwards = verdicts(promised, lines, "Mon 12:00"), verdicts(promised, lines[::-1], "Mon 12:00")
    assert forwards == backwards
    check(forwards[0], outcome="met", completed_at="Mon 10:30", elapsed_s=30 * MINUTE)


def test_rule_05_the_same_event_twice_is_one() -> None:
    lines = [created("Mon 10:00", id="a"), asks("Mon 11:00", id="c"), reply("Mon 10:30", id="b")]
    promised = promise("next_response", "1h")
    check(only(promised, lines * 3, "Mon 11:20"), cycle=1, started_at="Mon 11:00", elapsed_s=20 * MINUTE)


def test_rule_05_an_event_without_an_id_is_known_by_its_whole_line() -> None:
    lines = [created("Mon 10:00"), reply("Mon 10:30"), asks("Mon 11:00"), asks("Mon 11:00")]
    assert len(verdicts(promise("next_response", "1h"), lines + lines, "Mon 12:00")) == 1


def test_rule_05_an_answer_that_arrives_after_due_was_given_when_it_was_given() -> None:
    lines = [created("Mon 10:00"), reply("Mon 10:50", seen="2026-03-02T13:00:00Z")]
    check(only(promise("first_response", "1h"), lines, "Mon 14:00"), outcome="met", completed_at="Mon 10:50")


def test_rule_05_the_delay_before_we_first_saw_it_is_the_systems() -> None:
    lines = [created("Mon 10:00", owner="queue:Support", seen="2026-03-02T10:20:00Z"), reply("Mon 10:30")]
    verdict = only(promise("first_response", "1h"), lines, "Mon 14:00")
    check(verdict, started_at="Mon 10:00", due_at="Mon 11:00", outcome="met")
    assert verdict["spent"] == {"system": 20 * MINUTE, "queue:Support": 10 * MINUTE}


def test_rule_05_what_comes_after_now_has_not_happened() -> None:
    lines = [created("Mon 10:00"), reply("Mon 10:30")]
    check(only(promise("first_response", "1h"), lines, "Mon 10:20"), state="running", outcome=None, completed_at=None)
    assert verdicts(promise("first_response", "1h"), lines, "Mon 09:59") == []


# ---- 6. the same instant

PENDING_AT_DUE = [created("Mon 10:00"), changed("Mon 12:00", status="pending")]


def test_rule_06_a_stop_at_the_due_instant_wins() -> None:
    lines = [created("Mon 10:00"), changed("Mon 12:00", status="resolved")]
    check(only(promise("resolution", "2h"), lines, "Mon 16:00"), outcome="met", breached_at=None, remaining_s=0)


@pytest.mark.parametrize("now", ["Mon 12:00", "Mon 16:00", "Fri 12:00"])
def test_rule_06_a_pause_at_the_due_instant_wins(now: str) -> None:
    verdict = only(promise("resolution", "2h"), PENDING_AT_DUE, now)
    check(verdict, state="paused", outcome=None, breached_at=None, remaining_s=0, elapsed_s=2 * HOUR, due_at=None)


def test_rule_06_paused_at_due_it_breaches_on_the_first_running_instant() -> None:
    lines = [*PENDING_AT_DUE, changed("Mon 15:00", status="open")]
    verdict = only(promise("resolution", "2h"), lines, "Mon 15:30")
    check(verdict, state="running", outcome="missed", breached_at="Mon 15:00", late_s=30 * MINUTE, paused_s=3 * HOUR)


def test_rule_06_paused_at_due_and_resumed_in_the_night_it_breaches_no_earlier_than_that() -> None:
    lines = [*PENDING_AT_DUE, changed("Mon 20:00", status="open")]
    verdict = only(promise("resolution", "2h"), lines, "Tue 09:30")
    assert verdict["outcome"] == "missed"
    assert "2026-03-02T20:00:00Z" <= verdict["breached_at"] <= "2026-03-03T09:00:00Z"
    check(verdict, late_s=30 * MINUTE)


def test_rule_06_paused_at_due_and_stopped_from_there_is_met() -> None:
    lines = [*PENDING_AT_DUE, changed("Mon 15:00", status="resolved")]
    check(only(promise("resolution", "2h"), lines, "Mon 16:00"), outcome="met", completed_at="Mon 15:00")


def test_rule_06_resumed_and_stopped_in_one_instant_is_met() -> None:
    lines = [
        *PENDING_AT_DUE,
        changed("Mon 15:00", status="open", seq=1),
        changed("Mon 15:00", status="resolved", seq=2),
    ]
    check(only(promise("resolution", "2h"), lines, "Mon 16:00"), outcome="met", breached_at=None)


def test_rule_06_paused_and_resumed_in_the_due_instant_is_no_pause() -> None:
    lines = [
        created("Mon 10:00"),
        changed("Mon 12:00", status="pending", seq=1),
        changed("Mon 12:00", status="open", seq=2),
    ]
    verdict = only(promise("resolution", "2h"), lines, "Mon 12:30")
    check(verdict, outcome="missed", breached_at="Mon 12:00", due_at="Mon 12:00", paused_s=0, late_s=30 * MINUTE)


@pytest.mark.parametrize(("first", "second", "state"), [("pending", "open", "running"), ("open", "pending", "paused")])
def test_rule_06_events_of_one_instant_count_in_the_order_of_their_ids(first: str, second: str, state: str) -> None:
    lines = [
        created("Mon 10:00", id="a"),
        changed("Mon 11:00", status=second, id="c"),
        changed("Mon 11:00", status=first, id="b"),
    ]
    check(only(promise("resolution", "2h"), lines, "Mon 11:30"), state=state)


def test_rule_06_a_sequence_given_by_the_source_beats_the_order_of_ids() -> None:
    lines = [
        created("Mon 10:00", id="a"),
        changed("Mon 11:00", status="pending", id="z", seq=1),
        changed("Mon 11:00", status="open", id="b", seq=2),
    ]
    check(only(promise("resolution", "2h"), lines, "Mon 11:30"), state="running")


def test_rule_06_a_later_due_given_at_the_due_instant_wins() -> None:
    promised = promise("resolution", {"high": "2h", "normal": "4h"})
    lines = [created("Mon 10:00", priority="high"), changed("Mon 12:00", priority="normal")]
    check(only(promised, lines, "Mon 13:00"), outcome=None, breached_at=None, due_at="Mon 14:00")


# ---- 7. pauses


def test_rule_07_only_the_working_part_of_a_pause_is_excluded() -> None:
    lines = [created("Mon 14:00"), changed("Mon 16:00", status="pending"), changed("Tue 10:00", status="open")]
    verdict = only(promise("resolution", "4h"), lines, "Tue 10:00")
    check(verdict, paused_s=2 * HOUR, elapsed_s=2 * HOUR, due_at="Tue 12:00")


def test_rule_07_a_hold_over_a_weekend() -> None:
    lines = [created("Fri 15:00"), changed("Fri 16:00", status="on_hold"), changed("Mon+1 10:00", status="open")]
    verdict = only(promise("resolution", "4h"), lines, "Mon+1 11:00")
    check(verdict, paused_s=2 * HOUR, elapsed_s=2 * HOUR, due_at="Mon+1 13:00")


def test_rule_07_a_hold_in_the_night_changes_nothing() -> None:
    lines = [created("Mon 16:00"), changed("Mon 18:00", status="pending"), changed("Tue 08:00", status="open")]
    check(only(promise("resolution", "4h"), lines, "Tue 09:00"), paused_s=0, elapsed_s=HOUR, due_at="Tue 12:00")


def test_rule_07_two_holds_add_up() -> None:
    lines = [
        created("Mon 09:00"),
        changed("Mon 10:00", status="pending"), changed("Mon 11:00", status="open"),
        changed("Mon 12:00", status="on_hold"), changed("Mon 14:00", status="open"),
    ]  # fmt: skip
    verdict = only(promise("resolution", "4h"), lines, "Mon 14:00")
    check(verdict, paused_s=3 * HOUR, elapsed_s=2 * HOUR, remaining_s=2 * HOUR, due_at="Mon 16:00")


def test_rule_07_from_one_hold_to_the_other_is_one_hold() -> None:
    lines = [
        created("Mon 09:00"),
        changed("Mon 10:00", status="pending"), changed("Mon 11:00", status="on_hold"),
        changed("Mon 12:00", status="open"),
    ]  # fmt: skip
    check(only(promise("resolution", "4h"), lines, "Mon 12:00"), paused_s=2 * HOUR, due_at="Mon 15:00")


def test_rule_07_paused_there_is_no_due_but_what_is_left() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending")]
    verdict = only(promise("resolution", "4h"), lines, "Mon 12:00")
    check(verdict, state="paused", outcome=None, due_at=None, elapsed_s=HOUR, paused_s=2 * HOUR, remaining_s=3 * HOUR)


def test_rule_07_paused_straight_to_resolved() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending"), changed("Tue 10:00", status="resolved")]
    verdict = only(promise("resolution", "4h"), lines, "Wed 10:00")
    check(verdict, outcome="met", completed_at="Tue 10:00", elapsed_s=HOUR, paused_s=8 * HOUR, remaining_s=3 * HOUR)
    check(verdict, due_at="Tue 13:00")  # three hours were left


def test_rule_07_created_waiting_it_starts_paused() -> None:
    verdict = only(promise("resolution", "4h"), [created("Mon 09:00", status="pending")], "Mon 12:00")
    check(verdict, state="paused", due_at=None, elapsed_s=0, paused_s=3 * HOUR, remaining_s=4 * HOUR)


def test_rule_07_a_customer_message_ends_the_wait_at_its_own_time() -> None:
    lines = [
        created("Mon 09:00"), changed("Mon 10:00", status="pending"),
        asks("Mon 13:00"), changed("Mon 14:00", status="open", actor="workflow:reopen"),
    ]  # fmt: skip
    verdict = only(promise("resolution", "4h"), lines, "Mon 14:00")
    check(verdict, paused_s=3 * HOUR, elapsed_s=2 * HOUR, due_at="Mon 16:00", state="running")


def test_rule_07_a_customer_message_ends_the_wait_even_if_the_status_never_follows() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending"), asks("Mon 13:00")]
    check(only(promise("resolution", "4h"), lines, "Mon 13:30"), state="running", due_at="Mon 16:00", paused_s=3 * HOUR)


def test_rule_07_a_customer_message_does_not_end_a_wait_for_somebody_else() -> None:
    lines = [
        created("Mon 09:00"), changed("Mon 10:00", status="on_hold"),
        asks("Mon 13:00"), changed("Mon 14:00", status="open"),
    ]  # fmt: skip
    check(only(promise("resolution", "4h"), lines, "Mon 14:00"), paused_s=4 * HOUR, elapsed_s=HOUR, due_at="Mon 17:00")


def test_rule_07_what_the_team_writes_does_not_end_the_wait_for_the_customer() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending"), reply("Mon 11:00")]
    check(only(promise("resolution", "4h"), lines, "Mon 12:00"), state="paused", paused_s=2 * HOUR)


def test_rule_07_overdue_time_stands_still_while_paused() -> None:
    lines = [created("Mon 09:00"), changed("Mon 11:00", status="pending")]
    verdict = only(promise("resolution", "1h"), lines, "Mon 12:30")
    check(verdict, state="paused", outcome="missed", due_at="Mon 10:00", breached_at="Mon 10:00", late_s=HOUR)
    resumed = only(promise("resolution", "1h"), [*lines, changed("Mon 13:00", status="open")], "Mon 14:00")
    check(resumed, outcome="missed", late_s=2 * HOUR, paused_s=2 * HOUR, elapsed_s=3 * HOUR, breached_at="Mon 10:00")


def test_rule_07_a_first_response_is_not_paused_by_status() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending")]
    check(only(promise("first_response", "2h"), lines, "Mon 12:00"), outcome="missed", breached_at="Mon 11:00")


def test_rule_07_a_target_may_pause_on_what_it_likes() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending")]
    waits = promise("first_response", "2h", pause={"status": ["pending"]})
    check(only(waits, lines, "Mon 12:00"), state="paused", outcome=None, elapsed_s=HOUR)
    runs_on = promise("resolution", "2h", pause={"status": []})
    check(only(runs_on, lines, "Mon 12:00"), state="running", outcome="missed", paused_s=0)
    only_on_hold = promise("resolution", "2h", pause={"status": ["on_hold"]})
    check(only(only_on_hold, lines, "Mon 10:30"), state="running", elapsed_s=90 * MINUTE)
