"""The event bus: what happened to records, in order, kept for a while.

Owns change events, their replay ids and how long they are kept. Refuses the wire (``pubsub`` does that) and Avro.
Invariant: an event carries what its kind carries and no more: all values when a record is created, the changed ones
when it is updated, none when it is deleted or when the event only tells of a gap.
Source: Change Data Capture Developer Guide, "Change Event Header Fields", "Gap Events", "Overflow Events", "Merged
Change Events"; Pub/Sub API guide, "Event Message Durability" (72 hours, replay ids are opaque and not contiguous).
https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta/change_data_capture/cdc_event_fields_header.htm
https://developer.salesforce.com/docs/platform/pub-sub-api/guide/event-message-durability.html
"""

from __future__ import annotations

import itertools
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from emulators.salesforce.store import Store, Values

KEPT_MS: Final = 72 * 3600 * 1000
SELECTED: Final = ("Lead", "Case", "Task", "Event", "EmailMessage")
_STEP: Final = 3
"""Replay ids are not contiguous."""


@dataclass(slots=True)
class ChangeEvent:
    """One event of an object. ``replay`` orders it; ``values`` are the fields that it shows."""

    replay: int
    at_ms: int
    header: dict[str, Any]
    values: Values = field(default_factory=dict)
    id: str = ""


class Bus:
    """``selected`` are the objects that Change Data Capture is switched on for. Nothing is told before ``begin``.

    ``merge``: an update of the next record by the same user in the same second joins the event before it. ``gaps``: so
    many of the next changes are told by their header alone; ``overflow``: the next change is told as an overflow.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events: dict[str, list[ChangeEvent]] = {}
        self._known: dict[str, Values] | None = None
        self._numbers = itertools.count(1)
        self._transactions = itertools.count(1)
        self.news = threading.Condition()
        self.selected: set[str] = set(SELECTED)
        self.merge = False
        self.gaps = 0
        self.overflow = False
        self.origin = ""
        """``changeOrigin`` of what clients write: ``com/salesforce/api/rest/66.0;client=NAME`` where they say one."""

    def begin(self) -> None:
        """What is there is there; what is written from now on is told."""
        self._known = {row["Id"]: row for name in SELECTED for row in self._store.rows(name, deleted=True)}

    def written(self, object: str, id: str) -> None:
        """A record was written."""
        row = self._store.get(object, id)
        if self._known is None or row is None or object not in self.selected:
            return
        old, self._known[id] = self._known.get(id), row
        with self.news:
            self._tell(object, old, row)
            self.news.notify_all()

    def after(self, object: str, replay: int) -> list[ChangeEvent]:
        """The events behind a place, oldest first."""
        with self.news:
            return [event for event in self._events.get(object, []) if event.replay > replay]

    def latest(self, object: str) -> int:
        """The place of the newest event, 0 before the first."""
        with self.news:
            events = self._events.get(object, [])
            return events[-1].replay if events else 0

    def knows(self, object: str, replay: int) -> bool:
        """Whether a place lies within what is kept."""
        with self.news:
            self._purge(object)
            events = self._events.get(object, [])
            return replay == 0 or any(event.replay == replay for event in events)

    def forget(self) -> None:
        """Everything that was told so far is purged, or the org has moved to another instance."""
        with self.news:
            for events in self._events.values():
                events.clear()

    # ---- inside

    def _purge(self, object: str) -> None:
        oldest = self._store.now_ms() - KEPT_MS
        self._events[object] = [event for event in self._events.get(object, []) if event.at_ms >= oldest]

    def _tell(self, object: str, old: Values | None, row: Values) -> None:
        kind = _kind(old, row)
        shown = {name: value for name, value in row.items() if old is None or old.get(name) != value}
        events = self._events.setdefault(object, [])
        if self.overflow:
            self.overflow = False
            events.append(self._event(object, "GAP_OVERFLOW", row, ["000000000000000AAA"], {}))
            return
        if self.gaps > 0:
            self.gaps -= 1
            events.append(self._event(object, f"GAP_{kind}", row, [row["Id"]], {}))
            return
        last = events[-1] if events else None
        if self.merge and last is not None and _joins(last, kind, row):
            last.header["recordIds"].append(row["Id"])
            return
        values = shown if kind in ("CREATE", "UPDATE", "UNDELETE") else {}
        events.append(self._event(object, kind, row, [row["Id"]], values))

    def _event(self, object: str, kind: str, row: Values, ids: list[str], values: Values) -> ChangeEvent:
        now = self._store.now_ms()
        number = next(self._numbers) * _STEP
        transaction = next(self._transactions)
        header = {
            "entityName": object,
            "recordIds": list(ids),
            "changeType": kind,
            "changeOrigin": self.origin,
            "transactionKey": str(uuid.UUID(int=transaction, version=4)),
            "sequenceNumber": 1,
            "commitTimestamp": now,
            "commitNumber": 10_000_000_000 + number,
            "commitUser": row.get("LastModifiedById") or "",
            "nulledFields": [],
            "diffFields": [],
            "changedFields": ["0x02"] if kind == "UPDATE" else [],
        }
        return ChangeEvent(number, now, header, values, str(uuid.UUID(int=number, version=4)))


def _kind(old: Values | None, row: Values) -> str:
    if old is None:
        return "CREATE"
    if row.get("IsDeleted") and not old.get("IsDeleted"):
        return "DELETE"
    if old.get("IsDeleted") and not row.get("IsDeleted"):
        return "UNDELETE"
    return "UPDATE"


def _joins(last: ChangeEvent, kind: str, row: Values) -> bool:
    header = last.header
    same = (header["changeType"], header["commitUser"]) == (kind, row.get("LastModifiedById"))
    return same and kind == "UPDATE" and row["Id"] not in header["recordIds"]
