"""The REST API's front desk: versions, sessions, allowance, and which resource answers.

Owns routing and the headers of every answer. Refuses what the resources do.
Invariant: every call under a version is counted once, needs a session, and carries ``Sforce-Limit-Info``.
Source: REST API Developer Guide, "Versions", "Resources by Version", "Limits", "Limit Info Header".
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-list.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from emulators.http import Request, Response
from emulators.salesforce import errors, metadata_api, soap_login
from emulators.salesforce.auth import Auth
from emulators.salesforce.batches import Batches
from emulators.salesforce.bulk import Bulk
from emulators.salesforce.call import Call
from emulators.salesforce.composite import Composite
from emulators.salesforce.errors import ApiError
from emulators.salesforce.org import Org
from emulators.salesforce.queries import Queries
from emulators.salesforce.rows import Rows
from emulators.salesforce.store import Store
from emulators.salesforce.tooling import Tooling
from emulators.salesforce.writes import Writer

OLDEST: Final = 31
NEWEST: Final = 68
"""Versions 31.0 to 68.0; 7.0 to 30.0 are retired and answer 410 (Salesforce Help 000381744)."""
COMPOSED: Final = (["sobjects"], ["query"], ["queryAll"])
"""What a composite call may ask beside collections: ``resources-composite-composite-post``; the code of a refusal is
assumed."""
LONGEST_ADDRESS: Final = 16_384
"""Bytes of a request's address; 414 beyond. REST API Developer Guide, "Status Codes and Error Responses"."""
_SEASONS: Final = ("Winter", "Spring", "Summer")


class Api:
    def __init__(self, store: Store, org: Org, auth: Auth, writer: Writer, partial: Callable[[Request], bool]) -> None:
        self._store = store
        self._org = org
        self._auth = auth
        self.queries = Queries(store, org)
        self.bulk = Bulk(store, org)
        self._rows = Rows(store, writer)
        self._batches = Batches(store, writer, self._rows, partial)
        self._tooling = Tooling(store, org)
        self._composite = Composite(writer, self._sub)

    def answer(self, request: Request) -> Response:
        try:
            return self._route(request)
        except ApiError as refused:
            return refused.response()

    def limit_info(self) -> str:
        """Both forms of the header: the org's, and with an app's share when one is set."""
        info = f"api-usage={self._org.calls}/{self._org.daily_limit}"
        if self._org.per_app:
            name, most = self._org.per_app
            info += f"; per-app-api-usage={self._org.calls}/{most}(appName={name})"
        return info

    def _route(self, request: Request) -> Response:
        if len(request.path) + len(urlencode(request.query, doseq=True)) > LONGEST_ADDRESS:
            return Response(414)
        match request.segments:
            case ["services", "oauth2", *rest]:
                return self._auth.oauth(request, rest)
            case ["services", "Soap", "m", _]:
                return self._metadata(request)
            case ["services", "Soap", *_]:
                return self._soap_login(request)
            case ["services", "data"]:
                return Response(200, [_version(number) for number in range(OLDEST, NEWEST + 1)])
            case ["services", "data", version, *rest]:
                return self._versioned(request, version, rest)
            case ["id", _, user]:
                self._auth.session(request)
                return Response(200, self._auth.identity(user))
        raise errors.not_found()

    def _soap_login(self, request: Request) -> Response:
        return soap_login.login(
            request, enabled=self._auth.doors.soap, url=self._auth.url, org=self._auth.org_id,
            enter=self._auth.soap_session,
        )  # fmt: skip

    def _expired(self) -> Response:
        """A 401 is mostly a list; a dict and a page of HTML have been met, too (the SDK breaks on both)."""
        refused = errors.invalid_session()
        if self._auth.doors.expired_as == "dict":
            return Response(401, refused.body()[0])
        if self._auth.doors.expired_as == "html":
            return Response(401, b"<html><body>Session expired</body></html>", {"Content-Type": "text/html"})
        return refused.response()

    def _metadata(self, request: Request) -> Response:
        try:
            self._auth.session_of(metadata_api.session_of(request))
        except ApiError as refused:
            return metadata_api.fault(refused.code, refused.message)
        self._org.calls += 1
        return metadata_api.answer(request, self._store, self._org)

    def _versioned(self, request: Request, version: str, rest: list[str]) -> Response:
        _check_version(version)
        headers = {"Sforce-Limit-Info": self.limit_info()}
        try:
            session = self._auth.session(request)
            if self._org.calls >= self._org.daily_limit:
                raise errors.limit_exceeded()
            self._org.calls += 1
            headers = {"Sforce-Limit-Info": self.limit_info()}
            user = self._store.get("User", session.user) or {}
            client = str(user.get("Username"))
            call = Call(request, f"/services/data/{version}", tuple(rest), session.user, client)
            response = self._resource(call)
        except ApiError as refused:
            response = self._expired() if refused.code == "INVALID_SESSION_ID" else refused.response()
        response.headers = headers | response.headers
        return response

    def _resource(self, call: Call) -> Response:
        match call.parts:
            case ():
                return Response(200, self._resources(call))
            case ("limits",):
                return Response(200, self._limits())
            case ("query" | "queryAll" as which,):
                return self.queries.query(call, deleted=which == "queryAll")
            case ("query" | "queryAll", locator):
                return self.queries.more(call, locator)
            case ("jobs", "query", *rest):
                return self.bulk.answer(_inside(call, rest))
            case ("sobjects", *rest):
                return self._rows.answer(_inside(call, rest))
            case ("tooling", *rest):
                return self._tooling.answer(_inside(call, rest))
            case ("composite", "sobjects", *rest):
                return self._batches.answer(_inside(call, rest))
            case ("composite",):
                return self._composite.answer(call)
        raise errors.not_found()

    def _sub(self, call: Call, request: Request) -> Response:
        """A subrequest of a composite request; it may name another version than the request itself."""
        try:
            return self._resource(_sub_call(call, request))
        except ApiError as refused:
            return refused.response()

    def _resources(self, call: Call) -> dict[str, str]:
        names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
        return {name: f"{call.base}/{name}" for name in names} | {"identity": self._auth.identity_url(call.user)}

    def _limits(self) -> dict[str, Any]:
        """For API users with "View Setup and Configuration"; what the others are told is assumed.
        https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_limits.htm"""
        if "ViewSetup" not in self._org.permissions:
            raise ApiError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on this resource")
        left = max(self._org.daily_limit - self._org.calls, 0)
        daily: dict[str, Any] = {"Max": self._org.daily_limit, "Remaining": left}
        if self._org.per_app:
            name, most = self._org.per_app
            daily[name] = {"Max": most, "Remaining": max(most - self._org.calls, 0)}
        return {
            "DailyApiRequests": daily,
            "DailyBulkApiBatches": {"Max": 15000, "Remaining": 15000},
            "DailyBulkV2QueryJobs": {"Max": 10000, "Remaining": 10000 - self.bulk.made},
            "DailyWorkflowEmails": {"Max": 100000, "Remaining": 100000},
            "DataStorageMB": {"Max": 1024, "Remaining": 1000},
            "SingleEmail": {"Max": 5000, "Remaining": 5000},
        }


def _sub_call(call: Call, request: Request) -> Call:
    match request.segments:
        case ["services", "data", _, "composite"]:
            raise ApiError(400, "INVALID_INPUT", "A composite request cannot contain a composite request")
        case ["services", "data", version, *rest]:
            _check_version(version)
            if rest[:1] not in COMPOSED and rest[:2] != ["composite", "sobjects"]:
                raise ApiError(400, "INVALID_INPUT", f"This resource is not supported in a composite request: {rest}")
            return Call(request, f"/services/data/{version}", tuple(rest), call.user, call.client)
    raise errors.not_found()


def _inside(call: Call, rest: list[str] | tuple[str, ...]) -> Call:
    return Call(call.request, call.base, tuple(rest), call.user, call.client)


def _check_version(text: str) -> None:
    found = re.fullmatch(r"v(\d+)\.0", text)
    number = int(found[1]) if found else 0
    if 7 <= number < OLDEST:
        raise ApiError(410, "GONE", "The requested API version is retired and no longer available.")
    if not OLDEST <= number <= NEWEST:
        raise errors.not_found()


def _version(number: int) -> dict[str, str]:
    """v66.0 is Spring '26; three releases a year."""
    season, year = _SEASONS[(number - 65) % 3], 26 + (number - 65) // 3
    return {"label": f"{season} '{year:02d}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
