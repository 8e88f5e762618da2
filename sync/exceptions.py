"""Excuses and extensions: what a person says of a record's time, kept as events of its timeline.

Owns the orders ``excuse``, ``extend`` and ``withdraw``. Refuses one without who and why, and to touch a clock: the next
judgement of the record does. Invariant: an exception is never deleted; one that was withdrawn stays with who withdrew
it, and the fold is not told of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from sla.clock import Clock
from sla.fold import evaluate_record
from sla.instant import format_instant
from sla.model import Event
from sync import adoption, clock_row, ledger, record_row, timeline
from sync.ledger import Entry
from sync.policy_book import PolicyBook
from sync.portion import Portion
from sync.store import Store, Transaction

_T = TypeVar("_T")

AT_ONCE: Final = 500
_ORDERS: Final = {"excused": "excuse", "extended": "extend"}


class Refused(Exception):
    """An order that cannot be followed: one plain sentence, and what to do about it."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


class By(NamedTuple):
    """Who orders something, when (epoch ms) and why."""

    who: str
    at: int
    reason: str | None


def excuse(database: Path, record: str, since: int, until: int, by: By) -> str:
    """Does not hold ``[since, until)`` against the team; returns the exception's id. Raises Refused, StoreError."""
    _check_span(since, until)
    return _written(database, lambda t: _add(t, record, "excused", None, since, until, by))


def extend(database: Path, record: str, target: str, until: int, by: By) -> str:
    """Lets a target be due at ``until`` (epoch ms); returns the exception's id. Raises Refused, StoreError."""
    return _written(database, lambda t: _extend(t, record, target, until, by))


def withdraw(database: Path, record: str, exception: str, by: By) -> None:
    """Takes an exception back. Raises Refused, StoreError."""
    _written(database, lambda t: _withdraw(t, record, exception, by))


def excuse_calendar(
    database: Path, calendar: str, since: int, until: int, by: By, progress: Callable[[int], None] = lambda _: None
) -> tuple[str, list[str]]:
    """Excuses a closure declared after the fact, on every record of which a clock ran on ``calendar`` then.

    Returns the exception's id and the records. The same order twice, or again after a kill, is followed once.
    Raises Refused, StoreError.
    """
    _check_span(since, until)
    book = PolicyBook()
    found: list[str] = []
    store = Store.open(database, guest=True)
    try:
        _check_calendar(store.read(lambda t: _calendars(t, book)), calendar)
        name = store.read(lambda t: _name(t, calendar, since, until))
        for records in _ran(store, since, until):
            found += store.write(lambda t, r=records: _excuse_those(t, book, r, calendar, name, since, until, by))  # type: ignore[misc]
            progress(len(records))
    finally:
        store.close()
    return name, found


def withdraw_everywhere(database: Path, exception: str, by: By) -> list[str]:
    """Takes a calendar's excuse back on every record that has it. Raises Refused, StoreError."""

    def each(transaction: Transaction) -> list[str]:
        rows = transaction.rows(
            "SELECT record FROM event WHERE id = ? AND NOT EXISTS (SELECT 1 FROM withdrawal AS w"
            " WHERE w.record = event.record AND w.event = event.id) ORDER BY record",
            (exception,),
        )
        if not rows or not exception.startswith("closed-"):
            raise Refused(f"no record has an excuse of a calendar named {exception!r}")
        for (record,) in rows:
            _withdraw(transaction, record, exception, by)
        return [record for (record,) in rows]

    return _written(database, each)


# ---- one record


def _add(
    transaction: Transaction, record: str, what: str, target: str | None, since: int | None, until: int, by: By,
    name: str | None = None,
) -> str:  # fmt: skip
    _check_reason(by)
    _check_known(transaction, record)
    number = 1 + sum(found.event.event == what for found in timeline.ordered(transaction, record))
    event = Event(
        record=record, id=name or f"{what}-{number}", at=by.at, seen=by.at, event=what,
        target=target, from_at=since, until=until, reason=by.reason, by=by.who,
    )  # fmt: skip
    timeline.save(transaction, [event])
    adoption.wake(transaction, [record], by.at)
    body = {"id": event.id, "target": target, "from": since, "until": until, "by": by.who, "reason": by.reason}
    said = {key: value for key, value in body.items() if value is not None}
    ledger.append(transaction, [Entry(by.at, _ORDERS[what], record, said)])
    return event.id


def _extend(transaction: Transaction, record: str, target: str, until: int, by: By) -> str:
    _check_known(transaction, record)
    clocks = clock_row.load(transaction, [record]).get(record, {})
    known = sorted({name for name, _, _ in clocks})
    if target not in known:
        near = get_close_matches(target, known, 1)
        fix = f"did you mean {near[0]!r}?" if near else f"its targets are {', '.join(known) or 'none'}"
        raise Refused(f"{record} has no clock of the target {target!r}", fix)
    latest = max((name[2], row) for name, row in clocks.items() if name[0] == target)[1]
    if latest.due_at is not None and until <= latest.due_at:
        raise Refused(
            f"{format_instant(until)} extends nothing: {target} of {record} is due at {format_instant(latest.due_at)}",
            "name a later --until",
        )
    return _add(transaction, record, "extended", target, None, until, by)


def _withdraw(transaction: Transaction, record: str, exception: str, by: By) -> None:
    _check_known(transaction, record)
    there = [found.event.id for found in timeline.ordered(transaction, record)]
    if exception not in there:
        raise Refused(f"{record} has no exception {exception!r}", f"it has {', '.join(there) or 'none'}")
    if not timeline.withdraw(transaction, record, exception, by.at, by.who, by.reason):
        raise Refused(f"the exception {exception!r} of {record} was withdrawn before")
    adoption.wake(transaction, [record], by.at)
    body = {"id": exception, "by": by.who, "reason": by.reason}
    ledger.append(transaction, [Entry(by.at, "withdraw", record, {k: v for k, v in body.items() if v})])


def _written(database: Path, change: Callable[[Transaction], _T]) -> _T:
    store = Store.open(database, guest=True)
    try:
        return store.write(change)
    finally:
        store.close()


def _check_span(since: int, until: int) -> None:
    if until <= since:
        raise Refused(
            f"the excuse ends at {format_instant(until)}, before it begins at {format_instant(since)}",
            "--until comes after --from",
        )


def _check_reason(by: By) -> None:
    if not (by.reason and by.reason.strip()):
        raise Refused("an exception needs a reason: who reads the figures will ask for it", "give it with --reason")


def _check_known(transaction: Transaction, record: str) -> None:
    if record_row.load(transaction, [record]):
        return
    near = record_row.nearest(transaction, record)
    raise Refused(f"the store knows no record {record!r}", f"did you mean {near}?" if near else None)


# ---- all records of a calendar


def _calendars(transaction: Transaction, book: PolicyBook) -> list[str]:
    book.refresh(transaction)
    names = {name for _, version in book.timetable for name in (book.document(transaction, version) or {})["calendars"]}
    return sorted(names)


def _check_calendar(known: Sequence[str], calendar: str) -> None:
    if calendar not in known:
        near = get_close_matches(calendar, known, 1)
        fix = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
        raise Refused(f"no policy in force has had a calendar {calendar!r}", fix)


def _name(transaction: Transaction, calendar: str, since: int, until: int) -> str:
    """The same for the same order, so that it can be followed on; another one once it was withdrawn."""
    name = "closed-" + hashlib.sha256(f"{calendar}\n{since}\n{until}".encode()).hexdigest()[:8]
    row = transaction.one(
        "SELECT count(DISTINCT event) FROM withdrawal WHERE substr(event, 1, ?) = ?", (len(name), name)
    )
    return f"{name}-{row[0] + 1}" if row and row[0] else name


def _ran(store: Store, since: int, until: int) -> Iterator[list[str]]:
    """Records of which a clock may have run in the span, in portions."""
    last = ""
    while True:
        rows = store.read(
            lambda t, after=last: t.rows(  # type: ignore[misc]
                "SELECT DISTINCT record FROM clock WHERE record > ? AND started_at < ?"
                " AND (state <> 'stopped' OR completed_at IS NULL OR completed_at > ?) ORDER BY record LIMIT ?",
                (after, until, since, AT_ONCE),
            )
        )
        if not rows:
            return
        yield [record for (record,) in rows]
        last = rows[-1][0]


def _excuse_those(
    transaction: Transaction, book: PolicyBook, records: Sequence[str], calendar: str, name: str,
    since: int, until: int, by: By,
) -> list[str]:  # fmt: skip
    portion = Portion(transaction, records)
    found = []
    for record, row in portion.rows.items():
        events = portion.events.get(record, {})
        had = {each.event.id for each in timeline.ordered(transaction, record)}
        terms = book.terms(transaction, row.policy_version, portion.moves.get(record, ()), by.at)
        waits = portion.waits.get(record, ())
        clocks = evaluate_record(terms.policies, list(events.values()), by.at, waits, terms.moves).clocks
        if name not in had and any(_worked(clock, calendar, since, until) for clock in clocks):
            _add(transaction, record, "excused", None, since, until, by, name)
            found.append(record)
    return found


def _worked(clock: Clock, calendar: str, since: int, until: int) -> bool:
    """Whether the clock counted working time of this calendar in the span."""
    return any(
        leg.calendar.name == calendar and leg.calendar.elapsed_ms(max(leg.start, since), min(leg.end, until)) > 0
        for leg in clock.run.legs_until(clock.now_ms)
        if max(leg.start, since) < min(leg.end, until)
    )
