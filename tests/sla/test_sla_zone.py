"""Zones and regions: offsets, skipped and repeated wall times, and names that are none."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from sla.holiday import check_region, holidays_of
from sla.zone import load_zone, local_instant, offsets_of_year, shift_at, to_instants

HOUR = 3_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    ("zone", "at", "hours"),
    [
        ("America/New_York", "2026-03-08T06:59:59", -5),
        ("America/New_York", "2026-03-08T07:00:00", -4),
        ("America/New_York", "2026-11-01T05:59:59", -4),
        ("America/New_York", "2026-11-01T06:00:00", -5),
        ("Australia/Lord_Howe", "2026-04-04T14:59:59", 11),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00", 10.5),
        ("Asia/Kathmandu", "1985-12-31T18:29:59", 5.5),
        ("Asia/Kathmandu", "1985-12-31T18:30:00", 5.75),
        ("Pacific/Apia", "2011-12-30T09:59:59", -10),
        ("Pacific/Apia", "2011-12-30T10:00:00", 14),
    ],
)
def test_an_offset_holds_until_the_very_second_of_its_change(zone: str, at: str, hours: float) -> None:
    assert shift_at(ZoneInfo(zone), ms(at)) == hours * HOUR


@pytest.mark.parametrize(
    ("zone", "wall", "at"),
    [
        pytest.param("America/New_York", "2026-03-02T09:00", "2026-03-02T14:00", id="an ordinary day"),
        pytest.param("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30", id="skipped: moved forward"),
        pytest.param("America/New_York", "2026-03-08T01:59", "2026-03-08T06:59", id="right before the skip"),
        pytest.param("America/New_York", "2026-03-08T03:00", "2026-03-08T07:00", id="right after the skip"),
        pytest.param("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30", id="repeated: the first pass"),
        pytest.param("America/New_York", "2026-11-01T02:00", "2026-11-01T07:00", id="right after the second pass"),
        pytest.param("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T22:00", id="a day that never was"),
        pytest.param("Asia/Kathmandu", "1986-01-01T00:05", "1985-12-31T18:35", id="skipped at new year"),
    ],
)
def test_what_instant_a_wall_time_is(zone: str, wall: str, at: str) -> None:
    assert local_instant(ZoneInfo(zone), ms(wall)) == ms(at)


def test_the_offsets_of_a_year_reach_two_days_beyond_it_without_a_gap() -> None:
    offsets = offsets_of_year(ZoneInfo("America/New_York"), 2026)
    assert [(offset.start, offset.end, offset.shift) for offset in offsets] == [
        (ms("2025-12-30T00:00"), ms("2026-03-08T07:00"), -5 * HOUR),
        (ms("2026-03-08T07:00"), ms("2026-11-01T06:00"), -4 * HOUR),
        (ms("2026-11-01T06:00"), ms("2027-01-03T00:00"), -5 * HOUR),
    ]


def test_walls_become_instants_once_never_or_twice() -> None:
    offsets = offsets_of_year(ZoneInfo("America/New_York"), 2026)
    walls = [
        (ms("2026-03-08T02:00"), ms("2026-03-08T03:00")),  # skipped
        (ms("2026-06-01T09:00"), ms("2026-06-01T17:00")),
        (ms("2026-11-01T01:15"), ms("2026-11-01T01:45")),  # repeated
    ]
    assert to_instants(walls, offsets) == [
        (ms("2026-06-01T13:00"), ms("2026-06-01T21:00")),
        (ms("2026-11-01T05:15"), ms("2026-11-01T05:45")),
        (ms("2026-11-01T06:15"), ms("2026-11-01T06:45")),
    ]


def test_a_zone_has_its_iana_name() -> None:
    assert load_zone("Europe/Berlin") == ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (None, '`timezone` is missing; write one such as "Europe/Berlin"'),
        ("Europe/Berlim", "'Europe/Berlim' is not an IANA time zone; did you mean 'Europe/Berlin'?"),
        ("", "'' is not an IANA time zone; write one such as \"Europe/Berlin\""),
        ("qqqq", "'qqqq' is not an IANA time zone; write one such as \"Europe/Berlin\""),
        (5, '5 is not an IANA time zone; write one such as "Europe/Berlin"'),
        ("../etc/passwd", "'../etc/passwd' is not an IANA time zone; write one such as \"Europe/Berlin\""),
    ],
)
def test_what_is_no_zone_is_refused(name: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        load_zone(name)


@pytest.mark.parametrize("region", ["US", "US-NY", "DE-BY", "IE"])
def test_a_region_is_a_country_or_a_part_of_it(region: str) -> None:
    assert check_region(region) is None


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("", '\'\' is not a region; write a country such as "US" or a subdivision such as "US-NY"'),
        (5, '5 is not a region; write a country such as "US" or a subdivision such as "US-NY"'),
        ("us", "no holidays are known for country 'us'; did you mean 'US'?"),
        ("Germany", "no holidays are known for country 'Germany'"),
        ("SG-X", "country 'SG' has no subdivision 'X'; known: none"),
    ],
)
def test_what_is_no_region_is_refused(region: object, message: str) -> None:
    assert check_region(region) == message


def test_an_unknown_part_of_a_country_comes_with_the_known_ones() -> None:
    assert (check_region("IE-X") or "").startswith("country 'IE' has no subdivision 'X'; known: ")
    assert (check_region("DE-XX") or "").startswith("country 'DE' has no subdivision 'XX'; known: BB, BE, BW, BY, ")


def test_the_holidays_of_a_year_have_names_and_are_of_that_year() -> None:
    found = holidays_of("US", 2026)
    assert found[date(2026, 7, 4)] == "Independence Day"
    assert date(2026, 7, 3) in found  # observed, for the fourth is a Saturday
    assert {day.year for day in found} == {2026}
    assert list(found) == sorted(found)
    assert date(2026, 2, 12) not in found
    assert holidays_of("US-NY", 2026)[date(2026, 2, 12)] == "Lincoln's Birthday"
