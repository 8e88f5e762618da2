"""Durations and thresholds as people write them, one by one."""

from __future__ import annotations

import re

import pytest

from sla.duration import Duration, Threshold, format_duration, parse_duration, parse_threshold, parse_within


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("45s", 45_000), ("15m", 900_000), ("1h30m", 5_400_000), ("1h 30m", 5_400_000), ("1.5h", 5_400_000),
        ("0.5s", 500), ("2h3m4s", 7_384_000), ("90m", 5_400_000), ("0s", 0),
    ],
)  # fmt: skip
def test_a_duration_is_working_time(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize("text", ["", "h", "15", "15 minutes", "m15", "1m1h", "-5m", "15M", None, 15])
def test_what_is_no_duration_is_refused_with_examples(text: object) -> None:
    message = f'{text!r} is not a duration; write one such as "15m", "1h30m", "45s" or "2bd"'
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "bd", "h"),
    [("2d", "2bd", "48h"), ("1 day", "1bd", "24h"), ("3 Days", "3bd", "72h"), ("1.5d", "1.5bd", "36h")],
)
def test_bare_days_are_refused_with_both_readings(text: str, bd: str, h: str) -> None:
    message = (
        f'"{text}" can be read in two ways: write "{bd}" for {bd[:-2]} working days, '
        f'or "{h}" for {h[:-1]} hours of working time'
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "duration"),
    [("2bd", Duration(days=2)), ("10 bd", Duration(days=10)), ("8h", Duration(work=28_800_000)),
     ("0.001s", Duration(work=1))],
)  # fmt: skip
def test_a_promise_is_working_time_or_working_days(text: str, duration: Duration) -> None:
    assert parse_within(text) == duration


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0bd", '"0bd" promises nothing; write at least "1bd"'),
        ("0h", "'0h' promises nothing; write a duration above zero"),
        ("1.5bd", '\'1.5bd\' is not a duration; write one such as "15m", "1h30m", "45s" or "2bd"'),
    ],
)
def test_a_promise_of_nothing_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_within(text)


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("due", Threshold(100.0, 0)), ("75%", Threshold(75.0, 0)), ("12.5 %", Threshold(12.5, 0)),
        ("120%", Threshold(120.0, 0)), ("-30m", Threshold(100.0, -1_800_000)), ("+2h", Threshold(100.0, 7_200_000)),
        ("+ 2h", Threshold(100.0, 7_200_000)),
    ],
)  # fmt: skip
def test_a_threshold_is_a_share_or_a_distance_from_due(text: str, threshold: Threshold) -> None:
    assert parse_threshold(text) == threshold


@pytest.mark.parametrize("text", ["", "30m", "Due", "%", "-", "75", "X30m", None, 75])
def test_what_is_no_threshold_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"^.* is not a (threshold|duration); write one such as "):
        parse_threshold(text)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"), (999, "0s"), (1000, "1s"), (60_000, "1m"), (3_600_000, "1h"), (5_400_000, "1h30m"),
        (3_661_000, "1h1m1s"), (-120_000, "-2m"), (-500, "0s"), (1_999, "1s"), (90_000_000, "25h"),
    ],
)  # fmt: skip
def test_a_length_is_told_in_hours_minutes_and_seconds(milliseconds: int, text: str) -> None:
    assert format_duration(milliseconds) == text
