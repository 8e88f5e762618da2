"""A small office for the tests of ``sync``: an in-memory CRM, a real SQLite file, a clock that is moved by hand."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from connectors.base import Connector
from connectors.memory import MemoryConnector, MemoryCrm
from sla.figures.watch_section import read_watches
from sla.instant import parse_instant
from sla.policy import Policies
from sla.problem import Collector
from sync.clock import ManualClock
from sync.configuration_shape import Configuration, ConnectionEntry, DaemonEntry, MemberEntry, PoolEntry
from sync.configuration_webhook import WebhookEntry
from sync.view import View
from sync.works import Works

MONDAY_NINE = parse_instant("2026-03-02T09:00:00Z")
MINUTE = 60_000

LEADS = """
[calendars.always]
timezone = "UTC"
hours = "24x7"

[[policies]]
name = "Inbound leads"
applies_to = "lead"
calendar = "always"
stage = "enforce"
[[policies.targets]]
metric = "first_response"
within = "60m"
steps = [
  { at = "50%", notify = "owner" },
  { at = "75%", task = "Call {record.name} now" },
  { at = "due", reassign = "sales" },
]
"""

WRITE = {"lead": {"first_response_due": "Due__c", "first_response_status": "Status__c", "sla_status": "Sla__c"}}


def configuration(
    database: Path,
    document: str = LEADS,
    *,
    connections: tuple[str, ...] = ("crm",),
    mode: str = "live",
    enforce_from: int | None = MONDAY_NINE - 60 * MINUTE,
    write: Mapping[str, Mapping[str, str]] = WRITE,
    pools: Mapping[str, PoolEntry] | None = None,
    tick_every_s: float = 1.0,
    listen: str = "127.0.0.1:0",
    webhooks: Mapping[str, WebhookEntry] | None = None,
) -> Configuration:
    """A configuration as the file reader would give it."""
    read = tomllib.loads(document)
    table = {"connector": "memory", "write": {kind: dict(names) for kind, names in write.items()}}
    sales = PoolEntry("sales", (MemberEntry("user:ann"), MemberEntry("ben@acme.test")), fallback="queue:Unassigned")
    return Configuration(
        path=database.with_suffix(".toml"),
        daemon=DaemonEntry(database, listen=listen, mode=mode, tick_every_s=tick_every_s),  # type: ignore[arg-type]
        connections={
            name: ConnectionEntry(name, "memory", 1.0, enforce_from, table, (), lambda: table) for name in connections
        },
        pools={"sales": sales} if pools is None else pools,
        policies=Policies.from_config(read),
        document=read,
        source=document,
        webhooks=webhooks or {},
        watches=read_watches(read.get("watches", []), Collector()),
    )


class Scene:
    """One daemon's world. ``restart`` is what a crash and a new start look like from outside."""

    def __init__(self, folder: Path, **given: Any) -> None:
        self.clock = ManualClock(MONDAY_NINE)
        self.database = folder / "sla.db"
        self._given = given
        names = given.get("connections", ("crm",))
        self.crms = {name: MemoryCrm(self.clock.now) for name in names}
        self.crm = self.crms[names[0]]
        for crm in self.crms.values():
            crm.person("user:ann", name="Ann", email="ann@acme.test")
            crm.person("user:ben", name="Ben", email="ben@acme.test")
            crm.person("user:cem", name="Cem", email="cem@acme.test")
            crm.person("queue:9", name="Unassigned")
        self.wrap: Callable[[Connector], Connector] = lambda connector: connector
        self.works = self._open()

    def _open(self) -> Works:
        made = configuration(self.database, **self._given)
        wanted = made.policies.fields.union(*(watch.fields for watch in made.watches))
        ready = {name: self.wrap(MemoryConnector(name, crm, wanted=wanted)) for name, crm in self.crms.items()}
        return Works(made, self.clock, ready=ready, rng=Random(7))

    def restart(self, **given: Any) -> None:
        """The process ends, however it ends, and starts again on the same file."""
        self._given.update(given)
        self.close()
        self.works = self._open()

    def close(self) -> None:
        # Only the handles are given up, as a kill does; nothing is finished.
        self.works.store.close()
        self.works._lock.release()

    def round(self, minutes: float = 0) -> None:
        """Time passes; then everything once, and what it brought once more."""
        self.clock.advance(minutes * 60)
        self.works.round()

    def minutes(self, count: int, step: int = 1) -> None:
        """Rounds every ``step`` minutes."""
        for _ in range(0, count, step):
            self.round(step)

    def view(self) -> View:
        return View.open(self.database)

    def effects(self, action: str | None = None) -> list[tuple[str, str, dict[str, Any]]]:
        """What took effect in the CRM: action, record, what."""
        found = [effect for effect in self.crm.effects if action in (None, effect.action)]
        return [(effect.action, f"{effect.kind}:{effect.id}", effect.what) for effect in found]

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """A question to the file itself."""
        return self.works.store.read(lambda t: t.rows(sql, parameters))
