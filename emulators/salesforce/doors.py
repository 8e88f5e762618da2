"""What an administrator has set up about logging in: rotation, caps, who is frozen, whether SOAP may.

Owns these settings and the orders ``logins``, ``revoke_sessions``, ``block_user`` and ``unblock_user``. Refuses to let
anybody in or out by itself. Invariant: a fresh org rotates refresh tokens and has SOAP login() off, as new ones have.
Source: Salesforce Help, "OAuth 2.0 Refresh Token Flow for Renewed Sessions", "Freeze or Unfreeze User Accounts", "Login
Rate Limits"; that 3,600 logins an hour are allowed and that the oldest session ends when there are too many is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from emulators.core import Refused


@dataclass(slots=True)
class Doors:
    """``expired_as`` is the shape of a 401: list, dict or html. ``audience``: ``login``, ``test`` or ``my_domain`` if
    the app takes a JWT for nothing else (as External Client Apps since Spring '26, https://github.com/n8n-io/n8n/
    issues/28990), ``any`` where it does not care."""

    rotation: bool = True
    session_cap: int | None = None
    logins_an_hour: int = 3_600
    soap: bool = False
    expired_as: str = "list"
    audience: str = "any"
    frozen: set[str] = field(default_factory=set)

    def change(self, order: Mapping[str, Any]) -> None:
        """``{"do": "logins", …}`` with any of the settings."""
        known = {one.name for one in fields(self)} - {"frozen"}
        if unknown := set(order) - {"do", *known}:
            raise Refused(f"unknown setting {min(unknown)!r}; known: {', '.join(sorted(known))}")
        if order.get("expired_as", "list") not in {"list", "dict", "html"}:
            raise Refused(f"a 401 has the body list, dict or html, not {order['expired_as']!r}")
        if order.get("audience", "any") not in {"any", "login", "test", "my_domain"}:
            raise Refused(f"an audience is any, login, test or my_domain, not {order['audience']!r}")
        for name in known & set(order):
            setattr(self, name, order[name])

    def refusal(self, audience: str) -> tuple[str, str] | None:
        """What a JWT for ``audience`` is told that the app does not take: OAuth's error and its description."""
        host = re.fullmatch(r"https?://([^/]+)/?", audience)
        common = {"login.salesforce.com": "login", "test.salesforce.com": "test"}
        meant = common.get(host[1], "my_domain") if host else None
        if meant is None or (self.audience in {"login", "test"} and meant != self.audience):
            return "invalid_grant", "audience is invalid"
        if self.audience == "my_domain" and meant != self.audience:
            return "app_not_found", "External client app is not installed in this org"
        return None
