"""Read-only answers for the console: status, dashboard, ``explain``, metrics.

Owns the questions that may be asked of the store from outside. Refuses to write, to evaluate and to know how an answer
is shown. Invariant: every answer comes from a ``mode=ro`` connection, so no reader can ever disturb the writer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sla.fold import Wait
from sla.instant import SECOND, format_instant
from sla.model import Event
from sla.policy import Policies
from sync import adoption, clock_row, losses, people, record_row, timeline, view_calls
from sync.at_risk import AtRisk, at_risk, next_due
from sync.policy_book import PolicyBook, Terms
from sync.revision import Document
from sync.risk_history import RiskHistory
from sync.store import Reader, Row, Transaction
from sync.timeline import Ordered
from sync.view_shape import (
    ChannelRow,
    ClockRow,
    ConnectionRow,
    DaemonRow,
    DeadChange,
    LedgerRow,
    MoveRow,
    OutboxRow,
    QuotaRow,
    RecordView,
    StepRow,
    Summary,
)

if TYPE_CHECKING:
    from sync.plan import Plan

__all__ = [
    "AtRisk",
    "ClockRow",
    "ConnectionRow",
    "DaemonRow",
    "DeadChange",
    "LedgerRow",
    "MoveRow",
    "OutboxRow",
    "QuotaRow",
    "RecordView",
    "StepRow",
    "Summary",
    "View",
]


class View:
    """The store through a read-only connection. Safe to call from several threads; one call runs at a time."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._book = PolicyBook()
        self._risk = RiskHistory()

    @classmethod
    def open(cls, database: Path) -> View:
        """Raises ``sync.store.StoreError`` (one plain sentence) when the file is missing, foreign or too new."""
        return cls(Reader.open(database))

    def close(self) -> None:
        self._reader.close()

    def data_version(self) -> int:
        """A number that differs after any commit of the daemon: poll it to know when to refresh a page."""
        return self._reader.data_version()

    def connections(self) -> list[ConnectionRow]:
        """Every connection the store has met, by name."""
        return self._reader.read(_connections)

    def summary(self) -> Summary:
        """The counts of a status line, from one snapshot."""
        return self._reader.read(_summary)

    def clocks(
        self,
        *,
        open_only: bool = True,
        state: str | None = None,
        outcome: str | None = None,
        connection: str | None = None,
        policy: str | None = None,
        measured: bool | None = None,
        limit: int = 200,
    ) -> list[ClockRow]:
        """Clocks by urgency: earliest due first (so the overdue lead), those without a due (paused) last.

        ``open_only`` leaves out stopped clocks. ``state`` and ``outcome`` are the words of the verdict. ``measured``
        asks only for clocks of records that are never acted on, or that are."""
        wheres = ["c.state <> 'stopped'"] if open_only else []
        if measured is not None:
            wheres.append(f"r.measured IS {'NOT ' if measured else ''}NULL")
        given: list[Any] = []
        asked = {"c.state": state, "c.outcome": outcome, "r.connection": connection, "c.policy": policy}
        for name, value in asked.items():
            if value is not None:
                wheres.append(f"{name} = ?")
                given.append(value)
        return self._reader.read(lambda t: _urgent(t, wheres, given, limit))

    def at_risk(self, now: int, records: Sequence[str] | None = None, *, limit: int = 200) -> list[AtRisk]:
        """Open clocks that are not overdue with their chances to miss as of ``now`` (epoch ms), the likeliest first:
        those of ``records``, or of the ``limit`` records that are due next and acted on."""
        return self._reader.read(
            lambda t: at_risk(t, self._book, self._risk, next_due(t, limit) if records is None else records, now)
        )

    def record(self, name: str) -> RecordView | None:
        """One record by its full name ``connection:kind:id``, or None."""
        return self._reader.read(lambda t: _record(t, name))

    def find(self, text: str, limit: int = 20) -> list[str]:
        """Full names of records whose name ends with ``text`` (an id alone, ``ticket:42``, …)."""
        rows = self._reader.read(
            lambda t: t.rows(
                "SELECT record FROM record WHERE record = ?1 OR substr(record, -length(?1) - 1) = ':' || ?1"
                " ORDER BY record LIMIT ?2",
                (text, limit),
            )
        )
        return [record for (record,) in rows]

    def open_records(self) -> int:
        """How many records have a clock that runs or is paused."""
        from sync.plan import open_count  # the judge and all it needs: nothing that an ordinary answer waits for

        return self._reader.read(open_count)

    def fields_in_force(self) -> frozenset[str] | None:
        """The record fields that the policies in force name; None before the first start."""
        return self._reader.read(self._fields)

    def _fields(self, transaction: Transaction) -> frozenset[str] | None:
        self._book.refresh(transaction)
        if not self._book.timetable:
            return None
        return self._book.get(transaction, self._book.in_force(), 0).fields

    def nearest(self, text: str) -> str | None:
        """The record whose name is most like ``text``, None when none is."""
        return self._reader.read(lambda t: record_row.nearest(t, text))

    def exceptions(self, record: str) -> list[Ordered]:
        """The excuses and extensions of a record, withdrawn ones too, oldest first."""
        return self._reader.read(lambda t: timeline.ordered(t, record))

    def plan(self, policies: Policies, document: Document, now: int, **given: Any) -> Plan:
        """What a changed file would move; see ``sync.plan.plan``."""
        from sync.plan import plan

        return plan(self._reader, policies, document, now, **given)

    def outbox(
        self,
        *,
        states: Sequence[str] = ("waiting", "sending"),
        connection: str | None = None,
        limit: int = 200,
    ) -> list[OutboxRow]:
        """Write-backs in the order in which they are sent; finished ones newest first."""
        chosen = " WHERE state IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR connection = ?2)"
        under_way = set(states) <= {"waiting", "sending"}
        order = " AND done_at IS NULL ORDER BY rank, id" if under_way else " ORDER BY done_at DESC, id DESC"
        query = _OUTBOX + chosen + order + " LIMIT ?3"
        wanted = msgspec.json.encode(list(states)).decode()
        rows = self._reader.read(lambda t: t.rows(query, (wanted, connection, limit)))
        return [_letter(row) for row in rows]

    def dead_changes(self, limit: int = 200) -> list[DeadChange]:
        """Inbound changes that could not be understood, newest first."""
        rows = self._reader.read(
            lambda t: t.rows(
                "SELECT id, connection, stream, change_key, received_at, attempts, reason FROM inbox"
                " WHERE state = 2 ORDER BY id DESC LIMIT ?",
                (limit,),
            )
        )
        return [DeadChange(*row) for row in rows]

    def ids(self) -> list[tuple[str, str]]:
        """Addresses, case-folded, with their ``user:ID``, of the people whom the configuration lists by address."""
        return self._reader.read(people.ids)

    def ledger(self, *, what: str | None = None, after: int = 0, limit: int = 200) -> list[LedgerRow]:
        """Rows after the id ``after``, oldest first; with ``after=0`` the newest ``limit`` rows, oldest first."""
        order = " WHERE id > ? AND (? IS NULL OR what = ?) ORDER BY id" + ("" if after else " DESC") + " LIMIT ?"
        rows = self._reader.read(lambda t: t.rows(_LEDGER + order, (after, what, what, limit)))
        return sorted((_entry(row) for row in rows), key=lambda entry: entry.id)

    def events(self, records: Sequence[str] | None = None) -> Iterator[Event]:
        """The stored timelines, record by record, ``seen`` filled; all of them when ``records`` is None."""
        for record in self._names() if records is None else records:
            yield from self._reader.read(lambda t, name=record: _events(t, name))  # type: ignore[misc]

    def _names(self) -> Iterator[str]:
        last = ""
        while rows := self._reader.read(
            lambda t, after=last: t.rows(  # type: ignore[misc]
                "SELECT record FROM record WHERE record > ? ORDER BY record LIMIT 500", (after,)
            )
        ):
            yield from (record for (record,) in rows)
            last = rows[-1][0]

    def terms(self, record: str, now: int) -> Terms | None:
        """By what a stored record is judged: its policies and moves, as the fold takes them. None for a record that
        is not known."""
        return self._reader.read(lambda t: self._terms(t, record, now))

    def _terms(self, transaction: Transaction, record: str, now: int) -> Terms | None:
        row = record_row.load(transaction, [record]).get(record)
        if row is None:
            return None
        self._book.refresh(transaction)
        moves = adoption.moves(transaction, [record]).get(record, ())
        return self._book.terms(transaction, row.policy_version, moves, now)

    def waits(self, record: str) -> Sequence[Wait]:
        """The unanswered waits that merged records brought to a stored one."""
        if self._reader.read(lambda t: t.one("SELECT 1 FROM record WHERE into_record = ?", (record,))) is None:
            return ()
        from sync.portion import Portion  # takes longer to import than most records take to explain

        return self._reader.read(lambda t: Portion(t, [record]).waits.get(record, ()))

    def policy_document(self, version: str) -> dict[str, Any] | None:
        """The configuration document of a policy version (``calendars``, ``policies``, ``daemon.match``)."""
        row = self._reader.read(lambda t: t.one("SELECT document FROM policy_version WHERE version = ?", (version,)))
        return None if row is None else msgspec.json.decode(row[0])


_CLOCKS: Final = (
    "SELECT c.record, r.kind, r.title, r.owner, r.status, c.target, c.policy, c.cycle, c.state, c.outcome,"
    " c.started_at, c.due_at, c.breached_at, c.completed_at, c.wake_at, r.measured, c.body"
    " FROM clock AS c JOIN record AS r ON r.record = c.record"
)
_OUTBOX: Final = (
    "SELECT id, key, connection, record, action, rank, state, attempts, retry_at, created_at, done_at, reason, crm_id,"
    " body FROM outbox"
)
_LEDGER: Final = "SELECT id, at, what, record, body FROM ledger"


def _urgent(transaction: Transaction, wheres: Sequence[str], given: Sequence[Any], limit: int) -> list[ClockRow]:
    """Two questions instead of one order over both, so that each can follow the index of due times."""
    found: list[ClockRow] = []
    for due in ("c.due_at IS NOT NULL", "c.due_at IS NULL"):
        query = _CLOCKS + " WHERE " + " AND ".join([*wheres, due]) + " ORDER BY c.due_at LIMIT ?"
        found += [_clock(row) for row in transaction.rows(query, (*given, limit - len(found)))]
    return found


def _decoded(row: Row) -> list[Any]:
    """A row whose last column is a JSON document."""
    return [*row[:-1], msgspec.json.decode(row[-1])]


def _clock(row: Row) -> ClockRow:
    record, target, policy, cycle, state, outcome, started, due, breached, completed = (row[0], *row[5:14])
    figures = clock_row.read_figures(row[-1])
    verdict = {
        "record": record,
        "policy": policy,
        "target": target,
        "cycle": cycle,
        "state": state,
        "outcome": outcome,
        "started_at": _text(started),
        "due_at": _text(due),
        "completed_at": _text(completed),
        "breached_at": _text(breached),
        "within_s": _seconds(figures.within),
        "elapsed_s": _seconds(figures.elapsed),
        "paused_s": _seconds(figures.paused),
        "remaining_s": _seconds(figures.remaining),
        "late_s": _seconds(figures.late),
        "reason": figures.reason,
        "steps": [{"at": at, "instant": _text(instant), "reached": reached} for at, instant, reached in figures.steps],
    }
    return ClockRow(*[*row[:-1], verdict])


def _text(at: int | None) -> str | None:
    return None if at is None else format_instant(at)


def _seconds(work: int) -> int | float:
    """Whole seconds as an int, as in the public verdict."""
    return work // SECOND if work % SECOND == 0 else work / SECOND


def _letter(row: Row) -> OutboxRow:
    return OutboxRow(*_decoded(row))


def _entry(row: Row) -> LedgerRow:
    return LedgerRow(*_decoded(row))


def _events(transaction: Transaction, record: str) -> list[Event]:
    found = timeline.load(transaction, [record]).get(record, {})
    return sorted(found.values(), key=lambda event: (event.at, event.seq or 0, event.id))


def _connections(transaction: Transaction) -> list[ConnectionRow]:
    records = _by_connection(transaction, "record")
    waiting = _by_connection(transaction, "outbox WHERE done_at IS NULL")
    dead = _by_connection(transaction, "outbox WHERE state = 'dead'")
    quota: dict[str, list[QuotaRow]] = {}
    for name, *each in transaction.rows("SELECT connection, window, used, max, at FROM quota ORDER BY window"):
        quota.setdefault(name, []).append(QuotaRow(*each))
    shares, held, readings = (ask(transaction) for ask in (view_calls.allowances, view_calls.held, view_calls.readings))
    missing = losses.by_connection(transaction)
    channels: dict[str, list[ChannelRow]] = {}
    for name, *channel in transaction.rows(
        "SELECT connection, name, state, reason, heard_at, retry_at FROM channel ORDER BY name"
    ):
        channels.setdefault(name, []).append(ChannelRow(*channel))
    rows = transaction.rows(
        "SELECT name, connector, state, reason, enforce_from, ok_at, retry_at, lag_s, fix FROM connection ORDER BY name"
    )
    return [
        ConnectionRow(  # type: ignore[call-arg]  # seven columns, in their order
            name, *standing, records.get(name, 0), waiting.get(name, 0), dead.get(name, 0), quota.get(name, []), fix,
            shares.get(name), held.get(name, []), readings.get(name, []), channels.get(name, []), missing.get(name, []),
        )
        for name, *standing, fix in rows
    ]  # fmt: skip


def _by_connection(transaction: Transaction, what: str) -> dict[str, int]:
    return dict(transaction.rows(f"SELECT connection, count(*) FROM {what} GROUP BY connection"))  # noqa: S608 - our words


def _summary(transaction: Transaction) -> Summary:
    clocks: dict[str, int] = {}
    for word, count in transaction.rows("SELECT coalesce(outcome, state), count(*) FROM clock GROUP BY 1"):
        clocks[word] = count
    lease = transaction.one("SELECT boot, pid, started_at, beat_at FROM lease WHERE id = 1")
    paused = transaction.one("SELECT value FROM setting WHERE name = 'paused'")
    return Summary(
        clocks=clocks,
        overdue_open=_count(transaction, "clock WHERE state <> 'stopped' AND outcome = 'missed'"),
        records=_count(transaction, "record"),
        inbox_new=_count(transaction, "inbox WHERE state = 0 AND record IS NULL")
        + _count(transaction, "inbox WHERE state = 0 AND record IS NOT NULL"),
        inbox_dead=_count(transaction, "inbox WHERE state = 2"),
        outbox=dict(transaction.rows("SELECT state, count(*) FROM outbox GROUP BY state")),
        paused=paused is not None and paused[0] == "1",
        daemon=None if lease is None else DaemonRow(*lease),
        next_wake_at=clock_row.next_wake_at(transaction),
    )


def _count(transaction: Transaction, what: str) -> int:
    row = transaction.one(f"SELECT count(*) FROM {what}")  # noqa: S608 - our words
    return 0 if row is None else int(row[0])


def _record(transaction: Transaction, name: str) -> RecordView | None:
    row = record_row.load(transaction, [name]).get(name)
    if row is None:
        return None
    clocks = transaction.rows(_CLOCKS + " WHERE c.record = ? ORDER BY c.target, c.cycle, c.policy", (name,))
    steps = transaction.rows(
        "SELECT target, policy, cycle, step, arm, decided_at AS at, decision, reason FROM step WHERE record = ?"
        " UNION ALL SELECT target, policy, cycle, step, arm, since, 'held', reason FROM hold WHERE record = ?"
        " ORDER BY at, target, cycle",
        (name, name),
    )
    return RecordView(
        record=row.record,
        connection=row.connection,
        kind=row.kind,
        title=row.title,
        first_seen_at=row.first_seen_at,
        policy_version=row.policy_version,
        measured=row.measured,
        observed=msgspec.json.decode(row.observed),
        state=record_row.read_summary(row),
        events=_events(transaction, name),
        clocks=[_clock(found) for found in clocks],
        steps=[StepRow(*found) for found in steps],
        outbox=[_letter(found) for found in transaction.rows(_OUTBOX + " WHERE record = ? ORDER BY id", (name,))],
        ledger=[_entry(found) for found in transaction.rows(_LEDGER + " WHERE record = ? ORDER BY id", (name,))],
        moves=[MoveRow(*found[:4]) for found in adoption.moves(transaction, [name]).get(name, ())],
    )
