"""Orders to ``act``: what a test or a demonstration makes people do.

Owns the keys of an order and their words. Refuses what the vendor's own screen would refuse.
Invariant: an order is done wholly or answered with the reason why not.
Our own machinery: the orders are not the vendor's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from emulators.core import Refused
from emulators.hubspot.chat import chat
from emulators.hubspot.deeds import CUSTOMER, DISPOSITIONS, FORM, Deeds
from emulators.hubspot.errors import HubSpotError
from emulators.hubspot.kinds import find_kind
from emulators.hubspot.order_words import (
    Order,
    author_of,
    deeds_of,
    fields_of,
    keeper_of,
    named,
    owner_of,
    record_of,
    told,
)
from emulators.hubspot.upheaval import UPHEAVALS


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
    """``fields``, ``associations``: [{"object", "id"}], ``stage``: what it means, or its label; ``via``."""
    kind = find_kind(str(order.get("object")))
    if kind is None:
        raise Refused(f"unknown object {order.get('object')!r}")
    fields = fields_of(deeds, kind.name, order)
    if kind.name == "tickets" and "hs_pipeline_stage" not in fields:
        fields["hs_pipeline_stage"] = deeds.portal.pipelines.stage("tickets", "new").id
    if kind.activity:
        fields.setdefault("hs_timestamp", str(deeds.now_ms))
    ends = [record_of(deeds, end) for end in order.get("associations") or []]
    usual = FORM if kind.name in ("contacts", "leads") else CUSTOMER
    otherwise = author_of(order) if order.get("via") else usual
    return told(deeds_of(deeds, order).create(kind.name, fields, ends, owner_of(deeds, order), otherwise))


def _update(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``fields``, ``stage``; ``via``."""
    record = record_of(deeds, order)
    fields = fields_of(deeds, record.kind.name, order)
    deeds_of(deeds, order).update(record, fields, owner_of(deeds, order), author_of(order))
    return told(record)


def _message(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``direction`` inbound (default) or outbound, ``text``, ``automated``, ``failed``; ``public`` false: a note."""
    record, text = record_of(deeds, order), str(order.get("text", "…"))
    owner = owner_of(deeds, order)
    outbound = order.get("direction", "inbound") == "outbound"
    if order.get("public") is False:
        made, message = deeds.comment(record, text, owner or keeper_of(deeds, record))
    elif outbound or order.get("automated"):
        automated = bool(order.get("automated"))
        sender = None if automated else owner or keeper_of(deeds, record)
        made, message = deeds.say(record, text, sender, automated=automated, failed=bool(order.get("failed")))
    else:
        made, message = deeds.say(record, text)
    return told(made) | ({"thread": message.thread_id, "message": message.id} if message else {})


def _call(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``outcome``: connected (default), no_answer, busy, voicemail, wrong_number; ``direction``."""
    record, outcome = record_of(deeds, order), str(order.get("outcome", "connected"))
    if outcome not in DISPOSITIONS:
        raise Refused(f"unknown outcome {outcome!r}; known: {', '.join(DISPOSITIONS)}")
    owner = owner_of(deeds, order) or keeper_of(deeds, record)
    return told(deeds.call(record, owner, outcome, inbound=order.get("direction") == "inbound"))


def _merge(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``id`` is merged into ``into``."""
    loser = record_of(deeds, order)
    winner = record_of(deeds, {"object": order.get("object"), "id": order.get("into")})
    if winner is loser or not loser.kind.merges:
        raise Refused("these records cannot be merged")
    return told(deeds.writer(owner_of(deeds, order)).merge(winner, loser))


def _convert(deeds: Deeds, order: Order) -> dict[str, Any]:
    record = record_of(deeds, order)
    if record.kind.name not in ("leads", "contacts"):
        raise Refused("only leads and contacts are converted")
    return told(deeds.convert(record, owner_of(deeds, order)))


def _delete(deeds: Deeds, order: Order) -> dict[str, Any]:
    record = record_of(deeds, order)
    deeds.writer(owner_of(deeds, order)).archive(record)
    return told(record)


def _restore(deeds: Deeds, order: Order) -> dict[str, Any]:
    record = record_of(deeds, order, archived=True)
    deeds.writer(owner_of(deeds, order)).restore(record)
    return told(record)


def _deactivate_user(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``user``, ``id`` or ``email``. The owner is archived and stays owner of what it owns."""
    return _set_active(deeds, order, active=False)


def _activate_user(deeds: Deeds, order: Order) -> dict[str, Any]:
    return _set_active(deeds, order, active=True)


def _set_active(deeds: Deeds, order: Order, *, active: bool) -> dict[str, Any]:
    owner = named(deeds, str(order.get("user") or order.get("id") or order.get("email")))
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
    "chat": chat,
    **UPHEAVALS,
}
