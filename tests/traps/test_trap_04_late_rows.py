"""Salesforce shows rows late, with a stamp older than rows that were shown before.

A transaction stamps its rows when it writes them and shows them when it commits; minutes can lie between. A cursor at
the newest stamp has then passed them for good (github.com/airbytehq/airbyte issue 27146: rows about five minutes older
than the newest one seen were missing).
"""

from __future__ import annotations

from typing import Any

import requests


class PlainCursor:
    """What most readers do: everything newer than the newest stamp seen."""

    def __init__(self, org: Any) -> None:
        self._org = org
        self._newest = "1970-01-01T00:00:00.000Z"

    def poll(self) -> list[str]:
        soql = f"SELECT Id, SystemModstamp FROM Lead WHERE SystemModstamp > {self._newest} ORDER BY SystemModstamp"
        rows = self._get(soql)
        if rows:
            self._newest = rows[-1]["SystemModstamp"].replace("+0000", "Z")
        return [row["Id"] for row in rows]

    def _get(self, soql: str) -> list[dict[str, Any]]:
        answer = requests.get(
            f"{self._org.url}/services/data/v66.0/query", params={"q": soql}, timeout=5,
            headers={"Authorization": f"Bearer {self._org.credentials['access_token']}"},
        )  # fmt: skip
        found: list[dict[str, Any]] = answer.json()["records"]
        return found


def late_then_prompt(org: Any) -> tuple[str, str]:
    """A lead that shows five minutes after it was made, and one that was made a minute later and shows at once."""
    org.fault("late_index", "Lead", times=1, seconds=300)
    late = org.create("Lead")
    org.emulator.clock.advance(60)
    return late, org.create("Lead")


def test_a_plain_cursor_never_sees_the_late_row(org: Any) -> None:
    plain = PlainCursor(org)
    plain.poll()
    _, prompt = late_then_prompt(org)
    assert plain.poll() == [prompt]
    org.emulator.clock.advance(600)
    assert plain.poll() == []


def test_ours_sees_it_once(org: Any, acme: Any, drain: Any) -> None:
    _, cursor = drain(acme, "Lead")
    late, prompt = late_then_prompt(org)
    changes, cursor = drain(acme, "Lead", cursor)
    assert [change.key.split(":")[1] for change in changes] == [prompt]
    org.emulator.clock.advance(240)
    changes, cursor = drain(acme, "Lead", cursor)
    assert [change.key.split(":")[1] for change in changes] == [late]
    assert drain(acme, "Lead", cursor)[0] == []
