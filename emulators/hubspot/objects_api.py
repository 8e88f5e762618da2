"""Endpoints of single records: list, read, create, update, archive, merge, search.

Owns their query parameters and answers. Refuses batches: see ``batches``.
Invariant: an answer to a read has the properties asked for, an answer to a write all that are set.
https://developers.hubspot.com/docs/api-reference/crm-objects-v3/guide
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from emulators.http import Response
from emulators.hubspot.api import (
    PAGE_MAX,
    PAGE_MAX_WITH_HISTORY,
    Call,
    associations_body,
    done,
    record_body,
)
from emulators.hubspot.errors import HubSpotError, bad_input, not_found
from emulators.hubspot.kinds import Kind
from emulators.hubspot.records import Record
from emulators.hubspot.search import search


def list_records(call: Call, kind: Kind) -> Response:
    """By id. ``after`` is the id at which the next page begins."""
    call.may_read(kind)
    history = call.many("propertiesWithHistory")
    limit = call.number("limit", 10, PAGE_MAX_WITH_HISTORY if history else PAGE_MAX)
    archived = call.flag("archived")
    page: list[Record] = []
    for record in call.portal.shelf(kind).since(call.offset()):
        if record.archived is archived and not record.merged_into:
            page.append(record)
            if len(page) > limit:
                break
    body: dict[str, Any] = {
        "results": [_read(call, record, history) for record in page[:limit]],
    }
    if len(page) > limit:
        following = page[limit].id
        query = urlencode({"limit": limit, "after": following, "archived": str(archived).lower()})
        body["paging"] = {"next": {"after": following, "link": f"https://api.hubapi.com{call.request.path}?{query}"}}
    return done(body)


def _read(call: Call, record: Record, history: list[str]) -> dict[str, Any]:
    body = record_body(call.portal, record, call.many("properties"), history)
    if found := associations_body(call.portal, record, call.many("associations")):
        body["associations"] = found
    return body


def read_record(call: Call, kind: Kind, id: str) -> Response:
    call.may_read(kind)
    record = call.record(kind, id, by=call.one("idProperty"), archived=call.flag("archived"))
    return done(_read(call, record, call.many("propertiesWithHistory")))


def create_record(call: Call, kind: Kind) -> Response:
    call.may_write(kind)
    body = call.json()
    if "properties" not in body:
        raise bad_input("Some required fields were not set: [properties]")
    record = call.writer.create(kind, body["properties"], body.get("associations") or ())
    answer = done(record_body(call.portal, record, None), 201)
    answer.headers["Location"] = f"https://api.hubapi.com{call.request.path.rstrip('/')}/{record.id}"
    return answer


def update_record(call: Call, kind: Kind, id: str) -> Response:
    call.may_write(kind)
    body = call.json()
    if "properties" not in body:
        raise bad_input("Some required fields were not set: [properties]")
    record = call.record(kind, id, by=call.one("idProperty"))
    call.writer.update(record, body["properties"])
    return done(record_body(call.portal, record, None))


def archive_record(call: Call, kind: Kind, id: str) -> Response:
    """204 also for a record that is archived already."""
    call.may_write(kind)
    record = call.portal.find(kind, id)
    if record is None:
        raise not_found()
    if not record.archived:
        call.writer.archive(record)
    return done()


def merge_records(call: Call, kind: Kind) -> Response:
    call.may_write(kind)
    if not kind.merges:
        raise not_found()
    body = call.json()
    ends = [call.portal.find(kind, str(body.get(name, ""))) for name in ("primaryObjectId", "objectIdToMerge")]
    primary, other = ends
    if primary is None or other is None or primary.archived or other.archived:
        raise not_found()
    if primary is other:
        raise HubSpotError(400, f"Cannot merge {kind.label} {primary.id} into itself")
    return done(record_body(call.portal, call.writer.merge(primary, other), None))


def search_records(call: Call, kind: Kind) -> Response:
    call.may_read(kind)
    order = call.json()
    found = search(call.portal, kind, order)
    names = [str(name) for name in order.get("properties") or []]
    body: dict[str, Any] = {
        "total": found.total,
        "results": [record_body(call.portal, record, names) for record in found.records],
    }
    if found.after is not None:
        body["paging"] = {"next": {"after": str(found.after)}}
    return done(body)
