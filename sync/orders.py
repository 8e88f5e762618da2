"""What a person orders while the daemon runs: stop and resume write-backs, try again or drop what failed.

Owns the setting ``paused`` and these orders' entries in the ledger. Refuses anything longer than one short transaction:
it is made beside the daemon's own connection. Invariant: every order stands in the ledger with who gave it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sync import ledger, outbox
from sync.ledger import Entry
from sync.store import Store, Transaction

_T = TypeVar("_T")


def pause(database: Path, now: int, by: str, reason: str | None) -> bool:
    """Stops all write-backs; clocks go on. False when they were stopped already. Raises StoreError."""
    return _ordered(database, lambda t: _switch(t, "1", now, {"by": by, "reason": reason}))


def resume(database: Path, now: int, by: str) -> bool:
    """Lets write-backs go on. False when nothing was stopped. Raises StoreError."""
    return _ordered(database, lambda t: _switch(t, "0", now, {"by": by}))


def retry(database: Path, ids: Sequence[int], now: int) -> int:
    """Lets failed write-backs be tried again at once; returns how many there were. Raises StoreError."""
    return _ordered(database, lambda t: outbox.retry_dead(t, ids, now))


def drop(database: Path, ids: Sequence[int], now: int, by: str) -> int:
    """Gives failed write-backs up for good; returns how many there were. Raises StoreError."""
    return _ordered(database, lambda t: _drop(t, ids, now, by))


def _ordered(database: Path, order: Callable[[Transaction], _T]) -> _T:
    store = Store.open(database, guest=True)
    try:
        return store.write(order)
    finally:
        store.close()


def _switch(transaction: Transaction, value: str, now: int, body: dict[str, Any]) -> bool:
    row = transaction.one("SELECT value FROM setting WHERE name = 'paused'")
    if (row[0] if row else "0") == value:
        return False
    transaction.run(
        "INSERT INTO setting (name, value) VALUES ('paused', ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (value,),
    )
    what = "pause" if value == "1" else "resume"
    ledger.append(transaction, [Entry(now, what, None, {name: said for name, said in body.items() if said})])
    return True


def _drop(transaction: Transaction, ids: Sequence[int], now: int, by: str) -> int:
    dropped = [
        row_id
        for row_id in ids
        if transaction.run(
            "UPDATE outbox SET state = 'dropped', done_at = ?, reason = ? WHERE id = ? AND state = 'dead'",
            (now, f"dropped by {by}", row_id),
        )
    ]
    ledger.append(transaction, [Entry(now, "drop", None, {"outbox": row_id, "by": by}) for row_id in dropped])
    return len(dropped)
