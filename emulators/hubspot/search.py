"""The search engine: filters, sorts, pages and the walls around them.

Owns the rules of developers.hubspot.com/docs/api-reference/search-the-crm. Refuses limits per second: see ``limits``.
Invariant: a record matches by what the index knows of it and is shown as it is now, so a result may lie outside the
range that was asked for.
https://developers.hubspot.com/docs/api-reference/search/guide
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from emulators.hubspot.errors import HubSpotError, bad_search
from emulators.hubspot.filters import Key, Test, filter_groups, held_by
from emulators.hubspot.kinds import Kind
from emulators.hubspot.portal import Portal
from emulators.hubspot.records import Record, Shelf
from emulators.hubspot.walks import Walk

RESULTS_MAX: Final = 10_000
LIMIT_MAX: Final = 200
QUERY_MAX: Final = 3000


@dataclass(slots=True)
class Found:
    """One page. ``after`` is the offset of the next one, None on the last."""

    total: int
    records: list[Record] = field(default_factory=list)
    after: int | None = None


def search(portal: Portal, kind: Kind, order: Mapping[str, Any]) -> Found:
    """Raises HubSpotError for an order that the vendor would refuse."""
    limit, after = _paging(order)
    groups = filter_groups(portal, kind, order)
    query = _query(kind, str(order.get("query") or ""))
    matched = _matched(portal, kind, order, _keeps(groups, query), limit)
    if not _by_id(order.get("sorts")):
        matched = _sorted(portal, kind, matched, order["sorts"])
    end = after + limit
    shown = [record for record in matched[after:end] if not record.archived and not record.merged_into]
    return Found(len(matched), shown, end if end < len(matched) else None)


def _keeps(groups: Sequence[Sequence[Test]], query: Test | None) -> Callable[[Record], bool]:
    """Whether a record is found, by what the index knows of it."""

    def keeps(record: Record) -> bool:
        values = record.indexed
        if values is None or (query and not query(record, values)):
            return False
        return not groups or any(all(test(record, values) for test in group) for group in groups)

    return keeps


def _matched(
    portal: Portal, kind: Kind, order: Mapping[str, Any], keeps: Callable[[Record], bool], limit: int
) -> list[Record]:
    """What matches, by id. A client that walks by id asks the same again and again: it is kept for it."""
    shelf = portal.shelf(kind)
    shelf.index.settle(portal.now_ms())
    start = _first_number(order)
    asked = json.dumps([order.get("query"), order.get("filters"), _without_bound(order, start)], sort_keys=True)
    walks = portal.walks[kind.name]
    walk = walks.known(asked, start)
    if walk is None:
        walk = Walk(shelf.index, start, keeps, _looked_at(shelf, kind, order, start))
        if len(found := walk.behind(start)) > limit:
            walks.keep(asked, walk)
        return found
    return walk.behind(start)


def _looked_at(shelf: Shelf, kind: Kind, order: Mapping[str, Any], start: int) -> Iterable[Record]:
    """The records that can match, by id: where a search names few by their stamps, only these."""
    low, high = _stamps(kind, order)
    stamped = shelf.index.stamped(shelf.since(), low, high)
    if len(stamped) > len(shelf) // 4:
        return shelf.since(start)
    return (shelf.numbered(number) for number in sorted(stamped) if number >= start)


def _stamps(kind: Kind, order: Mapping[str, Any]) -> tuple[float, float]:
    """Between which stamps everything lies that a search can find."""
    groups = [group.get("filters") or [] for group in order.get("filterGroups") or []]
    if not groups or order.get("filters"):
        return -inf, inf
    windows = [[_window(one) for one in group if one.get("propertyName") == kind.stamp] for group in groups]
    return (
        min(max((low for low, _ in window), default=-inf) for window in windows),
        max(min((high for _, high in window), default=inf) for window in windows),
    )


def _window(one: Mapping[str, Any]) -> tuple[float, float]:
    operator = one.get("operator")
    if operator not in ("GT", "GTE", "LT", "LTE", "EQ", "BETWEEN"):
        return -inf, inf
    low = -inf if operator in ("LT", "LTE") else float(one["value"])
    high = inf if operator in ("GT", "GTE") else float(one.get("highValue") or one["value"])
    return low, high


def _paging(order: Mapping[str, Any]) -> tuple[int, int]:
    limit, after = order.get("limit"), order.get("after")
    limit = 10 if limit is None else limit
    if not isinstance(limit, int) or not 0 < limit <= LIMIT_MAX:
        raise HubSpotError(400, f"Limit must be between 1 and {LIMIT_MAX}.")
    text = str(after or 0)
    if not text.isdigit():
        raise HubSpotError(400, "after must be the offset of a page")
    if int(text) + limit > RESULTS_MAX:
        # "The search endpoints are limited to 10,000 total results for any given query."
        raise HubSpotError(400, f"Paging beyond {RESULTS_MAX} results is not supported. Narrow the search.")
    return limit, int(text)


def _query(kind: Kind, text: str) -> Test | None:
    if len(text) > QUERY_MAX:
        raise HubSpotError(400, f"The query is longer than {QUERY_MAX} characters.")
    wanted = text.lower()
    if not wanted:
        return None
    return lambda _record, values: any(wanted in str(values.get(name, "")).lower() for name in kind.searched)


def _first_number(order: Mapping[str, Any]) -> int:
    """A walk by id begins where it must: behind the number that every group names by ``hs_object_id GT n``."""
    groups = order.get("filterGroups") or []
    if not groups or order.get("filters"):
        return 0
    bounds = {next((int(one["value"]) for one in group.get("filters") or [] if _is_bound(one)), 0) for group in groups}
    return bounds.pop() if len(bounds) == 1 else 0


def _is_bound(one: Mapping[str, Any]) -> bool:
    named = one.get("propertyName") == "hs_object_id" and one.get("operator") == "GT"
    return named and str(one.get("value", "")).isdigit()


def _without_bound(order: Mapping[str, Any], start: int) -> list[list[Any]]:
    groups = order.get("filterGroups") or []
    return [[one for one in group.get("filters") or [] if not (start and _is_bound(one))] for group in groups]


def _by_id(sorts: Any) -> bool:
    """Whether records stand in order already: they are kept in that of their ids, which is that of creation."""
    return not sorts or _sort_of(sorts[0]) == ("hs_object_id", False)


def _sorted(portal: Portal, kind: Kind, matched: list[Record], sorts: Any) -> list[Record]:
    """One sort. Records without a value come last."""
    name, descending = _sort_of(sorts[0])
    definition = portal.schemas[kind.name].get(name)
    if definition is None:
        raise bad_search()
    held = held_by(definition)
    keyed = [(held(record, record.indexed or {}), record) for record in matched]
    with_value = [one for one in keyed if one[0] is not None]
    with_value.sort(key=_first, reverse=descending)
    return [record for _, record in (*with_value, *(one for one in keyed if one[0] is None))]


def _first(keyed: tuple[Key | None, Record]) -> Any:
    return keyed[0]


def _sort_of(sort: Any) -> tuple[str, bool]:
    if isinstance(sort, Mapping):
        return str(sort.get("propertyName", "")), sort.get("direction") == "DESCENDING"
    text = str(sort)
    return text.lstrip("-"), text.startswith("-")
