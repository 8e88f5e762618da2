"""Changes that come twice, late and in any order lead to the same clocks and the same wishes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sync_scene import MINUTE, MONDAY_NINE, Scene

from connectors.base import Change
from sync import inbox

TICKETS = """
[calendars.always]
timezone = "UTC"
hours = "24x7"

[[policies]]
name = "Support"
applies_to = "ticket"
calendar = "always"
[[policies.targets]]
metric = "first_response"
within = "30m"
steps = [{ at = "due", task = "Answer {record.name}" }]
[[policies.targets]]
metric = "next_response"
within = "45m"
steps = [{ at = "due", task = "Answer {record.name} again" }]
[[policies.targets]]
metric = "resolution"
within = "2h"
steps = [{ at = "80%", notify = "owner" }, { at = "due", set = { priority = "urgent" } }]
"""
WRITE = {"ticket": {"first_response_due": "a", "next_response_due": "b", "resolution_due": "c", "sla_status": "d"}}


def _history(scene: Scene) -> list[Change]:
    """What a busy morning of three tickets looks like to a poller that was there all the time."""
    crm, changes = scene.crm, []
    connector = scene.works.links["crm"].connector

    def poll() -> None:
        changes.extend(
            connector.read([f"crm:ticket:{number}" for number in range(3) if ("ticket", str(number)) in crm.rows])
        )

    for number in range(3):
        crm.create("ticket", str(number), name=f"Ticket {number}", at=MONDAY_NINE + number * MINUTE)
        poll()
    story: list[tuple[int, str, dict[str, Any]]] = [
        (5, "0", {"status": "open", "raw_status": "Open", "owner": "user:ann"}),
        (10, "1", {"status": "open", "raw_status": "Open", "owner": "user:ben"}),
        (50, "0", {"status": "pending", "raw_status": "Waiting"}),
        (55, "1", {"priority": "high"}),
        (90, "1", {"status": "resolved", "raw_status": "Done"}),
        (95, "0", {"status": "open", "raw_status": "Open"}),
    ]
    for minute, number, fields in story:
        crm.update(f"ticket:{number}", at=MONDAY_NINE + minute * MINUTE, by="user:ann", **fields)
        poll()
    for minute, number, direction in (
        (20, "0", "outbound"),
        (40, "0", "inbound"),
        (42, "1", "outbound"),
        (95, "0", "inbound"),
    ):
        crm.message(f"ticket:{number}", direction, at=MONDAY_NINE + minute * MINUTE,
                    by="user:ann" if direction == "outbound" else "customer:1")  # fmt: skip
        poll()
    return changes


def _feed(scene: Scene, changes: list[Change]) -> None:
    scene.works.store.write(lambda t: inbox.keep(t, "crm", changes, scene.clock.now()))
    scene.works.intake.digest()


def _clocks(scene: Scene) -> list[tuple[Any, ...]]:
    return scene.rows(
        "SELECT record, target, policy, cycle, state, outcome, started_at, due_at, breached_at, completed_at, wake_at"
        " FROM clock ORDER BY record, target, cycle"
    )


def _wishes(scene: Scene) -> list[tuple[Any, ...]]:
    return scene.rows("SELECT key, action, record, body, state FROM outbox ORDER BY key")


def _scene(folder: str) -> Scene:
    scene = Scene(Path(folder), document=TICKETS, write=WRITE)
    scene.clock.advance(100 * 60)
    return scene


@pytest.fixture(scope="module")
def straight() -> tuple[list[Change], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The history in order, each change once: what everything else is compared with."""
    with tempfile.TemporaryDirectory() as folder:
        scene = _scene(folder)
        changes = list({change.key: change for change in _history(scene)}.values())
        _feed(scene, changes)
        found = changes, _clocks(scene), _wishes(scene)
        scene.close()
    assert len(found[0]) > 10
    assert len(found[1]) == 7
    assert len(found[2]) == 6
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), repeats=st.integers(1, 4))
def test_shuffled_and_doubled_they_give_the_same_clocks_and_the_same_wishes(
    straight: tuple[Any, Any, Any], seed: int, repeats: int
) -> None:
    changes, clocks, wishes = straight
    shuffled = changes * repeats
    Random(seed).shuffle(shuffled)
    with tempfile.TemporaryDirectory() as folder:
        scene = _scene(folder)
        _feed(scene, shuffled)
        assert _clocks(scene) == clocks
        assert _wishes(scene) == wishes
        scene.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), portions=st.integers(2, 8))
def test_in_late_portions_they_give_the_same_clocks(straight: tuple[Any, Any, Any], seed: int, portions: int) -> None:
    changes, clocks, _ = straight
    shuffled = list(changes)
    Random(seed).shuffle(shuffled)
    with tempfile.TemporaryDirectory() as folder:
        scene = _scene(folder)
        for start in range(portions):
            _feed(scene, shuffled[start::portions])
        assert _clocks(scene) == clocks
        scene.close()


def test_read_once_more_they_change_nothing(straight: tuple[Any, Any, Any]) -> None:
    changes, clocks, wishes = straight
    with tempfile.TemporaryDirectory() as folder:
        scene = _scene(folder)
        _feed(scene, changes)
        versions = scene.rows("SELECT record, target, cycle, version FROM clock")
        assert scene.works.store.write(inbox.replay) == len(changes)
        scene.works.intake.digest()
        assert _clocks(scene) == clocks
        assert _wishes(scene) == wishes
        assert scene.rows("SELECT record, target, cycle, version FROM clock") == versions
        scene.close()
