"""Versions and exceptions beside a daemon that runs: a real process, an emulated CRM over HTTP."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable
from typing import Any

from test_console_daemon import CONFIG, desk, emulator  # noqa: F401 - fixtures

from sla.instant import MINUTE, parse_instant
from sync.view import View

DOUBLE = CONFIG.replace('"1h"', '"2h"')


def until(holds: Callable[[], Any]) -> Any:
    """What ``holds`` gives once it is something, within ten seconds."""
    rest = threading.Event()
    for _ in range(200):
        if found := holds():
            return found
        rest.wait(0.05)
    raise AssertionError("it never came")


def act(desk: Any, **what: Any) -> dict[str, Any]:  # noqa: F811
    body = json.dumps(what).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{desk.url}/_emulator/act", body)) as answer:
        return dict(json.loads(answer.read()))


def clock(desk: Any, record: str) -> Any:  # noqa: F811
    view = View.open(desk.folder / "sla.db")
    try:
        found = view.record(record)
        return found.clocks[0] if found and found.clocks else None
    finally:
        view.close()


def in_the_crm(desk: Any, number: str) -> str | None:  # noqa: F811
    """The due time that the CRM's own field was last given."""
    written = [json.loads(line) for line in desk.effects()]
    values = [row["fields"]["SLA_First_Response_Due__c"] for row in written
              if row.get("id") == number and "SLA_First_Response_Due__c" in (row.get("fields") or {})]  # fmt: skip
    return values[-1] if values else None


def test_a_running_daemon_takes_up_what_is_applied_excused_and_extended_beside_it(desk: Any) -> None:  # noqa: F811
    with desk.running():
        number = act(desk, do="create", object="Lead", fields={"LastName": "Mara", "Company": "Acme"})["id"]
        record = f"desk:lead:{number}"
        first = until(lambda: clock(desk, record))
        until(lambda: in_the_crm(desk, number))

        (desk.folder / "config.toml").write_text(DOUBLE)
        planned = desk.json("plan", "--scope", "unbreached", "--record", record)
        [change] = planned["changes"]
        assert parse_instant(change["after"]["due_at"]) == first.due_at + 60 * MINUTE
        assert (
            desk.json("apply", "--scope", "unbreached", "--reason", "agreed")["judged"] == "at the daemon's next tick"
        )
        until(lambda: clock(desk, record).due_at == first.due_at + 60 * MINUTE)
        until(lambda: parse_instant(in_the_crm(desk, number)) == first.due_at + 60 * MINUTE)

        other = act(desk, do="create", object="Lead", fields={"LastName": "Noor", "Company": "Acme"})["id"]
        second = until(lambda: clock(desk, f"desk:lead:{other}"))
        assert second.due_at - second.started_at == 120 * MINUTE

        later = "2099-01-01T00:00:00Z"
        given = ("extend", record, "--target", "first_response", "--until", later, "--reason", "they asked for it")
        assert desk.json(*given)["judged"] == "at the daemon's next tick"
        until(lambda: clock(desk, record).due_at == parse_instant(later))
        assert desk.json("explain", record)["clocks"][0]["due_at"] == later
