"""Endpoints of conversations: threads and their messages.

Owns filters and pages, and what an app may say. Refuses to begin a conversation. Invariant: pages follow the order
asked for; what an app says is one effect, whatever the CRM logs beside it.
https://developers.hubspot.com/docs/api-reference/conversations-conversations-v3/guide
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from emulators.http import Response
from emulators.hubspot.api import Call, done
from emulators.hubspot.deeds import Deeds
from emulators.hubspot.errors import HubSpotError, bad_input, not_found
from emulators.hubspot.threads import Thread
from emulators.hubspot.values import parse_instant


def list_threads(call: Call) -> Response:
    """Sorted by id, or by the latest message, which needs its bound; the ticket is shown with ``association=TICKET``
    (developers.hubspot.com, conversations guide, "Filter and sort results")."""
    call.auth.require("conversations.read")
    sort, bound = call.one("sort") or "id", call.one("latestMessageTimestampAfter")
    if sort not in ("id", "latestMessageTimestamp"):
        raise HubSpotError(400, f"Cannot sort threads by {sort}")
    if sort == "latestMessageTimestamp" and bound is None:
        raise bad_input("latestMessageTimestampAfter is required to sort by latestMessageTimestamp")
    found = sorted(_wanted(call, parse_instant(bound or "0") or 0), key=_by_latest if sort != "id" else _by_id)
    start, limit = _start(call, found), call.number("limit", 100, 500)
    tied = "TICKET" in call.many("association")
    body: dict[str, Any] = {"results": [one.body(tied=tied) for one in found[start : start + limit]]}
    if start + limit < len(found):
        body["paging"] = {"next": {"after": _token(found[start + limit - 1])}}
    return done(body)


def _wanted(call: Call, after_ms: int) -> list[Thread]:
    wanted = {
        "ticket_id": call.one("associatedTicketId"),
        "contact_id": call.one("associatedContactId"),
        "status": call.one("threadStatus"),
    }
    return [
        one
        for one in call.portal.threads.all.values()
        if all(value is None or getattr(one, name) == value for name, value in wanted.items())
        and (one.latest() or 0) >= after_ms
    ]


def _by_id(thread: Thread) -> tuple[int, int]:
    return 0, int(thread.id)


def _by_latest(thread: Thread) -> tuple[int, int]:
    return thread.latest() or 0, int(thread.id)


def _token(thread: Thread) -> str:
    """An opaque token, as the vendor's is: what it holds is nobody's business."""
    return b64encode(f"thread:{thread.id}".encode()).decode()


def _start(call: Call, found: list[Thread]) -> int:
    """Where the page behind a token begins. Raises HubSpotError for a token that is unknown by now: its refusal with
    400 is assumed."""
    token = call.one("after")
    if token is None:
        return 0
    place = next((at for at, one in enumerate(found) if _token(one) == token), None)
    if place is None:
        raise HubSpotError(400, "Invalid paging token")
    return place + 1


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
