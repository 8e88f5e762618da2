"""Endpoints of associations v4: single, default, batch, labels.

Owns their answers. Refuses the rules of a link: see ``checks`` and ``links``.
Invariant: an association that was answered is there in both directions.
https://developers.hubspot.com/docs/api-reference/crm/associations/associate-records/guide
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulators.http import Response
from emulators.hubspot.api import Call, done, multi_status
from emulators.hubspot.checks import check_end, check_link
from emulators.hubspot.errors import HubSpotError, bad_input
from emulators.hubspot.kinds import Kind
from emulators.hubspot.links import TYPES, LinkType, type_of
from emulators.hubspot.records import Record

READ_MAX, CREATE_MAX = 1000, 2000
"""Inputs per batch: developers.hubspot.com, associations v4 guide, "Limitations"."""


def read_links(call: Call, kind: Kind, id: str, to: Kind) -> Response:
    call.may_read(kind)
    record = call.record(kind, id)
    limit = call.number("limit", 500, 500)
    start = call.offset()
    ends = [end for end in _ends(call, record, to) if end["toObjectId"] >= start]
    body: dict[str, Any] = {"results": ends[:limit]}
    if len(ends) > limit:
        body["paging"] = {"next": {"after": str(ends[limit]["toObjectId"])}}
    return done(body)


def _ends(call: Call, record: Record, to: Kind) -> list[dict[str, Any]]:
    """Schema MultiAssociatedObjectWithLabel, by id."""
    ends = []
    for end_id, types in call.portal.links.of(record.node, to.name):
        other = call.portal.shelf(to).find(end_id)
        if other is not None and not other.archived:
            known = [one for one in (type_of(record.kind.name, to.name, type_id) for type_id in types) if one]
            ends.append({"toObjectId": int(end_id), "associationTypes": [_label(one) for one in known]})
    return sorted(ends, key=lambda end: int(str(end["toObjectId"])))


def _label(one: LinkType) -> dict[str, Any]:
    return {"category": one.category, "typeId": one.type_id, "label": one.label}


def put_link(call: Call, kind: Kind, id: str, to: Kind, to_id: str) -> Response:
    """With the types of the body."""
    call.may_write(kind)
    try:
        specs = call.request.json()
    except ValueError:
        raise bad_input("the body is not JSON") from None
    if not isinstance(specs, list) or not specs:
        raise bad_input("the body must be a list of association types")
    record = call.record(kind, id)
    checked = [check_link(call.portal, kind, to_id, spec, to) for spec in specs]
    standing = call.writer.link(record, checked[0][0], [type_id for _, type_id in checked])
    return done(_pair(record, checked[0][0], standing), 201)


def _pair(record: Record, end: Record, types: list[LinkType]) -> dict[str, Any]:
    """Schema LabelsBetweenObjectPair."""
    return {
        "fromObjectTypeId": record.kind.type_id,
        "fromObjectId": record.number,
        "toObjectTypeId": end.kind.type_id,
        "toObjectId": end.number,
        "labels": [one.label for one in types if one.label],
    }


def put_default_link(call: Call, kind: Kind, id: str, to: Kind, to_id: str) -> Response:
    """The plain association, without knowing its type id."""
    call.may_write(kind)
    return multi_status(call, _default(call, call.record(kind, id), to, to_id))


def _default(call: Call, record: Record, to: Kind, to_id: str) -> list[dict[str, Any]]:
    end = check_end(call.portal, to, to_id)
    types = TYPES.get((record.kind.name, to.name))
    if not types:
        raise HubSpotError(400, f"No association is defined between {record.kind.label} and {to.label}")
    call.writer.link(record, end, [types[0].type_id])
    back = TYPES[to.name, record.kind.name][0]
    return [_made(record, end, types[0]), _made(end, record, back)]


def _made(start: Record, end: Record, one: LinkType) -> dict[str, Any]:
    """Schema PublicDefaultAssociation."""
    spec = {"associationCategory": one.category, "associationTypeId": one.type_id}
    return {"from": {"id": start.id}, "to": {"id": end.id}, "associationSpec": spec}


def delete_links(call: Call, kind: Kind, id: str, to: Kind, to_id: str) -> Response:
    call.may_write(kind)
    record = call.record(kind, id)
    end = call.portal.shelf(to).find(to_id)
    if end is not None:
        call.writer.unlink(record, end)
    return done()


def labels(call: Call, kind: Kind, to: Kind) -> Response:
    call.may_read(kind)
    return done({"results": [_label(one) for one in TYPES.get((kind.name, to.name), ())]})


def batch_links(call: Call, kind: Kind, to: Kind, what: str) -> Response:
    """``what``: read, create, archive, associate/default or labels/archive."""
    if what == "read":
        call.may_read(kind)
        return _batch_read(call, kind, to)
    call.may_write(kind)
    run = {
        "create": _batch_create,
        "associate/default": _batch_default,
        "archive": _batch_archive,
        "labels/archive": _batch_archive,
    }.get(what)
    if run is None:
        raise HubSpotError(404, "resource not found", "OBJECT_NOT_FOUND")
    return run(call, kind, to)


def _batch_read(call: Call, kind: Kind, to: Kind) -> Response:
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for one in call.inputs(READ_MAX):
        start = _id(one)
        record = call.portal.shelf(kind).find(start)
        ends = _ends(call, record, to) if record is not None and not record.archived else []
        if ends:
            results.append({"from": {"id": start}, "to": ends})
        else:
            errors.append(_none_found(kind, to, start))
    return multi_status(call, results, errors, 200)


def _none_found(kind: Kind, to: Kind, id: str) -> dict[str, Any]:
    error = HubSpotError(404, f"No {to.singular} is associated with {kind.singular} {id}.", "OBJECT_NOT_FOUND")
    context = {"fromObjectId": [id], "fromObjectType": [kind.singular], "toObjectType": [to.singular]}
    return error.row(context) | {"subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}


def _batch_create(call: Call, kind: Kind, to: Kind) -> Response:
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for one in call.inputs(CREATE_MAX):
        try:
            record = check_end(call.portal, kind, _end_id(one, "from"))
            results.append(_link_one(call, record, to, one))
        except HubSpotError as refused:
            errors.append(refused.row({}))
    return multi_status(call, results, errors, 201)


def _link_one(call: Call, record: Record, to: Kind, one: Mapping[str, Any]) -> dict[str, Any]:
    specs = one.get("types")
    if not isinstance(specs, list) or not specs:
        raise bad_input("Some required fields were not set: [types]")
    checked = [check_link(call.portal, record.kind, _end_id(one, "to"), spec, to) for spec in specs]
    end = checked[0][0]
    return _pair(record, end, call.writer.link(record, end, [type_id for _, type_id in checked]))


def _batch_default(call: Call, kind: Kind, to: Kind) -> Response:
    made: list[dict[str, Any]] = []
    for one in call.inputs(CREATE_MAX):
        made += _default(call, check_end(call.portal, kind, _end_id(one, "from")), to, _end_id(one, "to"))
    return multi_status(call, made)


def _batch_archive(call: Call, kind: Kind, to: Kind) -> Response:
    for one in call.inputs(CREATE_MAX):
        record = call.portal.shelf(kind).find(_end_id(one, "from"))
        wanted = one.get("to")
        types = {int(spec["associationTypeId"]) for spec in one.get("types") or []} or None
        for end_id in [_id(end) for end in (wanted if isinstance(wanted, list) else [wanted])]:
            end = call.portal.shelf(to).find(end_id)
            if record is not None and end is not None:
                call.writer.unlink(record, end, types)
    return done()


def _id(one: Any) -> str:
    if not isinstance(one, Mapping) or not one.get("id"):
        raise bad_input("Some required fields were not set: [id]")
    return str(one["id"])


def _end_id(one: Mapping[str, Any], name: str) -> str:
    return _id(one.get(name))
