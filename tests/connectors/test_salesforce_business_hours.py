"""Business hours and holidays of Salesforce, carried over to calendars of ours."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.salesforce.business_hours import DAYS, calendars
from connectors.salesforce.recurrence import days_of
from console.toml_text import text
from sla.calendar import Calendar

TODAY = "2026-11-21"
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December"]  # fmt: skip
OFFICE = {
    "Name": "Office", "IsActive": True, "IsDefault": True, "TimeZoneSidKey": "America/New_York",
    **{f"{day}StartTime": "09:00:00.000Z" for day in DAYS[:5]},
    **{f"{day}EndTime": "17:30:00.000Z" for day in DAYS[:5]},
    "SaturdayStartTime": None, "SaturdayEndTime": None, "SundayStartTime": None, "SundayEndTime": None,
}  # fmt: skip
ALWAYS = {"Name": "Default", "IsDefault": False, "TimeZoneSidKey": "UTC",
          **{f"{day}{edge}Time": "00:00:00.000Z" for day in DAYS for edge in ("Start", "End")}}  # fmt: skip


def holiday(name: str = "Day off", **more: Any) -> dict[str, Any]:
    return {"Name": name, "IsAllDay": True, "IsRecurrence": False, **more}


def yearly(month: str, day: int, start: str = "2020-01-01", **more: Any) -> dict[str, Any]:
    return holiday(
        IsRecurrence=True, RecurrenceType="RecursYearly", RecurrenceMonthOfYear=month, RecurrenceDayOfMonth=day,
        RecurrenceStartDate=start, **more,
    )  # fmt: skip


def test_weekdays_with_the_same_hours_share_a_key_and_days_without_times_are_closed() -> None:
    [office] = calendars([OFFICE], [], None, TODAY)
    assert (office.name, office.title, office.default) == ("office", "Office", True)
    assert office.table == {"timezone": "America/New_York", "hours": {"mon-fri": "09:00-17:30"}}


def test_midnight_to_midnight_is_the_whole_day_and_a_week_of_it_is_always() -> None:
    assert calendars([ALWAYS], [], None, TODAY)[0].table == {"timezone": "UTC", "hours": "24x7"}
    partly = {**OFFICE, "SaturdayStartTime": "00:00:00.000Z", "SaturdayEndTime": "00:00:00.000Z",
              "SundayStartTime": "20:00:00.000Z", "SundayEndTime": "00:00:00.000Z"}  # fmt: skip
    assert calendars([partly], [], None, TODAY)[0].table["hours"] == {
        "mon-fri": "09:00-17:30", "sat": "00:00-24:00", "sun": "20:00-24:00",
    }  # fmt: skip


def test_holidays_become_days_parts_of_days_and_days_of_every_year() -> None:
    days = [
        holiday(ActivityDate="2026-12-24"),
        holiday(ActivityDate="2026-12-31", IsAllDay=False, StartTimeInMinutes=780, EndTimeInMinutes=1440),
        holiday(ActivityDate="2027-01-02", IsAllDay=False, StartTimeInMinutes=600, EndTimeInMinutes=0),
        yearly("December", 25),
    ]
    assert calendars([OFFICE], days, {"Day off": ["Office"]}, TODAY)[0].table["closed"] == [
        "12-25", "2026-12-24", "2026-12-31 13:00-24:00", "2027-01-02 10:00-24:00",
    ]  # fmt: skip


def test_a_day_of_every_year_that_begins_or_ends_is_written_out() -> None:
    [office] = calendars([OFFICE], [yearly("May", 1, start="2027-03-01")], {"Day off": ["Office"]}, TODAY)
    assert office.table["closed"] == ["2027-05-01", "2028-05-01", "2029-05-01", "2030-05-01", "2031-05-01"]
    assert office.notes == ("holidays that recur are written down until 2031-12-31: import again before then",)
    [office] = calendars(
        [OFFICE], [yearly("May", 1, RecurrenceEndDateOnly="2027-12-31")], {"Day off": ["Office"]}, TODAY
    )
    assert office.table["closed"] == ["2025-05-01", "2026-05-01", "2027-05-01"]


def test_a_day_that_no_year_has_closes_nothing() -> None:
    assert "closed" not in calendars([OFFICE], [yearly("June", 31)], None, TODAY)[0].table
    assert calendars([OFFICE], [yearly("February", 29)], None, TODAY)[0].table["closed"] == ["02-29"]


def test_only_the_hours_that_observe_a_holiday_get_it_where_that_can_be_read() -> None:
    days = [holiday("Labor Day", ActivityDate="2026-09-07")]
    office, always = calendars([ALWAYS, OFFICE], days, {"Labor Day": ["Office"]}, TODAY)
    assert (office.name, office.table.get("closed")) == ("office", ["2026-09-07"])
    assert (always.name, always.table.get("closed"), always.notes) == ("default", None, ())


def test_all_hours_get_all_holidays_where_the_link_cannot_be_read_and_that_is_said() -> None:
    for one in calendars([ALWAYS, OFFICE], [holiday(ActivityDate="2026-09-07")], None, TODAY):
        assert one.table["closed"] == ["2026-09-07"]
        assert one.notes == ("which holidays belong to which hours cannot be read by this user: all of them are here",)


def test_a_recurrence_of_an_unknown_kind_is_left_out_and_said() -> None:
    odd = holiday(IsRecurrence=True, RecurrenceType="RecursByMoon", RecurrenceStartDate="2026-01-01")
    [office] = calendars([OFFICE], [odd], {"Day off": ["Office"]}, TODAY)
    assert "closed" not in office.table
    assert office.notes == (
        "the holiday 'Day off' is left out: it recurs in a way that is not known here (RecursByMoon)",
    )


def test_hours_of_one_name_get_keys_of_their_own() -> None:
    found = calendars([OFFICE, {**ALWAYS, "Name": "Office!"}, {**ALWAYS, "Name": "営業"}], [], None, TODAY)
    assert [one.name for one in found] == ["office", "office-2", "hours"]


def test_hours_that_never_open_say_so() -> None:
    never = {**OFFICE, **{f"{day}{edge}Time": None for day in DAYS for edge in ("Start", "End")}}
    assert calendars([never], [], None, TODAY)[0].notes == ("these hours are never open: clocks on them never run",)


RECURRENCES = [
    ({"RecurrenceType": "RecursDaily", "RecurrenceInterval": 10},
     ["2026-01-01", "2026-01-11", "2026-01-21", "2026-01-31"]),
    ({"RecurrenceType": "RecursEveryWeekday", "RecurrenceDayOfWeekMask": 62, "RecurrenceEndDateOnly": "2026-01-06"},
     ["2026-01-01", "2026-01-02", "2026-01-05", "2026-01-06"]),
    ({"RecurrenceType": "RecursWeekly", "RecurrenceInterval": 2, "RecurrenceDayOfWeekMask": 2 + 32},
     ["2026-01-02", "2026-01-12", "2026-01-16", "2026-01-26", "2026-01-30"]),
    ({"RecurrenceType": "RecursMonthly", "RecurrenceInterval": 1, "RecurrenceDayOfMonth": 31}, ["2026-01-31"]),
    ({"RecurrenceType": "RecursMonthlyNth", "RecurrenceInstance": "Third", "RecurrenceDayOfWeekMask": 2},
     ["2026-01-19"]),
    ({"RecurrenceType": "RecursMonthlyNth", "RecurrenceInstance": "Last", "RecurrenceDayOfWeekMask": 62},
     ["2026-01-30"]),
    ({"RecurrenceType": "RecursYearlyNth", "RecurrenceInstance": "First", "RecurrenceDayOfWeekMask": 1,
      "RecurrenceMonthOfYear": "January"}, ["2026-01-04"]),
]  # fmt: skip


@pytest.mark.parametrize(("how", "expected"), RECURRENCES)
def test_each_kind_of_recurrence_falls_on_its_days(how: dict[str, Any], expected: list[str]) -> None:
    row = holiday(IsRecurrence=True, RecurrenceStartDate="2026-01-01", **how)
    assert [str(day) for day in days_of(row, date(2025, 1, 1), date(2026, 1, 31))] == expected


def test_thanksgiving_is_the_fourth_thursday_of_november() -> None:
    row = holiday(
        IsRecurrence=True, RecurrenceStartDate="2024-11-28", RecurrenceType="RecursYearlyNth",
        RecurrenceInstance="Fourth", RecurrenceDayOfWeekMask=16, RecurrenceMonthOfYear="November",
    )  # fmt: skip
    assert [str(day) for day in days_of(row, date(2025, 1, 1), date(2027, 12, 31))] == [
        "2025-11-27", "2026-11-26", "2027-11-25",
    ]  # fmt: skip


# ---- an oracle that asks each instant by itself


def falls_on(row: dict[str, Any], day: date) -> bool:
    if not row["IsRecurrence"]:
        return bool(row["ActivityDate"] == str(day))
    begin = date.fromisoformat(row["RecurrenceStartDate"])
    end = row.get("RecurrenceEndDateOnly")
    if day < begin or (end and str(day) > end):
        return False
    every, mask = row.get("RecurrenceInterval", 1), row.get("RecurrenceDayOfWeekMask", 0)
    bit = [2, 4, 8, 16, 32, 64, 1][day.weekday()]
    months = (day.year - begin.year) * 12 + day.month - begin.month
    last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    alike = [n for n in range(1, last.day + 1) if mask & [2, 4, 8, 16, 32, 64, 1][day.replace(day=n).weekday()]]
    place = {"First": 0, "Second": 1, "Third": 2, "Fourth": 3, "Last": -1}.get(row.get("RecurrenceInstance", ""), 0)
    sunday = begin - timedelta(days=begin.isoweekday() % 7)
    return bool({
        "RecursDaily": (day - begin).days % every == 0,
        "RecursEveryWeekday": day.weekday() < 5,
        "RecursWeekly": mask & bit and (day - sunday).days // 7 % every == 0,
        "RecursMonthly": months % every == 0 and day.day == row.get("RecurrenceDayOfMonth"),
        "RecursMonthlyNth": months % every == 0 and bool(alike) and day.day == alike[place],
        "RecursYearly": MONTHS[day.month - 1] == row.get("RecurrenceMonthOfYear")
        and day.day == row.get("RecurrenceDayOfMonth"),
        "RecursYearlyNth": MONTHS[day.month - 1] == row.get("RecurrenceMonthOfYear")
        and bool(alike) and day.day == alike[place],
    }[row["RecurrenceType"]])  # fmt: skip


def is_open(hours: dict[str, Any], holidays: list[dict[str, Any]], at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(hours["TimeZoneSidKey"]))
    start, end = (hours[f"{DAYS[local.weekday()]}{edge}Time"] for edge in ("Start", "End"))
    if start is None:
        return False
    clock = local.strftime("%H:%M:%S")
    if not (start[:8] <= clock and (clock < end[:8] or end[:8] == "00:00:00")):
        return False
    minute = local.hour * 60 + local.minute
    return not any(
        falls_on(row, local.date())
        and (row["IsAllDay"] or row["StartTimeInMinutes"] <= minute < row["EndTimeInMinutes"])
        for row in holidays
    )


def some_hours(dice: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = {
        "Name": "H",
        "IsDefault": True,
        "TimeZoneSidKey": dice.choice(
            ["America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "America/Sao_Paulo"]
        ),
    }
    for day in DAYS:
        start, end = dice.choice([(None, None), (0, 0), (9 * 60, 17 * 60), (22 * 60, 0), (0, 90), (61, 62),
                                  (dice.randrange(0, 700), dice.randrange(701, 1439))])  # fmt: skip
        for edge, at in (("Start", start), ("End", end)):
            row[f"{day}{edge}Time"] = None if at is None else f"{at // 60:02d}:{at % 60:02d}:00.000Z"
    return row


def some_holiday(dice: random.Random, number: int) -> dict[str, Any]:
    start = date(2026, 1, 1) + timedelta(days=dice.randrange(-900, 400))
    row = holiday(f"D{number}", ActivityDate=str(start))
    if dice.random() < 0.7:
        row |= {
            "IsRecurrence": True, "RecurrenceStartDate": str(start), "RecurrenceType": dice.choice([
                "RecursDaily", "RecursEveryWeekday", "RecursWeekly", "RecursMonthly", "RecursMonthlyNth",
                "RecursYearly", "RecursYearly", "RecursYearlyNth"]),
            "RecurrenceInterval": dice.randrange(1, 9), "RecurrenceDayOfWeekMask": dice.choice([2, 16, 62, 127, 65]),
            "RecurrenceDayOfMonth": dice.randrange(1, 32), "RecurrenceMonthOfYear": dice.choice(MONTHS),
            "RecurrenceInstance": dice.choice(["First", "Second", "Third", "Fourth", "Last"]),
        }  # fmt: skip
        if row["RecurrenceType"] in ("RecursYearly", "RecursYearlyNth"):
            row["RecurrenceInterval"] = 1
        if row["RecurrenceType"] in ("RecursDaily", "RecursEveryWeekday") or dice.random() < 0.3:
            row["RecurrenceEndDateOnly"] = str(start + timedelta(days=dice.randrange(10, 40)))
    if dice.random() < 0.3:
        begin = dice.randrange(0, 1200)
        row |= {"IsAllDay": False, "StartTimeInMinutes": begin, "EndTimeInMinutes": dice.randrange(begin + 1, 1441)}
    return row


@pytest.mark.parametrize("seed", range(5))
def test_a_thousand_instants_are_open_in_the_calendar_iff_they_are_in_the_rows(seed: int) -> None:
    dice = random.Random(seed)
    seen = set()
    for _ in range(2):
        hours = some_hours(dice)
        days = [some_holiday(dice, number) for number in range(dice.randrange(0, 8))]
        [made] = calendars([hours], days, None, TODAY)
        calendar = Calendar.from_config(made.table)
        for _ in range(100):
            at = datetime(2025, 1, 2, tzinfo=ZoneInfo("UTC")) + timedelta(seconds=dice.randrange(6 * 365 * 86_400))
            expected = is_open(hours, days, at)
            assert calendar.is_open(int(at.timestamp() * 1000)) is expected, (hours, days, made.table, at)
            seen.add(expected)
    assert seen == {True, False}


def test_what_is_printed_is_read_back_as_the_same_table() -> None:
    import tomllib

    table = calendars([OFFICE], [yearly("December", 25)], None, TODAY)[0].table
    assert tomllib.loads("\n".join(f"{key} = {text(value)}" for key, value in table.items())) == table
