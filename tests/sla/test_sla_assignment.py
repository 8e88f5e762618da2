"""Who gets a record next, and why the others do not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sla_story import instant

from sla.assignment import Choice, Member, Pool, choose
from sla.calendar import Calendar
from sla.instant import parse_instant

OFFICE = Calendar.from_config({"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}})
A, B, C = "user:a", "user:b", "user:c"
TRIO = (Member(A), Member(B), Member(C))
MONDAY, SUNDAY = parse_instant(instant("Mon 10:00")), parse_instant(instant("Sun 10:00"))


def pool(*members: Member, **more: Any) -> Pool:
    return Pool("inside-sales", members or TRIO, **{"fallback": "queue:Unassigned", **more})


def turns(of: Pool, n: int, history: list[str] | None = None, **more: Any) -> list[str | None]:
    """Who gets the next ``n`` records, one after the other."""
    history = list(history or [])
    found = []
    for _ in range(n):
        choice = choose(of, MONDAY, history=history, **more)
        found.append(choice.owner)
        if choice.owner:
            history.append(choice.owner)
    return found


# ---- round robin


def test_round_robin_goes_round() -> None:
    assert turns(pool(), 7) == [A, B, C, A, B, C, A]


def test_round_robin_goes_on_where_it_stopped() -> None:
    assert turns(pool(), 3, [A]) == [B, C, A]
    assert turns(pool(), 3, [A, B]) == [C, A, B]


def test_round_robin_passes_over_who_may_not() -> None:
    assert turns(pool(), 4, exclude={B}) == [A, C, A, C]


def test_history_of_people_who_left_the_pool_does_not_matter() -> None:
    assert turns(pool(), 3, ["user:gone", "user:gone"]) == [A, B, C]


# ---- weights


@pytest.mark.parametrize("strategy", ["weighted", "round_robin"])
def test_weights_are_honoured(strategy: str) -> None:
    double = pool(Member(A), Member(B, weight=2), Member(C), strategy=strategy)
    assert Counter(turns(double, 40)) == {A: 10, B: 20, C: 10}


def test_weights_are_spread_and_not_in_one_go() -> None:
    first_eight = turns(pool(Member(A), Member(B, weight=3), strategy="weighted"), 8)
    assert Counter(first_eight) == {A: 2, B: 6}
    assert Counter(first_eight[:4]) == {A: 1, B: 3}


# ---- least loaded


def test_least_loaded_goes_to_who_carries_least() -> None:
    loaded = pool(strategy="least_loaded")
    assert choose(loaded, MONDAY, open_counts={A: 3, B: 1, C: 2}).owner == B
    assert choose(loaded, MONDAY, open_counts={A: 3, C: 2}).owner == B


def test_least_loaded_between_equals_takes_turns() -> None:
    loaded = pool(strategy="least_loaded")
    assert choose(loaded, MONDAY, open_counts={A: 1, B: 1, C: 1}, history=[A, B]).owner == C
    assert choose(loaded, MONDAY, open_counts={A: 1, B: 1, C: 1}, history=[C, A]).owner == B


def test_least_loaded_honours_weights() -> None:
    loaded = pool(Member(A), Member(B, weight=2), strategy="least_loaded")
    assert choose(loaded, MONDAY, open_counts={A: 2, B: 3}).owner == B
    assert choose(loaded, MONDAY, open_counts={A: 1, B: 3}).owner == A


# ---- who may not


def test_earlier_owners_are_skipped() -> None:
    choice = choose(pool(), MONDAY, exclude=[A])
    assert choice.owner == B
    assert choice.considered[0][0] == A
    assert choice.considered[0][1] != choice.considered[1][1]


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


def test_every_member_is_accounted_for_with_a_reason() -> None:
    four = pool(Member(A, cap=1), Member(B, calendar=OFFICE), Member(C), Member("user:d"), Member("user:e"))
    choice = choose(four, SUNDAY, open_counts={A: 1}, exclude={C}, inactive={"user:d"})
    assert choice.owner == "user:e"
    assert [user for user, _ in choice.considered] == [A, B, C, "user:d", "user:e"]
    reasons = [reason for _, reason in choice.considered]
    assert all(reasons)
    assert len(set(reasons)) == 5
    assert choice.reason


# ---- the fallback


def test_nobody_free_goes_to_the_fallback() -> None:
    choice = choose(pool(), MONDAY, exclude={A, B, C})
    assert choice.owner == "queue:Unassigned"
    assert len(choice.considered) == 3


def test_an_empty_pool_goes_to_the_fallback() -> None:
    assert choose(Pool("nobody", (), fallback="user:boss"), MONDAY).owner == "user:boss"


def test_without_a_fallback_nobody_gets_it() -> None:
    choice = choose(pool(fallback=None), MONDAY, exclude={A, B, C})
    assert isinstance(choice, Choice)
    assert choice.owner is None
    assert choice.reason


def test_after_so_many_hops_it_goes_to_the_fallback() -> None:
    twice = pool(max_hops=2)
    assert choose(twice, MONDAY, hops=1).owner == A
    assert choose(twice, MONDAY, hops=2).owner == "queue:Unassigned"
    assert choose(twice, MONDAY, hops=3).owner == "queue:Unassigned"


def test_the_same_question_has_the_same_answer() -> None:
    asked = [choose(pool(strategy="least_loaded"), MONDAY, history=[A, C], open_counts={A: 2}) for _ in range(3)]
    assert asked[0] == asked[1] == asked[2]
