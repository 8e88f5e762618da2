"""Filters of a search, made into tests of records.

Owns operators, operands and how values are compared. Refuses pages and sorts.
Invariant: a test looks at what the index knows, never at the record's present values.
That a record without a value matches no comparison is assumed.
https://developers.hubspot.com/docs/api-reference/search/guide
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from emulators.hubspot.errors import HubSpotError, bad_search
from emulators.hubspot.kinds import Kind, find_kind
from emulators.hubspot.portal import Portal
from emulators.hubspot.properties import Property
from emulators.hubspot.records import Record, Value
from emulators.hubspot.values import comparable

GROUPS_MAX, FILTERS_MAX, FILTERS_TOTAL_MAX = 5, 6, 18
WITHOUT_VALUE: Final = frozenset({"HAS_PROPERTY", "NOT_HAS_PROPERTY"})
WITH_LIST: Final = frozenset({"IN", "NOT_IN"})
ORDERED: Final = frozenset({"LT", "LTE", "GT", "GTE"})
TOKENS: Final = frozenset({"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"})
OPERATORS: Final = WITHOUT_VALUE | WITH_LIST | ORDERED | TOKENS | {"EQ", "NEQ", "BETWEEN"}

Values = Mapping[str, Value]
Test = Callable[[Record, Values], bool]
Key = float | str


def filter_groups(portal: Portal, kind: Kind, order: Mapping[str, Any]) -> list[list[Test]]:
    """Groups are alternatives, the tests of a group hold together. Raises HubSpotError for what makes no sense."""
    groups = list(order.get("filterGroups") or [])
    if order.get("filters"):
        groups.append({"filters": order["filters"]})
    if any(not isinstance(group, Mapping) for group in groups):
        raise bad_search()
    counts = [len(group.get("filters") or []) for group in groups]
    if len(groups) > GROUPS_MAX or max(counts, default=0) > FILTERS_MAX or sum(counts) > FILTERS_TOTAL_MAX:
        raise HubSpotError(
            400, f"A search takes {GROUPS_MAX} filter groups of {FILTERS_MAX} filters, {FILTERS_TOTAL_MAX} in all."
        )
    return [[_test(portal, kind, one) for one in group.get("filters") or []] for group in groups]


def _test(portal: Portal, kind: Kind, wanted: Any) -> Test:
    if not isinstance(wanted, Mapping) or wanted.get("operator") not in OPERATORS:
        raise bad_search()
    name, operator = str(wanted.get("propertyName", "")), str(wanted["operator"])
    _check_operands(operator, wanted)
    if name.startswith("associations."):
        return _linked_test(portal, name.removeprefix("associations."), operator, wanted)
    definition = portal.schemas[kind.name].get(name)
    if definition is None:
        raise bad_search()
    if operator in WITHOUT_VALUE:
        there = operator == "HAS_PROPERTY"
        return lambda _record, values: (name in values) is there
    if operator in TOKENS:
        return _token_test(name, str(wanted["value"]), contains=operator == "CONTAINS_TOKEN")
    if operator in WITH_LIST:
        return _list_test(definition, [str(one) for one in wanted["values"]], among=operator == "IN")
    return _order_test(definition, operator, str(wanted["value"]), wanted.get("highValue"))


def _check_operands(operator: str, wanted: Mapping[str, Any]) -> None:
    if operator in WITHOUT_VALUE:
        complete = "value" not in wanted and "values" not in wanted
    elif operator in WITH_LIST:
        complete = isinstance(wanted.get("values"), list) and bool(wanted["values"])
    else:
        complete = wanted.get("value") is not None and (operator != "BETWEEN" or wanted.get("highValue") is not None)
    if not complete:
        raise bad_search()


def _key(definition: Property, text: str) -> Key | None:
    """The form in which this property is compared. Options keep their case, other texts lose it."""
    return text if definition.type == "enumeration" else comparable(definition.type, text)


def _asked(definition: Property, value: Any) -> Key:
    # Instants are asked for as epoch milliseconds; an ISO text is not a number and refused.
    key = _key(definition, str(value))
    if key is None:
        raise bad_search()
    return key


def held_by(definition: Property) -> Callable[[Record, Values], Key | None]:
    """Reads a record's value in the form in which it is compared."""
    name = definition.name
    if name == "hs_object_id":
        return lambda record, _values: float(record.number)

    def held(_record: Record, values: Values) -> Key | None:
        value = values.get(name)
        if value is None:
            return None
        return float(value) if isinstance(value, int) else _key(definition, value)

    return held


def _order_test(definition: Property, operator: str, value: str, high: Any) -> Test:
    held, low = held_by(definition), _asked(definition, value)
    top = _asked(definition, high) if operator == "BETWEEN" else low
    compare: dict[str, Callable[[Any], bool]] = {
        "EQ": lambda key: bool(key == low),
        "NEQ": lambda key: bool(key != low),
        "LT": lambda key: bool(key < low),
        "LTE": lambda key: bool(key <= low),
        "GT": lambda key: bool(key > low),
        "GTE": lambda key: bool(key >= low),
        "BETWEEN": lambda key: bool(low <= key <= top),
    }
    holds = compare[operator]

    def test(record: Record, values: Values) -> bool:
        key = held(record, values)
        return key is not None and holds(key)  # a record without a value matches no comparison, NEQ neither

    return test


def _list_test(definition: Property, asked: list[str], *, among: bool) -> Test:
    held = held_by(definition)
    # Texts are looked up in lower case; what is asked for is taken as it stands and must be in lower case already.
    text = definition.type in ("string", "phone_number")
    keys = {one if text else _asked(definition, one) for one in asked}

    def test(record: Record, values: Values) -> bool:
        key = held(record, values)
        return key is not None and (key in keys) is among

    return test


def _token_test(name: str, value: str, *, contains: bool) -> Test:
    pattern = value.lower()

    def test(_record: Record, values: Values) -> bool:
        if name not in values:
            return False
        text = str(values[name]).lower()
        tokens = [*text.split(), *re.split(r"[^\w]+", text), text]
        return any(fnmatchcase(token, pattern) for token in tokens if token) is contains

    return test


def _linked_test(portal: Portal, word: str, operator: str, wanted: Mapping[str, Any]) -> Test:
    end = find_kind(word)
    if end is None or operator not in ("EQ", "IN", "NEQ", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        raise bad_search()
    asked = {str(one) for one in wanted.get("values") or [wanted.get("value")]}

    def test(record: Record, _values: Values) -> bool:
        ids = set(portal.links.ids(record.node, end.name))
        if operator in WITHOUT_VALUE:
            return bool(ids) is (operator == "HAS_PROPERTY")
        return bool(ids & asked) is (operator in ("EQ", "IN"))

    return test
