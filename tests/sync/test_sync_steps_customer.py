"""The ladder of docs/steps.md against the emulated CRMs, over HTTP: reminded twice, closed after five working days."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from emulators.core import Emulator, Server, serve
from emulators.hubspot import EMULATOR as HubSpot
from emulators.salesforce import EMULATOR as Salesforce
from sla.instant import DAY, HOUR, MINUTE, format_instant, parse_instant
from sync.clock import ManualClock
from sync.configuration import load
from sync.daemon import Daemon
from sync.view import RecordView, View

PAGE = (Path(__file__).resolve().parents[2] / "docs/steps.md").read_text()
(LADDER,) = re.findall(r"<!-- tests/sync/test_sync_steps_customer.py runs this -->\n```toml\n(.*?)```", PAGE, re.DOTALL)
FIRST = "Did our last message help? We are waiting for your answer."
SECOND = "We have not heard from you for two days. We close this request after five working days."
CLOSED = "Closed: no answer for five working days"

SALESFORCE = """
[connections.desk]
connector = "salesforce"
domain = "acme.my"
url = "{url}"
client_id = "{consumer_key}"
client_secret = "{consumer_secret}"
allow_plain_secrets = true
objects = ["Case"]
"""
HUBSPOT = """
[connections.desk]
connector = "hubspot"
url = "{url}"
access_token = "{access_token}"
allow_plain_secrets = true
objects = ["tickets"]
searches_per_second = 50
sender = "{sender}"
"""


class Effect(NamedTuple):
    """What the sidecar did, and at which hour after the wait began."""

    hour: int
    what: str


class Desk:
    """One emulated CRM with a daemon beside it, whose clocks are moved together."""

    def __init__(self, folder: Path, emulator: Emulator, ladder: str = LADDER) -> None:
        self.crm: Server = serve(emulator)
        monday = self._monday(self._ask("")["now"])
        self.clock = ManualClock(monday)
        login = {"url": self.crm.url, "sender": "", **emulator.credentials()}
        if isinstance(emulator, HubSpot):
            emulator.limits.search_per_second = None
            people = emulator.portal.owners.people()
            self.agent, login["sender"] = people[0].id, people[1].id
        document = HUBSPOT if isinstance(emulator, HubSpot) else SALESFORCE
        file = folder / "config.toml"
        file.write_text(f'[daemon]\ndatabase = "sla.db"\n{document.format(**login)}{ladder}')
        self.daemon = Daemon(load(file), self.clock, serve=False)
        self.database = folder / "sla.db"
        self.daemon.step()
        self.began = monday

    def _monday(self, now: str) -> int:
        """The emulator's clock is moved to the next Monday, ten o'clock."""
        at = parse_instant(now)
        monday = (at // DAY + 1) * DAY
        while (monday // DAY + 3) % 7:  # 1 January 1970 was a Thursday
            monday += DAY
        self._ask("advance", {"seconds": (monday + 10 * HOUR - at) / 1_000})
        return monday + 10 * HOUR

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        order = urllib.request.Request(f"{self.crm.url}/_emulator/{path}", data, method="POST" if data else "GET")
        with urllib.request.urlopen(order, timeout=10) as answer:
            return json.load(answer)

    def act(self, do: str, **order: Any) -> dict[str, Any]:
        return dict(self._ask("act", {"do": do, **order}))

    def pass_time(self, hours: float, steps: int = 1) -> None:
        for _ in range(steps):
            now = self._ask("advance", {"seconds": hours / steps * 3_600})["now"]
            self.clock.advance((parse_instant(now) - self.clock.now()) / 1_000)
            self.daemon.step()
            self.daemon.step()

    def effects(self) -> list[Effect]:
        with urllib.request.urlopen(f"{self.crm.url}/_emulator/effects", timeout=10) as answer:
            found = [json.loads(line) for line in answer.read().splitlines()]
        return [
            Effect((parse_instant(line["at"]) - self.began) // HOUR, _said(line))
            for line in found
            if line["by"].startswith("api:")
        ]

    def record(self, name: str) -> RecordView:
        view = View.open(self.database)
        try:
            found = view.record(name)
            assert found is not None
            return found
        finally:
            view.close()

    def close(self) -> None:
        self.daemon.close()
        self.crm.close()


def _said(line: dict[str, Any]) -> str:
    """An effect in a few words, whichever CRM it is of."""
    fields = line.get("fields") or line.get("note") or {}
    match line["object"]:
        case "messages":
            return f"to the customer: {fields['text']}"
        case "CaseComment":
            text = fields["CommentBody"].partition("\n[")[0]
            return f"to the customer: {text}" if fields["IsPublished"] else f"note: {text}"
        case "notes":
            return f"note: {fields['hs_note_body'].partition(' [')[0]}"
    return "closed" if {"hs_pipeline_stage", "Status"} & fields.keys() else str(fields)


class Salesforces:
    """What people do in Salesforce."""

    emulator = Salesforce

    @staticmethod
    def ticket(desk: Desk) -> str:
        case = desk.act("create", object="Case", fields={"Subject": "It is broken", "Origin": "Email"})["id"]
        desk.act("message", id=case)
        desk.act("message", id=case, direction="outbound")
        return str(case)

    @staticmethod
    def wait(desk: Desk, ticket: str) -> None:
        desk.act("update", id=ticket, fields={"Status": "Waiting on Customer"})

    @staticmethod
    def customer_writes(desk: Desk, ticket: str) -> None:
        desk.act("message", id=ticket)


class HubSpots:
    """What people do in HubSpot."""

    emulator = HubSpot

    @staticmethod
    def ticket(desk: Desk) -> str:
        contact = desk.act("create", object="contacts", fields={"email": "ann@example.test"})["id"]
        ends = [{"object": "contacts", "id": contact}]
        fields = {"subject": "It is broken", "hubspot_owner_id": desk.agent}
        ticket = desk.act("create", object="tickets", fields=fields, associations=ends)["id"]
        desk.act("message", object="tickets", id=ticket)
        desk.act("message", object="tickets", id=ticket, direction="outbound", by=desk.agent)
        return str(ticket)

    @staticmethod
    def wait(desk: Desk, ticket: str) -> None:
        desk.act("update", object="tickets", id=ticket, stage="customer", by=desk.agent)

    @staticmethod
    def customer_writes(desk: Desk, ticket: str) -> None:
        desk.act("message", object="tickets", id=ticket)


@pytest.fixture(params=[Salesforces, HubSpots])
def vendor(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def desk(vendor: Any, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, vendor.emulator())
    yield made
    made.close()


def waiting(desk: Desk, vendor: Any) -> str:
    ticket = vendor.ticket(desk)
    desk.pass_time(0.01)
    vendor.wait(desk, ticket)
    desk.pass_time(0.01)
    return str(ticket)


def test_a_customer_who_says_nothing_is_reminded_twice_and_then_let_go(desk: Desk, vendor: Any) -> None:
    ticket = waiting(desk, vendor)
    desk.pass_time(8 * 24, steps=16)
    assert desk.effects() == [
        Effect(24, f"to the customer: {FIRST}"),
        Effect(48, f"to the customer: {SECOND}"),
        Effect(168, f"note: {CLOSED}"),
        Effect(168, "closed"),
    ]
    shown = desk.record(f"desk:ticket:{ticket}")
    assert {(clock.target, clock.state) for clock in shown.clocks} == {("Reminders", "stopped"), ("Closing", "stopped")}
    assert shown.state["status"] == "closed"
    closing = next(clock for clock in shown.clocks if clock.target == "Closing")
    assert closing.breached_at is not None
    assert 0 <= closing.breached_at - (desk.began + 7 * DAY) < 5 * MINUTE, format_instant(closing.breached_at)


def test_our_own_reminder_neither_answers_nor_ends_the_wait(desk: Desk, vendor: Any) -> None:
    ticket = waiting(desk, vendor)
    desk.pass_time(30, steps=5)
    before = desk.record(f"desk:ticket:{ticket}")
    assert [effect.what for effect in desk.effects()] == [f"to the customer: {FIRST}"]
    assert {(clock.target, clock.state, clock.outcome) for clock in before.clocks} == {
        ("Reminders", "running", "missed"),
        ("Closing", "running", None),
    }
    assert before.state["last_answer_at"] < desk.began + HOUR
    ours = [event for event in before.events if event.actor == "system:sla-sidecar" and event.event == "message"]
    assert len(ours) == 1


def test_a_customer_who_answers_is_neither_reminded_nor_let_go(desk: Desk, vendor: Any) -> None:
    ticket = waiting(desk, vendor)
    desk.pass_time(30, steps=5)
    vendor.customer_writes(desk, ticket)
    desk.pass_time(8 * 24, steps=16)
    assert [effect.what for effect in desk.effects()] == [f"to the customer: {FIRST}"]
    shown = desk.record(f"desk:ticket:{ticket}")
    assert {(clock.target, clock.state) for clock in shown.clocks} == {("Reminders", "stopped"), ("Closing", "stopped")}
