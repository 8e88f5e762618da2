"""How two sides are paired and grouped, judged on clocks that are nothing but their names and outcomes."""

from __future__ import annotations

from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sla_story import config, created, instant, policy, reply, target

from sla.figures.comparison import Change, Comparison, Side, pairs
from sla.figures.fact import Fact, facts
from sla.fold import evaluate_record
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping


class Name(NamedTuple):
    policy: str
    target: str = "first_response"
    cycle: int = 1
    stage: str = "enforce"


def fact(**changed: Any) -> Fact:
    policies = Policies.from_config(config(policy(target("first_response", "2h"))))
    events = [event_from_mapping(line) for line in (created("Mon 10:00"), reply("Mon 10:30"))]
    [found] = facts(evaluate_record(policies, events, parse_instant(instant("Mon 16:00"))))
    return msgspec.structs.replace(found, **changed)


MET, MISSED, OPEN = fact(), fact(outcome="missed"), fact(outcome=None)


# ---- pairs


def test_clocks_are_paired_by_target_and_cycle_in_that_order() -> None:
    before = [Name("A", "resolution", 2), Name("A", "first_response", 3), Name("A", "resolution", 10)]
    after = [Name("B", "resolution", 10), Name("B", "first_response", 1), Name("B", "resolution", 2)]
    assert list(pairs(before, after)) == [
        (None, Name("B", "first_response", 1)),
        (Name("A", "first_response", 3), None),
        (Name("A", "resolution", 2), Name("B", "resolution", 2)),
        (Name("A", "resolution", 10), Name("B", "resolution", 10)),
    ]
    assert list(pairs([], [])) == []


def test_of_one_name_those_in_force_come_first_and_then_by_policy() -> None:
    trial_a, trial_b = Name("A", stage="shadow"), Name("B", stage="shadow")
    warn, force = Name("Y", stage="warn"), Name("Z")
    assert list(pairs([trial_b, force, trial_a, warn], [Name("M")])) == [
        (warn, Name("M")), (force, None), (trial_a, None), (trial_b, None),
    ]  # fmt: skip
    assert list(pairs([Name("M")], [trial_b, force])) == [(Name("M"), force), (None, trial_b)]


# ---- counting


def counted(before: list[Fact], after: list[Fact], *by: str, zone: str = "UTC") -> Comparison:
    comparison = Comparison(by, ZoneInfo(zone))
    comparison.add(before, after)
    return comparison


def test_a_side_counts_every_clock_and_decides_by_those_kept_or_broken() -> None:
    side = Side()
    assert (side.clocks, side.decided, side.attainment) == (0, 0, None)
    for outcome in ("met", "met", "met", "missed", "cancelled", "excused", None):
        side.add(fact(outcome=outcome))
    assert (side.clocks, side.met, side.missed, side.decided, side.attainment) == (7, 3, 1, 4, 0.75)
    only_missed = Side()
    only_missed.add(MISSED)
    assert only_missed.attainment == 0.0


def test_a_breach_is_gained_or_lost_only_where_the_other_side_has_none() -> None:
    for before, after, gained, lost in (
        ([MET], [MISSED], 1, 0), ([MISSED], [MET], 0, 1), ([MISSED], [MISSED], 0, 0), ([MET], [MET], 0, 0),
        ([OPEN], [MISSED], 1, 0), ([MISSED], [OPEN], 0, 1), ([], [MISSED], 1, 0), ([MISSED], [], 0, 1),
        ([], [MET], 0, 0), ([MET], [], 0, 0),
    ):  # fmt: skip
        whole = counted(before, after).whole
        assert (whole.gained, whole.lost) == (gained, lost)
        assert (whole.before.clocks, whole.after.clocks) == (len(before), len(after))


def test_what_is_gained_and_lost_adds_up_over_records() -> None:
    comparison = Comparison((), ZoneInfo("UTC"))
    for _ in range(3):
        comparison.add([MET], [MISSED])
    for _ in range(2):
        comparison.add([MISSED], [MET])
    assert comparison.whole == Change(Side(5, 3, 2), Side(5, 2, 3), 3, 2)


def test_every_dimension_is_counted_on_its_own_and_each_side_in_its_own_group() -> None:
    before = fact(outcome="missed", owner="user:5", team="East")
    after = fact(outcome="met", owner="user:6", team="East")
    comparison = counted([before], [after], "owner", "team")
    assert comparison.table("owner") == [
        ("user:5", Change(Side(1, 0, 1), Side(), 0, 1)),
        ("user:6", Change(Side(), Side(1, 1, 0), 0, 0)),
    ]
    assert comparison.table("team") == [("East", Change(Side(1, 0, 1), Side(1, 1, 0), 0, 1))]
    assert comparison.whole == Change(Side(1, 0, 1), Side(1, 1, 0), 0, 1)
    gaining = counted([after], [before], "owner")
    assert dict(gaining.table("owner"))["user:5"] == Change(Side(), Side(1, 0, 1), 1, 0)


def test_groups_come_by_name_and_a_dimension_without_clocks_is_empty() -> None:
    known = [fact(owner=owner, cycle=n) for n, owner in enumerate(("user:6", "queue:A", "user:10"))]
    comparison = counted(known, [], "owner")
    assert [name for name, _ in comparison.table("owner")] == ["queue:A", "user:10", "user:6"]
    assert Comparison(("owner",), ZoneInfo("UTC")).table("owner") == []


def test_periods_are_those_of_the_zone() -> None:
    late = fact(ended_at=parse_instant("2026-03-02T23:30:00Z"))
    assert [name for name, _ in counted([late], [], "day", zone="Europe/Berlin").table("day")] == ["2026-03-03"]
    assert [name for name, _ in counted([late], [], "hour_of_week", zone="Europe/Berlin").table("hour_of_week")] == [
        "Tue 00"
    ]


def test_hours_of_the_week_come_day_by_day_and_hour_by_hour() -> None:
    days = ("08", "07", "06", "05", "04", "03", "02")  # Sunday back to Monday
    known = [
        fact(cycle=10 * int(day) + n, ended_at=parse_instant(f"2026-03-{day}T{hour}:30:00Z"))
        for day in days
        for n, hour in enumerate(("22", "09"))
    ]
    assert [name for name, _ in counted(known, [], "hour_of_week").table("hour_of_week")] == [
        "Mon 09", "Mon 22", "Tue 09", "Tue 22", "Wed 09", "Wed 22", "Thu 09", "Thu 22", "Fri 09", "Fri 22", "Sat 09",
        "Sat 22", "Sun 09", "Sun 22",
    ]  # fmt: skip
