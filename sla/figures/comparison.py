"""What another configuration would change: breaches gained and lost, attainment before and after, group by group.

Owns the pairing of clocks and the counting of both sides. Refuses to evaluate. Invariant: each clock of either side is
counted once on its side, and a breach is gained or lost once, in the group it has on the side that has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from operator import itemgetter
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from sla.figures.fact import Fact, dimension


class Named(Protocol):
    """What clocks are paired by."""

    @property
    def policy(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def cycle(self) -> int: ...
    @property
    def stage(self) -> str: ...


_N = TypeVar("_N", bound=Named)


def pairs(before: Iterable[_N], after: Iterable[_N]) -> Iterator[tuple[_N | None, _N | None]]:
    """The clocks of one record under two configurations, side by side, by target and cycle; None where a side has none.

    Where one side has two of a name, because a policy is tried out beside the one in force, those in force are paired
    first.
    """
    old, new = _by_name(before), _by_name(after)
    for name in sorted({*old, *new}):
        yield from zip_longest(old.get(name, ()), new.get(name, ()))


def _by_name(clocks: Iterable[_N]) -> Mapping[tuple[str, int], list[_N]]:
    found: dict[tuple[str, int], list[_N]] = {}
    for clock in clocks:
        found.setdefault((clock.target, clock.cycle), []).append(clock)
    for several in found.values():
        several.sort(key=lambda clock: (clock.stage == "shadow", clock.policy))
    return found


@dataclass(slots=True)
class Side:
    """What became of the clocks of one side: ``decided`` are the promises kept or broken."""

    clocks: int = 0
    met: int = 0
    missed: int = 0

    @property
    def decided(self) -> int:
        return self.met + self.missed

    @property
    def attainment(self) -> float | None:
        """The share of promises kept; None when none is decided."""
        return self.met / self.decided if self.decided else None

    def add(self, fact: Fact) -> None:
        self.clocks += 1
        self.met += fact.outcome == "met"
        self.missed += fact.outcome == "missed"


@dataclass(slots=True)
class Change:
    """One group on both sides, and the breaches that only one of them has."""

    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)
    gained: int = 0
    lost: int = 0


class Comparison:
    """Both sides counted, wholly (``whole``) and by each of the dimensions (``groups``), which are names that
    ``sla.figures.fact.dimension`` knows; periods are of ``zone``."""

    def __init__(self, dimensions: Sequence[str], zone: ZoneInfo) -> None:
        self.whole = Change()
        self.groups: dict[str, dict[str, Change]] = {name: {} for name in dimensions}
        self._zone = zone

    def add(self, before: Iterable[Fact], after: Iterable[Fact]) -> None:
        """Counts the clocks of one record."""
        for old, new in pairs(before, after):
            was, becomes = _missed(old), _missed(new)
            if old is not None:
                for change in self._changes(old):
                    change.before.add(old)
                    change.lost += was and not becomes
            if new is not None:
                for change in self._changes(new):
                    change.after.add(new)
                    change.gained += becomes and not was

    def table(self, name: str) -> list[tuple[str, Change]]:
        """The groups of a dimension, by name; hours of the week from Monday on."""
        return sorted(self.groups[name].items(), key=_week_order if name == "hour_of_week" else itemgetter(0))

    def _changes(self, fact: Fact) -> Iterator[Change]:
        yield self.whole
        for name, groups in self.groups.items():
            group = dimension(fact, name, self._zone)
            if group not in groups:
                groups[group] = Change()
            yield groups[group]


def _missed(fact: Fact | None) -> bool:
    return fact is not None and fact.outcome == "missed"


def _week_order(item: tuple[str, Change]) -> tuple[int, str]:
    day, _, hour = item[0].partition(" ")
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    return (days.index(day) if day in days else len(days)), hour
