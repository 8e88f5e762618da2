"""One connection at work: its connector, whose turn it is, and how it stands.

Owns the one-thread-at-a-time rule, the circuit and the waits between calls. Refuses to know what is called.
Invariant: no call is made before the instant the CRM named, and nothing but the five errors leaves ``call``.

Two kinds of refusal: what the CRM says stands for the whole connection; what our own allowance says stands for one
purpose, so that a reconciliation that has to wait never keeps a breach from being written.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple, TypeVar

from connectors.allowance import Purpose, is_held_back, spending
from connectors.base import Connector, Quota
from connectors.errors import ConnectorError, RateLimited, RetryLater
from sync import ledger
from sync.ledger import Entry
from sync.store import StoreError, Transaction
from sync.writer import Writes

T = TypeVar("T")
log = logging.getLogger(__name__)

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 300.0
BEHIND_MS: Final = 300_000
"""How long reading may fail before nothing is sent until it has caught up."""
STOPPED_WAIT_S: Final = 300.0
"""How long a stopped connection rests before its login is tried again; doubled each time, up to an hour."""

STARTED_WAIT_MS: Final = 60_000
"""How long after a start a connection is tried that was stopped before it."""


class Standing(NamedTuple):
    """``state``: ok, retrying, stopped. No call before ``retry_at`` (epoch ms). ``fix``: the next step for a person,
    where there is one."""

    state: str = "ok"
    reason: str | None = None
    retry_at: int | None = None
    fix: str | None = None


def back_off(tries: int, rng: Random, *, longest_s: float = LONGEST_WAIT_S) -> float:
    """Seconds to wait after ``tries`` failures in a row: doubling, capped, between half and all of that by chance."""
    full = min(longest_s, FIRST_WAIT_S * float(2 ** min(tries - 1, 20)))
    return full * rng.uniform(0.5, 1.0)


class Link:
    """A connection while the daemon runs."""

    def __init__(self, name: str, connector: Connector, rng: Random, standing: Standing | None = None) -> None:
        self.name = name
        self.connector = connector
        self.standing = standing or Standing()
        self._read_at: int | None = None
        self._is_behind = True
        self.was_asked = False
        """Whether reading has come to an end, good or bad, since the start."""
        self._rng = rng
        self._failures = 0
        self._refusals = 0
        self._turn = threading.RLock()
        self._unstored: bool | None = None
        """Whether an alarm goes with the standing that could not be stored; None when it was."""

    def is_open(self, now: int, purpose: Purpose | None = None) -> bool:
        """Whether a call may be made now, and for this purpose."""
        if self.standing.retry_at is not None and self.standing.retry_at > now:
            return False
        return purpose is None or self.connector.allowance.free_at(purpose) is None

    def may_be_sent_to(self, now: int) -> bool:
        """Whether what has been decided may take effect: not while something may have happened that nobody has read.
        Where our own allowance has nothing left for reading, what is urgent does not wait for it."""
        return self.is_open(now) and (not self._is_behind or self.connector.allowance.free_at("read") is not None)

    def was_read(self, at: int) -> None:
        """Notes that everything up to ``at`` has been read and judged."""
        self._read_at, self._is_behind, self.was_asked = at, False, True

    def was_not_read(self, now: int) -> None:
        """Notes that reading failed: after a while more may have happened than a poll ever leaves unread."""
        self.was_asked = True
        self._is_behind = self._is_behind or self._read_at is None or now - self._read_at > BEHIND_MS

    def call(self, asking: Callable[[Connector], T], purpose: Purpose = "read") -> T:
        """Runs one conversation with the CRM for a purpose; raises nothing but a ConnectorError."""
        with self._turn, spending(purpose):
            try:
                return asking(self.connector)
            except ConnectorError:
                raise
            except Exception as error:
                # A connector that breaks its contract stops nobody else. What it did is unknown, so it is looked up.
                log.exception("connection %s: the connector failed", self.name)
                raise RetryLater(f"the connector failed ({type(error).__name__})", unknown=True) from error

    def worked(self) -> bool:
        """Notes a call that was answered. True when that ends a bad time."""
        self._failures = self._refusals = 0
        ended = self.standing.state != "ok"
        self.standing, self._unstored = Standing(), None
        return ended

    def failed(self, error: ConnectorError, now: int) -> bool:
        """Notes a call that failed as a whole. True when the connection has stopped just now.

        It stays stopped until a call is answered: an outage of a day, with time-outs in between, is one.
        """
        if is_held_back(error):
            log.info("connection %s: %s", self.name, error.reason)
            return False
        was, refusal = self.standing, not isinstance(error, RetryLater)
        self._failures += 1
        self._refusals += refusal
        retry_at = now + int(self._wait_s(error) * 1_000) + 1
        if was.state == "stopped" and not refusal:
            self.standing = was._replace(retry_at=retry_at)
        else:
            self.standing = Standing("stopped" if refusal else "retrying", error.reason, retry_at, error.fix)
        log.warning("connection %s: %s; next try in %.0f s", self.name, error.reason, (retry_at - now) / 1_000)
        return refusal and was.state != "stopped"

    def clock_was_set(self, step_ms: int) -> None:
        """Somebody moved the wall clock: a wait stays as long as it was, whatever the hands say."""
        if self.standing.retry_at is not None:
            self.standing = self.standing._replace(retry_at=self.standing.retry_at + step_ms)
        if self._read_at is not None:
            self._read_at += step_ms

    def store(self, writes: Writes, now: int, *, stopped: bool = False) -> None:
        """Stores how it stands; ``stopped`` raises the alarm. Raises StoreError."""
        try:
            writes.write(lambda t: note(t, self, now, stopped=stopped))
        except StoreError:
            self._unstored = stopped or self._unstored or False
            raise
        self._unstored = None

    def store_again(self, writes: Writes, now: int) -> None:
        """What a full disk has kept from being stored and told. Raises StoreError."""
        if self._unstored is not None:
            self.store(writes, now, stopped=self._unstored)

    def _wait_s(self, error: ConnectorError) -> float:
        if isinstance(error, RateLimited):
            # Never earlier than told; a little later, so that everybody who was told the same does not come at once.
            return error.after + self._rng.uniform(0, min(5.0, 0.1 * error.after))
        if isinstance(error, RetryLater):
            return max(error.after or 0.0, back_off(self._failures, self._rng))
        if error.again_s is not None:
            return error.again_s
        return min(3_600.0, STOPPED_WAIT_S * float(2 ** min(self._refusals - 1, 10)))


def note(transaction: Transaction, link: Link, now: int, *, stopped: bool = False) -> None:
    """Stores how a connection stands; ``stopped`` raises the alarm."""
    standing = link.standing
    transaction.run(
        "UPDATE connection SET state = ?, reason = ?, retry_at = ?, fix = ? WHERE name = ?",
        (*standing, link.name),
    )
    if stopped:
        body = {"alarm": "connection stopped", "connection": link.name, "reason": standing.reason}
        if standing.fix:
            body["fix"] = standing.fix
        ledger.append(transaction, [Entry(now, "alarm", None, body)])


def move_waits(transaction: Transaction, step_ms: int) -> None:
    """Stores that the wall clock was set by ``step_ms``: connections and channels wait as long as they would have."""
    transaction.run("UPDATE connection SET retry_at = retry_at + ?", (step_ms,))
    transaction.run("UPDATE channel SET retry_at = retry_at + ?", (step_ms,))


def note_round(transaction: Transaction, link: Link, started_at: int, now: int, quota: list[Quota]) -> None:
    """Stores that everything up to ``started_at`` has been read and digested."""
    transaction.run(
        "UPDATE connection SET state = 'ok', reason = NULL, retry_at = NULL, fix = NULL, ok_at = ?, lag_s = ?"
        " WHERE name = ?",
        (started_at, (now - started_at) // 1_000, link.name),
    )
    transaction.many(
        "INSERT INTO quota (connection, window, used, max, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (connection, window) DO UPDATE SET used = excluded.used, max = excluded.max, at = excluded.at",
        [(link.name, each.window, each.used, each.limit, each.at) for each in quota],
    )


def register(transaction: Transaction, name: str, connector: str, enforce_from: int | None, now: int) -> int:
    """Notes a configured connection and returns from when on its records are acted on (epoch ms).

    Without ``enforce_from`` that is the second of the first start with this connection: CRMs' creation times have
    whole seconds, and what is created after the start must not look older than it.
    """
    transaction.run(
        "INSERT INTO connection (name, connector, enforce_from, state) VALUES (?, ?, ?, 'ok') ON CONFLICT (name)"
        " DO UPDATE SET connector = excluded.connector, enforce_from = coalesce(?, connection.enforce_from)",
        (name, connector, now - now % 1_000 if enforce_from is None else enforce_from, enforce_from),
    )
    row = transaction.one("SELECT enforce_from FROM connection WHERE name = ?", (name,))
    return now if row is None else row[0]


def standing_of(transaction: Transaction, name: str, now: int) -> Standing:
    """How a connection stood when it was last noted. One that was stopped is tried a little after the start: mostly
    somebody has mended it; a service that is started again and again never gets that far, and locks nobody out."""
    row = transaction.one("SELECT state, reason, retry_at, fix FROM connection WHERE name = ?", (name,))
    standing = Standing() if row is None else Standing(*row)
    if standing.state != "stopped" or standing.retry_at is None:
        return standing
    return standing._replace(retry_at=min(standing.retry_at, now + STARTED_WAIT_MS))
