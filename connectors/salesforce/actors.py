"""Who did it: user ids to actors and owners. Pure.

Owns the words ``user:``, ``queue:``, ``workflow:``, ``system:``. Refuses names and addresses. Invariant: what we wrote
ourselves is never taken for a person's work.
"""

from __future__ import annotations

from typing import Final

from connectors.salesforce import names
from connectors.salesforce.ids import full_id, is_id
from connectors.salesforce.settings import SalesforceSettings

OURSELVES: Final = "system:sla-sidecar"


class Actors:
    """What one connection's settings say about users."""

    def __init__(self, settings: SalesforceSettings) -> None:
        self._automation = frozenset(settings.automation_users)
        self._ourselves = settings.integration_user

    def actor(self, user: object, me: object = None) -> str | None:
        """The actor behind a user id. ``me`` is the integration user's id as the row carries it."""
        if not isinstance(user, str) or not is_id(user):
            return None
        known = full_id(user)
        if known == self._ourselves or (isinstance(me, str) and is_id(me) and known == full_id(me)):
            return OURSELVES
        return f"workflow:{known}" if known in self._automation else f"user:{known}"

    def is_person(self, user: object, me: object = None) -> bool:
        actor = self.actor(user, me)
        return actor is not None and actor.startswith("user:")


def owner(value: object) -> str | None:
    """``user:ID``, ``queue:ID`` or None of an OwnerId."""
    if not isinstance(value, str) or not is_id(value):
        return None
    if value.startswith(names.USER_PREFIX):
        return f"user:{full_id(value)}"
    return f"queue:{full_id(value)}" if value.startswith(names.QUEUE_PREFIX) else None


def owner_id(value: str | None) -> str | None:
    """The Salesforce id of ``user:ID`` or ``queue:ID``, or None when it names neither."""
    kind, _, key = (value or "").partition(":")
    prefix = {"user": names.USER_PREFIX, "queue": names.QUEUE_PREFIX}.get(kind)
    return full_id(key) if prefix and is_id(key) and key.startswith(prefix) else None
