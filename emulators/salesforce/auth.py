"""Sessions: how a client gets a token, what it is told when it may not, and when a token ends.

Owns OAuth, the identity page and the refusal of SOAP login. Refuses REST data.
Invariant: a token is good for exactly one active user until it expires, is revoked, or the user is deactivated.
Source: Salesforce Help, "OAuth Authorization Flows" and "OAuth 2.0 error codes"; session time-out 2 h of inactivity by
default; help article 005132110 for SOAP login().
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
from emulators.salesforce.errors import ApiError, invalid_session
from emulators.salesforce.org import Org
from emulators.salesforce.practice_key import verify
from emulators.salesforce.store import Store, Values

SESSION_MS: Final = 2 * 3600 * 1000
"""Inactivity after which a session ends."""
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
        self._org_id = org_id
        self._dice = random.Random(f"tokens {seed}")
        self._url = url
        self._sessions: dict[str, Session] = {}

    def open_session(self, user: str) -> str:
        """A fresh access token for a user."""
        token = f"{self._org_id[:15]}!AQ{self._dice.getrandbits(256):064x}"
        self._sessions[token] = Session(user, self._store.now_ms())
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

    def end_all(self) -> None:
        self._sessions.clear()

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
            "id": self.identity_url(user_id), "user_id": user_id, "organization_id": self._org_id,
            "username": user.get("Username"), "display_name": user.get("Name"), "email": user.get("Email"),
            "active": user.get("IsActive"), "user_type": "STANDARD", "sub": self.identity_url(user_id),
        }  # fmt: skip

    def identity_url(self, user_id: str) -> str:
        return f"{self._url()}/id/{self._org_id}/{user_id}"

    def _active(self, user_id: str) -> bool:
        return bool((self._store.get("User", user_id) or {}).get("IsActive"))

    def _grant(self, request: Request) -> Response:
        form = request.form()
        grants: dict[str, Callable[[Request, dict[str, str]], str]] = {
            "client_credentials": self._client_credentials, "password": self._password, JWT_GRANT: self._jwt,
        }  # fmt: skip
        grant = grants.get(form.get("grant_type", ""))
        if grant is None:
            raise Refusal("unsupported_grant_type", "grant type not supported")
        user = grant(request, form)
        if not self._active(user):
            raise Refusal("inactive_user", "user is inactive")
        answer = {
            "access_token": self.open_session(user), "signature": "cHJhY3RpY2U=", "instance_url": self._url(),
            "id": self.identity_url(user), "token_type": "Bearer", "scope": "api",
            "issued_at": str(self._store.now_ms()),
        }  # fmt: skip
        return Response(200, answer, {"Cache-Control": "no-store"})

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
        if not re.fullmatch(r"https?://[^/]+/?", str(claims.get("aud"))):
            raise Refusal("invalid_grant", "audience is invalid")
        user = self._user(claims.get("sub"))
        if user is None:
            raise Refusal("invalid_grant", "user hasn't approved this consumer")
        return str(user["Id"])

    def _user(self, username: str | None) -> Values | None:
        return next((row for row in self._store.rows("User") if row["Username"] == username), None)


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def soap_refusal() -> Response:
    """SOAP login() in an org where nobody has switched it on, which is how new orgs come."""
    message = (
        "SOAP API login() is disabled by default in this org. Contact the org administrator to enable SOAP API login()."
    )
    fault = (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        "<soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_OPERATION</faultcode>"
        f"<faultstring>INVALID_OPERATION: {message}</faultstring><detail><sf:UnexpectedErrorFault"
        ' xsi:type="sf:UnexpectedErrorFault"><sf:exceptionCode>INVALID_OPERATION</sf:exceptionCode>'
        f"<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:UnexpectedErrorFault></detail></soapenv:Fault>"
        "</soapenv:Body></soapenv:Envelope>"
    )
    return Response(500, fault.encode(), {"Content-Type": "text/xml;charset=UTF-8"})
