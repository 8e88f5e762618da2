"""A clock read by its names: instants, lengths, who spent the time, what an excuse or an extension makes of a miss."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sla_story import HOUR, asks, changed, config, created, event, instant, policy, promise, reply, target

from sla.clock import Clock, held
from sla.fold import evaluate
from sla.instant import parse_instant
from sla.record import RecordState

MINUTE_MS, HOUR_MS = 60_000, 3_600_000


def ms(text: str) -> int:
    return parse_instant(instant(text))


def clocks(document: Any, lines: list[dict[str, Any]], now: str) -> list[Clock]:
    return evaluate(document, lines, instant(now))


def clock(lines: list[dict[str, Any]], now: str, document: Any = None) -> Clock:
    (found,) = clocks(document or promise("first_response", "2h"), lines, now)
    return found


def excused(at: str, since: str, until: str, reason: str = "fire", **more: Any) -> dict[str, Any]:
    return event(at, "excused", **{"from": instant(since), "until": instant(until), "reason": reason, **more})


def when(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


# ---- names, instants and lengths


def test_a_clock_that_runs() -> None:
    found = clock([created("Mon 10:00", owner="queue:Desk")], "Mon 11:30")
    assert (found.record, found.policy, found.target, found.cycle, found.stage) == (
        "desk:ticket:1", "Support", "first_response", 1, "enforce",
    )  # fmt: skip
    assert (found.state, found.outcome, found.reason) == ("running", None, None)
    assert (found.started_at, found.due_at, found.completed_at, found.breached_at) == (
        when(2, 10), when(2, 12), None, None,
    )  # fmt: skip
    assert (found.started_ms, found.due_ms, found.completed_ms, found.breached_ms, found.now_ms) == (
        ms("Mon 10:00"), ms("Mon 12:00"), None, None, ms("Mon 11:30"),
    )  # fmt: skip
    assert (found.within_s, found.elapsed_s, found.paused_s, found.remaining_s, found.late_s) == (
        7200, 5400, 0, 1800, 0,
    )  # fmt: skip
    assert (found.within_ms, found.elapsed_ms, found.paused_ms, found.remaining_ms, found.late_ms) == (
        2 * HOUR_MS, 90 * MINUTE_MS, 0, 30 * MINUTE_MS, 0,
    )  # fmt: skip
    assert repr(found) == "<Clock desk:ticket:1 first_response #1 running undecided>"


def test_a_clock_that_was_missed_and_stopped() -> None:
    found = clock([created("Mon 10:00"), reply("Mon 13:30")], "Tue 10:00")
    assert (found.state, found.outcome) == ("stopped", "missed")
    assert (found.due_at, found.breached_at, found.completed_at) == (when(2, 12), when(2, 12), when(2, 13, 30))
    assert (found.elapsed_s, found.remaining_s, found.late_s) == (12600, 0, 5400)
    assert (found.elapsed_ms, found.remaining_ms, found.late_ms) == (210 * MINUTE_MS, 0, 90 * MINUTE_MS)
    assert found.wake_ms is None


def test_a_clock_that_pauses_has_no_due_yet() -> None:
    document = promise("resolution", "2h")
    found = clock([created("Mon 10:00"), changed("Mon 11:00", status="pending")], "Mon 11:45", document)
    assert (found.state, found.due_at, found.due_ms, found.wake_ms) == ("paused", None, None, None)
    assert (found.paused_s, found.paused_ms, found.elapsed_s, found.remaining_s) == (2700, 45 * MINUTE_MS, 3600, 3600)


def test_a_clock_reads_like_its_verdict() -> None:
    found = clock([created("Mon 10:00")], "Mon 11:30")
    assert dict(found) == found.verdict()  # type: ignore[call-overload]
    assert found.keys() == [
        "record", "policy", "target", "cycle", "state", "outcome", "started_at", "due_at", "completed_at",
        "breached_at", "within_s", "elapsed_s", "paused_s", "remaining_s", "late_s", "reason", "steps", "spent",
    ]  # fmt: skip
    assert (found["due_at"], found["remaining_s"]) == ("2026-03-02T12:00:00Z", 1800)
    with pytest.raises(KeyError):
        found["du_at"]


def test_a_verdict_in_full() -> None:
    steps = [{"at": "75%", "notify": "owner"}, {"at": "+1h", "notify": "manager"}]
    lines = [created("Mon 10:00"), changed("Mon 10:30", owner="user:3")]
    found = clock(lines, "Mon 12:15", promise("first_response", "2h", steps=steps))
    assert found.verdict() == {
        "record": "desk:ticket:1", "policy": "Support", "target": "first_response", "cycle": 1, "state": "running",
        "outcome": "missed", "started_at": "2026-03-02T10:00:00Z", "due_at": "2026-03-02T12:00:00Z",
        "completed_at": None, "breached_at": "2026-03-02T12:00:00Z", "within_s": 7200, "elapsed_s": 8100,
        "paused_s": 0, "remaining_s": 0, "late_s": 900, "reason": None,
        "steps": [
            {"at": "75%", "instant": "2026-03-02T11:30:00Z", "reached": True},
            {"at": "+1h", "instant": "2026-03-02T13:00:00Z", "reached": False},
        ],
        "spent": {"system": 1800, "user:3": 6300},
    }  # fmt: skip
    assert [(s.at, s.instant_ms, s.reached, s.arm, s.actions) for s in found.steps] == [
        ("75%", ms("Mon 11:30"), True, 0, {"notify": "owner"}),
        ("+1h", ms("Mon 13:00"), False, 0, {"notify": "manager"}),
    ]  # fmt: skip


def test_seconds_are_whole_where_they_are_and_exact_where_they_are_not() -> None:
    found = clock([created("Mon 10:00")], "Mon 10:00:01.250")
    assert (found.elapsed_s, found.remaining_s) == (1.25, 7198.75)
    whole = clock([created("Mon 10:00")], "Mon 10:00:02")
    assert isinstance(whole.elapsed_s, int)
    assert isinstance(whole.spent["system"], int)
    assert (found.spent, found.spent_ms) == ({"system": 1.25}, {"system": 1250})


# ---- when it changes by itself


def test_a_clock_wakes_at_its_next_step_then_at_due_then_at_the_steps_after() -> None:
    document = promise("first_response", "2h", steps=[{"at": t, "notify": "owner"} for t in ("50%", "75%", "+1h")])
    lines = [created("Mon 10:00")]
    wakes = {
        now: clock(lines, now, document).wake_ms
        for now in ("Mon 10:00", "Mon 10:59", "Mon 11:00", "Mon 11:30", "Mon 11:59", "Mon 12:00", "Mon 13:00")
    }
    assert wakes == {
        "Mon 10:00": ms("Mon 11:00"), "Mon 10:59": ms("Mon 11:00"), "Mon 11:00": ms("Mon 11:30"),
        "Mon 11:30": ms("Mon 12:00"), "Mon 11:59": ms("Mon 12:00"), "Mon 12:00": ms("Mon 13:00"), "Mon 13:00": None,
    }  # fmt: skip


def test_an_excused_clock_wakes_when_the_excuse_no_longer_explains_it() -> None:
    lines = [created("Mon 10:00"), excused("Mon 12:30", "Mon 10:00", "Mon 11:00")]
    found = clock(lines, "Mon 12:30")
    assert (found.outcome, found.reason, found.wake_ms) == ("excused", "fire", ms("Mon 13:00") + 1)
    assert clock(lines, "Mon 13:00").outcome == "excused"
    late = clock(lines, "Mon 13:00:00.001")
    assert (late.outcome, late.reason, late.wake_ms) == ("missed", None, None)


def test_a_late_extension_wakes_after_its_end() -> None:
    lines = [created("Mon 10:00"), event("Mon 12:30", "extended", until=instant("Mon 14:00"))]
    found = clock(lines, "Mon 13:00")
    assert (found.outcome, found.breached_at, found.wake_ms) == ("excused", when(2, 12), ms("Mon 14:00") + 1)
    assert clock(lines, "Mon 14:00").outcome == "excused"
    assert clock(lines, "Mon 14:00:00.001").outcome == "missed"


# ---- excuses


@pytest.mark.parametrize(
    ("since", "until", "outcome"),
    [
        ("Mon 11:00", "Mon 12:00", "excused"), ("Mon 11:00", "Mon 11:59", "missed"),
        ("Mon 11:01", "Mon 12:00", "missed"), ("Mon 09:00", "Mon 11:00", "excused"),
        ("Mon 12:00", "Mon 14:00", "excused"),
        ("Mon 12:01", "Mon 14:00", "missed"), ("Mon 08:00", "Mon 10:00", "missed"),
    ],
)  # fmt: skip
def test_an_excuse_explains_a_miss_that_is_no_longer_than_itself(since: str, until: str, outcome: str) -> None:
    lines = [created("Mon 10:00"), reply("Mon 13:00"), excused("Tue 09:00", since, until)]
    found = clock(lines, "Tue 10:00")
    assert (found.outcome, found.reason) == (outcome, "fire" if outcome == "excused" else None)
    assert found.breached_at == when(2, 12)


def test_time_excused_twice_counts_once() -> None:
    ninety = [created("Mon 10:00"), reply("Mon 13:00")]
    one = excused("Tue 09:00", "Mon 10:30", "Mon 11:00", "first", id="x1")
    same = excused("Tue 09:00", "Mon 10:30", "Mon 11:00", "again", id="x2")
    assert clock([*ninety, one, same], "Tue 10:00").outcome == "missed"
    other = excused("Tue 09:00", "Mon 10:45", "Mon 11:30", "second", id="x2")
    found = clock([*ninety, other, one], "Tue 10:00")
    assert (found.outcome, found.reason) == ("excused", "first; second")
    inside = excused("Tue 09:00", "Mon 10:35", "Mon 10:40", "inside", id="x3")
    assert clock([*ninety, other, inside, one], "Tue 10:00").reason == "first; second"
    whole = excused("Tue 09:00", "Mon 10:00", "Mon 11:00", "whole", id="x0")
    part = excused("Tue 09:00", "Mon 10:10", "Mon 10:20", "part", id="x4")
    rest = excused("Tue 09:00", "Mon 10:30", "Mon 11:00", "rest", id="x5")
    found = clock([created("Mon 10:00"), reply("Mon 13:01"), whole, part, rest], "Tue 10:00")
    assert (found.outcome, found.reason) == ("missed", None)


def test_an_excuse_counts_only_working_time_while_the_clock_ran() -> None:
    document = promise("resolution", "2h")
    paused = [
        created("Mon 10:00"), changed("Mon 11:00", status="pending"), changed("Mon 13:00", status="open"),
        changed("Mon 14:30", status="resolved"),
    ]  # fmt: skip
    found = clock([*paused, excused("Tue 09:00", "Mon 11:00", "Mon 13:29")], "Tue 10:00", document)
    assert (found.outcome, found.breached_at) == ("missed", when(2, 14))
    assert clock([*paused, excused("Tue 09:00", "Mon 11:00", "Mon 13:30")], "Tue 10:00", document).outcome == "excused"
    across = excused("Tue 09:00", "Mon 10:45", "Mon 13:15")
    assert clock([*paused, across], "Tue 10:00", document).outcome == "excused"
    night = [created("Mon 16:00"), reply("Tue 10:30")]
    assert clock([*night, excused("Tue 11:00", "Mon 17:00", "Tue 09:29")], "Tue 12:00").outcome == "missed"
    assert clock([*night, excused("Tue 11:00", "Mon 17:00", "Tue 09:30")], "Tue 12:00").outcome == "excused"


def test_a_clock_that_was_kept_needs_no_excuse() -> None:
    lines = [created("Mon 10:00"), reply("Mon 11:00"), excused("Mon 12:00", "Mon 10:00", "Mon 11:00")]
    found = clock(lines, "Tue 10:00")
    assert (found.outcome, found.reason) == ("met", None)


def test_a_cancelled_clock_that_was_missed_keeps_its_own_reason() -> None:
    lines = [created("Mon 10:00"), event("Mon 13:00", "deleted"), excused("Tue 09:00", "Mon 11:00", "Mon 12:00")]
    found = clock(lines, "Tue 10:00")
    assert (found.state, found.outcome, found.reason) == ("stopped", "excused", "deleted")


# ---- who spent it


def test_every_hour_is_somebodys() -> None:
    lines = [
        created("Mon 10:00", owner="queue:Desk"), changed("Mon 11:00", owner="user:3"),
        changed("Mon 11:30", owner="user:4"), changed("Mon 13:00", owner="user:3"),
    ]  # fmt: skip
    found = clock(lines, "Mon 14:00")
    assert found.spent == {"system": 0, "queue:Desk": HOUR, "user:3": HOUR + 1800, "user:4": HOUR + 1800}
    assert next(iter(found.spent)) == "system"
    assert sum(found.spent_ms.values()) == found.elapsed_ms == 4 * HOUR_MS


def test_what_nobody_had_seen_is_the_systems() -> None:
    late = created("Mon 10:00", owner="user:3", seen=instant("Mon 11:00"))
    found = clock([late], "Mon 13:00")
    assert (found.seen_ms, found.spent) == (ms("Mon 11:00"), {"system": HOUR, "user:3": 2 * HOUR})
    unseen = clock([late], "Mon 10:30")
    assert unseen.spent == {"system": 1800}
    message = [
        created("Mon 09:00", owner="user:3"), reply("Mon 09:30"), asks("Mon 10:00", seen=instant("Mon 10:30")),
    ]  # fmt: skip
    found = clock(message, "Mon 11:00", promise("next_response", "2h"))
    assert (found.seen_ms, found.spent) == (ms("Mon 10:30"), {"system": 1800, "user:3": 1800})


def state_held(*holders: tuple[int, str]) -> RecordState:
    state = RecordState("desk:ticket:1")
    state.holders = list(holders)
    return state


@pytest.mark.parametrize(
    ("holders", "span", "seen", "expected"),
    [
        ([], (10, 20), 10, [("system", 10, 20)]),
        ([], (10, 20), 15, [("system", 10, 15), ("system", 15, 20)]),
        ([], (10, 20), 20, [("system", 10, 20)]),
        ([], (10, 20), 99, [("system", 10, 20)]),
        ([(0, "a")], (10, 20), 0, [("a", 10, 20)]),
        ([(15, "a")], (10, 20), 0, [("a", 10, 20)]),
        ([(0, "a"), (10, "b")], (10, 20), 0, [("b", 10, 20)]),
        ([(0, "a"), (11, "b")], (10, 20), 0, [("a", 10, 11), ("b", 11, 20)]),
        ([(0, "a"), (20, "b")], (10, 20), 0, [("a", 10, 20)]),
        ([(0, "a"), (12, "b"), (14, "a"), (30, "c")], (10, 20), 0, [("a", 10, 12), ("b", 12, 14), ("a", 14, 20)]),
        ([(0, "a"), (12, "b")], (10, 20), 11, [("system", 10, 11), ("a", 11, 12), ("b", 12, 20)]),
        ([(0, "a"), (12, "b")], (10, 20), 13, [("system", 10, 13), ("b", 13, 20)]),
        ([(0, "a"), (1, "b"), (2, "c")], (10, 20), 10, [("c", 10, 20)]),
    ],
)
def test_who_had_it_from_when_to_when(
    holders: list[tuple[int, str]], span: tuple[int, int], seen: int, expected: list[tuple[str, int, int]]
) -> None:
    assert list(held(state_held(*holders), *span, seen)) == expected


def test_the_parts_that_count_are_those_on_each_calendar() -> None:
    document = config(policy(target("resolution", "4h", calendar={"field": "hours", "default": "office"})))
    lines = [created("Mon 15:00", hours="office", owner="user:3"), changed("Mon 16:00", hours="always")]
    found = clock(lines, "Mon 18:00", document)
    assert (found.spent, found.elapsed_s) == ({"system": 0, "user:3": 3 * HOUR}, 3 * HOUR)
