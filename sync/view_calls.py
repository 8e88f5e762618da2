"""What the store tells of a connection's calls and of how far its first reading is, for people's eyes.

Owns these questions. Refuses to write. Invariant: what others spent is the vendor's figure less our own count, and
never below nothing, for the two are not of the same second.
"""

from __future__ import annotations

from connectors.share import QUARTER_MS
from sync import reading
from sync.store import Transaction
from sync.view_shape import AllowanceRow, HeldRow, ReadingRow


def allowances(transaction: Transaction) -> dict[str, AllowanceRow]:
    """How the share of each connection stands, by its name."""
    found: dict[str, AllowanceRow] = {}
    for name, used, share, most, own, left, begin_at, resets_at, at in transaction.rows(
        "SELECT a.connection, q.used, a.share, a.max, a.own, a.left, a.begin_at, a.resets_at, a.at FROM allowance AS a"
        " LEFT JOIN quota AS q ON q.connection = a.connection AND q.window = 'day' AND q.at >= a.begin_at"
    ):
        others = None if used is None else max(0, used - own)
        spent = _spent(transaction, name, begin_at)
        found[name] = AllowanceRow(share, most, own, left, begin_at, resets_at, at, others, spent)
    return found


def _spent(transaction: Transaction, connection: str, begin_at: int) -> dict[str, int]:
    query = "SELECT purpose, sum(calls) FROM spent WHERE connection = ? AND quarter > ? GROUP BY purpose"
    return dict(transaction.rows(query, (connection, begin_at - QUARTER_MS)))


def held(transaction: Transaction) -> dict[str, list[HeldRow]]:
    """What was held back at the last sign of life, by connection."""
    found: dict[str, list[HeldRow]] = {}
    for name, *each in transaction.rows("SELECT connection, purpose, until, reason FROM held ORDER BY until, purpose"):
        found.setdefault(name, []).append(HeldRow(*each))
    return found


def readings(transaction: Transaction) -> dict[str, list[ReadingRow]]:
    """First readings that have not come to their end, by connection."""
    found: dict[str, list[ReadingRow]] = {}
    for each in reading.all_under_way(transaction):
        row = ReadingRow(each.stream, each.begin_at, each.at, each.read, each.remaining, each.rate, each.left_s)
        found.setdefault(each.connection, []).append(row)
    return found
