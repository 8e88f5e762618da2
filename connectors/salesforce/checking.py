"""``check``: what an administrator should know before the daemon runs.

Owns the questions about the org as a whole and the order of all of them. Refuses to change anything.
Invariant: never raises; a question that cannot be asked is itself a finding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final

import msgspec

from connectors.affording import polling
from connectors.base import Finding
from connectors.errors import ConnectorError, RetryLater
from connectors.questions import ask, fetch
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.checking_fields import PERMISSIONS, RecordQuestions, where
from connectors.salesforce.checking_permissions import ACCESS, PermissionQuestions
from connectors.salesforce.checking_reading import ReadingQuestions
from connectors.salesforce.feed import streams
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import Shapes
from connectors.salesforce.support import SOAP_LOGIN_GONE, promised_until, support

SKEW_MS: Final = 60_000
LOW_QUOTA: Final = 0.1
YEAR: Final = timedelta(days=365)
"""How long before an end it is told."""
TOKEN_LENGTH: Final = 22
"""22 characters of base64 hold 128 bits and more."""


class _Version(msgspec.Struct):
    version: str


class Checking:
    """The questions of one connection. ``clock()`` is the present in epoch ms."""

    def __init__(
        self, api: Api, shapes: Shapes, records: RecordQuestions, settings: SalesforceSettings, clock: Callable[[], int]
    ) -> None:
        self._api = api
        self._shapes = shapes
        self._records = records
        self._settings = settings
        self._clock = clock

    def findings(self) -> list[Finding]:
        """All findings; only the login's when that fails."""
        try:
            self._api.ensure_login()
        except ConnectorError as error:
            return [_failed("login", error)]
        self._shapes.forget()
        fetch([partial(self._shapes.get, name) for name in self._described()])
        reading = ReadingQuestions(self._api, self._shapes, self._settings)
        permissions = PermissionQuestions(self._api, self._shapes, self._settings)
        return ask([
            ("login", self._login), ("api version", self._version), ("clock", self._skew),
            ("permissions", permissions.findings), ("records", self._records.findings),
            ("answers", reading.findings), ("tasks", self._tasks), ("quota", self._quota), ("webhook", self._webhook),
        ], _failed)  # fmt: skip

    def _described(self) -> list[str]:
        """The objects whose description the questions will need."""
        return [*dict.fromkeys((*streams(self._settings), names.TASK, ACCESS))]

    def _login(self) -> Iterator[Finding]:
        way = self._settings.grant
        yield Finding("ok", "login", f"logged in by {way} as {self._api.user or 'an unknown user'}")
        if way == "SOAP login":
            message = f"Salesforce ends the SOAP login on {SOAP_LOGIN_GONE} (Summer '27); versions from 65.0 have none"
            yield Finding("warn", "login", message, "use client_secret or private_key instead: docs/salesforce.md")
        if self._api.user is None:
            fix = 'set integration_user = "005…": Setup > Users'
            yield Finding("warn", "login", "the login does not tell which user we are", fix)

    def _version(self) -> Iterator[Finding]:
        try:
            offered = [one.version for one in msgspec.json.decode(self._api.versions().body, type=list[_Version])]
        except msgspec.DecodeError:
            raise RetryLater("the list of versions is unreadable", code="UNREADABLE") from None
        mine = self._settings.api_version
        newer = f'set api_version to what the org speaks, such as "{offered[-1]}"' if offered else None
        if mine not in offered:
            yield Finding("fail", "api version", f"the org does not speak {mine}", newer)
            return
        ending = version_end(mine, datetime.fromtimestamp(self._clock() / 1000, UTC).date())
        if ending is not None:
            yield Finding("warn", "api version", ending, newer)
        else:
            yield Finding("ok", "api version", f"{mine} (the org speaks {offered[0]} to {offered[-1]})")

    def _skew(self) -> Iterator[Finding]:
        if self._api.server_at is None:
            return
        skew = self._clock() - self._api.server_at
        if abs(skew) > SKEW_MS:
            way = "ahead of" if skew > 0 else "behind"
            message = f"this machine's clock is {abs(skew) // 1000} s {way} Salesforce's"
            yield Finding("warn", "clock", message, "set the clock by NTP: due times are judged by it")
        else:
            yield Finding("ok", "clock", "agrees with Salesforce's to a minute")

    def _quota(self) -> Iterator[Finding]:
        for quota in self._api.quota():
            left = quota.limit - quota.used
            message = f"{left} of {quota.limit} API calls left ({quota.window})"
            if quota.limit and left / quota.limit < LOW_QUOTA:
                fix = "raise poll_every, or look who else calls: Setup > API Usage"
                yield Finding("warn", "quota", message, fix)
            else:
                yield Finding("ok", "quota", message)
        calls = math.ceil(len(streams(self._settings)) / names.QUERIES_PER_CALL)
        yield from polling(self._settings, calls, self._api.quota())

    def _tasks(self) -> Iterator[Finding]:
        shape, key = self._shapes.get(names.TASK), self._settings.task_key
        if shape is None or not shape.createable:
            fix = f'give the integration user "Edit Tasks": {PERMISSIONS} > System Permissions'
            yield Finding("warn", names.TASK, "tasks cannot be created", fix)
            return
        field = shape.field(key)
        fix = f"{where(names.TASK)} > New: Text(80), unique, external ID, named {key.removesuffix('__c')}"
        if field is None or not field.createable:
            yield Finding("warn", "task_key", f"Task has no writable {key}: tasks are found again by a marker", fix)
        elif not field.unique:
            yield Finding("warn", "task_key", f"{key} is not unique: each task costs a look-up", fix)
        else:
            yield Finding("ok", "task_key", f"{key} makes each task once")

    def _webhook(self) -> Iterator[Finding]:
        hook, ours = self._settings.webhook, self._api.organization
        if hook is None:
            return
        if len(hook.token.reveal()) < TOKEN_LENGTH:
            fix = "make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
            yield Finding("fail", "webhook", f"the token is shorter than {TOKEN_LENGTH} characters", fix)
        elif ours is not None and ours[:15] != hook.organization[:15]:
            fix = f'set organization = "{ours}"'
            yield Finding("fail", "webhook", "organization is not the org that we are logged in to", fix)
        else:
            yield Finding("ok", "webhook", "token and organization are set")


def version_end(version: str, today: date) -> str | None:
    """What is to be said of the end of an API version; None while it is more than a year away."""
    told = support(version)
    if told is None:
        until = promised_until(version)
        if until - today > YEAR:
            return None
        return f"Salesforce has bound itself to support {version} until {until}, and to no day after it"
    if today >= told.gone:
        return f"Salesforce answers {version} no more since {told.gone}"
    if told.gone - today <= YEAR or today >= told.unsupported:
        return f"Salesforce answers {version} no more from {told.gone} on"
    if told.unsupported - today <= YEAR:
        return f"Salesforce supports {version} until {told.unsupported} and answers it until {told.gone}"
    return None


def _failed(subject: str, error: ConnectorError) -> Finding:
    return Finding("fail", subject, error.reason, error.fix, unreachable=isinstance(error, RetryLater))
