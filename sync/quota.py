"""What a connection's calls were for, kept across restarts.

Owns the tables ``spent``, ``allowance`` and ``held``. Refuses to allow or to hold back: that is the allowance's, which
sees every call. Invariant: what is written is what the allowance counted; a kill loses the count of the seconds since
the last beat and nothing else.
"""

from __future__ import annotations

from typing import Final

from connectors.allowance import Allowance, Balance, HeldBack, Purpose, Spent
from sync.effect import BREACH, REFRESH
from sync.store import Transaction
from sync.writer import Writes

KEPT_MS: Final = 8 * 24 * 3_600_000
"""How long calls stay told apart by quarter of an hour and purpose: a week, and the day before it."""

RECENT_MS: Final = 2 * 900_000
"""Which quarters can still change between two beats."""

BALANCE_MS: Final = 60_000
"""How old the noted balance may be while nothing else changes: of a rolling day it moves by itself."""


def purpose_of(rank: int) -> Purpose:
    """What a write-back of this rank is for."""
    return "breach" if rank <= BREACH else "refresh" if rank >= REFRESH else "warning"


class Quotas:
    """Keeps the count of every connection of one store."""

    def __init__(self, writes: Writes) -> None:
        self._writes = writes
        self._kept: dict[str, tuple[frozenset[Spent], tuple[HeldBack, ...], Balance]] = {}
        self._kept_at: dict[str, int] = {}

    def keep(self, name: str, allowance: Allowance, now: int) -> None:
        """Writes what has changed since the last time; nothing when nothing has."""
        spent = frozenset(allowance.spent(now - RECENT_MS))
        held, balance = tuple(allowance.held_back()), allowance.balance()
        old = self._kept.get(name)
        fresh = self._kept_at.get(name, 0) > now - BALANCE_MS
        if old is not None and old[:2] == (spent, held) and (fresh or old[2] == balance):
            return
        news = spent - (old[0] if old else frozenset())
        self._writes.write(lambda t: _keep(t, name, news, held, balance, now))
        self._kept[name], self._kept_at[name] = (spent, held, balance), now


def _keep(
    transaction: Transaction, name: str, spent: frozenset[Spent], held: tuple[HeldBack, ...], balance: Balance, now: int
) -> None:
    transaction.many(
        "INSERT INTO spent (connection, quarter, purpose, calls) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (connection, quarter, purpose) DO UPDATE SET calls = excluded.calls",
        [(name, *each) for each in spent],
    )
    transaction.run("DELETE FROM held WHERE connection = ?", (name,))
    transaction.many(
        "INSERT INTO held (connection, purpose, until, reason) VALUES (?, ?, ?, ?)", [(name, *hold) for hold in held]
    )
    transaction.run(
        "INSERT INTO allowance (connection, share, max, own, left, begin_at, resets_at, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (connection) DO UPDATE SET share = excluded.share,"
        " max = excluded.max, own = excluded.own, left = excluded.left, begin_at = excluded.begin_at,"
        " resets_at = excluded.resets_at, at = excluded.at",
        (name, *balance, now),
    )


def restore(transaction: Transaction, name: str, allowance: Allowance) -> None:
    """Tells the allowance what an earlier process spent, and what the vendor had said to it."""
    spent = transaction.rows("SELECT quarter, purpose, calls FROM spent WHERE connection = ?", (name,))
    told = transaction.rows("SELECT window, used, max, at FROM quota WHERE connection = ?", (name,))
    allowance.restore([Spent(*row) for row in spent], {window: (used, most, at) for window, used, most, at in told})


def forget(transaction: Transaction, now: int) -> None:
    """Removes counts that are older than they are told apart."""
    transaction.run("DELETE FROM spent WHERE quarter < ?", (now - KEPT_MS,))
