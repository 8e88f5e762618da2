"""Periods in which other terms hold: promises stretched by a factor, windows in which clocks do not run.

Owns ``[[adjustments]]`` and ``[[maintenance]]``. Refuses periods without a reason and somebody who approved them.
Invariant: a period is a span of instants; what it changes is told by whoever applies it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sla.condition import ALWAYS, Condition, read_condition
from sla.instant import DAY, parse_instant
from sla.problem import Collector
from sla.zone import load_zone, local_instant

KEYS: Final = ("name", "from", "until", "timezone", "when", "targets", "reason", "approved_by")
_DATE_LENGTH: Final = len("2026-11-27")


@dataclass(frozen=True, slots=True)
class Period:
    """``[start, end)`` in epoch milliseconds, for the records and targets it concerns. ``factor`` stretches the
    promises of clocks that begin in it; a maintenance window has the factor 1."""

    name: str
    start: int
    end: int
    when: Condition
    targets: frozenset[str] | None
    reason: str
    approved_by: str
    factor: float = 1.0

    def concerns(self, target: str, fields: Mapping[str, Any]) -> bool:
        """Whether it says anything about this target of a record with these fields."""
        return (self.targets is None or target in self.targets) and self.when(fields)

    def covers(self, at: int) -> bool:
        return self.start <= at < self.end


def read_periods(listed: object, problems: Collector, *, factor: bool) -> tuple[Period, ...]:
    """The periods of a list of tables in file order; with ``factor`` each must say one."""
    if not isinstance(listed, list):
        problems.add(f"a list: begin each with [[{problems.path[-1]}]]")
        return ()
    return tuple(_read_all(listed, problems, factor))


def _read_all(listed: list[object], problems: Collector, factor: bool) -> Iterator[Period]:
    for i, table in enumerate(listed):
        here = problems.at(i)
        if not isinstance(table, dict):
            here.add("a period is a table with name, from, until, reason and approved_by")
            continue
        here.unknown_keys(table, (*KEYS, "factor") if factor else KEYS)
        texts = {key: _text(table, key, here) for key in ("name", "reason", "approved_by")}
        zone = _zone(table, here)
        start = _instant(table, "from", zone, here)
        end = _instant(table, "until", zone, here)
        if start is not None and end is not None and end <= start:
            here.at("until").add("`until` comes after `from`; a date means to the end of that day")
        when = read_condition(table["when"], here.at("when")) if "when" in table else ALWAYS
        targets = _targets(table, here)
        stretched = _factor(table, here) if factor else 1.0
        if start is not None and end is not None:
            yield Period(start=start, end=end, when=when, targets=targets, factor=stretched, **texts)


def _text(table: dict[str, Any], key: str, problems: Collector) -> str:
    value = table.get(key)
    if isinstance(value, str) and value.strip():
        return value
    (problems.at(key) if key in table else problems).add(f"`{key}` is missing: who reads the figures will ask for it")
    return ""


def _zone(table: dict[str, Any], problems: Collector) -> ZoneInfo:
    try:
        return load_zone(table.get("timezone", "UTC"))
    except ValueError as mistake:
        problems.at("timezone").add(str(mistake))
        return ZoneInfo("UTC")


def _instant(table: dict[str, Any], key: str, zone: ZoneInfo, problems: Collector) -> int | None:
    """A local day, of which ``until`` means the end; or a time with an offset."""
    given = table.get(key)
    text = given.isoformat() if isinstance(given, date | datetime) else given
    where = problems.at(key) if key in table else problems
    try:
        if isinstance(text, str) and len(text) == _DATE_LENGTH:
            day = date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()
            return local_instant(zone, (day + (key == "until")) * DAY)
        if isinstance(text, str):
            return parse_instant(text)
    except ValueError:
        pass  # neither a day nor a time: the sentence below says so
    where.add(f"`{key}` is a day such as 2026-11-27, or a time with an offset, not {given!r}")
    return None


def _targets(table: dict[str, Any], problems: Collector) -> frozenset[str] | None:
    given = table.get("targets")
    if given is None:
        return None
    if isinstance(given, list) and given and all(isinstance(name, str) for name in given):
        return frozenset(given)
    problems.at("targets").add('`targets` is a list of names such as ["first_response"]')
    return None


def _factor(table: dict[str, Any], problems: Collector) -> float:
    value = table.get("factor")
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 100:
        return float(value)
    where = problems.at("factor") if "factor" in table else problems
    where.add(f"`factor` is a number above 0 and at most 100, such as 1.5, not {value!r}")
    return 1.0
