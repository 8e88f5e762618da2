"""Which path leads where, in every API version.

Owns the map of paths. Refuses answers.
Invariant: an old path (/crm/v3/objects) and its date-based twin (/crm/objects/2026-03) lead to the same place.
https://developers.hubspot.com/docs/developer-tooling/platform/versioning
"""

from __future__ import annotations

import re
from typing import Final

from emulators.http import Response
from emulators.hubspot import account_api, batches, links_api, objects_api, schema_api, threads_api
from emulators.hubspot.api import Call
from emulators.hubspot.errors import HubSpotError, not_found

VERSIONS: Final = frozenset({"v3", "v4", "2025-09", "2026-03", "2026-09"})
_VERSION: Final = "|".join(sorted(VERSIONS))
_FAMILY: Final = "objects|associations|owners|pipelines|properties"
_OLD: Final = re.compile(rf"/crm/(?P<version>v3|v4)/(?P<family>{_FAMILY})(?P<rest>/.*)?")
_DATED: Final = re.compile(rf"/crm/(?P<family>{_FAMILY})/(?P<version>{_VERSION})(?P<rest>/.*)?")
_ACCOUNT: Final = re.compile(rf"/(?P<family>account-info)/(?P<version>{_VERSION})(?P<rest>/.*)?")
_TALK: Final = re.compile(rf"/(?P<family>conversations)/(?P<version>{_VERSION})/conversations(?P<rest>/.*)?")
_DATED_TALK: Final = re.compile(rf"/(?P<family>conversations)/conversations/(?P<version>{_VERSION})(?P<rest>/.*)?")
"""developers.hubspot.com/docs/api-reference/2026-09-beta/conversations: the version stands behind the family."""
OAUTH: Final = re.compile(r"/oauth/(?P<version>v1|v2|v3|2025-09|2026-03|2026-09)/(?P<rest>.+?)/?")


def find(path: str) -> tuple[str, list[str]] | None:
    """(version, [family, part, …]) of a path; None for a path of no API."""
    for pattern in (_OLD, _DATED, _ACCOUNT, _TALK, _DATED_TALK):
        if match := pattern.fullmatch(path):
            rest = [part for part in (match["rest"] or "").split("/") if part]
            return match["version"], [match["family"], *rest]
    return None


def is_search(path: str) -> bool:
    return path.rstrip("/").endswith("/search") and "/objects/" in path


def answer(call: Call, parts: list[str]) -> Response:
    """Raises HubSpotError 404 for a path that leads nowhere, 405 for a method that it does not take."""
    family = {
        "objects": _objects,
        "associations": _associations,
        "owners": _owners,
        "pipelines": _pipelines,
        "properties": _properties,
        "account-info": _account,
        "conversations": _talk,
    }[parts[0]]
    response = family(call, call.request.method, parts[1:])
    if response is None:
        raise not_found()
    return response


def _objects(call: Call, method: str, parts: list[str]) -> Response | None:
    if not parts:
        return None
    kind = call.portal.kind(parts[0])
    match method, parts[1:]:
        case "GET", []:
            return objects_api.list_records(call, kind)
        case "POST", []:
            return objects_api.create_record(call, kind)
        case "POST", ["search"]:
            return objects_api.search_records(call, kind)
        case "POST", ["merge"]:
            return objects_api.merge_records(call, kind)
        case "POST", ["batch", what]:
            return batches.batch(call, kind, what)
        case "GET", [id]:
            return objects_api.read_record(call, kind, id)
        case "PATCH", [id]:
            return objects_api.update_record(call, kind, id)
        case "DELETE", [id]:
            return objects_api.archive_record(call, kind, id)
        case "GET", [id, "associations", to]:
            return links_api.read_links(call, kind, id, call.portal.kind(to))
        case "PUT", [id, "associations", "default", to, to_id]:
            return links_api.put_default_link(call, kind, id, call.portal.kind(to), to_id)
        case "PUT", [id, "associations", to, to_id]:
            return links_api.put_link(call, kind, id, call.portal.kind(to), to_id)
        case "DELETE", [id, "associations", to, to_id]:
            return links_api.delete_links(call, kind, id, call.portal.kind(to), to_id)
    return _refuse(method, parts)


def _associations(call: Call, method: str, parts: list[str]) -> Response | None:
    if len(parts) < 3:
        return None
    kind, to = call.portal.kind(parts[0]), call.portal.kind(parts[1])
    match method, parts[2:]:
        case "GET", ["labels"]:
            return links_api.labels(call, kind, to)
        case "POST", ["batch", *what]:
            return links_api.batch_links(call, kind, to, "/".join(what))
    return _refuse(method, parts)


def _owners(call: Call, method: str, parts: list[str]) -> Response | None:
    match method, parts:
        case "GET", []:
            return account_api.list_owners(call)
        case "GET", [id]:
            return account_api.read_owner(call, id)
    return _refuse(method, parts)


def _pipelines(call: Call, method: str, parts: list[str]) -> Response | None:
    if not parts:
        return None
    kind = call.portal.kind(parts[0])
    match method, parts[1:]:
        case "GET", []:
            return account_api.list_pipelines(call, kind)
        case "GET", [id]:
            return account_api.read_pipeline(call, kind, id)
        case "GET", [id, "stages"]:
            return account_api.list_stages(call, kind, id)
        case "GET", [id, "stages", stage_id]:
            return account_api.read_stage(call, kind, id, stage_id)
    return _refuse(method, parts)


def _properties(call: Call, method: str, parts: list[str]) -> Response | None:
    if not parts:
        return None
    kind = call.portal.kind(parts[0])
    match method, parts[1:]:
        case "GET", []:
            return schema_api.list_properties(call, kind)
        case "POST", []:
            return schema_api.create_property(call, kind)
        case "GET", ["groups"]:
            return schema_api.list_groups(call, kind)
        case "POST", ["groups"]:
            return schema_api.create_group(call, kind)
        case "GET", ["groups", name]:
            return schema_api.read_group(call, kind, name)
        case "POST", ["batch", ("read" | "create" | "archive") as what]:
            return schema_api.batch_properties(call, kind, what)
        case "GET", [name]:
            return schema_api.read_property(call, kind, name)
        case "PATCH", [name]:
            return schema_api.update_property(call, kind, name)
        case "DELETE", [name]:
            return schema_api.archive_property(call, kind, name)
    return _refuse(method, parts)


def _account(call: Call, method: str, parts: list[str]) -> Response | None:
    return account_api.account_details(call) if (method, parts) == ("GET", ["details"]) else None


def _talk(call: Call, method: str, parts: list[str]) -> Response | None:
    match method, parts:
        case "GET", ["threads"]:
            return threads_api.list_threads(call)
        case "GET", ["threads", id]:
            return threads_api.read_thread(call, id)
        case "GET", ["threads", id, "messages"]:
            return threads_api.list_messages(call, id)
        case "POST", ["threads", id, "messages"]:
            return threads_api.send_message(call, id)
    return _refuse(method, parts)


def _refuse(method: str, parts: list[str]) -> Response | None:
    if method not in ("GET", "POST") or not parts:
        raise HubSpotError(405, "Method Not Allowed", "METHOD_NOT_ALLOWED")
    return None
