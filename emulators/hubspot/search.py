"""The search engine: filters, sorts, pages and the walls around them.

Owns the rules of developers.hubspot.com/docs/api-reference/search-the-crm. Refuses limits per second: see ``limits``.
Invariant: a record matches by what the index knows of it and is shown as it is now, so a result may lie outside the
range that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from emulators.hubspot.errors import HubSpotError, bad_search
from emulators.hubspot.filters import Key, Test, Values, filter_groups, held_by
from emulators.hubspot.kinds import Kind
from emulators.hubspot.portal import Portal
from emulators.hubspot.records import Record

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
    now_ms = portal.now_ms()
    matched: list[tuple[Record, Values]] = []
    for record in portal.shelf(kind).since(_first_number(order)):
        values = record.in_index(now_ms)
        if values is None or (query and not query(record, values)):
            continue
        if not groups or any(all(test(record, values) for test in group) for group in groups):
            matched.append((record, values))
    _sort(portal, kind, matched, order.get("sorts"))
    page = [record for record, _ in matched[after : after + limit]]
    end = after + limit
    shown = [record for record in page if not record.archived and not record.merged_into]
    return Found(len(matched), shown, end if end < len(matched) else None)


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
    """A walk by id begins where it must: one group that says ``hs_object_id GT n``."""
    groups = order.get("filterGroups") or []
    if len(groups) != 1 or order.get("filters") or not isinstance(groups[0], Mapping):
        return 0
    for one in groups[0].get("filters") or []:
        value = str(one.get("value", ""))
        if one.get("propertyName") == "hs_object_id" and one.get("operator") in ("GT", "GTE") and value.isdigit():
            return int(value)
    return 0


def _sort(portal: Portal, kind: Kind, matched: list[tuple[Record, Values]], sorts: Any) -> None:
    """One sort; without one, by id, which is the order of creation. Records without a value come last."""
    if not sorts:
        return
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
