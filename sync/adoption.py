"""Which version of the policies has been in force since when, and which records went over to another one.

Owns the tables ``adoption`` and ``move``. Refuses to read a policy. Invariant: rows are only added; the version in
force is that of the last adoption, and a record lives by the version it was first seen under and its moves since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from sync.store import Transaction

SCOPES: Final = ("new", "unbreached", "all")
"""Whom a version concerns: records first seen from now on; open clocks that are not breached too; all open clocks."""

_RANK: Final = {scope: rank for rank, scope in enumerate(SCOPES)}


class Adoption(NamedTuple):
    """A version put in force at ``at`` (epoch ms). ``records``: those that go over, None for every one that is open;
    ``after``: the last of them that has; ``done_at`` None while some still wait."""

    id: int
    version: str
    at: int
    scope: str
    records: tuple[str, ...] | None
    reason: str | None
    who: str
    after: str
    moved: int
    done_at: int | None


class Moved(NamedTuple):
    """A record's move. ``judged_at`` None until the record was judged by it; ``overtaken``: the clocks, as target and
    cycle, that had used up their new time before they got it."""

    at: int
    version: str
    scope: str
    judged_at: int | None
    overtaken: frozenset[tuple[str, int]]

    def covers(self, version: str, scope: str) -> bool:
        """Whether a move to ``version`` under ``scope`` would change nothing after this one."""
        return self.version == version and _RANK[self.scope] >= _RANK[scope]


_COLUMNS: Final = "id, version, at, scope, records, reason, who, after, moved, done_at"


def timetable(transaction: Transaction) -> tuple[tuple[int, str], ...]:
    """Every (at, version), oldest first."""
    rows = transaction.rows("SELECT at, version FROM adoption ORDER BY id")
    return tuple((at, version) for at, version in rows)


def last(transaction: Transaction) -> Adoption | None:
    """The adoption whose version is in force; None before the first start."""
    return _adoption(transaction.one(f"SELECT {_COLUMNS} FROM adoption ORDER BY id DESC LIMIT 1"))  # noqa: S608


def unfinished(transaction: Transaction) -> Adoption | None:
    """The one that was cut short while records went over."""
    return _adoption(
        transaction.one(f"SELECT {_COLUMNS} FROM adoption WHERE done_at IS NULL ORDER BY id LIMIT 1")  # noqa: S608
    )


def _adoption(row: Sequence[Any] | None) -> Adoption | None:
    if row is None:
        return None
    only = None if row[4] is None else tuple(msgspec.json.decode(row[4]))
    return Adoption._make([*row[:4], only, *row[5:]])


def add(
    transaction: Transaction,
    version: str,
    at: int,
    scope: str,
    *,
    who: str,
    reason: str | None = None,
    records: Sequence[str] | None = None,
    done: bool,
) -> int:
    """Puts a version in force; ``done`` when no record goes over. Returns its id."""
    told = at if done else None
    transaction.run(
        "INSERT INTO adoption (version, at, scope, records, reason, who, done_at, told_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (version, at, scope, records and msgspec.json.encode(sorted(records)).decode(), reason, who, told, told),
    )
    row = transaction.one("SELECT max(id) FROM adoption")
    assert row is not None  # noqa: S101 - an aggregate has a row
    return int(row[0])


def advance(transaction: Transaction, adoption: int, after: str, moved: int) -> None:
    """Notes how far the records have gone over."""
    transaction.run("UPDATE adoption SET after = ?, moved = moved + ? WHERE id = ?", (after, moved, adoption))


def finish(transaction: Transaction, adoption: int, now: int) -> None:
    """Notes that no record waits any more."""
    transaction.run("UPDATE adoption SET done_at = ? WHERE id = ?", (now, adoption))


# ---- moves


def moves(transaction: Transaction, records: Sequence[str]) -> dict[str, list[Moved]]:
    """The moves of ``records`` that have any, oldest first."""
    found: dict[str, list[Moved]] = {}
    rows = transaction.select_in(
        "SELECT record, at, version, scope, judged_at, overtaken FROM move WHERE record IN ({}) ORDER BY record, at",
        records,
    )
    for record, at, version, scope, judged_at, overtaken in rows:
        clocks = msgspec.json.decode(overtaken) if overtaken else ()
        names = frozenset((target, cycle) for target, cycle in clocks)
        found.setdefault(record, []).append(Moved(at, version, scope, judged_at, names))
    return found


def move(transaction: Transaction, records: Sequence[str], adoption: Adoption) -> None:
    """Lets ``records`` go over, and has them judged again."""
    transaction.many(
        "INSERT INTO move (record, at, version, scope, adoption) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(record, adoption.at, adoption.version, adoption.scope, adoption.id) for record in records],
    )
    wake(transaction, records, adoption.at)


def wake(transaction: Transaction, records: Iterable[str], at: int) -> None:
    """Asks for ``records`` to be judged again at ``at`` or sooner."""
    transaction.many(
        "UPDATE record SET wake_at = min(coalesce(wake_at, ?1), ?1) WHERE record = ?2", [(at, name) for name in records]
    )


def judged(transaction: Transaction, rows: Iterable[tuple[str, int, Iterable[tuple[str, int]]]], now: int) -> None:
    """Notes as (record, at of the move, clocks that it overtook) that a record was judged by its move."""
    transaction.many(
        "UPDATE move SET judged_at = ?, overtaken = ? WHERE record = ? AND at = ?",
        [
            (now, msgspec.json.encode(clocks).decode() if clocks else None, record, at)
            for record, at, clocks in ((record, at, sorted(overtaken)) for record, at, overtaken in rows)
        ],
    )


def unjudged(transaction: Transaction, at: int) -> list[str]:
    """Records that went over and were not judged since, and those woken at ``at`` because a calendar was edited."""
    rows = transaction.rows(
        "SELECT record FROM move WHERE judged_at IS NULL UNION SELECT record FROM clock WHERE wake_at = ?", (at,)
    )
    return [record for (record,) in rows]


# ---- what came of it, told once

TELL_AT_LATEST_MS: Final = 3_600_000
"""A record that cannot be judged does not keep the others' digest for longer."""


def untold(transaction: Transaction, now: int) -> list[Adoption]:
    """Adoptions whose records have been judged and of which nobody has been told."""
    rows = transaction.rows(
        f"SELECT {_COLUMNS} FROM adoption AS a WHERE told_at IS NULL AND done_at IS NOT NULL AND (done_at <= ? OR"  # noqa: S608
        " NOT EXISTS (SELECT 1 FROM move WHERE adoption = a.id AND judged_at IS NULL)) ORDER BY id",
        (now - TELL_AT_LATEST_MS,),
    )
    return [found for row in rows if (found := _adoption(row)) is not None]


def overtaken(transaction: Transaction, adoption: int) -> dict[str | None, list[tuple[str, int]]]:
    """Owner to the records that are acted on, with the number of their clocks, that an adoption has overtaken."""
    found: dict[str | None, list[tuple[str, int]]] = {}
    rows = transaction.rows(
        "SELECT r.owner, m.record, m.overtaken FROM move AS m JOIN record AS r ON r.record = m.record"
        " WHERE m.adoption = ? AND m.overtaken IS NOT NULL AND r.measured IS NULL ORDER BY r.owner, m.record",
        (adoption,),
    )
    for owner, record, clocks in rows:
        found.setdefault(owner, []).append((record, len(msgspec.json.decode(clocks))))
    return found


def told(transaction: Transaction, adoption: int, now: int) -> None:
    """Notes that people have been told."""
    transaction.run("UPDATE adoption SET told_at = ? WHERE id = ?", (now, adoption))
