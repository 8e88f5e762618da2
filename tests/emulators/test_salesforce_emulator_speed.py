"""Queries of a large org look at few rows, and find what a look at all of them finds."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from salesforce_emulator_org import Org

from emulators.salesforce.store import Store


@pytest.fixture
def org() -> Iterator[Org]:
    org = Org()
    yield org
    org.close()


def ids(org: Org, soql: str) -> list[str]:
    return [row["Id"] for row in org.query(soql)]


def test_pages_by_stamp_and_id_hold_what_all_rows_hold_whatever_was_written_meanwhile(org: Org) -> None:
    dice = random.Random(3)
    leads = [org.lead() for _ in range(12)]
    assert ids(org, "SELECT Id FROM Lead WHERE SystemModstamp >= 2026-03-02T00:00:00Z ORDER BY SystemModstamp, Id")
    for _ in range(6):
        org.advance(1)
        for lead in dice.sample(leads, 4):
            org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Hot"})
        org.delete(f"/sobjects/Lead/{leads.pop()}")
        rows = org.query("SELECT Id, SystemModstamp FROM Lead")
        at = sorted({row["SystemModstamp"] for row in rows})[1]
        wanted = sorted((row["SystemModstamp"], row["Id"]) for row in rows if row["SystemModstamp"] >= at)
        literal = at.replace("+0000", "Z")
        order = "ORDER BY SystemModstamp ASC, Id ASC"
        assert ids(org, f"SELECT Id FROM Lead WHERE SystemModstamp >= {literal} {order}") == [one for _, one in wanted]
        first = wanted[0][1]
        after = f"(SystemModstamp > {literal} OR (SystemModstamp = {literal} AND Id > '{first}'))"
        assert ids(org, f"SELECT Id FROM Lead WHERE {after} {order} LIMIT 3") == [one for _, one in wanted[1:4]]


def test_a_write_that_was_taken_back_is_not_found_where_it_would_have_stood(org: Org) -> None:
    lead = org.lead()
    order = "WHERE SystemModstamp >= 2026-03-02T00:00:00Z ORDER BY SystemModstamp ASC"
    assert ids(org, f"SELECT Id FROM Lead {order}") == [lead]
    task = {"attributes": {"type": "Task"}, "WhoId": lead, "Subject": "Call", "SLA_Key__c": "a"}
    answer = org.post("/composite/sobjects", {"allOrNone": True, "records": [task, task]})
    assert [row["success"] for row in answer.json()] == [False, False]
    assert ids(org, f"SELECT Id FROM Task WHERE WhoId = '{lead}'") == []
    assert ids(org, f"SELECT Id FROM Task {order}") == []
    assert org.post("/composite/sobjects", {"records": [task]}).json()[0]["success"] is True


def test_a_page_of_a_large_org_is_read_without_looking_at_every_row(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    lead = org.lead()
    monkeypatch.setattr(Store, "rows", None)  # what looks at all of them
    after = "WHERE SystemModstamp >= 2026-03-02T00:00:00Z ORDER BY SystemModstamp ASC, Id ASC LIMIT 2000"
    assert ids(org, f"SELECT Id FROM Lead {after}") == [lead]
    assert ids(org, f"SELECT Id FROM Lead WHERE Id > '{lead}' ORDER BY Id LIMIT 2000") == []
    assert ids(org, f"SELECT Id FROM Lead WHERE Id IN ('{lead}')") == [lead]
    assert ids(org, f"SELECT Id FROM Task WHERE WhoId IN ('{lead}') ORDER BY CreatedDate") == []
