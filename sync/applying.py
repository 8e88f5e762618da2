"""A changed file of policies put in force, and the records that go over to it.

Owns the order: the version first, then the records in portions, each with its entry in the ledger. Refuses to judge: a
record that went over is judged at the daemon's next tick. Invariant: all records of one ``apply`` go over at one
instant, and one that was killed between two portions is finished by the next, at that same instant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from sync import adoption, ledger, record_row
from sync.adoption import Adoption
from sync.ledger import Entry
from sync.plan import AT_ONCE, concerned, open_records
from sync.policy_book import keep, sections, wake_edited
from sync.revision import Document
from sync.store import Reader, Store, Transaction


class Applied(NamedTuple):
    """What was done. ``before``: the version that was in force; ``edited``: clocks whose calendar was edited;
    ``records``: those that went over, in this run; ``resumed``: whether it had been cut short before."""

    version: str
    before: str | None
    scope: str
    at: int
    records: list[str]
    edited: int
    resumed: bool


class Order(NamedTuple):
    """Who applies what, to whom and why. ``records`` None means every open one."""

    version: str
    document: Document
    scope: str
    who: str
    reason: str | None = None
    records: Sequence[str] | None = None


def apply(database: Path, order: Order, now: int, progress: Callable[[int], None] = lambda _: None) -> Applied:
    """Puts a version in force at ``now`` (epoch ms) and lets the records of its scope go over. Raises StoreError.

    May run beside a daemon. One that was cut short has been finished before (see ``finish``).
    """
    store = Store.open(database, guest=True)
    try:
        begun, before, edited = store.write(lambda t: _begin(t, order, now))
        records = _finish(store, begun, now, progress)
    finally:
        store.close()
    return Applied(begun.version, before, begun.scope, begun.at, records, edited, resumed=False)


def finish(database: Path, now: int, progress: Callable[[int], None] = lambda _: None) -> Applied | None:
    """Lets the records go over that an ``apply`` left behind when it was cut short; None when none did."""
    store = Store.open(database, guest=True)
    try:
        begun = store.read(adoption.unfinished)
        if begun is None:
            return None
        records = _finish(store, begun, now, progress)
    finally:
        store.close()
    return Applied(begun.version, None, begun.scope, begun.at, records, 0, resumed=True)


def unjudged(database: Path, at: int) -> list[str]:
    """The records that the versions put in force, the last at ``at``, left to be judged again."""
    reader = Reader.open(database)
    try:
        return reader.read(lambda t: adoption.unjudged(t, at))
    finally:
        reader.close()


def _begin(transaction: Transaction, order: Order, now: int) -> tuple[Adoption, str | None, int]:
    before = adoption.last(transaction)
    at = now if before is None else max(now, before.at + 1)
    keep(transaction, order.version, sections(order.document), at)
    adoption.add(
        transaction, order.version, at, order.scope,
        who=order.who, reason=order.reason, records=order.records, done=order.scope == "new",
    )  # fmt: skip
    old = before.version if before else None
    edited = wake_edited(transaction, old, order.version, at) if old and old != order.version else 0
    body = {"version": order.version, "before": old, "scope": order.scope, "by": order.who, "reason": order.reason}
    ledger.append(transaction, [Entry(now, "adopt", None, {name: said for name, said in body.items() if said})])
    begun = adoption.last(transaction)
    assert begun is not None  # noqa: S101 - it was added just above
    return begun, old, edited


def _finish(store: Store, begun: Adoption, now: int, progress: Callable[[int], None]) -> list[str]:
    went: list[str] = []
    after = begun.after
    while begun.done_at is None:
        names, moved = store.write(lambda t, a=after: _portion(t, begun, a, now))  # type: ignore[misc]
        if not names:
            break
        went += moved
        after = names[-1]
        progress(len(names))
    return went


def _portion(transaction: Transaction, begun: Adoption, after: str, now: int) -> tuple[list[str], list[str]]:
    """Lets one portion go over; returns whom it looked at and who went."""
    if begun.records is None:
        names = open_records(transaction, after, AT_ONCE)
    else:
        names = [name for name in begun.records if name > after][:AT_ONCE]
    if not names:
        adoption.finish(transaction, begun.id, now)
        return [], []
    rows, moves = record_row.load(transaction, names), adoption.moves(transaction, names)
    moved = [
        name
        for name in names
        if name in rows and concerned(rows[name], moves.get(name, []), begun.version, begun.scope)
    ]
    adoption.move(transaction, moved, begun)
    adoption.advance(transaction, begun.id, names[-1], len(moved))
    ledger.append(
        transaction, [_entry(name, rows[name].policy_version, moves.get(name, []), begun, now) for name in moved]
    )
    return names, moved


def _entry(record: str, first: str, moves: Sequence[adoption.Moved], begun: Adoption, now: int) -> Entry:
    body = {
        "version": begun.version,
        "before": moves[-1].version if moves else first,
        "scope": begun.scope,
        "at": begun.at,
        "by": begun.who,
    }
    return Entry(now, "move", record, body | ({"reason": begun.reason} if begun.reason else {}))
