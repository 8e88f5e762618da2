"""Looking back over the store: every record evaluated once more, by what it was really promised.

Owns reading records for figures, in portions. Refuses to write and to count. Invariant: a record is evaluated by the
version of the policies it began under and by its moves since, as the daemon does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from sla.fold import Evaluation, evaluate_record
from sla.model import Event
from sla.policy import Policies
from sync.engine import without_collections
from sync.policy_book import PolicyBook
from sync.portion import Portion
from sync.store import Reader, Row, Transaction

PORTION: Final = 500


class Looked(NamedTuple):
    """One stored record: its clocks, its timeline, and the policies it began under."""

    evaluation: Evaluation
    events: Sequence[Event]
    policies: Policies


def retrospect(
    reader: Reader, now: int, records: Sequence[str] | None = None, book: PolicyBook | None = None
) -> Iterator[Looked]:
    """Every stored record, or only ``records``, as of ``now`` (epoch milliseconds), by name. Holds one portion of them
    in memory. ``book``: one that has read the policies before. Raises ``sync.store.StoreError`` for a version of the
    policies that this release cannot read."""
    book = book or PolicyBook()
    names: Sequence[str] = sorted(set(records or ()))
    portion = names[:PORTION] if records is not None else _next(reader, "")
    while portion:
        with without_collections():
            found = reader.read(lambda transaction: look(transaction, book, portion, now))  # noqa: B023 - called at once
        yield from found
        names = names[PORTION:]
        portion = names[:PORTION] if records is not None else _next(reader, portion[-1])


def decided_since(reader: Reader, targets: Sequence[str], since: int) -> list[str]:
    """The records with a clock of these targets that is open, or was due or done since an instant, by name."""
    rows = reader.read(
        lambda transaction: transaction.rows(
            "SELECT DISTINCT record FROM clock WHERE target IN (SELECT value FROM json_each(?1))"
            " AND (state <> 'stopped' OR due_at >= ?2 OR breached_at >= ?2 OR completed_at >= ?2) ORDER BY record",
            (msgspec.json.encode(list(targets)).decode(), since),
        )
    )
    return [record for (record,) in rows]


def decided_clocks(reader: Reader, target: str, since: int) -> list[Row]:
    """Policy, kind of record, outcome and when that was decided, of the stored clocks of a target decided since an
    instant; cancelled ones are left out."""
    return reader.read(
        lambda transaction: transaction.rows(
            "SELECT c.policy, r.kind, c.outcome, coalesce(c.breached_at, c.completed_at) AS decided_at FROM clock AS c"
            " JOIN record AS r ON r.record = c.record WHERE c.target = ? AND c.outcome <> 'cancelled'"
            " AND decided_at >= ?",
            (target, since),
        )
    )


def _next(reader: Reader, after: str) -> list[str]:
    rows = reader.read(
        lambda transaction: transaction.rows(
            "SELECT record FROM record WHERE record > ? ORDER BY record LIMIT ?", (after, PORTION)
        )
    )
    return [record for (record,) in rows]


def look(transaction: Transaction, book: PolicyBook, names: Sequence[str], now: int) -> list[Looked]:
    """Some stored records as of ``now``, in one transaction; one that is not known is left out."""
    book.refresh(transaction)
    portion = Portion(transaction, names)
    found = []
    for record in names:
        row, events = portion.rows.get(record), list(portion.events.get(record, {}).values())
        if row is None:
            continue
        terms = book.terms(transaction, row.policy_version, portion.moves.get(record, ()), now)
        evaluation = evaluate_record(terms.policies, events, now, portion.waits.get(record, ()), terms.moves)
        found.append(Looked(evaluation, events, terms.policies))
    return found
