"""Rule 10: what reopening a record does to each kind of clock."""

from __future__ import annotations

import pytest
from sla_story import HOUR, MINUTE, asks, changed, check, created, only, pick, policy, promise, reply, target, verdicts
from sla_story import config as configured

DAY = promise("resolution", "8h")
SOLVED = [created("Mon 09:00"), changed("Mon 12:00", status="resolved")]  # after three of eight hours


def again(at: str, **more: object) -> dict:
    return changed(at, status="open", **more)


def test_rule_10_a_reopened_record_resumes_its_cycle_without_the_solved_gap() -> None:
    verdict = only(DAY, [*SOLVED, again("Tue 10:00")], "Tue 11:00")
    check(
        verdict, cycle=1, state="running", outcome=None, started_at="Mon 09:00", due_at="Tue 15:00",
        completed_at=None, elapsed_s=4 * HOUR, remaining_s=4 * HOUR,
    )  # fmt: skip


def test_rule_10_solved_it_is_met_for_the_time_being() -> None:
    check(only(DAY, SOLVED, "Tue 09:00"), state="stopped", outcome="met", completed_at="Mon 12:00", elapsed_s=3 * HOUR)


def test_rule_10_solve_reopen_solve() -> None:
    lines = [*SOLVED, again("Tue 10:00"), changed("Tue 11:00", status="resolved")]
    check(only(DAY, lines, "Wed 12:00"), cycle=1, outcome="met", completed_at="Tue 11:00", elapsed_s=4 * HOUR)


def test_rule_10_reopened_twice() -> None:
    lines = [*SOLVED, again("Tue 10:00"), changed("Tue 11:00", status="resolved"), again("Wed 09:00")]
    check(only(DAY, lines, "Wed 09:00"), cycle=1, outcome=None, due_at="Wed 13:00", elapsed_s=4 * HOUR)


def test_rule_10_reopened_and_late_it_is_missed() -> None:
    lines = [*SOLVED, again("Tue 10:00"), changed("Tue 16:00", status="resolved")]
    check(only(DAY, lines, "Wed 12:00"), outcome="missed", breached_at="Tue 15:00", late_s=HOUR)


def test_rule_10_a_breach_before_stays_a_breach() -> None:
    lines = [created("Mon 09:00"), changed("Tue 10:00", status="resolved"), again("Tue 12:00")]
    verdict = only(DAY, lines, "Tue 13:00")
    check(verdict, cycle=1, state="running", outcome="missed", breached_at="Mon 17:00", elapsed_s=10 * HOUR)
    check(verdict, late_s=2 * HOUR)


# Solved five minutes before due: what is left on reopening is lifted to the floor.
NARROW = [created("Mon 09:00"), changed("Mon 16:55", status="resolved"), again("Tue 09:00")]


@pytest.mark.parametrize(
    ("reopen", "due"),
    [
        (None, "Tue 09:48"),  # a tenth of eight hours
        ({"floor": "15m"}, "Tue 09:15"),
        ({"floor": "2h"}, "Tue 11:00"),
        ({"floor": "0s"}, "Tue 09:05"),
        ({"window": "5bd"}, "Tue 09:48"),
    ],
)
def test_rule_10_due_is_at_least_the_floor_ahead(reopen: dict | None, due: str) -> None:
    promised = promise("resolution", "8h", **({"reopen": reopen} if reopen else {}))
    check(only(promised, NARROW, "Tue 09:00"), cycle=1, due_at=due, outcome=None)


def test_rule_10_the_floor_of_a_short_target_is_a_quarter_of_an_hour() -> None:
    lines = [created("Mon 09:00"), changed("Mon 09:55", status="resolved"), again("Mon 11:00")]
    check(only(promise("resolution", "1h"), lines, "Mon 11:00"), due_at="Mon 11:15")


def test_rule_10_the_floor_does_not_shorten_what_is_left() -> None:
    check(only(promise("resolution", "8h", reopen={"floor": "15m"}), [*SOLVED, again("Tue 10:00")], "Tue 10:00"),
          due_at="Tue 15:00")  # fmt: skip


def test_rule_10_after_the_window_a_new_cycle_begins() -> None:
    # Solved on Monday at noon: five working days end on Monday a week later at noon.
    inside = verdicts(DAY, [*SOLVED, again("Mon+1 11:00")], "Mon+1 11:30")
    assert [v["cycle"] for v in inside] == [1]
    found = verdicts(DAY, [*SOLVED, again("Mon+1 13:00")], "Mon+1 14:00")
    assert [v["cycle"] for v in found] == [1, 2]
    check(found[0], state="stopped", outcome="met", completed_at="Mon 12:00", elapsed_s=3 * HOUR)
    check(found[1], state="running", outcome=None, started_at="Mon+1 13:00", due_at="Tue+1 13:00", elapsed_s=HOUR)


def test_rule_10_the_window_may_be_a_duration_of_working_time() -> None:
    promised = promise("resolution", "8h", reopen={"window": "2h"})
    late_monday = [created("Mon 09:00"), changed("Mon 16:00", status="resolved")]
    assert [v["cycle"] for v in verdicts(promised, [*late_monday, again("Tue 09:30")], "Tue 10:00")] == [1]
    assert [v["cycle"] for v in verdicts(promised, [*late_monday, again("Tue 10:30")], "Tue 11:00")] == [1, 2]


def test_rule_10_the_window_may_be_always() -> None:
    promised = promise("resolution", "8h", reopen={"window": "always"})
    check(only(promised, [*SOLVED, again("Mon+2 09:00")], "Mon+2 09:00"), cycle=1, due_at="Mon+2 14:00")


def test_rule_10_the_window_may_be_never() -> None:
    promised = promise("resolution", "8h", reopen={"window": "never"})
    found = verdicts(promised, [*SOLVED, again("Mon 13:00")], "Mon 14:00")
    check(pick(found, cycle=1), outcome="met", completed_at="Mon 12:00")
    check(pick(found, cycle=2), outcome=None, started_at="Mon 13:00", due_at="Tue 13:00")


def test_rule_10_a_target_may_have_its_own_reopening_beside_its_policys() -> None:
    strict = target("resolution", "8h", reopen={"window": "never"})
    promised = configured(policy(strict, reopen={"window": "always"}))
    assert [v["cycle"] for v in verdicts(promised, [*SOLVED, again("Mon 13:00")], "Mon 14:00")] == [1, 2]


def test_rule_10_a_record_that_began_as_resolved_can_be_reopened() -> None:
    lines = [created("Mon 09:00", status="resolved"), again("Mon 12:00")]
    check(verdicts(DAY, lines, "Mon 13:00")[-1], state="running", due_at="Tue 12:00", elapsed_s=HOUR)


def test_rule_10_from_resolved_to_closed_is_no_reopening() -> None:
    lines = [*SOLVED, changed("Wed 12:00", status="closed")]
    check(only(DAY, lines, "Thu 12:00"), cycle=1, state="stopped", outcome="met", completed_at="Mon 12:00")


def test_rule_10_closed_and_reopened() -> None:
    lines = [created("Mon 09:00"), changed("Mon 12:00", status="closed"), again("Tue 10:00")]
    check(only(DAY, lines, "Tue 10:00"), cycle=1, state="running", due_at="Tue 15:00")


def test_rule_10_reopened_into_a_wait_it_is_paused() -> None:
    lines = [*SOLVED, changed("Tue 10:00", status="pending")]
    check(only(DAY, lines, "Tue 12:00"), state="paused", outcome=None, due_at=None, remaining_s=5 * HOUR)
    check(only(DAY, [*lines, again("Tue 12:00")], "Tue 12:00"), state="running", due_at="Tue 17:00")


def test_rule_10_first_resolution_never_reopens() -> None:
    found = only(promise("first_resolution", "8h"), [*SOLVED, again("Tue 10:00")], "Fri 12:00")
    check(found, cycle=1, state="stopped", outcome="met", completed_at="Mon 12:00", elapsed_s=3 * HOUR)


def test_rule_10_first_response_never_restarts() -> None:
    lines = [created("Mon 09:00"), reply("Mon 09:30"), *SOLVED[1:], again("Tue 10:00"), reply("Tue 12:00")]
    check(only(promise("first_response", "1h"), lines, "Wed 12:00"), cycle=1, outcome="met", completed_at="Mon 09:30")


THANKS = [created("Mon 09:00"), reply("Mon 09:30"), *SOLVED[1:], asks("Mon 13:00")]


@pytest.mark.parametrize("metric", ["next_response", "first_response", "resolution", "waiting_on_customer"])
def test_rule_10_a_message_on_a_resolved_record_starts_nothing(metric: str) -> None:
    assert [v for v in verdicts(promise(metric, "1h"), THANKS, "Tue 12:00") if v["state"] != "stopped"] == []


def test_rule_10_a_message_that_reopens_a_record_in_the_same_instant_waits_from_then() -> None:
    for first, second in ((1, 2), (2, 1)):
        lines = [*THANKS[:3], asks("Mon 13:00", seq=first), again("Mon 13:00", seq=second, actor="workflow:reopen")]
        check(only(promise("next_response", "1h"), lines, "Mon 13:30"), cycle=1, started_at="Mon 13:00")


def test_rule_10_a_message_that_reopens_a_record_waits_from_its_own_time() -> None:
    lines = [*THANKS, again("Mon 13:00:02", actor="workflow:reopen")]
    check(only(promise("next_response", "1h"), lines, "Mon 13:30"), started_at="Mon 13:00", elapsed_s=30 * MINUTE)


def test_rule_10_the_next_answer_is_owed_again_once_the_record_is_open() -> None:
    lines = [*THANKS, again("Tue 10:00", actor="user:3"), reply("Tue 10:05"), asks("Tue 10:30")]
    last = verdicts(promise("next_response", "1h"), lines, "Tue 10:40")[-1]
    check(last, state="running", started_at="Tue 10:30", due_at="Tue 11:30")
