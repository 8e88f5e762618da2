"""Curves, segments and chances at their limits: what is asked for, what is compared, what is shown."""

import pytest
from sla_story import changed, created, event, instant, promise

from sla.figures.risk import (
    CERTAIN,
    Chance,
    Curve,
    Ending,
    History,
    Segment,
    endings,
    priority_of,
    segment_of,
    wilson,
)
from sla.fold import evaluate_record
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

HOUR = 3_600_000
NORMAL = Segment("resolution", "Support", "normal")


def known(count, worked, segment=NORMAL):
    return [Ending(segment, worked, True) for _ in range(count)]


def judged(now, *lines):
    policies = Policies.from_config(promise("resolution", "8h"))
    return evaluate_record(policies, [event_from_mapping(line) for line in lines], parse_instant(instant(now)))


# ---- segments


def test_a_segment_is_called_by_its_parts():
    assert [str(part) for part in NORMAL.ladder()] == [
        "resolution, policy Support, priority normal", "resolution, policy Support", "resolution",
    ]  # fmt: skip
    assert NORMAL.ladder() == (NORMAL, Segment("resolution", "Support", None), Segment("resolution", None, None))


@pytest.mark.parametrize(
    ("value", "priority"), [("High", "high"), (None, "normal"), ("", "normal"), (0, "normal"), (2, "2")]
)
def test_the_priority_of_a_segment_is_normal_unless_told(value, priority):
    assert priority_of(value) == priority
    [clock] = judged("Mon 10:00", created("Mon 09:00")).clocks
    assert segment_of(clock, {"priority": value}) == Segment("resolution", "Support", priority)


# ---- curves


def test_the_share_of_none_is_nothing():
    assert Curve([]).longer(0, 5) == (0.0, 0)
    assert Curve([(3, False)]).longer(0, 5) == (0.0, 0)
    assert Curve([(3, False)]).longer(3, 5) == (0.0, 0)
    assert Curve([(5, False)]).longer(0, 5) == (0.0, 0)  # lost at the very end: nobody knows
    assert Curve([(6, False)]).longer(0, 5) == (1.0, 1)


def test_one_completed_at_the_promised_time_kept_it():
    assert Curve([(5, True)]).longer(0, 5) == (0.0, 1)
    assert Curve([(5, True)]).longer(0, 4) == (1.0, 1)
    assert Curve([(5, True)]).longer(5, 6) == (0.0, 0)
    assert Curve([(5, True)]).longer(4, 6) == (0.0, 1)


def test_a_chance_with_some_lost_is_a_product_of_shares_that_lasted():
    # 6 left at 0: one ends at 1 (5/6), at 2 one is lost, two of four end at 3 (1/2), one of two ends at 6.
    curve = Curve([(1, True), (2, False), (3, True), (3, True), (6, True), (9, True)])
    assert curve.longer(0, 3) == (0.416666667, 5)
    assert curve.longer(0, 2) == (0.833333333, 5)
    assert curve.longer(1, 3) == (0.5, 4)
    assert curve.longer(0, 6) == (0.208333333, 5)
    assert curve.longer(2, 6) == (0.25, 4)  # nobody is lost after 2: one of four
    assert curve.longer(3, 6) == (0.5, 2)


# ---- the interval


def test_the_interval_is_exact_to_many_digits():
    low, high = wilson(0.25, 40)
    assert (round(low, 9), round(high, 9)) == (0.141871186, 0.401939614)
    low, high = wilson(0.5, 1)
    assert (round(low, 9), round(high, 9)) == (0.054620756, 0.945379244)
    assert wilson(1.0, 1)[1] == 1.0
    assert wilson(0.0, 1)[0] == 0.0
    assert wilson(0.3, 0) == (0.0, 1.0)


# ---- chances


def test_a_chance_is_shown_to_four_digits():
    assert Chance(2 / 3, 3, NORMAL, 1 / 7, 6 / 7).document() == {
        "probability": 0.6667, "low": 0.1429, "high": 0.8571, "count": 3,
        "segment": "resolution, policy Support, priority normal",
    }  # fmt: skip
    assert CERTAIN.document() == {"probability": 1.0, "low": 1.0, "high": 1.0, "count": 0, "segment": None}


def test_a_history_counts_its_endings_once():
    told = History([*known(3, 5), Ending(NORMAL, 7, False)])
    assert told.size == 4
    assert History([]).size == 0


def test_a_chance_says_whose_endings_it_counts():
    found = History([*known(15, 2), *known(15, 9)]).chance(NORMAL, 1, 5)
    low, high = wilson(0.5, 30)
    assert found == Chance(0.5, 30, NORMAL, low, high)


def test_a_segment_that_nobody_has_falls_back_to_those_that_have_been():
    other = NORMAL._replace(priority="urgent")
    found = History(known(30, 9, other)).chance(NORMAL, 0, 5)
    assert (found.segment, found.probability, found.count) == (Segment("resolution", "Support"), 1.0, 30)
    elsewhere = NORMAL._replace(policy="Sales")
    found = History(known(30, 9, elsewhere)).chance(NORMAL, 0, 5)
    assert (found.segment, found.probability, found.count) == (Segment("resolution"), 1.0, 30)
    assert History(known(29, 9, elsewhere)).chance(NORMAL, 0, 5) is None


def test_time_that_is_used_up_is_certain_from_the_promised_time_on():
    told = History(known(30, 9))
    assert [told.chance(NORMAL, elapsed, 5) is CERTAIN for elapsed in (4, 5, 6)] == [False, True, True]


def test_asked_twice_a_history_answers_the_same():
    told = History([*known(15, 2), *known(15, 9)])
    assert told.chance(NORMAL, 1, 5) == told.chance(NORMAL, 1, 5)
    assert told.chance(NORMAL, 1, 10).probability == 0.0


# ---- clocks


def test_a_clock_is_asked_with_its_own_time_priority_and_budget():
    told = History([*known(20, 4 * HOUR), *known(30, 8 * HOUR), *known(10, 8 * HOUR + 1)])
    evaluation = judged("Mon 13:00", created("Mon 09:00"))
    found = told.of(evaluation.clocks[0], evaluation.state)
    assert (found.probability, found.count, found.segment) == (0.25, 40, NORMAL)


def test_a_clock_that_has_ended_has_no_chance_even_when_it_missed():
    told = History(known(40, 9 * HOUR))
    evaluation = judged("Wed 10:00", created("Mon 09:00"), changed("Tue 10:00", status="resolved"))
    assert told.of(evaluation.clocks[0], evaluation.state) is None
    open_ = judged("Mon 17:00", created("Mon 09:00"))
    assert told.of(open_.clocks[0], open_.state) is CERTAIN


def test_endings_are_of_each_clock_with_the_fields_of_its_end_else_of_now():
    lines = [
        created("Mon 09:00", priority="Low"),
        changed("Mon 10:00", status="resolved"),
        changed("Mon 11:00", priority="urgent"),
    ]
    [ended] = endings(*judged("Mon 12:00", *lines))
    assert ended == Ending(NORMAL._replace(priority="low"), HOUR, True)
    [runs] = endings(*judged("Mon 12:00", lines[0], lines[2]))
    assert runs == Ending(NORMAL._replace(priority="urgent"), 3 * HOUR, False)
    [gone] = endings(*judged("Mon 12:00", lines[0], event("Mon 10:00", "deleted")))
    assert gone == Ending(NORMAL._replace(priority="low"), HOUR, False)
