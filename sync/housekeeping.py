"""What is done now and then so that the store stays small, quick and trusted.

Owns retention and the regular check of the ledger. Refuses to touch anything still under way.
Invariant: what is removed can be read again from the CRM, or has been noted in the ledger.
"""

from __future__ import annotations

import logging
from typing import Final

from sync import clock_row, inbox, ledger, link, outbox, quota
from sync.ledger import Entry
from sync.store import Transaction
from sync.writer import Writes

log = logging.getLogger(__name__)

KEEP_DONE_MS: Final = 90 * 24 * 3_600_000
"""How long finished write-backs stay for ``explain``; the steps that wished for them stay for ever."""


def sweep(writes: Writes, now: int) -> None:
    """One round: payloads beyond their time, finished write-backs, the ledger's chain."""
    while writes.write(lambda t: inbox.forget(t, now)):
        pass
    writes.write(lambda t: _forget_done(t, now))
    writes.write(lambda t: quota.forget(t, now))
    writes.write(lambda t: check_ledger(t, now))


def check_ledger(transaction: Transaction, now: int) -> ledger.Broken | None:
    """Verifies what was appended since the last time; a broken chain raises the alarm."""
    row = transaction.one("SELECT value FROM setting WHERE name = 'ledger_verified'")
    broken = ledger.verify(transaction, 0 if row is None else int(row[0]))
    if broken is not None:
        log.error("the ledger is broken at row %d: %s", broken.id, broken.reason)
        body = {"alarm": "the ledger is broken", "row": broken.id, "reason": broken.reason}
        ledger.append(transaction, [Entry(now, "alarm", None, body)])
        return broken
    transaction.run(
        "INSERT INTO setting (name, value) SELECT 'ledger_verified', coalesce(max(id), 0) FROM ledger WHERE true"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )
    return None


def note_step(transaction: Transaction, step_ms: int, now: int) -> None:
    """Notes that somebody set the wall clock by ``step_ms``, and asks for every open clock to be judged again. What
    waits goes on waiting for as long as it would have."""
    clock_row.wake_all(transaction, now)
    outbox.move_waits(transaction, step_ms, now)
    link.move_waits(transaction, step_ms)
    ledger.append(transaction, [Entry(now, "alarm", None, {"alarm": "the wall clock was set", "step_ms": step_ms})])


def _forget_done(transaction: Transaction, now: int) -> None:
    transaction.run("DELETE FROM outbox WHERE done_at < ? AND state IN ('done', 'dropped')", (now - KEEP_DONE_MS,))
