"""What steps and watches name outside themselves: pools, people, webhooks, and what the connections can do.

Owns these cross-references. Refuses to read a step: that is ``sla``'s. Invariant: a step that could never do what it
says is found when the file is read, with the nearest name that is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import connectors
from sla.problem import Collector
from sla.problem import Path as KeyPath
from sla.step import is_person, parse_reassign
from sync.roster import QUEUE, USER

ROLES: Final = ("owner", "manager")
"""Whom ``notify`` can name beside people, queues and pools."""
DEPENDENT: Final = ("tag", "message", "priority")
"""Actions that not every CRM has for every kind of record."""


def bind_steps(document: Mapping[str, Any], into: Collector) -> None:
    """Adds a problem for every name that a step uses and nothing has."""
    pools, hooks = _names(document, "pools"), _names(document, "webhooks")
    for path, kind, step in steps(document):
        at = into.at(*path)
        _bind_notify(step.get("notify"), pools, at.at("notify"))
        _bind_reassign(step.get("reassign"), pools, at.at("reassign"))
        _bind_webhook(step.get("webhook"), hooks, at.at("webhook"))
        for action in DEPENDENT:
            if action in step:
                _bind_ability(document, action, kind, at.at(action))


def bind_watches(document: Mapping[str, Any], into: Collector) -> None:
    """Adds a problem for every name that a watch uses and nothing has."""
    pools, hooks = _names(document, "pools"), _names(document, "webhooks")
    listed = document.get("watches")
    for i, watch in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(watch, dict):
            at = into.at("watches", i)
            _bind_notify(watch.get("notify"), pools, at.at("notify"))
            _bind_webhook(watch.get("webhook"), hooks, at.at("webhook"))


def names_somebody(wish: str) -> bool:
    """Whether a text names a person or a queue outright: ``user:`` and ``queue:`` with an id or a name, an address."""
    return wish.startswith((QUEUE, USER)) or is_person(wish)


def _bind_webhook(name: object, hooks: tuple[str, ...], at: Collector) -> None:
    if isinstance(name, str) and name not in hooks:
        at.add(f"there is no webhook {name!r}: give it a table [webhooks.{name}]", hooks)


def _bind_notify(wish: object, pools: tuple[str, ...], at: Collector) -> None:
    if not isinstance(wish, str) or wish in ROLES or wish in pools or names_somebody(wish):
        return
    at.add(f"nobody is called {wish!r}: name a role, a pool, a person or a queue", (*ROLES, *pools))


def _bind_reassign(wish: object, pools: tuple[str, ...], at: Collector) -> None:
    if not isinstance(wish, str):
        return
    if parse_reassign(wish).kind == "pool" and wish not in pools and not names_somebody(wish):
        at.add(f"there is no pool {wish!r}", (*pools, "next", "manager"))
    elif wish == "next" and not pools:
        at.add('"next" is the next one of a pool, and there is none: give it a table [pools.NAME]')


def _bind_ability(document: Mapping[str, Any], action: str, kind: object, at: Collector) -> None:
    for name, table in _tables(document.get("connections")):
        word = table.get("connector")
        if not isinstance(word, str) or word not in connectors.known() or not isinstance(kind, str):
            continue
        try:
            lacking = connectors.settings_model(word).lacking(table, action, kind)
        except ImportError:
            continue  # told where the connection stands
        if lacking is not None:
            at.add(f"connection {name!r} cannot do this for a {kind}: {lacking}")


def _names(document: Mapping[str, Any], section: str) -> tuple[str, ...]:
    found = document.get(section)
    return tuple(found) if isinstance(found, dict) else ()


def steps(document: Mapping[str, Any]) -> Iterator[tuple[KeyPath, object, dict[str, Any]]]:
    """Every step with its path and the kind of record that its policy applies to."""
    for p, policy in _elements(document.get("policies")):
        for t, target in _elements(policy.get("targets")):
            for s, step in _elements(target.get("steps")):
                yield ("policies", p, "targets", t, "steps", s), policy.get("applies_to"), step


def _elements(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    if isinstance(value, list):
        yield from ((index, element) for index, element in enumerate(value) if isinstance(element, dict))


def _tables(value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield from ((name, table) for name, table in value.items() if isinstance(table, dict))
