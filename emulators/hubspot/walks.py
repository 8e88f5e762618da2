"""Walks: what a search found, kept while a client goes through it by id, and kept true while records change.

Owns this, our own machinery: no answer is another one for it, only sooner. Refuses to know what a search asks.
Invariant: a walk holds what the same search would find now behind the id where it began.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from typing import Final

from emulators.hubspot.records import Index, Record

KEPT: Final = 4
"""How many walks of one type: of so many clients at a time."""


class Walk:
    """``keeps`` says whether a record is found, ``start`` the least id that was looked at."""

    def __init__(self, index: Index, start: int, keeps: Callable[[Record], bool], records: Iterable[Record]) -> None:
        self.start = start
        self._keeps = keeps
        self._index = index
        self._seen = len(index.arrived)
        self._found = list(filter(keeps, records))

    def behind(self, number: int) -> list[Record]:
        """What is found now behind an id, by id."""
        for record in self._index.arrived[self._seen :]:
            self._follow(record)
        self._seen = len(self._index.arrived)
        return self._found[bisect_right(self._found, number, key=_number) :]

    def _follow(self, record: Record) -> None:
        at = bisect_left(self._found, record.number, key=_number)
        there = at < len(self._found) and self._found[at] is record
        if record.number < self.start or self._keeps(record) is there:
            return
        if there:
            del self._found[at]
        else:
            self._found.insert(at, record)


class Walks:
    """The latest walks of one type, by what was asked."""

    def __init__(self) -> None:
        self._kept: dict[str, Walk] = {}

    def known(self, asked: str, start: int) -> Walk | None:
        """The walk of the same search that began at this id or before it."""
        found = self._kept.get(asked)
        return found if found is not None and found.start <= start else None

    def keep(self, asked: str, walk: Walk) -> None:
        self._kept.pop(asked, None)
        self._kept[asked] = walk
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]


def _number(record: Record) -> int:
    return record.number
