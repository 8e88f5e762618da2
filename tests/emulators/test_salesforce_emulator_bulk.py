"""Bulk query jobs of the emulated Salesforce: states, sets of results, CSV, refusals."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from salesforce_emulator_org import Org, error_of


@pytest.fixture
def org() -> Iterator[Org]:
    made = Org()
    yield made
    made.close()


def begin(org: Org, query: str = "SELECT Id, LastName, Owner.Name, CreatedBy.UserType FROM Lead", **more: Any) -> str:
    answer = org.post("/jobs/query", {"operation": "query", "query": query, **more})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "UploadComplete"
    return str(answer.json()["id"])


def state(org: Org, job: str) -> str:
    return str(org.get(f"/jobs/query/{job}").json()["state"])


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_job_is_worked_at_for_a_while(org: Org) -> None:
    org.lead()
    job = begin(org)
    seen = [state(org, job)]
    for seconds in (1, 1):
        org.advance(seconds)
        seen.append(state(org, job))
    assert seen == ["UploadComplete", "InProgress", "JobComplete"]
    told = org.get(f"/jobs/query/{job}").json()
    assert (told["object"], told["numberRecordsProcessed"], told["contentType"]) == ("Lead", 1, "CSV")


def test_results_come_in_sets_by_locator(org: Org) -> None:
    leads = {org.lead() for _ in range(5)}
    job = begin(org)
    org.advance(60)
    found, locator, sizes = set(), None, []
    while locator != "null":
        answer = org.get(
            f"/jobs/query/{job}/results", params={"maxRecords": 2, **({"locator": locator} if locator else {})}
        )
        sizes.append(answer.headers["Sforce-NumberOfRecords"])
        locator = answer.headers["Sforce-Locator"]
        found |= {row["Id"] for row in table(answer.text)}
    assert (found, sizes) == (leads, ["2", "2", "1"])


def test_values_are_quoted_text(org: Org) -> None:
    org.lead(LastName='O"Neil,\nAnn', NumberOfEmployees=5, Country=None)
    columns = "LastName, NumberOfEmployees, Country, IsConverted, CreatedDate, Owner.Name, CreatedBy.UserType"
    job = begin(org, f"SELECT {columns} FROM Lead")
    org.advance(60)
    answer = org.get(f"/jobs/query/{job}/results")
    assert answer.headers["Content-Type"] == "text/csv; charset=UTF-8"
    assert answer.text.startswith('"LastName","NumberOfEmployees"')
    assert table(answer.text) == [{
        "LastName": 'O"Neil,\nAnn', "NumberOfEmployees": "5", "Country": "", "IsConverted": "false",
        "CreatedDate": "2026-03-02T14:05:00.000Z", "Owner.Name": "Sidecar Integration",
        "CreatedBy.UserType": "Standard",
    }]  # fmt: skip


def test_only_query_all_shows_the_recycle_bin(org: Org) -> None:
    lead = org.lead()
    org.act("delete", id=lead)
    jobs = [begin(org), begin(org, operation="queryAll")]
    org.advance(60)
    assert [len(table(org.get(f"/jobs/query/{job}/results").text)) for job in jobs] == [0, 1]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT COUNT() FROM Lead", "API_ERROR"),
        ("SELECT Id FROM Lead LIMIT 5 OFFSET 5", "API_ERROR"),
        ("SELECT TYPEOF Owner WHEN User THEN Email END FROM Lead", "API_ERROR"),
        ("SELECT Nope__c FROM Lead", "INVALID_FIELD"),
        ("SELECT", "MALFORMED_QUERY"),
    ],
)
def test_some_queries_are_refused(org: Org, query: str, code: str) -> None:
    assert error_of(org.post("/jobs/query", {"operation": "query", "query": query}))[:2] == (400, code)


def test_results_are_there_only_when_the_job_is_complete(org: Org) -> None:
    job = begin(org)
    assert org.get(f"/jobs/query/{job}/results").status_code == 400
    org.advance(60)
    assert org.get(f"/jobs/query/{job}/results").status_code == 200
    assert org.get(f"/services/data/v60.0/jobs/query/{job}/results").status_code == 409
    assert org.get(f"/jobs/query/{job}/results", params={"locator": "?"}).status_code == 400


def test_jobs_fail_are_aborted_deleted_and_forgotten(org: Org) -> None:
    org.act("setup", fail_jobs=1)
    failed, other = begin(org), begin(org)
    assert org.patch(f"/jobs/query/{other}", {"state": "Aborted"}).json()["state"] == "Aborted"
    org.advance(60)
    assert (state(org, failed), state(org, other)) == ("Failed", "Aborted")
    assert org.delete(f"/jobs/query/{failed}").status_code == 204
    assert org.get(f"/jobs/query/{failed}").status_code == 404
    complete = begin(org)
    org.advance(7 * 24 * 3_600 + 1)
    org.token = str(org.emulator.auth.open_session(org.emulator.cast.integration))
    assert org.get(f"/jobs/query/{complete}").status_code == 404
