"""The wire: logins and their refusals, expired sessions, quota, and faults of the network."""

from __future__ import annotations

import base64
import threading
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
import responses

from connectors.allowance import Allowance
from connectors.base import WriteBack
from connectors.errors import AuthFailed, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.http import IMPATIENT, Patience
from connectors.salesforce.api import Api
from connectors.salesforce.sending import Order, send
from connectors.salesforce.settings import SalesforceSettings

TOKEN_URL = "https://acme.my.salesforce.com/services/oauth2/token"
INSTANCE = "https://acme.my.salesforce.com"
QUERY_URL = f"{INSTANCE}/services/data/v66.0/queryAll/"
TOKEN = {
    "access_token": "00D!token", "instance_url": INSTANCE, "token_type": "Bearer",
    "id": "https://login.salesforce.com/id/00D000000000062EAA/005000000000009AAA",
}  # fmt: skip


def api(patience: Patience = IMPATIENT, **more: Any) -> Api:
    table = {"connector": "salesforce", "domain": "acme.my", "client_id": "key", "client_secret": "s3cret", **more}
    settings = SalesforceSettings.model_validate({key: value for key, value in table.items() if value is not None})
    return Api(settings, patience, Allowance(lambda: 0))


@responses.activate
def test_the_client_credentials_login_goes_to_my_domain_and_tells_who_we_are() -> None:
    responses.post(TOKEN_URL, json=TOKEN)
    responses.get(QUERY_URL, json={"records": [], "done": True})
    wire = api()
    wire.query("SELECT Id FROM Lead")
    login, query = responses.calls[0].request, responses.calls[1].request
    assert login.headers["Authorization"] == "Basic " + base64.b64encode(b"key:s3cret").decode()
    assert parse_qs(str(login.body)) == {"grant_type": ["client_credentials"]}
    assert query.headers["Authorization"] == "Bearer 00D!token"
    assert query.headers["Sforce-Auto-Assign"] == "FALSE"
    assert query.headers["User-Agent"].startswith("sla-sidecar/")
    assert (wire.user, wire.organization) == ("005000000000009AAA", "00D000000000062EAA")


@pytest.mark.parametrize(
    ("status", "answer", "kind", "fix"),
    [
        (400, {"error": "invalid_grant", "error_description": "no client credentials user enabled"}, AuthFailed,
         "Run As user"),
        (400, {"error": "invalid_client_id", "error_description": "client identifier invalid"}, AuthFailed,
         "consumer key"),
        (400, {"error": "invalid_client", "error_description": "invalid client credentials"}, AuthFailed,
         "consumer secret"),
        (400, {"error": "invalid_grant", "error_description": "login rate exceeded"}, RateLimited, None),
        (503, "<html>Maintenance</html>", RetryLater, None),
        (200, "<html>Welcome to the hotel's wireless network</html>", RetryLater, None),
        (200, {"access_token": "x"}, RetryLater, None),
        (200, [], RetryLater, None),
        (302, "", Rejected, None),
    ],
)  # fmt: skip
@responses.activate
def test_a_refused_login_says_what_to_do(status: int, answer: Any, kind: type[Exception], fix: str | None) -> None:
    if isinstance(answer, str):
        responses.post(TOKEN_URL, body=answer, status=status)
    else:
        responses.post(TOKEN_URL, json=answer, status=status)
    with pytest.raises(ConnectorError) as caught:
        api().ensure_login()
    assert type(caught.value) is kind
    assert fix is None or fix in str(caught.value.fix)
    assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert len(responses.calls) == 1


def test_a_private_key_that_is_none_is_an_error_of_the_settings() -> None:
    wire = api(client_secret=None, username="sla@acme.test", private_key="-----BEGIN NONSENSE")
    with pytest.raises(AuthFailed) as caught:
        wire.ensure_login()
    assert "PEM" in str(caught.value.fix)
    assert "NONSENSE" not in repr(caught.value)


@responses.activate
def test_a_user_who_is_always_refused_costs_two_logins_and_no_more() -> None:
    responses.post(TOKEN_URL, json=TOKEN)
    responses.get(QUERY_URL, json=[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired"}], status=401)
    with pytest.raises(AuthFailed):
        api(Patience(attempts=5, first_s=0, longest_s=0)).query("SELECT Id FROM Lead")
    assert [call.request.method for call in responses.calls] == ["POST", "GET", "POST", "GET"]


@pytest.mark.parametrize("body", ['{"errorCode": "INVALID_SESSION_ID"}', "<html>Sign in</html>", "", "[]"])
@responses.activate
def test_a_401_in_any_shape_is_handled(body: str) -> None:
    responses.post(TOKEN_URL, json=TOKEN)
    responses.get(QUERY_URL, body=body, status=401)
    responses.get(QUERY_URL, json={"records": [], "done": True})
    assert api().query("SELECT Id FROM Lead").body.startswith(b"{")


@responses.activate
def test_a_401_that_no_login_can_mend_asks_for_none() -> None:
    responses.post(TOKEN_URL, json=TOKEN)
    responses.get(QUERY_URL, json=[{"errorCode": "INVALID_AUTH_HEADER", "message": "x"}], status=401)
    with pytest.raises(AuthFailed):
        api().query("SELECT Id FROM Lead")
    assert len(responses.calls) == 2


@responses.activate
def test_an_org_that_moved_is_found_at_its_new_place_after_the_next_login() -> None:
    responses.post(TOKEN_URL, json=TOKEN)
    responses.post(TOKEN_URL, json={**TOKEN, "instance_url": "https://acme2.my.salesforce.com"})
    responses.get(QUERY_URL, json=[{"errorCode": "INVALID_SESSION_ID"}], status=401)
    responses.get("https://acme2.my.salesforce.com/services/data/v66.0/queryAll/", json={"records": []})
    assert api().query("SELECT Id FROM Lead").body


@pytest.mark.parametrize(
    ("header", "quotas"),
    [
        ("api-usage=18/5000", {"day": (18, 5000)}),
        (
            "api-usage=25/5000; per-app-api-usage=17/250(appName=sla-sidecar)",
            {"day": (25, 5000), "day, this app": (17, 250)},
        ),
        ("per-app-api-usage=17/250(appName=x);api-usage=25/5000", {"day": (25, 5000), "day, this app": (17, 250)}),
        ("nonsense", {}),
        ("", {}),
    ],
)
@responses.activate
def test_the_quota_is_read_off_every_answer_errors_included(header: str, quotas: dict[str, tuple[int, int]]) -> None:
    responses.post(TOKEN_URL, json=TOKEN)
    responses.get(QUERY_URL, json=[{"errorCode": "QUERY_TIMEOUT"}], status=400, headers={"Sforce-Limit-Info": header})
    wire = api()
    with pytest.raises(RetryLater):
        wire.query("SELECT Id FROM Lead")
    assert {quota.window: (quota.used, quota.limit) for quota in wire.quota()} == quotas


@responses.activate
def test_a_passing_fault_of_a_read_is_tried_again_and_a_lost_write_is_not() -> None:
    responses.post(TOKEN_URL, json=TOKEN)
    responses.get(QUERY_URL, body="<html>", status=503)
    responses.get(QUERY_URL, json={"records": []})
    url = f"{INSTANCE}/services/data/v66.0/composite/sobjects"
    responses.patch(url, body="<html>", status=503)
    responses.patch(url, json=[])
    wire = api(Patience(attempts=3, first_s=0, longest_s=0))
    assert wire.query("SELECT Id FROM Lead").body == b'{"records": []}'
    with pytest.raises(RetryLater) as caught:
        wire.send("PATCH", "composite/sobjects", b"{}")
    assert caught.value.unknown is True
    assert sum(call.request.method == "PATCH" for call in responses.calls) == 1


# ---- against the emulator


def test_the_jwt_login_works(org: Any) -> None:
    settings = org.settings(
        client_secret=None, domain=None, username=org.credentials["username"],
        private_key=org.credentials["private_key"],
    )  # fmt: skip
    wire = Api(SalesforceSettings.model_validate(settings), IMPATIENT, Allowance(lambda: 0))
    wire.ensure_login()
    assert wire.user == org.emulator.cast.integration


def test_a_token_that_expires_on_the_very_write_keeps_assignment_rules_off(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    owner = org.row(lead)["OwnerId"]
    acme.people()
    org.fault("expire_token", "/services/data/v66.0/composite/sobjects", method="PATCH", times=1)
    receipt = acme.write([
        WriteBack(key="k", record=f"acme:lead:{lead}", action="fields", values={"sla_status": "running"})
    ])[0]  # fmt: skip
    assert receipt.outcome == "done"
    assert org.row(lead)["SLA_Status__c"] == "running"
    assert org.row(lead)["OwnerId"] == owner
    assert len(org.effects()) == 1


def test_eight_threads_that_find_the_session_expired_log_in_once(org: Any) -> None:
    wire = Api(SalesforceSettings.model_validate(org.settings()), IMPATIENT, Allowance(lambda: 0))
    wire.ensure_login()
    org.setup(revoke_sessions=True)
    logins = org.emulator.counts["POST /services/oauth2/token"]
    start = threading.Barrier(8)
    failed: list[ConnectorError] = []

    def ask() -> None:
        start.wait()
        try:
            wire.query("SELECT Id FROM Lead LIMIT 1")
        except ConnectorError as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert org.emulator.counts["POST /services/oauth2/token"] == logins + 1


def test_several_queries_travel_in_one_call(org: Any) -> None:
    wire = Api(SalesforceSettings.model_validate(org.settings()), IMPATIENT, Allowance(lambda: 0))
    wire.ensure_login()
    before = org.calls()
    answers = wire.queries(["SELECT Id FROM Lead", "SELECT Id FROM Case", "SELECT Id FROM Task"])
    assert [msgspec.json.decode(answer.body)["totalSize"] for answer in answers] == [0, 0, 0]
    assert org.calls() == before + 1
    with pytest.raises(Rejected) as caught:
        wire.queries(["SELECT Id FROM Lead", "SELECT Nope__c FROM Lead"])
    assert caught.value.code == "INVALID_FIELD"


LIMIT = {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}


@responses.activate
def test_a_limit_that_a_part_of_an_answer_tells_of_is_kept_for_all_calls() -> None:
    responses.post(TOKEN_URL, json=TOKEN)
    part = {"body": {"records": [], "done": True}, "httpStatusCode": 200}
    parts = [part, {"body": [LIMIT], "httpStatusCode": 403}]
    responses.post(f"{INSTANCE}/services/data/v66.0/composite", json={"compositeResponse": parts})
    wire = api()
    own, other = wire.each_query(["SELECT Id FROM Lead", "SELECT Id FROM Case"])
    assert isinstance(other, RateLimited)
    assert not isinstance(own, ConnectorError)
    with pytest.raises(RateLimited, match="held back: the CRM asked for this wait"):
        wire.query("SELECT Id FROM Lead")


@responses.activate
def test_a_limit_that_every_row_tells_of_is_kept_for_all_calls() -> None:
    responses.post(TOKEN_URL, json=TOKEN)
    row = {"success": False, "errors": [{"statusCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}]}
    responses.patch(f"{INSTANCE}/services/data/v66.0/composite/sobjects", json=[row])
    wire, lead = api(), "00Q000000000001AAA"
    write = WriteBack(key="k", record=f"acme:lead:{lead}", action="fields", values={})
    with pytest.raises(RateLimited):
        send(wire, "PATCH", [Order(write, "Lead", {"id": lead, "Rating": "Hot"})])
    with pytest.raises(RateLimited, match="held back"):
        wire.query("SELECT Id FROM Lead")


@pytest.mark.parametrize(
    ("fault", "kind", "unknown"),
    [
        ("status:503", RetryLater, True),
        ("status:500", RetryLater, True),
        ("html", RetryLater, True),
        ("reset", RetryLater, True),
        ("truncate", RetryLater, True),
        ("drop_response", RetryLater, True),
        ("quota", RateLimited, False),
        ("status:429", RateLimited, False),
        ("status:401", AuthFailed, None),
    ],
)
def test_a_fault_on_a_write_is_classified(
    org: Any, acme: Any, fault: str, kind: type[Exception], unknown: bool | None
) -> None:
    lead = org.create("Lead")
    acme.people()
    org.fault(fault, "/services/data/v66.0/composite/sobjects")
    write = WriteBack(key="k", record=f"acme:lead:{lead}", action="fields", values={"sla_status": "met"})
    with pytest.raises(kind) as caught:
        acme.write([write])
    assert getattr(caught.value, "unknown", None) is unknown


def test_a_server_that_does_not_answer_in_time_leaves_the_write_unknown(org: Any) -> None:
    lead = org.create("Lead")
    quick = org.connect(timeouts={"connect": "1s", "read": "150ms", "total": "1s"})
    quick.people()
    org.fault("latency", "/services/data/v66.0/composite/sobjects", seconds=0.5)
    write = WriteBack(key="k", record=f"acme:lead:{lead}", action="fields", values={"sla_status": "met"})
    with pytest.raises(RetryLater) as caught:
        quick.write([write])
    assert (caught.value.code, caught.value.unknown) == ("TIMEOUT", True)
