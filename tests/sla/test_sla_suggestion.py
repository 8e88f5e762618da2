"""Targets from history: the lengths that people write, what each would have kept, and what speaks against it."""

from __future__ import annotations

import random
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from sla_story import asks, changed, config, created, policy, reply, target

from sla.calendar import Calendar
from sla.figures.fact import facts
from sla.figures.scale import Scale, sample_of
from sla.figures.suggestion import Odds, Segment, Suggestion, placed, suggestion
from sla.fold import evaluate_record
from sla.instant import HOUR, MINUTE, format_instant, parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

OFFICE = Calendar.from_config({"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}})
ALWAYS = Calendar.from_config({"timezone": "UTC", "hours": "24x7"})
LATER = "2026-06-30T00:00:00Z"


def judged(policies: Policies, story: list[dict[str, Any]], now: str = LATER) -> Any:
    return evaluate_record(policies, [event_from_mapping(line) for line in story], parse_instant(now))


@cache
def promised(within: str, metric: str = "first_response") -> Policies:
    # no floor after a reopening: a share is as if the target had stood from the start
    return Policies.from_config(config(policy(target(metric, within), reopen={"floor": "0s"})))


def segment(stories: list[list[dict[str, Any]]], within: str = "4h", metric: str = "first_response") -> Segment:
    found = Segment(Scale(OFFICE))
    for story in stories:
        evaluation = judged(promised(within, metric), story)
        for clock, fact in zip(evaluation.clocks, facts(evaluation), strict=True):
            found.add(placed(found.scale, clock), fact, "2026-03")
    return found


def answered(after: timedelta, opened: str = "2026-03-02T09:00:00Z") -> list[dict[str, Any]]:
    done = format_instant(parse_instant(opened) + after // timedelta(milliseconds=1))
    return [created(opened), reply(done)]


def waiting(opened: str = "2026-06-29T16:00:00Z") -> list[dict[str, Any]]:
    return [created(opened)]


def said(stories: list[list[dict[str, Any]]], goal: int = 80) -> Suggestion:
    return suggestion(segment(stories), goal, "2026-07")


# ---- the scale


def test_the_scale_of_an_office_has_hours_up_to_a_day_and_then_days() -> None:
    texts = [length.text for length in Scale(OFFICE).lengths]
    assert texts[texts.index("4h") :] == [
        "4h", "6h", "8h",
        "1bd", "2bd", "3bd", "4bd", "5bd", "7bd", "10bd", "15bd", "20bd", "30bd", "40bd", "60bd", "90bd",
    ]  # fmt: skip


def test_a_calendar_that_never_closes_is_measured_in_hours() -> None:
    texts = [length.text for length in Scale(ALWAYS).lengths]
    assert texts[-3:] == ["336h", "504h", "720h"]
    assert not any(text.endswith("bd") for text in texts)


def test_a_calendar_that_never_opens_has_a_scale_all_the_same() -> None:
    assert Scale(Calendar.from_config({"timezone": "UTC", "hours": {"mon": []}})).days == []


# ---- what a length would have kept


@pytest.mark.parametrize(
    ("after", "kept", "not_kept"),
    [
        (timedelta(hours=4), "4h", "3h"),
        (timedelta(hours=8), "8h", "6h"),  # at the close
        (timedelta(hours=9), "1bd", "8h"),  # after the close: eight hours were due at it, a working day is due tomorrow
        (timedelta(hours=24), "1bd", "8h"),
        (timedelta(hours=24, minutes=1), "2bd", "1bd"),
    ],
)
def test_a_length_keeps_what_would_have_been_met(after: timedelta, kept: str, not_kept: str) -> None:
    [clock] = judged(promised("90bd"), answered(after)).clocks
    sample, scale = sample_of(clock), Scale(OFFICE)
    assert sample is not None
    assert [
        length.text for length in scale.lengths if length.text in (kept, not_kept) and sample.kept_by(length.within)
    ] == [kept]


def conversation(chance: random.Random) -> list[dict[str, Any]]:
    """A ticket that is answered, waits, is solved, reopened and solved again, at any time of day."""
    at = parse_instant("2026-03-01T00:00:00Z") + chance.randrange(14 * 24 * 60) * MINUTE
    story = [created(format_instant(at))]
    for kind in chance.sample(("reply", "pending", "asks", "resolved", "open", "resolved"), chance.randrange(2, 7)):
        at += round(chance.expovariate(1 / (5 * HOUR)) / MINUTE) * MINUTE
        when = format_instant(at)
        make = {"reply": reply, "asks": asks}.get(kind)
        story.append(make(when) if make else changed(when, status=kind))
    return story


@pytest.mark.parametrize("metric", ["first_response", "resolution"])
@pytest.mark.parametrize("within", ["45m", "4h", "8h", "1bd", "3bd"])
def test_the_share_of_a_length_is_what_a_backtest_with_it_finds(metric: str, within: str) -> None:
    chance = random.Random(11)
    stories = [conversation(chance) for _ in range(250)]
    odds = suggestion(segment(stories, "90bd", metric), 80, "2026-07").odds[within]
    ended = [
        clock.outcome
        for story in stories
        for clock in judged(promised(within, metric), story).clocks
        if clock.run.completed_at is not None
    ]
    assert odds.of == len(ended) > 100
    assert odds.kept == ended.count("met")


# ---- what is suggested


def test_the_shortest_round_value_that_the_goal_met() -> None:
    found = said([answered(timedelta(minutes=10 * n)) for n in range(1, 31)])  # 10 minutes to 5 hours
    assert (found.count, found.open) == (30, 0)
    assert found.percentiles == {50: 150 * MINUTE, 80: 240 * MINUTE, 90: 270 * MINUTE, 95: 290 * MINUTE}
    assert found.target is not None
    assert found.target.text == "4h"
    assert found.odds["4h"] == (24, 30)
    assert found.odds["3h"].share == 0.6
    assert list(found.warnings()) == []


def test_a_segment_that_is_too_small_says_so() -> None:
    found = said([answered(timedelta(hours=1))] * 29)
    assert found.small
    assert list(found.warnings()) == ["29 ended: too few to say (at least 30)"]


def test_nothing_that_ended_suggests_nothing() -> None:
    found = said([waiting()])
    assert (found.target, found.odds, found.open) == (None, {}, 1)
    assert found.percentiles == {50: None, 80: None, 90: None, 95: None}


def test_open_clocks_are_told_when_they_would_change_the_answer() -> None:
    quick = [answered(timedelta(hours=1))] * 40 + [answered(timedelta(hours=4))] * 10
    assert list(said([*quick, *[waiting()] * 5]).warnings()) == [
        "5 still open: counted as late they would make it 4h",
    ]
    assert list(said([*quick, *[waiting()] * 13]).warnings()) == [
        "13 still open: counted as late they would make it longer than any round value",
    ]
    assert list(said([*[answered(timedelta(hours=1))] * 50, *[waiting()] * 5]).warnings()) == []


def test_a_breach_that_was_never_answered_is_still_open() -> None:
    story = [*waiting("2026-03-02T09:00:00Z"), {**changed("2026-03-05T09:00:00Z"), "event": "deleted"}]
    found = said([story])
    assert (found.count, found.open) == (0, 1)


def test_what_was_cancelled_in_time_or_excused_says_nothing() -> None:
    gone = [*waiting("2026-03-02T09:00:00Z"), {**changed("2026-03-02T10:00:00Z"), "event": "deleted"}]
    excuse = {"event": "excused", "from": "2026-03-02T09:00:00Z", "until": "2026-03-02T17:00:00Z", "reason": "outage"}
    late = [*answered(timedelta(hours=6)), {**changed("2026-03-02T18:00:00Z"), **excuse, "by": "user:9"}]
    found = said([gone, late])
    assert (found.count, found.open, found.left_out) == (0, 0, {"cancelled": 1, "excused": 1})


def test_a_share_that_no_length_reaches() -> None:
    found = said([answered(timedelta(days=9_000), "1999-03-01T09:00:00Z")] * 30)
    assert found.target is None
    assert list(found.warnings()) == ["no round value was met by 80 %"]


@pytest.mark.parametrize(
    ("kept", "count", "low", "high"), [(24, 30, 0.627, 0.905), (0, 30, 0.0, 0.114), (30, 30, 0.886, 1.0)]
)
def test_the_interval_of_a_share_is_wilsons(kept: int, count: int, low: float, high: float) -> None:
    assert Odds(kept, count).bounds == pytest.approx((low, high), abs=0.0005)


# ---- tightening


def months(*each: tuple[str, int, int], within: str = "4h") -> Segment:
    """A segment with so many answers within an hour, and so many after five hours, in each month."""
    found = Segment(Scale(OFFICE))
    for name, quick, slow in each:
        for after, count in ((timedelta(hours=1), quick), (timedelta(hours=5), slow)):
            evaluation = judged(promised(within), answered(after))
            for _ in range(count):
                [clock], [fact] = evaluation.clocks, facts(evaluation)
                found.add(placed(found.scale, clock), fact, name)
    return found


def test_three_months_that_held_allow_the_shortest_value_that_would_have_held_too() -> None:
    held = months(("2026-01", 10, 90), ("2026-02", 40, 2), ("2026-03", 38, 1), ("2026-04", 60, 0), ("2026-05", 1, 0))
    found = suggestion(held, 80, "2026-05").tightening
    assert found is not None
    assert found.months == [("2026-02", 40, 42), ("2026-03", 38, 39), ("2026-04", 60, 60)]
    assert found.to is not None
    assert found.to.text == "1h"


@pytest.mark.parametrize(("quick", "to"), [(38, "1h"), (37, "6h")])
def test_the_shorter_value_holds_from_95_percent_on_in_every_month(quick: int, to: str) -> None:
    held = months(("2026-02", 90, 0), ("2026-03", quick, 2), ("2026-04", 90, 0), within="8h")
    found = suggestion(held, 80, "2026-05").tightening
    assert found is not None
    assert found.to is not None
    assert found.to.text == to


@pytest.mark.parametrize(
    "each",
    [
        [("2026-03", 40, 0), ("2026-04", 40, 0)],  # two months
        [("2026-01", 40, 0), ("2026-03", 40, 0), ("2026-04", 40, 0)],  # a gap
        [("2026-02", 40, 0), ("2026-03", 29, 0), ("2026-04", 40, 0)],  # a small one
        [("2026-02", 40, 0), ("2026-03", 37, 2), ("2026-04", 40, 0)],  # one that did not hold
    ],
)
def test_without_three_months_that_held_nothing_is_tightened(each: list[tuple[str, int, int]]) -> None:
    assert suggestion(months(*each), 80, "2026-05").tightening is None


def test_a_month_of_95_percent_has_held() -> None:
    exactly = months(("2026-02", 40, 0), ("2026-03", 38, 2), ("2026-04", 40, 0))
    assert suggestion(exactly, 80, "2026-05").tightening is not None


def test_the_year_may_turn_between_the_months() -> None:
    turned = suggestion(months(("2025-11", 40, 0), ("2025-12", 40, 0), ("2026-01", 40, 0)), 80, "2026-02")
    assert turned.tightening is not None


def test_where_only_the_target_itself_held_there_is_nothing_shorter() -> None:
    found = Segment(Scale(OFFICE))
    for name in ("2026-01", "2026-02", "2026-03"):
        evaluation = judged(promised("4h"), answered(timedelta(hours=4)))
        for _ in range(30):
            found.add(placed(found.scale, evaluation.clocks[0]), facts(evaluation)[0], name)
    tightening = suggestion(found, 80, "2026-04").tightening
    assert tightening is not None
    assert tightening.to is None
