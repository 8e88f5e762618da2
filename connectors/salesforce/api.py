"""The wire to Salesforce: the session's life and the calls.

Owns when to log in, and the boundary behind which no foreign exception exists. Refuses to read rows or to decide.
Invariant: an expired session is renewed once per expiry, whoever notices; one call costs two logins at most, and a
session that is refused again right after a login ends the call.
Calls do not go through the SDK, so that bytes stay bytes, a 401 is handled here (the SDK repeats without the caller's
headers, and for ever in places) and no answer is parsed twice.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import requests

from connectors.allowance import EVERYTHING, Allowance
from connectors.base import Quota
from connectors.errors import ConnectorError, RateLimited, Rejected
from connectors.http import Patience, classify, exchange, http_date, open_session
from connectors.salesforce import names
from connectors.salesforce.bundle import Answer, bundle, unbundle
from connectors.salesforce.faults import call_error, error_code
from connectors.salesforce.login import Login, Opened
from connectors.salesforce.settings import SalesforceSettings

T = TypeVar("T")
E = TypeVar("E", bound=ConnectorError)

# Unanchored on purpose: the header may also carry "per-app-api-usage=17/250(appName=x)", in any order.
_USAGE: Final = re.compile(r"(?:^|[;,\s])(per-app-)?api-usage=(\d+)/(\d+)")
LOGINS_PER_CALL: Final = 2
"""Salesforce counts logins, and locks users out that log in too often."""


class _Turn:
    """One call with its repeats: how often it has logged in, and how many logins there were when it began."""

    def __init__(self, seen: int) -> None:
        self.seen = seen
        self.logins = 0


class Api:
    """One org's API. Calls may come from several threads; one of them logs in while the others wait."""

    def __init__(self, settings: SalesforceSettings, patience: Patience, allowance: Allowance) -> None:
        self._allowance = allowance
        self._settings = settings
        self._patience = patience
        self._lock = threading.Lock()
        self._opened: Opened | None = None
        self._tries = 0
        self._refusal: ConnectorError | None = None
        self._usage: dict[str, Quota] = {}
        self.server_at: int | None = None
        """The server's time in its last answer, epoch ms."""
        self.version = settings.api_version
        self.user: str | None = settings.integration_user
        """The id of the user we are, as the login told."""
        self.organization: str | None = None
        self._session = open_session(
            settings.timeouts, headers=names.WRITING, override=settings.url, on_answer=self._heard
        )
        self._login = Login(settings, self._session, lambda: allowance.take("login"))

    # ---- calls

    def get(
        self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A read of ``path`` (relative to the API's version), repeated at once after a passing fault."""
        return self._run(lambda turn: self._call(turn, "GET", path, params=params, headers=headers, write=False))

    def send(self, method: str, path: str, content: bytes) -> Answer:
        """A write. Repeated at once only when it cannot have taken effect; a lost answer is the outbox's to resolve."""
        return self._run(lambda turn: self._call(turn, method, path, content=content, write=True), idempotent=False)

    def query(self, soql: str, *, deleted: bool = True, rows: int = names.PAGE_ROWS) -> Answer:
        """One page of a query, as bytes, of at most ``rows`` (Salesforce makes them 200 at least). ``deleted``: with
        what lies in the recycle bin."""
        path = names.QUERY_ALL if deleted else names.QUERY
        options = {names.QUERY_OPTIONS: f"batchSize={rows}"}
        return self.get(path, {"q": soql}, options)

    def queries(self, soqls: Sequence[str]) -> list[Answer]:
        """The first page of several queries, up to five in one call; raises what the first failed one means."""
        answers: list[Answer] = []
        for found in self.each_query(soqls):
            if isinstance(found, ConnectorError):
                raise found
            answers.append(found)
        return answers

    def each_query(self, soqls: Sequence[str]) -> list[Answer | ConnectorError]:
        """As ``queries``, with the error of a query in its place; raises only what befalls a whole call."""
        return self.each_page([(soql, names.PAGE_ROWS) for soql in soqls])

    def each_page(self, soqls: Sequence[tuple[str, int]]) -> list[Answer | ConnectorError]:
        """As ``each_query``, each query with the most rows that its page may have."""
        found: list[Answer | ConnectorError] = []
        for start in range(0, len(soqls), names.QUERIES_PER_CALL):
            some = soqls[start : start + names.QUERIES_PER_CALL]
            if len(some) == 1:
                try:
                    found.append(self.query(some[0][0], rows=some[0][1]))
                except Rejected as error:
                    found.append(error)
            else:
                found += self._together(some)
        return found

    def _together(self, soqls: Sequence[tuple[str, int]]) -> list[Answer | ConnectorError]:
        content = bundle(self._settings.api_version, soqls)
        whole = self._run(lambda turn: self._call(turn, "POST", names.COMPOSITE, content=content, write=False))
        found = unbundle(whole, len(soqls))
        return [self.told(one) if isinstance(one, ConnectorError) else one for one in found]

    def bulk(
        self, method: str, path: str, *, content: bytes | None = None, params: Mapping[str, str] | None = None
    ) -> Answer:
        """A call about a bulk query job; the body is the caller's to judge, for results are CSV. Repeated at once after
        a passing fault: a job that was made twice is only one too many."""
        options = {"params": params, "headers": {"Accept": "text/csv" if params else "application/json"}}
        return self._run(
            lambda turn: self._call(
                turn, method, path, content=content, write=False, endpoint="bulk", any_body=True, **options
            )
        )

    def metadata(self, envelope: Callable[[str], bytes]) -> bytes:
        """A read of the Metadata API, which speaks SOAP alone. ``envelope(session)`` is the request's body, for the
        session stands in it. Raises Rejected when the org refuses, mostly for lack of a permission."""

        def call(turn: _Turn) -> bytes:
            opened = self._current(turn)
            path = names.METADATA.format(version=self._settings.api_version)
            answer = self._request(
                opened, "POST", path, write=False, content=envelope(opened.token), headers=names.SOAP_HEADERS
            )
            if answer.status_code == 500 and b"faultcode" in answer.content:
                raise Rejected("the Metadata API refuses it", code="METADATA")
            if answer.status_code != 200:
                raise call_error(answer.status_code, answer.content, answer.headers, write=False)
            return answer.content

        return self._run(call)

    def versions(self) -> Answer:
        """The versions that this instance speaks."""
        return self.get(names.VERSIONS)

    def told(self, error: E) -> E:
        """The error; a wait that it tells of is kept for every call, in whatever part of an answer it stood."""
        if isinstance(error, RateLimited):
            self._allowance.refused(EVERYTHING, error.after)
        return error

    def quota(self) -> list[Quota]:
        """What the last answers said of the allowance."""
        return list(self._usage.values())

    def ensure_login(self) -> None:
        """Logs in unless there is a session. Raises AuthFailed with the fix in ``fix``, or RetryLater."""
        self._run(self._current)

    def session(self, worn: Opened | None = None) -> Opened:
        """The session, for another wire to the same org; another one than ``worn``, which that wire refused."""
        return self._run(lambda turn: self._current(turn, worn))

    def close(self) -> None:
        self._session.close()

    def _run(self, call: Callable[[_Turn], T], *, idempotent: bool = True) -> T:
        turn = _Turn(self._tries)
        return self._patience.run(lambda: call(turn), idempotent=idempotent)

    def _call(
        self, turn: _Turn, method: str, path: str, *, write: bool, content: bytes | None = None,
        any_body: bool = False, **options: Any,
    ) -> Answer:  # fmt: skip
        opened = self._current(turn)
        answer = self._request(opened, method, path, write=write, content=content, **options)
        if answer.status_code == 401 and _session_over(answer.content):
            # Not executed, so safe to send again, writes included; but once only.
            opened = self._current(turn, worn=opened)
            answer = self._request(opened, method, path, write=write, content=content, **options)
        if not 200 <= answer.status_code < 300:
            raise self.told(call_error(answer.status_code, answer.content, answer.headers, write=write))
        if not any_body and answer.content.lstrip()[:1] not in (b"{", b"["):
            raise classify(answer.status_code, answer.content, answer.headers, write=write)
        return Answer(answer.content, http_date(answer.headers.get("date")), answer.headers)

    def _request(
        self, opened: Opened, method: str, path: str, *, write: bool, content: bytes | None,
        params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, endpoint: str = "rest",
    ) -> requests.Response:  # fmt: skip
        """The boundary: whatever goes wrong on the wire comes out as one of the five errors."""
        self._allowance.take(endpoint)
        base = "" if path.startswith("/") else f"{names.VERSIONS}v{self._settings.api_version}/"
        heads = {
            "Authorization": f"Bearer {opened.token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
            **(headers or {}),
        }
        url = f"https://{opened.host}{base}{path}"
        return exchange(self._session, method, url, write=write, headers=heads, params=params, data=content)

    # ---- the session

    def _current(self, turn: _Turn, worn: Opened | None = None) -> Opened:
        """A session other than ``worn``. Of many threads that need one, the first logs in, and what comes of that, a
        refusal too, is for all whose calls had begun."""
        with self._lock:
            if self._opened is not None and self._opened is not worn:
                return self._opened
            if self._refusal is not None and (self._tries != turn.seen or turn.logins >= LOGINS_PER_CALL):
                raise self._refusal.with_traceback(None)
            turn.logins += 1
            turn.seen = self._tries + 1
            return self._renewed()

    def _renewed(self) -> Opened:
        """A new session. The caller holds the lock."""
        self._opened = self._refusal = None
        self._tries += 1
        try:
            self._opened = opened = self._login.open()
        except ConnectorError as error:
            self._refusal = error
            raise
        self.organization = opened.organization or self.organization
        self.user = self._settings.integration_user or opened.user or self.user
        return opened

    # ---- what every answer tells

    def _heard(self, status: int, headers: Mapping[str, str]) -> None:  # noqa: ARG002
        self.server_at = http_date(headers.get("date")) or self.server_at
        for per_app, used, limit in _USAGE.findall(headers.get(names.LIMIT_INFO, "")):
            window = "day, this app" if per_app else "day"
            self._usage[window] = Quota(window, int(used), int(limit), self.server_at or 0)
            self._allowance.heard(window, int(used), int(limit))


def _session_over(body: bytes) -> bool:
    """Only INVALID_SESSION_ID is worth a login; a body of any other shape is, too, since it tells nothing."""
    return error_code(body)[0] in {"", "INVALID_SESSION_ID"}
