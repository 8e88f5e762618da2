"""All that is stored of a portion of records, read in a handful of queries, and all that will be written of them.

Owns the batching of reads and writes. Refuses to judge. Invariant: a record that fails half way leaves nothing here
(``mark`` and ``reset``), so one bad record never spoils the transaction of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sla.fold import Wait, waits_of
from sla.model import Event
from sync import adoption, clock_row, hold, ledger, outbox, record_row, timeline
from sync.adoption import Moved
from sync.clock_row import ClockChange, ClockName, StepName
from sync.effect import Effect
from sync.hold import Hold
from sync.ledger import Entry
from sync.record_row import RecordRow
from sync.store import Transaction


class Portion:
    """The stored side of some hundred records, inside one transaction."""

    def __init__(self, transaction: Transaction, records: Sequence[str]) -> None:
        self._transaction = transaction
        self.rows: Mapping[str, RecordRow] = record_row.load(transaction, records)
        known = [record for record in records if record in self.rows]
        self.events = timeline.load(transaction, known)
        self.clocks = clock_row.load(transaction, known)
        self.steps = clock_row.load_steps(transaction, known)
        self.holds = hold.load(transaction, known)
        self.letters = outbox.load_open(transaction, known)
        self.waits = self._waits(records)
        self.moves: Mapping[str, list[Moved]] = adoption.moves(transaction, known)
        self.fresh: list[Event] = []
        self.records: list[RecordRow] = []
        self.changes: list[ClockChange] = []
        self.gone: list[tuple[str, ClockName]] = []
        self.decided: list[tuple[str, StepName, int, str, str | None]] = []
        self.held: list[Hold] = []
        self.released: list[Hold] = []
        self.effects: list[tuple[str, str, Effect, str | None]] = []
        self.fields: list[tuple[str, str, str, int, str]] = []
        self.withdrawn: list[int] = []
        self.ended: list[tuple[str, ClockName]] = []
        """Clocks that ran until now: their tasks are done with."""
        self.renewed: list[tuple[int, dict[str, Any]]] = []
        self.entries: list[Entry] = []
        self.moved: list[tuple[str, int, frozenset[tuple[str, int]]]] = []
        self._lists: tuple[list[Any], ...] = (
            self.fresh, self.records, self.changes, self.gone, self.decided, self.effects, self.fields,
            self.withdrawn, self.renewed, self.ended, self.entries, self.moved, self.held, self.released,
        )  # fmt: skip

    def mark(self) -> list[int]:
        """How much there is to write so far."""
        return list(map(len, self._lists))

    def reset(self, mark: list[int]) -> None:
        """Forgets what was to be written since ``mark``."""
        for each, length in zip(self._lists, mark, strict=True):
            del each[length:]

    def save(self, now: int) -> None:
        """Writes everything, one statement for each kind of row."""
        transaction = self._transaction
        timeline.save(transaction, self.fresh)
        record_row.save(transaction, self.records)
        clock_row.drop(transaction, self.gone)
        clock_row.save(transaction, self.changes)
        clock_row.save_steps(transaction, self.decided)
        hold.release(transaction, self.released)
        hold.save(transaction, self.held)
        outbox.withdraw(transaction, self.withdrawn)
        outbox.renew_dead(transaction, self.renewed)
        outbox.add(transaction, self.effects, now)
        outbox.complete_tasks(transaction, self.ended, now)
        outbox.put_fields(transaction, self.fields, now)
        ledger.append(transaction, self.entries)
        adoption.judged(transaction, self.moved, now)

    def settle_step(self, record: str, clock: ClockName, step: tuple[str, int], now: int, reason: str) -> None:
        """Decides that nothing is done about a step, before anybody else decides about it."""
        self.decided.append((record, (*clock, *step), now, "measured", reason))
        self.steps.setdefault(record, {}).setdefault(clock, set()).add(step)

    # ---- what merged records bring along

    def _waits(self, records: Sequence[str]) -> dict[str, list[Wait]]:
        found: dict[str, list[Wait]] = {}
        merged = self._transaction.select_in(
            "SELECT into_record, record FROM record WHERE into_record IN ({})", records
        )
        for winner, loser in list(merged):
            found.setdefault(winner, []).extend(self._brought(winner, loser, frozenset({winner})))
        return found

    def _brought(self, winner: str, loser: str, seen: frozenset[str]) -> Iterable[Wait]:
        if loser in seen:
            return
        events = list(timeline.load(self._transaction, [loser]).get(loser, {}).values())
        for at in sorted({event.at for event in events if event.into == winner}):
            earlier = self._transaction.rows("SELECT record FROM record WHERE into_record = ?", (loser,))
            inherited = [wait for (name,) in earlier for wait in self._brought(loser, name, seen | {loser})]
            yield from waits_of(events, at, inherited)
