"""What Salesforce's error codes mean: one table for calls and for rows.

Owns the classification by (status, error code). Refuses the SDK's exception classes, which say less. Invariant: the
vendor's message is looked at but never repeated, since it can hold field values.
Codes: SOAP API Developer Guide, "StatusCode" and "ExceptionCode"; REST API Developer Guide, "Status Codes and Error
Responses". The inactive owner is INACTIVE_OWNER_OR_USER there; OPERATION_WITH_INACTIVE_USER, which is often written,
is in neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from connectors.base import Receipt
from connectors.errors import AuthFailed, Conflict, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.http import classify

Verdict = Literal["retry", "lost", "quota", "auth", "rejected", "conflict"]
"""``lost`` is a retry that may have taken effect."""


class Rule(NamedTuple):
    """``everybody``: it is not about one record; every call would be told the same."""

    verdict: Verdict
    reason: str
    fix: str | None = None
    after: float | None = None
    everybody: bool = False


_ACCESS: Final = "give the integration user's permission set access to it: Setup > Permission Sets"
LOGIN_FIX: Final = "check the app and its user: Setup > External Client App Manager"


def _everybody(reason: str, fix: str) -> Rule:
    return Rule("auth", reason, fix, everybody=True)


RULES: Final[Mapping[str, Rule]] = {
    # the connection as a whole
    "INVALID_SESSION_ID": _everybody("the session is not accepted", LOGIN_FIX),
    "INVALID_AUTH_HEADER": _everybody("the session is not accepted", LOGIN_FIX),
    "INVALID_LOGIN": _everybody("the login is not accepted", LOGIN_FIX),
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": _everybody("the user's password has expired", LOGIN_FIX),
    "API_DISABLED_FOR_ORG": _everybody("the API is not enabled for this org or user",
                                       'give the integration user "API Enabled": Setup > Permission Sets'),
    "API_CURRENTLY_DISABLED": _everybody("the API is switched off for this org", "ask Salesforce support"),
    "UNSUPPORTED_API_VERSION": _everybody("this API version has been withdrawn", "set a newer api_version"),
    "GONE": _everybody("this API version has been withdrawn", "set a newer api_version"),
    "INVALIDVERSION": _everybody("this API version has been withdrawn", "set a newer api_version"),
    "INSUFFICIENT_ACCESS": Rule("auth", "the integration user may not do this", _ACCESS),
    "FORBIDDEN": Rule("auth", "the integration user may not do this", _ACCESS),
    "REQUEST_LIMIT_EXCEEDED": Rule(
        "quota", "the org's API calls of the last 24 hours are used up", None, 900.0, everybody=True),
    # passing faults
    "SERVER_UNAVAILABLE": Rule("lost", "Salesforce is unavailable"),
    "UNKNOWN_EXCEPTION": Rule("lost", "Salesforce failed inside"),
    "REQUEST_RUNNING_TOO_LONG": Rule("lost", "the request ran too long"),
    "QUERY_TIMEOUT": Rule("retry", "the query took too long"),
    "INVALID_QUERY_LOCATOR": Rule("retry", "the query's cursor has expired"),
    "UNABLE_TO_LOCK_ROW": Rule("retry", "the record is locked by another transaction"),
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": Rule("retry", "the batch was rolled back"),
    "PROCESSING_HALTED": Rule("retry", "the batch was stopped before this record"),
    "ENTITY_IS_LOCKED": Rule("retry", "the record is locked by an approval process", None, 900.0),
    "STORAGE_LIMIT_EXCEEDED": Rule("retry", "the org's data storage is full",
                                   "free storage: Setup > Storage Usage", 3600.0),
    # the record has moved on
    "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE": Rule("conflict", "the record has changed meanwhile"),
    # never as it is
    "ENTITY_IS_DELETED": Rule("rejected", "the record has been deleted"),
    "NOT_FOUND": Rule("rejected", "there is no such record or object"),
    "INVALID_CROSS_REFERENCE_KEY": Rule("rejected", "an id points to a record that is not there"),
    "MALFORMED_ID": Rule("rejected", "an id is malformed"),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Rule(
        "rejected", "the integration user may not see a record that this one points to", _ACCESS),
    "INSUFFICIENT_ACCESS_OR_READONLY": Rule(
        "rejected", "the integration user may not change this record", _ACCESS),
    "CANNOT_UPDATE_CONVERTED_LEAD": Rule("rejected", "the lead has been converted and can no longer be changed"),
    "INACTIVE_OWNER_OR_USER": Rule("rejected", "the new owner is an inactive user", "take the user out of the pool"),
    "TRANSFER_REQUIRES_READ": Rule("rejected", "the new owner may not see this kind of record",
                                   "give the new owner read access, or take them out of the pool"),
    "INVALID_OWNER": Rule("rejected", "the new owner cannot own this record"),
    "INVALID_OPERATION": Rule("rejected", "the record does not allow this",
                              "for a queue: Setup > Queues > Supported Objects"),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Rule("rejected", "a validation rule of the org refuses it",
                                              "exempt the integration user: Setup > Object Manager > Validation Rules"),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Rule("rejected", "a trigger of the org refuses it"),
    "CANNOT_EXECUTE_FLOW_TRIGGER": Rule("rejected", "a flow of the org fails on it"),
    "FIELD_FILTER_VALIDATION_EXCEPTION": Rule("rejected", "a lookup filter of the org refuses it"),
    "APEX_ERROR": Rule("rejected", "a trigger of the org fails on it"),
    "FIELD_INTEGRITY_EXCEPTION": Rule("rejected", "the values do not go together"),
    "DUPLICATES_DETECTED": Rule(
        "rejected", "a duplicate rule of the org blocks it",
        "let the rule alert instead, or exempt the integration user: Setup > Duplicate Rules"),
    "DUPLICATE_DEVELOPER_NAME": Rule("rejected", "there is one of this name already"),
    "DUPLICATE_VALUE": Rule("rejected", "another record holds this unique value"),
    "DUPLICATE_EXTERNAL_ID": Rule("rejected", "several records hold this external id"),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Rule("rejected", "a picklist does not have this value"),
    "REQUIRED_FIELD_MISSING": Rule("rejected", "the org requires a field that is empty"),
    "STRING_TOO_LONG": Rule("rejected", "a text is longer than its field"),
    "NUMBER_OUTSIDE_VALID_RANGE": Rule("rejected", "a number is out of its field's range"),
    "INVALID_FIELD": Rule("rejected", "a field does not exist, or the integration user may not see it", _ACCESS),
    "INVALID_FIELD_FOR_INSERT_UPDATE": Rule(
        "rejected", "a field is read-only for the integration user", _ACCESS),
    "INVALID_TYPE": Rule("rejected", "an object does not exist, or the integration user may not see it", _ACCESS),
    "MALFORMED_QUERY": Rule("rejected", "Salesforce does not understand the query"),
    "JSON_PARSER_ERROR": Rule("rejected", "Salesforce does not understand the values"),
    "METHOD_NOT_ALLOWED": Rule("rejected", "Salesforce does not allow this method here"),
    "MISSING_ARGUMENT": Rule("rejected", "Salesforce misses a part of the request"),
    "INVALID_REPLICATION_DATE": Rule("rejected", "the dates asked for are too old or the wrong way round"),
    "LIMIT_EXCEEDED": Rule("rejected", "the request is larger than Salesforce takes at once"),
    "EXCEEDED_ID_LIMIT": Rule("rejected", "too many records for one request"),
    "OPERATION_TOO_LARGE": Rule("rejected", "the query touches too many records",
                                'give the integration user "View All" on the object'),
}  # fmt: skip

INTERRUPTED_AFTER_S: Final = 60.0
"""How long a row waits that was refused together with everybody, while others of its batch went through."""
CONCURRENT_AFTER_S: Final = 20.0
"""REQUEST_LIMIT_EXCEEDED means two things: the day's calls are used up, or too many long requests run at once.
https://developer.salesforce.com/docs/platform/salesforce-app-limits/guide/salesforce-app-limits-platform-api.html"""


class _Error(msgspec.Struct):
    message: str = ""
    error_code: str = msgspec.field(name="errorCode", default="")
    status_code: str = msgspec.field(name="statusCode", default="")
    fields: list[str] | None = None


_ERRORS = msgspec.json.Decoder(list[_Error])


def error_code(body: bytes) -> tuple[str, str]:
    """Code and message of a plain REST error body, or two empty texts when it is anything else."""
    try:
        errors = _ERRORS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", ""
    return (errors[0].error_code, errors[0].message) if errors else ("", "")


def call_error(status: int, body: bytes, headers: Mapping[str, str], *, write: bool) -> ConnectorError:
    """What a call's answer means that is not a success."""
    code, message = error_code(body)
    rule = _rule(code.upper(), message)  # the Bulk API alone writes InvalidVersion
    if rule is None:
        return classify(status, body, headers, write=write)
    error = error_of(rule, code, write=write)
    if isinstance(error, AuthFailed):
        error.narrow = not rule.everybody
    return error


def _rule(code: str, message: str) -> Rule | None:
    if code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" in message.lower():
        return Rule("quota", "too many long requests run at once", None, CONCURRENT_AFTER_S, everybody=True)
    if code in WRAPPERS:
        return _unwrapped(RULES[code], message)
    return RULES.get(code)


WRAPPERS: Final = frozenset({"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR"})
"""What the org's own triggers and flows met stands in the message, behind the trigger's or flow's own code."""
_CODE: Final = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")


def _unwrapped(outer: Rule, message: str) -> Rule:
    """The last known code in the message is the innermost. What passes by itself may be tried again: everything that
    the trigger or flow did has been undone with it, so nothing is unknown. All else is the org's to mend."""
    inner = next((RULES[code] for code in reversed(_CODE.findall(message)) if code in RULES), None)
    if inner is None or (inner.verdict == "rejected" and inner.reason == outer.reason):
        return outer
    reason = f"{outer.reason}: {inner.reason}"
    if inner.verdict in {"retry", "lost"}:
        return Rule("retry", reason, inner.fix, inner.after)
    return Rule("rejected", reason, outer.fix)


def error_of(rule: Rule, code: str, *, write: bool = False) -> ConnectorError:
    error: ConnectorError
    match rule.verdict:
        case "quota":
            error = RateLimited(rule.reason, after=rule.after or 900.0, code=code)
        case "retry" | "lost":
            unknown = write and rule.verdict == "lost"
            error = RetryLater(rule.reason, code=code, after=rule.after, unknown=unknown)
        case "auth":
            error = AuthFailed(rule.reason, code=code)
        case "conflict":
            error = Conflict(rule.reason, code=code)
        case _:
            error = Rejected(rule.reason, code=code)
    error.fix = rule.fix
    return error


def row_receipt(key: str, errors: Sequence[Mapping[str, Any]]) -> Receipt:
    """The receipt of one failed row of a collections call. Its errors name the code ``statusCode``."""
    rule, code = _row_rule(errors)
    if rule is None:
        return Receipt(key=key, outcome="rejected", wrote=False, reason="Salesforce refused the record", code=code)
    names = [str(name) for name in (errors[0].get("fields") if errors else None) or ()]
    reason = f"{rule.reason} ({', '.join(names)})" if names else rule.reason
    if rule.fix:
        reason = f"{reason}; {rule.fix}"
    outcome: Literal["retry", "conflict", "rejected"] = "rejected"
    after = rule.after
    if rule.verdict in {"retry", "lost", "quota"} or rule.everybody:
        outcome = "retry"
        after = rule.after or (INTERRUPTED_AFTER_S if rule.everybody else None)
    elif rule.verdict == "conflict":
        outcome = "conflict"
    unknown = rule.verdict == "lost"
    return Receipt(key=key, outcome=outcome, wrote=False, reason=reason, code=code, after=after, unknown=unknown)


def everybody_s(rows: Sequence[Sequence[Mapping[str, Any]]]) -> ConnectorError | None:
    """What a collections call means in which every row was refused for a reason that is nobody's own: the session, the
    API as a whole, the quota. ``rows`` are the errors of each. A permission that is missing on every row is each
    record's own all the same: two records that we may never change must not stop all the others for good."""
    rules = [_row_rule(errors) for errors in rows]
    if not rules or not all(rule is not None and rule.everybody for rule, _ in rules):
        return None
    rule, code = rules[0]
    return error_of(rule, code) if rule is not None else None


def _row_rule(errors: Sequence[Mapping[str, Any]]) -> tuple[Rule | None, str]:
    first = errors[0] if errors else {}
    code = str(first.get("statusCode") or first.get("errorCode") or "")
    return _rule(code, str(first.get("message") or "")), code
