"""Conditions on fields: values, lists, operators, nesting."""

from __future__ import annotations

from typing import Any

import pytest

from sla.condition import read_condition
from sla.problem import Collector

RECORD = {
    "source": "Web", "country": "DE", "tier": "Gold", "seats": 120, "revenue": "1500000", "vip": True, "note": "",
    "tags": ["Urgent", "Printer"], "subject": "Printer on Fire", "opened": "2026-03-02", "owner": None,
}  # fmt: skip


def holds(table: dict[str, Any], fields: dict[str, Any] = RECORD) -> bool:
    problems = Collector()
    condition = read_condition(table, problems)
    problems.raise_if_any()
    return condition(fields)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # a value
        ({"source": "Web"}, True),
        ({"source": "Phone"}, False),
        ({"source": "web"}, True),
        ({"source": "WEB"}, True),
        ({"source": "We"}, False),
        ({"seats": 120}, True),
        ({"seats": 121}, False),
        ({"vip": True}, True),
        ({"vip": False}, False),
        ({"missing": "x"}, False),
        # any of a list
        ({"source": ["Web", "Paid Search"]}, True),
        ({"source": ["Phone", "web"]}, True),
        ({"source": ["Phone", "Email"]}, False),
        ({"missing": ["x"]}, False),
        # several keys: all of them
        ({"source": "Web", "country": "DE"}, True),
        ({"source": "Web", "country": "CN"}, False),
        ({}, True),
        # not
        ({"country": {"not": "CN"}}, True),
        ({"country": {"not": "de"}}, False),
        ({"country": {"not": ["CN", "DE"]}}, False),
        ({"country": {"not": ["CN", "FR"]}}, True),
        ({"missing": {"not": "x"}}, True),
        # in
        ({"country": {"in": ["DE", "AT"]}}, True),
        ({"country": {"in": ["CN"]}}, False),
        ({"missing": {"in": ["CN"]}}, False),
        # numbers
        ({"seats": {"gt": 119}}, True),
        ({"seats": {"gt": 120}}, False),
        ({"seats": {"gte": 120}}, True),
        ({"seats": {"gte": 121}}, False),
        ({"seats": {"lt": 121}}, True),
        ({"seats": {"lt": 120}}, False),
        ({"seats": {"lte": 120}}, True),
        ({"seats": {"lte": 119}}, False),
        ({"seats": {"gt": 9, "lt": 121}}, True),
        ({"seats": {"gt": 9, "lt": 100}}, False),
        ({"revenue": {"gt": 999999}}, True),
        ({"opened": {"gte": "2026-03-01", "lt": "2026-04-01"}}, True),
        ({"opened": {"gt": "2026-03-02"}}, False),
        ({"missing": {"gt": 1}}, False),
        ({"missing": {"lt": 1}}, False),
        ({"owner": {"lt": 1}}, False),
        # text
        ({"subject": {"contains": "fire"}}, True),
        ({"subject": {"contains": "water"}}, False),
        ({"missing": {"contains": "fire"}}, False),
        ({"subject": {"starts_with": "printer"}}, True),
        ({"subject": {"starts_with": "fire"}}, False),
        ({"missing": {"starts_with": "p"}}, False),
        ({"subject": {"matches": "^printer .* fire$"}}, True),
        ({"subject": {"matches": "fire"}}, True),
        ({"subject": {"matches": "^fire"}}, False),
        ({"missing": {"matches": ".*"}}, False),
        # exists
        ({"source": {"exists": True}}, True),
        ({"source": {"exists": False}}, False),
        ({"missing": {"exists": True}}, False),
        ({"missing": {"exists": False}}, True),
        ({"owner": {"exists": False}}, True),
        # a field of several values
        ({"tags": "urgent"}, True),
        ({"tags": ["billing", "printer"]}, True),
        ({"tags": "billing"}, False),
        ({"tags": {"contains": "Printer"}}, True),
        # nesting
        ({"all": [{"source": "Web"}, {"tier": "gold"}]}, True),
        ({"all": [{"source": "Web"}, {"tier": "silver"}]}, False),
        ({"any": [{"source": "Phone"}, {"tier": "gold"}]}, True),
        ({"any": [{"source": "Phone"}, {"tier": "silver"}]}, False),
        ({"not": {"source": "Phone"}}, True),
        ({"not": {"source": "Web"}}, False),
        ({"not": {"source": "Web", "tier": "silver"}}, True),
        ({"country": "DE", "any": [{"tier": "gold"}, {"seats": {"gt": 500}}]}, True),
        ({"country": "DE", "any": [{"tier": "silver"}, {"seats": {"gt": 500}}]}, False),
        ({"any": [{"all": [{"tier": "gold"}, {"not": {"country": "DE"}}]}, {"vip": True}]}, True),
    ],
)
def test_a_condition_on_a_record(table: dict, expected: bool) -> None:
    assert holds(table) is expected


def test_a_condition_knows_the_fields_it_looks_at() -> None:
    table = {"source": "Web", "any": [{"tier": "gold"}, {"not": {"seats": {"gt": 5}}}], "all": [{"vip": True}]}
    assert read_condition(table, Collector()).fields == {"source", "tier", "seats", "vip"}


@pytest.mark.parametrize(
    ("table", "path", "named"),
    [
        ({"country": {"is": "DE"}}, ("when", "country", "is"), "is"),
        ({"country": {"in": "DE"}}, ("when", "country", "in"), "list"),
        ({"country": {"exists": "yes"}}, ("when", "country", "exists"), "true"),
        ({"subject": {"matches": "("}}, ("when", "subject", "matches"), "("),
        ({"any": {"source": "Web"}}, ("when", "any"), "list"),
        ({"all": []}, ("when", "all"), "list"),
        ({"any": [{"source": "Web"}, "Phone"]}, ("when", "any", 1), "Phone"),
        ({"not": "Web"}, ("when", "not"), "Web"),
        ({"any": [{"country": {"startswith": "D"}}]}, ("when", "any", 0, "country", "startswith"), "startswith"),
    ],
)
def test_a_mistake_in_a_condition_is_reported_where_it_stands(table: dict, path: tuple, named: str) -> None:
    problems = Collector(("when",))
    read_condition(table, problems)
    assert path in [problem.path for problem in problems.problems]
    assert any(named in problem.message for problem in problems.problems)


def test_an_unknown_operator_comes_with_the_known_ones() -> None:
    problems = Collector()
    read_condition({"country": {"is": "DE", "in": ["AT"]}}, problems)
    assert problems.problems[0].known == (
        "not", "in", "gt", "gte", "lt", "lte", "contains", "starts_with", "matches", "exists",
    )  # fmt: skip


def test_every_mistake_of_a_condition_is_reported_once() -> None:
    problems = Collector()
    read_condition({"a": {"in": 1}, "b": {"exists": 1}, "any": [{"c": {"matches": "["}}]}, problems)
    assert [p.path for p in problems.problems] == [("a", "in"), ("b", "exists"), ("any", 0, "c", "matches")]
