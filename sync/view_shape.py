"""The shapes in which the store answers the console: plain frozen values, ready for JSON.

Owns what leaves the store for people's eyes. Refuses queries. Invariant: every name that ends in ``_at`` is epoch
milliseconds UTC, or None.
"""

from __future__ import annotations

from typing import Any

import msgspec

from sla.model import Event


class QuotaRow(msgspec.Struct, frozen=True):
    """What a vendor last said of our allowance. ``at`` is epoch milliseconds."""

    window: str
    used: int
    max: int
    at: int


class AllowanceRow(msgspec.Struct, frozen=True):
    """How our share of the vendor's day stood at ``at``: since ``begin_at`` we made ``own`` calls and ``others`` the
    rest, as far as the vendor told; ``left`` is what we may still make, of ``share`` of ``max``. ``resets_at`` is when
    the day begins anew, None for one that is always the last 24 hours. ``spent`` are our calls by purpose."""

    share: float
    max: int | None
    own: int
    left: int | None
    begin_at: int
    resets_at: int | None
    at: int
    others: int | None
    spent: dict[str, int]


class HeldRow(msgspec.Struct, frozen=True):
    """Calls for a purpose are held back ``until``."""

    purpose: str
    until: int
    reason: str


class ReadingRow(msgspec.Struct, frozen=True):
    """The first reading of a stream: changes ``read`` so far, rows ``remaining``, changes a second, seconds left; None
    where nobody knows."""

    stream: str
    begin_at: int
    at: int
    read: int
    remaining: int | None
    rate: float | None
    left_s: float | None


class ChannelRow(msgspec.Struct, frozen=True):
    """A channel that hints are pulled from. ``state``: ok, retrying, stopped. ``heard_at``: when it was last listened
    to, give or take a minute."""

    name: str
    state: str
    reason: str | None
    heard_at: int | None
    retry_at: int | None


class LossRow(msgspec.Struct, frozen=True):
    """What is configured, or was there before, and is not there for us; ``fix``: the next step for a person."""

    subject: str
    reason: str
    fix: str | None = None


class ConnectionRow(msgspec.Struct, frozen=True):
    """One connection. ``state``: ok, retrying, stopped. ``ok_at``: start of the last poll that was wholly digested.
    ``fix``: the next step for a person, where one is known."""

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
    fix: str | None = None
    allowance: AllowanceRow | None = None
    held: list[HeldRow] = []
    reading: list[ReadingRow] = []
    channels: list[ChannelRow] = []
    """How the channels stand that hints are pulled from."""
    losses: list[LossRow] = []


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
    """One clock as last evaluated. ``measured`` tells why its record is never acted on (None: it is). ``verdict`` is
    the public verdict of that moment, but for ``spent``, which only an evaluation tells."""

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
    measured: str | None
    verdict: dict[str, Any]


class StepRow(msgspec.Struct, frozen=True):
    """One decided step. ``decision``: fired, collapsed, measured, dropped; or held, which is not final: the step waits
    for working hours since ``decided_at``."""

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


class MoveRow(msgspec.Struct, frozen=True):
    """A record's move to another version of the policies. ``judged_at`` None until it was judged by it."""

    at: int
    version: str
    scope: str
    judged_at: int | None


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
    moves: list[MoveRow] = []
