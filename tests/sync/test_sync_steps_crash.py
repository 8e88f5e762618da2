"""A ladder of every action, with the process ended between any two transactions and around any call: each effect once.

The webhook is made at least once and always under the same key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sync_scene import MINUTE, MONDAY_NINE, Scene
from test_sync_crash import Fuse, Fused, Killed, _fuse_commits
from test_sync_steps_webhook import SECRET, Receiver

from sync import ledger
from sync.configuration_webhook import WebhookEntry
from sync.delivery import REST_MS

LADDER = """
[calendars.day]
timezone = "UTC"
hours = "09:00-17:00"

[[policies]]
name = "Support"
applies_to = "ticket"
calendar = "day"
[[policies.targets]]
metric = "first_response"
within = "60m"
steps = [
  { at = "50%", comment = "half", tag = "slow", webhook = "pager", message = "We are on it" },
  { at = "due", task = "Go", priority = "raise", status = "on_hold", reassign = "queue:Unassigned", message = "Sorry" },
  { at = "+7h", comment = "A night has passed" },
]
"""
EXPECTED = {
    "message: We are on it": 1,
    "note: half": 1,
    "tag: slow": 1,
    "message: Sorry": 1,
    "task: Go": 1,
    "owner: queue:9": 1,
    "set: {'priority': 'high', 'status': 'on_hold'}": 1,
    "note: A night has passed": 1,
}


EVERY = pytest.mark.parametrize(
    ("begin", "stride"),
    [pytest.param(3, 9, id="some"), pytest.param(1, 1, id="every", marks=pytest.mark.slow)],
)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def ladder(staged: Callable[..., Scene], receiver: Receiver, tmp_path: Path) -> Callable[[], Scene]:
    def build() -> Scene:
        receiver.calls.clear()
        entry = WebhookEntry("pager", 5.0, receiver.url, SECRET, tmp_path)
        return staged(document=LADDER, webhooks={"pager": entry}, write={})

    return build


def _story(scene: Scene) -> list[Callable[[], object]]:
    return [
        lambda: scene.crm.create("ticket", "1", name="Mara", owner="user:cem"),
        scene.round,
        lambda: scene.round(31),
        lambda: scene.round(30),
        lambda: scene.round(7 * 60 + 5),  # past the closing time: the last step waits
        lambda: scene.round(16 * 60),
        scene.round,
    ]


def _tell(scene: Scene) -> None:
    for part in _story(scene):
        try:
            part()
        except Killed:
            scene.wrap = lambda connector: connector
            scene.restart()
            for _ in range(2):
                scene.works.round()
                scene.clock.advance(REST_MS / 1_000)


def _effects(scene: Scene) -> dict[str, int]:
    def said(action: str, what: dict[str, Any]) -> str:
        named = what.get("subject") or what.get("text") or what.get("tag") or what.get("owner")
        return f"{action}: {named or dict(sorted(what.items()))}"

    return dict(Counter(said(action, what) for action, _, what in scene.effects()))


def _judge(scene: Scene, receiver: Receiver, when: str) -> None:
    assert _effects(scene) == EXPECTED, when
    keys = {call.headers["idempotency-key"] for call in receiver.calls}
    assert len(keys) == 1, when
    assert len(receiver.calls) <= 2, when
    assert scene.rows("SELECT count(*) FROM hold") == [(0,)], when
    assert scene.works.store.read(ledger.verify) is None, when


def test_undisturbed_every_action_happens_once(ladder: Callable[[], Scene], receiver: Receiver) -> None:
    scene = ladder()
    _tell(scene)
    assert scene.clock.now() > MONDAY_NINE + 24 * 60 * MINUTE
    _judge(scene, receiver, "undisturbed")
    assert len(receiver.calls) == 1


@EVERY
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_transaction(
    ladder: Callable[[], Scene], receiver: Receiver, after: bool, begin: int, stride: int
) -> None:
    killed = 0
    for n in range(begin, 1_000, stride):
        scene = ladder()
        fuse = Fuse(n, after=after)
        _fuse_commits(scene.works.store, fuse)
        _tell(scene)
        if fuse.left > 0:
            break
        killed += 1
        _judge(scene, receiver, f"killed {'after' if after else 'before'} transaction {n}")
        scene.close()
    assert killed > 30 // stride


@EVERY
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_around_any_call(
    ladder: Callable[[], Scene], receiver: Receiver, after: bool, begin: int, stride: int
) -> None:
    killed = 0
    for n in range(begin, 1_000, stride):
        scene = ladder()
        fuse = Fuse(n, after=after)
        scene.wrap = lambda connector, fuse=fuse: Fused(connector, fuse)  # type: ignore[misc]
        scene.restart()
        _tell(scene)
        if fuse.left > 0:
            break
        killed += 1
        _judge(scene, receiver, f"killed {'after' if after else 'before'} call {n}")
        scene.close()
    assert killed > 30 // stride
