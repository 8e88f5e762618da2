"""Conversations: threads and their messages, as the conversations API shows them.

Owns the bodies of threads and messages. Refuses to know tickets beyond their ids.
Invariant: a thread's latest-message stamps are those of its newest messages, whichever came last.
https://developers.hubspot.com/docs/api-reference/conversations-conversations-v3/guide
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from emulators.hubspot.values import iso

EMAIL_CHANNEL: Final = "1002"
"""developers.hubspot.com, conversations guide: 1000 live chat, 1001 Messenger, 1002 e-mail."""


@dataclass(slots=True)
class Message:
    """``direction`` INCOMING or OUTGOING; None for a comment, which the customer never sees."""

    id: str
    thread_id: str
    at_ms: int
    actor: str
    client: str
    text: str
    direction: str | None = "INCOMING"
    status: str = "SENT"
    app_id: int | None = None
    subject: str = ""
    type: str = ""
    """WELCOME_MESSAGE, ASSIGNMENT, THREAD_STATUS_CHANGE …; "" for what follows from the direction."""

    def body(self) -> dict[str, Any]:
        client: dict[str, Any] = {"clientType": self.client}
        if self.app_id is not None:
            client["integrationAppId"] = self.app_id
        body: dict[str, Any] = {
            "type": self.type or ("MESSAGE" if self.direction else "COMMENT"),
            "id": self.id,
            "conversationsThreadId": self.thread_id,
            "createdAt": iso(self.at_ms),
            "updatedAt": iso(self.at_ms),
            "createdBy": self.actor,
            "client": client,
            "senders": [{"actorId": self.actor}],
            "recipients": [],
            "archived": False,
            "text": self.text,
            "richText": f"<div>{self.text}</div>",
            "attachments": [],
        }
        if self.direction:
            body |= {
                "subject": self.subject,
                "truncationStatus": "NOT_TRUNCATED",
                "status": {"statusType": self.status},
                "direction": self.direction,
                "channelId": EMAIL_CHANNEL,
                "channelAccountId": "1",
            }
        return body


@dataclass(slots=True)
class Thread:
    id: str
    at_ms: int
    contact_id: str | None
    ticket_id: str | None
    subject: str = ""
    status: str = "OPEN"
    closed_ms: int | None = None
    assigned_to: str | None = None
    messages: list[Message] = field(default_factory=list)

    def body(self, *, tied: bool = True) -> dict[str, Any]:
        """``tied``: with the ticket, which a list shows only to those who ask for associations."""
        body: dict[str, Any] = {
            "id": self.id,
            "createdAt": iso(self.at_ms),
            "status": self.status,
            "originalChannelId": EMAIL_CHANNEL,
            "originalChannelAccountId": "1",
            "inboxId": "1",
            "spam": False,
            "archived": False,
        }
        if self.closed_ms is not None:
            body["closedAt"] = iso(self.closed_ms)
        for name, direction in (("", None), ("Sent", "OUTGOING"), ("Received", "INCOMING")):
            latest = self.latest(direction)
            if latest is not None:
                body[f"latestMessage{name}Timestamp"] = iso(latest)
        if self.assigned_to:
            body["assignedTo"] = self.assigned_to
        if self.contact_id:
            body["associatedContactId"] = self.contact_id
        if self.ticket_id and tied:
            body["threadAssociations"] = {"associatedTicketId": self.ticket_id}
        return body

    def latest(self, direction: str | None = None) -> int | None:
        """The newest message's instant: of one direction, or of both."""
        return max(
            (one.at_ms for one in self.messages if one.direction and direction in (None, one.direction)), default=None
        )


class Threads:
    def __init__(self, first: int) -> None:
        self._next = first
        self.all: dict[str, Thread] = {}
        self._of_ticket: dict[str, str] = {}

    def take_number(self) -> int:
        self._next += 1
        return self._next

    def open(self, at_ms: int, *, contact_id: str | None, ticket_id: str | None, subject: str) -> Thread:
        thread = Thread(str(self.take_number()), at_ms, contact_id, ticket_id, subject)
        self.all[thread.id] = thread
        if ticket_id:
            self._of_ticket[ticket_id] = thread.id
        return thread

    def of_contact(self, contact_id: str) -> Thread | None:
        """The conversation of a contact that belongs to no ticket."""
        return next((one for one in self.all.values() if one.contact_id == contact_id and not one.ticket_id), None)

    def of_ticket(self, ticket_id: str) -> Thread | None:
        return self.all.get(self._of_ticket.get(ticket_id, ""))

    def move_ticket(self, old: str, new: str) -> None:
        """A merged ticket's conversation goes on under the ticket that it became part of."""
        thread = self.of_ticket(old)
        if thread is not None:
            thread.ticket_id = new
            self._of_ticket.setdefault(new, thread.id)

    def say(self, thread: Thread, message: Message) -> None:
        thread.messages.append(message)
