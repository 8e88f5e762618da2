"""Desired effects on their way to a CRM.

Owns the table ``outbox`` and the life of a row: waiting -> sending -> done, or waiting again, dropped, dead.
Refuses to call anybody. Invariant: a row is ``sending``, with its try counted as unknown, before the call that may
take effect; so whatever was cut short is looked up before it is tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from connectors.base import WriteBack
from sync import ledger
from sync.clock_row import ClockName
from sync.effect import REFRESH, Effect
from sync.key import completion_key
from sync.ledger import Entry
from sync.store import Row, Transaction

QUARANTINE_MS: Final = 24 * 3_600_000
"""For how long a refused action keeps the same action on the same record from being tried again."""

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.decode


class Letter(NamedTuple):
    """One row. ``attempts`` counts tries, ``unknown`` those whose outcome nobody knows."""

    id: int
    key: str
    record: str
    action: str
    rank: int
    body: dict[str, Any]
    state: str
    attempts: int
    unknown: int
    done_at: int | None
    reason: str | None

    @property
    def values(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body.get("values", {})
        return found

    def write_back(self) -> WriteBack:
        """The row as a connector takes it, ``attempts`` as before the try that is about to begin."""
        body = self.body
        expect = {name: body["expect"][name] for name in _COMPARED if name in body.get("expect", {})}
        return WriteBack(
            key=self.key,
            record=self.record,
            action=self.action,  # type: ignore[arg-type]
            values=self.values,
            subject=body.get("subject"),
            owner=body.get("owner"),
            due_at=body.get("due_at"),
            priority=body.get("priority"),
            expect=expect,
            attempts=max(self.unknown, 1 if body.get("late") else 0),
            since=body.get("since"),
            task=body.get("task"),
            crm_id=body.get("crm_id"),
        )


_SELECT: Final = (
    "SELECT id, key, record, action, rank, body, state, attempts, unknown, done_at, reason FROM outbox WHERE "
)
_OPEN_OR_DEAD: Final = _SELECT + "record IN ({}) AND state IN ('waiting', 'sending', 'dead') ORDER BY id"
_SENDABLE: Final = (
    _SELECT + "connection = ? AND done_at IS NULL AND action NOT IN ('notify', 'webhook') AND retry_at <= ?"
    " ORDER BY rank, id LIMIT ?"
)
_TASKS: Final = (
    "SELECT key, connection, record, body FROM outbox WHERE record IN ({}) AND action = 'task'"
    " AND (state IN ('sending', 'done') OR state = 'waiting' AND unknown > 0)"
)
_BY_ID: Final = _SELECT + "id IN ({}) AND done_at IS NULL"
_NOTICES: Final = _SELECT + "done_at IS NULL AND action = 'notify' AND retry_at <= ? ORDER BY id LIMIT ?"
_WEBHOOKS: Final = (
    _SELECT + "done_at IS NULL AND action = 'webhook' AND state = 'waiting' AND retry_at <= ? ORDER BY rank, id LIMIT ?"
)
_COMPARED: Final = ("owner", "status", "priority")
"""What of a record's expected state the CRM itself can compare."""


def _letter(row: Row) -> Letter:
    head, body, tail = row[:5], row[5], row[6:]
    return Letter._make((*head, _decode(body), *tail))


def load_open(transaction: Transaction, records: Sequence[str]) -> dict[str, list[Letter]]:
    """What is under way for ``records``, and what of theirs is dead."""
    found: dict[str, list[Letter]] = {}
    for row in transaction.select_in(_OPEN_OR_DEAD, records):
        found.setdefault(row[2], []).append(_letter(row))
    return found


def quarantine(letters: Iterable[Letter], action: str, now: int) -> Letter | None:
    """The dead row that keeps ``action`` from being tried on its record, if one does."""
    for letter in letters:
        if letter.state == "dead" and letter.action == action and (letter.done_at or 0) > now - QUARANTINE_MS:
            return letter
    return None


def add(transaction: Transaction, rows: Iterable[tuple[str, str, Effect, str | None]], now: int) -> None:
    """Adds effects as (connection, record, effect, reason to bury it at once). A known key is never added twice."""
    transaction.many(
        "INSERT INTO outbox (key, connection, record, action, rank, body, state, retry_at, created_at, done_at, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
        [
            (
                effect.key,
                connection,
                record,
                effect.action,
                effect.rank,
                _encode(effect.body).decode(),
                "dead" if buried else "waiting",
                now,
                now,
                now if buried else None,
                buried,
            )
            for connection, record, effect, buried in rows
        ],
    )


def put_fields(transaction: Transaction, rows: Iterable[tuple[str, str, str, int, str]], now: int) -> None:
    """Adds field refreshes as (key, connection, record, rank, body as JSON).

    A state of the fields that stood before and must stand again is the same row once more.
    """
    transaction.many(
        "INSERT INTO outbox (key, connection, record, action, rank, body, retry_at, created_at)"
        " VALUES (?, ?, ?, 'fields', ?, ?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET state = 'waiting', attempts = 0, unknown = 0, rank = excluded.rank,"
        " body = excluded.body, retry_at = excluded.retry_at, created_at = excluded.created_at, done_at = NULL,"
        " reason = NULL WHERE state IN ('done', 'dropped')",
        [(*row, now, now) for row in rows],
    )


def complete_tasks(transaction: Transaction, ended: Sequence[tuple[str, ClockName]], now: int) -> None:
    """Wishes that the tasks of clocks that have ended be marked as done in the CRM, each once. A task that was not sent
    yet is dropped at its own turn."""
    names = set(ended)
    tasks = transaction.select_in(_TASKS, sorted({record for record, _ in names})) if names else ()
    rows = []
    for key, connection, record, text in list(tasks):
        why = _decode(text).get("why", {})
        if (record, (why.get("target"), why.get("policy"), why.get("cycle"))) in names:
            body = {"task": key, "why": why}
            rows.append((connection, record, Effect(completion_key(key), "complete", REFRESH, now, body), None))
    add(transaction, rows, now)


def task_of(transaction: Transaction, letter: Letter) -> tuple[str, str | None] | None:
    """State and id in the CRM of the task that a ``complete`` speaks of; None when nothing is known of it."""
    row: tuple[str, str | None] | None = transaction.one(
        "SELECT state, crm_id FROM outbox WHERE key = ?", (letter.body["task"],)
    )
    return row


def withdraw(transaction: Transaction, ids: Iterable[int]) -> None:
    """Removes waiting rows that never began: other values, or none, have taken their place."""
    transaction.many("DELETE FROM outbox WHERE id = ? AND state = 'waiting'", [(row_id,) for row_id in ids])


def renew_dead(transaction: Transaction, rows: Iterable[tuple[int, dict[str, Any]]]) -> None:
    """Keeps a refused field refresh up to date, so that a later retry writes what is true then."""
    transaction.many(
        "UPDATE outbox SET body = ? WHERE id = ? AND state = 'dead'",
        [(_encode({"values": values}).decode(), row_id) for row_id, values in rows],
    )


def claim(transaction: Transaction, connection: str, now: int, limit: int = 1_000) -> list[Letter]:
    """What may be sent now, in the order of delivery.

    Of one record only the oldest of its steps' effects is eligible; fields, notices and webhooks go their own way. A
    task is completed after all that came before it, and holds up nothing.
    """
    letters = [_letter(row) for row in transaction.rows(_SENDABLE, (connection, now, limit))]
    first: dict[str, int] = dict(
        transaction.select_in(
            "SELECT record, min(id) FROM outbox WHERE record IN ({}) AND done_at IS NULL"
            " AND action NOT IN ('complete', 'fields', 'notify', 'webhook') GROUP BY record",
            sorted({letter.record for letter in letters if letter.action != "fields"}),
        )
    )

    def has_its_turn(letter: Letter) -> bool:
        if letter.action == "complete":
            return first.get(letter.record, letter.id) >= letter.id
        return letter.action == "fields" or first[letter.record] == letter.id

    return [letter for letter in letters if has_its_turn(letter)]


def start(transaction: Transaction, letters: Sequence[Letter]) -> list[Letter]:
    """Notes that these are about to be sent. Returns those still there: a row may have been withdrawn meanwhile."""
    started = []
    for letter in letters:
        # The body is compared: fields may have got newer values since they were claimed.
        if transaction.run(
            "UPDATE outbox SET state = 'sending', attempts = attempts + 1, unknown = unknown + 1"
            " WHERE id = ? AND done_at IS NULL AND key = ?",
            (letter.id, letter.key),
        ):
            started.append(letter)
    return started


def amend(transaction: Transaction, letter: Letter, body: Mapping[str, Any]) -> Letter:
    """The row with another body, such as the owner that has been chosen."""
    transaction.run("UPDATE outbox SET body = ? WHERE id = ?", (_encode(body).decode(), letter.id))
    return letter._replace(body=dict(body))


def refresh(transaction: Transaction, letters: Sequence[Letter]) -> list[Letter]:
    """The same rows as they stand now, without those that have ended or gone meanwhile."""
    now = {row[0]: _letter(row) for row in transaction.select_in(_BY_ID, [str(letter.id) for letter in letters])}
    return [now[letter.id] for letter in letters if letter.id in now]


def expect(transaction: Transaction, record: str, values: Mapping[str, Any]) -> None:
    """After a change of ours: what still waits for the record expects to find it."""
    letters = [_letter(row) for row in transaction.select_in(_OPEN_OR_DEAD, [record])]
    for letter in letters:
        expected = letter.body.get("expect")
        if expected:
            changed = {name: values.get(name, value) for name, value in expected.items()}
            amend(transaction, letter, {**letter.body, "expect": changed})


def postpone(transaction: Transaction, letters: Iterable[Letter], retry_at: int, reason: str) -> None:
    """Rows that were not begun wait until ``retry_at``."""
    transaction.many(
        "UPDATE outbox SET retry_at = ?, reason = ? WHERE id = ?", [(retry_at, reason, letter.id) for letter in letters]
    )


def move_waits(transaction: Transaction, step_ms: int, now: int) -> None:
    """The wall clock was set by ``step_ms`` and says ``now``: rows wait for as long as they would have."""
    transaction.run(
        "UPDATE outbox SET retry_at = retry_at + ? WHERE done_at IS NULL AND retry_at > ?", (step_ms, now - step_ms)
    )


def put_back(transaction: Transaction, letters: Iterable[Letter], retry_at: int, reason: str, *, unknown: bool) -> None:
    """Started rows wait again until ``retry_at``. ``unknown``: the try may have taken effect."""
    transaction.many(
        "UPDATE outbox SET state = 'waiting', retry_at = ?, reason = ?, unknown = max(0, unknown - ?) WHERE id = ?",
        [(retry_at, reason, 0 if unknown else 1, letter.id) for letter in letters],
    )


def finish(
    transaction: Transaction, letter: Letter, state: str, now: int, reason: str | None, crm_id: str | None = None
) -> Entry:
    """Ends a row as done, dropped or dead, and returns what the ledger should say of it."""
    transaction.run(
        "UPDATE outbox SET state = ?, done_at = ?, reason = ?, crm_id = coalesce(?, crm_id) WHERE id = ?",
        (state, now, reason, crm_id, letter.id),
    )
    what = {"done": "write", "dropped": "drop", "dead": "dead"}[state]
    body: dict[str, Any] = {"key": letter.key, "action": letter.action, "body": letter.body}
    if reason is not None:
        body["reason"] = reason
    if crm_id is not None:
        body["crm_id"] = crm_id
    return Entry(now, what, letter.record, body)


def unsettled(transaction: Transaction, connection: str) -> bool:
    """Whether something of a connection was begun whose outcome nobody knows."""
    return (
        transaction.one(
            "SELECT 1 FROM outbox WHERE connection = ? AND done_at IS NULL AND action <> 'webhook'"
            " AND (state = 'sending' OR unknown > 0)",
            (connection,),
        )
        is not None
    )


def recover(transaction: Transaction, connection: str) -> list[str]:
    """What was being sent when we were cut short waits again, its outcome unknown. Returns the records whose fields
    were on their way: they are to be judged again, since newer values may wait beside those."""
    rows = transaction.rows(
        "SELECT id, record, action FROM outbox WHERE connection = ? AND done_at IS NULL AND state = 'sending'"
        " AND action <> 'webhook'",
        (connection,),
    )
    transaction.many("UPDATE outbox SET state = 'waiting' WHERE id = ?", [(row_id,) for row_id, _, _ in rows])
    return sorted({record for _, record, action in rows if action == "fields"})


def recover_webhooks(transaction: Transaction) -> None:
    """Calls that were cut short are made again: at least once, by the same key."""
    transaction.run("UPDATE outbox SET state = 'waiting' WHERE action = 'webhook' AND state = 'sending'")


def take_webhooks(transaction: Transaction, now: int, limit: int = 200) -> list[Letter]:
    """Webhook calls that may be made now, the most urgent first."""
    return [_letter(row) for row in transaction.rows(_WEBHOOKS, (now, limit))]


def take_notices(transaction: Transaction, now: int, limit: int = 5_000) -> list[Letter]:
    """Every notice that waits, oldest first."""
    return [_letter(row) for row in transaction.rows(_NOTICES, (now, limit))]


def writes_since(transaction: Transaction, records: Sequence[str], since: int) -> dict[str, int]:
    """How often each of ``records`` was written to since an instant."""
    return dict(
        transaction.select_in(
            "SELECT record, count(*) FROM ledger WHERE record IN ({}) AND what = 'write' AND at > ? GROUP BY record",
            records,
            (since,),
        )
    )


def retry_dead(transaction: Transaction, ids: Sequence[int], now: int) -> int:
    """Lets dead rows be tried once more; a person asked for it."""
    entries = [Entry(now, "retry", None, {"outbox": row_id}) for row_id in ids]
    ledger.append(transaction, entries)
    return transaction.many(
        "UPDATE outbox SET state = 'waiting', retry_at = ?, done_at = NULL, attempts = 0"
        " WHERE id = ? AND state = 'dead'",
        [(now, row_id) for row_id in ids],
    )
