"""The channels that we pull hints from, each on a thread of its own.

Owns when a channel is asked, where it goes on, and how it stands. Refuses to read records: like a webhook's, its hints
wait in the inbox until the next beat reads them. Invariant: where a channel goes on moves only in the transaction that
keeps the hints before it, so what was taken from it is on disk; and its trouble holds up no poll.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from random import Random
from typing import Final

from connectors.allowance import spending
from connectors.base import HintFeed, HintPage
from connectors.errors import ConnectorError, RetryLater
from sync import inbox, ledger
from sync.clock import Clock
from sync.ledger import Entry
from sync.link import Link, Standing
from sync.store import StoreError, Transaction
from sync.writer import Writes

log = logging.getLogger(__name__)

STREAM: Final = "channel "
"""How the streams of channels begin in the table of cursors: no CRM's object has a space in its name."""

WAIT_S: Final = 20.0
"""Real seconds that one pull waits for something new."""

ALIVE_MS: Final = 60_000
"""How often a channel that brings nothing is noted as alive."""


class Channel:
    """One channel of one connection. Used from one thread at a time."""

    def __init__(self, link: Link, feed: HintFeed, writes: Writes, clock: Clock, rng: Random) -> None:
        self.link = link
        self.feed = feed
        self._writes = writes
        self._clock = clock
        self._state = Link(f"{link.name}, channel {feed.name}", link.connector, rng)
        self._stream = f"{STREAM}{feed.name}"
        self._cursor: str | None = None
        self._known = False
        self._noted_at = 0

    @property
    def standing(self) -> Standing:
        return self._state.standing

    def clock_was_set(self, step_ms: int) -> None:
        """Somebody moved the wall clock."""
        self._state.clock_was_set(step_ms)
        self._noted_at += step_ms

    def pull(self, wait_s: float) -> bool | None:
        """Takes what is there, waiting at most ``wait_s`` real seconds. True when something may have been missed, None
        when nothing could be taken now. Raises StoreError."""
        if not self._state.is_open(self._clock.now()):
            return None
        if not self._known:
            self._cursor = self._writes.write(lambda t: inbox.cursors(t, self.link.name)).get(self._stream)
            self._known = True
        try:
            with spending("read"):
                page = self._ask(wait_s)
        except ConnectorError as error:
            stopped = self._state.failed(error, self._clock.now())
            self._writes.write(lambda t: self._note(t, stopped=stopped))
            return None
        self._keep(page)
        return page.gap

    def _ask(self, wait_s: float) -> HintPage:
        try:
            return self.feed.pull(self._cursor, wait_s)
        except ConnectorError:
            raise
        except Exception as error:
            log.exception("connection %s: the channel failed", self._state.name)
            raise RetryLater(f"the channel failed ({type(error).__name__})") from error

    def _keep(self, page: HintPage) -> None:
        """T1 of a channel: its hints, where it goes on, and how it stands. One that is quiet costs no commit."""
        mended = self._state.worked()
        now = self._clock.now()
        moved = page.cursor != self._cursor
        if moved or page.hints or page.gap or mended or now - self._noted_at >= ALIVE_MS:
            self._writes.write(lambda t: self._store(t, page, now))
            self._noted_at = now
        self._cursor = page.cursor

    def _store(self, transaction: Transaction, page: HintPage, now: int) -> None:
        inbox.keep_hints(transaction, self.link.name, page.hints, now)
        inbox.move_cursor(transaction, self.link.name, self._stream, page.cursor, now)
        if page.gap:
            reason = "something may have been left out, so the connection is polled"
            body = {"connection": self.link.name, "channel": self.feed.name, "reason": reason}
            ledger.append(transaction, [Entry(now, "gap", None, body)])
        self._note(transaction, heard_at=now)

    def _note(self, transaction: Transaction, *, heard_at: int | None = None, stopped: bool = False) -> None:
        standing = self._state.standing
        transaction.run(
            "INSERT INTO channel (connection, name, state, reason, heard_at, retry_at) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (connection, name) DO UPDATE SET state = excluded.state, reason = excluded.reason,"
            " heard_at = coalesce(excluded.heard_at, heard_at), retry_at = excluded.retry_at",
            (self.link.name, self.feed.name, standing.state, standing.reason, heard_at, standing.retry_at),
        )
        if stopped:
            body = {"alarm": "channel stopped", "connection": self.link.name, "channel": self.feed.name,
                    "reason": standing.reason}  # fmt: skip
            ledger.append(transaction, [Entry(self._clock.now(), "alarm", None, body)])


class Listening:
    """All channels of a daemon. ``missed`` is called with a connection whose channel has left something out."""

    def __init__(self, links: Iterable[Link], writes: Writes, clock: Clock, rng: Random) -> None:
        self._clock = clock
        self.channels = [
            Channel(link, feed, writes, clock, rng) for link in links for feed in link.connector.hint_feeds()
        ]
        self._writes = writes
        self._threads: list[threading.Thread] = []
        self.stop = threading.Event()
        self.missed: Callable[[Link], None] = lambda _link: None

    def once(self, wait_s: float = 0.5) -> None:
        """One short pull of every channel. Whoever calls it polls afterwards."""
        for channel in self.channels:
            if not self.stop.is_set():
                channel.pull(wait_s)

    def start(self) -> None:
        """Listens until ``close``."""
        self._writes.write(self._forget_others)
        for channel in self.channels:
            name = f"channel {channel.link.name} {channel.feed.name}"
            thread = threading.Thread(target=self._listen, args=(channel,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self, within_s: float = 2.0) -> None:
        """Ends what waits; real seconds for each thread to come to an end."""
        self.stop.set()
        for channel in self.channels:
            channel.feed.close()
        for thread in self._threads:
            thread.join(within_s)

    def _listen(self, channel: Channel) -> None:
        while not self.stop.is_set():
            try:
                gap = channel.pull(WAIT_S)
            except StoreError as error:
                log.error("connection %s: %s; the channel is asked again", channel.link.name, error)  # noqa: TRY400
                gap = None
            if gap:
                self.missed(channel.link)
            if gap is None:
                self._rest(channel)

    def _rest(self, channel: Channel) -> None:
        until = channel.standing.retry_at or 0
        self._clock.wait(max(1.0, (until - self._clock.now()) / 1_000), self.stop)

    def _forget_others(self, transaction: Transaction) -> None:
        """A channel that is not configured any more is not one that is silent."""
        ours = {(channel.link.name, channel.feed.name) for channel in self.channels}
        rows = transaction.rows("SELECT connection, name FROM channel")
        transaction.many(
            "DELETE FROM channel WHERE connection = ? AND name = ?", [row for row in rows if row not in ours]
        )
