"""What a changed file of policies would do to the records that are open, found out without doing it.

Owns the comparison of each clock before and after, under every scope. Refuses to write: it reads beside a running
daemon. Invariant: a clock that is not named here stands the same after ``apply`` at the same instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from sla.clock import Clock
from sla.fold import Evaluation, evaluate_record
from sla.model import DONE_STATUSES
from sla.policy import Policies
from sync import adoption, people
from sync.adoption import SCOPES, Moved
from sync.difference import Difference, differences
from sync.engine import without_collections
from sync.policy_book import PolicyBook, Terms, sections
from sync.portion import Portion
from sync.record_row import RecordRow
from sync.revision import Document
from sync.store import Reader, Transaction

AT_ONCE: Final = 500


class Side(msgspec.Struct, frozen=True):
    """How a clock stands. ``due_at`` is epoch ms, None while it is paused."""

    policy: str
    state: str
    outcome: str | None
    due_at: int | None
    within: int


class Change(msgspec.Struct, frozen=True):
    """A clock that would stand otherwise under ``scope``: None where there is no such clock."""

    scope: str
    record: str
    target: str
    cycle: int
    before: Side | None
    after: Side | None


class Plan(msgspec.Struct):
    """What ``apply`` would do. ``records``: how many are open; ``movable``: by scope, how many would go over;
    ``unfinished``: the version of an ``apply`` that was cut short."""

    at: int
    before: str | None
    after: str
    differences: list[Difference]
    records: int
    movable: dict[str, int]
    changes: list[Change]
    unfinished: str | None


def open_records(transaction: Transaction, after: str, limit: int) -> list[str]:
    """Records that may still promise something: not done, or with a clock that runs; by name, those after ``after``."""
    rows = transaction.rows(
        "SELECT record FROM record AS r WHERE record > ? AND (EXISTS (SELECT 1 FROM clock WHERE record = r.record AND"
        " state <> 'stopped') OR (into_record IS NULL AND coalesce(status, '') NOT IN"
        " (SELECT value FROM json_each(?)))) ORDER BY record LIMIT ?",
        (after, msgspec.json.encode(sorted(DONE_STATUSES)).decode(), limit),
    )
    return [record for (record,) in rows]


def open_count(transaction: Transaction) -> int:
    """How many records that rule finds at most, for a progress bar."""
    row = transaction.one("SELECT count(DISTINCT record) FROM clock WHERE state <> 'stopped'")
    return int(row[0]) if row else 0


def plan(
    reader: Reader,
    policies: Policies,
    document: Document,
    now: int,
    *,
    scopes: Sequence[str] = SCOPES,
    only: Sequence[str] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Plan:
    """What the policies of ``document``, put in force at ``now`` (epoch ms), would do. ``only``: these records alone.

    ``progress`` is told of every portion how many records it had. Raises StoreError.
    """
    rehearsal = _Rehearsal(policies, sections(document), scopes, now)
    found = reader.read(rehearsal.open)
    for names in _portions(reader, only):
        with without_collections():
            reader.read(lambda t, n=names: rehearsal.compare(t, n, found))  # type: ignore[misc]
        progress(len(names))
    return found


def _portions(reader: Reader, only: Sequence[str] | None) -> Iterator[list[str]]:
    if only is not None:
        names = sorted(only)
        yield from (names[i : i + AT_ONCE] for i in range(0, len(names), AT_ONCE))
        return
    last = ""
    while names := reader.read(lambda t, after=last: open_records(t, after, AT_ONCE)):  # type: ignore[misc]
        yield names
        last = names[-1]


class _Rehearsal:
    """Two books: the versions as they are, and as they would be."""

    def __init__(self, policies: Policies, document: Document, scopes: Sequence[str], now: int) -> None:
        self._version = policies.version
        self._document = document
        self._scopes = scopes
        self._now = now
        self._as_is, self._to_be = PolicyBook(), PolicyBook()

    def open(self, transaction: Transaction) -> Plan:
        """The plan as yet without changes."""
        self._as_is.refresh(transaction)
        timetable = self._as_is.timetable
        before = timetable[-1][1] if timetable else None
        if before != self._version:
            timetable = (*timetable, (max(self._now, timetable[-1][0] + 1 if timetable else 0), self._version))
        self._to_be.arrange(timetable, {self._version: self._document})
        self._to_be.know(people.ids(transaction))
        old = self._as_is.document(transaction, before) if before else None
        cut_short = adoption.unfinished(transaction)
        return Plan(
            at=self._now,
            before=before,
            after=self._version,
            differences=differences(old or {}, self._document),
            records=0,
            movable=dict.fromkeys(self._scopes, 0),
            changes=[],
            unfinished=cut_short.version if cut_short else None,
        )

    def compare(self, transaction: Transaction, names: Sequence[str], into: Plan) -> None:
        """Adds what would change on these records."""
        self._as_is.refresh(transaction)
        portion = Portion(transaction, names)
        for name in names:
            row = portion.rows.get(name)
            if row is not None:
                into.records += 1
                self._record(transaction, portion, row, into)

    def _record(self, transaction: Transaction, portion: Portion, row: RecordRow, into: Plan) -> None:
        moves = portion.moves.get(row.record, [])
        before = self._judged(portion, row, self._as_is.terms(transaction, row.policy_version, moves, self._now))
        for scope in self._scopes:
            went = moves
            if scope != "new" and concerned(row, moves, self._version, scope):
                went = [*moves, Moved(self._now, self._version, scope, None, frozenset())]
                into.movable[scope] += 1
            terms = self._to_be.terms(transaction, row.policy_version, went, self._now)
            into.changes += _changes(scope, row.record, before, self._judged(portion, row, terms))

    def _judged(self, portion: Portion, row: RecordRow, terms: Terms) -> Evaluation:
        events = list(portion.events.get(row.record, {}).values())
        return evaluate_record(terms.policies, events, self._now, portion.waits.get(row.record, ()), terms.moves)


def concerned(row: RecordRow, moves: Sequence[Moved], version: str, scope: str) -> bool:
    """Whether a record would go over to ``version`` under ``scope``, or lives by it already."""
    if not moves:
        return row.policy_version != version
    return not moves[-1].covers(version, scope)


_Key = tuple[str, int, bool]


def _changes(scope: str, record: str, before: Evaluation, after: Evaluation) -> Iterator[Change]:
    old, new = _sides(before.clocks), _sides(after.clocks)
    for key in sorted({*old, *new}):
        was, becomes = old.get(key), new.get(key)
        closed = was and becomes and was.state == becomes.state == "stopped" and was.outcome == becomes.outcome
        if was != becomes and not closed:
            yield Change(scope, record, key[0], key[1], was, becomes)


def _sides(clocks: Sequence[Clock]) -> dict[_Key, Side]:
    return {
        (clock.target, clock.cycle, clock.stage == "shadow"): Side(
            clock.policy, clock.state, clock.outcome, clock.due_ms, clock.within_ms
        )
        for clock in clocks
    }
