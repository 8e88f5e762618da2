"""Tasks and notes: created once, and found again.

Owns their properties, their association with the record and the mark that stands for a write-back's key. Refuses to
create while an earlier try may have: then the mark is looked for first. Invariant: one key, one task.
https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from connectors.base import Receipt, WriteBack
from connectors.hubspot import names
from connectors.hubspot.names import ObjectType
from connectors.hubspot.portal import Portal
from connectors.hubspot.rows import Input
from connectors.hubspot.sending import Aim, Sender

NEWEST: Final = 50
"""How many of a record's newest tasks are searched for a mark: ours is among the last that were made."""

PRIORITY: Final = {"urgent": "HIGH", "high": "HIGH", "normal": "MEDIUM", "low": "LOW"}


class Activities:
    def __init__(self, portal: Portal, sender: Sender) -> None:
        self._portal = portal
        self._sender = sender

    def write(self, what: ObjectType, of: ObjectType, aims: Sequence[Aim]) -> list[Receipt]:
        """Creates what is not there yet: ``what`` is tasks or notes, ``of`` the type of the records."""
        there = self._marked(what, of, [aim for aim in aims if aim.order.attempts])
        receipts: list[Receipt] = []
        inputs: list[Input] = []
        associations = self._associations(what, of)
        for aim in aims:
            key, marked = aim.order.key, mark(aim.order.key)
            if marked in there:
                receipts.append(Receipt(key=key, outcome="done", wrote=False, crm_id=there[marked]))
                continue
            properties = self._note(aim.order) if what is names.NOTES else self._task(aim.order)
            more = {"associations": [{"to": {"id": aim.id}, "types": associations}]}
            inputs.append(Input((key,), marked, properties, mark=marked, more=more))
        return receipts + self._sender.create(what, inputs)

    def _associations(self, what: ObjectType, of: ObjectType) -> list[dict[str, object]]:
        category, type_id = self._portal.association_type(what.name, of.name)
        return [{"associationCategory": category, "associationTypeId": type_id}]

    def _note(self, order: WriteBack) -> dict[str, str]:
        text = f"{_escaped(order.subject or '')} [{mark(order.key)}]"
        return {"hs_note_body": text, "hs_timestamp": str(self._sender.now())}

    def _task(self, order: WriteBack) -> dict[str, str]:
        """``hs_timestamp`` of a task is the instant at which it is due."""
        properties = {
            "hs_task_subject": order.subject or "SLA",
            "hs_task_body": f"Made by sla-sidecar [{mark(order.key)}]",
            "hs_task_status": "NOT_STARTED",
            "hs_task_type": "TODO",
            "hs_task_priority": PRIORITY.get(order.priority or "", "NONE"),
            "hs_timestamp": str(self._sender.now() if order.due_at is None else order.due_at),
        }
        if order.owner and order.owner.startswith("user:"):  # a queue owns records, not tasks
            properties[names.OWNER] = owner_id(order.owner)
        return properties

    def _marked(self, what: ObjectType, of: ObjectType, aims: Sequence[Aim]) -> dict[str, str]:
        """Mark -> id of what earlier tries have created, found through the records' associations: the search index
        would show it too late."""
        if not aims:
            return {}
        linked = self._portal.associated(of.name, what.name, dict.fromkeys(aim.id for aim in aims))
        ids = [one for found in linked.values() for one in sorted(found, key=int, reverse=True)[:NEWEST]]
        body = names.BODY_PROPERTY[what.name]
        marks = {mark(aim.order.key) for aim in aims}
        found: dict[str, str] = {}
        for row in self._sender.held(what, ids, (body,)).values():
            text = row.properties.get(body) or ""
            found |= {one: row.id for one in marks if one in text}
        return found


def mark(key: str) -> str:
    """The text that stands for a write-back's key in HubSpot: short, and left alone by rich text."""
    return f"sla-{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def owner_id(owner: str | None) -> str:
    """The ``hubspot_owner_id`` of ``user:ID`` or ``queue:ID``; "" takes the owner away."""
    return owner.partition(":")[2] if owner else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
