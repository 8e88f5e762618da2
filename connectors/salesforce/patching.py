"""Sending changes of records: all at once, or each on the condition that nobody was faster.

Owns the choice between the two wires, and the second try when a field was taken from us since describe. Refuses to plan
changes. Invariant: each write-back of a batch gets one receipt, planned or answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from connectors.base import Receipt, WriteBack
from connectors.errors import Rejected
from connectors.salesforce import names, sending
from connectors.salesforce.api import Api
from connectors.salesforce.mapping import stamp_of
from connectors.salesforce.sending import Order, RowAnswer
from connectors.salesforce.shape import Shapes

_STALE_SHAPE: Final = frozenset({"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE"})
Patch = Callable[[Sequence[Order]], list[tuple[Order, RowAnswer]]]
Plan = Callable[[WriteBack], Order | Receipt]


class Patching:
    """Updates over one API. ``shapes`` is told to look anew when Salesforce contradicts it."""

    def __init__(self, api: Api, shapes: Shapes) -> None:
        self._api = api
        self._shapes = shapes

    def as_they_are(self, orders: Sequence[Order]) -> list[tuple[Order, RowAnswer]]:
        """Nobody but us writes our own fields, so they go 200 at once."""
        return sending.send(self._api, "PATCH", orders)

    def unless_modified(self, rows: Mapping[tuple[str, str], Mapping[str, Any]]) -> Patch:
        """What others write too goes record by record, on the condition that nobody has touched it since we read
        ``rows`` (by object and id): 25 in a call instead of 200. Such changes are few, and overwriting a person's is
        what must not happen."""
        seen = {key: stamp_of(row) for (_, key), row in rows.items()}

        def patch(orders: Sequence[Order]) -> list[tuple[Order, RowAnswer]]:
            answered: list[tuple[Order, RowAnswer]] = []
            for start in range(0, len(orders), names.PARTS_PER_CALL):
                some = orders[start : start + names.PARTS_PER_CALL]
                answered += sending.send_unless_modified(self._api, some, seen)
            return answered

        return patch

    def send(self, batch: Sequence[WriteBack], plan: Plan, patch: Patch) -> list[Receipt]:
        """What ``plan`` makes of the batch, sent by ``patch``."""
        receipts, orders = _planned(batch, plan)
        if not orders:
            return receipts
        try:
            answered = patch(orders)
        except Rejected as error:
            if error.code not in _STALE_SHAPE:
                raise
            answered = [(order, RowAnswer(success=False, errors=[{"statusCode": error.code}])) for order in orders]
        stale = [order.write for order, row in answered if sending.code_of(row) in _STALE_SHAPE]
        receipts += [sending.receipt(order, row) for order, row in answered if sending.code_of(row) not in _STALE_SHAPE]
        if stale:  # a field was taken from us since describe: look again, and write what is left
            self._shapes.forget()
            again, orders = _planned(stale, plan)
            receipts += again
            if orders:
                receipts += [sending.receipt(*pair) for pair in patch(orders)]
        return receipts


def _planned(batch: Sequence[WriteBack], plan: Plan) -> tuple[list[Receipt], list[Order]]:
    planned = [plan(write) for write in batch]
    return [one for one in planned if isinstance(one, Receipt)], [one for one in planned if isinstance(one, Order)]
