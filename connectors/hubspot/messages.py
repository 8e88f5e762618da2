"""Messages to customers: replies in the conversation of a ticket.

Owns whom a reply goes to, through which channel and in whose name. Refuses records without a conversation, and to begin
one. Invariant: everything goes out in the name of one user who answers nobody else, so that what comes back is known to
be ours.
https://developers.hubspot.com/docs/api-reference/conversations-conversations-v3/public-message/post-conversations-v3-conversations-threads-threadId-messages
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from connectors.base import Receipt, WriteBack
from connectors.errors import ConnectorError, Rejected
from connectors.hubspot import names
from connectors.hubspot.answers import receipt
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.names import ObjectType
from connectors.hubspot.portal import Portal
from connectors.hubspot.sending import Aim
from connectors.hubspot.shapes import instant
from connectors.hubspot.thread_shapes import Message, Messages, Threads

NEWEST: Final = 50
"""How many of a conversation's newest messages are looked at."""
SLACK_MS: Final = 60_000
"""How much earlier than wished for a message of ours may be dated, by clocks that differ."""


class Replies:
    """``sender`` is the owner id of the user in whose name messages go out."""

    def __init__(self, api: HubSpotApi, portal: Portal, sender: str | None) -> None:
        self._api = api
        self._portal = portal
        self._sender = sender

    def write(self, of: ObjectType, aims: Sequence[Aim]) -> list[Receipt]:
        """One call or two for each: conversations know no batches."""
        receipts: list[Receipt] = []
        for number, aim in enumerate(aims):
            try:
                receipts.append(self._reply(of, aim))
            except Rejected as refused:
                receipts.append(receipt(aim.order.key, refused))
            except ConnectorError as failed:
                if not number:
                    raise
                return receipts + [receipt(left.order.key, failed) for left in aims[number:]]
        return receipts

    def _reply(self, of: ObjectType, aim: Aim) -> Receipt:
        """Raises one of the five errors."""
        if of is not names.TICKETS:
            raise Rejected("HubSpot has conversations of tickets only", code="NO_CONVERSATION")
        actor = self._actor()
        thread = self._thread(aim.id)
        said = self._said(thread)
        if aim.order.attempts:
            there = next((one for one in said if _is(one, aim.order)), None)
            if there is not None:
                return Receipt(key=aim.order.key, outcome="done", wrote=False, crm_id=there.id)
        body = _body(aim.order.subject or "", actor, said)
        made = self._api.post(Message, self._api.paths.messages(thread), body, write=True)
        return Receipt(key=aim.order.key, outcome="done", crm_id=made.id)

    def _actor(self) -> str:
        owner = next((one for one in self._portal.owners() if one.id == self._sender), None)
        if owner is None or owner.user_id is None or owner.archived:
            raise Rejected("`sender` names no active user: give the owner id of one", code="NO_SENDER")
        return f"A-{owner.user_id}"

    def _thread(self, ticket: str) -> str:
        """The newest conversation of a ticket."""
        found = self._api.get(Threads, self._api.paths.threads(), {"associatedTicketId": ticket, "limit": "100"})
        if not found.results:
            raise Rejected("the ticket has no conversation to reply in", code="NO_CONVERSATION")
        return max(found.results, key=lambda one: (instant(one.latest_message_timestamp) or 0, int(one.id))).id

    def _said(self, thread: str) -> list[Message]:
        """The newest messages, newest first."""
        path = self._api.paths.messages(thread)
        return self._api.get(Messages, path, {"limit": str(NEWEST), "sort": "-createdAt"}).results


def _is(message: Message, order: WriteBack) -> bool:
    """Whether a message is the one that an earlier try may have sent."""
    at = instant(message.created_at) or 0
    return message.direction == "OUTGOING" and message.text == order.subject and at >= (order.since or 0) - SLACK_MS


def _body(text: str, actor: str, said: Sequence[Message]) -> dict[str, Any]:
    """A reply to whoever wrote last, through the channel that they used."""
    last = next((one for one in said if one.direction == "INCOMING"), None)
    if last is None or last.channel_id is None or last.channel_account_id is None:
        raise Rejected("the customer has said nothing in the conversation that could be replied to", code="NO_REPLY")
    recipients = []
    for one in last.senders:
        recipient: dict[str, Any] = {"actorId": one.actor_id, "recipientField": "TO"}
        if one.delivery_identifier is not None:
            recipient["deliveryIdentifiers"] = [one.delivery_identifier]
        recipients.append(recipient)
    return {
        "type": "MESSAGE",
        "text": text,
        "richText": f"<div>{_escaped(text)}</div>",
        "attachments": [],
        "recipients": recipients,
        "senderActorId": actor,
        "channelId": last.channel_id,
        "channelAccountId": last.channel_account_id,
        "subject": last.subject or "",
    }


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
