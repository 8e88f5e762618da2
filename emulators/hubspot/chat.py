"""Messages in a conversation, said by every kind of actor that HubSpot knows.

Owns who says what with which words of the vendor. Refuses e-mails that are logged on records: see ``deeds``.
Invariant: what the customer never sees moves none of the ticket's dates.

Actors are known by the letter before their id, as captured answers have it: A agent, V visitor, B bot, S system,
I integration, E an e-mail address, L a language model. https://developers.hubspot.com, conversations guide
"""

from __future__ import annotations

from typing import Any, Final

from emulators.core import Refused
from emulators.hubspot.deeds import CUSTOMER, Deeds
from emulators.hubspot.order_words import Order, keeper_of, owner_of, record_of
from emulators.hubspot.records import Record, Value
from emulators.hubspot.threads import Message, Thread

CLIENTS: Final = {
    "visitor": "HUBSPOT", "agent": "HUBSPOT", "bot": "SYSTEM", "system": "SYSTEM", "integration": "INTEGRATION",
    "llm": "SYSTEM", "email": "HUBSPOT",
}  # fmt: skip
INCOMING: Final = frozenset({"visitor", "email"})
UNSEEN: Final = frozenset({"COMMENT", "ASSIGNMENT", "THREAD_STATUS_CHANGE"})
"""Types that carry no message to the customer."""


def chat(deeds: Deeds, order: Order) -> dict[str, Any]:
    """``id`` of a ticket or a contact; ``actor``: visitor (default), agent, bot, system, integration, llm, email;
    ``type``: MESSAGE (default), WELCOME_MESSAGE, COMMENT, ASSIGNMENT, THREAD_STATUS_CHANGE; ``status``; ``text``."""
    actor, sort = str(order.get("actor", "visitor")), str(order.get("type", "MESSAGE"))
    if actor not in CLIENTS:
        raise Refused(f"unknown actor {actor!r}; known: {', '.join(CLIENTS)}")
    record = record_of(deeds, order)
    thread = _thread(deeds, record)
    direction = None if sort in UNSEEN else "INCOMING" if actor in INCOMING else "OUTGOING"
    number = deeds.portal.threads.take_number()
    message = Message(
        str(number), thread.id, deeds.now_ms, _actor(deeds, order, record, actor, thread), CLIENTS[actor],
        str(order.get("text", "…")), direction, type=sort,
    )  # fmt: skip
    message.status = str(order.get("status", "RECEIVED" if direction == "INCOMING" else "SENT"))
    deeds.portal.threads.say(thread, message)
    if record.kind.name == "tickets" and direction and message.status != "FAILED":
        deeds.writer(None).set_quietly(record, _dates(record, message, agent=actor == "agent"))
    if not deeds.silent:
        deeds.portal.said(message)
    return {"object": record.kind.name, "id": record.id, "thread": thread.id, "message": message.id}


def _thread(deeds: Deeds, record: Record) -> Thread:
    threads = deeds.portal.threads
    if record.kind.name == "contacts":
        found = threads.of_contact(record.id)
        return found or threads.open(deeds.now_ms, contact_id=record.id, ticket_id=None, subject="")
    if record.kind.name != "tickets":
        raise Refused("conversations belong to tickets and contacts")
    found = threads.of_ticket(record.id)
    if found is not None:
        return found
    contacts = deeds.portal.linked(record, "contacts")
    contact_id = contacts[0].id if contacts else None
    thread = threads.open(deeds.now_ms, contact_id=contact_id, ticket_id=record.id, subject=record.text("subject"))
    deeds.writer(None, CUSTOMER).set_quietly(record, {"hs_conversations_originating_thread_id": thread.id})
    return thread


def _actor(deeds: Deeds, order: Order, record: Record, word: str, thread: Thread) -> str:
    if word == "agent":
        return f"A-{(owner_of(deeds, order) or keeper_of(deeds, record)).user_id}"
    letter = {"visitor": "V", "email": "E", "bot": "B", "system": "S", "integration": "I", "llm": "L"}[word]
    return f"{letter}-{thread.contact_id or 0}" if word in INCOMING else f"{letter}-1"


def _dates(record: Record, message: Message, *, agent: bool) -> dict[str, Value]:
    if message.direction == "INCOMING":
        return {"hs_last_message_received_at": message.at_ms, "hs_last_message_from_visitor": "true"}
    dates: dict[str, Value] = {"hs_last_message_sent_at": message.at_ms, "hs_last_message_from_visitor": "false"}
    if agent and record.instant("hs_first_agent_message_sent_at") is None:
        dates["hs_first_agent_message_sent_at"] = message.at_ms
    return dates
