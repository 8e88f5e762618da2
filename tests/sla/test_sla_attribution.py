"""Whose working time it was: system, queue, each owner by name. The parts always add up to the elapsed time."""

from __future__ import annotations

from typing import Any

from sla_story import HOUR, MINUTE, asks, changed, created, event, instant, only, promise, reply, verdicts


def spent(lines: list[dict], now: str, metric: str = "first_response", within: str = "40h", **more: Any) -> dict:
    verdict = only(promise(metric, within, **more), lines, now)
    assert sum(verdict["spent"].values()) == verdict["elapsed_s"]
    return {holder: seconds for holder, seconds in verdict["spent"].items() if seconds}


def test_a_queue_and_then_its_owner() -> None:
    lines = [created("Mon 10:00", owner="queue:Support"), changed("Mon 10:15", owner="user:3"), reply("Mon 10:30")]
    assert spent(lines, "Mon 16:00") == {"queue:Support": 15 * MINUTE, "user:3": 15 * MINUTE}


def test_each_owner_by_name() -> None:
    lines = [
        created("Mon 10:00", owner="user:3"), changed("Mon 11:00", owner="user:4"),
        changed("Mon 13:00", owner="user:3"),
    ]  # fmt: skip
    assert spent(lines, "Mon 14:00") == {"user:3": 2 * HOUR, "user:4": 2 * HOUR}


def test_before_it_was_routed_it_is_the_systems() -> None:
    lines = [created("Mon 10:00"), changed("Mon 10:20", owner="queue:Support"), changed("Mon 11:00", owner="user:3")]
    assert spent(lines, "Mon 11:30") == {
        "system": 20 * MINUTE, "queue:Support": 40 * MINUTE, "user:3": 30 * MINUTE,
    }  # fmt: skip


def test_before_it_was_seen_it_is_the_systems() -> None:
    lines = [created("Mon 10:00", owner="user:3", seen=instant("Mon 10:45"))]
    assert spent(lines, "Mon 11:00") == {"system": 45 * MINUTE, "user:3": 15 * MINUTE}


def test_a_record_was_first_seen_with_whatever_arrived_first() -> None:
    # A message came by webhook at once, the creation itself only with the next poll.
    lines = [created("Mon 10:00", owner="user:3", seen=instant("Mon 12:00")), asks("Mon 10:30")]
    assert spent(lines, "Mon 13:00") == {"system": 30 * MINUTE, "user:3": 150 * MINUTE}


def test_a_record_seen_only_after_its_owner_changed() -> None:
    lines = [
        created("Mon 10:00", owner="user:3", seen=instant("Mon 12:00")),
        changed("Mon 11:00", owner="user:4", seen=instant("Mon 12:00")),
    ]
    assert spent(lines, "Mon 13:00") == {"system": 2 * HOUR, "user:4": HOUR}


def test_only_working_time_is_shared_out() -> None:
    lines = [
        created("Mon 16:30", owner="user:3"),
        changed("Mon 20:00", owner="user:4"),
        changed("Tue 09:15", owner="user:5"),
    ]
    assert spent(lines, "Tue 10:00") == {"user:3": 30 * MINUTE, "user:4": 15 * MINUTE, "user:5": 45 * MINUTE}


def test_what_was_paused_is_nobodys() -> None:
    lines = [
        created("Mon 10:00", owner="user:3"), changed("Mon 11:00", status="pending"),
        changed("Mon 12:00", owner="user:4"), changed("Mon 13:00", status="open"),
    ]  # fmt: skip
    assert spent(lines, "Mon 14:00", "resolution") == {"user:3": HOUR, "user:4": HOUR}


def test_a_solved_gap_is_nobodys() -> None:
    lines = [
        created("Mon 10:00", owner="user:3"), changed("Mon 11:00", status="resolved"),
        changed("Tue 10:00", status="open", owner="user:4"),
    ]  # fmt: skip
    assert spent(lines, "Tue 12:00", "resolution") == {"user:3": HOUR, "user:4": 2 * HOUR}


def test_a_change_of_calendar_keeps_what_was_shared_out() -> None:
    promised = promise("resolution", "8h", when={"tier": "silver"}, name="Silver")
    gold = promise("resolution", "8h", when={"tier": "gold"}, name="Gold", calendar="always")
    promised["policies"] += gold["policies"]
    lines = [created("Fri 16:00", tier="silver", owner="user:3"), changed("Sat 12:00", tier="gold")]
    verdict = only(promised, lines, "Sat 13:00")
    assert verdict["spent"]["user:3"] == 2 * HOUR == verdict["elapsed_s"]


def test_a_later_cycle_counts_its_own_time_only() -> None:
    lines = [
        created("Mon 10:00", owner="user:3"), reply("Mon 10:10"), asks("Mon 11:00"), reply("Mon 11:30"),
        asks("Mon 12:00"), changed("Mon 12:30", owner="user:4"),
    ]  # fmt: skip
    first, second = verdicts(promise("next_response", "4h"), lines, "Mon 13:00")
    assert first["spent"] == {"system": 0, "user:3": 30 * MINUTE}
    assert second["spent"] == {"system": 0, "user:3": 30 * MINUTE, "user:4": 30 * MINUTE}


def test_a_cancelled_clock_is_shared_out_up_to_its_end() -> None:
    lines = [created("Mon 10:00", owner="user:3"), event("Mon 11:00", "deleted")]
    assert spent(lines, "Tue 16:00") == {"user:3": HOUR}
