"""The wire to Salesforce: login, session, calls. The only importer of simple-salesforce.

Owns the session's life and the boundary behind which no foreign exception exists. Refuses to read rows or to decide.
Invariant: an expired session is renewed once per expiry, whoever notices, and a session that is refused again right
after a login ends the call.
The SDK logs in and knows the URLs; the calls themselves go through its session, so that bytes stay bytes, a 401 is
handled here (the SDK repeats without the caller's headers, and for ever in places) and no answer is parsed twice.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
import requests

from connectors.allowance import Allowance
from connectors.base import Quota
from connectors.errors import AuthFailed, ConnectorError, Rejected, RetryLater
from connectors.http import Patience, classify, exchange, failure, http_date, open_session
from connectors.salesforce import names
from connectors.salesforce.bundle import Answer, bundle, unbundle
from connectors.salesforce.faults import call_error, error_code, login_error
from connectors.salesforce.settings import SalesforceSettings

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

# Unanchored on purpose: the header may also carry "per-app-api-usage=17/250(appName=x)", in any order.
_USAGE: Final = re.compile(r"(?:^|[;,\s])(per-app-)?api-usage=(\d+)/(\d+)")
_LOGIN_PATH: Final = "/services/oauth2/token"


class _Token(msgspec.Struct):
    id: str = ""
    instance_url: str = ""


class Api:
    """One org's API. Calls may come from several threads; one of them logs in while the others wait."""

    def __init__(self, settings: SalesforceSettings, patience: Patience, allowance: Allowance) -> None:
        self._allowance = allowance
        self._settings = settings
        self._patience = patience
        self._lock = threading.Lock()
        self._salesforce: Salesforce | None = None
        self._opened = 0
        self._usage: dict[str, Quota] = {}
        self.server_at: int | None = None
        """The server's time in its last answer, epoch ms."""
        self.user: str | None = settings.integration_user
        """The id of the user we are, as the login told."""
        self.organization: str | None = None
        self._session = open_session(
            settings.timeouts,
            headers={names.AUTO_ASSIGN: "FALSE"},
            override=settings.url,
            on_answer=self._heard,
        )
        self._session.hooks["response"].append(self._overheard)

    # ---- calls

    def get(
        self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A read of ``path`` (relative to the API's version), repeated at once after a passing fault."""
        return self._patience.run(lambda: self._call("GET", path, params=params, headers=headers, write=False))

    def send(self, method: str, path: str, content: bytes) -> Answer:
        """A write. Repeated at once only when it cannot have taken effect; a lost answer is the outbox's to resolve."""
        return self._patience.run(lambda: self._call(method, path, content=content, write=True), idempotent=False)

    def query(self, soql: str, *, deleted: bool = True) -> Answer:
        """One page of a query, as bytes. ``deleted``: with what lies in the recycle bin."""
        path = names.QUERY_ALL if deleted else names.QUERY
        options = {names.QUERY_OPTIONS: f"batchSize={names.PAGE_ROWS}"}
        return self._patience.run(lambda: self._call("GET", path, params={"q": soql}, headers=options, write=False))

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
        found: list[Answer | ConnectorError] = []
        for start in range(0, len(soqls), names.QUERIES_PER_CALL):
            some = soqls[start : start + names.QUERIES_PER_CALL]
            if len(some) == 1:
                try:
                    found.append(self.query(some[0]))
                except Rejected as error:
                    found.append(error)
            else:
                found += self._together(some)
        return found

    def _together(self, soqls: Sequence[str]) -> list[Answer | ConnectorError]:
        content = bundle(self._settings.api_version, soqls)
        whole = self._patience.run(lambda: self._call("POST", names.COMPOSITE, content=content, write=False))
        return unbundle(whole, len(soqls))

    def bulk(
        self, method: str, path: str, *, content: bytes | None = None, params: Mapping[str, str] | None = None
    ) -> Answer:
        """A call about a bulk query job; the body is the caller's to judge, for results are CSV. Repeated at once after
        a passing fault: a job that was made twice is only one too many."""
        options = {"params": params, "headers": {"Accept": "text/csv" if params else "application/json"}}
        return self._patience.run(
            lambda: self._call(method, path, content=content, write=False, endpoint="bulk", any_body=True, **options)
        )

    def versions(self) -> Answer:
        """The versions that this instance speaks."""
        return self._patience.run(lambda: self._call("GET", names.VERSIONS, write=False))

    def quota(self) -> list[Quota]:
        """What the last answers said of the allowance."""
        return list(self._usage.values())

    def ensure_login(self) -> None:
        """Logs in unless there is a session. Raises AuthFailed with the fix in ``fix``, or RetryLater."""
        self._patience.run(self._current)

    def close(self) -> None:
        self._session.close()

    def _call(
        self, method: str, path: str, *, write: bool, content: bytes | None = None, any_body: bool = False,
        **options: Any,
    ) -> Answer:  # fmt: skip
        salesforce, opened = self._current()
        answer = self._request(salesforce, method, path, write=write, content=content, **options)
        if answer.status_code == 401 and _session_over(answer.content):
            # Not executed, so safe to send again, writes included; but once only.
            salesforce, _ = self._renewed(opened)
            answer = self._request(salesforce, method, path, write=write, content=content, **options)
        if not 200 <= answer.status_code < 300:
            raise call_error(answer.status_code, answer.content, answer.headers, write=write)
        if not any_body and answer.content.lstrip()[:1] not in (b"{", b"["):
            raise classify(answer.status_code, answer.content, answer.headers, write=write)
        return Answer(answer.content, http_date(answer.headers.get("date")), answer.headers)

    def _request(
        self, salesforce: Salesforce, method: str, path: str, *, write: bool, content: bytes | None,
        params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, endpoint: str = "rest",
    ) -> requests.Response:  # fmt: skip
        """The boundary: whatever goes wrong on the wire comes out as one of the five errors."""
        self._allowance.take(endpoint)
        base = f"https://{salesforce.sf_instance}" if path.startswith("/") else salesforce.base_url
        heads = {
            "Authorization": f"Bearer {salesforce.session_id}",
            "Accept": "application/json",
            "Content-Type": "application/json",
            **(headers or {}),
        }
        return exchange(self._session, method, base + path, write=write, headers=heads, params=params, data=content)

    # ---- the session

    def _current(self) -> tuple[Salesforce, int]:
        with self._lock:
            if self._salesforce is None:
                self._login()
            return self._held()

    def _renewed(self, opened: int) -> tuple[Salesforce, int]:
        """A session newer than number ``opened``: of many threads that found it expired, the first logs in."""
        with self._lock:
            if self._opened == opened:
                self._salesforce = None
                self._login()
            return self._held()

    def _held(self) -> tuple[Salesforce, int]:
        if self._salesforce is None:
            raise AuthFailed("there is no session")
        return self._salesforce, self._opened

    def _login(self) -> None:
        """A new session from the SDK, with the login's failures decoded. The caller holds the lock."""
        from simple_salesforce.api import Salesforce
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed

        # On "user hasn't approved this consumer" the SDK warns on standard error; the error below says what to do.
        warnings.filterwarnings("ignore", module=r"simple_salesforce\.login")
        try:
            self._salesforce = Salesforce(version=self._settings.api_version, session=self._session, **self._grant())
        except SalesforceAuthenticationFailed as error:
            # Until 1.12.9 the SDK kept the description in `message`.
            raise login_error(error.code, getattr(error, "auth_message", error.message)) from None
        except ConnectorError:
            raise
        except requests.exceptions.RequestException as error:
            raise failure(error, write=False) from error
        except Exception as error:  # noqa: BLE001  # classified
            # The SDK leaks KeyError, AttributeError and PyJWT's own errors for odd answers and keys.
            raise self._odd(error) from None
        self._opened += 1

    def _grant(self) -> dict[str, Any]:
        settings = self._settings
        if settings.client_secret is not None:
            return {
                "consumer_key": settings.client_id,
                "consumer_secret": settings.client_secret.reveal(),
                "domain": settings.domain,
            }
        if settings.private_key is None:
            raise AuthFailed("there is no secret to log in with")
        return {
            "username": settings.username,
            "consumer_key": settings.client_id,
            "privatekey": settings.private_key.reveal(),
            # The audience is the login host of production or of sandboxes; the token is asked of My Domain if given.
            "domain": "test" if settings.sandbox else "login",
            "instance_url": settings.domain,
        }

    def _odd(self, error: Exception) -> ConnectorError:
        if type(error).__module__.partition(".")[0] in {"jwt", "cryptography"} or isinstance(error, ValueError):
            refused = AuthFailed("the private key cannot be used", code="private_key")
            refused.fix = "private_key holds the RSA key in PEM form that belongs to the app's certificate"
            return refused
        return RetryLater(f"the login's answer could not be understood ({type(error).__name__})", code="LOGIN")

    # ---- what every answer tells

    def _heard(self, status: int, headers: Mapping[str, str]) -> None:  # noqa: ARG002
        self.server_at = http_date(headers.get("date")) or self.server_at
        for per_app, used, limit in _USAGE.findall(headers.get(names.LIMIT_INFO, "")):
            window = "day, this app" if per_app else "day"
            self._usage[window] = Quota(window, int(used), int(limit), self.server_at or 0)
            self._allowance.heard(window, int(used), int(limit))

    def _overheard(self, response: requests.Response, *_: object, **__: object) -> None:
        """The token's ``id`` (…/id/ORG/USER) says who we are; the SDK drops it."""
        if not response.url.endswith(_LOGIN_PATH) or response.status_code != 200:
            return
        try:
            token = msgspec.json.decode(response.content, type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError):  # the SDK reads it too and raises; nothing to learn here
            return
        parts = token.id.rstrip("/").split("/")
        if len(parts) >= 2:
            self.organization = parts[-2]
            self.user = self._settings.integration_user or parts[-1]


def _session_over(body: bytes) -> bool:
    """Only INVALID_SESSION_ID is worth a login; a body of any other shape is, too, since it tells nothing."""
    return error_code(body)[0] in {"", "INVALID_SESSION_ID"}
