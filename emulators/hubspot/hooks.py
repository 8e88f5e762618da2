"""Webhooks: what an installed app is told of, in signed batches.

Owns the bodies of events, their batches and signature v3. Refuses to send: the core's sender does.
Invariant: every attempt of a batch is signed anew, with the time and the attempt number of that attempt.
Bodies are captured from published deliveries.
https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from emulators.hubspot.portal import Happening
from emulators.hubspot.threads import Message
from emulators.webhooks import Delivery, WebhookSettings

BATCH_MAX: Final = 100
WAITS_S: Final = (60, 300, 900, 1800, 3600, 7200, 10_800, 14_400, 18_000, 21_600)
"""Up to ten repetitions over about a day: developers.hubspot.com/docs/api-reference/webhooks, "Retries"."""
LEGACY: Final = frozenset({"contacts", "companies", "deals", "tickets"})
"""Types with subscriptions of their own name (``ticket.creation``); the others are told of as ``object.creation``."""
_UNTOLD: Final = frozenset({"hs_lastmodifieddate", "lastmodifieddate"})
_DECODED: Final = re.compile("%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
"""The escapes that are undone before signing: developers.hubspot.com/docs/apps/…/request-validation."""


def signature_v3(secret: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    """Base64 of HMAC-SHA256 over method, decoded URL, body and timestamp."""
    decoded = _DECODED.sub(lambda escape: unquote(escape.group()), url.partition("#")[0])
    source = method.encode() + decoded.encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), source, hashlib.sha256).digest()).decode()


class Hooks:
    """The queue of one app. It holds nothing while there is nowhere to send."""

    def __init__(
        self, seed: int, portal_id: int, app_id: int, secret: str, now_ms: Callable[[], int], settings: WebhookSettings
    ) -> None:
        self._dice = random.Random(f"hooks {seed}")
        self._portal_id = portal_id
        self._app_id = app_id
        self._secret = secret
        self._now_ms = now_ms
        self._settings = settings
        self._queue: deque[dict[str, Any]] = deque()
        self._subscriptions: dict[tuple[str, ...], int] = {}

    def happened(self, happening: Happening) -> None:
        """Queues what subscribers of this change are told."""
        record, details = happening.record, happening.details
        if details.get("propertyName") in _UNTOLD:
            return
        legacy = record.kind.name in LEGACY
        event = self._event(
            f"{record.kind.singular if legacy else 'object'}.{happening.event}",
            (record.kind.name, str(details.get("propertyName", ""))),
            happening.at_ms,
        )
        event |= {"objectId": record.number, "changeSource": happening.author.source}
        if happening.author.source_id:
            event["sourceId"] = happening.author.source_id
        if not legacy:
            event["objectTypeId"] = record.kind.type_id
        if happening.event in _FLAGS:
            event["changeFlag"] = _FLAGS[happening.event]
        self._queue.append(event | details)

    def message(self, message: Message) -> None:
        event = self._event("conversation.newMessage", ("conversation",), message.at_ms)
        event |= {"objectId": int(message.thread_id), "changeSource": "CONVERSATIONS", "changeFlag": "NEW_MESSAGE"}
        self._queue.append(event | {"messageId": message.id, "messageType": "MESSAGE"})

    def _event(self, subscription: str, about: tuple[str, ...], at_ms: int) -> dict[str, Any]:
        known = self._subscriptions
        number = known.setdefault((subscription, *about), 3_000_000 + len(known))
        return {
            "eventId": self._dice.randrange(1, 2**32),
            "subscriptionId": number,
            "portalId": self._portal_id,
            "appId": self._app_id,
            "occurredAt": at_ms,
            "subscriptionType": subscription,
            "attemptNumber": 0,
        }

    def deliveries(self, url: str | None, *, small: bool = False) -> list[Delivery]:
        """Everything queued, in batches of at most a hundred; ``small``: of a few, so that order can be mixed."""
        events = list(self._queue)
        self._queue.clear()
        batches: list[Delivery] = []
        while url and events:
            size = self._dice.randrange(1, 4) if small else BATCH_MAX
            batches.append(self._delivery(url, events[:size]))
            del events[:size]
        return batches

    def _delivery(self, url: str, events: list[dict[str, Any]]) -> Delivery:
        attempts = 0

        def render() -> tuple[Mapping[str, str], bytes]:
            nonlocal attempts
            body = json.dumps([event | {"attemptNumber": attempts} for event in events], separators=(",", ":")).encode()
            attempts += 1
            return self._headers(url, body), body

        return Delivery("POST", url, {}, b"", render=render, waits=WAITS_S)

    def _headers(self, url: str, body: bytes) -> dict[str, str]:
        timestamp = str(self._now_ms() + int(self._settings.skew_s * 1000))
        secret = "somebody else's" if self._settings.forged else self._secret
        return {
            "Content-Type": "application/json",
            "User-Agent": "HubSpot Webhooks",
            "X-HubSpot-Signature": hashlib.sha256(secret.encode() + body).hexdigest(),
            "X-HubSpot-Signature-Version": "v1",
            "X-HubSpot-Signature-v3": signature_v3(secret, "POST", url, body, timestamp),
            "X-HubSpot-Request-Timestamp": timestamp,
        }


_FLAGS: Final = {"creation": "NEW", "deletion": "DELETED", "restore": "RESTORED"}
