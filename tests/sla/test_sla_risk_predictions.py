"""Which clocks are predicted when, by what, and how the predictions are counted: at the limits, value by value."""

import pytest
from sla_story import asks, changed, config, created, event, policy, promise, reply, target

from sla.figures.calibration import (
    SHARES,
    SPLIT,
    WIDTH,
    Bucket,
    Calibration,
    Prediction,
    Score,
    calibrate,
    score,
)
from sla.figures.risk import Chance, Ending, Segment, wilson
from sla.instant import format_instant, parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

HOUR = 3_600_000
POLICIES = Policies.from_config(promise("resolution", "4h", calendar="always"))
NOW = parse_instant("2026-04-01T00:00:00Z")
SEGMENT = Segment("resolution", "Support", "normal")


def at(day, hour=0, minute=0, second=0):
    return f"2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}Z"


def ticket(number, day, hours, *more):
    record = f"desk:ticket:{number}"
    lines = [created(at(day), record=record), *({**line, "record": record} for line in more)]
    return lines if hours is None else [*lines, changed(at(day, hours), record=record, status="resolved")]


def timelines(*stories):
    found = {}
    for story in stories:
        for line in story:
            found.setdefault(line["record"], []).append(event_from_mapping(line))
    return found


def past(*hours):
    return [ticket(i, 1 + i % 5, each) for i, each in enumerate(hours)]


def calibrated(*stories, day=10, policies=POLICIES, now=NOW, **more):
    return calibrate(policies, timelines(*stories), now, None if day is None else parse_instant(at(day)), **more)


def shares(found):
    return [prediction.share for prediction in found.predictions]


def test_these_are_the_shares_that_are_asked_for():
    assert (SPLIT, SHARES, WIDTH) == (70, (25, 50, 75), 10)


# ---- the split


def test_a_clock_of_the_instant_of_the_split_is_held_out():
    assert shares(calibrated(*past(*[9] * 30), ticket(900, 10, 9))) == [25, 50, 75]
    assert shares(calibrated(*past(*[9] * 30), ticket(900, 9, 9))) == []


@pytest.mark.parametrize(("count", "day"), [(1, 1), (2, 2), (3, 3), (10, 8), (20, 15)])
def test_the_split_is_after_seven_tenths_in_the_order_of_their_starts(count, day):
    stories = [ticket(i, count - i, 2) for i in range(count)]
    assert format_instant(calibrated(*stories, day=None).at) == at(day)


def test_what_happens_at_the_instant_of_the_split_is_not_history():
    found = calibrated(*past(*[2] * 30), ticket(800, 9, None, changed(at(10), status="resolved")), ticket(801, 10, 2))
    assert found.history == 31  # 801 was not there yet
    told = []

    def tell(clocks, state):
        told.extend((state.record, clock.elapsed_ms, clock.now_ms) for clock in clocks)
        return [Ending(SEGMENT, 5 * HOUR, True)]

    again = calibrated(ticket(800, 9, None), ticket(801, 10, 2), tell=tell)
    assert told == [("desk:ticket:800", 24 * HOUR - 1, parse_instant(at(10)) - 1)]
    assert (again.history, again.at, again.silent) == (1, parse_instant(at(10)), 1)


def test_the_one_who_waits_is_told_what_is_done_with_how_many():
    told = []

    def watch(items, what, total):
        items = list(items)
        told.append((what, total, len(items)))
        return iter(items)

    found = calibrated(*past(*[9] * 30), ticket(900, 12, 9), ticket(901, 13, 9), watch=watch)
    assert told == [("what became of them", 32, 32), ("what was known by then", 30, 30), ("predicting", 2, 2)]
    assert len(found.predictions) == 6


# ---- which clocks are predicted


@pytest.mark.parametrize(
    ("solved", "expected"),
    [
        ((0, 59, 59), []), ((1, 0, 0), []), ((1, 0, 1), [25]), ((2, 0, 0), [25]), ((2, 0, 1), [25, 50]),
        ((3, 0, 0), [25, 50]), ((3, 0, 1), [25, 50, 75]), ((4, 0, 1), [25, 50, 75]),
    ],
)  # fmt: skip
def test_a_clock_is_predicted_when_it_ran_beyond_a_share_of_its_time(solved, expected):
    done = changed(at(12, *solved), status="resolved")
    assert shares(calibrated(*past(*[9] * 40), ticket(900, 12, None, done))) == expected


def test_a_running_clock_is_predicted_up_to_now_and_nobody_knows_what_becomes_of_it():
    def undecided(hour, second):
        now = parse_instant(at(12, hour, 0, second))
        found = calibrated(*past(*[9] * 40), ticket(900, 12, None), now=now)
        return found.predictions, found.undecided, found.silent

    assert undecided(1, 0) == ([], 0, 0)
    assert undecided(1, 1) == ([], 1, 0)
    assert undecided(3, 59) == ([], 3, 0)


def test_a_pause_is_no_time_and_a_paused_clock_is_predicted_by_what_it_had_used():
    story = ticket(
        900, 12, None, changed(at(12, 1), status="pending"), changed(at(12, 6), status="open"),
        changed(at(12, 7, 30), status="resolved"),
    )  # fmt: skip
    found = calibrated(*past(*[2] * 30, *[3] * 10), story)
    # At the pause it did not go on, so it is not asked after a quarter; half its time had passed at 7:00.
    assert [(p.share, p.chance.count, p.missed) for p in found.predictions] == []
    assert (found.silent, found.undecided) == (1, 0)
    found = calibrated(*past(*[2] * 30, *[3] * 30), story)
    assert [(p.share, p.chance.probability, p.chance.count) for p in found.predictions] == [(50, 0.0, 30)]


def test_a_clock_that_was_missed_and_never_completed_is_known_to_have_missed():
    found = calibrated(*past(*[9] * 40), ticket(900, 12, None))
    assert [(p.share, p.missed, p.target) for p in found.predictions] == [
        (25, True, "resolution"), (50, True, "resolution"), (75, True, "resolution"),
    ]  # fmt: skip


def test_a_clock_that_had_been_stopped_then_is_not_predicted():
    story = ticket(
        900, 12, None, changed(at(12, 0, 30), status="resolved"), changed(at(12, 2), status="open"),
        changed(at(12, 9), status="resolved"),
    )  # fmt: skip
    found = calibrated(*past(*[9] * 40), story)
    assert [p.share for p in found.predictions] == [25, 50, 75]


def test_each_clock_of_a_record_is_predicted_for_itself():
    both = Policies.from_config(
        config(
            policy(
                target("first_response", "2h", calendar="always"),
                target("next_response", "4h", calendar="always"),
            )
        )
    )
    stories = [
        [
            created(at(1 + i % 5), record=f"desk:ticket:{i}"),
            reply(at(1 + i % 5, 5), record=f"desk:ticket:{i}"),
            asks(at(1 + i % 5, 6), record=f"desk:ticket:{i}"),
            reply(at(1 + i % 5, 11), record=f"desk:ticket:{i}"),
        ]
        for i in range(30)
    ]
    held = [created(at(12), record="desk:ticket:900"), reply(at(12, 1), record="desk:ticket:900")]
    held += [asks(at(12, hour), record="desk:ticket:900") for hour in (2, 8)]
    held += [reply(at(12, hour), record="desk:ticket:900") for hour in (7, 9)]
    held.sort(key=lambda line: line["at"])
    found = calibrated(*stories, held, policies=both)
    assert [(p.target, p.share, p.missed, p.chance.count) for p in found.predictions] == [
        ("first_response", 25, False, 30),
        ("next_response", 25, True, 30),
        ("next_response", 50, True, 30),
        ("next_response", 75, True, 30),
    ]


def test_merged_records_are_folded_together_however_long_the_chain():
    quick = Policies.from_config(promise("first_response", "4h", calendar="always"))

    def answered(number, day, hour, minute=0):
        record = f"desk:ticket:{number}"
        return [created(at(day), record=record), reply(at(day, hour, minute), record=record)]

    def merged(number, made, gone, into):
        record = f"desk:ticket:{number}"
        return [created(made, record=record), event(gone, "merged", record=record, into=f"desk:ticket:{into}")]

    def told(*losers):
        history = [answered(i, 1 + i % 5, *((2, 55) if i < 30 else (9, 0))) for i in range(60)]
        held = [created(at(12, 1, 30), record="desk:ticket:900"), reply(at(12, 9), record="desk:ticket:900")]
        found = calibrated(*history, held, *losers, policies=quick)
        return [(p.share, p.chance.count, p.missed) for p in found.predictions], found.undecided

    # The wait began at midnight with 901 and went over to 902 and with it to 900, which was made at 1:30. At 2:00 that
    # one had waited for half an hour; at 3:00 all of them for three: only those of nine hours had lasted longer.
    # What 902 promised was cancelled after more than half of its time.
    first = merged(901, at(12), at(12, 0, 30), 902)
    second = merged(902, at(12, 0, 10), at(12, 2, 30), 900)
    assert told(first, second) == ([(50, 60, True), (75, 30, True)], 2)
    assert told(second) == ([(50, 60, True), (75, 30, True)], 2)
    assert told() == ([(25, 60, True), (50, 60, True), (75, 30, True)], 0)


# ---- the score


def said(probability, missed, target="resolution", share=25):
    return Prediction(target, share, Chance(probability, 100, None, 0.0, 1.0), missed)


def calibration(*predictions):
    return Calibration(0, 0, list(predictions), 0, 0)


def test_a_score_is_these_five_numbers():
    assert score([said(0.75, True), said(0.25, False), said(0.5, False), said(0.5, False)]) == Score(
        4, 0.5, 0.25, (0.0625 + 0.0625 + 0.25 + 0.25) / 4, 0.1875
    )


@pytest.mark.parametrize(
    ("brier", "base", "skill"), [(0.0, 0.25, 1.0), (0.25, 0.25, 0.0), (0.5, 0.25, -1.0), (0.1, 0.0, None)]
)
def test_skill_is_the_part_of_the_base_that_was_saved(brier, base, skill):
    assert Score(1, 0.5, 0.5, brier, base).skill == skill


@pytest.mark.parametrize(
    ("probability", "low", "high"),
    [
        (0.0, 0.0, 0.1), (0.0999, 0.0, 0.1), (0.1, 0.1, 0.2), (0.25, 0.2, 0.3), (0.5, 0.5, 0.6), (0.75, 0.7, 0.8),
        (0.899, 0.8, 0.9), (0.9, 0.9, 1.0), (0.999, 0.9, 1.0), (1.0, 0.9, 1.0),
    ],
)  # fmt: skip
def test_a_chance_is_in_the_bucket_that_begins_at_or_before_it(probability, low, high):
    [found] = calibration(said(probability, True)).buckets()
    assert found == Bucket(low, high, 1, probability, 1.0, wilson(1.0, 1))


def test_buckets_stand_by_chance_with_what_happened():
    found = calibration(said(0.92, True), said(0.15, False), said(0.125, True), said(0.175, False), said(0.1, False))
    first, last = found.buckets()
    assert (first.low, first.high, first.count, round(first.predicted, 6), first.happened) == (
        0.1,
        0.2,
        4,
        0.1375,
        0.25,
    )
    assert first.interval == wilson(0.25, 4)
    assert (last.low, last.high, last.count, last.happened) == (0.9, 1.0, 1, 1.0)
    assert calibration().buckets() == []


def test_scores_are_of_their_own_predictions_by_target_and_share():
    found = calibration(said(0.5, True, "b", 50), said(0.25, False, "b", 25), said(1.0, True, "a", 75))
    assert found.scores() == [
        ("a", 75, Score(1, 1.0, 1.0, 0.0, 0.0)),
        ("b", 25, Score(1, 0.25, 0.0, 0.0625, 0.0)),
        ("b", 50, Score(1, 0.5, 1.0, 0.25, 0.0)),
    ]
    assert found.score().count == 3
    assert calibration().score() is None
    assert calibration().scores() == []
