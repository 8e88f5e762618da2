"""What HubSpot's error codes mean: one table for calls, rows of batches and the values in them.

Owns what follows from a code: a category, a quota policy, the code of a property's value, or a status that says it all.
Refuses bodies and headers: see ``answers``. Invariant: a code that is not here is judged by its status, and a refusal
of values that nobody knows costs its own record alone.
https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from connectors.errors import AuthFailed, Conflict, ConnectorError, RateLimited, Rejected, RetryLater

Verdict = Literal["retry", "quota", "stop", "conflict", "reject"]
"""``stop`` is for the connection, ``reject`` for the record; ``quota`` waits for what the policy says."""


class Rule(NamedTuple):
    """``after`` is the least wait in seconds, ``untold`` the wait where HubSpot does not say; ``lost`` marks a failure
    after which a write may have taken effect."""

    verdict: Verdict
    reason: str
    fix: str | None = None
    after: float | None = None
    untold: float | None = None
    lost: bool = False


_LOGIN = "put the new one into `access_token`; for OAuth, install the app again"
_RULE = "exempt the integration, or loosen the rule: Settings > Properties > the property > Rules"

RULES: Final[Mapping[str, Rule]] = {
    # the connection as a whole
    "INVALID_AUTHENTICATION": Rule(
        "stop", "HubSpot refused the access token: it was revoked or replaced", _LOGIN),
    "EXPIRED_AUTHENTICATION": Rule(
        "stop", "HubSpot refused the access token: it was revoked or replaced", _LOGIN),
    "MISSING_SCOPES": Rule("stop", "the access token lacks a scope",
                           "add it to the service key or app, and install an app again"),
    "FORBIDDEN": Rule("stop", "HubSpot forbids this call to the access token's app"),
    # quota
    "SECONDLY": Rule("quota", "HubSpot's secondly quota is used up", after=1.0),
    "TEN_SECONDLY_ROLLING": Rule("quota", "HubSpot's ten_secondly_rolling quota is used up", after=10.0),
    "DAILY": Rule("quota", "HubSpot's daily quota is used up", "raise the limit, or let other apps call less"),
    "RATE_LIMITS": Rule("quota", "HubSpot's call quota is used up", after=10.0),
    # passing faults
    "LOCKED": Rule("retry", "the object is locked", after=5.0),
    "MIGRATION_IN_PROGRESS": Rule("retry", "HubSpot is migrating this portal", untold=60.0),
    "INTERNAL_ERROR": Rule("retry", "HubSpot failed inside", lost=True),
    "SERVICE_UNAVAILABLE": Rule("retry", "HubSpot is unavailable", lost=True),
    "TIMEOUT": Rule("retry", "HubSpot took too long", lost=True),
    # the record has moved on
    "CONFLICT": Rule("conflict", "another object or change stands against it"),
    "OBJECT_ALREADY_EXISTS": Rule("conflict", "there is one already"),
    # never as it is
    "OBJECT_NOT_FOUND": Rule("reject", "there is no such object or path in this portal"),
    "VALIDATION_ERROR": Rule("reject", "HubSpot refused the request"),
    "PROPERTY_DOESNT_EXIST": Rule(
        "reject", "the property does not exist: create it or mend the configuration", "sla-sidecar provision"),
    "INVALID_OPTION": Rule("reject", "a property does not have this option",
                           "add it: Settings > Properties, or map another value"),
    "READ_ONLY_VALUE": Rule("reject", "a property is HubSpot's own: it is not written", "map a property of your own"),
    "INVALID_OWNER_ID": Rule("reject", "the new owner does not exist or is deactivated", "take them out of the pool"),
    "INACTIVE_OWNER": Rule("reject", "the new owner is deactivated", "take them out of the pool"),
    "INVALID_INTEGER": Rule("reject", "a value is no whole number"),
    "INVALID_LONG": Rule("reject", "a value is no number or instant", "map a property of the type datetime or number"),
    "INVALID_DATE": Rule("reject", "a property takes a day and no instant", "map a property of the type datetime"),
    "INVALID_BOOLEAN": Rule("reject", "a value is neither true nor false", "map a property of the right type"),
    "CONFLICTING_UNIQUE_VALUE": Rule("reject", "another record holds this unique value"),
    "VALIDATION_RULE_VIOLATION": Rule("reject", "a validation rule of the portal refuses it", _RULE),
    "MISSING_REQUIRED_PROPERTY": Rule("reject", "the portal requires a property that is empty", _RULE),
}  # fmt: skip
"""Code -> what follows. Categories and policies are documented; PROPERTY_DOESNT_EXIST and INVALID_OPTION captured, as
CONFLICTING_UNIQUE_VALUE and the numbers; INVALID_OWNER_ID and the two of an administrator's rules are assumed, and
whatever else HubSpot calls them, a refusal of values is VALIDATION_ERROR. INACTIVE_OWNER is our own: it is not sent."""

BY_STATUS: Final[Mapping[int, str]] = {
    401: "INVALID_AUTHENTICATION",
    403: "FORBIDDEN",
    404: "OBJECT_NOT_FOUND",
    409: "CONFLICT",
    423: "LOCKED",
    429: "RATE_LIMITS",
    477: "MIGRATION_IN_PROGRESS",
}
"""What a status means without a category. 400 and 422 are about values; the others are the same for every vendor."""


FORBIDDEN: Final = frozenset({"MISSING_SCOPES", "FORBIDDEN"})
"""Codes of a 403: the token is good, and not for this call."""


def error_of(
    code: str, *, reason: str | None = None, after: float | None = None, write: bool = False
) -> ConnectorError:
    """The error that follows from a known code. ``after`` is what the vendor asked for: the longer wait counts."""
    rule = RULES[code]
    told = reason or rule.reason
    wait = max((rule.untold or 0.0) if after is None else after, rule.after or 0.0)
    found: ConnectorError
    if rule.verdict == "stop":
        found = AuthFailed(told, code=code)
        found.narrow = code in FORBIDDEN
    elif rule.verdict == "quota":
        found = RateLimited(told, code=code, after=wait)
    elif rule.verdict == "retry":
        found = RetryLater(told, code=code, after=wait or None, unknown=write and rule.lost)
    elif rule.verdict == "conflict":
        found = Conflict(told, code=code)
    else:
        found = Rejected(told, code=code)
    found.fix = rule.fix
    return found
