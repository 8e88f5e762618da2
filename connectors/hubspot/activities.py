"""Tasks and notes: created once, and found again.

Owns their properties and their association with the record, which goes along in the create call: an activity of no
record is seen by nobody. Refuses to create while an earlier try may have: then it is looked for first. Invariant: one
key, one task.

Where the portal has a unique property for tasks (``task_key``), a second task of a key is refused by HubSpot itself. It
is a create nevertheless and no upsert: an upsert takes no associations, and would open a task again that somebody has
completed.
https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide
https://developers.hubspot.com/docs/api-reference/latest/crm/activities/tasks/batch/upsert-tasks
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connectors.base import Receipt, WriteBack
from connectors.hubspot import names
from connectors.hubspot.answers import receipt
from connectors.hubspot.faults import error_of
from connectors.hubspot.names import ObjectType
from connectors.hubspot.portal import Portal
from connectors.hubspot.rows import Input
from connectors.hubspot.sending import Aim, Sender
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.tracing import Tracer, mark

PRIORITY: Final = {"urgent": "HIGH", "high": "HIGH", "normal": "MEDIUM", "low": "LOW"}
TAKEN: Final = frozenset({"CONFLICTING_UNIQUE_VALUE", "CONFLICT", "409", "OBJECT_ALREADY_EXISTS"})


class Activities:
    def __init__(self, portal: Portal, sender: Sender, tracer: Tracer, settings: HubSpotSettings) -> None:
        self._portal = portal
        self._sender = sender
        self._tracer = tracer
        self._settings = settings

    def write(self, what: ObjectType, of: ObjectType, aims: Sequence[Aim]) -> list[Receipt]:
        """Creates what is not there yet: ``what`` is tasks or notes, ``of`` the type of the records."""
        tried = {mark(aim.order.key): aim.id for aim in aims if aim.order.attempts}
        there = self._tracer.found(what, of, tried) if tried else {}
        receipts: list[Receipt] = []
        inputs: list[Input] = []
        associations = self._associations(what, of)
        for aim in aims:
            key, marked = aim.order.key, mark(aim.order.key)
            if marked in there:
                receipts.append(Receipt(key=key, outcome="done", wrote=False, crm_id=there[marked]))
                continue
            if what is names.TASKS and self._has_left(aim.order.owner):
                receipts.append(receipt(key, error_of("INACTIVE_OWNER")))
                continue
            properties = self._note(aim.order) if what is names.NOTES else self._task(aim.order)
            more = {"associations": [{"to": {"id": aim.id}, "types": associations}]}
            inputs.append(Input((key,), marked, properties, mark=marked, more=more))
        return receipts + self._found_out(what, self._sender.create(what, inputs))

    def _has_left(self, owner: str | None) -> bool:
        holder = self._portal.holder(owner_id(owner)) if owner and owner.startswith("user:") else None
        return holder is not None and holder.archived

    def _found_out(self, what: ObjectType, receipts: Sequence[Receipt]) -> list[Receipt]:
        """What HubSpot refused because its key is taken has been made by an earlier try that we know nothing of."""
        taken = {mark(one.key): one for one in receipts if one.outcome != "done" and one.code in TAKEN}
        there = self._tracer.by_key(what, list(taken))
        known = {
            taken[marked].key: Receipt(key=taken[marked].key, outcome="done", wrote=False, crm_id=made)
            for marked, made in there.items()
        }
        return [known.get(one.key, one) for one in receipts]

    def _associations(self, what: ObjectType, of: ObjectType) -> list[dict[str, object]]:
        category, type_id = self._portal.association_type(what.name, of.name)
        return [{"associationCategory": category, "associationTypeId": type_id}]

    def _note(self, order: WriteBack) -> dict[str, str]:
        text = f"{_escaped(order.subject or '')} [{mark(order.key)}]"
        return {"hs_note_body": text, "hs_timestamp": str(self._sender.now())}

    def _task(self, order: WriteBack) -> dict[str, str]:
        """``hs_timestamp`` of a task is the instant at which it is due, ``hs_task_reminders`` when to remind of it."""
        now = self._sender.now()
        properties = {
            "hs_task_subject": order.subject or "SLA",
            "hs_task_body": f"Made by sla-sidecar [{mark(order.key)}]",
            "hs_task_status": "NOT_STARTED",
            "hs_task_type": self._settings.task_type,
            "hs_task_priority": PRIORITY.get(order.priority or "", "NONE"),
            "hs_timestamp": str(now if order.due_at is None else order.due_at),
        }
        if self._tracer.task_key is not None:
            properties[self._tracer.task_key] = mark(order.key)
        if self._settings.task_reminder is not None and order.due_at is not None:
            remind = order.due_at - int(self._settings.task_reminder * 1000)
            if remind > now:  # one that has passed would go out at once
                properties["hs_task_reminders"] = str(remind)
        if order.owner and order.owner.startswith("user:"):  # a queue owns records, not tasks
            properties[names.OWNER] = owner_id(order.owner)
        return properties


def owner_id(owner: str | None) -> str:
    """The ``hubspot_owner_id`` of ``user:ID`` or ``queue:ID``; "" takes the owner away."""
    return owner.partition(":")[2] if owner else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
