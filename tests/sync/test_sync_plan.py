"""What a changed file would move, and moving it: nothing else moves, nothing fires of it, and a kill costs nothing."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from sync_scene import LEADS, MINUTE, MONDAY_NINE, Scene

from sla.policy import Policies
from sync import applying
from sync.applying import Applied, Order, apply, finish
from sync.plan import Plan, plan
from sync.store import Reader

HALF = LEADS.replace('within = "60m"', 'within = "30m"')
DOUBLE = LEADS.replace('within = "60m"', 'within = "2h"')


def planned(scene: Scene, document: str, **given: Any) -> Plan:
    reader = Reader.open(scene.database)
    try:
        return plan(reader, Policies.from_config(read := tomllib.loads(document)), read, scene.clock.now(), **given)
    finally:
        reader.close()


def applied(scene: Scene, document: str, scope: str, **given: Any) -> Applied:
    read = tomllib.loads(document)
    order = Order(Policies.from_config(read).version, read, scope, "maria", **given)
    return apply(scene.database, order, scene.clock.now())


def changes(found: Plan, scope: str) -> list[tuple[str, int | None, int | None]]:
    """Record, due before and after, in minutes from nine o'clock."""
    return [
        (change.record, *((side.due_at - MONDAY_NINE) // MINUTE if side and side.due_at else None
                          for side in (change.before, change.after)))
        for change in found.changes if change.scope == scope
    ]  # fmt: skip


def dues(scene: Scene) -> dict[str, int]:
    rows = scene.rows("SELECT record, due_at FROM clock ORDER BY record")
    return {record: (due - MONDAY_NINE) // MINUTE for record, due in rows}


@pytest.fixture
def leads(scene: Scene) -> Scene:
    """One lead from nine o'clock, overdue since ten; one from a quarter to ten; it is five past ten."""
    scene.crm.create("lead", "1", name="Mara", owner="user:ann")
    scene.round(45)
    scene.crm.create("lead", "2", name="Noor", owner="user:ann")
    scene.minutes(20, step=5)
    assert dues(scene) == {"crm:lead:1": 60, "crm:lead:2": 105}
    return scene


# ---- plan


def test_a_plan_names_each_clock_with_due_and_outcome_before_and_after_under_every_scope(leads: Scene) -> None:
    found = planned(leads, DOUBLE)
    assert changes(found, "new") == []
    assert changes(found, "unbreached") == [("crm:lead:2", 105, 165)]
    # The breach stays, tagged with its target: only the terms that later cycles and steps follow are new.
    assert ("crm:lead:2", 105, 165) in changes(found, "all")
    assert all(c.after and c.after.outcome == "missed" for c in found.changes if c.record == "crm:lead:1")
    assert (found.records, found.movable) == (2, {"new": 0, "unbreached": 2, "all": 2})


def test_a_plan_writes_nothing(leads: Scene) -> None:
    before = leads.database.read_bytes(), leads.rows("SELECT count(*) FROM ledger"), leads.view().data_version()
    planned(leads, DOUBLE)
    assert (leads.database.read_bytes(), leads.rows("SELECT count(*) FROM ledger")) == before[:2]


def test_a_plan_says_what_the_file_changed(leads: Scene) -> None:
    changed = (
        DOUBLE.replace('hours = "24x7"', 'hours = "08:00-18:00"')
        + '\n[calendars.night]\ntimezone = "UTC"\nhours = "24x7"\n'
    )
    told = [(d.section, d.name, d.what, d.details) for d in planned(leads, changed).differences]
    assert told == [
        ("calendars", "always", "changed", ['hours: "24x7" → "08:00-18:00"']),
        ("calendars", "night", "added", []),
        ("policies", "Inbound leads", "changed", ['targets.first_response.within: "60m" → "2h"']),
    ]


def test_the_same_file_moves_nothing(leads: Scene) -> None:
    found = planned(leads, LEADS)
    assert (found.differences, found.changes, found.movable) == ([], [], {"new": 0, "unbreached": 0, "all": 0})


def test_an_edited_calendar_shows_under_every_scope_because_it_counts_for_open_clocks_at_once(leads: Scene) -> None:
    closed = LEADS.replace('hours = "24x7"', 'hours = "24x7"\nclosed = ["2026-03-02 10:15-11:15"]')
    assert changes(planned(leads, closed), "new") == [("crm:lead:2", 105, 165)]


# ---- apply


def test_by_default_only_records_first_seen_from_now_on_live_by_the_new_version(leads: Scene) -> None:
    assert applied(leads, DOUBLE, "new").records == []
    leads.crm.create("lead", "3", name="Omar")
    leads.round(1)
    assert dues(leads) == {"crm:lead:1": 60, "crm:lead:2": 105, "crm:lead:3": 65 + 120}


def test_open_and_unbreached_clocks_go_over_and_keep_their_start(leads: Scene) -> None:
    done = applied(leads, DOUBLE, "unbreached", reason="new contract")
    assert done.records == ["crm:lead:1", "crm:lead:2"]
    leads.round(1)
    assert dues(leads) == {"crm:lead:1": 60, "crm:lead:2": 165}
    told = [(row.record, row.body) for row in leads.view().ledger(what="move")]
    assert [record for record, _ in told] == ["crm:lead:1", "crm:lead:2"]
    assert told[0][1]["by"] == "maria"
    assert told[0][1]["reason"] == "new contract"


def test_what_was_planned_is_what_happens(leads: Scene) -> None:
    for document in (HALF, DOUBLE):
        expected = {record: after for record, _, after in changes(planned(leads, document), "all")}
        applied(leads, document, "all")
        leads.round(1)
        assert {record: due for record, due in dues(leads).items() if record in expected} == expected


def test_a_clock_that_gets_less_time_is_due_no_sooner_than_the_floor(leads: Scene) -> None:
    applied(leads, HALF, "all")
    leads.round()
    assert dues(leads) == {"crm:lead:1": 60, "crm:lead:2": 65 + 15}


def test_named_records_go_over_alone(leads: Scene) -> None:
    assert applied(leads, DOUBLE, "all", records=["crm:lead:2"]).records == ["crm:lead:2"]
    leads.round()
    assert [r for (r,) in leads.rows("SELECT record FROM move")] == ["crm:lead:2"]


def test_closed_cycles_never_change(leads: Scene) -> None:
    leads.crm.activity("lead:2", by="user:ann")
    leads.round(1)
    before = leads.rows(
        "SELECT record, target, cycle, due_at, outcome, completed_at FROM clock WHERE state = 'stopped'"
    )
    applied(leads, HALF, "all")
    leads.round(1)
    after = leads.rows("SELECT record, target, cycle, due_at, outcome, completed_at FROM clock WHERE state = 'stopped'")
    assert [row[:1] for row in before] == [("crm:lead:2",)]
    assert after == before


def test_moving_twice_moves_once(leads: Scene) -> None:
    assert len(applied(leads, DOUBLE, "unbreached").records) == 2
    assert applied(leads, DOUBLE, "unbreached").records == []
    assert len(applied(leads, DOUBLE, "all").records) == 2  # a wider scope concerns the breached clock too


def test_a_restart_with_a_changed_file_concerns_new_records_alone(leads: Scene) -> None:
    leads.restart(document=DOUBLE)
    leads.crm.create("lead", "3", name="Omar")
    leads.round(1)
    assert dues(leads) == {"crm:lead:1": 60, "crm:lead:2": 105, "crm:lead:3": 65 + 120}
    assert [row.body["before"] is not None for row in leads.view().ledger(what="adopt")] == [True]


# ---- what a move does not do

NEW_TARGET = (
    LEADS
    + """
[[policies.targets]]
metric = "resolution"
within = "20m"
steps = [
  { at = "50%", notify = "owner" },
  { at = "due", reassign = "sales" },
  { at = "+60m", reassign = "sales" },
]
"""
)


def fired(scene: Scene, target: str) -> list[tuple[Any, ...]]:
    return scene.rows("SELECT record, step, decision FROM step WHERE target = ? ORDER BY record, step", target)


def test_a_step_that_only_the_move_made_reached_is_measured_and_the_later_ones_fire(leads: Scene) -> None:
    hour = NEW_TARGET.replace('within = "20m"', 'within = "40m"')
    applied(leads, hour, "all")
    leads.minutes(120, step=5)
    assert [found for found in fired(leads, "resolution") if found[0] == "crm:lead:2"] == [
        ("crm:lead:2", "+60m", "fired"),
        ("crm:lead:2", "50%", "measured"),
        ("crm:lead:2", "due", "fired"),
    ]


def test_a_clock_that_had_used_up_its_new_time_gets_the_floor_and_never_reassigns(leads: Scene) -> None:
    applied(leads, NEW_TARGET, "all")
    leads.minutes(120, step=5)
    clocks = leads.rows("SELECT record, outcome, due_at FROM clock WHERE target = 'resolution' ORDER BY record")
    floor = MONDAY_NINE + (65 + 15) * MINUTE
    assert clocks == [("crm:lead:1", "missed", floor), ("crm:lead:2", "missed", floor)]
    decided = fired(leads, "resolution")
    assert len(decided) == 6
    assert {decision for _, _, decision in decided} == {"measured"}


def test_clocks_that_a_move_overtook_are_told_once_in_a_digest_for_each_owner(leads: Scene) -> None:
    applied(leads, NEW_TARGET, "all")
    leads.minutes(30, step=5)
    told = [row.body for row in leads.view().ledger(what="notice") if "on moving" in row.body["text"]]
    assert [(body["owner"], body["digest"], body["records"]) for body in told] == [
        ("user:ann", 1, ["crm:lead:2"]),
        ("user:ben", 1, ["crm:lead:1"]),
    ]


def test_a_step_that_was_reached_anyway_fires_although_the_record_went_over_before_it_was_seen(leads: Scene) -> None:
    # Nobody looked since five past ten; half time and three quarters of the second lead passed before the move.
    leads.clock.advance(26 * 60)
    applied(leads, LEADS.replace('within = "60m"', 'within = "50m"'), "all")
    leads.round()
    assert [found for found in fired(leads, "first_response") if found[0] == "crm:lead:2"] == [
        ("crm:lead:2", "50%", "collapsed"),
        ("crm:lead:2", "75%", "fired"),
    ]


# ---- kills


def test_an_apply_killed_between_two_portions_is_finished_at_its_own_instant(
    leads: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "AT_ONCE", 1)
    at = leads.clock.now()

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    read = tomllib.loads(DOUBLE)
    order = Order(Policies.from_config(read).version, read, "unbreached", "maria")
    with pytest.raises(KeyboardInterrupt):
        apply(leads.database, order, at, killed)
    assert planned(leads, DOUBLE).unfinished == order.version
    leads.round(10)  # the daemon goes on meanwhile
    done = finish(leads.database, leads.clock.now())
    assert done is not None
    assert (done.at, done.records, done.resumed) == (at, ["crm:lead:2"], True)
    assert finish(leads.database, leads.clock.now()) is None
    leads.round()
    assert leads.rows("SELECT record, at FROM move ORDER BY record") == [("crm:lead:1", at), ("crm:lead:2", at)]
    assert dues(leads) == {"crm:lead:1": 60, "crm:lead:2": 165}


def test_rows_can_be_rebuilt_after_a_move(leads: Scene) -> None:
    applied(leads, DOUBLE, "all")
    leads.round()
    before = leads.rows("SELECT record, target, policy, cycle, state, outcome, due_at, breached_at FROM clock")
    leads.works.store.write(lambda t: t.run("DELETE FROM clock"))
    records = [record for (record,) in leads.rows("SELECT record FROM record")]
    leads.works.store.write(lambda t: leads.works.engine.judge_again(t, records, leads.clock.now()))
    assert leads.rows("SELECT record, target, policy, cycle, state, outcome, due_at, breached_at FROM clock") == before
