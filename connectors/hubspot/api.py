"""Every call to HubSpot, through hubspot-api-client.

Owns the SDK's client, its time-outs, the server's clock and the quota headers. Refuses the SDK's models (they cost
twenty times a plain decode), its exceptions, its hidden sleeping and its hold on logging. Invariant: a call ends within
``timeouts.total`` with bytes of a 2xx answer or with one of the five errors; the SDK is imported on first use.

One generic layer serves all API versions: the SDK's own ``ApiClient.call_api``, which every typed method ends in. It
carries token, host, serialisation and connections, and takes a path, so one setting decides all paths.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any, Final, TypeVar

import msgspec
import requests.utils
import urllib3.exceptions

from connectors.allowance import EVERYTHING, Allowance
from connectors.base import Quota
from connectors.deadline import POOL_CLASSES, Deadline
from connectors.errors import AuthFailed, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.http import Patience, classify, http_date, user_agent
from connectors.hubspot.answers import TOKEN_REFUSED, understand
from connectors.hubspot.login import login
from connectors.hubspot.names import HOST, TOKEN_INFO, Paths
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.shapes import TokenInfo
from connectors.hubspot.wire import Refused, guard, read

T = TypeVar("T")

SAME_TIME_MS: Final = 500
"""What a call may take before its answer's Date counts as another time than ours."""

JSON: Final = {"Accept": "application/json", "Content-Type": "application/json"}

_QUOTA_HEADERS: Final = (
    ("day", "x-hubspot-ratelimit-daily", "x-hubspot-ratelimit-daily-remaining"),
    ("10s", "x-hubspot-ratelimit-max", "x-hubspot-ratelimit-remaining"),
)
_NEVER_SENT: Final = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
)


class HubSpotApi:
    """One portal. ``zone`` is its IANA time zone once known; ``skew_ms`` what its clock is ahead of ours."""

    def __init__(
        self, settings: HubSpotSettings, clock: Callable[[], int], patience: Patience, allowance: Allowance
    ) -> None:
        self._allowance = allowance
        self.paths = Paths(settings.api_version)
        self.zone: str | None = None
        self.skew_ms: int | None = None
        self._settings = settings
        self._clock = clock
        self._patience = patience
        self._login = login(settings, clock, allowance)
        self._client: Any = None
        self._making = Lock()
        self._quota: dict[str, Quota] = {}

    def now(self) -> int:
        """The server's time in epoch ms, as of its last answer; ours before the first."""
        return self._clock() + (self.skew_ms or 0)

    def quota(self) -> list[Quota]:
        return list(self._quota.values())

    def close(self) -> None:
        if self._client is not None:
            self._client.rest_client.pool_manager.clear()
            self._client.close()
            self._client = None
        self._login.close()

    # ---- the two ways of asking

    def get(self, type: type[T], path: str, query: Mapping[str, str] | None = None) -> T:
        """Reads ``path``. Repeated within the call when the fault is a passing one."""
        return self._patience.run(lambda: self._typed(type, "GET", path, query, None, write=False))

    def post(
        self,
        type: type[T],
        path: str,
        body: Any,
        *,
        query: Mapping[str, str] | None = None,
        write: bool = False,
    ) -> T:
        """Posts ``body``. ``write``: it changes the CRM, and is not repeated when it may have taken effect."""

        return self._patience.run(
            lambda: self._typed(type, "POST", path, query, body, write=write), idempotent=not write
        )

    def scopes(self) -> frozenset[str] | None:
        """The scopes that the token holds; None where HubSpot does not tell. OAuth's answer lists them; a static token
        is sent to the endpoint that tells of it, which takes no scope of its own.
        https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview"""
        token = self._login.token()
        told = self._login.scopes()
        if told is None:
            try:
                told = self.post(TokenInfo, TOKEN_INFO, {"tokenKey": token}).scopes
            except Rejected:
                return None
        return frozenset(told) or None

    def _typed(
        self, type: type[T], method: str, path: str, query: Mapping[str, str] | None, body: Any, *, write: bool
    ) -> T:
        status, headers, answer = self._once(method, path, query, body, write=write)
        try:
            return msgspec.json.decode(answer, type=type)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise classify(status, answer, headers, write=write) from error

    # ---- one call

    def _once(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Any, *, write: bool
    ) -> tuple[int, Mapping[str, str], bytes]:
        """With another token once more, where the first was refused and there is one: a 401 has changed nothing."""
        token = self._login.token()
        try:
            return self._call(token, method, path, query, body, write=write)
        except AuthFailed as refused:
            if refused.code not in TOKEN_REFUSED or not self._login.another(token):
                raise
        return self._call(self._login.token(), method, path, query, body, write=write)

    def _call(
        self, token: str, method: str, path: str, query: Mapping[str, str] | None, body: Any, *, write: bool
    ) -> tuple[int, Mapping[str, str], bytes]:
        limits = self._settings.timeouts
        endpoint = "search" if path.endswith("/search") else "rest"
        self._allowance.take(endpoint)
        with Deadline(limits.total) as deadline:
            try:
                response = self._sdk().call_api(
                    path,
                    method,
                    query_params=list((query or {}).items()),
                    header_params={**JSON, "Authorization": f"Bearer {token}"},
                    body=body,
                    auth_settings=[],  # the client's own token would stay the one that it was made with
                    _preload_content=False,
                    _request_timeout=(limits.connect, limits.read),
                )
                answer = read(response)
            except ConnectorError:
                raise
            except Exception as error:
                # The one boundary: the SDK raises unrelated classes per package, urllib3's, and AttributeError for TLS
                # failures. All are told apart by what they carry.
                failure = self._failure(error, expired=deadline.expired, write=write)
                if isinstance(failure, RateLimited):
                    self._allowance.refused(EVERYTHING if failure.code == "DAILY" else endpoint, failure.after)
                raise failure from error
            if deadline.expired:  # a body without a length ends silently when the socket is cut
                raise RetryLater("HubSpot did not answer in time", code="TIMEOUT", unknown=write)
        headers = {name.lower(): value for name, value in response.headers.items()}
        self._note(headers)
        return response.status, headers, answer

    def _failure(self, error: Exception, *, expired: bool, write: bool) -> ConnectorError:
        if isinstance(error, Refused):
            headers = {name.lower(): value for name, value in error.headers.items()}
            self._note(headers)
            return understand(error.status, error.body, headers, now=self.now(), zone=self.zone, write=write)
        if expired or isinstance(error, urllib3.exceptions.ReadTimeoutError):
            return RetryLater("HubSpot did not answer in time", code="TIMEOUT", unknown=write)
        if isinstance(error, _NEVER_SENT):
            return RetryLater("HubSpot could not be reached", code="UNREACHABLE")
        if _is_of_tls(error):
            return RetryLater("HubSpot's certificate could not be verified", code="TLS")
        if isinstance(error, urllib3.exceptions.LocationParseError | urllib3.exceptions.URLSchemeUnknown):
            return Rejected("the address is not one that can be called: check `url`", code="BAD_URL")
        return RetryLater(f"the connection broke ({type(error).__name__})", code="BROKEN", unknown=write)

    def _note(self, headers: Mapping[str, str]) -> None:
        date = http_date(headers.get("date"))
        if date is not None:
            # A Date has whole seconds and is as old as the answer's way here: within that, our clock is right.
            behind = self._clock() - date
            self.skew_ms = 0 if -SAME_TIME_MS < behind < 1000 + SAME_TIME_MS else 500 - behind
        for window, limit, left in _QUOTA_HEADERS:
            most, rest = headers.get(limit, ""), headers.get(left, "")
            if most.isdigit() and rest.isdigit():
                used = max(0, int(most) - int(rest))
                self._quota[window] = Quota(window, used, int(most), self._clock())
                self._allowance.heard(window, used, int(most))

    # ---- the SDK

    def _sdk(self) -> Any:
        with self._making:
            return self._made()

    def _made(self) -> Any:
        if self._client is None:
            with _logging_kept():
                from hubspot import Client

                client = Client.create(
                    host=self._settings.url or HOST,
                    base_url=self._settings.url or HOST,
                    retry=False,
                    ssl_ca_cert=requests.utils.DEFAULT_CA_BUNDLE_PATH,
                )
                # Every access to such a property builds another client with connections of its own: take one, once.
                self._client = client.crm.objects.basic_api.api_client
            self._client.user_agent = user_agent()
            pool = self._client.rest_client.pool_manager
            pool.pool_classes_by_scheme = POOL_CLASSES
            guard(pool)
        return self._client


def _is_of_tls(error: Exception) -> bool:
    """The SDK tells of a failed certificate by the status 0, and then stumbles over the body that is not there."""
    told = error if hasattr(error, "status") else error.__context__
    return getattr(told, "status", None) == 0


@contextlib.contextmanager
def _logging_kept() -> Iterator[None]:
    """Undoes what the SDK's Configuration does to everyone's logging: urllib3 to WARNING, http.client to silence."""
    loggers = [logging.getLogger(name) for name in ("urllib3", "hubspot.crm.objects")]
    levels = [logger.level for logger in loggers]
    debug = http.client.HTTPConnection.debuglevel
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        http.client.HTTPConnection.debuglevel = debug
