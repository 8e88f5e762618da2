"""What HubSpot's refusals mean: status, category and policy name -> one of the five errors.

Owns the reading of error bodies. Refuses codes (see ``faults``), the network and the clock: the server's time is an
argument. Invariant: a reason names properties, codes and scopes, never a value of a record, for HubSpot's own messages
quote values.
https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from connectors.base import Receipt
from connectors.errors import AuthFailed, Conflict, ConnectorError, Rejected, RetryLater
from connectors.http import classify, retry_after
from connectors.hubspot.faults import BY_STATUS, RULES, error_of
from connectors.hubspot.shapes import Failed, Refusal

UNKNOWN_DAY_WAIT_S: Final = 3600.0
"""After a DAILY refusal when the portal's time zone is not known yet."""

TOKEN_REFUSED: Final = frozenset({"401", "INVALID_AUTHENTICATION", "EXPIRED_AUTHENTICATION"})
"""The codes of a 401: another token may be accepted."""

_MISSING_PROPERTY: Final = re.compile(r'[Pp]roperty \\?"([A-Za-z0-9_]{1,100})\\?" does not exist')
_NAMED: Final = re.compile(r'\\?"name\\?":\s*\\?"([a-z0-9_]{1,100})\\?"')
_EXISTING: Final = re.compile(r"Existing ID:\s*(\d{1,20})")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{2,60}")
_WORD: Final = re.compile(r"[A-Za-z0-9_.\-]{1,100}")


class MissingProperty(Rejected):
    """The portal lacks properties that the request names: ``names``."""

    def __init__(self, reason: str, names: list[str]) -> None:
        super().__init__(reason, code="PROPERTY_DOESNT_EXIST")
        self.names = names


def read_refusal(body: bytes) -> Refusal:
    """The error body, or an empty one when it is HTML, cut off or of another shape."""
    try:
        return msgspec.json.decode(body, type=Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Refusal()


def understand(
    status: int, body: bytes, headers: Mapping[str, str], *, now: int, zone: str | None = None, write: bool = False
) -> ConnectorError:
    """The error of an answer that is not a success. ``now`` is the server's time in epoch ms, ``zone`` the portal's
    IANA time zone, ``write`` whether the request may have changed something."""
    refusal = read_refusal(body)
    if status in (400, 422):
        return _invalid(refusal)
    after = retry_after(headers)
    if status == 429:
        return _limited(refusal, after, now, zone)
    usual = BY_STATUS.get(status)
    if usual is None:
        return classify(status, body, headers, write=write)
    # Another category than the status's own is believed only where the same follows from it.
    named = refusal.category
    believed = named in RULES and RULES[named].verdict == RULES[usual].verdict
    found = error_of(named if believed else usual, reason=_reason(refusal), after=after, write=write)
    if not believed and usual not in _ALWAYS:
        found.code = str(status)
    return found


_ALWAYS: Final = frozenset({"LOCKED", "MIGRATION_IN_PROGRESS"})
"""What a status means whatever the body says; elsewhere the status itself is the code when HubSpot says no other."""

_DEAD_TOKEN: Final = frozenset({"invalid_grant", "BAD_REFRESH_TOKEN"})
_BAD_CLIENT: Final = frozenset(
    {"invalid_client", "unauthorized_client", "BAD_CLIENT_ID", "BAD_CLIENT_SECRET", "MISSING_CLIENT_ID"}
)


def login_refused(status: int, body: bytes, headers: Mapping[str, str], *, now: int) -> ConnectorError:
    """The error of a token endpoint's refusal: its bodies tell ``error`` of RFC 6749, and HubSpot's own ``status``.
    https://developers.hubspot.com/changelog/new-oauth-v3-api-endpoints-and-standardized-error-responses"""
    refusal = read_refusal(body)
    if status not in (400, 401, 403):
        return understand(status, body, headers, now=now)
    said = {refusal.error, refusal.status}
    if said & _DEAD_TOKEN:
        reason = (
            "HubSpot no longer takes the refresh token: install the app again and keep the new one in `refresh_token`"
        )
        return _stopped(reason, "invalid_grant", "install the app again, and keep its new refresh token")
    if said & _BAD_CLIENT:
        reason = "HubSpot does not know the app: compare `client_id` and `client_secret` with its settings"
        return _stopped(reason, "invalid_client", "compare them with the app's Auth tab")
    code = refusal.error if _WORD.fullmatch(refusal.error) else str(status)
    return _stopped("HubSpot refused the login", code, "look at the app's Auth tab")


def _stopped(reason: str, code: str, fix: str) -> AuthFailed:
    found = AuthFailed(reason, code=code)
    found.fix = fix
    return found


def _limited(refusal: Refusal, after: float | None, now: int, zone: str | None) -> ConnectorError:
    policy = refusal.policy_name or _policy_in(refusal.message)
    if policy == "DAILY":
        return error_of(policy, after=max(until_midnight(now, zone), after or 0.0))
    if policy in RULES and RULES[policy].verdict == "quota":
        return error_of(policy, after=after)
    found = error_of("RATE_LIMITS", after=after)
    found.code = "429"
    return found


def _policy_in(message: str) -> str:
    lower = message.lower()
    return next((name for name in ("TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY") if name.lower() in lower), "")


def until_midnight(now: int, zone: str | None) -> float:
    """Seconds until the daily allowance is new: midnight in the portal's time zone."""
    try:
        place = ZoneInfo(zone) if zone else None
    except (ZoneInfoNotFoundError, ValueError):
        place = None
    if place is None:
        return UNKNOWN_DAY_WAIT_S
    here = datetime.fromtimestamp(now / 1000, place)
    tomorrow = datetime.combine(here.date() + timedelta(days=1), datetime.min.time(), place)
    return (tomorrow.astimezone(UTC) - here.astimezone(UTC)).total_seconds()


def _reason(refusal: Refusal) -> str | None:
    """What a refusal says beyond its code and may be repeated: scopes, and the id of what stands in the way."""
    if existing := _EXISTING.search(refusal.message):
        return f"another object stands against it: {existing[1]}"
    if refusal.category != "MISSING_SCOPES":
        return None
    scopes = missing_scopes(refusal)
    what = f"the scope {' or '.join(scopes)}" if scopes else "a scope"
    return f"the access token lacks {what}: add it to the service key or private app"


def missing_scopes(refusal: Refusal) -> list[str]:
    """The scopes that HubSpot names; any one of them would do."""
    found: list[str] = []
    for context in [refusal.context, *(detail.get("context") for detail in refusal.errors)]:
        for name in ("requiredGranularScopes", "requiredScopes", "missingScopes"):
            found += _texts(context, name)
    return list(dict.fromkeys(found))


def _invalid(refusal: Refusal) -> Rejected:
    missing = missing_properties(refusal)
    if missing:
        reason = f"the property {', '.join(missing)} does not exist: create it or mend the configuration"
        return MissingProperty(reason, missing)
    if any(_WRONG_END in context for context in _contexts(refusal)):
        return Rejected("the record no longer exists", code="OBJECT_NOT_FOUND")
    details = [text for error in refusal.errors if (text := _detail(error))]
    named = sorted(set(_NAMED.findall(refusal.message)))
    reason = "HubSpot refused the request"
    if details:
        reason = f"HubSpot refused the values: {'; '.join(dict.fromkeys(details))}"
    elif named:
        reason = f"HubSpot refused the values of {', '.join(named)}"
    code = _code(refusal)
    if code not in RULES:
        return Rejected(reason, code=code)
    found = error_of(code, reason=reason if details or named or code == "VALIDATION_ERROR" else None)
    # What has a status of its own is not believed of a 400.
    return found if isinstance(found, Rejected) else Rejected(reason, code=code)


_WRONG_END: Final = "INVALID_OBJECT_IDS"
"""Where an activity cannot be associated with its record, for that was archived (seen in published answers)."""


def _contexts(refusal: Refusal) -> list[Mapping[str, Any]]:
    found = [refusal.context, *(error.get("context") for error in refusal.errors)]
    return [context for context in found if isinstance(context, dict)]


def _detail(error: Mapping[str, Any]) -> str:
    code = str(error.get("code") or "")
    names = _texts(error.get("context"), "propertyName") or _texts({"in": [error.get("in")]}, "in")
    words = [*names, code if _CODE.fullmatch(code) else ""]
    return " ".join(word for word in words if word)


def missing_properties(refusal: Refusal) -> list[str]:
    """The properties that the portal does not have, as far as a refusal says so."""
    found = _MISSING_PROPERTY.findall(refusal.message)
    for error in refusal.errors:
        found += _MISSING_PROPERTY.findall(str(error.get("message") or ""))
        if error.get("code") == "PROPERTY_DOESNT_EXIST":
            found += _texts(error.get("context"), "propertyName")
    return sorted(set(found))


def _texts(context: Any, name: str) -> list[str]:
    values = context.get(name) if isinstance(context, dict) else None
    return [str(value) for value in values if _WORD.fullmatch(str(value))] if isinstance(values, list) else []


def _code(refusal: Refusal) -> str:
    for error in refusal.errors:
        code = str(error.get("code") or "")
        if _CODE.fullmatch(code):
            return code
    return refusal.category or "400"


_ROW_STATUS: Final = {code: status for status, code in BY_STATUS.items()} | {
    "EXPIRED_AUTHENTICATION": 401, "MISSING_SCOPES": 403, "OBJECT_ALREADY_EXISTS": 409,
}  # fmt: skip
"""A row's own entry tells a category and no status. Any other category is a refusal of the values."""


def row_error(failed: Failed, *, now: int, zone: str | None) -> ConnectorError:
    """The error of one row in an answer that was a success for others."""
    rule = RULES.get(failed.category)
    if rule is not None and rule.verdict == "retry":
        return error_of(failed.category, write=True)
    status = _ROW_STATUS.get(failed.category, 400)
    return understand(status, msgspec.json.encode(failed), {}, now=now, zone=zone, write=True)


def receipt(key: str, error: ConnectorError) -> Receipt:
    """One row's receipt for the error that it, or its call, met."""
    if isinstance(error, Conflict):
        return Receipt(key=key, outcome="conflict", wrote=False, reason=error.reason, code=error.code)
    if isinstance(error, Rejected):
        return Receipt(key=key, outcome="rejected", wrote=False, reason=error.reason, code=error.code)
    after, unknown = (error.after, error.unknown) if isinstance(error, RetryLater) else (None, False)
    return Receipt(
        key=key, outcome="retry", wrote=False, reason=error.reason, code=error.code, after=after, unknown=unknown
    )
