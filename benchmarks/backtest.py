"""``backtest`` and ``suggest`` as processes: 100,000 records from file to answer, CPU seconds and peak memory."""

from __future__ import annotations

import gzip
import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.fold import LOG
from benchmarks.measure import table

RECORDS = 100_000
CONFIG = """
[calendars.office]
timezone = "Europe/Berlin"
hours = { mon-fri = "08:00-18:00" }
holidays = ["DE"]

[[policies]]
name = "IT support"
applies_to = "ticket"
calendar = "office"
answers = ["status_change", "solve_without_reply"]
[[policies.targets]]
metric = "first_response"
within = "2h"
steps = [{ at = "75%", notify = "owner" }, { at = "due", notify = "manager" }]
[[policies.targets]]
metric = "resolution"
within = { urgent = "4h", high = "8h", normal = "3bd", low = "5bd" }
steps = [{ at = "80%", notify = "owner" }]
"""


def resampled(records: int) -> Iterator[str]:
    """Incidents of the real log, drawn with replacement under names of their own."""
    with gzip.open(LOG, "rt") as file:
        stories: dict[str, list[dict[str, Any]]] = {}
        for line in file:
            event = json.loads(line)
            stories.setdefault(event["record"], []).append(event)
    drawn = random.Random(7).choices(list(stories.values()), k=records)
    for number, story in enumerate(drawn):
        for event in story:
            yield json.dumps({**event, "record": f"desk:ticket:{number:07}"})


def invented(records: int) -> Iterator[str]:
    """Tickets of one year: opened, routed, taken, answered in turns, some of them waiting for the customer, solved."""
    chance = random.Random(7)
    year = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(records):
        at = year + timedelta(seconds=chance.randrange(365 * 86_400))
        owner = f"user:{chance.randrange(40)}"
        fields = {
            "status": "new",
            "priority": chance.choice(("urgent", "high", "normal", "low")),
            "owner": "queue:First",
        }
        events: list[dict[str, Any]] = [{"event": "created", "kind": "ticket", "actor": "customer:1", "set": fields}]
        events.append({"event": "changed", "actor": owner, "set": {"status": "open", "owner": owner}})
        for _ in range(chance.randrange(3)):
            events.append({"event": "message", "actor": owner, "direction": "outbound"})
            events.append({"event": "message", "actor": "customer:1", "direction": "inbound"})
        if chance.random() < 0.3:
            events.append({"event": "changed", "actor": owner, "set": {"status": "pending"}})
        events.append({"event": "changed", "actor": owner, "set": {"status": "resolved"}})
        for n, event in enumerate(events):
            when = at.isoformat(timespec="seconds")
            yield json.dumps({"record": f"desk:ticket:{number:07}", "at": when, "id": str(n), **event})
            at += timedelta(seconds=int(chance.expovariate(1 / 14_400)) + 1)


def write(source: str, file: str) -> None:
    """Writes the timeline of one of the sources above."""
    with Path(file).open("w") as out:
        out.writelines(f"{line}\n" for line in {"invented": invented, "resampled": resampled}[source](RECORDS))


SOURCES = (
    ("invented tickets", "invented", "2027-03-01T00:00:00Z"),
    ("the real log, resampled", "resampled", "2017-03-01T00:00:00Z"),
)


def run() -> None:
    rows = [("a process of its own", "events", "lines out", "CPU s", "records/s", "peak MB")]
    with tempfile.TemporaryDirectory() as folder:
        config, file = Path(folder, "config.toml"), Path(folder, "timeline.jsonl")
        config.write_text(CONFIG)
        for name, source, now in SOURCES:
            if source == "resampled" and not LOG.exists():
                print(f"\nThe real log is not here ({LOG.name}); set SLA_SIDECAR_DATA to its folder.")
                continue
            # In a process of its own: what this one had at its peak would be counted as its children's.
            _process("-c", f"from benchmarks.backtest import write; write({source!r}, {str(file)!r})")
            with file.open("rb") as lines:
                events = sum(1 for _ in lines)
            for words in (
                ("backtest", "--json"),
                ("backtest", "--summary"),
                ("backtest", "--json", "--alerts"),
                ("backtest", "--compare", str(config), "--summary"),
                ("suggest", "--json"),
            ):
                asked = ("--config", str(config), "--timeline", str(file), "--now", now)
                seconds, peak, said = _process("-m", "console", words[0], *asked, *words[1:])
                title = f"{name}: {' '.join(word for word in words if word != str(config))}"
                figures = (f"{seconds:.1f}", f"{RECORDS / seconds:,.0f}", f"{peak:.0f}")
                rows.append((title, str(events), str(said), *figures))
    table(f"Backtest of {RECORDS:,} records (goal: under 60 s on one core)", rows)


def _process(*arguments: str) -> tuple[float, float, int]:
    """CPU seconds, peak megabytes and lines of output of one command line."""
    with tempfile.TemporaryFile() as out:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, *arguments],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)],
        )
        _, status, usage = os.wait4(pid, 0)
        if status:
            sys.exit(f"{arguments} ended with {os.waitstatus_to_exitcode(status)}")
        out.seek(0)
        said = sum(1 for _ in out)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said
