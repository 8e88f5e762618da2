"""Finding our own tasks again: by their key field, or by the marker in their description.

Owns the queries, and which row is whose. Refuses to make or close one. Invariant: a task is found by the same text that
it was made with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.ids import is_id
from connectors.salesforce.mapping import Row
from connectors.salesforce.marks import digest, mark
from connectors.salesforce.shape import FieldShape, Shapes
from connectors.salesforce.values import id_list, quote, select
from sla.model import split_record

KEYS_PER_QUERY: Final = 100
"""100 quoted keys of 80 characters stay below the limit of a request's address (16 KB)."""


class TaskSearch:
    """The look-ups for one batch. ``name``: of the key field, which is there for us or not while the batch lasts."""

    def __init__(self, api: Api, shapes: Shapes, name: str) -> None:
        self._user = api.user
        field = shapes.field(names.TASK, name)
        self.field = field if field is not None and field.createable and field.filterable else None
        """The field that holds the key."""

    def queries(self, sought: Mapping[str, str], columns: Sequence[str]) -> list[str]:
        """The queries for tasks with these keys (key -> record). A long text cannot be searched by the server (Object
        Reference: not filterable), so without a key field the tasks of the records are fetched and looked through."""
        field = self.field
        if field is not None:
            texts = sorted(quote(_fitting(key, field)) for key in sought)
            chunks = [texts[start : start + KEYS_PER_QUERY] for start in range(0, len(texts), KEYS_PER_QUERY)]
            chosen = (*columns, field.name)
            return [select(chosen, names.TASK, f"{field.name} IN ({', '.join(some)})") for some in chunks]
        ids = sorted({key for record in sought.values() if is_id(key := split_record(record)[2])})
        if not ids:
            return []
        where = f"(WhoId IN {id_list(ids)} OR WhatId IN {id_list(ids)})"
        if self._user is not None:
            where = f"CreatedById = {quote(self._user)} AND {where}"
        latest = f"ORDER BY CreatedDate DESC LIMIT {names.PAGE_ROWS}"
        return [select((*columns, "Description"), names.TASK, where, latest)]

    def matched(self, sought: Mapping[str, str], rows: Sequence[Row]) -> dict[str, Row]:
        """Which of the rows are the tasks with these keys."""
        field = self.field
        if field is not None:
            texts = {_fitting(key, field): key for key in sought}
            return {texts[row[field.name]]: row for row in rows if row.get(field.name) in texts}
        marks = {mark(key): key for key in sought}
        return {key: row for row in rows for text, key in marks.items() if text in (row.get("Description") or "")}

    def told(self, key: str) -> dict[str, Any]:
        """What a new task carries so that it can be found."""
        field = self.field
        return {"Description": mark(key)} if field is None else {field.name: _fitting(key, field)}


def _fitting(key: str, field: FieldShape) -> str:
    """The key itself where it fits into the field, so that a person can read it; else its digest."""
    return key if not field.length or len(key) <= field.length else digest(key)
