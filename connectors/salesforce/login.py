"""Getting a session: the four logins. The only importer of simple-salesforce.

Owns what is sent to log in and what comes of it. Refuses to judge when a session is due (``api``). Invariant: a
refresh token that Salesforce gave for another one is on disk before anything is done with what came beside it.
The SDK logs in by client credentials, JWT bearer and SOAP; it has no refresh token flow, so that one is spoken here.
https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flows.htm
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import requests

from connectors.errors import AuthFailed, ConnectorError, RetryLater
from connectors.http import Session, classify, exchange, failure
from connectors.salesforce.login_faults import NOT_INSTALLED, WRONG_AUDIENCE, login_error
from connectors.salesforce.login_settings import LoginSettings
from connectors.salesforce.support import SOAP_LOGIN_VERSION
from connectors.secret import Secret

T = TypeVar("T")

SECRETS: Final = ("client_secret", "private_key", "refresh_token", "password", "security_token")
KEEP_AGAIN_S: Final = 10.0
"""When it is tried again to keep a refresh token; Salesforce is not asked for that."""
TOKEN: Final = "refresh_token"  # noqa: S105
TOKEN_PATH: Final = "/services/oauth2/token"  # noqa: S105
_SOAP_PATH: Final = "/services/Soap/"
_SOAP_USER: Final = re.compile(rb"<userId>(\w{15,18})</userId>")
_SOAP_ORGANIZATION: Final = re.compile(rb"<organizationId>(\w{15,18})</organizationId>")


class Opened(NamedTuple):
    """A session: its token, the host of the org's API, and who we are there: ids, or None where the login is silent."""

    token: str
    host: str
    user: str | None
    organization: str | None


class _Token(msgspec.Struct):
    """https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_refresh_token_flow.htm, the answer."""

    access_token: str = ""
    instance_url: str = ""
    id: str = ""
    refresh_token: str = ""


class _Refusal(msgspec.Struct):
    error: str = ""
    error_description: str = ""


class Login:
    """Opens sessions of one org over an HTTP session. ``count()`` is called before each request. Not for several
    threads at once: ``api`` sees to that."""

    def __init__(self, settings: LoginSettings, session: Session, count: Callable[[], None]) -> None:
        self._settings = settings
        self._session = session
        self._count = count
        self._refused = False
        self._secrets = {name: secret for name in SECRETS if isinstance(secret := getattr(settings, name), Secret)}
        self._by_my_domain = False
        """Whether the audience of a JWT is My Domain."""
        self._unkept: str | None = None
        self._identity: tuple[str | None, str | None] = (None, None)
        session.hooks["response"].append(self._overheard)

    def open(self) -> Opened:
        """A new session, by one request, or two if another process has used up the refresh token. After a refusal the
        secrets are read anew, for an administrator may have replaced them. Raises AuthFailed with the fix,
        RateLimited, RetryLater or Rejected."""
        if self._refused:
            self._secrets = {name: _again(secret) for name, secret in self._secrets.items()}
        self._refused = True
        opened = self._open()
        self._refused = False
        return opened

    def _open(self) -> Opened:
        self._identity = (None, None)
        token, host = self._refreshed() if self._settings.grant == "refresh token" else self._by_sdk()
        if host.endswith(".lightning.force.com"):
            # https://github.com/simple-salesforce/simple-salesforce/issues/406: the API refuses every session there.
            wrong = AuthFailed("the login leads to the host of Lightning pages, which has no API", code="LIGHTNING")
            wrong.fix = 'set domain to your My Domain, such as "acme.my": Setup > My Domain'
            raise wrong
        return Opened(token, host, *self._identity)

    # ---- by the SDK

    def _by_sdk(self) -> tuple[str, str]:
        """A JWT names the org that it is for. The common host of its kind is the documented one; since Spring '26 some
        External Client Apps take nothing but My Domain (https://github.com/n8n-io/n8n/issues/28990), which others
        refuse. So the second is tried where the first is refused for that, and the one that was taken is kept."""
        while True:
            try:
                return self._asked_by_sdk()
            except AuthFailed as error:
                if self._by_my_domain or not self._may_be_meant_otherwise(error):
                    self._by_my_domain = False
                    raise
                self._by_my_domain = True

    def _may_be_meant_otherwise(self, error: AuthFailed) -> bool:
        is_jwt = self._settings.grant == "JWT bearer" and self._settings.domain is not None
        return is_jwt and error.reason in {WRONG_AUDIENCE.reason, NOT_INSTALLED.reason}

    def _asked_by_sdk(self) -> tuple[str, str]:
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed
        from simple_salesforce.login import SalesforceLogin

        # On "user hasn't approved this consumer" the SDK warns on standard error; the error below says what to do.
        warnings.filterwarnings("ignore", module=r"simple_salesforce\.login")
        self._count()
        try:
            token, host = SalesforceLogin(session=self._session, **self._proof())
        except SalesforceAuthenticationFailed as error:
            # Until 1.12.9 the SDK kept the description in `message`.
            raise login_error(error.code, getattr(error, "auth_message", error.message)) from None
        except requests.exceptions.RequestException as error:
            raise failure(error, write=False) from error
        except Exception as error:  # noqa: BLE001  # classified
            # The SDK leaks KeyError, AttributeError and PyJWT's own errors for odd answers and keys.
            raise _odd(error) from None
        if not isinstance(token, str) or not token:
            raise RetryLater("the login's answer holds no session", code="LOGIN")
        return token, host

    def _proof(self) -> dict[str, Any]:
        settings = self._settings
        if settings.grant == "client credentials":
            return {
                "consumer_key": settings.client_id,
                "consumer_secret": self._revealed("client_secret"),
                "domain": settings.domain,
            }
        if settings.grant == "JWT bearer":
            return {
                "username": settings.username,
                "consumer_key": settings.client_id,
                "privatekey": self._revealed("private_key"),
                # The audience; the token is asked of My Domain where it is given.
                "domain": settings.domain if self._by_my_domain else settings.audience,
                "instance_url": settings.domain,
            }
        return {
            "username": settings.username,
            "password": self._revealed("password"),
            "security_token": self._revealed("security_token"),
            "domain": settings.login_domain,
            "sf_version": SOAP_LOGIN_VERSION,
        }

    def _revealed(self, name: str) -> str:
        return self._secrets[name].reveal() if name in self._secrets else ""

    # ---- by the refresh token

    def _refreshed(self) -> tuple[str, str]:
        answer = self._asked(self._held())
        refusal = _decoded(answer.content, _Refusal) if answer.status_code == 400 else None
        if refusal is not None and refusal.error == "invalid_grant":
            # Somebody else on this machine, such as `check` beside the daemon, may have got the next one meanwhile.
            used, newer = self._secrets[TOKEN], _again(self._secrets[TOKEN])
            if newer != used:
                self._secrets[TOKEN] = newer
                answer = self._asked(newer)
                refusal = _decoded(answer.content, _Refusal) if answer.status_code == 400 else None
        if answer.status_code != 200:
            if refusal is None or not refusal.error:
                raise classify(answer.status_code, answer.content, answer.headers)
            raise login_error(refusal.error, refusal.error_description)
        given = _decoded(answer.content, _Token)
        if given is None or not given.access_token or not given.instance_url:
            raise RetryLater("the login's answer holds no session", code="LOGIN")
        if given.refresh_token:
            self._keep(given.refresh_token)
        return given.access_token, given.instance_url.partition("://")[2].partition("/")[0]

    def _asked(self, token: Secret) -> requests.Response:
        self._count()
        form = {
            "grant_type": "refresh_token",
            "client_id": self._settings.client_id,
            "refresh_token": token.reveal(),
            # Only an app that requires it has one: External Client App Manager > OAuth Settings.
            **({"client_secret": secret} if (secret := self._revealed("client_secret")) else {}),
        }
        url = f"https://{self._settings.login_domain}.salesforce.com{TOKEN_PATH}"
        return exchange(self._session, "POST", url, write=False, data=form)

    def _held(self) -> Secret:
        """The refresh token to send; one that could not be kept the last time is kept now, or nothing is sent."""
        if self._unkept is not None:
            self._keep(self._unkept)
        return self._secrets[TOKEN]

    def _keep(self, text: str) -> None:
        held = self._secrets[TOKEN]
        if text == held.reveal():
            return
        self._unkept = text
        try:
            self._secrets[TOKEN] = held.replaced(text)
        except (OSError, ValueError) as error:
            label = held.label or "the place of refresh_token"
            lost = AuthFailed(f"the new refresh token could not be kept ({type(error).__name__})", code="REFRESH_TOKEN")
            lost.again_s = KEEP_AGAIN_S
            lost.fix = f"make {label} writable before this process ends: the old refresh token is no longer good"
            raise lost from None
        self._unkept = None

    # ---- who we are

    def _overheard(self, response: requests.Response, *_: object, **__: object) -> None:
        """A token's ``id`` (…/id/ORG/USER) and the SOAP answer say who we are; the SDK drops both."""
        if response.status_code != 200:
            return
        if response.url.endswith(TOKEN_PATH):
            token = _decoded(response.content, _Token)
            parts = token.id.rstrip("/").split("/") if token is not None else []
            if len(parts) >= 2:
                self._identity = (parts[-1], parts[-2])
        elif _SOAP_PATH in response.url:
            found = [pattern.search(response.content) for pattern in (_SOAP_USER, _SOAP_ORGANIZATION)]
            user, organization = (each[1].decode() if each else None for each in found)
            self._identity = (user, organization)


def _again(secret: Secret) -> Secret:
    """The secret as it stands in its place now; the one we have if that cannot be read."""
    try:
        return secret.again()
    except (OSError, ValueError):
        return secret


def _decoded(body: bytes, kind: type[T]) -> T | None:
    """The answer as it should be, or None for anything else."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _odd(error: Exception) -> ConnectorError:
    if type(error).__module__.partition(".")[0] in {"jwt", "cryptography"} or isinstance(error, ValueError):
        refused = AuthFailed("the private key cannot be used", code="private_key")
        refused.fix = "private_key holds the RSA key in PEM form that belongs to the app's certificate"
        return refused
    return RetryLater(f"the login's answer could not be understood ({type(error).__name__})", code="LOGIN")
