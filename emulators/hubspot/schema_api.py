"""Endpoints of properties and property groups.

Owns their answers. Refuses the rules of a definition: see ``properties``.
Invariant: a created property takes values from the next call on.
https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulators.http import Response
from emulators.hubspot.api import Call, done, multi_status
from emulators.hubspot.errors import HubSpotError, bad_input, not_found
from emulators.hubspot.kinds import Kind
from emulators.hubspot.properties import Property


def list_properties(call: Call, kind: Kind) -> Response:
    call.may_read(kind)
    archived = call.flag("archived")
    found = [one for one in call.portal.schemas[kind.name].properties.values() if one.archived is archived]
    return done({"results": [one.body() for one in found]})


def read_property(call: Call, kind: Kind, name: str) -> Response:
    call.may_read(kind)
    return done(_read(call, kind, name).body())


def _read(call: Call, kind: Kind, name: str) -> Property:
    found = call.portal.schemas[kind.name].properties.get(name)
    if found is None or found.archived is not call.flag("archived"):
        raise not_found(f"Property {name} does not exist")
    return found


def create_property(call: Call, kind: Kind) -> Response:
    call.may_define(kind)
    return done(_create(call, kind, call.json()).body(), 201)


def _create(call: Call, kind: Kind, wanted: Mapping[str, Any]) -> Property:
    made = call.portal.schemas[kind.name].create(wanted, call.portal.now_ms())
    _log(call, kind, made.name, {"type": made.type, "groupName": made.group})
    return made


def update_property(call: Call, kind: Kind, name: str) -> Response:
    call.may_define(kind)
    wanted = call.json()
    changed = call.portal.schemas[kind.name].update(name, wanted, call.portal.now_ms())
    _log(call, kind, name, wanted)
    return done(changed.body())


def archive_property(call: Call, kind: Kind, name: str) -> Response:
    call.may_define(kind)
    if not call.portal.schemas[kind.name].archive(name):
        raise not_found(f"Property {name} does not exist")
    _log(call, kind, name, {"archived": True})
    return done()


def batch_properties(call: Call, kind: Kind, what: str) -> Response:
    """``what``: read, create or archive."""
    (call.may_read if what == "read" else call.may_define)(kind)
    schema = call.portal.schemas[kind.name]
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for one in call.inputs():
        name = str(one.get("name", ""))
        try:
            if what == "create":
                results.append(_create(call, kind, one).body())
            elif what == "read":
                results.append(_read(call, kind, name).body())
            elif schema.archive(name):
                _log(call, kind, name, {"archived": True})
        except HubSpotError as refused:
            errors.append(refused.row({"name": [name]}))
    if what == "archive":
        return done()
    return multi_status(call, results, errors, 201 if what == "create" else 200)


def list_groups(call: Call, kind: Kind) -> Response:
    call.may_read(kind)
    return done({"results": list(call.portal.schemas[kind.name].groups.values())})


def read_group(call: Call, kind: Kind, name: str) -> Response:
    call.may_read(kind)
    found = call.portal.schemas[kind.name].groups.get(name)
    if found is None:
        raise not_found(f"Property group {name} does not exist")
    return done(found)


def create_group(call: Call, kind: Kind) -> Response:
    call.may_define(kind)
    wanted, groups = call.json(), call.portal.schemas[kind.name].groups
    if not wanted.get("name") or not wanted.get("label"):
        raise bad_input("Some required fields were not set: [name, label]")
    name = str(wanted["name"])
    if name in groups:
        raise HubSpotError(409, f"A property group named '{name}' already exists.", "OBJECT_ALREADY_EXISTS")
    order = int(wanted.get("displayOrder", -1))
    groups[name] = {"name": name, "label": wanted["label"], "displayOrder": order, "archived": False}
    _log(call, kind, f"groups/{name}", {"label": wanted["label"]})
    return done(groups[name], 201)


def _log(call: Call, kind: Kind, name: str, fields: Mapping[str, Any]) -> None:
    call.portal.log(call.author, f"properties/{kind.name}", name, fields=fields)
