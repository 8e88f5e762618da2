"""A practice org to read and write: a served emulator, a connection to it, and nobody waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.http import IMPATIENT
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceSettings
from emulators.core import serve
from emulators.salesforce import EMULATOR

WRITE = {
    "first_response_due": "SLA_First_Response_Due__c",
    "sla_due": "SLA_Due__c",
    "sla_status": "SLA_Status__c",
    "sla_policy": "SLA_Policy__c",
}


@dataclass
class Org:
    """An emulated org and how to connect to it."""

    emulator: Any
    url: str
    credentials: dict[str, str]

    def settings(self, **more: Any) -> dict[str, Any]:
        """A connection table with the client credentials login; ``None`` takes a key out."""
        table: dict[str, Any] = {
            "connector": "salesforce",
            "domain": "acme.my",
            "client_id": self.credentials["consumer_key"],
            "client_secret": self.credentials["consumer_secret"],
            "url": self.url,
            "timeouts": {"connect": "2s", "read": "2s", "total": "4s"},
            "write": {"lead": WRITE, "ticket": WRITE},
        }
        return {key: value for key, value in {**table, **more}.items() if value is not None}

    def connect(self, *wanted: str, **more: Any) -> SalesforceConnector:
        settings = SalesforceSettings.model_validate(self.settings(**more))
        return SalesforceConnector(
            "acme", settings, wanted=frozenset(wanted), clock=self.emulator.clock.now_ms, patience=IMPATIENT,
            pause=self.emulator.clock.advance,
        )  # fmt: skip

    def act(self, do: str, **order: Any) -> str:
        """Somebody does something in the CRM; returns the id it is about."""
        return str(self.emulator.act({"do": do, **order})["id"])

    def create(self, name: str, by: str | None = None, **fields: Any) -> str:
        usual = {"Lead": {"LastName": "Doe", "Company": "Doe Ltd"}, "Case": {"Subject": "Help"}}.get(name, {})
        order: dict[str, Any] = {"object": name, "fields": {**usual, **fields}}
        return self.act("create", **order, **({"by": by} if by else {}))

    def fault(self, fault: str, path: str, **more: Any) -> None:
        self.emulator.faults.add({"fault": fault, "path": path, **more})

    def setup(self, **order: Any) -> None:
        self.emulator.act({"do": "setup", **order})

    def remove_object(self, name: str) -> None:
        """The org does not have this object, or hides it."""
        store = self.emulator.store
        store.tables = {key: table for key, table in store.tables.items() if key != name.lower()}

    def row(self, id: str) -> dict[str, Any]:
        found = self.emulator.store.find(id)
        assert found is not None
        return dict(found)

    def effects(self) -> list[dict[str, Any]]:
        """What the API did, people's own doings left out."""
        return [line for line in self.emulator.effects.lines() if line["by"].startswith("api:")]

    def calls(self) -> int:
        return sum(self.emulator.counts.values())

    def agent(self, number: int = 0) -> str:
        return f"user:{self.emulator.cast.agents[number]}"


@pytest.fixture
def org() -> Iterator[Org]:
    emulator = EMULATOR(seed=1)
    server = serve(emulator)
    yield Org(emulator, server.url, emulator.credentials())
    server.close()


@pytest.fixture
def acme(org: Org) -> SalesforceConnector:
    return org.connect()


Drain = Callable[..., tuple[list[Any], str]]


@pytest.fixture
def drain() -> Drain:
    """Polls a stream until there is no more: the changes, and the cursor to go on from."""

    def run(connector: Any, stream: str, cursor: str | None = None, since: int = 0) -> tuple[list[Any], str]:
        changes: list[Any] = []
        while True:
            page = connector.poll(stream, cursor, since)
            changes += page.changes
            cursor = page.cursor
            if not page.more:
                return changes, page.cursor

    return run
