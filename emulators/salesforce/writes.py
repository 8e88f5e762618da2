"""Writing records: create, update, delete, upsert, with everything the platform does on the way.

Owns the order of a write: checks, derived values, assignment rules, the row, its history, the effect, notifications.
Refuses HTTP. Invariant: a write that raises has changed nothing, and a write that does not leaves one effect.
Source: Apex Developer Guide, "Triggers and Order of Execution" (assignment rules run after the record is saved).
https://developer.salesforce.com/docs/atlas.en-us.apexcode.meta/apexcode/apex_triggers_order_of_execution.htm
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from emulators.effects import Effects
from emulators.salesforce import errors, permissions
from emulators.salesforce.checks import Checks
from emulators.salesforce.derive import derive
from emulators.salesforce.duplicates import Duplicates
from emulators.salesforce.org import Org
from emulators.salesforce.schema import Table
from emulators.salesforce.store import Store, Values
from emulators.salesforce.tables import CLOSED
from emulators.salesforce.values import read, show_instant


@dataclass(frozen=True, slots=True)
class Actor:
    """Who writes. ``user`` is the user id in CreatedById; ``by`` the effect's author, None for what leaves no effect
    (seeded and living data); ``assign`` whether assignment rules run, ``acknowledges`` whether alerts of duplicate
    rules are overruled; ``place`` method and path of the call, for faults that strike single rows."""

    user: str
    by: str | None = None
    request: int | None = None
    assign: bool = False
    acknowledges: bool = False
    place: tuple[str, str] | None = None


class Writer:
    """``notify(object, id)`` is told of every record written; ``strike(method, path)`` gives the code that a fault has
    for a row of such a call."""

    def __init__(
        self, store: Store, org: Org, effects: Effects, notify: Callable[[str, str], None],
        strike: Callable[[str, str], str | None] = lambda _method, _path: None,
    ) -> None:  # fmt: skip
        self.store = store
        self.org = org
        self.checks = Checks(store, org)
        self._effects = effects
        self._notify = notify
        self._strike = strike
        self.duplicates = Duplicates(store)
        self._held: list[Callable[[], None]] | None = None

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """Everything written inside takes effect together, or nothing does. Nests."""
        outermost = self._held is None
        held = self._held = self._held if self._held is not None else []
        mark = len(held)
        try:
            with self.store.transaction():
                yield
        except BaseException:
            del held[mark:]
            raise
        finally:
            if outermost:
                self._held = None
        if outermost:
            for tell in held:
                tell()

    def create(self, table: Table, body: Mapping[str, Any], actor: Actor, at: int | None = None) -> str:
        """Returns the new id. ``at`` (epoch ms) dates the record back."""
        if not table.writable:
            raise errors.ApiError(
                400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {table.name} does not support create", []
            )
        self._struck(actor)
        self._allowed(table, "create", body, actor)
        given = self.checks.fields(table, body, creating=True)
        defaults = {name: field.default for name, field in table.fields.items() if field.default is not None}
        row = derive(self.store, table.name, None, defaults | given, actor.user, at)
        self.checks.row(table, None, row)
        self.duplicates.look(table, row, given, acknowledged=actor.acknowledges)
        moved = self._assigned(table, row, actor)
        made = self.store.insert(table.name, row | moved, actor.user, at)
        if table.name in permissions.NEEDS:
            permissions.take_effect(self.store, self.org)
        self._history(table, made["Id"], "created", None, None, actor, at)
        self._after(table, made, {name: value for name, value in body.items() if name != "attributes"}, moved, actor)
        return str(made["Id"])

    def update(self, table: Table, id: str, body: Mapping[str, Any], actor: Actor, at: int | None = None) -> None:
        self._struck(actor)
        self._allowed(table, "edit", body, actor)
        old = self.checks.existing(table, id)
        given = self.checks.fields(table, body, creating=False)
        row = derive(self.store, table.name, old, old | given, actor.user, at)
        self.checks.row(table, old, row)
        self.duplicates.look(table, row, given, acknowledged=actor.acknowledges)
        moved = self._assigned(table, row, actor)
        new = self.store.update(table.name, id, row | moved, actor.user, at)
        for name in self.org.tracked.get(table.name, ()):
            if old[name] != new[name]:
                self._history(table, id, name, old[name], new[name], actor, at)
        self._after(table, new, {name: value for name, value in body.items() if name != "attributes"}, moved, actor)

    def _struck(self, actor: Actor) -> None:
        code = self._strike(*actor.place) if actor.place is not None else None
        if code is not None:
            raise errors.struck(code)

    def _allowed(self, table: Table, access: str, body: Mapping[str, Any], actor: Actor) -> None:
        """People of the org may do all that they are told to; the client, what its permissions cover."""
        if actor.by is not None and actor.by.startswith("api:"):
            permissions.refuse(self.store, self.org, table.name, access, body)

    def delete(self, table: Table, id: str, actor: Actor) -> None:
        if not (table.writable and table.deletable):
            raise errors.ApiError(
                400, "INSUFFICIENT_ACCESS_OR_READONLY", f"entity type {table.name} does not support delete", []
            )
        self.checks.existing(table, id)
        self.remove(table, id, actor.user)
        self.tell(table, id, {"IsDeleted": True}, {}, actor)

    def remove(self, table: Table, id: str, user: str, **values: Any) -> None:
        """Puts a record and what belongs to it into the recycle bin."""
        self.store.update(table.name, id, {"IsDeleted": True, **values}, user)
        for entity, field in CASCADES.get(table.name, ()):
            for child in self.store.children(entity, field, id):
                self.store.update(entity, child["Id"], {"IsDeleted": True}, user)

    def force(self, table: Table, id: str, changes: Values, actor: Actor) -> None:
        """A change by the platform itself, past the checks: converting, restoring, switching a user off."""
        old = self.store.find(id) or {}
        new = self.store.update(table.name, id, changes, actor.user)
        for name in self.org.tracked.get(table.name, ()):
            if old[name] != new[name]:
                self._history(table, id, name, old[name], new[name], actor)
        self.tell(table, id, changes, {}, actor)

    def upsert(self, table: Table, name: str, value: Any, body: Mapping[str, Any], actor: Actor) -> tuple[str, bool]:
        """Creates or updates by an external id. Returns the id and whether it was created."""
        field = table.field(name)
        if field is None or not (field.external_id or field.type == "id"):
            raise errors.not_found(f"Provided external ID field does not exist or is not accessible: {name}")
        if not value:
            raise errors.ApiError(400, "MISSING_ARGUMENT", f"{field.name} not specified", [])
        fields = {key: one for key, one in body.items() if key.lower() != field.name.lower()}
        if field.type == "id":
            given = str(read(field, value))
            self.update(table, given, fields, actor)
            return given, False
        holders = self.store.holders(table.name, field.name, str(value))
        if len(holders) > 1:
            raise errors.Ambiguous(table.name, field.name, holders)
        if holders:
            self.update(table, holders[0], fields, actor)
            return holders[0], False
        return self.create(table, {field.name: value, **fields}, actor), True

    def _assigned(self, table: Table, row: Values, actor: Actor) -> Values:
        """The owner that the active assignment rule gives. It runs on create and update alike unless the client says
        no (REST API Developer Guide, "Assignment Rule Header")."""
        owner = self.org.assignment.get(table.name) if actor.assign else None
        if owner is None or row.get("Status") in CLOSED.get(table.name, ()):
            return {}
        return {"OwnerId": owner} if row.get("OwnerId") != owner else {}

    def _history(
        self, table: Table, id: str, field: str, old: Any, new: Any, actor: Actor, at: int | None = None
    ) -> None:
        if not self.org.tracked.get(table.name):
            return
        values: list[tuple[Any, Any, str]] = [(old, new, "Text")]
        if field == "OwnerId":  # two rows: one with the names, one with the ids
            field = "Owner"
            before, after = ((self.store.find(owner) or {}).get("Name") for owner in (old, new))
            values = [(before, after, "Text"), (old, new, "EntityId")]
        for before, after, kind in values:
            row = {f"{table.name}Id": id, "Field": field, "OldValue": before, "NewValue": after, "DataType": kind}
            self.store.insert(f"{table.name}History", row, actor.user, at)

    def _after(self, table: Table, row: Values, written: dict[str, Any], moved: Values, actor: Actor) -> None:
        if table.name in ("Task", "Event"):
            self._touch_parents(row)
        self.tell(table, row["Id"], written, moved, actor)

    def _touch_parents(self, row: Values) -> None:
        """LastActivityDate of the lead, contact or account: the latest of closed tasks and events."""
        day = row.get("ActivityDate") or show_instant(row.get("CompletedDateTime") or self.store.stamp())[:10]
        for parent in (row.get("WhoId"), row.get("WhatId"), row.get("AccountId")):
            target = self.store.table_of(parent) if parent else None
            if target and target.has("LastActivityDate") and (row.get("IsClosed") or "StartDateTime" in row):
                self.store.amend(target.name, str(parent), {"LastActivityDate": day})

    def tell(self, table: Table, id: str, written: dict[str, Any], moved: Values, actor: Actor) -> None:
        """Says that a write took effect: to the log of effects and to whom it may be notified."""

        def tell() -> None:
            if actor.by is not None:
                kind = {"Task": "task", "CaseComment": "note", "FeedItem": "note"}.get(table.name, "fields")
                kinds: dict[str, Any] = {kind: written}
                self._effects.record(
                    object=table.name, id=id, by=actor.by, request=actor.request, also=moved or None, **kinds
                )
            self._notify(table.name, id)

        if self._held is None:
            tell()
        else:
            self._held.append(tell)


CASCADES = {
    "Case": (("CaseComment", "ParentId"), ("EmailMessage", "ParentId"), ("Task", "WhatId"), ("Event", "WhatId")),
    "Lead": (("Task", "WhoId"), ("Event", "WhoId")),
}
"""What goes into the recycle bin together with its parent."""
