"""Whether chances can be believed: what is predicted, from what, and how it is scored."""

from __future__ import annotations

from typing import Any

import pytest
from sla_story import changed, created, event, promise

from sla.figures.calibration import Calibration, Prediction, calibrate, score
from sla.figures.risk import Chance
from sla.instant import format_instant, parse_instant
from sla.model import Event
from sla.policy import Policies
from sla.timeline import event_from_mapping

POLICIES = Policies.from_config(promise("resolution", "4h", calendar="always"))
NOW = parse_instant("2026-04-01T00:00:00Z")


def at(day: int, hour: int = 0, minute: int = 0) -> str:
    return f"2026-03-{day:02}T{hour:02}:{minute:02}:00Z"


def ticket(number: int, day: int, hours: int | None, *more: dict[str, Any]) -> list[dict[str, Any]]:
    """Opened at midnight of a day of March and solved after so many hours."""
    record = f"desk:ticket:{number}"
    lines = [created(at(day), record=record), *({**line, "record": record} for line in more)]
    return lines if hours is None else [*lines, changed(at(day, hours), record=record, status="resolved")]


def timelines(*stories: list[dict[str, Any]]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for story in stories:
        for line in story:
            found.setdefault(line["record"], []).append(event_from_mapping(line))
    return found


def past(*hours: int | None) -> list[list[dict[str, Any]]]:
    return [ticket(i, 1 + i % 5, each) for i, each in enumerate(hours)]


def calibrated(*stories: list[dict[str, Any]], day: int = 10) -> Calibration:
    found = calibrate(POLICIES, timelines(*stories), NOW, parse_instant(at(day)))
    assert found is not None
    return found


def told(found: Calibration) -> list[tuple[int, float, int, bool]]:
    return [(p.share, p.chance.probability, p.chance.count, p.missed) for p in found.predictions]


def test_held_out_clocks_are_predicted_after_a_quarter_half_and_three_quarters_of_their_time() -> None:
    found = calibrated(*past(*[2] * 40, *[3] * 30, *[9] * 30), ticket(900, 12, 9))
    # After 1 h all 100 are left, after 2 h 60 of which 30 miss, after 3 h the 30 that miss.
    assert told(found) == [(25, 0.3, 100, True), (50, 0.5, 60, True), (75, 1.0, 30, True)]
    assert (found.history, found.undecided, found.silent) == (100, 0, 0)


def test_a_clock_is_predicted_only_while_it_runs() -> None:
    assert [p.share for p in calibrated(*past(*[9] * 40), ticket(900, 12, 2)).predictions] == [25]


def test_what_happened_after_the_split_is_not_known_to_the_history() -> None:
    # Those of day 9 are solved 30 h later, after the split: then they had been watched for 24 h.
    slow = [[*ticket(i, 9, None), changed(at(10, 6), record=f"desk:ticket:{i}", status="resolved")] for i in range(40)]
    found = calibrated(*slow, ticket(900, 12, 2))
    assert told(found) == [(25, 1.0, 40, False)]
    assert found.history == 40
    again = calibrated(*[ticket(i, 9, None) for i in range(40)], ticket(900, 12, 2))
    assert told(again) == told(found)


def test_a_prediction_knows_only_what_had_happened_at_its_own_instant() -> None:
    before = calibrated(*past(*[2] * 35, *[9] * 5), ticket(900, 12, 2))
    later = event(at(12, 1, 30), "changed", set={"priority": "urgent"})
    assert told(calibrated(*past(*[2] * 35, *[9] * 5), ticket(900, 12, 2, later))) == told(before)


def test_what_nobody_knows_and_what_the_history_cannot_tell_is_counted() -> None:
    cancelled = [*ticket(900, 12, None), event(at(12, 3), "merged", record="desk:ticket:900", into="desk:ticket:0")]
    found = calibrated(*past(*[9] * 40), cancelled)
    assert (found.predictions, found.undecided, found.silent) == ([], 2, 0)
    few = calibrated(*past(*[9] * 29), ticket(900, 12, 9))
    assert (few.predictions, few.undecided, few.silent) == ([], 0, 3)


def test_a_record_is_predicted_together_with_what_was_merged_into_it() -> None:
    loser = [*ticket(901, 12, None), event(at(12, 0, 30), "merged", record="desk:ticket:901", into="desk:ticket:900")]
    found = calibrated(*past(*[9] * 40), ticket(900, 12, 9), loser)
    assert [(p.share, p.missed) for p in found.predictions] == [(25, True), (50, True), (75, True)]


def test_the_split_is_where_seventy_of_a_hundred_clocks_had_begun() -> None:
    stories = [ticket(i, 1 + i, 2) for i in range(10)]
    found = calibrate(POLICIES, timelines(*stories), NOW)
    assert found is not None
    assert format_instant(found.at) == "2026-03-08T00:00:00Z"


def test_there_is_nothing_to_say_without_a_clock() -> None:
    assert calibrate(POLICIES, {}, NOW) is None


def said(probability: float, *, missed: bool, target: str = "resolution", share: int = 25) -> Prediction:
    return Prediction(target, share, Chance(probability, 100, None, 0.0, 1.0), missed)


def test_the_score_is_briers_beside_that_of_always_saying_what_happened_on_average() -> None:
    found = score([said(0.8, missed=True), said(0.4, missed=False), said(0.2, missed=False), said(0.6, missed=True)])
    assert (found.count, found.predicted, found.happened) == (4, 0.5, 0.5)
    assert found.brier == pytest.approx((0.04 + 0.16 + 0.04 + 0.16) / 4)
    assert found.base == 0.25
    assert found.skill == pytest.approx(0.6)
    assert score([said(0.3, missed=True)]).skill is None


def test_predictions_are_compared_with_what_happened_bucket_by_bucket() -> None:
    found = Calibration(
        0, 0, [said(0.1, missed=True), said(0.19, missed=False), said(1.0, missed=True), said(0.95, missed=True)], 0, 0
    )
    assert [(b.low, b.high, b.count, round(b.predicted, 3), b.happened) for b in found.buckets()] == [
        (0.1, 0.2, 2, 0.145, 0.5),
        (0.9, 1.0, 2, 0.975, 1.0),
    ]


def test_scores_stand_by_target_and_share_of_the_time() -> None:
    found = Calibration(
        0, 0, [said(0.1, missed=True), said(0.2, missed=False, share=50), said(0.3, missed=True, target="a")], 0, 0
    )
    assert [(target, share, s.count) for target, share, s in found.scores()] == [
        ("a", 25, 1), ("resolution", 25, 1), ("resolution", 50, 1),
    ]  # fmt: skip
    assert Calibration(0, 0, [], 0, 0).score() is None
