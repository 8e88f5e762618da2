"""sObject collections: up to 200 records in one call, each with a result of its own.

Owns the rows' results and all-or-none. Refuses what a write means (``writes``).
Invariant: results come in the order of the request, one each; the HTTP status is 200 however many rows failed.
Source: https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections.html and
the pages under it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any, Final

from emulators.http import Request, Response
from emulators.salesforce import errors
from emulators.salesforce.call import Call
from emulators.salesforce.errors import ApiError
from emulators.salesforce.ids import is_id, to_18
from emulators.salesforce.rows import Rows
from emulators.salesforce.schema import Table
from emulators.salesforce.store import Store
from emulators.salesforce.writes import Writer

MOST: Final = 200
MOST_RETRIEVED: Final = 2000
MOST_CHUNKS: Final = 10
"""Neighbours of one type are processed together: ``resources-composite-sobjects-collections-update``. The code of the
refusal is assumed."""
Record = dict[str, Any]
Write = Callable[[Record], dict[str, Any]]


class _Rollback(Exception):
    """Leaves an all-or-none block without a trace of what was written in it."""


class Batches:
    """``partial`` says whether every second row of this request must fail."""

    def __init__(self, store: Store, writer: Writer, rows: Rows, partial: Callable[[Request], bool]) -> None:
        self._store = store
        self._writer = writer
        self._rows = rows
        self._partial = partial

    def answer(self, call: Call) -> Response:
        """``parts`` start after ``composite/sobjects``."""
        match call.method, call.parts:
            case "POST", ():
                return self._write(call, *_records(call), self._create(call))
            case "PATCH", ():
                return self._write(call, *_records(call), self._update(call))
            case "DELETE", ():
                ids = call.needed("ids").split(",")
                all_or_none = (call.parameter("allOrNone") or "").lower() == "true"
                return self._write(call, [{"id": one} for one in ids], all_or_none, self._delete(call))
            case "PATCH", (name, external):
                table = self._rows.table(name)
                return self._write(call, *_records(call), self._upsert(call, table, external))
            case (("GET" | "POST"), (name,)):
                return self._retrieve(call, self._rows.table(name))
        raise errors.method_not_allowed(call.method, "GET,POST,PATCH,DELETE")

    def _write(self, call: Call, records: list[Record], all_or_none: bool, write: Write) -> Response:
        if len(records) > MOST:
            raise ApiError(
                400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST} records into this call"
            )
        if len(list(groupby(records, _type))) > MOST_CHUNKS:
            raise ApiError(400, "EXCEEDED_MAX_TYPES_LIMIT", f"cannot process more than {MOST_CHUNKS} chunks of types")
        failing = self._partial(call.request)
        results: list[dict[str, Any]] = []
        try:
            if all_or_none:
                with self._writer.all_or_none():
                    results = [self._row(one, write, failing, at) for at, one in enumerate(records)]
                    _check(results)
            else:
                results = [self._row(one, write, failing, at) for at, one in enumerate(records)]
        except _Rollback:
            results = [errors.rolled_back().row() if result["success"] else result for result in results]
        return Response(200, results)

    def _row(self, record: Record, write: Write, failing: bool, at: int) -> dict[str, Any]:
        try:
            if failing and at % 2 == 0:
                raise errors.row_locked(str(record.get("id") or record.get("Id") or "new record"))
            return write(record)
        except ApiError as refused:
            return refused.row()

    def _create(self, call: Call) -> Write:
        def write(record: Record) -> dict[str, Any]:
            made = self._writer.create(self._table(record), record, call.actor())
            return {"id": made, "success": True, "errors": []}

        return write

    def _update(self, call: Call) -> Write:
        def write(record: Record) -> dict[str, Any]:
            table = self._table(record)
            found = self._id(table, record)
            fields = {name: value for name, value in record.items() if name.lower() != "id"}
            self._writer.update(table, found, fields, call.actor())
            return {"id": found, "success": True, "errors": []}

        return write

    def _delete(self, call: Call) -> Write:
        def write(record: Record) -> dict[str, Any]:
            table = self._store.table_of(record["id"]) if is_id(record["id"]) else None
            if table is None:
                raise errors.malformed_id("Record", record["id"])
            self._writer.delete(table, to_18(record["id"]), call.actor())
            return {"id": to_18(record["id"]), "success": True, "errors": []}

        return write

    def _upsert(self, call: Call, table: Table, external: str) -> Write:
        field = table.field(external)
        if field is None or not (field.external_id or field.type == "id"):
            raise errors.not_found(f"Provided external ID field does not exist or is not accessible: {external}")

        def write(record: Record) -> dict[str, Any]:
            if self._table(record) is not table:
                raise ApiError(400, "INVALID_TYPE", f"Only records of type {table.name} fit this call")
            value = next((one for name, one in record.items() if name.lower() == external.lower()), None)
            found, created = self._writer.upsert(table, external, value, record, call.actor())
            return {"id": found, "success": True, "errors": [], "created": created}

        return write

    def _table(self, record: Record) -> Table:
        name = (record.get("attributes") or {}).get("type")
        if not name:
            raise ApiError(400, "INVALID_TYPE", "The record's attributes must name its type")
        return self._rows.table(str(name))

    def _id(self, table: Table, record: Record) -> str:
        found = record.get("id") or record.get("Id")
        if not found:
            raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call")
        if not is_id(found) or not found.startswith(table.prefix):
            raise errors.malformed_id(table.name, found)
        return to_18(found)

    def _retrieve(self, call: Call, table: Table) -> Response:
        if call.method == "GET":
            ids, fields = call.needed("ids").split(","), call.needed("fields").split(",")
        else:
            body = call.body()
            ids, fields = body.get("ids", []), body.get("fields", [])
        if len(ids) > MOST_RETRIEVED:
            raise ApiError(400, "EXCEEDED_ID_LIMIT", f"cannot retrieve more than {MOST_RETRIEVED} records")
        wrong = [one for one in ids if not is_id(one)]
        if wrong:
            raise errors.malformed_id(table.name, wrong[0])
        rows = [self._store.get(table.name, to_18(one)) for one in ids]
        shown = [
            None if row is None or row.get("IsDeleted") else self._rows.shown(table, row, fields, call.base)
            for row in rows
        ]
        return Response(200, shown)


def _type(record: Record) -> Any:
    """Of records to delete the ids tell it; they come here without attributes."""
    return (record.get("attributes") or {}).get("type") or str(record.get("id"))[:3]


def _check(results: list[dict[str, Any]]) -> None:
    if not all(result["success"] for result in results):
        raise _Rollback


def _records(call: Call) -> tuple[list[Record], bool]:
    body = call.body()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise errors.bad_json("records must be a list of objects")
    return records, bool(body.get("allOrNone", False))
