"""What a mistake in calendars, people, periods, derived fields and conditions says: where it stands and, word for word,
what to write instead."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from sla.calendar import Calendar
from sla.condition import ALWAYS, read_condition
from sla.derivation import NOTHING, read_derivation
from sla.hours import DateSpan, parse_dates, parse_span, parse_time, parse_week, parse_weekdays
from sla.people import NOBODY, read_people
from sla.period import read_periods
from sla.problem import Collector

HOUR, DAY = 3_600_000, 86_400_000
OFFICE = {"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}}
HOURS = 'write "24x7" or a table such as { mon-fri = ["09:00-12:30", "13:00-17:00"], sat = "10:00-14:00" }'
DATES = 'write "2026-12-24", "2026-12-31 13:00-24:00" or, for every year, "12-25"'
NO_ZONE = '`timezone` is missing; write one such as "Europe/Berlin"'
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def told(problems: Collector) -> list[tuple[Any, ...]]:
    """Path and message of every problem, and the known words where there are any."""
    return [(p.path, p.message, p.known) if p.known else (p.path, p.message) for p in problems.problems]


# ---- times and days


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("00:00", 0), ("9:05", 32_700_000), (" 09:05:07 ", 32_707_000), ("23:59:59", 86_399_000), ("24:00", DAY),
        ("00:59", 3_540_000), ("00:00:59", 59_000),
    ],
)  # fmt: skip
def test_a_time_is_milliseconds_since_midnight(text: str, at: int) -> None:
    assert parse_time(text) == at


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9", "'9' is not a time; write HH:MM or HH:MM:SS"),
        ("09:00pm", "'09:00pm' is not a time; write HH:MM or HH:MM:SS"),
        ("09:60", "'09:60' is not a time of the day; the last is 24:00"),
        ("09:00:60", "'09:00:60' is not a time of the day; the last is 24:00"),
        ("24:00:01", "'24:00:01' is not a time of the day; the last is 24:00"),
    ],
)
def test_what_is_no_time_says_how_one_is_written(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared
        parse_time(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("09:00-17:00", (32_400_000, 61_200_000)),
        ("09:00 - 17:00", (32_400_000, 61_200_000)),
        ("22:00-06:00", (79_200_000, 108_000_000)),
        ("00:00-24:00", (0, DAY)),
        ("23:59:59-00:00", (86_399_000, DAY)),
    ],
)
def test_a_close_that_is_not_after_the_open_is_on_the_next_day(text: str, span: tuple[int, int]) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (9, '9 is not an opening; write one such as "09:00-17:00"'),
        ("09:00", "'09:00' is not an opening; write one such as \"09:00-17:00\""),
        ("09:00-12:00-17:00", "'09:00-12:00-17:00' is not an opening; write one such as \"09:00-17:00\""),
        ("09:00-09:00", '"09:00-09:00" opens and closes at the same time; write "00:00-24:00" for a whole day'),
        ("24:00-06:00", '"24:00-06:00" opens at the end of the day; write 00:00 on the next day'),
    ],
)
def test_what_is_no_opening_says_how_one_is_written(text: object, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared
        parse_span(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("key", "days"),
    [
        ("mon", [0]), ("Sunday", [6]), ("mon-fri", [0, 1, 2, 3, 4]), ("Fri - Mon", [4, 5, 6, 0]), ("sat,sun", [5, 6]),
        ("wed-wed", [2]), ("tue-mon", [1, 2, 3, 4, 5, 6, 0]), ("monday-wed, sat", [0, 1, 2, 5]),
        ("", None), ("mon-x", None), ("x-mon", None), ("mon,,tue", None), ("-mon", None),
    ],
)  # fmt: skip
def test_days_of_the_week_are_named_alone_in_ranges_and_in_lists(key: str, days: list[int] | None) -> None:
    assert parse_weekdays(key) == days


@pytest.mark.parametrize("hours", ["24x7", " 24X7 "])
def test_round_the_clock_is_seven_whole_days(hours: str) -> None:
    assert parse_week(hours, Collector()) == {day: [(0, DAY)] for day in range(7)}


def test_one_opening_for_every_day_and_lists_for_some() -> None:
    assert parse_week("09:00-10:00", Collector()) == {day: [(9 * HOUR, 10 * HOUR)] for day in range(7)}
    assert parse_week({"sat": ["13:00-14:00", "09:00-10:00"], "sun": []}, Collector()) == {
        5: [(13 * HOUR, 14 * HOUR), (9 * HOUR, 10 * HOUR)],
        6: [],
    }


def test_the_readable_part_of_a_week_is_kept_and_the_rest_told() -> None:
    problems = Collector(("hours",))
    week = parse_week(
        {"funday": "09:00-10:00", "mon-tue": ["x-y", "09:00-10:00"], "tue": "10:00-11:00", "wed": 9}, problems
    )
    assert week == {0: [(9 * HOUR, 10 * HOUR)], 1: [(10 * HOUR, 11 * HOUR)], 2: []}
    assert told(problems) == [
        (("hours", "funday"), "'funday' names no days; write mon, mon-fri or sat,sun", WEEKDAYS),
        (("hours", "mon-tue", 0), "'x' is not a time; write HH:MM or HH:MM:SS"),
        (("hours", "tue"), "tue has hours already; give all openings of a day in one list"),
        (("hours", "wed"), '9 is not an opening; write one such as "09:00-17:00"'),
    ]


def test_hours_that_are_one_wrong_text_are_told_at_the_hours() -> None:
    problems = Collector(("hours",))
    assert parse_week("9 to 5", problems) == {day: [] for day in range(7)}
    assert told(problems) == [(("hours",), "'9 to 5' is not an opening; write one such as \"09:00-17:00\"")]


def test_dates_are_days_or_parts_of_them_of_one_year_or_all() -> None:
    problems = Collector()
    given = ["2026-12-24", " 12-25 ", "2026-12-31T13:00-24:00", "02-29", date(2026, 5, 1), "01-02  22:00-06:00"]
    assert parse_dates(given, problems, hours_needed=False) == [
        DateSpan(2026, 12, 24, None),
        DateSpan(None, 12, 25, None),
        DateSpan(2026, 12, 31, (13 * HOUR, DAY)),
        DateSpan(None, 2, 29, None),
        DateSpan(2026, 5, 1, None),
        DateSpan(None, 1, 2, (22 * HOUR, 30 * HOUR)),
    ]
    assert told(problems) == []
    assert parse_dates(None, problems, hours_needed=True) == []
    assert told(problems) == []


def test_a_wrong_date_is_told_and_the_others_are_kept() -> None:
    problems = Collector(("open",))
    given = [5, "Christmas", "2026-02-30", "2027-02-29 10:00-12:00", "12-25 10", "2026-12-19", date(2026, 12, 20)]
    assert parse_dates([*given, "2026-12-21 10:00-14:00"], problems, hours_needed=True) == [
        DateSpan(2026, 12, 21, (10 * HOUR, 14 * HOUR))
    ]
    assert told(problems) == [
        (("open", 0), f"5 is not a day; {DATES}"),
        (("open", 1), f"'Christmas' is not a day; {DATES}"),
        (("open", 2), "'2026-02-30' is not a day of the calendar"),
        (("open", 3), "'2027-02-29 10:00-12:00' is not a day of the calendar"),
        (("open", 4), "'10' is not an opening; write one such as \"09:00-17:00\""),
        (("open", 5), '2026-12-19 says no hours; write them, such as "2026-12-19 10:00-14:00"'),
        (("open", 6), '2026-12-20 says no hours; write them, such as "2026-12-20 10:00-14:00"'),
    ]


# ---- calendars


def calendar_told(config: dict[str, Any]) -> list[tuple[Any, ...]]:
    problems = Collector(("office",))
    Calendar.from_config(config, "office", problems)
    return told(problems)


def test_what_a_calendar_needs_is_told_at_the_calendar() -> None:
    assert calendar_told({}) == [(("office",), NO_ZONE), (("office",), f"hours are missing; {HOURS}")]


def test_what_a_calendar_has_wrong_is_told_at_the_key() -> None:
    assert calendar_told(
        {"timezone": None, "hours": 5, "holidays": 5, "closed": "x", "open": {}, "revisions": {}, "opens": 1}
    ) == [
        (("office", "opens"), "unknown key 'opens'", ("timezone", "hours", "holidays", "closed", "open", "revisions")),
        (("office", "timezone"), NO_ZONE),
        (("office", "hours"), f"hours are missing; {HOURS}"),
        (("office", "holidays", 0),
         '5 is not a region; write a country such as "US" or a subdivision such as "US-NY"'),
        (("office", "closed"), f"a list is needed; {DATES}"),
        (("office", "open"), f"a list is needed; {DATES}"),
        (("office", "revisions"), "revisions are a list: begin each with [[calendars.NAME.revisions]]"),
    ]  # fmt: skip


def test_every_wrong_revision_is_told_at_its_place() -> None:
    needed = "`from` says from when on it counts: a date such as 2026-07-01, or a time with an offset"
    neither = "is neither a date such as 2026-07-01 nor a time with an offset"
    revisions = [
        "2026-07-01", {}, {"from": 5}, {"from": "2026-13-01"}, {"from": datetime(2026, 1, 1)},
        {"form": 1, "from": date(2026, 1, 2)}, {"from": "2026-01-02"}, {"from": "2026-01-01"},
        {"from": datetime(2026, 1, 2, 0, 0, 1, tzinfo=UTC), "hours": "x", "open": 1, "timezone": "Mars"},
    ]  # fmt: skip
    assert calendar_told(OFFICE | {"revisions": revisions}) == [
        (("office", "revisions", 0), "a revision is a table with `from` and what changes then"),
        (("office", "revisions", 1), needed),
        (("office", "revisions", 2, "from"), needed),
        (("office", "revisions", 3, "from"), f"'2026-13-01' {neither}"),
        (("office", "revisions", 4, "from"), f"'2026-01-01T00:00:00' {neither}"),
        (("office", "revisions", 5, "form"), "unknown key 'form'",
         ("from", "timezone", "hours", "holidays", "closed", "open")),
        (("office", "revisions", 6, "from"), "a revision comes after the one before it"),
        (("office", "revisions", 7, "from"), "a revision comes after the one before it"),
        (("office", "revisions", 8, "timezone"),
         "'Mars' is not an IANA time zone; write one such as \"Europe/Berlin\""),
        (("office", "revisions", 8, "hours"), "'x' is not an opening; write one such as \"09:00-17:00\""),
        (("office", "revisions", 8, "open"), f"a list is needed; {DATES}"),
    ]  # fmt: skip


def test_what_a_calendar_has_wrong_is_not_told_again_for_its_revisions() -> None:
    config = OFFICE | {"holidays": ["US", "Germany"], "revisions": [{"from": "2026-07-01"}, {"from": "2026-08-01"}]}
    assert calendar_told(config) == [(("office", "holidays", 1), "no holidays are known for country 'Germany'")]


# ---- people


def test_what_is_wrong_about_people_is_told_word_for_word() -> None:
    nobody = 'write "user:ID", "user:NAME" or an e-mail address'
    days = 'write "2026-12-24" or "2026-08-01..2026-08-14"'
    problems = Collector(("people",))
    table = {
        "Maria": {"manager": "Bob", "team": ""},
        "user: 1": {},
        "a@b@c": {},
        "user:1": {"calender": "x", "calendar": "nope", "team": 4, "manager": ""},
        "user:2": "office",
        "user:3": {"calendar": 5, "away": "2026-01-01"},
        "user:4": {"away": ["soon", 5, "2026-02-02..2026-02-01", "..2026-02-02"]},
    }
    people = read_people(
        table, {"office": Calendar.from_config(OFFICE), "always": Calendar.from_config(OFFICE)}, problems
    )
    assert told(problems) == [
        (("people", "Maria"), f"'Maria' is nobody: {nobody}"),
        (("people", "Maria", "team"), "`team` is text, not ''"),
        (("people", "Maria", "manager"), f"'Bob' is nobody: {nobody}"),
        (("people", "user: 1"), f"'user: 1' is nobody: {nobody}"),
        (("people", "a@b@c"), f"'a@b@c' is nobody: {nobody}"),
        (("people", "user:1", "calender"), "unknown key 'calender'", ("calendar", "away", "team", "manager")),
        (("people", "user:1", "calendar"), "there is no calendar 'nope'", ("office", "always")),
        (("people", "user:1", "team"), "`team` is text, not 4"),
        (("people", "user:1", "manager"), "`manager` is text, not ''"),
        (("people", "user:2"), 'a person is a table such as { calendar = "office", team = "Sales" }'),
        (("people", "user:3", "calendar"), "there is no calendar 5", ("office", "always")),
        (("people", "user:3", "away"), 'a list of days such as ["2026-12-24", "2026-08-01..2026-08-14"]'),
        (("people", "user:4", "away", 0), f"'soon' is no day; {days}"),
        (("people", "user:4", "away", 1), f"5 is no day; {days}"),
        (("people", "user:4", "away", 2), "'2026-02-02..2026-02-01' ends before it begins"),
        (("people", "user:4", "away", 3), f"'..2026-02-02' is no day; {days}"),
    ]
    assert len(people) == 6
    maria = people.get("maria")
    assert maria is not None
    assert (maria.name, maria.team, maria.manager, maria.hours) == ("Maria", None, None, None)


def test_people_that_are_no_table_are_nobody() -> None:
    problems = Collector(("people",))
    assert read_people([], {}, problems) is NOBODY
    assert told(problems) == [(("people",), "people are tables: begin with [people]")]


# ---- periods


PEAK = {"name": "Peak", "from": "2026-03-03", "until": "2026-03-04", "reason": "mail", "approved_by": "Ada"}


def periods_told(*tables: object, factor: bool) -> list[tuple[Any, ...]]:
    problems = Collector(("adjustments",))
    read_periods(list(tables), problems, factor=factor)
    return told(problems)


def test_periods_that_are_no_list_are_none() -> None:
    problems = Collector(("maintenance",))
    assert read_periods({}, problems, factor=False) == ()
    assert told(problems) == [(("maintenance",), "a list: begin each with [[maintenance]]")]


def test_what_is_missing_from_a_period_is_told_at_the_period() -> None:
    ask = "is missing: who reads the figures will ask for it"
    day = "is a day such as 2026-11-27, or a time with an offset, not None"
    assert periods_told("Peak", {}, factor=True) == [
        (("adjustments", 0), "a period is a table with name, from, until, reason and approved_by"),
        (("adjustments", 1), f"`name` {ask}"),
        (("adjustments", 1), f"`reason` {ask}"),
        (("adjustments", 1), f"`approved_by` {ask}"),
        (("adjustments", 1), f"`from` {day}"),
        (("adjustments", 1), f"`until` {day}"),
        (("adjustments", 1), "`factor` is a number above 0 and at most 100, such as 1.5, not None"),
    ]


def test_what_is_wrong_in_a_period_is_told_at_the_key() -> None:
    ask = "is missing: who reads the figures will ask for it"
    day = "is a day such as 2026-11-27, or a time with an offset, not"
    wrong = {
        "name": " ", "reason": 5, "approved_by": None, "from": "2026-13-27", "until": 5, "timezone": "Mars",
        "when": 5, "targets": [], "factor": True, "fctor": 1,
    }  # fmt: skip
    keys = ("name", "from", "until", "timezone", "when", "targets", "reason", "approved_by")
    assert periods_told(wrong, factor=True) == [
        (("adjustments", 0, "fctor"), "unknown key 'fctor'", (*keys, "factor")),
        (("adjustments", 0, "name"), f"`name` {ask}"),
        (("adjustments", 0, "reason"), f"`reason` {ask}"),
        (("adjustments", 0, "approved_by"), f"`approved_by` {ask}"),
        (("adjustments", 0, "timezone"), "'Mars' is not an IANA time zone; write one such as \"Europe/Berlin\""),
        (("adjustments", 0, "from"), f"`from` {day} '2026-13-27'"),
        (("adjustments", 0, "until"), f"`until` {day} 5"),
        (("adjustments", 0, "when"), 'a condition is a table such as { source = ["Web"] }, not 5'),
        (("adjustments", 0, "targets"), '`targets` is a list of names such as ["first_response"]'),
        (("adjustments", 0, "factor"), "`factor` is a number above 0 and at most 100, such as 1.5, not True"),
    ]
    assert periods_told(PEAK | {"factor": 2, "targets": ["resolution", 5]}, factor=False) == [
        (("adjustments", 0, "factor"), "unknown key 'factor'", keys),
        (("adjustments", 0, "targets"), '`targets` is a list of names such as ["first_response"]'),
    ]


@pytest.mark.parametrize("factor", [0, -1, 100.1, "2", False])
def test_a_factor_is_above_nothing_and_at_most_a_hundred(factor: object) -> None:
    assert periods_told(PEAK | {"factor": factor}, factor=True) == [
        (("adjustments", 0, "factor"),
         f"`factor` is a number above 0 and at most 100, such as 1.5, not {factor!r}")
    ]  # fmt: skip


@pytest.mark.parametrize("until", ["2026-03-02", "2026-03-03T00:00:00Z"])
def test_a_period_ends_after_it_begins(until: str) -> None:
    assert periods_told(PEAK | {"until": until}, factor=False) == [
        (("adjustments", 0, "until"), "`until` comes after `from`; a date means to the end of that day")
    ]


# ---- derived fields


def test_what_is_wrong_in_a_rule_is_told_word_for_word() -> None:
    problems = Collector(("derive",))
    scalar, needs = "`value` is text, a number, true or false", "a rule names the `field` that it derives"
    says = 'a rule says `when` it holds, such as { subject = { contains = "outage" } }'
    derivation = read_derivation(
        [
            "tier",
            {},
            {"field": "", "value": [], "when": 5, "name": ""},
            {"field": 5, "value": {}, "when": {}, "name": 5},
            {"field": "owner", "value": "user:5", "when": {}},
            {"field": "raw_status", "value": "open", "when": {}, "wen": 1},
            {"field": "priority", "value": "asap", "when": {}},
            {"field": "priority", "value": None, "when": {}},
        ],
        problems,
    )
    priorities = ("low", "normal", "high", "urgent")
    found = told(problems)
    assert found[:-2] == [
        (("derive", 0),
         'a rule is a table with field, value and when, such as { subject = { contains = "outage" } }'),
        (("derive", 1), needs),
        (("derive", 1), scalar),
        (("derive", 1), says),
        (("derive", 2, "field"), needs),
        (("derive", 2, "value"), scalar),
        (("derive", 2, "when"), 'a condition is a table such as { source = ["Web"] }, not 5'),
        (("derive", 2, "name"), "a rule's name is text"),
        (("derive", 3, "field"), needs),
        (("derive", 3, "value"), scalar),
        (("derive", 3, "name"), "a rule's name is text"),
        (("derive", 4, "field"), "'owner' is a fact of the CRM and is not derived"),
        (("derive", 5, "wen"), "unknown key 'wen'", ("field", "value", "when", "name")),
        (("derive", 5, "field"), "'raw_status' is a fact of the CRM and is not derived"),
    ]  # fmt: skip
    assert [(path, message, sorted(known)) for path, message, known in found[-2:]] == [
        (("derive", 6, "value"), "'asap' is no priority", sorted(priorities)),
        (("derive", 7, "value"), "None is no priority", sorted(priorities)),
    ]
    assert derivation


def test_rules_that_are_no_list_derive_nothing() -> None:
    problems = Collector(("derive",))
    assert read_derivation({}, problems) is NOTHING
    assert told(problems) == [(("derive",), "rules are a list: begin each with [[derive]]")]


# ---- conditions


def test_what_is_wrong_in_a_condition_is_told_word_for_word() -> None:
    problems = Collector(("when",))
    nested = 'a list of conditions is needed, such as [{ source = "Web" }, { tier = "gold" }]'
    operators = ("not", "in", "gt", "gte", "lt", "lte", "contains", "starts_with", "matches", "exists")
    condition = read_condition(
        {
            "any": [], "all": "x", "not": 5, "a": {"in": "DE"}, "b": {"exists": 1}, "c": {"matches": "("}, "d": {},
            "e": {"is": 1}, "f": {"not": {"in": 5}},
        },
        problems,
    )  # fmt: skip
    assert told(problems) == [
        (("when", "any"), nested),
        (("when", "all"), nested),
        (("when", "not"), 'a condition is a table such as { source = ["Web"] }, not 5'),
        (("when", "a", "in"), "`in` takes a list"),
        (("when", "b", "exists"), "`exists` takes true or false"),
        (("when", "c", "matches"),
         "'(' is not a regular expression: missing ), unterminated subpattern at position 0"),
        (("when", "d"), "an empty table asks for nothing; name an operator", operators),
        (("when", "e", "is"), "unknown key 'is'", operators),
        (("when", "f", "not", "in"), "`in` takes a list"),
    ]  # fmt: skip
    assert condition.fields == {"a", "b", "c", "d", "e", "f"}


def test_what_is_no_condition_or_an_empty_one_always_holds() -> None:
    problems = Collector()
    assert read_condition("Web", problems) is ALWAYS
    assert read_condition({}, problems) is ALWAYS
    assert (ALWAYS({}), ALWAYS.fields, ALWAYS.source) == (True, frozenset(), {})
    assert told(problems) == [((), "a condition is a table such as { source = [\"Web\"] }, not 'Web'")]
