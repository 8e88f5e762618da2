"""Writes of many records in one call, each row with an answer of its own.

Owns the shape of the requests and the reading of their rows. Refuses to decide what to write. Invariant: every row of
the request gets exactly one receipt, or the whole call raises: HTTP 200 says nothing about a row. One call is under way
at a time, so that our own rows do not lock each other's parents.
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections.html
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-composite-post.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final, NamedTuple

import msgspec

from connectors.base import Receipt, WriteBack
from connectors.errors import RetryLater
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.bundle import Part, parts_of
from connectors.salesforce.faults import RULES, error_code, everybody_s, row_receipt
from connectors.salesforce.values import read_instant


class Order(NamedTuple):
    """One row to send: for which write-back, to which object, with which fields (``id`` among them for an update)."""

    write: WriteBack
    name: str
    fields: dict[str, Any]


class RowAnswer(msgspec.Struct):
    """One row of the answer. Rows come in the order of the request; a failed one carries no id."""

    success: bool
    id: str | None = None
    errors: list[dict[str, Any]] = []


_BY_STATUS: Final = {
    401: "INVALID_SESSION_ID", 404: "NOT_FOUND", 412: "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE",
}  # fmt: skip
"""What a part's status means where its code says nothing; the code that comes with 412 is not documented."""

_decode = msgspec.json.Decoder(list[RowAnswer]).decode


def send(api: Api, method: str, orders: Sequence[Order]) -> list[tuple[Order, RowAnswer]]:
    """PATCH updates, POST creates. Raises one of the five errors for the call as a whole.

    Rows of one object stand together: Salesforce works at runs of one type, and refuses a call of more than ten.
    https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-update.html
    """
    orders = sorted(orders, key=lambda order: order.name)
    records = [{"attributes": {"type": order.name}, **order.fields} for order in orders]
    content = msgspec.json.encode({"allOrNone": False, "records": records})
    answer = api.send(method, names.COLLECTIONS, content)
    try:
        rows = _decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        rows = []
    return _paired(api, orders, rows)


def send_unless_modified(api: Api, orders: Sequence[Order], seen: Mapping[str, str]) -> list[tuple[Order, RowAnswer]]:
    """Updates up to 25 records, each only if it was not modified after ``seen`` (its SystemModstamp, by record id).

    The vendor's condition has whole seconds: a change within the second of the one before it is not noticed.
    Collections know no conditions, so these are single records inside one composite call.
    """
    parts = [_part(api.version, number, order, seen[order.fields["id"]]) for number, order in enumerate(orders)]
    content = msgspec.json.encode({"allOrNone": False, "compositeRequest": parts})
    answers = parts_of(api.send("POST", names.COMPOSITE, content))
    return _paired(api, orders, [_row_of(answer) for answer in answers])


def _part(version: str, number: int, order: Order, stamp: str) -> dict[str, Any]:
    fields = {name: value for name, value in order.fields.items() if name != "id"}
    path = names.RECORD.format(object=order.name, id=order.fields["id"])
    # Parts that bring headers are run in order and apart, as if each had come alone (Composite Request Body).
    headers = {**names.WRITING, names.UNMODIFIED_SINCE: format_datetime(_moment(stamp), usegmt=True)}
    return {
        "method": "PATCH",
        "url": f"{names.VERSIONS}v{version}/{path}",
        "referenceId": f"r{number}",
        "httpHeaders": headers,
        "body": fields,
    }


def _moment(stamp: str) -> datetime:
    return datetime.fromtimestamp(read_instant(stamp) / 1000, UTC)


def _row_of(part: Part) -> RowAnswer:
    """204 without a body is success; a refusal is plain REST's list of errors, or says nothing but its status."""
    status = part.http_status_code
    if 200 <= status < 300:
        return RowAnswer(success=True)
    code, message = error_code(bytes(part.body))
    if status == 412 or code not in RULES:
        code = _BY_STATUS.get(status, "UNKNOWN_EXCEPTION" if status >= 500 else code)
    return RowAnswer(success=False, errors=[{"statusCode": code, "message": message}])


def _paired(api: Api, orders: Sequence[Order], rows: Sequence[RowAnswer]) -> list[tuple[Order, RowAnswer]]:
    if len(rows) != len(orders):
        raise RetryLater("the answer does not tell what became of each record", code="UNREADABLE", unknown=True)
    failed = [row.errors for row in rows if not row.success]
    if len(failed) == len(rows) and (error := everybody_s(failed)) is not None:
        raise api.told(error)
    return list(zip(orders, rows, strict=True))


def receipt(order: Order, row: RowAnswer) -> Receipt:
    """What a row's answer means for its write-back."""
    if row.success:
        return Receipt(key=order.write.key, outcome="done", crm_id=row.id)
    return row_receipt(order.write.key, row.errors)


def code_of(row: RowAnswer) -> str:
    """The vendor's code of a failed row."""
    return str(row.errors[0].get("statusCode") or "") if row.errors else ""
