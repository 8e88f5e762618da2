"""Groups of clocks: which are asked for, and the tally of each group.

Owns selecting and sharing out. Refuses figures and layout.
Invariant: a clock is in exactly one group, so the groups add up to the total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sla.figures.attainment import Tally
from sla.figures.case import Case
from sla.figures.fact import NONE, dimension


class Selection(NamedTuple):
    """Which clocks a report counts and how it groups them. ``since`` and ``until`` are epoch milliseconds; ``where``
    maps a dimension to the values of which any will do, without regard to case."""

    by: Sequence[str]
    zone: ZoneInfo
    since: int | None = None
    until: int | None = None
    where: Mapping[str, frozenset[str]] = {}


class Grouping:
    """The tallies of the groups, clock by clock, as of ``now``."""

    def __init__(self, selection: Selection, now: int) -> None:
        self._selection = selection
        self._now = now
        self.tallies: dict[tuple[str, ...], Tally] = {}
        self.named = dict.fromkeys((*selection.by, *selection.where), False)
        """The dimensions asked for, and whether any clock had a value there."""
        self.fields: set[str] = set()
        """The record fields that clocks had."""

    def add(self, case: Case) -> None:
        """Counts a clock in, where it was asked for."""
        selection = self._selection
        at = case.at
        self.fields.update(case.fact.fields)
        if not all(self._value(case, name).casefold() in values for name, values in selection.where.items()):
            return
        if (selection.since is not None and at < selection.since) or (
            selection.until is not None and at >= selection.until
        ):
            return
        key = tuple(self._value(case, name) for name in selection.by)
        tally = self.tallies.get(key)
        if tally is None:
            tally = self.tallies[key] = Tally()
        tally.add(case, self._now)

    def _value(self, case: Case, name: str) -> str:
        value = dimension(case.fact, name, self._selection.zone)
        if value != NONE:
            self.named[name] = True
        return value

    def groups(self) -> list[dict[str, Any]]:
        """The figures of each group, by its values."""
        return [
            {"group": dict(zip(self._selection.by, key, strict=True)), **tally.figures()}
            for key, tally in sorted(self.tallies.items())
        ]

    def total(self) -> dict[str, Any]:
        """The figures of all groups together."""
        whole = Tally()
        for _, tally in sorted(self.tallies.items()):
            whole.merge(tally)
        return whole.figures()
