"""Read-only answers for the console: status, dashboard, ``explain``, metrics.

Owns the shapes that leave the store for people's eyes. Refuses to write, to evaluate and to know how it is shown.
Invariant: every answer comes from a ``mode=ro`` connection, so no reader can ever disturb the writer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sla.model import Event


class QuotaRow(msgspec.Struct, frozen=True):
    """What a vendor last said of our allowance. ``at`` is epoch milliseconds."""

    window: str
    used: int
    max: int
    at: int


class ConnectionRow(msgspec.Struct, frozen=True):
    """One connection. ``state``: ok, retrying, stopped. ``ok_at``: start of the last poll that was wholly digested."""

    name: str
    connector: str
    state: str
    reason: str | None
    enforce_from: int | None
    ok_at: int | None
    retry_at: int | None
    lag_s: int | None
    records: int
    waiting: int
    dead: int
    quota: list[QuotaRow]


class DaemonRow(msgspec.Struct, frozen=True):
    """The daemon that holds the lease. Alive when ``beat_at`` is recent; the caller knows the time."""

    boot: str
    pid: int
    started_at: int
    beat_at: int


class Summary(msgspec.Struct, frozen=True):
    """Counts for a status line. ``clocks`` by word: running, paused, missed, met, cancelled, excused; ``missed``
    counts also breached clocks that still run, which are then not counted under running or paused."""

    clocks: dict[str, int]
    overdue_open: int
    records: int
    inbox_new: int
    inbox_dead: int
    outbox: dict[str, int]
    paused: bool
    daemon: DaemonRow | None
    next_wake_at: int | None


class ClockRow(msgspec.Struct, frozen=True):
    """One clock as last evaluated. ``verdict`` is the public verdict document of that moment."""

    record: str
    kind: str
    title: str | None
    owner: str | None
    status: str | None
    target: str
    policy: str
    cycle: int
    state: str
    outcome: str | None
    started_at: int
    due_at: int | None
    breached_at: int | None
    completed_at: int | None
    wake_at: int | None
    verdict: dict[str, Any]


class StepRow(msgspec.Struct, frozen=True):
    """One decided step. ``decision``: fired, collapsed, measured, dropped."""

    target: str
    policy: str
    cycle: int
    step: str
    arm: int
    decided_at: int
    decision: str
    reason: str | None


class OutboxRow(msgspec.Struct, frozen=True):
    """One write-back. ``state``: waiting, sending, done, dropped, dead. ``body`` holds what is written and why."""

    id: int
    key: str
    connection: str
    record: str
    action: str
    rank: int
    state: str
    attempts: int
    retry_at: int | None
    created_at: int
    done_at: int | None
    reason: str | None
    crm_id: str | None
    body: dict[str, Any]


class DeadChange(msgspec.Struct, frozen=True):
    """An inbound change that could not be understood. The payload stays in the store."""

    id: int
    connection: str
    stream: str
    change_key: str
    received_at: int
    attempts: int
    reason: str | None


class LedgerRow(msgspec.Struct, frozen=True):
    """One decision or effect. ``what``: step, write, drop, dead, notice, alarm, …"""

    id: int
    at: int
    what: str
    record: str | None
    body: dict[str, Any]


class RecordView(msgspec.Struct, frozen=True):
    """Everything the store knows of one record. ``measured`` tells why it is never acted on (None: it is)."""

    record: str
    connection: str
    kind: str
    title: str | None
    first_seen_at: int
    policy_version: str
    measured: str | None
    observed: dict[str, Any]
    state: dict[str, Any]
    events: list[Event]
    clocks: list[ClockRow]
    steps: list[StepRow]
    outbox: list[OutboxRow]
    ledger: list[LedgerRow]


class View:
    """The store through a read-only connection. Safe to call from several threads; one call runs at a time."""

    @classmethod
    def open(cls, database: Path) -> View:
        """Raises ``sync.store.StoreError`` (one plain sentence) when the file is missing, foreign or too new."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def data_version(self) -> int:
        """A number that differs after any commit of the daemon: poll it to know when to refresh a page."""
        raise NotImplementedError

    def connections(self) -> list[ConnectionRow]:
        """Every connection the store has met, by name."""
        raise NotImplementedError

    def summary(self) -> Summary:
        raise NotImplementedError

    def clocks(
        self,
        *,
        open_only: bool = True,
        state: str | None = None,
        outcome: str | None = None,
        connection: str | None = None,
        policy: str | None = None,
        limit: int = 200,
    ) -> list[ClockRow]:
        """Clocks by urgency: earliest due first (so the overdue lead), those without a due (paused) last.

        ``open_only`` leaves out stopped clocks. ``state`` and ``outcome`` are the words of the verdict."""
        raise NotImplementedError

    def record(self, name: str) -> RecordView | None:
        """One record by its full name ``connection:kind:id``, or None."""
        raise NotImplementedError

    def find(self, text: str, limit: int = 20) -> list[str]:
        """Full names of records whose name ends with ``text`` (an id alone, ``ticket:42``, …)."""
        raise NotImplementedError

    def outbox(
        self,
        *,
        states: Sequence[str] = ("waiting", "sending"),
        connection: str | None = None,
        limit: int = 200,
    ) -> list[OutboxRow]:
        """Write-backs in the order in which they are sent; finished ones newest first."""
        raise NotImplementedError

    def dead_changes(self, limit: int = 200) -> list[DeadChange]:
        raise NotImplementedError

    def ledger(self, *, what: str | None = None, after: int = 0, limit: int = 200) -> list[LedgerRow]:
        """Rows after the id ``after``, oldest first; with ``after=0`` the newest ``limit`` rows, oldest first."""
        raise NotImplementedError

    def events(self, records: Sequence[str] | None = None) -> Iterator[Event]:
        """The stored timelines, record by record, ``seen`` filled; all of them when ``records`` is None."""
        raise NotImplementedError

    def policy_document(self, version: str) -> dict[str, Any] | None:
        """The configuration document of a policy version (``calendars``, ``policies``, ``daemon.match``)."""
        raise NotImplementedError
