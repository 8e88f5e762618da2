"""Endpoints of conversations: threads and their messages.

Owns filters and pages. Refuses to write: people write, through ``act``. Invariant: pages follow the order asked for.
"""

from __future__ import annotations

from typing import Any

from emulators.http import Response
from emulators.hubspot.api import Call, done
from emulators.hubspot.errors import not_found
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
