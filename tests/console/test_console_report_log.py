"""The figures of a report on a real log, held against a walk over its lines that knows nothing of this project."""

import gzip
import json
import math
from bisect import bisect_right
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from outside_material import DATA

from console.__main__ import run

LOG = DATA / "servicenow_incidents" / "timeline.jsonl.gz"
pytestmark = pytest.mark.skipif(not LOG.exists(), reason="the public incident log is not on this machine")

CONFIG = """\
[calendars.office]
timezone = "UTC"
hours = { mon-fri = "08:00-18:00" }
[[policies]]
name = "Incidents"
applies_to = "ticket"
calendar = "office"
answers = ["status_change"]
[[policies.targets]]
metric = "first_response"
within = "4h"
[[policies.targets]]
metric = "resolution"
within = "40h"
[[objectives]]
name = "In two hours"
target = "first_response"
goal = "70%"
within = "2h"
"""
NOW = datetime(2017, 3, 1, tzinfo=UTC)
MONDAY = datetime(2015, 12, 28, tzinfo=UTC)
MIDNIGHTS = [MONDAY + timedelta(days=day) for day in range(500)]
BEFORE = [0]
for day in range(500):
    BEFORE.append(BEFORE[-1] + (36_000 if day % 7 < 5 else 0))


def worked(at):
    """Working seconds from the first Monday to an instant."""
    day = bisect_right(MIDNIGHTS, at) - 1
    inside = min(max((at - MIDNIGHTS[day]).total_seconds() - 8 * 3600, 0), 36_000) if day % 7 < 5 else 0
    return BEFORE[day] + int(inside)


def when_worked(seconds):
    """The earliest instant at which so much was worked."""
    day = next(i for i, before in enumerate(BEFORE[1:]) if before >= seconds)
    return MIDNIGHTS[day] + timedelta(hours=8, seconds=seconds - BEFORE[day])


@pytest.fixture(scope="module")
def records():
    """Every tenth record: its lines in order."""
    found = defaultdict(list)
    with gzip.open(LOG) as file:
        for event in map(json.loads, file):
            if event["record"].endswith("7"):
                found[event["record"]].append(event)
    for events in found.values():
        events.sort(key=lambda event: (event["at"], event["event"] != "created", event.get("seq", 0)))
    return found


@pytest.fixture(scope="module")
def report(records, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    (folder / "config.toml").write_text(CONFIG)
    lines = (json.dumps(event) for events in records.values() for event in events)
    (folder / "t.jsonl").write_text("\n".join(lines))
    arguments = ["--config", str(folder / "config.toml"), "--timeline", str(folder / "t.jsonl")]
    code = run(["report", *arguments, "--now", NOW.isoformat(), "--by", "target,month", "--format", "json",
                "-o", str(folder / "r.json")])  # fmt: skip
    assert code == 0
    return json.loads(Path(folder / "r.json").read_text())


def answers(records):
    """Created, and first moved out of ``new`` by a person, of each record."""
    for events in records.values():
        created = datetime.fromisoformat(events[0]["at"])
        moved = (event for event in events[1:] if event.get("set", {}).get("status", "new") != "new")
        person = (event for event in moved if event["actor"].startswith("user:"))
        yield created, datetime.fromisoformat(next(person)["at"])


def test_met_and_missed_by_month(records, report):
    expected = defaultdict(Counter)
    for created, answered in answers(records):
        due = worked(created) + 4 * 3600
        met = worked(answered) <= due
        at = answered if met else when_worked(due)
        expected[at.strftime("%Y-%m")]["met" if met else "missed"] += 1
    told = {
        group["group"]["month"]: {"met": group["met"], "missed": group["missed"]}
        for group in report["groups"]
        if group["group"]["target"] == "first_response"
    }
    assert told == {month: {"met": count["met"], "missed": count["missed"]} for month, count in expected.items()}
    assert len(records) > 2_000


def test_an_objective_of_another_length_by_month(records, report):
    expected = defaultdict(Counter)
    for created, answered in answers(records):
        limit = worked(created) + 2 * 3600
        met = worked(answered) <= limit
        at = answered if met else when_worked(limit)
        expected[at.strftime("%Y-%m")]["met" if met else "missed"] += 1
    told = {found["window"]: (found["met"], found["missed"]) for found in report["objectives"]}
    assert told.pop("2017-03") == (0, 0)
    assert told == {month: (count["met"], count["missed"]) for month, count in expected.items()}


def test_percentiles_of_the_first_response(records, report):
    lengths = sorted(worked(answered) - worked(created) for created, answered in answers(records))
    found = report["total"]["first_response"]
    assert found.pop("count") == len(lengths)
    assert found == {f"p{p}_s": lengths[math.ceil(p / 100 * len(lengths)) - 1] for p in (50, 80, 90, 95)}


def test_reopened_and_waiting_on_the_customer(records, report):
    done, reopened, waited = {"resolved", "closed"}, 0, 0
    for events in records.values():
        status, since, back = "new", None, 0
        for event in events:
            after = event.get("set", {}).get("status", status)
            at = datetime.fromisoformat(event["at"])
            if status == "pending" != after:
                waited += worked(at) - worked(since)
            if after == "pending" != status:
                since = at
            back += status in done and after not in done
            status = after
        waited += worked(NOW) - worked(since) if status == "pending" else 0
        reopened += back > 0
    total = report["total"]
    assert (total["records"], total["resolved"]) == (len(records), len(records))
    assert (total["reopened"], total["first_contact"]) == (reopened, len(records) - reopened)
    assert total["waiting_on_customer_s"] == waited
