"""Collections, composite requests and pages: many records in one call, each with its own outcome."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from salesforce_emulator_org import Org, error_of, plain

NO_RULES = {"Sforce-Auto-Assign": "FALSE"}


@pytest.fixture
def org() -> Iterator[Org]:
    org = Org()
    yield org
    org.close()


def record(kind: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": kind}, **fields}


def collection(org: Org, *records: dict[str, Any], method: str = "PATCH", path: str = "", **more: Any) -> Any:
    body = {"allOrNone": False, "records": list(records)} | more
    answer = org.call(method, f"/composite/sobjects{path}", json=body, headers=NO_RULES)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_rows_succeed_and_fail_one_by_one_under_one_200(org: Org) -> None:
    good, converted = org.lead(), org.lead()
    org.act("convert", id=converted)
    results = collection(
        org,
        record("Lead", id=good, SLA_Status__c="running"),
        record("Lead", id=converted, SLA_Status__c="running"),
        record("Case", Id=org.case(), Status="Nope"),
        record("Lead", id="00Q"),
        record("Lead", Rating="Hot"),
    )
    assert results[0] == {"id": good, "success": True, "errors": []}
    assert [row["success"] for row in results] == [True, False, False, False, False]
    assert [row["errors"][0]["statusCode"] for row in results[1:]] == [
        "CANNOT_UPDATE_CONVERTED_LEAD", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "MALFORMED_ID", "MISSING_ARGUMENT",
    ]  # fmt: skip
    assert results[2]["errors"][0]["fields"] == ["Status"]
    assert "id" not in results[1]


def test_each_written_row_is_one_effect_of_the_same_request(org: Org) -> None:
    leads = [org.lead() for _ in range(3)]
    collection(org, *(record("Lead", id=lead, SLA_Status__c="running") for lead in leads))
    lines = org.effects()[3:]
    assert [line["id"] for line in lines] == leads
    assert [line["fields"] for line in lines] == [{"SLA_Status__c": "running"}] * 3
    assert len({line["request"] for line in lines}) == 1
    assert lines[0]["by"] == "api:sidecar@acme.test"


def test_all_or_none_leaves_nothing_behind_when_one_row_fails(org: Org) -> None:
    lead = org.lead()
    results = collection(
        org, record("Lead", id=lead, Rating="Hot"), record("Lead", id=lead, Status="Nope"), allOrNone=True
    )
    assert [row["errors"][0]["statusCode"] for row in results] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    ]  # fmt: skip
    assert org.row("Lead", lead)["Rating"] is None
    assert len(org.effects()) == 1


def test_tasks_are_upserted_in_one_call_by_their_key(org: Org) -> None:
    lead = org.lead()
    tasks = [record("Task", SLA_Key__c=f"key-{number}", WhoId=lead, Subject="Call") for number in range(2)]
    first = collection(org, *tasks, path="/Task/SLA_Key__c")
    again = collection(org, *tasks, path="/Task/SLA_Key__c")
    assert [row["created"] for row in first] == [True, True]
    assert [(row["id"], row["created"]) for row in again] == [(row["id"], False) for row in first]
    lacking = collection(org, record("Task", Subject="Call"), path="/Task/SLA_Key__c")
    assert lacking[0]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"


def test_records_of_several_objects_are_created_read_and_deleted(org: Org) -> None:
    made = collection(
        org, record("Lead", LastName="Ito", Company="Dune"), record("Task", Subject="Call"), method="POST"
    )
    lead, task = (row["id"] for row in made)
    both = org.get("/composite/sobjects/Lead", params={"ids": f"{lead},{org.case()}", "fields": "LastName"}).json()
    assert [row and plain(row) for row in both] == [{"LastName": "Ito"}, None]
    rows = org.post("/composite/sobjects/Lead", {"ids": [lead, lead[:15]], "fields": ["LastName"]}).json()
    assert [plain(row) for row in rows] == [{"LastName": "Ito"}, {"LastName": "Ito"}]
    gone = org.delete("/composite/sobjects", params={"ids": f"{lead},{task}", "allOrNone": "false"}).json()
    assert [row["success"] for row in gone] == [True, True]
    assert org.post("/composite/sobjects/Lead", {"ids": [lead], "fields": ["LastName"]}).json() == [None]


def test_more_than_200_records_are_refused_whole(org: Org) -> None:
    answer = org.patch("/composite/sobjects", {"records": [record("Lead", id="x")] * 201})
    assert error_of(answer)[:2] == (400, "EXCEEDED_ID_LIMIT")


def test_a_partial_fault_fails_every_second_row(org: Org) -> None:
    leads = [org.lead() for _ in range(4)]
    rows = [record("Lead", id=lead, Rating="Hot") for lead in leads]
    org.fault("partial", times=1)
    assert [row["success"] for row in collection(org, *rows)] == [False, True, False, True]
    assert [row["success"] for row in collection(org, *rows)] == [True] * 4


def part(method: str, url: str, name: str, **more: Any) -> dict[str, Any]:
    return {"method": method, "url": f"/services/data/v66.0{url}", "referenceId": name, **more}


def test_a_composite_request_uses_earlier_answers_and_counts_once(org: Org) -> None:
    before = org.emulator.org.calls
    answer = org.post("/composite", {"compositeRequest": [
        part("POST", "/sobjects/Lead", "lead", body={"LastName": "Ito", "Company": "Dune"}, httpHeaders=NO_RULES),
        part("POST", "/sobjects/Task", "task", body={"Subject": "Call", "WhoId": "@{lead.id}"}),
        part("GET", "/sobjects/Task/@{task.id}?fields=WhoId", "read"),
        part("GET", "/query?q=SELECT+Id+FROM+Lead", "found"),
    ]})  # fmt: skip
    results = answer.json()["compositeResponse"]
    assert [result["httpStatusCode"] for result in results] == [201, 201, 200, 200]
    assert results[2]["body"]["WhoId"] == results[0]["body"]["id"] == results[3]["body"]["records"][0]["Id"]
    assert [result["referenceId"] for result in results] == ["lead", "task", "read", "found"]
    assert results[0]["httpHeaders"]["Location"].endswith(results[0]["body"]["id"])
    assert org.emulator.org.calls == before + 1
    assert org.row("Lead", results[0]["body"]["id"])["OwnerId"] == org.user("sidecar@acme.test")


def test_a_failed_part_halts_those_that_refer_to_it(org: Org) -> None:
    results = org.post("/composite", {"compositeRequest": [
        part("POST", "/sobjects/Lead", "lead", body={"LastName": "Ito"}),
        part("GET", "/sobjects/Lead/@{lead.id}", "read"),
        part("GET", "/sobjects", "limits"),
    ]}).json()["compositeResponse"]  # fmt: skip
    assert [result["httpStatusCode"] for result in results] == [400, 400, 200]
    assert results[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"


def test_an_all_or_none_composite_is_rolled_back_whole(org: Org) -> None:
    results = org.post("/composite", {"allOrNone": True, "compositeRequest": [
        part("POST", "/sobjects/Lead", "lead", body={"LastName": "Ito", "Company": "Dune"}),
        part("PATCH", "/composite/sobjects", "rows", body={"records": [record("Lead", id="@{lead.id}", Rating="Hot")]}),
        part("POST", "/sobjects/Task", "task", body={"Status": "Nope"}),
    ]}).json()["compositeResponse"]  # fmt: skip
    assert [result["body"][0]["errorCode"] for result in results] == [
        "PROCESSING_HALTED", "PROCESSING_HALTED", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    ]  # fmt: skip
    assert org.query("SELECT Id FROM Lead") == org.effects() == []


def test_26_parts_are_too_many(org: Org) -> None:
    answer = org.post("/composite", {"compositeRequest": [part("GET", "/sobjects", f"r{n}") for n in range(26)]})
    assert error_of(answer)[:2] == (400, "LIMIT_EXCEEDED")


def test_a_composite_call_takes_records_queries_and_collections_alone(org: Org) -> None:
    answer = org.post("/composite", {"compositeRequest": [part("GET", "/limits", "a"), part("GET", "/sobjects", "b")]})
    assert [one["httpStatusCode"] for one in answer.json()["compositeResponse"]] == [400, 200]


def test_only_five_parts_may_be_queries_or_collections(org: Org) -> None:
    queries = [
        {"method": "GET", "url": f"/services/data/v66.0/{path}", "referenceId": f"q{number}"}
        for number, path in enumerate(["query?q=SELECT+Id+FROM+Lead", "queryAll/?q=SELECT+Id+FROM+Case"] * 3)
    ]
    assert org.post("/composite", {"compositeRequest": queries[:5]}).status_code == 200
    refused = org.post("/composite", {"compositeRequest": queries})
    assert error_of(refused)[:2] == (400, "LIMIT_EXCEEDED")


def test_a_collection_has_ten_chunks_of_neighbours_of_one_type_at_most(org: Org) -> None:
    lead = {"attributes": {"type": "Lead"}, "LastName": "Ito", "Company": "Dune"}
    case = {"attributes": {"type": "Case"}, "Subject": "Help"}
    assert len(org.post("/composite/sobjects", {"records": [lead, lead, case, case] * 5}).json()) == 20
    refused = org.post("/composite/sobjects", {"records": [lead, case] * 6})
    assert error_of(refused)[:2] == (400, "EXCEEDED_MAX_TYPES_LIMIT")


def test_pages_are_at_least_200_rows_and_end_without_a_next(org: Org) -> None:
    for number in range(250):
        org.emulator.act({"do": "create", "object": "Account", "fields": {"Name": f"Account {number}"}})
    small = {"Sforce-Query-Options": "batchSize=1"}
    first = org.get("/query", params={"q": "SELECT Id FROM Account ORDER BY Id"}, headers=small).json()
    assert (len(first["records"]), first["totalSize"], first["done"]) == (200, 260, False)
    rest = org.get(first["nextRecordsUrl"]).json()
    assert (len(rest["records"]), rest["done"], "nextRecordsUrl" in rest) == (60, True, False)
    assert len(org.get("/query", params={"q": "SELECT Id FROM Account"}).json()["records"]) == 260


def test_any_number_of_cursors_is_open_for_two_days(org: Org) -> None:
    for number in range(200):
        org.emulator.act({"do": "create", "object": "Account", "fields": {"Name": f"Account {number}"}})
    small = {"Sforce-Query-Options": "batchSize=200"}
    pages = [org.get("/query", params={"q": "SELECT Id FROM Account"}, headers=small).json() for _ in range(12)]
    assert len({page["nextRecordsUrl"] for page in pages}) == 12
    assert len(org.get(pages[0]["nextRecordsUrl"]).json()["records"]) == 10
    org.advance(2 * 24 * 3600 + 1)
    org.token = org.emulator.auth.open_session(org.user("sidecar@acme.test"))
    assert error_of(org.get(pages[11]["nextRecordsUrl"]))[1] == "INVALID_QUERY_LOCATOR"


def test_a_cursor_that_is_gone_says_so(org: Org) -> None:
    for number in range(200):
        org.emulator.act({"do": "create", "object": "Account", "fields": {"Name": f"Account {number}"}})
    small = {"Sforce-Query-Options": "batchSize=200"}
    page = org.get("/query", params={"q": "SELECT Id FROM Account"}, headers=small).json()
    org.act("setup", expire_cursors=True)
    assert error_of(org.get(page["nextRecordsUrl"])) == (400, "INVALID_QUERY_LOCATOR", "invalid query locator")
