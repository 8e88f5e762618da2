"""Rows of field histories to the changes they tell. Pure.

Owns the meaning of one row: which field, to what, by whom and in which second. Refuses to say how the record looked
otherwise: that is the snapshot's. Invariant: a row tells a status that is mapped, or an owner's id, or nothing; a
status that nobody mapped is left to the record's own row, which also shows whether it is closed.

A change of owner is two rows, one with the names and one with the ids; the ids count.
https://developer.salesforce.com/docs/atlas.en-us.264.0.object_reference.meta/object_reference/
sforce_api_objects_casehistory.htm
"""

from __future__ import annotations

from typing import Any, Final

from connectors.base import Normalised
from connectors.salesforce import names
from connectors.salesforce.actors import Actors, owner
from connectors.salesforce.mapping import RecordMapping, Row
from connectors.salesforce.values import read_instant
from sla.model import Event, record_name

OWNER_FIELDS: Final = frozenset({"Owner", "ownerAccepted", "ownerAssignment", "ownerEscalated"})
"""Values of a history's ``Field`` that tell a change of owner: by anybody, by a queue's member, by a rule, by
escalation."""


class HistoryMapping:
    """What one connection's settings make of what happened to statuses and owners."""

    def __init__(self, connection: str, records: RecordMapping, actors: Actors) -> None:
        self._connection = connection
        self._records = records
        self._actors = actors

    def normalise(self, name: str, row: Row) -> Normalised:
        """One change with its exact second and its doer, or none."""
        watched = names.HISTORIES[name]
        kind, parent = names.KINDS[watched], row.get(f"{watched}Id")
        told = self._values(kind, row.get("Field"), row.get("NewValue"))
        if not told or not isinstance(parent, str):
            return Normalised([])
        event = Event(
            record=record_name(self._connection, kind, parent), at=read_instant(row["CreatedDate"]),
            id=f"h:{row['Id']}", event="changed", actor=self._actors.of(row, "CreatedBy"), set=told,
            was=self._values(kind, row.get("Field"), row.get("OldValue")) or None,
        )  # fmt: skip
        return Normalised([event])

    def _values(self, kind: str, field: object, value: object) -> dict[str, Any]:
        if field == "Status":
            category = self._records.category(kind, value) if isinstance(value, str) else None
            return {"raw_status": value, "status": category} if category is not None else {}
        holder = owner(value) if field in OWNER_FIELDS else None
        return {"owner": holder} if holder is not None else {}
