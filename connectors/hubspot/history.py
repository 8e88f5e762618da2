"""What the history of stage and owner tells: each change at its own instant, with who made it.

Owns the reading of ``propertiesWithHistory``. Refuses I/O, and to know which rows have it (``moves``). Invariant: a
change has the same id whenever it is told, so a longer history repeats what a shorter one said.

A ticket or lead has its stage from the first moment on, so the oldest value is what it was created with, whatever
``createdate`` an import gave it. HubSpot keeps 45 values of a contact's property and 20 of any other's; of a history
that long the beginning may be lost, and nothing is said of it.
https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide#retrieve-contacts
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from connectors.hubspot import names, sources
from connectors.hubspot.names import ObjectType
from connectors.hubspot.shapes import Envelope, Row, Version, instant
from sla.model import Event

AT_ONCE_MS: Final = 1_000
"""What is set within this time after the first value belongs to the creation."""

BEFORE: Final = -1
"""A change stands before the row that shows it, which has the same instant and names nobody."""

Says = Callable[[str | None], dict[str, Any]]
"""The normalised fields that a value of the property means."""


def events(record: str, of: ObjectType, row: Row, envelope: Envelope, created: int, status: Says) -> list[Event]:
    """Every change of stage and owner that the row's history tells, and what the record began with, unless that goes
    without saying: a record begins as new, and with the owner that it still has."""
    past = row.properties_with_history
    stages, owners = past.get(of.stage or ""), past.get(names.OWNER)
    born = _born(of, stages, created)
    found: list[Event] = []
    if stages:
        found += _changes(record, of, "stage", stages, envelope, created, born, status)
    if owners:
        found += _changes(record, of, "owner", owners, envelope, created, born, lambda raw: _owner(envelope, raw))
    return found


def _owner(envelope: Envelope, raw: str | None) -> dict[str, Any]:
    return {"owner": envelope.owners.get(raw, f"user:{raw}") if raw else None}


def _born(of: ObjectType, stages: Sequence[Version] | None, created: int) -> int:
    """Until when a value belongs to the creation."""
    if of.pipelines is None or not stages or _cut(of, stages):
        return created + AT_ONCE_MS
    return max(created, min(_at(one) for one in stages)) + AT_ONCE_MS


def _changes(
    record: str, of: ObjectType, word: str, versions: Sequence[Version], envelope: Envelope, created: int, born: int,
    says: Says,
) -> list[Event]:  # fmt: skip
    ordered = sorted(versions, key=_at)
    first = [one for one in ordered if _at(one) <= born]
    before: str | None = (first[-1].value or None) if first else None
    began = says(before)
    found: list[Event] = []
    if not _cut(of, versions) and (len(ordered) > len(first) or began.get("status", "new") != "new"):
        found.append(_event(record, f"{word}:{created}", created, sources.HUBSPOT, began))
    for one in ordered[len(first) :]:
        value = one.value or None
        if value != before:
            found.append(_event(record, f"{word}:{_at(one)}", _at(one), who(one, envelope), says(value)))
        before = value
    return found


def who(version: Version, envelope: Envelope) -> str | None:
    """The actor behind a past value."""
    user = sources.user_id(version.source_id, version.updated_by_user_id)
    return sources.actor(version.source_type, version.source_id, user, envelope.users, envelope.app)


def _event(record: str, id: str, at: int, actor: str | None, fields: dict[str, Any]) -> Event:
    return Event(record=record, at=at, id=id, seq=BEFORE, event="changed", actor=actor, set=fields)


def _at(version: Version) -> int:
    return instant(version.timestamp) or 0


def _cut(of: ObjectType, versions: Sequence[Version]) -> bool:
    return len(versions) >= names.HISTORY_KEPT.get(of.name, names.HISTORY_KEPT_ELSEWHERE)
