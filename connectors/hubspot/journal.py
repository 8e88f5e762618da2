"""The webhooks journal as a hint feed: what an app was told of, read from a place on, without an address of ours.

Owns where reading goes on, the pace, and what an entry's events mean. Refuses the wire. Invariant: a place is handed
out only together with the hints of the entry before it; a place that HubSpot has forgotten is a gap.
Events are turned into the shape of webhooks, so that one module knows what they mean. Assumed, for no public text says
it: the names of the actions but for those of subscriptions, and that ``propertyChanges`` holds properties by name.
https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/guide
"""

from __future__ import annotations

import hashlib
import threading
from typing import Any, Final

import msgspec

from connectors.base import Hint, HintPage
from connectors.hubspot.journal_api import JournalApi, PlaceUnknown
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.names import BY_TYPE_ID
from connectors.hubspot.shapes import ENCODER, Told, instant

PACE_S: Final = 10.0
"""Between two questions while nothing is new: HubSpot allows a hundred a second, but they are calls of the account."""

_MOMENT_S: Final = 0.01

ENTRIES: Final = 20
"""The most entries of one pull; one has up to 10,000 events."""

_WORDS: Final = {
    "CREATE": "creation",
    "UPDATE": "propertyChange",
    "DELETE": "deletion",
    "MERGE": "merge",
    "RESTORE": "restore",
    "GDPR_DELETE": "privacyDeletion",
    "ASSOCIATION_ADDED": "associationChange",
    "ASSOCIATION_REMOVED": "associationChange",
}


class JournalEvent(Told):
    """One event of an entry: of an object, or of an association between two."""

    type: str = ""
    action: str = ""
    portal_id: int | None = None
    occurred_at: int | str | None = None
    object_type_id: str | None = None
    object_id: int | str | None = None
    property_changes: Any = None
    from_object_type_id: str | None = None
    from_object_id: int | str | None = None
    to_object_type_id: str | None = None
    to_object_id: int | str | None = None


class JournalFile(Told):
    journal_events: list[JournalEvent] = msgspec.field(default_factory=list)


class Journal:
    """See ``connectors.base.HintFeed``. A cursor is an offset; empty: the journal held nothing yet."""

    name = "journal"

    def __init__(self, api: JournalApi, mapper: Mapper) -> None:
        self._api = api
        self._mapper = mapper
        self._closed = threading.Event()

    def pull(self, cursor: str | None, wait_s: float) -> HintPage:
        if cursor is None:
            newest = self._api.latest()
            return HintPage([], newest.current_offset if newest else "")
        left = wait_s
        while True:
            page = self._read(cursor)
            if page.cursor != cursor or page.gap or left < _MOMENT_S:
                return page
            pause = min(PACE_S, left)
            left -= pause
            if self._closed.wait(pause):
                return page

    def close(self) -> None:
        self._closed.set()
        self._api.close()

    # ---- entries

    def _read(self, cursor: str) -> HintPage:
        hints: list[Hint] = []
        gap = False
        for _ in range(ENTRIES):
            try:
                entry = self._api.after(cursor) if cursor else self._api.earliest()
            except PlaceUnknown:
                return self._lost(hints, cursor)
            if entry is None:
                break
            told = self._told(self._api.file(entry))
            hints += told or []
            gap = gap or told is None
            cursor = entry.current_offset
        return HintPage(hints, cursor, gap=gap)

    def _lost(self, hints: list[Hint], cursor: str) -> HintPage:
        """A place of more than three days ago; or, where HubSpot says the same of a place with nothing behind it, the
        newest there is."""
        newest = self._api.latest()
        if newest is not None and newest.current_offset == cursor:
            return HintPage(hints, cursor)
        return HintPage(hints, newest.current_offset if newest else "", gap=True)

    def _told(self, content: bytes) -> list[Hint] | None:
        """The hints of one file; None when it cannot be read: then only a poll finds what it told."""
        try:
            events = msgspec.json.decode(content, type=JournalFile).journal_events
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        ours = self._mapper.settings.portal_id
        return [hint for event in events if ours in (None, event.portal_id) for hint in self._hints(event)]

    def _hints(self, event: JournalEvent) -> list[Hint]:
        """One for the object, or one for each watched side of an association: an answer was put to a record."""
        if event.object_id is not None:
            return [self._hint(event, event.object_type_id, event.object_id)]
        sides = ((event.from_object_type_id, event.from_object_id), (event.to_object_type_id, event.to_object_id))
        return [self._hint(event, kind, one) for kind, one in sides if one is not None and self._watched(kind)]

    def _watched(self, type_id: str | None) -> bool:
        return BY_TYPE_ID.get(type_id or "") in self._mapper.types

    def _hint(self, event: JournalEvent, type_id: str | None, id: int | str) -> Hint:
        told = ENCODER.encode(
            {
                "subscriptionType": f"object.{_WORDS.get(event.action, event.action.lower())}",
                "portalId": event.portal_id,
                "objectTypeId": type_id,
                "objectId": id,
                "occurredAt": _instant(event.occurred_at),
            }
        )
        key = hashlib.sha256(ENCODER.encode((told, _changed(event), event.from_object_id, event.to_object_id)))
        return Hint(f"journal:{key.hexdigest()[:40]}", self._record(event, type_id, id), told)

    def _record(self, event: JournalEvent, type_id: str | None, id: int | str) -> str | None:
        """The record to read again; None when it is not watched, or when only our own fields changed."""
        of = BY_TYPE_ID.get(type_id or "")
        if of is None or of not in self._mapper.types:
            return None
        changed, ours = _changed(event), set(self._mapper.write[of.name].values())
        if changed and set(changed) <= ours:
            return None
        return self._mapper.name(of, str(id))


def _instant(at: int | str | None) -> int | None:
    return at if isinstance(at, int) or at is None else instant(at)


def _changed(event: JournalEvent) -> list[str]:
    """The names of the properties that changed."""
    changes = event.property_changes
    if isinstance(changes, dict):
        return sorted(str(name) for name in changes)
    if isinstance(changes, list):
        named = [one.get("propertyName", one.get("name")) if isinstance(one, dict) else one for one in changes]
        return sorted(str(name) for name in named if name is not None)
    return []
