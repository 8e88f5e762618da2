"""What a step may say, and what a wrong one is told: everything at once, each at its own path."""

from __future__ import annotations

from typing import Any

import pytest

from sla.calendar import Calendar
from sla.problem import Collector, dotted
from sla.step import Wish, parse_reassign, raised, read_steps, status_field

NIGHTS = Calendar.from_config({"timezone": "UTC", "hours": {"mon-fri": "20:00-06:00"}})


def read(*steps: Any) -> tuple[list[Any], list[tuple[str, str]]]:
    problems = Collector(("steps",))
    found = read_steps(list(steps), problems, {"office": NIGHTS, "nights": NIGHTS})
    return list(found), [(dotted(problem.path), problem.message) for problem in problems.problems]


def test_a_step_keeps_its_actions_as_written() -> None:
    (step,), problems = read({
        "at": "+2h", "notify": "manager", "task": "Call {record.name}", "reassign": "next", "set": {"tier": "gold"},
        "priority": "raise", "status": "open", "comment": "{clock.target} is late", "tag": "sla",
        "message": "Still there, {record.first_name}?", "webhook": "pager", "when": {"country": "US"},
        "risk": "60%", "hours": "nights",
    })  # fmt: skip
    assert problems == []
    assert list(step.actions) == [
        "notify", "task", "reassign", "set", "priority", "status", "comment", "tag", "message", "webhook",
    ]  # fmt: skip
    assert step.actions["set"] == {"tier": "gold"}
    assert step.fields == {"name", "first_name", "country", "priority"}
    assert (step.risk, step.hours, step.instant) == (0.6, NIGHTS, False)
    assert step.when({"country": "us"})
    assert not step.when({"country": "CN"})


def test_a_plain_step_asks_for_nothing_more() -> None:
    (step,), problems = read({"at": "75%", "notify": "owner"})
    assert problems == []
    assert (step.risk, step.hours, step.instant, step.fields) == (None, None, False, frozenset())
    assert step.when({})


@pytest.mark.parametrize(
    ("wish", "meant"),
    [
        ("inside-sales", Wish("pool", "inside-sales")),
        ("next", Wish("next")),
        ("manager", Wish("manager")),
        ("queue:Unassigned", Wish("queue", "queue:Unassigned")),
        ("user:5", Wish("user", "user:5")),
        ("maria@acme.test", Wish("user", "maria@acme.test")),
        ("Next shift", Wish("pool", "Next shift")),
    ],
)
def test_whom_reassign_means(wish: str, meant: Wish) -> None:
    assert parse_reassign(wish) == meant


@pytest.mark.parametrize(
    ("priority", "above"),
    [("low", "normal"), ("normal", "high"), ("high", "urgent"), ("urgent", None), (None, "high"), ("P3", "high")],
)
def test_one_priority_higher_and_nothing_above_urgent(priority: str | None, above: str | None) -> None:
    assert raised(priority) == above


@pytest.mark.parametrize(
    ("status", "field"), [("closed", "status"), ("on_hold", "status"), ("In Review", "raw_status")]
)
def test_a_status_is_a_category_or_the_crms_own_word(status: str, field: str) -> None:
    assert status_field(status) == field


@pytest.mark.parametrize(
    ("step", "path", "message"),
    [
        ("due", "steps[0]", 'a step is a table such as { at = "due", reassign = "inside-sales" }'),
        ({"at": "due"}, "steps[0]", "a step does something"),
        ({"notify": "owner"}, "steps[0]", "None is not a threshold"),
        ({"at": "2d", "notify": "owner"}, "steps[0].at", "'2d' is not a threshold"),
        ({"at": "due", "tag": "x", "notfy": "owner"}, "steps[0].notfy", "unknown key 'notfy'"),
        ({"at": "due", "notify": ""}, "steps[0].notify", "`notify` takes text"),
        ({"at": "due", "webhook": ["a"]}, "steps[0].webhook", "`webhook` takes text"),
        ({"at": "due", "set": "high"}, "steps[0].set", "`set` is a table of fields"),
        ({"at": "due", "set": {"priority": "hot"}}, "steps[0].set.priority", "'hot' is no priority"),
        ({"at": "due", "priority": "higher"}, "steps[0].priority", '`priority` is "raise" or one of urgent, high'),
        ({"at": "due", "comment": "{record}"}, "steps[0].comment", "{record} is unknown here"),
        ({"at": "due", "message": "{clock.risk}"}, "steps[0].message", "{clock.risk} is unknown here"),
        ({"at": "due", "task": "{record.name!r}"}, "steps[0].task", "{record.name} takes no format"),
        ({"at": "due", "task": "{record.name:>9}"}, "steps[0].task", "{record.name} takes no format"),
        ({"at": "due", "tag": "{"}, "steps[0].tag", "the text cannot be read"),
        ({"at": "due", "notify": "owner", "hours": "nigths"}, "steps[0].hours", "there is no calendar 'nigths'"),
        ({"at": "due", "notify": "owner", "hours": "nights", "instant": True}, "steps[0].hours", "a step that is `ins"),
        ({"at": "due", "notify": "owner", "instant": "yes"}, "steps[0].instant", "`instant` takes true or false"),
        ({"at": "due", "notify": "owner", "risk": 0.6}, "steps[0].risk", "`risk` is the chance to miss"),
        ({"at": "due", "notify": "owner", "risk": "160%"}, "steps[0].risk", "`risk` is the chance to miss"),
        ({"at": "due", "notify": "owner", "when": "gold"}, "steps[0].when", "a condition is a table"),
        ({"at": "due", "notify": "owner", "when": {"n": {"gte": 1, "gtt": 2}}}, "steps[0].when.n.gtt", "unknown key"),
        ({"at": "due", "status": "open", "set": {"status": "new"}}, "steps[0].status", "`set` of the same step says"),
        ({"at": "due", "priority": "raise", "set": {"priority": "low"}}, "steps[0].priority", "`set` of the same step"),
    ],
)
def test_a_wrong_step_is_told_what_is_wrong(step: Any, path: str, message: str) -> None:
    _, problems = read(step)
    assert [(found, text[: len(message)]) for found, text in problems] == [(path, message)]


def test_everything_wrong_with_a_ladder_is_told_at_once() -> None:
    _, problems = read(
        {"at": "75%", "notify": "", "prioritty": "raise"},
        {"at": "soon", "hours": "day", "risk": "no", "comment": "{clock.x} {who}"},
        {"at": "due", "notify": "owner"},
        {"at": "due", "tag": "late"},
    )
    assert [path for path, _ in problems] == [
        "steps[0].prioritty", "steps[0].notify", "steps[1].comment", "steps[1].comment", "steps[1].hours",
        "steps[1].risk", "steps[1].at", "steps[3]",
    ]  # fmt: skip


def test_an_unknown_calendar_of_a_step_is_found_with_its_policy() -> None:
    from sla.policy import Policies
    from sla.problem import Problems

    document = {
        "calendars": {"office": {"timezone": "UTC", "hours": "09:00-17:00"}},
        "policies": [{
            "name": "Support", "applies_to": "ticket", "calendar": "office",
            "targets": [{"metric": "resolution", "within": "8h", "steps": [
                {"at": "due", "notify": "owner", "hours": "offce"},
            ]}],
        }],
    }  # fmt: skip
    with pytest.raises(Problems) as caught:
        Policies.from_config(document)
    (problem,) = caught.value.problems
    assert dotted(problem.path) == "policies[0].targets[0].steps[0].hours"
    assert problem.known == ("office",)
