"""The section ``[[watches]]`` of a configuration.

Owns its grammar. Refuses what a watch could not do: a task without a record, a window that is no time.
Invariant: every mistake of a watch is told with its path, and none stops the reading of the next watch.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from fractions import Fraction
from string import Formatter
from typing import Any, Final

from sla.condition import ALWAYS, read_condition
from sla.duration import parse_duration
from sla.figures.fact import DIMENSIONS
from sla.figures.watch import Backlog, Breaches, Watch
from sla.instant import DAY
from sla.model import KINDS
from sla.problem import Collector

KEYS: Final = ("name", "applies_to", "target", "when", "breaches", "backlog", "notify", "task", "webhook")
BREACHES_KEYS: Final = ("by", "count", "within")
BACKLOG_KEYS: Final = ("by", "over", "growth", "at_least")
BACKLOG_DIMENSIONS: Final = ("owner", "team", "queue", "policy")
ACTIONS: Final = ("notify", "task", "webhook")
WATCH_FIELDS: Final = ("name", "key", "count")
"""What of a watch the text of a task can name, beside fields of the record."""

_DAYS: Final = re.compile(r"(\d+(?:\.\d+)?)d", re.ASCII)
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)%", re.ASCII)
_BACKLOG_EXAMPLE: Final = '{ by = "queue", over = "4h", growth = "25%", at_least = 20 }'
_PERIODS: Final = ("day", "week", "month", "quarter", "hour_of_week")
_GROUPS: Final = tuple(name for name in DIMENSIONS if name not in _PERIODS)


def read_watches(listed: object, problems: Collector, targets: Iterable[str] | None = None) -> tuple[Watch, ...]:
    """``[[watches]]`` in file order. ``targets`` are the names that policies give, None where they are not known."""
    if not isinstance(listed, list):
        problems.add("watches are a list: begin each with [[watches]]")
        return ()
    known = None if targets is None else tuple(dict.fromkeys(targets))
    found: list[Watch] = []
    for i, table in enumerate(listed):
        here = problems.at(i)
        watch = _read_watch(table, here, known)
        if watch is not None and any(watch.name == other.name for other in found):
            here.at("name").add(f"there is another watch named {watch.name!r}")
        if watch is not None:
            found.append(watch)
    return tuple(found)


def _read_watch(table: object, problems: Collector, targets: tuple[str, ...] | None) -> Watch | None:
    if not isinstance(table, dict):
        problems.add("a watch is a table: begin it with [[watches]]")
        return None
    problems.unknown_keys(table, KEYS)
    name = table.get("name")
    if not isinstance(name, str) or not name:
        (problems.at("name") if "name" in table else problems).add("a watch needs a name")
    kind = table.get("applies_to")
    if kind is not None and kind not in KINDS:
        problems.at("applies_to").add(f"`applies_to` says which records: lead, ticket or deal, not {kind!r}", KINDS)
    target = table.get("target")
    if target is not None and not (isinstance(target, str) and (targets is None or target in targets)):
        problems.at("target").add(f"no policy has a target {target!r}", targets or ())
    when = read_condition(table["when"], problems.at("when")) if "when" in table else ALWAYS
    rule = _read_rule(table, problems)
    actions = _read_actions(table, rule, problems)
    if rule is None or not isinstance(name, str):
        return None
    looked = {key: table[key] for key in table if key not in ("name", *ACTIONS)}
    digest = hashlib.sha256(json.dumps([name, looked], sort_keys=True, default=str).encode()).hexdigest()[:16]
    return Watch(name, rule, kind, target, when, actions, digest)


def _read_rule(table: dict[str, Any], problems: Collector) -> Breaches | Backlog | None:
    if ("breaches" in table) == ("backlog" in table):
        problems.add("a watch looks at `breaches` or at a `backlog`: give it one of the two")
        return None
    name = "breaches" if "breaches" in table else "backlog"
    given, here = table[name], problems.at(name)
    if not isinstance(given, dict):
        example = '{ by = "customer", count = 3, within = "7d" }' if name == "breaches" else _BACKLOG_EXAMPLE
        here.add(f"`{name}` is a table such as {example}")
        return None
    if name == "breaches":
        here.unknown_keys(given, BREACHES_KEYS)
        by, count = given.get("by", "customer"), _count(given, "count", here)
        if not isinstance(by, str) or not by or by in _PERIODS:
            here.at("by").add(f"`by` is a dimension or a field of the record, not {by!r}", _GROUPS)
            by = "customer"
        return Breaches(by, count, _elapsed(given, "within", here))
    here.unknown_keys(given, BACKLOG_KEYS)
    if "when" in table:
        problems.at("when").add("open clocks are counted without looking at fields: use `applies_to` and `target`")
    by = given.get("by")
    if by not in BACKLOG_DIMENSIONS:
        (here.at("by") if "by" in given else here).add(
            f"`by` is one of {', '.join(BACKLOG_DIMENSIONS)}", BACKLOG_DIMENSIONS
        )
        by = "policy"
    return Backlog(by, _elapsed(given, "over", here), _share(given, here), _count(given, "at_least", here, 1))


def _read_actions(table: dict[str, Any], rule: Breaches | Backlog | None, problems: Collector) -> dict[str, str]:
    actions: dict[str, str] = {}
    for name in ACTIONS:
        if name not in table:
            continue
        if isinstance(table[name], str) and table[name].strip():
            actions[name] = table[name]
        else:
            problems.at(name).add(f"`{name}` takes text")
    if not actions and not any(name in table for name in ACTIONS):
        problems.add("a watch does something", ACTIONS)
    if isinstance(rule, Backlog) and rule.by != "owner" and actions.get("notify") == "owner":
        problems.at("notify").add(f"a backlog by {rule.by} has no owner: name somebody else")
    if "task" in actions:
        if isinstance(rule, Backlog):
            problems.at("task").add("a task belongs to a record, and a backlog has none: use `notify` or `webhook`")
        _check_text(actions["task"], problems.at("task"))
    return actions


def _check_text(template: str, problems: Collector) -> None:
    try:
        places = [place for _, place, _, _ in Formatter().parse(template) if place is not None]
    except ValueError as mistake:
        problems.add(f"the text cannot be read: {mistake}; a brace itself is written twice")
        return
    for place in places:
        room, _, name = place.partition(".")
        if not (room == "record" and name.isidentifier()) and not (room == "watch" and name in WATCH_FIELDS):
            problems.add(f"{{{place}}} is unknown here; write {{record.FIELD}} or {{watch.NAME}}", WATCH_FIELDS)


def _count(table: dict[str, Any], key: str, problems: Collector, default: int | None = None) -> int:
    value = table.get(key, default)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    (problems.at(key) if key in table else problems).add(f"`{key}` is a whole number above zero")
    return 1


def _elapsed(table: dict[str, Any], key: str, problems: Collector) -> int:
    """Milliseconds of elapsed time: ``"7d"`` is seven times 24 hours."""
    given = table.get(key)
    where = problems.at(key) if key in table else problems
    if isinstance(given, str) and (days := _DAYS.fullmatch(given.replace(" ", ""))):
        found = round(float(days[1]) * DAY)
    else:
        try:
            found = parse_duration(given)
        except ValueError:
            found = 0
    if found <= 0:
        where.add(f'`{key}` is elapsed time such as "7d", "4h" or "90m", not {given!r}')
    return max(found, 1)


def _share(table: dict[str, Any], problems: Collector) -> Fraction:
    given = table.get("growth")
    match = _PERCENT.fullmatch(given.replace(" ", "")) if isinstance(given, str) else None
    if match is None or float(match[1]) <= 0:
        where = problems.at("growth") if "growth" in table else problems
        where.add(f'`growth` is a share such as "25%", not {given!r}')
        return Fraction(1)
    return Fraction(match[1]) / 100
