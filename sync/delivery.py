"""The way out: effects from the outbox to the CRM, each once.

Owns the order read fresh, guard, note as sending, call, note the answer. Refuses to decide what should happen: that was
wished for by the engine. Invariant: no call that may take effect is made before its row says ``sending`` on disk, and
what is overwritten was read just before.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from connectors.allowance import Purpose
from connectors.base import OVERWROTE_EDIT, Receipt
from connectors.errors import AuthFailed, Conflict, ConnectorError, RateLimited, Rejected, RetryLater
from sla.model import Event, split_record
from sla.step import parse_reassign
from sync import desk, ledger, outbox, record_row, timeline
from sync.clock import Clock
from sync.desk import ROSTER_MS, Ask, Desk, Roster
from sync.effect import DESTRUCTIVE, OVERWRITING
from sync.engine import Engine
from sync.guard import rule
from sync.intake import Intake
from sync.lacking import Lacking
from sync.ledger import Entry
from sync.link import Link, back_off
from sync.outbox import Letter
from sync.quota import purpose_of
from sync.store import Transaction
from sync.writer import Writes

log = logging.getLogger(__name__)

WRITES_AN_HOUR: Final = 30
"""How often one record is written to in an hour before something must be answering our writes."""

CONFLICTS: Final = 5
NOBODY_FREE_MS: Final = 600_000
LONGEST_ROW_WAIT_S: Final = 900.0
HOUR_MS: Final = 3_600_000
REST_MS = 2_000
"""How long nothing is sent to a connection after something whose outcome is unknown."""
OURSELVES: Final = "system:sla-sidecar"
"""The actor of what we did ourselves, as it stands on timelines."""


class Delivery:
    """Delivers the outbox of one store."""

    def __init__(self, writes: Writes, engine: Engine, intake: Intake, desk: Desk, clock: Clock, rng: Random) -> None:
        self._writes = writes
        self._engine = engine
        self._intake = intake
        self._desk = desk
        self._clock = clock
        self._rng = rng
        self._rosters: dict[str, Roster] = {}
        self._rest_until: dict[str, int] = {}
        self._lacking = Lacking()
        self._settled: set[str] = set()
        """Connections of which no row can be half sent."""
        self.stop = threading.Event()
        """Set: finish the batch at hand and return."""

    def deliver(self, link: Link) -> int:
        """Sends what may be sent to one connection now. Returns how many rows were tried."""
        tried = 0
        alone = False
        if link.name not in self._settled:
            if self._writes.write(lambda t: self._recover(t, link.name)):
                self._rest(link)
            self._settled.add(link.name)
        if self._rest_until.get(link.name, 0) > self._clock.now():
            return 0
        while not self.stop.is_set() and link.may_be_sent_to(self._clock.now()):
            claimed = self._writes.write(lambda t: self._claim(t, link.name))
            ranks = {rank for rank in {letter.rank for letter in claimed} if self._may_send(link, rank)}
            batch = _batch([letter for letter in claimed if letter.rank in ranks], link, alone=alone)
            if not batch:
                break
            try:
                self._send(link, batch)
            except Rejected:
                alone = True  # a batch was refused as a whole: from here on each row is asked alone
            tried += len(batch)
        return tried

    def _may_send(self, link: Link, rank: int) -> bool:
        """Whether our allowance lets write-backs of this rank go now."""
        return link.is_open(self._clock.now(), purpose_of(rank))

    def _recover(self, transaction: Transaction, connection: str) -> bool:
        """Whether the outcome of something is unknown."""
        unsettled = outbox.unsettled(transaction, connection)
        self._engine.judge_again(transaction, outbox.recover(transaction, connection), self._clock.now())
        return unsettled

    def rests_for(self) -> float:
        """Seconds until every connection may be sent to again."""
        return max(0, max(self._rest_until.values(), default=0) - self._clock.now()) / 1_000

    def clock_was_set(self, step_ms: int) -> None:
        """Somebody moved the wall clock: a rest stays as long as it was."""
        self._rest_until = {name: until + step_ms for name, until in self._rest_until.items()}

    def _rest(self, link: Link) -> None:
        """A request that was cut short may still be on its way: what is looked up too soon is not there yet."""
        self._rest_until[link.name] = self._clock.now() + REST_MS

    def _claim(self, transaction: Transaction, connection: str) -> list[Letter]:
        if is_paused(transaction):
            return []
        return outbox.claim(transaction, connection, self._clock.now())

    # ---- one batch

    def _send(self, link: Link, batch: list[Letter]) -> None:
        """Raises Rejected only when a batch of several was refused as a whole."""
        try:
            batch = self._read_again(link, batch)
            roster = self._roster(link, batch) if batch and batch[0].action == "owner" else None
        except ConnectorError as error:
            self._not_prepared(link, batch, error)
            return
        started = self._writes.write(lambda t: self._start(t, link, batch, roster))
        if not started:
            return
        called_at = self._clock.now()
        self._settled.discard(link.name)
        self._call(link, started, called_at)
        self._settled.add(link.name)

    def _call(self, link: Link, started: Sequence[Letter], called_at: int) -> None:
        try:
            write_backs = [letter.write_back() for letter in started]
            receipts = link.call(lambda connector: connector.write(write_backs), _purpose(started))
        except ConnectorError as error:
            self._refused(link, started, error)
            return
        if link.worked():
            self._note(link, stopped=False)
        self._writes.write(lambda t: self._receive(t, link, started, receipts, called_at))
        touched = sorted({letter.record for letter in started if letter.action in OVERWRITING})
        if touched:
            self._look_again(link, touched, _purpose(started))

    def _read_again(self, link: Link, batch: list[Letter]) -> list[Letter]:
        """Before what cannot be taken back: the records as they are now. What the CRM hides is not touched."""
        if batch[0].action not in DESTRUCTIVE:
            return batch
        unseen = self._intake.fetch(link, sorted({letter.record for letter in batch}), purpose=_purpose(batch))
        hidden = [letter for letter in batch if letter.record in unseen]
        if hidden:
            reason = "the CRM refuses to show the record"
            receipts = [Receipt(key=letter.key, outcome="rejected", reason=reason) for letter in hidden]
            self._writes.write(lambda t: self._receive(t, link, hidden, receipts, self._clock.now()))
        return [letter for letter in batch if letter.record not in unseen]

    def _roster(self, link: Link, batch: Sequence[Letter]) -> Roster:
        """Who there is, asked for anew every now and then."""
        roster, now = self._rosters.get(link.name), self._clock.now()
        if roster is None or roster.at < now - ROSTER_MS:
            people = link.call(lambda connector: connector.people(), _purpose(batch))
            roster = self._rosters[link.name] = Roster(people, now)
        return roster

    def _start(
        self, transaction: Transaction, link: Link, batch: Sequence[Letter], roster: Roster | None
    ) -> list[Letter]:
        """T: what passes the guard is about to be sent; what does not is dropped with its reason."""
        now = self._clock.now()
        rows = record_row.load(transaction, [letter.record for letter in batch])
        writes = outbox.writes_since(transaction, [letter.record for letter in batch], now - HOUR_MS)
        going: list[Letter] = []
        entries: list[Entry] = []
        for letter in outbox.refresh(transaction, batch):
            if letter.action == "fields" and writes.get(letter.record, 0) >= WRITES_AN_HOUR:
                reason = f"written {WRITES_AN_HOUR} times within an hour: something answers our writes"
                entries.append(outbox.finish(transaction, letter, "dead", now, reason))
                entries.append(Entry(now, "alarm", letter.record, {"alarm": "too many writes", "reason": reason}))
                continue
            ready: Letter | None = letter
            if letter.action != "fields":
                row = rows.get(letter.record)
                ruling = rule(transaction, letter, row)
                if ruling.verdict != "send":
                    state = "done" if ruling.verdict == "done" else "dropped"
                    entries.append(outbox.finish(transaction, letter, state, now, ruling.reason))
                    if state == "dropped":
                        desk.forget(transaction, letter.key)
                    else:
                        self._took_effect(transaction, letter, now)
                    continue
                if letter.action == "owner" and roster is not None and row is not None:
                    ready = self._chosen(transaction, link, letter, row, roster, entries)
                elif letter.action == "complete" and (task := outbox.task_of(transaction, letter)):
                    ready = outbox.amend(transaction, letter, {**letter.body, "crm_id": task[1]})
            if ready is not None:
                going.append(ready)
        ledger.append(transaction, entries)
        return outbox.start(transaction, going)

    def _chosen(
        self,
        transaction: Transaction,
        link: Link,
        letter: Letter,
        row: record_row.RecordRow,
        roster: Roster,
        entries: list[Entry],
    ) -> Letter | None:
        """The letter with its new owner; None when nobody can be had now."""
        if letter.body.get("owner"):
            return letter
        now = self._clock.now()
        why, written = letter.body["why"], letter.body.get("wish") or letter.body["pool"]
        wish = parse_reassign(written)
        holders = record_row.read_summary(row)["holders"]
        ask = Ask(link.name, letter.record, row.owner, holders, why["started_at"], why["due_at"], now)
        if letter.body.get("touched") and self._desk.has_had(wish, roster, ask, why["instant"]):
            # A store that was lost, or restored from a backup, has forgotten that it passed this one on already.
            reason = f"{row.owner} has had it since, as {written} asks"
            entries.append(outbox.finish(transaction, letter, "done", now, reason))
            return None
        choice = self._desk.choose_for(transaction, roster, wish, ask)
        chosen = {**letter.body, **choice.told()}
        if choice.owner is None and choice.final:
            entries.append(outbox.finish(transaction, letter._replace(body=chosen), "dead", now, choice.reason))
            return None
        if choice.owner is None:
            outbox.put_back(transaction, [letter], now + NOBODY_FREE_MS, choice.reason, unknown=True)
            return None
        if choice.owner == row.owner:
            reason = f"{choice.owner} has it already"
            entries.append(outbox.finish(transaction, letter._replace(body=chosen), "done", now, reason))
            return None
        desk.remember(transaction, letter.key, written, choice, letter.record, now)
        return outbox.amend(transaction, letter, chosen)

    # ---- answers

    def _receive(
        self,
        transaction: Transaction,
        link: Link,
        started: Sequence[Letter],
        receipts: Sequence[Receipt],
        called_at: int,
    ) -> None:
        """T4: each row ends or waits, with what the CRM said."""
        now = self._clock.now()
        answers = {receipt.key: receipt for receipt in receipts}
        entries: list[Entry] = []
        again: set[str] = set()
        for letter in started:
            receipt = answers.get(letter.key) or Receipt(
                key=letter.key, outcome="retry", reason="the CRM did not answer for this one", unknown=True
            )
            if receipt.outcome == "done":
                reason = receipt.reason or (None if receipt.wrote else "it stood there already")
                entries.append(outbox.finish(transaction, letter, "done", now, reason, receipt.crm_id))
                if receipt.code == OVERWROTE_EDIT:
                    body = {"alarm": "an edit was overwritten", "reason": reason}
                    entries.append(Entry(now, "alarm", letter.record, body))
                self._took_effect(transaction, letter, called_at)
            else:
                entries += self._not_done(transaction, link, letter, receipt, now)
                if letter.action == "fields":
                    again.add(letter.record)
        ledger.append(transaction, entries)
        self._engine.judge_again(transaction, sorted(again), now)

    def _not_done(
        self, transaction: Transaction, link: Link, letter: Letter, receipt: Receipt, now: int
    ) -> list[Entry]:
        reason = receipt.reason or receipt.outcome
        if receipt.outcome == "rejected":
            desk.forget(transaction, letter.key)
            if receipt.code in link.connector.capabilities.unfit and letter.attempts + 1 < CONFLICTS:
                self._choose_anew(transaction, link, letter, now, reason)
                return []
            if receipt.code not in link.connector.capabilities.gone:
                return [outbox.finish(transaction, letter, "dead", now, reason)]
            if letter.action == "fields":  # as if it stood there: what is gone is not wished for again at once
                record_row.wrote(transaction, letter.record, letter.values, now)
            return [outbox.finish(transaction, letter, "dropped", now, reason)]
        if receipt.outcome == "conflict":
            if letter.attempts + 1 >= CONFLICTS:
                desk.forget(transaction, letter.key)
                return [outbox.finish(transaction, letter, "dropped", now, reason)]
            # It is read again and ruled on again before the next try; the guard drops it if it is no longer right.
            outbox.put_back(transaction, [letter], now, reason, unknown=False)
            return []
        wait_s = max(receipt.after or 0.0, back_off(letter.attempts + 1, self._rng, longest_s=LONGEST_ROW_WAIT_S))
        outbox.put_back(transaction, [letter], now + int(wait_s * 1_000), reason, unknown=receipt.unknown)
        return []

    def _choose_anew(self, transaction: Transaction, link: Link, letter: Letter, now: int, reason: str) -> None:
        """Who was chosen cannot have it, so the roster was out of date: whoever is right by a new one gets it."""
        self._rosters.pop(link.name, None)
        body = {name: value for name, value in letter.body.items() if name != "owner"}
        again_at = now + int(back_off(letter.attempts + 1, self._rng) * 1_000)
        outbox.put_back(transaction, [outbox.amend(transaction, letter, body)], again_at, reason, unknown=False)

    def _took_effect(self, transaction: Transaction, letter: Letter, called_at: int) -> None:
        if letter.action == "fields":
            record_row.wrote(transaction, letter.record, letter.values, called_at)
        elif letter.action in OVERWRITING:
            changed = {"owner": letter.body["owner"]} if letter.action == "owner" else letter.values
            outbox.expect(transaction, letter.record, changed)
            timeline.save(transaction, [_own(letter, changed, called_at)])

    def _look_again(self, link: Link, records: Sequence[str], purpose: Purpose) -> None:
        """Reads what was overwritten, so that the next judgement knows our own change from a person's."""
        try:
            self._intake.fetch(link, records, purpose=purpose)
        except ConnectorError as error:
            self._fail(link, error)

    # ---- failures of a whole call

    def _refused(self, link: Link, started: Sequence[Letter], error: ConnectorError) -> None:
        now = self._clock.now()
        if isinstance(error, Conflict):
            receipts = [Receipt(key=letter.key, outcome="conflict", reason=error.reason) for letter in started]
            self._writes.write(lambda t: self._receive(t, link, started, receipts, now))
            return
        if isinstance(error, Rejected):
            if len(started) > 1:
                self._writes.write(lambda t: self._wait(t, started, now, error.reason, unknown=False))
                raise error
            receipts = [Receipt(key=started[0].key, outcome="rejected", reason=error.reason)]
            self._writes.write(lambda t: self._receive(t, link, started, receipts, now))
            return
        if isinstance(error, AuthFailed) and error.narrow:
            self._writes.write(lambda t: self._not_permitted(t, link, started, error))
            return
        self._fail(link, error)
        unknown = isinstance(error, RetryLater) and not isinstance(error, RateLimited) and error.unknown
        if unknown:
            self._rest(link)
        retry_at = link.standing.retry_at or now
        self._writes.write(lambda t: self._wait(t, started, retry_at, error.reason, unknown=unknown))

    def _wait(
        self, transaction: Transaction, letters: Sequence[Letter], retry_at: int, reason: str, *, unknown: bool
    ) -> None:
        outbox.put_back(transaction, letters, retry_at, reason, unknown=unknown)
        fields = sorted({letter.record for letter in letters if letter.action == "fields"})
        now = self._clock.now()
        self._engine.judge_again(transaction, fields, now)

    def _not_permitted(
        self, transaction: Transaction, link: Link, started: Sequence[Letter], error: AuthFailed
    ) -> None:
        """The login may do all else: reading goes on, and somebody is told once."""
        now = self._clock.now()
        met = self._lacking.met(link.name, error.reason, now)
        if met.news:
            body = {"alarm": "a permission is missing", "connection": link.name, "reason": error.reason}
            body |= {"fix": error.fix} if error.fix else {}
            ledger.append(transaction, [Entry(now, "alarm", None, body)])
        self._wait(transaction, started, met.until, error.reason, unknown=False)

    def _not_prepared(self, link: Link, batch: Sequence[Letter], error: ConnectorError) -> None:
        """The record could not be read, so nothing is overwritten; nothing has been sent."""
        now = self._clock.now()
        if isinstance(error, Rejected):
            receipts = [Receipt(key=letter.key, outcome="rejected", reason=error.reason) for letter in batch]
            self._writes.write(lambda t: self._receive(t, link, batch, receipts, now))
            return
        self._fail(link, error)
        retry_at = link.standing.retry_at or now
        self._writes.write(lambda t: outbox.postpone(t, batch, retry_at, error.reason))

    def _fail(self, link: Link, error: ConnectorError) -> None:
        self._note(link, stopped=link.failed(error, self._clock.now()))
        if isinstance(error, AuthFailed):
            self._rosters.pop(link.name, None)

    def _note(self, link: Link, *, stopped: bool) -> None:
        link.store(self._writes, self._clock.now(), stopped=stopped)


def _purpose(letters: Sequence[Letter]) -> Purpose:
    """What a batch is for: what the most urgent of its letters is for."""
    return purpose_of(min(letter.rank for letter in letters))


def _own(letter: Letter, changed: Mapping[str, Any], at: int) -> Event:
    """Our own change as an event. A row that we wrote last does not say who changed what of it: with this beside it,
    nothing of ours is left in it to be taken for a person's work. CRMs' stamps have whole seconds, so it has, too."""
    own = f"own:{letter.key}"
    return Event(
        record=letter.record, at=at - at % 1_000, id=own, event="changed", actor=OURSELVES, set=dict(changed), seen=at
    )


def is_paused(transaction: Transaction) -> bool:
    """Whether somebody has stopped all write-backs; clocks go on."""
    row: tuple[Any, ...] | None = transaction.one("SELECT value FROM setting WHERE name = 'paused'")
    return row is not None and row[0] == "1"


def _batch(letters: Sequence[Letter], link: Link, *, alone: bool) -> list[Letter]:
    """The first letters of one action, one for each record, as many as the CRM takes at once."""
    if not letters:
        return []
    action, able = letters[0].action, link.connector.capabilities
    kind = None if able.mixed else split_record(letters[0].record)[1]
    most = 1 if alone else able.batch.get(action, 1)
    chosen: dict[str, Letter] = {}
    for letter in letters:
        fits = letter.action == action and kind in {None, split_record(letter.record)[1]}
        if fits and letter.record not in chosen:
            chosen[letter.record] = letter
            if len(chosen) == most:
                break
    return list(chosen.values())
