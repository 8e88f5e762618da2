"""Everything that works on one store, put together from a configuration.

Owns the assembly and one round of work. Refuses threads and schedules. Invariant: nothing is called before the lock is
taken, the file checked and the connections noted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

import connectors
from connectors.base import Connector
from sync import housekeeping, lease, notices, quota
from sync.clock import Clock
from sync.configuration_shape import Configuration, ConnectionEntry
from sync.delivery import Delivery
from sync.desk import Desk
from sync.engine import Engine, Rules
from sync.intake import Intake
from sync.lease import FileLock
from sync.link import Link, register, standing_of
from sync.listening import Listening
from sync.people import Directory
from sync.policy_book import PolicyBook
from sync.quota import Quotas
from sync.reconciliation import Reconciliation
from sync.store import Store, Transaction
from sync.watching import Watching
from sync.webhooks import Webhooks
from sync.writer import Writer

FIRST_READ_S: Final = 60.0
"""How long after a start nothing is judged by the clock alone while a connection is read for the first time."""


class Works:
    """An opened store with its connections.

    ``ready`` are connectors that are used instead of building them, by name. ``threaded``: transactions run on a
    thread of their own, so that several jobs may ask for them.
    """

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        *,
        database: Path | None = None,
        ready: Mapping[str, Connector] | None = None,
        rng: Random | None = None,
        threaded: bool = False,
    ) -> None:
        self.configuration = configuration
        self.clock = clock
        self.boot = os.urandom(8).hex()
        self.live = configuration.daemon.mode == "live"
        self._begun_at = clock.monotonic()
        self._rng = rng or Random()  # noqa: S311 - jitter, not secrets
        made = {entry.name: self._connect(entry, ready or {}) for entry in configuration.connections.values()}
        database = database or configuration.daemon.database
        self._lock = FileLock(database)
        self._lock.take()
        try:
            self.store = Store.open(database)
            self.engine = Engine(PolicyBook(configuration.policies, configuration.document), {}, live=self.live)
            self.links: dict[str, Link] = self.store.write(lambda t: self._register(t, made))
        except BaseException:
            self._lock.release()
            raise
        self._writer = Writer(self.store) if threaded else None
        self.writes: Writer | Store = self._writer or self.store
        self.intake = Intake(self.writes, self.engine, clock)
        desk = Desk(configuration.pools, configuration.policies.calendars, configuration.policies.people)
        self.delivery = Delivery(self.writes, self.engine, self.intake, desk, clock, self._rng)
        self.webhooks = Webhooks(self.writes, configuration.webhooks, clock, self._rng)
        self.watching = Watching(self.writes, configuration.watches, self.engine.book, clock)
        self.directory = Directory(self.writes, configuration, clock)
        self.listening = Listening(self.links.values(), self.writes, clock, self._rng)
        for link in self.links.values():
            self.intake.open(link)
        vanish = {name: entry.may_vanish for name, entry in configuration.connections.items()}
        self.reconciliation = Reconciliation(self.writes, self.engine, self.intake, clock, vanish)
        self.quotas = Quotas(self.writes)

    def _connect(self, entry: ConnectionEntry, ready: Mapping[str, Connector]) -> Connector:
        if entry.name in ready:
            return ready[entry.name]
        wanted = self.configuration.named_fields
        return connectors.build(entry.name, entry.connector, entry.settings, wanted=wanted, clock=self.clock.now)

    def _register(self, transaction: Transaction, made: Mapping[str, Connector]) -> dict[str, Link]:
        now = self.clock.now()
        lease.take_lease(transaction, self.boot, now)
        self.engine.book.register(transaction, now)
        links = {}
        for name, connector in made.items():
            entry = self.configuration.connections[name]
            enforce_from = register(transaction, name, entry.connector, entry.enforce_from, now)
            self.engine.rules[name] = Rules(enforce_from, writable(entry.table))
            links[name] = Link(name, connector, self._rng, standing_of(transaction, name, now))
            quota.restore(transaction, name, connector.allowance)
        return links

    # ---- one round

    def round(self, *, deliver: bool = True) -> None:
        """Everything once: read, judge what has become due, deliver. A connection that fails stops no other."""
        self.listening.once()
        for link in self.links.values():
            self.poll(link)
            self.intake.hints(link)
        self.wake()
        self.watching.look()
        if deliver:
            self.deliver()
        self.count()

    def poll(self, link: Link) -> None:
        """Reads what one connection has that is new."""
        self.directory.refresh(link)
        self.intake.poll(link)

    def may_judge(self) -> bool:
        """Whether every connection has been asked since the start: what fell due while nobody read may have been
        answered in time. A long first contact is not waited for beyond ``FIRST_READ_S``."""
        now = self.clock.now()
        waiting = any(link.is_open(now) and not link.was_asked for link in self.links.values())
        return not waiting or self.clock.monotonic() - self._begun_at > FIRST_READ_S

    def wake(self) -> int:
        """Judges all that has become due by itself; returns how many records."""
        total = 0
        while not self.intake.stop.is_set():
            count = self.writes.write(lambda t: self.engine.wake(t, self.clock.now()))
            if not count:
                break
            total += count
        self.writes.write(lambda t: notices.deliver(t, self.clock.now()))
        return total

    def deliver(self) -> int:
        """Sends what may be sent to every connection and webhook; returns how many write-backs were tried."""
        if not self.live:
            return 0
        return sum(self.delivery.deliver(link) for link in self.links.values()) + self.webhooks.deliver()

    def beat(self) -> None:
        """Renews the lease, and notes what calls were for. Raises SecondDaemon when somebody else has taken it."""
        self.writes.write(lambda t: lease.beat(t, self.boot, self.clock.now()))
        for link in self.links.values():
            link.store_again(self.writes, self.clock.now())
        self.count()

    def count(self) -> None:
        """Notes what the calls of every connection were for."""
        for link in self.links.values():
            self.quotas.keep(link.name, link.connector.allowance, self.clock.now())

    def clock_was_set(self, step_ms: int) -> None:
        """Somebody moved the wall clock by so much: every wait that was reckoned by it stays as long as it was, and
        every open clock is judged again."""
        for link in self.links.values():
            link.clock_was_set(step_ms)
            link.connector.allowance.clock_was_set(step_ms)
        for channel in self.listening.channels:
            channel.clock_was_set(step_ms)
        self.intake.clock_was_set()
        self.delivery.clock_was_set(step_ms)
        self.webhooks.clock_was_set(step_ms)
        self.directory.clock_was_set()
        self.writes.write(lambda t: housekeeping.note_step(t, step_ms, self.clock.now()))

    def stop(self) -> None:
        """Asks whatever runs to come to an end at the next safe place."""
        self.intake.stop.set()
        self.delivery.stop.set()
        self.webhooks.stop.set()
        self.listening.stop.set()

    def close(self) -> None:
        """Closes connections, store and lock."""
        self.listening.close()
        for link in self.links.values():
            link.connector.close()
        self.webhooks.close()
        if self._writer is not None:
            self._writer.close()
        self.store.close()
        self._lock.release()


def writable(table: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """The logical fields that a connection's table maps, by record kind."""
    mapped = table.get("write", {})
    return {kind: frozenset(names) for kind, names in mapped.items() if isinstance(names, Mapping)}
