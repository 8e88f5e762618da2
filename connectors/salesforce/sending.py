"""Writes of up to 200 records in one call, each row with an answer of its own.

Owns the shape of collections requests and the reading of their rows. Refuses to decide what to write. Invariant: every
row of the request gets exactly one receipt, or the whole call raises: HTTP 200 says nothing about a row.
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from connectors.base import Receipt, WriteBack
from connectors.errors import RetryLater
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.faults import row_receipt


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


_decode = msgspec.json.Decoder(list[RowAnswer]).decode


def send(api: Api, method: str, orders: Sequence[Order]) -> list[tuple[Order, RowAnswer]]:
    """PATCH updates, POST creates. Raises one of the five errors for the call as a whole."""
    records = [{"attributes": {"type": order.name}, **order.fields} for order in orders]
    content = msgspec.json.encode({"allOrNone": False, "records": records})
    answer = api.send(method, names.COLLECTIONS, content)
    try:
        rows = _decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        rows = []
    if len(rows) != len(orders):
        raise RetryLater("the answer does not tell what became of each record", code="UNREADABLE", unknown=True)
    return list(zip(orders, rows, strict=True))


def receipt(order: Order, row: RowAnswer) -> Receipt:
    """What a row's answer means for its write-back."""
    if row.success:
        return Receipt(key=order.write.key, outcome="done", crm_id=row.id)
    return row_receipt(order.write.key, row.errors)


def code_of(row: RowAnswer) -> str:
    """The vendor's code of a failed row."""
    return str(row.errors[0].get("statusCode") or "") if row.errors else ""
