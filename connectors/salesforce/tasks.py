"""Tasks: each made once.

Owns what a task says, whose it is and when it is due. Refuses to change one that is there. Invariant: the same key
makes one task, however often it is sent, if the org has a unique key field (assumed: Activity takes a
unique custom field as other objects do); without one, if a look-up before each sending can see it.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-task.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from connectors.base import Receipt, WriteBack
from connectors.salesforce import names, sending
from connectors.salesforce.actors import owner_id
from connectors.salesforce.api import Api
from connectors.salesforce.ids import full_id
from connectors.salesforce.mapping import RecordMapping
from connectors.salesforce.owners import Zones
from connectors.salesforce.receipts import there
from connectors.salesforce.rows import decoded
from connectors.salesforce.sending import Order
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import Shapes
from connectors.salesforce.task_search import TaskSearch
from connectors.salesforce.values import show_instant
from sla.model import split_record

_HOLDER: Final = re.compile(r"record with id: ([A-Za-z0-9]{15,18})")
"""DUPLICATE_VALUE names the record that holds the value: "duplicate value found: … on record with id: 00T…"."""
SUBJECT_LENGTH: Final = 255


class Tasks:
    """``write(batch)`` for the action task. ``clock()`` is the present in epoch ms."""

    def __init__(
        self, api: Api, shapes: Shapes, mapping: RecordMapping, settings: SalesforceSettings, clock: Callable[[], int]
    ) -> None:
        self._api = api
        self._shapes = shapes
        self._mapping = mapping
        self._key = settings.task_key
        self._zones = Zones(api, clock)

    def add(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        search = TaskSearch(self._api, self._shapes, self._key)
        # A unique field refuses the second of two by itself, so only a lost answer is worth a look.
        sure = search.field is not None and search.field.unique
        unsure = {write.key: write.record for write in batch if write.attempts or not sure}
        answers = self._api.queries(search.queries(unsure, ("Id",)))
        found = search.matched(unsure, [row for answer in answers for row in decoded(answer)])
        receipts = [there(write, found[write.key]["Id"]) for write in batch if write.key in found]
        new = [write for write in batch if write.key not in found]
        self._zones.learn(owner for write in new if (owner := _person(write)) is not None)
        orders = [self._order(write, search) for write in new]
        for order, row in sending.send(self._api, "POST", orders) if orders else []:
            holder = _HOLDER.search(str(row.errors[0].get("message"))) if row.errors else None
            if sending.code_of(row) == "DUPLICATE_VALUE" and holder and search.field is not None:
                receipts.append(there(order.write, full_id(holder[1])))
            else:
                receipts.append(sending.receipt(order, row))
        return receipts

    def _order(self, write: WriteBack, search: TaskSearch) -> Order:
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
        return Order(write, names.TASK, {**fields, **search.told(write.key)})

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


def _person(write: WriteBack) -> str | None:
    owner = owner_id(write.owner)
    return owner if owner is not None and owner.startswith(names.USER_PREFIX) else None
