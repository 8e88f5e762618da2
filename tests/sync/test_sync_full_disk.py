"""While the disk is full, a connection stops: it is told once there is room again, and goes on by itself."""

from __future__ import annotations

from typing import Any

import pytest
from sync_scene import Scene

from connectors.errors import AuthFailed
from sync.store import StoreFull


def full(_change: Any) -> Any:
    raise StoreFull("the disk of the database is full")


def test_an_alarm_that_could_not_be_stored_is_told_once_when_there_is_room(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.round()
    link = scene.works.links["crm"]
    with monkeypatch.context() as patch:
        patch.setattr(scene.works.intake, "_writes", type("Full", (), {"write": staticmethod(full)})())
        with pytest.raises(StoreFull):
            scene.works.intake.failed(link, AuthFailed("the login was refused"))
    assert scene.view().ledger(what="alarm") == []
    scene.works.beat()
    scene.works.beat()
    [alarm] = [row.body for row in scene.view().ledger(what="alarm")]
    assert (alarm["alarm"], alarm["reason"]) == ("connection stopped", "the login was refused")
    [connection] = scene.view().connections()
    assert (connection.state, connection.reason) == ("stopped", "the login was refused")


def test_what_failed_on_our_own_side_is_tried_again_soon(scene: Scene) -> None:
    scene.round()
    link = scene.works.links["crm"]
    lost = AuthFailed("the new refresh token cannot be kept")
    lost.again_s = 10.0
    for _ in range(5):
        scene.works.intake.failed(link, lost)
        assert link.standing.retry_at == scene.clock.now() + 10_001
