"""Conditions over many records: when they hold, for whom, and that an edit of the order changes nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sla_story import instant

from sla.figures.fact import Fact, facts
from sla.figures.watch import (
    Backlog,
    Breaches,
    Episode,
    Moment,
    Watch,
    episodes,
    growth,
    length,
    levels,
    repeated,
    text,
)
from sla.figures.watch_section import read_watches
from sla.fold import evaluate_record
from sla.instant import DAY, HOUR, parse_instant
from sla.policy import Policies
from sla.problem import Collector
from sla.timeline import event_from_mapping

THREE = Breaches("customer", 3, 7 * DAY)
NOW = 100 * DAY


def moments(*days: float) -> list[Moment]:
    return [Moment(round(day * DAY), f"desk:ticket:{i}", "first_response") for i, day in enumerate(days)]


def spans(*days: float, now: int = NOW) -> list[tuple[float, float | None]]:
    """Begin and end of each span in days; an end a millisecond later than the day counts as that day."""
    found = repeated(THREE, moments(*days), now)
    return [(span.begin / DAY, None if span.end is None else (span.end - 1) / DAY) for span in found]


# ---- repeated breaches


def test_the_third_breach_within_a_week_begins_an_episode() -> None:
    assert spans(1, 2, 5) == [(5, 8)]
    assert repeated(THREE, moments(1, 2, 5), NOW)[0].evidence == tuple(moments(1, 2, 5))


def test_two_breaches_are_none() -> None:
    assert spans(1, 2) == []
    assert spans(1, 2, 9) == []


def test_exactly_seven_days_are_within_seven_days() -> None:
    assert spans(1, 2, 8) == [(8, 8)]
    assert spans(1, 2, 8 + 1 / DAY) == []


def test_a_fourth_breach_goes_on_with_the_same_episode() -> None:
    assert spans(1, 2, 5, 6) == [(5, 9)]


def test_another_episode_begins_only_after_the_condition_was_false() -> None:
    assert spans(1, 2, 5, 20, 21, 22) == [(5, 8), (22, 27)]
    assert spans(1, 2, 5, 8, 9) == [(5, 12)]
    assert spans(1, 2, 3, 8.5, 9) == [(3, 8), (8.5, 10)]


def test_an_episode_that_lasts_has_no_end_yet() -> None:
    assert spans(1, 2, 5, now=6 * DAY) == [(5, None)]
    assert spans(1, 2, 5, now=8 * DAY) == [(5, None)]
    assert spans(1, 2, 5, now=8 * DAY + 1) == [(5, 8)]


def test_what_has_not_happened_yet_does_not_count() -> None:
    assert spans(1, 2, 5, now=4 * DAY) == []
    assert spans(1, 2, 5, now=5 * DAY) == [(5, None)]


@given(st.lists(st.integers(0, 40), max_size=20), st.integers(1, 4), st.integers(1, 10))
def test_spans_are_the_instants_at_which_a_count_of_the_window_says_so(days: list[int], count: int, width: int) -> None:
    rule = Breaches("customer", count, width)
    found = repeated(rule, [Moment(day, "desk:ticket:1", "t") for day in days], 60)
    for at in range(61):
        counted = sum(at - width <= day <= at for day in days)
        assert (counted >= count) == any(span.begin <= at and (span.end is None or at < span.end) for span in found)
    for one, other in pairwise(found):
        assert one.end is not None
        assert one.end < other.begin  # false in between


# ---- backlog

QUARTER = Backlog("queue", 4 * HOUR, Fraction(1, 4), 20)


def grown(*given: tuple[float, int], since: float = 0, now: float = 100) -> list[tuple[float, float | None, str]]:
    """Spans in hours, from levels in hours."""
    made = growth(QUARTER, [(round(at * HOUR), n) for at, n in given], round(since * HOUR), round(now * HOUR))
    return [(span.begin / HOUR, None if span.end is None else span.end / HOUR, span.reason) for span in made]


def test_a_backlog_that_grew_by_a_quarter_begins_an_episode() -> None:
    assert grown((0, 20), (6, 24), (7, 25)) == [(7, 10, "open clocks grew from 20 to 25 in 4h")]


def test_growth_below_the_least_backlog_is_none() -> None:
    assert grown((0, 10), (6, 19)) == []
    assert grown((0, 10), (6, 20), (6.5, 19)) == [(6, 6.5, "open clocks grew from 10 to 20 in 4h")]


def test_nothing_is_said_before_the_window_is_known() -> None:
    assert grown((0, 30), (3, 60)) == [(4, 7, "open clocks grew from 30 to 60 in 4h")]
    assert grown((0, 30), since=0) == []
    assert grown((0, 30), (3, 60), since=3) == []


def test_a_backlog_out_of_nothing_has_grown() -> None:
    assert grown((5, 20)) == [(5, 9, "open clocks grew from 0 to 20 in 4h")]
    assert grown((0, 0), (5, 20)) == [(5, 9, "open clocks grew from 0 to 20 in 4h")]


def test_shares_are_exact() -> None:
    tenth = Backlog("queue", HOUR, Fraction(1, 10), 1)
    assert [span.begin for span in growth(tenth, [(0, 20), (2 * HOUR, 22)], 0, 10 * HOUR)] == [2 * HOUR]


def test_levels_count_what_is_open_at_each_instant() -> None:
    assert levels([(1, 5), (2, None), (2, 5), (9, 10)], 6) == [(1, 1), (2, 3), (5, 1)]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), max_size=25))
def test_growth_is_what_counting_at_each_instant_says(given_intervals: list[tuple[int, int]]) -> None:
    rule = Backlog("queue", 5, Fraction(1, 2), 3)
    intervals = [(start, start + width) for start, width in given_intervals]
    found = growth(rule, levels(intervals, 50), 0, 50)
    for at in range(51):
        here, before = (sum(start <= t < end for start, end in intervals) for t in (at, at - 5))
        holds = at >= 5 and here >= 3 and here > before and 2 * (here - before) >= before
        assert holds == any(span.begin <= at and (span.end is None or at < span.end) for span in found)


@pytest.mark.parametrize(
    ("elapsed", "said"),
    [(7 * DAY, "7d"), (36 * HOUR, "36h"), (90 * 60_000, "90m"), (90_000, "90s"), (1_500, "1.5s")],
)
def test_windows_are_told_in_the_longest_whole_unit(elapsed: int, said: str) -> None:
    assert length(elapsed) == said


# ---- from facts

DOCUMENT = """
[calendars.always]
timezone = "UTC"
hours = "24x7"
[[policies]]
name = "Support"
applies_to = "ticket"
calendar = "always"
[[policies.targets]]
metric = "first_response"
within = "1h"
[[policies]]
name = "Trial"
applies_to = "ticket"
calendar = "always"
stage = "shadow"
[[policies.targets]]
metric = "resolution"
within = "1m"
[[watches]]
name = "Same customer again"
applies_to = "ticket"
target = "first_response"
breaches = { by = "customer", count = 3, within = "7d" }
notify = "manager"
[[watches]]
name = "Gold"
when = { tier = "gold" }
breaches = { by = "owner", count = 2, within = "24h" }
task = "See {watch.key} about {record.name}"
[[watches]]
name = "Queue grows"
backlog = { by = "queue", over = "4h", growth = "50%", at_least = 3 }
notify = "manager"
"""
READ = tomllib.loads(DOCUMENT)
WATCHES = read_watches(READ["watches"], Collector())


def ticket(number: int, created: str, **fields: Any) -> list[Fact]:
    created_event = {
        "record": f"desk:ticket:{number}", "kind": "ticket", "at": instant(created), "id": "a", "event": "created",
        "actor": "customer:7", "set": {"status": "new", **fields},
    }  # fmt: skip
    policies = Policies.from_config(READ)
    return facts(evaluate_record(policies, [event_from_mapping(created_event)], parse_instant(instant("Fri 12:00"))))


def summary(found: Sequence[Episode]) -> list[tuple[str, str, int, bool, list[str]]]:
    return [(e.watch, e.key, e.size, e.end is None, [moment.record for moment in e.evidence]) for e in found]


def test_watches_are_judged_on_the_facts_of_a_history() -> None:
    known = [
        *ticket(1, "Mon 09:00", customer="Acme", owner="user:5", tier="Gold"),
        *ticket(2, "Tue 09:00", customer="Acme", owner="user:5", tier="gold"),
        *ticket(3, "Wed 09:00", customer="Acme", owner="user:6"),
        *ticket(4, "Wed 10:00", customer="Other", owner="user:6"),
        *ticket(5, "Wed 11:00", owner="user:6"),
    ]
    found = episodes(WATCHES, known, parse_instant(instant("Fri 12:00")))
    assert summary(found) == [
        ("Gold", "user:5", 2, False, ["desk:ticket:1", "desk:ticket:2"]),
        ("Same customer again", "Acme", 3, True, ["desk:ticket:1", "desk:ticket:2", "desk:ticket:3"]),
    ]
    assert found[0].begin == parse_instant(instant("Tue 10:00"))
    Random(3).shuffle(known)
    assert episodes(WATCHES, known, parse_instant(instant("Fri 12:00"))) == found


def test_a_requester_stands_for_the_customer_where_no_field_names_one() -> None:
    known = [fact for n in range(3) for fact in ticket(n, f"Mon 09:0{n}", requester="customer:7")]
    assert [(e.watch, e.key) for e in episodes(WATCHES, known, parse_instant(instant("Fri 12:00")))] == [
        ("Same customer again", "customer:7")
    ]


def test_a_backlog_is_counted_from_the_first_record_on() -> None:
    known = [fact for n in range(5) for fact in ticket(n, "Mon 09:00", owner="queue:9")]
    assert episodes(WATCHES, known, parse_instant(instant("Fri 12:00"))) == []
    known += [fact for n in range(5, 8) for fact in ticket(n, "Mon 14:00", owner="queue:9")]
    (found,) = episodes(WATCHES, known, parse_instant(instant("Fri 12:00")))
    assert found[:6] == (
        "Queue grows", "queue:9", parse_instant(instant("Mon 14:00")), parse_instant(instant("Mon 18:00")), 8,
        "open clocks grew from 5 to 8 in 4h",
    )  # fmt: skip


def test_the_text_of_a_task_is_filled_in_and_never_read_again() -> None:
    said = text(
        "{watch.name}: {watch.count} for {watch.key}, {record.name}{record.none}", {"name": "{x}"}, WATCHES[1], "K", 2
    )
    assert said == "Gold: 2 for K, {x}"


# ---- reading


def test_watches_read_as_they_are_written() -> None:
    assert [(watch.name, watch.rule, dict(watch.actions)) for watch in WATCHES] == [
        ("Same customer again", Breaches("customer", 3, 7 * DAY), {"notify": "manager"}),
        ("Gold", Breaches("owner", 2, DAY), {"task": "See {watch.key} about {record.name}"}),
        ("Queue grows", Backlog("queue", 4 * HOUR, Fraction(1, 2), 3), {"notify": "manager"}),
    ]
    assert [sorted(watch.fields) for watch in WATCHES] == [["customer"], ["name", "tier"], []]


def test_the_version_of_a_watch_is_what_it_looks_at() -> None:
    def version(**changed: Any) -> str:
        table = {"name": "A", "breaches": {"count": 3, "within": "7d"}, "notify": "owner", **changed}
        (watch,) = read_watches([table], Collector())
        return watch.version

    assert version() == version(notify="manager")
    assert len({version(), version(name="B"), version(when={"tier": "gold"}), version(target="x")}) == 4


@pytest.mark.parametrize(
    ("table", "path", "message"),
    [
        ({"nam": "x"}, ("nam",), "unknown key 'nam'"),
        ({"name": 3}, ("name",), "a watch needs a name"),
        (
            {"applies_to": "person"},
            ("applies_to",),
            "`applies_to` says which records: lead, ticket or deal, not 'person'",
        ),
        ({"target": "fist_response"}, ("target",), "no policy has a target 'fist_response'"),
        ({"breaches": None}, (), "a watch looks at `breaches` or at a `backlog`: give it one of the two"),
        ({"backlog": {}}, (), "a watch looks at `breaches` or at a `backlog`: give it one of the two"),
        ({"breaches": {"count": 0, "within": "7d"}}, ("breaches", "count"), "`count` is a whole number above zero"),
        ({"breaches": {"count": 3}}, ("breaches",), '`within` is elapsed time such as "7d", "4h" or "90m", not None'),
        (
            {"breaches": {"count": 3, "within": "7bd"}},
            ("breaches", "within"),
            '`within` is elapsed time such as "7d", "4h" or "90m", not \'7bd\'',
        ),
        (
            {"breaches": {"by": "week", "count": 3, "within": "7d"}},
            ("breaches", "by"),
            "`by` is a dimension or a field of the record, not 'week'",
        ),
        (
            {"breaches": None, "backlog": {"by": "customer", "over": "4h", "growth": "25%"}},
            ("backlog", "by"),
            "`by` is one of owner, team, queue, policy",
        ),
        (
            {"breaches": None, "backlog": {"by": "team", "over": "4h", "growth": 25}},
            ("backlog", "growth"),
            "`growth` is a share such as \"25%\", not 25",
        ),
        (
            {"breaches": None, "backlog": {"by": "team", "over": "4h", "growth": "25%"}, "when": {"tier": "gold"}},
            ("when",),
            "open clocks are counted without looking at fields: use `applies_to` and `target`",
        ),
        (
            {"breaches": None, "backlog": {"by": "team", "over": "4h", "growth": "25%"}, "task": "Go"},
            ("task",),
            "a task belongs to a record, and a backlog has none: use `notify` or `webhook`",
        ),
        (
            {"breaches": None, "backlog": {"by": "team", "over": "4h", "growth": "25%"}, "notify": "owner"},
            ("notify",),
            "a backlog by team has no owner: name somebody else",
        ),
        ({"notify": None}, (), "a watch does something"),
        ({"notify": 3}, ("notify",), "`notify` takes text"),
        ({"task": "{clock.due_at}"}, ("task",), "{clock.due_at} is unknown here; write {record.FIELD} or {watch.NAME}"),
        ({"task": "{"}, ("task",), None),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_path(table: dict[str, Any], path: tuple[str, ...], message: str | None) -> None:
    sound = {"name": "A", "breaches": {"count": 3, "within": "7d"}, "notify": "manager"}
    given = {name: value for name, value in {**sound, **table}.items() if value is not None}
    problems = Collector()
    read_watches([given], problems, ["first_response"])
    assert [problem.path for problem in problems.problems] == [(0, *path)]
    assert message in (None, problems.problems[0].message)


def test_watches_are_a_list_of_tables_with_names_of_their_own() -> None:
    problems = Collector()
    sound = {"name": "A", "breaches": {"count": 3, "within": "7d"}, "notify": "owner"}
    assert read_watches({}, problems) == ()
    assert len(read_watches([sound, sound, 3], problems)) == 2
    assert [problem.message for problem in problems.problems] == [
        "watches are a list: begin each with [[watches]]",
        "there is another watch named 'A'",
        "a watch is a table: begin it with [[watches]]",
    ]
    assert isinstance(WATCHES[0], Watch)


def test_a_backlog_of_an_owner_can_speak_to_them_and_one_open_clock_is_enough_unless_said() -> None:
    problems = Collector()
    table = {"name": "A", "backlog": {"by": "owner", "over": "4h", "growth": "12.5%"}, "notify": "owner"}
    (watch,) = read_watches([table], problems)
    assert problems.problems == []
    assert watch.rule == Backlog("owner", 4 * HOUR, Fraction(1, 8), 1)


def test_a_watch_without_a_rule_or_a_name_is_none() -> None:
    assert (
        read_watches([{"name": "A", "notify": "owner"}, {"breaches": {"count": 1, "within": "1h"}}], Collector()) == ()
    )
