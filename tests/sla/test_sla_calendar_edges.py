"""Calendars at their edges: ten years to the millisecond, the turn of a year, spans that touch, parts of closed days.
Everything is in UTC unless a zone is named."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sla.calendar import Calendar, NeverOpen
from sla.holiday import check_region, holidays_of
from sla.hours import DateSpan
from sla.instant import format_instant, from_datetime, milliseconds, parse_instant, to_datetime
from sla.opening import Cut, CutOpenings, RevisedOpenings, WeeklyOpenings, day_date, merged, without
from sla.problem import Collector
from sla.zone import Offset, local_instant, offsets_of_year, shift_at, to_instants

HOUR, DAY = 3_600_000, 86_400_000
OFFICE = {"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}}


def calendar(hours: object, name: str = "", **more: Any) -> Calendar:
    return Calendar.from_config({"timezone": "UTC", "hours": hours, **more}, name)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def ms(text: str) -> int:
    return parse_instant(text + "Z")


def texts(spans: Any) -> list[tuple[Any, ...]]:
    """Spans with their instants as ``04 09:00``."""
    return [tuple(f"{to_datetime(x):%d %H:%M}" if isinstance(x, int) else x for x in span) for span in spans]


# ---- nothing opens within ten years


def test_an_opening_exactly_ten_years_ahead_is_found_and_a_millisecond_more_is_never() -> None:
    # From 3 March 2026 to 3 March 2036 are 3,653 days.
    def fresh() -> Calendar:
        return calendar({}, "once", open=["2036-03-03 10:00-12:00"])

    assert fresh().due(at("2026-03-03T10:00Z"), timedelta(hours=2)) == at("2036-03-03T12:00Z")
    assert fresh().next_open(ms("2026-03-03T10:00")) == ms("2036-03-03T10:00")
    with pytest.raises(NeverOpen) as caught:
        fresh().due(at("2026-03-03T09:59:59.999Z"), timedelta(milliseconds=1))
    assert str(caught.value) == "calendar 'once' has no opening within 10 years of 2026-03-03T09:59+00:00"
    with pytest.raises(NeverOpen):
        fresh().next_open(ms("2026-03-03T09:59"))


def test_ten_years_count_from_the_last_close_when_work_is_left_over() -> None:
    with pytest.raises(NeverOpen) as caught:
        calendar({}, open=["2026-03-04 10:00-12:00"]).due(at("2026-03-03T10:00Z"), timedelta(hours=3))
    assert str(caught.value) == "calendar 'UTC' has no opening within 10 years of 2026-03-04T12:00+00:00"
    twice = calendar({}, open=["2026-03-04 10:00-12:00", "2036-03-04 11:00-12:00"])
    assert twice.due(at("2026-03-03T10:00Z"), timedelta(hours=3)) == at("2036-03-04T12:00Z")


def test_work_may_take_more_than_ten_years_while_something_opens() -> None:
    yearly = calendar({}, open=["06-01 10:00-11:00"])
    assert yearly.due(at("2026-06-01T10:30Z"), timedelta(hours=15)) == at("2041-06-01T10:30Z")


def test_time_ends_before_the_year_9998() -> None:
    with pytest.raises(NeverOpen) as caught:
        calendar("24x7", "always").due(at("9996-01-01T00:00Z"), timedelta(days=732))
    assert str(caught.value) == "calendar 'always' has no time left before the year 9998"
    # 9996 is a leap year: both years have 731 days.
    assert calendar("24x7").due(at("9996-01-01T00:00Z"), timedelta(days=731)) == at("9998-01-01T00:00Z")
    assert not calendar("24x7").is_open(ms("9998-01-01T00:00"))
    assert calendar("24x7").is_open(ms("9997-12-31T23:59"))


def test_time_begins_with_the_year_2() -> None:
    day = at("0002-06-03T00:00Z"), at("0002-06-04T00:00Z")
    assert calendar("24x7").elapsed(*day) == timedelta(days=1)


# ---- working days


def test_working_days_are_counted_over_the_turn_of_years() -> None:
    mondays = calendar({"mon": "09:00-17:00"})
    assert mondays.add_days(at("2026-12-21T10:00Z"), 1) == at("2026-12-28T10:00Z")
    assert mondays.add_days(at("2026-12-21T10:00Z"), 2) == at("2027-01-04T10:00Z")
    assert mondays.add_days(at("2026-12-31T10:00Z"), 1) == at("2027-01-04T10:00Z")
    # 52 Mondays of 2027 (4 January to 27 December) and 2 more after the 28th of December 2026.
    assert mondays.add_days(at("2026-12-21T10:00Z"), 55) == at("2028-01-10T10:00Z")


@pytest.mark.parametrize("days", [0, -1])
def test_no_working_days_on_is_the_start_itself(days: int) -> None:
    assert calendar({}).add_days(at("2026-03-07T10:00Z"), days) == at("2026-03-07T10:00Z")


def test_the_next_working_day_is_looked_for_until_the_tenth_year_after_the_last() -> None:
    thrice = calendar({}, "thrice", open=["2036-12-31 10:00-12:00", "2046-12-31 10:00-12:00"])
    assert thrice.add_days(at("2026-03-03T11:00Z"), 1) == at("2036-12-31T11:00Z")
    assert thrice.add_days(at("2026-03-03T11:00Z"), 2) == at("2046-12-31T11:00Z")
    for start, days in (("2026-03-03T11:00Z", 3), ("2025-12-31T11:00Z", 1)):
        with pytest.raises(NeverOpen) as caught:
            thrice.add_days(at(start), days)
        assert str(caught.value) == f"calendar 'thrice' has too few working days after {start[:10]}"


def test_a_calendar_without_a_name_is_called_by_its_zone() -> None:
    with pytest.raises(NeverOpen, match=r"^calendar 'UTC' has too few working days after 2026-03-03$"):
        calendar({}).add_days(at("2026-03-03T11:00Z"), 1)


def test_a_working_day_of_two_shifts_is_one_day_from_the_first_opening_to_the_last_close() -> None:
    split = calendar({"mon-fri": ["13:00-17:00", "09:00-12:00"]})
    assert split.add_days(at("2026-03-02T12:30Z"), 1) == at("2026-03-03T12:30Z")
    assert split.add_days(at("2026-03-02T08:00Z"), 1) == at("2026-03-03T09:00Z")
    assert split.add_days(at("2026-03-02T18:00Z"), 1) == at("2026-03-03T17:00Z")


def test_working_days_of_a_cut_calendar_keep_their_wall_clock() -> None:
    berlin = Calendar.from_config({"timezone": "Europe/Berlin", "hours": {"mon-fri": "09:00-17:00"}})
    cut = berlin.without([(ms("2026-07-01T13:00"), ms("2026-07-01T20:00"), "move")])
    assert cut.openings.working_days(2026).days == berlin.openings.working_days(2026).days
    assert cut.add_days(at("2026-06-30T16:00+02:00"), 1) == at("2026-07-01T15:00+02:00")
    assert cut.add_days(at("2026-06-30T08:00+02:00"), 1) == at("2026-07-01T09:00+02:00")
    assert cut.add_days(at("2026-06-30T18:00+02:00"), 2) == at("2026-07-02T17:00+02:00")


def test_the_day_of_a_revision_is_a_working_day_by_what_is_left_of_both() -> None:
    before, after = calendar({"mon-fri": "06:00-10:00"}), calendar({"mon-fri": "14:00-18:00"})
    revised = before.revised(ms("2026-03-04T08:00"), after)
    assert revised.add_days(at("2026-03-03T05:00Z"), 1) == at("2026-03-04T06:00Z")
    assert revised.add_days(at("2026-03-03T20:00Z"), 1) == at("2026-03-04T18:00Z")
    assert revised.add_days(at("2026-03-03T05:00Z"), 2) == at("2026-03-05T14:00Z")
    window = ms("2026-03-03T00:00"), ms("2026-03-06T00:00")
    assert texts(revised.intervals_ms(*window)) == [
        ("03 06:00", "03 10:00"), ("04 06:00", "04 08:00"), ("04 14:00", "04 18:00"), ("05 14:00", "05 18:00"),
    ]  # fmt: skip


# ---- names and versions


def test_a_version_is_a_hash_of_the_content_whatever_the_order_of_keys() -> None:
    content = b'{"closed": ["2026-12-24"], "hours": "24x7", "timezone": "UTC"}'
    read = Calendar.from_config({"timezone": "UTC", "hours": "24x7", "closed": ["2026-12-24"]})
    assert read.version == hashlib.sha256(content).hexdigest()[:16]
    assert Calendar.from_config({"closed": [date(2026, 12, 24)], "hours": "24x7", "timezone": "UTC"}).version == (
        read.version
    )
    assert (read.name, read.zone) == ("", ZoneInfo("UTC"))
    assert (Calendar(read.openings).name, Calendar(read.openings).version) == ("", "")


def test_a_calendar_with_mistakes_is_open_on_what_could_be_read() -> None:
    problems = Collector()
    read = Calendar.from_config(
        {"timezone": "Mars", "hours": {"mon": ["x", "09:00-10:00"]}, "holidays": ["XQ", "US"], "closed": ["y"]},
        "office",
        problems,
    )
    assert (len(problems.problems), read.name, read.zone) == (4, "office", ZoneInfo("UTC"))
    year = at("2026-01-01T00:00Z"), at("2027-01-01T00:00Z")
    # 52 Mondays, of which five are holidays: those of King, Washington, Memorial, Labor and Columbus Day.
    assert read.elapsed(*year) == timedelta(hours=52 - 5)


def test_one_region_need_not_be_a_list() -> None:
    assert calendar("24x7", holidays="US").elapsed(at("2026-12-25T00:00Z"), at("2026-12-26T12:00Z")) == timedelta(
        hours=12
    )


# ---- revisions


def test_a_revision_from_a_date_begins_at_midnight_of_its_own_zone() -> None:
    moved = calendar("24x7", revisions=[{"from": date(2026, 7, 1), "timezone": "America/New_York", "hours": {}}])
    assert moved.zone == ZoneInfo("America/New_York")
    assert texts(moved.intervals_ms(ms("2026-06-30T00:00"), ms("2026-07-03T00:00"))) == [("30 00:00", "01 04:00")]


@pytest.mark.parametrize("start", ["2026-07-01T12:00:00+02:00", datetime(2026, 7, 1, 10, tzinfo=UTC)])
def test_a_revision_begins_at_an_instant(start: object) -> None:
    cut = calendar("24x7", revisions=[{"from": start, "hours": {}}])
    assert cut.due(at("2026-07-01T09:00Z"), timedelta(hours=1)) == at("2026-07-01T10:00Z")
    assert cut.elapsed(at("2026-07-01T09:00Z"), at("2026-07-02T09:00Z")) == timedelta(hours=1)


def test_what_a_revision_does_not_say_stays_as_it_was_in_the_one_before() -> None:
    revisions = [{"from": "2026-07-01", "hours": {"mon-fri": "08:00-20:00"}}, {"from": "2026-07-03", "holidays": "US"}]
    office = Calendar.from_config(OFFICE | {"closed": ["2026-07-02"], "revisions": revisions})
    assert texts(office.intervals_ms(ms("2026-06-30T00:00"), ms("2026-07-07T00:00"))) == [
        ("30 09:00", "30 17:00"), ("01 08:00", "01 20:00"), ("06 08:00", "06 20:00"),
    ]  # fmt: skip


# ---- why it is closed


def test_a_closed_span_is_told_day_by_day_with_its_causes() -> None:
    office = Calendar.from_config(
        OFFICE | {"holidays": ["US"], "closed": ["2026-12-24", "2026-12-23 12:00-18:00", "2026-12-23 20:00-21:00"]}
    )
    assert texts(office.closures(ms("2026-12-23T12:30"), ms("2026-12-26T08:00"))) == [
        ("23 12:30", "23 18:00", "closed"),
        ("23 18:00", "23 20:00", None),
        ("23 20:00", "23 21:00", "closed"),
        ("23 21:00", "24 00:00", None),
        ("24 00:00", "25 00:00", "closed"),
        ("25 00:00", "26 00:00", "holiday: Christmas Day"),
        ("26 00:00", "26 08:00", None),
    ]
    assert texts(office.closures(ms("2026-12-23T10:00"), ms("2026-12-23T12:00"))) == [("23 10:00", "23 12:00", None)]
    assert texts(office.closures(ms("2026-12-23T18:00"), ms("2026-12-23T18:00"))) == []


def test_a_day_that_is_closed_whole_is_told_in_one_piece() -> None:
    office = Calendar.from_config(OFFICE | {"holidays": ["US"], "closed": ["2026-12-25 10:00-12:00"]})
    assert texts(office.closures(ms("2026-12-25T00:00"), ms("2026-12-26T00:00"))) == [
        ("25 00:00", "26 00:00", "holiday: Christmas Day")
    ]


def test_a_closed_night_is_told_on_both_of_its_days() -> None:
    guard = calendar("24x7", closed=["2026-03-04 22:00-06:00"])
    assert texts(guard.closures(ms("2026-03-04T21:00"), ms("2026-03-05T07:00"))) == [
        ("04 21:00", "04 22:00", None),
        ("04 22:00", "05 00:00", "closed"),
        ("05 00:00", "05 06:00", "closed"),
        ("05 06:00", "05 07:00", None),
    ]
    assert texts(guard.intervals_ms(ms("2026-03-04T12:00"), ms("2026-03-05T12:00"))) == [
        ("04 12:00", "04 22:00"), ("05 06:00", "05 12:00"),
    ]  # fmt: skip


def test_days_of_a_closed_span_are_those_of_the_zone() -> None:
    berlin = Calendar.from_config({"timezone": "Europe/Berlin", "hours": {}, "closed": ["03-29 01:00-04:00", "03-30"]})
    # On 29 March 2026 the clocks go from two to three: the day has 23 hours and the part two.
    assert texts(berlin.closures(ms("2026-03-28T22:00"), ms("2026-03-31T00:00"))) == [
        ("28 22:00", "28 23:00", None),
        ("28 23:00", "29 00:00", None),
        ("29 00:00", "29 02:00", "closed"),
        ("29 02:00", "29 22:00", None),
        ("29 22:00", "30 22:00", "closed"),
        ("30 22:00", "31 00:00", None),
    ]


def test_cuts_that_overlap_are_told_once_and_the_first_counts() -> None:
    cut = calendar("24x7").without([
        (ms("2026-03-04T12:00"), ms("2026-03-04T14:00"), "second"),
        (ms("2026-03-04T10:00"), ms("2026-03-04T13:00"), "first"),
        (ms("2026-03-04T15:00"), ms("2026-03-04T16:00"), "third"),
    ])  # fmt: skip
    assert texts(cut.closures(ms("2026-03-04T09:00"), ms("2026-03-04T15:30"))) == [
        ("04 09:00", "04 10:00", None),
        ("04 10:00", "04 13:00", "first"),
        ("04 13:00", "04 14:00", "second"),
        ("04 14:00", "04 15:00", None),
        ("04 15:00", "04 15:30", "third"),
    ]
    assert texts(cut.closures(ms("2026-03-04T16:00"), ms("2026-03-04T17:00"))) == [("04 16:00", "04 17:00", None)]
    assert texts(cut.intervals_ms(ms("2026-03-04T09:00"), ms("2026-03-04T17:00"))) == [
        ("04 09:00", "04 10:00"), ("04 14:00", "04 15:00"), ("04 16:00", "04 17:00"),
    ]  # fmt: skip


# ---- one day, as the sources of openings see it


def test_an_opening_of_its_own_replaces_the_hours_and_a_closed_part_is_cut_out_of_it() -> None:
    week = {2: [(13 * HOUR, 17 * HOUR), (9 * HOUR, 12 * HOUR)]}
    source = WeeklyOpenings(
        ZoneInfo("UTC"), week,
        closed=(DateSpan(2026, 3, 4, (10 * HOUR, 11 * HOUR)), DateSpan(None, 3, 18, None),
                DateSpan(2026, 3, 26, (0, HOUR))),
        open=(DateSpan(2026, 3, 11, (20 * HOUR, 30 * HOUR)), DateSpan(2026, 3, 25, (20 * HOUR, 30 * HOUR))),
    )  # fmt: skip
    assert source.openings_of(date(2026, 3, 4)) == [
        (9 * HOUR, 10 * HOUR),
        (11 * HOUR, 12 * HOUR),
        (13 * HOUR, 17 * HOUR),
    ]
    assert source.openings_of(date(2025, 3, 5)) == [(9 * HOUR, 12 * HOUR), (13 * HOUR, 17 * HOUR)]
    assert source.openings_of(date(2026, 3, 11)) == [(20 * HOUR, 30 * HOUR)]
    assert source.openings_of(date(2026, 3, 18)) == source.openings_of(date(2026, 3, 5)) == []
    assert source.openings_of(date(2026, 3, 25)) == [(20 * HOUR, 24 * HOUR), (25 * HOUR, 30 * HOUR)]
    assert [source.closure_of(date(year, 3, 18)) for year in (2026, 2027)] == ["closed", "closed"]
    assert source.closure_of(date(2026, 3, 4)) is None


def test_one_local_date_of_a_source_that_was_cut_or_revised() -> None:
    def of(*spans: tuple[int, int]) -> WeeklyOpenings:
        return WeeklyOpenings(ZoneInfo("UTC"), {day: list(spans) for day in range(7)})

    early, late = of((6 * HOUR, 10 * HOUR)), of((8 * HOUR, 18 * HOUR))
    day = 20_516  # 4 March 2026
    assert day_date(day) == date(2026, 3, 4)
    start = day * DAY

    def hours(spans: list[tuple[int, int]]) -> list[tuple[float, float]]:
        return [((a - start) / HOUR, (b - start) / HOUR) for a, b in spans]

    assert hours(RevisedOpenings(early, start + 9 * HOUR, late).of_day(day)) == [(6, 18)]
    assert hours(RevisedOpenings(early, start + 7 * HOUR, late).of_day(day)) == [(6, 7), (8, 18)]
    assert hours(RevisedOpenings(early, start + 6 * HOUR, late).of_day(day)) == [(8, 18)]
    assert hours(RevisedOpenings(early, start + 18 * HOUR, late).of_day(day)) == [(6, 10)]
    cut = CutOpenings(late, [Cut(start + 9 * HOUR, start + 10 * HOUR, "x"), Cut(start, start + 8 * HOUR, "y")])
    assert hours(cut.of_day(day)) == [(8, 9), (10, 18)]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], []),
        ([(0, 2), (2, 4)], [(0, 4)]),
        ([(0, 2), (3, 4)], [(0, 2), (3, 4)]),
        ([(0, 9), (1, 2), (3, 10)], [(0, 10)]),
        ([(0, 9), (1, 9)], [(0, 9)]),
    ],
)
def test_spans_that_touch_or_overlap_are_one(spans: Any, expected: Any) -> None:
    assert merged(spans) == expected


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        ((0, 10), [(10, 20)]),
        ((20, 30), [(10, 20)]),
        ((0, 11), [(11, 20)]),
        ((10, 20), []),
        ((5, 25), []),
        ((12, 15), [(10, 12), (15, 20)]),
        ((10, 12), [(12, 20)]),
        ((15, 20), [(10, 15)]),
        ((19, 30), [(10, 19)]),
    ],
)
def test_a_span_without_another(cut: tuple[int, int], left: Any) -> None:
    assert without([(10, 20)], cut) == left


# ---- zones


def test_walls_become_instants_within_the_offsets_only() -> None:
    offsets = (Offset(0, 100, 10), Offset(100, 200, 0))
    # The wall shows 10 to 110, then 100 to 200: what lies from 100 to 110 comes twice.
    assert to_instants([(0, 10)], offsets) == []
    assert to_instants([(0, 12), (105, 107)], offsets) == [(0, 2), (95, 97), (105, 107)]
    assert to_instants([(190, 300), (310, 320)], offsets) == [(190, 200)]
    assert to_instants([(20, 30), (40, 50)], offsets) == [(10, 20), (30, 40)]


def test_a_zone_that_never_changes_has_one_offset() -> None:
    assert offsets_of_year(ZoneInfo("Asia/Kolkata"), 2026) == (
        (ms("2025-12-30T00:00"), ms("2027-01-03T00:00"), 19_800_000),
    )
    assert shift_at(ZoneInfo("Asia/Kolkata"), ms("2026-12-31T23:59")) == 19_800_000
    assert local_instant(ZoneInfo("Asia/Kolkata"), ms("2026-01-01T00:00")) == ms("2025-12-31T18:30")
    assert local_instant(ZoneInfo("America/New_York"), ms("2026-12-31T23:00")) == ms("2027-01-01T04:00")


def test_a_change_at_noon_of_utc_is_found_to_the_second() -> None:
    # Kwajalein went from twelve hours behind to twelve ahead: it had no 21 August 1993.
    kwajalein = ZoneInfo("Pacific/Kwajalein")
    noon = ms("1993-08-21T12:00")
    assert [shift_at(kwajalein, at) / HOUR for at in (noon - 1_000, noon - 1, noon)] == [-12, -12, 12]


def test_a_country_has_the_codes_of_two_and_of_three_letters() -> None:
    assert [check_region(region) for region in ("AUT", "AT", "AUT-1")] == [None, None, None]
    assert holidays_of("AUT", 2026) == holidays_of("AT", 2026)


# ---- instants


def test_instants_are_told_with_milliseconds_only_where_there_are_any() -> None:
    assert [format_instant(at) for at in (0, 1, 999, 1_000, -1)] == [
        "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00.999Z", "1970-01-01T00:00:01Z",
        "1969-12-31T23:59:59.999Z",
    ]  # fmt: skip
    assert to_datetime(-1) == datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC)
    assert [milliseconds(timedelta(microseconds=n)) for n in (999, 1_000, -1)] == [0, 1, -1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soon", "'soon' is not an ISO 8601 time such as 2026-03-02T14:05:00Z"),
        (5, "5 is not an ISO 8601 time such as 2026-03-02T14:05:00Z"),
        ("2026-03-02T14:05", "'2026-03-02T14:05' has no offset; write 2026-03-02T14:05:00Z or +02:00"),
    ],
)
def test_what_is_no_instant_says_why(text: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared
        parse_instant(text)
    assert str(caught.value) == message


def test_a_datetime_without_a_zone_is_named() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared
        from_datetime(datetime(2026, 3, 2))
    assert str(caught.value) == "datetime.datetime(2026, 3, 2, 0, 0) has no time zone; give an aware datetime"


def test_the_first_instant_of_the_calendar_can_be_asked_for() -> None:
    """Some CRMs write 0001-01-01 where they mean nothing."""
    dawn = at("0001-01-01T00:00Z"), at("0001-01-02T00:00Z")
    assert calendar("24x7").elapsed(*dawn) == timedelta(0)  # before the year 2 nobody is open
    assert calendar("24x7").due(dawn[0], timedelta(hours=1)) == at("0002-01-01T01:00Z")
