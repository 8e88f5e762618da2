"""A daemon's works against a practice CRM in another process, for the benchmarks."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sync.clock import SystemClock
from sync.configuration import load
from sync.works import Works

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


class Practice:
    """The emulator's side: what it counted."""

    def __init__(self, url: str) -> None:
        self.url = url

    def requests(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.url}/_emulator/requests") as answer:
            counts: Any = json.load(answer)
        return (
            {line["method"] + " " + line["path"]: line["count"] for line in counts}
            if isinstance(counts, list)
            else counts
        )


@contextmanager
def emulator(crm: str, records: int) -> Iterator[dict[str, Any]]:
    """A practice CRM in a process of its own, and what it says when it is ready."""
    command = [sys.executable, "-m", "emulators", crm, "--port", "0", "--records", str(records)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def post(url: str, what: str, body: dict[str, Any]) -> Any:
    """An order to a practice CRM's control surface."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/_emulator/{what}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@contextmanager
def works(crm: str, records: int) -> Iterator[tuple[Works, Practice]]:
    """An opened store and its connection to an emulator that holds so many records."""
    with emulator(crm, records) as ready, tempfile.TemporaryDirectory() as folder:
        login = (SALESFORCE if crm == "salesforce" else HUBSPOT).format(**ready["credentials"])
        file = Path(folder, "config.toml")
        file.write_text(CONFIGURATION.format(crm=crm, url=ready["url"], login=login))
        opened = Works(load(file), SystemClock())
        try:
            yield opened, Practice(ready["url"])
        finally:
            opened.close()
