"""Whose calls are made when they run short, and what of their count outlives a restart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from sync_scene import MINUTE, MONDAY_NINE, Scene

from connectors.allowance import Allowance
from connectors.base import Change, Page, Quota, Receipt, WriteBack
from connectors.errors import AuthFailed, RetryLater
from connectors.share import PURPOSES
from sync import quota
from sync.metrics import exposition

DAY = 86_400_000


class Counted:
    """The memory connector with an account of so many calls a day, of which others take theirs."""

    def __init__(self, connector: Any, scene: Scene, limit: int, share: float) -> None:
        self._connector = connector
        self.limit = limit
        self.others = 0
        self.made: list[tuple[int, str]] = []
        self.clock = scene.clock
        self.allowance = Allowance(scene.clock.now, share)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    def _call(self) -> None:
        before = self.allowance.used()
        self.allowance.take("rest")
        now = self.clock.now()
        purpose = next(p for p in PURPOSES if self.allowance.used().get(p, 0) > before.get(p, 0))
        self.made.append((now, purpose))
        own = sum(at > now - DAY for at, _ in self.made)
        self.allowance.heard("day", self.others + own, self.limit)

    def quota(self) -> list[Quota]:
        own = sum(at > self.clock.now() - DAY for at, _ in self.made)
        return [Quota("day", self.others + own, self.limit, self.clock.now())]

    def poll(self, stream: str, cursor: str | None, since: int) -> Page:
        if stream == "lead":
            self._call()
        return self._connector.poll(stream, cursor, since)

    def read(self, records: Sequence[str]) -> list[Change]:
        self._call()
        return self._connector.read(records)

    def write(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        self._call()
        return self._connector.write(batch)


def counted(scene: Scene, limit: int, share: float = 0.2) -> Counted:
    scene.wrap = lambda connector: Counted(connector, scene, limit, share)  # type: ignore[assignment,return-value]
    scene.restart()
    return scene.works.links["crm"].connector  # type: ignore[return-value]


def test_polls_are_for_reading_steps_for_warning_and_what_is_due_for_breach(scene: Scene) -> None:
    crm = counted(scene, 100_000)
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.round()
    scene.minutes(61)
    spent = dict.fromkeys(PURPOSES, 0)
    for _, purpose in crm.made:
        spent[purpose] += 1
    assert spent == {"read": 62, "refresh": 1, "warning": 1, "breach": 3, "reconcile": 0, "check": 0} | {
        "refresh": spent["refresh"], "breach": spent["breach"]
    }  # fmt: skip
    assert spent["breach"] >= 3  # the look before, the new owner, the look after


def test_a_reconciliation_that_is_held_back_leaves_the_connection_at_work(scene: Scene) -> None:
    crm = counted(scene, 20_000)
    scene.round()
    for _ in range(2_399):
        crm.allowance._share.spend("read", scene.clock.now())
    link = scene.works.links["crm"]
    assert scene.works.reconciliation.run(link) is False
    assert link.standing.state == "ok"
    scene.crm.create("lead", "9", name="Mara")
    scene.round(minutes=1)
    assert [action for action, _, _ in scene.effects()] == ["fields"]
    [connection] = scene.view().connections()
    assert connection.state == "ok"
    assert [(held.purpose, held.reason) for held in connection.held] == [
        ("reconcile", "1,600 calls of the day's share are left; they are kept for what is more urgent")
    ]


def test_refreshes_wait_while_what_is_due_is_written(scene: Scene) -> None:
    crm = counted(scene, 1_000)
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.round()
    for _ in range(160):
        crm.allowance._share.spend("read", scene.clock.now())
    scene.crm.create("lead", "10", name="Noor", owner="user:cem")
    scene.round(minutes=10)
    assert [(row.action, row.record) for row in scene.view().outbox()] == [("fields", "crm:lead:10")]
    scene.clock.advance(51 * 60)
    scene.works.wake()
    scene.works.deliver()
    assert ("owner", "lead:9") in {(action, record) for action, record, _ in scene.effects()}


def test_a_restart_forgets_no_call(scene: Scene) -> None:
    crm = counted(scene, 20_000)
    scene.minutes(30)
    balance = crm.allowance.balance()
    assert balance.own == 30
    scene.restart()
    after = scene.works.links["crm"].connector.allowance.balance()
    assert (after.own, after.limit) == (30, 20_000)


def test_what_is_left_who_used_it_and_when_there_is_more_stands_in_the_view_and_the_metrics(scene: Scene) -> None:
    crm = counted(scene, 20_000)
    crm.others = 14_000
    scene.minutes(30)
    [connection] = scene.view().connections()
    found = connection.allowance
    assert found is not None
    assert (found.own, found.left, found.max, found.share, found.resets_at) == (30, 3_970, 20_000, 0.2, None)
    assert (found.spent, found.others) == ({"read": 30}, 14_000)
    text = exposition(scene.view(), scene.clock.now())
    assert 'sla_sidecar_quota_left{connection="crm"} 3970' in text
    assert 'sla_sidecar_calls{connection="crm",purpose="read"} 30' in text


def test_old_counts_are_forgotten(scene: Scene) -> None:
    counted(scene, 1_000)
    scene.minutes(2)
    scene.works.store.write(lambda t: quota.forget(t, MONDAY_NINE + 9 * DAY))
    assert scene.rows("SELECT * FROM spent") == []


def test_polls_are_shared_out_over_the_day_when_there_are_few(scene: Scene) -> None:
    crm = counted(scene, 500)  # 100 calls are ours, 90 of them for reading: one every sixteen minutes
    for _ in range(3 * 24 * 60):
        scene.clock.advance(60)
        scene.works.intake.poll(scene.works.links["crm"])
    at = [when for when, _ in crm.made]
    assert max(sum(start < when <= start + DAY for when in at) for start in at) <= 90
    assert max(b - a for a, b in pairwise(at)) <= 40 * MINUTE
    assert len(at) >= 3 * 80


# ---- a login that is refused


def _alarms(scene: Scene) -> list[dict[str, Any]]:
    return [row.body for row in scene.view().ledger(what="alarm")]


def test_an_outage_with_time_outs_in_between_is_one_alarm(scene: Scene) -> None:
    link = scene.works.links["crm"]
    refused = AuthFailed("the credentials were refused")
    refused.fix = "make a new token"
    assert link.failed(refused, 0) is True
    assert link.failed(RetryLater("no answer"), 1_000) is False
    assert (link.standing.state, link.standing.reason) == ("stopped", "the credentials were refused")
    assert link.failed(refused, 2_000) is False
    link.worked()
    assert link.failed(refused, 3_000) is True


def test_time_outs_before_a_refusal_do_not_make_its_retries_rarer(scene: Scene) -> None:
    link = scene.works.links["crm"]
    for n in range(12):
        link.failed(RetryLater("no answer"), n)
    link.failed(AuthFailed("refused"), 0)
    assert link.standing.retry_at == 300_001


def test_a_stopped_connection_tells_the_next_step_until_it_is_mended(scene: Scene) -> None:
    link = scene.works.links["crm"]
    poll = link.connector.poll

    def refuse(*_: object) -> Page:
        error = AuthFailed("the token was revoked")
        error.fix = "make a new token and put it where access_token says"
        raise error

    link.connector.poll = refuse  # type: ignore[method-assign,assignment]
    scene.minutes(20)
    [connection] = scene.view().connections()
    assert (connection.state, connection.fix) == ("stopped", "make a new token and put it where access_token says")
    scene.restart()
    assert scene.works.links["crm"].standing.fix == connection.fix
    assert [alarm["fix"] for alarm in _alarms(scene)] == [connection.fix]
    scene.works.links["crm"].connector.poll = poll  # type: ignore[method-assign]
    scene.minutes(60)
    [connection] = scene.view().connections()
    assert (connection.state, connection.fix) == ("ok", None)


@pytest.mark.slow
def test_seven_days_beside_a_noisy_neighbour(scene: Scene) -> None:
    """Others take 70 % of every day. Our share is never exceeded, and what is due is written within a minute."""
    crm = counted(scene, 15_000)
    crm.others = 10_500
    number = 0
    due: dict[str, int] = {}
    for minute in range(7 * 24 * 60):
        scene.clock.advance(60)
        if minute % 90 == 0:
            number += 1
            scene.crm.create("lead", str(number), name="Mara", owner="user:cem")
            due[f"lead:{number}"] = scene.clock.now() + 60 * MINUTE
        scene.works.round()
        if minute % 360 == 359:
            scene.works.reconciliation.run(scene.works.links["crm"])
    at = sorted(when for when, _ in crm.made)
    first = 0
    for last, when in enumerate(at):
        while at[first] <= when - DAY:
            first += 1
        assert last - first + 1 <= 3_000
    late = sorted(effect.at - due[f"lead:{effect.id}"] for effect in scene.crm.effects if effect.action == "owner")
    assert len(late) >= 110
    assert late[int(len(late) * 0.99)] <= 60_000
