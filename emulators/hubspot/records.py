"""Records: their values, their history, and the copy of them that the search index has.

Owns one record and the shelf of all records of a type. Refuses rules: whoever calls has already decided.
Invariant: ``values`` is replaced, never changed in place, so an older copy stays what the index saw.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
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


class Published:
    """How often anything has been sent to an index, of any portal: while it stands, a search finds what it found."""

    count = 0


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

    def publish(self, at_ms: int, lag_ms: int) -> None:
        """Sends the present state to the index, where it arrives after the lag."""
        Published.count += 1
        state = None if self.archived or self.merged_into else self.values
        if lag_ms <= 0 and not self.unseen:
            self.indexed = state
        else:
            self.unseen.append((at_ms + max(lag_ms, 0), state))

    def in_index(self, now_ms: int) -> Mapping[str, Value] | None:
        """What the index knows of it now."""
        while self.unseen and self.unseen[0][0] <= now_ms:
            self.indexed = self.unseen.pop(0)[1]
        return self.indexed


class Shelf:
    """All records of one type, in the order of their ids."""

    def __init__(self, kind: Kind, first: int) -> None:
        self.kind = kind
        self._next = first
        self._numbers: list[int] = []
        self._records: dict[str, Record] = {}
        self._unique: dict[tuple[str, str], Record] = {}

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

    def __len__(self) -> int:
        return len(self._numbers)
