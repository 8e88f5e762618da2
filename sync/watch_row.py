"""What the store keeps for watches: whose each breach was, how many clocks were open when, which episodes were seen.

Owns the tables ``watched``, ``backlog`` and ``episode``. Refuses addresses: a group that is one is kept as its digest.
Invariant: the first two are a cache that an edited watch begins anew; an episode stands until its watch is gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from sla.figures.watch import Moment, Watch
from sync.store import Transaction

_DIGITS = 12


class Seen(NamedTuple):
    """An episode as stored. ``end_at`` None: the condition still held when it was last looked at."""

    key: str
    begin_at: int
    end_at: int | None


class Breached(NamedTuple):
    """A missed clock whose group is not known yet."""

    record: str
    target: str
    policy: str
    cycle: int
    at: int


def shown(key: str) -> str:
    """A group as it is kept and told of. Nothing of the ledger can be erased, so no address goes there."""
    if "@" not in key:
        return key
    return f"address {hashlib.sha256(key.casefold().encode()).hexdigest()[:_DIGITS]}"


def forget_others(transaction: Transaction, watches: Iterable[Watch]) -> None:
    """Removes what belongs to watches that are gone, or that look at something else now."""
    kept = list(watches)
    versions = msgspec.json.encode([watch.version for watch in kept]).decode()
    names = msgspec.json.encode([watch.name for watch in kept]).decode()
    for table in ("watched", "backlog"):
        transaction.run(
            f"DELETE FROM {table} WHERE watch NOT IN (SELECT value FROM json_each(?))",  # noqa: S608 - our words
            (versions,),
        )
    transaction.run("DELETE FROM episode WHERE watch NOT IN (SELECT value FROM json_each(?))", (names,))


# ---- breaches


def unknown_breaches(transaction: Transaction, watch: Watch, since: int, now: int, limit: int) -> list[Breached]:
    """Missed clocks of records that are acted on, breached in ``[since, now]``, whose group is not known."""
    rows = transaction.rows(
        "SELECT c.record, c.target, c.policy, c.cycle, c.breached_at FROM clock AS c"
        " JOIN record AS r ON r.record = c.record LEFT JOIN watched AS w ON w.watch = ?1 AND w.record = c.record"
        " AND w.target = c.target AND w.policy = c.policy AND w.cycle = c.cycle"
        " WHERE c.breached_at BETWEEN ?2 AND ?3 AND c.outcome = 'missed' AND w.watch IS NULL AND r.measured IS NULL"
        " AND (?4 IS NULL OR c.target = ?4) AND (?5 IS NULL OR r.kind = ?5) LIMIT ?6",
        (watch.version, since, now, watch.target, watch.applies_to, limit),
    )
    return [Breached(*row) for row in rows]


def note_breaches(transaction: Transaction, watch: Watch, rows: Iterable[tuple[Breached, str | None]]) -> None:
    """Keeps the group of each; None where it counts for none."""
    transaction.many(
        "INSERT INTO watched (watch, record, target, policy, cycle, at, key) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        [(watch.version, *breached, None if key is None else shown(key)) for breached, key in rows],
    )


def moments(transaction: Transaction, watch: Watch, since: int, least: int) -> dict[str, list[Moment]]:
    """The breaches since an instant by group, of groups that had ``least`` of them. What is older is forgotten."""
    transaction.run("DELETE FROM watched WHERE watch = ? AND at < ?", (watch.version, since))
    found: dict[str, list[Moment]] = {}
    for key, *moment in transaction.rows(
        "SELECT w.key, c.breached_at, c.record, c.target FROM watched AS w JOIN clock AS c ON c.record = w.record"
        " AND c.target = w.target AND c.policy = w.policy AND c.cycle = w.cycle"
        " WHERE w.watch = ?1 AND c.outcome = 'missed' AND c.breached_at >= ?2 AND w.key IN"
        " (SELECT key FROM watched WHERE watch = ?1 AND key IS NOT NULL GROUP BY key HAVING count(*) >= ?3)",
        (watch.version, since, least),
    ):
        found.setdefault(key, []).append(Moment(*moment))
    return found


# ---- backlogs


def open_clocks(transaction: Transaction, watch: Watch, left_out: Sequence[str]) -> list[tuple[str, str | None, int]]:
    """How many clocks are open: policy, owner, count. ``left_out`` are policies that do not count."""
    return [
        (policy, owner, count)
        for policy, owner, count in transaction.rows(
            "SELECT c.policy, r.owner, count(*) FROM clock AS c JOIN record AS r ON r.record = c.record"
            " WHERE c.state <> 'stopped' AND c.policy NOT IN (SELECT value FROM json_each(?1)) AND r.measured IS NULL"
            " AND (?2 IS NULL OR c.target = ?2) AND (?3 IS NULL OR r.kind = ?3) GROUP BY c.policy, r.owner",
            (msgspec.json.encode(list(left_out)).decode(), watch.target, watch.applies_to),
        )
    ]


def levels(transaction: Transaction, watch: Watch) -> dict[str, list[tuple[int, int]]]:
    """From when on how many were open, by group. The group ``""`` says since when that is known."""
    found: dict[str, list[tuple[int, int]]] = {}
    for key, at, count in transaction.rows(
        "SELECT key, at, open FROM backlog WHERE watch = ? ORDER BY key, at", (watch.version,)
    ):
        found.setdefault(key, []).append((at, count))
    return found


def note_levels(transaction: Transaction, watch: Watch, now: int, counts: Iterable[tuple[str, int]]) -> None:
    """Keeps that so many are open from ``now`` on."""
    transaction.many(
        "INSERT INTO backlog (watch, key, at, open) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (watch, key, at) DO UPDATE SET open = excluded.open",
        [(watch.version, key, now, count) for key, count in counts],
    )


def forget_levels(transaction: Transaction, watch: Watch, before: int) -> None:
    """Forgets what was overtaken by an instant."""
    transaction.run(
        "DELETE FROM backlog AS b WHERE watch = ?1 AND key <> '' AND at < ?2 AND EXISTS"
        " (SELECT 1 FROM backlog WHERE watch = ?1 AND key = b.key AND at > b.at AND at <= ?2)",
        (watch.version, before),
    )


# ---- episodes


def episodes(transaction: Transaction, watch: Watch, since: int) -> dict[str, list[Seen]]:
    """The episodes that had not ended by ``since``, by group and begin."""
    found: dict[str, list[Seen]] = {}
    for row in transaction.rows(
        "SELECT key, begin_at, end_at FROM episode WHERE watch = ? AND (end_at IS NULL OR end_at >= ?)"
        " ORDER BY key, begin_at",
        (watch.name, since),
    ):
        found.setdefault(row[0], []).append(Seen(*row))
    return found


def begin(transaction: Transaction, watch: Watch, seen: Seen, now: int, *, acted: bool) -> None:
    """Notes an episode that is seen for the first time."""
    transaction.run(
        "INSERT INTO episode (watch, key, begin_at, end_at, seen_at, acted) VALUES (?, ?, ?, ?, ?, ?)",
        (watch.name, *seen, now, int(acted)),
    )


def end(transaction: Transaction, watch: Watch, seen: Seen, end_at: int | None) -> None:
    """Notes when an episode ended; None when it has not, after all."""
    transaction.run(
        "UPDATE episode SET end_at = ? WHERE watch = ? AND key = ? AND begin_at = ?",
        (end_at, watch.name, seen.key, seen.begin_at),
    )
