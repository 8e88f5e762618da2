"""Business hours against answers worked out by hand. Instants carry their offset, so each row can be checked alone.

2026: New York's clocks skip 02:00-03:00 on Sunday 8 March and repeat 01:00-02:00 on Sunday 1 November.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from sla.calendar import Calendar, NeverOpen
from sla.problem import Problems

NEW_YORK = ZoneInfo("America/New_York")
MINUTES = timedelta(minutes=1)


def calendar(hours, timezone="America/New_York", **more) -> Calendar:
    return Calendar.from_config({"timezone": timezone, "hours": hours, **more})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


OFFICE = calendar({"mon-fri": "09:00-17:00"})
LUNCH = calendar({"mon-fri": ["09:00-12:30", "13:00-17:00"]})
ALWAYS = calendar("24x7")
NIGHTS = calendar({"mon-sun": "22:00-06:00"})
HOLIDAYS = calendar({"mon-fri": "09:00-17:00"}, holidays=["US"])
NEVER = calendar({})
HOWE = calendar("24x7", "Australia/Lord_Howe")
APIA = calendar({"mon-fri": "09:00-17:00"}, "Pacific/Apia")

DUE = {
    "an hour ending exactly at the close is due at the close": (
        OFFICE, "2026-03-06T16:00-05:00", 60, "2026-03-06T17:00-05:00"),
    "a whole day from the opening is due at that day's close": (
        OFFICE, "2026-03-02T09:00-05:00", 480, "2026-03-02T17:00-05:00"),
    "two whole days are due at the second close": (
        OFFICE, "2026-03-02T09:00-05:00", 960, "2026-03-03T17:00-05:00"),
    "a whole day from a weekend is due at Monday's close": (
        OFFICE, "2026-03-07T12:00-05:00", 480, "2026-03-09T17:00-04:00"),
    "a start before the opening counts from it": (
        OFFICE, "2026-03-03T06:30-05:00", 15, "2026-03-03T09:15-05:00"),
    "a start at the close counts from the next opening": (
        OFFICE, "2026-03-03T17:00-05:00", 15, "2026-03-04T09:15-05:00"),
    "a start on Sunday night counts from Monday": (
        OFFICE, "2026-03-08T22:00-04:00", 60, "2026-03-09T10:00-04:00"),
    "work spans a weekend": (
        OFFICE, "2026-03-06T16:30-05:00", 60, "2026-03-09T09:30-04:00"),
    "due at the beginning of lunch, not at its end": (
        LUNCH, "2026-03-03T12:00-05:00", 30, "2026-03-03T12:30-05:00"),
    "lunch adds nothing": (
        LUNCH, "2026-03-03T12:00-05:00", 60, "2026-03-03T13:30-05:00"),
    "a start at lunch counts from its end": (
        LUNCH, "2026-03-03T12:45-05:00", 10, "2026-03-03T13:10-05:00"),
    "round the clock, the skipped hour is not counted": (
        ALWAYS, "2026-03-08T01:00-05:00", 180, "2026-03-08T05:00-04:00"),
    "round the clock, the repeated hour counts twice": (
        ALWAYS, "2026-11-01T00:30-04:00", 120, "2026-11-01T01:30-05:00"),
    "round the clock, from the first pass of the repeated hour": (
        ALWAYS, "2026-11-01T01:30-04:00", 60, "2026-11-01T01:30-05:00"),
    "a night shift of the spring change has seven hours": (
        NIGHTS, "2026-03-07T22:00-05:00", 421, "2026-03-08T22:01-04:00"),
    "a night shift of the autumn change has nine hours": (
        NIGHTS, "2026-10-31T22:00-04:00", 541, "2026-11-01T22:01-05:00"),
    "a night shift may be due at its close on the next day": (
        NIGHTS, "2026-03-03T22:00-05:00", 480, "2026-03-04T06:00-05:00"),
    "office hours of the week that changes its clocks are whole": (
        OFFICE, "2026-03-06T09:00-05:00", 481, "2026-03-09T09:01-04:00"),
    "a holiday is skipped": (
        HOLIDAYS, "2026-11-25T16:00-05:00", 120, "2026-11-27T10:00-05:00"),
    "a holiday that falls on Saturday is observed on Friday": (
        HOLIDAYS, "2026-07-02T16:00-04:00", 120, "2026-07-06T10:00-04:00"),
    "next year's holiday is observed on this year's last day": (
        HOLIDAYS, "2021-12-30T16:00-05:00", 120, "2022-01-03T10:00-05:00"),
    "417 working weeks end with the 417th Monday after the first": (
        # Tuesday 1 January 2019 to Friday are 4 days, then 416 whole weeks, then one Monday: 2,085 days of 480 minutes.
        OFFICE, "2019-01-01T09:00-05:00", 2085 * 480, "2026-12-28T17:00-05:00"),
    "Lord Howe skips half an hour": (
        HOWE, "2026-10-04T01:30+10:30", 60, "2026-10-04T03:00+11:00"),
    "Lord Howe repeats half an hour": (
        HOWE, "2026-04-05T01:30+11:00", 60, "2026-04-05T02:00+10:30"),
    "Apia had no 30 December 2011": (
        APIA, "2011-12-29T16:00-10:00", 120, "2012-01-02T10:00+14:00"),
}  # fmt: skip


@pytest.mark.parametrize(("office", "start", "minutes", "due"), DUE.values(), ids=DUE)
def test_due(office: Calendar, start: str, minutes: int, due: str) -> None:
    assert office.due(at(start), minutes * MINUTES) == at(due)


ELAPSED = {
    "both ends inside one day": (OFFICE, "2026-03-03T10:00-05:00", "2026-03-03T11:30-05:00", 90),
    "both ends on one Saturday": (OFFICE, "2026-03-07T10:00-05:00", "2026-03-07T12:00-05:00", 0),
    "both ends on one holiday": (HOLIDAYS, "2026-11-26T10:00-05:00", "2026-11-26T12:00-05:00", 0),
    "from after the close to after the next close": (OFFICE, "2026-03-03T18:00-05:00", "2026-03-04T18:00-05:00", 480),
    "over a weekend": (OFFICE, "2026-03-06T16:00-05:00", "2026-03-09T10:00-04:00", 120),
    "a whole week": (OFFICE, "2026-03-09T00:00-04:00", "2026-03-16T00:00-04:00", 2400),
    "an end before the start is negative": (OFFICE, "2026-03-03T12:00-05:00", "2026-03-03T10:00-05:00", -120),
    "backwards over a weekend": (OFFICE, "2026-03-09T10:00-04:00", "2026-03-06T16:00-05:00", -120),
    "over lunch": (LUNCH, "2026-03-03T12:00-05:00", "2026-03-03T13:15-05:00", 45),
    "the 23-hour day has five hours before six": (ALWAYS, "2026-03-08T00:00-05:00", "2026-03-08T06:00-04:00", 300),
    "the 25-hour day has seven hours before six": (ALWAYS, "2026-11-01T00:00-04:00", "2026-11-01T06:00-05:00", 420),
    "from the first pass of half past one to the second": (
        ALWAYS, "2026-11-01T01:30-04:00", "2026-11-01T01:30-05:00", 60),
    "the night of the spring change": (NIGHTS, "2026-03-07T22:00-05:00", "2026-03-08T06:00-04:00", 420),
    "the night of the autumn change": (NIGHTS, "2026-10-31T22:00-04:00", "2026-11-01T06:00-05:00", 540),
    "a shift that opens inside the gap begins where the clocks land": (
        calendar({"sun": "02:30-06:00"}), "2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00", 180),
    "a shift that closes inside the gap ends where the clocks jump": (
        calendar({"sun": "00:00-02:30"}), "2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00", 120),
    "a shift within the gap does not take place": (
        calendar({"sun": "02:00-03:00"}), "2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00", 0),
    "a shift that opens inside the repeated hour takes place in both passes": (
        calendar({"sun": "01:30-03:00"}), "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00", 120),
    "a shift that closes inside the repeated hour opens again": (
        calendar({"sun": "00:30-01:30"}), "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00", 90),
    "the day of Lord Howe's spring change": (HOWE, "2026-10-04T00:00+10:30", "2026-10-05T00:00+11:00", 1410),
    "the day of Lord Howe's autumn change": (HOWE, "2026-04-05T00:00+11:00", "2026-04-06T00:00+10:30", 1470),
    "Lord Howe's repeated half hour is open twice": (
        calendar({"sun": "01:30-02:00"}, "Australia/Lord_Howe"),
        "2026-04-05T00:00+11:00", "2026-04-06T00:00+10:30", 60),
    "Lord Howe's skipped half hour": (
        calendar({"sun": "02:15-03:00"}, "Australia/Lord_Howe"),
        "2026-10-04T00:00+10:30", "2026-10-05T00:00+11:00", 30),
    "Apia's two days around the one that never was": (
        calendar("24x7", "Pacific/Apia"), "2011-12-29T00:00-10:00", "2012-01-01T00:00+14:00", 2880),
    "Apia's week of 26 December had four working days": (
        APIA, "2011-12-26T00:00-10:00", "2012-01-02T00:00+14:00", 4 * 480),
    "Havana skips midnight": (
        calendar({"sun": "00:00-02:00"}, "America/Havana"),
        "2026-03-07T22:00-05:00", "2026-03-08T12:00-04:00", 60),
    "Havana repeats the hour after midnight": (
        calendar({"sun": "00:00-01:00"}, "America/Havana"),
        "2026-10-31T22:00-04:00", "2026-11-01T12:00-05:00", 120),
    "Cairo repeats the last hour of a Thursday": (
        calendar({"thu": "23:00-24:00"}, "Africa/Cairo"),
        "2026-10-29T12:00+03:00", "2026-10-30T12:00+02:00", 120),
    "Monrovia was 44 minutes 30 seconds behind until 1972": (
        calendar({"tue": "09:00-17:00"}, "Africa/Monrovia"),
        "1971-06-01T10:44:30+00:00", "1971-06-01T20:00:00+00:00", 420),
    "a century ahead": (OFFICE, "2126-03-04T09:00-05:00", "2126-03-05T09:00-05:00", 480),
    "never open": (NEVER, "2026-03-03T10:00-05:00", "2027-03-03T10:00-05:00", 0),
}  # fmt: skip


@pytest.mark.parametrize(("office", "start", "end", "minutes"), ELAPSED.values(), ids=ELAPSED)
def test_elapsed(office: Calendar, start: str, end: str, minutes: int) -> None:
    assert office.elapsed(at(start), at(end)) == minutes * MINUTES


SPECIAL_DAYS = {
    # ---- night shifts belong to the day they open
    "a night shift into a holiday is worked to its end": (
        {"hours": {"mon-sun": "22:00-06:00"}, "holidays": ["US"]},
        "2026-12-24T21:00-05:00", "2026-12-25T21:00-05:00", 480),
    "a night shift that would open on a holiday is off to its end": (
        {"hours": {"mon-sun": "22:00-06:00"}, "holidays": ["US"]},
        "2026-12-25T21:00-05:00", "2026-12-26T21:00-05:00", 0),
    "a night shift into a closed day is worked to its end": (
        {"hours": {"mon-sun": "22:00-06:00"}, "closed": ["2026-03-04"]},
        "2026-03-03T21:00-05:00", "2026-03-04T21:00-05:00", 480),
    "Friday's night shift runs into a Saturday without hours": (
        {"hours": {"mon-fri": "22:00-06:00"}}, "2026-03-06T12:00-05:00", "2026-03-09T12:00-04:00", 480),
    "round the clock, a closed date is closed from midnight to midnight": (
        {"hours": "24x7", "closed": ["2026-03-04"]}, "2026-03-03T12:00-05:00", "2026-03-05T12:00-05:00", 1440),
    # ---- holidays
    "Thanksgiving": (
        {"hours": {"mon-fri": "09:00-17:00"}, "holidays": ["US"]},
        "2026-11-23T00:00-05:00", "2026-11-30T00:00-05:00", 4 * 480),
    "Lincoln's birthday is no holiday of the country": (
        {"hours": {"mon-fri": "09:00-17:00"}, "holidays": ["US"]},
        "2026-02-12T00:00-05:00", "2026-02-13T00:00-05:00", 480),
    "Lincoln's birthday is one of New York": (
        {"hours": {"mon-fri": "09:00-17:00"}, "holidays": ["US", "US-NY"]},
        "2026-02-12T00:00-05:00", "2026-02-13T00:00-05:00", 0),
    "two countries close on the holidays of both": (  # Labor Day 7 September, German Unity Day Saturday 3 October
        {"hours": {"mon-sat": "09:00-17:00"}, "holidays": ["US", "DE"]},
        "2026-09-07T00:00-04:00", "2026-10-05T00:00-04:00", 22 * 480),
    # ---- closures
    "a closed day": (
        {"hours": {"mon-fri": "09:00-17:00"}, "closed": ["2026-12-24"]},
        "2026-12-23T00:00-05:00", "2026-12-26T00:00-05:00", 2 * 480),
    "a closed afternoon": (
        {"hours": {"mon-fri": "09:00-17:00"}, "closed": ["2026-12-31 13:00-24:00"]},
        "2026-12-31T00:00-05:00", "2027-01-01T00:00-05:00", 240),
    "a closed hour in the middle": (
        {"hours": {"mon-fri": "09:00-17:00"}, "closed": ["2026-03-04 10:00-11:00"]},
        "2026-03-04T09:30-05:00", "2026-03-04T11:30-05:00", 60),
    "two closed parts of one day": (
        {"hours": {"mon-fri": "09:00-17:00"}, "closed": ["2026-03-04 09:00-10:00", "2026-03-04 16:00-17:00"]},
        "2026-03-04T00:00-05:00", "2026-03-05T00:00-05:00", 360),
    "a closed evening takes the beginning of a night shift": (
        {"hours": {"mon-sun": "22:00-06:00"}, "closed": ["2026-03-04 20:00-24:00"]},
        "2026-03-04T12:00-05:00", "2026-03-05T12:00-05:00", 360),
    "a closed day without a year is closed every year": (
        {"hours": "24x7", "closed": ["12-25"]},
        "2025-12-24T00:00-05:00", "2027-12-27T00:00-05:00", (733 - 3) * 1440),
    "29 February is closed in leap years": (
        {"hours": "24x7", "closed": ["02-29"]},
        "2027-02-28T00:00-05:00", "2028-03-02T00:00-05:00", (368 - 1) * 1440),
    "an afternoon closed every year": (
        {"hours": {"mon-fri": "09:00-17:00"}, "closed": ["12-24 13:00-24:00"]},
        "2025-12-24T00:00-05:00", "2025-12-25T00:00-05:00", 240),
    # ---- exceptional openings
    "an open Saturday": (
        {"hours": {"mon-fri": "09:00-17:00"}, "open": ["2026-12-19 10:00-14:00"]},
        "2026-12-19T00:00-05:00", "2026-12-21T00:00-05:00", 240),
    "an exceptional opening replaces the day's hours": (
        {"hours": {"mon-fri": "09:00-17:00"}, "open": ["2026-03-04 10:00-12:00"]},
        "2026-03-04T00:00-05:00", "2026-03-05T00:00-05:00", 120),
    "all entries of a date together replace its hours": (
        {"hours": {"mon-fri": "09:00-17:00"}, "open": ["2026-03-04 10:00-12:00", "2026-03-04 20:00-21:00"]},
        "2026-03-04T00:00-05:00", "2026-03-05T00:00-05:00", 180),
    "an exceptional night": (
        {"hours": {"mon-fri": "09:00-17:00"}, "open": ["2026-03-07 22:00-02:00"]},
        "2026-03-07T00:00-05:00", "2026-03-09T00:00-04:00", 240),
    "an exceptional opening leaves the end of the night before": (
        {"hours": {"mon-sun": "22:00-06:00"}, "open": ["2026-03-04 10:00-12:00"]},
        "2026-03-04T00:00-05:00", "2026-03-05T00:00-05:00", 360 + 120),
    "a closed day beats an exceptional opening": (
        {"hours": {"mon-fri": "09:00-17:00"}, "open": ["2026-12-24 10:00-14:00"], "closed": ["2026-12-24"]},
        "2026-12-24T00:00-05:00", "2026-12-25T00:00-05:00", 0),
    "a yearly closed day beats an exceptional opening": (
        {"hours": {"mon-fri": "09:00-17:00"}, "open": ["2026-12-24 10:00-14:00"], "closed": ["12-24"]},
        "2026-12-24T00:00-05:00", "2026-12-25T00:00-05:00", 0),
    "a closed part is cut out of an exceptional opening": (
        {"hours": {"mon-fri": "09:00-17:00"}, "open": ["2026-12-19 10:00-14:00"],
         "closed": ["2026-12-19 13:00-24:00"]},
        "2026-12-19T00:00-05:00", "2026-12-20T00:00-05:00", 180),
    # ---- ways to write hours
    "24:00 is the end of the day": (
        {"hours": {"mon": "20:00-24:00"}}, "2026-03-02T00:00-05:00", "2026-03-04T00:00-05:00", 240),
    "the whole day": (
        {"hours": {"mon": "00:00-24:00"}}, "2026-03-01T00:00-05:00", "2026-03-04T00:00-05:00", 1440),
    "a night written as two days": (
        {"hours": {"mon": "22:00-24:00", "tue": "00:00-06:00"}},
        "2026-03-02T23:00-05:00", "2026-03-03T12:00-05:00", 420),
    "a single day and several": (
        {"hours": {"mon-fri": ["09:00-12:30", "13:00-17:00"], "sat": "10:00-14:00"}},
        "2026-03-02T00:00-05:00", "2026-03-08T00:00-05:00", 5 * 450 + 240),
    "openings in any order": (
        {"hours": {"mon": ["13:00-17:00", "09:00-12:30"]}},
        "2026-03-02T12:00-05:00", "2026-03-02T14:00-05:00", 90),
}  # fmt: skip


@pytest.mark.parametrize(("config", "start", "end", "minutes"), SPECIAL_DAYS.values(), ids=SPECIAL_DAYS)
def test_days_that_differ(config: dict, start: str, end: str, minutes: int) -> None:
    office = Calendar.from_config({"timezone": "America/New_York", **config})
    assert office.elapsed(at(start), at(end)) == minutes * MINUTES


def test_seconds_are_kept() -> None:
    assert OFFICE.due(at("2026-03-06T16:59:30-05:00"), timedelta(minutes=1)) == at("2026-03-09T09:00:30-04:00")
    to_the_second = calendar({"mon-fri": "09:00:30-17:00:15"})
    day = to_the_second.elapsed(at("2026-03-03T00:00-05:00"), at("2026-03-04T00:00-05:00"))
    assert day == timedelta(hours=7, minutes=59, seconds=45)


def test_milliseconds_are_kept() -> None:
    start = at("2026-03-03T16:59:59.250-05:00")
    assert OFFICE.elapsed(start, at("2026-03-03T18:00-05:00")) == timedelta(milliseconds=750)
    assert OFFICE.due(start, timedelta(milliseconds=750)) == at("2026-03-03T17:00-05:00")
    assert OFFICE.due(start, timedelta(milliseconds=751)) == at("2026-03-04T09:00:00.001-05:00")


def test_the_close_itself_is_no_working_time() -> None:
    assert OFFICE.elapsed(at("2026-03-03T17:00-05:00"), at("2026-03-03T17:01-05:00")) == timedelta(0)


@pytest.mark.parametrize("minutes", [0, -1, -100_000])
@pytest.mark.parametrize("start", ["2026-03-07T12:00-05:00", "2026-03-03T10:00-05:00", "2026-03-03T17:00-05:00"])
def test_due_of_no_work_is_the_start(start: str, minutes: int) -> None:
    assert OFFICE.due(at(start), minutes * MINUTES) == at(start)
    assert NEVER.due(at(start), minutes * MINUTES) == at(start)


def test_answers_are_utc_whatever_the_zone_of_the_question() -> None:
    kolkata = timezone(timedelta(hours=5, minutes=30))
    for start in (
        datetime(2026, 3, 3, 10, tzinfo=NEW_YORK),
        datetime(2026, 3, 3, 15, tzinfo=UTC),
        datetime(2026, 3, 3, 20, 30, tzinfo=kolkata),
    ):
        due = OFFICE.due(start, timedelta(hours=1))
        assert due == datetime(2026, 3, 3, 16, tzinfo=UTC)
        assert due.utcoffset() == timedelta(0)


def test_two_datetimes_of_one_zone_are_told_apart_by_their_fold() -> None:
    first = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=0)
    second = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1)
    assert ALWAYS.elapsed(first, second) == timedelta(hours=1)
    assert ALWAYS.due(first, timedelta(hours=1)) == second.astimezone(UTC)


# ---- intervals


def utc_pairs(office: Calendar, start: str, end: str) -> list[tuple[str, str]]:
    return [(f"{a:%d %H:%M}", f"{b:%d %H:%M}") for a, b in office.intervals(at(start), at(end))]


def test_intervals_are_cut_to_the_window() -> None:
    assert utc_pairs(LUNCH, "2026-03-02T12:00-05:00", "2026-03-03T09:30-05:00") == [
        ("02 17:00", "02 17:30"),
        ("02 18:00", "02 22:00"),
        ("03 14:00", "03 14:30"),
    ]


def test_intervals_show_both_passes_of_a_repeated_hour() -> None:
    half = calendar({"sun": "01:30-03:00"})
    assert utc_pairs(half, "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00") == [
        ("01 05:30", "01 06:00"),
        ("01 06:30", "01 08:00"),
    ]


def test_intervals_of_a_closed_or_backward_window_are_none() -> None:
    assert utc_pairs(OFFICE, "2026-03-07T00:00-05:00", "2026-03-08T00:00-05:00") == []
    assert utc_pairs(OFFICE, "2026-03-04T00:00-05:00", "2026-03-03T00:00-05:00") == []


def test_intervals_are_aware() -> None:
    for pair in OFFICE.intervals(at("2026-03-02T00:00-05:00"), at("2026-03-03T00:00-05:00")):
        assert [instant.utcoffset() for instant in pair] == [timedelta(0), timedelta(0)]


# ---- refusals


def test_a_naive_datetime_is_refused() -> None:
    naive, aware = datetime(2026, 3, 3, 10), datetime(2026, 3, 3, 10, tzinfo=UTC)
    for ask in (
        lambda: OFFICE.due(naive, timedelta(hours=1)),
        lambda: OFFICE.due(naive, timedelta(0)),
        lambda: OFFICE.elapsed(naive, aware),
        lambda: OFFICE.elapsed(aware, naive),
        lambda: list(OFFICE.intervals(naive, aware)),
        lambda: list(OFFICE.intervals(aware, naive)),
    ):
        with pytest.raises(ValueError, match=r"zone|aware|naive"):
            ask()


class Undecided(tzinfo):
    def utcoffset(self, when: datetime | None) -> None:
        return None


def test_a_datetime_whose_zone_knows_no_offset_is_naive_too() -> None:
    with pytest.raises(ValueError, match=r"zone|aware|naive|offset"):
        OFFICE.due(datetime(2026, 3, 3, 10, tzinfo=Undecided()), timedelta(hours=1))


def test_never_open() -> None:
    with pytest.raises(NeverOpen):
        NEVER.due(at("2026-03-03T10:00-05:00"), timedelta(minutes=1))
    assert issubclass(NeverOpen, Exception)


def test_an_opening_nine_years_ahead_is_found() -> None:
    far = calendar({}, open=["2035-06-01 10:00-12:00"])
    assert far.due(at("2026-03-03T10:00-05:00"), timedelta(hours=1)) == at("2035-06-01T11:00-04:00")


def test_an_opening_eleven_years_ahead_is_never() -> None:
    far = calendar({}, open=["2037-06-01 10:00-12:00"])
    with pytest.raises(NeverOpen):
        far.due(at("2026-03-03T10:00-05:00"), timedelta(hours=1))


def test_the_answer_does_not_depend_on_what_was_asked_before() -> None:
    far = calendar({}, open=["2037-06-01 10:00-12:00"])
    far.elapsed(at("2026-03-03T10:00-05:00"), at("2050-01-01T00:00-05:00"))
    with pytest.raises(NeverOpen):
        far.due(at("2026-03-03T10:00-05:00"), timedelta(hours=1))


def test_a_calendar_that_closes_for_good_is_never_open_afterwards() -> None:
    last = calendar({}, open=["2026-03-04 10:00-12:00"])
    assert last.due(at("2026-03-03T10:00-05:00"), timedelta(hours=2)) == at("2026-03-04T12:00-05:00")
    with pytest.raises(NeverOpen):
        last.due(at("2026-03-03T10:00-05:00"), timedelta(hours=3))


# ---- is it open


def test_an_opening_includes_its_beginning_and_not_its_end() -> None:
    def is_open(text: str) -> bool:
        return OFFICE.is_open(round(at(text).timestamp() * 1000))

    assert [is_open(f"2026-03-03T{time}-05:00") for time in ("08:59:59.999", "09:00", "16:59:59.999", "17:00")] == [
        False, True, True, False,
    ]  # fmt: skip


def test_the_next_opening_of_an_open_instant_is_itself() -> None:
    def ms(text: str) -> int:
        return round(at(text).timestamp() * 1000)

    assert OFFICE.next_open(ms("2026-03-03T10:00-05:00")) == ms("2026-03-03T10:00-05:00")
    assert OFFICE.next_open(ms("2026-03-03T17:00-05:00")) == ms("2026-03-04T09:00-05:00")
    assert OFFICE.next_open(ms("2026-03-07T12:00-05:00")) == ms("2026-03-09T09:00-04:00")


# ---- working days


DAYS = {
    "the same time on the second next working day": (OFFICE, "2026-03-02T10:00-05:00", 2, "2026-03-04T10:00-05:00"),
    "a weekend is no working day": (OFFICE, "2026-03-05T10:00-05:00", 2, "2026-03-09T10:00-04:00"),
    "a holiday is no working day": (HOLIDAYS, "2026-11-25T10:00-05:00", 1, "2026-11-27T10:00-05:00"),
    "before the opening moves to the opening": (OFFICE, "2026-03-02T07:00-05:00", 1, "2026-03-03T09:00-05:00"),
    "after the close moves to the close": (OFFICE, "2026-03-06T18:30-05:00", 1, "2026-03-09T17:00-04:00"),
    "a short day's close": (
        calendar({"mon-fri": "09:00-17:00", "sat": "10:00-14:00"}),
        "2026-03-06T16:00-05:00", 1, "2026-03-07T14:00-05:00"),
    "a short day's opening": (
        calendar({"mon-fri": "09:00-17:00", "sat": "10:00-14:00"}),
        "2026-03-06T09:30-05:00", 1, "2026-03-07T10:00-05:00"),
    "an exceptional opening makes a working day": (
        calendar({"mon-fri": "09:00-17:00"}, open=["2026-03-07 10:00-14:00"]),
        "2026-03-06T11:00-05:00", 1, "2026-03-07T11:00-05:00"),
    "round the clock, over a clock change, the local time stays": (
        ALWAYS, "2026-03-07T12:00-05:00", 1, "2026-03-08T12:00-04:00"),
}  # fmt: skip


@pytest.mark.parametrize(("office", "start", "days", "due"), DAYS.values(), ids=DAYS)
def test_whole_working_days(office: Calendar, start: str, days: int, due: str) -> None:
    assert office.add_days(at(start), days) == at(due)


def test_a_day_that_never_was_is_no_working_day() -> None:
    assert APIA.add_days(at("2011-12-29T10:00-10:00"), 1) == at("2012-01-02T10:00+14:00")


# ---- mistakes of a configuration

GOOD = {"timezone": "America/New_York", "hours": {"mon-fri": "09:00-17:00"}}

MISTAKES = {
    "an unknown zone": ({"timezone": "America/NewYork"}, ("timezone",), "America/New_York"),
    "a zone that is no text": ({"timezone": 5}, ("timezone",), "5"),
    "no day": ({"hours": {"funday": "09:00-17:00"}}, ("hours", "funday"), "funday"),
    "no time": ({"hours": {"mon": "nine to five"}}, ("hours", "mon"), "nine to five"),
    "an hour too late": ({"hours": {"mon": "09:00-25:00"}}, ("hours", "mon"), "25:00"),
    "a minute too late": ({"hours": {"mon": "09:60-17:00"}}, ("hours", "mon"), "09:60"),
    "the second opening of a day": ({"hours": {"mon": ["09:00-12:00", "13-17"]}}, ("hours", "mon", 1), "13"),
    "a country nobody knows": ({"holidays": ["XQ"]}, ("holidays", 0), "XQ"),
    "a subdivision nobody knows": ({"holidays": ["US", "US-XQ"]}, ("holidays", 1), "XQ"),
    "a day that is none": ({"closed": ["2026-02-30"]}, ("closed", 0), "2026-02-30"),
    "a closure that is no date": ({"closed": ["2026-12-24", "Christmas"]}, ("closed", 1), "Christmas"),
    "an opening without hours": ({"open": ["2026-12-19"]}, ("open", 0), "2026-12-19"),
    "an opening with bad hours": ({"open": ["2026-12-19 10-14"]}, ("open", 0), "10"),
    "an unknown key": ({"holiday": ["US"]}, ("holiday",), "holiday"),
}


@pytest.mark.parametrize(("change", "path", "named"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_reported_where_it_stands(change: dict, path: tuple, named: str) -> None:
    with pytest.raises(Problems) as caught:
        Calendar.from_config({**GOOD, **change})
    assert [problem.path for problem in caught.value.problems] == [path]
    assert named in caught.value.problems[0].message


def test_an_unknown_key_comes_with_the_known_ones() -> None:
    with pytest.raises(Problems) as caught:
        Calendar.from_config({**GOOD, "holiday": ["US"]})
    assert {"timezone", "hours", "holidays", "closed", "open"} <= set(caught.value.problems[0].known)


def test_a_calendar_needs_hours() -> None:
    with pytest.raises(Problems, match="hours"):
        Calendar.from_config({"timezone": "America/New_York"})


def test_a_calendar_needs_a_timezone() -> None:
    with pytest.raises(Problems, match="timezone"):
        Calendar.from_config({"hours": {"mon-fri": "09:00-17:00"}})


def test_every_mistake_is_reported_at_once() -> None:
    with pytest.raises(Problems) as caught:
        Calendar.from_config({
            "timezone": "Mars/Olympus", "hours": {"mon": "9", "noday": "09:00-17:00"}, "holidays": ["XQ"],
            "closed": ["never"], "open": ["2026-12-19"], "opens": [],
        })  # fmt: skip
    assert {problem.path for problem in caught.value.problems} == {
        ("timezone",), ("hours", "mon"), ("hours", "noday"), ("holidays", 0), ("closed", 0), ("open", 0), ("opens",),
    }  # fmt: skip
