"""Endpoints of conversations: threads and their messages.

Owns filters and pages, and what an app may say. Refuses to begin a conversation. Invariant: pages follow the order
asked for; what an app says is one effect, whatever the CRM logs beside it.
"""

from __future__ import annotations

from typing import Any

from emulators.http import Response
from emulators.hubspot.api import Call, done
from emulators.hubspot.deeds import Deeds
from emulators.hubspot.errors import HubSpotError, bad_input, not_found
from emulators.hubspot.values import parse_instant


def list_threads(call: Call) -> Response:
    call.auth.require("conversations.read")
    after_ms = parse_instant(call.one("latestMessageTimestampAfter") or "0") or 0
    wanted = {
        "ticket_id": call.one("associatedTicketId"),
        "contact_id": call.one("associatedContactId"),
        "status": call.one("threadStatus"),
    }
    found = [
        one
        for one in call.portal.threads.all.values()
        if all(value is None or getattr(one, name) == value for name, value in wanted.items())
        and (one.latest() or 0) >= after_ms
        and int(one.id) >= call.offset()
    ]
    limit = call.number("limit", 100, 500)
    body: dict[str, Any] = {"results": [one.body() for one in found[:limit]]}
    if len(found) > limit:
        body["paging"] = {"next": {"after": found[limit].id}}
    return done(body)


def read_thread(call: Call, id: str) -> Response:
    call.auth.require("conversations.read")
    found = call.portal.threads.all.get(id)
    if found is None:
        raise not_found(f"Thread {id} does not exist")
    return done(found.body())


def list_messages(call: Call, id: str) -> Response:
    """Newest first, as the vendor's default is; ``sort=createdAt`` turns it round."""
    call.auth.require("conversations.read")
    thread = call.portal.threads.all.get(id)
    if thread is None:
        raise not_found(f"Thread {id} does not exist")
    messages = sorted(thread.messages, key=lambda one: one.at_ms, reverse=call.one("sort") != "createdAt")
    start, limit = call.offset(), call.number("limit", 100, 500)
    body: dict[str, Any] = {"results": [one.body() for one in messages[start : start + limit]]}
    if start + limit < len(messages):
        body["paging"] = {"next": {"after": str(start + limit)}}
    return done(body)


REQUIRED = ("text", "attachments", "recipients", "senderActorId", "channelId", "channelAccountId")
"""What a MESSAGE must carry (schema PublicMessageRequest)."""


def send_message(call: Call, id: str) -> Response:
    """A reply in the name of one of the team; it is logged as their e-mail on the ticket, as the inbox does."""
    call.auth.require("conversations.write")
    thread = call.portal.threads.all.get(id)
    if thread is None:
        raise not_found(f"Thread {id} does not exist")
    body = call.json()
    missing = [name for name in REQUIRED if name not in body]
    if missing:
        raise bad_input(f"Some required fields were not set: [{', '.join(missing)}]")
    if not body["recipients"]:
        raise HubSpotError(400, "A message needs at least one recipient")
    actor = str(body["senderActorId"])
    owner = next((one for one in call.portal.owners.people() if f"A-{one.user_id}" == actor), None)
    if owner is None:
        raise HubSpotError(400, f"{actor} is no agent of this account")
    ticket = call.portal.find(call.portal.kind("tickets"), thread.ticket_id or "")
    if ticket is None:
        raise HubSpotError(400, "This thread does not accept messages")
    _, message = Deeds(call.portal).say(ticket, str(body["text"]), owner)
    assert message is not None  # noqa: S101 - a ticket's e-mail always goes on in its conversation
    message.client, message.app_id = "INTEGRATION", call.portal.app_id
    said = {"text": message.text, "thread": thread.id, "ticket": ticket.id, "sender": actor}
    call.portal.log(call.author, "messages", message.id, fields=said)
    return done(message.body(), 201)
