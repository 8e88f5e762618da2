"""SIGKILL during a first contact that goes by bulk job, and between a rotated refresh token's keeping and its use."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sync_range import Range, check

JOBS = "/services/data/v66.0/jobs/query"
LEADS = 250
TOKENS = {"salesforce": "POST /services/oauth2/token", "hubspot": "POST /oauth/2026-09/token"}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., Range]]:
    ranges: list[Range] = []

    def make(name: str, **order: object) -> Range:
        ranges.append(Range(name, tmp_path, seed=20260302, **order))
        return ranges[-1]

    yield make
    for each in ranges:
        each.close()


def place(crm: Range) -> str:
    """How far the first sweep of the leads had come when the daemon was killed."""
    if not crm.database.exists():
        return "none"
    with closing(sqlite3.connect(crm.database)) as store:
        rows = store.execute("SELECT value FROM cursor WHERE stream = 'Lead'").fetchall()
    if not rows:
        return "none"
    cursor = json.loads(rows[0][0])
    if cursor.get("job") is None:
        return "done" if cursor.get("first") is None else "pages"
    return "asked" if cursor.get("locator") is None else "results"


def first_contact(made: Callable[..., Range]) -> Range:
    """More leads than are worth pages, in an org whose jobs take a while."""
    crm = made("salesforce", small=True)
    for _ in range(LEADS):
        crm.arrive()
    crm.ask("/_emulator/faults", {"fault": "latency", "seconds": 0.08, "path": JOBS})
    return crm


def kill_until_read(crm: Range, most: int) -> list[str]:
    """Kills at random until the first sweep is over; where each kill found it."""
    found: list[str] = []
    while len(found) < most and (not found or found[-1] != "done"):
        process = crm.start()
        crm.pause.wait(crm.random.uniform(0.15, 0.6))
        crm.kill(process)
        found.append(place(crm))
    return found


@pytest.mark.slow
def test_killed_at_any_stage_of_a_bulk_job_it_goes_on_with_that_job_and_reads_everybody_once(
    made: Callable[..., Range],
) -> None:
    crm = first_contact(made)
    found = kill_until_read(crm, 60)
    crm.ask("/_emulator/faults", {"fault": "latency", "seconds": 0.001, "path": JOBS})
    crm.settle()
    check(crm)
    assert {"asked", "results"} <= set(found), found
    assert crm.calls()[f"POST {JOBS}"] <= 1 + found.count("none") + found.count("pages"), found


@pytest.mark.slow
def test_killed_while_jobs_are_lost_and_answers_cut_it_reads_everybody_once_all_the_same(
    made: Callable[..., Range],
) -> None:
    crm = first_contact(made)
    for fault in ("truncate", "drop_response", "status:503", "html"):
        crm.ask("/_emulator/faults", {"fault": fault, "probability": 0.1, "path": JOBS})
    crm.ask("/_emulator/act", {"do": "setup", "fail_jobs": 1})
    kill_until_read(crm, 40)
    crm.settle()
    check(crm)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["salesforce", "hubspot"])
def test_killed_between_keeping_a_new_refresh_token_and_using_it_nobody_has_to_log_in_again(
    made: Callable[..., Range], name: str
) -> None:
    crm = made(name)
    crm.rotate()
    tokens = set()
    for _ in range(10):
        crm.arrive()
        crm.start(die="kept")
        crm.gone()
        tokens.add(crm.database.with_suffix(".token").read_text())
    assert len(tokens) == 10  # each of them ended the one before it
    crm.settle()
    check(crm)
    assert crm.calls()[TOKENS[name]] <= 13
