"""What a refused login means, refusal by refusal."""

from __future__ import annotations

import pytest

from connectors.errors import AuthFailed, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.salesforce.login_faults import login_error


@pytest.mark.parametrize(
    ("code", "message", "kind", "fix"),
    [
        ("invalid_grant", "no client credentials user enabled", AuthFailed, "name a Run As user"),
        ("invalid_grant", "user hasn't approved this consumer", AuthFailed, "pre-authorise the user"),
        ("invalid_app_access", "user is not admin approved to access this app", AuthFailed, "pre-authorise the user"),
        ("OAUTH_APP_BLOCKED", "user is not admin approved to access this app", AuthFailed, "pre-authorise the user"),
        ("invalid_app_access", "", AuthFailed, "pre-authorise the user"),
        ("invalid_grant", "audience is invalid", AuthFailed, "set sandbox = true"),
        ("invalid_grant", "Audience validation failed", AuthFailed, "set sandbox = true"),
        ("invalid_grant", "request not supported on this domain", AuthFailed, "your My Domain"),
        ("invalid_grant", "user is locked", AuthFailed, "unlock the integration user"),
        ("inactive_user", "user is inactive", AuthFailed, "activate the integration user"),
        ("invalid_grant", "inactive user", AuthFailed, "activate the integration user"),
        ("inactive_org", "organization has been locked", AuthFailed, "ask Salesforce support"),
        ("inactive_org", "this organization is suspended", AuthFailed, "ask Salesforce support"),
        ("invalid_grant", "ip restricted", AuthFailed, "relax IP restrictions"),
        ("invalid_grant", "expired authorization code", AuthFailed, "clock right"),
        ("invalid_client_id", "client identifier invalid", AuthFailed, "copy the consumer key again"),
        ("invalid_client", "invalid client credentials", AuthFailed, "copy the consumer secret again"),
        ("unsupported_grant_type", "grant type not supported", AuthFailed, "enable its flow"),
        ("invalid_grant", "expired access/refresh token", AuthFailed, "authorise the app again"),
        ("invalid_grant", "token validity expired", AuthFailed, "authorise the app again"),
        ("invalid_grant", "user is frozen", AuthFailed, "unfreeze the integration user"),
        ("INVALID_LOGIN", "Invalid username, password, security token", AuthFailed, "check the app and its user"),
        ("INVALID_OPERATION", "SOAP API login() is disabled by default in this org", AuthFailed, "use client_secret"),
        ("INSUFFICIENT_ACCESS", "", AuthFailed, "Use Any API Auth"),
        ("LOGIN_MUST_USE_SECURITY_TOKEN", "", AuthFailed, "set security_token"),
        ("UNSUPPORTED_API_VERSION", "", AuthFailed, "set a newer api_version"),
        ("invalid_grant", "login rate exceeded", RateLimited, None),
        ("rate_limit_exceeded", "", RateLimited, None),
        ("unknown_error", "retry your request", RetryLater, None),
        ("server_error", "", RetryLater, None),
        ("temporarily_unavailable", "", RetryLater, None),
        ("invalid_grant", "authentication failure", AuthFailed, "check username, key or secret"),
        ("invalid_grant", "something new", AuthFailed, "check the app and its user"),
        ("invalid_request", "bad", AuthFailed, "your My Domain"),
        ("never_heard_of", "", AuthFailed, "check the app and its user"),
        (None, None, AuthFailed, "check the app and its user"),
        (503, "<html>", RetryLater, None),
        (404, "Not found", Rejected, None),
    ],
)
def test_a_refused_login_is_decoded(code: object, message: object, kind: type[ConnectorError], fix: str | None) -> None:
    error = login_error(code, message)
    assert type(error) is kind
    assert (fix is None and error.fix is None) or (fix is not None and fix in str(error.fix))
