"""The properties that a connection's configuration names, and how they are created.

Owns which properties are wanted, their group, and the answers to creating them. Refuses to change a property that is
there, or one that was archived: creating its name again brings the old one back, whatever was asked for. Invariant:
each property has its own finding, and creating twice creates once.
https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
An instant is a property of the type ``datetime`` with the widget ``date``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import msgspec

from connectors.base import Finding
from connectors.errors import AuthFailed, Conflict, ConnectorError, Rejected, RetryLater
from connectors.hubspot import names, scopes
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.mapping import is_instant
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.shapes import Properties, Property
from connectors.setup import NewField, Provision

GROUP: Final = "sla_sidecar"
GROUP_LABEL: Final = "SLA Sidecar"
BATCH: Final = 100
_HELP: Final = "Kept by sla-sidecar; please do not edit."
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_TEXTS: Final = frozenset({"string", "enumeration"})


class _Created(msgspec.Struct):
    results: list[Property] = []


def wanted(settings: HubSpotSettings) -> list[NewField]:
    """All properties of ours that the configuration names, whether they are there or not."""
    found: dict[tuple[str, str], NewField] = {}
    for of in names.RECORDS:
        if of.name not in settings.objects:
            continue
        kind: Any = of.kind
        for logical, path in settings.write.get(kind, {}).items():
            found.setdefault((of.name, path), _field(of.name, path, logical, f"write.{kind}.{logical}"))
        if kind in settings.tags:
            found.setdefault((of.name, settings.tags[kind]), _field(of.name, settings.tags[kind], "", f"tags.{kind}"))
    if settings.task_key is not None:
        made = _field(names.TASKS.name, settings.task_key, "", "task_key")
        found[names.TASKS.name, settings.task_key] = msgspec.structs.replace(made, unique=True)
    return list(found.values())


def _field(object: str, path: str, logical: str, purpose: str) -> NewField:
    label = " ".join("SLA" if word == "sla" else word.capitalize() for word in path.split("_"))
    kind: Any = "datetime" if is_instant(logical) else "text"
    return NewField(object=object, name=path, label=label, type=kind, purpose=purpose, help=_HELP)


def definition(field: NewField) -> dict[str, Any]:
    """The body that creates a property."""
    kind, widget = ("datetime", "date") if field.type == "datetime" else ("string", "text")
    made = {"name": field.name, "label": field.label, "type": kind, "fieldType": widget, "groupName": GROUP}
    return made | {"description": field.help, "formField": False} | ({"hasUniqueValue": True} if field.unique else {})


def group_definition() -> dict[str, Any]:
    return {"name": GROUP, "label": GROUP_LABEL, "displayOrder": -1}


class Definitions:
    """The properties of one portal."""

    def __init__(self, api: HubSpotApi, settings: HubSpotSettings) -> None:
        self._api = api
        self._settings = settings

    def missing(self) -> Provision:
        """What the portal lacks, and what is there and does not fit."""
        lacking = Provision([], [], [])
        for name, some in _by_object(wanted(self._settings)):
            there = self._properties(name, archived="false")
            absent = [field for field in some if field.name not in there]
            lacking.findings.extend(told for field in some if (told := _unfit(field, there.get(field.name))))
            gone = self._properties(name, archived="true") if absent else {}
            for field in absent:
                if field.name in gone:
                    lacking.findings.append(_archived(field))
                elif not _NAME.fullmatch(field.name):
                    lacking.findings.append(_no_name(field))
                else:
                    lacking.fields.append(field)
        return lacking

    def _properties(self, object: str, *, archived: str) -> Mapping[str, Property]:
        answer = self._api.get(Properties, self._api.paths.properties(object), {"archived": archived})
        return {one.name: one for one in answer.results}

    def create(self, fields: Iterable[NewField]) -> Iterator[Finding]:
        """The group first, then the properties of each object together, then by themselves those that the batch left
        out: only so each gets a reason of its own."""
        for name, some in _by_object(fields):
            try:
                self._group(name)
            except ConnectorError as error:
                yield from (_refused(field, error) for field in some)
                continue
            for start in range(0, len(some), BATCH):
                part = some[start : start + BATCH]
                made = self._together(name, part)
                for field in part:
                    yield _done(field) if field.name in made else self._alone(field)

    def _group(self, object: str) -> None:
        try:
            self._api.post(dict[str, Any], self._path(object, "groups"), group_definition(), write=True)
        except ConnectorError as error:
            if not _is_there(error):
                raise

    def _together(self, object: str, fields: list[NewField]) -> frozenset[str]:
        """The names that a batch created; none when it failed as a whole, which the single calls explain."""
        body = {"inputs": [definition(field) for field in fields]}
        try:
            answer = self._api.post(_Created, self._path(object, "batch/create"), body, write=True)
        except ConnectorError:
            return frozenset()
        return frozenset(one.name for one in answer.results)

    def _alone(self, field: NewField) -> Finding:
        try:
            self._api.post(Property, self._api.paths.properties(field.object), definition(field), write=True)
        except ConnectorError as error:
            if _is_there(error):
                return Finding("ok", _subject(field), "was there already")
            return _refused(field, error)
        return _done(field)

    def _path(self, object: str, rest: str) -> str:
        return f"{self._api.paths.properties(object)}/{rest}"


def files(settings: HubSpotSettings) -> dict[str, bytes]:
    """What an administrator sends to create the same: bodies of requests, since HubSpot has no package format."""
    paths = names.Paths(settings.api_version)
    steps = ["Send each file as JSON with a token that holds the scope named, in this order:", ""]
    made: dict[str, bytes] = {}
    for name, some in _by_object(wanted(settings)):
        base = paths.properties(name)
        made[f"{name}-group.json"] = _json(group_definition())
        made[f"{name}-properties.json"] = _json({"inputs": [definition(field) for field in some]})
        steps += [
            f"POST {names.HOST}{base}/groups        {name}-group.json         {scopes.defining(name)}",
            f"POST {names.HOST}{base}/batch/create  {name}-properties.json    {scopes.defining(name)}",
        ]
    made["README.txt"] = ("\n".join([*steps, "", "409 means that it is there already."]) + "\n").encode()
    return made


def _json(document: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _by_object(fields: Iterable[NewField]) -> Iterator[tuple[str, list[NewField]]]:
    ordered = sorted(fields, key=lambda one: one.object)
    return ((name, list(some)) for name, some in groupby(ordered, lambda one: one.object))


def _subject(field: NewField) -> str:
    return f"{field.object}.{field.name}"


def _is_there(error: ConnectorError) -> bool:
    """Not a code of ours: every 409 to a creation says that the name is taken."""
    return isinstance(error, Conflict) or (
        isinstance(error, Rejected) and error.code in {"409", "OBJECT_ALREADY_EXISTS"}
    )


def _done(field: NewField) -> Finding:
    return Finding("ok", _subject(field), "created")


def _refused(field: NewField, error: ConnectorError) -> Finding:
    fix = error.fix
    if isinstance(error, AuthFailed):
        scope = scopes.defining(field.object)
        fix = f"add the scope {scope} to the key for as long as this takes, or do it by hand: --package"
    return Finding("fail", _subject(field), error.reason, fix, unreachable=isinstance(error, RetryLater))


def _unfit(field: NewField, found: Property | None) -> Finding | None:
    if found is None:
        return None
    if found.read_only:
        return Finding(
            "fail", field.purpose, f"{_subject(field)} is read-only in HubSpot", "map a property of your own"
        )
    fits = found.type == "datetime" if field.type == "datetime" else found.type in _TEXTS
    if fits and field.unique and not found.has_unique_value:
        message = f"{_subject(field)} is there and not unique, which HubSpot decides once and for all"
        return Finding("fail", field.purpose, message, "name another property in the configuration")
    if fits:
        return None
    needed = "datetime" if field.type == "datetime" else "string"
    message = f"{_subject(field)} is there and has the type {found.type}, but {needed} is needed; it is left alone"
    return Finding("fail", field.purpose, message, "name another property in the configuration")


def _archived(field: NewField) -> Finding:
    fix = "restore it in Settings > Properties > Archived properties, or name another one"
    return Finding(
        "fail", field.purpose, f"{_subject(field)} is archived; creating it would bring the old one back", fix
    )


def _no_name(field: NewField) -> Finding:
    fix = "use lower-case letters, digits and underscores"
    return Finding("fail", field.purpose, f"HubSpot takes no property name like {field.name!r}", fix)
