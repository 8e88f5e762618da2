"""A practice CRM and a daemon that is killed beside it, each a process; and what must be true in the end.

The oracle is the emulator's own log of every write that took effect.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OBJECT = {"salesforce": "Lead", "hubspot": "contacts"}
OWNER = {"salesforce": "OwnerId", "hubspot": "hubspot_owner_id"}
WRITES = {"salesforce": "/services/data/*/composite*", "hubspot": "/crm/*/batch/[cu]*"}
STATUS = {"salesforce": "SLA_Status__c", "hubspot": "sla_status"}


class Range:
    """An emulator and a daemon that is started and killed beside it."""

    def __init__(self, name: str, folder: Path, seed: int, **order: Any) -> None:
        self.name = name
        self.random = Random(seed)
        self.pause = threading.Event()
        self._emulator = self._process("-m", "emulators", name, "--seed", "7")
        told = json.loads(self._line(self._emulator))
        self.url = told["url"]
        self.database = folder / "sla.db"
        self.log = folder / "daemon.log"
        self._order = {
            **told,
            "database": str(self.database),
            "log": str(self.log),
            "tick_every_s": 0.05,
            "poll_every_s": 0.2,
            **order,
        }
        self._runner: subprocess.Popen[str] | None = None
        self.leads: list[str] = []

    def _process(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @staticmethod
    def _line(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        return process.stdout.readline()

    def ask(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data), timeout=10) as answer:
            return bytes(answer.read())

    def arrive(self) -> None:
        """A lead that nobody will ever call."""
        number = len(self.leads)
        fields = (
            {"LastName": f"Lead {number}", "Company": "Acme", "OwnerId": "jo@acme.test"}
            if self.name == "salesforce"
            else {"email": f"lead{number}@example.test", "hs_lead_status": "NEW"}
        )
        order = {"do": "create", "object": OBJECT[self.name], "fields": fields}
        self.leads.append(json.loads(self.ask("/_emulator/act", order))["id"])

    def slow_and_lossy(self) -> None:
        """Writes take a while, so that more kills fall into them, and one answer in seven is lost after the effect."""
        for fault in ({"fault": "latency", "seconds": 0.05}, {"fault": "drop_response", "probability": 0.15}):
            self.ask("/_emulator/faults", {**fault, "path": WRITES[self.name]})

    def rotate(self) -> None:
        """Logins go by a refresh token that each of them ends."""
        orders = {"salesforce": {"do": "logins", "rotation": True},
                  "hubspot": {"do": "settings", "rotate_refresh_token": True}}  # fmt: skip
        self.ask("/_emulator/act", orders[self.name])
        file = self.database.with_suffix(".token")
        file.touch(mode=0o600)
        file.write_text(self._order["credentials"]["refresh_token"])
        self._order["rotated"] = True

    def calls(self) -> dict[str, int]:
        """How often each path was called."""
        return dict(json.loads(self.ask("/_emulator/requests")))

    def settle(self) -> None:
        """A daemon that nobody kills brings everything to its end."""
        process = self.start()
        for _ in range(600):
            if self.settled():
                break
            self.pause.wait(0.1)
        self.pause.wait(0.6)  # whatever it would do too often has the time to happen
        self.kill(process)

    def start(self, **order: Any) -> int:
        """Starts a daemon, with other orders from now on; its process id."""
        if self._runner is None:
            self._runner = self._process(str(HERE / "sync_kill_runner.py"), json.dumps(self._order))
        assert self._runner.stdin is not None
        self._runner.stdin.write(f"{json.dumps(order)}\n")
        self._runner.stdin.flush()
        return int(self._line(self._runner))

    def kill(self, process: int) -> None:
        os.kill(process, signal.SIGKILL)
        self.gone()

    def gone(self) -> None:
        """Waits for the end of the daemon that was started last."""
        assert self._runner is not None
        assert self._line(self._runner).strip() == "gone", self.log.read_text()

    def effects(self) -> list[dict[str, Any]]:
        lines = self.ask("/_emulator/effects").decode().splitlines()
        return [effect for effect in map(json.loads, lines) if effect["by"].startswith("api:")]

    def settled(self) -> bool:
        """Whether every lead has its task and its new owner, and its fields say so."""
        found = self.effects()
        tasks = sum("task" in effect for effect in found)
        moved = {effect["id"] for effect in found if OWNER[self.name] in effect.get("fields", {})}
        missed = {effect["id"] for effect in found if effect.get("fields", {}).get(STATUS[self.name]) == "missed"}
        return tasks >= len(self.leads) and moved >= set(self.leads) and missed >= set(self.leads)

    def close(self) -> None:
        for process in (self._runner, self._emulator):
            if process is None:
                continue
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


def kill_again_and_again(crm: Range, times: int) -> None:
    for _ in range(times):
        crm.arrive()
        process = crm.start()
        crm.pause.wait(crm.random.choice((0.05, 0.25, 0.6)) * crm.random.uniform(0.1, 1.6))
        crm.kill(process)
    crm.settle()


def check(crm: Range) -> None:
    found = crm.effects()
    tasks = Counter(_about(effect) for effect in found if "task" in effect)
    assert len(tasks) == len(crm.leads), crm.log.read_text()[-4_000:]
    assert set(tasks.values()) == {1}
    standing: dict[tuple[str, str], Any] = {}
    changes: Counter[tuple[str, str]] = Counter()
    for effect in found:
        for name, value in effect.get("fields", {}).items():
            place = effect["id"], name
            assert standing.get(place) != value, f"written twice: {effect}"
            changes[place] += standing.get(place) != value
            standing[place] = value
    assert {lead: changes[lead, OWNER[crm.name]] for lead in crm.leads} == dict.fromkeys(crm.leads, 1)
    assert {standing[lead, STATUS[crm.name]] for lead in crm.leads} == {"missed"}


def _about(effect: dict[str, Any]) -> str:
    """Which step of which lead a task is of: the key that it carries."""
    task = effect["task"]
    return str(task.get("SLA_Key__c") or task.get("sla_key") or task)
