"""The search engine: filters, sorts, pages and the walls around them.

Owns the rules of developers.hubspot.com/docs/api-reference/search-the-crm. Refuses limits per second: see ``limits``.
Invariant: a record matches by what the index knows of it and is shown as it is now, so a result may lie outside the
range that was asked for.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

from emulators.hubspot.errors import HubSpotError, bad_search
from emulators.hubspot.filters import Key, Test, Values, filter_groups, held_by
from emulators.hubspot.kinds import Kind
from emulators.hubspot.portal import Portal
from emulators.hubspot.records import Published, Record

RESULTS_MAX: Final = 10_000
LIMIT_MAX: Final = 200
QUERY_MAX: Final = 3000


@dataclass(slots=True)
class Found:
    """One page. ``after`` is the offset of the next one, None on the last."""

    total: int
    records: list[Record] = field(default_factory=list)
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Walk:
    """What a search found behind the id ``start``, as the index stood."""

    state: tuple[int, str]
    start: int
    found: list[tuple[Record, Values]]


_FOUND: Final[WeakKeyDictionary[Portal, Walk]] = WeakKeyDictionary()
"""The latest walk of each portal."""


def search(portal: Portal, kind: Kind, order: Mapping[str, Any]) -> Found:
    """Raises HubSpotError for an order that the vendor would refuse."""
    limit, after = _paging(order)
    groups = filter_groups(portal, kind, order)
    query = _query(kind, str(order.get("query") or ""))
    matched = _matched(portal, kind, order, groups, query)
    if not _by_id(order.get("sorts")):
        _sort(portal, kind, matched, order["sorts"])
    page = [record for record, _ in matched[after : after + limit]]
    end = after + limit
    shown = [record for record in page if not record.archived and not record.merged_into]
    return Found(len(matched), shown, end if end < len(matched) else None)


def _matched(
    portal: Portal, kind: Kind, order: Mapping[str, Any], groups: Sequence[Sequence[Test]], query: Test | None
) -> list[tuple[Record, Values]]:
    """What matches, by id. A walk by id asks the same again and again: it goes on in what was found the first time, as
    long as nothing is written and nothing is on its way into the index."""
    start = _first_number(order)
    asked = json.dumps([kind.name, order.get("query"), _without_bound(order)], sort_keys=True)
    known = _FOUND.get(portal)
    if known is not None and known.state == (Published.count, asked) and 0 < known.start <= start:
        return known.found[bisect_right(known.found, start, key=_number) :]
    now_ms = portal.now_ms()
    found: list[tuple[Record, Values]] = []
    settled = True
    for record in portal.shelf(kind).since(start):
        values = record.in_index(now_ms)
        settled = settled and not record.unseen
        if values is None or (query and not query(record, values)):
            continue
        if not groups or any(all(test(record, values) for test in group) for group in groups):
            found.append((record, values))
    if settled and start:
        _FOUND[portal] = Walk((Published.count, asked), start, list(found))
    return found


def _number(found: tuple[Record, Values]) -> int:
    return found[0].number


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


def _without_bound(order: Mapping[str, Any]) -> list[list[Any]]:
    groups = order.get("filterGroups") or []
    return [[one for one in group.get("filters") or [] if not _is_bound(one)] for group in groups]


def _by_id(sorts: Any) -> bool:
    """Whether records stand in order already: they are kept in that of their ids, which is that of creation."""
    return not sorts or _sort_of(sorts[0]) == ("hs_object_id", False)


def _sort(portal: Portal, kind: Kind, matched: list[tuple[Record, Values]], sorts: Any) -> None:
    """One sort. Records without a value come last."""
    name, descending = _sort_of(sorts[0])
    definition = portal.schemas[kind.name].get(name)
    if definition is None:
        raise bad_search()
    held = held_by(definition)
    keyed = [(held(record, values), record, values) for record, values in matched]
    with_value = [one for one in keyed if one[0] is not None]
    with_value.sort(key=_first, reverse=descending)
    matched[:] = [one[1:] for one in (*with_value, *(one for one in keyed if one[0] is None))]


def _first(keyed: tuple[Key | None, Record, Values]) -> Any:
    return keyed[0]


def _sort_of(sort: Any) -> tuple[str, bool]:
    if isinstance(sort, Mapping):
        return str(sort.get("propertyName", "")), sort.get("direction") == "DESCENDING"
    text = str(sort)
    return text.lstrip("-"), text.startswith("-")
