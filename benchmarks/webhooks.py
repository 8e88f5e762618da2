"""How soon a webhook is answered: the daemon in a process of its own, polling, judging and writing meanwhile.

Sixteen connections that send one signed or tokened body after another, ten notices each, about records that exist.
A notice is on disk before its answer. Wall-clock time, for a sender waits in it.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from benchmarks.measure import table
from benchmarks.practice import TOKEN, daemon, emulator

CONNECTIONS = 16
RECORDS = int(os.environ.get("RECORDS", "2000"))
SECONDS = float(os.environ.get("SECONDS", "15"))
NOTICES = 10

Body = Callable[[int], tuple[str, dict[str, str], bytes]]


def hubspot(ready: dict[str, Any], address: str) -> Body:
    from connectors.signature import sign_v3

    asked = urllib.request.Request(f"{ready['url']}/crm/v3/objects/contacts?limit=100")
    asked.add_header("Authorization", f"Bearer {ready['credentials']['access_token']}")
    with urllib.request.urlopen(asked) as answer:
        ids = [int(row["id"]) for row in json.load(answer)["results"]]
    secret, portal = ready["webhook_secret"].encode(), int(ready["credentials"]["portal_id"])

    def body(number: int) -> tuple[str, dict[str, str], bytes]:
        now = int(time.time() * 1000)
        events = [
            {"eventId": number * NOTICES + n, "subscriptionId": 1, "portalId": portal, "occurredAt": now - n,
             "subscriptionType": "contact.propertyChange", "objectId": ids[(number + n) % len(ids)],
             "attemptNumber": 0, "propertyName": "hs_lead_status", "propertyValue": str(number)}
            for n in range(NOTICES)
        ]  # fmt: skip
        content = json.dumps(events).encode()
        signature = sign_v3(secret, "POST", f"http://{address}/webhooks/crm", content, str(now))
        headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": str(now)}
        return "/webhooks/crm", headers, content

    return body


def salesforce(ready: dict[str, Any], address: str) -> Body:  # noqa: ARG001
    asked = urllib.request.Request(f"{ready['url']}/services/data/v66.0/query?q=SELECT+Id+FROM+Lead+LIMIT+100")
    asked.add_header("Authorization", f"Bearer {ready['credentials']['access_token']}")
    with urllib.request.urlopen(asked) as answer:
        ids = [row["Id"] for row in json.load(answer)["records"]]
    organization = ready["credentials"]["organization_id"]

    def body(number: int) -> tuple[str, dict[str, str], bytes]:
        parts = "".join(
            f"<Notification><Id>04l{number * NOTICES + n + 1:012d}</Id><sObject xsi:type='sf:Lead'>"
            f"<sf:Id>{ids[(number + n) % len(ids)]}</sf:Id></sObject></Notification>"
            for n in range(NOTICES)
        )
        content = (
            "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'"
            " xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'"
            " xmlns:sf='urn:sobject.enterprise.soap.sforce.com'><e:Body>"
            "<notifications xmlns='http://soap.sforce.com/2005/09/outbound'>"
            f"<OrganizationId>{organization}</OrganizationId>{parts}</notifications></e:Body></e:Envelope>"
        )
        return f"/webhooks/crm/{TOKEN}", {"Content-Type": "text/xml"}, content.encode()

    return body


def load(address: str, body: Body, seconds: float, pause_s: float) -> tuple[list[float], int]:
    """Milliseconds of every answer, and how many were no 200. ``pause_s`` between two bodies of a connection."""
    taken: list[list[float]] = [[] for _ in range(CONNECTIONS)]
    refused = [0] * CONNECTIONS
    until = time.monotonic() + seconds

    def send(which: int) -> None:
        connection = http.client.HTTPConnection(address, timeout=30)
        number = which
        while time.monotonic() < until:
            path, headers, content = body(number)
            number += CONNECTIONS
            began = time.perf_counter()
            connection.request("POST", path, content, headers)
            answer = connection.getresponse()
            answer.read()
            taken[which].append((time.perf_counter() - began) * 1000)
            refused[which] += answer.status != 200
            time.sleep(pause_s)
        connection.close()

    threads = [threading.Thread(target=send, args=(which,)) for which in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for some in taken for one in some], sum(refused)


def run() -> None:
    rows = [("a body of ten notices", "answers/s", "median", "99th", "slowest", "refused")]
    for crm, bodies in (("hubspot", hubspot), ("salesforce", salesforce)):
        with (
            emulator(crm, RECORDS, "--living", "--speed", "60") as ready,
            daemon(crm, ready, "2s") as address,
        ):
            body = bodies(ready, address)
            for name, pause in (("300 a second", CONNECTIONS / 300), ("as fast as it goes", 0.0)):
                taken, refused = load(address, body, SECONDS, pause)
                taken.sort()
                rows.append(
                    (
                        f"{crm}, {name}",
                        f"{len(taken) / SECONDS:.0f}",
                        f"{statistics.median(taken):.1f} ms",
                        f"{taken[int(len(taken) * 0.99)]:.0f} ms",
                        f"{taken[-1]:.0f} ms",
                        str(refused),
                    )
                )
    table(f"Webhooks answered while the daemon polls and writes ({CONNECTIONS} connections)", rows)


if __name__ == "__main__":
    run()
