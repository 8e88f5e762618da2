"""What Salesforce's error codes mean: one table for calls, rows and logins.

Owns the classification by (status, error code). Refuses the SDK's exception classes, which say less. Invariant: the
vendor's message is looked at but never repeated, since it can hold field values.
Codes: SOAP API Developer Guide, "StatusCode" and "ExceptionCode"; REST API Developer Guide, "Status Codes and Error
Responses".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from connectors.base import Receipt
from connectors.errors import AuthFailed, Conflict, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.http import classify

Verdict = Literal["retry", "lost", "quota", "auth", "rejected", "conflict"]
"""``lost`` is a retry that may have taken effect."""


class Rule(NamedTuple):
    verdict: Verdict
    reason: str
    fix: str | None = None
    after: float | None = None


_ACCESS = "give the integration user's permission set access to it: Setup > Permission Sets"
_LOGIN = "check the app and its user: Setup > External Client App Manager"

RULES: Final[Mapping[str, Rule]] = {
    # the connection as a whole
    "INVALID_SESSION_ID": Rule("auth", "the session is not accepted", _LOGIN),
    "INVALID_AUTH_HEADER": Rule("auth", "the session is not accepted", _LOGIN),
    "INVALID_LOGIN": Rule("auth", "the login is not accepted", _LOGIN),
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": Rule("auth", "the user's password has expired", _LOGIN),
    "API_DISABLED_FOR_ORG": Rule("auth", "the API is not enabled for this org or user",
                                 'give the integration user "API Enabled": Setup > Permission Sets'),
    "API_CURRENTLY_DISABLED": Rule("auth", "the API is switched off for this org", "ask Salesforce support"),
    "INSUFFICIENT_ACCESS": Rule("auth", "the integration user may not do this", _ACCESS),
    "FORBIDDEN": Rule("auth", "the integration user may not do this", _ACCESS),
    "UNSUPPORTED_API_VERSION": Rule("auth", "this API version has been withdrawn", "set a newer api_version"),
    "REQUEST_LIMIT_EXCEEDED": Rule("quota", "the org's API calls of the last 24 hours are used up", None, 900.0),
    # passing faults
    "SERVER_UNAVAILABLE": Rule("lost", "Salesforce is unavailable"),
    "UNKNOWN_EXCEPTION": Rule("lost", "Salesforce failed inside"),
    "REQUEST_RUNNING_TOO_LONG": Rule("lost", "the request ran too long"),
    "QUERY_TIMEOUT": Rule("retry", "the query took too long"),
    "INVALID_QUERY_LOCATOR": Rule("retry", "the query's cursor has expired"),
    "UNABLE_TO_LOCK_ROW": Rule("retry", "the record is locked by another transaction", None, 2.0),
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
    "FIELD_INTEGRITY_EXCEPTION": Rule("rejected", "the values do not go together"),
    "DUPLICATES_DETECTED": Rule("rejected", "a duplicate rule of the org refuses it"),
    "DUPLICATE_DEVELOPER_NAME": Rule("rejected", "there is one of this name already"),
    "DUPLICATE_VALUE": Rule("rejected", "another record holds this unique value"),
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
    "EXCEEDED_ID_LIMIT": Rule("rejected", "too many records for one request"),
    "OPERATION_TOO_LARGE": Rule("rejected", "the query touches too many records",
                                'give the integration user "View All" on the object'),
}  # fmt: skip

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
    rule = _rule(code, message)
    if rule is None:
        return classify(status, body, headers, write=write)
    return _error(rule, code, write=write)


def _rule(code: str, message: str) -> Rule | None:
    rule = RULES.get(code)
    if code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" in message.lower():
        return Rule("quota", "too many long requests run at once", None, CONCURRENT_AFTER_S)
    # A lock met inside a trigger comes wrapped in the trigger's own code.
    if code in {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER"} and "UNABLE_TO_LOCK" in message:
        return RULES["UNABLE_TO_LOCK_ROW"]
    return rule


def _error(rule: Rule, code: str, *, write: bool) -> ConnectorError:
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
    first = errors[0] if errors else {}
    code = str(first.get("statusCode") or first.get("errorCode") or "")
    rule = _rule(code, str(first.get("message") or ""))
    if rule is None:
        return Receipt(key=key, outcome="rejected", wrote=False, reason="Salesforce refused the record", code=code)
    names = [str(name) for name in first.get("fields") or ()]
    reason = f"{rule.reason} ({', '.join(names)})" if names else rule.reason
    if rule.fix:
        reason = f"{reason}; {rule.fix}"
    outcome: Literal["retry", "conflict", "rejected"]
    if rule.verdict in {"retry", "lost", "quota"}:
        outcome = "retry"
    else:
        outcome = "conflict" if rule.verdict == "conflict" else "rejected"
    unknown = rule.verdict == "lost"
    return Receipt(key=key, outcome=outcome, wrote=False, reason=reason, code=code, after=rule.after, unknown=unknown)


_RUN_AS = (
    "name a Run As user: Setup > External Client App Manager > your app > Policies > "
    "OAuth Policies > Client Credentials Flow"
)
_APPROVE = (
    "pre-authorise the user: Setup > External Client App Manager > your app > Policies: "
    "permitted users = admin approved, and add the user's permission set"
)
_MY_DOMAIN = 'set domain to your My Domain, such as "acme.my": Setup > My Domain'

LOGINS: Final[Sequence[tuple[str, str, Rule]]] = (
    ("inactive_org", "", Rule("auth", "the org is locked, closed or suspended", "ask Salesforce support")),
    ("", "no client credentials user enabled", Rule("auth", "the app has no user to run as", _RUN_AS)),
    ("", "hasn't approved this consumer", Rule("auth", "the user has not been approved for the app", _APPROVE)),
    ("", "not admin approved", Rule("auth", "the user has not been approved for the app", _APPROVE)),
    ("invalid_app_access", "", Rule("auth", "the user has not been approved for the app", _APPROVE)),
    ("", "audience", Rule("auth", "the login was meant for another kind of org",
                          "set sandbox = true for a sandbox, and leave it out for production")),
    ("", "not supported on this domain", Rule("auth", "this login works on your own domain only", _MY_DOMAIN)),
    ("", "locked", Rule("auth", "the user is locked", "unlock the integration user: Setup > Users")),
    ("inactive_user", "", Rule("auth", "the user is inactive", "activate the integration user: Setup > Users")),
    ("", "inactive user", Rule("auth", "the user is inactive", "activate the integration user: Setup > Users")),
    ("", "ip restricted", Rule("auth", "this machine's address is not allowed to log in",
                               "relax IP restrictions for the app, or add the address to the profile's login ranges")),
    ("", "expired", Rule("auth", "the login's time has passed before it arrived", "set this machine's clock right")),
    ("invalid_client_id", "", Rule("auth", "no app has this client_id here",
                                   "copy the consumer key again; a new app takes up to ten minutes; check domain")),
    ("invalid_client", "", Rule("auth", "the client_secret is wrong", "copy the consumer secret again")),
    ("unsupported_grant_type", "", Rule("auth", "the app does not offer this login",
                                        "enable the client credentials or JWT bearer flow in the app's settings")),
    ("", "login rate exceeded", Rule("quota", "the user logged in too often within an hour", None, 900.0)),
    ("rate_limit_exceeded", "", Rule("quota", "the user logged in too often within an hour", None, 900.0)),
    ("unknown_error", "", Rule("retry", "the login service failed inside")),
    ("server_error", "", Rule("retry", "the login service failed inside")),
    ("temporarily_unavailable", "", Rule("retry", "the login service is unavailable")),
    ("invalid_grant", "authentication failure", Rule(
        "auth", "the login is not accepted", "check username, key or secret, and that the user may use the API")),
    ("invalid_grant", "", Rule("auth", "the login is not accepted", _LOGIN)),
    ("invalid_request", "", Rule("auth", "the login request is not accepted", _MY_DOMAIN)),
)  # fmt: skip
"""(error, part of its description in lower case, what it means); the first that fits counts. Texts as the token
endpoint answers them: Salesforce Help, "OAuth Authorization Flow Errors", and the field."""


def login_error(code: object, message: object, headers: Mapping[str, str] | None = None) -> ConnectorError:
    """What the token endpoint's refusal means. ``code`` is OAuth's ``error``, or a status when it was not JSON."""
    if isinstance(code, int):
        return classify(code, str(message or "").encode(), headers or {})
    name, text = str(code or ""), str(message or "").lower()
    for its_code, part, rule in LOGINS:
        if its_code in ("", name) and part in text:
            return _error(rule, name, write=False)
    error = AuthFailed("Salesforce refused the login", code=name or None)
    error.fix = _LOGIN
    return error
