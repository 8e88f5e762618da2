"""simple-salesforce 1.12 against the emulator, unchanged but for an adapter that leads https to loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from salesforce_emulator_org import Org, ToLoopback
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)


@pytest.fixture
def org() -> Iterator[Org]:
    org = Org()
    yield org
    org.close()


@pytest.fixture
def session(org: Org) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", ToLoopback(org.url))
        yield session


@pytest.fixture
def sf(org: Org, session: requests.Session) -> Salesforce:
    keys = {name: org.credentials[name] for name in ("consumer_key", "consumer_secret")}
    return Salesforce(**keys, domain="acme.my", session=session, version="66.0")


def test_client_credentials_log_in(sf: Salesforce, org: Org) -> None:
    assert f"http://{sf.sf_instance}" == org.url
    assert sf.query("SELECT COUNT() FROM Account")["totalSize"] == 10


def test_a_signed_assertion_logs_in(org: Org, session: requests.Session) -> None:
    keys = {"consumer_key": org.credentials["consumer_key"], "privatekey": org.credentials["private_key"]}
    sf = Salesforce(username=org.credentials["username"], **keys, session=session, domain="login")
    assert sf.query("SELECT Id FROM User WHERE Username = 'sidecar@acme.test'")["totalSize"] == 1


def test_a_password_with_the_apps_keys_logs_in(org: Org, session: requests.Session) -> None:
    names = ("username", "password", "consumer_key", "consumer_secret")
    sf = Salesforce(**{name: org.credentials[name] for name in names}, session=session)
    with pytest.raises(SalesforceRefusedRequest, match="INSUFFICIENT_ACCESS"):
        sf.limits()
    org.act("setup", permissions=["ViewSetup"])
    assert sf.limits()["DailyApiRequests"] == {"Max": 100_000, "Remaining": 99_998}


def test_soap_login_is_refused_as_new_orgs_refuse_it(org: Org, session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        Salesforce(username="a", password="b", security_token="c", session=session)
    assert refused.value.code == "INVALID_OPERATION"
    assert "SOAP API login() is disabled by default in this org." in str(refused.value)


def test_describe_tells_what_can_be_read_and_written(sf: Salesforce) -> None:
    assert {"Lead", "Case", "Task", "User", "Group"} <= {one["name"] for one in sf.describe()["sobjects"]}
    fields = {field["name"]: field for field in sf.Lead.describe()["fields"]}
    assert (fields["LastName"]["nillable"], fields["LastName"]["updateable"]) == (False, True)
    assert (fields["SystemModstamp"]["type"], fields["SystemModstamp"]["updateable"]) == ("datetime", False)
    assert (fields["Description"]["filterable"], fields["OwnerId"]["referenceTo"]) == (False, ["User", "Group"])
    assert fields["Status"]["picklistValues"][0]["value"] == "Open - Not Contacted"
    assert {"SLA_Due__c", "SLA_Status__c", "SLA_First_Response_Due__c", "SLA_Breached_At__c"} <= set(fields)
    key = {field["name"]: field for field in sf.Task.describe()["fields"]}["SLA_Key__c"]
    assert (key["externalId"], key["unique"], key["length"]) == (True, True, 80)


def test_a_record_lives_from_creation_to_deletion(sf: Salesforce) -> None:
    made = sf.Lead.create({"LastName": "Ito", "Company": "Dune Energy", "SLA_Due__c": "2026-03-02T15:05:00.500Z"})
    assert made["success"] is True
    assert made["id"].startswith("00Q")
    assert sf.Lead.update(made["id"], {"Status": "Working - Contacted"}) == 204
    row = sf.Lead.get(made["id"])
    assert (row["Name"], row["Status"]) == ("Ito", "Working - Contacted")
    assert row["SLA_Due__c"] == "2026-03-02T15:05:00.000+0000"  # datetimes have no fraction of a second
    assert sf.Lead.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound) as gone:
        sf.Lead.get(made["id"])
    assert gone.value.content[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_a_task_is_made_once_by_its_external_id(sf: Salesforce, org: Org) -> None:
    lead = org.lead()
    first = sf.Task.upsert("SLA_Key__c/sla:lead:1", {"WhoId": lead, "Subject": "Call Ito now"})
    again = sf.Task.upsert("SLA_Key__c/sla:lead:1", {"WhoId": lead, "Subject": "Call Ito now"})
    assert (first, again) == (201, 200)
    assert sf.Task.get_by_custom_id("SLA_Key__c", "sla:lead:1")["WhoId"] == lead
    assert [line["object"] for line in org.effects()] == ["Lead", "Task", "Task"]


def test_query_all_follows_the_pages(org: Org, session: requests.Session, sf: Salesforce) -> None:
    for number in range(450):
        org.emulator.act({"do": "create", "object": "Account", "fields": {"Name": f"Account {number}"}})
    sf.headers["Sforce-Query-Options"] = "batchSize=200"
    first = sf.query("SELECT Id, Name FROM Account")
    assert (first["totalSize"], first["done"], len(first["records"])) == (460, False, 200)
    assert first["nextRecordsUrl"].startswith("/services/data/v66.0/query/0r8")
    assert len(sf.query_all("SELECT Id FROM Account")["records"]) == 460


def test_a_wrong_field_fails_the_whole_query_and_points_at_it(sf: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest) as wrong:
        sf.query("SELECT Id, Tier__c FROM Case")
    error = wrong.value.content[0]
    assert error["errorCode"] == "INVALID_FIELD"
    assert "ERROR at Row:1:Column:12\nNo such column 'Tier__c' on entity 'Case'." in error["message"]


def test_usage_is_read_from_both_forms_of_the_header(sf: Salesforce, org: Org) -> None:
    sf.query("SELECT Id FROM Organization")
    assert sf.api_usage["api-usage"].total == 100_000
    org.act("setup", per_app={"name": "sidecar app", "limit": 250})
    sf.query("SELECT Id FROM Organization")
    assert sf.api_usage["per-app-api-usage"].name == "sidecar app"


def test_an_expired_session_is_renewed_by_the_library(sf: Salesforce, org: Org) -> None:
    before = sf.session_id
    org.fault("expire_token", times=1)
    assert sf.query("SELECT COUNT() FROM Lead")["totalSize"] == 0
    assert sf.session_id != before


def test_a_session_given_by_hand_is_not_renewed(org: Org, session: requests.Session) -> None:
    sf = Salesforce(instance_url=org.url, session_id="00D!nonsense", session=session)
    with pytest.raises(SalesforceExpiredSession) as expired:
        sf.query("SELECT Id FROM Lead")
    assert expired.value.content == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_the_daily_limit_refuses_with_403(sf: Salesforce, org: Org) -> None:
    org.act("setup", daily_limit=5, calls=5)
    with pytest.raises(SalesforceRefusedRequest) as refused:
        sf.query("SELECT Id FROM Lead")
    assert refused.value.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"


def test_changed_and_deleted_ids_are_told_by_the_minute(sf: Salesforce, org: Org) -> None:
    from datetime import UTC, datetime

    start, end = datetime(2026, 3, 2, 14, 5, 30, tzinfo=UTC), datetime(2026, 3, 2, 14, 8, tzinfo=UTC)
    kept, lost = org.lead(), org.lead()
    org.delete(f"/sobjects/Lead/{lost}")
    org.advance(180)
    assert sf.Lead.updated(start, end) == {"ids": [kept], "latestDateCovered": "2026-03-02T14:08:00.000+0000"}
    assert [one["id"] for one in sf.Lead.deleted(start, end)["deletedRecords"]] == [lost]


def test_a_bulk_query_brings_every_row_once(org: Org, sf: Salesforce, monkeypatch: pytest.MonkeyPatch) -> None:
    from simple_salesforce import bulk2

    monkeypatch.setattr(bulk2, "sleep", lambda _seconds: org.advance(1))  # the library waits by polling
    for number in range(450):
        org.emulator.act({"do": "create", "object": "Account", "fields": {"Name": f"Account {number}"}})
    parts = list(sf.bulk2.Account.query("SELECT Id, Name FROM Account", max_records=200))
    lines = [line for part in parts for line in part.splitlines()[1:]]
    assert (len(parts), len(lines), len(set(lines))) == (3, 460, 460)


def test_a_session_is_renewed_on_each_expiry_and_a_blocked_user_is_told_so(sf: Salesforce, org: Org) -> None:
    org.act("logins", expired_as="list")
    org.act("revoke_sessions")
    assert sf.query("SELECT COUNT() FROM Lead")["totalSize"] == 0
    org.act("block_user", user="sidecar@acme.test")
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid_grant"):
        sf.query("SELECT COUNT() FROM Lead")


def test_histories_are_queried_as_rows(sf: Salesforce, org: Org) -> None:
    case = org.case()
    sf.Case.update(case, {"Status": "Working"}, headers={"Sforce-Auto-Assign": "FALSE"})
    rows = sf.query(f"SELECT Field, OldValue, NewValue FROM CaseHistory WHERE CaseId = '{case}'")["records"]
    assert [(row["Field"], row["NewValue"]) for row in rows if row["Field"] == "Status"] == [("Status", "Working")]


def test_custom_fields_are_made_and_seen_once_granted(sf: Salesforce, org: Org) -> None:
    field = {"FullName": "Case.Node__c", "Metadata": {"type": "Text", "label": "Node", "length": 20}}
    org.act("setup", permissions=["CustomizeApplication", "ViewSetup"])
    assert sf.toolingexecute("sobjects/CustomField", method="POST", data=field)["success"] is True
    assert "Node__c" not in {one["name"] for one in sf.Case.describe()["fields"]}
    with pytest.raises(SalesforceMalformedRequest) as doubled:
        sf.toolingexecute("sobjects/CustomField", method="POST", data=field)
    assert doubled.value.content[0]["errorCode"] == "DUPLICATE_DEVELOPER_NAME"
