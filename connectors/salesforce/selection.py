"""What can be read of an object: the columns that are wanted and there.

Owns the meeting of what settings want with what describe shows. Refuses queries. Invariant: nothing is selected, and no
sweep ordered, by a field that describe does not show to us; an object without an id or anything to order it by is not
readable.
"""

from __future__ import annotations

from typing import Final

from connectors.salesforce import names
from connectors.salesforce.columns import NEEDED, Columns
from connectors.salesforce.shape import FieldShape, Shapes
from connectors.salesforce.values import quote

HISTORY_FIELDS: Final = ("Status", "Owner", "ownerAccepted", "ownerAssignment", "ownerEscalated")
"""Values of a history's ``Field`` that are asked for (see ``history``)."""


class Selection:
    """The columns of one connection, as its org stands."""

    def __init__(self, shapes: Shapes, columns: Columns) -> None:
        self._shapes = shapes
        self._columns = columns

    def select(self, name: str) -> list[str]:
        """The columns to ask for; none when the object, or what a sweep stands on, does not exist for us."""
        stamp = self._shapes.stamp(name)
        if stamp is None:
            return []
        columns = self._columns.select(name, lambda path: self._shapes.has(name, path))
        return columns if {"Id", stamp, *NEEDED.get(name, ())} <= set(columns) else []

    def readable(self, name: str) -> bool:
        return bool(self.select(name))

    def stamp(self, name: str) -> str:
        """The field that sweeps go by."""
        return self._shapes.stamp(name) or "SystemModstamp"

    def only(self, name: str) -> str:
        """What a query of object ``name`` is narrowed to: of a history, what tells a status or an owner, in words that
        the object's picklist knows."""
        if name not in names.HISTORIES:
            return ""
        field = self._shapes.field(name, "Field")
        offered = field.offered if field is not None else ()
        known = [word for word in HISTORY_FIELDS if word in offered] or HISTORY_FIELDS[:2]
        return f" AND Field IN ({', '.join(map(quote, known))})"

    def field(self, name: str, path: str) -> FieldShape | None:
        return self._shapes.field(name, path)

    def forget(self) -> None:
        """An administrator changed something: look again before the next query."""
        self._shapes.forget()
