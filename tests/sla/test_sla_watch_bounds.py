"""Watches at the edge: which clocks count, whose group they are, and the first and last instant of an episode."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from sla_story import config, created, instant, policy, target

from sla.condition import read_condition
from sla.figures.fact import Fact, facts
from sla.figures.watch import (
    Backlog,
    Breaches,
    Episode,
    Moment,
    Span,
    Watch,
    episodes,
    growth,
    length,
    levels,
    moment_of,
    repeated,
    text,
)
from sla.fold import evaluate_record
from sla.instant import parse_instant
from sla.policy import Policies
from sla.problem import Collector
from sla.timeline import event_from_mapping

HOUR, DAY = 3_600_000, 86_400_000
TWICE = Breaches("customer", 2, 10)
GROWTH = Backlog("queue", 10, Fraction(1, 2), 3)


def fact(**changed: Any) -> Fact:
    """A breach at Mon 12:00 of a ticket that is still open."""
    policies = Policies.from_config(config(policy(target("first_response", "2h"))))
    event = event_from_mapping(created("Mon 10:00"))
    [found] = facts(evaluate_record(policies, [event], parse_instant(instant("Mon 16:00"))))
    return msgspec.structs.replace(found, **changed)


# ---- which clocks count


def test_a_watch_covers_its_kind_its_target_and_its_condition() -> None:
    gold = read_condition({"tier": "gold"}, Collector())
    fitting = fact(fields={"tier": "gold"})
    assert Watch("A", TWICE).covers(fitting)
    exact = Watch("A", TWICE, "ticket", "first_response", gold)
    assert exact.covers(fitting)
    assert exact.covers(msgspec.structs.replace(fitting, stage="warn"))
    for other in ({"stage": "shadow"}, {"kind": "lead"}, {"target": "resolution"}, {"fields": {"tier": "tin"}}):
        assert not exact.covers(msgspec.structs.replace(fitting, **other))
    assert not Watch("A", TWICE).covers(msgspec.structs.replace(fitting, stage="shadow"))


@pytest.mark.parametrize(
    ("by", "changed", "key"),
    [
        ("queue", {"owner": "queue:9"}, "queue:9"),
        ("queue", {"owner": "user:5"}, None),
        ("owner", {"owner": "user:5"}, "user:5"),
        ("owner", {"owner": "queue:9"}, None),
        ("owner", {"owner": "unassigned"}, None),
        ("team", {"team": "East"}, "East"),
        ("team", {"team": None}, None),
        ("tier", {"fields": {"tier": "user:1"}}, "user:1"),
        ("tier", {"fields": {"tier": ""}}, None),
        ("policy", {}, "Support"),
        ("customer", {"fields": {"customer": "Acme", "requester": "x"}}, "Acme"),
        ("customer", {"fields": {"requester": "x"}}, "x"),
        ("customer", {"fields": {}}, None),
    ],
)
def test_the_group_of_a_clock(by: str, changed: dict[str, Any], key: str | None) -> None:
    assert Watch("A", Breaches(by, 2, 10)).key(fact(**changed)) == key


def test_whoever_made_the_record_is_the_customer_where_no_field_says_so_and_of_nothing_else() -> None:
    nameless = fact(fields={}, team=None)
    assert Watch("A", TWICE).key(nameless, "customer:7") == "customer:7"
    assert Watch("A", TWICE).key(fact(fields={"customer": "Acme"}), "customer:7") == "Acme"
    assert Watch("A", Breaches("team", 2, 10)).key(nameless, "customer:7") is None


def test_a_watch_names_the_fields_that_its_condition_its_group_and_its_task_look_at() -> None:
    gold = read_condition({"tier": "gold", "size": {"gte": 3}}, Collector())
    actions = {"task": "{record.name} {watch.key} {record.phone} 100 {{record.no}}", "notify": "{record.nobody}"}
    assert Watch("A", TWICE, when=gold, actions=actions).fields == {"tier", "size", "customer", "name", "phone"}
    of_the_clock = ("policy", "target", "kind", "owner", "team", "queue", "connection", "stage")
    assert [Watch("A", Breaches(by, 2, 10)).fields for by in of_the_clock] == [frozenset()] * 8
    assert Watch("A", Breaches("channel", 2, 10)).fields == {"channel"}


def test_only_a_breach_that_is_held_against_the_team_is_a_moment() -> None:
    assert moment_of(fact()) == Moment(parse_instant(instant("Mon 12:00")), "desk:ticket:1", "first_response")
    assert moment_of(fact(breached_at=0)) == Moment(0, "desk:ticket:1", "first_response")
    assert moment_of(fact(outcome="excused")) is None
    assert moment_of(fact(breached_at=None)) is None


# ---- repeated breaches


def breaches(*instants: int, now: int = 100, rule: Breaches = TWICE) -> list[Span]:
    return repeated(rule, [Moment(at, f"r{n}", "t") for n, at in enumerate(instants)], now)


def test_a_span_is_told_with_its_begin_end_size_reason_and_evidence() -> None:
    weekly = Breaches("customer", 2, 7 * DAY)
    one, other = Moment(0, "a", "t"), Moment(DAY, "b", "t")
    assert repeated(weekly, [other, one], 30 * DAY) == [Span(DAY, 7 * DAY + 1, 2, "2 breaches within 7d", (one, other))]
    assert repeated(weekly, [other, one], 7 * DAY) == [Span(DAY, None, 2, "2 breaches within 7d", (one, other))]
    assert repeated(weekly, [other, one], 7 * DAY + 1)[0].end == 7 * DAY + 1


def test_a_breach_on_the_first_instant_after_a_span_goes_on_with_it_and_a_later_one_begins_another() -> None:
    assert [(span.begin, span.end) for span in breaches(0, 10, 11)] == [(10, 21)]  # 11 ends the first and is the next
    assert [(span.begin, span.end) for span in breaches(0, 10, 12)] == [(10, 11), (12, 21)]
    assert [(span.begin, span.end) for span in breaches(0, 11)] == []
    assert [span.evidence[0].at for span in breaches(0, 10, 12, 13)] == [0, 10]


def test_a_single_breach_can_be_enough() -> None:
    assert [(span.begin, span.end, span.size) for span in breaches(5, rule=Breaches("team", 1, 10))] == [(5, 16, 1)]
    assert [(span.begin, span.end) for span in breaches(5, 16, 40, rule=Breaches("team", 1, 10))] == [(5, 27), (40, 51)]


def test_a_breach_at_this_very_instant_counts_and_the_next_one_not_yet() -> None:
    assert [(span.begin, span.end) for span in breaches(0, 5, now=5)] == [(5, None)]
    assert breaches(0, 5, now=4) == []


# ---- backlog


def grown(*given: tuple[int, int], since: int = 0, now: int = 100, rule: Backlog = GROWTH) -> list[Span]:
    return growth(rule, list(given), since, now)


def test_a_backlog_that_grew_is_told_with_what_it_was() -> None:
    assert grown((0, 2), (20, 3)) == [Span(20, 30, 3, "open clocks grew from 2 to 3 in 0.01s")]
    assert grown((0, 2), (20, 3), now=29) == [Span(20, None, 3, "open clocks grew from 2 to 3 in 0.01s")]
    assert grown((0, 2), (20, 3), now=30)[0].end == 30
    assert grown((0, 2), (20, 3), now=19) == []
    assert len(grown((0, 2), (20, 3), now=20)) == 1


def test_growth_is_judged_from_the_share_and_the_least_backlog_on() -> None:
    assert grown((0, 4), (20, 5)) == []  # a quarter
    assert [span.begin for span in grown((0, 4), (20, 6))] == [20]  # a half
    assert grown((0, 1), (20, 2)) == []  # below three
    assert [span.begin for span in grown((0, 2), (20, 3))] == [20]
    whole = Backlog("queue", 10, Fraction(0), 1)
    assert grown((0, 2), (20, 2), rule=whole) == []  # as many as before have not grown


def test_nothing_is_said_before_a_whole_window_is_known() -> None:
    assert [(span.begin, span.end) for span in grown((0, 2), (5, 3))] == [(10, 15)]
    assert [(span.begin, span.end) for span in grown((0, 2), (5, 3), since=4)] == [(14, 15)]
    assert grown((0, 2), (5, 3), since=5) == []
    assert grown((0, 2), (5, 3), since=90) == []


def test_a_backlog_that_grows_again_begins_another_episode() -> None:
    assert [(s.begin, s.end, s.size) for s in grown((0, 2), (20, 3), (40, 5), (45, 9), (70, 4), (90, 9))] == [
        (20, 30, 3), (40, 55, 5), (90, 100, 9),
    ]  # fmt: skip


def test_levels_are_counted_to_this_instant_and_touching_intervals_stay_level() -> None:
    assert levels([(1, 5), (5, None), (5, 9)], 9) == [(1, 1), (5, 2), (9, 1)]
    assert levels([(1, 5), (5, None), (5, 9)], 8) == [(1, 1), (5, 2)]
    assert levels([(0, 0)], 8) == [(0, 0)]
    assert levels([], 8) == []


# ---- episodes


def test_episodes_come_by_begin_then_watch_then_group() -> None:
    known = [
        fact(record=f"desk:ticket:{n}", owner=owner, team=team, breached_at=at, started_at=0)
        for n, (owner, team, at) in enumerate([("user:6", "B", 5), ("user:5", "A", 5), ("user:4", "A", 3)])
    ]
    watches = [Watch("Z", Breaches("owner", 1, HOUR)), Watch("Y", Breaches("team", 1, HOUR))]
    assert [(e.begin, e.watch, e.key) for e in episodes(watches, known, 10)] == [
        (3, "Y", "A"), (3, "Z", "user:4"), (5, "Y", "B"), (5, "Z", "user:5"), (5, "Z", "user:6"),
    ]  # fmt: skip
    moment = Moment(3, "desk:ticket:2", "first_response")
    assert episodes(watches[:1], known[2:], 10) == [
        Episode("Z", "user:4", 3, None, 1, "1 breaches within 1h", (moment,))
    ]
    assert episodes(watches, [], 10) == []
    assert episodes([], known, 10) == []


def test_a_backlog_knows_its_window_from_the_first_clock_that_it_covers() -> None:
    early = fact(record="desk:ticket:0", owner="queue:other", started_at=0, ended_at=1)
    queue = [fact(record=f"desk:ticket:{n}", owner="queue:Q", started_at=12, ended_at=25) for n in (1, 2, 3)]
    rule = Backlog("queue", 10, Fraction(1, 2), 3)
    reason = "open clocks grew from 0 to 3 in 0.01s"
    assert episodes([Watch("W", rule)], [*queue, early], 40) == [Episode("W", "queue:Q", 12, 22, 3, reason)]
    assert episodes([Watch("W", rule)], queue, 40) == []
    shadow = msgspec.structs.replace(early, stage="shadow")
    assert episodes([Watch("W", rule)], [*queue, shadow], 40) == []


def test_a_task_is_told_the_name_the_group_and_the_count() -> None:
    watch = Watch("Again", TWICE)
    assert (
        text("{watch.name}|{watch.key}|{watch.count}|{record.key}", {"key": "r"}, watch, "Acme", 3) == "Again|Acme|3|r"
    )


@pytest.mark.parametrize(
    ("elapsed", "said"),
    [
        (DAY, "1d"), (DAY + HOUR, "25h"), (HOUR, "1h"), (HOUR + 60_000, "61m"), (60_000, "1m"), (61_000, "61s"),
        (1_000, "1s"), (1, "0.001s"), (0, "0d"),
    ],
)  # fmt: skip
def test_a_window_is_told_in_the_longest_unit_that_is_whole(elapsed: int, said: str) -> None:
    assert length(elapsed) == said
