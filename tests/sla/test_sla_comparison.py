"""Two configurations over the same history: what pairs with what, and which breaches are gained and lost."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from sla_story import changed, config, created, instant, policy, reply, target

from sla.figures.comparison import Comparison, pairs
from sla.figures.fact import facts
from sla.fold import evaluate_record
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

# Answered by user:5 after 90 minutes, at Mon 11:30.
STORY = [
    created("Mon 10:00", owner="queue:A"),
    changed("Mon 11:15", owner="user:5"),
    reply("Mon 11:30", actor="user:5"),
]


def judged(document: dict[str, Any], story: list[dict[str, Any]] = STORY) -> Any:
    events = [event_from_mapping(line) for line in story]
    return evaluate_record(Policies.from_config(document), events, parse_instant(instant("Tue 10:00")))


def promised(within: str, **more: Any) -> dict[str, Any]:
    return config(policy(target("first_response", within), **more))


def compared(before: dict[str, Any], after: dict[str, Any], *by: str) -> Comparison:
    comparison = Comparison(by, ZoneInfo("UTC"))
    comparison.add(facts(judged(before)), facts(judged(after)))
    return comparison


def test_a_shorter_target_gains_a_breach() -> None:
    whole = compared(promised("2h"), promised("1h")).whole
    assert (whole.gained, whole.lost) == (1, 0)
    assert (whole.before.attainment, whole.after.attainment) == (1.0, 0.0)


def test_a_longer_target_loses_one() -> None:
    whole = compared(promised("1h"), promised("2h")).whole
    assert (whole.gained, whole.lost) == (0, 1)


def test_the_sides_count_what_became_of_every_clock() -> None:
    comparison = Comparison(("target",), ZoneInfo("UTC"))
    for story in (STORY, STORY[:1], [created("Mon 10:00"), reply("Mon 10:30")], [created("Tue 09:50")]):
        comparison.add(facts(judged(promised("2h"), story)), facts(judged(promised("1h"), story)))
    before, after = comparison.whole.before, comparison.whole.after
    assert (before.clocks, before.met, before.missed, before.decided, before.attainment) == (4, 2, 1, 3, 2 / 3)
    assert (after.clocks, after.met, after.missed, after.decided, after.attainment) == (4, 1, 2, 3, 1 / 3)
    assert comparison.table("target") == [("first_response", comparison.whole)]


def test_each_side_counts_in_the_group_that_it_has() -> None:
    groups = dict(compared(promised("1h20m"), promised("1h"), "owner").table("owner"))
    assert {name: (c.before.missed, c.after.missed, c.gained, c.lost) for name, c in groups.items()} == {
        "queue:A": (0, 1, 0, 0),
        "user:5": (1, 0, 0, 0),
    }


def test_a_clock_that_only_one_side_has_is_gained_or_lost_with_its_breach() -> None:
    nothing = promised("1h", when={"source": "Chat"})
    assert compared(nothing, promised("1h")).whole.gained == 1
    assert compared(promised("1h"), nothing).whole.lost == 1
    assert compared(promised("1h"), nothing).whole.after.attainment is None


def test_a_policy_tried_out_is_paired_with_its_like() -> None:
    both = config(
        policy(target("first_response", "2h"), name="A"),
        policy(target("first_response", "1h"), name="B", stage="shadow"),
    )
    before, after = judged(both).clocks, judged(promised("2h", name="A")).clocks
    assert [(a and a.policy, b and b.policy) for a, b in pairs(before, after)] == [("A", "A"), ("B", None)]
    assert [(a and a.policy, b and b.policy) for a, b in pairs(after, before)] == [("A", "A"), (None, "B")]


def test_hours_of_the_week_come_in_the_order_of_the_week() -> None:
    comparison = Comparison(("hour_of_week",), ZoneInfo("UTC"))
    for at in ("2026-02-26T10:00:00Z", "Tue 09:00", "Mon 16:00", "Mon 09:00"):
        comparison.add((), facts(judged(promised("1h"), [created(at)])))
    assert [group for group, _ in comparison.table("hour_of_week")] == ["Mon 10", "Mon 17", "Tue 10", "Thu 11"]
