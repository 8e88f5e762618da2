"""The fold: microseconds per clock by the length of the timeline, and a real log from file to verdicts."""

from __future__ import annotations

import gzip
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import medians, table, timed
from sla.fold import evaluate_record, evaluate_timelines
from sla.instant import MINUTE, from_datetime
from sla.model import Event
from sla.policy import Policies
from sla.timeline import read_lines

POLICIES: dict[str, Any] = {
    "calendars": {"office": {"timezone": "Europe/Berlin", "hours": {"mon-fri": "08:00-18:00"}}},
    "policies": [
        {
            "name": "IT support",
            "applies_to": "ticket",
            "calendar": "office",
            "answers": ["status_change", "solve_without_reply"],
            "targets": [
                {"metric": "first_response", "within": "2h", "steps": [{"at": "75%", "notify": "owner"}]},
                {"metric": "resolution", "within": {"urgent": "4h", "high": "8h", "normal": "3bd", "low": "5bd"}},
            ],
        }
    ],
}
EVERY_METRIC = {
    **POLICIES,
    "policies": [
        {
            **POLICIES["policies"][0],
            "targets": [
                {"metric": metric, "within": "4h"}
                for metric in (
                    "first_response", "next_response", "update_every", "resolution", "first_resolution", "time_to_own",
                )
            ],
        }
    ],
}  # fmt: skip
LOG = Path(os.environ.get("SLA_SIDECAR_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
LOG = LOG / "servicenow_incidents" / "timeline.jsonl.gz"


def conversation(length: int) -> list[Event]:
    """A ticket with messages in turn, of so many events."""
    start = from_datetime(datetime(2026, 3, 2, 9, tzinfo=UTC))
    events = [
        Event(
            record="desk:ticket:1", at=start, id="0", event="created", kind="ticket", actor="customer:1",
            set={"status": "new", "priority": "high", "owner": "queue:Support"},
        )
    ]  # fmt: skip
    for i in range(1, length):
        ours = i % 2 == 1
        events.append(
            Event(
                record="desk:ticket:1", at=start + i * 20 * MINUTE, id=str(i), event="message",
                actor="user:3" if ours else "customer:1", direction="outbound" if ours else "inbound",
            )
        )  # fmt: skip
    return events


def run() -> None:
    policies = Policies.from_config(POLICIES)
    rows = [("evaluate one record", "µs", "µs a clock", "goal", "µs an event")]
    for length in (5, 20, 80, 320, 1280):
        events = conversation(length)
        now = events[-1].at + MINUTE
        clocks = len(evaluate_record(policies, events, now).clocks)
        us = medians({"ours": lambda: evaluate_record(policies, events, now)}, {"ours": 4_000 // length})["ours"]
        goal = "< 100" if length == 20 else ""
        rows.append(
            (f"{length} events, {clocks} clocks", f"{us:.1f}", f"{us / clocks:.1f}", goal, f"{us / length:.2f}")
        )
    table("The fold (goal: linear, so that the last column does not grow)", rows)

    everything = Policies.from_config(EVERY_METRIC)
    rows = [("every metric, repeating ones included", "µs", "µs a clock", "µs an event")]
    for length in (5, 20, 80, 320, 1280):
        events = conversation(length)
        now = events[-1].at + MINUTE
        clocks = len(evaluate_record(everything, events, now).clocks)
        us = medians({"ours": lambda: evaluate_record(everything, events, now)}, {"ours": 1 + 1_000 // length})["ours"]
        rows.append((f"{length} events, {clocks} clocks", f"{us:.1f}", f"{us / clocks:.1f}", f"{us / length:.2f}"))
    table("The fold with a new clock for every turn of the conversation", rows)

    if not LOG.exists():
        print(f"\nThe real log is not here ({LOG.name}); set SLA_SIDECAR_DATA to its folder.")
        return
    with gzip.open(LOG) as file:
        lines = file.readlines()
    now = from_datetime(datetime(2017, 3, 1, tzinfo=UTC))

    def backtest() -> int:
        timelines: dict[str, list[Event]] = {}
        for event in read_lines(lines, []):
            timelines.setdefault(event.record, []).append(event)
        evaluations = evaluate_timelines(policies, timelines, now)
        return len([clock.verdict() for evaluation in evaluations for clock in evaluation.clocks])

    seconds, verdicts = timed(backtest, rounds=3)
    table(
        "The real log of 24,918 incidents, lines to verdicts in one process",
        [
            ("events", "verdicts", "CPU s", "events/s"),
            (str(len(lines)), str(verdicts), f"{seconds:.2f}", f"{len(lines) / seconds:,.0f}"),
        ],
    )

    from benchmarks.backtest import CONFIG, _process

    with tempfile.TemporaryDirectory() as folder:
        config, timeline = Path(folder, "config.toml"), Path(folder, "timeline.jsonl")
        config.write_text(CONFIG)
        timeline.write_bytes(b"".join(lines))
        arguments = ("--config", str(config), "--timeline", str(timeline), "--now", "2017-03-01T00:00:00Z", "--json")
        seconds, peak, said = _process("-m", "console", "backtest", *arguments)
    table(
        "The same log through `backtest --json`, the whole process",
        [("verdicts", "CPU s", "goal", "peak MB"), (str(said), f"{seconds:.2f}", "< 10", f"{peak:.0f}")],
    )
