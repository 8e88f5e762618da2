"""The chance to miss in a daemon's store: from the rows of clocks that ended to a step that happens or does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sync_scene import LEADS, MINUTE, Scene

from sla.figures.risk import Ending, Segment
from sync.engine import Engine
from sync.risk_history import REFRESH_MS, RiskHistory, load

Stage = Callable[..., Scene]
WARNED = LEADS.replace(
    '{ at = "50%", notify = "owner" },\n  { at = "75%", task = "Call {record.name} now" },\n'
    '  { at = "due", reassign = "sales" },',
    '{ at = "50%", task = "Hurry", risk = "60%" },',
)
SEGMENT = Segment("first_response", "Inbound leads", "normal")


def office(stage: Stage, *, quick: int, slow: int) -> Scene:
    """Leads answered after 40 minutes, leads answered after 90, and an hour later a lead that waits for 30."""
    assert WARNED != LEADS
    scene = stage(document=WARNED, write={})
    for i in range(quick + slow):
        scene.crm.create("lead", str(i), name=f"Lead {i}", owner="user:cem")
    scene.round()
    for minutes, names in ((40, range(quick)), (50, range(quick, quick + slow))):
        scene.minutes(minutes, step=10)
        for i in names:
            scene.crm.activity(f"lead:{i}", activity="call", outcome="connected", by="user:cem")
        scene.round()
    scene.crm.create("lead", "new", name="Zoe", owner="user:cem")
    scene.minutes(35, step=5)
    return scene


def decisions(scene: Scene) -> list[tuple[str, str, str | None]]:
    shown = scene.view().record("crm:lead:new")
    assert shown is not None
    return [(step.step, step.decision, step.reason) for step in shown.steps]


def test_a_step_with_a_risk_happens_when_clocks_like_it_missed_often_enough(staged: Stage) -> None:
    scene = office(staged, quick=10, slow=30)  # of 40 that lasted 30 minutes 30 missed
    assert decisions(scene) == [("50%", "fired", None)]
    assert [record for _, record, _ in scene.effects("task")] == ["lead:new"]


def test_a_step_with_a_risk_is_left_out_with_its_reason_when_they_did_not(staged: Stage) -> None:
    scene = office(staged, quick=30, slow=10)
    [(step, decision, reason)] = decisions(scene)
    assert (step, decision) == ("50%", "dropped")
    assert str(reason).startswith("the chance to miss is 25")
    assert "by 40 endings" in str(reason)
    assert scene.effects("task") == []


def test_a_step_with_a_risk_is_left_out_while_too_few_clocks_have_ended(staged: Stage) -> None:
    assert decisions(office(staged, quick=0, slow=29)) == [("50%", "dropped", "nothing to judge the risk by")]


def test_the_history_is_every_clock_of_the_store(scene: Scene) -> None:
    scene.crm.create("lead", "1", owner="user:cem")
    scene.crm.create("lead", "2", owner="user:cem", priority="High")
    scene.crm.create("lead", "3", owner="user:cem")
    scene.minutes(20, step=10)
    scene.crm.activity("lead:1", activity="call", outcome="connected", by="user:cem")
    scene.crm.update("lead:2", by="user:cem", status="disqualified")
    scene.minutes(20, step=10)
    found = sorted(scene.works.store.read(lambda t: list(load(t))))
    assert found == [
        Ending(SEGMENT._replace(priority="high"), 20 * MINUTE, False),
        Ending(SEGMENT, 20 * MINUTE, True),
        Ending(SEGMENT, 30 * MINUTE, False),  # open: as it was last judged
    ]


def test_of_too_many_clocks_the_latest_by_their_start_are_the_history(scene: Scene) -> None:
    for name, priority in (("1", "High"), ("2", "Low"), ("3", "Urgent")):
        scene.crm.create("lead", name, owner="user:cem", priority=priority)
        scene.round(10)
    found = scene.works.store.read(lambda t: [one.segment.priority for one in load(t, 2)])
    assert found == ["urgent", "low"]


def test_endings_are_read_again_after_ten_minutes_and_not_before(scene: Scene) -> None:
    history, start = RiskHistory(), scene.clock.now()

    def size(now: int) -> int:
        return scene.works.store.read(lambda t: history.read(t, now).size)

    assert size(start) == 0
    scene.crm.create("lead", "1", owner="user:cem")
    scene.round()
    assert size(start + REFRESH_MS - 1) == 0
    assert size(start + REFRESH_MS) == 1
    scene.crm.create("lead", "2", owner="user:cem")
    scene.round()
    assert size(start) == 2  # the clock was set back: what was read then may be anything


def test_a_daemon_without_such_a_step_never_reads_the_history(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> None:
        raise AssertionError("nobody asked")

    monkeypatch.setattr(RiskHistory, "read", read)
    scene.crm.create("lead", "1", owner="user:cem")
    scene.minutes(40, step=10)
    assert scene.effects("fields")
    assert isinstance(scene.works.engine, Engine)


def test_open_clocks_come_with_the_likeliest_to_miss_first(staged: Stage) -> None:
    scene = office(staged, quick=30, slow=20)
    scene.crm.create("lead", "fresh", name="Yan", owner="user:cem")
    scene.round()
    view = scene.view()
    found = view.at_risk(scene.clock.now())
    told = [(one.record, one.chance and (round(one.chance.probability, 3), one.chance.count)) for one in found]
    assert told == [("crm:lead:new", (0.4, 50)), ("crm:lead:fresh", (0.4, 50))]
    assert [one.record for one in view.at_risk(scene.clock.now(), ["crm:lead:fresh"])] == ["crm:lead:fresh"]
    later = view.at_risk(scene.clock.now() + 10 * MINUTE)  # only 20 lasted 45 minutes: too few to tell
    assert [(one.record, one.chance is None) for one in later] == [("crm:lead:fresh", False), ("crm:lead:new", True)]


def test_an_overdue_clock_and_one_that_is_never_acted_on_are_not_at_risk(staged: Stage) -> None:
    scene = staged(write={})
    scene.crm.create("lead", "1", owner="user:cem")
    scene.minutes(50, step=10)
    assert [one.record for one in scene.view().at_risk(scene.clock.now())] == ["crm:lead:1"]
    assert scene.view().at_risk(scene.clock.now() + 10 * MINUTE) == []
    scene.minutes(20, step=10)
    assert scene.view().at_risk(scene.clock.now()) == []


def test_a_record_that_cannot_be_judged_does_not_hide_the_others(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from sync import at_risk

    scene.crm.create("lead", "1", owner="user:cem")
    scene.crm.create("lead", "2", owner="user:cem")
    scene.round()
    evaluate = at_risk.evaluate_record

    def fails(policies, events, *more):  # type: ignore[no-untyped-def]
        if events[0].record == "crm:lead:1":
            raise OverflowError("a date out of range")
        return evaluate(policies, events, *more)

    monkeypatch.setattr(at_risk, "evaluate_record", fails)
    assert [one.record for one in scene.view().at_risk(scene.clock.now())] == ["crm:lead:2"]
