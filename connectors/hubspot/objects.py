"""Objects of the CRM as HubSpot gives them: a page of a search, or a batch by id.

Owns the bodies of both, the properties that are asked for, and what of an answer is kept. Refuses cursors (``window``),
histories (``moves``) and meaning. Invariant: no search pages by offset, except over a page of which HubSpot shows
nothing, and nothing is kept that was not asked for.
https://developers.hubspot.com/docs/api-reference/search/guide
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.hubspot import names
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.names import ObjectType
from connectors.hubspot.portal import Portal
from connectors.hubspot.shapes import ENCODER, ROW, RawPage, Row
from connectors.hubspot.window import Window
from sla.model import DONE_STATUSES

Raw = tuple[msgspec.Raw, Row]
"""A row as it is kept, and the same decoded."""


class Objects:
    """``types`` are those that are searched."""

    def __init__(self, api: HubSpotApi, portal: Portal, mapper: Mapper, types: Sequence[ObjectType]) -> None:
        self._api = api
        self._portal = portal
        self._mapper = mapper
        self._asked = {of.name: {*self.wanted(of), names.OBJECT_ID} for of in types}

    def search(self, of: ObjectType, window: Window) -> RawPage:
        """A page of the window. Where HubSpot finds rows and shows none of them, because they have been deleted since
        they were indexed, the next page is asked for."""
        body = self._body(of, window)
        page = self._api.post(RawPage, self._api.paths.search(of.name), body)
        while not page.results and page.after and int(page.after) + names.SEARCH_LIMIT <= names.SEARCH_WALL:
            page = self._api.post(RawPage, self._api.paths.search(of.name), {**body, "after": page.after})
        return page

    def _body(self, of: ObjectType, window: Window) -> dict[str, Any]:
        after = [_filter(names.OBJECT_ID, "GT", str(window.last))] if window.last else []
        changed = [_filter(of.modified, "GTE", str(window.start)), _filter(of.modified, "LTE", str(window.end))]
        groups = [{"filters": [*changed, *after]}]
        if window.open and of.stage:
            done = self._done(of)
            still = [_filter(of.stage, "HAS_PROPERTY")]
            still += [{"propertyName": of.stage, "operator": "NOT_IN", "values": done}] if done else []
            groups.append({"filters": [*still, *after]})
        return {
            "filterGroups": groups,
            "sorts": [{"propertyName": names.OBJECT_ID, "direction": "ASCENDING"}],
            "properties": self.wanted(of),
            "limit": names.SEARCH_LIMIT,
        }

    def wanted(self, of: ObjectType) -> list[str]:
        if of.name in self._mapper.properties:
            return list(self._mapper.properties[of.name])
        told_by = [names.ENGAGEMENT_SOURCE] if of is names.EMAILS and self._mapper.converses else []
        usual = (of.modified, names.OWNER, names.SOURCE, names.CREATED_BY)
        return [*names.ENGAGEMENT_PROPERTIES[of.name], *told_by, *usual]

    def kept(self, of: ObjectType, raw: msgspec.Raw) -> Raw:
        """A row without what was not asked for: HubSpot adds properties, names and texts among them, by itself."""
        row = ROW.decode(raw)
        if row.properties.keys() <= self._asked[of.name]:
            return raw, row
        row.properties = {name: value for name, value in row.properties.items() if name in self._asked[of.name]}
        return msgspec.Raw(ENCODER.encode(row)), row

    def _done(self, of: ObjectType) -> list[str]:
        """The raw statuses in which nobody works on a record any more."""
        if of.pipelines is not None:
            stages = self._portal.stages(of).values()
            return [one.id for one in stages if self._mapper.category(of, one.id, one) in DONE_STATUSES]
        return sorted(raw for raw, category in self._mapper.statuses[of.name].items() if category in DONE_STATUSES)

    def rows(
        self, of: ObjectType, ids: Sequence[str], properties: Sequence[str], *, archived: bool = False,
        history: Sequence[str] = (),
    ) -> list[Raw]:  # fmt: skip
        """A batch read: what exists of ``ids``, in any order; ids that lead nowhere are left out. With ``history``, so
        many properties also have their past values, and half as many records go into a call."""
        found: list[Raw] = []
        query = {"archived": "true" if archived else "false"}
        limit = names.HISTORY_LIMIT if history else names.BATCH_LIMIT
        for at in range(0, len(ids), limit):
            inputs = [{"id": one} for one in ids[at : at + limit]]
            body = {"inputs": inputs, "properties": list(properties), "propertiesWithHistory": list(history)}
            page = self._api.post(RawPage, self._api.paths.batch(of.name, "read"), body, query=query)
            found += [(raw, ROW.decode(raw)) for raw in page.results]
        return found


def _filter(name: str, operator: str, value: str | None = None) -> dict[str, Any]:
    found = {"propertyName": name, "operator": operator}
    return found if value is None else {**found, "value": value}
