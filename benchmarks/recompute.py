"""A calendar is edited: when are 100,000 open clocks due now? By the whole fold, and by what is left of each clock.

The second way needs nothing but the due instant that is stored: the working time from the edit to it, on the calendar
as it was, is what is left, and the calendar as it is now says when that much has passed. It is compared with the fold.
Targets of whole days (``2bd``) and paused clocks are left to the fold.
"""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

from benchmarks.measure import table, timed
from sla.calendar import Calendar
from sla.fold import evaluate_record
from sla.instant import HOUR, MINUTE, from_datetime
from sla.model import Event
from sla.policy import Policies
from sync.revision import composed

CLOCKS = 100_000
SAMPLE = 5_000
AT = from_datetime(datetime(2026, 3, 4, 11, tzinfo=UTC))
DOCUMENT: dict[str, Any] = {
    "calendars": {"office": {"timezone": "Europe/Berlin", "hours": {"mon-fri": "08:00-18:00"}}},
    "policies": [
        {
            "name": "Support",
            "applies_to": "ticket",
            "calendar": "office",
            "targets": [{"metric": "resolution", "within": {"high": "12h", "normal": "30h", "low": "60h"}}],
        }
    ],
}
EDITED = {
    "calendars": {
        "office": {
            "timezone": "Europe/Berlin",
            "hours": {"mon-thu": ["09:00-12:00", "13:00-17:30"], "fri": "09:00-14:00"},
            "closed": ["2026-03-06"],
        }
    }
}


def timelines(count: int) -> list[list[Event]]:
    """Tickets of the last days, one in three with a pause behind it."""
    random = Random(7)
    found = []
    for number in range(count):
        name, at = f"desk:ticket:{number}", AT - random.randrange(30 * HOUR)
        priority = random.choice(("high", "normal", "low"))
        fields = {"status": "open", "priority": priority, "owner": "user:3"}
        events = [Event(record=name, at=at, id="0", event="created", kind="ticket", actor="customer:1", set=fields)]
        if number % 3 == 0:
            for place, status in enumerate(("pending", "open"), 1):
                later = {"status": status}
                moment = at + place * 20 * MINUTE
                events.append(Event(record=name, at=moment, id=str(place), event="changed", actor="user:3", set=later))
        found.append(events)
    return found


def run() -> None:
    before, after = Policies.from_config(DOCUMENT), Policies.from_config(composed(DOCUMENT, [(AT, EDITED)]))
    stored = timelines(CLOCKS * 9 // 8)
    dues = [_due(before, events) for events in stored]
    open_ones = [(events, due) for events, due in zip(stored, dues, strict=True) if due is not None and due > AT][
        :CLOCKS
    ]
    old, new = before.calendars["office"], after.calendars["office"]

    whole, _ = timed(lambda: [_due(after, events) for events, _ in open_ones[:SAMPLE]], rounds=3)
    left, moved = timed(lambda: _recomputed(old, new, [due for _, due in open_ones]), rounds=3)
    wrong = sum(due != _due(after, events) for (events, _), due in zip(open_ones[:SAMPLE], moved, strict=False))
    count = len(open_ones)
    table(
        f"{count:,} open clocks after a calendar edit (goal for 100,000: 1 s)",
        [
            ("way", "CPU s", "µs per clock", "differ from the fold"),
            ("from what is left", f"{left:.2f}", f"{left / count * 1e6:.2f}", f"{wrong} of {SAMPLE:,}"),
            (
                f"the whole fold ({SAMPLE:,}, scaled)",
                f"{whole / SAMPLE * count:.2f}",
                f"{whole / SAMPLE * 1e6:.1f}",
                "-",
            ),
        ],
    )


def _recomputed(old: Calendar, new: Calendar, dues: list[int]) -> list[int]:
    elapsed, due = old.elapsed_ms, new.due_ms
    return [due(AT, elapsed(AT, was)) for was in dues]


def _due(policies: Policies, events: list[Event]) -> int | None:
    clocks = evaluate_record(policies, events, AT).clocks
    return clocks[0].due_ms if clocks and clocks[0].breached_ms is None else None
