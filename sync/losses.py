"""What is configured in a connection, or was there before, and is not there for us any more.

Owns the settings ``losses:NAME`` and one alarm for each loss. Refuses to look for any: connectors tell what their
reading has met. Invariant: a loss is an alarm once for as long as it lasts, however often there was a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from sync import ledger
from sync.ledger import Entry
from sync.store import Transaction
from sync.view_shape import LossRow

if TYPE_CHECKING:
    from connectors.base import Finding

_PREFIX: Final = "losses:"
_decode = msgspec.json.Decoder(list[LossRow]).decode


def note(transaction: Transaction, connection: str, found: Sequence[Finding], now: int) -> None:
    """Stores what is missing as of ``now`` (epoch ms), with an alarm for what was not missing before."""
    rows = [LossRow(one.subject, one.message, one.fix) for one in found]
    known = by_connection(transaction).get(connection, [])
    if rows == known:
        return
    before = {(row.subject, row.reason) for row in known}
    news = [row for row in rows if (row.subject, row.reason) not in before]
    ledger.append(transaction, [Entry(now, "alarm", None, _alarm(connection, row)) for row in news])
    transaction.run(
        "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (f"{_PREFIX}{connection}", msgspec.json.encode(rows).decode()),
    )


def by_connection(transaction: Transaction) -> dict[str, list[LossRow]]:
    """What is missing now, by connection."""
    rows = transaction.rows("SELECT name, value FROM setting WHERE name GLOB ?", (f"{_PREFIX}*",))
    return {name.removeprefix(_PREFIX): _decode(value) for name, value in rows}


def _alarm(connection: str, row: LossRow) -> dict[str, str]:
    body = {"alarm": "something is no longer there for us", "connection": connection}
    body |= {"subject": row.subject, "reason": row.reason}
    return {**body, "fix": row.fix} if row.fix else body
