"""The row that the store keeps of a record, beside its timeline and clocks.

Owns the table ``record``. Refuses names, subjects and addresses that no policy uses. Invariant: everything here but
``first_seen_at``, ``policy_version``, ``written`` and an import's mark can be rebuilt from the timeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from sync.store import Transaction

if TYPE_CHECKING:
    from sla.record import RecordState


class RecordRow(NamedTuple):
    """One row; the JSON columns are kept as text so that an unchanged row is recognised without decoding it."""

    record: str
    connection: str
    kind: str
    first_seen_at: int
    created_at: int | None
    policy_version: str
    measured: str | None
    observed: str
    observed_at: int
    written: str
    title: str | None
    owner: str | None
    status: str | None
    state: str
    into_record: str | None
    wake_at: int | None


_SELECT: Final = (
    "SELECT record, connection, kind, first_seen_at, created_at, policy_version, measured, observed, observed_at,"
    " written, title, owner, status, state, into_record, wake_at FROM record WHERE record IN ({})"
)
_UPSERT: Final = (
    "INSERT INTO record (record, connection, kind, first_seen_at, created_at, policy_version, measured, observed,"
    " observed_at, written, title, owner, status, state, into_record, wake_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (record) DO UPDATE SET"
    " kind = excluded.kind, created_at = excluded.created_at, policy_version = excluded.policy_version,"
    " measured = excluded.measured, observed = excluded.observed, observed_at = excluded.observed_at,"
    " written = excluded.written, title = excluded.title, owner = excluded.owner, status = excluded.status,"
    " state = excluded.state, into_record = excluded.into_record, wake_at = excluded.wake_at"
)


def load(transaction: Transaction, records: Sequence[str]) -> dict[str, RecordRow]:
    """The rows of ``records`` that exist."""
    return {row[0]: RecordRow._make(row) for row in transaction.select_in(_SELECT, records)}


def save(transaction: Transaction, rows: Iterable[RecordRow]) -> None:
    """Inserts or replaces rows."""
    transaction.many(_UPSERT, rows)


def nearest(transaction: Transaction, named: str) -> str | None:
    """The stored record whose name, or whose end of it, is most like this one; None when none is."""
    head = named.rpartition(":")[0]
    rows = transaction.rows(
        "SELECT record FROM record WHERE substr(record, 1, ?) = ? ORDER BY record LIMIT 5000", (len(head), head)
    ) or transaction.rows("SELECT record FROM record ORDER BY record LIMIT 5000")
    parts = named.count(":") + 1
    by_end = {":".join(record.split(":", 2)[-parts:]): record for (record,) in rows}
    near = get_close_matches(named, by_end, 1)
    return by_end[near[0]] if near else None


def summary(state: RecordState) -> str:
    """What the guard, the console and a person need to know of a record's state, as JSON."""
    fields = state.fields
    return msgspec.json.encode(
        {
            "status": state.status,
            "raw_status": fields.get("raw_status"),
            "priority": fields.get("priority"),
            "owner": state.owner,
            "created_at": state.created_at,
            "last_answer_at": state.last_answer_at,
            "last_customer_at": state.last_customer_at,
            "deleted": state.deleted,
            "merged": state.merged,
            "into": state.into,
            "holders": state.holders,
        }
    ).decode()


def read_summary(row: RecordRow) -> dict[str, Any]:
    """What ``summary`` wrote."""
    found: dict[str, Any] = msgspec.json.decode(row.state)
    return found


def wrote(transaction: Transaction, record: str, values: Mapping[str, Any], at: int) -> None:
    """Notes that our fields of a record hold ``values`` in the CRM since ``at``, when we began to write them."""
    row = load(transaction, [record]).get(record)
    if row is None:
        return
    observed = {**msgspec.json.decode(row.observed), **values}
    written = {**msgspec.json.decode(row.written), **values}
    transaction.run(
        "UPDATE record SET observed = ?, written = ?, observed_at = max(observed_at, ?) WHERE record = ?",
        (msgspec.json.encode(observed).decode(), msgspec.json.encode(written).decode(), at, record),
    )
