"""Getting a session: the four logins. The only importer of simple-salesforce.

Owns what is sent to log in and what comes of it. Refuses to judge when a session is due (``api``). Invariant: a
refresh token that Salesforce gave for another one is on disk before anything is done with what came beside it.
The SDK logs in by client credentials, JWT bearer and SOAP; it has no refresh token flow, so that one is spoken here.
https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flows.htm
"""

from __future__ import annotations

import re
import warnings
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import requests

from connectors.errors import AuthFailed, ConnectorError, RetryLater
from connectors.http import Session, classify, exchange, failure
from connectors.salesforce.login_faults import login_error
from connectors.salesforce.login_settings import LoginSettings
from connectors.salesforce.support import SOAP_LOGIN_VERSION
from connectors.secret import Secret

T = TypeVar("T")

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
    """Opens sessions of one org over an HTTP session. Not for several threads at once: ``api`` sees to that."""

    def __init__(self, settings: LoginSettings, session: Session) -> None:
        self._settings = settings
        self._session = session
        self._refresh_token = settings.refresh_token
        self._unkept: str | None = None
        self._identity: tuple[str | None, str | None] = (None, None)
        session.hooks["response"].append(self._overheard)

    def open(self) -> Opened:
        """A new session, by one request. Raises AuthFailed with the fix, RateLimited, RetryLater or Rejected."""
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
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed
        from simple_salesforce.login import SalesforceLogin

        # On "user hasn't approved this consumer" the SDK warns on standard error; the error below says what to do.
        warnings.filterwarnings("ignore", module=r"simple_salesforce\.login")
        try:
            token, host = SalesforceLogin(session=self._session, **self._proof())
        except SalesforceAuthenticationFailed as error:
            # Until 1.12.9 the SDK kept the description in `message`.
            raise login_error(error.code, getattr(error, "auth_message", error.message)) from None
        except ConnectorError:
            raise
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
        if settings.client_secret is not None:
            return {
                "consumer_key": settings.client_id,
                "consumer_secret": settings.client_secret.reveal(),
                "domain": settings.domain,
            }
        if settings.private_key is not None:
            return {
                "username": settings.username,
                "consumer_key": settings.client_id,
                "privatekey": settings.private_key.reveal(),
                # The audience is the common login host; the token is asked of My Domain where it is given.
                "domain": "test" if settings.sandbox else "login",
                "instance_url": settings.domain,
            }
        return {
            "username": settings.username,
            "password": _revealed(settings.password),
            "security_token": _revealed(settings.security_token),
            "domain": settings.login_domain,
            "sf_version": SOAP_LOGIN_VERSION,
        }

    # ---- by the refresh token

    def _refreshed(self) -> tuple[str, str]:
        answer = self._asked(self._held())
        refusal = _decoded(answer.content, _Refusal) if answer.status_code == 400 else None
        if refusal is not None and refusal.error == "invalid_grant":
            # Somebody else on this machine, such as `check` beside the daemon, may have got the next one meanwhile.
            newer = self._again()
            if newer is not None:
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
        settings = self._settings
        form = {
            "grant_type": "refresh_token",
            "client_id": settings.client_id,
            "refresh_token": token.reveal(),
            # Only an app that requires it has one: External Client App Manager > OAuth Settings.
            **({"client_secret": settings.client_secret.reveal()} if settings.client_secret is not None else {}),
        }
        url = f"https://{settings.login_domain}.salesforce.com{TOKEN_PATH}"
        return exchange(self._session, "POST", url, write=False, data=form)

    def _held(self) -> Secret:
        """The refresh token to send; one that could not be kept the last time is kept now, or nothing is sent."""
        if self._unkept is not None:
            self._keep(self._unkept)
        if self._refresh_token is None:
            raise AuthFailed("there is no refresh token to log in with")
        return self._refresh_token

    def _again(self) -> Secret | None:
        """The refresh token that stands in its place now, if that is another one."""
        if self._refresh_token is None:
            return None
        try:
            newer = self._refresh_token.again()
        except (OSError, ValueError):
            return None
        if newer == self._refresh_token:
            return None
        self._refresh_token = newer
        return newer

    def _keep(self, text: str) -> None:
        if self._refresh_token is None or text == self._refresh_token.reveal():
            return
        self._unkept = text
        try:
            self._refresh_token = self._refresh_token.replaced(text)
        except (OSError, ValueError) as error:
            label = self._refresh_token.label or "the place of refresh_token"
            lost = AuthFailed(f"the new refresh token could not be kept ({type(error).__name__})", code="REFRESH_TOKEN")
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


def _revealed(secret: Secret | None) -> str:
    return secret.reveal() if secret is not None else ""


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
