"""Where an account looks things up: what stood at an instant, where an instant lies on a picture, whose time it was."""

from __future__ import annotations

from typing import Any

import pytest
from sla_story import asks, changed, created, instant, promise

from sla.account.attribution import attribute
from sla.account.interval import Interval, intervals
from sla.account.mismatch import mismatches
from sla.account.moment import Moments
from sla.account.picture import Axis
from sla.fold import Move, evaluate_record
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping, settle


def at(text: str) -> int:
    return parse_instant(instant(text))


def moments(lines: list[dict[str, Any]], *moves: Move, policies: Policies | None = None) -> Moments:
    policies = policies or Policies.from_config(promise("resolution", "4h"))
    return Moments(policies, settle([event_from_mapping(line) for line in lines], at("Fri 23:00")), moves)


# ---- what stood at an instant

FOUR = [
    created("Mon 10:00", id="a"), changed("Mon 11:00", tier="gold", id="b"), asks("Mon 11:00", id="c"),
    changed("Mon 12:00", tier="silver", id="d"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("when", "until", "before", "there"),
    [
        ("Mon 09:59", None, None, ""),
        ("Mon 10:00", "a", None, "a"),
        ("Mon 10:30", "a", "a", ""),
        ("Mon 11:00", "c", "a", "bc"),
        ("Mon 12:00", "d", "c", "d"),
        ("Mon 12:01", "d", "d", ""),
    ],
)
def test_what_stood_at_an_instant(when: str, until: str | None, before: str | None, there: str) -> None:
    found = moments(FOUR)
    last, earlier = found.until(at(when)), found.before(at(when))
    assert (last and last.event.id, earlier and earlier.event.id) == (until, before)
    assert "".join(moment.event.id for moment in found.at(at(when))) == there


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [
        ("Mon 09:59", "Mon 12:01", "abcd"),
        ("Mon 10:00", "Mon 12:00", "bc"),
        ("Mon 11:00", "Mon 12:00", ""),
        ("Mon 10:00", "Mon 11:00", ""),
        ("Mon 11:00", "Mon 12:01", "d"),
    ],
)
def test_between_two_instants_is_neither_of_them(start: str, end: str, inside: str) -> None:
    assert "".join(moment.event.id for moment in moments(FOUR).between(at(start), at(end))) == inside


def test_a_moment_holds_the_record_after_its_event_and_what_that_event_changed() -> None:
    found = moments(FOUR).all
    assert [moment.fields.get("tier") for moment in found] == [None, "gold", "gold", "silver"]
    assert [sorted(moment.changed) for moment in found] == [["status"], ["tier"], [], ["tier"]]
    assert [moment.at for moment in found] == [at("Mon 10:00"), at("Mon 11:00"), at("Mon 11:00"), at("Mon 12:00")]


def test_the_status_of_a_moment_is_the_one_that_really_stands() -> None:
    found = moments([created("Mon 10:00"), changed("Mon 11:00", status="pending"), asks("Mon 12:00")]).all
    assert [moment.status for moment in found] == ["new", "pending", "open"]
    untold = {**created("Mon 10:00"), "set": {"tier": "gold"}}
    assert moments([untold]).all[0].status is None


def test_a_record_without_events_has_no_moments() -> None:
    found = moments([])
    assert (found.all, found.until(0), found.before(0), found.at(0), found.between(0, 9)) == ([], None, None, [], [])


def ruled(name: str) -> Policies:
    document = promise("resolution", "4h")
    document["derive"] = [{"name": name, "field": "priority", "value": "urgent", "when": {"tier": {"exists": True}}}]
    return Policies.from_config(document)


THREE = [
    created("Mon 10:00", tier="gold"), changed("Mon 11:00", tier="silver"), changed("Mon 12:00", tier="gold"),
    changed("Mon 13:00", tier="silver"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("moves", "rules"),
    [
        ([], "Old Old Old Old"),
        ([("Mon 11:00", "New", None)], "Old Old New New"),
        ([("Mon 09:00", "New", None)], "New New New New"),
        ([("Mon 11:30", "New", None), ("Mon 12:30", "Edited", "New")], "Old Old New Edited"),
        ([("Mon 11:30", "New", None), ("Mon 12:30", "Edited", "Old")], "Old Old New New"),
        ([("Mon 11:30", "Edited", "Old"), ("Mon 11:40", "Again", "Edited")], "Old Old Again Again"),
        ([("Mon 13:00", "New", None)], "Old Old Old Old"),
    ],
)
def test_an_event_is_read_by_the_version_in_force_before_its_instant(moves: list[Any], rules: str) -> None:
    versions = {name: ruled(name) for name in ("Old", "New", "Edited", "Again")}
    going = [Move(at(when), versions[name], "all", instead and versions[instead]) for when, name, instead in moves]
    found = moments(THREE, *going, policies=versions["Old"]).all
    assert " ".join(moment.derived["priority"] for moment in found) == rules


# ---- the axis of a picture


def piece(start: int, end: int, kind: str = "running") -> Interval:
    return Interval(start, end, kind, kind, ())


@pytest.mark.parametrize(
    ("pieces", "end", "scale", "places"),
    [
        ([piece(0, 10)], 10, 1, {-1: 0, 0: 0, 5: 0.5, 9: 0.9, 10: 1, 11: 1}),
        ([piece(0, 10)], 30, 2, {0: 0, 5: 0.25, 10: 0.5, 20: 0.75, 30: 1}),
        ([piece(0, 10), piece(10, 20, "on hold")], 20, 1, {10: 0.5, 15: 0.75, 20: 1}),
        ([piece(0, 10), piece(10, 14, "on hold")], 14, 1, {10: 0.714286, 14: 1}),
        ([piece(0, 10, "on hold"), piece(10, 30)], 30, 1, {5: 0.166667, 10: 0.333333, 20: 0.666667, 30: 1}),
        ([piece(0, 3), piece(3, 13, "closed")], 13, 10 / 3, {3: 0.5, 8: 0.75, 13: 1}),
        ([piece(0, 3), piece(3, 12, "closed"), piece(12, 15)], 15, 1.5, {3: 0.25, 12: 0.75, 15: 1}),
        ([piece(0, 10, "on hold")], 10, 1, {0: 0, 5: 0.5, 10: 1}),
        ([piece(20, 24)], 28, 1, {19: 0, 20: 0, 22: 0.25, 24: 0.5, 28: 1}),
        ([piece(20, 24)], 25, 1, {24: 0.8, 25: 1}),
        ([], 5, 1, {4: 0, 5: 1, 6: 1}),
        ([], 15, 1, {5: 0, 10: 0.5, 15: 1}),
    ],
)
def test_what_does_not_count_takes_half_of_the_axis_at_most(
    pieces: list[Interval], end: int, scale: float, places: dict[int, float]
) -> None:
    axis = Axis(pieces, 5, end)
    assert axis.scale == pytest.approx(scale)
    assert {instant_: axis(instant_) for instant_ in places} == places


# ---- whose time it was


def worked(start: int, end: int, kind: str = "running", holder: str | None = None) -> Interval:
    return Interval(start, end, kind, kind, ((start, end),), holder)


def test_time_is_shared_out_by_holder_and_kind_and_touching_parts_are_one() -> None:
    shares = attribute([
        worked(0, 10, "source lag", "system"), worked(10, 30, "running", "user:3"), worked(30, 35, "excused", "user:3"),
        worked(35, 42, "on hold"), worked(42, 50, "waiting on customer"), piece(50, 60, "out of hours"),
        worked(60, 61, "paused"), worked(61, 63, "resolved"), worked(63, 66, "deleted"),
        worked(66, 70, "running", "user:4"), worked(70, 72, "running", "user:3"),
    ])  # fmt: skip
    assert shares.elapsed.parts == ((0, 35), (66, 72))
    assert shares.elapsed.work == 41
    assert {name: total.parts for name, total in shares.spent.items()} == {
        "system": ((0, 10),), "user:3": ((10, 35), (70, 72)), "user:4": ((66, 70),),
    }  # fmt: skip
    assert [(name, total.work) for name, total in shares.paused.items()] == [
        ("waiting on customer", 8), ("on hold", 7), ("paused", 1),
    ]  # fmt: skip
    assert [(name, total.work) for name, total in shares.left_out.items()] == [("resolved", 2), ("deleted", 3)]
    assert shares.excused.parts == ((30, 35),)
    assert shares.whole == 62


def test_a_clock_that_has_not_run_yet_is_the_systems_without_any_time() -> None:
    shares = attribute([])
    assert ([*shares.spent], shares.spent["system"].parts, shares.elapsed.work, shares.whole) == (["system"], (), 0, 0)
    assert (shares.paused, shares.left_out) == ({}, {})


# ---- why a condition does not hold


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"tier": "silver"}, []),
        ({"tier": ["gold"]}, ['tier is "silver", wanted "gold"']),
        ({"note": ["a", "b"]}, ['note is empty, wanted one of "a", "b"']),
        ({"seats": {"gte": 11}}, ["seats is 10, wanted ≥ 11"]),
        ({"seats": {"lte": 9}}, ["seats is 10, wanted ≤ 9"]),
        ({"seats": {"lt": 10}}, ["seats is 10, wanted < 10"]),
        ({"seats": {"gt": 10}}, ["seats is 10, wanted > 10"]),
        ({"tier": {"contains": "old"}}, ['tier is "silver", wanted contains "old"']),
        ({"tier": {"not": ["silver", "gold"]}}, ['tier is "silver", wanted not one of "silver", "gold"']),
        ({"all": [{"tier": "gold"}, {"seats": 10}, {"seats": 1}]}, [
            'tier is "silver", wanted "gold"', "seats is 10, wanted 1",
        ]),
        ({"tier": "gold", "seats": 10, "note": "x"}, [
            'tier is "silver", wanted "gold"', 'note is empty, wanted "x"',
        ]),
        ({"not": {"tier": "silver"}}, ['this must not be: tier is "silver"']),
        ({"not": {"any": [{"seats": 1}, {"tier": "silver"}]}}, [
            'this must not be: seats is 10 and tier is "silver"',
        ]),
        ({"not": {"not": {"seats": 1}, "tier": "silver"}}, ['this must not be: seats is 10 and tier is "silver"']),
        ({"any": [{"seats": 1}, {"all": [{"tier": "gold"}, {"note": "x"}]}]}, [
            'none of these: seats is 10, wanted 1; or tier is "silver", wanted "gold" and note is empty, wanted "x"',
        ]),
        ({"any": [{"seats": 10}, {"tier": "gold"}]}, []),
    ],
)  # fmt: skip
def test_each_part_of_a_condition_that_does_not_hold_is_one_sentence(source: dict[str, Any], words: list[str]) -> None:
    assert [*mismatches(source, {"tier": "silver", "seats": 10, "note": ""})] == words


# ---- a clock whose history is not known


def test_a_pause_of_which_no_event_tells_is_a_pause_and_nothing_more() -> None:
    policies = Policies.from_config(promise("resolution", "4h"))
    events = [event_from_mapping(line) for line in (created("Mon 10:00"), changed("Mon 11:00", status="pending"))]
    evaluation = evaluate_record(policies, events, at("Mon 12:00"))
    found = intervals(evaluation.clocks[0], evaluation.state, Moments(policies, []))
    assert [(i.kind, i.cause, i.work) for i in found] == [
        ("waiting for first assignment", "waiting for first assignment", 3_600_000), ("paused", "paused", 3_600_000),
    ]  # fmt: skip
