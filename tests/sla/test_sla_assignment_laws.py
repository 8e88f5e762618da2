"""Laws of taking turns, whatever the weights, the absences and the order in which records come."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from hypothesis import event, given
from hypothesis import strategies as st

from sla.assignment import FREE, Choice, Member, Pool, choose

Absences = list[frozenset[int]]

weights = st.lists(st.integers(1, 9), min_size=2, max_size=5)
equal_weights = st.integers(2, 5).map(lambda n: [1] * n)
absences: st.SearchStrategy[Absences] = st.lists(st.frozensets(st.integers(0, 4), max_size=4), max_size=60)


def team(shares: list[int], strategy: str = "weighted", cap: int | None = None) -> Pool:
    return Pool("team", tuple(Member(f"user:{i}", share, cap) for i, share in enumerate(shares)), strategy)


def run(pool: Pool, away: Absences) -> list[Choice]:
    """One record for each entry of ``away``, in turn."""
    places: dict[str, int] = {}
    made = []
    for absent in away:
        choice = choose(pool, 0, places=places, exclude={f"user:{i}" for i in absent})
        if choice.owner is not None and choice.place is not None:
            places[choice.owner] = choice.place
        made.append(choice)
    return made


@given(st.one_of(weights, equal_weights), absences)
def test_two_who_are_both_there_are_never_more_than_a_turn_apart(shares: list[int], away: Absences) -> None:
    pool = team(shares)
    made = run(pool, away)
    for i, one in enumerate(pool.members):
        for j, other in list(enumerate(pool.members))[i + 1 :]:
            ahead = low = high = Fraction(0)
            for choice, absent in zip(made, away, strict=True):
                if i in absent or j in absent:
                    ahead = low = high = Fraction(0)
                    continue
                ahead += Fraction(choice.owner == one.user, one.weight) - Fraction(
                    choice.owner == other.user, other.weight
                )
                low, high = min(low, ahead), max(high, ahead)
                assert high - low <= Fraction(1, one.weight) + Fraction(1, other.weight)


@given(weights, st.integers(1, 4))
def test_weights_are_exact_over_every_round(shares: list[int], rounds: int) -> None:
    pool = team(shares)
    made = run(pool, [frozenset()] * (sum(shares) * rounds))
    for start in range(0, len(made), sum(shares)):
        counts = Counter(choice.owner for choice in made[start : start + sum(shares)])
        assert counts == {member.user: member.weight for member in pool.members}


@given(weights, absences, st.integers(0, 4), st.integers(1, 40))
def test_who_returns_is_next_and_gets_no_more_than_their_share_from_then_on(
    shares: list[int], before: Absences, who: int, gone: int
) -> None:
    pool = team(shares)
    who %= len(shares)
    back = [*before, *[frozenset({who})] * gone, *[frozenset[int]()] * (2 * sum(shares))]
    after = [choice.owner for choice in run(pool, back)][len(before) + gone :]
    returned = pool.members[who]
    first = after.index(returned.user)
    event(f"waited for {first}")
    # At most everybody who fell behind with them goes first; then a round holds their share and one turn more.
    assert first <= len(shares) - 1 + sum(shares)
    for start in range(len(after) - sum(shares)):
        assert after[start : start + sum(shares)].count(returned.user) <= returned.weight + 1


@given(st.one_of(weights, equal_weights), absences)
def test_the_order_is_the_same_every_time(shares: list[int], away: Absences) -> None:
    assert run(team(shares), away) == run(team(shares), away)


@given(
    weights,
    st.sampled_from(["round_robin", "weighted", "least_loaded"]),
    st.integers(1, 5),
    st.lists(st.integers(0, 6), min_size=5, max_size=5),
)
def test_nobody_is_given_more_than_their_cap(shares: list[int], strategy: str, cap: int, carried: list[int]) -> None:
    pool = team(shares, strategy, cap)
    counts = Counter({member.user: n for member, n in zip(pool.members, carried, strict=False)})
    before = counts.copy()
    places: dict[str, int] = {}
    for _ in range(40):
        choice = choose(pool, 0, places=places, open_counts=counts)
        if choice.owner is None or choice.place is None:
            break
        counts[choice.owner] += 1
        places[choice.owner] = choice.place
    assert all(counts[user] <= max(cap, before[user]) for user in counts)
    assert all(counts[member.user] >= cap for member in pool.members)  # and nobody is spared while they have room


@given(weights, absences, st.integers(0, 1_000_000), st.integers(0, 1_000_000))
def test_someone_is_chosen_whenever_someone_is_free(shares: list[int], away: Absences, needs: int, left: int) -> None:
    members = team(shares).members
    for absent in away:
        choice = choose(
            Pool("team", members, needs=needs), 0, exclude={f"user:{i}" for i in absent}, due_at=left
        )  # fmt: skip
        assert (choice.owner is None) == (len(absent & set(range(len(shares)))) == len(shares))
        assert len(choice.considered) == len(members)
        assert choice.owner is None or sum(c.verdict == "chosen" for c in choice.considered) == 1
        assert sorted(c.turn for c in choice.considered) == list(range(1, len(members) + 1))
        assert choice.owner is not None or all(c.verdict != FREE for c in choice.considered)
