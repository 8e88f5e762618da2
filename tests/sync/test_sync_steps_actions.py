"""What each action of a step does in the CRM, all the way: from the clock through the outbox to the effect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sync_scene import LEADS, MINUTE, MONDAY_NINE, Scene

Stage = Callable[..., Scene]

OFFICE = """
[calendars.office]
timezone = "UTC"
hours = { mon-fri = "09:00-17:00" }

[calendars.always]
timezone = "UTC"
hours = "24x7"

[[policies]]
name = "Inbound leads"
applies_to = "lead"
calendar = "office"
stage = "enforce"
[[policies.targets]]
metric = "first_response"
within = "60m"
steps = [ STEPS ]
"""


def ladder(*steps: str, document: str = OFFICE, **more: str) -> str:
    text = document.replace("STEPS", ", ".join(steps))
    for old, new in more.items():
        text = text.replace(f'{old} = "office"' if old == "calendar" else f'{old} = "enforce"', f'{old} = "{new}"')
    return text


def due(actions: str, **more: str) -> str:
    return ladder(f'{{ at = "due", {actions} }}', **more)


def after(scene: Scene, minutes: int, **fields: Any) -> Scene:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem", **fields)
    scene.minutes(minutes)
    return scene


def done(scene: Scene) -> list[tuple[str, dict[str, Any]]]:
    """What took effect, our own fields left out."""
    return [(action, what) for action, _, what in scene.effects() if action != "fields"]


def steps(scene: Scene) -> list[tuple[str, str, str | None]]:
    shown = scene.view().record("crm:lead:9")
    assert shown is not None
    return [(step.step, step.decision, step.reason) for step in shown.steps]


def test_a_comment_is_a_note_that_the_customer_never_sees(staged: Stage) -> None:
    scene = after(staged(document=due('comment = "{record.name}: {clock.target} is {clock.late} late"')), 61)
    ((action, what),) = done(scene)
    assert (action, what["subject"]) == ("note", "Mara: first_response is 0m late")


def test_a_tag_is_added_once_and_beside_those_of_others(staged: Stage) -> None:
    scene = staged(document=ladder('{ at = "50%", tag = "slow" }', '{ at = "due", tag = "slow" }'))
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.crm.row("lead:9").tags = ["vip"]
    scene.minutes(62)
    assert scene.crm.row("lead:9").tags == ["vip", "slow"]
    assert done(scene) == [("tag", {"tag": "slow"})]
    assert steps(scene) == [("50%", "fired", None), ("due", "fired", None)]


@pytest.mark.parametrize(
    ("wish", "before", "written"),
    [
        ("raise", "normal", {"priority": "high"}),
        ("raise", "high", {"priority": "urgent"}),
        ("raise", "urgent", None),
        ("raise", None, {"priority": "high"}),
        ("low", "high", {"priority": "low"}),
        ("high", "high", None),
    ],
)
def test_a_priority_is_raised_by_one_or_set_outright(
    staged: Stage, wish: str, before: str | None, written: dict[str, Any] | None
) -> None:
    scene = after(staged(document=due(f'priority = "{wish}"')), 61, priority=before)
    assert done(scene) == ([("set", written)] if written else [])


def test_a_priority_that_somebody_raised_meanwhile_is_not_raised_again(staged: Stage) -> None:
    scene = after(staged(document=due('priority = "raise"')), 59)
    scene.clock.advance(60)
    scene.works.round(deliver=False)
    scene.crm.update("lead:9", priority="urgent", by="user:ann")
    scene.works.deliver()
    assert done(scene) == []
    assert [row.body["reason"] for row in scene.view().ledger(what="drop")] == [
        "the priority changed since it was decided"
    ]


def test_two_raises_go_up_two_levels(staged: Stage) -> None:
    document = ladder('{ at = "50%", priority = "raise" }', '{ at = "due", priority = "raise" }')
    scene = after(staged(document=document), 62)
    assert done(scene) == [("set", {"priority": "high"}), ("set", {"priority": "urgent"})]


def test_what_one_step_sets_is_one_write(staged: Stage) -> None:
    scene = after(staged(document=due('priority = "urgent", set = { tier = "gold" }, status = "In Review"')), 61)
    assert done(scene) == [("set", {"tier": "gold", "priority": "urgent", "raw_status": "In Review"})]


def test_a_status_may_be_a_category(staged: Stage) -> None:
    scene = after(staged(document=due('status = "on_hold"')), 61)
    assert done(scene) == [("set", {"status": "on_hold"})]


def test_a_message_reaches_the_customer_and_answers_nobody(staged: Stage) -> None:
    scene = after(staged(document=due('message = "We are on it, {record.name}"')), 75)
    assert done(scene) == [("message", {"text": "We are on it, Mara"})]
    shown = scene.view().record("crm:lead:9")
    assert shown is not None
    (clock,) = shown.clocks
    assert (clock.state, clock.outcome, clock.completed_at) == ("running", "missed", None)
    assert shown.state["last_answer_at"] is None
    assert [event.actor for event in shown.events if event.event == "message"] == ["system:sla-sidecar"]


def test_a_message_is_not_sent_when_somebody_answered_in_the_last_moment(staged: Stage) -> None:
    scene = after(staged(document=due('message = "We are on it"')), 59)
    scene.clock.advance(60)
    scene.works.round(deliver=False)
    scene.crm.message("lead:9", "outbound", by="user:cem")
    scene.works.deliver()
    assert done(scene) == []
    assert [row.body["reason"] for row in scene.view().ledger(what="drop")] == ["the clock has stopped meanwhile"]


def test_a_message_whose_answer_was_lost_is_sent_once(staged: Stage) -> None:
    scene = after(staged(document=due('message = "We are on it"')), 59)
    scene.clock.advance(60)
    scene.works.round(deliver=False)
    scene.crm.lose_answers()
    scene.works.deliver()
    scene.minutes(5)
    assert done(scene) == [("message", {"text": "We are on it"})]


def test_the_same_message_of_a_later_step_is_another_message(staged: Stage) -> None:
    document = ladder('{ at = "50%", message = "Still there?" }', '{ at = "due", message = "Still there?" }')
    scene = after(staged(document=document), 59)
    scene.clock.advance(60)
    scene.works.round(deliver=False)
    scene.crm.lose_answers()
    scene.works.deliver()
    scene.minutes(5)
    assert done(scene) == [("message", {"text": "Still there?"}), ("message", {"text": "Still there?"})]


def test_the_warn_stage_tells_and_overwrites_nothing(staged: Stage) -> None:
    actions = (
        'notify = "owner", comment = "late", tag = "late", message = "Hello", priority = "raise", reassign = "sales"'
    )
    scene = after(staged(document=due(actions, stage="warn")), 61)
    assert [action for action, _ in done(scene)] == ["note", "tag"]
    assert len(scene.view().ledger(what="notice")) == 1


@pytest.mark.parametrize(
    ("wish", "owner"), [("queue:Unassigned", "queue:9"), ("ben@acme.test", "user:ben"), ("user:ann", "user:ann")]
)
def test_reassign_may_name_a_queue_or_a_person(staged: Stage, wish: str, owner: str) -> None:
    scene = after(staged(document=due(f'reassign = "{wish}"')), 61)
    assert done(scene) == [("owner", {"owner": owner})]


# ---- hours


def test_a_step_noticed_after_hours_is_shown_as_held_and_happens_at_the_opening(staged: Stage) -> None:
    scene = after(staged(document=ladder('{ at = "+7h", task = "Call {record.name}" }')), 60)
    scene.round(6 * 60)  # 16:00: due was at ten
    assert steps(scene) == []
    scene.round(95)  # 17:35: the threshold stood at 17:00
    held = "outside working hours: held until 2026-03-03T09:00:00Z"
    assert steps(scene) == [("+7h", "held", held)]
    assert [row.body["decision"] for row in scene.view().ledger(what="step")] == ["held"]
    for _ in range(3):
        scene.round(60)  # the evening: looked at again, told once
    assert [row.body["decision"] for row in scene.view().ledger(what="step")] == ["held"]
    scene.restart()
    scene.round((24 - 20.5) * 60 + 9 * 60 - 5 - 6)
    assert done(scene) == []
    scene.minutes(12)
    assert [action for action, _ in done(scene)] == ["task"]
    assert steps(scene) == [("+7h", "fired", None)]
    assert scene.rows("SELECT count(*) FROM hold") == [(0,)]
    scene.minutes(60, step=10)
    assert len(done(scene)) == 1


def test_a_held_step_wakes_by_itself(staged: Stage) -> None:
    scene = after(staged(document=ladder('{ at = "+7h", notify = "owner" }')), 1)
    scene.round(8 * 60 + 30)
    ((wake_at,),) = scene.rows("SELECT wake_at FROM clock")
    assert wake_at == MONDAY_NINE + 24 * 60 * MINUTE


def test_a_held_step_is_dropped_when_its_clock_stops_in_the_night(staged: Stage) -> None:
    scene = after(staged(document=ladder('{ at = "+6h", task = "Call" }')), 1)
    scene.round(8 * 60 + 30)
    assert [what for _, what, _ in steps(scene)] == ["held"]
    scene.crm.activity("lead:9", activity="call", outcome="connected", by="user:cem")
    scene.round(20 * 60)
    assert done(scene) == []
    assert steps(scene) == [("+6h", "dropped", "the clock stopped while it waited for working hours")]
    assert scene.rows("SELECT count(*) FROM hold") == [(0,)]


def test_the_breach_is_told_in_time_although_its_step_waits(staged: Stage) -> None:
    """What is held is the step, never the verdict."""
    night = LEADS.replace('at = "due", reassign = "sales"', 'at = "75%", task = "Call", hours = "night"').replace(
        "[[policies]]", '[calendars.night]\ntimezone = "UTC"\nhours = "20:00-22:00"\n\n[[policies]]', 1
    )
    scene = staged(document=night.replace('{ at = "75%", task = "Call {record.name} now" },', ""))
    after(scene, 62)
    assert [what for _, what, _ in steps(scene)][-1] == "held"
    shown = scene.view().record("crm:lead:9")
    assert shown is not None
    assert [(clock.outcome, clock.breached_at) for clock in shown.clocks] == [("missed", MONDAY_NINE + 60 * MINUTE)]
    assert scene.effects("fields")[-1][2] == {"first_response_status": "missed", "sla_status": "missed"}


def test_a_held_reassignment_is_not_taken_for_one_that_was_made_before(staged: Stage) -> None:
    """Its record was written to in the meantime, and its owner is of the pool."""
    scene = staged(document=ladder('{ at = "+7h", reassign = "sales" }'))
    scene.crm.create("lead", "9", name="Mara", owner="user:ann")
    scene.round(8 * 60 + 30)
    scene.crm.update("lead:9", source="Web", by="user:ann")
    scene.round(60)
    scene.round(15 * 60)
    assert done(scene) == [("owner", {"owner": "user:ben"})]


def test_a_condition_that_does_not_hold_drops_the_step_for_good(staged: Stage) -> None:
    document = ladder('{ at = "due", task = "Call", when = { source = "Web" } }')
    scene = after(staged(document=document), 61, source="Fair")
    assert steps(scene) == [("due", "dropped", "its condition does not hold")]
    scene.crm.update("lead:9", source="Web", by="user:ann")
    scene.minutes(10)
    assert done(scene) == []


def test_without_history_a_step_that_asks_for_risk_does_not_happen(staged: Stage) -> None:
    scene = after(staged(document=ladder('{ at = "50%", task = "Call", risk = "50%" }')), 35)
    assert steps(scene) == [("50%", "dropped", "nothing to judge the risk by")]


def test_no_step_happens_twice_across_a_crash_at_every_point(staged: Stage, tmp_path: Path) -> None:
    everything = 'comment = "late", tag = "late", message = "Hello", priority = "raise", task = "Call"'
    scene = after(staged(document=due(everything)), 59)
    scene.clock.advance(60)
    for _ in range(12):
        scene.crm.lose_answers()
        scene.round(0.2)
        scene.restart()
    scene.crm.mend()
    scene.minutes(30)
    assert sorted(action for action, _ in done(scene)) == ["message", "note", "set", "tag", "task"]
