"""Lengths and shares at the edge: which length just keeps a clock, which share just reaches the goal."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from sla_story import asks, changed, config, created, instant, policy, reply, target

from sla.calendar import Calendar
from sla.duration import Duration
from sla.figures.fact import Fact, facts
from sla.figures.scale import Sample, Scale, sample_of
from sla.figures.suggestion import Month, Odds, Place, Segment, Suggestion, Tally, placed, suggestion
from sla.fold import evaluate_record
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

MINUTE, HOUR = 60_000, 3_600_000
OFFICE = Calendar.from_config({"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}})
SHORT_FRIDAY = Calendar.from_config({"timezone": "UTC", "hours": {"mon-thu": "09:00-17:00", "fri": "09:00-13:00"}})
SCALE = Scale(OFFICE)
HOURS = [length.text for length in SCALE.hours]
DAYS = [length.text for length in SCALE.days]


def judged(story: list[dict[str, Any]], now: str = "Fri 12:00", metric: str = "first_response") -> Any:
    policies = Policies.from_config(config(policy(target(metric, "4h"))))
    return evaluate_record(policies, [event_from_mapping(line) for line in story], parse_instant(instant(now)))


def sample(story: list[dict[str, Any]], now: str = "Fri 12:00", metric: str = "first_response") -> Sample | None:
    [clock] = judged(story, now, metric).clocks
    return sample_of(clock)


# ---- the scale


def test_a_length_comes_to_its_work_on_an_ordinary_day() -> None:
    works = {length.text: length.work for length in SCALE.lengths}
    assert (works["10s"], works["1h30m"], works["8h"], works["1bd"], works["90bd"]) == (
        10_000, 90 * MINUTE, 8 * HOUR, 8 * HOUR, 720 * HOUR,
    )  # fmt: skip
    assert {length.text: length.within for length in SCALE.lengths}["3bd"] == Duration(days=3)
    assert HOURS[-2:] == ["6h", "8h"]  # a working day and no longer


def test_a_working_day_is_an_average_of_four_weeks() -> None:
    scale = Scale(SHORT_FRIDAY)  # 36 hours in five days
    assert scale.days[0].work == 7 * HOUR + 12 * MINUTE
    assert scale.hours[-1].text == "6h"


def test_a_calendar_of_a_day_less_a_minute_still_has_working_days() -> None:
    nearly = Scale(Calendar.from_config({"timezone": "UTC", "hours": {"mon-sun": "00:00-23:59"}}))
    assert (nearly.hours[-1].text, nearly.days[0].text) == ("12h", "1bd")
    always = Scale(Calendar.from_config({"timezone": "UTC", "hours": "24x7"}))
    assert (always.hours[-1].text, always.days) == ("720h", [])
    never = Scale(Calendar.from_config({"timezone": "UTC", "hours": {"mon": []}}))
    assert (never.hours[-1].text, never.days) == ("720h", [])


@pytest.mark.parametrize(
    ("worked", "place"),
    [(0, "10s"), (10_000, "10s"), (10_001, "20s"), (4 * HOUR, "4h"), (4 * HOUR + 1, "6h"), (8 * HOUR, "8h")],
)
def test_the_shortest_of_the_hours_keeps_what_took_exactly_so_long(worked: int, place: str) -> None:
    start = parse_instant(instant("Mon 09:00"))
    assert HOURS[SCALE.first_hours(Sample(worked, False, start, None, OFFICE))] == place


def test_what_no_length_keeps_stands_behind_the_last_one() -> None:
    start = parse_instant("2024-01-01T09:00:00Z")
    beyond = Sample(8 * HOUR + 1, False, start, None, OFFICE)
    assert SCALE.first_hours(beyond) == len(HOURS)
    assert DAYS[SCALE.first_days(beyond)] == "2bd"
    assert SCALE.first_days(Sample(721 * HOUR, False, start, None, OFFICE)) == len(DAYS)
    assert DAYS[SCALE.first_days(Sample(720 * HOUR, False, start, None, OFFICE))] == "90bd"


def test_a_working_day_lasts_to_the_same_time_of_the_next_one() -> None:
    start = parse_instant(instant("Mon 12:00"))
    for done, place in (("Tue 12:00", "1bd"), ("Tue 12:00:00.001", "2bd"), ("Wed 12:00", "2bd"), ("Fri 12:00", "4bd")):
        found = Sample(0, False, start, parse_instant(instant(done)), OFFICE)
        assert DAYS[SCALE.first_days(found)] == place


def test_hours_are_judged_by_the_work_even_where_the_end_is_known() -> None:
    start, end = parse_instant(instant("Mon 12:00")), parse_instant(instant("Mon 13:00"))
    found = Sample(HOUR, False, start, end, OFFICE)
    assert (found.kept_by(Duration(work=HOUR)), found.kept_by(Duration(work=HOUR - 1))) == (True, False)


# ---- a clock as a sample


def test_a_clock_that_ran_on_without_a_break_is_known_by_its_end() -> None:
    start, end = parse_instant(instant("Mon 10:00")), parse_instant(instant("Mon 11:30"))
    found = sample([created("Mon 10:00"), reply("Mon 11:30")])
    assert found is not None
    assert found[:4] == (90 * MINUTE, False, start, end)


def test_a_clock_that_paused_is_known_by_its_work_alone() -> None:
    story = [created("Mon 10:00"), changed("Mon 11:00", status="pending"), asks("Mon 12:00")]
    found = sample([*story, changed("Mon 12:30", status="resolved")], "Mon 12:40", "resolution")
    assert found is not None
    assert found[:4] == (90 * MINUTE, False, parse_instant(instant("Mon 10:00")), None)


def test_a_clock_that_is_open_took_at_least_so_long() -> None:
    found = sample([created("Mon 10:00")], "Mon 11:00")
    assert found is not None
    assert found[:4] == (HOUR, True, parse_instant(instant("Mon 10:00")), None)


@pytest.mark.parametrize(
    ("opened", "answered", "worked"),
    [
        ("Mon 16:00", "Mon 16:59", 59 * MINUTE),
        ("Mon 16:00", "Mon 17:00", HOUR),  # at the close
        ("Mon 16:00", "Mon 17:00:00.001", HOUR + 1),  # after it an hour was due at it
        ("Mon 16:00", "Mon 20:00", HOUR + 1),
        ("Mon 16:00", "Tue 09:00", HOUR + 1),
        ("Mon 16:00", "Tue 09:01", HOUR + MINUTE),
        ("Mon 18:00", "Mon 19:00", 0),  # nothing was worked at all
    ],
)
def test_what_was_done_out_of_hours_took_a_millisecond_more(opened: str, answered: str, worked: int) -> None:
    found = sample([created(opened), reply(answered)])
    assert found is not None
    assert found.worked == worked


def test_a_clock_that_says_nothing_is_left_out_by_its_outcome() -> None:
    gone = [created("Mon 10:00"), {**changed("Mon 11:00"), "event": "deleted"}]
    [clock] = judged(gone).clocks
    assert sample_of(clock) is None
    assert placed(SCALE, clock) == "cancelled"


def test_a_clock_has_a_place_among_hours_and_among_days() -> None:
    [clock] = judged([created("Mon 10:00"), reply("Tue 10:00")]).clocks
    assert placed(SCALE, clock) == Place(8 * HOUR, False, HOURS.index("8h"), DAYS.index("1bd"))
    [waiting] = judged([created("Mon 10:00")], "Mon 12:00").clocks
    assert placed(SCALE, waiting) == Place(2 * HOUR, True, HOURS.index("2h"), DAYS.index("1bd"))


# ---- counting


def fact(**more: Any) -> Fact:
    [found] = facts(judged([created("Mon 10:00"), reply("Mon 11:00")]))
    return msgspec.structs.replace(found, **more)


def place(hours: str, days: str = "1bd", worked: int = HOUR, open: bool = False) -> Place:
    return Place(worked, open, HOURS.index(hours), DAYS.index(days))


def test_a_tally_counts_everything_and_keeps_what_has_ended() -> None:
    tally = Tally()
    for each in (place("1h"), place("2h"), place("2h", "3bd"), place("1h", open=True)):
        tally.add(each)
    kept = {length.text: count for length, count in tally.kept(SCALE)}
    assert tally.count == 4
    assert (kept["45m"], kept["1h"], kept["1h30m"], kept["2h"], kept["8h"]) == (0, 1, 1, 3, 3)
    assert (kept["1bd"], kept["2bd"], kept["3bd"], kept["90bd"]) == (2, 2, 3, 3)
    assert list(kept) == HOURS + DAYS


def test_a_month_counts_what_was_decided_and_keeps_its_shortest_target() -> None:
    month = Month()
    assert month.shortest_within is None
    for outcome, within in (("met", 5), ("met", 3), ("missed", 4), ("excused", 9)):
        month.add(place("1h"), fact(outcome=outcome, within=within))
    assert (month.met, month.missed, month.decided, month.shortest_within, month.tally.count) == (2, 1, 3, 3, 4)


def test_a_segment_tells_open_from_ended_and_counts_a_month_once_it_is_decided() -> None:
    found = Segment(SCALE)
    found.add("excused", fact(outcome="excused"), "2026-01")
    found.add(place("1h", open=True, worked=7), fact(outcome=None), "2026-01")
    found.add(place("1h", open=True, worked=8), fact(outcome="missed"), "2026-02")
    found.add(place("1h", worked=9), fact(), "2026-03")
    assert (list(found.worked), list(found.open), found.left_out) == ([9], [7, 8], Counter(excused=1))
    assert found.finished.count == 1
    assert {name: (month.met, month.missed) for name, month in found.months.items()} == {
        "2026-02": (0, 1), "2026-03": (1, 0),
    }  # fmt: skip


def said(*hours: str, open: int = 0, goal: int = 80) -> Suggestion:
    found = Segment(SCALE)
    for each in hours:
        found.add(place(each), fact(), "2026-03")
    for _ in range(open):
        found.add(place("1h", open=True), fact(outcome=None), "2026-03")
    return suggestion(found, goal, "2026-07")


def texts(found: Suggestion) -> tuple[str | None, str | None]:
    return found.target and found.target.text, found.if_open_late and found.if_open_late.text


def test_the_goal_is_reached_by_exactly_its_share() -> None:
    assert texts(said(*["1h"] * 4, "4h")) == ("1h", "1h")
    assert texts(said(*["1h"] * 3, "4h")) == ("4h", "4h")
    assert texts(said(*["1h"] * 4, "4h", goal=81)) == ("4h", "4h")
    assert texts(said(*["1h"] * 4, "4h", open=1)) == ("1h", "4h")
    assert texts(said(*["1h"] * 4, open=1)) == ("1h", "1h")
    assert texts(said(*["1h"] * 4, open=2)) == ("1h", None)
    assert texts(said(open=2)) == (None, None)


def test_what_a_suggestion_counts() -> None:
    found = said(*["1h"] * 4, "4h", open=2)
    assert (found.count, found.open, found.goal, found.left_out) == (5, 2, 80, {})
    assert (found.odds["45m"], found.odds["1h"], found.odds["4h"], found.odds["90bd"]) == (
        (0, 5), (4, 5), (5, 5), (5, 5),
    )  # fmt: skip
    assert Odds(1, 4).share == 0.25


def test_what_speaks_against_a_suggestion() -> None:
    assert list(said().warnings()) == ["0 ended: too few to say (at least 30)"]
    assert list(said(*["1h"] * 30).warnings()) == []
    assert said(*["1h"] * 29).small
    assert not said(*["1h"] * 30).small
    assert list(said(*["1h"] * 4, open=2).warnings()) == [
        "4 ended: too few to say (at least 30)",
        "2 still open: counted as late they would make it longer than any round value",
    ]


def test_what_was_left_out_is_told_by_name() -> None:
    found = Segment(SCALE)
    for outcome in ("excused", "cancelled", "excused"):
        found.add(outcome, fact(outcome=outcome), "2026-03")
    assert list(suggestion(found, 80, "2026-07").left_out.items()) == [("cancelled", 1), ("excused", 2)]


# ---- tightening


def tightened(months: list[tuple[str, int, int]], current: str, within: int = 4 * HOUR, hours: str = "1h") -> Any:
    """So many kept and so many missed in each month; all of them took as long as ``hours``."""
    found = Segment(SCALE)
    for name, met, missed in months:
        for outcome, count in (("met", met), ("missed", missed)):
            for _ in range(count):
                found.add(place(hours), fact(outcome=outcome, within=within), name)
    return suggestion(found, 80, current).tightening


def test_a_month_is_over_when_the_next_one_has_begun() -> None:
    three = [("2026-01", 30, 0), ("2026-02", 30, 0), ("2026-03", 30, 0)]
    assert tightened(three, "2026-03") is None
    found = tightened(three, "2026-04")
    assert found.months == [("2026-01", 30, 30), ("2026-02", 30, 30), ("2026-03", 30, 30)]
    assert found.to.text == "1h"


def test_months_follow_each_other_over_the_year() -> None:
    first_months = [("2025-08", "2025-09", "2025-10"), ("2025-10", "2025-11", "2025-12")]
    for names in (*first_months, ("2025-11", "2025-12", "2026-01"), ("2025-12", "2026-01", "2026-02")):
        assert tightened([(name, 30, 0) for name in names], "2026-05") is not None
    a_year_apart = ("2024-12", "2026-01", "2026-02")
    for names in (("2025-10", "2025-12", "2026-01"), ("2025-12", "2026-02", "2026-03"), a_year_apart):
        assert tightened([(name, 30, 0) for name in names], "2026-05") is None


def test_each_month_must_be_large_enough_and_kept() -> None:
    full = ("2026-01", 30, 0), ("2026-02", 30, 0)
    assert tightened([*full, ("2026-03", 29, 0)], "2026-05") is None
    assert tightened([*full, ("2026-03", 29, 1)], "2026-05") is not None  # 96.7 %
    assert tightened([*full, ("2026-03", 28, 2)], "2026-05") is None  # 93.3 %
    assert tightened([*full, ("2026-03", 19 * 5, 5)], "2026-05") is not None  # 95 %
    assert tightened([("2026-01", 28, 2), ("2026-02", 30, 0), ("2026-03", 30, 0)], "2026-05") is None


def test_only_a_length_below_the_target_is_shorter() -> None:
    three = [("2026-01", 30, 0), ("2026-02", 30, 0), ("2026-03", 30, 0)]
    assert tightened(three, "2026-05", within=HOUR).to is None
    assert tightened(three, "2026-05", within=HOUR + 1).to.text == "1h"
    assert tightened(three, "2026-05", within=8 * HOUR, hours="8h").to is None
