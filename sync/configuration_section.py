"""Reading the sections of a document: ``[daemon]``, ``[connections.*]``, ``[pools.*]``, and what binds them together.

Owns what each section means and the cross-references between sections. Refuses files and positions; calendars and
policies are ``sla``'s to read. Invariant: reading never stops at the first problem and never fetches a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import connectors
from connectors.secret import Secret
from connectors.settings import ConnectionSettings, secret_keys
from sla.instant import from_datetime
from sla.metric import PRESETS
from sla.problem import Collector
from sla.problem import Path as KeyPath
from sync.configuration_model import DaemonTable, PoolTable, validate
from sync.configuration_shape import ConnectionEntry, DaemonEntry, MemberEntry, PoolEntry, Reference
from sync.configuration_step import bind_steps
from sync.secrets import is_reference, resolve
from sync.writeback import slug

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def read_daemon(table: object, folder: Path, into: Collector) -> DaemonEntry | None:
    """The table ``[daemon]``; without one, its defaults. A relative ``database`` is in ``folder``."""
    read = validate(DaemonTable, table, into)
    if read is None:
        return None
    return DaemonEntry(
        database=folder / Path(read.database).expanduser(),
        listen=read.listen,
        mode=read.mode,
        match=read.match,
        tick_every_s=read.tick_every,
        public_url=read.public_url,
    )


def read_pools(tables: Mapping[str, object], calendars: Iterable[str], into: Collector) -> dict[str, PoolEntry]:
    """The tables ``[pools.NAME]``."""
    pools = {}
    known = tuple(calendars)
    for name, table in tables.items():
        at = into.at(name)
        if (read := validate(PoolTable, table, at)) is None:
            continue
        seen: set[str] = set()
        for index, member in enumerate(read.members):
            if member.user.casefold() in seen:
                at.at("members", index).add("this member stands twice; give one entry a weight instead")
            seen.add(member.user.casefold())
            if member.calendar is not None and member.calendar not in known:
                at.at("members", index, "calendar").add(f"no calendar is called {member.calendar!r}", known)
        members = tuple(MemberEntry(m.user, m.weight, m.cap, m.calendar) for m in read.members)
        pools[name] = PoolEntry(name, members, read.strategy, read.fallback, read.max_hops, round(read.needs * 1_000))
    return pools


def read_connections(tables: Mapping[str, object], folder: Path, into: Collector) -> dict[str, ConnectionEntry]:
    """The tables ``[connections.NAME]``, each judged by its connector's own model."""
    found = {}
    for name, table in tables.items():
        at = into.at(name)
        if not _NAME.fullmatch(name):
            at.add("a connection's name has letters, digits, '-', '_' and '.' only: it begins the names of its records")
        if not isinstance(table, dict):
            at.add("must be a table")
        elif (model := _model(table, at)) is not None and (entry := _connection(name, table, model, folder, at)):
            found[name] = entry
    return found


def _model(table: Mapping[str, Any], at: Collector) -> type[ConnectionSettings] | None:
    name = table.get("connector")
    if name is None:
        at.add(f"'connector' is missing; it is one of {', '.join(connectors.known())}")
    elif not isinstance(name, str) or name not in connectors.known():
        at.at("connector").add("there is no such connector", connectors.known())
    else:
        try:
            return connectors.settings_model(name)
        except ImportError as error:
            at.at("connector").add(f"this connector is installed and cannot be loaded: {error}")
    return None


def _connection(
    name: str, table: dict[str, Any], model: type[ConnectionSettings], folder: Path, at: Collector
) -> ConnectionEntry | None:
    judged = Collector()
    named = references(table, model)
    for reference in named:
        if reference.secret and not is_reference(reference.text) and table.get("allow_plain_secrets") is not True:
            judged.at(*reference.path).add(
                'a secret does not belong in this file: name it as "env:NAME", "file:PATH" or "keyring:SERVICE/NAME" '
                "(or set allow_plain_secrets = true)"
            )
    plain = {str(reference.path[0]) for reference in named if not reference.secret}
    known = {key: value for key, value in _replaced(table, named, _stand_in).items() if key not in plain}
    validate(model, known, judged)
    for problem in judged.problems:
        # What a plain key will hold is not known before its reference is fetched, so it is not missed here.
        if not (problem.path == () and any(re.search(rf"\b{key}\b", problem.message) for key in plain)):
            at.at(*problem.path).add(problem.message, problem.known)
    common = {key: value for key, value in known.items() if key in ConnectionSettings.model_fields}
    read = validate(ConnectionSettings, common, Collector())
    if read is None:
        return None
    enforce_from = read.enforce_from
    if enforce_from is not None and enforce_from.tzinfo is None:
        at.at("enforce_from").add("must be a time with an offset, such as 2026-03-02T14:05:00Z")
        return None
    return ConnectionEntry(
        name=name,
        connector=read.connector,
        poll_every_s=read.poll_every,
        enforce_from=None if enforce_from is None else from_datetime(enforce_from),
        table=table,
        references=tuple(named),
        resolve=partial(_replaced, table, named, partial(_fetched, folder=folder)),
        may_vanish=read.may_vanish,
    )


def unfetched(entry: ConnectionEntry) -> Mapping[str, Any]:
    """The table for ``connectors.build`` with stand-ins for its secrets: for what calls no CRM."""
    return _replaced(entry.table, entry.references, _stand_in)


def judge_fetched(entry: ConnectionEntry, into: Collector) -> None:
    """Judges a connection again with everything fetched. Raises SecretMissing."""
    validate(connectors.settings_model(entry.connector), entry.settings, into)


def references(table: Mapping[str, Any], model: type[ConnectionSettings]) -> list[Reference]:
    """What of a connection's table is fetched from elsewhere: its secrets, written as they are in the file, and plain
    keys whose text names the environment, a file or the keyring."""
    secrets = secret_keys(model)
    found = [Reference(path, text, True) for key in sorted(secrets) for path, text in _texts(table, key, ())]
    for key, value in table.items():
        if (key,) not in secrets and is_reference(value):
            found.append(Reference((key,), value, False))
    return found


def secret_paths(document: Mapping[str, Any]) -> Iterator[KeyPath]:
    """The paths of a document that lead to secrets, as far as its connectors are known."""
    for name, table in _tables(document.get("connections")):
        if (model := _model(table, Collector())) is not None:
            yield from (("connections", name, *found.path) for found in references(table, model) if found.secret)
    for name, _ in _tables(document.get("webhooks")):
        yield from (("webhooks", name, key) for key in ("secret", "url"))


def _texts(value: Any, key: tuple[str, ...], path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """The texts under a path of keys; a list of secrets has one an element."""
    if key:
        if isinstance(value, Mapping) and key[0] in value:
            yield from _texts(value[key[0]], key[1:], (*path, key[0]))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _texts(element, key, (*path, index))
    elif isinstance(value, str):
        yield path, value


def _replaced(
    table: Mapping[str, Any], named: Iterable[Reference], by: Callable[[Reference], object]
) -> dict[str, Any]:
    copied: dict[str, Any] = deepcopy(dict(table))
    for reference in named:
        holder: Any = copied
        for part in reference.path[:-1]:
            holder = holder[part]
        holder[reference.path[-1]] = by(reference)
    return copied


def _stand_in(reference: Reference) -> object:
    if not reference.secret:
        return reference.text
    # What is fetched from a file or the keyring could be replaced there, which some logins ask for.
    keep = _keep_nothing if reference.text.startswith(("file:", "keyring:")) else None
    return Secret("not fetched", label=reference.text, keep=keep)


def _keep_nothing(_: str) -> None:
    raise ValueError("a secret that was not fetched is not replaced")


def _fetched(reference: Reference, folder: Path) -> object:
    if not is_reference(reference.text):
        return Secret(reference.text, label="the configuration")
    secret = resolve(reference.text, folder)
    return secret if reference.secret else secret.reveal()


def bind(document: Mapping[str, Any], into: Collector) -> None:
    """Cross-references between sections that no section can judge alone: what steps name, the targets that ``write``
    maps."""
    bind_steps(document, into)
    known = tuple(logical_names(document))
    for name, connection in _tables(document.get("connections")):
        for kind, fields in _tables(connection.get("write")):
            into.at("connections", name, "write", kind).unknown_keys(fields, known)


def logical_names(document: Mapping[str, Any]) -> Iterator[str]:
    """The names that ``write.KIND`` can map: those of the record, and three a target of any policy."""
    yield from ("sla_due", "sla_status", "sla_policy")
    own = {str(target.get("name", target.get("metric"))): None for _, target in _targets(document)}
    for target in {**own, **dict.fromkeys(PRESETS)}:
        for ending in ("due", "status", "breached_at"):
            yield f"{slug(target)}_{ending}"


def _targets(document: Mapping[str, Any]) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    for p, policy in _elements(document.get("policies")):
        for t, target in _elements(policy.get("targets")):
            yield ("policies", p, "targets", t), target


def _elements(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    if isinstance(value, list):
        yield from ((index, element) for index, element in enumerate(value) if isinstance(element, dict))


def _tables(value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield from ((name, table) for name, table in value.items() if isinstance(table, dict))
