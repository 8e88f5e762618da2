"""Owner changes and set values: compare, then set.

Owns which property a normalised field is written to and the comparison with what the record holds now. Refuses to
write over what is no longer as expected, and to make somebody an owner who has left. Invariant: between the fresh read
and the write lies one call. HubSpot has no conditional update: what falls into that window is found by ``overwritten``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.base import Receipt, WriteBack
from connectors.errors import Rejected
from connectors.hubspot import names
from connectors.hubspot.activities import owner_id
from connectors.hubspot.answers import receipt
from connectors.hubspot.faults import error_of
from connectors.hubspot.mapping import Mapper, encode, is_instant, moment
from connectors.hubspot.names import ObjectType
from connectors.hubspot.overwritten import Overwritten
from connectors.hubspot.portal import Portal
from connectors.hubspot.rows import Input
from connectors.hubspot.sending import Aim, Sender
from connectors.hubspot.shapes import Row
from connectors.hubspot.tracing import mark
from sla.model import STATUSES


class Changes:
    def __init__(self, portal: Portal, mapper: Mapper, sender: Sender) -> None:
        self._portal = portal
        self._mapper = mapper
        self._sender = sender
        self._overwritten = Overwritten(portal, sender)

    def write(self, of: ObjectType, aims: Sequence[Aim]) -> list[Receipt]:
        """Several changes of one object go one after the other, each against what the one before it left."""
        receipts: list[Receipt] = []
        left = list(aims)
        while left:
            now = list({aim.id: aim for aim in reversed(left)}.values())
            left = [aim for aim in left if aim not in now]
            receipts += self._round(of, now)
        return receipts

    def _round(self, of: ObjectType, aims: Sequence[Aim]) -> list[Receipt]:
        paths = {path for aim in aims for path in self._paths(of, aim.order).values()}
        wanted = list(dict.fromkeys((*self._mapper.properties[of.name], *sorted(paths))))
        held = self._sender.held(of, [aim.id for aim in aims], wanted)
        receipts: list[Receipt] = []
        inputs: list[Input] = []
        for aim in aims:
            verdict = self._weigh(of, aim.order, held.get(aim.id))
            if isinstance(verdict, Receipt):
                receipts.append(verdict)
            else:
                inputs.append(Input((aim.order.key,), mark(aim.order.key), verdict, aim.id))
        before = {row.id: row.properties.get(names.OWNER) or "" for row in held.values()}
        return receipts + self._overwritten.told(of, before, inputs, self._sender.update(of, inputs))

    def _weigh(self, of: ObjectType, order: WriteBack, row: Row | None) -> Receipt | dict[str, str]:
        """What to change, or why there is nothing to: it is so already, it moved on, or it is gone."""
        if row is None:
            return receipt(order.key, Rejected("the record no longer exists", code="OBJECT_NOT_FOUND"))
        try:
            wanted = self._properties(of, order, row)
        except Rejected as impossible:
            return receipt(order.key, impossible)
        instants = {path for name, path in self._mapper.write[of.name].items() if is_instant(name)}
        different = {
            path: value
            for path, value in wanted.items()
            if not _holds(row.properties.get(path), value, dated=path in instants)
        }
        if not different:
            return Receipt(key=order.key, outcome="done", wrote=False, crm_id=row.id)
        fields = self._mapper.snapshot(of, row, self._portal.envelope(of, row))
        hidden = sorted(name for name, value in order.expect.items() if value is not None and name not in fields)
        if hidden:  # whether somebody was faster cannot be told, so it waits until they are there again
            reason = f"the portal does not show {', '.join(hidden)}, so it cannot be compared"
            return Receipt(key=order.key, outcome="retry", wrote=False, reason=reason, code="HIDDEN", after=600.0)
        moved = sorted(name for name, value in order.expect.items() if fields.get(name) != value)
        if moved:
            reason = f"{', '.join(moved)} changed meanwhile"
            return Receipt(key=order.key, outcome="conflict", wrote=False, reason=reason, code="EXPECTATION_FAILED")
        holder = self._portal.holder(different[names.OWNER]) if different.get(names.OWNER) else None
        if holder is not None and holder.archived:
            return receipt(order.key, error_of("INACTIVE_OWNER"))
        return different

    # ---- which property, which value

    def _paths(self, of: ObjectType, order: WriteBack) -> dict[str, str]:
        """Normalised field -> property, for those fields of a ``set`` that have one."""
        known: dict[str, str] = {**self._mapper.fields[of.name], "owner": names.OWNER}
        if of.stage:
            known |= {"status": of.stage, "raw_status": of.stage}
        if of.name in names.PRIORITY_PROPERTY:
            known["priority"] = names.PRIORITY_PROPERTY[of.name]
        known |= self._mapper.write[of.name]
        return {name: known[name] for name in order.values if name in known}

    def _properties(self, of: ObjectType, order: WriteBack, row: Row) -> dict[str, str]:
        """The property values that an ``owner`` or ``set`` asks for. Raises Rejected for what has no property."""
        if order.action == "owner":
            return {names.OWNER: owner_id(order.owner)}
        paths = self._paths(of, order)
        if unknown := sorted(set(order.values) - set(paths)):
            reason = f"no property is mapped for {', '.join(unknown)}: name it in `fields` or `write.{of.kind}`"
            raise Rejected(reason, code="NO_PROPERTY")
        return {paths[name]: self._value(of, name, value, row) for name, value in order.values.items()}

    def _value(self, of: ObjectType, name: str, value: Any, row: Row) -> str:
        if name in self._mapper.write[of.name]:
            return encode(name, value)
        if name == "owner":
            return owner_id(value)
        if name in ("status", "raw_status"):
            return self._status(of, str(value), row)
        if name == "priority" and value is not None:
            return self._priority(of, str(value))
        return "" if value is None else str(value)

    def _priority(self, of: ObjectType, value: str) -> str:
        given = [raw for raw, meant in self._mapper.settings.priority.items() if meant == value]
        usual = names.PRIORITY_OPTION.get(of.name, {})
        return given[0] if given else usual.get(value, value.upper())

    def _status(self, of: ObjectType, value: str, row: Row) -> str:
        """A raw status: by the CRM's own word, or the first that means the category. The present one, if it fits."""
        if of.pipelines is None:
            known = self._mapper.statuses[of.name]
            fits = [raw for raw in known if value == raw or (value in STATUSES and known[raw] == value)]
        else:
            fits = self._stages(of, value, row)
        if not fits:
            reason = f"no status of the record's pipeline means {value!r}: map one in `status.{of.kind}`"
            raise Rejected(reason, code="NO_STATUS")
        present = row.properties.get(of.stage or "") or ""
        return present if present in fits else fits[0]

    def _stages(self, of: ObjectType, value: str, row: Row) -> list[str]:
        here = row.properties.get(names.PIPELINE)
        return [
            one.id
            for one in self._portal.stages(of).values()
            if not here or one.pipeline_id == here
            if value in (one.id, one.label, f"{one.pipeline}/{one.label}")
            or (value in STATUSES and self._mapper.category(of, one.id, one) == value)
        ]


def _holds(held: str | None, wanted: str, *, dated: bool) -> bool:
    """Whether a property holds a value already: HubSpot takes instants as epoch ms and tells them as ISO 8601."""
    if dated and held and wanted:
        return moment(held) == int(wanted)
    return (held or "") == wanted
