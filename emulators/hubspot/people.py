"""Orders to ``act``: what a test or a demonstration makes people do.

Owns the keys of an order and their words. Refuses what the vendor's own screen would refuse.
Invariant: an order is done wholly or answered with the reason why not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulators.core import Refused
from emulators.hubspot.deeds import CUSTOMER, DISPOSITIONS, FORM, Deeds
from emulators.hubspot.errors import HubSpotError
from emulators.hubspot.kinds import find_kind
from emulators.hubspot.owners import Owner
from emulators.hubspot.records import Record
from emulators.hubspot.values import iso

Order = Mapping[str, Any]


def act(deeds: Deeds, order: Order) -> dict[str, Any]:
    """Does one order: ``{"do", "object", "id", "by", …}``. ``by`` is an owner's id, e-mail address or first name;
    without it, the customer. Raises Refused with the reason."""
    do = ORDERS.get(str(order.get("do")))
    if do is None:
        raise Refused(f"unknown order {order.get('do')!r}; known: {', '.join(ORDERS)}")
    try:
        return do(deeds, order)
    except HubSpotError as refused:
        raise Refused(refused.message) from refused


def _create(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``fields``, ``associations``: [{"object", "id"}], ``stage``: what it means, or its label."""
    kind = find_kind(str(order.get("object")))
    if kind is None:
        raise Refused(f"unknown object {order.get('object')!r}")
    fields = _fields(deeds, kind.name, order)
    if kind.name == "tickets" and "hs_pipeline_stage" not in fields:
        fields["hs_pipeline_stage"] = deeds.portal.pipelines.stage("tickets", "new").id
    if kind.activity:
        fields.setdefault("hs_timestamp", str(deeds.now_ms))
    ends = [_record(deeds, end) for end in order.get("associations") or []]
    otherwise = FORM if kind.name in ("contacts", "leads") else CUSTOMER
    return _told(deeds.create(kind.name, fields, ends, _owner(deeds, order), otherwise))


def _update(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``fields``, ``stage``."""
    record = _record(deeds, order)
    deeds.update(record, _fields(deeds, record.kind.name, order), _owner(deeds, order))
    return _told(record)


def _message(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``direction`` inbound (default) or outbound, ``text``, ``automated``, ``failed``; ``public`` false: a note."""
    record, text = _record(deeds, order), str(order.get("text", "…"))
    owner = _owner(deeds, order)
    outbound = order.get("direction", "inbound") == "outbound"
    if order.get("public") is False:
        made, message = deeds.comment(record, text, owner or _owner_of(deeds, record))
    elif outbound or order.get("automated"):
        automated = bool(order.get("automated"))
        sender = None if automated else owner or _owner_of(deeds, record)
        made, message = deeds.say(record, text, sender, automated=automated, failed=bool(order.get("failed")))
    else:
        made, message = deeds.say(record, text)
    return _told(made) | ({"thread": message.thread_id, "message": message.id} if message else {})


def _call(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``outcome``: connected (default), no_answer, busy, voicemail, wrong_number; ``direction``."""
    record, outcome = _record(deeds, order), str(order.get("outcome", "connected"))
    if outcome not in DISPOSITIONS:
        raise Refused(f"unknown outcome {outcome!r}; known: {', '.join(DISPOSITIONS)}")
    owner = _owner(deeds, order) or _owner_of(deeds, record)
    return _told(deeds.call(record, owner, outcome, inbound=order.get("direction") == "inbound"))


def _merge(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``id`` is merged into ``into``."""
    loser = _record(deeds, order)
    winner = _record(deeds, {"object": order.get("object"), "id": order.get("into")})
    if winner is loser or not loser.kind.merges:
        raise Refused("these records cannot be merged")
    return _told(deeds.writer(_owner(deeds, order)).merge(winner, loser))


def _convert(deeds: Deeds, order: Order) -> dict[str, Any]:
    record = _record(deeds, order)
    if record.kind.name not in ("leads", "contacts"):
        raise Refused("only leads and contacts are converted")
    return _told(deeds.convert(record, _owner(deeds, order)))


def _delete(deeds: Deeds, order: Order) -> dict[str, Any]:
    record = _record(deeds, order)
    deeds.writer(_owner(deeds, order)).archive(record)
    return _told(record)


def _restore(deeds: Deeds, order: Order) -> dict[str, Any]:
    record = _record(deeds, order, archived=True)
    deeds.writer(_owner(deeds, order)).restore(record)
    return _told(record)


def _deactivate_user(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``user``, ``id`` or ``email``. The owner is archived and stays owner of what it owns."""
    return _set_active(deeds, order, active=False)


def _activate_user(deeds: Deeds, order: Order) -> dict[str, Any]:
    return _set_active(deeds, order, active=True)


def _set_active(deeds: Deeds, order: Order, *, active: bool) -> dict[str, Any]:
    owner = _named(deeds, str(order.get("user") or order.get("id") or order.get("email")))
    if owner.queue:
        raise Refused("a queue is no user")
    owner.archived, owner.updated_ms = not active, deeds.now_ms
    return {"object": "owners", "id": owner.id}


ORDERS: Final[dict[str, Callable[[Deeds, Order], dict[str, Any]]]] = {
    "create": _create,
    "update": _update,
    "message": _message,
    "call": _call,
    "merge": _merge,
    "convert": _convert,
    "delete": _delete,
    "restore": _restore,
    "deactivate_user": _deactivate_user,
    "activate_user": _activate_user,
}


def _told(record: Record) -> dict[str, Any]:
    return {"object": record.kind.name, "id": record.id, "at": iso(record.updated_ms)}


def _record(deeds: Deeds, order: Order, *, archived: bool = False) -> Record:
    kind = find_kind(str(order.get("object")))
    if kind is None:
        raise Refused(f"unknown object {order.get('object')!r}")
    record = deeds.portal.shelf(kind).find(str(order.get("id")))
    if record is None or record.archived is not archived:
        raise Refused(f"no {kind.singular} {order.get('id')!r}")
    return record


def _owner(deeds: Deeds, order: Order) -> Owner | None:
    return _named(deeds, str(order["by"])) if order.get("by") else None


def _named(deeds: Deeds, word: str) -> Owner:
    owner = deeds.portal.owners.named(word.removeprefix("user:").removeprefix("queue:"))
    if owner is None:
        known = ", ".join(one.email or one.first for one in deeds.portal.owners.all)
        raise Refused(f"unknown owner {word!r}; known: {known}")
    return owner


def _owner_of(deeds: Deeds, record: Record) -> Owner:
    owner = deeds.portal.owners.find(record.text("hubspot_owner_id"))
    return owner if owner is not None and not owner.queue else deeds.portal.owners.people()[0]


def _fields(deeds: Deeds, kind: str, order: Order) -> dict[str, Any]:
    """The order's fields; an owner may be named by e-mail address, a stage by what it means or by its label."""
    fields = dict(order.get("fields") or {})
    if fields.get("hubspot_owner_id"):
        fields["hubspot_owner_id"] = _named(deeds, str(fields["hubspot_owner_id"])).id
    if order.get("stage"):
        stage = _stage(deeds, kind, str(order["stage"]))
        fields["dealstage" if kind == "deals" else "hs_pipeline_stage"] = stage
    return fields


def _stage(deeds: Deeds, kind: str, word: str) -> str:
    stages = [stage for pipeline in deeds.portal.pipelines.of(kind) for stage in pipeline.stages]
    for stage in stages:
        if word.lower() in (stage.id, stage.label.lower(), stage.state):
            return stage.id
    raise Refused(f"unknown stage {word!r}; known: {', '.join(stage.label for stage in stages)}")
