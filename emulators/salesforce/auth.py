"""Sessions: how a client gets a token, what it is told when it may not, and when a token ends.

Owns OAuth and the identity page. Refuses REST data.
Invariant: a token is good for exactly one active user until it expires, is revoked, or the user is deactivated; with
rotation a refresh token is good once.
Source: Salesforce Help, "OAuth Authorization Flows", "OAuth 2.0 error codes" and "OAuth 2.0 Refresh Token Flow for
Renewed Sessions"; session time-out 2 h of inactivity by default. What a frozen user is told is assumed.
"""

from __future__ import annotations

import base64
import binascii
import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from emulators.http import Request, Response
from emulators.salesforce.doors import Doors
from emulators.salesforce.errors import ApiError, invalid_session
from emulators.salesforce.org import Org
from emulators.salesforce.practice_key import verify
from emulators.salesforce.soap_login import Refused
from emulators.salesforce.store import Store, Values

SESSION_MS: Final = 2 * 3600 * 1000
"""Inactivity after which a session ends."""
HOUR_MS: Final = 3600 * 1000
JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CONSUMER_KEY: Final = "3MVG9practice.org.sla.sidecar"
CONSUMER_SECRET: Final = "practice-consumer-secret"  # noqa: S105 - opens nothing but emulators on loopback
PASSWORD: Final = "practice-password"  # noqa: S105
SECURITY_TOKEN: Final = "practicetoken"  # noqa: S105


@dataclass(slots=True)
class Session:
    user: str
    used_ms: int


class Refusal(Exception):
    """An OAuth error: HTTP 400 with ``error`` and ``error_description``."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


class Auth:
    """``url`` gives the address clients reach the org at; it becomes ``instance_url``."""

    def __init__(self, store: Store, org: Org, org_id: str, seed: int, url: Callable[[], str]) -> None:
        self._store = store
        self._org = org
        self.org_id = org_id
        self._dice = random.Random(f"tokens {seed}")
        self._url = url
        self.doors = Doors()
        self._sessions: dict[str, Session] = {}
        self._refresh_tokens: dict[str, str] = {}
        self._logins: list[tuple[str, int]] = []

    @property
    def url(self) -> str:
        """The address clients reach the org at."""
        return self._url()

    def open_session(self, user: str) -> str:
        """A fresh access token for a user."""
        token = f"{self.org_id[:15]}!AQ{self._dice.getrandbits(256):064x}"
        self._sessions[token] = Session(user, self._store.now_ms())
        same = [one for one, session in self._sessions.items() if session.user == user]
        if self.doors.session_cap is not None:
            for oldest in same[: -self.doors.session_cap]:
                del self._sessions[oldest]
        return token

    def refresh_token(self, user: str) -> str:
        """What a web server flow leaves with its client."""
        token = f"5Aep861{self._dice.getrandbits(256):064x}"
        self._refresh_tokens[token] = user
        return token

    def session(self, request: Request) -> Session:
        """The session a request belongs to; its use keeps it alive. Raises ApiError 401."""
        token = self.token(request)
        if token is None:
            raise ApiError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        return self.session_of(token)

    def session_of(self, token: str) -> Session:
        """The session of a token, wherever it stood in the request."""
        session, now = self._sessions.get(token), self._store.now_ms()
        if session is None or now - session.used_ms > SESSION_MS or not self._active(session.user):
            self._sessions.pop(token, None)
            raise invalid_session()
        session.used_ms = now
        return session

    def token(self, request: Request) -> str | None:
        found = re.fullmatch(r"(?:Bearer|OAuth) (\S+)", request.headers.get("authorization", ""))
        return found[1] if found else None

    def end(self, token: str | None) -> bool:
        """Ends a session; whether there was one."""
        return self._sessions.pop(token or "", None) is not None

    def end_all(self, *, grants: bool = False) -> None:
        """``grants``: refresh tokens too."""
        self._sessions.clear()
        if grants:
            self._refresh_tokens.clear()

    def oauth(self, request: Request, path: list[str]) -> Response:
        """``/services/oauth2/…``"""
        if path == ["token"] and request.method == "POST":
            try:
                return self._grant(request)
            except Refusal as refusal:
                return Response(400, {"error": refusal.error, "error_description": refusal.description})
        if path == ["revoke"]:
            given = (
                request.form() if request.method == "POST" else {name: one[0] for name, one in request.query.items()}
            )
            if self.end(given.get("token")):
                return Response(200)
            return Response(
                400, {"error": "unsupported_token_type", "error_description": "this token type is not supported"}
            )
        if path == ["userinfo"]:
            return Response(200, self.identity(self.session(request).user))
        return Response(404, {"error": "unsupported_grant_type", "error_description": "no such OAuth endpoint here"})

    def identity(self, user_id: str) -> Values:
        """What the identity URL tells of a user."""
        user = self._store.get("User", user_id) or {}
        return {
            "id": self.identity_url(user_id), "user_id": user_id, "organization_id": self.org_id,
            "username": user.get("Username"), "display_name": user.get("Name"), "email": user.get("Email"),
            "active": user.get("IsActive"), "user_type": "STANDARD", "sub": self.identity_url(user_id),
        }  # fmt: skip

    def identity_url(self, user_id: str) -> str:
        return f"{self.url}/id/{self.org_id}/{user_id}"

    def _active(self, user_id: str) -> bool:
        return bool((self._store.get("User", user_id) or {}).get("IsActive")) and user_id not in self.doors.frozen

    def _grant(self, request: Request) -> Response:
        form = request.form()
        grants: dict[str, Callable[[Request, dict[str, str]], str]] = {
            "client_credentials": self._client_credentials, "password": self._password, JWT_GRANT: self._jwt,
            "refresh_token": self._refreshed,
        }  # fmt: skip
        grant = grants.get(form.get("grant_type", ""))
        if grant is None:
            raise Refusal("unsupported_grant_type", "grant type not supported")
        user = grant(request, form)
        self._admit(user)
        answer = {
            "access_token": self.open_session(user), "signature": "cHJhY3RpY2U=", "instance_url": self.url,
            "id": self.identity_url(user), "token_type": "Bearer", "scope": "api",
            "issued_at": str(self._store.now_ms()),
        }  # fmt: skip
        if form["grant_type"] == "refresh_token" and self.doors.rotation:
            del self._refresh_tokens[form["refresh_token"]]
            answer["refresh_token"] = self.refresh_token(user)
        return Response(200, answer, {"Cache-Control": "no-store"})

    def _admit(self, user: str) -> None:
        """Whether the user may log in now; counts the login."""
        if user in self.doors.frozen:
            raise Refusal("invalid_grant", "user is frozen")
        if not self._active(user):
            raise Refusal("inactive_user", "user is inactive")
        now = self._store.now_ms()
        self._logins = [(who, at) for who, at in self._logins if at > now - HOUR_MS]
        if sum(who == user for who, _ in self._logins) >= self.doors.logins_an_hour:
            raise Refusal("invalid_grant", "login rate exceeded")
        self._logins.append((user, now))

    def soap_session(self, username: str, password: str) -> tuple[str, str]:
        """Session and user id for a SOAP login. Raises ``soap_login.Refused``."""
        user = self._user(username)
        if user is None or password != PASSWORD + SECURITY_TOKEN:
            raise Refused("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
        try:
            self._admit(str(user["Id"]))
        except Refusal as refusal:
            raise Refused("INVALID_LOGIN", refusal.description) from None
        return self.open_session(str(user["Id"])), str(user["Id"])

    def _refreshed(self, request: Request, form: dict[str, str]) -> str:  # noqa: ARG002
        if form.get("client_id") != CONSUMER_KEY:
            raise Refusal("invalid_client_id", "client identifier invalid")
        if form.get("client_secret", CONSUMER_SECRET) != CONSUMER_SECRET:
            raise Refusal("invalid_client", "invalid client credentials")
        user = self._refresh_tokens.get(form.get("refresh_token", ""))
        if user is None:
            raise Refusal("invalid_grant", "expired access/refresh token")
        return user

    def _client(self, request: Request, form: dict[str, str]) -> None:
        key, secret = form.get("client_id"), form.get("client_secret")
        basic = re.fullmatch(r"Basic (\S+)", request.headers.get("authorization", ""))
        if basic:
            try:
                key, _, secret = base64.b64decode(basic[1]).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise Refusal("invalid_client", "invalid client credentials") from None
        if key != CONSUMER_KEY:
            raise Refusal("invalid_client_id", "client identifier invalid")
        if secret != CONSUMER_SECRET:
            raise Refusal("invalid_client", "invalid client credentials")

    def _client_credentials(self, request: Request, form: dict[str, str]) -> str:
        self._client(request, form)
        if self._org.run_as is None:
            raise Refusal("invalid_grant", "no client credentials user enabled")
        return self._org.run_as

    def _password(self, request: Request, form: dict[str, str]) -> str:
        self._client(request, form)
        user = self._user(form.get("username"))
        if user is None or form.get("password") not in (PASSWORD, PASSWORD + SECURITY_TOKEN):
            raise Refusal("invalid_grant", "authentication failure")
        return str(user["Id"])

    def _jwt(self, request: Request, form: dict[str, str]) -> str:  # noqa: ARG002
        head, _, signature = form.get("assertion", "").rpartition(".")
        try:
            claims: dict[str, Any] = json.loads(_unbase64(head.split(".")[1]))
            genuine = verify(head.encode(), _unbase64(signature))
            # The client dates its assertion by its own clock, so this one is judged by real time, not emulated time.
            fresh = int(claims.get("exp", 0)) >= time.time()
        except (ValueError, IndexError, AttributeError):
            raise Refusal("invalid_grant", "invalid assertion") from None
        if claims.get("iss") != CONSUMER_KEY:
            raise Refusal("invalid_client_id", "client identifier invalid")
        if not genuine or not fresh:
            raise Refusal("invalid_grant", "invalid assertion" if not genuine else "expired assertion")
        if refused := self.doors.refusal(str(claims.get("aud"))):
            raise Refusal(*refused)
        user = self._user(claims.get("sub"))
        if user is None:
            raise Refusal("invalid_grant", "user hasn't approved this consumer")
        return str(user["Id"])

    def _user(self, username: str | None) -> Values | None:
        return next((row for row in self._store.rows("User") if row["Username"] == username), None)


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
