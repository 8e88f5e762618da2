"""HubSpot's webhooks: verified, taken apart, and never believed further than "look at this record again".

Owns the verification of a request and the meaning of its events. Refuses I/O; now is an argument. Invariant: nothing
of a body is read before its signature is right.
https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from connectors.base import Hint, Normalised, WebhookRequest
from connectors.errors import Rejected
from connectors.hubspot import names
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.names import ObjectType
from connectors.hubspot.shapes import WEBHOOK_EVENT, WebhookEvent
from connectors.signature import sign_v3, verify_hubspot
from sla.model import Event

STREAM: Final = "webhook"
MAX_BYTES: Final = 1_000_000
MAX_EVENTS: Final = 1000
"""HubSpot sends up to 100 events at once."""

PROBE: Final = "sla-sidecar.probe"
"""The subscription type of our own probes: HubSpot has none of that name, and an event of it tells nothing."""

_SUBJECT: Final = {"contact": names.CONTACTS, "ticket": names.TICKETS}
_ANSWER: Final = ("text/plain; charset=utf-8", b"")


def verify(mapper: Mapper, request: WebhookRequest, now: int) -> list[Hint]:
    """The hints of a genuine request. Raises Rejected for any other."""
    if len(request.body) > MAX_BYTES:
        raise Rejected("the request is larger than a webhook ever is", code="TOO_LARGE")
    settings = mapper.settings
    secrets = [one for one in (settings.webhook_secret, settings.webhook_previous_secret) if one]
    verify_hubspot(request.headers, request.method, request.url, request.body, secrets, now)
    try:
        parts = msgspec.json.decode(request.body, type=list[msgspec.Raw])
        events = [(bytes(part), WEBHOOK_EVENT.decode(part)) for part in parts]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Rejected("the request's body is not a list of events", code="MALFORMED") from None
    if len(events) > MAX_EVENTS:
        raise Rejected("the request carries more events than a webhook ever does", code="TOO_MANY")
    return [Hint(key(event), _record(mapper, event), part) for part, event in events if _is_ours(mapper, event)]


def _is_ours(mapper: Mapper, event: WebhookEvent) -> bool:
    """An app has one address for all accounts that it is installed in, and a refusal would bring the whole request back
    for a day: what is another portal's is passed over. So is our own probe."""
    ours = mapper.settings.portal_id
    return event.subscription_type != PROBE and (ours is None or event.portal_id == ours)


def probe(mapper: Mapper, public_url: str, now: int) -> WebhookRequest | None:
    """A signed request of one event that tells nothing; None without a secret."""
    settings = mapper.settings
    if settings.webhook_secret is None:
        return None
    event = {"subscriptionType": PROBE, "portalId": settings.portal_id or 0, "occurredAt": now}
    body, url, at = msgspec.json.encode([event]), f"{public_url}/webhooks/{mapper.connection}", str(now)
    signature = sign_v3(settings.webhook_secret.reveal().encode(), "POST", url, body, at)
    headers = {
        "content-type": "application/json",
        "x-hubspot-signature-v3": signature,
        "x-hubspot-request-timestamp": at,
    }
    return WebhookRequest("POST", url, headers, body)


def acknowledgement() -> tuple[str, bytes]:
    """Content type and body of the answer: HubSpot looks at the status alone."""
    return _ANSWER


def key(event: WebhookEvent) -> str:
    """What makes an event the same as another. HubSpot's ``eventId`` is not unique and its repeats differ in
    ``attemptNumber``, so neither belongs to it."""
    parts = (
        event.portal_id, event.subscription_id, event.subscription_type, event.object_type_id, event.object_id,
        event.primary_object_id, event.new_object_id, event.occurred_at, event.property_name, event.property_value,
    )  # fmt: skip
    return f"webhook:{hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:40]}"


def _type(mapper: Mapper, event: WebhookEvent) -> ObjectType | None:
    subject = event.subscription_type.partition(".")[0]
    found = names.BY_TYPE_ID.get(event.object_type_id or "") if subject == "object" else _SUBJECT.get(subject)
    return found if found in mapper.types else None


def _record(mapper: Mapper, event: WebhookEvent) -> str | None:
    """The record to read again; None when it is not watched, or when only our own fields changed."""
    of = _type(mapper, event)
    number = event.new_object_id or event.primary_object_id or event.object_id
    if of is None or number is None or event.property_name in mapper.write[of.name].values():
        return None
    return mapper.name(of, str(number))


def normalise(mapper: Mapper, payload: bytes) -> Normalised:
    """The few events that a webhook tells better than the record: a deletion, a restoration, a merge, at their time."""
    event = WEBHOOK_EVENT.decode(payload)
    of, at = _type(mapper, event), event.occurred_at
    if of is None or at is None:
        return Normalised([])
    word = event.subscription_type.rpartition(".")[2]
    if word == "merge":
        return Normalised(_merged(mapper, of, event, at))
    told = {"deletion": "deleted", "privacyDeletion": "deleted", "restore": "restored"}.get(word)
    if told is None or event.object_id is None:
        return Normalised([])
    return Normalised(
        [Event(record=mapper.name(of, str(event.object_id)), at=at, id=f"{told}:{at}", event=told, kind=of.kind)]
    )


def _merged(mapper: Mapper, of: ObjectType, event: WebhookEvent, at: int) -> list[Event]:
    winner = event.new_object_id or event.primary_object_id or event.object_id
    if winner is None:
        return []
    into = mapper.name(of, str(winner))
    losers = {str(one): None for one in (event.primary_object_id, *event.merged_object_ids) if one is not None}
    losers.pop(str(winner), None)
    return [
        Event(record=mapper.name(of, loser), at=at, id=f"merged:{winner}", event="merged", into=into)
        for loser in losers
    ]
