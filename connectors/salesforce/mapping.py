"""Rows of leads and cases to events. Pure.

Owns the meaning of a record's row: when, which status, whose. Refuses I/O, the clock and any other state: who we are
comes with the row (``_me``). Invariant: the same row gives the same events, today and when the inbox is replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors.base import Normalised, Observed
from connectors.salesforce import names
from connectors.salesforce.actors import OURSELVES, READ, Actors, owner
from connectors.salesforce.columns import Columns
from connectors.salesforce.content import content
from connectors.salesforce.settings import PRIORITY, STATUS, SalesforceSettings
from connectors.salesforce.values import read_instant
from sla.model import DONE_STATUSES, Event, record_name

Row = Mapping[str, Any]

GONE: Final = "_gone_at"
"""Key of a row that stands for a record which is not there any more: when that was noticed, epoch ms."""


NOT_SHOWN: Final = object()
"""In the place of the value of a field that is not in the row at all."""


class RecordMapping:
    """What one connection's settings make of the rows of its records."""

    def __init__(self, connection: str, settings: SalesforceSettings, columns: Columns, actors: Actors) -> None:
        self._connection = connection
        self._actors = actors
        self._status: dict[str, dict[str, str]] = {kind: {**usual} for kind, usual in STATUS.items()}
        for kind, own in settings.status.items():
            self._status.setdefault(kind, {}).update(own)
        self._priority: dict[str, str] = {
            **PRIORITY,
            **{raw.lower(): value for raw, value in settings.priority.items()},
        }
        self._customers = frozenset(channel.lower() for channel in settings.customer_channels)
        self._fields = {name: _readers(paths) for name, paths in columns.fields.items()}
        self._written = {
            name: [(field, path, is_instant(field)) for field, path in paths.items()]
            for name, paths in columns.written.items()
        }

    def normalise(self, name: str, row: Row) -> Normalised:
        """The events of one row of object ``name``, and what our own fields hold in it."""
        kind = names.KINDS[name]
        record = record_name(self._connection, kind, row["Id"])
        if GONE in row:
            return Normalised([Event(record=record, at=row[GONE], id="gone", event="deleted")])
        at, actor = read_instant(stamp_of(row)), self._actors.of(row, "LastModifiedBy")
        if actor == OURSELVES:
            # Our fields were the last to be written, but whatever else differs somebody changed just before: unknown.
            actor = None
        # SystemModstamp has whole seconds: two states of one second are told apart by what they say, ordered by when we
        # read them, and one state read twice is one event.
        seq = row.get(READ)
        events = [
            Event(
                record=record, at=read_instant(row["CreatedDate"]), id="created", event="created", kind=kind,
                actor=self._creator(name, row), set={},
            ),
            Event(
                record=record, at=at, id=f"s:{at}:{content(row):08x}", seq=seq, event="changed", actor=actor,
                snapshot=True, set=self.fields(name, row),
            ),
        ]  # fmt: skip
        ending = self._ending(kind, row, record, at, actor, seq)
        if ending is not None:
            events.append(ending)
        return Normalised(events, Observed(record, at, self.observed(name, row)))

    def fields(self, name: str, row: Row) -> dict[str, Any]:
        """The normalised fields of a row. One that the row does not show is left out: a field that was hidden or
        renamed has not become empty, and the record keeps the value that was known. An object without a priority has a
        normal one."""
        values: dict[str, Any] = {}
        for field, read in self._fields[name].items():
            value = read(row)
            if value is not NOT_SHOWN:
                values[field] = self.priority(value) if field == "priority" else value
        if "priority" not in self._fields[name]:
            values["priority"] = self.priority(None)
        if "Status" in row:
            values |= {"raw_status": row["Status"], "status": self.status(names.KINDS[name], row)}
        if "OwnerId" in row:
            values["owner"] = owner(row["OwnerId"])
        if row.get("ContactId"):
            values["requester"] = f"customer:{row['ContactId']}"
        return values

    def observed(self, name: str, row: Row) -> dict[str, Any]:
        """Our own fields by logical name, those that the row shows; instants as epoch ms."""
        found: dict[str, Any] = {}
        for field, path, instant in self._written[name]:
            if path in row:
                value = row[path]
                found[field] = read_instant(value) if instant and isinstance(value, str) else value
        return found

    def status(self, kind: str, row: Row) -> str:
        """The category of a row's status. The flags IsConverted and IsClosed outweigh a mapping that denies them."""
        raw = row.get("Status")
        if row.get("IsConverted"):
            return "converted"
        category = self._status[kind].get(raw, "open") if isinstance(raw, str) else "open"
        return "closed" if row.get("IsClosed") and category not in DONE_STATUSES else category

    def priority(self, raw: object) -> str:
        """The priority that a raw value means; a missing or unmapped one is normal."""
        return self._priority.get(raw.lower(), "normal") if isinstance(raw, str) else "normal"

    def category(self, kind: str, raw: str) -> str | None:
        """The category that a raw status is mapped to, or None."""
        return self._status[kind].get(raw)

    def knows_status(self, kind: str, raw: str) -> bool:
        return raw in self._status[kind]

    def knows_priority(self, raw: str) -> bool:
        return raw.lower() in self._priority

    def raw_status(self, kind: str, category: str, offered: tuple[str, ...]) -> str | None:
        """The first offered raw status that means ``category``."""
        return next((raw for raw in offered if self._status[kind].get(raw) == category), None)

    def raw_priority(self, priority: str, offered: tuple[str, ...]) -> str | None:
        """The first offered raw priority that means ``priority``."""
        return next((raw for raw in offered if self._priority.get(raw.lower()) == priority), None)

    def _creator(self, name: str, row: Row) -> str | None:
        """Whoever came through a web form, an e-mail or a chat is a customer, although a user's name stands on it."""
        channel = row.get("LeadSource" if name == names.LEAD else "Origin")
        if isinstance(channel, str) and channel.lower() in self._customers:
            return f"customer:{row.get('ContactId') or row['Id']}"
        return self._actors.of(row, "CreatedBy")

    def _ending(self, kind: str, row: Row, record: str, at: int, actor: str | None, seq: int | None) -> Event | None:
        """A deletion or merge comes after the record's last state, a conversion before the status that shows it."""
        after = None if seq is None else seq + 1
        if row.get("IsDeleted"):
            winner = row.get("MasterRecordId")
            if winner:
                into = record_name(self._connection, kind, winner)
                return Event(record=record, at=at, id="merged", seq=after, event="merged", actor=actor, into=into)
            return Event(record=record, at=at, id=f"deleted:{at}", seq=after, event="deleted", actor=actor)
        if row.get("IsConverted"):
            deal = row.get("ConvertedOpportunityId")
            opened = record_name(self._connection, "deal", deal) if deal else None
            return Event(record=record, at=at, id="converted", event="converted", actor=actor, into=opened)
        return None


def stamp_of(row: Row) -> str:
    """When the row became what it is, as well as it tells."""
    return str(row.get("SystemModstamp") or row.get("LastModifiedDate") or row["CreatedDate"])


def is_instant(field: str) -> bool:
    """Whether a logical field holds an instant (see ``WriteBack``)."""
    return field.endswith(("_due", "_at"))


def _readers(paths: Mapping[str, str]) -> dict[str, Callable[[Row], Any]]:
    return {field: _reader(tuple(path.split("."))) for field, path in paths.items()}


def _reader(parts: tuple[str, ...]) -> Callable[[Row], Any]:
    """Reads ``Account.Tier__c`` out of nested rows; None where a link is empty."""
    if len(parts) == 1:
        name = parts[0]
        return lambda row: row.get(name, NOT_SHOWN)

    def read(row: Row) -> Any:
        value: Any = row
        for part in parts:
            if not isinstance(value, Mapping):
                return value  # None, or not shown
            value = value.get(part, NOT_SHOWN)
        return value

    return read
