"""The cursor of a stream: frozen windows that overlap, walked by object id."""

from __future__ import annotations

import pytest

from connectors.errors import Rejected
from connectors.hubspot.window import Position, Window, advance, next_window, read_cursor

MINUTE = 60_000
HOUR = 60 * MINUTE
NOON = 1_772_452_800_000


def window(position: Position | None, now: int = NOON, overlap: int = HOUR, since: int = NOON - HOUR) -> Window:
    return next_window(position, since, now, overlap, records=True)


def test_the_first_window_begins_where_it_is_told_and_takes_the_open_records() -> None:
    assert window(None) == Window(NOON - HOUR, NOON, open=True, sweep=True)


def test_a_stream_of_answers_has_no_open_records() -> None:
    assert next_window(None, 0, NOON, HOUR, records=False).open is False


def test_an_ordinary_window_looks_back_two_minutes() -> None:
    position = Position(done=NOON - 15_000, swept=NOON - 5 * MINUTE)
    assert window(position) == Window(NOON - 15_000 - 2 * MINUTE, NOON)


def test_every_sixth_of_the_overlap_a_window_covers_all_of_it() -> None:
    position = Position(done=NOON - 15_000, swept=NOON - 10 * MINUTE)
    assert window(position) == Window(NOON - 15_000 - HOUR, NOON, sweep=True)


def test_an_overlap_shorter_than_two_minutes_is_kept() -> None:
    assert window(Position(done=NOON, swept=NOON), overlap=MINUTE).start == NOON - MINUTE


def test_after_an_outage_the_window_begins_before_the_last_complete_one_ended() -> None:
    position = Position(done=NOON - 24 * HOUR, swept=NOON - 24 * HOUR)
    assert window(position) == Window(NOON - 25 * HOUR, NOON, sweep=True)


def test_a_clock_that_went_back_does_not_empty_the_window() -> None:
    found = window(Position(done=NOON + HOUR, swept=NOON + HOUR))
    assert found.start < NOON
    assert found.end == NOON + HOUR


def test_a_full_page_goes_on_behind_its_last_id_in_the_same_window() -> None:
    first = window(None)
    position = advance(None, first, 4711)
    assert position.window == Window(NOON - HOUR, NOON, last=4711, open=True, sweep=True)
    assert window(position, now=NOON + HOUR) == position.window  # frozen: later changes belong to the next one


def test_a_complete_window_moves_the_position_to_its_end() -> None:
    assert advance(Position(1, 2), Window(5, 10), None) == Position(done=10, swept=2)
    assert advance(Position(1, 2), Window(5, 10, sweep=True), None) == Position(done=10, swept=10)


def test_a_position_survives_its_text() -> None:
    position = Position(5, 6, Window(1, 2, last=3, open=True, sweep=True))
    assert read_cursor(position.encode()) == position
    assert read_cursor(None) is None


def test_a_text_that_is_no_cursor_is_refused() -> None:
    with pytest.raises(Rejected, match="cursor"):
        read_cursor("2026-03-02T12:00:00Z")
