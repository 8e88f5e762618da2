"""Duplicate rules: a record that resembles another one is refused, or alerted of.

Owns the rules and their look at a write. Refuses to change anything. Invariant: a fresh org has none.
Source: Salesforce Help, "Duplicate Rules" (of an edited record a rule sees only edits of fields that it matches);
REST API Developer Guide, "Duplicate Rule Header" (an alert, but not a block, is overruled by ``allowSave``).
https://developer.salesforce.com/docs/platform/api-rest/guide/headers-duplicaterules.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulators.core import Refused
from emulators.salesforce.errors import ApiError
from emulators.salesforce.schema import Table
from emulators.salesforce.store import Store, Values


@dataclass(frozen=True, slots=True)
class Rule:
    """Two records of ``object`` with the same ``field`` are duplicates; ``block``: nobody can overrule it."""

    object: str
    field: str
    block: bool


class Duplicates:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._rules: list[Rule] = []

    def add(self, order: Mapping[str, Any]) -> None:
        """``{"do": "duplicate_rule", "object", "field", "block"}``."""
        table = self._store.tables.get(str(order["object"]).lower())
        if table is None or not table.has(str(order["field"])):
            raise Refused(f"there is no field {order['object']}.{order['field']}")
        self._rules.append(Rule(table.name, str(order["field"]), bool(order.get("block"))))

    def look(self, table: Table, new: Values, given: Values, *, acknowledged: bool) -> None:
        """Raises ApiError when a rule objects to the row ``new``, of which ``given`` was written."""
        for rule in self._rules:
            value = new.get(rule.field)
            if rule.object != table.name or rule.field not in given or not value or (acknowledged and not rule.block):
                continue
            others = self._store.rows(table.name)
            if any(row.get(rule.field) == value and row["Id"] != new.get("Id") for row in others):
                raise ApiError(400, "DUPLICATES_DETECTED", "Use one of these records?", [])
