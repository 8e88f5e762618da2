"""Indexes of rows: in the order of a field, and by what a reference points to.

Owns both, our own machinery: no answer is another one for it, only sooner. Refuses to know queries.
Invariant: an index is built when it is first asked for, and from then on holds what every row is now.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Values = dict[str, Any]
Place = tuple[Any, str]
"""A value and the id of the row that has it."""


class Indexes:
    """The indexes of one object's rows. ``rows`` gives all of them, to build an index from."""

    def __init__(self) -> None:
        self._ordered: dict[str, list[Place]] = {}
        self._holding: dict[str, dict[Any, dict[str, None]]] = {}

    def between(self, rows: Iterable[Values], field: str, low: Any, high: Any) -> Iterator[str]:
        """The ids of the rows with a value from ``low`` to ``high`` (None: no end), by value, then by id."""
        places = self._ordered.get(field)
        if places is None:
            made = ((row[field], row["Id"]) for row in rows if row.get(field) is not None)
            places = self._ordered[field] = sorted(made)
        first = 0 if low is None else bisect_left(places, (low, ""))
        after = len(places) if high is None else bisect_right(places, (high, "\uffff"))
        for number in range(first, after):
            yield places[number][1]

    def holding(self, rows: Iterable[Values], field: str, wanted: Iterable[Any]) -> Iterator[str]:
        """The ids of the rows whose ``field`` is one of ``wanted``."""
        held = self._holding.get(field)
        if held is None:
            held = self._holding[field] = defaultdict(dict)
            for row in rows:
                held[row.get(field)][row["Id"]] = None
        for value in wanted:
            yield from held.get(value, ())

    def put(self, id: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> None:
        """Follows a row that was added (no ``old``), changed, or taken out (no ``new``)."""
        for field, places in self._ordered.items():
            was, now = (old or {}).get(field), (new or {}).get(field)
            if was == now:
                continue
            if was is not None:
                del places[bisect_left(places, (was, id))]
            if now is not None:
                insort(places, (now, id))
        for field, held in self._holding.items():
            if old is not None:
                held[old.get(field)].pop(id, None)
            if new is not None:
                held[new.get(field)][id] = None
