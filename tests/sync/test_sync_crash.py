"""The process ends at the worst moments: between any two transactions, before and after any call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from sync_scene import Scene

from sync import ledger
from sync.delivery import REST_MS
from sync.store import Store, StoreFull, Transaction


class Killed(BaseException):
    """The process is gone. Nothing in the product may catch this."""


class Fuse:
    """Ends the process at the ``n``-th event it is told of, before or after that."""

    def __init__(self, n: int, *, after: bool) -> None:
        self.left = n
        self.after = after

    def around(self, doing: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Killed
        result = doing()
        if self.left == 0:
            raise Killed
        return result


class Fused:
    """A connector whose calls end at the fuse."""

    def __init__(self, connector: Any, fuse: Fuse) -> None:
        self._connector = connector
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    def poll(self, *given: Any) -> Any:
        return self._fuse.around(lambda: self._connector.poll(*given))

    def read(self, records: Sequence[str]) -> Any:
        return self._fuse.around(lambda: self._connector.read(records))

    def write(self, batch: Sequence[Any]) -> Any:
        return self._fuse.around(lambda: self._connector.write(batch))


def _fuse_commits(store: Store, fuse: Fuse, fault: BaseException | type[BaseException] = Killed) -> None:
    original = store.write

    def write(change: Callable[[Transaction], Any]) -> Any:
        def raising(transaction: Transaction) -> Any:
            result = change(transaction)
            fuse.left -= 1
            if fuse.left == 0 and not fuse.after:
                raise fault  # everything is done and nothing committed
            return result

        result = original(raising)
        if fuse.left == 0 and fuse.after:
            fuse.left = -1
            raise Killed
        return result

    store.write = write  # type: ignore[method-assign,assignment]


def _story(scene: Scene) -> list[Callable[[], object]]:
    """One lead left alone, one answered in time, over an hour and a quarter."""
    crm = scene.crm
    return [
        lambda: crm.create("lead", "1", name="Mara", owner="user:cem"),
        lambda: crm.create("lead", "2", name="Noor"),
        lambda: scene.round(minutes=46),
        lambda: crm.activity("lead:2", activity="call", outcome="connected", by="user:cem"),
        lambda: scene.round(minutes=15),
        lambda: scene.round(minutes=14),
        scene.round,
    ]


def _tell(scene: Scene) -> None:
    for part in _story(scene):
        try:
            part()
        except Killed:
            scene.wrap = lambda connector: connector
            scene.restart()
            scene.works.round()
            scene.clock.advance(REST_MS / 1_000)  # what was cut short is left to arrive before it is looked up
            scene.works.round()
        except StoreFull:
            scene.works.round()  # the same process goes on, as the daemon does at its next beat
            scene.clock.advance(REST_MS / 1_000)  # a call whose answer could not be noted is looked up after a rest
            scene.works.round()


def _effects(scene: Scene) -> Counter[str]:
    return Counter(
        f"{action} {record} {msgspec.json.encode({**what, 'id': None}, order='sorted').decode()}"
        for action, record, what in scene.effects()
    )


EXPECTED = {
    "fields lead:1": 2, "fields lead:2": 2, "task lead:1": 1, "task lead:2": 1, "complete lead:2": 1, "owner lead:1": 1,
}  # fmt: skip


def _counts(effects: Counter[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for effect, count in effects.items():
        counts[" ".join(effect.split()[:2])] += count
    return dict(counts)


@pytest.fixture
def undisturbed(staged: Callable[..., Scene]) -> Counter[str]:
    scene = staged()
    _tell(scene)
    found = _effects(scene)
    assert _counts(found) == EXPECTED
    return found


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_transaction_nothing_is_lost_or_done_twice(
    staged: Callable[..., Scene], undisturbed: Counter[str], after: bool
) -> None:
    killed = 0
    # Killed after one transaction is killed at the start of the next: each side takes every other one.
    for n in range(1 + after, 1_000, 2):
        scene = staged()
        fuse = Fuse(n, after=after)
        _fuse_commits(scene.works.store, fuse)
        _tell(scene)
        if fuse.left > 0:
            break
        killed += 1
        assert _effects(scene) == undisturbed, f"killed {'after' if after else 'before'} transaction {n}"
        assert scene.works.store.read(ledger.verify) is None
        scene.close()
    assert killed > 20


def test_a_disk_that_is_full_at_any_transaction_delays_and_repeats_nothing(
    staged: Callable[..., Scene], undisturbed: Counter[str]
) -> None:
    filled = 0
    for n in range(1, 1_000, 2):
        scene = staged()
        fuse = Fuse(n, after=False)
        _fuse_commits(scene.works.store, fuse, StoreFull("the disk of the database is full"))
        _tell(scene)
        if fuse.left > 0:
            break
        filled += 1
        assert _effects(scene) == undisturbed, f"full at transaction {n}"
        scene.close()
    assert filled > 20


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_call_nothing_is_lost_or_done_twice(
    staged: Callable[..., Scene], undisturbed: Counter[str], after: bool
) -> None:
    killed = 0
    for n in range(1, 1_000):
        scene = staged()
        fuse = Fuse(n, after=after)
        scene.wrap = lambda connector, fuse=fuse: Fused(connector, fuse)  # type: ignore[misc]
        scene.restart()
        _tell(scene)
        if fuse.left > 0:
            break
        killed += 1
        assert _effects(scene) == undisturbed, f"killed {'after' if after else 'before'} call {n}"
        scene.close()
    assert killed > 25
