"""An in-memory CRM: its records, its people, its faults and a log of every effect.

Owns the state that all ``MemoryConnector`` instances of one CRM share, and what people do in it. Refuses to be kind:
a task sent twice is there twice, an answer can be lost after the effect. Invariant: the effects log holds exactly the
writes that took effect through a connector, in order; what people do is never in it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.base import Finding
from connectors.errors import AuthFailed, ConnectorError, RateLimited, RetryLater

OURSELVES = "system:sla-sidecar"
"""Who a record's last change is by when a connector made it."""


@dataclass
class Row:
    """One record. ``fields`` are normalised (status, owner, …), ``ours`` are the write-back fields."""

    kind: str
    id: str
    fields: dict[str, Any]
    created_at: int
    created_by: str | None
    modified_at: int
    modified_by: str | None
    seq: int
    ours: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    deleted: bool = False
    restored_at: int | None = None
    merged_into: str | None = None
    converted_into: str | None = None


@dataclass
class Utterance:
    """One message or activity on a record. ``event`` is ``message`` or ``activity``, ``body`` the rest of its event."""

    id: str
    kind: str
    record_id: str
    event: str
    at: int
    seq: int
    body: dict[str, Any]


@dataclass
class Effect:
    """One write that took effect. ``what`` holds the fields written, or the task or note made."""

    n: int
    at: int
    action: str
    kind: str
    id: str
    key: str
    what: dict[str, Any]


@dataclass
class _Fault:
    make: Callable[[], ConnectorError]
    operations: frozenset[str]
    left: int | None
    after_effect: bool = False


class MemoryCrm:
    """The state of one CRM. ``clock()`` is the present in epoch ms.

    People's part: ``create``, ``update``, ``message``, ``activity``, ``delete``, ``restore``, ``merge``, ``convert``,
    ``deactivate``. Records are addressed as ``(kind, id)`` pairs or ``kind:id`` texts.
    The range's part: ``rate_limited``, ``auth_failed``, ``unreachable``, ``lose_answers``, ``reject``, ``lock``,
    ``mend``. ``page`` is the size of a poll's page, ``repeat`` how many already served changes each poll serves again.
    """

    _named: dict[str, MemoryCrm] = {}  # noqa: RUF012  # one process, one range

    def __init__(self, clock: Callable[[], int], *, page: int = 200, repeat: int = 0) -> None:
        self.clock = clock
        self.page = page
        self.repeat = repeat
        self.lock_state = threading.RLock()
        self.rows: dict[tuple[str, str], Row] = {}
        self.utterances: dict[str, Utterance] = {}
        self.tasks: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        self.losses: list[Finding] = []
        """What the connector says is no longer there."""
        self.sent: list[tuple[str, int, str]] = []
        """Messages of ours to customers: record, when, text."""
        self.people: dict[str, dict[str, Any]] = {}
        self.effects: list[Effect] = []
        self.calls: list[str] = []
        self.webhook_secret = "memory-webhook-secret"  # noqa: S105  # of a CRM that exists in tests only
        self._faults: list[_Fault] = []
        self._row_faults: list[tuple[str, str, str, str, int | None]] = []
        self._seq = 0

    @classmethod
    def named(cls, name: str, clock: Callable[[], int] | None = None) -> MemoryCrm:
        """The CRM of this name in this process, made at the first call (which then needs a clock)."""
        if name not in cls._named:
            if clock is None:
                raise LookupError(f"there is no memory CRM named {name!r} yet")
            cls._named[name] = cls(clock)
        return cls._named[name]

    @classmethod
    def forget(cls) -> None:
        """Drops every named CRM."""
        cls._named.clear()

    # ---- what people do

    def create(
        self, kind: str, id: str | None = None, *, by: str | None = None, at: int | None = None, **fields: Any
    ) -> tuple[str, str]:
        """A new record; ``fields`` over the defaults status new, raw_status New, priority normal, no owner."""
        with self.lock_state:
            at = self.clock() if at is None else at
            key = id or f"{kind[0]}{len(self.rows) + 1}"
            start = {"status": "new", "raw_status": "New", "priority": "normal", "owner": None}
            self.rows[kind, key] = Row(kind, key, start | fields, at, by, at, by, self._next())
            return kind, key

    def update(
        self, record: tuple[str, str] | str, *, by: str | None = None, at: int | None = None, **fields: Any
    ) -> None:
        """Somebody changes normalised fields of a record."""
        with self.lock_state:
            row = self.row(record)
            row.fields = row.fields | fields
            self._touch(row, by, at)

    def message(
        self,
        record: tuple[str, str] | str,
        direction: str = "inbound",
        *,
        by: str | None = None,
        at: int | None = None,
        public: bool = True,
        automated: bool = False,
        channel: str = "email",
    ) -> str:
        """A message arrives or leaves; returns its id."""
        body = {
            "actor": by or ("customer:1" if direction == "inbound" else None), "direction": direction,
            "public": public, "automated": automated, "channel": channel,
        }  # fmt: skip
        return self._utter(record, "message", at, body)

    def activity(
        self,
        record: tuple[str, str] | str,
        activity: str = "call",
        *,
        outcome: str | None = None,
        by: str | None = None,
        at: int | None = None,
        public: bool = True,
        automated: bool = False,
    ) -> str:
        """Somebody logs a call, e-mail, meeting, task or note; returns its id."""
        body = {"actor": by, "activity": activity, "outcome": outcome, "public": public, "automated": automated}
        return self._utter(record, "activity", at, body)

    def delete(self, record: tuple[str, str] | str, *, by: str | None = None) -> None:
        with self.lock_state:
            row = self.row(record)
            row.deleted = True
            self._touch(row, by, None)

    def restore(self, record: tuple[str, str] | str, *, by: str | None = None) -> None:
        with self.lock_state:
            row = self.row(record)
            row.deleted = False
            self._touch(row, by, None)
            row.restored_at = row.modified_at

    def merge(self, loser: tuple[str, str] | str, winner: tuple[str, str] | str, *, by: str | None = None) -> None:
        """The loser vanishes into the winner."""
        with self.lock_state:
            row = self.row(loser)
            row.deleted, row.merged_into = True, ":".join(self._pair(winner))
            self._touch(row, by, None)

    def convert(self, lead: tuple[str, str] | str, *, by: str | None = None) -> tuple[str, str]:
        """The lead becomes a deal, whose address is returned."""
        with self.lock_state:
            row = self.row(lead)
            deal = self.create("deal", f"{row.id}-deal", by=by, owner=row.fields.get("owner"))
            row.converted_into = ":".join(deal)
            row.fields = row.fields | {"status": "converted", "raw_status": "Converted"}
            self._touch(row, by, None)
            return deal

    def person(
        self, id: str, *, name: str = "", email: str | None = None, manager: str | None = None, active: bool = True
    ) -> str:
        """Adds ``user:…`` or ``queue:…``. Once anybody is known, an unknown or inactive owner is refused."""
        with self.lock_state:
            self.people[id] = {"name": name or id, "email": email, "manager": manager, "active": active}
            return id

    def deactivate(self, id: str) -> None:
        with self.lock_state:
            self.people[id]["active"] = False

    # ---- faults

    def rate_limited(self, after: float = 30.0, times: int | None = 1, *on: str) -> None:
        """The next ``times`` calls (None: all until ``mend``) of the operations ``on`` (default all) hit the quota."""
        self._fault(lambda: RateLimited("the quota is used up", after=after, code="429"), times, on)

    def auth_failed(self, times: int | None = 1, *on: str) -> None:
        """The login is refused."""
        self._fault(lambda: AuthFailed("the credentials were refused", code="401"), times, on)

    def unreachable(self, times: int | None = 1, *on: str) -> None:
        """No connection comes about; nothing took effect."""
        self._fault(lambda: RetryLater("the server could not be reached", code="UNREACHABLE"), times, on)

    def lose_answers(self, times: int | None = 1) -> None:
        """The next writes take effect, and the answer is lost: ``RetryLater(unknown=True)``."""
        fault = lambda: RetryLater("the answer was lost", code="BROKEN", unknown=True)  # noqa: E731
        self._faults.append(_Fault(fault, frozenset({"write"}), times, after_effect=True))

    def reject(
        self, record: tuple[str, str] | str, reason: str = "a validation rule says no", times: int | None = None
    ) -> None:
        """Writes to this record are rejected for ever (or ``times`` times), the rest of their batch is not."""
        self._row_faults.append((*self._pair(record), "rejected", reason, times))

    def lock(self, record: tuple[str, str] | str, times: int | None = 1) -> None:
        """Writes to this record are answered "not now", the rest of their batch is not."""
        self._row_faults.append((*self._pair(record), "retry", "the record is locked", times))

    def mend(self) -> None:
        """No more faults."""
        self._faults.clear()
        self._row_faults.clear()

    # ---- the connector's side

    def enter(self, operation: str) -> None:
        """Counts a call, and raises the fault that waits for it."""
        with self.lock_state:
            self.calls.append(operation)
            self._strike(operation, after_effect=False)

    def leave(self, operation: str) -> None:
        """Raises the fault that loses an answer."""
        with self.lock_state:
            self._strike(operation, after_effect=True)

    def row_fault(self, kind: str, id: str) -> tuple[str, str] | None:
        """Outcome and reason of the fault on this record, if one waits."""
        for number, (its_kind, its_id, outcome, reason, left) in enumerate(self._row_faults):
            if (its_kind, its_id) == (kind, id):
                if left is not None and left <= 1:
                    del self._row_faults[number]
                elif left is not None:
                    self._row_faults[number] = (its_kind, its_id, outcome, reason, left - 1)
                return outcome, reason
        return None

    def effect(self, action: str, row: Row, key: str, what: Mapping[str, Any]) -> None:
        """Records a write that took effect and leaves its mark on the row, as the CRM's own log would."""
        self.effects.append(Effect(len(self.effects) + 1, self.clock(), action, row.kind, row.id, key, dict(what)))
        if action in {"fields", "set", "owner"}:
            self._touch(row, OURSELVES, None)

    def row(self, record: tuple[str, str] | str) -> Row:
        """The record. Raises LookupError when there is none."""
        pair = self._pair(record)
        if pair not in self.rows:
            raise LookupError(f"there is no {':'.join(pair)}")
        return self.rows[pair]

    def _pair(self, record: tuple[str, str] | str) -> tuple[str, str]:
        if isinstance(record, str):
            kind, _, key = record.rpartition(":")
            return kind.rpartition(":")[2], key
        return record

    def _utter(self, record: tuple[str, str] | str, event: str, at: int | None, body: dict[str, Any]) -> str:
        with self.lock_state:
            row = self.row(record)
            key = f"{event[0]}{len(self.utterances) + 1}"
            at = self.clock() if at is None else at
            self.utterances[key] = Utterance(key, row.kind, row.id, event, at, self._next(), body)
            return key

    def _touch(self, row: Row, by: str | None, at: int | None) -> None:
        row.modified_at = self.clock() if at is None else at
        row.modified_by = by
        row.seq = self._next()

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _fault(self, make: Callable[[], ConnectorError], times: int | None, on: tuple[str, ...]) -> None:
        self._faults.append(_Fault(make, frozenset(on), times))

    def _strike(self, operation: str, *, after_effect: bool) -> None:
        for fault in self._faults:
            if fault.after_effect == after_effect and (not fault.operations or operation in fault.operations):
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left <= 0:
                        self._faults.remove(fault)
                raise fault.make()
