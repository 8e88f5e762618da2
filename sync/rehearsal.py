"""What a round would do, shown without doing it.

Owns the dry run. Refuses the store itself: it works on a copy that is thrown away. Invariant: a rehearsal reads the
CRM and writes nothing, neither there nor here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from connectors.base import Connector
from sync import store
from sync.clock import Clock
from sync.configuration_shape import Configuration
from sync.store import Transaction
from sync.works import Works


class Planned(msgspec.Struct, frozen=True):
    """One write-back. ``state``: waiting in a rehearsal; after a round also done, dropped or dead. ``body`` holds the
    values and, for a step, ``why``."""

    record: str
    action: str
    state: str
    reason: str | None
    body: dict[str, Any]

    @classmethod
    def since(cls, transaction: Transaction, at: int) -> list[Planned]:
        """What waits, and what was ended at or after ``at`` (epoch ms), in the order of delivery."""
        rows = transaction.rows(
            "SELECT record, action, state, reason, body FROM outbox WHERE done_at IS NULL OR done_at >= ?"
            " ORDER BY rank, id",
            (at,),
        )
        return [cls(*[*row[:-1], msgspec.json.decode(row[-1])]) for row in rows]


def rehearse(
    configuration: Configuration,
    clock: Clock,
    *,
    ready: Mapping[str, Connector] | None = None,
    rng: Random | None = None,
) -> list[Planned]:
    """One round on a copy of the store, without delivery. A running daemon is not disturbed."""
    database = configuration.daemon.database
    with tempfile.TemporaryDirectory(prefix="sla-sidecar-") as folder:
        copied = Path(folder) / "rehearsal.db"
        if database.exists():
            store.copy(database, copied)
        works = Works(configuration, clock, database=copied, ready=ready, rng=rng)
        try:
            started_at = clock.now()
            works.round(deliver=False)
            return works.store.read(lambda t: Planned.since(t, started_at))
        finally:
            works.close()
