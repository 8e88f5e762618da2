"""Laws of versions over random lives: a plan is what happens, rows can be rebuilt, what is closed stays closed."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from sync_scene import LEADS, MINUTE, Scene

from sla.fold import evaluate_record
from sla.policy import Policies
from sync import exceptions
from sync.applying import Order, apply
from sync.exceptions import By, Refused
from sync.plan import Plan, plan
from sync.store import Reader

RESOLUTION = '[[policies.targets]]\nmetric = "resolution"\nwithin = "3h"\nsteps = [{ at = "due", notify = "owner" }]\n'
FILES = [
    LEADS,
    LEADS.replace('"60m"', '"20m"'),
    LEADS.replace('"60m"', '"4h"') + RESOLUTION,
    LEADS.replace('name = "Inbound leads"', 'name = "Other leads"'),
    LEADS.replace('hours = "24x7"', 'hours = "08:00-12:00"'),
    LEADS.replace('hours = "24x7"', 'hours = "24x7"\nclosed = ["2026-03-02 10:00-11:00"]') + RESOLUTION,
    LEADS.replace('stage = "enforce"', 'stage = "enforce"\nwhen = { owner = "user:ann" }'),
]
ROWS = "SELECT record, target, policy, cycle, state, outcome, started_at, due_at, breached_at, completed_at FROM clock"
CLOSED = (
    "SELECT record, target, policy, cycle, outcome, due_at, breached_at, completed_at FROM clock"
    " WHERE state = 'stopped'"
)


class Life:
    """An office to which things happen at random."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene, self.random, self.leads = scene, Random(seed), 0
        self.foreseen = 0
        self.refused: list[str] = []

    def step(self) -> None:
        getattr(self, "_" + self.random.choice(
            ["create", "create", "owner", "call", "close", "reopen", "apply", "apply", "restart", "excuse", "extend"]
        ))()  # fmt: skip
        self.scene.round(self.random.choice([0, 1, 7, 20, 45]))

    def _lead(self) -> str:
        return str(self.random.randrange(self.leads)) if self.leads else self._create()

    def _create(self) -> str:
        self.leads += 1
        self.scene.crm.create("lead", str(self.leads - 1), name="Mara", owner=self.random.choice([None, "user:ann"]))
        return str(self.leads - 1)

    def _owner(self) -> None:
        self.scene.crm.update(f"lead:{self._lead()}", by="user:cem", owner=self.random.choice(["user:ann", "user:ben"]))

    def _call(self) -> None:
        self.scene.crm.activity(f"lead:{self._lead()}", by="user:ann")

    def _close(self) -> None:
        self.scene.crm.update(f"lead:{self._lead()}", by="user:ann", status="closed", raw_status="Closed")

    def _reopen(self) -> None:
        self.scene.crm.update(f"lead:{self._lead()}", by="user:ann", status="open", raw_status="Open")

    def _restart(self) -> None:
        self.scene.restart(document=self.random.choice(FILES))

    def _apply(self) -> None:
        self.scene.round()  # a plan knows what has been read
        document = tomllib.loads(self.random.choice(FILES))
        policies, now = Policies.from_config(document), self.scene.clock.now()
        scope = self.random.choice(["new", "unbreached", "all"])
        expected, closed = self._plan(policies, document, now, scope), self.scene.rows(CLOSED)
        done = apply(self.scene.database, Order(policies.version, document, scope, "maria"), now)
        self.scene.clock.advance((done.at - now) / 1_000)
        self.scene.round()
        assert set(closed) <= set(self.scene.rows(CLOSED))
        if done.at == now:
            self._check(expected)

    def _plan(self, policies: Policies, document: dict[str, Any], now: int, scope: str) -> Plan:
        reader = Reader.open(self.scene.database)
        try:
            return plan(reader, policies, document, now, scopes=[scope])
        finally:
            reader.close()

    def _check(self, expected: Plan) -> None:
        for change in expected.changes:
            self.foreseen += 1
            found = self.scene.rows(
                "SELECT policy, state, outcome, due_at FROM clock WHERE record = ? AND target = ? AND cycle = ?",
                change.record, change.target, change.cycle,
            )  # fmt: skip
            after = change.after
            assert found == ([(after.policy, after.state, after.outcome, after.due_at)] if after else [])

    def _excuse(self) -> None:
        now, record = self.scene.clock.now(), f"crm:lead:{self._lead()}"
        by = By("maria", now, "a test")
        try:
            name = exceptions.excuse(self.scene.database, record, now - 90 * MINUTE, now - 30 * MINUTE, by)
            if self.random.random() < 0.5:
                exceptions.withdraw(self.scene.database, record, name, by)
        except Refused:
            assert self.scene.rows("SELECT 1 FROM record WHERE record = ?", record) == []

    def _extend(self) -> None:
        now, record = self.scene.clock.now(), f"crm:lead:{self._lead()}"
        try:
            exceptions.extend(self.scene.database, record, "first_response", now + 90 * MINUTE, By("maria", now, "x"))
        except Refused as refusal:
            self.refused.append(refusal.message)


@pytest.mark.parametrize("seed", [4, 7, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(100, 130))])
def test_through_a_random_life_plans_come_true_and_rows_can_be_rebuilt(staged: Callable[..., Scene], seed: int) -> None:
    scene = staged()
    life = Life(scene, seed)
    for _ in range(25):
        life.step()
    assert all("extends nothing" in said or " no " in said for said in life.refused)
    assert life.foreseen or seed >= 100, "no plan of this life had anything to foresee"
    scene.round()
    now, before = scene.clock.now(), sorted(scene.rows(ROWS), key=str)

    records = [record for (record,) in scene.rows("SELECT record FROM record")]
    view = scene.view()
    for record in records:
        terms, found = view.terms(record, now), view.record(record)
        assert terms is not None
        assert found is not None
        clocks = evaluate_record(terms.policies, found.events, now, (), terms.moves).clocks
        assert [(c.target, c.policy, c.cycle, c.state, c.outcome, c.due_ms) for c in clocks] == [
            (row.target, row.policy, row.cycle, row.state, row.outcome, row.due_at) for row in found.clocks
        ]  # fmt: skip
    view.close()

    scene.works.store.write(lambda t: t.run("DELETE FROM clock"))
    effects = len(scene.effects())
    scene.works.store.write(lambda t: scene.works.engine.judge_again(t, records, now))
    assert sorted(scene.rows(ROWS), key=str) == before
    scene.round()
    assert len(scene.effects()) == effects
