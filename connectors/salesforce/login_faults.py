"""What Salesforce means when it refuses a login.

Owns the table of OAuth's errors and their descriptions. Refuses to log in. Invariant: the vendor's description is
looked at but never repeated, and every refusal that a person can mend says how.
https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flow_errors.htm
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from connectors.errors import AuthFailed, ConnectorError
from connectors.http import classify
from connectors.salesforce.faults import LOGIN_FIX, RULES, Rule, error_of

_RUN_AS = (
    "name a Run As user: Setup > External Client App Manager > your app > Policies > "
    "OAuth Policies > Client Credentials Flow"
)
_APPROVE = (
    "pre-authorise the user: Setup > External Client App Manager > your app > Policies: "
    "permitted users = admin approved, and add the user's permission set"
)
_MY_DOMAIN = 'set domain to your My Domain, such as "acme.my": Setup > My Domain'

_AUTHORISE = (
    "authorise the app again by the web server flow with the scopes api and refresh_token, and put the new refresh "
    "token into its file; look at the app's refresh token policy: Setup > External Client App Manager > Policies"
)
_SOAP = (
    "use client_secret or private_key instead of password; or, until Summer '27, Setup > User Interface > Enable SOAP"
)
_TOKEN = "set security_token: the user's own settings > Reset My Security Token"  # noqa: S105

WRONG_AUDIENCE: Final = Rule("auth", "the login was meant for another kind of org",
                             "set sandbox = true for a sandbox, and leave it out for production")  # fmt: skip
NOT_INSTALLED: Final = Rule("auth", "the app is not installed in this org",
                            "make the app in this very org, or install it there; check domain and sandbox")  # fmt: skip

LOGINS: Final[Sequence[tuple[str, str, Rule]]] = (
    ("inactive_org", "", Rule("auth", "the org is locked, closed or suspended", "ask Salesforce support")),
    ("", "no client credentials user enabled", Rule("auth", "the app has no user to run as", _RUN_AS)),
    ("", "hasn't approved this consumer", Rule("auth", "the user has not been approved for the app", _APPROVE)),
    ("", "not admin approved", Rule("auth", "the user has not been approved for the app", _APPROVE)),
    ("invalid_app_access", "", Rule("auth", "the user has not been approved for the app", _APPROVE)),
    ("", "audience", WRONG_AUDIENCE),
    ("app_not_found", "", NOT_INSTALLED),
    ("", "not supported on this domain", Rule("auth", "this login works on your own domain only", _MY_DOMAIN)),
    ("", "locked", Rule("auth", "the user is locked", "unlock the integration user: Setup > Users")),
    ("inactive_user", "", Rule("auth", "the user is inactive", "activate the integration user: Setup > Users")),
    ("", "inactive user", Rule("auth", "the user is inactive", "activate the integration user: Setup > Users")),
    ("", "frozen", Rule("auth", "the user is frozen", "unfreeze the integration user: Setup > Users")),
    ("", "access/refresh token", Rule("auth", "the refresh token is no longer good", _AUTHORISE)),
    ("", "token validity expired", Rule("auth", "the refresh token is no longer good", _AUTHORISE)),
    ("INVALID_OPERATION", "soap api login", Rule("auth", "the org has the SOAP login switched off", _SOAP)),
    ("INSUFFICIENT_ACCESS", "", Rule(
        "auth", "the user may not use the SOAP login", 'give the user "Use Any API Auth": Setup > Permission Sets')),
    ("LOGIN_MUST_USE_SECURITY_TOKEN", "", Rule("auth", "the login needs the user's security token", _TOKEN)),
    ("", "ip restricted", Rule("auth", "this machine's address is not allowed to log in",
                               "relax IP restrictions for the app, or add the address to the profile's login ranges")),
    ("", "expired", Rule("auth", "the login's time has passed before it arrived", "set this machine's clock right")),
    ("invalid_client_id", "", Rule("auth", "no app has this client_id here",
                                   "copy the consumer key again; a new app takes up to ten minutes; check domain")),
    ("invalid_client", "", Rule("auth", "the client_secret is wrong", "copy the consumer secret again")),
    ("unsupported_grant_type", "", Rule("auth", "the app does not offer this login",
                                        "enable its flow in the app's settings: Setup > External Client App Manager")),
    ("", "login rate exceeded", Rule("quota", "the user logged in too often within an hour", None, 900.0)),
    ("rate_limit_exceeded", "", Rule("quota", "the user logged in too often within an hour", None, 900.0)),
    ("unknown_error", "", Rule("retry", "the login service failed inside")),
    ("server_error", "", Rule("retry", "the login service failed inside")),
    ("temporarily_unavailable", "", Rule("retry", "the login service is unavailable")),
    ("invalid_grant", "authentication failure", Rule(
        "auth", "the login is not accepted", "check username, key or secret, and that the user may use the API")),
    ("invalid_grant", "", Rule("auth", "the login is not accepted", LOGIN_FIX)),
    ("invalid_request", "", Rule("auth", "the login request is not accepted", _MY_DOMAIN)),
)  # fmt: skip
"""(error, part of its description in lower case, what it means); the first that fits counts. Texts as the token
endpoint answers them: Salesforce Help, "OAuth Authorization Flow Errors", and the field."""


def login_error(code: object, message: object, headers: Mapping[str, str] | None = None) -> ConnectorError:
    """What a refused login means. ``code`` is OAuth's ``error``, SOAP's exceptionCode, or a status."""
    if isinstance(code, int):
        return classify(code, str(message or "").encode(), headers or {})
    name, text = str(code or ""), str(message or "").lower()
    for its_code, part, rule in LOGINS:
        if its_code in ("", name) and part in text:
            return error_of(rule, name)
    if (known := RULES.get(name)) is not None:
        return error_of(known, name)
    error = AuthFailed("Salesforce refused the login", code=name or None)
    error.fix = LOGIN_FIX
    return error
