"""``report`` as a process: 100,000 records from a file and from the store; CPU seconds, records/s, peak memory."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path

from benchmarks.backtest import CONFIG, RECORDS, _process, invented, resampled
from benchmarks.fold import LOG
from benchmarks.measure import table
from console.timeline_file import read_timelines
from sla.instant import parse_instant
from sync.configuration import POLICIES, load
from sync.engine import Arrival, Engine
from sync.policy_book import PolicyBook
from sync.store import Store

OBJECTIVES = """
[[objectives]]
name = "Resolutions"
target = "resolution"
goal = "80%"
credits = [{ below = "80%", credit = "5%" }]

[[objectives]]
name = "First responses in an hour"
target = "first_response"
goal = "90%"
within = "1h"
window = "week"
"""


def run() -> None:
    now = "2017-03-01T00:00:00Z" if LOG.exists() else "2027-03-01T00:00:00Z"
    rows = [("a process of its own", "events", "CPU s", "records/s", "peak MB")]
    with tempfile.TemporaryDirectory() as folder:
        config, file = Path(folder, "config.toml"), Path(folder, "timeline.jsonl")
        # In a process of its own: one that is spawned begins with the peak of memory of whoever spawned it.
        _process("-c", f"from benchmarks.report import prepare; prepare({str(config)!r}, {str(file)!r}, {now!r})")
        with file.open() as lines:
            events = sum(1 for _ in lines)
        for title, source in (("from a file", ("--timeline", str(file))), ("from the store", ())):
            for by in ("policy,target", "priority,owner,month"):
                arguments = ("--config", str(config), *source, "--now", now, "--by", by, "--format", "csv")
                seconds, peak, _ = _process("-m", "console", "report", *arguments)
                row = (str(events), f"{seconds:.1f}", f"{RECORDS / seconds:,.0f}", f"{peak:.0f}")
                rows.append((f"{title}, by {by}", *row))
    table(f"report on {RECORDS:,} records with two objectives (goal: under 60 s on one core, under 500 MB)", rows)


def prepare(config_name: str, file_name: str, now: str) -> None:
    """A configuration, a timeline file, and a store as the daemon would leave it."""
    config, file = Path(config_name), Path(file_name)
    config.write_text(CONFIG + OBJECTIVES)
    with file.open("w") as out:
        for line in (resampled if LOG.exists() else invented)(RECORDS):
            out.write(f"{line}\n")
    configuration = load(config, POLICIES)
    book = PolicyBook(configuration.policies, configuration.document)
    engine = Engine(book, {}, live=True)
    timelines, _ = read_timelines(file)
    records = iter(timelines.items())
    store = Store.open(configuration.daemon.database)
    store.write(lambda transaction: book.register(transaction, 0))
    while portion := dict(islice(records, 500)):
        arrivals = {record: Arrival(events[0].at, events) for record, events in portion.items()}
        store.write(lambda transaction: engine.judge(transaction, arrivals, parse_instant(now)))
    store.close()
