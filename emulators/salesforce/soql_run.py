"""Running a parsed query over the rows.

Owns order, limit and offset. Refuses paging and HTTP. Source: SOQL and SOSL Reference: nulls sort first by default.
https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_orderby.htm
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from emulators.salesforce.errors import ApiError
from emulators.salesforce.org import Org
from emulators.salesforce.schema import Field
from emulators.salesforce.soql import Query
from emulators.salesforce.soql_bounds import bounds, pointed
from emulators.salesforce.soql_names import Get, Names
from emulators.salesforce.soql_show import Selection, show_row
from emulators.salesforce.soql_where import Conditions, folded
from emulators.salesforce.store import Store, Values


class Run:
    """One query on its way. ``rows`` gives what it found, ``show`` one row as the answer carries it."""

    def __init__(self, store: Store, org: Org, query: Query, *, deleted: bool = False) -> None:
        names = Names(store, org, query.text)
        self._store = store
        self._query = query
        self._deleted = deleted
        self.table = names.table(query.object)
        self._plan = Selection(names).plan(self.table, query.items)
        self._test = Conditions(names).test(self.table, query.where) if query.where else None
        self._order = [(names.field(self.table, one.path), one) for one in query.order]
        for (_, field), one in self._order:
            if not names.is_filterable(self.table, field):
                raise names.at(one.path.column, f"field '{field.name}' can not be sorted in a query call")

    def rows(self) -> list[Values]:
        """What was found, in order, before paging."""
        if self._query.offset > 2000:
            raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        end = None if self._query.limit is None else self._query.offset + self._query.limit
        if (ordered := self._in_order()) is not None:
            return list(islice(filter(self._keeps, ordered), self._query.offset, end))
        found = [row for row in self._looked_at() if self._keeps(row)]
        for (get, field), one in reversed(self._order):
            nulls = [row for row in found if get(row) is None]
            rest = [row for row in found if get(row) is not None]
            rest.sort(key=_sort_key(get, field), reverse=one.descending)
            found = rest + nulls if one.nulls_last else nulls + rest
        return found[self._query.offset : end]

    def show(self, row: Values, base: str) -> Values:
        """``base`` is the version's path, ``/services/data/v68.0``."""
        return show_row(self.table, row, self._plan, base)

    def _looked_at(self) -> Iterator[Values]:
        """The rows that can be among those found, in order of creation."""
        if (named := pointed(self.table, self._query.where)) is not None:
            return self._store.pointing(self.table.name, *named, deleted=self._deleted)
        return self._store.rows(self.table.name, deleted=self._deleted)

    def _in_order(self) -> Iterator[Values] | None:
        """The rows that can be among those found, in the order asked for; None where they must be sorted for it."""
        names = [".".join(one.path.names).lower() for _, one in self._order]
        if not names or names[1:] not in ([], ["id"]) or any(one.descending for _, one in self._order):
            return None
        field = self._order[0][0][1]
        low, high = bounds(self.table, self._query.where, field)
        if (low is None and high is None) or pointed(self.table, self._query.where):
            return None
        return self._store.between(self.table.name, field.name, low, high, deleted=self._deleted)

    def _keeps(self, row: Values) -> bool:
        return self._test is None or self._test(row)


def _sort_key(get: Get, field: Field) -> Get:
    return lambda row: folded(field, get(row))
