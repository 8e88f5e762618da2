"""A document of policies, with what later documents say of time laid over it from their instants on.

Owns which sections are dated: calendars and maintenance windows, whose past stands and whose future is the latest;
people, of whom the latest is known. Refuses promises: policies, derived fields and adjustments stay those of the
version. Invariant: working time before the instant of an edit is what it was before the edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

from sla.instant import DAY, format_instant, parse_instant
from sla.period import Period, read_periods
from sla.problem import Collector
from sla.zone import load_zone, local_instant

Document = Mapping[str, Any]

_EMPTY: Final[dict[str, Any]] = {"holidays": [], "closed": [], "open": []}
"""What a revision has to say so that nothing of the calendar before it is kept."""

_DATE_LENGTH: Final = len("2026-07-01")


def composed(document: Document, later: Iterable[tuple[int, Document]]) -> dict[str, Any]:
    """``document`` with the ``later`` ones laid over it: each from its instant (epoch ms) on, oldest first.

    All of them have been read without a problem before.
    """
    found, before = dict(document), document
    for at, other in later:
        found, before = laid_over(found, at, before, other), other
    return found


def laid_over(document: Document, at: int, before: Document, other: Document) -> dict[str, Any]:
    """``document`` with what ``other`` says of time from ``at`` on, where that is not what the one ``before`` said."""
    found = dict(document)
    calendars, told, edited = (each.get("calendars", {}) for each in (document, before, other))
    found["calendars"] = {
        **edited,
        **{
            name: _revised(table, at, edited[name])
            if name in edited and plain(told.get(name)) != plain(edited[name])
            else table
            for name, table in calendars.items()
        },
    }
    windows, planned = before.get("maintenance", []), other.get("maintenance", [])
    if plain(windows) != plain(planned):
        found["maintenance"] = [*_until(document.get("maintenance", []), at), *_since(planned, at)]
    if plain(before.get("people")) != plain(other.get("people")):
        found["people"] = other.get("people", {})
    return found


def edited_calendars(before: Document, after: Document) -> set[str]:
    """The calendars whose future differs between two documents; those of which only one knows are not among them."""
    old, new = before.get("calendars", {}), after.get("calendars", {})
    return {name for name in old.keys() & new.keys() if plain(old[name]) != plain(new[name])}


def plain(value: object) -> object:
    """A part of a document as JSON would keep it, so that one from a file equals the same one from the store."""
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


# ---- calendars


def _revised(table: Document, at: int, later: Document) -> dict[str, Any]:
    earlier = [revision for revision in table.get("revisions", []) if _begins(revision, table) < at]
    terms = {key: value for key, value in later.items() if key != "revisions"}
    ahead = []
    for revision in later.get("revisions", []):
        begins = _begins(revision, {**terms, **revision})
        if begins <= at:
            terms |= {key: value for key, value in revision.items() if key != "from"}
        else:
            ahead.append({**revision, "from": format_instant(begins)})
    now = {**_EMPTY, **terms, "from": format_instant(at)}
    return {**table, "revisions": [*earlier, now, *ahead]}


def _begins(revision: Document, terms: Document) -> int:
    """The first instant of a revision: a local midnight of its zone, or a time with an offset."""
    given = revision["from"]
    text = given.isoformat() if isinstance(given, date | datetime) else str(given)
    if len(text) != _DATE_LENGTH:
        return parse_instant(text)
    zone = load_zone(revision.get("timezone", terms.get("timezone")))
    return local_instant(zone, (date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()) * DAY)


# ---- maintenance


def _until(windows: list[Any], at: int) -> list[Any]:
    """The windows as they were before ``at``."""
    return [
        {**table, "until": format_instant(at)} if period.end > at else table
        for table, period in _periods(windows)
        if period.start < at
    ]


def _since(windows: list[Any], at: int) -> list[Any]:
    """The windows as they are from ``at`` on."""
    return [
        {**table, "from": format_instant(at)} if period.start < at else table
        for table, period in _periods(windows)
        if period.end > at
    ]


def _periods(windows: list[Any]) -> list[tuple[Document, Period]]:
    return list(zip(windows, read_periods(windows, Collector(("maintenance",)), factor=False), strict=True))
