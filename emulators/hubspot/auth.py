"""Tokens: the static one of a private app or service key, and OAuth's that expire.

Owns who may call and with which scopes. Refuses routes.
Invariant: a static token ends only by a rotation; an OAuth token lives half an hour of emulated time.
https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any, Final

from emulators.hubspot.errors import OTHERS, HubSpotError, missing_scopes
from emulators.hubspot.kinds import SCOPES
from emulators.hubspot.values import iso

LIFETIME_S: Final = 1800
"""developers.hubspot.com, OAuth guide: expires_in of an access token."""
GRACE_MS: Final = 7 * 86_400_000
"""How long a rotated key is still accepted: developers.hubspot.com, service keys, "Rotate"."""


class Auth:
    def __init__(self, seed: int, portal_id: int, user_id: int, now_ms: Callable[[], int]) -> None:
        self._dice = random.Random(f"tokens {seed}")
        self._now_ms = now_ms
        self._portal_id = portal_id
        self._user_id = user_id
        self.static_token = f"pat-na1-{self._uuid()}"
        self.client_id = self._uuid()
        self.client_secret = self._uuid()
        self.refresh_token = f"na1-{self._uuid()}"
        self.scopes = set(SCOPES)
        self.withheld: dict[str, set[str]] = {}
        """Scopes that one client lacks, by ``private-app`` or ``oauth-app``."""
        self.rotates = False
        """Whether every renewal gives another refresh token and ends the one before. Not so at the vendor's today, but
        the answer has a place for it: OAuth 2.1 asks for it."""
        self.lifetime_s = LIFETIME_S
        self.logins = 0
        self._access: dict[str, int] = {}
        self._apps: dict[str, set[str]] = {}
        self._ending: dict[str, int] = {}
        self._refused: set[str] = set()
        self._client = ""

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))

    def check(self, header: str | None) -> str:
        """The client behind an Authorization header, for the log of effects. Raises HubSpotError 401."""
        token = self.token_of(header)
        if token in self._refused:
            self._refused.discard(token)
            raise HubSpotError(401, *OTHERS[401])
        self._client = "oauth-app"
        if token == self.static_token or self._ending.get(token, 0) > self._now_ms():
            self._client = "private-app"
            return self._client
        expires_ms = self._access.get(token)
        if expires_ms is None:
            raise HubSpotError(401, *OTHERS[401])
        late_ms = self._now_ms() - expires_ms
        if late_ms >= 0:
            raise HubSpotError(
                401,
                f"The OAuth token used to make this call expired {late_ms // 1000} second(s) ago.",
                "EXPIRED_AUTHENTICATION",
                context={"expire time": [iso(expires_ms)]},
            )
        return self._client

    def require(self, *scopes: str) -> None:
        """Raises HubSpotError 403 unless one of the scopes is granted."""
        if not (self.scopes - self.withheld.get(self._client, set())).intersection(scopes):
            raise missing_scopes(scopes)

    def expire(self, header: str | None) -> bool:
        """Ends an OAuth token. A static token cannot end and come back, so it is refused once."""
        token = self.token_of(header)
        if token in self._access:
            self._access[token] = self._now_ms()
        elif token == self.static_token:
            self._refused.add(token)
        else:
            return False
        return True

    @staticmethod
    def token_of(header: str | None) -> str:
        scheme, _, token = (header or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def grant(self, form: dict[str, str]) -> dict[str, Any]:
        """The answer of the token endpoint. Raises HubSpotError 400 (``invalid_grant`` …)."""
        self._check_app(form)
        kind = form.get("grant_type")
        if kind == "refresh_token":
            if form.get("refresh_token") != self.refresh_token:
                raise _refused("invalid_grant", "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        elif kind not in ("authorization_code", "client_credentials"):
            raise _refused("unsupported_grant_type", "BAD_GRANT_TYPE", "missing or unknown grant type")
        self.logins += 1
        if kind == "refresh_token" and self.rotates:
            self.refresh_token = f"na1-{self._uuid()}"
        token = "C" + self._uuid().replace("-", "").upper()
        self._access[token] = self._now_ms() + self.lifetime_s * 1000
        answer: dict[str, Any] = {"access_token": token, "token_type": "bearer", "expires_in": self.lifetime_s}
        if kind == "client_credentials":
            self._apps[token] = set(form.get("scope", "").split())
            return answer | {"scopes": sorted(self._apps[token]), "token_use": "client_credentials"}
        return answer | {
            "refresh_token": self.refresh_token,
            "hub_id": self._portal_id,
            "user_id": self._user_id,
            "scopes": self.held("oauth-app"),
            "token_use": "access_token",
        }

    def is_app(self, header: str | None, scope: str) -> bool:
        """Whether a token is the app's own, of client credentials, and was asked for with this scope."""
        return scope in self._apps.get(self.token_of(header), ())

    def _check_app(self, form: dict[str, str]) -> None:
        if form.get("client_id") != self.client_id or form.get("client_secret") != self.client_secret:
            raise _refused("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id or secret")

    def held(self, client: str) -> list[str]:
        """The scopes of a client, in order."""
        return sorted(self.scopes - self.withheld.get(client, set()))

    def about_key(self, token: str) -> dict[str, Any]:
        """The answer about a static token; it needs no scope. Raises HubSpotError 404.
        developers.hubspot.com, private apps guide: "POST /oauth/v2/private-apps/get/access-token-info"."""
        if token != self.static_token and self._ending.get(token, 0) <= self._now_ms():
            raise HubSpotError(404, "Access token not found", "OBJECT_NOT_FOUND")
        return {"userId": self._user_id, "hubId": self._portal_id, "appId": 0, "scopes": self.held("private-app")}

    def revoke_token(self, form: dict[str, str]) -> None:
        """A refresh token takes the access tokens along, an access token goes alone, and of an unknown one nothing is
        said (RFC 7009, 2.2: assumed to hold here). Raises HubSpotError 400."""
        self._check_app(form)
        token = form.get("token", "")
        if token == self.refresh_token:
            self.revoke()
        self._access.pop(token, None)

    def revoke(self) -> None:
        """The app is uninstalled: refresh and access tokens are worthless from now on."""
        self.refresh_token = f"na1-{self._uuid()}"
        self._access.clear()

    def rotate_key(self, *, now: bool = False) -> str:
        """Another static token; the one before ends in seven days, or ``now``. Returns the new one."""
        if not now:
            self._ending[self.static_token] = self._now_ms() + GRACE_MS
        self.static_token = f"pat-na1-{self._uuid()}"
        return self.static_token

    def about(self, token: str) -> dict[str, Any]:
        """The answer of v1's token information. Raises HubSpotError 404."""
        if token not in self._access:
            raise HubSpotError(404, "Access token not found", "OBJECT_NOT_FOUND")
        return self._known(token) | self._lasting(token) | {"token_type": "access"}

    def introspect(self, form: dict[str, str]) -> dict[str, Any]:
        """The answer of introspection; the keys are those of hubspot-sdk's PublicAccessTokenInfoResponse and
        PublicRefreshTokenInfoResponse. Raises HubSpotError 400. Assumed: that of a token that is no longer good nothing
        is told (RFC 7662, 2.2), and the values inside ``signed_access_token``."""
        self._check_app(form)
        token = form.get("token", "")
        known = self._known(token) | {"active": True, "client_id": self.client_id, "token_type": "bearer"}
        if token == self.refresh_token:
            return known | {"token_use": "refresh_token"}
        if self._access.get(token, 0) <= self._now_ms():
            return {"active": False}
        known |= {"token_use": "access_token", "is_private_distribution": True}
        return known | self._lasting(token) | {"signed_access_token": self._signed(token)}

    def _known(self, token: str) -> dict[str, Any]:
        return {
            "token": token, "user": "admin@acme.test", "hub_domain": "acme.test", "scopes": self.held("oauth-app"),
            "hub_id": self._portal_id, "app_id": 0, "user_id": self._user_id,
        }  # fmt: skip

    def _lasting(self, token: str) -> dict[str, Any]:
        return {"expires_in": max(0, (self._access[token] - self._now_ms()) // 1000)}

    def _signed(self, token: str) -> dict[str, Any]:
        return {
            "expiresAt": self._access[token], "scopes": "", "hubId": self._portal_id, "userId": self._user_id,
            "appId": 0, "signature": "", "scopeToScopeGroupPks": "", "newSignature": "", "hublet": "na1",
            "trialScopes": "", "trialScopeToScopeGroupPks": "", "isUserLevel": False, "isPrivateDistribution": True,
            "installingUserId": self._user_id, "isServiceAccount": False,
        }  # fmt: skip


def _refused(error: str, status: str, message: str) -> HubSpotError:
    # The token endpoint says its own word where other answers say "error".
    refused = HubSpotError(400, message, error=error, error_description=message)
    refused.more["status"] = status
    return refused
