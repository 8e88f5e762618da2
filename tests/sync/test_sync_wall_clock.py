"""Somebody sets the wall clock while the daemon runs: waits stay as long as they were, and nothing is undone."""

from __future__ import annotations

import pytest
from sync_scene import MONDAY_NINE, Scene

from connectors.errors import AuthFailed, RateLimited, RetryLater

HOUR = 3_600


def set_by(scene: Scene, seconds: float) -> None:
    scene.clock.step(seconds)
    scene.works.clock_was_set(int(seconds * 1_000))


def test_polls_go_on_at_once_when_the_clock_is_set_back(scene: Scene) -> None:
    scene.round()
    set_by(scene, -HOUR)
    scene.crm.create("lead", "9", name="Mara")
    scene.round()
    assert scene.view().record("crm:lead:9") is not None


def test_a_webhook_s_record_is_read_again_when_the_clock_is_set_back(scene: Scene) -> None:
    link = scene.works.links["crm"]
    lead = scene.crm.create("lead", "9", name="Mara")
    scene.round()
    scene.works.intake._read_at["crm"] = {f"crm:{lead}": scene.clock.now()}
    set_by(scene, -HOUR)
    assert scene.works.intake._read_at == {}
    assert scene.works.intake.hints(link) == 0


@pytest.mark.parametrize("seconds", [-HOUR, HOUR], ids=["back", "ahead"])
@pytest.mark.parametrize(
    ("error", "waits"),
    [(RetryLater("the server answered 503", after=20), 20.001), (RateLimited("too many calls", after=40), 40.001)],
    ids=["trouble", "quota"],
)
def test_a_connection_waits_as_long_as_it_would_have(
    scene: Scene, seconds: float, error: RetryLater, waits: float
) -> None:
    scene.round()
    link = scene.works.links["crm"]
    scene.works.intake.failed(link, error)
    before = (link.standing.retry_at or 0) - scene.clock.now()
    assert before >= waits * 1_000 - 1
    set_by(scene, seconds)
    assert (link.standing.retry_at or 0) - scene.clock.now() == before
    assert scene.rows("SELECT retry_at FROM connection") == [(link.standing.retry_at,)]


def test_what_the_crm_and_our_share_hold_back_waits_as_long_too(scene: Scene) -> None:
    allowance = scene.works.links["crm"].connector.allowance
    allowance.refused("rest", 30)
    with pytest.raises(RateLimited):
        allowance.take("rest")
    set_by(scene, -HOUR)
    scene.clock.advance(30.1)
    assert allowance.free_at("check") is None
    allowance.take("rest")


def test_one_failed_read_after_the_clock_was_set_ahead_holds_no_write_back(scene: Scene) -> None:
    scene.round()
    link = scene.works.links["crm"]
    set_by(scene, HOUR)
    link.was_not_read(scene.clock.now())
    assert link.may_be_sent_to(scene.clock.now())


def test_a_write_back_that_waits_is_not_kept_an_hour_longer(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara")
    scene.round()
    scene.works.store.write(
        lambda t: t.run("UPDATE outbox SET state = 'waiting', done_at = NULL, retry_at = ?", (MONDAY_NINE + 60_000,))
    )
    set_by(scene, -HOUR)
    assert scene.rows("SELECT DISTINCT retry_at FROM outbox") == [(MONDAY_NINE + 60_000 - HOUR * 1_000,)]


def test_a_task_stays_open_when_the_clock_is_set_back_to_before_its_record(scene: Scene) -> None:
    scene.round(minutes=60)
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.round(minutes=46)
    assert len(scene.effects("task")) == 1
    set_by(scene, -HOUR)
    scene.round()
    scene.round()
    assert scene.effects("complete") == []
    set_by(scene, HOUR)
    scene.round()
    assert len(scene.effects("task")) == 1
    assert scene.view().summary().clocks == {"running": 1}


def test_a_stopped_connection_that_was_mended_is_tried_within_a_minute_of_a_restart(scene: Scene) -> None:
    scene.round()
    for _ in range(8):
        scene.works.intake.failed(scene.works.links["crm"], AuthFailed("the login was refused"))
    scene.crm.create("lead", "9", name="Mara")
    scene.restart()
    scene.round()
    assert scene.view().record("crm:lead:9") is None  # a service that is started again and again asks no sooner
    scene.round(minutes=1)
    assert scene.view().record("crm:lead:9") is not None
