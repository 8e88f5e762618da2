"""Reading policies: what is understood, and every mistake at once with its place and the known words."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest
from sla_story import CALENDARS, config, policy, promise, target

from sla.policy import Policies
from sla.problem import Problem, Problems

HOUR = 3_600_000


def problems(document: dict[str, Any]) -> list[Problem]:
    with pytest.raises(Problems) as caught:
        Policies.from_config(document)
    return caught.value.problems


def only_problem(document: dict[str, Any]) -> Problem:
    found = problems(document)
    assert len(found) == 1, found
    return found[0]


# ---- what is understood

EXAMPLE = """
[daemon]
match = "strictest"

[calendars.office]
timezone = "America/New_York"
hours = { mon-fri = ["09:00-12:30", "13:00-17:00"], sat = "10:00-14:00" }
holidays = ["US", "US-NY"]
closed = ["2026-12-24", "2026-12-31 13:00-24:00", "12-25"]
open = ["2026-12-19 10:00-14:00"]

[calendars.always]
timezone = "UTC"
hours = "24x7"

[[policies]]
name = "Inbound web leads"
applies_to = "lead"
calendar = "office"
stage = "enforce"
when = { source = ["Web", "Paid Search"], country = { not = "CN" } }
answers = ["call_attempt"]
reopen = { window = "5bd", floor = "15m" }

[[policies.targets]]
metric = "first_response"
within = "15m"
steps = [
  { at = "75%", notify = "owner" },
  { at = "due", task = "Call {record.name} now", reassign = "inside-sales" },
  { at = "+1h", notify = "manager", set = { priority = "high" } },
]

[[policies.targets]]
metric = "Proposal follow-up"
start = { raw_status = "Proposal Sent" }
stop = { answer = true }
pause = { status = ["pending"] }
within = "24h"
calendar = "always"
"""


def test_the_public_example_is_understood() -> None:
    policies = Policies.from_config(tomllib.loads(EXAMPLE))
    assert [p.name for p in policies.policies] == ["Inbound web leads"]
    only = policies.policies[0]
    assert (only.applies_to, only.stage) == ("lead", "enforce")
    assert [t.name for t in only.targets] == ["first_response", "Proposal follow-up"]
    assert [step.at for step in only.targets[0].steps] == ["75%", "due", "+1h"]
    assert only.targets[0].steps[1].actions == {"task": "Call {record.name} now", "reassign": "inside-sales"}
    assert set(policies.calendars) == {"office", "always"}
    assert only.targets[0].calendar is policies.calendars["office"]
    assert only.targets[1].calendar is policies.calendars["always"]


def test_the_fields_that_conditions_and_texts_name() -> None:
    fields = Policies.from_config(tomllib.loads(EXAMPLE)).fields
    assert {"source", "country", "name"} <= fields


def test_the_rest_of_a_configuration_is_none_of_its_business() -> None:
    document = tomllib.loads(EXAMPLE)
    document["connections"] = {"acme": {"connector": "nonsense"}}
    document["pools"] = {"inside-sales": 5}
    assert Policies.from_config(document).policies


def test_nothing_but_what_is_used_is_needed() -> None:
    assert Policies.from_config({}).policies == []
    assert set(Policies.from_config({"calendars": CALENDARS}).calendars) == {"office", "always"}


@pytest.mark.parametrize("stage", ["shadow", "warn", "enforce"])
def test_stages(stage: str) -> None:
    assert Policies.from_config(promise("first_response", "1h", stage=stage)).policies[0].stage == stage


def test_a_policy_enforces_unless_told_otherwise() -> None:
    assert Policies.from_config(promise("first_response", "1h")).policies[0].stage == "enforce"


# ---- the version


def test_the_version_depends_on_the_content_and_on_nothing_else() -> None:
    document = promise("first_response", "1h")
    version = Policies.from_config(document).version
    assert Policies.from_config(copy.deepcopy(document)).version == version
    backwards = {key: document[key] for key in reversed(list(document))}
    assert Policies.from_config({**backwards, "connections": {"a": {}}}).version == version


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["policies"][0]["targets"][0].update(within="2h"),
        lambda d: d["policies"][0].update(name="Other"),
        lambda d: d["policies"][0].update(when={"tier": "gold"}),
        lambda d: d["calendars"]["office"].update(closed=["2026-12-24"]),
        lambda d: d.update(daemon={"match": "first"}),
    ],
)
def test_the_version_changes_with_the_content(change: Any) -> None:
    document = promise("first_response", "1h")
    before = Policies.from_config(copy.deepcopy(document)).version
    change(document)
    assert Policies.from_config(document).version != before


# ---- mistakes, each where it stands


def mistaken(**changes: Any) -> dict[str, Any]:
    """A good configuration with other values for keys of its policy."""
    return config({**policy(target("first_response", "1h")), **changes})


TARGET = ("policies", 0, "targets", 0)
POLICY_MISTAKES = {
    "an unknown key": ({"aplies_to": "lead"}, ("policies", 0, "aplies_to"), "aplies_to", "applies_to"),
    "an unknown kind": ({"applies_to": "order"}, ("policies", 0, "applies_to"), "order", "ticket"),
    "an unknown calendar": ({"calendar": "ofice"}, None, "ofice", "office"),
    "an unknown stage": ({"stage": "live"}, ("policies", 0, "stage"), "live", "shadow"),
    "an unknown answer": ({"answers": ["call"]}, None, "call", "call_attempt"),
    "an unknown key of reopen": ({"reopen": {"windows": "5bd"}}, None, "windows", "window"),
    "a bare day as the window": ({"reopen": {"window": "5d"}}, None, "5bd", None),
    "a floor that is none": ({"reopen": {"floor": "soon"}}, None, "soon", None),
    "an unknown operator": ({"when": {"country": {"is": "DE", "not": "AT"}}}, ("policies", 0, "when", "country", "is"),
                            "is", "not"),
    "a condition that is none": ({"when": "always"}, ("policies", 0, "when"), "always", None),
    "no targets": ({"targets": []}, None, "target", None),
    "a name that is none": ({"name": 5}, ("policies", 0, "name"), "name", None),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "path", "named", "known"), POLICY_MISTAKES.values(), ids=POLICY_MISTAKES)
def test_a_mistake_of_a_policy(changes: dict, path: tuple | None, named: str, known: str | None) -> None:
    problem = only_problem(mistaken(**changes))
    assert problem.path[:2] == ("policies", 0)
    assert path is None or problem.path == path
    assert named in problem.message or named in problem.path
    assert known is None or known in problem.known


TARGET_MISTAKES = {
    "an unknown key": (target("first_response", "1h", witin="2h"), (*TARGET, "witin"), "witin", "within"),
    "no metric": ({"within": "1h"}, TARGET, "metric", "first_response"),
    "an unknown metric that spells nothing out": (target("first_reponse", "1h"), (*TARGET, "metric"), "first_reponse",
                                                 "first_response"),
    "a metric that is no text": ({"metric": 5, "within": "1h"}, (*TARGET, "metric"), "metric", "first_response"),
    "no within": ({"metric": "first_response"}, TARGET, "within", None),
    "a within that is none": (target("first_response", "soon"), (*TARGET, "within"), "soon", None),
    "a within that is a number": (target("first_response", 15), (*TARGET, "within"), "15", None),
    "a within of nothing": (target("first_response", "0m"), (*TARGET, "within"), "0m", None),
    "no working days": (target("first_response", "0bd"), (*TARGET, "within"), "0bd", None),
    "a negative within": (target("first_response", "-1h"), (*TARGET, "within"), "-1h", None),
    "an unknown priority": (target("first_response", {"critical": "1h"}), (*TARGET, "within", "critical"), "critical",
                            "urgent"),
    "a bad within of one priority": (target("first_response", {"low": "soon"}), (*TARGET, "within", "low"), "soon",
                                    None),
    "an unknown calendar": (target("first_response", "1h", calendar="nights"), (*TARGET, "calendar"), "nights",
                            "always"),
    "a status without a name": (target("in_status", "1h"), TARGET, "status", None),
    "a start that is none": (target("Mine", "1h", start="now", stop={"answer": True}), (*TARGET, "start"), "trigger",
                             None),
    "a stop that asks for nothing": (target("Mine", "1h", start={"answer": True}, stop={}), (*TARGET, "stop"),
                                     "trigger", None),
    "steps that are no list": (target("first_response", "1h", steps={"at": "due"}), (*TARGET, "steps"), "list", None),
    "a step at nothing": (target("first_response", "1h", steps=[{"notify": "owner"}]), (*TARGET, "steps", 0),
                          "threshold", None),
    "a step at a bad place": (target("first_response", "1h", steps=[{"at": "half", "notify": "owner"}]),
                              (*TARGET, "steps", 0, "at"), "half", None),
    "a step at a bare day": (target("first_response", "1h", steps=[{"at": "+2d", "notify": "owner"}]),
                             (*TARGET, "steps", 0, "at"), "48h", None),
    "a step that does nothing": (target("first_response", "1h", steps=[{"at": "due"}]), (*TARGET, "steps", 0), "step",
                                 "notify"),
    "an unknown action": (target("first_response", "1h", steps=[{"at": "due", "notify": "owner", "fire": "everybody"}]),
                          (*TARGET, "steps", 0, "fire"), "fire", "reassign"),
    "two steps in one place": (target("first_response", "1h", steps=[{"at": "due", "notify": "owner"},
                                                                    {"at": "due", "task": "Call"}]),
                               (*TARGET, "steps", 1), "due", None),
    "a text that names nothing known": (target("first_response", "1h", steps=[{"at": "due", "task": "{lead.name}"}]),
                                        (*TARGET, "steps", 0, "task"), "lead.name", None),
    "a text with an open brace": (target("first_response", "1h", steps=[{"at": "due", "task": "Call {record.name"}]),
                                  (*TARGET, "steps", 0, "task"), "text", None),
}  # fmt: skip


@pytest.mark.parametrize(("given", "path", "named", "known"), TARGET_MISTAKES.values(), ids=TARGET_MISTAKES)
def test_a_mistake_of_a_target(given: dict, path: tuple, named: str, known: str | None) -> None:
    problem = only_problem(config(policy(given)))
    assert problem.path == path
    assert named in problem.message
    assert known is None or known in problem.known


def test_a_bare_day_is_refused_with_both_readings() -> None:
    problem = only_problem(promise("first_response", "2d"))
    assert problem.path == (*TARGET, "within")
    assert "2bd" in problem.message
    assert "48h" in problem.message


@pytest.mark.parametrize("within", ["1d", "3 days", "1.5d"])
def test_days_in_other_spellings_are_refused_as_well(within: str) -> None:
    assert "bd" in only_problem(promise("first_response", within)).message


def test_two_policies_of_one_name() -> None:
    twin = policy(target("first_response", "1h"))
    assert only_problem(config(twin, twin)).path == ("policies", 1, "name")


def test_two_targets_of_one_name() -> None:
    problem = only_problem(config(policy(target("first_response", "1h"), target("first_response", "2h"))))
    assert problem.path[:4] == ("policies", 0, "targets", 1)


def test_two_targets_of_one_metric_may_have_names_of_their_own() -> None:
    both = policy(target("in_status", "1h", status="open", name="Open"), target("in_status", "2h", status="pending"))
    assert [t.name for t in Policies.from_config(config(both)).policies[0].targets] == ["Open", "in_status"]


def test_an_unknown_way_to_match() -> None:
    problem = only_problem(config(policy(target("first_response", "1h")), match="random"))
    assert problem.path == ("daemon", "match")
    assert problem.known == ("strictest", "first")


def test_a_policy_without_any_calendar() -> None:
    homeless = policy(target("first_response", "1h"))
    del homeless["calendar"]
    problem = only_problem(config(homeless))
    assert "calendar" in problem.message
    assert {"office", "always"} <= set(problem.known)


def test_mistakes_of_calendars_come_with_their_path() -> None:
    document = config(
        policy(target("first_response", "1h")), calendars={"night": {"timezone": "UTC", "hours": {"mon": "9"}}}
    )
    assert only_problem(document).path == ("calendars", "night", "hours", "mon")


def test_every_mistake_of_a_document_is_reported_at_once() -> None:
    document = {
        "calendars": {"office": {"timezone": "Mars/Base", "hours": {"mon-fri": "09:00-17:00"}}},
        "daemon": {"match": "random"},
        "policies": [
            {"name": "One", "applies_to": "order", "calendar": "office", "targets": [
                {"metric": "first_response", "within": "2d"},
                {"metric": "resolution", "within": "1h", "steps": [{"at": "never", "notify": "owner"}]},
            ]},
            {"name": "Two", "applies_to": "lead", "calendar": "office", "wen": {}, "targets": [
                {"metric": "first_response", "within": "1h", "calendar": "nowhere"},
            ]},
        ],
    }  # fmt: skip
    assert {problem.path for problem in problems(document)} == {
        ("calendars", "office", "timezone"),
        ("daemon", "match"),
        ("policies", 0, "applies_to"),
        ("policies", 0, "targets", 0, "within"),
        ("policies", 0, "targets", 1, "steps", 0, "at"),
        ("policies", 1, "wen"),
        ("policies", 1, "targets", 0, "calendar"),
    }


@pytest.mark.parametrize(
    "document",
    [
        {"policies": {"name": "One"}},
        {"policies": ["One"]},
        {"calendars": ["office"]},
        {"calendars": {"office": "24x7"}},
        {
            "calendars": CALENDARS,
            "policies": [{"name": "One", "applies_to": "lead", "calendar": "office", "targets": 5}],
        },
        {"calendars": CALENDARS, "policies": [policy("first_response")]},
        config(policy(target("first_response", "1h"), calendar=5)),
        config(policy(target("first_response", None))),
        config(policy(target("first_response", ["1h"]))),
        config(policy(target("first_response", "1h", steps=[5]))),
        config(policy(target("first_response", "1h", steps=[{"at": 75, "notify": "owner"}]))),
        config(policy(target("first_response", "1h", steps=[{"at": "due", "notify": 5}]))),
        config(policy(target("first_response", "1h", steps=[{"at": "due", "set": "high"}]))),
        config(policy(target("first_response", "1h", pause="pending"))),
        config(policy(target("first_response", "1h"), reopen="5bd")),
        config(policy(target("first_response", "1h"), answers="call_attempt")),
        config(policy(target("first_response", "1h"), when=["source"])),
        config(policy(target("Mine", "1h", start={"answer": "yes"}, stop={"answer": True}))),
    ],
)
def test_whatever_is_written_a_mistake_is_a_problem_and_no_crash(document: dict) -> None:
    assert all(isinstance(problem, Problem) and problem.message for problem in problems(document))
