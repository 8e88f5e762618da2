"""What comes in: kept once, digested once, read again when a webhook says so, forgotten in time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from sync_scene import MINUTE, MONDAY_NINE, Scene

from connectors.base import Change, Hint, Page
from sync import housekeeping, inbox

HOUR = 60 * MINUTE


def _keep_hint(scene: Scene, record: str | None, key: str = "hook:1") -> int:
    return scene.works.store.write(lambda t: inbox.keep_hints(t, "crm", [Hint(key, record, b"{}")], scene.clock.now()))


def test_a_page_and_its_cursor_are_kept_together_and_a_known_change_is_one_row(scene: Scene) -> None:
    scene.crm.repeat = 5
    scene.crm.create("lead", "1", name="Mara")
    scene.minutes(3)
    assert scene.rows("SELECT connection, stream, change_key, state FROM inbox") == [
        ("crm", "lead", "lead:1:1", 1),
        ("crm", "lead", "lead:1:2", 1),  # our own write coming back
    ]
    assert scene.rows("SELECT value FROM cursor WHERE stream = 'lead'") == [("2",)]


def test_reading_goes_on_after_a_restart_where_it_ended(scene: Scene) -> None:
    scene.crm.page = 2
    for number in range(5):
        scene.crm.create("lead", str(number), name="Mara")
    scene.round()
    scene.restart()
    calls = len(scene.crm.calls)
    scene.crm.create("lead", "9", name="Noor")
    scene.round(minutes=1)
    assert scene.crm.calls[calls:].count("poll") < 12
    assert len(scene.view().clocks()) == 6


def test_a_source_that_serves_the_same_page_for_ever_does_not_hold_us(scene: Scene) -> None:
    link = scene.works.links["crm"]
    link.connector.poll = lambda *_: Page([], "here", more=True)  # type: ignore[method-assign,assignment]
    scene.works.intake.poll(link)
    assert scene.view().connections()[0].state == "ok"


def test_a_webhook_makes_its_record_be_read_again_at_once(scene: Scene) -> None:
    scene.round()
    scene.crm.create("lead", "9", name="Mara")
    assert _keep_hint(scene, "crm:lead:9") == 1
    assert _keep_hint(scene, "crm:lead:9") == 0
    assert scene.works.intake.hints(scene.works.links["crm"]) == 1
    assert [clock.record for clock in scene.view().clocks()] == ["crm:lead:9"]
    assert scene.rows("SELECT state FROM inbox WHERE stream = 'webhook'") == [(1,)]


def test_many_webhooks_about_one_record_cost_one_read_in_ten_seconds(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara")
    link = scene.works.links["crm"]
    for number in range(20):
        _keep_hint(scene, "crm:lead:9", f"hook:{number}")
        scene.works.intake.hints(link)
        scene.clock.advance(0.2)
    assert scene.crm.calls.count("read") == 1
    scene.clock.advance(10)
    scene.works.intake.hints(link)
    assert scene.crm.calls.count("read") == 2
    assert scene.rows("SELECT count(*) FROM inbox WHERE state = 0") == [(0,)]


def test_a_webhook_survives_a_restart_and_a_crm_that_is_away(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara")
    _keep_hint(scene, "crm:lead:9")
    scene.crm.unreachable(1)
    scene.works.intake.hints(scene.works.links["crm"])
    scene.restart()
    scene.clock.advance(10)
    assert scene.works.intake.hints(scene.works.links["crm"]) == 1
    assert len(scene.view().clocks()) == 1


def test_a_webhook_that_names_no_record_has_nothing_to_be_read(scene: Scene) -> None:
    _keep_hint(scene, None)
    scene.round()
    assert scene.crm.calls.count("read") == 0
    assert scene.rows("SELECT state FROM inbox") == [(1,)]


def test_what_a_webhook_tells_itself_is_taken_into_the_timeline(scene: Scene) -> None:
    from connectors.base import Normalised
    from sla.model import Event

    scene.crm.create("lead", "9", name="Mara")
    scene.round()
    link = scene.works.links["crm"]
    normalise = link.connector.normalise
    gone = Event(record="crm:lead:9", at=MONDAY_NINE + MINUTE, id="deleted:1", event="deleted")
    link.connector.normalise = lambda change: (  # type: ignore[method-assign]
        Normalised([gone]) if change.stream == "webhook" else normalise(change)
    )
    scene.clock.advance(90)
    _keep_hint(scene, None)
    scene.round()
    assert scene.view().summary().clocks == {"cancelled": 1}


def test_payloads_are_kept_for_three_days_and_then_only_their_hash(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara")
    scene.works.round(deliver=False)
    [(payload,)] = scene.rows("SELECT payload FROM inbox")
    scene.clock.advance(71 * 3_600)
    housekeeping.sweep(scene.works.store, scene.clock.now())
    assert scene.rows("SELECT payload FROM inbox") == [(payload,)]
    scene.clock.advance(2 * 3_600)
    housekeeping.sweep(scene.works.store, scene.clock.now())
    assert scene.rows("SELECT payload FROM inbox") == [(b"sha256:" + hashlib.sha256(payload).digest(),)]
    assert scene.works.store.write(inbox.replay) == 0
    scene.clock.advance(30 * 24 * 3_600)
    housekeeping.sweep(scene.works.store, scene.clock.now())
    assert scene.rows("SELECT count(*) FROM inbox") == [(0,)]


def test_a_change_of_a_connection_that_is_gone_dies_with_that_reason(scene: Scene) -> None:
    scene.works.store.write(lambda t: inbox.keep(t, "former", [Change("lead", "k", b"{}")], scene.clock.now()))
    scene.minutes(5)
    assert [row.reason for row in scene.view().dead_changes()] == [
        "LookupError: its connection is not configured any more"
    ]


def test_merged_tickets_hand_their_wait_to_the_winner(staged: Callable[..., Scene]) -> None:
    from test_sync_order import TICKETS

    scene = staged(document=TICKETS, write={})
    scene.crm.create("ticket", "1", name="First")
    scene.round(minutes=10)
    scene.crm.create("ticket", "2", name="Second")
    scene.round(minutes=5)
    scene.crm.merge("ticket:1", "ticket:2", by="user:ann")
    scene.round(minutes=1)
    found = {(clock.record, clock.target): clock for clock in scene.view().clocks(open_only=False)}
    assert found["crm:ticket:1", "first_response"].outcome == "cancelled"
    assert found["crm:ticket:2", "first_response"].started_at == MONDAY_NINE


def test_a_wall_clock_that_was_set_makes_everything_be_judged_again(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.round()
    scene.clock.step(3_600)
    scene.works.clock_was_set(3_600_000)
    assert scene.works.wake() == 1
    assert scene.view().summary().clocks == {"missed": 1}
    assert [row.body for row in scene.view().ledger(what="alarm")] == [
        {"alarm": "the wall clock was set", "step_ms": 3_600_000}
    ]


def test_one_read_settles_every_webhook_that_came_before_it_however_many(scene: Scene) -> None:
    for number in range(1_200):
        _keep_hint(scene, f"crm:lead:{number % 3}", f"hook:{number}")
    assert scene.works.intake.hints(scene.works.links["crm"]) == 3
    assert scene.rows("SELECT count(*) FROM inbox WHERE state = 0") == [(0,)]
    _keep_hint(scene, "crm:lead:0", "hook:later")
    assert scene.rows("SELECT count(*) FROM inbox WHERE state = 0") == [(1,)]


def test_what_waits_for_a_read_is_not_looked_through_for_what_is_ready(scene: Scene) -> None:
    plan = scene.rows(
        "EXPLAIN QUERY PLAN SELECT id FROM inbox WHERE state = 0 AND record IS NULL AND id > 7 ORDER BY id LIMIT 5"
    )
    assert "inbox_ready" in plan[0][3]
    plan = scene.rows(
        "EXPLAIN QUERY PLAN UPDATE inbox SET record = NULL"
        " WHERE state = 0 AND connection = 'a' AND record = 'b' AND id <= 9"
    )
    assert "inbox_waiting" in plan[0][3]
