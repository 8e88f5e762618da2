"""Both CRMs over real wires: the file, the daemon with its door for webhooks, the emulated vendors, their effects."""

from __future__ import annotations

import json
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulators.core import Emulator, Server, serve
from emulators.hubspot import EMULATOR as HubSpot
from emulators.salesforce import EMULATOR as Salesforce
from sync import intake
from sync.configuration import load
from sync.daemon import Daemon
from sync.store import Reader

CONFIGURATION = """
[daemon]
database = "sla.db"
listen = "127.0.0.1:{port}"
mode = "live"
tick_every = "50ms"

[calendars.always]
timezone = "UTC"
hours = "24x7"

[connections.sales]
connector = "salesforce"
domain = "acme.my"
url = "{salesforce.url}"
client_id = "{consumer_key}"
client_secret = "{consumer_secret}"
allow_plain_secrets = true
poll_every = "{poll_every}"
objects = ["Lead"]
webhook = {{ token = "0123456789abcdef0123456789abcdef", organization = "{organization_id}" }}
write.lead = {{ first_response_due = "SLA_First_Response_Due__c", sla_status = "SLA_Status__c" }}

[connections.support]
connector = "hubspot"
url = "{hubspot.url}"
access_token = "{access_token}"
allow_plain_secrets = true
poll_every = "{poll_every}"
objects = ["tickets"]
searches_per_second = 50
webhook_secret = "{hubspot.emulator.webhook_secret}"
write.ticket = {{ sla_due = "sla_due", sla_status = "sla_status" }}

[[policies]]
name = "Leads"
applies_to = "lead"
calendar = "always"
[[policies.targets]]
metric = "first_response"
within = "2h"

[[policies]]
name = "Tickets"
applies_to = "ticket"
calendar = "always"
[[policies.targets]]
metric = "resolution"
within = "8h"
"""


class House:
    """Two vendors, one daemon."""

    def __init__(self, folder: Path, poll_every: str) -> None:
        self.salesforce = _served(Salesforce())
        self.hubspot = _served(HubSpot())
        self.hubspot.emulator.limits.search_per_second = None  # type: ignore[attr-defined]
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        login = {
            **self.salesforce.emulator.credentials(),
            "access_token": self.hubspot.emulator.credentials()["access_token"],
        }
        file = folder / "config.toml"
        file.write_text(
            CONFIGURATION.format(
                port=port, poll_every=poll_every, salesforce=self.salesforce, hubspot=self.hubspot, **login
            )
        )
        self.database = folder / "sla.db"
        self.door = f"http://127.0.0.1:{port}/webhooks"
        self.daemon = Daemon(load(file))
        self._thread = threading.Thread(target=self.daemon.run)
        self._thread.start()
        assert self.daemon.ready.wait(20)

    def send_webhooks(self) -> None:
        _ask(self.salesforce, "webhooks", {"url": f"{self.door}/sales/0123456789abcdef0123456789abcdef"})
        _ask(self.hubspot, "webhooks", {"url": f"{self.door}/support", "duplicate": True})

    def effects(self, crm: Server) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{crm.url}/_emulator/effects", timeout=10) as answer:
            found = [json.loads(line) for line in answer.read().splitlines()]
        return [effect for effect in found if effect["by"].startswith("api:")]

    def count(self, sql: str) -> int:
        reader = Reader.open(self.database)
        try:
            return int(reader.read(lambda t: t.rows(sql))[0][0])
        finally:
            reader.close()

    def until(self, what: Callable[[], object]) -> None:
        """Waits for something that other threads bring about."""
        waiting = threading.Event()
        for _ in range(1_000):
            if what():
                return
            waiting.wait(0.02)
        raise AssertionError("it did not happen")

    def close(self) -> None:
        self.daemon.stop()
        self._thread.join(15)
        assert not self._thread.is_alive()
        self.salesforce.close()
        self.hubspot.close()


def _served(emulator: Emulator) -> Server:
    return serve(emulator)


def _ask(crm: Server, path: str, body: dict[str, Any]) -> dict[str, Any]:
    order = urllib.request.Request(f"{crm.url}/_emulator/{path}", json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(order, timeout=10) as answer:
        return dict(json.load(answer))


@pytest.fixture
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    made = House(tmp_path, getattr(request, "param", "200ms"))
    yield made
    made.close()


def _arrivals(house: House) -> None:
    lead = {"LastName": "Mara", "Company": "Acme", "LeadSource": "Web"}
    _ask(house.salesforce, "act", {"do": "create", "object": "Lead", "fields": lead})
    _ask(house.hubspot, "act", {"do": "create", "object": "tickets", "fields": {"subject": "It is broken"}})


def _both_written(house: House) -> bool:
    return len(house.effects(house.salesforce)) == 1 and len(house.effects(house.hubspot)) == 1


WEBHOOKS_READ = "SELECT count(*) FROM inbox WHERE stream = 'webhook' AND state = 1 AND connection = '{}'"


def test_rule_19_our_own_writes_come_back_by_poll_and_by_webhook_and_cause_no_further_write(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "ONE_READ_MS", 500)  # a record is read for webhooks every ten seconds at most
    house.send_webhooks()
    _arrivals(house)
    house.until(lambda: _both_written(house))
    # The arrival is one webhook, our own write another; HubSpot sends each twice and one for every property.
    house.until(lambda: house.count(WEBHOOKS_READ.format("sales")) >= 2)
    house.until(lambda: house.count(WEBHOOKS_READ.format("support")) >= 3)
    polled = house.count("SELECT min(ok_at) FROM connection")
    house.until(lambda: house.count("SELECT min(ok_at) FROM connection") > polled + 1_000)
    assert _both_written(house)
    assert house.count("SELECT count(*) FROM outbox WHERE done_at IS NULL") == 0


@pytest.mark.parametrize("house", ["10m"], indirect=True)
def test_a_webhook_is_as_good_as_a_poll(house: House) -> None:
    house.until(lambda: house.count("SELECT count(*) FROM connection WHERE ok_at IS NOT NULL") == 2)
    house.send_webhooks()
    _arrivals(house)
    house.until(lambda: _both_written(house))


@pytest.mark.parametrize("fault", ["status:429", "status:503", "html", "reset", "truncate"])
def test_a_crm_that_fails_stops_no_other_and_loses_nothing(house: House, fault: str) -> None:
    house.until(lambda: house.count("SELECT count(*) FROM connection WHERE ok_at IS NOT NULL") == 2)
    _ask(house.hubspot, "faults", {"path": "/crm/*", "fault": fault})
    house.until(lambda: house.count("SELECT count(*) FROM connection WHERE name = 'support' AND state <> 'ok'") == 1)
    _arrivals(house)
    house.until(lambda: len(house.effects(house.salesforce)) == 1)
    assert house.effects(house.hubspot) == []
    urllib.request.urlopen(urllib.request.Request(f"{house.hubspot.url}/_emulator/faults", method="DELETE"), timeout=10)
    house.until(lambda: _both_written(house))
