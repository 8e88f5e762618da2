"""Record resources: ``/sobjects/…`` for one record, an external id, changed and deleted ids.

Owns the HTTP side of single records. Refuses what a write means (``writes``).
Invariant: each error is the list of one error that plain REST answers with.
Source: REST API Developer Guide, "sObject Rows", "sObject Rows by External ID", "sObject Get Updated/Deleted".
That the seconds of a window are ignored, the last of these says.
https://developer.salesforce.com/docs/platform/api-rest/guide/dome-upsert.html
https://developer.salesforce.com/docs/platform/api-rest/guide/intro-rest-conditional-requests.html
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-getdeleted.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from emulators.http import Response
from emulators.salesforce import errors
from emulators.salesforce.call import Call
from emulators.salesforce.describe import describe, describe_global, head
from emulators.salesforce.errors import ApiError
from emulators.salesforce.ids import is_id, to_18
from emulators.salesforce.permissions import is_shown
from emulators.salesforce.schema import Field, Table
from emulators.salesforce.store import Store, Values
from emulators.salesforce.values import read_instant, show, show_instant
from emulators.salesforce.writes import Writer

MINUTE: Final = 60_000
BODY_SINCE: Final = 46
"""The version since which an upsert that updates answers 200 with a body; before, 204."""
REPLICATION_MS: Final = 30 * 24 * 3600 * 1000


class Rows:
    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._writer = writer

    def answer(self, call: Call) -> Response:
        """``parts`` start after ``sobjects``."""
        if not call.parts:
            self._only(call, "GET")
            return Response(200, describe_global(self._store.tables, call.base))
        table = self.table(call.parts[0])
        match call.parts[1:]:
            case ():
                return self._object(call, table)
            case ("describe",):
                self._only(call, "GET")
                return Response(200, describe(table, self._writer.org, call.base))
            case ("updated" | "deleted" as which,):
                self._only(call, "GET")
                return self._replicate(call, table, which)
            case (id,):
                return self._row(call, table, self._id(table, id))
            case (name, value):
                return self._external(call, table, name, value)
        raise errors.not_found()

    def table(self, name: str) -> Table:
        table = self._store.tables.get(name.lower())
        if table is None or not is_shown(self._writer.org, table.name):
            raise errors.not_found()
        return table

    def shown(self, table: Table, row: Values, names: list[str] | None, base: str) -> Values:
        """A record as GET shows it: the named fields, or all that the client may see."""
        if names is None:
            hidden = self._writer.org.is_hidden
            fields: list[Field] = [one for one in table.fields.values() if not hidden(table.name, one.name)]
        else:
            fields = [self._writer.checks.visible(table, name) for name in names]
        attributes = {"type": table.name, "url": f"{base}/sobjects/{table.name}/{row['Id']}"}
        return {"attributes": attributes} | {one.name: show(one, row.get(one.name)) for one in fields}

    def _only(self, call: Call, *allowed: str) -> None:
        if call.method not in allowed:
            raise errors.method_not_allowed(call.method, ",".join(allowed))

    def _object(self, call: Call, table: Table) -> Response:
        self._only(call, "GET", "POST")
        if call.method == "GET":
            return Response(200, {"objectDescribe": head(table, call.base), "recentItems": []})
        made = self._writer.create(table, call.body(), call.actor())
        place = f"{call.base}/sobjects/{table.name}/{made}"
        return Response(201, {"id": made, "success": True, "errors": []}, {"Location": place})

    def _id(self, table: Table, text: str) -> str:
        if not is_id(text):
            raise errors.not_found(f"Provided external ID field does not exist or is not accessible: {text}")
        if not text.startswith(table.prefix):
            raise errors.malformed_id(table.name, text)
        return to_18(text)

    def _existing(self, table: Table, id: str) -> Values:
        row = self._store.get(table.name, id)
        if row is None:
            raise errors.not_found()
        if row.get("IsDeleted"):
            raise errors.deleted()
        return row

    def _row(self, call: Call, table: Table, id: str) -> Response:
        self._only(call, "GET", "HEAD", "PATCH", "DELETE")
        row = self._existing(table, id)
        if call.method == "PATCH":
            self._unmodified(call, row)
            self._writer.update(table, id, call.body(), call.actor())
            return Response(204)
        if call.method == "DELETE":
            self._unmodified(call, row)
            self._writer.delete(table, id, call.actor())
            return Response(204)
        if _since(call, "if-modified-since", row) is False:
            return Response(304)
        fields = call.parameter("fields")
        return Response(200, self.shown(table, row, fields.split(",") if fields else None, call.base))

    def _unmodified(self, call: Call, row: Values) -> None:
        # REST API Developer Guide, "Conditional Requests": whole seconds, so it misses changes of the same second. An
        # invalid value is a 400; its code is assumed.
        modified = _since(call, "if-unmodified-since", row)
        if modified is None and call.request.headers.get("if-unmodified-since"):
            raise ApiError(400, "INVALID_ARGUMENT_TYPE", "If-Unmodified-Since is not a date", [])
        if modified:
            raise ApiError(
                412, "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", "Entity has been modified since the given date", []
            )

    def _external(self, call: Call, table: Table, name: str, value: str) -> Response:
        self._only(call, "GET", "HEAD", "PATCH", "POST", "DELETE")
        if call.method in ("PATCH", "POST"):
            _refuse_ids(name, call.body())
            found, created = self._writer.upsert(table, name, value, call.body(), call.actor())
            answer = {"id": found, "success": True, "errors": [], "created": created}
            if not created and call.version < BODY_SINCE:
                return Response(204)
            return Response(201 if created else 200, answer)
        field = table.field(name)
        if field is None or not (field.external_id or field.type == "id"):
            raise errors.not_found(f"Provided external ID field does not exist or is not accessible: {name}")
        holders = [to_18(value)] if field.type == "id" else self._store.holders(table.name, field.name, value)
        if not holders:
            raise errors.not_found()
        if len(holders) > 1:
            raise errors.Ambiguous(table.name, field.name, holders)
        return self._row(call, table, holders[0])

    def _replicate(self, call: Call, table: Table, which: str) -> Response:
        """Seconds are ignored; at most 30 days back; answers are by SystemModstamp."""
        start, end = (read_instant(call.needed(name)) for name in ("start", "end"))
        now = self._store.now_ms()
        if start is None or end is None:
            raise ApiError(400, "INVALID_REPLICATION_DATE", "startDate and endDate must be dateTimes with an offset")
        start, end = start // MINUTE * MINUTE, end // MINUTE * MINUTE
        if start >= end:
            raise ApiError(400, "INVALID_REPLICATION_DATE", "startDate has to be at least one minute before endDate")
        if start < now - REPLICATION_MS:
            raise ApiError(400, "INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
        rows = [
            row for row in self._store.rows(table.name, deleted=True)
            if start <= row["SystemModstamp"] < end and bool(row.get("IsDeleted")) is (which == "deleted")
        ]  # fmt: skip
        covered = show_instant(min(end, now // MINUTE * MINUTE))
        answer: dict[str, Any] = {"ids": [row["Id"] for row in rows], "latestDateCovered": covered}
        if which == "deleted":
            gone = [{"id": row["Id"], "deletedDate": show_instant(row["SystemModstamp"])} for row in rows]
            earliest = show_instant((now - REPLICATION_MS) // MINUTE * MINUTE)
            answer = {"deletedRecords": gone, "earliestDateAvailable": earliest, "latestDateCovered": covered}
        return Response(200, answer)


def _refuse_ids(external: str, body: Values) -> None:
    """Of an upsert of one record the path says which: https://developer.salesforce.com/docs/platform/api-rest/guide/
    dome-upsert.html, "do not specify Id or an external ID field in the request body"; the code is assumed."""
    for field in body:
        if field.lower() in ("id", external.lower()):
            message = f"The {field} field should not be specified in the sobject data."
            raise ApiError(400, "INVALID_FIELD", message, [field])


def _since(call: Call, header: str, row: Values) -> bool | None:
    """Whether the row was modified after the header's date; None without a usable header."""
    text = call.request.headers.get(header)
    if not text:
        return None
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    modified = row.get("LastModifiedDate") or row.get("SystemModstamp") or 0
    return bool(datetime.fromtimestamp(modified / 1000, UTC) > date)
