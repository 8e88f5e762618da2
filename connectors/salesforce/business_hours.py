"""Business hours and holidays of Salesforce as tables of ``[calendars.NAME]``. Pure.

Owns the meaning of BusinessHours and Holiday rows. Refuses to fetch them. Invariant: an instant is open in the table
iff it lies in the row's hours of that weekday and in none of its holidays, from ``FROM_YEARS`` before today to
``YEARS`` after; what cannot be carried over is said in ``notes``.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-businesshours.html
One opening a day; no times, no opening. That 00:00 to 00:00 means the whole day is how the default hours of a new org
come, which Help calls "24 hours a day, seven days a week".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from connectors.salesforce.recurrence import days_of, every_year
from connectors.setup import ImportedCalendar

Row = Mapping[str, Any]

YEARS: Final = 5
FROM_YEARS: Final = 1
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WHOLE_DAY: Final = "00:00-24:00"
_DAY_MINUTES: Final = 24 * 60

HOURS_COLUMNS: Final = (
    "Id", "Name", "IsActive", "IsDefault", "TimeZoneSidKey",
    *(f"{day}{edge}Time" for day in DAYS for edge in ("Start", "End")),
)  # fmt: skip
HOLIDAY_COLUMNS: Final = (
    "Id", "Name", "ActivityDate", "IsAllDay", "StartTimeInMinutes", "EndTimeInMinutes", "IsRecurrence",
    "RecurrenceStartDate", "RecurrenceEndDateOnly", "RecurrenceType", "RecurrenceInterval", "RecurrenceDayOfWeekMask",
    "RecurrenceDayOfMonth", "RecurrenceInstance", "RecurrenceMonthOfYear",
)  # fmt: skip

Observed = Mapping[str, Collection[str]]
"""Holiday's name -> names of the business hours that observe it."""


def calendars(
    hours: Iterable[Row], holidays: Sequence[Row], observed: Observed | None, today: str
) -> list[ImportedCalendar]:
    """One calendar for each row of hours, the default one first. ``observed`` None: it could not be read, and every
    holiday counts for all hours. ``today`` is YYYY-MM-DD."""
    taken: set[str] = set()
    rows = sorted(hours, key=lambda row: (not row.get("IsDefault"), str(row.get("Name"))))
    return [_calendar(row, holidays, observed, date.fromisoformat(today), taken) for row in rows]


def _calendar(
    row: Row, holidays: Sequence[Row], observed: Observed | None, today: date, taken: set[str]
) -> ImportedCalendar:
    title = str(row.get("Name") or "hours")
    mine = [one for one in holidays if observed is None or title in observed.get(str(one.get("Name")), ())]
    notes: list[str] = []
    if observed is None and holidays:
        notes.append("which holidays belong to which hours cannot be read by this user: all of them are here")
    closed = list(dict.fromkeys(_closed(mine, today, notes)))
    table: dict[str, Any] = {"timezone": str(row.get("TimeZoneSidKey") or "UTC"), "hours": _week(row, notes)}
    if closed:
        table["closed"] = sorted(closed)
    return ImportedCalendar(
        name=_key(title, taken), title=title, table=table, default=bool(row.get("IsDefault")),
        active=bool(row.get("IsActive", True)), notes=tuple(notes),
    )  # fmt: skip


def _week(row: Row, notes: list[str]) -> str | dict[str, str]:
    openings = {day: span for day in DAYS if (span := _opening(row, day)) is not None}
    if len(openings) == 7 and set(openings.values()) == {WHOLE_DAY}:
        return "24x7"
    if not openings:
        notes.append("these hours are never open: clocks on them never run")
    return dict(_grouped(openings))


def _grouped(openings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Neighbouring days with the same opening share a key: ``mon-fri``."""
    run: list[str] = []
    for place, day in enumerate(DAYS):
        if day in openings:
            run.append(day)
        after = DAYS[place + 1] if place + 1 < len(DAYS) else None
        if run and (after is None or openings.get(after) != openings[run[-1]]):
            first, last = run[0][:3].lower(), run[-1][:3].lower()
            yield (first if first == last else f"{first}-{last}"), openings[run[-1]]
            run = []


def _opening(row: Row, day: str) -> str | None:
    start, end = _time(row.get(f"{day}StartTime")), _time(row.get(f"{day}EndTime"))
    if start is None or end is None:
        return None
    if start == end:
        # The whole day; any other equal pair would be an opening of no length.
        return WHOLE_DAY if start == "00:00" else None
    return f"{start}-{'24:00' if end == '00:00' else end}"


def _time(text: object) -> str | None:
    """``09:00`` of ``09:00:00.000Z``. Seconds are kept where there are any."""
    if not isinstance(text, str):
        return None
    return text[:5] if text[5:8] in {"", ":00"} else text[:8]


def _closed(holidays: Sequence[Row], today: date, notes: list[str]) -> Iterator[str]:
    first, last = date(today.year - FROM_YEARS, 1, 1), date(today.year + YEARS, 12, 31)
    recurring = False
    for row in holidays:
        name, span = row.get("Name"), _span(row)
        yearly = every_year(row, first)
        try:
            days = [f"{yearly[0]:02d}-{yearly[1]:02d}"] if yearly else [str(one) for one in days_of(row, first, last)]
        except (ValueError, KeyError) as odd:
            notes.append(f"the holiday {name!r} is left out: {odd}")
            continue
        recurring = recurring or (bool(row.get("IsRecurrence")) and yearly is None)
        yield from (f"{day} {span}" if span else day for day in days)
    if recurring:
        notes.append(f"holidays that recur are written down until {last}: import again before then")


def _span(row: Row) -> str | None:
    """The part of the day that a holiday takes, or None for all of it."""
    start, end = row.get("StartTimeInMinutes"), row.get("EndTimeInMinutes")
    if row.get("IsAllDay", True) or start is None or end is None:
        return None
    # One that ends at midnight ends with the day.
    return f"{_clock(int(start))}-{_clock(int(end) or _DAY_MINUTES)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _key(title: str, taken: set[str]) -> str:
    """A bare key made of the hours' name, different for each."""
    base = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "hours"
    key, number = base, 2
    while key in taken:
        key, number = f"{base}-{number}", number + 1
    taken.add(key)
    return key
