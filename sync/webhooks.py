"""Calls to the addresses that steps name: signed, at least once, each by its own key.

Owns the action ``webhook``: the request, its signature, its retries. Refuses redirects and answers worth reading: only
the status counts. Invariant: a row says ``sending`` before its call is made, and a call that was cut short is made
again under the same key.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
from collections.abc import Mapping
from random import Random
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from connectors.errors import AuthFailed, ConnectorError, RetryLater
from connectors.http import Session, classify, exchange, open_session
from connectors.secret import Secret
from connectors.settings import Timeouts
from sync import ledger, outbox, record_row
from sync.clock import Clock
from sync.configuration_webhook import WebhookEntry
from sync.delivery import is_paused
from sync.guard import rule
from sync.ledger import Entry
from sync.link import back_off
from sync.outbox import Letter
from sync.store import Transaction
from sync.writer import Writes

log = logging.getLogger(__name__)

SIGNATURE: Final = "X-SLA-Signature"
"""``t=SECONDS,v1=HEX``: HMAC-SHA256 over ``SECONDS.BODY``."""
IDEMPOTENCY: Final = "Idempotency-Key"
TRIES: Final = 60
"""After so many a call is given up: about half a day, for one that fails every time."""
LONGEST_WAIT_S: Final = 900.0
_LARGEST_ANSWER: Final = 1024 * 1024
_encode: Final = msgspec.json.Encoder(order="sorted").encode


def sign(secret: Secret, body: bytes, now: int) -> str:
    """The signature header of a call made at ``now`` (epoch ms)."""
    at = str(now // 1_000)
    digest = hmac.new(secret.reveal().encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class _Address(NamedTuple):
    url: str
    secret: Secret
    session: Session


class Webhooks:
    """The caller of one store. One round at a time."""

    def __init__(self, writes: Writes, entries: Mapping[str, WebhookEntry], clock: Clock, rng: Random) -> None:
        self._writes = writes
        self._entries = entries
        self._clock = clock
        self._rng = rng
        self._known: dict[str, _Address] = {}
        self._rests: dict[str, tuple[int, int]] = {}
        """Until when nothing is sent to an address, and how often in a row it failed."""
        self._recovered = False
        self.stop = threading.Event()

    def deliver(self) -> int:
        """Makes the calls that may be made now. Returns how many were tried."""
        if not self._entries:
            return 0
        if not self._recovered:
            self._writes.write(outbox.recover_webhooks)
            self._recovered = True
        tried = 0
        resting: list[Letter] = []
        for letter in self._writes.write(self._claim):
            if self.stop.is_set():
                break
            if self._rests_until(letter) > self._clock.now():
                resting.append(letter)
                continue
            started = self._writes.write(lambda t, letter=letter: self._start(t, letter))  # type: ignore[misc]
            if started is not None:
                self._call(started)
                tried += 1
        if resting:
            self._writes.write(lambda t: self._postpone(t, resting))
        return tried

    def close(self) -> None:
        for address in self._known.values():
            address.session.close()

    def _claim(self, transaction: Transaction) -> list[Letter]:
        return [] if is_paused(transaction) else outbox.take_webhooks(transaction, self._clock.now())

    def clock_was_set(self, step_ms: int) -> None:
        """Somebody moved the wall clock: an address rests for as long as it did before."""
        self._rests = {name: (until + step_ms, failures) for name, (until, failures) in self._rests.items()}

    def _rests_until(self, letter: Letter) -> int:
        return self._rests.get(letter.body["webhook"], (0, 0))[0]

    def _postpone(self, transaction: Transaction, letters: list[Letter]) -> None:
        """What goes to an address that fails stands aside, so that it holds up no other."""
        for letter in letters:
            outbox.postpone(transaction, [letter], self._rests_until(letter), letter.reason or "the address rests")

    def _start(self, transaction: Transaction, letter: Letter) -> Letter | None:
        """T: what is still right is about to be sent; what is not is dropped with its reason."""
        now = self._clock.now()
        fresh = outbox.refresh(transaction, [letter])
        if not fresh:
            return None
        if "step" in letter.body.get("why", {}) and not letter.unknown:
            row = record_row.load(transaction, [letter.record]).get(letter.record)
            ruling = rule(transaction, letter, row)
            if ruling.verdict != "send":
                ledger.append(transaction, [outbox.finish(transaction, letter, "dropped", now, ruling.reason)])
                return None
        if letter.body["webhook"] not in self._entries:
            reason = f"there is no webhook {letter.body['webhook']!r}"
            ledger.append(transaction, [outbox.finish(transaction, letter, "dead", now, reason)])
            return None
        started = outbox.start(transaction, fresh)
        return started[0] if started else None

    # ---- one call

    def _call(self, letter: Letter) -> None:
        name = letter.body["webhook"]
        error: ConnectorError | None
        try:
            error = self._post(self._address(name), letter)
        except ConnectorError as failed:
            error = failed
        except ValueError as missing:  # the secret or the address cannot be had now
            error = AuthFailed(str(missing))
        self._writes.write(lambda t: self._receive(t, letter, error))

    def _address(self, name: str) -> _Address:
        """Raises ValueError when the secret or the address cannot be fetched."""
        if name not in self._known:
            entry = self._entries[name]
            url, secret = entry.url(), entry.secret()
            timeouts = Timeouts.model_construct(connect=5.0, read=entry.timeout_s, total=entry.timeout_s)
            self._known[name] = _Address(url, secret, _session(url, timeouts))
        return self._known[name]

    def _post(self, address: _Address, letter: Letter) -> ConnectorError | None:
        body = _encode({"id": letter.key, **letter.body["payload"]})
        headers = {
            "Content-Type": "application/json",
            IDEMPOTENCY: letter.key,
            SIGNATURE: sign(address.secret, body, self._clock.now()),
        }
        answer = exchange(
            address.session, "POST", address.url, write=True, data=body, headers=headers, allow_redirects=False
        )
        if 200 <= answer.status_code < 300:
            return None
        return classify(answer.status_code, b"", answer.headers, write=True)

    def _receive(self, transaction: Transaction, letter: Letter, error: ConnectorError | None) -> None:
        now, name = self._clock.now(), letter.body["webhook"]
        if error is None:
            self._rests.pop(name, None)
            ledger.append(transaction, [outbox.finish(transaction, letter, "done", now, None)])
            return
        passing = isinstance(error, RetryLater | AuthFailed)
        if not passing or letter.attempts + 1 >= TRIES:
            reason = error.reason if not passing else f"given up after {TRIES} tries: {error.reason}"
            dead = outbox.finish(transaction, letter, "dead", now, reason)
            alarm = {"alarm": "a webhook call failed", "webhook": name, "reason": reason}
            ledger.append(transaction, [dead, Entry(now, "alarm", letter.record, alarm)])
            return
        failures = self._rests.get(name, (0, 0))[1] + 1
        told = error.after if isinstance(error, RetryLater) and error.after is not None else 0.0
        wait_s = max(told, back_off(failures, self._rng, longest_s=LONGEST_WAIT_S))
        retry_at = now + int(wait_s * 1_000)
        self._rests[name] = (retry_at, failures)
        log.warning("webhook %s: %s; next try in %.0f s", name, error.reason, wait_s)
        unknown = isinstance(error, RetryLater) and error.unknown
        outbox.put_back(transaction, [letter], retry_at, error.reason, unknown=unknown)


def _session(url: str, timeouts: Timeouts) -> Session:
    """A session for one address; this machine may be called without TLS."""
    parts = urlsplit(url)
    override = f"{parts.scheme}://{parts.netloc}" if parts.scheme == "http" else None
    return open_session(timeouts, override=override, max_bytes=_LARGEST_ANSWER)
