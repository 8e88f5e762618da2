"""The small grammars: durations, thresholds, instants, texts of steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sla.duration import format_duration, parse_duration, parse_threshold, parse_within
from sla.instant import format_instant, from_datetime, parse_instant, to_datetime
from sla.problem import Collector, dotted
from sla.step import fill, template_fields

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("45s", 45 * SECOND),
        ("15m", 15 * MINUTE),
        ("1h", HOUR),
        ("1h30m", 90 * MINUTE),
        ("2h15m10s", 2 * HOUR + 15 * MINUTE + 10 * SECOND),
        ("90m", 90 * MINUTE),
        ("100h", 100 * HOUR),
        ("0s", 0),
    ],
)
def test_durations(text: str, length: int) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "15", "h", "m15", "30m1h", "1h1h", "1x", "one hour", "-5m", "+5m", None, 15, "1w"]
)
def test_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "readings"), [("2d", ("2bd", "48h")), ("1d", ("1bd", "24h")), ("10 days", ("10bd", "240h"))]
)
def test_days_have_two_readings(text: str, readings: tuple[str, str]) -> None:
    for parse in (parse_duration, parse_within):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - both readings are looked for below
            parse(text)
        assert all(reading in str(caught.value) for reading in readings)


def test_working_days_are_counted_and_not_measured() -> None:
    assert parse_within("2bd") == (0, 2)
    assert parse_within("1h30m") == (90 * MINUTE, 0)


@pytest.mark.parametrize("text", ["0s", "0bd", "0h0m", "-1h", "1.5bd", "bd"])
def test_no_promise(text: str) -> None:
    with pytest.raises(ValueError, match=r"promise|duration"):
        parse_within(text)


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("75%", (75.0, 0)), ("100%", (100.0, 0)), ("150%", (150.0, 0)), ("due", (100.0, 0)),
        ("-30m", (100.0, -30 * MINUTE)), ("+2h", (100.0, 2 * HOUR)), ("+1h30m", (100.0, 90 * MINUTE)),
    ],
)  # fmt: skip
def test_thresholds(text: str, threshold: tuple[float, int]) -> None:
    assert tuple(parse_threshold(text)) == threshold


@pytest.mark.parametrize("text", ["", "75", "%", "30m", "+", "-", "soon", "-75%", None, 75, "due+1h"])
def test_no_threshold(text: object) -> None:
    with pytest.raises(ValueError, match=r"threshold|duration"):
        parse_threshold(text)


@pytest.mark.parametrize(
    ("length", "text"),
    [(0, "0s"), (45 * SECOND, "45s"), (HOUR, "1h"), (90 * MINUTE, "1h30m"), (-2 * MINUTE, "-2m"), (25 * HOUR, "25h")],
)
def test_lengths_for_people(length: int, text: str) -> None:
    assert format_duration(length) == text


def test_instants() -> None:
    assert parse_instant("1970-01-01T00:00:01Z") == 1000
    assert parse_instant("2026-03-02T14:05:00+02:00") == parse_instant("2026-03-02T12:05:00Z") == 1772453100000
    assert parse_instant("2026-03-02T14:05:00.250Z") % 1000 == 250
    assert format_instant(1772453100000) == "2026-03-02T12:05:00Z"
    assert format_instant(1772453100250) == "2026-03-02T12:05:00.250Z"
    assert format_instant(-1000) == "1969-12-31T23:59:59Z"
    assert to_datetime(1772453100250) == datetime(2026, 3, 2, 12, 5, 0, 250_000, UTC)


@pytest.mark.parametrize("text", ["2026-03-02T14:05:00", "2026-03-02", "today", "", "14:05"])
def test_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"offset|ISO"):
        parse_instant(text)


def test_datetimes_are_floored_to_the_millisecond_in_any_zone() -> None:
    assert from_datetime(datetime(2026, 3, 2, 12, 5, 0, 250_999, UTC)) == 1772453100250
    assert from_datetime(datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC)) == -1
    eastern = timezone(timedelta(hours=-5))
    assert from_datetime(datetime(2026, 3, 2, 7, 5, tzinfo=eastern)) == 1772453100000


def test_texts_of_steps() -> None:
    record, clock = {"name": "Ada {clock.due_at}", "phone": None}, {"due_at": "12:05"}
    assert fill("Call {record.name} by {clock.due_at}{record.phone}{record.missing}", record, clock) == (
        "Call Ada {clock.due_at} by 12:05"
    )
    assert fill("Nothing to fill in, not even {{this}}", record, clock) == "Nothing to fill in, not even {this}"
    assert fill("{record.__class__}{record.name.__class__}", record, clock) == ""
    problems = Collector()
    text = "{record.name} {record.phone} {clock.remaining} {clock.due_at} {clock.target} {clock.policy}"
    assert template_fields(text, problems) == {"name", "phone"}
    assert problems.problems == []


@pytest.mark.parametrize("text", ["{0}", "{}", "{record}", "{record.name.upper}", "{clock.secret}"])
def test_a_text_can_name_fields_and_nothing_else(text: str) -> None:
    problems = Collector()
    template_fields(text, problems)
    assert len(problems.problems) == 1


def test_paths_read_like_the_file() -> None:
    assert dotted(("policies", 0, "targets", 1, "within")) == "policies[0].targets[1].within"
