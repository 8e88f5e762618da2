"""simple-salesforce as its README says, but for two things: it is led to the practice org and watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

LOGIN = "/services/oauth2/token"


class Led(HTTPAdapter):
    """``sent`` are the requests that went out, ``limits`` the time-outs that were asked for. ``after(answer)`` is told
    of every answer."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._place = urlsplit(url).netloc
        self.sent: list[requests.PreparedRequest] = []
        self.limits: list[Any] = []
        self.after: Callable[[requests.Response], None] = lambda _answer: None

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(request.url or "")
        request.url = urlunsplit(("http", self._place, parts.path, parts.query, ""))
        self.sent.append(request)
        self.limits.append(options.get("timeout"))
        answer = super().send(request, **options)
        self.after(answer)
        return answer


def led(url: str) -> tuple[requests.Session, Led]:
    session, adapter = requests.Session(), Led(url)
    session.trust_env = False
    session.mount("https://", adapter)
    return session, adapter


def sdk(org: Any, **more: Any) -> tuple[Any, Led]:
    """The SDK, logged in by client credentials."""
    session, adapter = led(org.url)
    known = org.credentials
    keys = {"consumer_key": known["consumer_key"], "consumer_secret": known["consumer_secret"], "domain": "acme.my"}
    return Salesforce(version="66.0", session=session, **{**keys, **more}), adapter


def logins(org: Any) -> int:
    return int(org.emulator.counts[f"POST {LOGIN}"])
