"""The slow way in: everything that is open is read anew, to find what every other way has missed.

Owns the tables ``sweep`` and ``swept``, so that a sweep goes on after a restart, and the alarm of a source that has
turned blind. Refuses haste: its calls are the first to be held back. Invariant: nothing is cancelled because a source
does not show it unless the source has said so of that very record, and not at all when it hides many at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from connectors.base import Change, Page
from connectors.errors import ConnectorError, Rejected
from sla.model import DONE_STATUSES, Event
from sync import ledger
from sync.clock import Clock
from sync.engine import Engine
from sync.intake import READ_AT_ONCE, Intake
from sync.ledger import Entry
from sync.link import Link
from sync.store import Transaction
from sync.writer import Writes

log = logging.getLogger(__name__)

MANY_OPEN: Final = 10
"""From how many open records on their vanishing can be a fault of the source."""

LATE_MS: Final = 3_600_000
"""How much older than the last poll a change must be to have been missed by it, and not merely to be newer than it."""

EVERY_MS: Final = 6 * 3_600_000
"""How long lies between two passes."""

STALE_MS: Final = 24 * 3_600_000
"""A sweep that was begun longer ago is begun anew."""

READ_A_PASS: Final = 1_000
"""How many open records are read with all that was said on them in one pass; the next pass goes on behind them."""

TOLD: Final = 20
"""How many missed records the ledger names."""


@dataclass(slots=True)
class _Pass:
    """One pass over a connection. ``seen_to``: up to when the polls had read everything as it began."""

    begin_at: int
    seen_to: int
    stream: str | None = None
    cursor: str | None = None
    read: int = 0
    missed: set[str] = field(default_factory=set)
    gone: int = 0


class Reconciliation:
    """Reconciles the connections of one store. ``vanish`` tells by connection which part of what is open may be hidden
    at once before the source counts as blind."""

    def __init__(
        self, writes: Writes, engine: Engine, intake: Intake, clock: Clock, vanish: Mapping[str, float] | None = None
    ) -> None:
        self._writes = writes
        self._engine = engine
        self._intake = intake
        self._clock = clock
        self._vanish = vanish or {}

    def look(self, link: Link, pause_s: float = 0.0) -> bool:
        """Runs a pass when one is due: six hours after the last, however often there was a restart in between, or at
        once when one was cut short. Before the first, the first contact counts as one."""
        due = self._writes.write(lambda t: _is_due(t, link.name, self._clock.now()))
        return due and self.run(link, pause_s)

    def run(self, link: Link, pause_s: float = 0.0) -> bool:
        """One pass, or the rest of one. ``pause_s`` real seconds lie between two calls. False when it did not come to
        its end: what it has done stays done, and the next run goes on behind it."""
        now = self._clock.now()
        if not link.is_open(now, "reconcile"):
            return False
        going = self._writes.write(lambda t: _begin(t, link.name, now))
        if going is None:
            return False
        pause = _Pause(self._intake.stop, pause_s)
        try:
            return self._sweep(link, going, pause) and self._compare(link, going, pause)
        except ConnectorError as error:
            self._intake.failed(link, error)
            return False

    # ---- what the source shows

    def _sweep(self, link: Link, going: _Pass, pause: _Pause) -> bool:
        """Every record that the source shows as open, whatever has been read before. Cursors stay where they are."""
        kinds = [s.name for s in link.call(lambda connector: connector.streams(), "reconcile") if s.kind is not None]
        for stream in kinds[kinds.index(going.stream) if going.stream in kinds else 0 :]:
            cursor = going.cursor if stream == going.stream else None
            more = True
            while more:
                if pause.ends():
                    return False
                page = self._page(link, going, stream, cursor)
                more = page.more and page.cursor != cursor
                cursor = page.cursor
                self._writes.write(lambda t, p=page, s=stream: self._noted(t, link, going, s, p))  # type: ignore[misc]
                self._read_missed(link, going, page.changes)
        return True

    def _page(self, link: Link, going: _Pass, stream: str, cursor: str | None) -> Page:
        def ask(at: str | None) -> Page:
            return link.call(lambda connector: connector.poll(stream, at, going.begin_at), "reconcile")

        try:
            return ask(cursor)
        except Rejected:
            if cursor is None or stream != going.stream or cursor != going.cursor:
                raise
            return ask(None)  # the cursor of before the restart is not known any more

    def _noted(self, transaction: Transaction, link: Link, going: _Pass, stream: str, page: Page) -> None:
        going.read += len(page.changes)
        transaction.many(
            "INSERT INTO swept (connection, record) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(link.name, event.record) for event in self._events(link, page.changes)],
        )
        transaction.run(
            "UPDATE sweep SET stream = ?, cursor = ?, read = ?, missed = ? WHERE connection = ?",
            (stream, page.cursor, going.read, len(going.missed), link.name),
        )

    def _read_missed(self, link: Link, going: _Pass, changes: Sequence[Change]) -> None:
        """Records of which the page shows what we do not know are read with all that was said on them."""
        events = list(self._events(link, changes))
        unknown = self._writes.write(lambda t: _unknown(t, events))
        self._read(link, going, sorted({event.record for event in unknown}))

    def _events(self, link: Link, changes: Iterable[Change]) -> Iterator[Event]:
        for change in changes:
            try:
                yield from self._intake.doors[link.name].normalise(change).events
            except Exception:  # noqa: BLE001 - the digest reports this very change with its reason
                log.debug("a change of %s cannot be understood", change.stream)

    # ---- what we know

    def _compare(self, link: Link, going: _Pass, pause: _Pause) -> bool:
        known, shown = self._writes.write(lambda t: (_open_records(t, link.name), _shown(t, link.name)))
        hidden = [record for record in known if record not in shown]
        if len(known) >= MANY_OPEN and len(hidden) > self._vanish.get(link.name, 0.5) * len(known):
            self._writes.write(lambda t: self._alarm(t, link, len(hidden), len(known)))
            return False
        turn = [record for record in known if record in shown]
        after = self._writes.write(lambda t: _setting(t, f"reconciled:{link.name}"))
        turn = [*(record for record in turn if record > after), *(record for record in turn if record <= after)]
        for records in _portions([*hidden, *turn[:READ_A_PASS]]):
            if pause.ends():
                return False
            self._read(link, going, records)
        last = turn[:READ_A_PASS][-1] if turn else ""
        self._writes.write(lambda t: self._end(t, link, going, last, hidden))
        return True

    def _read(self, link: Link, going: _Pass, records: Sequence[str]) -> None:
        for portion in _portions(records):
            changes, _ = self._intake.read(link, portion, "reconcile")
            events = list(self._events(link, changes))
            unknown = self._writes.write(lambda t, e=events: _unknown(t, e))  # type: ignore[misc]
            since, until = self._engine.rules[link.name].enforce_from, going.seen_to - LATE_MS
            going.missed |= {event.record for event in unknown if since <= event.at <= until}
            self._intake.take(link, changes)

    # ---- the end

    def _alarm(self, transaction: Transaction, link: Link, hidden: int, known: int) -> None:
        what = "the source shows nothing" if hidden == known else "the source hides most of what is open"
        log.error("connection %s hides %d of %d open records; nothing is cancelled", link.name, hidden, known)
        if not _setting(transaction, f"blind:{link.name}"):  # once, until it sees again
            body: dict[str, Any] = {"alarm": what, "connection": link.name, "open": known, "hidden": hidden}
            body["fix"] = "see whether our user may still see these records; until then nothing of them is cancelled"
            ledger.append(transaction, [Entry(self._clock.now(), "alarm", None, body)])
        _set(transaction, f"blind:{link.name}", "1")
        _finish(transaction, link.name, self._clock.now())

    def _end(self, transaction: Transaction, link: Link, going: _Pass, last: str, hidden: Sequence[str]) -> None:
        still = set(_open_records(transaction, link.name))
        gone = [record for record in hidden if record not in still]
        body: dict[str, Any] = {
            "connection": link.name, "read": going.read, "missed": len(going.missed), "gone": len(gone),
            "took_s": (self._clock.now() - going.begin_at) // 1_000,
        }  # fmt: skip
        if going.missed:
            body["records"] = sorted(going.missed)[:TOLD]
        ledger.append(transaction, [Entry(self._clock.now(), "reconcile", None, body)])
        _set(transaction, f"reconciled:{link.name}", last)
        _set(transaction, f"blind:{link.name}", "")
        _finish(transaction, link.name, self._clock.now())
        log.info("connection %s: reconciled, %d missed, %d gone", link.name, len(going.missed), len(gone))


class _Pause:
    """A rest before every call but the first."""

    def __init__(self, stop: threading.Event, seconds: float) -> None:
        self._stop = stop
        self._seconds = seconds
        self._first = True

    def ends(self) -> bool:
        """Rests; True when it was asked to stop meanwhile."""
        rest, self._first = 0.0 if self._first else self._seconds, False
        return self._stop.wait(rest) if rest else self._stop.is_set()


def _begin(transaction: Transaction, connection: str, now: int) -> _Pass | None:
    """The pass that was cut short, or a new one; None before the first poll has come to its end."""
    row = transaction.one("SELECT ok_at FROM connection WHERE name = ?", (connection,))
    if row is None or row[0] is None:
        return None
    old = transaction.one(
        "SELECT begin_at, seen_to, stream, cursor, read FROM sweep WHERE connection = ?", (connection,)
    )
    if old is not None and old[0] > now - STALE_MS:
        return _Pass(*old)
    _forget(transaction, connection)
    transaction.run(
        "INSERT INTO sweep (connection, begin_at, seen_to, read, missed) VALUES (?, ?, ?, 0, 0)",
        (connection, now, row[0]),
    )
    return _Pass(now, row[0])


def _forget(transaction: Transaction, connection: str) -> None:
    transaction.run("DELETE FROM sweep WHERE connection = ?", (connection,))
    transaction.run("DELETE FROM swept WHERE connection = ?", (connection,))


def _unknown(transaction: Transaction, events: Sequence[Event]) -> list[Event]:
    """Those of ``events`` that no timeline has."""
    records = sorted({event.record for event in events})
    known = set(transaction.select_in("SELECT record, id FROM event WHERE record IN ({})", records))
    return [event for event in events if (event.record, event.id) not in known]


def _shown(transaction: Transaction, connection: str) -> set[str]:
    return {record for (record,) in transaction.rows("SELECT record FROM swept WHERE connection = ?", (connection,))}


def _is_due(transaction: Transaction, connection: str, now: int) -> bool:
    if transaction.one("SELECT 1 FROM sweep WHERE connection = ?", (connection,)) is not None:
        return True
    ended = _setting(transaction, f"reconciled_at:{connection}")
    if not ended:
        _set(transaction, f"reconciled_at:{connection}", str(now))
    return bool(ended) and int(ended) + EVERY_MS <= now


def _finish(transaction: Transaction, connection: str, now: int) -> None:
    _set(transaction, f"reconciled_at:{connection}", str(now))
    _forget(transaction, connection)


def _setting(transaction: Transaction, name: str) -> str:
    row = transaction.one("SELECT value FROM setting WHERE name = ?", (name,))
    return "" if row is None else str(row[0])


def _set(transaction: Transaction, name: str, value: str) -> None:
    transaction.run(
        "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def _open_records(transaction: Transaction, connection: str) -> list[str]:
    rows = transaction.rows(
        "SELECT record FROM record WHERE connection = ? AND instr(state, '\"deleted\":true') = 0"
        " AND coalesce(status, '') NOT IN (SELECT value FROM json_each(?)) ORDER BY record",
        (connection, msgspec.json.encode(sorted(DONE_STATUSES)).decode()),
    )
    return [record for (record,) in rows]


def _portions(records: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(records), READ_AT_ONCE):
        yield list(records[start : start + READ_AT_ONCE])
