"""``check`` against both practice CRMs: all at once, in time also when one hangs, in the same order each time."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console import check_live
from console.__main__ import run
from emulators.core import Server, serve
from emulators.hubspot import EMULATOR as HubSpot
from emulators.salesforce import EMULATOR as Salesforce
from sync.configuration import load
from sync.daemon import Daemon

FILE = """
[daemon]
mode = "shadow"

[calendars.always]
timezone = "UTC"
hours = "24x7"

[connections.sales]
connector = "salesforce"
domain = "acme.my"
url = "{salesforce}"
client_id = "{consumer_key}"
client_secret = "{consumer_secret}"
allow_plain_secrets = true
write.lead = {{ first_response_due = "SLA_First_Response_Due__c" }}

[connections.desk]
connector = "hubspot"
url = "{hubspot}"
access_token = "{access_token}"
allow_plain_secrets = true

[pools.inside-sales]
members = ["maria@acme.test", "Li Wei", "alex@acme.test"]
fallback = "queue:Unasigned"

[[policies]]
name = "Leads"
applies_to = "lead"
calendar = "always"
[[policies.targets]]
metric = "first_response"
within = "2h"
steps = [{{ at = "due", reassign = "inside-sales" }}]
"""


class Office:
    def __init__(self, folder: Path) -> None:
        self.servers: list[Server] = [serve(Salesforce()), serve(HubSpot())]
        salesforce, hubspot = self.servers
        credentials = salesforce.emulator.credentials() | {
            "access_token": hubspot.emulator.credentials()["access_token"]
        }
        self.file = folder / "config.toml"
        self.text = FILE.format(salesforce=salesforce.url, hubspot=hubspot.url, **credentials)
        self.write()

    def write(self, *changes: tuple[str, str]) -> None:
        text = self.text
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        self.file.write_text(text)

    def hang(self, number: int, path: str, seconds: float) -> None:
        self.servers[number].emulator.faults.add({"fault": "latency", "path": path, "seconds": seconds})


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    for server in made.servers:
        server.close()


@pytest.fixture
def check(office: Office, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    def call(*options: str) -> tuple[int, dict[str, Any]]:
        code = run(["check", "--config", str(office.file), "--json", *options])
        return code, json.loads(capsys.readouterr().out)

    return call


def test_names_in_the_file_are_held_against_both_crms(office: Office, check: Any) -> None:
    code, told = check()
    named = [(one["level"], one["message"].split(": ", 1)[1], one["fix"]) for one in told["findings"]
             if one["subject"] == "names"]  # fmt: skip
    assert code == 1
    assert named == [
        ("warn", "'alex@acme.test' is inactive in the CRM", "name somebody who is active"),
        ("fail", "nobody is called 'queue:Unasigned' in the CRM", 'did you mean "queue:Unassigned"?'),
    ]
    office.write((', "alex@acme.test"', ""), ("Unasigned", "Unassigned"))
    _, told = check()
    good = [one for one in told["findings"] if one["subject"] == "names"]
    assert [(one["level"], one["message"]) for one in good] == [("ok", "all 3 that the file names are known")]


def test_the_order_is_that_of_the_file_whoever_answers_first(office: Office, check: Any) -> None:
    office.hang(0, "/services/oauth2/token", 0.2)
    _, told = check()
    order = list(dict.fromkeys(one["connection"] for one in told["findings"]))
    assert order == [None, "sales", "desk"]
    assert told["findings"][-1]["subject"] == "names"


def test_a_crm_that_hangs_is_silent_in_time_and_the_others_are_looked_at(
    office: Office, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_live, "WITHIN_S", 0.4)
    office.hang(0, "/services/oauth2/token", 2)
    begun = time.monotonic()
    code, told = check()
    assert time.monotonic() - begun < 1.5
    silent = [one for one in told["findings"] if one["connection"] == "sales"]
    assert [(one["subject"], one["unreachable"]) for one in silent] == [("connection", True)]
    assert silent[0]["message"] == (
        "no answer within 0.4 s; not known: login, permissions, fields, statuses, quota and clock; "
        "the people, queues and teams that the file names"
    )
    assert {one["level"] for one in told["findings"] if one["connection"] == "desk"} == {"ok"}
    doubtful = [one for one in told["findings"] if one["subject"] == "names"]
    assert [one["level"] for one in doubtful] == ["warn", "warn"]
    assert "sales gave no answer" in doubtful[1]["message"]
    assert code == 3


def test_nobody_is_asked_for_their_people_after_a_refused_login(office: Office, check: Any) -> None:
    office.write(('client_secret = "', 'client_secret = "wrong'))
    code, told = check()
    assert [one["subject"] for one in told["findings"] if one["connection"] == "sales"] == ["login"]
    assert code == 1


def test_a_webhook_that_cannot_come_is_told(office: Office, check: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    office.write(
        ("[daemon]\n", f'[daemon]\npublic_url = "http://127.0.0.1:{port}"\n'),
        ('connector = "hubspot"\n', 'connector = "hubspot"\nwebhook_secret = "top"\n'),
    )
    _, told = check()
    hooks = [one for one in told["findings"] if one["subject"] == "webhook"]
    assert [(one["connection"], one["level"], one["fix"]) for one in hooks] == [
        ("desk", "fail", "start the daemon, and lead the public address to daemon.listen")
    ]


def test_the_way_of_both_crms_webhooks_is_tried_while_the_daemon_runs(office: Office, check: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    organization = office.servers[0].emulator.credentials()["organization_id"]
    office.write(
        ("[daemon]\n", f'[daemon]\nlisten = "127.0.0.1:{port}"\npublic_url = "http://127.0.0.1:{port}"\n'),
        ('connector = "hubspot"\n', 'connector = "hubspot"\nwebhook_secret = "top"\n'),
        (
            'connector = "salesforce"\n',
            f'connector = "salesforce"\nwebhook = {{ token = "{"t" * 43}", organization = "{organization}" }}\n',
        ),
    )
    daemon = Daemon(load(office.file))
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        assert daemon.ready.wait(20)
        _, told = check()
        office.file.write_text(office.file.read_text().replace('"top"', '"another"'))
        _, later = check()
    finally:
        daemon.stop()
        thread.join(15)
    tried = [(one["connection"], one["level"]) for one in told["findings"] if "came back" in one["message"]]
    assert tried == [("sales", "ok"), ("desk", "ok")]
    wrong = [one for one in later["findings"] if one["subject"] == "webhook" and one["level"] == "fail"]
    assert [(one["connection"], one["message"]) for one in wrong] == [
        ("desk", "the daemon at the public address refuses what we sign")
    ]


def test_a_fault_of_our_own_is_not_dressed_up(office: Office, check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_live.Inspection, "_people", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        check()


@pytest.mark.slow
def test_a_line_far_away_is_checked_in_fifteen_seconds(office: Office, check: Any) -> None:
    for number in (0, 1):
        office.hang(number, "/", 0.3)
    begun = time.monotonic()
    check()
    assert time.monotonic() - begun < 15
