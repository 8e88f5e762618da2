"""What e-mails, calls and meetings mean for the records they are logged on.

Owns the mapping of engagements to messages and activities. Refuses subjects, bodies and addresses: they are not even
asked for. Invariant: an engagement that is not final yet (ringing, scheduled, sending) gives no event.
https://developers.hubspot.com/docs/api-reference/crm-emails-v3/guide and the pages of calls and meetings beside it
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.base import Normalised
from connectors.hubspot import names
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.names import ObjectType
from connectors.hubspot.shapes import ENVELOPE, ROW, Envelope, instant
from connectors.hubspot.sources import is_automation
from sla.model import Event

DISPOSITION: Final = {
    "f240bbac-87c9-4f6e-bf70-924b57d47db7": "connected",
    "a4c4c377-d246-4b32-a13b-75a56a4cd0ff": "left_live_message",
    "b2cf5968-551e-4856-9783-52b3da59a7d0": "left_voicemail",
    "73a0d17f-1163-4015-bdd5-ec830791da20": "no_answer",
    "9d9162e7-6cf3-4944-bf63-4dff82258764": "busy",
    "17b47fee-58de-441e-a44c-c6300d46f273": "wrong_number",
}
"""The call outcomes that every portal has, with the same ids; a portal's own outcomes count by the call's status."""

_CALL_STATUS: Final = {
    "COMPLETED": "completed", "BUSY": "busy", "NO_ANSWER": "no_answer", "FAILED": "failed", "CANCELED": "canceled",
    "MISSED": "missed",
}  # fmt: skip
_RINGING: Final = frozenset({"QUEUED", "RINGING", "CONNECTING", "CALLING_CRM_USER", "IN_PROGRESS"})
_NOT_SENT: Final = frozenset({"SCHEDULED", "SENDING", "FAILED", "BOUNCED"})
_CONVERSATION: Final = frozenset({"CONVERSATIONS", "HELP_DESK", "HELP_DESK_AI", "CUSTOMER_AGENT"})
"""What logs an e-mail that was said in a conversation. The words are those of HubSpot's SDKs; that the inbox and the
help desk leave them on their e-mails is assumed."""
_MEETING: Final = {"COMPLETED": "completed", "NO_SHOW": "no_show", "CANCELED": "canceled", "RESCHEDULED": "rescheduled"}


def normalise(mapper: Mapper, of: ObjectType, payload: bytes) -> Normalised:
    """The events that one engagement gives, one for each of its records."""
    envelope = ENVELOPE.decode(payload)
    row = ROW.decode(envelope.object)
    event = None if row.archived else _event(mapper, of, row.id, row.properties, envelope)
    if event is None:
        return Normalised([])
    watched = {one.name: one for one in mapper.types}
    return Normalised(
        [
            Event(
                record=mapper.name(watched[parent], number), at=event.at, id=event.id, event=event.event,
                actor=event.actor, direction=event.direction, automated=event.automated, channel=event.channel,
                activity=event.activity, outcome=event.outcome,
            )
            for parent, number in envelope.parents
            if parent in watched
        ]
    )  # fmt: skip


def _event(
    mapper: Mapper, of: ObjectType, id: str, values: Mapping[str, str | None], envelope: Envelope
) -> Event | None:
    at = instant(values.get("hs_timestamp"))
    if at is None:
        return None
    if of is names.EMAILS:
        return _email(mapper, id, at, values, envelope)
    return _call(id, at, values, envelope) if of is names.CALLS else _meeting(id, at, values, envelope)


def _email(mapper: Mapper, id: str, at: int, values: Mapping[str, str | None], envelope: Envelope) -> Event | None:
    direction = values.get("hs_email_direction")
    if (values.get("hs_email_status") or "") in _NOT_SENT:
        return None
    if mapper.converses and {values.get(names.ENGAGEMENT_SOURCE), values.get(names.SOURCE)} & _CONVERSATION:
        return None  # the conversation tells it itself
    machine = is_automation(values.get(names.SOURCE)) or bool(values.get("hs_sequence_id"))
    if direction == "INCOMING_EMAIL":
        return _spoken(f"email:{id}", at, "inbound", _customer(envelope), automated=False, channel="email")
    if direction == "EMAIL":
        speaker = mapper.speaker(envelope.owner)
        return _spoken(f"email:{id}", at, "outbound", speaker, automated=machine, channel="email")
    return None  # forwarded by hand: nobody can tell from whom to whom


def _call(id: str, at: int, values: Mapping[str, str | None], envelope: Envelope) -> Event | None:
    status = values.get("hs_call_status") or ""
    if status in _RINGING:
        return None
    outcome = DISPOSITION.get((values.get("hs_call_disposition") or "").lower()) or _CALL_STATUS.get(status)
    if values.get("hs_call_direction") == "INBOUND" and outcome in {"missed", "no_answer", "busy"}:
        return _spoken(f"call:{id}", at, "inbound", _customer(envelope), automated=False, channel="phone")
    # The outcome is often added later: with it in the id, the late word still counts.
    name = f"call:{id}:{outcome}" if outcome else f"call:{id}"
    return _active(name, at, "call", outcome, envelope, values)


def _meeting(id: str, at: int, values: Mapping[str, str | None], envelope: Envelope) -> Event | None:
    start = instant(values.get("hs_meeting_start_time")) or at
    told = values.get("hs_meeting_outcome") or ""
    touched = instant(values.get(names.MEETINGS.modified)) or 0
    if told not in _MEETING and (told or start > touched):  # still to come, as far as anybody has said
        return None
    outcome = _MEETING.get(told)
    name = f"meeting:{id}:{outcome}" if outcome else f"meeting:{id}"
    return _active(name, start, "meeting", outcome, envelope, values)


def _customer(envelope: Envelope) -> str:
    contact = next((number for parent, number in envelope.parents if parent == names.CONTACTS.name), "unknown")
    return f"customer:{contact}"


def _spoken(id: str, at: int, direction: str, actor: str | None, *, automated: bool, channel: str) -> Event:
    return Event(
        record="", at=at, id=id, event="message", actor=actor, direction=direction, automated=automated,
        channel=channel,
    )  # fmt: skip


def _active(
    id: str, at: int, activity: str, outcome: str | None, envelope: Envelope, values: Mapping[str, str | None]
) -> Event:
    return Event(
        record="", at=at, id=id, event="activity", actor=envelope.owner, activity=activity, outcome=outcome,
        automated=is_automation(values.get(names.SOURCE)),
    )  # fmt: skip
