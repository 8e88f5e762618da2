"""A daemon to be killed: ``python sync_kill_runner.py JSON``, then a line on standard input for every start.

Everything is imported once; each start forks, so that a kill costs a tenth of a second and not a whole interpreter.
For every line it prints the daemon's process id, and ``gone`` when that process has ended.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import apscheduler.executors.pool
import apscheduler.schedulers.background
import apscheduler.triggers.interval  # noqa: F401 - imported before the first fork

import connectors
import sync.delivery
from connectors.secret import Secret
from sla.policy import Policies
from sync.clock import SystemClock
from sync.configuration_shape import Configuration, ConnectionEntry, DaemonEntry, MemberEntry, PoolEntry
from sync.daemon import Daemon

POLICY = """
[calendars.always]
timezone = "UTC"
hours = "24x7"

[[policies]]
name = "Killed"
applies_to = "lead"
calendar = "always"
actions_per_hour = 1000000
[[policies.targets]]
metric = "first_response"
within = "1s"
steps = [{ at = "due", task = "Call them" }]
[[policies.targets]]
metric = "resolution"
within = "1s"
steps = [{ at = "due", reassign = "sales" }]
"""

WRITE = {
    "salesforce": {
        "first_response_due": "SLA_First_Response_Due__c",
        "first_response_status": "SLA_First_Response_Status__c",
        "sla_status": "SLA_Status__c",
        "sla_policy": "SLA_Policy__c",
    },
    "hubspot": {
        "first_response_due": "sla_first_response_due",
        "first_response_status": "sla_first_response_status",
        "sla_status": "sla_status",
        "sla_policy": "sla_policy",
    },
}


def settings(order: Mapping[str, Any]) -> dict[str, Any]:
    """The connection's table, secrets fetched."""
    name, told = order["name"], order["credentials"]
    table: dict[str, Any] = {"url": order["url"], "overlap": "3s", "write": {"lead": WRITE[name]}}
    if name == "salesforce":
        secret = Secret(told["consumer_secret"])
        return {**table, "domain": "acme.my", "client_id": told["consumer_key"], "client_secret": secret,
                "objects": ["Lead"]}  # fmt: skip
    return {**table, "access_token": Secret(told["access_token"]), "objects": ["contacts"], "searches_per_second": 50}


def configuration(order: Mapping[str, Any]) -> Configuration:
    document = tomllib.loads(POLICY)
    table = settings(order)
    entry = ConnectionEntry("crm", order["name"], order["poll_every_s"], 0, table, (), lambda: table)
    members = tuple(MemberEntry(f"{who}@acme.test") for who in ("maria", "li"))
    database = Path(order["database"])
    return Configuration(
        path=database.with_suffix(".toml"),
        daemon=DaemonEntry(database, tick_every_s=order["tick_every_s"]),
        connections={"crm": entry},
        pools={"sales": PoolEntry("sales", members)},
        policies=Policies.from_config(document),
        document=document,
        source=POLICY,
    )


def main() -> None:
    order = json.loads(sys.argv[1])
    # The practice CRM is at most a twentieth of a second late, and a daemon that lives half a second cannot rest two.
    sync.delivery.REST_MS = 150
    logging.basicConfig(filename=order["log"], level=logging.INFO, format="%(process)d %(asctime)s %(message)s")
    made = configuration(order)
    made_once = connectors.build("crm", order["name"], settings(order), wanted=frozenset(), clock=SystemClock().now)
    made_once.check()  # logs in and looks around once: the vendor's library is imported before the first fork
    made_once.close()
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                Daemon(made, rng=Random(), serve=False).run()
            except BaseException:
                logging.exception("the daemon failed")
            finally:
                os._exit(1)
        print(child, flush=True)  # noqa: T201 - the protocol
        os.waitpid(child, 0)
        print("gone", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
