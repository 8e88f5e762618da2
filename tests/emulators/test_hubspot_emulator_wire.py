"""Tokens, scopes, limits, faults, effects and webhooks: what lies around the records."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests
from hubspot import Client
from hubspot.crm.tickets import ApiException
from hubspot.utils.signature import Signature

from emulators.core import Server, serve
from emulators.hubspot import HubSpotEmulator
from emulators.hubspot.hooks import signature_v3


@pytest.fixture
def crm() -> Iterator[Server]:
    server = serve(HubSpotEmulator(seed=5))
    yield server
    server.close()


@pytest.fixture
def http(crm: Server) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {crm.emulator.credentials()['access_token']}"
        yield session


def new_ticket(crm: Server) -> str:
    made = crm.emulator.act({"do": "create", "object": "tickets", "fields": {"subject": "Help"}})
    return str(made["id"])


def test_without_a_token_or_with_a_wrong_one_nothing_is_told(crm: Server) -> None:
    for headers in ({}, {"Authorization": "Bearer pat-na1-wrong"}, {"Authorization": "Basic abc"}):
        answer = requests.get(f"{crm.url}/crm/v3/objects/tickets", headers=headers, timeout=5)
        assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")


def test_oauth_tokens_are_refreshed_and_expire(crm: Server) -> None:
    credentials = crm.emulator.credentials()
    client = Client.create(host=crm.url, base_url=crm.url, retry=False)
    wanted = {name: credentials[name] for name in ("client_id", "client_secret", "refresh_token")}
    tokens = client.oauth.tokens_api.create(grant_type="refresh_token", **wanted)
    assert (tokens.expires_in, tokens.refresh_token) == (1800, credentials["refresh_token"])
    caller = Client.create(access_token=tokens.access_token, host=crm.url, retry=False)
    assert caller.crm.tickets.basic_api.get_page().results == []
    crm.emulator.clock.advance(1801)
    with pytest.raises(ApiException) as caught:
        caller.crm.tickets.basic_api.get_page()
    assert json.loads(caught.value.body)["category"] == "EXPIRED_AUTHENTICATION"
    dated = requests.post(
        f"{crm.url}/oauth/2026-03/token", data={"grant_type": "refresh_token"} | wanted, timeout=5
    ).json()
    assert (dated["token_use"], dated["hub_id"]) == ("access_token", int(credentials["portal_id"]))


def test_a_revoked_refresh_token_is_an_invalid_grant(crm: Server) -> None:
    credentials = crm.emulator.credentials()
    form = {"grant_type": "refresh_token"} | {
        name: credentials[name] for name in ("client_id", "client_secret", "refresh_token")
    }

    def revoked(token: str) -> int:
        url = f"{crm.url}/oauth/2026-03/token/revoke"
        return requests.post(url, data=form | {"token": token}, timeout=5).status_code

    access = requests.post(f"{crm.url}/oauth/2026-03/token", data=form, timeout=5).json()["access_token"]
    assert [revoked("unknown"), revoked(access)] == [204, 204]
    bearer = {"Authorization": f"Bearer {access}"}
    assert requests.get(f"{crm.url}/crm/v3/owners/", headers=bearer, timeout=5).status_code == 401
    assert requests.post(f"{crm.url}/oauth/2026-03/token", data=form, timeout=5).status_code == 200
    assert revoked(credentials["refresh_token"]) == 204
    refused = requests.post(f"{crm.url}/oauth/v1/token", data=form, timeout=5)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert refused.json()["status"] == "BAD_REFRESH_TOKEN"
    refused = requests.post(f"{crm.url}/oauth/v1/token", data=form | {"client_secret": "x"}, timeout=5)
    assert refused.json()["error"] == "invalid_client"


def test_a_missing_scope_is_not_a_wrong_token(crm: Server, http: requests.Session) -> None:
    crm.emulator.act({"do": "settings", "missing_scopes": ["tickets"]})
    refused = http.get(f"{crm.url}/crm/v3/objects/tickets")
    assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")
    assert refused.json()["errors"][0]["context"] == {"requiredGranularScopes": ["tickets"]}
    assert http.get(f"{crm.url}/crm/v3/objects/contacts").status_code == 200


def test_account_details(crm: Server, http: requests.Session) -> None:
    details = http.get(f"{crm.url}/account-info/v3/details").json()
    assert str(details["portalId"]) == crm.emulator.credentials()["portal_id"]
    assert details["timeZone"] == "UTC"


def test_every_answer_but_a_searchs_tells_the_quota(crm: Server, http: requests.Session) -> None:
    listed = http.get(f"{crm.url}/crm/v3/objects/tickets").headers
    again = http.get(f"{crm.url}/crm/v3/objects/tickets/9").headers
    found = http.post(f"{crm.url}/crm/v3/objects/tickets/search", json={})
    assert (listed["X-HubSpot-RateLimit-Max"], listed["X-HubSpot-RateLimit-Interval-Milliseconds"]) == ("190", "10000")
    assert int(again["X-HubSpot-RateLimit-Remaining"]) == int(listed["X-HubSpot-RateLimit-Remaining"]) - 1
    assert found.status_code == 200
    assert not [name for name in found.headers if "ratelimit" in name.lower()]


def test_the_sixth_search_of_a_second_is_refused(crm: Server, http: requests.Session) -> None:
    answers = [http.post(f"{crm.url}/crm/v3/objects/tickets/search", json={}) for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert answers[-1].json() | {"correlationId": ""} == {
        "status": "error", "message": "You have reached your secondly limit.", "correlationId": "",
        "errorType": "RATE_LIMIT", "policyName": "SECONDLY", "category": "RATE_LIMITS",
    }  # fmt: skip
    assert not [name for name in answers[-1].headers if "ratelimit" in name.lower() or name == "Retry-After"]


@pytest.mark.parametrize(
    ("fault", "method", "path", "status", "key", "value"),
    [
        ("status:429", "POST", "/crm/v3/objects/tickets/search", 429, "policyName", "SECONDLY"),
        ("status:429", "GET", "/crm/v3/objects/tickets", 429, "policyName", "TEN_SECONDLY_ROLLING"),
        ("quota", "GET", "/crm/v3/objects/tickets", 429, "policyName", "DAILY"),
        ("status:423", "GET", "/crm/v3/objects/tickets", 423, "category", "LOCKED"),
        ("status:477", "GET", "/crm/v3/objects/tickets", 477, "category", "MIGRATION_IN_PROGRESS"),
        ("status:503", "GET", "/crm/v3/objects/tickets", 503, "category", "INTERNAL_ERROR"),
        ("status:403", "GET", "/crm/v3/objects/tickets", 403, "category", "MISSING_SCOPES"),
        ("expire_token", "GET", "/crm/v3/objects/tickets", 401, "category", "INVALID_AUTHENTICATION"),
    ],
)
def test_faults_speak_the_vendors_language(
    crm: Server, http: requests.Session, fault: str, method: str, path: str, status: int, key: str, value: str
) -> None:
    crm.emulator.faults.add({"fault": fault, "times": 1, "path": path})
    refused = http.request(method, crm.url + path, json={})
    assert (refused.status_code, refused.json()[key]) == (status, value)
    assert http.request(method, crm.url + path, json={}).status_code in (200, 201)


def test_a_retry_after_is_told_when_the_fault_has_seconds(crm: Server, http: requests.Session) -> None:
    crm.emulator.faults.add({"fault": "status:429", "times": 1, "seconds": 7})
    assert http.get(f"{crm.url}/crm/v3/objects/tickets").headers["Retry-After"] == "7"


def test_a_bad_gateway_is_a_page(crm: Server, http: requests.Session) -> None:
    crm.emulator.faults.add({"fault": "status:502", "times": 1})
    answer = http.get(f"{crm.url}/crm/v3/objects/tickets")
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=UTF-8")
    assert b"502 Bad Gateway" in answer.content


def test_a_partial_batch_writes_some_rows_and_tells_which(crm: Server, http: requests.Session) -> None:
    ids = [new_ticket(crm) for _ in range(4)]
    crm.emulator.faults.add({"fault": "partial", "times": 1})
    before = len(crm.emulator.effects.lines())
    inputs = [{"id": each, "properties": {"sla_status": "met"}} for each in ids]
    answer = http.post(f"{crm.url}/crm/v3/objects/tickets/batch/update", json={"inputs": inputs})
    assert answer.status_code == 207
    assert {one["id"] for one in answer.json()["results"]} == {ids[0], ids[2]}
    assert [one["context"]["ids"] for one in answer.json()["errors"]] == [[ids[1]], [ids[3]]]
    assert [line["id"] for line in crm.emulator.effects.lines()[before:]] == [ids[0], ids[2]]


def test_a_lost_answer_leaves_its_effect(crm: Server, http: requests.Session) -> None:
    crm.emulator.faults.add({"fault": "drop_response", "method": "POST", "times": 1})
    with pytest.raises(requests.ConnectionError):
        http.post(f"{crm.url}/crm/v3/objects/tasks", json={"properties": {"hs_timestamp": "1772460300000"}})
    assert [line["object"] for line in crm.emulator.effects.lines()] == ["tasks"]


def test_each_written_record_is_one_effect_with_what_was_sent(crm: Server, http: requests.Session) -> None:
    ids = [new_ticket(crm) for _ in range(2)]
    inputs = [{"id": each, "properties": {"sla_due": "1772460300000", "sla_status": ""}} for each in ids]
    http.post(f"{crm.url}/crm/v3/objects/tickets/batch/update", json={"inputs": inputs})
    http.patch(f"{crm.url}/crm/v3/objects/tickets/{ids[0]}", json={"properties": {"nonsense": "1"}})
    http.put(f"{crm.url}/crm/v4/objects/tickets/{ids[0]}/associations/default/tickets/{ids[1]}")
    http.delete(f"{crm.url}/crm/v3/objects/tickets/{ids[1]}")
    lines = requests.get(f"{crm.url}/_emulator/effects", timeout=5).text.splitlines()
    told = [(line["by"], line["id"], line["fields"]) for line in map(json.loads, lines)]
    assert told[2:] == [
        ("api:private-app", ids[0], {"sla_due": "2026-03-02T14:05:00Z", "sla_status": ""}),
        ("api:private-app", ids[1], {"sla_due": "2026-03-02T14:05:00Z", "sla_status": ""}),
        ("api:private-app", ids[1], {"archived": True}),
    ]
    assert {json.loads(line)["by"] for line in lines[:2]} == {"person:customer"}


def test_a_malformed_body_is_a_validation_error(crm: Server, http: requests.Session) -> None:
    for body in (b"{", b"[]", b'{"inputs": 5}', b'{"inputs": [{"id": {}}]}', b""):
        answer = http.post(f"{crm.url}/crm/v3/objects/tickets/batch/update", data=body)
        assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


class Receiver:
    """A webhook endpoint; ``statuses`` are the answers to give, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.got: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        answers = list(statuses)
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(answers.pop(0) if answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                got.put((dict(self.headers.items()), body))

            def log_message(self, *_: Any) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks/hubspot?crm=acme%2Fhubspot"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def test_an_api_write_comes_back_as_a_signed_webhook(crm: Server, http: requests.Session, receiver: Receiver) -> None:
    ticket = new_ticket(crm)
    requests.post(f"{crm.url}/_emulator/webhooks", json={"url": receiver.url}, timeout=5)
    http.patch(f"{crm.url}/crm/v3/objects/tickets/{ticket}", json={"properties": {"sla_status": "running"}})
    found: list[dict[str, Any]] = []
    while not found:
        headers, body = receiver.got.get(timeout=5)
        found = [one for one in json.loads(body) if one.get("propertyName") == "sla_status"]
    event = found[0]
    assert event | {"eventId": 0, "subscriptionId": 0, "occurredAt": 0} == {
        "eventId": 0, "subscriptionId": 0, "portalId": crm.emulator.portal.id, "appId": crm.emulator.portal.app_id,
        "occurredAt": 0, "subscriptionType": "ticket.propertyChange", "attemptNumber": 0, "objectId": int(ticket),
        "changeSource": "INTEGRATION", "sourceId": str(crm.emulator.portal.app_id), "propertyName": "sla_status",
        "propertyValue": "running",
    }  # fmt: skip
    stamp = headers["X-HubSpot-Request-Timestamp"]
    secret = crm.emulator.webhook_secret
    decoded = receiver.url.replace("%2F", "/")
    assert headers["X-HubSpot-Signature-v3"] == Signature.get_signature(
        secret, body.decode(), "v3", decoded, "POST", stamp
    )
    assert headers["X-HubSpot-Signature"] == Signature.get_signature(secret, body.decode(), "v1")


def test_types_without_a_subscription_of_their_own_are_told_of_as_objects(crm: Server, receiver: Receiver) -> None:
    crm.emulator.webhooks.change({"url": receiver.url})
    crm.emulator.act({"do": "call", "object": "tickets", "id": new_ticket(crm), "by": "sam@acme.test"})
    events: list[dict[str, Any]] = []
    while not [one for one in events if one["subscriptionType"] == "ticket.associationChange"]:
        events += json.loads(receiver.got.get(timeout=5)[1])
    born = next(one for one in events if one["subscriptionType"] == "object.creation")
    assert (born["objectTypeId"], born["changeFlag"], born["changeSource"]) == ("0-48", "NEW", "CRM_UI")
    linked = next(one for one in events if one["subscriptionType"] == "ticket.associationChange")
    assert (linked["associationType"], linked["associationRemoved"]) == ("TICKET_TO_CALL", False)
    assert linked["toObjectTypeId"] == "0-48"
    calculated = {one["propertyName"] for one in events if one["changeSource"] == "CALCULATED"}
    assert {"notes_last_contacted", "num_contacted_notes"} <= calculated


def test_a_refused_batch_is_sent_again_signed_anew_with_its_attempt_number(crm: Server) -> None:
    receiver = Receiver(500)
    crm.emulator.webhooks.change({"url": receiver.url})
    new_ticket(crm)
    first, body = receiver.got.get(timeout=5)
    second, again = {}, b""
    for _ in range(50):  # the sender notes its failure a moment after we have seen it
        crm.emulator.clock.advance(60)
        with contextlib.suppress(queue.Empty):
            second, again = receiver.got.get(timeout=0.1)
            break
    receiver.close()
    assert [one["attemptNumber"] for one in json.loads(body)] == [0] * len(json.loads(body))
    assert {one["attemptNumber"] for one in json.loads(again)} == {1}
    assert {one["eventId"] for one in json.loads(body)} == {one["eventId"] for one in json.loads(again)}
    assert int(second["X-HubSpot-Request-Timestamp"]) >= int(first["X-HubSpot-Request-Timestamp"]) + 60_000


def test_the_signature_of_the_vendors_own_example() -> None:
    url = "https://example.test/path?q=%3a%2f%3f%40%21%24%27%28%29%2A%2c%3B&keep=%20%26%3D%25"
    signed = signature_v3("test-secret", "POST", url, b'{"hello":"world"}', "1700000000000")
    assert signed == "FhSZmmHFCVseGt3WeM6l5TdvzRxyHG3Or+1Udj4PokI="


def test_webhooks_may_be_forged_or_signed_as_of_another_time() -> None:
    crm = HubSpotEmulator(seed=4)
    url = "http://127.0.0.1:9/hook?q=%3a"

    def signed(**settings: object) -> tuple[bool, int]:
        crm.webhooks.change({"url": url, **settings})
        crm.act({"do": "create", "object": "tickets", "fields": {"subject": "Help"}})
        (delivery, *_) = crm.deliveries()
        assert delivery.render is not None
        headers, body = delivery.render()
        at = headers["X-HubSpot-Request-Timestamp"]
        ours = signature_v3(crm.webhook_secret, "POST", url, body, at)
        return headers["X-HubSpot-Signature-v3"] == ours, round((int(at) - crm.clock.now_ms()) / 1000)

    assert signed() == (True, 0)
    assert signed(forged=True) == (False, 0)
    assert signed(skew_s=-600) == (True, -600)
    assert signed(skew_s=600) == (True, 600)


def test_each_policy_of_the_quota_can_be_used_up(crm: Server, http: requests.Session) -> None:
    for policy in ("DAILY", "TEN_SECONDLY_ROLLING", "SECONDLY"):
        crm.emulator.faults.add({"fault": f"quota:{policy}", "times": 1})
        answer = http.get(f"{crm.url}/crm/v3/owners/", timeout=5)
        assert (answer.status_code, answer.json()["policyName"]) == (429, policy)


def test_burst_and_day_are_refused_where_they_are_enforced(crm: Server, http: requests.Session) -> None:
    def asked() -> tuple[int, str | None]:
        answer = http.get(f"{crm.url}/crm/v3/owners/", timeout=5)
        return answer.status_code, answer.json().get("policyName")

    crm.emulator.act({"do": "settings", "quota": {"burst": 3, "daily": 5}})
    http.post(f"{crm.url}/crm/v3/objects/tickets/search", json={}, timeout=5)  # of the day, not of the burst
    assert [asked() for _ in range(5)] == [(200, None)] * 3 + [(429, "TEN_SECONDLY_ROLLING"), (429, "DAILY")]
    crm.emulator.act({"do": "settings", "quota": None})
    assert asked() == (200, None)
