"""How far the first reading of a connection is.

Owns the table ``reading``. Refuses to read: that is the intake's, and where it goes on is the cursor's to say.
Invariant: a row moves in the transaction that keeps the page it counts, so that a kill makes it neither forget nor
count twice.
"""

from __future__ import annotations

from typing import NamedTuple

from sync.store import Transaction


class Reading(NamedTuple):
    """The first reading of one stream: since when, as of when (epoch ms), how many changes, and how many rows are left
    where the CRM tells."""

    connection: str
    stream: str
    begin_at: int
    at: int
    read: int = 0
    remaining: int | None = None
    done: bool = False

    @property
    def rate(self) -> float | None:
        """Changes a second; None before anything can be said."""
        passed = self.at - self.begin_at
        return self.read * 1_000 / passed if passed > 0 and self.read else None

    @property
    def left_s(self) -> float | None:
        """Seconds until the end at the rate so far; None where nobody knows."""
        rate = self.rate
        return None if rate is None or self.remaining is None else self.remaining / rate


def under_way(transaction: Transaction, connection: str) -> dict[str, Reading]:
    """The first readings of a connection that have not come to their end, by stream."""
    rows = transaction.rows(f"{_SELECT} WHERE connection = ? AND done = 0", (connection,))
    return {row[1]: _reading(row) for row in rows}


def all_under_way(transaction: Transaction) -> list[Reading]:
    """Those of every connection that has one, in the order in which they began."""
    return [
        _reading(row) for row in transaction.rows(f"{_SELECT} WHERE done = 0 ORDER BY begin_at, connection, stream")
    ]


def note(transaction: Transaction, reading: Reading) -> None:
    """Stores how far it is."""
    transaction.run(
        "INSERT INTO reading (connection, stream, begin_at, at, read, remaining, done) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (connection, stream) DO UPDATE SET begin_at = excluded.begin_at, at = excluded.at,"
        " read = excluded.read, remaining = excluded.remaining, done = excluded.done",
        reading,
    )


_SELECT = "SELECT connection, stream, begin_at, at, read, remaining, done FROM reading"


def _reading(row: tuple[object, ...]) -> Reading:
    found = Reading(*row)  # type: ignore[arg-type]
    return found._replace(done=bool(found.done))
