"""The keys of ``[connections.NAME]`` that say how to log in to Salesforce.

Owns the four logins, what each needs, and which keys contradict each other. Refuses to log in. Invariant: a table that
passes means exactly one login.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal, Self

from pydantic import field_validator, model_validator

from connectors.secret import Secret
from connectors.settings import ConnectionSettings

Grant = Literal["refresh token", "JWT bearer", "SOAP login", "client credentials"]

_DOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.IGNORECASE | re.ASCII)
_PROOFS: Final[dict[Grant, str]] = {
    "refresh token": "refresh_token", "JWT bearer": "private_key", "SOAP login": "password",
    "client credentials": "client_secret",
}  # fmt: skip
"""What each login proves itself with. A refresh token may need the client_secret as well, so it comes first."""


class LoginSettings(ConnectionSettings):
    """Which login is meant follows from what is given: see ``grant``."""

    domain: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    username: str | None = None
    private_key: Secret | None = None
    refresh_token: Secret | None = None
    password: Secret | None = None
    security_token: Secret | None = None
    allow_soap_login: bool = False
    sandbox: bool = False

    @field_validator("domain")
    @classmethod
    def _my_domain(cls, value: str | None) -> str | None:
        """``acme.my`` out of ``acme.my``, ``acme.my.salesforce.com`` or ``https://acme.my.salesforce.com/``."""
        if value is None:
            return None
        host = value.removeprefix("https://").rstrip("/").lower()
        if host.endswith(".lightning.force.com"):
            raise ValueError('use the login host "acme.my.salesforce.com", not the one of Lightning pages')
        host = host.removesuffix(".salesforce.com")
        if not _DOMAIN.fullmatch(host):
            raise ValueError('a My Domain reads "acme.my" or "acme.my.salesforce.com"')
        return host

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if wrong := _contradiction(self):
            raise ValueError(wrong)
        return self

    @property
    def grant(self) -> Grant:
        """The login that the given keys are for."""
        return next((grant for grant, key in _PROOFS.items() if getattr(self, key) is not None), "client credentials")

    @property
    def login_domain(self) -> str:
        """Where to log in: the My Domain where it is given, else the common host of production or of sandboxes."""
        return self.domain or self.audience

    @property
    def audience(self) -> str:
        """The common login host of the kind of org: ``test`` for sandboxes and scratch orgs, whose My Domain shows it.
        https://help.salesforce.com/s/articleView?id=sf.domain_name_url_formats.htm"""
        domain = self.domain or ""
        shown = "--" in domain or domain.endswith((".sandbox.my", ".scratch.my"))
        return "test" if self.sandbox or shown else "login"


def _contradiction(settings: LoginSettings) -> str | None:
    """What does not fit together, with the way out; None when the keys make one login."""
    given = [key for key in _PROOFS.values() if getattr(settings, key) is not None]
    if not given:
        return (
            "give client_secret (client credentials), username and private_key (JWT bearer), "
            'or refresh_token = "file:PATH" (web server flow)'
        )
    if len(given) > 1 and given != ["refresh_token", "client_secret"]:
        return f"{' and '.join(given)} belong to different logins: keep one"
    return _stray(settings) or _NEEDS[settings.grant](settings)


def _stray(settings: LoginSettings) -> str | None:
    """A key that the login at hand does not use: somebody meant another one."""
    grant = settings.grant
    if grant == "SOAP login":
        return "the SOAP login takes no client_id: leave it out" if settings.client_id is not None else None
    if settings.client_id is None:
        return f"the {grant} login needs client_id, the consumer key of the app"
    if settings.security_token is not None:
        return "security_token belongs to the SOAP login: leave it out"
    if settings.allow_soap_login:
        return "allow_soap_login belongs to the SOAP login: leave it out"
    if settings.username is not None and grant != "JWT bearer":
        return f"username belongs to the JWT bearer login: leave it out, or replace {_PROOFS[grant]} by private_key"
    return None


def _client_credentials(settings: LoginSettings) -> str | None:
    if settings.domain in {None, "login", "test"}:
        return 'the client credentials login needs your My Domain: domain = "acme.my"'
    return None


def _jwt(settings: LoginSettings) -> str | None:
    return None if settings.username else "the JWT bearer login needs the username that the app was approved for"


def _refresh(settings: LoginSettings) -> str | None:
    """https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_refresh_token_flow.htm: with rotation, each
    use of a refresh token ends it and brings the next one."""
    if settings.refresh_token is None or settings.refresh_token.replaceable:
        return None
    return (
        "Salesforce may rotate the refresh token, and the new one could not be kept there: put it into a file of its "
        'own that only the daemon\'s user can read, and write refresh_token = "file:PATH" (or "keyring:SERVICE/NAME")'
    )


def _soap(settings: LoginSettings) -> str | None:
    if not settings.allow_soap_login:
        return (
            "Salesforce ends the SOAP login with Summer '27: use client_secret or private_key instead of password; "
            "until then allow_soap_login = true accepts that"
        )
    return None if settings.username else "the SOAP login needs username"


_NEEDS: Final[dict[Grant, Callable[[LoginSettings], str | None]]] = {
    "refresh token": _refresh, "JWT bearer": _jwt, "SOAP login": _soap, "client credentials": _client_credentials,
}  # fmt: skip
