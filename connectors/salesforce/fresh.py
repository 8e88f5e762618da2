"""Fresh reads: single records as they are now, with what was said on them.

Owns the queries by id and the row of our own making that stands for a record which is gone. Refuses cursors. Invariant:
the same row has the key that a sweep gives it; and no record is told to be gone unless its object was read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from connectors.base import Change
from connectors.errors import ConnectorError, RetryLater
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.asking import TAKEN_AWAY
from connectors.salesforce.bundle import Answer
from connectors.salesforce.feed import streams
from connectors.salesforce.ids import is_id
from connectors.salesforce.mapping import GONE
from connectors.salesforce.rows import Rows, rows_of
from connectors.salesforce.selection import Selection
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.values import id_list, select
from sla.model import split_record

_LINKS: Final = {
    names.LEAD: {names.TASK: "WhoId", names.EVENT: "WhoId", names.FEED_ITEM: "ParentId", "LeadHistory": "LeadId"},
    names.CASE: {
        names.TASK: "WhatId", names.EVENT: "WhatId", names.EMAIL: "ParentId", names.COMMENT: "ParentId",
        names.FEED_ITEM: "ParentId", "CaseHistory": "CaseId",
    },
}  # fmt: skip
"""Objects that hold what was said and done on a record, with the field that points to it."""


class FreshReads:
    """The reads of single records of one connection. ``clock()`` is the present in epoch ms."""

    def __init__(
        self, api: Api, selection: Selection, settings: SalesforceSettings, rows: Rows, clock: Callable[[], int]
    ) -> None:  # fmt: skip
        self._api = api
        self._selection = selection
        self._rows = rows
        self._clock = clock
        self._streams = frozenset(streams(settings))

    def read(self, records: Sequence[str]) -> list[Change]:
        """The records as they are now, with what was said on them; what is gone comes as a row of our own making."""
        changes: list[Change] = []
        by_object: dict[str, list[str]] = {}
        for record in records:
            _, kind, key = split_record(record)
            if is_id(key) and kind in names.OBJECTS:
                by_object.setdefault(names.OBJECTS[kind], []).append(key)
            elif kind in names.OBJECTS:
                changes.append(_gone(names.OBJECTS[kind], key, self._clock()))
        for name, keys in by_object.items():
            for start in range(0, len(keys), names.IDS_PER_QUERY):
                changes += self._read(name, keys[start : start + names.IDS_PER_QUERY])
        return changes

    def _read(self, name: str, keys: list[str], *, again: bool = False) -> list[Change]:
        if not self._selection.readable(name):
            return []
        asked_at = self._clock()
        queries = self._queries(name, keys)
        answers = dict(zip(queries, self._api.each_query(list(queries.values())), strict=True))
        taken_away = any(isinstance(one, ConnectorError) and one.code in TAKEN_AWAY for one in answers.values())
        if taken_away and not again:
            self._selection.forget()
            return self._read(name, keys, again=True)
        changes: list[Change] = []
        for other, answer in answers.items():
            if isinstance(answer, ConnectorError):
                raise answer
            changes += self._changes(other, answer, asked_at)
        return changes + self._missing(name, keys, changes, answers[name])

    def _missing(
        self, name: str, keys: list[str], changes: list[Change], own: Answer | ConnectorError
    ) -> list[Change]:  # fmt: skip
        """What is to say of records that were not shown: gone, unless the server made its page smaller than asked, as
        it may (REST API Developer Guide, "Query Options Header"); then they are asked for again."""
        found = {change.key.split(":")[1][:15] for change in changes if change.stream == name}
        missing = [key for key in keys if key[:15] not in found]
        if isinstance(own, Answer) and not rows_of(own).done:
            if len(missing) == len(keys):
                raise RetryLater("Salesforce shows none of the records and says that there are more", code="UNREADABLE")
            return self._read(name, missing)
        noticed = (own.at if isinstance(own, Answer) else None) or self._clock()
        return [_gone(name, key, noticed) for key in missing]

    def _queries(self, name: str, keys: list[str]) -> dict[str, str]:
        """By object. A history that does not go into the same call is left to the next sweep, for what it adds is the
        exact instant of what the record shows already."""
        queries = {name: select(self._selection.select(name), name, f"Id IN {id_list(keys)}")}
        for other, link in _LINKS[name].items():
            if other not in self._streams or link not in self._selection.select(other):
                continue
            if other in names.HISTORIES and len(queries) % names.QUERIES_PER_CALL == 0:
                continue
            where = f"{link} IN {id_list(keys)}{self._selection.only(other)}"
            latest = f"ORDER BY {self._selection.stamp(other)} DESC LIMIT {names.page_rows(other)}"
            queries[other] = select(self._selection.select(other), other, where, latest)
        return queries

    def _changes(self, name: str, answer: Answer, asked_at: int) -> list[Change]:
        stamp = self._selection.stamp(name)
        return self._rows.of_query(name, rows_of(answer).records, self._api.user, asked_at, stamp).changes


def _gone(name: str, key: str, noticed: int) -> Change:
    return Change(name, f"{name}:{key}:gone", msgspec.json.encode({"Id": key, GONE: noticed}))
