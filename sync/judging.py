"""Records judged at once by whoever changed something about them, where no daemon does it.

Owns the question whether one does. Refuses to poll and to deliver: what it decides waits in the outbox. Invariant: it
holds the daemon's own lock meanwhile, so that nobody ever judges beside a daemon.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sync.configuration_shape import Configuration
from sync.engine import Engine, Rules
from sync.lease import FileLock, SecondDaemon
from sync.policy_book import PolicyBook
from sync.store import Store, Transaction
from sync.works import writable

AT_ONCE: Final = 500


def judge_now(configuration: Configuration, records: Sequence[str], now: int) -> bool:
    """Judges ``records`` as of ``now`` (epoch ms). False when a daemon works on the store: its next tick does it."""
    database = configuration.daemon.database
    lock = FileLock(database)
    try:
        lock.take()
    except SecondDaemon:
        return False
    try:
        store = Store.open(database)
        try:
            engine = Engine(
                PolicyBook(), store.read(lambda t: _rules(t, configuration)), live=configuration.daemon.mode == "live"
            )
            for start in range(0, len(records), AT_ONCE):
                portion = records[start : start + AT_ONCE]
                store.write(lambda t, p=portion: engine.judge_again(t, p, now))  # type: ignore[misc]
        finally:
            store.close()
    finally:
        lock.release()
    return True


def _rules(transaction: Transaction, configuration: Configuration) -> dict[str, Rules]:
    """What the engine knows of the connections that the store has met and the file still names."""
    return {
        name: Rules(enforce_from or 0, writable(configuration.connections[name].table))
        for name, enforce_from in transaction.rows("SELECT name, enforce_from FROM connection")
        if name in configuration.connections
    }
