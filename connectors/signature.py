"""Webhook signature schemes: bytes and headers in, nothing or a refusal out.

Owns the arithmetic of HubSpot's request signatures of version 3. Refuses versions 1 and 2, which carry no time and can
be replayed for ever, and I/O and the clock: now is an argument. Invariant: fails closed; a wrong, missing, doubled,
stale, future or undecodable signature raises ``Rejected`` and nothing else.
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from connectors.errors import Rejected
from connectors.secret import Secret

WINDOW_MS = 5 * 60 * 1000
"""HubSpot: "reject the request if the timestamp is older than 5 minutes"; a future one is as wrong."""

_ESCAPES = {
    "3A": ":", "2F": "/", "3F": "?", "40": "@", "21": "!", "24": "$",
    "27": "'", "28": "(", "29": ")", "2A": "*", "2C": ",", "3B": ";",
}  # fmt: skip
_ESCAPE = re.compile("%(" + "|".join(_ESCAPES) + ")", re.IGNORECASE)
_MILLISECONDS = re.compile(r"\d{1,15}", re.ASCII)


def decode_uri(uri: str) -> str:
    """``uri`` as HubSpot signs it: twelve escapes decoded in one pass, all others kept, no fragment."""
    return _ESCAPE.sub(lambda found: _ESCAPES[found[1].upper()], uri.split("#", 1)[0])


def sign_v3(secret: bytes, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """Base64 of HMAC-SHA256 over method + decoded URI + body + timestamp."""
    message = method.encode() + _bytes(decode_uri(uri)) + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret, message, hashlib.sha256).digest()).decode()


def verify_hubspot(
    headers: Mapping[str, str], method: str, uri: str, body: bytes, secrets: Sequence[Secret], now: int
) -> None:
    """Raises Rejected unless the request's signature is right under one of ``secrets``.

    ``headers`` have lower-case names, ``uri`` is the full public URL as HubSpot called it, ``now`` is epoch ms.
    Several secrets serve a rotation.
    """
    keys = [secret.reveal().encode() for secret in secrets if secret]
    if not keys:
        raise Rejected("no webhook secret is configured", code="NO_SECRET")
    given = headers.get("x-hubspot-signature-v3")
    if given is None:
        raise Rejected("the request carries no signature of version 3", code="NO_SIGNATURE")
    timestamp = _fresh(headers.get("x-hubspot-request-timestamp"), now)
    _compare(given, [sign_v3(key, method, uri, body, timestamp) for key in keys])


def _fresh(timestamp: str | None, now: int) -> str:
    if timestamp is None or not _MILLISECONDS.fullmatch(timestamp):
        raise Rejected("the request carries no usable timestamp", code="NO_TIMESTAMP")
    if abs(now - int(timestamp)) > WINDOW_MS:
        raise Rejected("the request's timestamp is more than five minutes away from now", code="STALE")
    return timestamp


def _compare(given: str, expected: Sequence[str]) -> None:
    """Compares with every candidate in constant time, so that neither the secret's place nor its bytes show."""
    right = 0
    for candidate in expected:
        right |= hmac.compare_digest(_bytes(given), candidate.encode())
    if not right:
        raise Rejected("the request's signature is wrong", code="BAD_SIGNATURE")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
