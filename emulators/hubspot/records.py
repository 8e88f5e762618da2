"""Records: their values, their history, and the copy of them that the search index has.

Owns one record, the shelf of all records of a type and what its search index knows. Refuses rules: whoever calls has
already decided. Invariant: ``values`` is replaced, never changed in place, so an older copy stays what the index saw.
How late an index is, nobody says; here as late as it is told to be:
https://developers.hubspot.com/docs/api-reference/search/guide#limits
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

from emulators.hubspot.kinds import Kind

HISTORY_MAX: Final = {"contacts": 45}
HISTORY_MAX_OTHERS: Final = 20
"""Values that propertiesWithHistory gives per property: developers.hubspot.com, contacts and companies guides."""

Value = int | str


@dataclass(frozen=True, slots=True)
class Version:
    """One past value of a property and who set it."""

    value: Value
    at_ms: int
    source_type: str
    source_id: str | None = None
    user_id: int | None = None


@dataclass(slots=True, eq=False)
class Record:
    kind: Kind
    number: int
    created_ms: int
    updated_ms: int
    values: Mapping[str, Value] = field(default_factory=dict)
    log: list[tuple[Version, Mapping[str, Value]]] = field(default_factory=list)
    """Every write, oldest first: who and when (its ``value`` is empty), and what was different after it. One dictionary
    a write instead of a list a property: a portal of 200,000 records has two million past values."""
    archived_ms: int | None = None
    merged_into: Record | None = None
    indexed: Mapping[str, Value] | None = None
    """What searches match against; None: not in the index."""
    unseen: list[tuple[int, Mapping[str, Value] | None]] = field(default_factory=list)
    """States on their way into the index, with the instant at which they arrive."""
    id: str = field(init=False)
    node: tuple[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.id = str(self.number)
        self.node = (self.kind.name, self.id)

    @property
    def archived(self) -> bool:
        return self.archived_ms is not None

    def text(self, name: str) -> str:
        """A value as kept, in text; "" when it is not set."""
        return str(self.values.get(name, ""))

    def instant(self, name: str) -> int | None:
        value = self.values.get(name)
        return value if isinstance(value, int) else None

    def put(self, changes: Mapping[str, Value], version: Version) -> dict[str, Value]:
        """Sets values ("" clears) and keeps the history. Returns what is different now."""
        different = {name: value for name, value in changes.items() if self.values.get(name, "") != value}
        if different:
            values = {**self.values, **different}
            self.values = {name: value for name, value in values.items() if value != ""}
            self.log.append((version, different))
        return different

    def history(self, name: str) -> list[Version]:
        """The values that a property has had, oldest first, as many of the newest as the vendor tells."""
        keep = HISTORY_MAX.get(self.kind.name, HISTORY_MAX_OTHERS)
        return [replace(by, value=changes[name]) for by, changes in self.log if name in changes][-keep:]


class Index:
    """What searches of one type know: each record's ``indexed`` state, and the records in the order of their stamps."""

    def __init__(self, kind: Kind) -> None:
        self._stamp = kind.stamp
        self._waiting: dict[int, Record] = {}
        self._stamps: list[tuple[int, int]] | None = None
        self.arrived: list[Record] = []
        """Every record whose state has changed since the first search, as often as it did."""

    def publish(self, record: Record, at_ms: int, lag_ms: int) -> None:
        """Sends a record's present state to the index, where it arrives after the lag."""
        state = None if record.archived or record.merged_into else record.values
        if lag_ms <= 0 and not record.unseen:
            self._arrive(record, state)
        else:
            record.unseen.append((at_ms + max(lag_ms, 0), state))
            self._waiting[record.number] = record

    def settle(self, now_ms: int) -> None:
        """Lets arrive what is due."""
        for record in list(self._waiting.values()):
            while record.unseen and record.unseen[0][0] <= now_ms:
                self._arrive(record, record.unseen.pop(0)[1])
            if not record.unseen:
                del self._waiting[record.number]

    def stamped(self, records: Iterable[Record], low: float, high: float) -> list[int]:
        """The numbers of the records whose stamp is from ``low`` to ``high``, in no order. ``records``: all of them."""
        if self._stamps is None:
            self._stamps = sorted((self._at(one.indexed), one.number) for one in records if one.indexed is not None)
        first, after = bisect_left(self._stamps, (low, 0)), bisect_right(self._stamps, (high, inf))
        return [number for _, number in self._stamps[first:after]]

    def _arrive(self, record: Record, state: Mapping[str, Value] | None) -> None:
        if self._stamps is not None:
            if record.indexed is not None:
                del self._stamps[bisect_left(self._stamps, (self._at(record.indexed), record.number))]
            if state is not None:
                insort(self._stamps, (self._at(state), record.number))
            self.arrived.append(record)
        record.indexed = state

    def _at(self, state: Mapping[str, Value]) -> int:
        return int(state[self._stamp])


class Shelf:
    """All records of one type, in the order of their ids."""

    def __init__(self, kind: Kind, first: int) -> None:
        self.kind = kind
        self._next = first
        self._numbers: list[int] = []
        self._records: dict[str, Record] = {}
        self._unique: dict[tuple[str, str], Record] = {}
        self.index = Index(kind)

    def take_number(self, step: int) -> int:
        """A new id; ids only grow."""
        self._next += step
        return self._next

    def add(self, record: Record) -> None:
        self._numbers.append(record.number)
        self._records[record.id] = record

    def find(self, id: str) -> Record | None:
        """The record of an id; a merged record's id leads to the record that it became part of."""
        found = self._records.get(id)
        while found is not None and found.merged_into is not None:
            found = found.merged_into
        return found

    def find_by(self, name: str, value: str) -> Record | None:
        """A record that is not archived, by a unique property (compared without case)."""
        found = self._unique.get((name, value.lower()))
        if found is None or found.archived or found.merged_into or found.text(name).lower() != value.lower():
            return None
        return found

    def note_unique(self, record: Record, name: str) -> None:
        """Remembers that the record holds this value of a unique property."""
        self._unique[name, record.text(name).lower()] = record

    def since(self, number: int = 0) -> Iterator[Record]:
        """Every record whose id is at least ``number``, archived and merged ones too."""
        for index in range(bisect_left(self._numbers, number), len(self._numbers)):
            yield self._records[str(self._numbers[index])]

    def numbered(self, number: int) -> Record:
        return self._records[str(number)]

    def __len__(self) -> int:
        return len(self._numbers)
