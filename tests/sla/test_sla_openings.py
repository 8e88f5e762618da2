"""Calendars that are put together: revised from a day on, with spans cut out of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from sla.calendar import Calendar, NeverOpen
from sla.instant import HOUR, parse_instant
from sla.people import read_people
from sla.problem import Collector, Problems

NINE_TO_FIVE = {"timezone": "Europe/Berlin", "hours": {"mon-fri": "09:00-17:00"}}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def revised(*revisions: dict) -> Calendar:
    return Calendar.from_config({**NINE_TO_FIVE, "revisions": list(revisions)})


def test_a_revision_counts_from_local_midnight_on_and_leaves_the_past_alone():
    calendar = revised({"from": "2026-07-01", "hours": {"mon-fri": "08:00-20:00"}})
    assert calendar.elapsed(at("2026-06-30T00:00:00+02:00"), at("2026-07-01T00:00:00+02:00")) == timedelta(hours=8)
    assert calendar.elapsed(at("2026-07-01T00:00:00+02:00"), at("2026-07-02T00:00:00+02:00")) == timedelta(hours=12)
    assert calendar.due(at("2026-06-30T16:00:00+02:00"), timedelta(hours=2)) == at("2026-07-01T07:00:00+00:00")


def test_revisions_build_on_each_other_and_say_only_what_changes():
    calendar = revised(
        {"from": "2026-07-01", "closed": ["2026-07-02"]},
        {"from": "2026-07-03", "hours": {"mon-fri": "10:00-12:00"}},
    )
    assert [
        str(a)[:16] for a, _ in calendar.intervals(at("2026-07-01T00:00:00+02:00"), at("2026-07-04T00:00:00Z"))
    ] == [
        "2026-07-01 07:00",
        "2026-07-03 08:00",
    ]


def test_a_revision_in_the_middle_of_a_day_cuts_that_day():
    calendar = revised({"from": "2026-07-01T12:00:00+02:00", "hours": {"mon-fri": "11:00-19:00"}})
    day = at("2026-07-01T00:00:00+02:00"), at("2026-07-02T00:00:00+02:00")
    assert [(a.hour, b.hour) for a, b in calendar.intervals(*day)] == [(7, 17)]  # 09:00-12:00 and 12:00-19:00, in UTC


def test_working_days_follow_the_revision():
    calendar = revised({"from": "2026-07-01", "hours": {"mon,wed": "09:00-17:00"}})
    # Tuesday 30 June, then Wednesday 1 July and Monday 6 July.
    assert calendar.add_days(at("2026-06-29T10:00:00+02:00"), 3) == at("2026-07-06T10:00:00+02:00")


@pytest.mark.parametrize(
    ("revision", "path"),
    [
        ({"hours": "24x7"}, "revisions[0]"),
        ({"from": "July", "hours": "24x7"}, "revisions[0].from"),
        ({"from": "2026-07-01", "hours": "9 to 5"}, "revisions[0].hours"),
        ({"from": "2026-07-01", "hour": "24x7"}, "revisions[0].hour"),
        ("2026-07-01", "revisions[0]"),
    ],
)
def test_a_wrong_revision_is_named_by_its_path(revision: object, path: str):
    with pytest.raises(Problems, match=f"^{re.escape(path)}: ") as caught:
        revised(revision)
    assert len(caught.value.problems) == 1


def test_what_the_calendar_itself_has_wrong_is_told_once():
    with pytest.raises(Problems) as caught:
        Calendar.from_config({"hours": "24x7", "revisions": [{"from": "2026-07-01", "hours": "24x7"}]})
    assert [p.path for p in caught.value.problems] == [()]


def test_revisions_come_in_order():
    with pytest.raises(Problems, match=r"revisions\[1\]\.from: a revision comes after the one before it"):
        revised({"from": "2026-07-02"}, {"from": "2026-07-01"})


def test_nothing_is_open_in_a_span_that_was_cut_out():
    calendar = Calendar.from_config(NINE_TO_FIVE)
    start = parse_instant("2026-07-01T10:00:00+02:00")
    cut = calendar.without([(start, start + 2 * HOUR, "maintenance: move")])
    assert cut.due(at("2026-07-01T09:00:00+02:00"), timedelta(hours=2)) == at("2026-07-01T13:00:00+02:00")
    assert list(cut.closures(start, start + HOUR)) == [(start, start + HOUR, "maintenance: move")]
    assert cut.version != calendar.version
    assert calendar.elapsed(at("2026-07-01T10:00:00+02:00"), at("2026-07-01T12:00:00+02:00")) == timedelta(hours=2)


def test_a_day_that_is_cut_out_whole_is_no_working_day():
    calendar = Calendar.from_config(NINE_TO_FIVE)
    midnight = parse_instant("2026-07-01T00:00:00+02:00")
    cut = calendar.without([(midnight, midnight + 24 * HOUR, "away")])
    assert cut.add_days(at("2026-06-30T10:00:00+02:00"), 1) == at("2026-07-02T10:00:00+02:00")


def test_a_day_that_is_cut_at_its_start_opens_later():
    calendar = Calendar.from_config(NINE_TO_FIVE)
    nine = parse_instant("2026-07-01T09:00:00+02:00")
    cut = calendar.without([(nine, nine + 2 * HOUR, "away")])
    assert cut.add_days(at("2026-06-30T09:30:00+02:00"), 1) == at("2026-07-01T11:00:00+02:00")


def test_whoever_is_away_for_ever_is_never_there():
    calendar = Calendar.from_config(NINE_TO_FIVE)
    with pytest.raises(NeverOpen):
        calendar.without([(0, 2**45, "gone")]).due(datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1))


def test_people_have_hours_absences_teams_and_managers():
    berlin = Calendar.from_config(NINE_TO_FIVE, "berlin")
    table = {
        "user:5": {"calendar": "berlin", "away": ["2026-07-01..2026-07-02", "2026-12-24"], "team": "Sales"},
        "Maria@acme.example": {"manager": "user:5"},
    }
    into = Collector()
    people = read_people(table, {"berlin": berlin}, into).with_ids(
        [("maria@ACME.example", "user:7"), ("maria@acme.example", "user:70")]
    )
    assert into.problems == []
    hours = people.hours("user:5")
    assert hours is not None
    assert hours.due(at("2026-06-30T16:00:00+02:00"), timedelta(hours=2)) == at("2026-07-03T10:00:00+02:00")
    assert (people.get("USER:5").team, people.get("user:7").manager) == ("Sales", "user:5")
    assert people.get("user:70") is people.get("user:7")  # the same person in another CRM
    assert people.get("user:8") is people.get(None) is people.hours("user:7") is None


def test_what_is_wrong_about_people_is_told_all_at_once():
    table = {
        "Maria": {},
        "user:1": {"calender": "x", "calendar": "nope", "away": ["soon", "2026-02-02..2026-02-01"], "team": 4},
        "user:2": "office",
        "user:3": {"away": "2026-01-01", "manager": "Bob"},
    }
    into = Collector()
    read_people(table, {"office": Calendar.from_config(NINE_TO_FIVE)}, into)
    assert [problem.path for problem in into.problems] == [
        ("Maria",),
        ("user:1", "calender"),
        ("user:1", "calendar"),
        ("user:1", "away", 0),
        ("user:1", "away", 1),
        ("user:1", "team"),
        ("user:2",),
        ("user:3", "away"),
        ("user:3", "manager"),
    ]


def test_a_day_whose_only_opening_the_clocks_skip_is_no_working_day() -> None:
    troll = Calendar.from_config(
        {"timezone": "Antarctica/Troll", "hours": {"sun": "01:29-02:00", "mon-fri": "09:00-17:00"}}
    )
    saturday = datetime(2026, 3, 28, 12, tzinfo=UTC)  # on the 29th the clocks go from one to three
    assert troll.add_days(saturday, 1) == datetime(2026, 3, 30, 10, tzinfo=UTC)


def test_a_day_without_its_second_shift_closes_at_the_end_of_the_first() -> None:
    office = Calendar.from_config({"timezone": "UTC", "hours": {"mon-fri": ["09:00-12:00", "13:00-17:00"]}})
    noon, evening = (int(datetime(2026, 3, 3, hour, 30, tzinfo=UTC).timestamp()) * 1000 for hour in (12, 20))
    cut = office.without([(noon, evening, "maintenance: move")])
    assert cut.add_days(datetime(2026, 3, 2, 15, tzinfo=UTC), 1) == datetime(2026, 3, 3, 12, tzinfo=UTC)


# ---- what a calendar that was cut or revised is called, and why it is closed

PLAIN = {"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}}
BEFORE = Calendar.from_config(PLAIN, "before")
AFTER = Calendar.from_config(PLAIN | {"closed": ["2026-03-04"]}, "after")
WEDNESDAY = parse_instant("2026-03-04T00:00:00Z")


def test_a_revised_calendar_has_the_later_name_and_a_version_of_its_own() -> None:
    revised = BEFORE.revised(WEDNESDAY, AFTER)
    assert revised.name == "after"
    assert revised.version == BEFORE.revised(WEDNESDAY, AFTER).version
    others = (BEFORE, AFTER, BEFORE.revised(WEDNESDAY + HOUR, AFTER), AFTER.revised(WEDNESDAY, BEFORE))
    assert revised.version not in {other.version for other in others}


def test_a_cut_calendar_keeps_its_name_and_has_a_version_of_its_own() -> None:
    cut = BEFORE.without([(WEDNESDAY, WEDNESDAY + HOUR, "maintenance: move")])
    assert cut.name == "before"
    assert cut.version == BEFORE.without([(WEDNESDAY, WEDNESDAY + HOUR, "maintenance: move")]).version
    assert cut.version not in {
        BEFORE.version,
        AFTER.without([(WEDNESDAY, WEDNESDAY + HOUR, "maintenance: move")]).version,
        BEFORE.without([(WEDNESDAY, WEDNESDAY + 2 * HOUR, "maintenance: move")]).version,
    }


def test_a_revised_calendar_is_closed_for_the_reason_in_force_then() -> None:
    revised = BEFORE.revised(WEDNESDAY, AFTER)
    evening = WEDNESDAY - 7 * HOUR
    assert list(revised.closures(evening, WEDNESDAY + 12 * HOUR)) == [
        (evening, WEDNESDAY, None), (WEDNESDAY, WEDNESDAY + 12 * HOUR, "closed")
    ]  # fmt: skip
    assert list(revised.closures(evening, evening + HOUR)) == [(evening, evening + HOUR, None)]
    assert list(revised.closures(WEDNESDAY + HOUR, WEDNESDAY + 2 * HOUR)) == [
        (WEDNESDAY + HOUR, WEDNESDAY + 2 * HOUR, "closed")
    ]
