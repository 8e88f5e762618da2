"""From a change in a practice CRM to a clock, by the CRM's own channel and without a poll."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sync_beside import Beside

from connectors.secret import Secret

pytest.importorskip("grpc")


class Tuned:
    """A practice CRM whose channel is listened to."""

    def __init__(self, folder: Path, crm: str) -> None:
        self.beside = Beside(folder, crm)
        self.bus: Any = None
        known = self.beside.emulator.credentials()
        if crm == "salesforce":
            from emulators.salesforce.pubsub import PubSubServer

            self.bus = PubSubServer(self.beside.emulator).start()
            self.beside.settings = {"pubsub": {"endpoint": self.bus.endpoint}}
        else:
            told = {"client_id": known["client_id"], "client_secret": Secret(known["client_secret"])}
            self.beside.settings = {"journal": told}
        self.restart()

    def restart(self) -> None:
        self.beside.works.listening.close()
        self.beside.restart()
        self.beside.works.listening.once(0)
        self.beside.works.poll(self.beside.link)
        if self.bus is not None:
            until(lambda: len(self.bus.subscriptions) >= 1)

    def pull(self) -> None:
        self.beside.works.listening.once(0.2)

    def hints(self) -> list[Any]:
        return [record for (record,) in self.beside.rows("SELECT record FROM inbox WHERE stream = 'webhook'")]

    def read(self) -> list[str]:
        """Reads what was named; the records that have a clock then."""
        self.beside.works.intake.hints(self.beside.link)
        return [record for (record,) in self.beside.rows("SELECT DISTINCT record FROM clock")]

    def forget(self) -> None:
        if self.bus is not None:
            self.beside.emulator.bus.forget()
        else:
            self.beside.emulator.clock.advance(4 * 86_400)

    def close(self) -> None:
        self.beside.close()
        if self.bus is not None:
            self.bus.close()


def until(what: Callable[[], object]) -> None:
    waiting = threading.Event()
    for _ in range(500):
        if what():
            return
        waiting.wait(0.01)
    raise AssertionError("it did not happen")


@pytest.fixture(params=["salesforce", "hubspot"])
def tuned(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tuned]:
    made = Tuned(tmp_path, request.param)
    yield made
    made.close()


def named(tuned: Tuned, lead: str) -> str:
    return f"desk:lead:{lead}"


def test_a_lead_has_its_clock_as_soon_as_the_channel_has_named_it(tuned: Tuned) -> None:
    lead = tuned.beside.lead()
    until(lambda: tuned.pull() or tuned.hints())
    assert named(tuned, lead) in tuned.read()
    assert {connection.name: [one.state for one in connection.channels] for connection in connections(tuned)} == {
        "desk": ["ok"]
    }


def test_what_a_channel_named_before_a_kill_is_read_after_it(tuned: Tuned) -> None:
    lead = tuned.beside.lead()
    until(lambda: tuned.pull() or tuned.hints())
    tuned.beside.works.listening.close()
    tuned.beside.restart()
    assert named(tuned, lead) in tuned.read()


def test_what_a_channel_has_forgotten_is_found_by_the_poll_that_follows(tuned: Tuned) -> None:
    first = tuned.beside.lead()
    until(lambda: tuned.pull() or tuned.hints())
    assert named(tuned, first) in tuned.read()
    tuned.beside.works.listening.close()
    lead = tuned.beside.lead()
    tuned.forget()
    tuned.beside.restart()
    until(lambda: tuned.beside.round() or tuned.beside.rows("SELECT 1 FROM ledger WHERE what = 'gap'"))
    assert named(tuned, lead) in [record for (record,) in tuned.beside.rows("SELECT DISTINCT record FROM clock")]


def connections(tuned: Tuned) -> list[Any]:
    from sync.view import View

    view = View.open(tuned.beside.folder / "sla.db")
    try:
        return view.connections()
    finally:
        view.close()
