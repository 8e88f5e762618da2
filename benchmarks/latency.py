"""From a change in the CRM to the due time that stands in it: median and 99th percentile, by poll and by webhook.

Real processes and real time: the daemon as an administrator starts it, a practice CRM beside it, new leads meanwhile.
"""

from __future__ import annotations

import json
import statistics
import time
import urllib.request
from typing import Any

from benchmarks.measure import table
from benchmarks.practice import TOKEN, daemon, emulator, post

CHANGES = 150
PAUSE_S = 0.4
WAYS = {"by poll, every 10 s": "10s", "by webhook": "60s"}
DUE = {"salesforce": "SLA_Due__c", "hubspot": "sla_due"}


def run() -> None:
    rows = [("change in the CRM to written-back due time", "changes", "median", "p99", "slowest")]
    for crm in ("salesforce", "hubspot"):
        for way, every in WAYS.items():
            taken = sorted(_measure(crm, every, webhooks=way == "by webhook"))
            spots = [statistics.median(taken), taken[int(len(taken) * 0.99)], taken[-1]]
            rows.append((f"{crm} {way}", str(len(taken)), *(f"{spot:.2f} s" for spot in spots)))
    table("Latency", rows)


def _measure(crm: str, poll_every: str, *, webhooks: bool) -> list[float]:
    with emulator(crm, 0) as ready, daemon(crm, ready, poll_every) as address:
        if webhooks:
            post(ready["url"], "webhooks", {"url": f"http://{address}/webhooks/crm{_path(crm)}"})
        time.sleep(2.0)
        made: dict[str, float] = {}
        for number in range(CHANGES):
            made[post(ready["url"], "act", _lead(crm, number))["id"]] = time.time()
            time.sleep(PAUSE_S)
        time.sleep(14.0)
        written = _written(ready["url"], DUE[crm])
    return [written[record] - at for record, at in made.items()]


def _lead(crm: str, number: int) -> dict[str, Any]:
    if crm == "salesforce":
        return {"do": "create", "object": "Lead", "fields": {"LastName": f"N{number}", "Company": "C"}}
    return {"do": "create", "object": "contacts", "fields": {"lastname": f"N{number}", "hs_lead_status": "NEW"}}


def _path(crm: str) -> str:
    return f"/{TOKEN}" if crm == "salesforce" else ""


def _written(url: str, field: str) -> dict[str, float]:
    """When each record first got its due time, in epoch seconds."""
    found: dict[str, float] = {}
    with urllib.request.urlopen(f"{url}/_emulator/effects") as answer:
        for line in answer:
            effect = json.loads(line)
            if effect.get("fields", {}).get(field):
                found.setdefault(effect["id"], _seconds(effect["at"]))
    return found


def _seconds(at: Any) -> float:
    from sla.instant import parse_instant

    return (at if isinstance(at, int) else parse_instant(at)) / 1_000
