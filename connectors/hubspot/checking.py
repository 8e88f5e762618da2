"""``check``: what stands between this connection and its work, each with the next step.

Owns the questions and their order. Refuses to write anything: what may be written, the token's scopes tell.
Invariant: one failed question does not keep the others from being asked, except a refused token.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Generator, Iterator
from datetime import date
from functools import partial
from typing import Final

from connectors.base import Finding
from connectors.errors import AuthFailed, ConnectorError, RetryLater
from connectors.hubspot import names, scopes
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.mapping import Mapper, for_kind, is_instant
from connectors.hubspot.names import ObjectType
from connectors.hubspot.portal import Portal, read_stages
from connectors.hubspot.shapes import Properties, Property, RawPage
from connectors.questions import Question, ask, fetch

SKEW_WARN_MS: Final = 60_000
END_WARN_DAYS: Final = 365
LOGIN_CODES: Final = frozenset({"invalid_grant", "invalid_client"})
"""What only OAuth is refused with."""
_ESSENTIAL: Final = frozenset({"status", "raw_status", "priority", "owner", "kind", "record", "created_at"})


class Checker:
    def __init__(self, api: HubSpotApi, portal: Portal, mapper: Mapper, clock: Callable[[], int]) -> None:
        self._api = api
        self._portal = portal
        self._mapper = mapper
        self._clock = clock
        self._schemas: dict[str, dict[str, Property]] = {}

    def check(self) -> list[Finding]:
        """All findings. A token that HubSpot refuses, or a server that is not there, ends the questions."""
        try:
            account = self._portal.account()
        except ConnectorError as failed:
            found = [_failed("login", failed)]
            if not (isinstance(failed, AuthFailed) and failed.narrow):
                return found
        else:
            found = [Finding("ok", "login", f"portal {account.portal_id}, time zone {account.time_zone}")]
            found += self._right_portal(account.portal_id)
        return [*found, *ask(self._questions(), _failed), *self._surroundings()]

    def _questions(self) -> list[tuple[str, Question]]:
        """What can be asked at once. The schemas come first, for two questions need each of them."""
        types = self._mapper.types
        self._schemas.clear()
        fetch([partial(self._schema, of) for of in types])
        answers = [one for one in names.ENGAGEMENTS if one.name in self._mapper.settings.answers]
        return [
            *((of.name, partial(self._reading, of)) for of in (*types, *answers)),
            ("scopes", self._scopes),
            *(("statuses", partial(self._statuses, of)) for of in types),
            *(("fields", partial(self._fields, of)) for of in types),
            ("task_key", self._task_key),
            ("owners", self._owners),
        ]

    def _right_portal(self, portal_id: int) -> list[Finding]:
        wanted = self._mapper.settings.portal_id
        if wanted is None or wanted == portal_id:
            return []
        message = f"the token belongs to portal {portal_id}, `portal_id` says {wanted}"
        return [Finding("fail", "portal_id", message, fix="use the token of the right portal, or mend `portal_id`")]

    # ---- permissions

    def _reading(self, of: ObjectType) -> Iterator[Finding]:
        try:  # a list and no search: searches are few, and the daemon beside us wants them
            self._api.get(RawPage, self._api.paths.objects(of.name), {"limit": "1"})
        except AuthFailed as refused:
            yield Finding("fail", of.name, refused.reason, fix=_scope_fix(of))
        else:
            yield Finding("ok", of.name, "readable")

    def _scopes(self) -> Iterator[Finding]:
        """A permission to write would show at the first write only; the token's scopes tell it before."""
        held = self._api.scopes()
        if held is None:
            return
        lacking, excess = scopes.missing(self._mapper.settings, held), scopes.excess(held)
        if lacking:
            fix = "add them to the service key (Development > Keys > Service keys) or the app"
            yield Finding("fail", "scopes", f"missing: {scopes.listed(lacking)}", fix=fix)
        if excess:
            fix = "take them from the key: nothing here needs them"
            yield Finding("warn", "scopes", f"more than is needed: {', '.join(excess)}", fix=fix)
        if not lacking and not excess:
            yield Finding("ok", "scopes", "the token has what is needed")

    # ---- statuses

    def _statuses(self, of: ObjectType) -> Iterator[Finding]:
        words = yield from self._stages(of) if of.pipelines else self._options(of)
        given = for_kind(self._mapper.settings.status, of.kind) or {}
        known = {word.casefold() for word in words}
        for raw in given:
            if raw.casefold() not in known:
                yield _no_such(f"status.{of.kind}", raw, words)

    def _stages(self, of: ObjectType) -> Generator[Finding, None, list[str]]:
        words: list[str] = []
        for pipeline in self._portal.pipelines(of):
            stages = read_stages([pipeline]).values()
            told = ", ".join(f"{one.label} = {self._mapper.category(of, one.id, one)}" for one in stages)
            yield Finding("ok", f"{of.name} pipeline", f"{pipeline.label}: {told}")
            for one in stages:
                words += [one.label, one.id, f"{one.pipeline}/{one.label}"]
        return words

    def _options(self, of: ObjectType) -> Generator[Finding, None, list[str]]:
        status = self._schema(of).get(of.stage or "")
        options = [one.value for one in status.options] if status else []
        told = ", ".join(f"{one} = {self._mapper.category(of, one, None)}" for one in options)
        yield Finding("ok", f"{of.name} {of.stage}", told or "no options")
        return options

    # ---- properties

    def _schema(self, of: ObjectType) -> dict[str, Property]:
        if of.name not in self._schemas:
            answer = self._api.get(Properties, self._api.paths.properties(of.name))
            self._schemas[of.name] = {one.name: one for one in answer.results}
        return self._schemas[of.name]

    def _fields(self, of: ObjectType) -> Iterator[Finding]:
        schema = self._schema(of)
        for logical, path in self._mapper.write[of.name].items():
            yield _writable(f"write.{of.kind}.{logical}", logical, path, schema, of)
        if (tags := self._mapper.tags.get(of.name)) is not None and tags not in schema:
            yield _no_such(f"tags.{of.kind}", tags, list(schema))
        for logical, path in self._mapper.fields[of.name].items():
            if path not in schema:
                yield _no_such(f"fields.{logical}", path, list(schema))
        named = {*self._mapper.fields[of.name], *_ESSENTIAL, *(("name",) if of is names.CONTACTS else ())}
        for logical in sorted(self._mapper.wanted - named):
            message = f"policies name {logical!r}, which no property of {of.name} gives"
            yield Finding("warn", f"fields.{logical}", message, fix=f'add fields.{logical} = "<property>"')

    def _task_key(self) -> Iterator[Finding]:
        name = self._mapper.settings.task_key
        if name is None:
            return
        found = self._schema(names.TASKS).get(name)
        if found is None:
            fix = "create it (type string, unique values): `sla-sidecar provision`"
            yield Finding("fail", "task_key", f"tasks have no property {name}", fix=fix)
        elif not found.has_unique_value:
            fix = "name a new one: HubSpot makes no property unique that is not so from the start"
            yield Finding(
                "fail", "task_key", f"{name} takes a value twice, so HubSpot would not refuse a second task", fix=fix
            )
        else:
            yield Finding("ok", "task_key", f"{name} (unique)")

    # ---- people and surroundings

    def _owners(self) -> Iterator[Finding]:
        owners = self._portal.owners(fresh=True)
        queues = sum(one.type == "QUEUE" for one in owners)
        gone = sum(one.archived for one in owners)
        yield Finding("ok", "owners", f"{len(owners) - queues - gone} people, {queues} queues, {gone} deactivated")
        sender = self._mapper.settings.sender
        if sender is not None and not any(one.id == sender and one.user_id and not one.archived for one in owners):
            fix = "give the owner id of an active user, and the token the scope conversations.write"
            yield Finding("fail", "sender", f"no active user has the owner id {sender}", fix=fix)

    def _surroundings(self) -> Iterator[Finding]:
        skew = self._api.skew_ms or 0
        if abs(skew) > SKEW_WARN_MS:
            way = "behind" if skew > 0 else "ahead of"
            message = f"this machine's clock is {abs(skew) // 1000} s {way} HubSpot's"
            yield Finding("warn", "clock", message, fix="synchronise the clock (NTP)")
        else:
            yield Finding("ok", "clock", f"within {max(1, abs(skew) // 1000)} s of HubSpot's")
        for quota in self._api.quota():
            short = quota.used > 0.8 * quota.limit
            told = f"{quota.used} of {quota.limit} calls used ({quota.window})"
            yield Finding("warn" if short else "ok", "quota", told, fix="poll less often" if short else None)
        yield _version(self._mapper.settings.api_version, self._clock())


def _failed(subject: str, failed: ConnectorError) -> Finding:
    unreachable = isinstance(failed, RetryLater)
    fix = "try again; is `url` right, is there a way out?" if unreachable else None
    if isinstance(failed, AuthFailed) and not failed.narrow:
        made = "make a service key (or private app) with the scopes of docs/hubspot.md and set `access_token`"
        fix = failed.fix if failed.code in LOGIN_CODES else made
    return Finding("fail", subject, failed.reason, fix=fix, unreachable=unreachable)


def _scope_fix(of: ObjectType) -> str:
    return f"add the scope {of.read_scope} to the service key or private app"


def _no_such(subject: str, name: str, known: list[str]) -> Finding:
    close = difflib.get_close_matches(name, known, n=1)
    fix = f'did you mean "{close[0]}"?' if close else "mend the name"
    return Finding("warn", subject, f"this portal has no {name!r}", fix=fix)


def _writable(subject: str, logical: str, path: str, schema: dict[str, Property], of: ObjectType) -> Finding:
    found = schema.get(path)
    kind = "datetime" if is_instant(logical) else "string"
    if found is None:
        fix = f"create it (type {kind}): `sla-sidecar provision`, or Settings > Properties > {of.name}"
        return Finding("fail", subject, f"{of.name} has no property {path}", fix=fix)
    if found.read_only:
        return Finding("fail", subject, f"{path} is read-only in HubSpot", fix="map a property of your own")
    if is_instant(logical) and found.type != "datetime":
        fix = "map a property of the type datetime"
        return Finding("fail", subject, f"{path} has the type {found.type}, which holds no instant", fix=fix)
    return Finding("ok", subject, f"{path} ({found.type})")


def _version(version: str, now: int) -> Finding:
    end = names.SUPPORT_ENDS[version]
    days = date.fromisoformat(end).toordinal() - date(1970, 1, 1).toordinal() - now // 86_400_000
    if days > END_WARN_DAYS:
        return Finding("ok", "api_version", f"{version}, supported until {end}")
    fix = f'set api_version = "{names.VERSIONS[-1]}"' if version != names.VERSIONS[-1] else "upgrade sla-sidecar"
    told = f"HubSpot supports {version} until {end}" if days >= 0 else f"HubSpot's support of {version} ended {end}"
    return Finding("warn" if days >= 0 else "fail", "api_version", told, fix=fix)
