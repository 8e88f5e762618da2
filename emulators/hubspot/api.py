"""What every endpoint shares: the call with its query and body, and the body of a record.

Owns reading a request and showing a record. Refuses routes and rules.
Invariant: a malformed request is refused with the vendor's error, never with a traceback.
https://developers.hubspot.com/docs/api-reference/crm-objects-v3/guide
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from emulators.http import Request, Response
from emulators.hubspot.auth import Auth
from emulators.hubspot.errors import HubSpotError, bad_input, not_found
from emulators.hubspot.kinds import KINDS, Kind
from emulators.hubspot.links import type_of
from emulators.hubspot.portal import Author, Portal
from emulators.hubspot.records import Record
from emulators.hubspot.values import iso, render
from emulators.hubspot.writing import Writer

PAGE_MAX: Final = 100
PAGE_MAX_WITH_HISTORY: Final = 50


@dataclass(slots=True)
class Call:
    """One authenticated call. ``version`` is the API version of the path: v3, v4, 2026-03 …"""

    portal: Portal
    auth: Auth
    request: Request
    version: str
    author: Author
    partial: Callable[[], bool]

    @property
    def writer(self) -> Writer:
        return Writer(self.portal, self.author)

    def one(self, name: str) -> str | None:
        values = self.request.query.get(name)
        return values[0] if values else None

    def many(self, name: str) -> list[str]:
        """``?a=1&a=2`` and ``?a=1,2`` alike."""
        return [part for value in self.request.query.get(name, []) for part in value.split(",") if part]

    def flag(self, name: str) -> bool:
        return (self.one(name) or "").lower() == "true"  # hubspot-api-client writes True

    def number(self, name: str, default: int, most: int) -> int:
        text = self.one(name)
        if text is None:
            return default
        if not text.isdigit() or not 0 < int(text) <= most:
            raise HubSpotError(400, f"{name} must be between 1 and {most}")
        return int(text)

    def offset(self, name: str = "after") -> int:
        """A paging token, which is a number here."""
        text = self.one(name) or "0"
        if not text.isdigit():
            raise HubSpotError(400, f"Invalid paging token: {text}")
        return int(text)

    def json(self) -> dict[str, Any]:
        """The body, which must be an object."""
        try:
            body = self.request.json()
        except ValueError:
            raise bad_input("the body is not JSON") from None
        if not isinstance(body, dict):
            raise bad_input("the body is not an object")
        return body

    def inputs(self, most: int = 100) -> list[dict[str, Any]]:
        """The inputs of a batch."""
        inputs = self.json().get("inputs")
        if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
            raise bad_input("Some required fields were not set: [inputs]")
        if len(inputs) > most:
            raise HubSpotError(400, f"The maximum number of inputs supported in a batch request is {most}.")
        return inputs

    def record(self, kind: Kind, id: str, *, by: str | None = None, archived: bool = False) -> Record:
        """The record of a path. Raises HubSpotError 404."""
        record = self.portal.find(kind, id, by)
        if record is None or record.archived is not archived:
            raise not_found()
        return record

    def may_read(self, kind: Kind) -> None:
        self.auth.require(kind.reading())

    def may_define(self, kind: Kind) -> None:
        self.auth.require(kind.defining())

    def may_write(self, kind: Kind) -> None:
        self.auth.require(kind.writing())


FOLDED: Final = "2026-09"
"""From this version on a batch has one schema: its errors are told with the status of success."""


def multi_status(
    call: Call, results: list[dict[str, Any]], errors: Sequence[dict[str, Any]] = (), status: int = 200
) -> Response:
    """The answer of a batch: 207 when some inputs failed (schemas BatchResponse…, BatchResponse…WithErrors)."""
    at = iso(call.portal.now_ms())
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
    if errors:
        body |= {"numErrors": len(errors), "errors": list(errors)}
        folded = call.version[0] == "2" and call.version >= FOLDED
        status = status if folded else 207
    return Response(status, body)


def done(body: Any = None, status: int = 200) -> Response:
    return Response(204 if body is None else status, body)


def record_body(
    portal: Portal, record: Record, names: Iterable[str] | None = (), history: Iterable[str] = ()
) -> dict[str, Any]:
    """Schema SimplePublicObject. ``names`` None: every property that is set, as an answer to a write shows."""
    body: dict[str, Any] = {
        "id": record.id,
        "properties": everything(portal, record) if names is None else shown(portal, record, names),
        "createdAt": iso(record.created_ms),
        "updatedAt": iso(record.updated_ms),
        "archived": record.archived,
        "url": f"https://app.hubspot.com/contacts/{portal.id}/record/{record.kind.type_id}/{record.id}",
    }
    if record.archived_ms is not None:
        body["archivedAt"] = iso(record.archived_ms)
    wanted = [name for name in history if portal.schemas[record.kind.name].get(name)]
    if wanted:
        body["propertiesWithHistory"] = {name: _history(portal, record, name) for name in wanted}
    return body


def shown(portal: Portal, record: Record, names: Iterable[str]) -> dict[str, str | None]:
    """The defaults and what was asked for. Unknown names are left out, unset ones are null."""
    schema = portal.schemas[record.kind.name]
    wanted = {name for name in (*record.kind.defaults, *names) if schema.get(name)}
    return {name: _text(portal, record, name) for name in sorted(wanted)}


def everything(portal: Portal, record: Record) -> dict[str, str | None]:
    return {name: _text(portal, record, name) for name in sorted(record.values)}


def _text(portal: Portal, record: Record, name: str) -> str | None:
    value = record.values.get(name)
    return None if value is None else render(portal.schemas[record.kind.name].properties[name].type, value)


def _history(portal: Portal, record: Record, name: str) -> list[dict[str, Any]]:
    """Schema ValueWithTimestamp, newest first."""
    sort = portal.schemas[record.kind.name].properties[name].type
    past: list[dict[str, Any]] = []
    for version in reversed(record.history(name)):
        line = {
            "value": "" if version.value == "" else render(sort, version.value),
            "timestamp": iso(version.at_ms),
            "sourceType": version.source_type,
        }
        if version.source_id is not None:
            line["sourceId"] = version.source_id
        if version.source_type == "INTEGRATION":
            line["sourceLabel"] = portal.app_name
        past.append(line if version.user_id is None else line | {"updatedByUserId": version.user_id})
    return past


def associations_body(portal: Portal, record: Record, words: Iterable[str]) -> dict[str, Any]:
    """The ``associations`` of a read, by the plural name of the other type; types that have none are left out."""
    found: dict[str, Any] = {}
    for kind in (one for one in KINDS.values() if {one.name, one.singular, one.type_id} & set(words)):
        results = []
        for end_id, types in portal.links.of(record.node, kind.name):
            other = portal.shelf(kind).find(end_id)
            if other is None or other.archived:
                continue
            known = [type_of(record.kind.name, kind.name, one) for one in types]
            results += [{"id": end_id, "type": one.name} for one in known if one]
        if results:
            found[kind.name] = {"results": results}
    return found
