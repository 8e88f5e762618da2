"""What is said of a mistake in a policy, word for word: where it stands, what is wrong, what would have been right."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import pytest
from sla_story import config, policy, target

from sla import signal
from sla.condition import ALWAYS
from sla.duration import Duration
from sla.metric import NEVER, PRESETS, Trigger, read_metric, read_trigger
from sla.policy import Policies
from sla.problem import Collector, Problem, Problems

NAMES = (
    "first_response", "next_response", "update_every", "resolution", "first_resolution", "time_to_own",
    "owner_response", "in_status", "waiting_on_customer",
)  # fmt: skip
ANSWERS = ("call_attempt", "sequence_email", "status_change", "solve_without_reply")
POLICY_KEYS = (
    "name", "applies_to", "level", "calendar", "stage", "when", "answers", "reopen", "recompute", "actions_per_hour",
    "targets",
)  # fmt: skip
TARGET_KEYS = (
    "name", "metric", "within", "steps", "calendar", "answers", "reopen", "pause", "start", "stop", "repeat",
    "status", "raw_status", "start_field",
)  # fmt: skip
CALENDARS = ("office", "always")
KINDS = ("lead", "ticket", "deal")
P, T = ("policies", 0), ("policies", 0, "targets", 0)
FIRST = target("first_response", "1h")


def found(document: Any) -> list[tuple[tuple[str | int, ...], str, tuple[str, ...]]]:
    with pytest.raises(Problems) as caught:
        Policies.from_config(document)
    return [tuple(problem) for problem in caught.value.problems]


def without(table: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in keys}


OF_POLICIES: dict[str, tuple[Any, tuple, str, tuple]] = {
    "no list": ({"policies": {"name": "One"}}, ("policies",), "policies are a list: begin each with [[policies]]", ()),
    "no table": ({"policies": ["One"]}, P, "a policy is a table: begin it with [[policies]]", ()),
    "another way to match": (
        config(policy(FIRST), match="random"), ("daemon", "match"), "'random' is no way to match",
        ("strictest", "first"),
    ),
    "calendars that are no table": (
        {"calendars": ["office"]}, ("calendars",), "calendars are tables: begin each with [calendars.NAME]", (),
    ),
    "a calendar that is no table": (
        {"calendars": {"office": "24x7"}}, ("calendars", "office"), "a calendar is a table with timezone and hours", (),
    ),
    "a name twice": (
        config(policy(FIRST), policy(FIRST, name="Other"), policy(FIRST)), ("policies", 2, "name"),
        "there is another policy named 'Support'", (),
    ),
    "no name": (config(without(policy(FIRST), "name")), P, "a policy needs a name", ()),
    "an empty name": (config(policy(FIRST, name="")), (*P, "name"), "a policy needs a name", ()),
    "a name that is a number": (config({**policy(FIRST), "name": 5}), (*P, "name"), "a policy needs a name", ()),
    "no kind": (
        config(without(policy(FIRST), "applies_to")), P,
        "`applies_to` says which records: lead, ticket or deal, not None", KINDS,
    ),
    "another kind": (
        config(policy(FIRST, applies_to="order")), (*P, "applies_to"),
        "`applies_to` says which records: lead, ticket or deal, not 'order'", KINDS,
    ),
    "another stage": (
        config(policy(FIRST, stage="live")), (*P, "stage"), "`stage` is one of shadow, warn, enforce, not 'live'",
        ("shadow", "warn", "enforce"),
    ),
    "another way to recompute": (
        config(policy(FIRST, recompute="never")), (*P, "recompute"),
        "`recompute` is one of carry, restart, keep, not 'never'", ("carry", "restart", "keep"),
    ),
    "another level": (
        config(policy(FIRST, level="gold")), (*P, "level"),
        "`level` is one of corporate, customer, service, not 'gold'", ("corporate", "customer", "service"),
    ),
    "no targets": (
        config(without(policy(FIRST), "targets")), P, "a policy needs at least one [[policies.targets]]", (),
    ),
    "an empty list of targets": (
        config(policy()), P, "a policy needs at least one [[policies.targets]]", (),
    ),
    "targets that are no list": (
        config({**policy(), "targets": 5}), P, "a policy needs at least one [[policies.targets]]", (),
    ),
    "an unknown key": (config(policy(FIRST, aplies_to=1)), (*P, "aplies_to"), "unknown key 'aplies_to'", POLICY_KEYS),
    "a target's name twice": (
        config(policy(FIRST, target("resolution", "1h"), FIRST)), ("policies", 0, "targets", 2),
        "another target is named 'first_response'; give this one a `name` of its own", (),
    ),
    "a limit of nothing": (
        config(policy(FIRST, actions_per_hour=0)), (*P, "actions_per_hour"),
        "`actions_per_hour` is a whole number above zero, not 0", (),
    ),
    "a limit that is a flag": (
        config(policy(FIRST, actions_per_hour=True)), (*P, "actions_per_hour"),
        "`actions_per_hour` is a whole number above zero, not True", (),
    ),
    "a limit that is text": (
        config(policy(FIRST, actions_per_hour="many")), (*P, "actions_per_hour"),
        "`actions_per_hour` is a whole number above zero, not 'many'", (),
    ),
    "no calendar anywhere": (
        config(without(policy(FIRST), "calendar")), T, "neither the target nor its policy names a calendar", CALENDARS,
    ),
    "an unknown answer": (
        config(policy(FIRST, answers=["call_attempt", "call"])), (*T, "answers", 1),
        "'call' is nothing that can count as an answer", ANSWERS,
    ),
    "answers that are no list": (
        config(policy(FIRST, answers="call_attempt")), (*T, "answers"),
        "`answers` is a list of what else counts as an answer", ANSWERS,
    ),
    "a reopen that is text": (
        config(policy(FIRST, reopen="5bd")), (*T, "reopen"),
        '`reopen` is a table such as { window = "5bd", floor = "15m" }', (),
    ),
    "an unknown key of reopen": (
        config(policy(FIRST, reopen={"windows": "5bd"})), (*T, "reopen", "windows"), "unknown key 'windows'",
        ("window", "floor"),
    ),
    "a window that is none": (
        config(policy(FIRST, reopen={"window": "soon"})), (*T, "reopen", "window"),
        '\'soon\' is not a duration; write one such as "15m", "1h30m", "45s" or "2bd"', (),
    ),
    "a floor that is none": (
        config(policy(FIRST, reopen={"floor": "soon"})), (*T, "reopen", "floor"),
        '\'soon\' is not a duration; write one such as "15m", "1h30m", "45s" or "2bd"', (),
    ),
    "people that are no table": (
        {**config(policy(FIRST)), "people": []}, ("people",), "people are tables: begin with [people]", (),
    ),
    "a person of an unknown calendar": (
        {**config(policy(FIRST)), "people": {"user:1": {"calendar": "ofice"}}}, ("people", "user:1", "calendar"),
        "there is no calendar 'ofice'", CALENDARS,
    ),
    "rules that are no list": (
        {**config(policy(FIRST)), "derive": {}}, ("derive",), "rules are a list: begin each with [[derive]]", (),
    ),
    "adjustments that are no list": (
        {**config(policy(FIRST)), "adjustments": {}}, ("adjustments",), "a list: begin each with [[adjustments]]", (),
    ),
    "maintenance that is no list": (
        {**config(policy(FIRST)), "maintenance": {}}, ("maintenance",), "a list: begin each with [[maintenance]]", (),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("document", "path", "message", "known"), OF_POLICIES.values(), ids=OF_POLICIES)
def test_a_mistake_of_a_policy_in_full(document: Any, path: tuple, message: str, known: tuple) -> None:
    assert found(document) == [(path, message, known)]


def of_calendar(calendar: Any) -> dict[str, Any]:
    return target("first_response", "1h", calendar=calendar)


START = {"start": {"created": True}, "stop": {"answer": True}}
OF_TARGETS: dict[str, tuple[Any, tuple, str, tuple]] = {
    "no table": ("first_response", T, "a target is a table: begin it with [[policies.targets]]", ()),
    "an unknown key": ({**FIRST, "witin": "1h"}, (*T, "witin"), "unknown key 'witin'", TARGET_KEYS),
    "no metric": ({"within": "1h"}, T, "a target needs a metric", NAMES),
    "an empty metric": (target("", "1h"), (*T, "metric"), "a target needs a metric", NAMES),
    "a metric that is a number": ({"metric": 5, "within": "1h"}, (*T, "metric"), "a target needs a metric", NAMES),
    "an unknown metric": (
        target("Mine", "1h"), (*T, "metric"),
        "'Mine' is no built-in metric: spell out its start and stop, or use a known name", NAMES,
    ),
    "an unknown metric with a start alone": (
        target("Mine", "1h", start={"created": True}), (*T, "metric"),
        "'Mine' is no built-in metric: spell out its start and stop, or use a known name", NAMES,
    ),
    "an unknown metric with a stop alone": (
        target("Mine", "1h", stop={"answer": True}), (*T, "metric"),
        "'Mine' is no built-in metric: spell out its start and stop, or use a known name", NAMES,
    ),
    "no within": (
        {"metric": "first_response"}, T,
        'a target needs `within`, such as "4h" or { urgent = "15m", normal = "4h", low = "none" }', (),
    ),
    "a within that is a word": (
        target("first_response", "soon"), (*T, "within"),
        '\'soon\' is not a duration; write one such as "15m", "1h30m", "45s" or "2bd"', (),
    ),
    "a priority that is none": (
        target("first_response", {"critical": "1h"}), (*T, "within", "critical"), "unknown key 'critical'",
        ("urgent", "high", "normal", "low"),
    ),
    "a priority's within that is a word": (
        target("first_response", {"low": "soon", "high": "1h"}), (*T, "within", "low"),
        '\'soon\' is not a duration; write one such as "15m", "1h30m", "45s" or "2bd"', (),
    ),
    "a calendar that is not there": (of_calendar("nights"), (*T, "calendar"), "there is no calendar 'nights'",
                                     CALENDARS),
    "a calendar that is a number": (of_calendar(5), (*T, "calendar"), "there is no calendar 5", CALENDARS),
    "the owner's calendar alone": (
        of_calendar("owner"), (*T, "calendar"),
        'write { field = "owner", default = "office" }: whose hours are unknown needs a calendar too', (),
    ),
    "a calendar by no field": (
        of_calendar({"default": "office"}), (*T, "calendar"),
        '`field` names the field that says which calendar, or "owner" for the owner\'s own', (),
    ),
    "a calendar by an empty field": (
        of_calendar({"field": "", "default": "office"}), (*T, "calendar"),
        '`field` names the field that says which calendar, or "owner" for the owner\'s own', (),
    ),
    "a calendar by a number": (
        of_calendar({"field": 5, "default": "office"}), (*T, "calendar"),
        '`field` names the field that says which calendar, or "owner" for the owner\'s own', (),
    ),
    "a calendar by a field alone": (
        of_calendar({"field": "region"}), (*T, "calendar"),
        "`default` names the calendar for records whose field says none", CALENDARS,
    ),
    "a default that is not there": (
        of_calendar({"field": "region", "default": "ofice"}), (*T, "calendar"), "there is no calendar 'ofice'",
        CALENDARS,
    ),
    "an unknown key of a calendar": (
        of_calendar({"field": "region", "default": "office", "else": "x"}), (*T, "calendar", "else"),
        "unknown key 'else'", ("field", "default"),
    ),
    "a name that is a number": ({**FIRST, "name": 5}, (*T, "name"), "a target's name is text", ()),
    "an empty name": ({**FIRST, "name": ""}, (*T, "name"), "a target's name is text", ()),
    "a start field that is a number": (
        {**FIRST, "start_field": 5}, (*T, "start_field"),
        '`start_field` is the name of a field, such as "submitted_at"', (),
    ),
    "a start field without a name": (
        {**FIRST, "start_field": ""}, (*T, "start_field"),
        '`start_field` is the name of a field, such as "submitted_at"', (),
    ),
    "a start field where the record does not start it": (
        target("next_response", "1h", start_field="submitted_at"), (*T, "start_field"),
        "'next_response' does not start with the record; only those that do can", (),
    ),
    "an answer of its own that is none": (
        {**FIRST, "answers": ["call"]}, (*T, "answers", 0), "'call' is nothing that can count as an answer", ANSWERS,
    ),
    "steps that are no list": ({**FIRST, "steps": {"at": "due"}}, (*T, "steps"), None, ()),
    "a status that is not named": (
        target("in_status", "1h"), T,
        '`in_status` needs the status it watches, such as status = "open" or raw_status = "In Review"', (),
    ),
    "a start that is a word": (
        {**FIRST, "start": "now"}, (*T, "start"),
        'a trigger is a table such as { answer = true } or { raw_status = "Proposal Sent" }', (),
    ),
    "a stop that asks for nothing": (
        {**FIRST, "stop": {}}, (*T, "stop"),
        'a trigger is a table such as { answer = true } or { raw_status = "Proposal Sent" }', (),
    ),
    "a trigger that is off": (
        {**FIRST, "stop": {"answer": False}}, (*T, "stop", "answer"),
        "`answer` takes true; leave it out instead of False", (),
    ),
    "a pause that is a word": (
        {**FIRST, "pause": "pending"}, (*T, "pause"),
        "a condition is a table such as { source = [\"Web\"] }, not 'pending'", (),
    ),
    "a repeat that is text": ({**FIRST, "repeat": "yes"}, (*T, "repeat"), "`repeat` takes true or false", ()),
}  # fmt: skip


@pytest.mark.parametrize(("given", "path", "message", "known"), OF_TARGETS.values(), ids=OF_TARGETS)
def test_a_mistake_of_a_target_in_full(given: Any, path: tuple, message: str | None, known: tuple) -> None:
    problems = found(config({**policy(), "targets": [given]}))
    assert [(where, near) for where, _, near in problems] == [(path, known)]
    assert message is None or problems[0][1] == message


def test_a_step_may_wait_for_the_hours_of_any_calendar_of_the_file() -> None:
    step = {"at": "due", "notify": "owner", "hours": "always"}
    document = config(policy({**FIRST, "steps": [step]}))
    read = Policies.from_config(document)
    assert read.policies[0].targets[0].steps[0].hours is read.calendars["always"]
    assert found(config(policy({**FIRST, "steps": [{**step, "hours": "nights"}]}))) == [
        ((*T, "steps", 0, "hours"), "there is no calendar 'nights'", CALENDARS)
    ]


def test_a_calendar_named_owner_is_a_calendar_like_any_other() -> None:
    document = config(policy(of_calendar("owner")), calendars={"owner": {"timezone": "UTC", "hours": "24x7"}})
    read = Policies.from_config(document)
    assert read.policies[0].targets[0].calendar is read.calendars["owner"]


def test_a_mistake_in_the_policys_own_calendar_is_named_at_each_target() -> None:
    assert found(config(policy(FIRST, target("resolution", "1h"), calendar="ofice"))) == [
        (("policies", 0, "targets", 0), "there is no calendar 'ofice'", CALENDARS),
        (("policies", 0, "targets", 1), "there is no calendar 'ofice'", CALENDARS),
    ]


def test_a_target_without_metric_and_calendar_still_tells_its_other_mistakes() -> None:
    wrong = {"within": "soon", "answers": 1, "reopen": 1, "start_field": 1, "calendar": "x", "steps": 1}
    assert [path for path, _, _ in found(config(policy(wrong)))] == [
        T, (*T, "within"), (*T, "calendar"), (*T, "steps"), (*T, "answers"), (*T, "reopen"), (*T, "start_field"),
    ]  # fmt: skip


def test_every_policy_after_a_wrong_one_is_read() -> None:
    assert [path for path, _, _ in found(config(policy(), "two", policy(FIRST, name="Three", stage="x")))] == [  # type: ignore[arg-type]
        ("policies", 0), ("policies", 1), ("policies", 2, "stage"),
    ]  # fmt: skip


def test_policies_without_a_name_are_told_apart_by_their_place() -> None:
    nameless = without(policy(FIRST), "name")
    assert [path for path, _, _ in found(config(nameless, nameless))] == [("policies", 0), ("policies", 1)]
    third = policy(FIRST, name="policy 1")
    assert (("policies", 1, "name"), "there is another policy named 'policy 1'", ()) in found(config(nameless, third))
    second = policy(FIRST, name="policy 2")
    assert len(found(config(nameless, second))) == 1


def test_a_policy_of_an_unknown_kind_is_read_as_one_for_tickets() -> None:
    # A call attempt counts for leads alone; what a ticket's default lets count is a solution.
    assert found(config(policy(FIRST, applies_to="order"))) == [
        ((*P, "applies_to"), "`applies_to` says which records: lead, ticket or deal, not 'order'", KINDS)
    ]


# ---- what is read where nothing is said


def test_what_a_policy_is_unless_told_otherwise() -> None:
    first, second = Policies.from_config(config(policy(FIRST), policy(FIRST, name="Two"))).policies
    assert (first.name, first.applies_to, first.stage, first.actions_per_hour, first.rank, first.level) == (
        "Support", "ticket", "enforce", 200, 0, None,
    )  # fmt: skip
    assert (second.rank, second.targets[0].rank, first.when is ALWAYS) == (1, 1000, True)
    only = first.targets[0]
    assert (only.policy, only.stage, only.recompute, only.rank) == (
        "Support",
        "enforce",
        "carry",
        0,
    )
    assert (only.within, only.steps, only.start_field, only.adjustments) == (
        {None: Duration(work=3_600_000, days=0)}, (), None, (),
    )  # fmt: skip
    assert (only.reopen.window, only.reopen.never, only.reopen.floor) == (Duration(days=5), False, None)


def test_what_a_policy_says_its_targets_know() -> None:
    said = policy(
        FIRST, target("resolution", "2h"), stage="warn", recompute="keep", actions_per_hour=1, level="service",
        when={"tier": "gold"},
    )  # fmt: skip
    read = Policies.from_config(config(said)).policies[0]
    assert (read.stage, read.actions_per_hour, read.level, read.when.fields) == ("warn", 1, "service", {"tier"})
    assert [(t.stage, t.recompute, t.rank) for t in read.targets] == [("warn", "keep", 0), ("warn", "keep", 1)]


@pytest.mark.parametrize(
    ("kind", "answers"),
    [("lead", signal.REPLY | signal.CALL_ATTEMPT), ("ticket", signal.REPLY | signal.SOLVE), ("deal", signal.REPLY)],
)
def test_what_counts_as_an_answer_unless_told_otherwise(kind: str, answers: int) -> None:
    read = Policies.from_config(config(policy(FIRST, applies_to=kind))).policies[0].targets[0]
    assert read.answers == answers


def test_answers_of_the_target_replace_those_of_the_policy() -> None:
    both = policy({**FIRST, "answers": ["sequence_email"]}, target("resolution", "1h"), {**FIRST, "answers": [],
                  "name": "none"}, answers=["call_attempt", "status_change"])  # fmt: skip
    assert [t.answers for t in Policies.from_config(config(both)).policies[0].targets] == [
        signal.REPLY | signal.SEQUENCE_EMAIL, signal.REPLY | signal.CALL_ATTEMPT | signal.STATUS_CHANGE, signal.REPLY,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "window", "never", "floor"),
    [
        ({}, Duration(days=5), False, None),
        ({"window": "always"}, None, False, None),
        ({"window": "never"}, Duration(days=5), True, None),
        ({"window": "2h"}, Duration(work=7_200_000), False, None),
        ({"floor": "5m"}, Duration(days=5), False, 300_000),
        ({"window": "none"}, None, False, None),
    ],
)
def test_how_a_reopened_record_is_taken(given: dict, window: object, never: bool, floor: int | None) -> None:
    rule = Policies.from_config(config(policy(FIRST, reopen=given))).policies[0].targets[0].reopen
    assert (rule.window, rule.never, rule.floor) == (window, never, floor)


def test_the_targets_own_reopen_replaces_the_policys() -> None:
    document = config(policy({**FIRST, "reopen": {"window": "always"}}, reopen={"floor": "5m"}))
    rule = Policies.from_config(document).policies[0].targets[0].reopen
    assert (rule.window, rule.floor) == (None, None)


def test_a_length_by_priority_leaves_out_what_is_best_effort() -> None:
    read = Policies.from_config(config(policy(target("resolution", {"urgent": "15m", "low": "none", "normal": "1bd"}))))
    given = read.policies[0].targets[0]
    assert given.within == {"urgent": Duration(work=900_000), "normal": Duration(days=1)}
    assert given.within_for({"priority": "URGENT"}) == Duration(work=900_000)
    assert [given.within_for(f) for f in ({}, {"priority": ""}, {"priority": None})] == [Duration(days=1)] * 3
    assert [given.within_for({"priority": p}) for p in ("low", "high", 5)] == [None, None, None]
    assert given.offer({"priority": "low"}, 0) is None
    assert Policies.from_config(config(policy(target("resolution", "none")))).policies[0].targets[0].within == {}


def test_the_name_of_a_target_is_its_metrics_unless_told_otherwise() -> None:
    both = policy(FIRST, {**FIRST, "name": "Own"}, target("Mine", "1h", **START))
    assert [t.name for t in Policies.from_config(config(both)).policies[0].targets] == ["first_response", "Own", "Mine"]


# ---- the fields that decide


def fields_of(*targets: dict[str, Any], **more: Any) -> tuple[set[str], set[str]]:
    document = config(policy(*targets, **{"when": {"tier": "gold"}, **more.pop("policy", {})}))
    read = Policies.from_config({**document, **more})
    return set(read.fields), set(read.matching_fields)


def test_the_fields_that_a_configuration_looks_at() -> None:
    plain = {"tier", "priority"}
    assert fields_of(FIRST) == (plain, plain)
    assert fields_of(target("resolution", "1h")) == (plain | {"status"}, plain)
    spelled = target("Mine", "1h", start={"a": 1}, stop={"b": 1}, pause={"c": 1}, start_field=None)
    assert fields_of(spelled) == (plain | {"a", "b", "c"}, plain)
    assert fields_of({**FIRST, "start_field": "submitted_at"}) == (plain | {"submitted_at"},) * 2
    assert fields_of(of_calendar({"field": "region", "default": "office"})) == (plain | {"region"},) * 2
    assert fields_of(of_calendar({"field": "owner", "default": "office"})) == (plain | {"owner"},) * 2
    step = {"at": "due", "task": "Call {record.phone}", "when": {"vip": True}}
    assert fields_of({**FIRST, "steps": [step]}) == (plain | {"phone", "vip"}, plain)
    rule = {"field": "priority", "value": "high", "when": {"subject": "x"}}
    assert fields_of(FIRST, derive=[rule]) == (plain | {"subject"}, plain)
    period = {
        "name": "Move", "from": "2026-03-03", "until": "2026-03-04", "when": {"site": "x"}, "reason": "r",
        "approved_by": "a",
    }  # fmt: skip
    assert fields_of(FIRST, maintenance=[period]) == (plain | {"site"},) * 2
    assert fields_of(FIRST, adjustments=[{**period, "factor": 2}]) == (plain | {"site"},) * 2


def test_the_priority_decides_even_where_no_policy_is() -> None:
    assert Policies.from_config({}).matching_fields == {"priority"}
    assert Policies.from_config({}).fields == frozenset()


def test_clocks_of_one_name_compete_and_those_tried_out_among_themselves() -> None:
    read = Policies.from_config(config(
        policy(FIRST, target("resolution", "1h"), name="A"), policy(FIRST, name="B", stage="shadow"),
        policy(FIRST, name="C", stage="warn"), policy(FIRST, name="D", applies_to="lead"),
    ))  # fmt: skip
    assert {key: [c.policy.name for c in group] for key, group in read.named_groups("ticket").items()} == {
        ("first_response", False): ["A", "C"], ("resolution", False): ["A"], ("first_response", True): ["B"],
    }  # fmt: skip
    assert [[c.policy.name for c in group] for group in read.groups("lead")] == [["D"]]
    assert read.groups("deal") == []
    assert read.named_groups("ticket") is read.named_groups("ticket")


def sixteen(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def test_the_version_is_a_hash_of_the_sorted_content_that_later_releases_keep() -> None:
    # It stands in ledgers: a release that computed it otherwise would take every record for one of other policies.
    assert Policies.from_config({}).version == sixteen('{"calendars": {}, "match": "strictest", "policies": []}')
    people = {"people": {"user:1": {"team": "Sales"}}, "derive": [], "daemon": {"match": "first", "mode": "shadow"}}
    assert Policies.from_config(people).version == sixteen(
        '{"calendars": {}, "match": "first", "people": {"user:1": {"team": "Sales"}}, "policies": []}'
    )
    dated = {"calendars": {"a": {"timezone": "UTC", "hours": "24x7", "closed": [date(2026, 12, 24)]}}}
    assert Policies.from_config(dated).version == sixteen(
        '{"calendars": {"a": {"closed": ["2026-12-24"], "hours": "24x7", "timezone": "UTC"}}, '
        '"match": "strictest", "policies": []}'
    )


def test_the_targets_of_edited_hours_are_found_by_those_they_replace() -> None:
    document = config(policy(FIRST, target("resolution", "1h")), policy(FIRST, name="Two"))
    before, after = Policies.from_config(document), Policies.from_config(document)
    renewed = after.renewing(before)
    assert [
        [(renewed[id(t)].policy.name, renewed[id(t)].target is after.policies[i].targets[j])
         for j, t in enumerate(p.targets)] for i, p in enumerate(before.policies)
    ] == [[("Support", True), ("Support", True)], [("Two", True)]]  # fmt: skip
    with pytest.raises(ValueError, match="zip"):
        Policies.from_config(config(policy(FIRST))).renewing(before)
    fewer = Policies.from_config(config(policy(FIRST), policy(FIRST, name="Two")))
    with pytest.raises(ValueError, match="zip"):
        fewer.renewing(before)


# ---- metrics


def test_the_built_in_metrics_one_by_one() -> None:
    s = signal
    starts = {n: (m.start.signals, m.start.answer, m.start.by_owner) for n, m in PRESETS.items()}
    assert starts == {
        "first_response": (s.ASKED, False, False), "next_response": (s.CUSTOMER, False, False),
        "update_every": (0, True, False), "resolution": (s.CREATED, False, False),
        "first_resolution": (s.CREATED, False, False), "time_to_own": (s.CREATED, False, False),
        "owner_response": (s.OWNED, False, False), "in_status": (0, False, False),
        "waiting_on_customer": (s.PENDING, False, False),
    }  # fmt: skip
    stops = {n: (m.stop.signals, m.stop.answer, m.stop.by_owner) for n, m in PRESETS.items()}
    assert stops == {
        "first_response": (0, True, False), "next_response": (0, True, False),
        "update_every": (s.RESOLVED, True, False), "resolution": (s.RESOLVED, False, False),
        "first_resolution": (s.RESOLVED, False, False), "time_to_own": (s.OWNED, False, False),
        "owner_response": (s.OWNER_CHANGED, True, True), "in_status": (0, False, False),
        "waiting_on_customer": (s.UNPENDING, False, False),
    }  # fmt: skip
    ways = {n: (m.repeat, m.while_open, m.after_answer, m.resumes) for n, m in PRESETS.items()}
    assert ways == {
        "first_response": (True, True, False, False), "next_response": (True, True, True, False),
        "update_every": (True, True, False, False), "resolution": (False, True, False, True),
        "first_resolution": (False, True, False, False), "time_to_own": (False, True, False, False),
        "owner_response": (True, True, False, False), "in_status": (True, False, False, False),
        "waiting_on_customer": (True, False, False, False),
    }  # fmt: skip
    pausing = {n for n, m in PRESETS.items() if m.pause is not NEVER}
    assert pausing == {"update_every", "resolution", "first_resolution"}
    assert {n: m.needs for n, m in PRESETS.items() if m.needs} == {"in_status": ("status", "raw_status")}


def read(table: dict[str, Any]) -> Any:
    problems = Collector()
    metric = read_metric(table, problems)
    assert problems.problems == []
    return metric


def test_a_metric_that_spells_itself_out_can_do_nothing_that_it_does_not_say() -> None:
    mine = read({"metric": "Mine", "start": {"created": True}, "stop": {"answer": True, "resolved": True}})
    assert (mine.name, mine.start, mine.pause) == ("Mine", Trigger(signal.CREATED), NEVER)
    assert mine.stop == Trigger(signal.RESOLVED, ALWAYS, answer=True)
    assert (mine.repeat, mine.while_open, mine.after_answer, mine.resumes, mine.needs) == (False,) * 4 + ((),)


def test_a_built_in_metric_keeps_what_is_not_spelled_out() -> None:
    plain = PRESETS["resolution"]
    assert read({"metric": "resolution"}) == plain
    assert read({"metric": "resolution", "repeat": True}).repeat is True
    assert read({"metric": "first_response", "repeat": False}).repeat is False
    started = read({"metric": "resolution", "start": {"assigned": True}})
    assert (started.start, started.stop, started.pause) == (Trigger(signal.OWNED), plain.stop, plain.pause)
    stopped = read({"metric": "resolution", "stop": {"reopened": True}})
    assert (stopped.start, stopped.stop) == (plain.start, Trigger(signal.REOPENED))
    assert read({"metric": "resolution", "pause": {}}).pause is NEVER
    assert read({"metric": "resolution", "pause": {"a": 1}}).pause({"a": 1}) is True
    assert read({"metric": "resolution", "pause": {"a": 1}}).pause({"a": 2}) is False


def test_a_status_that_is_watched_starts_inside_and_stops_outside() -> None:
    metric = read({"metric": "in_status", "status": "open", "raw_status": ["Review"]})
    inside, outside = {"status": "open", "raw_status": "review"}, {"status": "open", "raw_status": "Done"}
    assert [metric.start.condition(f) for f in (inside, outside, {})] == [True, False, False]
    assert [metric.stop.condition(f) for f in (inside, outside, {})] == [False, True, True]
    assert metric.stop.condition.fields == metric.start.condition.fields == {"status", "raw_status"}
    assert metric.stop.condition.source == {"not": {"status": "open", "raw_status": ["Review"]}}
    assert (metric.start.on_edge, metric.stop.on_edge, metric.repeat) == (True, True, True)
    assert (metric.start.answer, metric.stop.answer, metric.start.signals, metric.stop.signals) == (False, False, 0, 0)


def test_never_is_never() -> None:
    assert (NEVER({}), NEVER.fields, NEVER.source) == (False, frozenset(), {})


def test_a_trigger_of_several_words() -> None:
    problems = Collector()
    trigger = read_trigger({"created": True, "asked": True, "tier": "gold"}, problems)
    assert (trigger.signals, trigger.answer, trigger.by_owner) == (signal.CREATED | signal.ASKED, False, False)
    assert (trigger.condition.fields, trigger.condition.source) == ({"tier"}, {"tier": "gold"})
    answered = read_trigger({"answer": True, "customer_message": True, "owner_changed": True}, problems)
    assert (answered.signals, answered.answer) == (signal.CUSTOMER | signal.OWNER_CHANGED, True)
    assert answered.condition is ALWAYS
    assert read_trigger({"answer": True, "created": True}, problems).answer is True
    assert problems.problems == []
    assert [Trigger(on).on_edge for on in (0, 1)] == [True, False]
    assert Trigger(answer=True).on_edge is False


def test_a_trigger_with_mistakes_is_read_as_far_as_it_goes() -> None:
    problems = Collector(("here",))
    assert read_trigger(5, problems) == Trigger()
    trigger = read_trigger({"created": 1, "tier": {"is": 1}}, problems)
    assert (trigger.signals, trigger.condition.fields) == (signal.CREATED, {"tier"})
    trigger_text = 'a trigger is a table such as { answer = true } or { raw_status = "Proposal Sent" }'
    assert problems.problems[:2] == [
        Problem(("here",), trigger_text),
        Problem(("here", "created"), "`created` takes true; leave it out instead of 1"),
    ]  # fmt: skip
    assert problems.problems[2].path == ("here", "tier", "is")
