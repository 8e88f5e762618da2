"""What a wrong step is told, word by word, and what the reader is offered instead; what a text may name."""

from __future__ import annotations

from typing import Any

import pytest

from sla.calendar import Calendar
from sla.problem import Collector, Problem, dotted
from sla.step import Wish, fill, is_person, parse_reassign, raised, read_steps, status_field, template_fields

NIGHTS = Calendar.from_config({"timezone": "UTC", "hours": {"mon-fri": "20:00-06:00"}})
CALENDARS = {"office": NIGHTS, "nights": NIGHTS}
ACTIONS = ("notify", "task", "reassign", "set", "priority", "status", "comment", "tag", "message", "webhook")
OF_A_CLOCK = ("target", "policy", "cycle", "step", "started_at", "due_at", "elapsed", "remaining", "late")
PRIORITIES = ("urgent", "high", "normal", "low")
RISK = '`risk` is the chance to miss from which on the step happens, such as "60%"'


def told(*steps: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    problems = Collector(("steps",))
    read_steps(list(steps), problems, CALENDARS)
    return [(dotted(problem.path), problem.message, problem.known) for problem in problems.problems]


@pytest.mark.parametrize(
    ("step", "path", "message", "known"),
    [
        ("due", "steps[0]", 'a step is a table such as { at = "due", reassign = "inside-sales" }', ()),
        ({"at": "due"}, "steps[0]", "a step does something", ACTIONS),
        (
            {"at": "due", "tag": "x", "notfy": "y"}, "steps[0].notfy", "unknown key 'notfy'",
            ("at", *ACTIONS, "when", "risk", "hours", "instant"),
        ),
        ({"at": "due", "notify": "  "}, "steps[0].notify", "`notify` takes text", ()),
        ({"at": "due", "set": {}}, "steps[0].set", '`set` is a table of fields such as { priority = "high" }', ()),
        ({"at": "due", "set": [1]}, "steps[0].set", '`set` is a table of fields such as { priority = "high" }', ()),
        ({"at": "due", "set": {"priority": "P1"}}, "steps[0].set.priority", "'P1' is no priority", PRIORITIES),
        (
            {"at": "due", "priority": "higher"}, "steps[0].priority",
            '`priority` is "raise" or one of urgent, high, normal, low, not \'higher\'', ("raise", *PRIORITIES),
        ),
        (
            {"at": "due", "priority": "raise", "set": {"priority": "low"}}, "steps[0].priority",
            "`set` of the same step says another `priority`; keep one of the two", (),
        ),
        (
            {"at": "due", "status": "open", "set": {"raw_status": "Waiting"}}, "steps[0].status",
            "`set` of the same step says another `status`; keep one of the two", (),
        ),
        (
            {"at": "due", "tag": "x", "hours": "day"}, "steps[0].hours",
            "there is no calendar 'day'", ("office", "nights"),
        ),
        ({"at": "due", "tag": "x", "hours": 5}, "steps[0].hours", "there is no calendar 5", ("office", "nights")),
        (
            {"at": "due", "tag": "x", "hours": "nights", "instant": True}, "steps[0].hours",
            "a step that is `instant` asks for no hours; keep one of the two", (),
        ),
        ({"at": "due", "tag": "x", "instant": 1}, "steps[0].instant", "`instant` takes true or false", ()),
        (
            {"at": "due", "tag": "x", "instant": "no", "hours": "nights"}, "steps[0].instant",
            "`instant` takes true or false", (),
        ),
        ({"at": "due", "tag": "x", "risk": "0%"}, "steps[0].risk", RISK, ()),
        ({"at": "due", "tag": "x", "risk": "100.5%"}, "steps[0].risk", RISK, ()),
        ({"at": "due", "tag": "x", "risk": "60"}, "steps[0].risk", RISK, ()),
        ({"at": "due", "tag": "x", "risk": None}, "steps[0].risk", RISK, ()),
        (
            {"tag": "x"}, "steps[0]",
            'None is not a threshold; write one such as "75%", "-30m" (before due), "due" or "+2h"', (),
        ),
        (
            {"at": 75, "tag": "x"}, "steps[0].at",
            '75 is not a threshold; write one such as "75%", "-30m" (before due), "due" or "+2h"', (),
        ),
    ],
)  # fmt: skip
def test_a_wrong_step_is_told_in_so_many_words(step: Any, path: str, message: str, known: tuple[str, ...]) -> None:
    assert told(step) == [(path, message, known)]


def test_steps_that_are_no_list_are_shown_one() -> None:
    problems = Collector(("steps",))
    assert read_steps({"at": "due", "notify": "owner"}, problems) == ()
    assert problems.problems == [Problem(("steps",), 'steps are a list such as [{ at = "75%", notify = "owner" }]')]


def test_without_calendars_no_name_of_one_is_known() -> None:
    problems = Collector()
    (step,) = read_steps([{"at": "due", "notify": "owner", "hours": "office"}], problems)
    assert problems.problems == [Problem((0, "hours"), "there is no calendar 'office'")]
    assert step.hours is None


def test_every_step_after_the_first_at_a_threshold_is_told() -> None:
    assert told(
        {"at": "due", "tag": "a"}, {"at": "75%", "tag": "b"}, {"at": "due", "tag": "c"}, {"at": "due", "tag": "d"}
    ) == [
        ("steps[2]", 'another step stands at "due"; give its actions to that one', ()),
        ("steps[3]", 'another step stands at "due"; give its actions to that one', ()),
    ]


def test_a_second_step_at_a_threshold_is_told_at_its_own_place_behind_one_that_cannot_be_read() -> None:
    problems = told({"at": "soon", "tag": "a"}, {"at": "due", "tag": "b"}, {"at": "due", "tag": "c"})
    assert [path for path, _, _ in problems] == ["steps[0].at", "steps[2]"]


@pytest.mark.parametrize(
    ("written", "share"), [("100%", 1.0), ("60 %", 0.6), ("0.5%", 0.005), ("37.5%", 0.375), ("1%", 0.01)]
)
def test_a_chance_is_written_in_a_hundred(written: str, share: float) -> None:
    (step,) = read_steps([{"at": "due", "tag": "x", "risk": written}], Collector())
    assert step.risk == share


def test_a_step_is_read_with_what_it_says_and_nothing_else() -> None:
    steps = read_steps(
        [
            {"at": "-30m", "notify": "owner", "instant": True},
            {"at": "due", "set": {"priority": "low"}, "status": "open"},
            {"at": "+2h", "priority": "high", "set": {"tier": "gold"}, "hours": "nights", "instant": False},
            {"at": "80%", "tag": "late-{record.region}", "webhook": "{record.name}", "when": {"tier": "gold"}},
        ],
        (problems := Collector()),
        CALENDARS,
    )
    assert problems.problems == []
    assert [(step.at, step.threshold, step.instant, step.hours is NIGHTS) for step in steps] == [
        ("-30m", (100.0, -1_800_000), True, False),
        ("due", (100.0, 0), False, False),
        ("+2h", (100.0, 7_200_000), False, True),
        ("80%", (80.0, 0), False, False),
    ]
    assert [sorted(step.fields) for step in steps] == [[], [], ["priority"], ["region", "tier"]]
    assert [step.actions for step in steps][1:3] == [
        {"set": {"priority": "low"}, "status": "open"},
        {"set": {"tier": "gold"}, "priority": "high"},
    ]


def test_a_step_that_could_be_read_is_kept_with_its_mistakes_left_out() -> None:
    (step,) = read_steps(
        [{"at": "due", "notify": "owner", "risk": "no", "hours": "day", "instant": "yes"}], Collector(), CALENDARS
    )
    assert (step.at, step.risk, step.hours, step.instant) == ("due", None, None, False)


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("user:5", True), ("user:", False), ("user:Li Wei", True), ("user: 5", False), ("superuser:5", False),
        ("maria@acme.test", True),
        ("maria at acme", False), ("@acme.test", False), ("maria@", False), ("a b@acme.test", False), ("a@b@c", False),
    ],
)  # fmt: skip
def test_a_person_is_an_id_or_an_address(text: str, person: bool) -> None:
    assert is_person(text) is person
    assert parse_reassign(text) == Wish("user" if person else "pool", text)


def test_who_is_asked_for_by_a_role_has_no_name() -> None:
    assert parse_reassign("next") == ("next", None)
    assert parse_reassign("manager") == ("manager", None)
    assert parse_reassign("queue:") == ("queue", "queue:")
    assert parse_reassign("my queue:1") == ("pool", "my queue:1")


def test_each_priority_and_each_status_has_its_place() -> None:
    assert [raised(priority) for priority in ("urgent", "high", "normal", "low", "", 3)] == [
        None, "urgent", "high", "normal", "high", "high",
    ]  # fmt: skip
    assert [status_field(status) for status in ("new", "converted", "New", "")] == [
        "status", "status", "raw_status", "raw_status",
    ]  # fmt: skip


# ---- texts


def named(template: str) -> tuple[list[str], list[Problem]]:
    problems = Collector(("task",))
    return sorted(template_fields(template, problems)), problems.problems


def test_a_text_names_fields_of_the_record_and_every_name_of_a_clock() -> None:
    assert named("Call {record.name}, {record.first_name} again: {record.name}") == (["first_name", "name"], [])
    assert named("".join(f"{{clock.{name}}}" for name in OF_A_CLOCK)) == ([], [])
    assert named("{{record.name}} costs 5 €") == ([], [])
    assert named("") == ([], [])


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("{}", "{} is unknown here; write {record.FIELD} or {clock.NAME}"),
        ("{0}", "{0} is unknown here; write {record.FIELD} or {clock.NAME}"),
        ("{record}", "{record} is unknown here; write {record.FIELD} or {clock.NAME}"),
        ("{record.}", "{record.} is unknown here; write {record.FIELD} or {clock.NAME}"),
        ("{record.a.b}", "{record.a.b} is unknown here; write {record.FIELD} or {clock.NAME}"),
        ("{record.a[0]}", "{record.a[0]} is unknown here; write {record.FIELD} or {clock.NAME}"),
        ("{clock.risk}", "{clock.risk} is unknown here; write {record.FIELD} or {clock.NAME}"),
        ("{other.name}", "{other.name} is unknown here; write {record.FIELD} or {clock.NAME}"),
        ("{other.due_at}", "{other.due_at} is unknown here; write {record.FIELD} or {clock.NAME}"),
        ("{record.name!r}", "{record.name} takes no format"),
        ("{record.name:>9}", "{record.name} takes no format"),
        ("{clock.late:d}", "{clock.late} takes no format"),
    ],
)
def test_a_place_that_names_nothing_is_told_and_the_rest_is_read(place: str, message: str) -> None:
    fields, problems = named(f"{place} and {{record.name}}")
    assert fields == ["name"]
    assert problems == [Problem(("task",), message, OF_A_CLOCK)]


def test_a_text_with_a_lone_brace_is_told_how_to_write_it() -> None:
    assert named("{record.name} }") == (
        [],
        [
            Problem(
                ("task",),
                "the text cannot be read: Single '}' encountered in format string; a brace itself is written twice",
            )
        ],
    )


def test_values_are_filled_in_as_they_are_and_what_is_missing_is_left_empty() -> None:
    record = {"name": "{clock.late}", "size": 0, "late": "record's", "gone": None, "vip": False, "blank": ""}
    clock = {"late": "2h", "name": "clock's", "cycle": 1}
    assert fill("{{{record.name}}} {record.size}", record, clock) == "{{clock.late}} 0"
    assert fill("<{record.gone}{record.none}{clock.none}{record.blank}>", record, clock) == "<>"
    assert fill("{record.late}/{clock.late}", record, clock) == "record's/2h"
    assert fill("{clock.name}/{record.vip}/{clock.cycle}.", record, clock) == "clock's/False/1."
    assert fill("<{record.x.late}{late}{}>", record, clock) == "<>"
    assert fill("nothing", record, clock) == "nothing"
    assert fill("", record, clock) == ""
