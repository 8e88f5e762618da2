"""What was decided and done, in rows that betray any later change.

Owns the chain: every row carries the hash of itself and of the row before. Refuses to be corrected; a correction is
another row. Invariant: a flipped bit, a changed or a missing row in the middle makes ``verify`` name the row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from sync.store import Transaction

GENESIS: Final = "0" * 64
_PORTION: Final = 5_000


class Entry(NamedTuple):
    """One thing to note. ``what``: step, write, drop, dead, notice, alarm … ; ``at`` is epoch ms."""

    at: int
    what: str
    record: str | None
    body: Mapping[str, Any]


class Broken(NamedTuple):
    """The first row that does not follow from the one before it."""

    id: int
    reason: str


def chain(previous: str, at: int, what: str, record: str | None, body: str) -> str:
    """The hash of a row that follows the hash ``previous``."""
    # Lengths are part of what is hashed, so that no text can move from one column to the next unseen.
    parts = (previous, str(at), what, record or "", body)
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()


def append(transaction: Transaction, entries: Iterable[Entry]) -> None:
    """Adds rows to the end of the chain, in the transaction of what they tell about."""
    entries = list(entries)
    if not entries:
        return
    last = transaction.one("SELECT hash FROM ledger ORDER BY id DESC LIMIT 1")
    previous = GENESIS if last is None else last[0]
    rows = []
    for at, what, record, body in entries:
        text = msgspec.json.encode(body).decode()
        previous = chain(previous, at, what, record, text)
        rows.append((at, what, record, text, previous))
    transaction.many("INSERT INTO ledger (at, what, record, body, hash) VALUES (?, ?, ?, ?, ?)", rows)


def verify(transaction: Transaction, after: int = 0) -> Broken | None:
    """The first broken row after the id ``after``, or None when the chain holds."""
    start = transaction.one("SELECT hash FROM ledger WHERE id = ?", (after,)) if after else (GENESIS,)
    if start is None:
        return Broken(after, "the row to start from is missing")
    previous, expected = start[0], after + 1
    while True:
        rows = transaction.rows(
            "SELECT id, at, what, record, body, hash FROM ledger WHERE id >= ? ORDER BY id LIMIT ?",
            (expected, _PORTION),
        )
        if not rows:
            return None
        for row_id, at, what, record, body, found in rows:
            if row_id != expected:
                return Broken(expected, "the row is missing")
            if chain(previous, at, what, record, body) != found:
                return Broken(row_id, "the row or the one before it was changed")
            previous, expected = found, row_id + 1
