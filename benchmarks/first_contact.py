"""First contact with a CRM that holds 200,000 records: calls, time and memory of the process that reads them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import table
from benchmarks.practice import CONFIGURATION, HUBSPOT, SALESFORCE, Practice, emulator
from sync.view import View

SEEDED = {"salesforce": 390_000, "hubspot": 286_000}
"""Of a practice CRM's records a half (Salesforce) or seven in ten (HubSpot) are the leads that are read here."""


def run() -> None:
    rows = [("first contact", "records", "calls", "time", "records/s", "memory at most")]
    for crm, login in (("salesforce", SALESFORCE), ("hubspot", HUBSPOT)):
        with emulator(crm, SEEDED[crm]) as ready, tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "config.toml")
            given = login.format(**ready["credentials"])
            text = CONFIGURATION.format(crm=crm, url=ready["url"], login=given)
            file.write_text(text.replace('mode = "live"', 'mode = "shadow"'))
            began = time.monotonic()
            memory = _once(file)
            taken = time.monotonic() - began
            calls = sum(Practice(ready["url"]).requests().values())
            records = View.open(Path(folder, "sla.db")).summary().records
        rows.append(
            (crm, f"{records:,}", f"{calls:,}", f"{taken:.0f} s", f"{records / taken:,.0f}", f"{memory:.0f} MB")
        )
    table("First contact (`once`, everything read, understood and judged; the practice CRM shares the machine)", rows)


def _once(file: Path) -> float:
    """Runs one round in a process of its own. Returns its largest resident memory in MB."""
    daemon = subprocess.Popen(
        [sys.executable, "-m", "console", "once", "--config", str(file)], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(daemon.pid, 0)
    if status:
        raise SystemExit(f"once ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss / 1_024
