"""What looks at a record's fields, at its edges: conditions on odd values, derived fields, people by name, absences and
periods by the day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from sla.answer import classify
from sla.calendar import Calendar
from sla.condition import ALWAYS, read_condition
from sla.derivation import NOTHING, Derivation, Rule, read_derivation
from sla.instant import parse_instant
from sla.model import Event
from sla.people import NOBODY, Colleague, People, read_people
from sla.period import Period, read_periods
from sla.problem import Collector
from sla.signal import CALL_ATTEMPT, REPLY

HOUR, DAY = 3_600_000, 86_400_000


def ms(text: str) -> int:
    return parse_instant(text + "Z")


# ---- conditions


@pytest.mark.parametrize(
    ("test", "value", "expected"),
    [
        # numbers and text
        (120, "120", True), (120, "120.0", True), (120, "12", False), (120, "many", False), ("120", 120, False),
        (1.5, "1.5", True), (0, "0", True), (0, None, False), (0, "", False), (None, None, True), ("", None, False),
        # true and false
        (True, True, True), (True, "TRUE", True), ("True", True, True), (True, 1, False), (1, True, False),
        (False, "false", True), (False, None, False), (False, 0, False),
        # several values
        (["x", "A"], ["a", "b"], True), ("b", ("a", "B"), True), ("a", [], False), ([], "a", False), (5, ["5"], True),
        ({"in": ["x", "A"]}, "a", True), ({"in": []}, "a", False), ({"not": ["a"]}, ["b", "a"], False),
        # text within text
        ({"contains": "ON"}, "Printer on fire", True), ({"contains": "on"}, ["on fire", "off"], False),
        ({"contains": "ON"}, ("off", "On"), True), ({"contains": 5}, 1542.5, True), ({"contains": 5}, [5], True),
        ({"contains": "none"}, None, False), ({"starts_with": "NO"}, None, False), ({"starts_with": 15}, 1542, True),
        ({"starts_with": "PR"}, "printer", True), ({"starts_with": "pr"}, "PRINTER", True),
        ({"matches": "none"}, None, False), ({"matches": 42}, 1542, True), ({"matches": "^a.C$"}, "ABC", True),
        # there or not
        ({"exists": True}, "", False), ({"exists": False}, "", True), ({"exists": True}, 0, True),
        ({"exists": True}, False, True), ({"exists": False}, 0, False),
        # more and less
        ({"gt": 9}, "10", True), ({"gt": "9"}, 10, True), ({"gt": "9"}, "10", True), ({"gt": "b"}, "C", True),
        ({"lt": "B"}, "a", True), ({"gte": "B"}, "b", True), ({"lte": "b"}, "B", True), ({"gte": 10}, 10.0, True),
        ({"gt": 5}, "many", True), ({"lt": 5}, "many", False), ({"gt": 0}, True, True), ({"lt": 9}, None, False),
        ({"gt": 1, "lt": 3}, 2, True), ({"gt": 1, "lt": 3}, 3, False), ({"not": {"gt": 1, "lt": 3}}, 3, True),
        ({"gt": 1}, [2], True), ({"gt": -1}, "", False),
    ],
)  # fmt: skip
def test_one_field_of_a_record(test: Any, value: Any, expected: bool) -> None:
    problems = Collector()
    condition = read_condition({"field": test}, problems)
    assert problems.problems == []
    assert condition({"field": value}) is expected
    assert (condition.fields, condition.source) == ({"field"}, {"field": test})


def test_a_list_of_conditions_holds_by_all_or_any_of_them() -> None:
    both = read_condition({"all": [{"a": 1}, {"b": 1}]}, Collector())
    either = read_condition({"any": [{"a": 1}, {"b": 1}]}, Collector())
    neither = read_condition({"not": {"any": [{"a": 1}, {"b": 1}]}, "c": 1}, Collector())
    records: list[dict[str, int]] = [{"c": 1}, {"a": 1, "c": 1}, {"b": 1, "c": 1}, {"a": 1, "b": 1, "c": 1}]
    assert [both(record) for record in records] == [False, False, False, True]
    assert [either(record) for record in records] == [False, True, True, True]
    assert [neither(record) for record in records] == [True, False, False, False]
    assert not neither({})
    assert neither.fields == {"a", "b", "c"}


# ---- derived fields


def test_a_rule_has_its_own_name_or_its_number() -> None:
    derivation = read_derivation(
        [
            {"field": "tier", "value": "gold", "when": {"amount": {"gt": 5}}},
            {"field": "priority", "value": "high", "when": {"tier": "gold", "vip": True}, "name": "gold"},
            {"field": "region", "value": 0, "when": {}},
        ],
        Collector(),
    )
    assert derivation({"amount": 6, "vip": True}) == (
        {"amount": 6, "vip": True, "tier": "gold", "priority": "high", "region": 0},
        {"tier": "rule 1", "priority": "gold", "region": "rule 3"},
    )
    assert derivation({"amount": 5, "tier": "gold", "vip": "x"}) == (
        {"amount": 5, "tier": "gold", "vip": "x", "region": 0},
        {"region": "rule 3"},
    )
    assert derivation.fields == {"amount", "tier", "vip"}


def test_derivation_leaves_the_records_own_fields_as_they_are() -> None:
    fields = {"tier": "silver"}
    assert Derivation([Rule("x", "tier", "gold", ALWAYS)])(fields).fields == {"tier": "gold"}
    assert fields == {"tier": "silver"}


def test_the_owners_team_is_told_unless_the_record_has_one() -> None:
    people = People({"user:5": Colleague("user:5", team="Inside"), "user:6": Colleague("user:6")})
    derivation = NOTHING.of(people)
    told = ({"owner": "USER:5", "team": "Inside"}, {"team": "the owner's team"})
    assert derivation({"owner": "USER:5"}) == told
    for empty in (None, ""):
        assert derivation({"owner": "USER:5", "team": empty}) == told
    for kept in ({"owner": "user:5", "team": "Field"}, {"owner": "user:6"}, {"owner": 5}, {"owner": None}, {}):
        assert derivation(kept) == (kept, {})


def test_a_rule_for_the_team_comes_after_the_owners() -> None:
    people = People({"user:5": Colleague("user:5", team="Inside")})
    derivation = Derivation([Rule("x", "team", "Desk", ALWAYS)]).of(people)
    assert derivation({"owner": "user:5"}) == ({"owner": "user:5", "team": "Inside"}, {"team": "the owner's team"})
    assert derivation({"owner": "user:6"}) == ({"owner": "user:6", "team": "Desk"}, {"team": "x"})


# ---- people


def test_whoever_is_listed_by_id_is_meant_before_the_owner_of_an_address() -> None:
    maria, hans = Colleague("Maria@acme.example", team="A"), Colleague("user:7", team="B")
    people = People({"Maria@acme.example": maria, "user:7": hans}).with_ids(
        [("MARIA@acme.example", "user:7"), ("maria@ACME.example", "User:8"), ("nobody@acme.example", "user:9")]
    )
    assert len(people) == 2
    assert [people.get(name) for name in ("user:7", "USER:8", "maria@acme.example", "user:9", None)] == [
        hans, maria, maria, None, None,
    ]  # fmt: skip
    assert (len(NOBODY), NOBODY.get("user:7"), NOBODY.hours("user:7")) == (0, None, None)


def test_absences_are_whole_days_of_the_persons_own_zone_with_both_ends() -> None:
    berlin = Calendar.from_config({"timezone": "Europe/Berlin", "hours": "24x7"}, "berlin")
    problems = Collector()
    people = read_people(
        {
            "user:1": {"calendar": "berlin", "away": ["2026-08-01..2026-08-02", date(2026, 8, 4)]},
            "user:2": {"away": [" 2026-08-01 .. 2026-08-01 "]},
            "user:3": {"calendar": "berlin"},
            "user:4": {"calendar": "berlin", "away": []},
            "a@acme.example": {"team": "Sales", "manager": "b@acme.example"},
        },
        {"berlin": berlin},
        problems,
    )
    assert problems.problems == []
    window = ms("2026-07-31T00:00:00"), ms("2026-08-06T00:00:00")
    hours, always = people.hours("user:1"), people.hours("user:2")
    assert hours is not None
    assert always is not None
    assert list(hours.intervals_ms(*window)) == [
        (ms("2026-07-31T00:00:00"), ms("2026-07-31T22:00:00")),
        (ms("2026-08-02T22:00:00"), ms("2026-08-03T22:00:00")),
        (ms("2026-08-04T22:00:00"), ms("2026-08-06T00:00:00")),
    ]
    assert list(always.intervals_ms(*window)) == [
        (ms("2026-07-31T00:00:00"), ms("2026-08-01T00:00:00")),
        (ms("2026-08-02T00:00:00"), ms("2026-08-06T00:00:00")),
    ]
    noon = ms("2026-08-01T12:00:00")
    assert list(hours.closures(noon, noon + HOUR)) == [(noon, noon + HOUR, "away")]
    assert (hours.name, always.name) == ("berlin", "always")
    assert people.hours("user:3") is people.hours("user:4") is berlin
    assert people.get("A@acme.example") == Colleague("a@acme.example", None, "Sales", "b@acme.example")


# ---- periods


PEAK = {"name": "Peak", "from": "2026-03-03", "until": "2026-03-04", "reason": "mail", "approved_by": "Ada"}


def periods(*tables: dict[str, Any], factor: bool = False) -> tuple[Period, ...]:
    problems = Collector()
    found = read_periods([PEAK | table for table in tables], problems, factor=factor)
    assert problems.problems == []
    return found


def test_a_period_by_days_lasts_to_the_end_of_its_last_day() -> None:
    assert periods({}) == (
        Period("Peak", ms("2026-03-03T00:00:00"), ms("2026-03-05T00:00:00"), ALWAYS, None, "mail", "Ada", 1.0),
    )
    one, local, exact = periods(
        {"until": date(2026, 3, 3)},
        {"timezone": "America/New_York", "name": "Local"},
        {"from": "2026-03-03T10:00:00+01:00", "until": datetime(2026, 3, 3, 9, 0, 0, 1000, tzinfo=UTC)},
    )
    assert (one.start, one.end) == (ms("2026-03-03T00:00:00"), ms("2026-03-04T00:00:00"))
    assert (local.name, local.start, local.end) == ("Local", ms("2026-03-03T05:00:00"), ms("2026-03-05T05:00:00"))
    assert (exact.start, exact.end) == (ms("2026-03-03T09:00:00"), ms("2026-03-03T09:00:00.001"))


@pytest.mark.parametrize("factor", [0.01, 1, 1.5, 100])
def test_a_factor_stretches_or_shortens(factor: float) -> None:
    (period,) = periods({"factor": factor}, factor=True)
    assert (period.factor, type(period.factor)) == (factor, float)


def test_a_period_covers_its_first_instant_and_not_its_last() -> None:
    (period,) = periods({})
    assert [period.covers(at) for at in (period.start - 1, period.start, period.end - 1, period.end)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_a_period_concerns_all_targets_or_those_it_names_of_records_that_fit() -> None:
    everything, some = periods({}, {"targets": ["resolution", "reply"], "when": {"site": "Berlin"}})
    assert everything.concerns("resolution", {})
    assert some.targets == {"resolution", "reply"}
    assert some.when.fields == {"site"}
    assert [some.concerns(*asked) for asked in (
        ("resolution", {"site": "berlin"}), ("reply", {"site": "Berlin"}), ("first", {"site": "Berlin"}), ("reply", {}),
    )] == [True, True, False, False]  # fmt: skip


def test_a_readable_period_is_kept_whatever_else_is_wrong_in_it() -> None:
    problems = Collector()
    wrong = {"from": PEAK["from"], "until": PEAK["until"], "factor": 0, "targets": "all", "timezone": "Mars", "when": 5}
    assert read_periods([{}, PEAK | {"factor": 2, "from": 5}, wrong], problems, factor=True) == (
        Period("", ms("2026-03-03T00:00:00"), ms("2026-03-05T00:00:00"), ALWAYS, None, "", "", 1.0),
    )


# ---- answers


@pytest.mark.parametrize(
    ("activity", "outcome", "answer"),
    [
        ("call", "", (REPLY, None)), ("call", " HELD ", (REPLY, None)), ("call", "no answer", (CALL_ATTEMPT, None)),
        ("meeting", " Cancelled ", (0, "a meeting that was cancelled")), ("meeting", "Answered", (REPLY, None)),
        ("email", "Done", (REPLY, None)), ("Call", None, (0, "a Call reaches nobody")),
    ],
)  # fmt: skip
def test_what_came_of_an_activity_is_read_without_regard_to_case(
    activity: str, outcome: str | None, answer: Any
) -> None:
    event = Event(
        record="desk:ticket:1", id="1", at=0, event="activity", activity=activity, outcome=outcome, actor="user:3"
    )
    assert classify(event, "user:9") == answer


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"event": "activity", "activity": "call"}, "logged by bot, not by a person"),
        ({"event": "message", "direction": "outbound"}, "sent by bot, not by a person"),
    ],
)
def test_who_is_no_person_is_named_by_the_kind_alone(line: dict[str, Any], reason: str) -> None:
    event = Event(record="desk:ticket:1", id="1", at=0, actor="bot:desk:1", **line)
    assert classify(event, "user:9") == (0, reason)
