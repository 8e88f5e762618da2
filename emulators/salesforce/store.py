"""The rows of the org: kept in memory, stamped like Salesforce stamps them, undone on request.

Owns ids, stamps, unique values and what queries may already see. Refuses rules about what may be written.
Invariant: a row is replaced, never changed in place, so whoever read it keeps a consistent picture.
Times inside rows are epoch milliseconds in whole seconds: a datetime in Salesforce has no fraction of a second.
That stamps have whole seconds is captured from published answers, officially assumed; the rest is our own machinery.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from emulators.salesforce.ids import make_id
from emulators.salesforce.indexes import Indexes
from emulators.salesforce.schema import Table

Values = dict[str, Any]


@dataclass(slots=True)
class Row:
    """One record. Until ``visible_at`` (epoch ms) queries see ``before``, or nothing when that is None."""

    values: Values
    visible_at: int = 0
    before: Values | None = None


class Store:
    """``delay_s`` is asked at each write for how long queries miss it (the ``late_index`` fault)."""

    def __init__(
        self, tables: dict[str, Table], now_ms: Callable[[], int], delay_s: Callable[[str], float] = lambda _: 0.0
    ) -> None:
        self.tables = tables
        self.now_ms = now_ms
        self._delay_s = delay_s
        self._rows: dict[str, dict[str, Row]] = defaultdict(dict)
        self._numbers: Counter[str] = Counter()
        self._unique: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        self._undo: list[Callable[[], object]] | None = None
        self._indexes: dict[str, Indexes] = defaultdict(Indexes)
        self._late: dict[str, int] = {}
        self._by_prefix = {table.prefix: table for table in reversed(tables.values())}

    def count(self, object: str) -> int:
        """How many rows of an object there ever were."""
        return len(self._rows[object])

    def stamp(self) -> int:
        """Now, as rows carry it: whole seconds."""
        return self.now_ms() // 1000 * 1000

    def table_of(self, id: str) -> Table | None:
        """The object that an id belongs to."""
        return self._by_prefix.get(id[:3])

    def get(self, object: str, id: str) -> Values | None:
        """The row as it is, deleted ones too; None when there never was one."""
        row = self._rows[object].get(id)
        return row.values if row else None

    def find(self, id: str | None) -> Values | None:
        """The row that an id of any object points to."""
        table = self.table_of(id) if id else None
        return self.get(table.name, id) if table and id else None

    def rows(self, object: str, *, deleted: bool = False) -> Iterator[Values]:
        """What a query sees, in order of creation."""
        now = self.now_ms()
        for row in self._rows[object].values():
            values = row.values if row.visible_at <= now else row.before
            if values is not None and (deleted or not values.get("IsDeleted")):
                yield values

    def pointing(self, object: str, field: str, wanted: Iterable[str], *, deleted: bool = False) -> Iterator[Values]:
        """What a query sees of the rows whose ``field`` is one of ``wanted``, in order of creation."""
        if self._is_late(object):
            return self.rows(object, deleted=deleted)
        ids: Iterable[str] = (one for one in wanted if one in self._rows[object])
        if field != "Id":
            ids = self._indexes[object].holding(self._all(object), field, wanted)
        return self._shown(object, sorted(ids), deleted=deleted)

    def between(
        self, object: str, field: str, low: Any, high: Any, *, deleted: bool = False
    ) -> Iterator[Values] | None:
        """What a query sees of the rows whose ``field`` is from ``low`` to ``high`` (None: no end), in the order of the
        field and then of the id. None while rows are on their way into queries: these show what was."""
        if self._is_late(object):
            return None
        return self._shown(object, self._indexes[object].between(self._all(object), field, low, high), deleted=deleted)

    def _is_late(self, object: str) -> bool:
        return self._late.get(object, 0) > self.now_ms()

    def _all(self, object: str) -> Iterator[Values]:
        return (row.values for row in self._rows[object].values())

    def _shown(self, object: str, ids: Iterable[str], *, deleted: bool) -> Iterator[Values]:
        rows = (self._rows[object][one].values for one in ids)
        return (values for values in rows if deleted or not values.get("IsDeleted"))

    def children(self, object: str, field: str, parent: str) -> list[Values]:
        """The undeleted rows whose ``field`` points to ``parent``, as they are now."""
        ids = sorted(self._indexes[object].holding(self._all(object), field, (parent,)))
        return list(self._shown(object, ids, deleted=False))

    def holders(self, object: str, field: str, value: str) -> list[str]:
        """The ids of the rows that hold an external id; compared without case, as Salesforce does unless told not to.
        More than one only where the field is not unique."""
        if self.tables[object.lower()].fields[field].unique:
            held = self._unique[object, field].get(value.lower())
            return [] if held is None else [held]
        return [row["Id"] for row in self.rows(object) if str(row.get(field) or "").lower() == value.lower()]

    def insert(self, object: str, values: Values, by: str, at: int | None = None) -> Values:
        """Adds a row. ``at`` (epoch ms) dates it back, for seeded data."""
        table = self.tables[object.lower()]
        moment = self.stamp() if at is None else at // 1000 * 1000
        self._numbers[table.prefix] += 1
        made = make_id(table.prefix, self._numbers[table.prefix])
        row: Values = {name: field.default for name, field in table.fields.items()}
        row |= values
        row |= {"Id": made}
        system = {
            "IsDeleted": False, "CreatedDate": moment, "CreatedById": by,
            "LastModifiedDate": moment, "LastModifiedById": by, "SystemModstamp": moment,
        }  # fmt: skip
        row |= {name: value for name, value in system.items() if table.has(name)}
        self._put(table, row)
        return row

    def update(self, object: str, id: str, changes: Values, by: str, at: int | None = None) -> Values:
        """Replaces a row by one with ``changes``; stamps it."""
        table = self.tables[object.lower()]
        moment = self.stamp() if at is None else at // 1000 * 1000
        stamps = {"LastModifiedDate": moment, "LastModifiedById": by, "SystemModstamp": moment}
        row = self._rows[object][id].values | changes
        row |= {name: value for name, value in stamps.items() if table.has(name)}
        self._put(table, row)
        return row

    def amend(self, object: str, id: str, changes: Values) -> None:
        """Changes a row without stamping it, as the platform does for what it derives from other records."""
        self._put(self.tables[object.lower()], self._rows[object][id].values | changes)

    def remove(self, object: str, id: str) -> None:
        """Takes a row out for good, as when the recycle bin is emptied."""
        row = self._rows[object].pop(id)
        self._indexes[object].put(id, row.values, None)
        self._index(self.tables[object.lower()], row.values, {})

    def rename_field(self, object: str, old: str, new: str) -> None:
        """Gives a field another name, in its table and in every row."""
        self.tables[object.lower()].rename(old, new)
        self._indexes.pop(object, None)
        for row in self._rows[object].values():
            row.values = {new if name == old else name: value for name, value in row.values.items()}
            row.before = row.before and {new if name == old else name: value for name, value in row.before.items()}
        if (object, old) in self._unique:
            self._unique[object, new] = self._unique.pop((object, old))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside it take effect, or none when it is left by an exception. Nests as savepoints do."""
        outermost = self._undo is None
        undo = self._undo = self._undo if self._undo is not None else []
        mark = len(undo)
        try:
            yield
        except BaseException:
            while len(undo) > mark:
                undo.pop()()
            raise
        finally:
            if outermost:
                self._undo = None

    def _put(self, table: Table, values: Values) -> None:
        rows, row_id = self._rows[table.name], values["Id"]
        old = rows.get(row_id)
        delay = self._delay_s(table.name)
        if delay:
            seen = None if old is None else (old.values if old.visible_at <= self.now_ms() else old.before)
            rows[row_id] = Row(values, self.now_ms() + int(delay * 1000), seen)
            self._late[table.name] = max(rows[row_id].visible_at, self._late.get(table.name, 0))
        else:
            rows[row_id] = Row(values)
        if self._undo is not None:
            self._undo.append(lambda: self._take_back(table, values, old))
        self._indexes[table.name].put(row_id, old.values if old else None, values)
        self._index(table, old.values if old else {}, values)

    def _take_back(self, table: Table, values: Values, old: Row | None) -> None:
        if old is None:
            del self._rows[table.name][values["Id"]]
        else:
            self._rows[table.name][values["Id"]] = old
        self._indexes[table.name].put(values["Id"], values, old.values if old else None)
        self._index(table, values, old.values if old else {})

    def _index(self, table: Table, old: Values, new: Values) -> None:
        for name in (field.name for field in table.fields.values() if field.unique):
            index = self._unique[table.name, name]
            if old.get(name):
                index.pop(old[name].lower(), None)
            if new.get(name) and not new.get("IsDeleted"):
                index[new[name].lower()] = new["Id"]
