"""What a move to another version of the policies does not do: no step fires because of it.

Owns the judgement of a record that went over. Refuses to speak to people: the digest of an adoption does, once.
Invariant: a step that would have been reached without the move is decided as ever; one that only the move made
reached is measured, and so is every step of a clock that had used up its new time before it got it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sla.clock import Clock
from sla.fold import Evaluation, Wait, evaluate_record
from sla.model import Event
from sync import adoption, ledger
from sync.adoption import Moved
from sync.ledger import Entry
from sync.policy_book import Terms
from sync.portion import Portion
from sync.store import Transaction

MOVED: Final = "moved to another version"
OVERTAKEN: Final = "its new time was used up when it was moved to another version"


def settle(
    portion: Portion,
    record: str,
    terms_of: Callable[[Sequence[Moved]], Terms],
    events: Sequence[Event],
    waits: Iterable[Wait],
    after: Evaluation,
    now: int,
) -> None:
    """Decides the steps of ``record`` that are owed to its moves, and notes the moves as judged. ``terms_of``: by what
    it is judged with some of them; ``after`` is the evaluation with all of them."""
    moves = portion.moves.get(record, [])
    overtaken = {clock for move in moves for clock in move.overtaken}
    fresh = [i for i, move in enumerate(moves) if move.judged_at is None and move.at <= now]
    if fresh:
        at = moves[fresh[-1]].at
        before, moved = (
            evaluate_record(terms.policies, events, at, waits, terms.moves)
            for terms in map(terms_of, (moves[: fresh[0]], moves))
        )
        _settle_reached(portion, record, before, after, at, now)
        found = frozenset(_name(clock) for clock in moved.clocks if _used_up(clock))
        found -= {_name(clock) for clock in before.clocks if clock.breached_ms is not None}
        portion.moved += [(record, moves[i].at, found if i == fresh[-1] else frozenset()) for i in fresh]
        overtaken |= found
    for clock in after.clocks if overtaken else ():
        if _name(clock) in overtaken:
            _settle(portion, clock, [(s.at, s.arm) for s in clock.steps if s.reached], now, OVERTAKEN)


def _settle_reached(portion: Portion, record: str, before: Evaluation, after: Evaluation, at: int, now: int) -> None:
    had = {(clock.target, clock.cycle, step.at) for clock in before.clocks for step in clock.steps if step.reached}
    decided = {
        (target, cycle, *step) for (target, _, cycle), steps in portion.steps.get(record, {}).items() for step in steps
    }
    for clock in after.clocks:
        name = clock.target, clock.cycle
        owed = [
            (step.at, step.arm)
            for step in clock.steps
            if step.reached and step.instant_ms is not None and step.instant_ms <= at
            # What was decided under another policy's name has happened; what was reached anyway is not the move's.
            and ((*name, step.at) not in had or (*name, step.at, step.arm) in decided)
        ]  # fmt: skip
        _settle(portion, clock, owed, now, MOVED)


def _settle(portion: Portion, clock: Clock, steps: Iterable[tuple[str, int]], now: int, reason: str) -> None:
    name = clock.target, clock.policy, clock.cycle
    known = portion.steps.get(clock.record, {}).get(name, ())
    for step in steps:
        if step not in known:
            portion.settle_step(clock.record, name, step, now, reason)


def _name(clock: Clock) -> tuple[str, int]:
    return clock.target, clock.cycle


def _used_up(clock: Clock) -> bool:
    """Whether nothing but the floor keeps an open clock from being overdue."""
    return clock.state != "stopped" and clock.stage != "shadow" and clock.elapsed_ms >= clock.within_ms


def tell(transaction: Transaction, now: int) -> None:
    """Puts one notice for each owner into the ledger about the clocks that an adoption has overtaken."""
    for found in adoption.untold(transaction, now):
        notices = [
            Entry(now, "notice", None, _digest(owner, late, found.version))
            for owner, late in adoption.overtaken(transaction, found.id).items()
        ]
        ledger.append(transaction, notices)
        adoption.told(transaction, found.id, now)


def _digest(owner: str | None, late: Sequence[tuple[str, int]], version: str) -> dict[str, object]:
    count = sum(clocks for _, clocks in late)
    had = "1 clock" if count == 1 else f"{count} clocks"
    return {
        "to": "owner",
        "owner": owner,
        "digest": count,
        "records": [record for record, _ in late],
        "text": f"{had} had used up the new time on moving to version {version} of the policies",
    }
