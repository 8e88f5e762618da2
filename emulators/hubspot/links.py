"""Associations: the kinds of link between two object types, and the links themselves.

Owns type ids, labels and the two directions of a link. Refuses to know what a link changes on a record.
Invariant: a link exists in both directions or in none, and each direction has its own type id.
https://developers.hubspot.com/docs/api-reference/crm/associations/associate-records/guide#association-type-id-values
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

HUBSPOT_DEFINED: Final = "HUBSPOT_DEFINED"


@dataclass(frozen=True, slots=True)
class LinkType:
    """One way of being associated, seen from one side. ``label`` None is the plain, unlabelled association."""

    type_id: int
    name: str
    label: str | None = None
    category: str = HUBSPOT_DEFINED


# from, to, type id, type id of the way back, label. The ids are those of hubspot-api-client's AssociationType and of
# developers.hubspot.com/docs/api-reference/crm/associations/associate-records/guide#association-type-id-values; the
# first of a pair is the one that "default" makes.
_PAIRS: Final[tuple[tuple[str, str, int, int, str | None], ...]] = (
    ("contacts", "companies", 279, 280, None),
    ("contacts", "companies", 1, 2, "Primary"),
    ("contacts", "deals", 4, 3, None),
    ("contacts", "tickets", 15, 16, None),
    ("companies", "deals", 342, 341, None),
    ("companies", "deals", 6, 5, "Primary"),
    ("companies", "tickets", 340, 339, None),
    ("companies", "tickets", 25, 26, "Primary"),
    ("deals", "tickets", 27, 28, None),
    ("leads", "contacts", 608, 609, None),
    ("leads", "contacts", 578, 579, "Primary"),
    ("leads", "companies", 610, 611, None),
    ("leads", "companies", 580, 581, "Primary"),
    ("contacts", "calls", 193, 194, None),
    ("contacts", "emails", 197, 198, None),
    ("contacts", "meetings", 199, 200, None),
    ("contacts", "notes", 201, 202, None),
    ("contacts", "tasks", 203, 204, None),
    ("companies", "calls", 181, 182, None),
    ("companies", "emails", 185, 186, None),
    ("companies", "meetings", 187, 188, None),
    ("companies", "notes", 189, 190, None),
    ("companies", "tasks", 191, 192, None),
    ("deals", "calls", 205, 206, None),
    ("deals", "emails", 209, 210, None),
    ("deals", "meetings", 211, 212, None),
    ("deals", "notes", 213, 214, None),
    ("deals", "tasks", 215, 216, None),
    ("tickets", "calls", 219, 220, None),
    ("tickets", "emails", 223, 224, None),
    ("tickets", "meetings", 225, 226, None),
    ("tickets", "notes", 227, 228, None),
    ("tickets", "tasks", 229, 230, None),
    ("leads", "calls", 596, 597, None),
    ("leads", "emails", 598, 599, None),
    ("leads", "meetings", 600, 601, None),
    ("leads", "tasks", 646, 647, None),
    ("leads", "notes", 854, 855, None),
)
_SINGULAR: Final = {
    "contacts": "contact", "companies": "company", "deals": "deal", "tickets": "ticket", "leads": "lead",
    "calls": "call", "emails": "email", "meetings": "meeting_event", "notes": "note", "tasks": "task",
}  # fmt: skip


def _types() -> tuple[dict[tuple[str, str], tuple[LinkType, ...]], dict[int, int]]:
    found: dict[tuple[str, str], list[LinkType]] = defaultdict(list)
    back: dict[int, int] = {}
    for one, other, there, here, label in _PAIRS:
        for start, end, type_id in ((one, other, there), (other, one, here)):
            name = f"{_SINGULAR[start]}_to_{_SINGULAR[end]}" + (f"_{label.lower()}" if label else "")
            found[start, end].append(LinkType(type_id, name, label))
        back |= {there: here, here: there}
    return {pair: tuple(types) for pair, types in found.items()}, back


TYPES, BACK = _types()
"""(from, to) -> its link types, the default one first; type id -> type id of the way back."""

Node = tuple[str, str]
"""A record as an end of a link: kind name and id."""


class Links:
    """All links of the portal."""

    def __init__(self) -> None:
        self._ends: dict[Node, dict[str, dict[str, tuple[int, ...]]]] = {}
        self._shared: dict[tuple[int, ...], tuple[int, ...]] = {}

    def add(self, start: Node, end: Node, type_id: int) -> bool:
        """Links both ways. False when this very link exists already."""
        if not self._put(start, end, type_id):
            return False
        self._put(end, start, BACK[type_id])
        return True

    def _put(self, start: Node, end: Node, type_id: int) -> bool:
        ends = self._ends.setdefault(start, {}).setdefault(end[0], {})
        types = ends.get(end[1], ())
        if type_id in types:
            return False
        more = (*types, type_id)
        ends[end[1]] = self._shared.setdefault(more, more)  # most links of a portal are of a few kinds
        return True

    def remove(self, start: Node, end: Node, type_ids: set[int] | None = None) -> bool:
        """Unlinks both ways; only these types if given. False when there was nothing to unlink."""
        going = [one for one in self.between(start, end) if type_ids is None or one in type_ids]
        for type_id in going:
            self._drop(start, end, type_id)
            self._drop(end, start, BACK[type_id])
        return bool(going)

    def _drop(self, start: Node, end: Node, type_id: int) -> None:
        ends = self._ends[start][end[0]]
        ends[end[1]] = tuple(one for one in ends[end[1]] if one != type_id)
        if not ends[end[1]]:
            del ends[end[1]]

    def between(self, start: Node, end: Node) -> list[int]:
        """The type ids from ``start`` to ``end``, in the order they were made."""
        return list(self._ends.get(start, {}).get(end[0], {}).get(end[1], ()))

    def of(self, start: Node, kind: str) -> list[tuple[str, list[int]]]:
        """The records of one kind that ``start`` is linked to, with the type ids, oldest link first."""
        return [(other, list(types)) for other, types in self._ends.get(start, {}).get(kind, {}).items()]

    def ids(self, start: Node, kind: str) -> list[str]:
        return list(self._ends.get(start, {}).get(kind, ()))

    def all_of(self, start: Node) -> Iterator[tuple[Node, list[int]]]:
        for kind, ends in list(self._ends.get(start, {}).items()):
            for other, types in list(ends.items()):
                yield (kind, other), list(types)

    def move(self, start: Node, to: Node) -> None:
        """Gives every link of ``start`` to ``to``: what a merge does."""
        for end, types in list(self.all_of(start)):
            self.remove(start, end)
            if end != to:
                for type_id in types:
                    self.add(to, end, type_id)


def type_of(start: str, end: str, type_id: int) -> LinkType | None:
    return next((one for one in TYPES.get((start, end), ()) if one.type_id == type_id), None)


PAIR_OF: Final = {one.type_id: pair for pair, types in TYPES.items() for one in types}
"""Type id -> (from, to)."""
