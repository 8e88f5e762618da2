"""Who gets a record next, and why the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from sla_story import instant

from sla.assignment import HAD_IT, UNMEETABLE, Choice, Member, Pool, choose
from sla.calendar import Calendar
from sla.instant import parse_instant

OFFICE = Calendar.from_config({"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}})
A, B, C = "user:a", "user:b", "user:c"
TRIO = (Member(A), Member(B), Member(C))
MONDAY, SUNDAY = parse_instant(instant("Mon 10:00")), parse_instant(instant("Sun 10:00"))


def pool(*members: Member, **more: Any) -> Pool:
    return Pool("inside-sales", members or TRIO, **{"fallback": "queue:Unassigned", **more})


def turns(of: Pool, n: int, history: Sequence[str] = (), **more: Any) -> list[str | None]:
    """Who gets the next ``n`` records, one after the other, after ``history`` was chosen."""
    places: dict[str, int] = {}
    for user in history:
        alone = choose(of, MONDAY, places=places, exclude={m.user for m in of.members} - {user})
        assert alone.owner == user
        assert alone.place is not None
        places[user] = alone.place
    found = []
    for _ in range(n):
        choice = choose(of, MONDAY, places=places, **more)
        found.append(choice.owner)
        if choice.owner and choice.place is not None:
            places[choice.owner] = choice.place
    return found


def verdicts(choice: Choice) -> dict[str, str]:
    return {candidate.user: candidate.verdict for candidate in choice.considered}


# ---- round robin


def test_round_robin_goes_round() -> None:
    assert turns(pool(), 7) == [A, B, C, A, B, C, A]


def test_round_robin_goes_on_where_it_stopped() -> None:
    assert turns(pool(), 3, [A]) == [B, C, A]
    assert turns(pool(), 3, [A, B]) == [C, A, B]


def test_round_robin_passes_over_who_may_not() -> None:
    assert turns(pool(), 4, exclude={B}) == [A, C, A, C]


def test_the_line_goes_on_where_it_stood_when_the_team_is_edited() -> None:
    assert turns(pool(), 5, [A, B]) == [C, A, B, C, A]
    places = {A: 5_354_228_880, B: 5_354_228_880, C: 5_354_228_880, "user:gone": 10_708_457_760}
    newcomer = choose(pool(*TRIO, Member("user:d")), MONDAY, places=places)
    assert newcomer.owner == "user:d"
    after = choose(pool(*TRIO, Member("user:d")), MONDAY, places={**places, "user:d": newcomer.place or 0})
    assert after.owner == A


def test_who_was_passed_over_for_one_record_is_next() -> None:
    assert turns(pool(), 1, [A], exclude={B}) == [C]
    assert turns(pool(), 4, [A, C]) == [B, A, B, C]  # the round ends with B, the next one goes as ever


def test_nobody_returns_from_a_holiday_to_a_flood() -> None:
    while_c_was_away = [A, B] * 200
    assert turns(pool(), 6, while_c_was_away) == [C, A, B, C, A, B]


# ---- weights


@pytest.mark.parametrize("strategy", ["weighted", "round_robin"])
def test_weights_are_honoured(strategy: str) -> None:
    double = pool(Member(A), Member(B, weight=2), Member(C), strategy=strategy)
    assert Counter(turns(double, 40)) == {A: 10, B: 20, C: 10}
    assert choose(double, MONDAY, exclude={A, C}).reason == "next in turn by weight 2"


def test_weights_are_spread_and_not_in_one_go() -> None:
    first_eight = turns(pool(Member(A), Member(B, weight=3), strategy="weighted"), 8)
    assert Counter(first_eight) == {A: 2, B: 6}
    assert Counter(first_eight[:4]) == {A: 1, B: 3}


# ---- least loaded


def test_least_loaded_goes_to_who_carries_least() -> None:
    loaded = pool(strategy="least_loaded")
    least = choose(loaded, MONDAY, open_counts={A: 3, B: 1, C: 2})
    assert (least.owner, least.reason) == (B, "least loaded with 1 open")
    assert choose(loaded, MONDAY, open_counts={A: 3, C: 2}).owner == B


def test_least_loaded_between_equals_takes_turns() -> None:
    loaded = pool(strategy="least_loaded")
    assert turns(loaded, 1, [A, B], open_counts={A: 1, B: 1, C: 1}) == [C]
    assert turns(loaded, 1, [A, C], open_counts={A: 1, B: 1, C: 1}) == [B]


def test_least_loaded_honours_weights() -> None:
    loaded = pool(Member(A), Member(B, weight=2), strategy="least_loaded")
    assert choose(loaded, MONDAY, open_counts={A: 2, B: 3}).owner == B
    assert choose(loaded, MONDAY, open_counts={A: 1, B: 3}).owner == A


# ---- who may not


def test_earlier_owners_are_skipped() -> None:
    choice = choose(pool(), MONDAY, exclude=[A])
    assert choice.owner == B
    assert verdicts(choice) == {A: "had it before", B: "chosen", C: "free"}


def test_inactive_people_are_skipped() -> None:
    assert choose(pool(), MONDAY, inactive={A, B}).owner == C


def test_caps_are_honoured() -> None:
    capped = pool(Member(A, cap=20), Member(B, cap=20), Member(C))
    assert choose(capped, MONDAY, open_counts={A: 20, B: 19}).owner == B
    assert choose(capped, MONDAY, open_counts={A: 20, B: 21}).owner == C


def test_people_outside_their_hours_are_skipped() -> None:
    hours = pool(Member(A, calendar=OFFICE), Member(B))
    assert choose(hours, MONDAY).owner == A
    assert choose(hours, SUNDAY).owner == B


def test_people_who_are_away_are_skipped() -> None:
    leave = OFFICE.without([(MONDAY - 3_600_000, MONDAY + 3_600_000, "away")])
    choice = choose(pool(Member(A, calendar=leave), Member(B, calendar=OFFICE)), MONDAY)
    assert verdicts(choice) == {A: "away", B: "chosen"}


def test_every_member_is_accounted_for_with_a_reason() -> None:
    members = (Member(A, cap=1), Member(B, calendar=OFFICE), Member(C), Member("user:d"), Member("user:e"))
    more = (Member("lost@acme.test"), Member("user:f"))
    choice = choose(
        pool(*members, *more),
        SUNDAY,
        open_counts={A: 1, "user:e": 7},
        exclude={C},
        inactive={"user:d"},
        unknown={"lost@acme.test"},
    )
    assert choice.told() == {
        "owner": "user:e",
        "reason": "next in turn",
        "pool": "inside-sales",
        "considered": [
            {"user": A, "verdict": "at the cap of 1", "open": 1, "turn": 1},
            {"user": B, "verdict": "outside their hours", "open": 0, "turn": 2},
            {"user": C, "verdict": "had it before", "open": 0, "turn": 3},
            {"user": "user:d", "verdict": "inactive in the CRM", "open": 0, "turn": 4},
            {"user": "user:e", "verdict": "chosen", "open": 7, "turn": 5},
            {"user": "lost@acme.test", "verdict": "unknown in the CRM", "open": 0, "turn": 6},
            {"user": "user:f", "verdict": "free", "open": 0, "turn": 7},
        ],
    }


# ---- who can still be in time

MINUTE = 60_000
LATE_SHIFT = Calendar.from_config({"timezone": "UTC", "hours": {"mon-fri": "09:00-10:20"}})


def test_who_cannot_meet_due_within_their_hours_is_passed_over() -> None:
    two = pool(Member(A, calendar=LATE_SHIFT), Member(B, calendar=OFFICE), needs=30 * MINUTE)
    choice = choose(two, MONDAY, due_at=MONDAY + 60 * MINUTE)
    assert verdicts(choice) == {A: "cannot meet due: 20m of their time until then, 30m needed", B: "chosen"}
    assert choice.reason == "next in turn"


def test_exactly_enough_time_is_enough() -> None:
    two = pool(Member(A, calendar=LATE_SHIFT), Member(B), needs=20 * MINUTE)
    assert choose(two, MONDAY, due_at=MONDAY + 60 * MINUTE).owner == A
    assert choose(two, MONDAY, due_at=MONDAY + 20 * MINUTE).owner == A
    assert verdicts(choose(two, MONDAY, due_at=MONDAY + 20 * MINUTE - 1)) == {
        A: "chosen",
        B: "cannot meet due: 19m of their time until then, 20m needed",
    }


def test_an_absence_ahead_counts_against_being_in_time() -> None:
    leave = OFFICE.without([(MONDAY + 5 * MINUTE, MONDAY + 600 * MINUTE, "away")])
    two = pool(Member(A, calendar=leave), Member(B, calendar=OFFICE), needs=30 * MINUTE)
    choice = choose(two, MONDAY, due_at=MONDAY + 120 * MINUTE)
    assert verdicts(choice)[A] == "cannot meet due: 5m of their time until then, 30m needed"
    assert choice.owner == B


def test_where_nobody_can_be_in_time_the_fairest_gets_it_and_the_choice_says_so() -> None:
    trio = pool(needs=3 * 60 * MINUTE)
    choice = choose(trio, MONDAY, due_at=MONDAY + 60 * MINUTE, places={A: 1})
    assert choice.owner == B
    assert choice.reason == f"{UNMEETABLE}; next in turn"
    assert verdicts(choice)[C] == "cannot meet due: 1h00m of their time until then, 3h00m needed"


def test_after_due_there_is_nothing_to_be_met() -> None:
    trio = pool(needs=60 * MINUTE)
    assert choose(trio, MONDAY, due_at=MONDAY).reason == "next in turn"
    assert choose(trio, MONDAY, due_at=MONDAY - MINUTE).reason == "next in turn"
    assert choose(trio, MONDAY, due_at=None).reason == "next in turn"


# ---- the fallback


def test_nobody_free_goes_to_the_fallback() -> None:
    choice = choose(pool(), MONDAY, exclude={A, B, C})
    assert choice.owner == "queue:Unassigned"
    assert choice.reason == "only earlier owners are left: to the fallback"
    assert set(verdicts(choice).values()) == {HAD_IT}
    assert choice.place is None


def test_earlier_owners_are_not_named_where_something_else_keeps_everybody() -> None:
    choice = choose(pool(Member(A, cap=1)), MONDAY, open_counts={A: 1}, exclude={A})
    assert choice.reason == "nobody of the pool is free: to the fallback"


def test_an_empty_pool_goes_to_the_fallback() -> None:
    assert choose(Pool("nobody", (), fallback="user:boss"), MONDAY).owner == "user:boss"


def test_without_a_fallback_nobody_gets_it() -> None:
    choice = choose(pool(fallback=None), MONDAY, exclude={A, B, C})
    assert isinstance(choice, Choice)
    assert choice.owner is None
    assert choice.reason == "only earlier owners are left, and the pool has no fallback"


def test_after_so_many_hops_it_goes_to_the_fallback() -> None:
    twice = pool(max_hops=2)
    assert choose(twice, MONDAY, hops=1).owner == A
    assert choose(twice, MONDAY, hops=2).owner == "queue:Unassigned"
    third = choose(twice, MONDAY, hops=3)
    assert (third.owner, third.reason) == ("queue:Unassigned", "passed on 3 times already: to the fallback")


def test_the_same_question_has_the_same_answer() -> None:
    asked = [choose(pool(strategy="least_loaded"), MONDAY, places={A: 1, C: 2}, open_counts={A: 2}) for _ in range(3)]
    assert asked[0] == asked[1] == asked[2]
