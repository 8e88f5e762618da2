"""``check``: what an administrator should know before the daemon runs.

Owns the questions and the sentences of the answers, each with the way to mend it. Refuses to change anything.
Invariant: never raises; a question that cannot be asked is itself a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from connectors.base import Finding
from connectors.errors import ConnectorError, RetryLater
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.columns import ON_REQUEST, USUAL, Columns
from connectors.salesforce.mapping import RecordMapping, is_instant
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import FieldShape, ObjectShape, Shapes

SKEW_MS: Final = 60_000
LOW_QUOTA: Final = 0.1
TOKEN_LENGTH: Final = 22
"""22 characters of base64 hold 128 bits and more."""

_LABEL: Final = {names.LEAD: "Lead", names.CASE: "Case", names.TASK: "Activity"}
_ESSENTIAL: Final = ("Status", "OwnerId", "SystemModstamp", "CreatedDate", "CreatedById", "LastModifiedById")
_TELLING: Final = {
    names.TASK: "calls, e-mails and tasks do not count as answers",
    names.EVENT: "meetings do not count as answers",
    names.EMAIL: "e-mails of cases do not count as answers",
    names.COMMENT: "comments of cases do not count as answers",
}


class _Version(msgspec.Struct):
    version: str


class _Allowance(msgspec.Struct, rename="pascal"):
    max: int
    remaining: int


class Checking:
    """The questions of one connection. ``clock()`` is the present in epoch ms."""

    def __init__(
        self, api: Api, shapes: Shapes, columns: Columns, mapping: RecordMapping, settings: SalesforceSettings,
        wanted: frozenset[str], clock: Callable[[], int],
    ) -> None:  # fmt: skip
        self._api = api
        self._shapes = shapes
        self._columns = columns
        self._mapping = mapping
        self._settings = settings
        self._wanted = wanted
        self._clock = clock

    def findings(self) -> list[Finding]:
        """All findings; only the login's when that fails."""
        try:
            self._api.ensure_login()
        except ConnectorError as error:
            return [_failed("login", error)]
        login = "client credentials" if self._settings.client_secret is not None else "JWT bearer"
        found = [Finding("ok", "login", f"logged in by {login} as {self._api.user or 'an unknown user'}")]
        if self._api.user is None:
            found.append(Finding("warn", "login", "the login does not tell which user we are",
                                 'set integration_user = "005…": Setup > Users'))  # fmt: skip
        self._shapes.forget()
        for question in (self._version, self._skew, self._records, self._answers, self._tasks, self._quota):
            try:
                found += question()
            except ConnectorError as error:
                found.append(_failed(question.__name__.lstrip("_"), error))
        return [*found, *self._webhook()]

    # ---- the org

    def _version(self) -> Iterator[Finding]:
        offered = [one.version for one in msgspec.json.decode(self._api.versions().body, type=list[_Version])]
        mine = self._settings.api_version
        if mine in offered:
            yield Finding("ok", "api version", f"{mine} (the org speaks {offered[0]} to {offered[-1]})")
        else:
            fix = f'set api_version to one of {offered[0]} to {offered[-1]}, such as "{offered[-1]}"'
            yield Finding("fail", "api version", f"the org does not speak {mine}", fix)

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
                yield Finding("warn", "quota", message, "raise poll_every, or look who else calls: Setup > API Usage")
            else:
                yield Finding("ok", "quota", message)

    # ---- objects and fields

    def _records(self) -> Iterator[Finding]:
        for name in self._settings.objects:
            shape = self._shapes.get(name)
            if shape is None:
                yield Finding("fail", name, f"{name} is not there or not readable",
                              f"give the integration user Read on {name}: Setup > Permission Sets")  # fmt: skip
                continue
            lacking = [field for field in _ESSENTIAL if shape.field(field) is None]
            if lacking:
                yield Finding("fail", name, f"these fields cannot be read: {', '.join(lacking)}",
                              "give the integration user Read access to them: Setup > Permission Sets")  # fmt: skip
            elif not shape.updateable:
                yield Finding("warn", name, f"{name} can be read but not written",
                              f"give the integration user Edit on {name}: Setup > Permission Sets")  # fmt: skip
            else:
                yield Finding("ok", name, "can be read and written")
            yield from self._written(name, shape)
            yield from self._read_fields(name)
            yield from self._values(name, shape)

    def _written(self, name: str, shape: ObjectShape) -> Iterator[Finding]:
        for logical, path in sorted(self._columns.written[name].items()):
            field, subject = shape.field(path), f"write.{names.KINDS[name]}.{logical}"
            if field is None:
                kind = "Date/Time" if is_instant(logical) else "Text(40)"
                yield Finding("fail", subject, f"{name} has no field {path}, or we may not see it",
                              f"{_where(name)} > New: {kind}, named {path.removesuffix('__c')}; then give the "
                              "integration user Edit access to it: Setup > Permission Sets")  # fmt: skip
            elif not field.updateable:
                yield Finding("fail", subject, f"{path} is read-only for us",
                              f"{_where(name)} > {path} > Set Field-Level Security: visible, not read-only")  # fmt: skip
            else:
                yield from _type_finding(subject, logical, field)

    def _read_fields(self, name: str) -> Iterator[Finding]:
        missing = self._columns.missing(name, lambda path: self._shapes.has(name, path))
        for field, path in sorted(missing.items()):
            if not field.startswith("write: "):
                yield Finding("warn", f"fields.{field}", f"{name} has no {path}, or we may not see it",
                              "conditions on it never hold; correct it, or give Read access to it")  # fmt: skip
        everywhere = set().union(*self._columns.fields.values(), *USUAL.values(), *ON_REQUEST.values())
        always = {"status", "raw_status", "priority", "owner", "requester"}
        if name == self._settings.objects[0]:
            for field in sorted(self._wanted - everywhere - always):
                yield Finding("warn", f"fields.{field}", f"policies name {field}, which nothing fills",
                              f'add fields.{field} = "Field__c" to the connection')  # fmt: skip

    def _values(self, name: str, shape: ObjectShape) -> Iterator[Finding]:
        """Every raw value that the org offers should mean something, and every mapped one should exist."""
        kind = names.KINDS[name]
        field = shape.field("Status")
        offered = field.offered if field is not None else ()
        unknown = [raw for raw in offered if not self._mapping.knows_status(kind, raw)]
        if unknown:
            yield Finding("warn", f"status.{kind}", f"not mapped, taken for open: {', '.join(unknown)}",
                          f'add them: status.{kind} = {{ "{unknown[0]}" = "open" }}')  # fmt: skip
        own = self._settings.status.get("lead" if kind == "lead" else "ticket", {})
        stray = [raw for raw in own if offered and raw not in offered]
        if stray:
            yield Finding("warn", f"status.{kind}", f"the org has no status {', '.join(map(repr, stray))}",
                          f"it has: {', '.join(offered)}")  # fmt: skip
        path = self._columns.fields[name].get("priority", "")
        priority = shape.field(path)
        raws = [raw for raw in (priority.offered if priority else ()) if not self._mapping.knows_priority(raw)]
        if raws:
            yield Finding("warn", "priority", f"not mapped, taken for normal: {', '.join(raws)}",
                          f'add them: priority = {{ "{raws[0]}" = "high" }}')  # fmt: skip

    def _answers(self) -> Iterator[Finding]:
        for name in self._settings.answers:
            if name in {names.EMAIL, names.COMMENT} and names.CASE not in self._settings.objects:
                continue
            if self._shapes.get(name) is None:
                yield Finding("warn", name, f"{name} is not readable: {_TELLING[name]}",
                              f"give the integration user Read on {name}, or leave it out of answers")  # fmt: skip
        email = self._shapes.get(names.EMAIL) if names.EMAIL in self._settings.answers else None
        if email is not None and email.field("Headers") is None:
            yield Finding("warn", names.EMAIL, "Headers cannot be read: automatic replies pass for the customer's own",
                          "give the integration user Read access to EmailMessage.Headers")  # fmt: skip

    def _tasks(self) -> Iterator[Finding]:
        shape = self._shapes.get(names.TASK)
        if shape is None or not shape.createable:
            yield Finding("warn", names.TASK, "tasks cannot be created",
                          'give the integration user "Edit Tasks": Setup > Permission Sets > System Permissions')  # fmt: skip
            return
        key = self._settings.task_key
        field = shape.field(key)
        fix = f"{_where(names.TASK)} > New: Text(80), unique, external ID, named {key.removesuffix('__c')}"
        if field is None or not field.createable:
            yield Finding("warn", "task_key", f"Task has no writable {key}: tasks are found again by a marker", fix)
        elif not field.unique:
            yield Finding("warn", "task_key", f"{key} is not unique: each task costs a look-up", fix)
        else:
            yield Finding("ok", "task_key", f"{key} makes each task once")

    def _webhook(self) -> Iterator[Finding]:
        hook = self._settings.webhook
        if hook is None:
            return
        short = len(hook.token.reveal()) < TOKEN_LENGTH
        if short:
            yield Finding("fail", "webhook", f"the token is shorter than {TOKEN_LENGTH} characters",
                          "make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'")  # fmt: skip
        if self._api.organization is not None and self._api.organization[:15] != hook.organization[:15]:
            yield Finding("fail", "webhook", "organization is not the org that we are logged in to",
                          f'set organization = "{self._api.organization}"')  # fmt: skip
        elif not short:
            yield Finding("ok", "webhook", "token and organization are set")


def _type_finding(subject: str, logical: str, field: FieldShape) -> Iterator[Finding]:
    if is_instant(logical) and field.type not in {"datetime", "date"}:
        yield Finding("fail", subject, f"{field.name} holds {field.type}, but a due time needs Date/Time",
                      "map it to a Date/Time field")  # fmt: skip
    elif not is_instant(logical) and field.type in {"datetime", "date", "boolean"}:
        yield Finding(
            "fail", subject, f"{field.name} holds {field.type}, but a state is text", "map it to a text field"
        )
    else:
        yield Finding("ok", subject, f"{field.name} can be written")


def _where(name: str) -> str:
    return f"Setup > Object Manager > {_LABEL[name]} > Fields & Relationships"


def _failed(subject: str, error: ConnectorError) -> Finding:
    return Finding("fail", subject, error.reason, error.fix, unreachable=isinstance(error, RetryLater))
