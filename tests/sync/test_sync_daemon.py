"""The daemon with its threads, its port and its end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sync_scene import configuration

from connectors.memory import MemoryConnector, MemoryCrm
from sync.clock import ManualClock, SystemClock
from sync.daemon import Daemon
from sync.lease import SecondDaemon
from sync.probe import round_trip
from sync.store import Store
from sync.view import View
from sync.web import PortTaken


class Running:
    """A daemon on a thread of this process, with its CRM."""

    def __init__(self, folder: Path, tick_every_s: float = 0.02) -> None:
        self.clock = SystemClock()
        self.crm = MemoryCrm(self.clock.now)
        self.connector = MemoryConnector("crm", self.crm, wanted=frozenset({"name"}))
        self.configuration = configuration(
            folder / "sla.db", enforce_from=self.clock.now() - 60_000, tick_every_s=tick_every_s
        )
        self.daemon = Daemon(self.configuration, self.clock, connectors={"crm": self.connector})
        self.thread = threading.Thread(target=self.daemon.run)
        self.thread.start()
        assert self.daemon.ready.wait(10)

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, str]:
        assert self.daemon.address is not None
        connection = http.client.HTTPConnection(*self.daemon.address, timeout=10)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def until(self, what: Callable[[], object]) -> None:
        """Waits for something that the daemon's own threads bring about."""
        waiting = threading.Event()
        for _ in range(1_000):
            if what():
                return
            waiting.wait(0.01)
        raise AssertionError("it did not happen")

    def close(self) -> None:
        self.daemon.stop()
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.close()


def test_a_running_daemon_writes_due_times_and_shows_its_health(running: Running) -> None:
    running.crm.create("lead", "9", name="Mara")
    running.until(lambda: running.crm.effects)
    assert running.crm.effects[0].action == "fields"
    assert running.ask("GET", "/healthz") == (200, "ok\n")
    running.until(lambda: running.ask("GET", "/readyz") == (200, "ready\n"))
    status, text = running.ask("GET", "/metrics")
    assert status == 200
    assert 'sla_sidecar_clocks{word="running"} 1' in text.splitlines()
    assert 'sla_sidecar_connection_state{connection="crm",state="ok"} 1' in text.splitlines()


def test_a_genuine_webhook_is_kept_answered_and_its_record_read_again(running: Running) -> None:
    lead = running.crm.create("lead", "9", name="Mara")
    request = running.connector.webhook(lead)
    calls = running.crm.calls.count("read")
    assert running.ask("POST", "/webhooks/crm", request.body, dict(request.headers)) == (200, "")
    running.until(lambda: running.crm.calls.count("read") > calls)
    running.until(lambda: running.crm.effects)


def test_a_forged_webhook_is_refused_and_nothing_is_kept(running: Running) -> None:
    status, answer = running.ask("POST", "/webhooks/crm", b"{}", {"x-memory-signature": "wrong"})
    assert (status, json.loads(answer)) == (401, {"error": "the request's signature is wrong"})
    assert running.ask("POST", "/webhooks/nobody", b"{}")[0] == 404
    view = View.open(running.configuration.daemon.database)
    assert view.summary().inbox_new == 0
    view.close()


def test_a_probe_goes_to_the_running_daemon_and_comes_back(running: Running) -> None:
    assert running.daemon.address is not None
    address = "http://{}:{}".format(*running.daemon.address)
    found = round_trip(running.connector, address, running.clock.now())
    assert found is not None
    assert (found.level, found.message) == ("ok", f"a signed probe went to {address} and came back")
    elsewhere = round_trip(running.connector, "http://127.0.0.1:9", running.clock.now())
    assert elsewhere is not None
    assert (elsewhere.level, elsewhere.unreachable) == ("fail", True)


def test_a_body_beyond_the_limit_is_refused_before_it_is_looked_at(running: Running) -> None:
    assert running.ask("POST", "/webhooks/crm", b"x" * 1_048_577)[0] == 413


def test_while_the_disk_is_full_a_webhook_is_asked_to_come_again_and_everything_recovers_alone(
    running: Running,
) -> None:
    lead = running.crm.create("lead", "9", name="M" * 200_000)
    request = running.connector.webhook(lead)
    writer = running.daemon.open().writes
    [(pages,)] = writer.write(lambda t: t.rows("PRAGMA page_count"))
    writer.write(lambda t: t.rows(f"PRAGMA max_page_count = {pages}"))
    big = (
        b'{"kind":"lead","id":"9","seq":1,"at":' + str(running.clock.now()).encode() + b"," + b" " * 400_000 + b'"x":1}'
    )
    headers = {"x-memory-signature": running.connector._signature(big)}
    assert running.ask("POST", "/webhooks/crm", big, headers)[0] == 503
    assert running.ask("GET", "/healthz")[0] == 200
    writer.write(lambda t: t.rows("PRAGMA max_page_count = 1000000"))
    assert running.ask("POST", "/webhooks/crm", request.body, dict(request.headers))[0] == 200
    running.until(lambda: running.crm.effects)


def test_a_second_daemon_on_the_same_file_is_refused_and_the_first_goes_on(running: Running) -> None:
    second = Daemon(running.configuration, running.clock, connectors={"crm": running.connector})
    with pytest.raises(SecondDaemon) as refusal:
        second.run()
    assert refusal.value.exit_code == 75
    assert running.ask("GET", "/healthz")[0] == 200


def test_sigterm_ends_it_at_a_safe_place(tmp_path: Path) -> None:
    clock = SystemClock()
    crm = MemoryCrm(clock.now)
    crm.create("lead", "9", name="Mara")
    made = configuration(tmp_path / "sla.db", enforce_from=0, tick_every_s=0.02)
    daemon = Daemon(made, clock, connectors={"crm": MemoryConnector("crm", crm)}, serve=False)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def end_it() -> None:
        assert daemon.ready.wait(10)
        os.kill(os.getpid(), signal.SIGTERM)

    ending = threading.Thread(target=end_it)
    ending.start()
    try:
        daemon.run(signals=True)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    ending.join()
    store = Store.open(made.daemon.database)  # whole, and nobody's any more
    store.close()


def test_a_port_that_is_taken_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        clock = SystemClock()
        crm = MemoryCrm(clock.now)
        made = configuration(tmp_path / "sla.db", listen=f"127.0.0.1:{taken.getsockname()[1]}")
        daemon = Daemon(made, clock, connectors={"crm": MemoryConnector("crm", crm)})
        with pytest.raises(PortTaken, match=r"set daemon\.listen to another port"):
            daemon.run()
        assert crm.calls == []


def test_once_makes_one_round_and_tells_what_it_sent(tmp_path: Path) -> None:
    clock = ManualClock(1_800_000_000_000)
    crm = MemoryCrm(clock.now)
    crm.create("lead", "9", name="Mara")
    made = configuration(tmp_path / "sla.db", enforce_from=0)
    sent = Daemon(made, clock, connectors={"crm": MemoryConnector("crm", crm)}).once()
    assert [(each.record, each.action, each.state) for each in sent] == [("crm:lead:9", "fields", "done")]
    assert len(crm.effects) == 1


def test_a_dry_run_tells_what_it_would_send_and_leaves_no_trace(tmp_path: Path) -> None:
    clock = ManualClock(1_800_000_000_000)
    crm = MemoryCrm(clock.now)
    crm.create("lead", "9", name="Mara")
    made = configuration(tmp_path / "sla.db", enforce_from=0)
    planned = Daemon(made, clock, connectors={"crm": MemoryConnector("crm", crm)}).once(dry_run=True)
    assert [(each.record, each.action, each.state) for each in planned] == [("crm:lead:9", "fields", "waiting")]
    assert planned[0].body["values"]["sla_status"] == "running"
    assert crm.effects == []
    assert not made.daemon.database.exists()


def test_a_dry_run_beside_a_running_daemon_changes_nothing_for_it(running: Running) -> None:
    running.crm.create("lead", "9", name="Mara")
    running.until(lambda: running.crm.effects)
    beside = Daemon(running.configuration, running.clock, connectors={"crm": running.connector})
    assert [each for each in beside.once(dry_run=True) if each.state == "waiting"] == []
