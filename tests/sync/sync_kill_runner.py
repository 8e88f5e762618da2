"""A daemon to be killed: ``python sync_kill_runner.py JSON``, then a line of JSON on standard input for every start:
orders that differ from the first ones.

Everything is imported once; each start forks, so that a kill costs a tenth of a second and not a whole interpreter.
For every line it prints the daemon's process id, and ``gone`` when that process has ended.
"""

from __future__ import annotations

import json
import logging
import os
import signal
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
import sync.secrets
from connectors.salesforce import loading, names
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
    name, told, database = order["name"], order["credentials"], Path(order["database"])
    table: dict[str, Any] = {"url": order["url"], "overlap": "3s", "write": {"lead": WRITE[name]}}
    if order.get("rotated"):  # by OAuth, with a refresh token that every login ends
        token = sync.secrets.resolve(f"file:{database.with_suffix('.token')}", database.parent)
        if name == "salesforce":
            secret = Secret(told["consumer_secret"])
            return {**table, "domain": "acme.my", "client_id": told["consumer_key"], "client_secret": secret,
                    "refresh_token": token, "objects": ["Lead"]}  # fmt: skip
        secret = Secret(told["client_secret"])
        return {**table, "client_id": told["client_id"], "client_secret": secret, "refresh_token": token,
                "objects": ["contacts"], "searches_per_second": 50}  # fmt: skip
    if name == "salesforce":
        secret = Secret(told["consumer_secret"])
        return {**table, "domain": "acme.my", "client_id": told["consumer_key"], "client_secret": secret,
                "objects": ["Lead"]}  # fmt: skip
    return {**table, "access_token": Secret(told["access_token"]), "objects": ["contacts"], "searches_per_second": 50}


def configuration(order: Mapping[str, Any]) -> Configuration:
    document = tomllib.loads(POLICY)
    table = settings(order)
    entry = ConnectionEntry("crm", order["name"], order["poll_every_s"], 0, table, (), lambda: settings(order))
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


def small_portions() -> None:
    """A bulk query job from 40 rows on, 20 of them a portion, asked after without much of a wait."""
    loading.FIRST_WAIT_S = 0.05  # type: ignore[misc]
    names.PAGE_ROWS, names.BULK_PAGES, names.PORTION_PAGES = 20, 2, 1


def die_when_kept() -> None:
    """The process ends right after a new refresh token is on disk, before anything is called with what came with it."""
    keep = sync.secrets._into_file

    def kept(path: Path, text: str) -> None:
        keep(path, text)
        os.kill(os.getpid(), signal.SIGKILL)

    sync.secrets._into_file = kept


def main() -> None:
    order = json.loads(sys.argv[1])
    if order.get("small"):
        small_portions()
    # The practice CRM is at most a twentieth of a second late, and a daemon that lives half a second cannot rest two.
    sync.delivery.REST_MS = 150
    logging.basicConfig(filename=order["log"], level=logging.INFO, format="%(process)d %(asctime)s %(message)s")
    made = configuration(order)
    made_once = connectors.build("crm", order["name"], settings(order), wanted=frozenset(), clock=SystemClock().now)
    made_once.check()  # logs in and looks around once: the vendor's library is imported before the first fork
    made_once.close()
    for line in sys.stdin:
        more = json.loads(line)
        child = os.fork()
        if child == 0:
            if more.get("die") == "kept":
                die_when_kept()
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
