"""HubSpot's OAuth: access tokens for half an hour, by a refresh token that may be rotated.

Owns when a token is renewed, the keeping of a refresh token that is new, and how often a login may be tried. Refuses
the authorisation in a browser: a refresh token is where it begins. Invariant: one renewal serves all threads, and a
refresh token that HubSpot gave is kept before anything is called with what came with it.
https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from copy import copy
from typing import Final

import msgspec

from connectors.allowance import Allowance
from connectors.errors import AuthFailed
from connectors.http import classify, exchange, open_session
from connectors.hubspot.answers import login_refused
from connectors.hubspot.names import HOST, Paths
from connectors.hubspot.settings import HubSpotSettings
from connectors.secret import Secret

MARGIN_S: Final = 120
"""How long before its end a token is renewed: no call lasts longer. A 401 is no sign that it is time to:
https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines"""
FORCED_S: Final = 60
"""A token younger than this that HubSpot refuses is not renewed, and a login that it refused is not tried again sooner:
another one would be refused as well."""
KEEP_AGAIN_S: Final = 10.0
"""When it is tried again to keep a refresh token; HubSpot is not asked for that."""
LEAST_S: Final = 30
"""How long a token is used at least, whatever HubSpot says of its life."""


class Grant(msgspec.Struct):
    """What the token endpoint answers. ``until`` is when to renew, ``since`` when it was asked for, both epoch ms."""

    access_token: str
    expires_in: float = 1800
    refresh_token: str | None = None
    scopes: list[str] | None = None
    since: int = 0
    until: int = 0

    def holds(self, now: int) -> bool:
        """Also False for a clock that was set back: then nobody knows how old the token is."""
        return self.since <= now < self.until


class TokenEndpoint:
    """The only place that asks for tokens, and counts it."""

    def __init__(self, settings: HubSpotSettings, clock: Callable[[], int], allowance: Allowance) -> None:
        self._url = HOST + Paths(settings.api_version).token()
        self._session = open_session(settings.timeouts, override=settings.url)
        self._clock = clock
        self._allowance = allowance

    def grant(self, form: Mapping[str, str]) -> Grant:
        """One login. Raises one of the five errors; a refusal is AuthFailed with the next step."""
        self._allowance.take("login")
        since = self._clock()
        answer = exchange(self._session, "POST", self._url, write=False, data=dict(form))
        if answer.status_code >= 300:
            raise login_refused(answer.status_code, answer.content, answer.headers, now=since)
        try:
            grant = msgspec.json.decode(answer.content, type=Grant)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise classify(answer.status_code, answer.content, answer.headers) from error
        grant.since = since
        grant.until = since + int(1000 * max(grant.expires_in - MARGIN_S, grant.expires_in / 2, LEAST_S))
        return grant

    def close(self) -> None:
        self._session.close()


class Renewing:
    """OAuth by a refresh token. What HubSpot gives is used only once its refresh token is kept."""

    def __init__(
        self, endpoint: TokenEndpoint, client_id: str, client_secret: Secret, refresh_token: Secret,
        clock: Callable[[], int],
    ) -> None:  # fmt: skip
        self._endpoint = endpoint
        self._client_id = client_id
        self._client_secret = client_secret
        self._refresh = refresh_token
        self._clock = clock
        self._lock = threading.Lock()
        self._grant: Grant | None = None
        self._unkept: Grant | None = None
        self._refused: tuple[int, AuthFailed] | None = None

    def token(self) -> str:
        with self._lock:
            if self._grant is None or not self._grant.holds(self._clock()):
                self._grant = self._renewed()
            return self._grant.access_token

    def another(self, refused: str) -> bool:
        with self._lock:
            if self._grant is None or self._grant.access_token != refused:
                return True  # another thread has renewed it meanwhile
            if self._is_fresh(self._grant.since):
                return False
            self._grant = None
            return True

    def scopes(self) -> list[str] | None:
        return self._grant.scopes if self._grant is not None else None

    def close(self) -> None:
        self._endpoint.close()

    def _is_fresh(self, since: int) -> bool:
        return 0 <= self._clock() - since < FORCED_S * 1000

    def _renewed(self) -> Grant:
        grant = self._unkept
        if grant is None or not grant.holds(self._clock()):
            grant = self._granted()
        if grant.refresh_token and grant.refresh_token != self._refresh.reveal():
            self._unkept = grant  # the one before may be worth nothing now: this one is not to be lost
            self._keep(grant.refresh_token)
        self._unkept = None
        return grant

    def _granted(self) -> Grant:
        """A login by the newest refresh token; where that is refused, by the one that stands in its place by now: an
        administrator, or another process of ours, may have put a newer one there. A refusal is remembered for a while:
        every stream would ask again."""
        if self._refused is not None and self._is_fresh(self._refused[0]) and not self._replaced():
            raise copy(self._refused[1])
        try:
            return self._ask()
        except AuthFailed:
            if not self._replaced():
                raise
        return self._ask()

    def _ask(self) -> Grant:
        try:
            grant = self._endpoint.grant(self._form())
        except AuthFailed as refused:
            self._refused = (self._clock(), refused)
            raise
        self._refused = None
        return grant

    def _replaced(self) -> bool:
        """Whether another refresh token stands where the one that was refused came from; it is the newest then."""
        try:
            found = self._refresh.again()
        except (OSError, ValueError):
            return False
        tried = self._form()["refresh_token"]
        if found.reveal() == self._refresh.reveal() or found.reveal() == tried:
            return False
        self._refresh, self._unkept = found, None
        return True

    def _form(self) -> dict[str, str]:
        newest = self._unkept.refresh_token if self._unkept else None
        return {
            "grant_type": "refresh_token",
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
            "refresh_token": newest or self._refresh.reveal(),
        }

    def _keep(self, token: str) -> None:
        try:
            self._refresh = self._refresh.replaced(token)
        except (OSError, ValueError) as error:
            place = self._refresh.label or "its place"
            reason = f"HubSpot gave a new refresh token and it cannot be kept in {place}: make that writable for us"
            lost = AuthFailed(reason, code="TOKEN_NOT_KEPT")
            lost.again_s = KEEP_AGAIN_S
            raise lost from error
