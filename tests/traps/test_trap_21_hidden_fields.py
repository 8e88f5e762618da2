"""One field that is hidden from us, or was given another name, fails the whole query.

Field-level security does not blank a field: the query answers INVALID_FIELD, as if there were no such column, and so it
does after an administrator takes access away while we run. And some objects show a stamp that cannot be filtered by
(github.com/airbytehq/airbyte issue 68166, ActivityFieldHistory).
"""

from __future__ import annotations

import logging
from typing import Any

import pytest
import requests


def naive(org: Any, soql: str) -> tuple[int, Any]:
    """A query with the columns that somebody wrote down once."""
    answer = requests.get(
        f"{org.url}/services/data/v66.0/query", params={"q": soql}, timeout=5,
        headers={"Authorization": f"Bearer {org.credentials['access_token']}"},
    )  # fmt: skip
    return answer.status_code, answer.json()


def test_a_fixed_list_of_columns_reads_nothing_at_all(org: Any) -> None:
    org.create("Lead")
    soql = "SELECT Id, Status, Country FROM Lead"
    assert naive(org, soql)[0] == 200
    org.act("hide_field", object="Lead", field="Country")
    status, body = naive(org, soql)
    assert (status, body[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_ours_goes_on_without_the_field_keeps_its_value_and_says_so(
    org: Any, acme: Any, drain: Any, caplog: pytest.LogCaptureFixture
) -> None:
    lead = org.create("Lead", Country="DE")
    first, cursor = drain(acme, "Lead")
    org.act("hide_field", object="Lead", field="Country")
    org.emulator.clock.advance(5)
    org.act("update", id=lead, fields={"Status": "Working - Contacted"})
    with caplog.at_level(logging.WARNING):
        (change,) = drain(acme, "Lead", cursor)[0]
    shown = acme.normalise(change).events[1].set
    assert shown["status"] == "open"
    assert "country" not in shown  # no change to nothing: what was known stays known
    assert acme.normalise(first[0]).events[1].set["country"] == "DE"
    assert "no longer there" in caplog.text
    assert "fields.country" in {finding.subject for finding in acme.check() if finding.level == "warn"}


def test_a_sweep_by_a_stamp_that_cannot_be_filtered_fails(org: Any) -> None:
    org.setup(unfilterable={"Task": ["SystemModstamp"]})
    soql = "SELECT Id FROM Task WHERE SystemModstamp > 2026-01-01T00:00:00Z"
    status, body = naive(org, soql)
    assert (status, body[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_ours_goes_by_the_next_best_stamp(org: Any, acme: Any, drain: Any) -> None:
    org.setup(unfilterable={"Task": ["SystemModstamp"]})
    lead = org.create("Lead")
    _, cursor = drain(acme, "Task")
    org.act("call", id=lead)
    assert len(drain(acme, "Task", cursor)[0]) == 1
