"""The JSON of conversations, as far as it is read.

Owns the shapes of threads and messages. Refuses meaning (``conversing``) and what was said, except for a reply of ours
that has to be found again. Invariant: as in ``shapes``.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from connectors.hubspot.shapes import Paging, Told

UNDER_WAY: Final = frozenset({"SENDING", "SCHEDULED"})


class _Tied(Told):
    associated_ticket_id: str | None = None


class Thread(Told):
    """One conversation."""

    id: str
    latest_message_timestamp: str | None = None
    associated_contact_id: str | None = None
    thread_associations: _Tied | None = None
    spam: bool = False

    @property
    def ticket(self) -> str | None:
        return self.thread_associations.associated_ticket_id if self.thread_associations else None


class Threads(Told):
    results: list[Thread] = msgspec.field(default_factory=list)
    paging: Paging | None = None

    @property
    def after(self) -> str | None:
        return self.paging.next.after if self.paging and self.paging.next else None


class _Client(Told):
    client_type: str = ""
    integration_app_id: int | None = None


class _MessageStatus(Told):
    status_type: str = ""


class Said(Told):
    """One message of a conversation, without what was said: its text, subject and addresses are not even decoded."""

    id: str
    type: str = "MESSAGE"
    created_at: str | None = None
    created_by: str | None = None
    direction: str | None = None
    channel_id: str | None = None
    client: _Client = msgspec.field(default_factory=_Client)
    status: _MessageStatus | None = None

    @property
    def status_type(self) -> str:
        """SENT, RECEIVED, READ, FAILED …; "" where HubSpot does not say."""
        return self.status.status_type if self.status is not None else ""

    @property
    def is_under_way(self) -> bool:
        """Whether nobody has it yet."""
        return self.status_type in UNDER_WAY


class SaidPage(Told):
    results: list[Said] = msgspec.field(default_factory=list)
    paging: Paging | None = None

    @property
    def after(self) -> str | None:
        return self.paging.next.after if self.paging and self.paging.next else None


class Sender(Told):
    """Who sent a message, and where a reply reaches them."""

    actor_id: str | None = None
    delivery_identifier: dict[str, Any] | None = None


class Message(Told):
    """One message of a conversation. ``direction``: INCOMING, OUTGOING, or None for a comment."""

    id: str
    created_at: str | None = None
    direction: str | None = None
    text: str | None = None
    subject: str | None = None
    channel_id: str | None = None
    channel_account_id: str | None = None
    senders: list[Sender] = msgspec.field(default_factory=list)


class Messages(Told):
    results: list[Message] = msgspec.field(default_factory=list)


SAID: Final = msgspec.json.Decoder(Said)
