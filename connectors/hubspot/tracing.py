"""What earlier tries have made: tasks and notes, found again by a write-back's key.

Owns the mark that stands for a key, and the two ways to it: a property of tasks that HubSpot keeps unique, and the
marks in the bodies of a record's own activities. Refuses searches: their index is late, and what it does not show yet
would be made twice. Invariant: whatever bears a mark was made by us, once.
https://developers.hubspot.com/docs/api-reference/latest/crm/activities/tasks/batch/get-tasks
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from connectors.errors import Rejected
from connectors.hubspot import names
from connectors.hubspot.names import ObjectType
from connectors.hubspot.portal import Portal
from connectors.hubspot.sending import Sender

NEWEST: Final = 50
"""How many of a record's newest tasks are searched for a mark: ours is among the last that were made."""


def mark(key: str) -> str:
    """The text that stands for a write-back's key in HubSpot: short, and left alone by rich text."""
    return f"sla-{hashlib.sha256(key.encode()).hexdigest()[:24]}"


class Tracer:
    """``task_key`` is the unique property of tasks that holds marks, None where the portal has none."""

    def __init__(self, portal: Portal, sender: Sender, task_key: str | None) -> None:
        self._portal = portal
        self._sender = sender
        self.task_key = task_key

    def found(self, what: ObjectType, of: ObjectType, marks: Mapping[str, str]) -> dict[str, str]:
        """Mark -> id of what bears it. ``marks`` gives the record of each, of the type ``of``."""
        by_key = self.by_key(what, list(marks))
        left = {one: record for one, record in marks.items() if one not in by_key}
        return by_key | (self._by_body(what, of, left) if left else {})

    def by_key(self, what: ObjectType, marks: Sequence[str]) -> dict[str, str]:
        """Mark -> id, by the unique property alone. Empty without one."""
        if self.task_key is None or what is not names.TASKS or not marks:
            return {}
        try:
            rows = self._sender.held_by(what, self.task_key, marks, ())
        except Rejected:  # not unique, or not there: `check` says so, and the bodies have the marks as well
            return {}
        return {one: row.id for one, row in rows.items()}

    def _by_body(self, what: ObjectType, of: ObjectType, marks: Mapping[str, str]) -> dict[str, str]:
        linked = self._portal.associated(of.name, what.name, dict.fromkeys(marks.values()))
        ids = [one for found in linked.values() for one in sorted(found, key=int, reverse=True)[:NEWEST]]
        body = names.BODY_PROPERTY[what.name]
        found: dict[str, str] = {}
        for row in self._sender.held(what, ids, (body,)).values():
            text = row.properties.get(body) or ""
            found |= {one: row.id for one in marks if one in text}
        return found
