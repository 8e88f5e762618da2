"""Closing the tasks that we made, once nobody waits for them any more.

Owns which status closes a task. Refuses to open one that people closed. Invariant: what is closed, deleted or nowhere
to be found is done with, whoever owns it by now.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-task.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from connectors.base import Receipt, WriteBack
from connectors.errors import ConnectorError
from connectors.salesforce import names, sending
from connectors.salesforce.api import Api
from connectors.salesforce.bundle import Answer
from connectors.salesforce.ids import is_id
from connectors.salesforce.mapping import Row
from connectors.salesforce.receipts import refused, there
from connectors.salesforce.rows import decoded
from connectors.salesforce.sending import Order
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import KEPT_MS, Shapes
from connectors.salesforce.task_search import TaskSearch
from connectors.salesforce.values import id_list, select

USUAL_CLOSED: Final = "Completed"
_GONE: Final = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"})
"""An update that names nothing but a status can only miss the task itself."""
_SEEN: Final = ("Id", "Status", "IsClosed", "IsDeleted")


class Completing:
    """``write(batch)`` for the action complete. ``clock()`` is the present in epoch ms."""

    def __init__(self, api: Api, shapes: Shapes, settings: SalesforceSettings, clock: Callable[[], int]) -> None:
        self._api = api
        self._shapes = shapes
        self._key = settings.task_key
        self._clock = clock
        self._closed: tuple[int, tuple[str, ...]] | None = None

    def complete(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        """Closes the tasks that earlier write-backs made, whoever owns them by now. What is closed, deleted or nowhere
        to be found is done with."""
        found, statuses = self._open_ones(batch)
        receipts: list[Receipt] = []
        orders: list[Order] = []
        for write in batch:
            row = found.get(write.key)
            if row is None or row.get("IsDeleted") or row.get("IsClosed"):
                receipts.append(_over(write, row))
            elif not statuses:
                receipts.append(_no_status(write))
            else:
                orders.append(Order(write, names.TASK, {"id": row["Id"], "Status": statuses[0]}))
        for order, row_answer in sending.send(self._api, "PATCH", orders) if orders else []:
            code = sending.code_of(row_answer)
            if code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST":
                self._closed = None
                self._shapes.forget()
            receipts.append(_over(order.write, None) if code in _GONE else sending.receipt(order, row_answer))
        return receipts

    def _open_ones(self, batch: Sequence[WriteBack]) -> tuple[dict[str, Row], tuple[str, ...]]:
        """The tasks by the key of the write-back that closes them, and the statuses that close one: one call."""
        search = TaskSearch(self._api, self._shapes, self._key)
        made = {write.key: write.crm_id for write in batch if write.crm_id and _is_task(write.crm_id)}
        sought = {write.task or "": write.record for write in batch if write.key not in made}
        asked = [select(_SEEN, names.TASK, f"Id IN {id_list(sorted(set(made.values())))}")] if made else []
        asked += search.queries(sought, _SEEN)
        if self._closed is None or self._clock() - self._closed[0] > KEPT_MS:
            where = "IsClosed = true ORDER BY SortOrder"
            asked.append(select(("ApiName", "MasterLabel"), names.TASK_STATUS, where))
            *answers, last = self._api.each_query(asked)
            self._closed = (self._clock(), self._closing(last))
        else:
            answers = self._api.each_query(asked)
        rows = [row for answer in answers for row in decoded(_answered(answer))]
        by_id = {row["Id"][:15]: row for row in rows}
        by_key = search.matched(sought, rows)
        keys = {write.key: write.task or "" for write in batch}
        found = {key: by_id.get((made.get(key) or "")[:15]) or by_key.get(task) for key, task in keys.items()}
        return {key: row for key, row in found.items() if row is not None}, self._closed[1]

    def _closing(self, answer: Answer | ConnectorError) -> tuple[str, ...]:
        """The org's own words for a closed task, the usual one first; only what tasks offer can be written."""
        field = self._shapes.field(names.TASK, "Status")
        offered = field.offered if field is not None else ()
        if not isinstance(answer, Answer):  # the list of statuses is hidden from us: nothing but the usual word is left
            return (USUAL_CLOSED,) if USUAL_CLOSED in offered else ()
        said = [row.get("ApiName") or row.get("MasterLabel") or "" for row in decoded(answer)]
        return tuple(sorted((one for one in said if one in offered), key=lambda one: one != USUAL_CLOSED))


def _answered(answer: Answer | ConnectorError) -> Answer:
    """The answer. Raises the error that stands in its place."""
    if isinstance(answer, ConnectorError):
        raise answer
    return answer


def _is_task(crm_id: str) -> bool:
    return is_id(crm_id) and crm_id.startswith(names.TASK_PREFIX)


def _over(write: WriteBack, row: Row | None) -> Receipt:
    why = "no longer there" if row is None or row.get("IsDeleted") else "closed already"
    crm_id = row["Id"] if row is not None else write.crm_id
    return there(write, crm_id, f"the task is {why}")


def _no_status(write: WriteBack) -> Receipt:
    reason = "no status of tasks is closed, or none that we may see: Setup > Object Manager > Task > Fields > Status"
    return refused(write, reason, "NO_VALUE")
