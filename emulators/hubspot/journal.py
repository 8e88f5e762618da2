"""The webhooks journal: what happened, in files that an app fetches one after another.

Owns the entries, their places, how long they are kept, and the links to their files. Refuses what a change is.
Invariant: an entry is published once and never changes; behind a place lie exactly the entries published after it.
Source: developers.hubspot.com, webhooks journal guide (three days; ``{url, expiresAt, currentOffset}``; files of
``{offset, journalEvents, publishedAt}``; a client credentials token), journal entries, "next": 404 for a place that has
expired or does not exist. Seen by others against the live API: 204 where nothing is new; up to 10,000 events a file.
Assumed: the words of ``type``, the form of ``propertyChanges``, that a link lasts an hour, and that a link refuses
another authorisation beside its signature, as the storage behind it does. Subscriptions are taken to be made.
"""

from __future__ import annotations

import json
import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from emulators.http import Request, Response
from emulators.hubspot.errors import HubSpotError, missing_scopes, not_found
from emulators.hubspot.portal import Happening
from emulators.hubspot.values import iso

PATH: Final = "/webhooks-journal/"
FILES: Final = "/journal-files/"
SCOPE: Final = "developer.webhooks_journal.read"
KEPT_MS: Final = 3 * 86_400_000
LINK_MS: Final = 3_600_000
MOST: Final = 10_000
_ENTRIES: Final = re.compile(r"/webhooks-journal/journal(?:-local)?/(?:2026-03|2026-09)/(?P<rest>.+?)/?")
_ACTIONS: Final = {
    "creation": "CREATE", "propertyChange": "UPDATE", "deletion": "DELETE", "restore": "RESTORE", "merge": "MERGE",
    "privacyDeletion": "GDPR_DELETE",
}  # fmt: skip
_SIDES: Final = (
    "fromObjectId", "toObjectId", "fromObjectTypeId", "toObjectTypeId", "associationTypeId", "associationCategory",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    offset: str
    published_ms: int
    events: list[dict[str, Any]]


class Journal:
    """The journal of one app. ``quiet_status`` is answered where nothing is new: 204, or 404 where somebody wants to
    know whether a client takes that for a lost place."""

    def __init__(self, seed: int, portal_id: int, now_ms: Callable[[], int], url: Callable[[], str]) -> None:
        self._dice = random.Random(f"journal {seed}")
        self._portal_id = portal_id
        self._now_ms = now_ms
        self._url = url
        self._waiting: list[dict[str, Any]] = []
        self._entries: list[Entry] = []
        self._links: dict[str, tuple[str, int]] = {}
        self.quiet_status = 204
        self.broken_files = 0
        """So many of the next files hold nothing that can be read."""

    def happened(self, happening: Happening) -> None:
        record, details = happening.record, happening.details
        told: dict[str, Any] = {"portalId": self._portal_id, "occurredAt": iso(happening.at_ms)}
        if happening.event == "associationChange":
            removed = details.get("associationRemoved")
            told |= {"type": "ASSOCIATION", "action": "ASSOCIATION_REMOVED" if removed else "ASSOCIATION_ADDED"}
            told |= {name: details[name] for name in _SIDES if name in details}
        else:
            name = details.get("propertyName")
            told |= {
                "type": "CRM_OBJECT",
                "action": _ACTIONS.get(happening.event, happening.event.upper()),
                "objectTypeId": record.kind.type_id,
                "objectId": record.number,
                "propertyChanges": {name: details.get("propertyValue")} if name else {},
            }
        self._waiting.append(told)

    def answer(self, request: Request, is_app: Callable[[str | None, str], bool]) -> Response:
        """One question after entries. Raises HubSpotError 403 for a token that is not an app's, of client credentials
        with the journal's scope, 404 for what is not."""
        match = _ENTRIES.fullmatch(request.path)
        if request.method != "GET" or match is None:
            raise not_found()
        if not is_app(request.headers.get("authorization"), SCOPE):
            raise missing_scopes((SCOPE,))
        self._publish()
        parts = match["rest"].split("/")
        if parts == ["earliest"]:
            return self._pointer(self._entries[0] if self._entries else None)
        if parts == ["latest"]:
            return self._pointer(self._entries[-1] if self._entries else None)
        if len(parts) == 3 and (parts[0], parts[2]) == ("offset", "next"):
            return self._pointer(self._behind(parts[1]))
        raise not_found()

    def file(self, request: Request) -> Response:
        """The file behind a link: no token, and none is taken."""
        if "authorization" in request.headers:
            return Response(400, b"<Error><Code>InvalidArgument</Code></Error>", {"Content-Type": "application/xml"})
        offset, until = self._links.get(request.path.removeprefix(FILES), ("", 0))
        entry = next((one for one in self._entries if one.offset == offset), None)
        if entry is None or self._now_ms() > until:
            return Response(403, b"<Error><Code>AccessDenied</Code></Error>", {"Content-Type": "application/xml"})
        if self.broken_files > 0:
            self.broken_files -= 1
            return Response(200, b'{"offset": "', {"Content-Type": "application/json"})
        told = {"offset": entry.offset, "journalEvents": entry.events, "publishedAt": iso(entry.published_ms)}
        return Response(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    # ---- inside

    def _publish(self) -> None:
        now = self._now_ms()
        while self._waiting:
            some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            offset = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
            self._entries.append(Entry(offset, now, some))
        self._entries = [one for one in self._entries if one.published_ms > now - KEPT_MS]

    def _behind(self, offset: str) -> Entry | None:
        places = [one.offset for one in self._entries]
        if offset not in places:
            raise HubSpotError(404, "The offset has expired or does not exist", "OBJECT_NOT_FOUND")
        at = places.index(offset) + 1
        if at < len(self._entries):
            return self._entries[at]
        if self.quiet_status == 404:
            raise HubSpotError(404, "There is no newer entry", "OBJECT_NOT_FOUND")
        return None

    def _pointer(self, entry: Entry | None) -> Response:
        if entry is None:
            return Response(204)
        until = self._now_ms() + LINK_MS
        key = f"{uuid.UUID(int=self._dice.getrandbits(128), version=4).hex}.json"
        self._links[key] = (entry.offset, until)
        return Response(
            200,
            {"url": f"{self._url()}{FILES}{key}", "expiresAt": iso(until), "currentOffset": entry.offset},
        )
