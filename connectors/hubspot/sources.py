"""Who stands behind a change: HubSpot's word for its source -> a person, a workflow, an import, another app, ourselves.

Owns the table of sources. Refuses to know users and apps: their ids are arguments. Invariant: nobody is taken for a
person whom HubSpot does not name as one, except where only a person's hand can have done it.

The words are those of the official SDKs (``PropertyValue.source``); what they mean is told at
https://knowledge.hubspot.com/properties/hubspots-change-sources-in-property-history
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OURSELVES: Final = "system:sla-sidecar"
"""The actor of what we did and said ourselves."""
WORKFLOW: Final = "workflow:hubspot"
BOT: Final = "bot:hubspot"
IMPORT: Final = "system:import"
APP: Final = "system:integration"
HUBSPOT: Final = "system:hubspot"
"""The CRM itself: a calculation, a merge, a form, a source that nobody knows yet."""

BY_HAND: Final = frozenset({
    "CRM_UI", "CRM_UI_BULK_ACTION", "MOBILE", "MOBILE_IOS", "MOBILE_ANDROID", "CONTACTS_WEB", "EXTENSION", "HELP_DESK",
    "SALES", "TASK", "PLAYBOOKS",
})  # fmt: skip
"""A person's hand, even where HubSpot does not say whose."""

_MACHINES: Final = {
    WORKFLOW: (
        "AUTOMATION_PLATFORM", "AUTOMATION_JOURNEY", "PRIMARY_AUTOMATION", "WORKFLOW", "WORKFLOWS", "SEQUENCES",
        "WORKFLOW_CONTACT_DELETE_ACTION", "APPROVALS", "CRM_PROCESSES_PLATFORM",
    ),
    BOT: ("BOT", "CHATSPOT", "HELP_DESK_AI", "CUSTOMER_AGENT", "PROSPECTING_AGENT", "BREEZE_AGENT", "AI_GROUP"),
    IMPORT: ("IMPORT", "MIGRATION", "EMAIL_INBOX_IMPORT", "CLONE_OBJECTS"),
    APP: (
        "INTEGRATION", "API", "INTEGRATIONS_PLATFORM", "INTEGRATIONS_SYNC", "SALESFORCE", "SLACK_INTEGRATION",
        "PORTAL_OBJECT_SYNC", "CONNECTED_ACCOUNT", "BET_CRM_CONNECTOR", "DATASET",
    ),
    HUBSPOT: (
        "CALCULATED", "MERGE_OBJECTS", "MERGE_CONTACTS", "MERGE_COMPANIES", "MERGE_REVERT_OBJECTS", "RECYCLING_BIN",
        "RESTORE_OBJECTS", "PROPERTY_RESTORE", "PROPERTY_SETTINGS", "PIPELINE_SETTINGS", "SETTINGS", "DATA_ENRICHMENT",
        "INTERNAL_PROCESSING", "ANALYTICS", "FORM",
    ),
}  # fmt: skip
"""Never a person, even where a user's id stands beside it: who enrolled, imported or installed did not do it."""
_MACHINE: Final = {word: actor for actor, words in _MACHINES.items() for word in words}
_BY_BEGINNING: Final = (
    ("AUTOMATION", WORKFLOW), ("WORKFLOW", WORKFLOW), ("SEQUENCE", WORKFLOW), ("CHATFLOW", BOT), ("BOT", BOT),
)  # fmt: skip


def machine(source: str | None) -> str | None:
    """The actor behind a source that is no person, None for one that may be."""
    word = (source or "").upper()
    return _MACHINE.get(word) or next((actor for start, actor in _BY_BEGINNING if word.startswith(start)), None)


def is_automation(source: str | None) -> bool:
    """Whether a workflow, a sequence or a bot did it."""
    return machine(source) in (WORKFLOW, BOT)


def by_hand(source: str | None) -> bool:
    return (source or "").upper() in BY_HAND


def user_id(source_id: str | None, updated_by: int | None) -> str | None:
    """The id of the HubSpot user that a past value names: ``updatedByUserId``, else ``userId:n`` of ``sourceId``."""
    if updated_by:
        return str(updated_by)
    kind, _, number = (source_id or "").partition(":")
    return number if kind == "userId" and number.isdigit() else None


def actor(
    source: str | None, source_id: str | None, user: str | None, users: Mapping[str, str], app: str | None
) -> str | None:
    """Who set a value. ``users`` are ``user:ID`` by user id, ``app`` is our own app's id. None: a person nobody names.

    An app is known by ``sourceId``; a private app's or a service key's is a plain number.
    """
    found = machine(source)
    if found == APP and app is not None and source_id == app:
        return OURSELVES
    if found is not None:
        return found
    if user is not None and user in users:
        return users[user]
    return None if by_hand(source) or user is not None else HUBSPOT


def maker(source: str | None, person: str | None) -> str | None:
    """Who made an object, by its record source: a person by hand, automation, an import, or None for outside.

    https://knowledge.hubspot.com/properties/view-and-use-the-record-source-property
    """
    if by_hand(source):
        return person
    found = machine(source)
    return found if found in (WORKFLOW, BOT, IMPORT) else None
