"""Assignment and a watch against the practice Salesforce, over HTTP: members by address, the manager, one customer."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulators.core import Server, serve
from emulators.salesforce import EMULATOR as Salesforce
from sla.instant import parse_instant
from sync.clock import ManualClock
from sync.configuration import load
from sync.daemon import Daemon
from sync.view import View

CONFIGURATION = """
[daemon]
database = "sla.db"

[calendars.always]
timezone = "UTC"
hours = "24x7"

[connections.sales]
connector = "salesforce"
domain = "acme.my"
url = "{url}"
client_id = "{consumer_key}"
client_secret = "{consumer_secret}"
allow_plain_secrets = true
objects = ["Lead"]
fields.customer = "Company"

[people]
"Li@acme.test" = {{ away = ["{today}"] }}

[pools.inside-sales]
members = ["maria@acme.test", "li@acme.test", "sam@acme.test", "alex@acme.test"]
fallback = "queue:Unassigned"

[[policies]]
name = "Leads"
applies_to = "lead"
calendar = "always"
[[policies.targets]]
metric = "first_response"
within = "1h"
steps = [
  {{ at = "due", reassign = "inside-sales" }},
  {{ at = "+1h", reassign = "manager" }},
]

[[watches]]
name = "Same customer again"
breaches = {{ by = "customer", count = 3, within = "7d" }}
task = "Call {{watch.key}}"
"""


class Desk:
    """The practice CRM with a daemon beside it, whose clocks are moved together."""

    def __init__(self, folder: Path) -> None:
        self.emulator = Salesforce()
        self.crm: Server = serve(self.emulator)
        now = self._ask("")["now"]
        # The whole of it happens on one day, by whatever clock the machine has.
        self._ask("advance", {"seconds": 86_400 - parse_instant(now) / 1_000 % 86_400 + 3_600})
        now = self._ask("")["now"]
        self.clock = ManualClock(parse_instant(now))
        text = CONFIGURATION.format(url=self.crm.url, today=now[:10], **self.emulator.credentials())
        (folder / "config.toml").write_text(text)
        self.daemon = Daemon(load(folder / "config.toml"), self.clock, serve=False)
        self.database = folder / "sla.db"
        self.daemon.step()

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        order = urllib.request.Request(f"{self.crm.url}/_emulator/{path}", data, method="POST" if data else "GET")
        with urllib.request.urlopen(order, timeout=10) as answer:
            return json.load(answer)

    def lead(self, name: str) -> str:
        fields = {"LastName": name, "Company": "Globex", "LeadSource": "Web", "OwnerId": "Unassigned"}
        return str(self._ask("act", {"do": "create", "object": "Lead", "fields": fields})["id"])

    def pass_minutes(self, minutes: int, step: int = 10) -> None:
        for _ in range(0, minutes, step):
            now = self._ask("advance", {"seconds": step * 60})["now"]
            self.clock.advance((parse_instant(now) - self.clock.now()) / 1_000)
            self.daemon.step()

    def owner(self, lead: str) -> str:
        """Whose the lead is in the CRM, by name."""
        connector = self.daemon.open().links["sales"].connector
        names = {person.id: person.name for person in connector.people()}
        (event,) = (e for e in connector.normalise(connector.read([f"sales:lead:{lead}"])[0]).events if e.snapshot)
        assert event.set is not None
        return names[event.set["owner"]].partition(" ")[0]

    def effects(self) -> list[tuple[str, dict[str, Any]]]:
        with urllib.request.urlopen(f"{self.crm.url}/_emulator/effects", timeout=10) as answer:
            found = [json.loads(line) for line in answer.read().splitlines()]
        return [(e["object"], e.get("fields") or e.get("task") or {}) for e in found if e["by"].startswith("api:")]

    def close(self) -> None:
        self.daemon.close()
        self.crm.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def test_leads_go_round_the_pool_then_to_the_manager_and_the_customer_is_noticed(desk: Desk) -> None:
    leads = [desk.lead(name) for name in ("One", "Two", "Three")]
    desk.pass_minutes(80)
    assert [desk.owner(lead) for lead in leads] == ["Maria", "Sam", "Maria"]  # Li is away, Alex has left
    desk.pass_minutes(60)
    assert [desk.owner(lead) for lead in leads] == ["Jo", "Jo", "Jo"]
    tasks = [fields["Subject"] for name, fields in desk.effects() if name == "Task"]
    assert [subject.partition("\n")[0] for subject in tasks] == ["Call Globex"]
    view = View.open(desk.database)
    shown = view.record(f"sales:lead:{leads[0]}")
    view.close()
    assert shown is not None
    choices = [row.body["body"] for row in shown.ledger if row.what == "write" and row.body["action"] == "owner"]
    assert [choice["reason"].partition(" user:")[0] for choice in choices] == ["next in turn", "manager of"]
    verdicts = [candidate["verdict"] for candidate in choices[0]["considered"]]
    assert verdicts == ["chosen", "away", "free", "inactive in the CRM"]
    assert "watch" in {row.what for row in shown.ledger}
