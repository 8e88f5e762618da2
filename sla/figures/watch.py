"""Watches: conditions over many records at once, such as three breaches of one customer within a week.

Owns when such conditions hold. Refuses to act on them and to look anything up.
Invariant: an episode begins at the first instant at which its condition holds and ends at the first at which it does
not; the same facts, in any order, give the same episodes.

Lengths here are elapsed time, not working time: nothing is promised, so ``"7d"`` can only mean 168 hours.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from string import Formatter
from typing import Any, Final, NamedTuple

from sla.condition import ALWAYS, Condition
from sla.figures.fact import NONE, Fact, dimension
from sla.instant import DAY, HOUR, MINUTE
from sla.template import fill

_OF_THE_CLOCK: Final = frozenset({"policy", "target", "kind", "owner", "team", "queue", "connection", "stage"})
"""Groups that are told from the clock and whose it is, not from a field of the record."""


@dataclass(frozen=True, slots=True)
class Breaches:
    """``count`` breaches of one group (``by`` is a dimension or a field of the record) within so many milliseconds."""

    by: str
    count: int
    within: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """Open clocks of one group grown by the share ``growth`` against ``over`` milliseconds ago, to ``at_least``."""

    by: str
    over: int
    growth: Fraction
    at_least: int


@dataclass(frozen=True, slots=True)
class Watch:
    """One watch. ``version`` is a hash of what it looks at, so that an edit is told from a restart."""

    name: str
    rule: Breaches | Backlog
    applies_to: str | None = None
    target: str | None = None
    when: Condition = ALWAYS
    actions: Mapping[str, str] = field(default_factory=dict)
    version: str = ""

    @property
    def fields(self) -> frozenset[str]:
        """The record fields that it looks at or names."""
        named = set(self.when.fields)
        if self.rule.by not in _OF_THE_CLOCK:
            named.add(self.rule.by)
        places = (place for _, place, _, _ in Formatter().parse(self.actions.get("task", "")) if place)
        return frozenset(named | {place.removeprefix("record.") for place in places if place.startswith("record.")})

    def covers(self, fact: Fact) -> bool:
        """Whether a clock counts for it. Policies that are only tried out never do."""
        if fact.stage == "shadow" or (self.target is not None and fact.target != self.target):
            return False
        return self.applies_to in (None, fact.kind) and self.when(fact.fields)

    def key(self, fact: Fact, customer: str | None = None) -> str | None:
        """The group of a clock; None where it belongs to none. ``customer``: who made the record, where neither of
        its fields ``customer`` and ``requester`` tells."""
        by = self.rule.by
        if by == "queue":
            return fact.owner if fact.owner.startswith("queue:") else None
        found = dimension(fact, by)
        if found == NONE:
            return customer if by == "customer" else None
        return None if by == "owner" and not found.startswith("user:") else found


class Moment(NamedTuple):
    """A breach at ``at`` (epoch ms) of a record's target."""

    at: int
    record: str
    target: str


class Span(NamedTuple):
    """``[begin, end)`` in which a condition holds; ``end`` None: it still does. ``size``: breaches, or open clocks, at
    the begin; ``evidence``: the breaches that made it hold."""

    begin: int
    end: int | None
    size: int
    reason: str
    evidence: tuple[Moment, ...] = ()


class Episode(NamedTuple):
    """A span in which the condition of a watch held for one group."""

    watch: str
    key: str
    begin: int
    end: int | None
    size: int
    reason: str
    evidence: tuple[Moment, ...] = ()


# ---- the two conditions


def repeated(rule: Breaches, moments: Iterable[Moment], now: int) -> list[Span]:
    """When at least ``rule.count`` breaches lay within ``rule.within`` of each other, both ends included."""
    ordered = sorted(moment for moment in moments if moment.at <= now)
    found: list[Span] = []
    before = None  # until when the last span holds
    for last in range(rule.count - 1, len(ordered)):
        first = last - rule.count + 1
        until = ordered[first].at + rule.within + 1
        if ordered[last].at >= until:
            continue
        end = until if until <= now else None
        joined, before = before is not None and ordered[last].at <= before, until
        if joined:
            found[-1] = found[-1]._replace(end=end)
            continue
        evidence = tuple(ordered[first : last + 1])
        reason = f"{rule.count} breaches within {length(rule.within)}"
        found.append(Span(ordered[last].at, end, rule.count, reason, evidence))
    return found


def growth(rule: Backlog, levels: Sequence[tuple[int, int]], since: int, now: int) -> list[Span]:
    """When the open clocks had grown by ``rule.growth`` and stood at ``rule.at_least`` or more.

    ``levels``: from when on how many were open, by instant; before the first none were. ``since``: from when on that is
    known, so nothing is said before ``since + rule.over``.
    """
    instants = [at for at, _ in levels]
    turns = sorted({since + rule.over, *instants, *(at + rule.over for at in instants)})
    found: list[Span] = []
    for at in turns:
        if at < since + rule.over or at > now:
            continue
        before, here = _level(instants, levels, at - rule.over), _level(instants, levels, at)
        holds = here >= rule.at_least and here > before and here - before >= before * rule.growth
        lasting = bool(found) and found[-1].end is None
        if holds and not lasting:
            reason = f"open clocks grew from {before} to {here} in {length(rule.over)}"
            found.append(Span(at, None, here, reason))
        elif lasting and not holds:
            found[-1] = found[-1]._replace(end=at)
    return found


def _level(instants: Sequence[int], levels: Sequence[tuple[int, int]], at: int) -> int:
    place = bisect_right(instants, at)
    return levels[place - 1][1] if place else 0


def levels(intervals: Iterable[tuple[int, int | None]], now: int) -> list[tuple[int, int]]:
    """From when on how many of the intervals ``[start, end)`` were open, up to ``now``."""
    change: dict[int, int] = {}
    for start, end in intervals:
        change[start] = change.get(start, 0) + 1
        if end is not None:
            change[end] = change.get(end, 0) - 1
    found, count = [], 0
    for at in sorted(at for at in change if at <= now):
        count += change[at]
        found.append((at, count))
    return found


def episodes(watches: Iterable[Watch], facts: Iterable[Fact], now: int) -> list[Episode]:
    """Every episode of a history up to ``now``, by begin. A clock counts for whoever a fact says had it."""
    known = list(facts)
    found = [episode for watch in watches for episode in _episodes(watch, known, now)]
    return sorted(found, key=lambda episode: (episode.begin, episode.watch, episode.key))


def _episodes(watch: Watch, facts: Sequence[Fact], now: int) -> Iterator[Episode]:
    groups: dict[str, list[Fact]] = {}
    counted = [fact for fact in facts if watch.covers(fact)]
    for fact in counted:
        if (key := watch.key(fact)) is not None:
            groups.setdefault(key, []).append(fact)
    since = min((fact.started_at for fact in counted), default=now)
    for key, members in groups.items():
        rule = watch.rule
        if isinstance(rule, Breaches):
            spans = repeated(rule, (moment for fact in members if (moment := moment_of(fact))), now)
        else:
            spans = growth(rule, levels(((fact.started_at, fact.ended_at) for fact in members), now), since, now)
        yield from (Episode(watch.name, key, *span) for span in spans)


def moment_of(fact: Fact) -> Moment | None:
    """The breach of a clock that is held against the team, if there is one."""
    if fact.breached_at is None or fact.outcome != "missed":
        return None
    return Moment(fact.breached_at, fact.record, fact.target)


def text(template: str, fields: Mapping[str, Any], watch: Watch, key: str, count: int) -> str:
    """The text of a task with its fields filled in."""
    return fill(template, dict(fields), {"name": watch.name, "key": key, "count": count})


def length(elapsed: int) -> str:
    """``"7d"``, ``"36h"``, ``"90m"``: the longest unit that is whole."""
    for unit, letter in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if elapsed % unit == 0:
            return f"{elapsed // unit}{letter}"
    return f"{elapsed / 1_000:g}s"
