"""What the console may ask of the store."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sync_scene import LEADS, MINUTE, MONDAY_NINE, Scene

from sync.store import Reader, StoreError
from sync.view import View


@pytest.fixture
def morning(scene: Scene) -> Scene:
    """One lead overdue and reassigned, one answered, one that still runs."""
    scene.crm.create("lead", "1", name="Mara", owner="user:cem")
    scene.crm.create("lead", "2", name="Noor", owner="user:cem")
    scene.minutes(30, step=10)
    scene.crm.activity("lead:2", activity="call", outcome="connected", by="user:cem")
    scene.crm.create("lead", "3", name="Omid", owner="user:ben")
    scene.minutes(40, step=10)
    return scene


def test_clocks_come_by_urgency_the_overdue_first(morning: Scene) -> None:
    view = morning.view()
    assert [(clock.record, clock.outcome, clock.due_at) for clock in view.clocks()] == [
        ("crm:lead:1", "missed", MONDAY_NINE + 60 * MINUTE),
        ("crm:lead:3", None, MONDAY_NINE + 90 * MINUTE),
    ]
    assert [clock.record for clock in view.clocks(open_only=False, outcome="met")] == ["crm:lead:2"]
    assert [clock.record for clock in view.clocks(limit=1)] == ["crm:lead:1"]
    assert view.clocks(connection="nobody") == []
    assert view.clocks(policy="Inbound leads", state="running")[0].title == "Mara"


def test_paused_clocks_come_last(staged: Callable[..., Scene]) -> None:
    scene = staged(document=LEADS.replace('metric = "first_response"', 'metric = "resolution"'), write={})
    scene.crm.create("lead", "1", name="Mara", status="pending", raw_status="Waiting")
    scene.crm.create("lead", "2", name="Noor")
    scene.round()
    assert [(clock.record, clock.state) for clock in scene.view().clocks()] == [
        ("crm:lead:2", "running"),
        ("crm:lead:1", "paused"),
    ]


def test_urgency_follows_the_index_of_due_times(scene: Scene) -> None:
    query = (
        "EXPLAIN QUERY PLAN SELECT c.record FROM clock AS c JOIN record AS r ON r.record = c.record"
        " WHERE c.state <> 'stopped' AND c.due_at IS NOT NULL ORDER BY c.due_at LIMIT 10"
    )
    plan = " ".join(str(row[-1]) for row in scene.rows(query))
    assert "clock_due" in plan
    assert "TEMP B-TREE" not in plan


def test_waking_up_follows_its_index(scene: Scene) -> None:
    plan = scene.rows("EXPLAIN QUERY PLAN SELECT record FROM clock WHERE wake_at <= 1 ORDER BY wake_at LIMIT 500")
    assert [row[-1] for row in plan] == ["SEARCH clock USING COVERING INDEX clock_wake (wake_at<?)"]


def test_a_clock_shows_the_public_verdict_of_its_last_judgement(morning: Scene) -> None:
    [clock] = morning.view().clocks(outcome="missed")
    assert clock.verdict == {
        "record": "crm:lead:1",
        "policy": "Inbound leads",
        "target": "first_response",
        "cycle": 1,
        "state": "running",
        "outcome": "missed",
        "started_at": "2026-03-02T09:00:00Z",
        "due_at": "2026-03-02T10:00:00Z",
        "completed_at": None,
        "breached_at": "2026-03-02T10:00:00Z",
        "within_s": 3600,
        "elapsed_s": 3600,
        "paused_s": 0,
        "remaining_s": 0,
        "late_s": 0,
        "reason": None,
        "steps": [
            {"at": "50%", "instant": "2026-03-02T09:30:00Z", "reached": True},
            {"at": "75%", "instant": "2026-03-02T09:45:00Z", "reached": True},
            {"at": "due", "instant": "2026-03-02T10:00:00Z", "reached": True},
        ],
    }


def test_the_summary_counts_what_a_status_line_needs(morning: Scene) -> None:
    summary = morning.view().summary()
    assert summary.clocks == {"missed": 1, "met": 1, "running": 1}
    assert summary.overdue_open == 1
    assert summary.records == 3
    assert summary.outbox == {"done": 10}
    assert (summary.inbox_new, summary.inbox_dead, summary.paused) == (0, 0, False)
    assert summary.daemon is not None
    assert summary.next_wake_at == MONDAY_NINE + 75 * MINUTE


def test_a_connection_shows_its_lag_its_quota_and_what_waits(morning: Scene) -> None:
    [connection] = morning.view().connections()
    assert (connection.name, connection.connector, connection.state) == ("crm", "memory", "ok")
    assert (connection.ok_at, connection.lag_s, connection.waiting, connection.dead) == (morning.clock.now(), 0, 0, 0)
    assert connection.enforce_from == MONDAY_NINE - 60 * MINUTE
    assert [(quota.window, quota.max) for quota in connection.quota] == [("day", 100_000)]


def test_a_record_shows_all_that_is_known_of_it(morning: Scene) -> None:
    shown = morning.view().record("crm:lead:1")
    assert shown is not None
    assert (shown.title, shown.measured, shown.state["owner"]) == ("Mara", None, "user:ann")
    assert [event.event for event in shown.events][:2] == ["created", "changed"]
    assert [(step.step, step.decision) for step in shown.steps] == [
        ("50%", "fired"), ("75%", "fired"), ("due", "fired"),
    ]  # fmt: skip
    assert [row.action for row in shown.outbox] == ["fields", "notify", "task", "owner", "fields"]
    assert {row.what for row in shown.ledger} == {"step", "write", "notice"}
    assert shown.observed["first_response_status"] == "missed"
    assert morning.view().record("crm:lead:404") is None


def test_a_record_is_found_by_the_end_of_its_name(morning: Scene) -> None:
    view = morning.view()
    assert view.find("2") == ["crm:lead:2"]
    assert view.find("lead:3") == ["crm:lead:3"]
    assert view.find("crm:lead:1") == ["crm:lead:1"]
    assert view.find("ad:3") == []


def test_timelines_come_record_by_record_with_when_they_were_seen(morning: Scene) -> None:
    events = list(morning.view().events())
    assert list(dict.fromkeys(event.record for event in events)) == ["crm:lead:1", "crm:lead:2", "crm:lead:3"]
    assert all(event.seen is not None for event in events)
    assert next(iter(morning.view().events(["crm:lead:3"]))).id == "created"


def test_the_document_of_a_policy_version_is_kept_without_connections(morning: Scene) -> None:
    shown = morning.view().record("crm:lead:1")
    assert shown is not None
    document = morning.view().policy_document(shown.policy_version)
    assert document is not None
    assert sorted(document) == ["calendars", "daemon", "policies"]
    assert morning.view().policy_document("none") is None


def test_a_page_knows_when_to_refresh(morning: Scene) -> None:
    view = morning.view()
    before = view.data_version()
    assert view.data_version() == before
    morning.crm.create("lead", "4", name="Pia")
    morning.round()
    assert view.data_version() != before


def test_a_store_of_an_older_release_is_not_read_before_it_is_migrated(
    morning: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.migrations.pending", lambda _: ["m002"])
    with pytest.raises(StoreError, match="older release"):
        View.open(morning.database)
    with pytest.raises(StoreError):
        Reader.open(morning.database)
