"""Which scopes a connection's token needs, and which it had better not have. Pure.

Owns the least. Refuses to ask HubSpot. Invariant: a scope is needed only for what the configuration does.
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from connectors.hubspot import names
from connectors.hubspot.settings import HubSpotSettings

TICKETS: Final = "tickets"
SPLIT_TICKETS: Final = ("crm.objects.tickets.read", "crm.objects.tickets.write")
"""What newer apps have in place of ``tickets``: both together are as good."""

_FAMILIAR: Final = ("crm.", "conversations.", "tickets", "oauth", "sales-email-read")
_BEYOND: Final = ("crm.export", "crm.import")


def needed(settings: HubSpotSettings) -> dict[str, str]:
    """Scope -> what it is needed for."""
    found: dict[str, str] = {}
    for of in names.RECORDS:
        if of.name in settings.objects:
            found.setdefault(of.read_scope, f"reading {of.name}")
            found.setdefault(of.write_scope, f"writing {of.name}")
    for of in (*(one for one in names.ENGAGEMENTS if one.name in settings.answers), names.TASKS):
        found.setdefault(of.read_scope, f"reading {of.name}")
    found.setdefault(names.TASKS.write_scope, "creating tasks and notes")
    found.setdefault("crm.objects.owners.read", "telling people from queues")
    if settings.sender is not None or names.CONVERSATIONS in settings.answers:
        found["conversations.read"] = "reading conversations"
    if settings.sender is not None:
        found["conversations.write"] = "answering in conversations"
    return found


def missing(settings: HubSpotSettings, held: Collection[str]) -> dict[str, str]:
    """Those of the needed scopes that are not held."""
    has = {*held, *((TICKETS,) if set(SPLIT_TICKETS) <= set(held) else ())}
    return {scope: why for scope, why in needed(settings).items() if scope not in has}


def excess(held: Collection[str]) -> list[str]:
    """Scopes that reach beyond the CRM's records, or delete and export them: nothing here ever needs those."""
    return sorted(
        scope
        for scope in held
        if not scope.startswith(_FAMILIAR) or scope in _BEYOND or scope.endswith(".delete") or "sensitive" in scope
    )


def defining(object: str) -> str:
    """The scope that creates properties of an object. https://developers.hubspot.com/docs/api-reference/latest/crm/
    properties/guide; for leads and tasks it is not told by the page: assumed to be that of contacts."""
    return TICKETS if object == names.TICKETS.name else "crm.schemas.contacts.write"


def listed(scopes: Mapping[str, str]) -> str:
    """``scope (what for), scope (what for)``."""
    return ", ".join(f"{scope} ({why})" for scope, why in scopes.items())
