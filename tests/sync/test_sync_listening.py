"""Channels that hints are pulled from: nothing taken is lost, nothing missed is hidden, no trouble stops a poll."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sync_scene import Scene, configuration

from connectors.base import Connector, Hint, HintPage
from connectors.errors import AuthFailed, RetryLater
from connectors.memory import MemoryConnector, MemoryCrm
from console.dashboard.page import describe
from sync.clock import SystemClock
from sync.daemon import Daemon
from sync.listening import Listening
from sync.store import StoreError


class Feed:
    """A bus that keeps what happened; a cursor is how far somebody has come. ``oldest``: from where it still knows."""

    name = "bus"

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.oldest = 0
        self.fault: Exception | None = None
        self.pulls: list[str | None] = []
        self.news = threading.Condition()
        self.closed = False

    def tell(self, *records: str) -> None:
        with self.news:
            self.happened += records
            self.news.notify_all()

    def pull(self, cursor: str | None, wait_s: float) -> HintPage:
        self.pulls.append(cursor)
        if self.fault is not None:
            raise self.fault
        at = len(self.happened) if cursor is None else int(cursor)
        gap = at < self.oldest
        at = max(at, self.oldest)
        with self.news:
            if not gap:
                self.news.wait_for(lambda: self.closed or len(self.happened) > at, wait_s)
            found = self.happened[at:]
        hints = [Hint(f"bus:{at + n}", record, b"{}") for n, record in enumerate(found)]
        return HintPage(hints, str(at + len(found)), gap=gap)

    def close(self) -> None:
        with self.news:
            self.closed = True
            self.news.notify_all()


def tuned(feed: Feed) -> Callable[[Connector], Connector]:
    def wrap(connector: Connector) -> Connector:
        connector.hint_feeds = lambda: [feed]  # type: ignore[method-assign]
        return connector

    return wrap


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def scene(staged: Callable[..., Scene], feed: Feed) -> Scene:
    made = staged()
    made.wrap = tuned(feed)
    made.restart()
    return made


def pull(scene: Scene) -> None:
    scene.works.listening.once(0)


def channel(scene: Scene) -> tuple[Any, ...]:
    [row] = scene.rows("SELECT state, reason, retry_at FROM channel")
    return row


def test_what_a_channel_names_is_read_again(scene: Scene, feed: Feed) -> None:
    pull(scene)
    scene.crm.create("lead", "9", name="Mara")
    feed.tell("crm:lead:9")
    pull(scene)
    assert scene.works.intake.hints(scene.works.links["crm"]) == 1
    assert [clock.record for clock in scene.view().clocks()] == ["crm:lead:9"]


def test_one_round_pulls_once_and_reads_what_was_named(scene: Scene, feed: Feed) -> None:
    scene.round()
    scene.crm.create("lead", "9", name="Mara")
    feed.tell("crm:lead:9")
    scene.round()
    assert feed.pulls == [None, "0"]
    assert scene.rows("SELECT count(*) FROM inbox WHERE stream = 'webhook' AND state = 1") == [(1,)]


def test_a_channel_goes_on_where_it_was_after_a_kill(scene: Scene, feed: Feed) -> None:
    pull(scene)
    feed.tell("crm:lead:1", "crm:lead:2")
    pull(scene)
    scene.restart()
    feed.tell("crm:lead:3")
    pull(scene)
    assert feed.pulls == [None, "0", "2"]
    assert scene.rows("SELECT change_key FROM inbox ORDER BY id") == [("bus:0",), ("bus:1",), ("bus:2",)]


def test_its_place_moves_only_together_with_what_lies_before_it(scene: Scene, feed: Feed) -> None:
    pull(scene)
    feed.tell("crm:lead:1")
    [(pages,)] = scene.works.store.read(lambda t: t.rows("PRAGMA page_count"))
    scene.works.store.read(lambda t: t.rows(f"PRAGMA max_page_count = {pages}"))
    feed.happened[0] = "crm:lead:" + "1" * 100_000  # more than the disk has room for
    with pytest.raises(StoreError):
        pull(scene)
    assert scene.rows("SELECT value FROM cursor WHERE stream = 'channel bus'") == [("0",)]
    scene.works.store.read(lambda t: t.rows("PRAGMA max_page_count = 1000000"))
    pull(scene)
    assert feed.pulls == [None, "0", "0"]
    assert scene.rows("SELECT change_key FROM inbox") == [("bus:0",)]


def test_a_gap_is_told_and_the_next_hints_are_taken(scene: Scene, feed: Feed) -> None:
    pull(scene)
    feed.tell("crm:lead:1", "crm:lead:2")
    feed.oldest = 1
    pull(scene)
    [(what, body)] = scene.rows("SELECT what, body FROM ledger WHERE what = 'gap'")
    assert (what, describe(what, json.loads(body))) == (
        "gap",
        "connection crm, channel bus - something may have been left out, so the connection is polled",
    )
    assert scene.rows("SELECT change_key FROM inbox") == [("bus:1",)]


def test_a_fault_of_the_channel_backs_off_and_stops_no_poll(scene: Scene, feed: Feed) -> None:
    scene.crm.create("lead", "9", name="Mara")
    feed.fault = RetryLater("the bus is away")
    scene.round()
    assert channel(scene)[:2] == ("retrying", "the bus is away")
    assert scene.view().connections()[0].state == "ok"
    assert len(scene.view().clocks()) == 1
    pull(scene)
    assert len(feed.pulls) == 1  # not before its time
    feed.fault = None
    scene.clock.advance(5)
    pull(scene)
    assert channel(scene) == ("ok", None, None)


def test_a_channel_that_may_not_listen_raises_one_alarm_and_stops_no_poll(scene: Scene, feed: Feed) -> None:
    feed.fault = AuthFailed("the user may not subscribe")
    for _ in range(3):
        scene.round(120)
    assert channel(scene)[0] == "stopped"
    alarms = [json.loads(body) for (body,) in scene.rows("SELECT body FROM ledger WHERE what = 'alarm'")]
    assert [alarm["alarm"] for alarm in alarms] == ["channel stopped"]
    assert scene.view().connections()[0].state == "ok"


def test_a_channel_that_breaks_its_contract_is_a_passing_fault(scene: Scene, feed: Feed) -> None:
    feed.fault = KeyError("replay_id")
    pull(scene)
    assert channel(scene)[:2] == ("retrying", "the channel failed (KeyError)")


def test_a_quiet_channel_costs_a_commit_a_minute(scene: Scene, feed: Feed) -> None:
    pull(scene)
    writes = 0
    write = scene.works.store.write

    def counted(change: Any) -> Any:
        nonlocal writes
        writes += 1
        return write(change)

    scene.works.store.write = counted  # type: ignore[method-assign]
    for _ in range(120):
        scene.clock.advance(1)
        pull(scene)
    assert writes == 2


def test_the_daemon_listens_all_the_time_and_a_gap_makes_it_poll_at_once(tmp_path: Path) -> None:
    clock, feed = SystemClock(), Feed()
    crm = MemoryCrm(clock.now)
    connector = MemoryConnector("crm", crm, wanted=frozenset({"name"}))
    tuned(feed)(connector)
    made = configuration(tmp_path / "sla.db", enforce_from=clock.now() - 60_000, tick_every_s=0.02)
    slow = made.connections["crm"].__class__(
        "crm", "memory", 3_600.0, clock.now() - 60_000, made.connections["crm"].table, (), lambda: None
    )
    daemon = Daemon(
        made.__class__(**{**vars_of(made), "connections": {"crm": slow}}), clock, connectors={"crm": connector},
        serve=False,
    )  # fmt: skip
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        assert daemon.ready.wait(10)
        until(lambda: crm.calls.count("poll") >= 5)
        polled = crm.calls.count("poll")
        crm.create("lead", "9", name="Mara")
        feed.tell("crm:lead:9")
        until(lambda: crm.effects)  # read, judged and written, without a poll
        assert crm.calls.count("poll") == polled
        feed.tell(*["crm:lead:9"] * 3)
        until(lambda: feed.pulls[-1] == "4")
        feed.oldest = 9
        feed.close()  # wakes the pull; the next one finds that the bus has forgotten
        until(lambda: crm.calls.count("poll") > polled)
    finally:
        daemon.stop()
        thread.join(10)
    assert not thread.is_alive()


def test_listening_ends_within_a_moment(scene: Scene, feed: Feed) -> None:
    listening = Listening(scene.works.links.values(), scene.works.writes, SystemClock(), scene.works._rng)
    listening.close()
    assert feed.closed


def vars_of(made: Any) -> dict[str, Any]:
    return {name: getattr(made, name) for name in made.__dataclass_fields__}


def until(what: Callable[[], object]) -> None:
    waiting = threading.Event()
    for _ in range(1_000):
        if what():
            return
        waiting.wait(0.01)
    raise AssertionError("it did not happen")


def test_how_a_channel_stands_is_shown_with_its_connection(scene: Scene, feed: Feed) -> None:
    from console.calls_text import lines

    pull(scene)
    scene.clock.advance(30)
    feed.fault = RetryLater("the bus is away")
    pull(scene)
    [connection] = scene.view().connections()
    [shown] = connection.channels
    assert (shown.name, shown.state, shown.reason) == ("bus", "retrying", "the bus is away")
    assert "channel bus: retrying, last heard 30s ago: the bus is away" in lines(connection, scene.clock.now())
