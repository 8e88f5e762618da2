"""Why one policy rules a clock and the others do not, at the instant of the decision.

Owns the account of a decision. Refuses to decide: ``sla.track`` chose, and the run says whose terms it is on.
Invariant: offers are weighed with the figures that the track weighed them with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sla.account.interval import Interval, ending
from sla.account.mismatch import mismatches
from sla.account.moment import Moment, Moments
from sla.clock import Clock
from sla.fold import Move
from sla.instant import format_instant
from sla.policy import Candidate, Policies
from sla.run import Run
from sla.target import Offer, length_ms


class Decision(NamedTuple):
    """When it was last weighed whose target rules a clock, on what the record was then, under which policies."""

    at: int
    moment: Moment
    policies: Policies
    begins: bool
    """Whether the clock began with it."""


class Rival(NamedTuple):
    """Another policy that has a target of the clock's name. ``due``: when the clock would have been due on its terms
    (epoch milliseconds), None where it offers nothing; ``mismatches``: which of its conditions did not hold."""

    policy: str
    why_not: str
    due: int | None
    mismatches: tuple[str, ...]


def home(clock: Clock, policies: Policies, moves: Sequence[Move]) -> Policies:
    """The version of the policies by which a clock lives."""
    for version in (policies, *(move.policies for move in moves)):
        if any(target is clock.run.target for policy in version.policies for target in policy.targets):
            return version
    return policies


def decision(clock: Clock, policies: Policies, moments: Moments) -> Decision | None:
    """The last weighing before the clock ended or was breached; None for a record without events."""
    if not moments.all:
        return None
    run, last = clock.run, ending(clock) if clock.breached_ms is None else clock.breached_ms
    begun = _begun(clock, policies, moments)
    found = Decision(max(begun.at, run.started_at), begun, policies, True)
    for moment in moments.between(found.at, last + 1):
        if not policies.matching_fields.isdisjoint(moment.changed):
            found = Decision(moment.at, moment, policies, False)
    for change in run.changes:
        if change.why == "version" and found.at < change.at and (moment_then := moments.until(change.at)):
            found = Decision(change.at, moment_then, policies, False)
    return found


def _begun(clock: Clock, policies: Policies, moments: Moments) -> Moment:
    """The moment at which a target of the clock's name first matched, from its start on."""
    candidates = _candidates(clock, policies)
    for moment in moments.between(clock.started_ms - 1, ending(clock) + 1):
        if any(_offer(c, moment, clock.started_ms) for c in candidates):
            return moment
    return moments.until(clock.started_ms) or moments.all[0]


def _candidates(clock: Clock, policies: Policies) -> list[Candidate]:
    """Every candidate for a clock's name in file order, tried out or not."""
    kind = next(p.applies_to for p in policies.policies if p.name == clock.policy)
    groups = policies.named_groups(kind)
    found = [c for (name, _), group in groups.items() if name == clock.target for c in group]
    return sorted(found, key=lambda candidate: candidate.target.rank)


def _offer(candidate: Candidate, moment: Moment, since: int) -> Offer | None:
    return candidate.target.offer(moment.fields, since) if candidate.policy.when(moment.fields) else None


def rivals(clock: Clock, made: Decision, found: Sequence[Interval]) -> Iterator[Rival]:
    """Every other policy that has a target of this name, and why it does not rule."""
    target = clock.run.target
    ruling = target.offer(made.moment.fields, clock.started_ms)
    due = None if ruling is None else prospect(clock, made, ruling, found)
    for candidate in _candidates(clock, made.policies):
        if candidate.target is not target:
            yield _rival(clock, candidate, made, found, due)


def _rival(clock: Clock, candidate: Candidate, made: Decision, found: Sequence[Interval], best: int | None) -> Rival:
    policy, target, fields = candidate.policy, candidate.target, made.moment.fields
    if not policy.when(fields):
        reasons = tuple(mismatches(policy.when.source, fields))
        return Rival(policy.name, "its conditions do not hold: " + "; ".join(reasons), None, reasons)
    offer = target.offer(fields, clock.started_ms)
    if offer is None:
        priority = fields.get("priority") or "normal"
        return Rival(policy.name, f"it promises nothing at priority {priority}", None, ())
    due = prospect(clock, made, offer, found)
    return Rival(policy.name, _why_not(clock, candidate, made.policies.match, due, best), due, ())


def _why_not(clock: Clock, candidate: Candidate, match: str, due: int, best: int | None) -> str:
    if (candidate.target.stage == "shadow") != (clock.stage == "shadow"):
        if clock.stage == "shadow":
            return "it competes for the clocks that count, and this one is only tried out (stage shadow)"
        return "it is only tried out (stage shadow)"
    later = candidate.target.rank > clock.run.target.rank
    if match == "first" and later:
        return "it stands later in the file, and the first that matches rules"
    if due == best and later:
        return f"it would be due at the same instant, {format_instant(due)}, and stands later in the file"
    return f"it would be due {format_instant(due)}" + ("" if best is None else f", not before {format_instant(best)}")


def prospect(clock: Clock, made: Decision, offer: Offer, found: Sequence[Interval]) -> int:
    """When the clock would be due on an offer's terms, as weighed at the decision (epoch milliseconds)."""
    start = clock.started_ms
    if made.begins:
        return Run(offer, 1, start).due_at or start
    left = length_ms(offer.within, offer.calendar, start) - _elapsed(found, made.at)
    return offer.calendar.due_ms(made.at, left) if left > 0 else made.at + left


def _elapsed(found: Sequence[Interval], at: int) -> int:
    return sum(max(min(b, at) - a, 0) for interval in found if interval.counts for a, b in interval.openings)
