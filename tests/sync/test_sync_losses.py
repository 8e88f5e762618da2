"""What is no longer there for us: one alarm for as long as it lasts, shown by ``status`` until it is back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sync_beside import Beside
from sync_scene import Scene

from connectors.base import Finding
from console import calls_text

TIER = Finding("warn", "fields.tier", "Case has no Tier__c, or we may not see it", "give Read access to it")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.close()


def test_a_loss_is_one_alarm_however_long_it_lasts_and_after_a_restart(scene: Scene) -> None:
    scene.crm.losses.append(TIER)
    for _ in range(3):
        scene.round(60)
    scene.restart()
    scene.round(60)
    assert [row.body for row in scene.view().ledger(what="alarm")] == [
        {
            "alarm": "something is no longer there for us", "connection": "crm", "subject": "fields.tier",
            "reason": "Case has no Tier__c, or we may not see it", "fix": "give Read access to it",
        }
    ]  # fmt: skip


def test_what_is_missing_is_shown_until_it_is_back_and_told_anew_when_it_goes_again(scene: Scene) -> None:
    scene.crm.losses.append(TIER)
    scene.round(60)
    [connection] = scene.view().connections()
    line = "fields.tier: Case has no Tier__c, or we may not see it; give Read access to it"
    assert line in calls_text.lines(connection, scene.clock.now())
    scene.crm.losses.clear()
    scene.round(60)
    [connection] = scene.view().connections()
    assert connection.losses == []
    scene.crm.losses.append(TIER)
    scene.round(60)
    assert len(scene.view().ledger(what="alarm")) == 2


def test_a_field_and_an_object_that_an_administrator_of_salesforce_takes_away_are_told_and_reading_goes_on(
    tmp_path: Path,
) -> None:
    desk = Beside(tmp_path, "salesforce")
    desk.round()
    desk.emulator.act({"do": "setup", "hide": {"Lead": ["SLA_Status__c"]}})
    tables = desk.emulator.store.tables
    desk.emulator.store.tables = {name: table for name, table in tables.items() if name != "event"}
    for _ in range(3):
        desk.round(60)
    lead = desk.lead()
    desk.round(60)
    assert sorted(alarm["subject"] for alarm in desk.told("alarm")) == ["Event", "write.lead.sla_status"]
    [connection] = desk.view().connections()
    assert (connection.state, len(connection.losses)) == ("ok", 2)
    assert desk.view().find(lead) == [f"desk:lead:{lead}"]
    desk.close()
