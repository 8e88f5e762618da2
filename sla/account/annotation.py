"""What each event counted as: its signals in words, what it did to which clock, and why it was no answer.

Owns the margin of the timeline. Refuses to decide: what an event did is read from the intervals of the clocks.
Invariant: every start, pause, resumption and end of a clock that lies at an event's instant is told at one event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from sla import signal
from sla.account.interval import CUSTOMER, DELETED, HOLD, PAUSED, RESOLVED, Interval
from sla.account.moment import Moment, Moments
from sla.answer import WHY_NOT_OPTED
from sla.clock import Clock
from sla.record import RecordState
from sla.timeline import event_to_line

WORDS: Final = {
    signal.CREATED: "created",
    signal.ASKED: "somebody began to wait",
    signal.CUSTOMER: "customer message",
    signal.REPLY: "answer",
    signal.CALL_ATTEMPT: "call attempt",
    signal.SEQUENCE_EMAIL: "sequence or automatic e-mail",
    signal.STATUS_CHANGE: "moved out of new by a person",
    signal.SOLVE: "resolved by a person",
    signal.RESOLVED: "resolved",
    signal.REOPENED: "reopened",
    signal.OWNED: "a person became the owner",
    signal.OWNER_CHANGED: "the owner changed",
    signal.PENDING: "the wait for the customer began",
    signal.UNPENDING: "the wait for the customer ended",
    signal.DELETED: "deleted",
    signal.RESTORED: "restored",
    signal.MERGED: "merged",
    signal.DISQUALIFIED: "disqualified",
    signal.MOVED: "converted by automation",
    signal.EXCUSED: "a span was excused",
    signal.EXTENDED: "due was extended",
}
"""Signals in words, in the order in which they are told."""

RETERMED: Final = "changed the terms of"

_PAUSED: Final = frozenset({CUSTOMER, HOLD, PAUSED})
_STATE: Final = signal.FIELDS | signal.PENDING | signal.UNPENDING
_CANCELLED_BY: Final = {
    "merged": signal.MERGED,
    "disqualified": signal.DISQUALIFIED,
    "deleted": signal.DELETED,
    "converted": signal.MOVED,
}
"""The signal that ends a clock without an answer, by the reason that it gives; other reasons are changes of fields."""

_RETERMED_BY: Final = {"terms": (RETERMED, signal.FIELDS), "extended": ("extended", signal.EXTENDED)}


class Deed(NamedTuple):
    """Something that happened to a clock at an instant. ``signals`` are those of an event that can have done it."""

    at: int
    what: str
    clock: Clock
    signals: int

    @property
    def words(self) -> str:
        """``stopped first_response #1 (met)``."""
        run, notes = self.clock.run, []
        if self.at == run.ended_at and self.what == "stopped":
            notes.append(str(self.clock.outcome))
        elif self.at == run.ended_at and self.what == "cancelled":
            notes.append(str(self.clock.reason))
        if self.clock.stage == "shadow":
            notes.append("tried out")
        return f"{self.what} {self.clock.target} #{self.clock.cycle}" + (f" ({', '.join(notes)})" if notes else "")


def annotate(
    moments: Moments, state: RecordState, lives: Sequence[tuple[Clock, Sequence[Interval]]]
) -> list[dict[str, Any]]:
    """The timeline, line by line, each with what it counted as and why it was no answer; ready for JSON."""
    told = _told(moments, [deed for clock, found in lives for deed in deeds(clock, found)])
    rejected = {rejection.event: rejection.reason for rejection in state.rejections}
    lines = []
    for place, moment in enumerate(moments.all):
        line: dict[str, Any] = event_to_line(moment.event)
        line["counts_as"] = [deed.words for deed in told.get(place, ())]
        line["signals"] = [word for bit, word in WORDS.items() if moment.signals & bit]
        if moment.event.id in rejected:
            line["not_an_answer"] = rejected[moment.event.id]
        if unheard := dict(_unheard(moment, lives)):
            line["not_an_answer_for"] = unheard
        if moment.derived:
            line["derived"] = {name: rule for name, rule in moment.derived.items() if name in moment.changed}
        lines.append({key: value for key, value in line.items() if value != {}})
    return lines


def deeds(clock: Clock, found: Sequence[Interval]) -> Iterator[Deed]:
    """What happened to a clock, in order: started, paused, resumed, stopped, reopened …"""
    run, metric = clock.run, clock.run.target.metric
    stops = (metric.stop.signals | run.target.answers) if metric.stop.answer else metric.stop.signals
    yield Deed(clock.started_ms, "started", clock, metric.start.signals or _STATE)
    for before, after in pairwise(found):
        what, by = _turn(before, after)
        if what:
            yield Deed(after.start, what, clock, by or stops or _STATE)
    for change in run.changes:
        if change.why in _RETERMED_BY:
            what, by = _RETERMED_BY[change.why]
            yield Deed(change.at, what, clock, by)
    if run.ended_at is not None:
        if clock.completed_ms is not None:
            yield Deed(run.ended_at, "stopped", clock, stops or _STATE)
        else:
            yield Deed(run.ended_at, "cancelled", clock, _CANCELLED_BY.get(run.reason or "", signal.FIELDS))


def _turn(before: Interval, after: Interval) -> tuple[str | None, int]:
    """What happened between two intervals, and the signals that can have done it; 0 for those that stop the clock."""
    if after.kind in _PAUSED:
        return (None, 0) if before.kind in _PAUSED else ("paused", _STATE)
    if after.kind == RESOLVED:
        return "stopped", 0
    if after.kind == DELETED:
        return "cancelled", signal.DELETED
    if before.kind == RESOLVED:
        return "reopened", signal.REOPENED
    if before.kind == DELETED:
        return "restored", signal.RESTORED
    return ("resumed", _STATE | signal.CUSTOMER) if before.kind in _PAUSED else (None, 0)


def _told(moments: Moments, done: Sequence[Deed]) -> dict[int, list[Deed]]:
    """By the place of the event that did it; of several of one instant the first whose signals can have done it."""
    places = {id(moment): place for place, moment in enumerate(moments.all)}
    told: dict[int, list[Deed]] = {}
    for deed in done:
        there = moments.at(deed.at)
        if there:
            doer = next((moment for moment in there if moment.signals & deed.signals), there[-1])
            told.setdefault(places[id(doer)], []).append(deed)
    return told


def _unheard(moment: Moment, lives: Sequence[tuple[Clock, Sequence[Interval]]]) -> Iterator[tuple[str, str]]:
    """Clocks that waited for an answer then and did not take this event for one, and why."""
    answered = moment.signals & signal.ANSWERS
    if not answered:
        return
    for clock, _ in lives:
        trigger, ended = clock.run.target.metric.stop, clock.run.ended_at
        if trigger.answer and clock.started_ms <= moment.at and (ended is None or moment.at < ended):
            counted = answered & clock.run.target.answers
            if not counted:
                yield clock.target, _why_unheard(answered, WHY_NOT_OPTED)
            elif trigger.by_owner and not moment.signals & signal.BY_OWNER:
                yield clock.target, "not by the owner"


def _why_unheard(answered: int, known: Mapping[int, str]) -> str:
    for bit, word in WORDS.items():
        if answered & bit:
            return known.get(bit, f"{word}, which this policy does not count")
    return "nothing that this policy counts"
