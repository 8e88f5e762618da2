"""Tasks: each made once, and closed when nobody waits for it any more.

Owns what makes a task findable again and which status closes one. Refuses to open a task that people closed. Invariant:
the same key makes one task, however often it is sent, if the org has a unique key field (assumed: Activity takes a
unique custom field as other objects do); without one, if a look-up before each sending can see it.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-task.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from connectors.base import Receipt, WriteBack
from connectors.errors import ConnectorError
from connectors.salesforce import names, sending
from connectors.salesforce.actors import owner_id
from connectors.salesforce.api import Api
from connectors.salesforce.bundle import Answer
from connectors.salesforce.conversation import MARKER
from connectors.salesforce.ids import full_id, is_id
from connectors.salesforce.mapping import RecordMapping, Row
from connectors.salesforce.owners import Zones
from connectors.salesforce.rows import decode_row, rows_of
from connectors.salesforce.sending import Order
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import KEPT_MS, FieldShape, Shapes
from connectors.salesforce.values import id_list, quote, select, show_instant
from sla.model import split_record

_HOLDER: Final = re.compile(r"record with id: ([A-Za-z0-9]{15,18})")
"""DUPLICATE_VALUE names the record that holds the value: "duplicate value found: … on record with id: 00T…"."""
SUBJECT_LENGTH: Final = 255
KEYS_PER_QUERY: Final = 100
"""100 quoted keys of 80 characters stay below the limit of a request's address (16 KB)."""
USUAL_CLOSED: Final = "Completed"
_GONE: Final = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"})
"""An update that names nothing but a status can only miss the task itself."""
_SEEN: Final = ("Id", "Status", "IsClosed", "IsDeleted")


class Tasks:
    """``write(batch)`` for the actions task and complete. ``clock()`` is the present in epoch ms."""

    def __init__(
        self, api: Api, shapes: Shapes, mapping: RecordMapping, settings: SalesforceSettings, clock: Callable[[], int]
    ) -> None:
        self._api = api
        self._shapes = shapes
        self._mapping = mapping
        self._key = settings.task_key
        self._clock = clock
        self._zones = Zones(api, clock)
        self._closed: tuple[int, tuple[str, ...]] | None = None

    # ---- making

    def add(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        field = self._key_field()
        # A unique field refuses the second of two by itself, so only a lost answer is worth a look.
        unsure = {write.key: write.record for write in batch if write.attempts or field is None or not field.unique}
        found = self._there(unsure, field)
        receipts = [_there(write, found[write.key]["Id"]) for write in batch if write.key in found]
        new = [write for write in batch if write.key not in found]
        self._zones.learn(owner for write in new if (owner := _person(write)) is not None)
        orders = [self._order(write, field) for write in new]
        for order, row in sending.send(self._api, "POST", orders) if orders else []:
            holder = _HOLDER.search(str(row.errors[0].get("message"))) if row.errors else None
            if sending.code_of(row) == "DUPLICATE_VALUE" and holder and field is not None:
                receipts.append(_there(order.write, full_id(holder[1])))
            else:
                receipts.append(sending.receipt(order, row))
        return receipts

    def _order(self, write: WriteBack, field: FieldShape | None) -> Order:
        _, kind, key = split_record(write.record)
        fields: dict[str, Any] = {
            "Subject": (write.subject or "")[:SUBJECT_LENGTH],
            # A task of a lead may have no WhatId (Object Reference, Task.WhoId).
            ("WhoId" if kind == "lead" else "WhatId"): key,
        }
        # No queue owns a task, and nobody who has left does. Without an owner it is ours, and stands on the record
        # where whoever works the queue sees it.
        owner = _person(write)
        if owner is not None and self._zones.is_active(owner):
            fields["OwnerId"] = owner
        if write.due_at is not None:
            fields |= self._due(write.due_at, fields.get("OwnerId"))
        priority = self._priority(write.priority)
        if priority is not None:
            fields["Priority"] = priority
        if field is None:
            fields["Description"] = f"{MARKER}{_short(write.key)}"
        else:
            fields[field.name] = _fitting(write.key, field)
        return Order(write, names.TASK, fields)

    def _due(self, at: int, owner: str | None) -> dict[str, Any]:
        """A task is due on a day, not at an instant: the day on which its owner's clock shows it. The instant itself
        is the owner's reminder."""
        moment = datetime.fromtimestamp(at / 1000, self._zones.of(owner))
        due: dict[str, Any] = {"ActivityDate": f"{moment:%Y-%m-%d}"}
        if owner is not None and all(self._createable(name) for name in ("IsReminderSet", "ReminderDateTime")):
            due |= {"IsReminderSet": True, "ReminderDateTime": show_instant(at - at % 1000)}
        return due

    def _priority(self, priority: str | None) -> str | None:
        field = self._shapes.field(names.TASK, "Priority")
        if priority is None or field is None:
            return None
        raw = self._mapping.raw_priority(priority, field.offered)
        # Most orgs have nothing above High.
        return raw or (self._mapping.raw_priority("high", field.offered) if priority == "urgent" else None)

    def _createable(self, name: str) -> bool:
        field = self._shapes.field(names.TASK, name)
        return field is not None and field.createable

    def _key_field(self) -> FieldShape | None:
        field = self._shapes.field(names.TASK, self._key)
        return field if field is not None and field.createable and field.filterable else None

    # ---- closing

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
        field = self._key_field()
        made = {write.key: write.crm_id for write in batch if write.crm_id and _is_task(write.crm_id)}
        sought = {write.task or "": write.record for write in batch if write.key not in made}
        asked = [select(_SEEN, names.TASK, f"Id IN {id_list(sorted(set(made.values())))}")] if made else []
        asked += self._searches(sought, field, _SEEN)
        if self._closed is None or self._clock() - self._closed[0] > KEPT_MS:
            where = "IsClosed = true ORDER BY SortOrder"
            asked.append(select(("ApiName", "MasterLabel"), names.TASK_STATUS, where))
            *answers, last = self._api.each_query(asked)
            self._closed = (self._clock(), self._closing(last))
        else:
            answers = self._api.each_query(asked)
        rows = [row for answer in answers for row in _rows(answer)]
        by_id = {row["Id"][:15]: row for row in rows}
        by_key = _matched(sought, field, rows)
        keys = {write.key: write.task or "" for write in batch}
        found = {key: by_id.get((made.get(key) or "")[:15]) or by_key.get(task) for key, task in keys.items()}
        return {key: row for key, row in found.items() if row is not None}, self._closed[1]

    def _closing(self, answer: Answer | ConnectorError) -> tuple[str, ...]:
        """The org's own words for a closed task, the usual one first; only what tasks offer can be written."""
        field = self._shapes.field(names.TASK, "Status")
        offered = field.offered if field is not None else ()
        if not isinstance(answer, Answer):  # the list of statuses is hidden from us: nothing but the usual word is left
            return (USUAL_CLOSED,) if USUAL_CLOSED in offered else ()
        said = [row.get("ApiName") or row.get("MasterLabel") or "" for row in _rows(answer)]
        return tuple(sorted((one for one in said if one in offered), key=lambda one: one != USUAL_CLOSED))

    # ---- finding again

    def _there(self, sought: Mapping[str, str], field: FieldShape | None) -> dict[str, Row]:
        """The tasks that exist already, by key."""
        rows = [row for answer in self._api.queries(self._searches(sought, field, ("Id",))) for row in _rows(answer)]
        return _matched(sought, field, rows)

    def _searches(self, sought: Mapping[str, str], field: FieldShape | None, columns: Sequence[str]) -> list[str]:
        """The queries for tasks with these keys (key -> record). A long text cannot be searched by the server (Object
        Reference: not filterable), so without a key field the tasks of the records are fetched and looked through."""
        if field is not None:
            texts = sorted(quote(_fitting(key, field)) for key in sought)
            chunks = [texts[start : start + KEYS_PER_QUERY] for start in range(0, len(texts), KEYS_PER_QUERY)]
            chosen = (*columns, field.name)
            return [select(chosen, names.TASK, f"{field.name} IN ({', '.join(some)})") for some in chunks]
        ids = sorted({key for record in sought.values() if is_id(key := split_record(record)[2])})
        if not ids:
            return []
        where = f"(WhoId IN {id_list(ids)} OR WhatId IN {id_list(ids)})"
        if self._api.user is not None:
            where = f"CreatedById = {quote(self._api.user)} AND {where}"
        latest = f"ORDER BY CreatedDate DESC LIMIT {names.PAGE_ROWS}"
        return [select((*columns, "Description"), names.TASK, where, latest)]


def _matched(sought: Mapping[str, str], field: FieldShape | None, rows: Sequence[Row]) -> dict[str, Row]:
    """Which of the rows are the tasks with these keys."""
    if field is not None:
        texts = {_fitting(key, field): key for key in sought}
        return {texts[row[field.name]]: row for row in rows if row.get(field.name) in texts}
    marks = {f"{MARKER}{_short(key)}": key for key in sought}
    return {key: row for row in rows for mark, key in marks.items() if mark in (row.get("Description") or "")}


def _rows(answer: Answer | ConnectorError) -> list[Row]:
    """The rows of a query. Raises the error that stands in its place."""
    if isinstance(answer, ConnectorError):
        raise answer
    return [decode_row(raw) for raw in rows_of(answer).records]


def _person(write: WriteBack) -> str | None:
    owner = owner_id(write.owner)
    return owner if owner is not None and owner.startswith(names.USER_PREFIX) else None


def _is_task(crm_id: str) -> bool:
    return is_id(crm_id) and crm_id.startswith(names.TASK_PREFIX)


def _there(write: WriteBack, crm_id: str | None) -> Receipt:
    return Receipt(key=write.key, outcome="done", wrote=False, crm_id=crm_id)


def _over(write: WriteBack, row: Row | None) -> Receipt:
    why = "no longer there" if row is None or row.get("IsDeleted") else "closed already"
    crm_id = row["Id"] if row is not None else write.crm_id
    return Receipt(key=write.key, outcome="done", wrote=False, crm_id=crm_id, reason=f"the task is {why}")


def _no_status(write: WriteBack) -> Receipt:
    reason = "no status of tasks is closed, or none that we may see: Setup > Object Manager > Task > Fields > Status"
    return Receipt(key=write.key, outcome="rejected", wrote=False, reason=reason, code="NO_VALUE")


def _short(key: str) -> str:
    """A key of any length as 32 hexadecimal digits."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _fitting(key: str, field: FieldShape) -> str:
    """The key itself where it fits into the field, so that a person can read it; else its digest."""
    return key if not field.length or len(key) <= field.length else _short(key)
