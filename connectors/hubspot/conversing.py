"""What a message of a conversation means for the records that it belongs to.

Owns the mapping of messages to events: who speaks, and whether the customer sees it. Refuses text, threads and calls.
Invariant: only what an agent says to the customer, by hand and delivered, comes from a person.

Actors are known by the letter before their id; that A is an agent of the team is captured from answers, all others are
told apart only from it. https://developers.hubspot.com/docs/api-reference/conversations-conversations-v3/guide
"""

from __future__ import annotations

from typing import Final

from connectors.base import Normalised
from connectors.hubspot import names
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.shapes import ENVELOPE, Envelope, instant
from connectors.hubspot.sources import APP, BOT, HUBSPOT, OURSELVES
from connectors.hubspot.thread_shapes import SAID, Said
from sla.model import Event

CHANNEL: Final = {"1000": "chat", "1001": "messenger", "1002": "email"}
"""The channels that have the same id everywhere, by the guide."""
_SPOKEN: Final = frozenset({"MESSAGE", "WELCOME_MESSAGE"})
_MACHINES: Final = {"B": BOT, "S": BOT, "L": BOT, "I": APP}


def normalise(mapper: Mapper, payload: bytes) -> Normalised:
    """The events that one message gives, one for each of its watched records."""
    envelope = ENVELOPE.decode(payload)
    event = _event(mapper, SAID.decode(envelope.object), envelope)
    if event is None:
        return Normalised([])
    watched = {one.name: one for one in mapper.types}
    return Normalised(
        [
            Event(
                record=mapper.name(watched[parent], number), at=event.at, id=event.id, event="message",
                actor=event.actor, direction=event.direction, public=event.public, automated=event.automated,
                channel=event.channel,
            )
            for parent, number in envelope.parents
            if parent in watched
        ]
    )  # fmt: skip


def _event(mapper: Mapper, said: Said, envelope: Envelope) -> Event | None:
    at = instant(said.created_at)
    if at is None or (said.type != "COMMENT" and said.type not in _SPOKEN):
        return None  # an assignment, a change of the thread's status
    if said.type == "COMMENT":
        return _message(said, at, "outbound", envelope.owner, public=False)
    if said.direction == "INCOMING":
        return _message(said, at, "inbound", _customer(envelope))
    if said.direction != "OUTGOING" or said.is_under_way or said.status_type == "FAILED":
        return None
    speaker = _speaker(mapper, said, envelope)
    return _message(said, at, "outbound", speaker, automated=speaker == BOT)


def _speaker(mapper: Mapper, said: Said, envelope: Envelope) -> str | None:
    """Who said an outgoing message: an agent only by hand, never a bot, a greeting, or an app in an agent's name."""
    app = said.client.integration_app_id
    if envelope.owner is not None and mapper.speaker(envelope.owner) == OURSELVES:
        return OURSELVES
    if app is not None and str(app) == envelope.app:
        return OURSELVES
    letter = (said.created_by or "").partition("-")[0]
    if said.type == "WELCOME_MESSAGE" or said.client.client_type == "SYSTEM":
        return BOT
    if said.client.client_type == "INTEGRATION":
        return APP
    return envelope.owner if letter == "A" else _MACHINES.get(letter, HUBSPOT)


def _customer(envelope: Envelope) -> str:
    contact = next((number for parent, number in envelope.parents if parent == names.CONTACTS.name), "unknown")
    return f"customer:{contact}"


def _message(
    said: Said, at: int, direction: str, actor: str | None, *, public: bool = True, automated: bool = False
) -> Event:
    return Event(
        record="", at=at, id=f"said:{said.id}", event="message", actor=actor, direction=direction, public=public,
        automated=automated, channel=CHANNEL.get(said.channel_id or ""),
    )  # fmt: skip
