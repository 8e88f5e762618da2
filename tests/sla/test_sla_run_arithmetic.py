"""What each thing that can happen to one running clock makes of its legs, its due and what it notes of the change.

The clock is taken alone here, without a track that decides and without a record.
"""

from __future__ import annotations

from typing import Any

import pytest
from sla_story import config, instant, policy, target

from sla.instant import HOUR, MINUTE, parse_instant
from sla.policy import Policies
from sla.run import Change, Run, floor_ms
from sla.target import Offer

STEPS = [{"at": "25%", "notify": "owner"}, {"at": "50%", "notify": "owner"}, {"at": "due", "notify": "manager"}]


def ms(text: str) -> int:
    return parse_instant(instant(text))


def offered(within: str, *, name: str = "Support", hours: Any = None, **more: Any) -> Offer:
    """What a policy for resolutions promises a record; ``hours`` are another office's than Monday to Friday 9 to 17."""
    calendars = {"office": {"timezone": "UTC", "hours": hours}} if hours else None
    read = Policies.from_config(config(policy(target("resolution", within, **more), name=name), calendars=calendars))
    offer = read.policies[0].targets[0].offer({}, 0)
    assert offer
    return offer


FOUR, EIGHT, TWO_DAYS = offered("4h"), offered("8h"), offered("2bd")


def ten(offer: Offer = FOUR) -> Run:
    """A clock that began on Monday at ten: four hours end at 14:00."""
    return Run(offer, 1, ms("Mon 10:00"))


def changes(run: Run) -> list[tuple[object, ...]]:
    """What was noted: why, the length before and after in minutes, due before and after, and whether it was floored."""
    return [(c.why, c.within_before // MINUTE, c.within // MINUTE, c.due_before, c.due, c.floored) for c in run.changes]


# ---- the beginning


def test_a_clock_begins_running_with_nothing_behind_it() -> None:
    run = Run(FOUR, 3, ms("Mon 10:00"))
    assert (run.cycle, run.started_at, run.seen_at, run.open_from) == (3, *[ms("Mon 10:00")] * 3)
    assert (run.within, run.budget, run.elapsed, run.due_at) == (4 * HOUR, 4 * HOUR, 0, ms("Mon 14:00"))
    assert (run.legs, run.pauses, run.changes, run.resumed, run.running, run.ended) == (
        [],
        [],
        [],
        False,
        True,
        False,
    )
    nothing = (run.paused_from, run.breached_at, run.completed_at, run.ended_at, run.outcome, run.reason)
    assert (*nothing, run.extended_until, run.fields) == (None,) * 8


def test_working_days_are_due_at_their_time_of_day_and_as_long_as_the_time_until_then() -> None:
    run = Run(TWO_DAYS, 1, ms("Mon 12:00"))
    assert (run.due_at, run.within, run.budget) == (ms("Wed 12:00"), 16 * HOUR, 16 * HOUR)
    early = Run(TWO_DAYS, 1, ms("Mon 07:00"))  # sixteen working hours would end on Tuesday at five
    assert (early.due_at, early.within) == (ms("Wed 09:00"), 16 * HOUR)


@pytest.mark.parametrize(
    ("within", "floor"),
    [(0, 15), (60, 15), (150, 15), (160, 16), (480, 48)],
)
def test_the_floor_is_a_tenth_of_the_promise_and_a_quarter_of_an_hour_at_least(within: int, floor: int) -> None:
    assert floor_ms(within * MINUTE) == floor * MINUTE


def test_the_floor_is_a_whole_number_of_milliseconds() -> None:
    assert floor_ms(3 * HOUR + 9) == 18 * MINUTE
    assert isinstance(floor_ms(3 * HOUR + 9), int)


# ---- pauses


def test_a_pause_is_a_segment_closed_and_another_one_opened() -> None:
    run = ten()
    run.pause(ms("Mon 11:00"))
    assert (run.running, run.open_from, run.paused_from, run.due_at) == (False, None, ms("Mon 11:00"), None)
    assert (run.elapsed_at(ms("Mon 12:00")), run.paused_at(ms("Mon 12:00"))) == (HOUR, HOUR)
    run.resume(ms("Mon 12:30"))
    assert [(s.start, s.end, s.before, s.resumed) for s in run.legs] == [(ms("Mon 10:00"), ms("Mon 11:00"), 0, False)]
    assert (run.pauses, run.paused_from) == ([(ms("Mon 11:00"), ms("Mon 12:30"))], None)
    assert (run.open_from, run.resumed, run.elapsed, run.due_at) == (ms("Mon 12:30"), True, HOUR, ms("Mon 15:30"))
    assert (run.elapsed_at(ms("Mon 13:00")), run.paused_at(ms("Mon 13:00"))) == (90 * MINUTE, 90 * MINUTE)
    run.pause(ms("Mon 13:30"))
    assert run.paused_at(ms("Mon 14:00")) == 2 * HOUR
    assert [(s.before, s.resumed) for s in run.legs] == [(0, False), (HOUR, True)]


@pytest.mark.parametrize("at", ["Mon 10:00", "Mon 11:00"])
def test_a_pause_of_no_length_never_was(at: str) -> None:
    run = ten()
    run.pause(ms(at))
    run.resume(ms(at))
    assert (run.legs, run.pauses, run.elapsed, run.resumed) == ([], [], 0, False)
    assert (run.open_from, run.paused_from, run.due_at) == (ms("Mon 10:00"), None, ms("Mon 14:00"))


def test_a_second_pause_of_no_length_leaves_the_first_as_it_was() -> None:
    run = ten()
    run.pause(ms("Mon 11:00"))
    run.resume(ms("Mon 12:00"))
    run.pause(ms("Mon 13:00"))
    run.resume(ms("Mon 13:00"))
    assert (run.open_from, run.elapsed, run.resumed, len(run.legs)) == (ms("Mon 12:00"), HOUR, True, 1)


def test_a_pause_at_due_leaves_nothing_and_is_no_breach() -> None:
    run = ten()
    run.pause(ms("Mon 14:00"))
    assert (run.breached_at, run.outcome, run.due_at) == (None, None, None)
    run.resume(ms("Mon 18:00"))
    assert run.due_at == ms("Tue 09:00")  # the first instant at which anybody is there again


def test_a_pause_after_due_leaves_the_breach_where_it_was() -> None:
    run = ten()
    run.pause(ms("Mon 15:00"))
    assert (run.breached_at, run.due_at, run.outcome) == (ms("Mon 14:00"), ms("Mon 14:00"), "missed")
    run.resume(ms("Mon 16:00"))
    assert (run.breached_at, run.due_at, run.elapsed) == (ms("Mon 14:00"), ms("Mon 14:00"), 5 * HOUR)


def test_a_pause_at_night_leaves_working_days_what_they_are() -> None:
    run = Run(TWO_DAYS, 1, ms("Mon 07:00"))
    run.pause(ms("Mon 18:00"))
    run.resume(ms("Tue 08:00"))
    assert run.due_at == ms("Wed 09:00")
    run.pause(ms("Tue 10:00"))
    run.resume(ms("Tue 11:00"))
    assert run.due_at == ms("Wed 10:00")  # nine of sixteen hours were worked, seven are left: six and one


# ---- the end


@pytest.mark.parametrize(
    ("at", "outcome", "breached"), [("Mon 14:00", "met", None), ("Mon 14:01", "missed", "Mon 14:00")]
)
def test_a_clock_that_stops_at_due_has_met_it(at: str, outcome: str, breached: str | None) -> None:
    run = ten()
    run.stop(ms(at))
    assert (run.outcome, run.breached_at, run.reason) == (outcome, ms(breached) if breached else None, None)
    assert (run.completed_at, run.ended_at, run.open_from, run.due_at) == (ms(at), ms(at), None, ms("Mon 14:00"))


def test_a_clock_that_stops_in_a_pause_is_due_as_if_it_had_gone_on_then() -> None:
    run = ten()
    run.pause(ms("Mon 11:00"))
    run.stop(ms("Mon 12:00"), "done by phone")
    assert (run.due_at, run.elapsed, run.paused_from) == (ms("Mon 15:00"), HOUR, None)
    assert (run.pauses, run.outcome, run.reason) == ([(ms("Mon 11:00"), ms("Mon 12:00"))], "met", "done by phone")


def test_a_missed_clock_that_stops_in_a_pause_keeps_its_due() -> None:
    run = ten()
    run.pause(ms("Mon 15:00"))
    run.stop(ms("Mon 16:00"))
    assert (run.due_at, run.outcome) == (ms("Mon 14:00"), "missed")


def test_a_cancelled_clock_has_completed_nothing() -> None:
    run, late = ten(), ten()
    run.cancel(ms("Mon 11:00"), "merged")
    late.cancel(ms("Mon 15:00"), "merged")
    assert (run.outcome, run.reason, run.completed_at, run.ended_at) == ("cancelled", "merged", None, ms("Mon 11:00"))
    assert (late.outcome, late.reason, late.breached_at) == ("missed", "merged", ms("Mon 14:00"))


@pytest.mark.parametrize(
    ("now", "breached"), [("Mon 13:59", None), ("Mon 14:00", "Mon 14:00"), ("Tue 09:00", "Mon 14:00")]
)
def test_an_open_clock_is_judged_at_its_due(now: str, breached: str | None) -> None:
    run = ten()
    run.judge(ms(now))
    assert (run.breached_at, run.outcome) == ((ms(breached), "missed") if breached else (None, None))


def test_a_clock_is_overdue_after_its_due_and_not_at_it() -> None:
    run = ten()
    assert [run.overdue(ms(at)) for at in ("Mon 13:59", "Mon 14:00", "Mon 14:01")] == [False, False, True]
    run.pause(ms("Mon 13:00"))
    assert not run.overdue(ms("Mon 16:00"))


def test_what_excuses_a_miss_reaches_as_far_as_the_excused_time_lasts() -> None:
    run = ten()
    assert run.excused_until(30 * MINUTE) == ms("Mon 14:30")
    run.pause(ms("Mon 11:00"))
    assert run.excused_until(30 * MINUTE) is None
    run.resume(ms("Mon 12:00"))
    assert run.excused_until(30 * MINUTE) == ms("Mon 15:30")


# ---- going on after the end


def stopped(at: str) -> Run:
    run = ten()
    run.stop(ms(at), "done")
    run.fields = {"status": "resolved"}
    return run


def test_a_clock_that_goes_on_leaves_the_gap_out_and_is_undecided_again() -> None:
    run = stopped("Mon 12:00")
    run.go_on(ms("Tue 10:00"))
    assert (run.outcome, run.completed_at, run.ended_at, run.reason, run.fields) == (None,) * 5
    assert (run.open_from, run.resumed, run.elapsed, run.due_at) == (ms("Tue 10:00"), True, 2 * HOUR, ms("Tue 12:00"))
    lengths, dues = (4 * HOUR, 4 * HOUR), (ms("Mon 14:00"), ms("Tue 12:00"))
    assert run.changes == [Change(ms("Tue 10:00"), "revived", "Support", "Support", *lengths, *dues, False)]


@pytest.mark.parametrize(
    ("floor", "due", "floored"),
    [(0, "Tue 12:00", False), (120, "Tue 12:00", False), (121, "Tue 12:01", True), (180, "Tue 13:00", True)],
)
def test_a_reopened_clock_is_due_the_floor_ahead_at_least(floor: int, due: str, floored: bool) -> None:
    run = stopped("Mon 12:00")
    run.go_on(ms("Tue 10:00"), floor * MINUTE)
    assert run.due_at == ms(due)
    assert changes(run) == [("reopened", 240, 240, ms("Mon 14:00"), ms(due), floored)]
    assert run.budget == max(4 * HOUR, 2 * HOUR + floor * MINUTE)


def test_a_reopened_clock_that_was_missed_stays_missed_and_gets_no_floor() -> None:
    run = stopped("Mon 15:00")
    run.go_on(ms("Tue 10:00"), 3 * HOUR)
    assert (run.outcome, run.breached_at, run.due_at, run.budget) == (
        "missed", ms("Mon 14:00"), ms("Mon 14:00"), 4 * HOUR,
    )  # fmt: skip
    assert changes(run) == [("reopened", 240, 240, ms("Mon 14:00"), ms("Mon 14:00"), False)]


def test_a_clock_with_nothing_left_that_goes_on_is_due_when_somebody_is_there() -> None:
    later, at_once = Run(FOUR, 1, ms("Mon 13:00")), Run(FOUR, 1, ms("Mon 13:00"))
    for run, at in ((later, "Mon 18:00"), (at_once, "Mon 17:00")):
        run.stop(ms("Mon 17:00"))
        run.go_on(ms(at), 0)
    assert (later.resumed, later.due_at) == (True, ms("Tue 09:00"))
    assert (at_once.resumed, at_once.due_at) == (False, ms("Mon 17:00"))


PENDING, OPEN = {"status": "pending"}, {"status": "open"}


def test_a_revived_clock_counts_the_gap_without_what_would_have_paused_it() -> None:
    run = ten()
    run.cancel(ms("Mon 11:00"), "policy")
    log = [(ms("Mon 11:00"), OPEN), (ms("Mon 11:15"), PENDING), (ms("Mon 11:45"), OPEN)]
    run.revive(ms("Mon 12:00"), FOUR, log)
    assert (run.pauses, run.elapsed, run.due_at) == (
        [(ms("Mon 11:15"), ms("Mon 11:45"))], 90 * MINUTE, ms("Mon 14:30"),
    )  # fmt: skip
    assert (run.outcome, run.reason, run.resumed) == (None, None, False)
    assert changes(run) == [
        ("revived", 240, 240, ms("Mon 14:00"), None, False),
        ("terms", 240, 240, None, ms("Mon 14:30"), False),
    ]  # fmt: skip


def test_a_revived_clock_that_would_be_overdue_is_due_the_floor_ahead() -> None:
    run = ten()
    run.cancel(ms("Mon 11:00"), "policy")
    run.revive(ms("Mon 16:00"), FOUR, [])
    assert (run.outcome, run.due_at, run.elapsed_at(ms("Mon 16:00"))) == (None, ms("Mon 16:24"), 6 * HOUR)
    assert changes(run)[-1][0] == "late"
    assert changes(run)[-1][-2:] == (ms("Mon 16:24"), True)


# ---- a start that comes to be known late


@pytest.mark.parametrize(
    ("at", "due", "noted"),
    [("Mon 13:59", "Mon 14:00", False), ("Mon 14:00", "Mon 14:24", True), ("Mon 16:50", "Tue 09:14", True)],
)
def test_a_clock_known_only_late_is_not_overdue_by_surprise(at: str, due: str, noted: bool) -> None:
    run = ten()
    run.begin_late(ms(at), [])
    assert (run.due_at, run.breached_at) == (ms(due), None)
    assert changes(run) == ([("late", 240, 240, ms("Mon 14:00"), ms(due), True)] if noted else [])


def test_a_paused_clock_with_nothing_left_is_given_the_floor_too() -> None:
    run, spare = ten(), ten()
    run.begin_late(ms("Mon 15:00"), [(ms("Mon 14:00"), PENDING)])
    spare.begin_late(ms("Mon 15:00"), [(ms("Mon 13:59"), PENDING)])
    assert (run.budget, spare.budget) == (4 * HOUR + 24 * MINUTE, 4 * HOUR)
    assert changes(run) == [("late", 240, 240, None, None, True)]
    assert changes(spare) == []
    run.resume(ms("Mon 16:00"))
    spare.resume(ms("Mon 16:00"))
    assert (run.due_at, spare.due_at) == (ms("Mon 16:24"), ms("Mon 16:01"))


def test_pauses_before_a_clock_was_known_are_pauses_and_nothing_is_judged_between_them() -> None:
    run = ten()
    run.begin_late(ms("Tue 10:00"), [(ms("Mon 15:00"), PENDING), (ms("Mon 16:00"), PENDING), (ms("Tue 09:00"), OPEN)])
    assert (run.breached_at, run.outcome, run.pauses) == (None, None, [(ms("Mon 15:00"), ms("Tue 09:00"))])
    assert (run.elapsed_at(ms("Tue 10:00")), run.due_at) == (6 * HOUR, ms("Tue 10:24"))


# ---- extensions


def test_an_extension_lays_due_at_its_very_instant_also_where_nobody_is_there() -> None:
    run = ten()
    run.extend(ms("Mon 11:00"), ms("Mon 20:00"))
    assert (run.due_at, run.budget, run.extended_until) == (ms("Mon 20:00"), 7 * HOUR, ms("Mon 20:00"))
    assert (run.open_from, run.elapsed, run.resumed) == (ms("Mon 11:00"), HOUR, False)
    assert changes(run) == [("extended", 240, 240, ms("Mon 14:00"), ms("Mon 20:00"), False)]


@pytest.mark.parametrize("until", ["Mon 13:00", "Mon 14:00"])
def test_an_extension_to_due_or_before_changes_nothing(until: str) -> None:
    run = ten()
    run.extend(ms("Mon 11:00"), ms(until))
    assert (run.due_at, run.budget, run.changes, run.legs) == (ms("Mon 14:00"), 4 * HOUR, [], [])
    assert run.extended_until == ms(until)


def test_of_two_extensions_the_later_one_counts() -> None:
    run = ten()
    run.extend(ms("Mon 11:00"), ms("Mon 16:00"))
    run.extend(ms("Mon 11:30"), ms("Mon 15:00"))
    assert (run.extended_until, run.due_at, len(run.changes)) == (ms("Mon 16:00"), ms("Mon 16:00"), 1)
    run.extend(ms("Mon 12:00"), ms("Mon 17:00"))
    assert (run.extended_until, run.due_at, len(run.changes)) == (ms("Mon 17:00"), ms("Mon 17:00"), 2)


def test_an_extension_at_due_is_in_time_and_one_after_it_is_not() -> None:
    run, late = ten(), ten()
    run.extend(ms("Mon 14:00"), ms("Mon 16:00"))
    late.extend(ms("Mon 14:01"), ms("Mon 16:00"))
    assert (run.due_at, run.breached_at) == (ms("Mon 16:00"), None)
    assert (late.due_at, late.extended_until, late.changes, late.legs) == (ms("Mon 14:00"), ms("Mon 16:00"), [], [])


def test_an_extension_of_a_clock_that_is_missed_or_ended_is_only_remembered() -> None:
    missed, ended = ten(), stopped("Mon 12:00")
    missed.judge(ms("Mon 14:30"))
    missed.extend(ms("Mon 15:00"), ms("Mon 16:00"))
    ended.extend(ms("Mon 13:00"), ms("Mon 16:00"))
    assert (missed.due_at, missed.extended_until, missed.changes) == (ms("Mon 14:00"), ms("Mon 16:00"), [])
    assert (ended.due_at, ended.extended_until, ended.changes) == (ms("Mon 14:00"), ms("Mon 16:00"), [])


@pytest.mark.parametrize(("until", "budget"), [("Tue 10:00", 7), ("Mon 13:00", 4)])
def test_an_extension_in_a_pause_counts_the_working_time_until_then(until: str, budget: int) -> None:
    run = ten()
    run.pause(ms("Mon 11:00"))
    run.extend(ms("Mon 12:00"), ms(until))
    assert (run.budget, run.due_at) == (budget * HOUR, None)
    assert changes(run) == [("extended", 240, 240, None, None, False)]


# ---- an older wait is taken over


def test_an_older_wait_is_a_segment_before_the_first() -> None:
    run = ten()
    run.begin_earlier(ms("Mon 11:00"), ms("Mon 09:00"))
    assert [(s.start, s.end, s.before, s.resumed) for s in run.legs] == [
        (ms("Mon 09:00"), ms("Mon 10:00"), 0, False), (ms("Mon 10:00"), ms("Mon 11:00"), HOUR, False),
    ]  # fmt: skip
    assert (run.started_at, run.elapsed, run.due_at) == (ms("Mon 09:00"), 2 * HOUR, ms("Mon 13:00"))
    assert changes(run) == [("merged", 240, 240, ms("Mon 14:00"), ms("Mon 13:00"), False)]


@pytest.mark.parametrize("since", ["Mon 10:00", "Mon 10:30"])
def test_a_wait_that_is_not_older_changes_nothing(since: str) -> None:
    run = ten()
    run.begin_earlier(ms("Mon 11:00"), ms(since))
    assert (run.started_at, run.due_at, run.changes, run.legs) == (ms("Mon 10:00"), ms("Mon 14:00"), [], [])


def test_an_older_wait_brings_due_no_nearer_than_the_floor_and_no_later_than_it_stood() -> None:
    run, close = ten(), ten()
    run.begin_earlier(ms("Mon 12:50"), ms("Mon 09:00"))
    close.begin_earlier(ms("Mon 13:50"), ms("Mon 09:00"))
    assert run.due_at == ms("Mon 13:14")
    assert changes(run) == [("merged", 240, 240, ms("Mon 14:00"), ms("Mon 13:14"), True)]
    assert close.due_at == ms("Mon 14:00")
    assert changes(close) == [("merged", 240, 240, ms("Mon 14:00"), ms("Mon 14:00"), True)]


def test_an_older_wait_of_a_paused_clock_takes_from_what_is_left() -> None:
    run, far = ten(), ten()
    for paused, since in ((run, ms("Mon 09:00")), (far, ms("Mon 09:00") - 72 * HOUR)):
        paused.pause(ms("Mon 11:00"))
        paused.begin_earlier(ms("Mon 12:00"), since)
    assert (run.elapsed, run.budget, changes(run)) == (
        2 * HOUR, 4 * HOUR, [("merged", 240, 240, None, None, False)],
    )  # fmt: skip
    # A whole Friday more: ten hours have passed, and the floor of 24 minutes is left.
    assert (far.elapsed, far.budget, changes(far)) == (
        10 * HOUR, 10 * HOUR + 24 * MINUTE, [("merged", 240, 240, None, None, True)],
    )  # fmt: skip
    assert [s.before for s in far.legs] == [0, 9 * HOUR]


def test_an_older_wait_that_comes_after_hours_leaves_an_extended_due_where_it_was() -> None:
    run = ten()
    run.extend(ms("Mon 11:00"), ms("Mon 20:00"))
    run.begin_earlier(ms("Mon 19:50"), ms("Mon 09:00"))
    assert (run.due_at, run.elapsed, run.budget) == (ms("Mon 20:00"), 8 * HOUR, 8 * HOUR)
    assert changes(run)[-1] == ("merged", 240, 240, ms("Mon 20:00"), ms("Mon 20:00"), True)


# ---- other terms


GOLD = offered("2h", name="Gold")


@pytest.mark.parametrize(
    ("at", "due", "floored"),
    [
        ("Mon 10:30", "Mon 12:00", False),
        ("Mon 11:45", "Mon 12:00", False),
        ("Mon 11:46", "Mon 12:01", True),
        ("Mon 12:00", "Mon 12:15", True),
        ("Mon 13:50", "Mon 14:00", True),
        ("Mon 14:00", "Mon 14:00", False),
    ],
)
def test_shorter_terms_bring_due_nearer_down_to_the_floor(at: str, due: str, floored: bool) -> None:
    run = ten()
    run.carry(ms(at), GOLD)
    assert run.due_at == ms(due)
    assert run.changes == [
        Change(ms(at), "terms", "Support", "Gold", 4 * HOUR, 2 * HOUR, ms("Mon 14:00"), ms(due), floored)
    ]


def test_longer_terms_count_from_the_start() -> None:
    run = ten()
    run.carry(ms("Mon 14:00"), EIGHT, "version")
    assert (run.due_at, run.within, run.budget, run.elapsed) == (ms("Tue 10:00"), 8 * HOUR, 8 * HOUR, 4 * HOUR)
    assert changes(run) == [("version", 240, 480, ms("Mon 14:00"), ms("Tue 10:00"), False)]


def test_terms_that_change_after_due_change_nothing() -> None:
    run = ten()
    run.carry(ms("Mon 14:01"), EIGHT)
    assert (run.due_at, run.within, run.changes, run.legs) == (ms("Mon 14:00"), 4 * HOUR, [], [])


def test_terms_in_working_days_are_due_at_their_time_of_day_unless_a_pause_was_between() -> None:
    run, paused = Run(FOUR, 1, ms("Mon 07:00")), Run(FOUR, 1, ms("Mon 07:00"))
    run.carry(ms("Mon 10:00"), TWO_DAYS)
    paused.pause(ms("Mon 10:00"))
    paused.resume(ms("Mon 11:00"))
    paused.carry(ms("Mon 11:00"), TWO_DAYS)
    assert (run.due_at, run.within) == (ms("Wed 09:00"), 16 * HOUR)
    assert (paused.due_at, paused.within) == (ms("Wed 10:00"), 16 * HOUR)


@pytest.mark.parametrize(
    ("within", "budget", "floored"),
    [("8h", 480, False), ("4h", 240, False), ("2h", 120, False), ("1h", 75, True), ("30m", 75, True)],
)
def test_terms_that_change_in_a_pause_leave_the_floor_at_least(within: str, budget: int, floored: bool) -> None:
    run = ten()
    run.pause(ms("Mon 11:00"))
    run.carry(ms("Mon 12:00"), offered(within))
    assert (run.budget, run.due_at, run.changes[0].floored) == (budget * MINUTE, None, floored)


def test_terms_in_a_pause_leave_no_more_than_was_left() -> None:
    run = ten()
    run.pause(ms("Mon 13:50"))
    run.carry(ms("Mon 15:00"), GOLD)
    assert (run.elapsed, run.budget) == (230 * MINUTE, 240 * MINUTE)


def test_an_extension_outlives_terms_that_change_before_it_ends() -> None:
    run, paused = ten(), ten()
    run.extend(ms("Mon 10:30"), ms("Mon 16:00"))
    run.carry(ms("Mon 11:00"), GOLD)
    assert (run.due_at, changes(run)[-1]) == (
        ms("Mon 16:00"), ("terms", 240, 120, ms("Mon 16:00"), ms("Mon 16:00"), False),
    )  # fmt: skip
    paused.extend(ms("Mon 10:30"), ms("Mon 16:00"))
    paused.pause(ms("Mon 11:00"))
    paused.carry(ms("Mon 12:00"), GOLD)
    assert paused.budget == 5 * HOUR  # one has passed, four are left until four o'clock


def test_a_missed_clock_that_is_handed_over_keeps_its_promise_and_its_calendar() -> None:
    run = ten()
    run.hand_over(ms("Mon 15:00"), offered("8h", name="New", hours={"mon-fri": "07:00-15:00"}))
    assert (run.breached_at, run.due_at, run.within, run.target.policy) == (
        ms("Mon 14:00"), ms("Mon 14:00"), 4 * HOUR, "New",
    )  # fmt: skip
    assert run.calendar is FOUR.calendar
    assert run.changes == [
        Change(ms("Mon 15:00"), "version", "Support", "New", *[4 * HOUR] * 2, *[ms("Mon 14:00")] * 2, False)
    ]


# ---- hours that are edited


def edited(run: Run, at: str, hours: Any, within: str = "4h") -> Run:
    """The clock after its office was given other hours from ``at`` on."""
    later = offered(within, hours=hours)
    run.edit_hours(ms(at), later.target, run.calendar.revised(ms(at), later.calendar))
    return run


def test_hours_that_are_edited_lay_out_anew_what_is_left() -> None:
    run = edited(ten(), "Mon 11:00", {"mon-fri": "13:00-17:00"})
    assert (run.due_at, run.elapsed, run.budget, run.within) == (ms("Mon 16:00"), HOUR, 4 * HOUR, 4 * HOUR)
    assert changes(run) == [("hours", 240, 240, ms("Mon 14:00"), ms("Mon 16:00"), False)]
    assert run.rungs.base == 1


def test_hours_that_are_edited_elsewhere_are_no_change_of_this_clock() -> None:
    run = edited(ten(), "Mon 11:00", {"mon-fri": "09:00-18:00"})
    assert (run.due_at, run.changes, len(run.legs)) == (ms("Mon 14:00"), [], 1)
    same = ten()
    other = offered("4h", steps=STEPS)
    same.edit_hours(ms("Mon 11:00"), other.target, other.calendar)
    assert (same.target, same.calendar, same.legs, same.changes) == (other.target, other.calendar, [], [])


def test_working_days_are_counted_as_days_on_the_edited_hours() -> None:
    run = edited(ten(TWO_DAYS), "Mon 11:00", {"mon": "09:00-17:00", "wed-fri": "09:00-15:00"}, "2bd")
    # Wednesday and Thursday are the next two: seven hours on Monday, six on Wednesday and one on Thursday.
    assert (run.due_at, run.within, run.budget) == (ms("Thu 10:00"), 14 * HOUR, 14 * HOUR)
    assert changes(run) == [("hours", 14 * 60, 14 * 60, ms("Wed 10:00"), ms("Thu 10:00"), False)]


def test_a_missed_clock_counts_on_by_the_edited_hours_and_keeps_its_breach() -> None:
    run = ten()
    run.judge(ms("Mon 15:00"))
    edited(run, "Mon 15:00", {"mon-fri": "09:00-16:00"})
    assert (run.due_at, run.breached_at, run.changes) == (ms("Mon 14:00"), ms("Mon 14:00"), [])
    assert run.elapsed_at(ms("Mon 17:00")) == 6 * HOUR


def test_an_extension_outlives_edited_hours() -> None:
    run = ten()
    run.extend(ms("Mon 10:30"), ms("Mon 20:00"))
    edited(run, "Mon 11:00", {"mon-fri": "09:00-18:00"})
    assert (run.due_at, run.changes[1:]) == (ms("Mon 20:00"), [])
    assert run.budget == 8 * HOUR  # one until eleven and seven until six


def test_a_clock_that_has_ended_learns_of_edited_hours_when_it_goes_on() -> None:
    run = edited(stopped("Mon 12:00"), "Mon 15:00", {"mon-fri": "13:00-17:00"})
    assert (run.calendar, run.due_at, run.changes) == (FOUR.calendar, ms("Mon 14:00"), [])
    run.go_on(ms("Tue 10:00"))
    assert (run.due_at, run.calendar is FOUR.calendar) == (ms("Tue 15:00"), False)
    run.stop(ms("Tue 14:00"))
    run.go_on(ms("Wed 10:00"))
    assert run.due_at == ms("Wed 14:00")


# ---- steps


def stepped(within: str = "4h") -> Offer:
    return offered(within, steps=STEPS)


def rungs(run: Run, now: str) -> list[tuple[int | None, bool, int]]:
    return [(*run.rungs.crossing(i, ms(now)), run.rungs.arms[i]) for i in range(len(run.target.steps))]


@pytest.mark.parametrize(
    ("at", "quarter"), [("Mon 11:59", ("Mon 12:00", True, 1)), ("Mon 12:00", ("Mon 11:00", True, 0))]
)
def test_a_threshold_that_stands_at_the_elapsed_time_is_behind(at: str, quarter: tuple[str, bool, int]) -> None:
    run = ten(stepped())
    run.carry(ms(at), stepped("8h"))
    when, reached, arms = quarter
    assert rungs(run, "Mon 12:30")[0] == (ms(when), reached, arms)
    assert run.rungs.base == len(run.legs) == 1


def test_a_step_at_the_instant_of_a_change_was_not_reached_before_it() -> None:
    run = ten(stepped())
    run.carry(ms("Mon 12:00"), stepped("8h"))
    assert rungs(run, "Mon 12:30")[1] == (ms("Mon 14:00"), False, 0)


def test_a_step_that_is_armed_twice_counts_both() -> None:
    run = ten(stepped())
    run.carry(ms("Mon 11:30"), stepped("8h"))
    run.carry(ms("Mon 13:00"), stepped("16h"))
    assert rungs(run, "Mon 13:00")[0] == (ms("Mon 14:00"), False, 2)


def test_steps_in_another_order_keep_what_they_had() -> None:
    run = ten(stepped())
    run.carry(ms("Mon 11:30"), stepped("8h"))  # a quarter was reached at eleven and is armed again
    run.carry(ms("Mon 13:00"), offered("8h", steps=[{"at": "90%", "notify": "owner"}, *reversed(STEPS)]))
    assert [arm for _, _, arm in rungs(run, "Mon 13:00")] == [0, 0, 0, 1]
    assert rungs(run, "Mon 13:00")[3] == (ms("Mon 12:00"), True, 1)
    assert rungs(run, "Mon 13:00")[0] == (ms("Tue 09:12"), False, 0)


def test_steps_ahead_in_a_pause_have_no_instant_and_those_behind_keep_theirs() -> None:
    run = ten(stepped())
    run.pause(ms("Mon 11:30"))
    assert rungs(run, "Mon 16:00") == [(ms("Mon 11:00"), True, 0), (None, False, 0), (None, False, 0)]


def test_steps_of_a_clock_that_has_ended_stand_where_they_would_have_been() -> None:
    run = ten(stepped())
    run.stop(ms("Mon 11:30"))
    assert rungs(run, "Tue 16:00") == [
        (ms("Mon 11:00"), True, 0), (ms("Mon 12:00"), False, 0), (ms("Mon 14:00"), False, 0),
    ]  # fmt: skip


def test_a_step_whose_segment_ends_at_its_instant_opens_the_next_one() -> None:
    run = ten(stepped())
    run.pause(ms("Mon 12:00"))
    assert rungs(run, "Mon 18:00")[1] == (None, False, 0)
    run.resume(ms("Mon 18:00"))
    assert rungs(run, "Mon 18:00")[1] == (ms("Tue 09:00"), False, 0)
    run.pause(ms("Tue 09:30"))
    assert rungs(run, "Tue 09:30")[1] == (ms("Tue 09:00"), True, 0)


def test_a_step_in_a_later_segment_counts_what_ran_before_it() -> None:
    run = ten(stepped())
    run.pause(ms("Mon 11:30"))
    run.resume(ms("Mon 12:30"))
    run.pause(ms("Mon 14:30"))
    assert rungs(run, "Mon 16:00") == [(ms("Mon 11:00"), True, 0), (ms("Mon 13:00"), True, 0), (None, False, 0)]
