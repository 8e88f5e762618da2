"""A practice portal over real HTTP, and a connector that looks at it: what the HubSpot tests share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from connectors.base import Change, WriteBack
from connectors.http import Patience
from connectors.hubspot import HubSpotConnector
from connectors.hubspot.settings import HubSpotSettings
from connectors.secret import Secret
from emulators.core import serve
from emulators.http import Response
from emulators.hubspot import EMULATOR
from sla.model import Event

QUICK = Patience(attempts=3, first_s=0.0, longest_s=4.0)
"""Repeats without waiting."""

WRITE = {
    "first_response_due": "sla_first_response_due",
    "first_response_status": "sla_first_response_status",
    "sla_due": "sla_due",
    "sla_status": "sla_status",
}


def sample(name: str) -> bytes:
    return (Path(__file__).parent / name).read_bytes()


class Desk:
    """``with Desk() as desk``: the emulator is ``desk.portal``, its clock is the connector's."""

    def __init__(self, *, seed: int = 7, records: int = 0, **settings: Any) -> None:
        self.emulator = EMULATOR(seed=seed, records=records)
        self.emulator.limits.search_per_second = None
        self.server = serve(self.emulator)
        self.settings: dict[str, Any] = {
            "connector": "hubspot",
            "url": self.server.url,
            "access_token": Secret(self.emulator.credentials()["access_token"]),
            "write": {"lead": WRITE, "ticket": WRITE},
            "searches_per_second": 1000,
            **settings,
        }
        self.connector = self.connect()

    def connect(self, wanted: Sequence[str] = (), patience: Patience = QUICK, **settings: Any) -> HubSpotConnector:
        model = HubSpotSettings.model_validate({**self.settings, **settings})
        return HubSpotConnector(
            "acme", model, wanted=frozenset(wanted), clock=self.emulator.clock.now_ms, patience=patience
        )

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.connector.close()
        self.server.close()

    @property
    def now(self) -> int:
        return self.emulator.clock.now_ms()

    def pass_time(self, seconds: float) -> None:
        self.emulator.clock.advance(seconds)

    # ---- what people do

    def act(self, do: str, **order: Any) -> dict[str, Any]:
        with self.emulator.lock:
            return self.emulator.act({"do": do, **order})

    def ticket(self, **fields: Any) -> str:
        """A new ticket from a customer; its id."""
        return str(self.act("create", object="tickets", fields={"subject": "Printer on fire", **fields})["id"])

    def contact(self, **fields: Any) -> str:
        asked = {"firstname": "Ada", "lastname": "Byron", "email": "ada@example.test", "hs_lead_status": "NEW"}
        return str(self.act("create", object="contacts", fields={**asked, **fields})["id"])

    def owner(self, first: str) -> str:
        """The owner id of somebody by first name."""
        found = self.emulator.portal.owners.named(first)
        assert found is not None
        return found.id

    def value(self, kind: str, id: str, name: str) -> str:
        record = self.emulator.portal.shelves[kind].find(id)
        assert record is not None
        return record.text(name)

    # ---- what goes wrong, what happened

    def fault(self, fault: str, path: str = "*", **more: Any) -> None:
        self.emulator.faults.add({"fault": fault, "path": path, **more})

    def calls(self) -> dict[str, int]:
        """Counts by method and path since the last time this was asked."""
        with self.emulator.lock:
            counts = dict(self.emulator.counts)
            self.emulator.counts.clear()
        return counts

    def effects(self) -> list[dict[str, Any]]:
        return [line for line in self.emulator.effects.lines() if str(line["by"]).startswith("api:")]

    # ---- what the connector sees

    def poll(self, stream: str, cursor: str | None = None, since: int = 0) -> tuple[list[Change], str]:
        """Every page of a stream until it is complete."""
        changes: list[Change] = []
        while True:
            page = self.connector.poll(stream, cursor, since)
            changes += page.changes
            cursor = page.cursor
            if not page.more:
                return changes, cursor

    def events(self, changes: Sequence[Change]) -> list[Event]:
        return [event for change in changes for event in self.connector.normalise(change).events]


def order(action: str, record: str, key: str = "k1", **more: Any) -> WriteBack:
    return WriteBack(key=key, record=record, action=action, **more)  # type: ignore[arg-type]


def answering(status: int, body: Any, **headers: str) -> Response:
    return Response(status, body if isinstance(body, bytes) else json.dumps(body).encode(), dict(headers))
