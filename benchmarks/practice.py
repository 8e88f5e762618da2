"""A daemon's works against a practice CRM in another process, for the benchmarks."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sync.clock import SystemClock
from sync.configuration import load
from sync.works import Works

TOKEN = "benchmark-token-of-more-than-32-characters"
"""What the address of Salesforce's outbound messages ends in."""

CONFIGURATION = """
[daemon]
database = "sla.db"
mode = "live"

[calendars.office]
timezone = "America/New_York"
hours = {{ mon-fri = "09:00-17:00" }}
holidays = ["US"]

[connections.crm]
connector = "{crm}"
url = "{url}"
allow_plain_secrets = true
enforce_from = 2000-01-01T00:00:00Z
{login}

[[policies]]
name = "Leads"
applies_to = "lead"
calendar = "office"
[[policies.targets]]
metric = "first_response"
within = "4h"
[[policies.targets]]
metric = "resolution"
within = "5bd"
"""

SALESFORCE = """domain = "practice.my"
client_id = "{consumer_key}"
client_secret = "{consumer_secret}"
objects = ["Lead"]
answers = []
write.lead = {{ sla_due = "SLA_Due__c", sla_status = "SLA_Status__c" }}"""

HUBSPOT = """access_token = "{access_token}"
objects = ["contacts"]
answers = []
write.lead = {{ sla_due = "sla_due", sla_status = "sla_status" }}"""


EVERYTHING = {
    "salesforce": """domain = "practice.my"
client_id = "{consumer_key}"
client_secret = "{consumer_secret}"
write.lead = {{ sla_due = "SLA_Due__c", sla_status = "SLA_Status__c" }}
write.ticket = {{ sla_due = "SLA_Due__c", sla_status = "SLA_Status__c" }}""",
    "hubspot": """access_token = "{access_token}"
answers = ["emails", "calls", "meetings", "conversations"]
write.lead = {{ sla_due = "sla_due", sla_status = "sla_status" }}
write.ticket = {{ sla_due = "sla_due", sla_status = "sla_status" }}""",
}
"""Connections that watch all objects and all sources of answers."""

TICKETS = CONFIGURATION[CONFIGURATION.index("[[policies]]") :].replace("Leads", "Tickets").replace('"lead"', '"ticket"')


class MovedClock(SystemClock):
    """The machine's own clock, and what it was moved ahead by."""

    ahead_ms = 0

    def now(self) -> int:
        return super().now() + self.ahead_ms


class Practice:
    """The emulator's side: what it counted, and the clock that it shares with the daemon's works."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = MovedClock()

    def pass_time(self, seconds: float) -> None:
        """Both sides' clocks move on by so much."""
        post(self.url, "advance", {"seconds": seconds})
        self.clock.ahead_ms += int(seconds * 1_000)

    def requests(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.url}/_emulator/requests") as answer:
            counts: Any = json.load(answer)
        return (
            {line["method"] + " " + line["path"]: line["count"] for line in counts}
            if isinstance(counts, list)
            else counts
        )

    def total(self) -> int:
        return sum(self.requests().values())


@contextmanager
def emulator(crm: str, records: int, *more: str) -> Iterator[dict[str, Any]]:
    """A practice CRM in a process of its own, started with ``more`` options, and what it says when it is ready."""
    command = [sys.executable, "-m", "emulators", crm, "--port", "0", "--records", str(records), *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


@contextmanager
def daemon(crm: str, ready: dict[str, Any], poll_every: str) -> Iterator[str]:
    """A daemon in a process of its own over a practice CRM, watching leads and taking webhooks; its host and port."""
    login = (SALESFORCE if crm == "salesforce" else HUBSPOT).format(**ready["credentials"])
    if crm == "salesforce":
        login += f'\nwebhook = {{ token = "{TOKEN}", organization = "{ready["webhook_secret"]}" }}'
    else:
        login += f'\nwebhook_secret = "{ready["webhook_secret"]}"'
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    text = CONFIGURATION.format(crm=crm, url=ready["url"], login=f'{login}\npoll_every = "{poll_every}"')
    text = text.replace("[daemon]", f'[daemon]\nlisten = "{address}"\npublic_url = "http://{address}"')
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "config.toml")
        file.write_text(text)
        run = [sys.executable, "-m", "console", "run", "--config", str(file)]
        running = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _until_ready(address)
            yield address
        finally:
            running.terminate()
            running.wait()


def _until_ready(address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://{address}/readyz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the daemon did not become ready")


def post(url: str, what: str, body: dict[str, Any]) -> Any:
    """An order to a practice CRM's control surface."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/_emulator/{what}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@contextmanager
def works(crm: str, records: int, *, everything: bool = False) -> Iterator[tuple[Works, Practice]]:
    """An opened store and its connection to an emulator that holds so many records; it watches leads alone, or
    ``everything``."""
    with emulator(crm, records) as ready, tempfile.TemporaryDirectory() as folder:
        leads = SALESFORCE if crm == "salesforce" else HUBSPOT
        login = (EVERYTHING[crm] if everything else leads).format(**ready["credentials"])
        file = Path(folder, "config.toml")
        text = CONFIGURATION.format(crm=crm, url=ready["url"], login=login)
        file.write_text(text + TICKETS if everything else text)
        practice = Practice(ready["url"])
        opened = Works(load(file), practice.clock)
        try:
            yield opened, practice
        finally:
            opened.close()
