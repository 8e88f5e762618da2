"""Walks: what a search found, kept while a client goes through it by id, and kept true while records change.

Owns this, our own machinery: no answer is another one for it, only sooner. Refuses to know what a search asks.
Invariant: a walk holds what the same search would find now behind the id where it began.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final
from weakref import WeakKeyDictionary

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


_WALKS: Final[WeakKeyDictionary[Index, OrderedDict[str, Walk]]] = WeakKeyDictionary()


def known(index: Index, asked: str, start: int) -> Walk | None:
    """The walk of the same search that began at this id or before it."""
    walks = _WALKS.get(index)
    found = walks.get(asked) if walks is not None else None
    return found if found is not None and found.start <= start else None


def keep(index: Index, asked: str, walk: Walk) -> None:
    walks: OrderedDict[str, Walk] = _WALKS.setdefault(index, OrderedDict())
    walks.pop(asked, None)
    walks[asked] = walk
    while len(walks) > KEPT:
        walks.popitem(last=False)


def _number(record: Record) -> int:
    return record.number
