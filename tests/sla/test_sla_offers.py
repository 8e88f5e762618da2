"""What a target offers a record: which calendar, how long, from when, and what stretched or cut it."""

from __future__ import annotations

from typing import Any

import pytest
from sla_story import config, instant, policy, target

from sla.duration import Duration
from sla.instant import parse_instant
from sla.policy import Policies
from sla.target import Hours, Target, length_ms

HOUR = 3_600_000
NIGHT = {"night": {"timezone": "UTC", "hours": {"mon-fri": "20:00-24:00"}}}
WINDOW = {
    "name": "Move", "from": instant("Mon 10:00"), "until": instant("Mon 12:00"), "reason": "no phones",
    "approved_by": "Ada",
}  # fmt: skip
RUSH = {**WINDOW, "name": "Rush", "factor": 1.5}


def ms(text: str) -> int:
    return parse_instant(instant(text))


def read(given: dict[str, Any], calendars: Any = None, **sections: Any) -> tuple[Target, Policies]:
    policies = Policies.from_config({**config(policy(given), calendars={**NIGHT, **(calendars or {})}), **sections})
    return policies.policies[0].targets[0], policies


def by(field: str, default: str = "office") -> dict[str, Any]:
    return target("first_response", "2h", calendar={"field": field, "default": default})


def test_the_field_names_the_calendar_in_any_case() -> None:
    given, policies = read(by("region"), {"Berlin": {"timezone": "UTC", "hours": "24x7"}})
    names = {
        value: given.hours.of("first_response", {"region": value}).name
        for value in ("night", "NIGHT", "berlin", "Berlin", "nowhere", "", None, 5)
    }
    assert names == {
        "night": "night", "NIGHT": "night", "berlin": "Berlin", "Berlin": "Berlin", "nowhere": "office", "": "office",
        None: "office", 5: "office",
    }  # fmt: skip
    assert given.hours.of("first_response", {}) is given.calendar is policies.calendars["office"]


def test_a_calendar_called_none_is_not_that_of_records_that_name_none() -> None:
    given, _ = read(by("region"), {"none": {"timezone": "UTC", "hours": "24x7"}})
    assert given.hours.of("first_response", {"region": None}).name == "office"


def test_the_owner_brings_the_calendar_where_one_is_known() -> None:
    people = {"user:1": {"calendar": "night"}, "user:2": {"team": "Sales"}}
    given, _ = read(by("owner"), people=people)
    names = [
        given.hours.of("first_response", {"owner": owner}).name
        for owner in ("user:1", "user:2", "user:3", "queue:x", None, 5)
    ]
    assert names == ["night", "office", "office", "office", "office", "office"]
    assert given.hours.of("first_response", {}).name == "office"
    assert given.hours.fields == {"owner"}


def test_one_calendar_for_all_looks_at_no_field() -> None:
    given, policies = read(target("first_response", "2h", calendar="night"))
    assert given.hours.fields == frozenset()
    assert given.hours.of("first_response", {"owner": "user:1"}) is policies.calendars["night"]
    plain = Hours(policies.calendars["office"])
    assert (plain.fields, plain.windows, plain.of("x", {}).name) == (frozenset(), (), "office")


def test_a_window_is_cut_out_of_the_calendar_of_those_it_concerns() -> None:
    some = [{**WINDOW, "targets": ["first_response"], "when": {"site": "Berlin"}}, {**WINDOW, "name": "Two",
            "from": instant("Mon 14:00"), "until": instant("Mon 15:00")}]  # fmt: skip
    given, policies = read(by("region"), maintenance=some)
    assert given.hours.fields == {"region", "site"}
    office = policies.calendars["office"]
    day = ms("Mon 09:00"), ms("Mon 17:00")
    both = given.hours.of("first_response", {"site": "Berlin"})
    second = given.hours.of("first_response", {})
    assert (both.elapsed_ms(*day), second.elapsed_ms(*day), office.elapsed_ms(*day)) == (5 * HOUR, 7 * HOUR, 8 * HOUR)
    assert given.hours.of("resolution", {"site": "Berlin"}).elapsed_ms(*day) == 7 * HOUR
    assert given.hours.of("first_response", {"site": "berlin"}) is both
    night = given.hours.of("first_response", {"region": "night", "site": "Berlin"})
    assert night.elapsed_ms(ms("Mon 00:00"), ms("Tue 00:00")) == 4 * HOUR
    only_first, policies = read(by("region"), maintenance=some[:1])
    assert only_first.hours.of("first_response", {}) is policies.calendars["office"]
    assert [part for part in both.closures(*day) if part[2]] == [
        (ms("Mon 10:00"), ms("Mon 12:00"), "maintenance: Move"),
        (ms("Mon 14:00"), ms("Mon 15:00"), "maintenance: Two"),
    ]


def test_an_offer_is_the_length_for_the_priority_on_the_calendar_of_the_record() -> None:
    table = target("first_response", {"urgent": "15m", "normal": "1bd"}, calendar={"field": "r", "default": "office"})
    given, policies = read(table)
    offer = given.offer({"priority": "Urgent", "r": "night"}, 0)
    assert offer == (given, Duration(work=900_000), policies.calendars["night"], ())
    assert given.offer({}, 0) == (given, Duration(days=1), policies.calendars["office"], ())
    assert given.offer({"priority": "high"}, 0) is None


def test_an_offer_on_cut_hours_has_them_cut_even_where_no_field_decides() -> None:
    given, _ = read(target("first_response", "2h"), maintenance=[WINDOW])
    offer = given.offer({}, ms("Mon 09:00"))
    assert offer is not None
    assert offer.calendar.elapsed_ms(ms("Mon 09:00"), ms("Mon 17:00")) == 6 * HOUR


@pytest.mark.parametrize(
    ("since", "within", "names"),
    [
        ("Mon 09:59:59.999", Duration(work=2 * HOUR), []),
        ("Mon 10:00", Duration(work=3 * HOUR), ["Rush"]),
        ("Mon 11:59:59.999", Duration(work=3 * HOUR), ["Rush"]),
        ("Mon 12:00", Duration(work=2 * HOUR), []),
    ],
)
def test_a_promise_is_stretched_from_the_first_to_the_last_instant(
    since: str, within: Duration, names: list[str]
) -> None:
    given, _ = read(target("first_response", "2h"), adjustments=[{**RUSH, "targets": ["first_response"]}])
    offer = given.offer({}, ms(since))
    assert offer is not None
    assert (offer.target, offer.within, [period.name for period in offer.stretched]) == (given, within, names)


def test_a_period_for_other_targets_or_records_stretches_nothing() -> None:
    for other in ({"targets": ["resolution"]}, {"when": {"tier": "gold"}}):
        given, _ = read(target("first_response", "2h"), adjustments=[{**RUSH, **other}])
        offer = given.offer({"tier": "iron"}, ms("Mon 10:00"))
        assert offer is not None
        assert (offer.within, offer.stretched) == (Duration(work=2 * HOUR), ())


def test_stretched_lengths_are_rounded_to_the_millisecond() -> None:
    given, _ = read(target("first_response", "0.005s"), adjustments=[{**RUSH, "factor": 1.3}])
    offer = given.offer({}, ms("Mon 10:00"))
    assert offer is not None
    assert offer.within == Duration(work=6)  # 6.5 goes to the even one


def test_a_working_day_is_as_long_as_the_day_it_begins_in() -> None:
    half = {"half": {"timezone": "UTC", "hours": {"mon": "09:00-17:00", "tue-fri": "09:00-13:00"}}}
    given, _ = read(target("first_response", "1bd", calendar="half"), half)
    calendar = given.calendar
    # From Monday two o'clock to the same place in Tuesday, which closes at one: three hours and the four of Tuesday.
    assert length_ms(Duration(days=1), calendar, ms("Mon 14:00")) == 7 * HOUR
    assert length_ms(Duration(work=5), calendar, ms("Mon 14:00")) == 5


def test_the_fields_that_decide_about_an_offer() -> None:
    given, _ = read(
        {**by("region"), "start_field": "submitted_at"},
        adjustments=[{**RUSH, "when": {"tier": "gold"}}], maintenance=[{**WINDOW, "when": {"site": "x"}}],
    )  # fmt: skip
    assert given.fields == {"priority", "region", "tier", "site", "submitted_at"}
    plain, _ = read(target("first_response", "1h"))
    assert (plain.fields, plain.start_field) == ({"priority"}, None)
