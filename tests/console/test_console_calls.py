"""What is said of a connection's calls, of what is held back, and of how far a first contact is."""

from __future__ import annotations

from io import StringIO

import msgspec
import pytest
from rich.console import Console

from console import calls_text, output, progress
from console.dashboard import page
from sync.reading import Reading
from sync.view_shape import AllowanceRow, ConnectionRow, HeldRow, ReadingRow

NOW = 1_772_460_300_000  # 2026-03-02T14:05:00Z
HOUR = 3_600_000


def connection(**more: object) -> ConnectionRow:
    return ConnectionRow("acme", "hubspot", "ok", None, NOW, NOW, None, 0, 0, 0, 0, [], **more)  # type: ignore[arg-type]


def allowance(**more: object) -> AllowanceRow:
    usual = {
        "share": 0.2, "max": 650_000, "own": 1_240, "left": 128_760, "begin_at": NOW - HOUR, "resets_at": NOW + HOUR,
        "at": NOW, "others": 41_000, "spent": {"breach": 40, "read": 1_200},
    }  # fmt: skip
    return AllowanceRow(**{**usual, **more})  # type: ignore[arg-type]


def test_what_is_left_who_used_it_and_when_there_is_more_is_one_sentence() -> None:
    assert calls_text.lines(connection(allowance=allowance()), NOW) == [
        "128,760 of our 130,000 calls are left; 1,240 calls of the day are ours (read 1,200, breach 40), "
        "41,000 others', of 650,000; anew at 2026-03-02T15:05:00Z"
    ]


def test_a_rolling_day_has_no_beginning() -> None:
    [line] = calls_text.lines(connection(allowance=allowance(resets_at=None, others=None)), NOW)
    assert line.endswith("are ours (read 1,200, breach 40), of 650,000; the last 24 hours count")


def test_an_account_without_a_daily_limit_says_so() -> None:
    [line] = calls_text.lines(connection(allowance=allowance(max=None, left=None, others=None)), NOW)
    assert line == "1,240 calls of the day are ours (read 1,200, breach 40); the CRM tells no daily limit"


def test_what_is_held_back_stands_there_until_it_goes_on() -> None:
    held = [HeldRow("reconcile", NOW + HOUR, "70 calls of the day's share are left"), HeldRow("read", NOW - 1, "over")]
    assert calls_text.lines(connection(held=held), NOW) == [
        "reconciling is held back until 2026-03-02T15:05:00Z: 70 calls of the day's share are left"
    ]


def test_a_first_contact_tells_its_pace_and_its_end() -> None:
    known = ReadingRow("contacts", NOW - HOUR, NOW, 120_000, 80_000, 33.3, 2_400.0)
    unknown = ReadingRow("Lead", NOW, NOW, 0, None, None, None)
    assert calls_text.lines(connection(reading=[known, unknown]), NOW) == [
        "first contact: contacts, 120,000 read, 80,000 to go, 33 a second, 40m left",
        "first contact: Lead, 0 read",
    ]


def test_a_connection_that_the_crm_refuses_tells_when_it_is_tried_again() -> None:
    waiting = msgspec.structs.replace(connection(), state="retrying", retry_at=NOW + HOUR)
    assert calls_text.lines(waiting, NOW) == ["nobody is called before 2026-03-02T15:05:00Z"]
    assert calls_text.lines(waiting, NOW + HOUR) == []


def test_a_stopped_connection_tells_the_next_step() -> None:
    assert calls_text.lines(connection(fix="make a new token"), NOW) == ["next step: make a new token"]


def told(*readings: Reading) -> None:
    with progress.first_contact() as tell:
        for reading in readings:
            tell(reading)


LONG = [Reading("acme", "contacts", 0, n * 1_000, n * 200, (4 - n) * 200, n == 4) for n in range(1, 5)]


def test_without_a_terminal_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "terminal", lambda: False)
    monkeypatch.setattr(progress, "_bar", lambda: pytest.fail("a bar was made"))
    told(*LONG)


def test_a_first_contact_of_a_page_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "terminal", lambda: True)
    monkeypatch.setattr(progress, "_bar", lambda: pytest.fail("a bar was made"))
    told(LONG[-1])


def test_a_longer_one_shows_its_stream_and_ends_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = StringIO()
    monkeypatch.setattr(output, "terminal", lambda: True)
    monkeypatch.setattr(output, "err", lambda: Console(file=drawn, force_terminal=True, width=100))
    told(*LONG)
    told(*LONG[:2])  # an interrupted one leaves nothing behind either
    assert "acme contacts" in drawn.getvalue()


def test_the_page_says_the_same_as_status() -> None:
    row = connection(fix="make a new token", allowance=allowance())
    assert page.connection_words(row, NOW)["calls"] == calls_text.lines(row, NOW)
