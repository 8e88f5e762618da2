"""What changes much at once: bulk edits, imports, and properties and stages that an administrator changes under way.

Owns these orders. Refuses single records: see ``people``. Invariant: a bulk edit stamps every record of it with one
millisecond, as the vendor's batch jobs do:
https://github.com/airbytehq/airbyte/issues/43317
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from emulators.core import Refused
from emulators.hubspot.deeds import Deeds
from emulators.hubspot.kinds import Kind, find_kind
from emulators.hubspot.order_words import MACHINES, Order, author_of, deeds_of, fields_of, owner_of
from emulators.hubspot.properties import Schema
from emulators.hubspot.records import Record


def _bulk_edit(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``fields`` or ``stage`` on the records ``ids``, or on the first ``count``; ``by``, ``via``; one instant."""
    kind, at_once = _kind(order), deeds_of(deeds.at(deeds.now_ms), order)
    wanted = {str(one) for one in order.get("ids") or ()}
    found = [one for one in deeds.portal.live(kind) if not wanted or one.id in wanted]
    found = found[: int(order.get("count", len(found)))]
    fields, owner = fields_of(deeds, kind.name, order), owner_of(deeds, order)
    for record in found:
        at_once.update(record, fields, owner, author_of(order))
    return {"object": kind.name, "count": len(found), "ids": [one.id for one in found]}


def _import(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``rows``: fields of each new record; ``created``: the instant (ISO 8601) that the file says they were made."""
    kind, owner = _kind(order), owner_of(deeds, order)
    made = [_imported(deeds, kind, {**order, "fields": row}, owner) for row in order.get("rows") or ()]
    return {"object": kind.name, "count": len(made), "ids": [one.id for one in made]}


def _imported(deeds: Deeds, kind: Kind, order: Order, owner: Any) -> Record:
    fields = fields_of(deeds, kind.name, order)
    if kind.stage and "hs_pipeline_stage" not in fields:
        fields["hs_pipeline_stage"] = deeds.portal.pipelines.stage(kind.name, "new").id
    at_once = replace(deeds, source="IMPORT") if owner else deeds
    record = at_once.create(kind.name, fields, (), owner, MACHINES["import"])
    if order.get("created"):
        record.created_ms = int(datetime.fromisoformat(str(order["created"])).timestamp() * 1000)
        deeds.writer(owner, MACHINES["import"]).set_quietly(record, {kind.birth: record.created_ms})
    return record


def _property(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``object``, ``name``; ``archived``, ``label``. An archived one is left out of reads as if it never was."""
    definition = _schema(deeds, order).properties.get(str(order.get("name")))
    if definition is None:
        raise Refused(f"no property {order.get('name')!r}")
    definition.archived = bool(order.get("archived", definition.archived))
    definition.label = str(order.get("label", definition.label))
    return {"object": str(order.get("object")), "id": definition.name}


def _stage(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``object``, ``stage`` (its label or what it means), ``label``: the new name. Its id stays."""
    kind, word = _kind(order), str(order.get("stage")).lower()
    for pipeline in deeds.portal.pipelines.of(kind.name):
        for place, stage in enumerate(pipeline.stages):
            if word in (stage.id, stage.label.lower(), stage.state):
                pipeline.stages[place] = replace(stage, label=str(order["label"]))
                return {"object": kind.name, "id": stage.id}
    raise Refused(f"unknown stage {word!r}")


def _kind(order: Order) -> Kind:
    kind = find_kind(str(order.get("object")))
    if kind is None:
        raise Refused(f"unknown object {order.get('object')!r}")
    return kind


def _schema(deeds: Deeds, order: Order) -> Schema:
    return deeds.portal.schemas[_kind(order).name]


UPHEAVALS: Final[dict[str, Callable[[Deeds, Order], dict[str, Any]]]] = {
    "bulk_edit": _bulk_edit,
    "import": _import,
    "property": _property,
    "rename_stage": _stage,
}
