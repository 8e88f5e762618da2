"""What ``[connections.NAME]`` may say for HubSpot.

Owns the keys, defaults and checks of a HubSpot connection. Refuses to call anything: what a portal really has is
``check``'s business. Invariant: importing it imports no SDK.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from connectors.hubspot.journal_settings import JournalSettings
from connectors.hubspot.names import DEFAULT_VERSION, PRIORITY_PROPERTY, RECORDS, Version
from connectors.secret import Secret
from connectors.settings import ConnectionSettings, Overlap, Seconds, StatusCategory

RecordObject = Literal["contacts", "leads", "tickets"]
AnswerObject = Literal["emails", "calls", "meetings", "conversations"]

LEAD_STATUS: dict[str, StatusCategory] = {
    "NEW": "new",
    "OPEN": "open",
    "IN_PROGRESS": "open",
    "ATTEMPTED_TO_CONTACT": "open",
    "CONNECTED": "open",
    "OPEN_DEAL": "converted",
    "UNQUALIFIED": "disqualified",
    "BAD_TIMING": "disqualified",
}
"""HubSpot's default options of a contact's ``hs_lead_status``; ``status.lead`` overrides one by one."""


OAUTH: Final = ("client_id", "client_secret", "refresh_token")


def _can_be_kept(token: Secret) -> bool:
    """Also True for one that has not been fetched yet, of which only the place is known."""
    return token.replaceable or token.label.startswith(("file:", "keyring:"))


class HubSpotSettings(ConnectionSettings):
    """A HubSpot account, by the access token of a service key or of a private app, or by an app's OAuth."""

    access_token: Secret | None = None
    client_id: str | None = Field(default=None, min_length=1)
    client_secret: Secret | None = None
    refresh_token: Secret | None = None
    api_version: Version = DEFAULT_VERSION
    objects: tuple[RecordObject, ...] = ("contacts", "tickets")
    answers: tuple[AnswerObject, ...] = ("emails", "calls", "meetings")
    overlap: Overlap = 3600.0
    searches_per_second: int = Field(default=5, ge=1)
    webhook_secret: Secret | None = None
    webhook_previous_secret: Secret | None = None
    journal: JournalSettings | None = None
    portal_id: int | None = Field(default=None, ge=1)
    app_id: int | None = Field(default=None, ge=1)
    sender: str | None = Field(default=None, pattern=r"^\d+$")
    task_key: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]{0,99}$")
    task_type: Literal["TODO", "CALL", "EMAIL"] = "TODO"
    task_reminder: Seconds | None = None

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        """Raises ValueError unless there is exactly one way to log in."""
        oauth = {name: getattr(self, name) for name in OAUTH}
        lacking = [name for name, value in oauth.items() if value is None]
        if self.access_token is None and len(lacking) == len(OAUTH):
            raise ValueError(
                "access_token: a HubSpot connection needs the token of a service key; "
                "or, for an app with OAuth, client_id, client_secret and refresh_token"
            )
        if self.access_token is not None and len(lacking) < len(OAUTH):
            given = ", ".join(name for name in OAUTH if name not in lacking)
            raise ValueError(
                f"access_token stands beside {given}: keep the token or OAuth's keys, and delete the other"
            )
        if self.access_token is None and lacking:
            raise ValueError(f"{lacking[0]}: OAuth needs client_id, client_secret and refresh_token together")
        if self.refresh_token is not None and not _can_be_kept(self.refresh_token):
            raise ValueError(
                "refresh_token: HubSpot may give a new one at any renewal, which a variable cannot keep: put it into a "
                'file of its own, readable by us alone, and write refresh_token = "file:PATH"'
            )
        return self

    @model_validator(mode="after")
    def _one_lead(self) -> Self:
        if "contacts" in self.objects and "leads" in self.objects:
            raise ValueError(
                'objects: contacts and leads are both records of the kind "lead": name one of them here, '
                "and watch the other by a second connection"
            )
        if not self.objects:
            raise ValueError('objects: name at least one of "contacts", "leads" and "tickets"')
        return self

    @classmethod
    def lacking(cls, table: Mapping[str, Any], action: str, kind: str) -> str | None:
        watched = [one for one in RECORDS if one.kind == kind and one.name in cls._objects(table)]
        if not watched:
            return None
        if action == "priority" and watched[0].name not in PRIORITY_PROPERTY and not cls.fills(table, action, kind):
            return "contacts have no priority of their own; name a property for it by fields.priority"
        if action == "message" and kind != "ticket":
            return "HubSpot has conversations of tickets only"
        if action == "message" and table.get("sender") is None:
            return 'name the user who sends, by the owner id of one who answers nobody else, such as sender = "77"'
        return super().lacking(table, action, kind)

    @classmethod
    def watched(cls, table: Mapping[str, Any]) -> frozenset[str]:
        return frozenset(one.kind for one in RECORDS if one.kind is not None and one.name in cls._objects(table))

    @classmethod
    def _objects(cls, table: Mapping[str, Any]) -> Sequence[Any]:
        given = table.get("objects")
        objects: Sequence[Any] = given if isinstance(given, list) else cls.model_fields["objects"].default
        return objects


SETTINGS = HubSpotSettings
