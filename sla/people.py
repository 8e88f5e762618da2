"""The people of the team: their hours, absences, team and manager.

Owns ``[people]``. Refuses the CRM's list of users: a name is ``user:ID``, or an e-mail address until somebody who knows
the CRM says whose it is (``with_ids``).
Invariant: whoever is not listed has no hours of their own, and nothing else is guessed about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sla.calendar import Calendar
from sla.instant import DAY
from sla.problem import Collector
from sla.zone import local_instant

KEYS: Final = ("calendar", "away", "team", "manager")
_NAME: Final = re.compile(r"user:\S.*|[^@\s]+@[^@\s]+")
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_ALWAYS: Final = Calendar.from_config({"timezone": "UTC", "hours": "24x7"}, "always")


Ids = Iterable[tuple[str, str]]
"""E-mail addresses and ``user:NAME`` with the ``user:ID`` that they are in some CRM."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """One of the team. ``hours`` are those of their calendar with the absences taken out, None where none are given;
    ``manager`` is a name as the configuration writes it."""

    name: str
    hours: Calendar | None = None
    team: str | None = None
    manager: str | None = None


class People:
    """Everybody of ``[people]`` by name, without regard to case."""

    def __init__(self, colleagues: Mapping[str, Colleague], ids: Ids = ()) -> None:
        self._colleagues = colleagues
        self._known = {name.casefold(): colleague for name, colleague in colleagues.items()}
        for email, user in ids:
            if (colleague := self._known.get(email.casefold())) is not None:
                self._known.setdefault(user.casefold(), colleague)

    def __len__(self) -> int:
        return len(self._colleagues)

    def get(self, user: str | None) -> Colleague | None:
        """Whoever is meant by ``user:ID`` or an e-mail address; None when nobody is."""
        return None if user is None else self._known.get(user.casefold())

    def hours(self, user: str | None) -> Calendar | None:
        """When this person works; None when nothing is known about it."""
        colleague = self.get(user)
        return colleague.hours if colleague else None

    def with_ids(self, ids: Ids) -> People:
        """The same people, found by ``user:ID`` as well: ``ids`` tells whose e-mail address is which. One address may
        have an id in each of several CRMs."""
        return People(self._colleagues, ids)


NOBODY: Final = People({})


def read_people(table: object, calendars: Mapping[str, Calendar], problems: Collector) -> People:
    """``[people]``, by name: ``{ calendar = "office", away = ["2026-12-24"], team = "Sales", manager = "user:9" }``."""
    if not isinstance(table, dict):
        problems.add("people are tables: begin with [people]")
        return NOBODY
    found = {}
    for name, given in table.items():
        here = problems.at(name)
        if not _NAME.fullmatch(name):
            here.add(f'{name!r} is nobody: write "user:ID", "user:NAME" or an e-mail address')
        if isinstance(given, dict):
            found[name] = _read_colleague(name, given, calendars, here)
        else:
            here.add('a person is a table such as { calendar = "office", team = "Sales" }')
    return People(found)


def _read_colleague(
    name: str, given: dict[str, Any], calendars: Mapping[str, Calendar], problems: Collector
) -> Colleague:
    problems.unknown_keys(given, KEYS)
    calendar = None
    if "calendar" in given:
        calendar = calendars.get(given["calendar"]) if isinstance(given["calendar"], str) else None
        if calendar is None:
            problems.at("calendar").add(f"there is no calendar {given['calendar']!r}", tuple(calendars))
    away = _read_away(given.get("away", []), calendar or _ALWAYS, problems.at("away"))
    texts = {}
    for key in ("team", "manager"):
        value = given.get(key)
        if value is not None and not (isinstance(value, str) and value):
            problems.at(key).add(f"`{key}` is text, not {value!r}")
        elif key == "manager" and value is not None and not _NAME.fullmatch(value):
            problems.at(key).add(f'{value!r} is nobody: write "user:ID", "user:NAME" or an e-mail address')
        else:
            texts[key] = value
    hours = (calendar or _ALWAYS).without(away) if away else calendar
    return Colleague(name, hours, **texts)


def _read_away(given: object, calendar: Calendar, problems: Collector) -> list[tuple[int, int, str]]:
    """Absences as spans of epoch milliseconds: whole local days, ``"2026-08-01..2026-08-14"`` with both ends."""
    if not isinstance(given, list):
        problems.add('a list of days such as ["2026-12-24", "2026-08-01..2026-08-14"]')
        return []
    found = []
    for i, entry in enumerate(given):
        text = entry.isoformat() if isinstance(entry, date) else entry
        first, _, last = text.partition("..") if isinstance(text, str) else ("", "", "")
        try:
            start, end = date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip())
        except ValueError:
            problems.at(i).add(f'{entry!r} is no day; write "2026-12-24" or "2026-08-01..2026-08-14"')
            continue
        if end < start:
            problems.at(i).add(f"{entry!r} ends before it begins")
            continue
        found.append((_midnight(calendar, start), _midnight(calendar, end, 1), "away"))
    return found


def _midnight(calendar: Calendar, day: date, later: int = 0) -> int:
    return local_instant(calendar.zone, (day.toordinal() - _EPOCH_ORDINAL + later) * DAY)
