"""Reading: streams of changes by search, and single records with their latest answers.

Owns the search bodies, paging and the reading of records that are gone. Refuses meaning (``mapping``, ``answering``)
and cursors (``window``). Invariant: an idle poll is one call, and no search ever pages by offset.
https://developers.hubspot.com/docs/api-reference/search/guide
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from connectors.base import Change, Page
from connectors.hubspot import names
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.names import ObjectType
from connectors.hubspot.portal import Portal
from connectors.hubspot.shapes import ENCODER, ROW, Envelope, RawPage, Row
from connectors.hubspot.window import Window, advance, next_window, read_cursor
from sla.model import DONE_STATUSES, split_record

LATEST: Final = 20
"""How many of the newest e-mails, calls and meetings of a record are read again with it."""


class Reader:
    def __init__(self, api: HubSpotApi, portal: Portal, mapper: Mapper, overlap_ms: int) -> None:
        self._api = api
        self._portal = portal
        self._mapper = mapper
        self._overlap_ms = overlap_ms
        self._answers: tuple[ObjectType, ...] = tuple(
            one for one in names.ENGAGEMENTS if one.name in mapper.settings.answers
        )

        self._asked = {of.name: {*self._wanted(of), names.OBJECT_ID} for of in self.types}

    @property
    def types(self) -> tuple[ObjectType, ...]:
        """The object types that are polled, records before their answers."""
        return (*self._mapper.types, *self._answers)

    def poll(self, of: ObjectType, cursor: str | None, since: int) -> Page:
        """The next page of a stream."""
        position = read_cursor(cursor)
        if self._api.skew_ms is None:
            self._portal.introduce()  # its answer also tells the server's time
        records = of in self._mapper.types
        window = next_window(position, since, self._api.now(), self._overlap_ms, records=records)
        page = self._search(of, window)
        rows = [self._kept(of, raw) for raw in page.results]
        changes = [self._portal.change(of, *row) for row in rows] if records else self._answering(of, rows)
        # ``total`` counts what is left of the window: a full last page needs no empty one behind it.
        full = len(rows) >= names.SEARCH_LIMIT and (page.total is None or page.total > len(rows))
        last = max(int(row.id) for _, row in rows) if full else None
        return Page(changes, advance(position, window, last).encode(), more=full)

    def _search(self, of: ObjectType, window: Window) -> RawPage:
        after = [_filter(names.OBJECT_ID, "GT", str(window.last))] if window.last else []
        changed = [_filter(of.modified, "GTE", str(window.start)), _filter(of.modified, "LTE", str(window.end))]
        groups = [{"filters": [*changed, *after]}]
        if window.open and of.stage:
            done = self._done(of)
            still = [_filter(of.stage, "HAS_PROPERTY")]
            still += [{"propertyName": of.stage, "operator": "NOT_IN", "values": done}] if done else []
            groups.append({"filters": [*still, *after]})
        body = {
            "filterGroups": groups,
            "sorts": [{"propertyName": names.OBJECT_ID, "direction": "ASCENDING"}],
            "properties": self._wanted(of),
            "limit": names.SEARCH_LIMIT,
        }
        return self._api.post(RawPage, self._api.paths.search(of.name), body)

    def _wanted(self, of: ObjectType) -> list[str]:
        if of.name in self._mapper.properties:
            return list(self._mapper.properties[of.name])
        return [*names.ENGAGEMENT_PROPERTIES[of.name], of.modified, names.OWNER, names.SOURCE, names.CREATED_BY]

    def _kept(self, of: ObjectType, raw: msgspec.Raw) -> tuple[msgspec.Raw, Row]:
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

    def _answering(self, of: ObjectType, rows: Sequence[tuple[msgspec.Raw, Row]]) -> list[Change]:
        """Engagements with the records they belong to: one call for each type of record and page."""
        if not rows:
            return []
        parents: dict[str, list[tuple[str, str]]] = {row.id: [] for _, row in rows}
        for record in self._mapper.types:
            for number, found in self._portal.associated(of.name, record.name, parents).items():
                parents.setdefault(number, []).extend((record.name, one) for one in found)
        return [self._portal.change(of, raw, row, parents[row.id]) for raw, row in rows if parents[row.id]]

    # ---- single records

    def read(self, records: Sequence[str]) -> list[Change]:
        """Records as they are now, with their newest answers."""
        changes: list[Change] = []
        for of in self._mapper.types:
            named = (split_record(record) for record in records)
            ids = list(dict.fromkeys(number for _, kind, number in named if kind == of.kind))
            if ids:
                changes += self._records(of, ids)
                for engagement in self._answers:
                    changes += self._latest(of, ids, engagement)
        return changes

    def rows(
        self, of: ObjectType, ids: Sequence[str], properties: Sequence[str], *, archived: bool = False
    ) -> list[tuple[msgspec.Raw, Row]]:
        """A batch read: what exists of ``ids``, in any order; ids that lead nowhere are left out."""
        found: list[tuple[msgspec.Raw, Row]] = []
        query = {"archived": "true" if archived else "false"}
        for at in range(0, len(ids), names.BATCH_LIMIT):
            inputs = [{"id": one} for one in ids[at : at + names.BATCH_LIMIT]]
            body = {"inputs": inputs, "properties": list(properties), "propertiesWithHistory": []}
            page = self._api.post(RawPage, self._api.paths.batch(of.name, "read"), body, query=query)
            found += [(raw, ROW.decode(raw)) for raw in page.results]
        return found

    def _records(self, of: ObjectType, ids: Sequence[str]) -> list[Change]:
        properties = self._mapper.properties[of.name]
        changes: list[Change] = []
        missing = dict.fromkeys(ids)
        for archived in (False, True):
            for found, _ in self.rows(of, list(missing), properties, archived=archived):
                raw, row = self._kept(of, found)
                changes.append(self._portal.change(of, raw, row))
                missing.pop(row.id, None)
                for loser in (row.properties.get(names.MERGED_IDS) or "").split(";"):
                    missing.pop(loser, None)  # its merge event comes out of the winner's row
            if not missing:
                break
        return changes + [self._gone(of, number) for number in missing]

    def _gone(self, of: ObjectType, id: str) -> Change:
        raw = msgspec.Raw(ENCODER.encode({"id": id}))
        envelope = Envelope(raw, gone=True, seen_at=self._api.now())
        return Change(of.name, f"{of.name}:{id}:gone", ENCODER.encode(envelope))

    def _latest(self, of: ObjectType, ids: Sequence[str], engagement: ObjectType) -> list[Change]:
        linked = self._portal.associated(of.name, engagement.name, ids)
        parents: dict[str, list[tuple[str, str]]] = {}
        for record, found in linked.items():
            for one in sorted(found, key=int, reverse=True)[:LATEST]:
                parents.setdefault(one, []).append((of.name, record))
        rows = self.rows(engagement, list(parents), self._wanted(engagement))
        kept = [self._kept(engagement, raw) for raw, _ in rows]
        return [self._portal.change(engagement, raw, row, parents.get(row.id, ())) for raw, row in kept]


def _filter(name: str, operator: str, value: str | None = None) -> dict[str, Any]:
    found = {"propertyName": name, "operator": operator}
    return found if value is None else {**found, "value": value}
