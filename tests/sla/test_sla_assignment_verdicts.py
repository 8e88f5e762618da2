"""The exact words and places of a choice: which obstacle is named, how much time is missing, where the line stands."""

from __future__ import annotations

from typing import Any

import pytest
from sla_story import instant

from sla.assignment import Candidate, Choice, Member, Pool, choose
from sla.calendar import Calendar
from sla.instant import parse_instant

OFFICE = Calendar.from_config({"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}})
A, B, C, D = "user:a", "user:b", "user:c", "user:d"
MONDAY, SUNDAY = parse_instant(instant("Mon 10:00")), parse_instant(instant("Sun 10:00"))
ROUND = 5_354_228_880
MINUTE = 60_000


def verdict_of(member: Member, now: int = MONDAY, **more: Any) -> str:
    """What is said of a member beside whom another one is free, and not first in line."""
    choice = choose(Pool("team", (Member(D, weight=24), member)), now, **more)
    return {candidate.user: candidate.verdict for candidate in choice.considered}[member.user]


# ---- which obstacle is named


@pytest.mark.parametrize(
    ("member", "more", "verdict"),
    [
        (Member(A), {}, "free"),
        (Member(A, cap=1), {"unknown": [A], "inactive": [A], "exclude": [A]}, "unknown in the CRM"),
        (Member(A, cap=1), {"inactive": [A], "exclude": [A], "open_counts": {A: 1}}, "inactive in the CRM"),
        (Member(A, cap=2, calendar=OFFICE), {"exclude": [A], "open_counts": {A: 2}, "now": SUNDAY}, "at the cap of 2"),
        (Member(A, cap=2), {"exclude": [A], "open_counts": {A: 1}}, "had it before"),
        (Member(A, cap=0), {}, "at the cap of 0"),
        (Member(A, cap=1), {"open_counts": {B: 9}}, "free"),
        (Member(A, calendar=OFFICE), {"exclude": [A], "now": SUNDAY}, "outside their hours"),
        (Member(A, calendar=OFFICE), {"exclude": [A]}, "had it before"),
    ],
)
def test_the_obstacle_that_lasts_longest_is_named(member: Member, more: dict[str, Any], verdict: str) -> None:
    assert verdict_of(member, **more) == verdict


def test_only_an_absence_is_called_away() -> None:
    holiday = OFFICE.without([(MONDAY, MONDAY + 1, "Labour Day")])
    assert verdict_of(Member(A, calendar=holiday)) == "outside their hours"
    assert verdict_of(Member(A, calendar=holiday), MONDAY + 1) == "free"
    leave = OFFICE.without([(MONDAY, MONDAY + 1, "away")])
    assert verdict_of(Member(A, calendar=leave)) == "away"
    assert verdict_of(Member(A, calendar=leave), MONDAY + 1) == "free"
    assert verdict_of(Member(A, calendar=leave), MONDAY - 1) == "free"


def test_a_member_opens_and_closes_to_the_millisecond() -> None:
    opening, closing = parse_instant(instant("Mon 09:00")), parse_instant(instant("Mon 17:00"))
    said = [verdict_of(Member(A, calendar=OFFICE), at) for at in (opening - 1, opening, closing - 1, closing)]
    assert said == ["outside their hours", "free", "free", "outside their hours"]


# ---- how much time is missing


@pytest.mark.parametrize(
    ("left", "needs", "verdict"),
    [
        (59, 60, "cannot meet due: 59m of their time until then, 1h00m needed"),
        (60, 61, "cannot meet due: 1h00m of their time until then, 1h01m needed"),
        (125, 605, "cannot meet due: 2h05m of their time until then, 10h05m needed"),
        (60, 60, "free"),
        (1, 0, "free"),
    ],
)
def test_the_time_that_is_missing_is_told_in_hours_and_minutes(left: int, needs: int, verdict: str) -> None:
    team = Pool("team", (Member(D, weight=24), Member(A)), needs=needs * MINUTE)
    choice = choose(team, MONDAY, due_at=MONDAY + left * MINUTE)
    assert choice.considered[1].verdict == verdict


def test_who_has_no_time_at_all_until_due_cannot_meet_it_even_where_nothing_is_needed() -> None:
    almost = OFFICE.without([(MONDAY + 1, MONDAY + 600 * MINUTE, "away")])
    team = Pool("team", (Member(A, calendar=almost), Member(B)))
    assert choose(team, MONDAY, due_at=MONDAY + MINUTE).owner == A  # a millisecond is time
    none = Pool("team", (Member(A, calendar=almost), Member(B)), needs=2)
    choice = choose(none, MONDAY, due_at=MONDAY + MINUTE)
    assert choice.owner == B
    assert choice.considered[0].verdict == "cannot meet due: 0m of their time until then, 0m needed"
    assert choose(none, MONDAY, due_at=MONDAY + 1).reason == (
        "unmeetable by design: nobody of the pool who is free can meet due within their hours; next in turn"
    )


def test_whoever_is_not_free_is_not_said_to_be_late() -> None:
    team = Pool("team", (Member(A), Member(B)), needs=60 * MINUTE)
    choice = choose(team, MONDAY, due_at=MONDAY + MINUTE, exclude=[A])
    assert choice.considered == [Candidate(A, "had it before", 0, 1), Candidate(B, "chosen", 0, 2)]


# ---- where the line stands


def test_the_first_places_are_half_a_share_from_the_start() -> None:
    for weight, place in ((1, 2_677_114_440), (2, 1_338_557_220), (3, 892_371_480), (24, 111_546_435)):
        assert choose(Pool("team", (Member(A, weight=weight),)), MONDAY).place == place


def test_a_member_stands_again_a_share_of_a_round_further_on() -> None:
    for weight, place in ((1, 100 + ROUND), (2, 100 + 2_677_114_440), (5, 100 + 1_070_845_776)):
        assert choose(Pool("team", (Member(A, weight=weight),)), MONDAY, places={A: 100}).place == place


def test_who_fell_behind_stands_where_the_line_has_got_to() -> None:
    choice = choose(Pool("team", (Member(A), Member(B), Member(C))), MONDAY, places={A: 5, B: 2 * ROUND})
    assert (choice.owner, choice.place) == (C, 2 * ROUND)
    assert [candidate.turn for candidate in choice.considered] == [2, 3, 1]


def test_of_those_at_one_place_a_newcomer_is_before_the_one_whose_turn_is_longest_ago() -> None:
    places = {A: 0, B: 2 * ROUND, C: 1}
    choice = choose(Pool("team", (Member(C), Member(A), Member(B), Member(D))), MONDAY, places=places)
    assert [(c.user, c.turn) for c in choice.considered] == [(C, 3), (A, 2), (B, 4), (D, 1)]


def test_of_those_who_never_had_a_turn_the_order_of_the_pool_decides() -> None:
    choice = choose(Pool("team", (Member(C), Member(A), Member(B))), MONDAY)
    assert [(c.user, c.verdict, c.turn) for c in choice.considered] == [
        (C, "chosen", 1), (A, "free", 2), (B, "free", 3),
    ]  # fmt: skip


def test_load_is_looked_at_only_where_it_is_asked_for() -> None:
    counts = {A: 5, B: 1}
    members = (Member(A), Member(B))
    assert choose(Pool("team", members), MONDAY, open_counts=counts).owner == A
    assert choose(Pool("team", members, "weighted"), MONDAY, open_counts=counts).owner == A
    choice = choose(Pool("team", members, "least_loaded"), MONDAY, open_counts=counts)
    assert (choice.owner, choice.place, choice.reason) == (B, 2_677_114_440, "least loaded with 1 open")
    unloaded = choose(Pool("team", (Member(A, weight=2),), "least_loaded"), MONDAY)
    assert unloaded.reason == "least loaded with 0 open"


def test_a_load_is_shared_by_weight_exactly() -> None:
    team = Pool("team", (Member(A, weight=2), Member(B)), "least_loaded")
    assert choose(team, MONDAY, open_counts={A: 5, B: 2}).owner == B  # two and a half against two
    assert choose(team, MONDAY, open_counts={A: 3, B: 2}).owner == A


# ---- nobody


@pytest.mark.parametrize(
    ("fallback", "more", "owner", "reason"),
    [
        ("queue:Q", {"hops": 3}, "queue:Q", "passed on 3 times already: to the fallback"),
        (None, {"hops": 3}, None, "passed on 3 times already, and the pool has no fallback"),
        ("queue:Q", {"exclude": [A, B]}, "queue:Q", "only earlier owners are left: to the fallback"),
        ("queue:Q", {"exclude": [A], "inactive": [B]}, "queue:Q", "only earlier owners are left: to the fallback"),
        (None, {"inactive": [A, B]}, None, "nobody of the pool is free, and the pool has no fallback"),
    ],
)
def test_whom_nobody_takes_is_nobodys_turn(
    fallback: str | None, more: dict[str, Any], owner: str | None, reason: str
) -> None:
    choice = choose(Pool("team", (Member(A), Member(B)), fallback=fallback), MONDAY, **more)
    assert (choice.owner, choice.reason, choice.pool, choice.place, choice.final) == (
        owner, reason, "team", None, False,
    )  # fmt: skip
    assert [candidate.turn for candidate in choice.considered] == [1, 2]


def test_by_default_a_record_is_passed_on_three_times_and_asked_about_the_first_time() -> None:
    team = Pool("team", (Member(A),), fallback="queue:Q")
    assert [choose(team, MONDAY, hops=hops).owner for hops in (0, 1, 2, 3)] == [A, A, A, "queue:Q"]
    assert choose(Pool("team", (Member(A),), fallback="queue:Q", max_hops=1), MONDAY).owner == A


def test_a_choice_is_told_with_nothing_but_what_it_was_made_of() -> None:
    assert Choice(None, "paused").told() == {"owner": None, "reason": "paused", "pool": None, "considered": []}
    assert Choice(None, "paused") == (None, "paused", (), None, None, False)
