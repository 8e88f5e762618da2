"""Stamps have whole seconds and bulk edits give thousands of rows the same one.

With a page's last stamp as the cursor, "later than" skips the rows of that second that did not fit on the page, and
"not earlier than" gets the same page for ever (github.com/supaglue-labs/supaglue issue 532).
"""

from __future__ import annotations

from typing import Any

import pytest
import requests

from connectors.salesforce import names
from emulators.salesforce.writes import Actor

PAGE = 200
"""The smallest page that Salesforce makes."""


@pytest.fixture
def tied(org: Any) -> list[str]:
    """450 leads of one second: more than two pages."""
    table, at = org.emulator.store.tables["lead"], org.emulator.clock.now_ms() - 3_600_000
    fields, admin = {"LastName": "Doe", "Company": "Doe Ltd"}, Actor(org.emulator.cast.admin)
    return [str(org.emulator.writer.create(table, fields, admin, at)) for _ in range(450)]


def naive(org: Any, operator: str, *, rounds: int) -> list[str]:
    """Pages by the stamp alone."""
    stamp, found = "1970-01-01T00:00:00.000Z", []
    for _ in range(rounds):
        soql = (
            f"SELECT Id, SystemModstamp FROM Lead WHERE SystemModstamp {operator} {stamp}"
            f" ORDER BY SystemModstamp LIMIT {PAGE}"
        )
        answer = requests.get(
            f"{org.url}/services/data/v66.0/query", params={"q": soql}, timeout=5,
            headers={"Authorization": f"Bearer {org.credentials['access_token']}"},
        )  # fmt: skip
        rows = answer.json()["records"]
        if not rows:
            break
        stamp = rows[-1]["SystemModstamp"].replace("+0000", "Z")
        found += [row["Id"] for row in rows]
    return found


def test_later_than_skips(org: Any, tied: list[str]) -> None:
    assert len(set(naive(org, ">", rounds=10))) == PAGE < len(tied)


def test_not_earlier_than_repeats_for_ever(org: Any, tied: list[str]) -> None:
    found = naive(org, ">=", rounds=10)
    assert (len(found), len(set(found))) == (10 * PAGE, PAGE)
    assert len(tied) > PAGE


def test_ours_brings_each_once_and_ends(org: Any, tied: list[str], drain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "PAGE_ROWS", PAGE)
    acme = org.connect()
    changes, cursor = drain(acme, "Lead")
    assert [change.key.split(":")[1] for change in changes] == tied
    again, _ = drain(acme, "Lead", cursor)
    assert again == []
