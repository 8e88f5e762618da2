"""Everybody whom a configuration names, and whether the CRMs know who is meant.

Owns the list of places where people, queues and teams stand, and what is said of a name that leads nowhere. Refuses to
ask a CRM: rosters are arguments. Invariant: a name is right when one connection knows it; only when every one of them
was heard is somebody called unknown.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from sla.problem import Path as KeyPath
from sla.problem import Problem
from sync.configuration_error import ConfigurationProblem, locate
from sync.configuration_shape import Configuration
from sync.configuration_step import names_somebody, steps
from sync.roster import QUEUE, TEAM, Roster
from sync.toml_positions import positions

MOST_KNOWN: Final = 20_000
"""Beyond so many names of a CRM no nearest one is looked for: that would take longer than an administrator waits."""
MOST_SHOWN: Final = 20


class Mention(NamedTuple):
    """A name at its place in the file. ``needed``: without this very one nothing else would do."""

    path: KeyPath
    text: str
    needed: bool


class Doubt(NamedTuple):
    """What is wrong with a mention: ``level`` fail or warn, and the problem at its place."""

    level: Literal["fail", "warn"]
    problem: ConfigurationProblem


def mentions(configuration: Configuration) -> list[Mention]:
    """Every person, queue and team that pools, ``[people]``, steps and watches name."""
    document = configuration.document
    found = [*_of_pools(document), *_of_people(document), *_of_actions(document)]
    return [Mention(path, text, needed) for path, text, needed in found if isinstance(text, str)]


def _of_pools(document: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any, bool]]:
    for name, pool in _tables(document.get("pools")):
        given = pool.get("members", [])
        listed = [((), given)] if isinstance(given, str) else [((index,), each) for index, each in enumerate(given)]
        for place, member in listed:
            path = ("pools", name, "members", *place)
            if isinstance(member, dict):
                yield (*path, "user"), member.get("user"), False
            else:
                yield path, member, False
        yield ("pools", name, "fallback"), pool.get("fallback"), True


def _of_people(document: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any, bool]]:
    for name, colleague in _tables(document.get("people")):
        yield ("people", name), name, False
        yield ("people", name, "manager"), colleague.get("manager"), True


def _of_actions(document: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any, bool]]:
    watches = document.get("watches", [])
    acting = [(path, step) for path, _, step in steps(document)]
    acting += [(("watches", index), watch) for index, watch in enumerate(watches) if isinstance(watch, dict)]
    pools = document.get("pools", {})
    for path, table in acting:
        for key in ("reassign", "notify"):
            wish = table.get(key)
            if isinstance(wish, str) and wish not in pools and names_somebody(wish):
                yield (*path, key), wish, True


def _tables(value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield from ((name, table) for name, table in value.items() if isinstance(table, dict))


def known(mention: Mention, roster: Roster) -> bool:
    """Whether a CRM knows who is meant by a mention, active or not."""
    return bool(roster.members(mention.text))


def doubts(configuration: Configuration, rosters: Mapping[str, Roster], silent: tuple[str, ...] = ()) -> list[Doubt]:
    """What is wrong with the names of a configuration, in the order of the file. ``rosters`` by connection;
    ``silent``: the connections that gave no answer."""
    if not rosters:
        return []
    places = positions(configuration.source)
    file, document = str(configuration.path), configuration.document
    found = []
    for mention in mentions(configuration):
        if (doubt := _doubt(mention, list(rosters.values()), silent)) is not None:
            level, message, fix = doubt
            found.append(Doubt(level, locate(file, Problem(mention.path, message), document, places, fix)))
    return sorted(found, key=lambda doubt: (doubt.problem.line, doubt.problem.column))


def _doubt(
    mention: Mention, rosters: list[Roster], silent: tuple[str, ...]
) -> tuple[Literal["fail", "warn"], str, str | None] | None:
    """Level, message and the way out; None when all is well."""
    having = [roster for roster in rosters if known(mention, roster)]
    if any(not roster.inactive.issuperset(roster.members(mention.text)) for roster in having):
        return None
    level: Literal["fail", "warn"] = "fail" if mention.needed else "warn"
    if having:
        return level, f"{mention.text!r} is inactive in the CRM", "name somebody who is active"
    several = max((roster.meant(mention.text) for roster in rosters), key=len)
    if len(several) > 1:
        return "fail", f"{mention.text!r} may mean {_or(several)}", f'name one by id, such as "{several[0]}"'
    if silent:
        return "warn", f"{mention.text!r} is not known; {', '.join(silent)} gave no answer", None
    what = "no active person is in the team" if mention.text.startswith(TEAM) else "nobody is called"
    alike = dict.fromkeys(name for roster in rosters for name in roster.like(mention.text))
    return "fail", f"{what} {mention.text.removeprefix(TEAM)!r} in the CRM", _way_out(mention.text, list(alike))


def _way_out(text: str, known: list[str]) -> str | None:
    """The nearest name; without one, all queues or teams where they are few enough to choose from."""
    if len(known) > MOST_KNOWN:
        return None
    # Of addresses only what stands before the @ is compared: the rest is the same for everybody.
    own = {name.casefold().partition("@")[0]: name for name in reversed(known)}
    if near := difflib.get_close_matches(text.casefold().partition("@")[0], own, 1):
        return f'did you mean "{own[near[0]]}"?'
    if known and len(known) <= MOST_SHOWN and text.startswith((TEAM, QUEUE)):
        return f"known are {', '.join(known)}"
    return None


def _or(ids: list[str]) -> str:
    shown = sorted(ids)[:3]
    return f"{', '.join(shown[:-1])} or {shown[-1]}" + (" …" if len(ids) > 3 else "")
