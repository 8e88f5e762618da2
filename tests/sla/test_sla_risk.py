"""The chance to miss: shares of endings that can be counted by hand, and what is said when they cannot tell."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from sla_story import changed, created, event, instant, promise

from sla.figures.risk import CERTAIN, ENOUGH, Chance, Curve, Ending, History, Segment, endings, wilson
from sla.fold import Evaluation, evaluate_record
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

HOUR = 3_600_000
NORMAL = Segment("resolution", "Support", "normal")


def completed(*worked: int) -> list[tuple[int, bool]]:
    return [(each, True) for each in worked]


def history(endings_of: list[tuple[int, bool]], segment: Segment = NORMAL) -> History:
    return History(Ending(segment, worked, known) for worked, known in endings_of)


def test_the_chance_is_the_share_that_lasted_longer_among_those_that_lasted_as_long() -> None:
    curve = Curve(completed(1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
    assert curve.longer(0, 7) == (0.3, 10)
    assert curve.longer(4, 7) == (0.5, 6)
    assert curve.longer(4, 10) == (0.0, 6)
    assert curve.longer(10, 11) == (0.0, 0)


def test_ending_at_the_promised_time_is_in_time_and_ending_at_the_elapsed_time_is_over() -> None:
    curve = Curve(completed(5, 5, 8, 8, 8, 9))
    assert curve.longer(5, 8) == (0.25, 4)  # only 9 misses 8; those of 5 are not asked any more
    assert curve.longer(4, 8) == (1 / 6, 6)


def test_those_that_were_only_watched_count_for_as_long_as_they_were() -> None:
    # By hand: of 4 that last longer than 0, one ends at 2 (3/4 left); one is lost at 3; of 2, one ends at 4 (1/2).
    curve = Curve([(2, True), (3, False), (4, True), (9, True)])
    assert curve.longer(0, 5) == (float(Fraction(3, 4) * Fraction(1, 2)), 3)
    assert curve.longer(2, 5) == (0.5, 2)
    assert curve.longer(3, 5) == (0.5, 2)


def test_one_that_was_watched_beyond_the_promised_time_is_known_to_have_missed_it() -> None:
    assert Curve([(2, True), (9, False)]).longer(0, 5) == (0.5, 2)


def test_one_that_was_lost_at_the_instant_at_which_another_ended_was_still_there_then() -> None:
    # At 3 there were 4; one ended, one was lost. After 3 there are 2, none of which ends by 5.
    assert Curve([(3, True), (3, False), (7, True), (8, True)]).longer(0, 5) == (0.75, 3)


def test_leaving_out_what_still_runs_would_make_chances_too_small() -> None:
    chance = random.Random(11)
    lasted = [int(chance.expovariate(1 / 1_000)) for _ in range(20_000)]
    watched = [int(chance.uniform(0, 2_000)) for _ in lasted]
    given = [(min(t, c), t <= c) for t, c in zip(lasted, watched, strict=True)]
    true = sum(t > 1_000 for t in lasted) / len(lasted)
    with_them, _ = Curve(given).longer(0, 1_000)
    without, _ = Curve([one for one in given if one[1]]).longer(0, 1_000)
    assert abs(with_them - true) < 0.01
    assert without < true - 0.1


def test_the_same_endings_in_any_order_give_the_same_chances() -> None:
    chance = random.Random(3)
    given = [(chance.randrange(50), chance.random() < 0.7) for _ in range(300)]
    questions = [(e, e + w) for e in range(0, 40, 3) for w in range(1, 20, 4)]
    first = [Curve(given).longer(*question) for question in questions]
    chance.shuffle(given)
    assert [Curve(given).longer(*question) for question in questions] == first


def test_one_that_is_lost_early_does_not_change_what_is_asked_later() -> None:
    chance = random.Random(5)
    lasted = [chance.randrange(100) for _ in range(400)]
    with_lost = Curve([*completed(*lasted), *[(5, False)] * 50])
    without = Curve(completed(*lasted))
    for elapsed, within in ((5, 50), (20, 60), (70, 98)):
        assert with_lost.longer(elapsed, within) == without.longer(elapsed, within)
        share = Fraction(sum(t > within for t in lasted), sum(t > elapsed for t in lasted))
        assert without.longer(elapsed, within)[0] == float(share)


# ---- segments


def test_the_most_specific_segment_with_thirty_endings_answers() -> None:
    def of(count: int, segment: Segment) -> list[Ending]:
        return [Ending(segment, 10 + i % 10, True) for i in range(count)]

    urgent = Segment("resolution", "Support", "urgent")
    other = Segment("resolution", "Sales", "urgent")
    assert ENOUGH == 30
    few = History([*of(29, urgent), *of(1, NORMAL), *of(5, other)])
    found = few.chance(urgent, 0, 14)
    assert found is not None
    assert (str(found.segment), found.count) == ("resolution, policy Support", 30)
    enough = History([*of(30, urgent), *of(100, NORMAL)])
    found = enough.chance(urgent, 0, 14)
    assert found is not None
    assert (str(found.segment), found.count) == ("resolution, policy Support, priority urgent", 30)
    found = History([*of(20, urgent), *of(20, other)]).chance(urgent, 0, 14)
    assert found is not None
    assert (str(found.segment), found.count) == ("resolution", 40)


def test_endings_that_were_shorter_than_what_has_elapsed_are_not_counted_as_enough() -> None:
    told = history(completed(*range(1, 41)))
    assert told.chance(NORMAL, 10, 20) is not None
    assert told.chance(NORMAL, 11, 20) is None  # only 29 lasted longer
    assert told.chance(Segment("first_response", "Support", "normal"), 0, 20) is None


def test_endings_that_were_lost_before_the_promised_time_are_not_counted_as_enough() -> None:
    assert history([*completed(*[50] * 29), *[(10, False)] * 40]).chance(NORMAL, 0, 20) is None


def test_a_clock_that_has_used_its_time_is_certain_to_miss() -> None:
    assert history([]).chance(NORMAL, 20, 20) == CERTAIN
    assert (CERTAIN.probability, CERTAIN.count, CERTAIN.segment) == (1.0, 0, None)


@pytest.mark.parametrize(
    ("share", "count", "low", "high"),
    [(0.0, 30, 0.0, 0.1135), (1.0, 30, 0.8865, 1.0), (0.5, 100, 0.4038, 0.5962), (0.1, 40, 0.0396, 0.2305)],
)
def test_the_interval_is_wilsons(share: float, count: int, low: float, high: float) -> None:
    assert wilson(share, count) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_of_nothing_everything_is_possible() -> None:
    assert wilson(0.0, 0) == (0.0, 1.0)


# ---- clocks


def judged(now: str, *events: dict[str, Any], within: str = "8h", **more: Any) -> Evaluation:
    policies = Policies.from_config(promise("resolution", within, **more))
    return evaluate_record(policies, [event_from_mapping(line) for line in events], parse_instant(instant(now)))


def chance_of(told: History, evaluation: Evaluation) -> Chance | None:
    return told.of(evaluation.clocks[0], evaluation.state)


def test_a_running_clock_is_compared_by_its_working_time_with_clocks_of_its_priority() -> None:
    told = history(completed(*[4 * HOUR] * 30, *[9 * HOUR] * 10), Segment("resolution", "Support", "high"))
    found = chance_of(told, judged("Tue 10:00", created("Mon 16:00", priority="High")))  # 2 h of 8 h
    assert found is not None
    assert (found.probability, found.count, str(found.segment)) == (
        0.25,
        40,
        "resolution, policy Support, priority high",
    )
    after = chance_of(told, judged("Tue 12:30", created("Mon 16:00", priority="High")))  # 4 h 30 min: ten left
    assert after is None
    assert found.document() == {
        "probability": 0.25, "low": 0.1419, "high": 0.4019, "count": 40,
        "segment": "resolution, policy Support, priority high",
    }  # fmt: skip


def test_a_paused_clock_stands_where_it_was_paused() -> None:
    told = history(completed(*[HOUR] * 30, *[9 * HOUR] * 30))
    early, late = (
        chance_of(told, judged(now, created("Mon 10:00"), changed("Mon 10:30", status="pending")))
        for now in ("Mon 10:31", "Fri 16:00")
    )
    assert early == late
    assert early is not None
    assert (early.probability, early.count) == (0.5, 60)


def test_an_overdue_clock_is_certain_to_miss_and_one_that_ended_has_no_chance() -> None:
    told = history(completed(*[HOUR] * 30))
    assert chance_of(told, judged("Tue 10:00", created("Mon 09:00"))) == CERTAIN
    assert chance_of(told, judged("Tue 10:00", created("Mon 09:00"), changed("Mon 11:00", status="resolved"))) is None


def test_more_time_that_was_granted_counts() -> None:
    told = history(completed(*[9 * HOUR] * 15, *[13 * HOUR] * 15))
    more = event("Mon 10:00", "extended", until="2026-03-03T13:00:00Z", reason="parts", by="user:1")
    found = chance_of(told, judged("Mon 12:00", created("Mon 09:00"), more))  # 12 h now
    assert found is not None
    assert found.probability == 0.5


def test_what_clocks_tell_is_how_long_they_ran_and_whether_they_were_completed() -> None:
    def told(now: str, *events: dict[str, Any]) -> list[tuple[str, int, bool]]:
        found = judged(now, *events)
        return [(str(one.segment), one.worked, one.known) for one in endings(*found)]

    name = "resolution, policy Support, priority "
    assert told("Wed 10:00", created("Mon 16:00", priority="low"), changed("Tue 11:00", status="resolved")) == [
        (name + "low", 3 * HOUR, True)
    ]
    assert told("Wed 10:00", created("Mon 16:00"), event("Tue 11:00", "merged", into="desk:ticket:2")) == [
        (name + "normal", 3 * HOUR, False)
    ]
    assert told("Tue 11:00", created("Mon 16:00")) == [(name + "normal", 3 * HOUR, False)]


def test_what_happens_to_the_record_after_a_clock_ended_does_not_move_its_ending() -> None:
    found = judged(
        "Wed 10:00",
        created("Mon 16:00", priority="low"),
        changed("Tue 11:00", status="resolved"),
        changed("Tue 12:00", priority="urgent"),
    )
    assert [one.segment.priority for one in endings(*found)] == ["low"]
