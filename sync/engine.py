"""Judges records: timeline in, clocks, steps and effects out, in the transaction of whatever made it necessary.

Owns the gates before any effect, and who is judged together. Refuses the network and statements of its own.
Invariant: an effect is wished for only for a record that is acted on: live, configured, not older than
``enforce_from``, not imported.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from connectors.base import Observed
from sla.fold import evaluate_record
from sla.model import Event
from sync import clock_row, ledger, moving, timeline
from sync.adoption import Moved
from sync.budget import Budget
from sync.judgement import Judgement
from sync.ledger import Entry
from sync.policy_book import PolicyBook, Terms
from sync.portion import Portion
from sync.risk_history import RiskHistory
from sync.store import Transaction

IMPORT_SLACK_MS: Final = 3_600_000
"""How much older than our last look a record must be to count as brought in from elsewhere."""

IMPORT_BURST: Final = 25
"""From how many such records at once on they are an import."""

IMPORTING_MS: Final = 600_000
"""For how long after such a burst single ones still belong to it: its last page has a few only."""

IMPORTED: Final = "imported: older than our last look at the source when it appeared"
BROUGHT_IN: Final = "imported: one of many that an import brought in at once"
IMPORT: Final = "system:import"
"""Who makes a record by an import, where the CRM tells: its creation time may be the import's own."""

PUSHED_AWAY_MS: Final = 3_600_000
"""How long a record that cannot be judged rests before its clocks are tried again."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the engine knows of a connection. ``writable``: logical fields that are mapped, by record kind; a kind that
    is not named has those that the CRM shows."""

    enforce_from: int
    writable: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Arrival:
    """What came in for one record at ``seen`` (epoch ms); empty for a record that is only judged again."""

    seen: int
    events: list[Event] = field(default_factory=list)
    observed: Observed | None = None


class Failure(NamedTuple):
    """A record that could not be judged, and why."""

    record: str
    reason: str


class Engine:
    """The judge of one store."""

    def __init__(self, book: PolicyBook, rules: Mapping[str, Rules], *, live: bool) -> None:
        self.book = book
        self.rules = dict(rules)
        self._live = live
        self._risk = RiskHistory()
        self._importing: dict[str, int] = {}
        """By connection: until when new records can belong to an import."""

    def judge(self, transaction: Transaction, arrivals: Mapping[str, Arrival], now: int) -> list[Failure]:
        """Takes arrivals into the timelines of their records and judges these as of ``now``.

        A record that raises is left as it was and reported; the others go on. A record that another one was merged
        into is judged as well.
        """
        budget = Budget(transaction, now)
        self.book.refresh(transaction)
        failures: list[Failure] = []
        heard: set[str] = set()
        waiting = dict(arrivals)
        while waiting:
            heard.update(waiting)
            found, winners = self._hear(transaction, waiting, now, budget)
            failures += found
            waiting = {record: Arrival(now) for record in sorted(winners - heard)}
        ledger.append(transaction, budget.alerts(transaction))
        return failures

    def wake(self, transaction: Transaction, now: int, limit: int = 500) -> int:
        """Judges records of which something has become due, earliest first. Returns how many there were."""
        records = clock_row.due_records(transaction, now, limit)
        self.judge_again(transaction, records, now)
        moving.tell(transaction, now)
        return len(records)

    def judge_again(self, transaction: Transaction, records: Iterable[str], now: int) -> None:
        """Judges records of which nothing new came in. One that cannot be judged rests for an hour, with an alarm."""
        for failure in self.judge(transaction, {record: Arrival(now) for record in records}, now):
            clock_row.push_away(transaction, failure.record, now + PUSHED_AWAY_MS)
            body = {"alarm": "a record cannot be judged", "reason": failure.reason}
            ledger.append(transaction, [Entry(now, "alarm", failure.record, body)])

    def _hear(
        self, transaction: Transaction, arrivals: Mapping[str, Arrival], now: int, budget: Budget
    ) -> tuple[list[Failure], set[str]]:
        portion = Portion(transaction, list(arrivals))
        imported = self._imports(transaction, portion, arrivals, now)
        failures: list[Failure] = []
        winners: set[str] = set()
        with without_collections():
            for record, arrival in arrivals.items():
                mark = portion.mark()
                try:
                    winner = self._judge(transaction, portion, record, arrival, now, budget, imported.get(record))
                except Exception as error:  # noqa: BLE001 - see below
                    # Only pure code runs in there: what it raises is this record's fault or ours, not the storage's.
                    portion.reset(mark)
                    failures.append(Failure(record, f"{type(error).__name__}: {error}"))
                else:
                    winners.update(winner)
            portion.save(now)
        return failures, winners

    def _judge(
        self,
        transaction: Transaction,
        portion: Portion,
        record: str,
        arrival: Arrival,
        now: int,
        budget: Budget,
        imported: str | None,
    ) -> Iterable[str]:
        """Judges one record and returns the record it was merged into, if that is news."""
        old = portion.rows.get(record)
        known = portion.events.get(record, {})
        fresh = timeline.merge(known, arrival.events, arrival.seen)
        version = old.policy_version if old else self.book.in_force()
        moves = portion.moves.get(record, ())
        terms_of = partial(self._terms, transaction, version, now)
        terms = terms_of(moves)
        events, waits = list(known.values()), portion.waits.get(record, ())
        evaluation = evaluate_record(terms.policies, events, now, waits, terms.moves)
        if moves:
            moving.settle(portion, record, terms_of, events, waits, evaluation, now)
        state = evaluation.state
        stored = imported or (old.measured if old else None)
        rules = self.rules.get(record.partition(":")[0])
        measured = self._measured(rules, state.created_at, stored)
        judgement = Judgement(portion, record, evaluation, now, measured, arrival.observed)
        judgement.decide_steps(
            budget, terms.limits, lambda clock: self._risk.chance(transaction, now, clock, evaluation.state)
        )
        judgement.refresh_fields(rules.writable if rules else {})
        ahead = [turn.at for turn in (*events, *moves) if turn.at > now]
        first_seen_at = old.first_seen_at if old else arrival.seen
        judgement.note(version, first_seen_at, min(ahead, default=None), titled=terms.titled)
        portion.fresh += fresh
        news = state.into and (fresh or old is None or old.into_record != state.into)
        return [state.into] if state.into and news else []

    def _imports(
        self, transaction: Transaction, portion: Portion, arrivals: Mapping[str, Arrival], now: int
    ) -> dict[str, str]:
        """New records of this portion that came in as a burst of old ones, or by an import, with which of them."""
        if len(portion.rows) == len(arrivals):
            return {}
        looked = {name: at for name, at in transaction.rows("SELECT name, ok_at FROM connection") if at}
        found: dict[str, dict[str, str]] = {}
        for record, arrival in arrivals.items():
            connection = record.partition(":")[0]
            why = None if record in portion.rows else _brought(arrival, looked.get(connection, 0) - IMPORT_SLACK_MS)
            if why is not None:
                found.setdefault(connection, {})[record] = why
        for connection, records in found.items():
            if len(records) >= IMPORT_BURST:
                self._importing[connection] = now + IMPORTING_MS
        going = [records for connection, records in found.items() if self._importing.get(connection, 0) >= now]
        return {record: why for records in going for record, why in records.items()}

    def _terms(self, transaction: Transaction, version: str, now: int, moves: Sequence[Moved]) -> Terms:
        return self.book.terms(transaction, version, moves, now)

    def _measured(self, rules: Rules | None, created_at: int | None, stored: str | None) -> str | None:
        if not self._live:
            return "the daemon is in shadow mode"
        if stored in (IMPORTED, BROUGHT_IN):
            return stored
        if rules is None:
            return "its connection is not configured"
        if created_at is not None and created_at < rules.enforce_from:
            return "older than enforce_from"
        return None


@contextmanager
def without_collections() -> Iterator[None]:
    """For a portion of some hundred records: it makes many thousand small objects and no cycles, and the collector
    would walk all of them in vain, a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _brought(arrival: Arrival, horizon: int) -> str | None:
    """Why a new record can be part of an import: it is older than the ``horizon``, or an import made it."""
    for event in arrival.events:
        if event.event == "created" and event.at < horizon:
            return IMPORTED
        if event.event == "created" and event.actor == IMPORT:
            return BROUGHT_IN
    return None
