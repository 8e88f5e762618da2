"""The bearer token of a connection: one that an administrator made, or OAuth's.

Owns the choice between them, and the reading again of a key that was rotated. Refuses to make tokens: see ``oauth``.
Invariant: a token that is refused is told from one that lacks a scope, and is never asked for twice in a call.
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/account-service-keys
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol

from connectors.allowance import Allowance
from connectors.errors import AuthFailed
from connectors.hubspot.oauth import Renewing, TokenEndpoint
from connectors.hubspot.settings import HubSpotSettings
from connectors.secret import Secret

SENDABLE: Final = re.compile(r"[\x21-\x7e]+")
"""What a header can carry: a line break that came along with a pasted token cannot be sent."""


class Login(Protocol):
    """Where tokens come from. Safe to use from several threads."""

    def token(self) -> str:
        """A token that should be accepted now. Raises one of the five errors."""

    def another(self, refused: str) -> bool:
        """Whether ``token`` may give another one than the one that was just refused with a 401."""

    def scopes(self) -> list[str] | None:
        """The scopes that came with the token; None where it did not come with any."""

    def close(self) -> None: ...


class Standing:
    """The token of a service key or private app. It has no end, but can be rotated: HubSpot accepts the old one for
    seven days more, and whoever rotates writes the new one where the old one stood."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def token(self) -> str:
        text = self._token.reveal()
        if SENDABLE.fullmatch(text) is None:
            raise AuthFailed("the access token has a space or another sign that none has: store it alone", code="401")
        return text

    def another(self, refused: str) -> bool:
        try:
            self._token = self._token.again()
        except (OSError, ValueError):
            return False
        return self._token.reveal() != refused

    def scopes(self) -> list[str] | None:
        return None

    def close(self) -> None:
        pass


def login(settings: HubSpotSettings, clock: Callable[[], int], allowance: Allowance) -> Login:
    """The way of logging in that the settings choose."""
    if settings.access_token is not None:
        return Standing(settings.access_token)
    if settings.client_id is None or settings.client_secret is None or settings.refresh_token is None:
        raise ValueError("a HubSpot connection has an access token or all three of OAuth's")
    endpoint = TokenEndpoint(settings, clock, allowance)
    return Renewing(endpoint, settings.client_id, settings.client_secret, settings.refresh_token, clock)
