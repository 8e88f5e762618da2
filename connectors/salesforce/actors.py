"""Who did it: user ids to actors and owners. Pure.

Owns the words ``user:``, ``queue:``, ``customer:``, ``workflow:``, ``system:``. Refuses names and addresses. Invariant:
what we wrote ourselves is never taken for a person's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from connectors.salesforce import names
from connectors.salesforce.ids import full_id, is_id
from connectors.salesforce.settings import SalesforceSettings

OURSELVES: Final = "system:sla-sidecar"
ME: Final = "_me"
"""Key that ``feed`` adds to a row: the id of the user who read it."""
READ: Final = "_read_at"
"""Key that ``feed`` adds to a row: when it was asked for, epoch ms. Stamps have whole seconds; within one, this orders.
"""

STAFF: Final = "Standard"
MACHINES: Final = frozenset({"AutomatedProcess", "CloudIntegrationUser"})
"""User.UserType. Users of all other types come through a portal or a site: they are customers (Object Reference, User).
"""


class Actors:
    """What one connection's settings say about users."""

    def __init__(self, settings: SalesforceSettings) -> None:
        self._automation = frozenset(settings.automation_users)
        self._ourselves = settings.integration_user
        self._actor = lru_cache(maxsize=1024)(self._judged)  # few users stand on many rows

    def of(self, row: Mapping[str, Any], who: str) -> str | None:
        """The actor behind ``CreatedBy``, ``LastModifiedBy`` or ``Owner`` of a row."""
        about = row.get(who)
        return self._actor(row.get(f"{who}Id"), row.get(ME), about.get("UserType") if isinstance(about, dict) else None)

    def _judged(self, user: object, me: object, kind: object) -> str | None:
        if not isinstance(user, str) or not is_id(user) or not user.startswith(names.USER_PREFIX):
            return None
        known = full_id(user)
        if known == self._ourselves or (isinstance(me, str) and is_id(me) and known == full_id(me)):
            return OURSELVES
        if known in self._automation or kind in MACHINES:
            return f"workflow:{known}"
        return f"customer:{known}" if isinstance(kind, str) and kind != STAFF else f"user:{known}"


def is_machine(actor: str | None) -> bool:
    """Whether an actor is a program: ours or the org's own automation."""
    return actor is not None and actor.startswith(("workflow:", "system:"))


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
