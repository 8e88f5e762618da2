"""What ``[connections.NAME]`` may say for Salesforce.

Owns the keys, defaults and checks of what is watched and what its words mean. Refuses to call anything: what the org
really has is ``check``'s business. Invariant: importing it imports no SDK.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from connectors.salesforce.ids import full_id
from connectors.salesforce.login_settings import LoginSettings
from connectors.salesforce.names import DEFAULT_VERSION, KINDS, OLDEST_VERSION
from connectors.salesforce.pubsub_settings import PubSub
from connectors.secret import Secret
from connectors.settings import Priority, StatusCategory, Table

RecordObject = Literal["Lead", "Case"]
AnswerObject = Literal["Task", "Event", "EmailMessage", "CaseComment", "FeedItem"]

STATUS: Final[dict[str, dict[str, StatusCategory]]] = {
    "lead": {
        "New": "new",
        "Open": "new",
        "Open - Not Contacted": "new",
        "Contacted": "open",
        "Working": "open",
        "Working - Contacted": "open",
        "Nurturing": "pending",
        "Qualified": "open",
        "Unqualified": "disqualified",
        "Closed - Not Converted": "disqualified",
        "Closed - Converted": "converted",
    },
    "ticket": {
        "New": "new",
        "Open": "open",
        "Working": "open",
        "In Progress": "open",
        "Escalated": "open",
        "Waiting on Customer": "pending",
        "Awaiting Customer": "pending",
        "Pending": "pending",
        "Response Received": "open",
        "On Hold": "on_hold",
        "Resolved": "resolved",
        "Closed": "closed",
    },
}
"""Statuses of a fresh org and their usual additions; ``status.lead`` and ``status.ticket`` override one by one."""

PRIORITY: Final[dict[str, Priority]] = {
    "critical": "urgent",
    "urgent": "urgent",
    "high": "high",
    "medium": "normal",
    "normal": "normal",
    "low": "low",
}
"""By lower-case raw value; ``priority`` overrides one by one."""

CALL_OUTCOMES: Final = {"contacted": "connected", "spoke": "connected", "correct contact": "connected"}
"""By lower-case CallDisposition; any other text is kept as the outcome."""

SalesforceId = Annotated[str, AfterValidator(full_id)]


def _organization(value: str) -> str:
    if not value.startswith("00D"):
        raise ValueError("an organization id begins with 00D: Setup > Company Information")
    return value


class WebhookSettings(Table):
    """Outbound messages: the secret in the endpoint's address, and the org that may send them.

    Messages carry no signature. ``token`` has at least 22 random characters; ``previous_token`` serves a rotation.
    """

    token: Secret
    previous_token: Secret | None = None
    organization: Annotated[SalesforceId, AfterValidator(_organization)]


class SalesforceSettings(LoginSettings):
    """A Salesforce org: how to log in to it (``LoginSettings``), what is watched there, and what its words mean."""

    api_version: str = DEFAULT_VERSION
    objects: tuple[RecordObject, ...] = ("Lead", "Case")
    answers: tuple[AnswerObject, ...] = ("Task", "Event", "EmailMessage", "CaseComment")
    task_key: str = "SLA_Key__c"
    integration_user: SalesforceId | None = None
    automation_users: tuple[SalesforceId, ...] = ()
    customer_channels: tuple[str, ...] = ("Web", "Email", "Chat", "Messaging", "Community", "Facebook", "Twitter")
    call_outcomes: dict[str, str] = Field(default_factory=dict)
    webhook: WebhookSettings | None = None
    pubsub: PubSub = None

    @field_validator("api_version")
    @classmethod
    def _version(cls, value: str) -> str:
        number = value.removeprefix("v")
        if not re.fullmatch(r"\d{2,3}\.0", number, re.ASCII):
            raise ValueError(f'a version reads "{DEFAULT_VERSION}"')
        if float(number) < OLDEST_VERSION:
            raise ValueError(f"versions below {OLDEST_VERSION} lack what is needed here; {DEFAULT_VERSION} is usual")
        return number

    @field_validator("task_key")
    @classmethod
    def _api_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z]\w*__c", value, re.ASCII):
            raise ValueError('a custom field\'s API name ends in "__c", such as "SLA_Key__c"')
        return value

    @model_validator(mode="after")
    def _watches_something(self) -> Self:
        if not self.objects:
            raise ValueError('objects: name at least one of "Lead" and "Case"')
        return self

    @classmethod
    def lacking(cls, table: Mapping[str, Any], action: str, kind: str) -> str | None:
        if kind not in cls.watched(table):
            return None
        if action == "message" and kind == "lead":
            return "Salesforce shows its customers comments of cases, and nothing of a lead"
        if action == "priority" and kind == "lead" and not cls.fills(table, "priority", kind):
            return 'leads have no priority of their own; name a field for it, such as fields.priority = "Rating"'
        return super().lacking(table, action, kind)

    @classmethod
    def watched(cls, table: Mapping[str, Any]) -> frozenset[str]:
        given = table.get("objects")
        objects = given if isinstance(given, list) else cls.model_fields["objects"].default
        return frozenset(kind for name, kind in KINDS.items() if name in objects)


SETTINGS = SalesforceSettings
