"""Records that a poll shows whole: only what differs from the state before counts as changed."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from sla_story import HOUR, MINUTE, check, instant, promise

from sla.fold import evaluate
from sla.instant import parse_instant
from sla.model import Event

RECORD = "crm:ticket:1"


def at(text: str) -> int:
    return parse_instant(instant(text))


def born(when: str) -> Event:
    return Event(record=RECORD, id="created", at=at(when), event="created", kind="ticket", actor="customer:7", set={})


def seen(when: str, **fields: Any) -> Event:
    whole = {"status": "new", "raw_status": None, "priority": "normal", "owner": "queue:Support", **fields}
    return Event(record=RECORD, id=f"s:{when}", at=at(when), event="changed", snapshot=True, set=whole)


def said(when: str, direction: str) -> Event:
    actor = "customer:7" if direction == "inbound" else "user:3"
    return Event(record=RECORD, id=f"m:{when}", at=at(when), event="message", actor=actor, direction=direction)


def verdict(events: list[Event], now: str, metric: str = "resolution", within: Any = "4h") -> dict:
    found = [clock.verdict() for clock in evaluate(promise(metric, within), events, instant(now))]
    assert len(found) == 1, found
    return found[0]


def test_a_creation_takes_the_fields_of_the_snapshot_of_its_instant() -> None:
    events = [born("Mon 10:00"), seen("Mon 10:00", priority="high")]
    check(verdict(events, "Mon 10:30", within={"high": "2h", "normal": "8h"}), within_s=2 * HOUR, due_at="Mon 12:00")


def test_a_creation_takes_the_priority_and_owner_of_the_first_snapshot_there_is() -> None:
    events = [born("Mon 10:00"), seen("Mon 11:00", priority="high", owner="user:3")]
    found = verdict(events, "Mon 11:30", within={"high": "2h", "normal": "8h"})
    check(found, started_at="Mon 10:00", due_at="Mon 12:00")
    assert found["spent"] == {"system": 0, "user:3": 90 * MINUTE}


def test_a_record_first_seen_later_began_as_new() -> None:
    events = [born("Mon 10:00"), seen("Mon 11:00", status="pending")]
    check(verdict(events, "Mon 12:00"), state="paused", elapsed_s=HOUR, paused_s=HOUR)


def test_a_snapshot_that_shows_nothing_new_changes_nothing() -> None:
    once = [born("Mon 10:00"), seen("Mon 10:00")]
    often = [*once, seen("Mon 10:20"), seen("Mon 10:40")]
    assert verdict(once, "Mon 12:00") == verdict(often, "Mon 12:00")


def test_a_snapshot_of_the_same_status_does_not_renew_the_wait() -> None:
    # The customer wrote at 12:00; the CRM touches the record at 12:05 and its status still lags behind.
    events = [
        born("Mon 10:00"), seen("Mon 10:00"), seen("Mon 11:00", status="pending"),
        said("Mon 12:00", "inbound"), seen("Mon 12:05", status="pending"),
    ]  # fmt: skip
    check(verdict(events, "Mon 12:30"), state="running", elapsed_s=90 * MINUTE, paused_s=HOUR)


def test_a_snapshot_of_the_same_owner_is_no_new_assignment() -> None:
    events = [born("Mon 10:00"), seen("Mon 10:00", owner="user:3"), seen("Mon 11:00", owner="user:3", priority="high")]
    check(verdict(events, "Mon 11:30", "owner_response"), cycle=1, started_at="Mon 10:00")


def test_snapshots_count_in_source_time_whatever_the_order_of_their_arrival() -> None:
    events = [
        born("Mon 10:00"), seen("Mon 10:00"), seen("Mon 11:00", status="pending"), seen("Mon 12:00", status="open"),
        seen("Mon 13:00", status="resolved"),
    ]  # fmt: skip
    found = [verdict(list(order), "Mon 16:00") for order in permutations(events)]
    check(found[0], outcome="met", completed_at="Mon 13:00", elapsed_s=2 * HOUR, paused_s=HOUR)
    assert all(one == found[0] for one in found)


def test_a_snapshot_that_was_missed_in_between_arrives_late_and_counts() -> None:
    late = seen("Mon 11:00", status="pending")
    events = [born("Mon 10:00"), seen("Mon 10:00"), seen("Mon 12:00", status="open")]
    check(verdict(events, "Mon 12:30"), elapsed_s=150 * MINUTE, paused_s=0)
    check(verdict([*events, late], "Mon 12:30"), elapsed_s=90 * MINUTE, paused_s=HOUR)


def test_a_snapshot_pauses_and_resumes_like_any_change() -> None:
    events = [
        born("Mon 10:00"), seen("Mon 10:00"), seen("Mon 11:00", status="on_hold"), seen("Mon 13:00", status="open"),
    ]  # fmt: skip
    check(verdict(events, "Mon 13:00"), due_at="Mon 16:00", paused_s=2 * HOUR)
