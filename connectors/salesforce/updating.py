"""Changing records: our own fields, an owner, a status or priority.

Owns reading before writing and the comparison with what is expected. Refuses to write a value that is there already.
Invariant: an owner, status or priority is written only over the values that the engine decided on, read again just
before and not modified since; a field of ours that the org does not have, or does not let us write, never keeps the
others from being written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.base import Receipt, WriteBack
from connectors.errors import Rejected
from connectors.salesforce import names
from connectors.salesforce.actors import owner_id
from connectors.salesforce.api import Api
from connectors.salesforce.bundle import Answer
from connectors.salesforce.columns import Columns
from connectors.salesforce.ids import is_id
from connectors.salesforce.mapping import RecordMapping, Row, is_instant
from connectors.salesforce.owners import Candidates, questions
from connectors.salesforce.patching import Patching
from connectors.salesforce.receipts import gone, moved_on, refused, there
from connectors.salesforce.rows import decoded
from connectors.salesforce.sending import Order
from connectors.salesforce.shape import FieldShape, Shapes
from connectors.salesforce.values import id_list, select, show_day, show_instant
from sla.model import split_record

HIDDEN_AFTER_S: Final = 600.0
"""When it is looked again whether a field that we have to compare is shown."""


class Updating:
    """``write(batch)`` for the actions fields, set, owner and tag."""

    def __init__(self, api: Api, shapes: Shapes, columns: Columns, mapping: RecordMapping) -> None:
        self._api = api
        self._shapes = shapes
        self._columns = columns
        self._mapping = mapping
        self._patching = Patching(api, shapes)

    def fields(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        """Our own fields. The engine has compared them already; after a lost answer they are read again first."""
        unsure = [write for write in batch if write.attempts]
        rows, _ = self._fresh(unsure)

        def plan(write: WriteBack) -> Order | Receipt:
            return self._hidden(write) or self._field_order(write, rows.get(_identity(write)))

        return self._patching.send(batch, plan, self._patching.as_they_are)

    def checked(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        """An owner, status or priority: read, compare with what is expected, then write what differs unless somebody
        was faster. Who cannot own is refused before anything is sent."""
        owners = [owner for write in batch if (owner := owner_id(write.owner)) is not None]
        rows, candidates = self._fresh(batch, owners)

        def plan(write: WriteBack) -> Order | Receipt:
            return self._hidden(write) or self._checked_order(write, rows.get(_identity(write)), candidates)

        return self._patching.send(batch, plan, self._patching.unless_modified(rows))

    def tags(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        """Adds a tag to those that a field holds, one after the other separated by ``;`` as in a multi-select
        picklist. What others put there stays."""
        rows, _ = self._fresh(batch)

        def plan(write: WriteBack) -> Order | Receipt:
            return self._hidden(write) or self._tag_order(write, rows.get(_identity(write)))

        return self._patching.send(batch, plan, self._patching.unless_modified(rows))

    # ---- planning

    def _hidden(self, write: WriteBack) -> Receipt | None:
        """An object that we may not see at all: a permission was taken away, which is no fault of any record."""
        name, _ = _identity(write)
        return _not_shown(write, [name]) if self._shapes.get(name) is None else None

    def _field_order(self, write: WriteBack, fresh: Row | None) -> Order | Receipt:
        name, key = _identity(write)
        if fresh is not None and fresh.get("IsDeleted"):
            return gone(write)
        here = self._mapping.observed(name, fresh) if fresh is not None else {}
        values: dict[str, Any] = {}
        missing: list[str] = []
        for field, wanted in write.values.items():
            path = self._columns.written[name].get(field)
            if path is None:
                continue
            shape = self._field(name, path)
            if shape is None or not shape.updateable:
                missing.append(path)
                continue
            value = _whole_second(wanted) if is_instant(field) else wanted
            if fresh is None or field not in here or here[field] != value:
                values[path] = _shown(value, shape, instant=is_instant(field))
        if values:
            return Order(write, name, {"id": key, **values})
        if missing:
            reason = f"the integration user cannot write {', '.join(missing)}; run check for the way to add them"
            return refused(write, reason, "FIELD_MISSING")
        return there(write)

    def _checked_order(self, write: WriteBack, fresh: Row | None, candidates: Candidates) -> Order | Receipt:
        name, key = _identity(write)
        if fresh is None or fresh.get("IsDeleted"):
            return gone(write)
        if fresh.get("IsConverted"):
            return refused(write, "the lead has been converted", "CANNOT_UPDATE_CONVERTED_LEAD")
        here = self._mapping.fields(name, fresh)
        hidden = [field for field, expected in write.expect.items() if expected is not None and field not in here]
        if hidden:
            return _not_shown(write, sorted(hidden))
        moved = [field for field, expected in write.expect.items() if here.get(field) != expected]
        if moved:
            reason = "meanwhile changed: " + ", ".join(f"{field} is {here.get(field)}" for field in sorted(moved))
            return moved_on(write, reason)
        if write.action == "owner":
            return self._owner_order(write, name, key, here, candidates)
        return self._set_order(write, name, key, here)

    def _owner_order(
        self, write: WriteBack, name: str, key: str, here: Mapping[str, Any], candidates: Candidates
    ) -> Order | Receipt:
        new = owner_id(write.owner)
        if new is None:
            return refused(write, f"{write.owner} is no Salesforce user or queue", "OWNER")
        if here.get("owner") == write.owner:
            return there(write)
        obstacle = candidates.obstacle(new, name)
        if obstacle is not None:
            return refused(write, *obstacle)
        return Order(write, name, {"id": key, "OwnerId": new})

    def _set_order(self, write: WriteBack, name: str, key: str, here: Mapping[str, Any]) -> Order | Receipt:
        values: dict[str, Any] = {}
        for field, wanted in write.values.items():
            if here.get(field) == wanted:
                continue
            path, raw = self._raw(name, field, wanted)
            if path is None or raw is None:
                return refused(write, f"no value of Salesforce means {field} = {wanted}", "NO_VALUE")
            values[path] = raw
        if not values:
            return there(write)
        return Order(write, name, {"id": key, **values})

    def _tag_order(self, write: WriteBack, fresh: Row | None) -> Order | Receipt:
        name, key = _identity(write)
        path = self._columns.tags.get(name)
        shape = self._field(name, path) if path is not None else None
        if path is None or shape is None or not shape.updateable:
            what = path or f"tags.{names.KINDS[name]}"
            return refused(write, f"{what} is no field that we can write tags to; run check", "NO_TAGS")
        if fresh is None or fresh.get("IsDeleted"):
            return gone(write)
        here = [tag for part in str(fresh.get(path) or "").split(";") if (tag := part.strip())]
        tag = write.subject or ""
        if tag in here:
            return there(write)
        value = ";".join([*here, tag])
        if shape.length and len(value) > shape.length:
            return refused(write, f"{path} is full: it holds {shape.length} characters", "STRING_TOO_LONG")
        return Order(write, name, {"id": key, path: value})

    def _raw(self, name: str, field: str, wanted: Any) -> tuple[str | None, Any]:
        """The Salesforce field behind a normalised one, and the raw value that means what is wanted."""
        path = {"status": "Status", "raw_status": "Status"}.get(field) or self._columns.fields[name].get(field)
        shape = self._field(name, path) if path else None
        if path is None or shape is None:
            return None, None
        if field == "status":
            return path, self._mapping.raw_status(names.KINDS[name], str(wanted), shape.offered)
        if field == "priority":
            return path, self._mapping.raw_priority(str(wanted), shape.offered)
        return path, wanted

    def _field(self, name: str, path: str) -> FieldShape | None:
        shape = self._shapes.get(name)
        return shape.field(path) if shape is not None else None

    # ---- reading before writing

    def _fresh_columns(self, name: str) -> list[str]:
        columns = self._columns.select(name, lambda path: self._shapes.has(name, path))
        tags = self._columns.tags.get(name)
        return [*columns, tags] if tags and tags not in columns and self._shapes.has(name, tags) else columns

    def _fresh(
        self, batch: Sequence[WriteBack], owners: Sequence[str] = ()
    ) -> tuple[dict[tuple[str, str], Row], Candidates]:
        """The rows of the batch's records as they are now, by object and id, and what is known of ``owners``; one call
        for all."""
        keys: dict[str, set[str]] = {}
        for write in batch:
            name, key = _identity(write)
            if is_id(key) and self._shapes.get(name) is not None:
                keys.setdefault(name, set()).add(key)
        asked = {
            name: select(self._fresh_columns(name), name, f"Id IN {id_list(sorted(some))}")
            for name, some in keys.items()
        }
        asked |= questions(owners) if keys else {}
        answers = dict(zip(asked, self._api.each_query(list(asked.values())), strict=True)) if asked else {}
        found: dict[tuple[str, str], Row] = {}
        for name, some in keys.items():
            answer = answers[name]
            if not isinstance(answer, Answer):
                raise answer
            for row in decoded(answer):
                found |= {(name, key): row for key in some if key[:15] == row["Id"][:15]}
        return found, Candidates(answers)


def _identity(write: WriteBack) -> tuple[str, str]:
    """Object and id of a write-back's record. Raises Rejected for a kind that Salesforce does not have."""
    _, kind, key = split_record(write.record)
    if kind not in names.OBJECTS:
        raise Rejected(f"there is no {kind} in this connection", code="KIND")
    return names.OBJECTS[kind], key


def _not_shown(write: WriteBack, hidden: Sequence[str]) -> Receipt:
    """Whether somebody was faster cannot be told: the write waits until object and fields are shown again."""
    reason = f"the integration user may not read {', '.join(hidden)}, so it cannot be compared"
    return Receipt(key=write.key, outcome="retry", wrote=False, reason=reason, code="HIDDEN", after=HIDDEN_AFTER_S)


def _whole_second(value: Any) -> Any:
    """Salesforce keeps whole seconds of an instant."""
    return value - value % 1000 if isinstance(value, int) and not isinstance(value, bool) else value


def _shown(value: Any, shape: FieldShape, *, instant: bool) -> Any:
    """A value in the form that the field takes; a text no longer than the field."""
    if instant and isinstance(value, int):
        return show_day(value) if shape.type == "date" else show_instant(value)
    if isinstance(value, str) and shape.length and shape.type in {"string", "textarea"}:
        return value[: shape.length]
    return value
