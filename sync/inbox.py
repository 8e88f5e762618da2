"""What came in and has not been understood yet.

Owns the table ``inbox`` and the cursors, and the two short transactions of the way in: T1 keeps a page with its cursor,
T2 turns a portion of kept changes into events and judgements. Refuses the network. Invariant: a cursor moves only
together with the changes before it, and a change is done only together with what it led to.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from connectors.base import Change, Hint, Normalised
from sync import ledger
from sync.engine import Arrival, Engine, without_collections
from sync.ledger import Entry
from sync.store import Transaction

log = logging.getLogger(__name__)

NEW, DONE, DEAD = 0, 1, 2
ATTEMPTS: Final = 5
PORTION: Final = 500
KEEP_PAYLOAD_MS: Final = 72 * 3_600_000
KEEP_ROW_MS: Final = 30 * 24 * 3_600_000
HINT: Final = "webhook"
"""The stream of verified webhooks. A row that names a ``record`` waits until that has been read again."""

HASHED: Final = b"sha256:"
"""How a payload begins of which only the hash is left."""

_INSERT: Final = (
    "INSERT INTO inbox (connection, stream, change_key, received_at, payload, state, record)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (connection, change_key) DO NOTHING"
)


_READY: Final = (
    "SELECT id, connection, stream, change_key, received_at, payload, attempts FROM inbox"
    " WHERE state = 0 AND record IS NULL AND "
)


class Understands(Protocol):
    """The pure half of a connector."""

    def normalise(self, change: Change) -> Normalised: ...


class Waiting(NamedTuple):
    """A record that webhooks named and that is to be read again; ``id`` is the newest of their rows."""

    id: int
    record: str


class Which(NamedTuple):
    """The kept changes that are to be understood: of one ``connection`` and of those that are not configured any more;
    received ``before`` an instant (epoch ms)."""

    connection: str | None = None
    before: int | None = None


class Portion(NamedTuple):
    """How far a portion went: the last row looked at (None: nothing was left), and how many were done and died."""

    last: int | None
    done: int = 0
    dead: int = 0


# ---- T1


def keep(transaction: Transaction, connection: str, changes: Sequence[Change], now: int) -> int:
    """Keeps raw changes; those kept before are passed over. Returns how many were new."""
    return transaction.many(
        _INSERT, [(connection, change.stream, change.key, now, change.payload, NEW, None) for change in changes]
    )


def keep_hints(transaction: Transaction, connection: str, hints: Iterable[Hint], now: int) -> int:
    """Keeps verified webhooks; those kept before are passed over. Returns how many were new."""
    return transaction.many(
        _INSERT, [(connection, HINT, hint.key, now, hint.payload, NEW, hint.record) for hint in hints]
    )


def cursors(transaction: Transaction, connection: str) -> dict[str, str]:
    """Where reading each stream goes on."""
    return dict(transaction.rows("SELECT stream, value FROM cursor WHERE connection = ?", (connection,)))


def move_cursor(transaction: Transaction, connection: str, stream: str, value: str, now: int) -> None:
    """Moves it, in the transaction that keeps what lies before it."""
    transaction.run(
        "INSERT INTO cursor (connection, stream, value, updated_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (connection, stream) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
        (connection, stream, value, now),
    )


# ---- hints


def waiting_hints(transaction: Transaction, connection: str) -> list[Waiting]:
    """Records that webhooks named and that have not been read again yet, the longest waiting first."""
    rows = transaction.rows(
        "SELECT max(id), record FROM inbox WHERE state = 0 AND record IS NOT NULL AND connection = ?"
        " GROUP BY record ORDER BY min(id)",
        (connection,),
    )
    return [Waiting(*row) for row in rows]


def settle_hints(
    transaction: Transaction, connection: str, hints: Iterable[Waiting], reason: str | None = None
) -> None:
    """The records have been read after all webhooks up to these came: what they tell themselves is next. With a
    ``reason``, they are dead."""
    transaction.many(
        "UPDATE inbox SET record = NULL, state = ?, reason = ?"
        " WHERE state = 0 AND connection = ? AND record = ? AND id <= ?",
        [(DEAD if reason else NEW, reason, connection, hint.record, hint.id) for hint in hints],
    )


# ---- T2


def digest(
    transaction: Transaction,
    engine: Engine,
    doors: Mapping[str, Understands],
    after: int,
    now: int,
    which: Which = Which(),  # noqa: B008  # frozen
) -> Portion:
    """Understands the kept changes after the row ``after`` and judges their records.

    A change that cannot be understood, or whose record cannot be judged, is tried on ``ATTEMPTS`` occasions and is
    then dead with the reason; it never stops the others.
    """
    query = (
        "id > ?1 AND (?2 IS NULL OR connection = ?2 OR connection NOT IN (SELECT value FROM json_each(?5)))"
        " AND (?3 IS NULL OR received_at < ?3) ORDER BY id LIMIT ?4"
    )
    known = msgspec.json.encode(list(doors)).decode()
    rows = transaction.rows(_READY + query, (after, which.connection, which.before, PORTION, known))
    if not rows:
        return Portion(None)
    with without_collections():
        return _digest(transaction, engine, doors, rows, now)


def digest_these(
    transaction: Transaction, engine: Engine, doors: Mapping[str, Understands], ids: Sequence[int], now: int
) -> int:
    """Understands these rows, whatever waits before them; returns how many were done."""
    done = 0
    for start in range(0, len(ids), PORTION):
        marks = ",".join("?" * len(ids[start : start + PORTION]))
        rows = transaction.rows(_READY + f"id IN ({marks}) ORDER BY id", ids[start : start + PORTION])
        with without_collections():
            done += _digest(transaction, engine, doors, rows, now).done if rows else 0
    return done


def rows_of(transaction: Transaction, connection: str, changes: Sequence[Change]) -> list[int]:
    """The rows of those of ``changes`` that have not been understood yet."""
    query = "SELECT id FROM inbox WHERE change_key IN ({}) AND connection = ? AND state = 0"
    return [row_id for (row_id,) in transaction.select_in(query, [change.key for change in changes], (connection,))]


def rows_of_hints(transaction: Transaction, connection: str, hints: Sequence[Waiting]) -> list[int]:
    """The rows that ``settle_hints`` would settle."""
    query = "SELECT id FROM inbox WHERE state = 0 AND connection = ? AND record = ? AND id <= ?"
    asked = [(connection, hint.record, hint.id) for hint in hints]
    return [row_id for given in asked for (row_id,) in transaction.rows(query, given)]


def _digest(
    transaction: Transaction,
    engine: Engine,
    doors: Mapping[str, Understands],
    rows: Sequence[tuple[Any, ...]],
    now: int,
) -> Portion:
    arrivals: dict[str, Arrival] = {}
    sources: dict[str, list[int]] = {}
    failed: dict[int, str] = {}
    for row_id, connection, stream, change_key, received_at, payload, _ in rows:
        try:
            meaning = _understand(doors, connection, Change(stream, change_key, payload))
        except Exception as error:  # noqa: BLE001 - pure code met a payload it cannot take: only this change is at fault
            failed[row_id] = f"{type(error).__name__}: {error}"
        else:
            for record in _sort(arrivals, meaning, received_at):
                sources.setdefault(record, []).append(row_id)
    for failure in engine.judge(transaction, arrivals, now):
        for row_id in sources.get(failure.record, ()):
            failed[row_id] = failure.reason
    return _settle(transaction, rows, failed, now)


def _understand(doors: Mapping[str, Understands], connection: str, change: Change) -> Normalised:
    door = doors.get(connection)
    if door is None:
        raise LookupError("its connection is not configured any more")
    if change.payload.startswith(HASHED):
        raise LookupError("its payload is no longer kept")
    try:
        return door.normalise(change)
    except Exception:
        if change.stream != HINT:
            raise
        # Most CRMs' webhooks only point at a record, which has been read: what they cannot tell is not missed.
        log.debug("connection %s: a webhook says no more than which record to read", connection)
        return Normalised([])


def _sort(arrivals: dict[str, Arrival], meaning: Normalised, received_at: int) -> set[str]:
    """Hands the parts of a change to their records and returns these."""
    records = {event.record for event in meaning.events}
    for event in meaning.events:
        arrival = arrivals.get(event.record)
        if arrival is None:
            arrival = arrivals[event.record] = Arrival(received_at)
        arrival.events.append(event)
    observed = meaning.observed
    if observed is not None:
        arrival = arrivals.setdefault(observed.record, Arrival(received_at))
        if arrival.observed is None or arrival.observed.at <= observed.at:
            arrival.observed = observed
        records.add(observed.record)
    return records


def _settle(transaction: Transaction, rows: Sequence[tuple[Any, ...]], failed: Mapping[int, str], now: int) -> Portion:
    transaction.many("UPDATE inbox SET state = 1 WHERE id = ?", [(row[0],) for row in rows if row[0] not in failed])
    attempts = {row[0]: row[6] + 1 for row in rows if row[0] in failed}
    transaction.many(
        "UPDATE inbox SET state = ?, attempts = ?, reason = ? WHERE id = ?",
        [(DEAD if tries >= ATTEMPTS else NEW, tries, failed[row_id], row_id) for row_id, tries in attempts.items()],
    )
    died = [row_id for row_id, tries in attempts.items() if tries >= ATTEMPTS]
    ledger.append(
        transaction, [Entry(now, "dead", None, {"inbox": row_id, "reason": failed[row_id]}) for row_id in died]
    )
    return Portion(rows[-1][0], len(rows) - len(failed), len(died))


# ---- later


def replay(transaction: Transaction, connection: str | None = None) -> int:
    """Makes every change whose payload is still kept new again, as after a mapping was mended."""
    return transaction.run(
        "UPDATE inbox SET state = 0, attempts = 0, reason = NULL WHERE state IN (1, 2)"
        " AND substr(payload, 1, 7) <> ? AND (? IS NULL OR connection = ?)",
        (HASHED, connection, connection),
    )


def forget(transaction: Transaction, now: int, limit: int = 2_000) -> int:
    """Replaces the payloads of old rows by their hashes and removes very old rows. Returns how many it touched."""
    # Rows arrive in the order of their ids, so both ends are found without a look at the middle.
    row = transaction.one("SELECT value FROM setting WHERE name = 'inbox_forgotten'")
    after = 0 if row is None else int(row[0])
    candidates = transaction.rows(
        "SELECT id, payload, received_at, state FROM inbox WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
    )
    old = list(takewhile(lambda found: found[2] < now - KEEP_PAYLOAD_MS and found[3] != NEW, candidates))
    hashed = [(HASHED + hashlib.sha256(payload).digest(), row_id) for row_id, payload, *_ in old]
    transaction.many("UPDATE inbox SET payload = ? WHERE id = ?", hashed)
    if old:
        transaction.run(
            "INSERT INTO setting (name, value) VALUES ('inbox_forgotten', ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (str(old[-1][0]),),
        )
    removed = transaction.run(
        "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox ORDER BY id LIMIT ?) AND received_at < ? AND state <> 0",
        (limit, now - KEEP_ROW_MS),
    )
    return len(old) + removed
