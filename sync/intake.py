"""The way in: pages, webhooks and single records, from a connection into the store.

Owns the order of T1 and T2 around the calls. Refuses to understand a payload. Invariant: no call is made inside a
transaction, and what a call returned is stored before the next one.

A record is judged by all that a poll brought or not at all: judged without its latest answers it would look unanswered.
So what a poll leaves half read waits for the next one, though not for longer than ``UNFINISHED_MS``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from connectors.allowance import Purpose
from connectors.base import Change, Page
from connectors.errors import ConnectorError, Rejected
from sync import inbox, losses, reading
from sync.clock import Clock
from sync.engine import Engine
from sync.inbox import Waiting, Which
from sync.link import Link, note_round
from sync.reading import Reading
from sync.store import Transaction
from sync.writer import Writes

log = logging.getLogger(__name__)

READ_AT_ONCE: Final = 200
ONE_READ_MS: Final = 10_000
"""A record is read again for webhooks at most this often, however many arrive."""

USUAL_CALLS: Final = 10
"""What a round costs at most as long as nobody knows."""

UNFINISHED_MS: Final = 600_000
"""How long changes of a poll that was cut short wait for the rest of it."""


class Intake:
    """Reads connections into one store."""

    def __init__(self, writes: Writes, engine: Engine, clock: Clock) -> None:
        self._writes = writes
        self._engine = engine
        self._clock = clock
        self.doors: dict[str, inbox.Understands] = {}
        """Whoever understands a connection's changes."""
        self._read_at: dict[str, dict[str, int]] = {}
        """By connection, for only its own beat touches its part: when a record was last read for a webhook."""
        self._poll_at: dict[str, int] = {}
        """By connection: no poll before, so that what is left of the day's share lasts."""
        self._poll_calls: dict[str, int] = {}
        """By connection: what a quiet round costs."""
        self.told: Callable[[Reading], None] = _unheard
        """Hears of every page of a first reading."""
        self.stop = threading.Event()
        """Set: finish the page at hand and return."""

    def open(self, link: Link) -> None:
        """Makes a connection's changes understandable."""
        self.doors[link.name] = link.connector

    def clock_was_set(self) -> None:
        """Somebody moved the wall clock: what was reckoned by it holds back no poll and no read."""
        self._poll_at.clear()
        self._read_at.clear()

    # ---- the ways in

    def poll(self, link: Link) -> bool:
        """Reads every stream of a connection to its end and digests it. False when it was not let."""
        started_at = self._clock.now()
        if not link.is_open(started_at, "read") or self._poll_at.get(link.name, 0) > started_at:
            return False
        spent = link.connector.allowance.used().get("read", 0)
        refused: Rejected | None = None
        try:
            refused = self._drain_all(link)
        except ConnectorError as error:
            link.was_not_read(started_at)
            self.failed(link, error)
            self.digest(Which(link.name, self._clock.now() - UNFINISHED_MS))
            return False
        if self.stop.is_set():
            return True  # the rest is read after the next start, and what came with this part is judged then
        self.digest(Which(link.name))
        if refused is not None:
            link.was_not_read(started_at)
            self.failed(link, refused)
            return False
        self._done(link, started_at, link.connector.allowance.used().get("read", 0) - spent)
        return True

    def fetch(
        self, link: Link, records: Sequence[str], hints: Sequence[Waiting] = (), *, purpose: Purpose = "read"
    ) -> set[str]:
        """Reads single records as they are now and digests them. Returns those that the CRM refuses to show.

        Raises ConnectorError.
        """
        unseen: set[str] = set()
        for start in range(0, len(records), READ_AT_ONCE):
            portion = list(records[start : start + READ_AT_ONCE])
            changes, missing = self.read(link, portion, purpose)
            unseen |= missing
            self.take(link, changes, [hint for hint in hints if hint.record in portion], missing)
        return unseen

    def hints(self, link: Link) -> int:
        """Reads again the records that webhooks named. Returns how many."""
        now = self._clock.now()
        if not link.is_open(now, "read"):
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
            self.failed(link, error)
            return 0
        lately.update(dict.fromkeys(records, now))
        return len(records)

    def digest(self, which: Which = Which()) -> int:  # noqa: B008  # frozen
        """Understands what has been kept. Returns how many changes were done."""
        after, done = 0, 0
        while True:
            portion = self._writes.write(
                lambda t, a=after: inbox.digest(t, self._engine, self.doors, a, self._clock.now(), which)  # type: ignore[misc]
            )
            if portion.last is None:
                return done
            after, done = portion.last, done + portion.done

    # ---- parts of them

    def read(self, link: Link, records: Sequence[str], purpose: Purpose) -> tuple[list[Change], set[str]]:
        """The changes of ``records``, and those of them that the CRM refuses to show. Raises ConnectorError."""
        try:
            return link.call(lambda connector: connector.read(records), purpose), set()
        except Rejected:
            if len(records) == 1:
                return [], set(records)
        changes: list[Change] = []
        missing: set[str] = set()
        for record in records:
            found, lacking = self.read(link, [record], purpose)
            changes += found
            missing |= lacking
        return changes, missing

    def take(
        self,
        link: Link,
        changes: Sequence[Change],
        hints: Sequence[Waiting] = (),
        missing: AbstractSet[str] = frozenset(),
    ) -> None:
        """Keeps what was read of single records and digests it at once, whatever waits before it. ``hints`` are settled
        by it; of ``missing`` records they are dead."""
        settled = [hint for hint in hints if hint.record not in missing]
        refused = [hint for hint in hints if hint.record in missing]

        def keep(transaction: Transaction) -> list[int]:
            inbox.keep(transaction, link.name, changes, self._clock.now())
            told = inbox.rows_of_hints(transaction, link.name, settled)
            inbox.settle_hints(transaction, link.name, settled)
            inbox.settle_hints(transaction, link.name, refused, "the CRM refuses to show the record")
            return inbox.rows_of(transaction, link.name, changes) + told

        ids = self._writes.write(keep)
        if ids:
            self._writes.write(lambda t: inbox.digest_these(t, self._engine, self.doors, ids, self._clock.now()))

    def failed(self, link: Link, error: ConnectorError) -> None:
        """Notes what a failed call means for its connection."""
        now = self._clock.now()
        stopped = link.failed(error, now)
        link.store(self._writes, now, stopped=stopped)

    # ---- inside

    def _drain_all(self, link: Link) -> Rejected | None:
        """Reads all streams. One that is refused hides no other: it is told at the end."""
        refused: Rejected | None = None
        cursors, begun = self._writes.write(lambda t: (inbox.cursors(t, link.name), reading.under_way(t, link.name)))
        for stream in link.call(lambda connector: connector.streams()):
            cursor, first = cursors.get(stream.name), begun.get(stream.name)
            if cursor is None or first is not None:
                now = self._clock.now()
                first = first or Reading(link.name, stream.name, now, now)
            try:
                self._drain(link, stream.name, cursor, first)
            except Rejected as error:
                refused = refused or error
        return refused

    def _drain(self, link: Link, stream: str, cursor: str | None, first: Reading | None) -> None:
        since = self._engine.rules[link.name].enforce_from
        more = True
        while more and not self.stop.is_set():
            page = link.call(lambda connector, c=cursor: connector.poll(stream, c, since))  # type: ignore[misc]
            more = page.more
            first = first and self._further(first, page)
            new = 0
            if page.changes or page.cursor != cursor or first is not None:
                new = self._writes.write(lambda t, p=page, f=first: self._keep_page(t, link.name, stream, p, f))  # type: ignore[misc]
            if more and not new and page.cursor == cursor:
                log.error("connection %s: %s does not move on from one page; left for the next poll", link.name, stream)
                return
            cursor = page.cursor

    def _further(self, first: Reading, page: Page) -> Reading:
        read = first.read + len(page.changes)
        further = first._replace(at=self._clock.now(), read=read, remaining=page.remaining, done=not page.more)
        self.told(further)
        return further

    def _keep_page(
        self, transaction: Transaction, connection: str, stream: str, page: Page, first: Reading | None
    ) -> int:
        now = self._clock.now()
        inbox.move_cursor(transaction, connection, stream, page.cursor, now)
        if first is not None:
            reading.note(transaction, first)
        return inbox.keep(transaction, connection, page.changes, now)

    def _done(self, link: Link, started_at: int, calls: int) -> None:
        link.worked()
        link.was_read(started_at)
        now = self._clock.now()
        # A first contact or a busy minute is no measure of the round after it.
        usual = self._poll_calls[link.name] = min(calls, self._poll_calls.get(link.name, USUAL_CALLS))
        self._poll_at[link.name] = started_at + int(link.connector.allowance.worth_s(usual, "read") * 1_000)
        quota = link.connector.quota()
        missing = link.connector.losses()

        def keep(transaction: Transaction) -> None:
            note_round(transaction, link, started_at, now, quota)
            losses.note(transaction, link.name, missing, now)

        self._writes.write(keep)


def _unheard(_: Reading) -> None:
    """Nobody watches."""
