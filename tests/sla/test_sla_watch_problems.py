"""What a wrong watch is told, word by word, and what the reader is offered instead; what a sound one is read as."""

from __future__ import annotations

import datetime
from fractions import Fraction
from typing import Any

import pytest

from sla.figures.watch import Backlog, Breaches
from sla.figures.watch_section import read_watches
from sla.problem import Collector, Problem

SOUND = {"name": "A", "breaches": {"count": 3, "within": "7d"}, "notify": "manager"}
GROWTH = {"by": "team", "over": "4h", "growth": "25%"}
GROUPS = (
    "policy", "target", "kind", "owner", "team", "channel", "source", "priority", "tier", "customer", "connection",
    "stage",
)  # fmt: skip
COUNT = "`count` is a whole number above zero"
OF_A_WATCH = ("name", "key", "count")
HOLDERS = ("owner", "team", "queue", "policy")


def told(table: dict[str, Any], targets: list[str] | None = None) -> list[Problem]:
    given = {name: value for name, value in {**SOUND, **table}.items() if value is not None}
    problems = Collector(("watches",))
    read_watches([given], problems, targets)
    return [problem._replace(path=problem.path[2:]) for problem in problems.problems]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            {"nam": "x"},
            (("nam",), "unknown key 'nam'",
             ("name", "applies_to", "target", "when", "breaches", "backlog", "notify", "task", "webhook")),
        ),
        ({"name": ""}, (("name",), "a watch needs a name", ())),
        ({"name": None}, ((), "a watch needs a name", ())),
        (
            {"applies_to": "person"},
            (("applies_to",), "`applies_to` says which records: lead, ticket or deal, not 'person'",
             ("lead", "ticket", "deal")),
        ),
        ({"target": "fist"}, (("target",), "no policy has a target 'fist'", ("first_response", "resolution"))),
        ({"target": 5}, (("target",), "no policy has a target 5", ("first_response", "resolution"))),
        (
            {"breaches": 3},
            (("breaches",), '`breaches` is a table such as { by = "customer", count = 3, within = "7d" }', ()),
        ),
        (
            {"breaches": None, "backlog": 3},
            (("backlog",),
             '`backlog` is a table such as { by = "queue", over = "4h", growth = "25%", at_least = 20 }', ()),
        ),
        (
            {"breaches": {"count": 3, "within": "7d", "over": "1h"}},
            (("breaches", "over"), "unknown key 'over'", ("by", "count", "within")),
        ),
        (
            {"breaches": None, "backlog": {**GROWTH, "count": 3}},
            (("backlog", "count"), "unknown key 'count'", ("by", "over", "growth", "at_least")),
        ),
        (
            {"breaches": {"by": "", "count": 3, "within": "7d"}},
            (("breaches", "by"), "`by` is a dimension or a field of the record, not ''", GROUPS),
        ),
        (
            {"breaches": {"by": 7, "count": 3, "within": "7d"}},
            (("breaches", "by"), "`by` is a dimension or a field of the record, not 7", GROUPS),
        ),
        ({"breaches": {"within": "7d"}}, (("breaches",), COUNT, ())),
        ({"breaches": {"count": True, "within": "7d"}}, (("breaches", "count"), COUNT, ())),
        ({"breaches": {"count": 2.5, "within": "7d"}}, (("breaches", "count"), COUNT, ())),
        (
            {"breaches": {"count": 3, "within": "0d"}},
            (("breaches", "within"), '`within` is elapsed time such as "7d", "4h" or "90m", not \'0d\'', ()),
        ),
        (
            {"breaches": {"count": 3, "within": 7}},
            (("breaches", "within"), '`within` is elapsed time such as "7d", "4h" or "90m", not 7', ()),
        ),
        (
            {"breaches": None, "backlog": {"over": "4h", "growth": "25%"}},
            (("backlog",), "`by` is one of owner, team, queue, policy", HOLDERS),
        ),
        (
            {"breaches": None, "backlog": {**GROWTH, "by": "customer"}},
            (("backlog", "by"), "`by` is one of owner, team, queue, policy", HOLDERS),
        ),
        (
            {"breaches": None, "backlog": {"by": "team", "growth": "25%"}},
            (("backlog",), '`over` is elapsed time such as "7d", "4h" or "90m", not None', ()),
        ),
        (
            {"breaches": None, "backlog": {"by": "team", "over": "4h"}},
            (("backlog",), '`growth` is a share such as "25%", not None', ()),
        ),
        (
            {"breaches": None, "backlog": {**GROWTH, "growth": "0%"}},
            (("backlog", "growth"), '`growth` is a share such as "25%", not \'0%\'', ()),
        ),
        (
            {"breaches": None, "backlog": {**GROWTH, "at_least": 0}},
            (("backlog", "at_least"), "`at_least` is a whole number above zero", ()),
        ),
        ({"notify": None}, ((), "a watch does something", ("notify", "task", "webhook"))),
        ({"notify": "  "}, (("notify",), "`notify` takes text", ())),
        ({"webhook": ["pager"]}, (("webhook",), "`webhook` takes text", ())),
        (
            {"task": "{record.a.b}"},
            (("task",), "{record.a.b} is unknown here; write {record.FIELD} or {watch.NAME}", OF_A_WATCH),
        ),
        (
            {"task": "{watch.version}"},
            (("task",), "{watch.version} is unknown here; write {record.FIELD} or {watch.NAME}",
             OF_A_WATCH),
        ),
        ({"task": "{}"}, (("task",), "{} is unknown here; write {record.FIELD} or {watch.NAME}", OF_A_WATCH)),
        (
            {"task": "Go }"},
            (("task",),
             "the text cannot be read: Single '}' encountered in format string; a brace itself is written twice", ()),
        ),
        (
            {"breaches": None, "backlog": GROWTH, "task": "Go"},
            (("task",), "a task belongs to a record, and a backlog has none: use `notify` or `webhook`", ()),
        ),
        (
            {"breaches": None, "backlog": {**GROWTH, "by": "queue"}, "notify": "owner"},
            (("notify",), "a backlog by queue has no owner: name somebody else", ()),
        ),
        (
            {"breaches": None, "backlog": GROWTH, "when": {"tier": "gold"}},
            (("when",), "open clocks are counted without looking at fields: use `applies_to` and `target`", ()),
        ),
    ],
)  # fmt: skip
def test_a_wrong_watch_is_told_in_so_many_words(table: dict[str, Any], problem: tuple[Any, ...]) -> None:
    assert told(table, ["first_response", "resolution", "first_response"]) == [problem]


def test_a_condition_is_judged_at_its_own_place() -> None:
    assert [problem.path for problem in told({"when": "gold"})] == [("when",)]


def test_everything_wrong_with_a_watch_is_told_at_once() -> None:
    wrong = {
        "name": 3, "applies_to": "x", "target": "y", "breaches": {"by": "day", "count": 0, "within": "?", "x": 1},
        "notify": 1, "task": "{a} {record.name} {b}", "webhook": "", "z": 1,
    }  # fmt: skip
    assert [problem.path for problem in told(wrong, ["t"])] == [
        ("z",), ("name",), ("applies_to",), ("target",), ("breaches", "x"), ("breaches", "count"), ("breaches", "by"),
        ("breaches", "within"), ("notify",), ("webhook",), ("task",), ("task",),
    ]  # fmt: skip


def test_a_target_is_believed_where_none_are_known_and_never_where_there_are_none() -> None:
    assert told({"target": "anything"}) == []
    assert told({"target": "anything"}, []) == [Problem(("target",), "no policy has a target 'anything'")]
    assert told({"target": 5}) == [Problem(("target",), "no policy has a target 5")]


def test_what_a_watch_says_is_what_it_is_read_as() -> None:
    problems = Collector()
    tables = [
        {
            **SOUND,
            "applies_to": "lead",
            "target": "t",
            "webhook": "pager",
            "task": "Call {record.name} ({watch.count})",
        },
        {"name": "B", "breaches": {"by": "region", "count": 1, "within": "1.5d"}, "notify": "owner"},
        {"name": "C", "breaches": {"count": 2, "within": "90 m"}, "notify": "owner", "when": {"tier": "gold"}},
        {"name": "D", "backlog": {**GROWTH, "growth": "12.5 %", "over": "2 d", "at_least": 20}, "notify": "user:5"},
        {"name": "E", "backlog": {**GROWTH, "by": "policy", "growth": "0.5%", "over": "1s"}, "webhook": "owner"},
    ]
    found = read_watches(tables, problems)
    assert problems.problems == []
    assert [(watch.name, watch.rule) for watch in found] == [
        ("A", Breaches("customer", 3, 604_800_000)),
        ("B", Breaches("region", 1, 129_600_000)),
        ("C", Breaches("customer", 2, 5_400_000)),
        ("D", Backlog("team", 172_800_000, Fraction(1, 8), 20)),
        ("E", Backlog("policy", 1_000, Fraction(1, 200), 1)),
    ]
    assert (found[0].applies_to, found[0].target) == ("lead", "t")
    assert (found[1].applies_to, found[1].target) == (None, None)
    assert list(found[0].actions.items()) == [
        ("notify", "manager"), ("task", "Call {record.name} ({watch.count})"), ("webhook", "pager"),
    ]  # fmt: skip
    assert (found[2].when({"tier": "gold"}), found[2].when({"tier": "tin"}), found[1].when({})) == (True, False, True)


def test_a_watch_with_mistakes_is_read_with_the_least_in_their_place() -> None:
    breaches = {"name": "A", "breaches": {"by": "day", "count": 0, "within": ""}, "notify": 3, "webhook": "x"}
    backlog = {"name": "B", "backlog": {"by": "day", "growth": "", "over": "0h", "at_least": 0}, "notify": "manager"}
    found = read_watches([breaches, backlog], Collector())
    assert [watch.rule for watch in found] == [Breaches("customer", 1, 1), Backlog("policy", 1, Fraction(1), 1)]
    assert dict(found[0].actions) == {"webhook": "x"}


def test_a_name_given_twice_is_told_at_the_later_one_and_both_are_read() -> None:
    problems = Collector(("watches",))
    found = read_watches([SOUND, "x", {**SOUND, "name": "B"}, SOUND], problems)
    assert [watch.name for watch in found] == ["A", "B", "A"]
    assert problems.problems == [
        Problem(("watches", 1), "a watch is a table: begin it with [[watches]]"),
        Problem(("watches", 3, "name"), "there is another watch named 'A'"),
    ]


def test_watches_that_are_no_list_are_shown_how_to_begin_one() -> None:
    problems = Collector(("watches",))
    assert read_watches({"name": "A"}, problems) == ()
    assert problems.problems == [Problem(("watches",), "watches are a list: begin each with [[watches]]")]


def test_a_version_outlives_a_restart_and_the_order_of_keys() -> None:
    def version(table: dict[str, Any]) -> str:
        (watch,) = read_watches([table], Collector())
        return watch.version

    assert version(SOUND) == "ca5fd2864d1c2b68"
    turned = {"task": "Go", "breaches": {"within": "7d", "count": 3}, "name": "A"}
    assert version(turned) == "ca5fd2864d1c2b68"
    with_a_date = {**SOUND, "when": {"since": {"gte": datetime.date(2026, 3, 2)}}}
    assert len(version(with_a_date)) == 16
    assert version(with_a_date) != version(SOUND)
