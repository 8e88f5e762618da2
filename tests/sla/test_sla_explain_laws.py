"""What holds for the account of every timeline: the parts make the whole, to the millisecond, whatever happened."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from test_sla_laws import MONDAY, NOW, document, timelines

from sla.account.attribution import attribute, due_parts
from sla.account.explain import explain_record
from sla.account.interval import COUNTED, ending, intervals
from sla.account.moment import Moments
from sla.fold import Evaluation, Move, Wait, evaluate_record
from sla.instant import parse_instant
from sla.model import Event
from sla.policy import Policies
from sla.timeline import settle

HOUR = 3_600_000


def rich() -> dict[str, Any]:
    """The document of the laws with people's own hours, maintenance, stretched promises and derived fields."""
    found = document()
    found["calendars"]["early"] = {"timezone": "Europe/Berlin", "hours": {"mon-fri": "06:00-11:00"}}
    found["people"] = {"user:3": {"calendar": "early", "away": ["2026-03-04"]}}
    found["derive"] = [
        {"name": "Gold is urgent", "field": "priority", "value": "urgent", "when": {"tier": "gold"}},
    ]
    found["adjustments"] = [
        {"name": "Sale", "from": "2026-03-03", "until": "2026-03-03", "factor": 1.5, "reason": "mail",
         "approved_by": "m"},
    ]  # fmt: skip
    found["maintenance"] = [
        {"name": "Move", "from": "2026-03-03T15:00:00Z", "until": "2026-03-03T18:30:00Z", "reason": "r",
         "approved_by": "m", "when": {"tier": {"not": "silver"}}},
    ]  # fmt: skip
    found["policies"].append({
        "name": "Own hours", "applies_to": "ticket", "when": {"tier": "bronze"},
        "calendar": {"field": "owner", "default": "office"},
        "targets": [{"metric": "resolution", "within": "5h"}, {"metric": "first_response", "within": "3h"}],
    })  # fmt: skip
    found["policies"].append({
        "name": "Trial", "applies_to": "ticket", "calendar": "office", "stage": "shadow",
        "targets": [{"metric": "resolution", "within": "2bd"}],
    })  # fmt: skip
    return found


RICH = Policies.from_config(rich())
PLAIN = Policies.from_config(document())


def edited(day: str) -> Move:
    """The office opens later from a day on, for whatever is open as well."""
    found = rich()
    found["calendars"]["office"]["revisions"] = [{"from": day, "hours": {"mon-fri": "10:00-15:00"}}]
    return Move(parse_instant(f"{day}T05:00:00Z"), Policies.from_config(found), "hours", RICH)


MOVES = st.lists(
    st.builds(
        Move,
        at=st.integers(0, 5 * 24).map(lambda n: MONDAY + n * HOUR),
        policies=st.sampled_from([RICH, PLAIN]),
        scope=st.sampled_from(["new", "unbreached", "all"]),
        instead=st.none(),
    )
    | st.sampled_from([edited("2026-03-03"), edited("2026-03-05")]),
    max_size=1,
)
WAITS = st.lists(
    st.builds(
        lambda at, before: Wait(MONDAY + at * HOUR, MONDAY + (at - before) * HOUR),
        at=st.integers(0, 5 * 24),
        before=st.integers(0, 30),
    ),
    max_size=1,
)


def lives(
    events: list[Event], now: int, moves: list[Move], waits: Sequence[Wait] = ()
) -> list[tuple[Any, list[Any], Evaluation]]:
    moving = [move for move in moves if move.at <= now]
    evaluation = evaluate_record(RICH, events, now, waits, moving)
    moments = Moments(RICH, settle(events, now), moving)
    return [(clock, intervals(clock, evaluation.state, moments), evaluation) for clock in evaluation.clocks]


@given(timelines(), NOW, MOVES, WAITS)
def test_intervals_tile_the_life_of_a_clock_without_gap_or_overlap(
    events: list[Event], now: int, moves: Any, waits: Any
) -> None:
    for clock, found, _ in lives(events, now, moves, waits):
        edges = [(clock.started_ms, clock.started_ms), *((i.start, i.end) for i in found)]
        assert all(before[1] == after[0] for before, after in pairwise(edges))
        assert edges[-1][1] == ending(clock)
        assert all(i.start < i.end for i in found)
        for i in found:
            assert all(i.start <= a < b <= i.end for a, b in i.openings)
            assert (i.holder is not None) == (i.kind in COUNTED)


@given(timelines(), NOW, MOVES, WAITS)
def test_what_counts_is_the_elapsed_time_and_what_pauses_the_paused_time(
    events: list[Event], now: int, moves: Any, waits: Any
) -> None:
    for clock, found, _ in lives(events, now, moves, waits):
        shares = attribute(found)
        assert shares.elapsed.work == clock.elapsed_ms
        assert sum(total.work for total in shares.paused.values()) == clock.paused_ms
        left_out = sum(total.work for total in shares.left_out.values())
        assert shares.whole == clock.elapsed_ms + clock.paused_ms + left_out


@given(timelines(), NOW, MOVES)
def test_whose_time_it_was_is_what_the_verdict_says(events: list[Event], now: int, moves: Any) -> None:
    for clock, found, _ in lives(events, now, moves):
        spent = {holder: total.work for holder, total in attribute(found).spent.items()}
        assert {h: work for h, work in spent.items() if work} == {h: w for h, w in clock.spent_ms.items() if w}


@given(timelines(), NOW)
def test_on_one_calendar_the_whole_is_all_working_time_between_start_and_end(events: list[Event], now: int) -> None:
    for clock, found, _ in lives(events, now, []):
        if {leg.calendar for leg in clock.run.legs} <= {clock.run.calendar}:
            assert attribute(found).whole == clock.run.calendar.elapsed_ms(clock.started_ms, ending(clock))


@given(timelines(), NOW)
def test_the_working_time_up_to_a_breach_is_what_was_promised(events: list[Event], now: int) -> None:
    for clock, found, _ in lives(events, now, []):
        due = due_parts(clock, found)
        if due is not None and clock.breached_ms is not None and not clock.run.changes:
            assert due.work == clock.run.budget


@given(timelines(), NOW, MOVES)
def test_the_account_agrees_with_itself(events: list[Event], now: int, moves: Any) -> None:
    account = explain_record(RICH, events, now, (), moves)
    lanes = account["picture"]["lanes"]
    assert len(lanes) == len(account["clocks"])
    for clock, lane in zip(account["clocks"], lanes, strict=True):
        sums = clock["sums"]
        for total in (sums["elapsed"], *sums["spent"].values(), *sums["paused"].values(), *sums["left_out"].values()):
            assert ms(total["working_s"]) == sum(ms(part["working_s"]) for part in total["parts"])
            for part in total["parts"]:
                assert ms(part["working_s"]) == parse_instant(part["to"]) - parse_instant(part["from"])
        assert ms(sums["elapsed"]["working_s"]) == ms(clock["elapsed_s"])
        assert sum(ms(total["working_s"]) for total in sums["spent"].values()) == ms(clock["elapsed_s"])
        assert sum(ms(total["working_s"]) for total in sums["paused"].values()) == ms(clock["paused_s"])
        assert ms(sums["whole_s"]) == sum(ms(interval["working_s"]) for interval in clock["intervals"])
        keys = ("from", "to", "kind", "cause", "counts")
        assert [[bar[k] for k in keys] for bar in lane["bars"]] == [[i[k] for k in keys] for i in clock["intervals"]]
        places = [place for bar in lane["bars"] for place in (bar["x"], bar["x_end"])]
        assert places == sorted(places)
        assert all(0 <= place <= 1 for place in [*places, *(mark["x"] for mark in lane["marks"])])
        assert all(before["x_end"] == after["x"] for before, after in pairwise(lane["bars"]))


@given(timelines(), NOW, MOVES)
def test_every_start_and_end_at_an_events_instant_is_told_at_an_event(
    events: list[Event], now: int, moves: Any
) -> None:
    account = explain_record(RICH, events, now, (), moves)
    told = [(line["at"], deed) for line in account["timeline"] for deed in line["counts_as"]]
    instants = {line["at"] for line in account["timeline"]}
    for clock in account["clocks"]:
        name = f"{clock['target']} #{clock['cycle']}"
        if clock["started_at"] in instants:
            assert any(at == clock["started_at"] and deed.startswith(f"started {name}") for at, deed in told)
        if clock["ended_at"] in instants:
            assert any(at == clock["ended_at"] and deed.startswith(("stopped", "cancelled")) for at, deed in told)


@given(timelines(), NOW)
def test_every_policy_that_has_a_target_of_the_name_is_accounted_for(events: list[Event], now: int) -> None:
    offers: dict[str, set[str]] = {}
    for policy in rich()["policies"]:
        for target in policy["targets"]:
            offers.setdefault(target["metric"], set()).add(policy["name"])
    for clock in explain_record(RICH, events, now)["clocks"]:
        named = {clock["policy"], *(other["policy"] for other in clock["other_policies"])}
        assert named == offers[clock["target"]]
        assert all(other["why_not"] for other in clock["other_policies"])


@given(timelines(), NOW, st.randoms(use_true_random=False))
def test_the_order_and_repetition_of_events_change_nothing(events: list[Event], now: int, rng: Any) -> None:
    again = events + rng.choices(events, k=3)
    rng.shuffle(again)
    assert explain_record(RICH, again, now) == explain_record(RICH, events, now)


def ms(seconds: float) -> int:
    return round(seconds * 1_000)
