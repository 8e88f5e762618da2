"""The way in: pages, webhooks and single records, from a connection into the store.

Owns the order of T1 and T2 around the calls. Refuses to understand a payload. Invariant: no call is made inside a
transaction, and what a call returned is stored before the next one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Final

from connectors.base import Change, Page
from connectors.errors import ConnectorError, Rejected
from sla.model import DONE_STATUSES
from sync import inbox, ledger
from sync.clock import Clock
from sync.engine import Engine
from sync.inbox import Waiting
from sync.ledger import Entry
from sync.link import Link, note, note_round
from sync.store import Transaction
from sync.writer import Writes

log = logging.getLogger(__name__)

MANY_OPEN: Final = 10
"""From how many open records on an empty answer is a fault of the source."""

READ_AT_ONCE: Final = 200
ONE_READ_MS: Final = 10_000
"""A record is read again for webhooks at most this often, however many arrive."""


class Intake:
    """Reads connections into one store."""

    def __init__(self, writes: Writes, engine: Engine, clock: Clock) -> None:
        self._writes = writes
        self._engine = engine
        self._clock = clock
        self._doors: dict[str, inbox.Understands] = {}
        self._read_at: dict[str, dict[str, int]] = {}
        """By connection, for only its own beat touches its part: when a record was last read for a webhook."""
        self.stop = threading.Event()
        """Set: finish the page at hand and return."""

    def open(self, link: Link) -> None:
        """Makes a connection's changes understandable."""
        self._doors[link.name] = link.connector

    # ---- the three ways in

    def poll(self, link: Link) -> bool:
        """Reads every stream of a connection to its end and digests it. False when the CRM did not let us."""
        started_at = self._clock.now()
        if not link.is_open(started_at):
            return False
        refused: Rejected | None = None
        try:
            cursors = self._writes.write(lambda t: inbox.cursors(t, link.name))
            for stream in link.call(lambda connector: connector.streams()):
                try:
                    self._drain(link, stream.name, cursors.get(stream.name))
                except Rejected as error:
                    refused = refused or error  # one stream that is refused hides no other
        except ConnectorError as error:
            self._failed(link, error)
            return False
        finally:
            self.digest()
        if refused is not None:
            self._failed(link, refused)
            return False
        if not self.stop.is_set():
            self._done(link, started_at)
        return True

    def fetch(self, link: Link, records: Sequence[str], hints: Sequence[Waiting] = ()) -> set[str]:
        """Reads single records as they are now and digests them. Returns those that the CRM refuses to show.

        Raises ConnectorError.
        """
        unseen: set[str] = set()
        for start in range(0, len(records), READ_AT_ONCE):
            portion = list(records[start : start + READ_AT_ONCE])
            changes, missing = self._read(link, portion)
            unseen |= missing
            settled = [hint for hint in hints if hint.record in portion and hint.record not in missing]
            refused = [hint for hint in hints if hint.record in missing]
            self._writes.write(lambda t, c=changes, s=settled, r=refused: self._keep_read(t, link, c, s, r))  # type: ignore[misc]
        self.digest()
        return unseen

    def hints(self, link: Link) -> int:
        """Reads again the records that webhooks named. Returns how many."""
        now = self._clock.now()
        if not link.is_open(now):
            return 0
        waiting = self._writes.write(lambda t: inbox.waiting_hints(t, link.name))
        lately = {record: at for record, at in self._read_at.get(link.name, {}).items() if at > now - ONE_READ_MS}
        self._read_at[link.name] = lately
        ripe = [hint for hint in waiting if hint.record not in lately]
        records = list(dict.fromkeys(hint.record for hint in ripe))
        if not records:
            return 0
        try:
            self.fetch(link, records, ripe)
        except ConnectorError as error:
            self._failed(link, error)
            return 0
        lately.update(dict.fromkeys(records, now))
        return len(records)

    def reconcile(self, link: Link) -> bool:
        """Reads all that is open from the start and asks after what no longer shows. False when that failed.

        A source that shows nothing although much was open is a fault to report, not a mass cancellation.
        """
        now = self._clock.now()
        if not link.is_open(now):
            return False
        try:
            shown = self._sweep(link, now)
            known = self._writes.write(lambda t: _open_records(t, link.name))
            if len(known) >= MANY_OPEN and not shown & set(known):
                body = {"alarm": "the source shows nothing", "connection": link.name, "open": len(known)}
                self._writes.write(lambda t: ledger.append(t, [Entry(now, "alarm", None, body)]))
                log.error("connection %s shows none of %d open records; nothing is cancelled", link.name, len(known))
                return False
            self.fetch(link, [record for record in known if record not in shown])
        except ConnectorError as error:
            self._failed(link, error)
            return False
        return True

    def digest(self) -> int:
        """Understands all that has been kept. Returns how many changes were done."""
        after, done = 0, 0
        while True:
            portion = self._writes.write(
                lambda t, a=after: inbox.digest(t, self._engine, self._doors, a, self._clock.now())  # type: ignore[misc]
            )
            if portion.last is None:
                return done
            after, done = portion.last, done + portion.done

    # ---- inside

    def _drain(self, link: Link, stream: str, cursor: str | None) -> None:
        since = self._engine.rules[link.name].enforce_from
        more = True
        while more and not self.stop.is_set():
            page = link.call(lambda connector, c=cursor: connector.poll(stream, c, since))  # type: ignore[misc]
            new = 0
            if page.changes or page.cursor != cursor:
                new = self._writes.write(lambda t, p=page: self._keep_page(t, link.name, stream, p))  # type: ignore[misc]
            more = page.more
            if more and not new and page.cursor == cursor:
                log.error("connection %s: %s does not move on from one page; left for the next poll", link.name, stream)
                return
            cursor = page.cursor

    def _keep_page(self, transaction: Transaction, connection: str, stream: str, page: Page) -> int:
        now = self._clock.now()
        inbox.move_cursor(transaction, connection, stream, page.cursor, now)
        return inbox.keep(transaction, connection, page.changes, now)

    def _keep_read(
        self,
        transaction: Transaction,
        link: Link,
        changes: Sequence[Change],
        settled: Sequence[Waiting],
        refused: Sequence[Waiting],
    ) -> None:
        inbox.keep(transaction, link.name, changes, self._clock.now())
        inbox.settle_hints(transaction, link.name, settled)
        inbox.settle_hints(transaction, link.name, refused, "the CRM refuses to show the record")

    def _read(self, link: Link, records: Sequence[str]) -> tuple[list[Change], set[str]]:
        """The changes of ``records``, and those of them that the CRM refuses to show."""
        try:
            return link.call(lambda connector: connector.read(records)), set()
        except Rejected:
            if len(records) == 1:
                return [], set(records)
        changes: list[Change] = []
        missing: set[str] = set()
        for record in records:
            found, lacking = self._read(link, [record])
            changes += found
            missing |= lacking
        return changes, missing

    def _sweep(self, link: Link, now: int) -> set[str]:
        """Every record that the source shows as open, whatever has been read before. Cursors stay where they are."""
        shown: set[str] = set()
        for stream in link.call(lambda connector: connector.streams()):
            cursor: str | None = None
            more = stream.kind is not None
            while more and not self.stop.is_set():
                page = link.call(lambda connector, s=stream.name, c=cursor: connector.poll(s, c, now))  # type: ignore[misc]
                self._writes.write(lambda t, p=page: inbox.keep(t, link.name, p.changes, now))  # type: ignore[misc]
                shown |= _records_of(self._doors[link.name], page.changes)
                more = page.more and page.cursor != cursor
                cursor = page.cursor
        self.digest()
        return shown

    def _done(self, link: Link, started_at: int) -> None:
        link.worked()
        now = self._clock.now()
        quota = link.connector.quota()
        self._writes.write(lambda t: note_round(t, link, started_at, now, quota))

    def _failed(self, link: Link, error: ConnectorError) -> None:
        now = self._clock.now()
        stopped = link.failed(error, now)
        self._writes.write(lambda t: note(t, link, now, stopped=stopped))


def _open_records(transaction: Transaction, connection: str) -> list[str]:
    rows = transaction.rows("SELECT record, status, state FROM record WHERE connection = ?", (connection,))
    return [record for record, status, state in rows if status not in DONE_STATUSES and '"deleted":true' not in state]


def _records_of(door: inbox.Understands, changes: Sequence[Change]) -> set[str]:
    found: set[str] = set()
    for change in changes:
        try:
            found.update(event.record for event in door.normalise(change).events)
        except Exception:  # noqa: BLE001 - the digest reports this very change with its reason
            log.debug("a change of %s cannot be understood", change.stream)
    return found
