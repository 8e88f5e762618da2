"""One instant has many spellings, and libraries guess a zone where none was said.

Salesforce's REST answers say ``+0000`` without a colon, its bulk results and messages ``Z``, and seconds are whole.
simple-salesforce takes a naive datetime for the process's local time in one place, and makes a malformed one of it in
another.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from simple_salesforce.format import format_soql
from simple_salesforce.util import date_to_iso8601

from connectors.salesforce.values import read_instant, show_instant

MOMENT = 1_772_460_300_000
"""2026-03-02T14:05:00Z."""
NOON = datetime(2026, 3, 2, 14, 5)  # naive on purpose


@pytest.fixture
def in_new_york() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


def test_the_library_s_query_shifts_a_naive_moment_by_the_machine_s_zone(in_new_york: None) -> None:
    assert format_soql("SystemModstamp > {}", NOON) == "SystemModstamp > 2026-03-02T19:05:00+00:00"


def test_the_library_s_replication_calls_spell_a_naive_moment_wrongly() -> None:
    assert date_to_iso8601(NOON).endswith("%3A")


def test_the_usual_format_reads_neither_spelling() -> None:
    for text in ("2026-03-02T14:05:00.000+0000", "2026-03-02T14:05:00.000Z"):
        with pytest.raises(ValueError, match="does not match format"):
            datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T14:05:00.000+0000", "2026-03-02T14:05:00.000Z", "2026-03-02T14:05:00Z",
        "2026-03-02T09:05:00.000-0500", "2026-03-02T15:05:00+01:00",
    ],
)  # fmt: skip
def test_ours_reads_every_spelling_wherever_the_machine_stands(in_new_york: None, text: str) -> None:
    assert read_instant(text) == MOMENT


def test_ours_refuses_a_moment_without_a_zone_and_writes_none(in_new_york: None) -> None:
    with pytest.raises(ValueError, match="without an offset"):
        read_instant("2026-03-02T14:05:00")
    assert show_instant(MOMENT) == "2026-03-02T14:05:00.000Z"


def test_ours_asks_for_the_same_second_wherever_the_machine_stands(
    in_new_york: None, org: Any, acme: Any, drain: Any
) -> None:
    lead = org.create("Lead")
    (change,) = drain(acme, "Lead", since=org.emulator.clock.now_ms() - 60_000)[0]
    created, shown = acme.normalise(change).events
    assert created.at == shown.at == org.row(lead)["SystemModstamp"]
