"""The only builder of HTTP sessions, and what a failed call means.

Owns time-outs, the total deadline, the size limit, fixed headers, the loopback override and the vendor-neutral table
from status to error. Refuses redirects, credentials from ``~/.netrc`` and any vendor's error codes. Invariant: no call
through a session made here lasts longer than its limits or reads more than its share of memory, a login included.
"""

from __future__ import annotations

import email.utils
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from connectors.deadline import POOL_CLASSES, Deadline
from connectors.errors import AuthFailed, Conflict, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.settings import Timeouts, base_url

T = TypeVar("T")
Headers = Mapping[str, str]
OnAnswer = Callable[[int, Headers], None]

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""More than the largest page either CRM sends (2,000 rows of a few KB) by an order of magnitude."""


class AnswerTooLarge(requests.exceptions.RequestException):
    """The body exceeded the session's limit; what was read is thrown away."""


class TookTooLong(requests.exceptions.ReadTimeout):
    """The call as a whole exceeded its deadline, although single reads did not."""


@lru_cache(maxsize=1)
def user_agent() -> str:
    """``sla-sidecar/VERSION``, so that a CRM's administrator can see who calls."""
    try:
        return f"sla-sidecar/{metadata.version('sla-sidecar')}"
    except metadata.PackageNotFoundError:  # run from a plain checkout
        return "sla-sidecar/dev"


class _Adapter(HTTPAdapter):
    """Sends one request within the limits, with the fixed headers, to the override when there is one."""

    def __init__(
        self, timeouts: Timeouts, headers: Headers, override: str | None, on_answer: OnAnswer | None, max_bytes: int
    ) -> None:
        self._timeouts = timeouts
        self._headers = dict(headers)
        self._override = urlsplit(override) if override else None
        self._on_answer = on_answer
        self._max_bytes = max_bytes
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = POOL_CLASSES
        return manager

    def send(self, request: requests.PreparedRequest, *_args: Any, **kwargs: Any) -> requests.Response:
        """The SDK's arguments are overruled where they would lift a limit; the answer's body is read here."""
        # Set here and not by the caller: simple-salesforce drops a caller's headers when it repeats a call after a 401.
        request.headers.update(self._headers)
        proxies = kwargs.get("proxies")
        if self._override is not None:
            request.url = _moved(request.url or "", self._override)
            proxies = {}  # this machine is never reached through a proxy
        limit = (self._timeouts.connect, self._timeouts.read)
        with Deadline(self._timeouts.total) as deadline:
            try:
                answer = super().send(
                    request,
                    stream=True,
                    timeout=limit,
                    verify=kwargs.get("verify", True),
                    cert=kwargs.get("cert"),
                    proxies=proxies,
                )
                self._read(answer)
            except AnswerTooLarge:
                raise
            except requests.exceptions.RequestException as error:
                if deadline.expired:
                    raise TookTooLong("the call exceeded its total deadline", request=request) from error
                raise
            if deadline.expired:
                # A body without a length ends silently when the socket is cut: it must not pass for a whole one.
                raise TookTooLong("the call exceeded its total deadline", request=request)
        if self._on_answer is not None:
            self._on_answer(answer.status_code, answer.headers)
        return answer

    def _read(self, answer: requests.Response) -> None:
        parts: list[bytes] = []
        size = 0
        for part in answer.iter_content(65536):
            size += len(part)
            if size > self._max_bytes:
                answer.close()
                raise AnswerTooLarge(f"the answer is larger than {self._max_bytes} bytes", response=answer)
            parts.append(part)
        answer._content = b"".join(parts)
        answer._content_consumed = True  # type: ignore[attr-defined]


def _moved(url: str, to: SplitResult) -> str:
    parts = urlsplit(url)
    return urlunsplit((to.scheme, to.netloc, to.path.rstrip("/") + parts.path, parts.query, ""))


class Session(requests.Session):
    """A requests session that follows no redirect and takes no credentials from the environment."""

    def __init__(self) -> None:
        super().__init__()
        self.auth = _as_it_is  # an auth of its own keeps requests from replacing Authorization by ~/.netrc's

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002  # whatever it says
        return None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def open_session(
    timeouts: Timeouts,
    *,
    headers: Headers | None = None,
    override: str | None = None,
    on_answer: OnAnswer | None = None,
    max_bytes: int = MAX_ANSWER_BYTES,
) -> Session:
    """A session whose every call is limited.

    ``headers`` go on every request and cannot be lost by an SDK's own repeats. ``override`` (an https URL, or http to
    this machine) replaces scheme and host of every request. ``on_answer(status, headers)`` sees every answer, errors
    included. The body is read whole before the call returns.
    """
    session = Session()
    fixed = {"User-Agent": user_agent(), **(headers or {})}
    adapter = _Adapter(timeouts, fixed, base_url(override) if override else None, on_answer, max_bytes)
    session.mount("https://", adapter)
    session.mount("http://", adapter if override else _NoPlainHttp())
    return session


class _NoPlainHttp(HTTPAdapter):
    def send(self, request: requests.PreparedRequest, *_args: Any, **_kwargs: Any) -> requests.Response:
        raise requests.exceptions.InvalidSchema("plain http is not spoken to a CRM", request=request)


def exchange(session: requests.Session, method: str, url: str, *, write: bool, **kwargs: Any) -> requests.Response:
    """One call. A failure of transport is raised as one of the five errors; the status is the caller's to judge."""
    try:
        return session.request(method, url, **kwargs)
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        # requests lets some of urllib3's own errors through, and ValueError for URLs it cannot split.
        raise failure(error, write=write) from error


def failure(error: Exception, *, write: bool) -> ConnectorError:
    """What a failure without an answer means. ``write``: the request may have taken effect if it was sent at all."""
    if isinstance(error, AnswerTooLarge):
        return Rejected(str(error), code="TOO_LARGE")
    if isinstance(error, requests.exceptions.InvalidSchema | requests.exceptions.InvalidURL):
        return Rejected("the address is not one that can be called: check `url`", code="BAD_URL")
    if isinstance(error, requests.exceptions.SSLError):
        return RetryLater("the server's certificate could not be verified", code="TLS")
    if (unreached := _never_sent(error)) is not None:
        reason, code = unreached
        return RetryLater(reason, code=code)
    if isinstance(error, requests.exceptions.Timeout):
        return RetryLater("the server did not answer in time", code="TIMEOUT", unknown=write)
    return RetryLater("the connection broke before the answer was complete", code="BROKEN", unknown=write)


def _never_sent(error: Exception) -> tuple[str, str] | None:
    """Why no connection came about at all, as urllib3 says, and our code for it; None when one did."""
    inner: object = error.args[0] if error.args else None
    name = type(getattr(inner, "reason", inner)).__name__
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "the server did not take the connection in time", "UNREACHABLE"
    return _UNREACHED.get(name)


_UNREACHED: Final = {
    "NewConnectionError": ("the server could not be reached", "UNREACHABLE"),
    "NameResolutionError": ("the server's name is not known", "DNS"),
    "ProxyError": ("the proxy on the way out could not be reached", "UNREACHABLE"),
}

RATE_LIMIT_WAIT_S: Final = 10.0
"""How long to wait after a 429 that does not say."""

_TABLE: Final[dict[int, tuple[type[ConnectorError], str]]] = {
    400: (Rejected, "the server refused the request"),
    401: (AuthFailed, "the credentials were refused"),
    403: (AuthFailed, "a permission is missing"),
    404: (Rejected, "there is no such thing on the server"),
    405: (Rejected, "the server does not know this method"),
    408: (RetryLater, "the server gave up waiting for the request"),
    409: (Conflict, "the record is in another state than expected"),
    410: (AuthFailed, "this version of the API has been withdrawn: set a newer one"),
    412: (Conflict, "the record has changed meanwhile"),
    413: (Rejected, "the request is too large"),
    414: (Rejected, "the request's address is too long"),
    415: (Rejected, "the server does not take this content type"),
    422: (Rejected, "the server refused the values"),
    423: (RetryLater, "the record is locked"),
    425: (RetryLater, "the server is not ready for the request"),
    429: (RateLimited, "the quota is used up"),
    431: (Rejected, "the request's headers are too large"),
}


def classify(status: int, body: bytes, headers: Headers, *, write: bool = False) -> ConnectorError:
    """What an answer means that is not a success, before any vendor's codes are looked at.

    ``write``: a 5xx to a write leaves open whether it took effect. A 2xx comes here when its body was not what it
    should be (HTML, half a document). The body's text is never repeated in the error.
    """
    after = retry_after(headers)
    if status == 429:
        return RateLimited(_TABLE[429][1], after=after if after is not None else RATE_LIMIT_WAIT_S, code="429")
    kind, reason = _TABLE.get(status, (None, ""))
    if kind is RetryLater or (kind is None and status >= 500):
        reason = reason or f"the server answered {status}"
        return RetryLater(reason, code=str(status), after=after, unknown=write and status not in {408, 423, 425})
    if kind is not None:
        return kind(reason, code=str(status))
    if 200 <= status < 300:
        what = "a web page" if body.lstrip()[:1] == b"<" else "something unreadable"
        return RetryLater(f"the server answered {what} instead of data", code=str(status), unknown=write)
    if 300 <= status < 400:
        return Rejected(f"the server answered {status} and points elsewhere: check the address", code=str(status))
    return Rejected(f"the server answered {status}", code=str(status))


def retry_after(headers: Headers) -> float | None:
    """Seconds of a Retry-After header, given as a number or as a date against the answer's own Date; None without."""
    lower = {name.lower(): value for name, value in headers.items()}
    value = lower.get("retry-after", "").strip()
    if not value:
        return None
    if value.replace(".", "", 1).isdigit() and value.isascii():
        return float(value)
    until, now = http_date(value), http_date(lower.get("date"))
    return max(0.0, (until - now) / 1000) if until is not None and now is not None else None


def http_date(value: str | None) -> int | None:
    """Epoch ms of an HTTP date such as an answer's Date header, or None."""
    if not value:
        return None
    try:
        return int(email.utils.parsedate_to_datetime(value).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class Patience:
    """How often a call is repeated at once, for faults that pass within seconds. Longer waits are the caller's."""

    attempts: int = 3
    first_s: float = 0.5
    longest_s: float = 4.0

    def run(self, call: Callable[[], T], *, idempotent: bool = True) -> T:
        """``call()``, repeated after a passing fault. Quota refusals leave at once, and so does a write that may have
        taken effect, unless it is idempotent."""

        def passing(error: BaseException) -> bool:
            if not isinstance(error, RetryLater) or isinstance(error, RateLimited):
                return False
            return (error.after or 0) <= self.longest_s and (idempotent or not error.unknown)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.after if isinstance(error, RetryLater) else None
            return max(backing_off(state), asked or 0.0)  # never sooner than the vendor said

        backing_off = wait_exponential(multiplier=self.first_s, max=self.longest_s) + wait_random(0, self.first_s)
        tries = Retrying(
            stop=stop_after_attempt(self.attempts), wait=wait, retry=retry_if_exception(passing), reraise=True
        )
        return tries(call)


IMPATIENT: Final = Patience(attempts=1)
"""No repeats at all: for tests, and where the outbox repeats anyway."""
