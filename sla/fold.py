"""The fold: (timeline, policies, now) to clocks. Everything the product says about time comes from here.

Owns the order in which events are taken. Refuses memory: nothing survives a call.
Invariant: every permutation and duplication of the same events gives the same clocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sla import signal
from sla.clock import Clock
from sla.instant import from_datetime, parse_instant
from sla.model import Event
from sla.policy import Group, Policies, Policy
from sla.record import RecordState
from sla.timeline import event_from_mapping, settle
from sla.track import Track


class Wait(NamedTuple):
    """The unanswered wait that a merged record brings to its winner: since when, and when they were merged."""

    at: int
    since: int


class Evaluation(NamedTuple):
    """The clocks of one record, ordered by target and cycle, and what is known of the record."""

    clocks: list[Clock]
    state: RecordState


class Move(NamedTuple):
    """From ``at`` on a record lives by another version of the policies. ``scope``: ``new`` (cycles that begin later),
    ``unbreached`` (open clocks too, unless they are overdue) or ``all`` (every open clock; a breach stays).

    ``hours`` is none of these: ``policies`` are the ones that they replace (``instead``), on calendars that were edited
    at that instant. Whatever is open goes on by them and nothing else changes."""

    at: int
    policies: Policies
    scope: str
    instead: Policies | None = None


def evaluate_record(
    policies: Policies, events: Sequence[Event], now: int, waits: Iterable[Wait] = (), moves: Iterable[Move] = ()
) -> Evaluation:
    """The clocks of one record as of ``now`` (epoch milliseconds).

    ``events`` are the record's, in any order, doubled or not; those after ``now`` have not happened yet. ``waits`` are
    those of the records merged into it, ``moves`` its changes to other versions of the policies.
    """
    ordered = settle(events, now)
    state = RecordState(events[0].record if events else "none:ticket:none", policies.derivation)
    if not ordered:
        return Evaluation([], state)
    for event in ordered:
        if event.kind:
            state.kind = event.kind
            break
    turns: list[Wait | Move] = [*waits, *moves]
    between = sorted((turn for turn in turns if turn.at <= now), key=_turn) if turns else []
    tracks = _tracks([policies, *(turn.policies for turn in between if isinstance(turn, Move))], state.kind)
    listening = list(tracks.values())
    matches = _Matcher(state)
    for event in ordered:
        while between and between[0].at < event.at:
            policies = _between(between.pop(0), policies, tracks, state, matches)
        found = state.apply(event)
        if found & signal.FIELDS and not policies.matching_fields.isdisjoint(state.changed):
            found |= signal.TERMS
        if found:
            for track in listening:
                track.on(event, found, state, matches)
    for turn in between:
        policies = _between(turn, policies, tracks, state, matches)
    clocks = [Clock(state, run, now) for track in listening for run in track.runs]
    if len(clocks) > 1:
        clocks.sort(key=lambda clock: (clock.target, clock.cycle, clock.policy))
    return Evaluation(clocks, state)


def _turn(turn: Wait | Move) -> tuple[int, bool, int]:
    """At one instant waits come in before the policies change."""
    return turn.at, isinstance(turn, Move), turn.since if isinstance(turn, Wait) else 0


def _tracks(versions: list[Policies], kind: str) -> dict[Group, Track]:
    """A track for every clock's name of any version; one that comes with a later version listens from the start."""
    strictest = versions[0].match == "strictest"
    current = versions[0].named_groups(kind)
    tracks = {name: Track(group, group, strictest=strictest) for name, group in current.items()}
    for version in versions[1:]:
        for name, group in version.named_groups(kind).items():
            if name not in tracks:
                tracks[name] = Track([], group, strictest=strictest)
    return tracks


def _between(
    turn: Wait | Move, policies: Policies, tracks: dict[Group, Track], state: RecordState, matches: _Matcher
) -> Policies:
    """What happens between two events: a merged record's wait comes in, or other policies do. Returns those in force.

    Both come after every event of their instant.
    """
    if isinstance(turn, Wait):
        for track in tracks.values():
            track.join(turn.at, turn.since, state, matches)
        return policies
    if turn.instead is not None:
        renewed = turn.policies.renewing(turn.instead)
        for track in tracks.values():
            track.renew(turn.at, renewed, state)
        if policies is not turn.instead:
            return policies  # a version that some open clock was left behind with
        state.derive_by(turn.policies.derivation)
        return turn.policies
    state.derive_by(turn.policies.derivation)
    groups = turn.policies.named_groups(state.kind)
    for name, track in tracks.items():
        strictest = turn.policies.match == "strictest"
        track.move(turn.at, groups.get(name, []), turn.scope, state, matches, strictest=strictest)
    return turn.policies


class _Matcher:
    """Whether a policy's conditions hold for the record as it stands, asked once per state of the fields."""

    __slots__ = ("_fields", "_known", "_state")

    def __init__(self, state: RecordState) -> None:
        self._state = state
        self._fields: Mapping[str, Any] | None = None
        self._known: dict[int, bool] = {}  # by the policy object: two versions may use one name and place

    def __call__(self, policy: Policy) -> bool:
        if self._fields is not self._state.fields:
            self._fields, self._known = self._state.fields, {}
        known = id(policy)
        if known not in self._known:
            self._known[known] = policy.when(self._state.fields)
        return self._known[known]


def evaluate(
    policies: Policies | Mapping[str, Any], events: Iterable[Event | Mapping[str, Any]], now: datetime | str
) -> list[Clock]:
    """The clocks of every record in ``events`` as of ``now``, ordered by record, target and cycle.

    ``policies`` is a ``Policies`` or a parsed configuration with its calendars and policies; an event is an ``Event``
    or a parsed line of the timeline format. Raises ValueError for a naive ``now`` and for an event that cannot be
    read, Problems for a configuration that cannot.
    """
    read = policies if isinstance(policies, Policies) else Policies.from_config(policies)
    at = parse_instant(now) if isinstance(now, str) else from_datetime(now)
    timelines: dict[str, list[Event]] = {}
    for given in events:
        event = given if isinstance(given, Event) else event_from_mapping(given)
        timelines.setdefault(event.record, []).append(event)
    return [clock for evaluation in evaluate_timelines(read, timelines, at) for clock in evaluation.clocks]


def evaluate_timelines(policies: Policies, timelines: Mapping[str, Sequence[Event]], now: int) -> Iterable[Evaluation]:
    """The evaluation of each record, by record; a merged record's wait goes on with its winner."""
    losers = _losers(timelines, now)
    for record in sorted(timelines):
        waits = _waits(policies, timelines, losers, record, now, frozenset()) if losers else ()
        yield evaluate_record(policies, timelines[record], now, waits)


def _losers(timelines: Mapping[str, Sequence[Event]], now: int) -> dict[str, list[tuple[int, str]]]:
    """Winner to the records merged or moved into it, with the instant."""
    found: dict[str, set[tuple[int, str]]] = {}
    for record, events in timelines.items():
        for event in events:
            if event.into and event.at <= now and event.event in ("merged", "converted"):
                found.setdefault(event.into, set()).add((event.at, record))
    return {winner: sorted(losers) for winner, losers in found.items()}


def _waits(
    policies: Policies,
    timelines: Mapping[str, Sequence[Event]],
    losers: Mapping[str, list[tuple[int, str]]],
    record: str,
    now: int,
    seen: frozenset[str],
) -> list[Wait]:
    waits: list[Wait] = []
    for at, loser in losers.get(record, ()):
        if loser in seen or loser == record:
            continue
        inherited = _waits(policies, timelines, losers, loser, now, seen | {record})
        waits += waits_of(timelines[loser], at, inherited)
    return waits


def waits_of(events: Sequence[Event], at: int, inherited: Iterable[Wait] = ()) -> Iterator[Wait]:
    """The waits that a record which went into another one at ``at`` brings along: its own with those it had inherited
    by then, and what was merged into it afterwards, which passes through."""
    waits = list(inherited)
    since = wait_of(events, at, [wait for wait in waits if wait.at <= at])
    if since is not None:
        yield Wait(at, since)
    yield from (wait for wait in waits if wait.at > at)


def wait_of(events: Sequence[Event], at: int, inherited: Iterable[Wait] = ()) -> int | None:
    """Since when somebody outside had waited on a record when it went into another one at ``at``; None if nobody."""
    state = RecordState(events[0].record)
    for event in settle(events, at):
        if event.at == at and event.event in ("merged", "converted"):
            break
        state.apply(event)
    candidates = [wait.since for wait in inherited if state.last_answer_at is None or wait.at > state.last_answer_at]
    if state.waiting_since is not None:
        candidates.append(state.waiting_since)
    return min(candidates, default=None)
