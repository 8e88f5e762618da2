"""A task of ours is marked as done in the CRM when its clock ends, and only then."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sync_scene import Scene

Stage = Callable[..., Scene]


def called_late(scene: Scene) -> Scene:
    """A lead whose call was due to be made after 45 minutes, and who was called after 50."""
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(50)
    scene.crm.activity("lead:9", "call", outcome="connected", by="user:cem")
    scene.minutes(3)
    return scene


def completions(scene: Scene) -> list[tuple[str, str | None]]:
    return scene.rows("SELECT state, reason FROM outbox WHERE action = 'complete'")


def test_the_task_is_done_with_once_the_lead_was_called(staged: Stage) -> None:
    scene = called_late(staged())
    assert [(task["subject"], task["closed"]) for task in scene.crm.tasks] == [("Call Mara now", True)]
    assert completions(scene) == [("done", None)]
    scene.minutes(10)
    assert len(scene.effects("complete")) == 1


def test_a_task_that_somebody_closed_is_left_alone(staged: Stage) -> None:
    scene = staged()
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(46)
    scene.crm.tasks[0]["closed"] = True
    scene.crm.activity("lead:9", "call", outcome="connected", by="user:cem")
    scene.minutes(2)
    assert scene.effects("complete") == []
    assert completions(scene) == [("done", "it stood there already")]


def test_while_its_clock_runs_a_task_stays_open(staged: Stage) -> None:
    scene = staged()
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(59)
    assert [task.get("closed") for task in scene.crm.tasks] == [None]
    assert completions(scene) == []


def test_a_lead_that_was_answered_before_has_no_task_to_complete(staged: Stage) -> None:
    scene = staged()
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(10)
    scene.crm.activity("lead:9", "call", outcome="connected", by="user:cem")
    scene.minutes(60)
    assert (scene.crm.tasks, completions(scene)) == ([], [])


def test_a_task_that_was_never_made_is_not_looked_for(staged: Stage) -> None:
    scene = staged()
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(44)
    scene.crm.unreachable(None, "write")
    scene.minutes(4)
    scene.crm.activity("lead:9", "call", outcome="connected", by="user:cem")
    scene.crm.mend()
    scene.minutes(20)
    assert scene.crm.tasks == []
    assert completions(scene) == []


def test_a_task_of_a_policy_that_no_longer_fits_is_done_with(staged: Stage) -> None:
    scene = staged()
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(50)
    scene.crm.update("lead:9", status="disqualified", by="user:cem")
    scene.minutes(2)
    assert [task.get("closed") for task in scene.crm.tasks] == [True]


@pytest.mark.parametrize("after_restart", [False, True])
def test_a_lost_answer_completes_it_no_second_time(staged: Stage, after_restart: bool) -> None:
    scene = staged()
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(46)
    scene.crm.activity("lead:9", "call", outcome="connected", by="user:cem")
    scene.clock.advance(60)
    scene.works.round(deliver=False)
    scene.crm.lose_answers()
    scene.works.deliver()
    if after_restart:
        scene.restart()
    scene.minutes(6)
    assert len(scene.effects("complete")) == 1
    assert [state for state, _ in completions(scene)] == ["done"]


def test_a_completion_that_has_to_wait_holds_up_nothing_else_of_its_record(staged: Stage) -> None:
    scene = staged()
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(46)
    scene.crm.activity("lead:9", "call", outcome="connected", by="user:cem")
    scene.round(1)
    scene.works.store.write(
        lambda t: t.run(
            "UPDATE outbox SET state = 'waiting', done_at = NULL, retry_at = 9e15 WHERE action = 'complete'"
        )
    )
    scene.works.store.write(
        lambda t: t.run(
            "INSERT INTO outbox (key, connection, record, action, rank, body, retry_at, created_at)"
            " VALUES ('k', 'crm', 'crm:lead:9', 'note', 0, '{\"subject\": \"late\"}', 0, 0)"
        )
    )
    scene.round(1)
    assert [what["subject"] for _, _, what in scene.effects("note")] == ["late"]
