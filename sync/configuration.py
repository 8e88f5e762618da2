"""A configuration file, read once and wholly: what it means, or everything that is wrong with it.

Owns ``load`` and the order of judging: syntax, sections, policies, what binds them. Refuses to stop at a first mistake.
Invariant: a ``Configuration`` exists only for a file without problems; every problem names line and column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sla.policy import Policies
from sla.problem import Collector, Problem, Problems
from sync.configuration_error import ConfigurationError, ConfigurationProblem, from_mistake, locate
from sync.configuration_section import bind, judge_fetched, read_connections, read_daemon, read_pools, secret_paths
from sync.configuration_shape import Configuration, ConnectionEntry, DaemonEntry, MemberEntry, PoolEntry, Reference
from sync.configuration_step import bind_watches
from sync.configuration_webhook import read_webhooks
from sync.secrets import SecretMissing, is_reference, resolve
from sync.toml_positions import Path as KeyPath
from sync.toml_positions import Place, positions
from sync.toml_syntax import Reading, read

if TYPE_CHECKING:
    from sla.figures.objective import Objective
    from sla.figures.watch import Watch

__all__ = [
    "POLICIES",
    "REPORT",
    "SECTIONS",
    "WHOLE",
    "Configuration",
    "ConfigurationError",
    "ConfigurationProblem",
    "ConnectionEntry",
    "DaemonEntry",
    "MemberEntry",
    "PoolEntry",
    "Reference",
    "load",
    "load_daemon",
    "missing_secrets",
]

_T = TypeVar("_T")

SECTIONS: Final = (
    "daemon", "calendars", "connections", "pools", "people", "policies", "derive", "adjustments", "maintenance",
    "watches", "objectives", "webhooks",
)  # fmt: skip

JUDGED_WITH_POLICIES: Final = ("people", "derive", "adjustments", "maintenance")
"""Sections that say what policies mean; they are read wherever policies are."""

WHOLE: Final = frozenset({"calendars", "connections", "policies"})
"""What the daemon needs; ``[daemon]`` and ``[pools]`` may be left out where nothing names them."""

POLICIES: Final = frozenset({"calendars", "policies"})
"""What ``backtest``, ``suggest`` and ``explain`` on a file need."""

REPORT: Final = POLICIES | {"objectives"}
"""What ``report`` needs."""

OPTIONAL: Final = frozenset({"objectives"})
"""Sections that must be sound where they are needed, and need not be there."""


def load(path: Path, need: frozenset[str] = WHOLE) -> Configuration:
    """The configuration in the file ``path``. ``need`` names the sections that must be there and sound.

    Of the other sections only unknown keys are a mistake: nothing is asked of a file but what is used of it.
    Raises ConfigurationError with every problem at once.
    """
    source, reading = _read(path)
    document = reading.document
    problems = [from_mistake(str(path), mistake) for mistake in reading.mistakes]
    if document is None:
        raise ConfigurationError(problems)
    into = Collector()
    folder = path.absolute().parent
    into.unknown_keys(document, SECTIONS)
    daemon = read_daemon(document.get("daemon", {}), folder, into.at("daemon"))
    calendars = document.get("calendars")
    pools = _section(document, "pools", into, lambda tables, at: read_pools(tables, _names(calendars), at))
    connections = _section(document, "connections", into, lambda tables, at: read_connections(tables, folder, at))
    webhooks = _section(document, "webhooks", into, lambda tables, at: read_webhooks(tables, folder, at))
    policies = _policies(document, into, need)
    objectives = _objectives(document, policies, into)
    watches = _watches(document, policies, into)
    if "connections" in need:
        bind(document, into)
        bind_watches(document, into)
    else:
        into.problems[:] = [p for p in into.problems if _matters(p, need)]
    for section in sorted(need - document.keys() - OPTIONAL):
        into.add(f"there is no {_header(section)}")
    problems += _located(str(path), reading, into.problems)
    if problems or policies is None:
        raise ConfigurationError(problems)
    daemon = daemon or read_daemon({}, folder, Collector())
    assert daemon is not None  # noqa: S101 - an empty table is a sound one
    return Configuration(path, daemon, connections, pools, policies, document, source, objectives, webhooks, watches)


def load_daemon(path: Path) -> DaemonEntry:
    """The table ``[daemon]`` alone, however wrong the rest of the file may be: what ``pause`` and ``status`` need.

    Raises ConfigurationError when that table, or the file's syntax, cannot be read.
    """
    _, reading = _read(path)
    places = positions(reading.text if reading.document is not None else "")
    if reading.document is None or any(_table_around(line, places) == ("daemon",) for line in reading.blanked):
        # What the broken line would have said may be the very thing that is needed, such as another database.
        raise ConfigurationError(from_mistake(str(path), mistake) for mistake in reading.mistakes)
    into = Collector()
    daemon = read_daemon(reading.document.get("daemon", {}), path.absolute().parent, into.at("daemon"))
    if daemon is None:
        raise ConfigurationError(_located(str(path), reading, into.problems))
    return daemon


def missing_secrets(configuration: Configuration) -> list[ConfigurationProblem]:
    """Every reference of the file that cannot be fetched now, or gives what its key cannot take, with what to do
    about it. Fetches and forgets."""
    file, folder = str(configuration.path), configuration.path.absolute().parent
    places = positions(configuration.source)
    found = []
    for entry in configuration.connections.values():
        for reference in filter(lambda reference: is_reference(reference.text), entry.references):
            try:
                resolve(reference.text, folder)
            except SecretMissing as missing:
                problem = Problem(("connections", entry.name, *reference.path), missing.message)
                found.append(locate(file, problem, configuration.document, places, fix=missing.fix, private=True))
        if not found:
            into = Collector(("connections", entry.name))
            judge_fetched(entry, into)
            found += [locate(file, p, configuration.document, places, private=True) for p in into.problems]
    for hook in configuration.webhooks.values():
        for key, message, fix in hook.missing():
            problem = Problem(("webhooks", hook.name, key), message)
            found.append(locate(file, problem, configuration.document, places, fix=fix, private=True))
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def _read(path: Path) -> tuple[str, Reading]:
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        fix = "name the file with --config"
        raise ConfigurationError([ConfigurationProblem(str(path), 0, 0, "", reason, fix=fix)]) from None
    try:
        source = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        problem = ConfigurationProblem(str(path), line, column, "", "this is not UTF-8 text", fix="save it as UTF-8")
        raise ConfigurationError([problem]) from None
    return source, read(source)


def _section(
    document: Mapping[str, Any],
    name: str,
    into: Collector,
    reader: Callable[[dict[str, Any], Collector], dict[str, _T]],
) -> dict[str, _T]:
    tables = document.get(name, {})
    if isinstance(tables, dict):
        return reader(tables, into.at(name))
    into.at(name).add(f"must be tables: begin each with {_header(name)}")
    return {}


def _matters(problem: Problem, need: frozenset[str]) -> bool:
    return not problem.path or problem.path[0] in need or problem.message.startswith("unknown key")


def _policies(document: Mapping[str, Any], into: Collector, need: frozenset[str]) -> Policies | None:
    wanted = {"daemon", *need, *(JUDGED_WITH_POLICIES if "policies" in need else ())}
    used = {name: section for name, section in document.items() if name in wanted}
    try:
        return Policies.from_config(used)
    except Problems as found:
        # `daemon.match` was judged with its own table.
        into.problems.extend(_at_its_own_place(p) for p in found.problems if p.path[:1] != ("daemon",))
        return None


def _objectives(document: Mapping[str, Any], policies: Policies | None, into: Collector) -> tuple[Objective, ...]:
    if "objectives" not in document:
        return ()
    from sla.figures.objective import read_objectives

    return read_objectives(document["objectives"], policies, into.at("objectives"))


def _watches(document: Mapping[str, Any], policies: Policies | None, into: Collector) -> tuple[Watch, ...]:
    if "watches" not in document:
        return ()
    from sla.figures.watch_section import read_watches

    targets = None if policies is None else [target.name for policy in policies.policies for target in policy.targets]
    return read_watches(document.get("watches", []), into.at("watches"), targets)


def _at_its_own_place(problem: Problem) -> Problem:
    """A policy's wrong calendar is found by each target that inherits it; the mistake stands in the policy."""
    inherited = problem.message.startswith("there is no calendar") and problem.path[2:3] == ("targets",)
    return problem._replace(path=(*problem.path[:2], "calendar")) if inherited and len(problem.path) == 4 else problem


def _located(file: str, reading: Reading, problems: Iterable[Problem]) -> list[ConfigurationProblem]:
    document = reading.document or {}
    places = positions(reading.text if reading.document is not None else "")
    private = set(secret_paths(document))
    doubtful = [_table_around(line, places) for line in reading.blanked]
    return [
        locate(file, problem, document, places, private=problem.path in private)
        for problem in problems
        # A table that lost a line to a syntax error is not blamed for what that line would have said.
        if problem.message.startswith("unknown key") or not any(problem.path[: len(t)] == t for t in doubtful if t)
    ]


def _table_around(line: int, places: Mapping[KeyPath, Place]) -> KeyPath:
    """The path of the table whose header stands last above ``line``."""
    above = [(place.value.line, path) for path, place in places.items() if place.header and place.value.line < line]
    return max(above, key=lambda found: (found[0], len(found[1])))[1] if above else ()


def _header(section: str) -> str:
    return {"policies": "[[policies]]", "daemon": "[daemon]"}.get(section, f"[{section}.NAME]")


def _names(tables: object) -> Iterable[str]:
    return tables if isinstance(tables, dict) else ()
