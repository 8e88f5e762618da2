"""The whole way of a record, from the CRM and back into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from sync_scene import LEADS, MINUTE, MONDAY_NINE, Scene

from connectors.base import Change, Normalised


def test_a_new_lead_gets_its_due_time_in_the_crm(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.round()
    assert scene.effects() == [
        (
            "fields",
            "lead:9",
            {
                "first_response_due": MONDAY_NINE + 60 * MINUTE,
                "first_response_status": "running",
                "sla_status": "running",
            },
        )
    ]


def test_a_lead_nobody_called_is_warned_about_then_reassigned(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(61)
    assert [(action, record) for action, record, _ in scene.effects()] == [
        ("fields", "lead:9"),
        ("task", "lead:9"),
        ("owner", "lead:9"),
        ("fields", "lead:9"),
    ]
    assert scene.effects("task")[0][2]["subject"] == "Call Mara now"
    assert scene.effects("task")[0][2]["owner"] == "user:cem"
    assert scene.effects("owner") == [("owner", "lead:9", {"owner": "user:ann"})]
    assert scene.effects("fields")[1][2] == {"first_response_status": "missed", "sla_status": "missed"}
    assert scene.crm.row("lead:9").fields["owner"] == "user:ann"


def test_the_notice_at_half_time_is_kept_for_the_owner(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(31)
    notices = scene.view().ledger(what="notice")
    assert [(notice.record, notice.body["to"], notice.body["owner"]) for notice in notices] == [
        ("crm:lead:9", "owner", "user:cem")
    ]


def test_a_lead_that_was_called_in_time_is_left_alone(scene: Scene) -> None:
    lead = scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(20)
    scene.crm.activity(lead, activity="call", outcome="connected", by="user:cem")
    scene.minutes(60)
    assert [action for action, _, _ in scene.effects()] == ["fields", "fields"]
    assert scene.effects()[1][2] == {"first_response_status": "met", "sla_status": "met"}


def test_our_own_writes_coming_back_cause_no_further_write(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(61)
    before = len(scene.effects())
    scene.minutes(30)
    assert len(scene.effects()) == before


class Nameless:
    """A connector whose rows do not say who wrote what, as Salesforce's do after a write of ours."""

    def __init__(self, connector: Any) -> None:
        self._connector = connector

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    def normalise(self, change: Change) -> Normalised:
        found = self._connector.normalise(change)
        events = [msgspec.structs.replace(event, actor=None) if event.snapshot else event for event in found.events]
        return Normalised(events, found.observed)


def test_a_status_that_we_set_ourselves_answers_nobody(tmp_path: Path) -> None:
    document = LEADS.replace('calendar = "always"', 'calendar = "always"\nanswers = ["status_change"]')
    document = document.replace('notify = "owner"', 'set = { status = "open" }')
    scene = Scene(tmp_path, document=document)
    try:
        scene.wrap = Nameless
        scene.restart()
        scene.crm.create("lead", "9", name="Mara", owner="user:cem", status="new")
        scene.minutes(35)
        assert scene.effects("set") == [("set", "lead:9", {"status": "open"})]
        scene.minutes(30)
        (clock,) = scene.view().record("crm:lead:9").clocks  # type: ignore[union-attr]
        assert (clock.outcome, clock.completed_at) == ("missed", None)
    finally:
        scene.close()


def test_rule_15_a_record_older_than_the_installation_is_measured_and_never_acted_on(scene: Scene) -> None:
    scene.crm.create("lead", "9", at=MONDAY_NINE - 90 * MINUTE, name="Mara", owner="user:cem")
    scene.minutes(5)
    assert scene.effects() == []
    shown = scene.view().record("crm:lead:9")
    assert shown is not None
    assert shown.measured == "older than enforce_from"
    assert [(clock.target, clock.outcome) for clock in shown.clocks] == [("first_response", "missed")]
    assert {step.decision for step in shown.steps} == {"measured"}


def test_shadow_mode_computes_everything_and_writes_nothing(staged: Callable[..., Scene]) -> None:
    scene = staged(mode="shadow")
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(70, step=10)
    assert scene.effects() == []
    assert scene.view().summary().clocks == {"missed": 1}
    assert scene.view().summary().outbox == {}


def test_a_policy_that_only_warns_does_not_reassign(staged: Callable[..., Scene]) -> None:
    from sync_scene import LEADS

    scene = staged(document=LEADS.replace('stage = "enforce"', 'stage = "warn"'))
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(61)
    assert [action for action, _, _ in scene.effects()] == ["fields", "task", "fields"]


def test_a_policy_that_is_tried_out_writes_not_even_fields(staged: Callable[..., Scene]) -> None:
    from sync_scene import LEADS

    scene = staged(document=LEADS.replace('stage = "enforce"', 'stage = "shadow"'))
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(61)
    assert scene.effects() == []


def test_steps_that_are_past_when_first_seen_collapse_into_the_latest(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.round()
    scene.round(minutes=50)
    shown = scene.view().record("crm:lead:9")
    assert shown is not None
    assert [(step.step, step.decision) for step in shown.steps] == [("50%", "collapsed"), ("75%", "fired")]


def test_a_record_created_a_little_ahead_of_our_clock_is_judged_when_its_time_comes(scene: Scene) -> None:
    scene.crm.create("lead", "9", at=MONDAY_NINE + 5_000, name="Mara", owner="user:cem")
    scene.round()
    assert scene.effects() == []
    scene.clock.advance(5)
    scene.works.wake()
    scene.works.deliver()
    assert [action for action, _, _ in scene.effects()] == ["fields"]
