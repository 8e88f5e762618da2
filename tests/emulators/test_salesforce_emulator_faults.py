"""What goes wrong, in Salesforce's shape, and that the log of effects tells exactly what happened all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from salesforce_emulator_org import DATA, Org, error_of

NO_RULES = {"Sforce-Auto-Assign": "FALSE"}


@pytest.fixture
def org() -> Iterator[Org]:
    org = Org()
    yield org
    org.close()


def test_quota_is_a_403_list_without_retry_after(org: Org) -> None:
    org.fault("quota", times=1)
    answer = org.get("/sobjects")
    assert error_of(answer) == (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    assert "Retry-After" not in answer.headers
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=100000/100000"


def test_too_many_long_requests_have_the_same_code_and_other_words(org: Org) -> None:
    org.fault("quota:concurrent", times=1)
    message = "ConcurrentPerOrgLongTxn Limit exceeded."
    assert error_of(org.get("/sobjects")) == (403, "REQUEST_LIMIT_EXCEEDED", message)


def test_quota_does_not_keep_anybody_from_logging_in(org: Org) -> None:
    org.fault("quota")
    keys = {"client_id": org.credentials["consumer_key"], "client_secret": org.credentials["consumer_secret"]}
    form = keys | {"grant_type": "client_credentials"}
    assert org.http.post(f"{org.url}/services/oauth2/token", data=form, timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "INVALID_SESSION_ID"), (403, "REQUEST_LIMIT_EXCEEDED"), (503, "SERVER_UNAVAILABLE"),
     (500, "UNKNOWN_EXCEPTION")],
)  # fmt: skip
def test_a_status_fault_speaks_the_vendors_language(org: Org, status: int, code: str) -> None:
    org.fault(f"status:{status}", times=1)
    assert error_of(org.get("/sobjects"))[:2] == (status, code)


def test_every_answer_tells_the_usage_refusals_too(org: Org) -> None:
    answers = [org.get("/sobjects"), org.get("/nothing"), org.get("/query", params={"q": "SELECT x FROM Lead"})]
    assert [answer.headers["Sforce-Limit-Info"] for answer in answers] == [
        "api-usage=1/100000", "api-usage=2/100000", "api-usage=3/100000",
    ]  # fmt: skip


def test_an_expired_token_stays_expired_until_the_next_login(org: Org) -> None:
    org.fault("expire_token", method="PATCH", times=1)
    assert org.get("/sobjects").status_code == 200
    lead = org.lead()
    refused = [error_of(org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Hot"}))[:2] for _ in range(2)]
    assert refused == [(401, "INVALID_SESSION_ID")] * 2
    assert len(org.effects()) == 1


def test_a_lost_answer_to_an_upsert_is_found_again_by_its_key(org: Org) -> None:
    org.fault("drop_response", method="PATCH", times=1)
    with pytest.raises(requests.ConnectionError):
        org.patch("/sobjects/Task/SLA_Key__c/key-1", {"Subject": "Call"})
    again = org.patch("/sobjects/Task/SLA_Key__c/key-1", {"Subject": "Call"})
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert [line["id"] for line in org.effects()] == [again.json()["id"]] * 2


def test_a_late_row_shows_up_in_queries_with_its_old_stamp(org: Org) -> None:
    org.fault("late_index", path="Lead", times=1, seconds=300)
    late = org.lead(LastName="Late")
    org.advance(60)
    org.lead(LastName="Prompt")
    soql = "SELECT LastName, SystemModstamp FROM Lead ORDER BY SystemModstamp"
    assert [row["LastName"] for row in org.query(soql)] == ["Prompt"]
    assert org.row("Lead", late)["LastName"] == "Late"
    org.advance(240)
    assert [(row["LastName"], row["SystemModstamp"][11:16]) for row in org.query(soql)] == [
        ("Late", "14:05"), ("Prompt", "14:06"),
    ]  # fmt: skip


def test_a_late_row_may_be_asked_for_by_the_query_that_misses_it(org: Org) -> None:
    org.fault("late_index", method="GET", path=f"{DATA}/query", times=1, seconds=300)
    org.lead()
    assert org.query("SELECT Id FROM Lead") == []


def test_a_late_change_leaves_the_old_row_in_queries(org: Org) -> None:
    lead = org.lead(Rating="Cold")
    org.fault("late_index", times=1, seconds=300)
    org.patch(f"/sobjects/Lead/{lead}", {"Rating": "Hot"}, headers=NO_RULES)
    assert org.query("SELECT Rating FROM Lead") == [{"Rating": "Cold"}]
    org.advance(300)
    assert org.query("SELECT Rating FROM Lead") == [{"Rating": "Hot"}]


def test_calls_are_counted_by_method_and_path_without_ids(org: Org) -> None:
    lead = org.lead()
    org.get(f"/sobjects/Lead/{lead}")
    org.get(f"/sobjects/Lead/{lead[:15]}/")
    org.patch("/sobjects/Task/SLA_Key__c/some/key", {})
    org.get("/query/", params={"q": "SELECT Id FROM Lead"})
    org.get("/query/0r8Em0000000001AAA-2000")
    assert org.control("requests", method="GET").json() == {
        f"POST {DATA}/sobjects/Lead": 1,
        f"GET {DATA}/sobjects/Lead/{{id}}": 2,
        f"PATCH {DATA}/sobjects/Task/SLA_Key__c/{{value}}": 1,
        f"GET {DATA}/query": 1,
        f"GET {DATA}/query/{{id}}": 1,
    }


def test_under_random_faults_the_log_equals_what_the_org_holds(org: Org) -> None:
    for fault in ("reset", "drop_response", "status:503", "truncate"):
        org.fault(fault, method="POST", path=f"{DATA}/sobjects/Task", probability=0.3)
    for number in range(60):
        try:
            org.post("/sobjects/Task", {"Subject": f"Task {number}"})
        except requests.RequestException:
            continue
    held = [row["Subject"] for row in org.query("SELECT Subject FROM Task ORDER BY Id")]
    assert [line["task"]["Subject"] for line in org.effects()] == held
    assert 0 < len(held) < 60


def test_a_row_fault_strikes_single_rows_wherever_they_are_written(org: Org) -> None:
    one, two, three = org.lead(), org.lead(), org.lead()
    org.fault("row:STORAGE_LIMIT_EXCEEDED", path="/services/data/v66.0/composite/sobjects", times=2)
    records = [{"attributes": {"type": "Lead"}, "id": each, "City": "Ulm"} for each in (one, two, three)]
    rows = org.patch("/composite/sobjects", {"records": records}).json()
    assert [row["success"] for row in rows] == [False, False, True]
    assert rows[0]["errors"][0]["statusCode"] == "STORAGE_LIMIT_EXCEEDED"
    org.fault("row:CANNOT_EXECUTE_FLOW_TRIGGER,UNABLE_TO_LOCK_ROW", path="/services/data/v66.0/sobjects/Lead", times=1)
    answer = org.patch(f"/sobjects/Lead/{one}", {"City": "Ulm"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "CANNOT_EXECUTE_FLOW_TRIGGER")
    assert "UNABLE_TO_LOCK_ROW" in answer.json()[0]["message"]
    assert org.row("Lead", one)["City"] is None
    assert org.control("faults", {"fault": "row:oops"}).status_code == 400


def test_a_duplicate_rule_alerts_or_blocks_those_who_write_what_it_matches(org: Org) -> None:
    org.lead(SLA_Policy__c="gold")
    other = org.lead()
    org.act("duplicate_rule", object="Lead", field="SLA_Policy__c")
    path, seen = f"/sobjects/Lead/{other}", {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert org.patch(path, {"SLA_Policy__c": "gold"}).json()[0]["errorCode"] == "DUPLICATES_DETECTED"
    assert org.patch(path, {"City": "Ulm"}).status_code == 204
    assert org.patch(path, {"SLA_Policy__c": "gold"}, headers=seen).status_code == 204
    org.act("duplicate_rule", object="Lead", field="SLA_Policy__c", block=True)
    assert org.patch(path, {"SLA_Policy__c": "gold"}, headers=seen).status_code == 400
    assert org.control("act", {"do": "duplicate_rule", "object": "Lead", "field": "Nope"}).status_code == 400
