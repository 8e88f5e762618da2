"""What each kind of failure does to a connection, to a row, and to everybody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sync_scene import MINUTE, Scene

from connectors.base import Receipt, WriteBack
from connectors.errors import Rejected, RetryLater
from sync import inbox


def _alarms(scene: Scene) -> list[str]:
    return [row.body["alarm"] for row in scene.view().ledger(what="alarm")]


def _standing(scene: Scene, name: str = "crm") -> tuple[str, str | None]:
    return next((row.state, row.reason) for row in scene.view().connections() if row.name == name)


def test_a_quota_that_is_used_up_is_never_tried_earlier_than_told(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara")
    scene.crm.rate_limited(90.0, 1, "write")
    scene.round()
    assert _standing(scene) == ("retrying", "the quota is used up")
    scene.clock.advance(89)
    calls = len(scene.crm.calls)
    scene.works.round()
    assert len(scene.crm.calls) == calls
    scene.clock.advance(7)
    scene.works.round()
    assert [action for action, _, _ in scene.effects()] == ["fields"]
    assert _standing(scene) == ("ok", None)


def test_the_wait_that_a_quota_asks_for_survives_a_restart(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara")
    scene.crm.rate_limited(90.0, 1, "write")
    scene.round()
    scene.restart()
    calls = len(scene.crm.calls)
    scene.round(minutes=1)
    assert len(scene.crm.calls) == calls
    scene.round(minutes=1)
    assert len(scene.effects()) == 1


def test_a_refused_quota_is_no_unknown_outcome(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara")
    scene.crm.rate_limited(90.0, 1, "write")
    scene.round()
    assert scene.rows("SELECT state, attempts, unknown FROM outbox") == [("waiting", 1, 0)]


def test_an_unreachable_crm_loses_nothing_and_is_asked_ever_more_rarely(scene: Scene) -> None:
    scene.round()
    scene.crm.create("lead", "9", name="Mara")
    scene.crm.unreachable(None)
    before = len(scene.crm.calls)
    for _ in range(600):
        scene.clock.advance(1)
        scene.works.round()
    assert len(scene.crm.calls) - before < 15
    scene.crm.mend()
    scene.round(minutes=6)
    assert [action for action, _, _ in scene.effects()] == ["fields"]


@pytest.mark.parametrize("lost", [1, 3])
def test_a_lost_answer_is_looked_up_and_nothing_is_written_twice(scene: Scene, lost: int) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.round()
    scene.clock.advance(46 * 60)
    scene.crm.lose_answers(lost)
    for _ in range(8):
        scene.round(minutes=1)
    assert len(scene.effects("task")) == 1
    assert scene.rows("SELECT state, unknown FROM outbox WHERE action = 'task'") == [("done", lost + 1)]


def test_a_login_that_is_refused_stops_the_connection_raises_one_alarm_and_is_tried_slowly(scene: Scene) -> None:
    scene.crm.auth_failed(None)
    scene.minutes(4)
    assert _standing(scene) == ("stopped", "the credentials were refused")
    assert len(scene.crm.calls) == 1
    scene.minutes(26)
    assert len(scene.crm.calls) == 3
    assert _alarms(scene) == ["connection stopped"]
    scene.crm.mend()
    scene.minutes(25)
    assert _standing(scene) == ("ok", None)


def test_a_rejected_row_is_dead_with_the_words_of_the_crm_and_the_others_are_done(scene: Scene) -> None:
    for number in range(5):
        scene.crm.create("lead", str(number), name="Mara")
    scene.crm.reject("lead:3", "FIELD_CUSTOM_VALIDATION_EXCEPTION: pick a reason")
    scene.round()
    assert sorted(record for _, record, _ in scene.effects()) == ["lead:0", "lead:1", "lead:2", "lead:4"]
    assert [(row.record, row.reason) for row in scene.view().outbox(states=("dead",))] == [
        ("crm:lead:3", "FIELD_CUSTOM_VALIDATION_EXCEPTION: pick a reason")
    ]


def test_after_a_refusal_only_that_action_of_that_record_rests(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.crm.reject("lead:9", times=1)
    scene.minutes(61)
    assert [action for action, _, _ in scene.effects()] == ["task", "owner"]
    dead = scene.view().outbox(states=("dead",))
    assert [(row.action, row.body["values"]["sla_status"]) for row in dead] == [("fields", "missed")]


def test_a_batch_that_is_refused_as_a_whole_is_asked_one_by_one(scene: Scene) -> None:
    for number in range(3):
        scene.crm.create("lead", str(number), name="Mara")
    link = scene.works.links["crm"]
    write = link.connector.write

    def choosy(batch):  # type: ignore[no-untyped-def]
        if any(each.record == "crm:lead:1" for each in batch):
            raise Rejected("malformed id")
        return write(batch)

    link.connector.write = choosy  # type: ignore[method-assign]
    scene.round()
    assert sorted(record for _, record, _ in scene.effects()) == ["lead:0", "lead:2"]
    assert [row.record for row in scene.view().outbox(states=("dead",))] == ["crm:lead:1"]


def test_a_locked_record_is_tried_again_and_the_others_do_not_wait(scene: Scene) -> None:
    scene.crm.create("lead", "1", name="Mara")
    scene.crm.create("lead", "2", name="Noor")
    scene.crm.lock("lead:1", times=2)
    scene.round()
    assert [record for _, record, _ in scene.effects()] == ["lead:2"]
    for _ in range(5):
        scene.clock.advance(3)
        scene.works.round()
    assert [record for _, record, _ in scene.effects()] == ["lead:2", "lead:1"]


def test_one_connection_that_fails_never_stops_the_other(staged: Callable[..., Scene]) -> None:
    scene = staged(connections=("broken", "sound"))
    scene.crms["broken"].create("lead", "1", name="Mara")
    scene.crms["sound"].create("lead", "1", name="Noor", owner="user:cem")
    for fault in (scene.crms["broken"].unreachable, scene.crms["broken"].auth_failed):
        fault(None)
    scene.minutes(61)
    assert scene.crms["broken"].effects == []
    assert [effect.action for effect in scene.crms["sound"].effects] == ["fields", "task", "owner", "fields"]
    assert _standing(scene, "sound") == ("ok", None)


def test_a_connector_that_breaks_its_contract_is_a_passing_fault_of_its_connection(scene: Scene) -> None:
    link = scene.works.links["crm"]

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    poll = link.connector.poll
    link.connector.poll = broken  # type: ignore[method-assign,assignment]
    scene.round()
    assert _standing(scene) == ("retrying", "the connector failed (ZeroDivisionError)")
    link.connector.poll = poll  # type: ignore[method-assign]
    scene.crm.create("lead", "9", name="Mara")
    scene.round(minutes=1)
    assert len(scene.effects()) == 1


def test_one_stream_that_is_refused_hides_no_other(scene: Scene) -> None:
    link = scene.works.links["crm"]
    poll = link.connector.poll

    def choosy(stream, cursor, since):  # type: ignore[no-untyped-def]
        if stream == "deal":
            raise Rejected("no such object")
        return poll(stream, cursor, since)

    link.connector.poll = choosy  # type: ignore[method-assign]
    lead = scene.crm.create("lead", "9", name="Mara")
    scene.crm.activity(lead, activity="call", outcome="connected", by="user:ann")
    scene.round()
    assert _standing(scene) == ("stopped", "no such object")
    shown = scene.view().record("crm:lead:9")
    assert shown is not None
    assert [clock.outcome for clock in shown.clocks] == ["met"]


# ---- poison


def test_a_change_that_nobody_understands_dies_after_five_tries_and_stops_nobody(scene: Scene) -> None:
    link = scene.works.links["crm"]
    normalise = link.connector.normalise

    def picky(change):  # type: ignore[no-untyped-def]
        if change.key.startswith("lead:bad"):
            raise ValueError("a date that is none")
        return normalise(change)

    link.connector.normalise = picky  # type: ignore[method-assign]
    scene.crm.create("lead", "bad", name="Mara")
    scene.crm.create("lead", "good", name="Noor")
    for _ in range(5):
        scene.round(minutes=1)
    assert [record for _, record, _ in scene.effects()] == ["lead:good"]
    dead = scene.view().dead_changes()
    assert [(row.change_key, row.attempts, row.reason) for row in dead] == [
        ("lead:bad:1", 5, "ValueError: a date that is none")
    ]
    link.connector.normalise = normalise  # type: ignore[method-assign]
    assert scene.works.store.write(inbox.replay) > 0
    scene.round()
    assert [record for _, record, _ in scene.effects()] == ["lead:good", "lead:bad"]


def test_a_record_that_cannot_be_judged_leaves_the_others_on_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sync import engine

    judge = engine.evaluate_record

    def picky(policies, events, now, *others):  # type: ignore[no-untyped-def]
        if events[0].record == "crm:lead:bad":
            raise RecursionError("too deep")
        return judge(policies, events, now, *others)

    monkeypatch.setattr(engine, "evaluate_record", picky)
    scene.crm.create("lead", "bad", name="Mara")
    scene.crm.create("lead", "good", name="Noor")
    for _ in range(5):
        scene.round(minutes=1)
    assert [record for _, record, _ in scene.effects()] == ["lead:good"]
    assert [row.reason for row in scene.view().dead_changes()] == ["RecursionError: too deep"]
    assert scene.view().record("crm:lead:bad") is None


def test_a_record_whose_wake_up_fails_rests_for_an_hour_with_an_alarm(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sync import engine

    scene.crm.create("lead", "9", name="Mara")
    scene.round()
    with monkeypatch.context() as broken:
        broken.setattr(engine, "evaluate_record", lambda *_: 1 / 0)
        scene.round(minutes=31)
        scene.round(minutes=5)
    assert _alarms(scene) == ["a record cannot be judged"]
    assert scene.rows("SELECT wake_at FROM clock") == [(scene.clock.now() + 55 * MINUTE,)]


# ---- a source that turns empty


def test_a_source_that_suddenly_shows_nothing_is_a_fault_and_cancels_nobody(scene: Scene) -> None:
    for number in range(12):
        scene.crm.create("lead", str(number), name="Mara")
    scene.round()
    scene.crm.rows.clear()
    assert scene.works.reconciliation.run(scene.works.links["crm"]) is False
    assert _alarms(scene) == ["the source shows nothing"]
    assert scene.view().summary().clocks == {"running": 12}


def test_a_record_that_vanished_is_found_by_reconciling_and_its_clock_cancelled(scene: Scene) -> None:
    for number in range(12):
        scene.crm.create("lead", str(number), name="Mara")
    scene.round()
    del scene.crm.rows["lead", "7"]
    assert scene.works.reconciliation.run(scene.works.links["crm"]) is True
    assert scene.view().summary().clocks == {"running": 11, "cancelled": 1}


class Slow:
    """A connector whose first write is cut short and reaches the CRM a second and a half later."""

    def __init__(self, connector: Any, scene: Scene) -> None:
        self._connector = connector
        self._scene = scene

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    def write(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        if not self._scene.on_its_way:
            self._scene.on_its_way = [(self._scene.clock.now() + 1_500, lambda: self._connector.write(batch))]
            raise RetryLater("the connection was cut", unknown=True)
        return self._connector.write(batch)  # type: ignore[no-any-return]


def test_a_write_that_arrives_after_its_time_out_is_not_made_again(tmp_path: Path) -> None:
    scene: Any = Scene(tmp_path)
    scene.on_its_way = []
    scene.wrap = lambda connector: Slow(connector, scene)
    scene.restart()
    try:
        scene.crm.create("lead", "9", name="Mara", owner="user:cem")
        for _ in range(40):
            scene.clock.advance(0.25)
            for at, arrives in scene.on_its_way:
                if at == scene.clock.now():
                    assert scene.effects() == []  # a CRM would now do it a second time
                    arrives()
            if scene.on_its_way:
                scene.works.deliver()  # what the CRM shows must not help: only looking the effect up does
            else:
                scene.works.round()
        assert [action for action, *_ in scene.effects()] == ["fields"]
        assert scene.rows("SELECT state, attempts FROM outbox") == [("done", 2)]
    finally:
        scene.close()
