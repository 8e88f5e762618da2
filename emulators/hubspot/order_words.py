"""The words of an order to ``act``: which record, who does it, by what way, with which fields.

Owns how owners, stages and authors may be named. Refuses to do anything. Invariant: a word that means nothing here is
refused with those that would.
Our own machinery: no vendor behaves here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from emulators.core import Refused
from emulators.hubspot.deeds import CUSTOMER, WORKFLOW, Deeds
from emulators.hubspot.kinds import find_kind
from emulators.hubspot.owners import Owner
from emulators.hubspot.portal import Author
from emulators.hubspot.records import Record
from emulators.hubspot.values import iso

Order = Mapping[str, Any]

MACHINES: Final = {
    "customer": CUSTOMER,
    "workflow": WORKFLOW,
    "sequence": Author("SEQUENCES", "sequenceId:1"),
    "bot": Author("BOT", "1"),
    "import": Author("IMPORT", "1234567"),
    "migration": Author("MIGRATION", "1"),
    "integration": Author("INTEGRATION", "8111608"),
    "sync": Author("SALESFORCE", "1"),
}
"""``via`` of an order that nobody does by hand; another app is known by its id in ``sourceId``."""
BY_HAND: Final = {"mobile": "MOBILE_IOS", "bulk": "CRM_UI_BULK_ACTION"}
"""``via`` of an order that somebody does by hand elsewhere than on the page. Words of the vendor's SDKs."""


def told(record: Record) -> dict[str, Any]:
    return {"object": record.kind.name, "id": record.id, "at": iso(record.updated_ms)}


def record_of(deeds: Deeds, order: Order, *, archived: bool = False) -> Record:
    kind = find_kind(str(order.get("object")))
    if kind is None:
        raise Refused(f"unknown object {order.get('object')!r}")
    record = deeds.portal.shelf(kind).find(str(order.get("id")))
    if record is None or record.archived is not archived:
        raise Refused(f"no {kind.singular} {order.get('id')!r}")
    return record


def owner_of(deeds: Deeds, order: Order) -> Owner | None:
    return named(deeds, str(order["by"])) if order.get("by") else None


def named(deeds: Deeds, word: str) -> Owner:
    owner = deeds.portal.owners.named(word.removeprefix("user:").removeprefix("queue:"))
    if owner is None:
        known = ", ".join(one.email or one.first for one in deeds.portal.owners.all)
        raise Refused(f"unknown owner {word!r}; known: {known}")
    return owner


def keeper_of(deeds: Deeds, record: Record) -> Owner:
    owner = deeds.portal.owners.find(record.text("hubspot_owner_id"))
    return owner if owner is not None and not owner.queue else deeds.portal.owners.people()[0]


def fields_of(deeds: Deeds, kind: str, order: Order) -> dict[str, Any]:
    """The order's fields; an owner may be named by e-mail address, a stage by what it means or by its label."""
    fields = dict(order.get("fields") or {})
    if fields.get("hubspot_owner_id"):
        fields["hubspot_owner_id"] = named(deeds, str(fields["hubspot_owner_id"])).id
    if order.get("stage"):
        stage = stage_of(deeds, kind, str(order["stage"]))
        fields["dealstage" if kind == "deals" else "hs_pipeline_stage"] = stage
    return fields


def stage_of(deeds: Deeds, kind: str, word: str) -> str:
    stages = [stage for pipeline in deeds.portal.pipelines.of(kind) for stage in pipeline.stages]
    for stage in stages:
        if word.lower() in (stage.id, stage.label.lower(), stage.state):
            return stage.id
    raise Refused(f"unknown stage {word!r}; known: {', '.join(stage.label for stage in stages)}")


def author_of(order: Order) -> Author:
    """Who acts when nobody of the team does it by hand: ``via``, else the customer."""
    return MACHINES.get(str(order.get("via")), CUSTOMER)


def deeds_of(deeds: Deeds, order: Order) -> Deeds:
    """Deeds whose people work the way that ``via`` says."""
    via = order.get("via")
    if via is None or via in MACHINES:
        return deeds
    if via not in BY_HAND:
        raise Refused(f"unknown via {via!r}; known: {', '.join((*MACHINES, *BY_HAND))}")
    return replace(deeds, source=BY_HAND[str(via)])
