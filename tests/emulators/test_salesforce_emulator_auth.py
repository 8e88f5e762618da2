"""Getting and losing a session: what each grant needs, what each refusal says."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import requests
from salesforce_emulator_org import Org, error_of

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
def org() -> Iterator[Org]:
    org = Org()
    yield org
    org.close()


def token(org: Org, headers: dict[str, str] | None = None, **form: str) -> requests.Response:
    return org.http.post(f"{org.url}/services/oauth2/token", data=form, headers=headers, timeout=5)


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"], answer.json()["error_description"]


def app(org: Org, **more: str) -> dict[str, str]:
    keys = {"client_id": org.credentials["consumer_key"], "client_secret": org.credentials["consumer_secret"]}
    return keys | more


def assertion(org: Org, **claims: Any) -> str:
    usual = {
        "iss": org.credentials["consumer_key"], "sub": org.credentials["username"],
        "aud": "https://login.salesforce.com", "exp": int(time.time()) + 180,
    }  # fmt: skip
    return jwt.encode(usual | claims, org.credentials["private_key"], algorithm="RS256")


def test_a_token_names_instance_user_and_org(org: Org) -> None:
    answer = token(org, **app(org, grant_type="client_credentials"))
    body = answer.json()
    assert answer.status_code == 200
    assert (body["instance_url"], body["token_type"]) == (org.url, "Bearer")
    assert body["id"] == f"{org.url}/id/{org.credentials['organization_id']}/{org.user('sidecar@acme.test')}"
    org.token = body["access_token"]
    identity = org.get("/services/oauth2/userinfo").json()
    assert identity["username"] == "sidecar@acme.test"


def test_the_apps_keys_may_come_in_the_authorization_header(org: Org) -> None:
    pair = f"{org.credentials['consumer_key']}:{org.credentials['consumer_secret']}"
    header = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    assert token(org, header, grant_type="client_credentials").status_code == 200


def test_an_app_without_a_run_as_user_is_told_so(org: Org) -> None:
    org.act("setup", run_as=None)
    assert refusal(token(org, **app(org, grant_type="client_credentials"))) == (
        400, "invalid_grant", "no client credentials user enabled",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("form", "refused"),
    [
        ({"client_id": "nobody"}, (400, "invalid_client_id", "client identifier invalid")),
        ({"client_secret": "wrong"}, (400, "invalid_client", "invalid client credentials")),
        ({"grant_type": "magic"}, (400, "unsupported_grant_type", "grant type not supported")),
        ({"grant_type": "password", "username": "sidecar@acme.test", "password": "wrong"},
         (400, "invalid_grant", "authentication failure")),
        ({"grant_type": JWT_GRANT, "assertion": "not.a.token"}, (400, "invalid_grant", "invalid assertion")),
    ],
)  # fmt: skip
def test_a_wrong_grant_is_refused_in_the_vendors_words(org: Org, form: dict[str, str], refused: Any) -> None:
    assert refusal(token(org, **(app(org, grant_type="client_credentials") | form))) == refused


@pytest.mark.parametrize(
    ("claims", "description"),
    [
        ({"sub": "stranger@acme.test"}, "user hasn't approved this consumer"),
        ({"exp": 1}, "expired assertion"),
        ({"aud": "salesforce"}, "audience is invalid"),
    ],
)
def test_a_signed_assertion_is_checked(org: Org, claims: dict[str, Any], description: str) -> None:
    answer = token(org, grant_type=JWT_GRANT, assertion=assertion(org, **claims))
    assert refusal(answer) == (400, "invalid_grant", description)


@pytest.mark.parametrize(
    ("takes", "audience", "told"),
    [
        ("login", "https://test.salesforce.com", (400, "invalid_grant", "audience is invalid")),
        ("test", "https://acme.my.salesforce.com", (400, "invalid_grant", "audience is invalid")),
        ("my_domain", "https://login.salesforce.com",
         (400, "app_not_found", "External client app is not installed in this org")),
    ],
)  # fmt: skip
def test_an_app_may_take_assertions_for_one_audience_alone(org: Org, takes: str, audience: str, told: Any) -> None:
    org.act("logins", audience=takes)
    answer = token(org, grant_type=JWT_GRANT, assertion=assertion(org, aud=audience))
    assert refusal(answer) == told
    right = {"login": "https://login.salesforce.com", "test": "https://test.salesforce.com"}.get(takes, org.url)
    assert token(org, grant_type=JWT_GRANT, assertion=assertion(org, aud=right)).status_code == 200


def test_an_assertion_with_a_changed_body_is_invalid(org: Org) -> None:
    head, _, signature = assertion(org).split(".")
    _, body, _ = assertion(org, sub="admin@acme.test").split(".")
    answer = token(org, grant_type=JWT_GRANT, assertion=f"{head}.{body}.{signature}")
    assert refusal(answer) == (400, "invalid_grant", "invalid assertion")


def test_a_deactivated_user_neither_logs_in_nor_stays(org: Org) -> None:
    org.act("deactivate_user", user="sidecar@acme.test")
    assert error_of(org.get("/sobjects")) == (401, "INVALID_SESSION_ID", "Session expired or invalid")
    assert refusal(token(org, **app(org, grant_type="client_credentials")))[1] == "inactive_user"


def test_a_session_ends_after_two_hours_without_a_call(org: Org) -> None:
    for _ in range(3):
        org.advance(7000)
        assert org.get("/sobjects").status_code == 200
    org.advance(7300)
    assert error_of(org.get("/sobjects"))[1] == "INVALID_SESSION_ID"


def test_a_session_can_be_revoked_by_its_client_and_by_the_admin(org: Org) -> None:
    revoke = org.http.post(f"{org.url}/services/oauth2/revoke", data={"token": org.token}, timeout=5)
    assert revoke.status_code == 200
    assert error_of(org.get("/sobjects"))[1] == "INVALID_SESSION_ID"
    org.token = token(org, **app(org, grant_type="client_credentials")).json()["access_token"]
    org.act("setup", revoke_sessions=True)
    assert error_of(org.get("/sobjects"))[1] == "INVALID_SESSION_ID"


def test_a_call_without_a_token_is_told_which_header_is_missing(org: Org) -> None:
    answer = org.http.get(f"{org.url}/services/data/v66.0/sobjects", timeout=5)
    assert error_of(answer) == (401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")


def test_versions_are_listed_without_a_session_and_named_by_release(org: Org) -> None:
    versions = org.http.get(f"{org.url}/services/data", timeout=5).json()
    assert versions[0] == {"label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0"}
    assert [one["label"] for one in versions[-4:]] == ["Winter '26", "Spring '26", "Summer '26", "Winter '27"]


def test_a_retired_version_is_gone_and_an_unknown_one_not_found(org: Org) -> None:
    assert error_of(org.get("/services/data/v30.0/sobjects"))[:2] == (410, "GONE")
    assert error_of(org.get("/services/data/v99.0/sobjects"))[:2] == (404, "NOT_FOUND")


def refresh(org: Org, text: str, **more: str) -> requests.Response:
    return token(org, grant_type="refresh_token", client_id=org.credentials["consumer_key"], refresh_token=text, **more)


def test_with_rotation_a_refresh_token_is_good_once_and_brings_the_next(org: Org) -> None:
    first = refresh(org, org.credentials["refresh_token"]).json()
    assert refusal(refresh(org, org.credentials["refresh_token"])) == (
        400, "invalid_grant", "expired access/refresh token",
    )  # fmt: skip
    assert refresh(org, first["refresh_token"], client_secret="wrong").json()["error"] == "invalid_client"
    assert refresh(org, first["refresh_token"]).status_code == 200


def test_without_rotation_a_refresh_token_stays_and_is_not_repeated(org: Org) -> None:
    org.act("logins", rotation=False)
    for _ in range(2):
        assert "refresh_token" not in refresh(org, org.credentials["refresh_token"]).json()
    org.act("revoke_sessions", grants=True)
    assert refresh(org, org.credentials["refresh_token"]).status_code == 400


def test_the_oldest_session_ends_when_there_are_too_many(org: Org) -> None:
    org.act("logins", session_cap=2)
    for _ in range(2):
        assert token(org, **app(org, grant_type="client_credentials")).status_code == 200
    assert error_of(org.get("/sobjects"))[1] == "INVALID_SESSION_ID"


def test_a_frozen_user_has_no_session_and_gets_none(org: Org) -> None:
    org.act("block_user")
    assert error_of(org.get("/sobjects"))[1] == "INVALID_SESSION_ID"
    assert refusal(token(org, **app(org, grant_type="client_credentials")))[2] == "user is frozen"
    org.act("unblock_user")
    assert token(org, **app(org, grant_type="client_credentials")).status_code == 200


def test_who_logs_in_too_often_waits_an_hour(org: Org) -> None:
    org.act("logins", logins_an_hour=2)
    answers = [token(org, **app(org, grant_type="client_credentials")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 400]
    assert refusal(answers[2]) == (400, "invalid_grant", "login rate exceeded")
    org.advance(3601)
    assert token(org, **app(org, grant_type="client_credentials")).status_code == 200


@pytest.mark.parametrize(("shape", "first"), [("list", b"[{"), ("dict", b'{"'), ("html", b"<h")])
def test_a_401_comes_in_three_shapes(org: Org, shape: str, first: bytes) -> None:
    org.act("logins", expired_as=shape)
    org.act("revoke_sessions")
    answer = org.get("/sobjects")
    assert (answer.status_code, answer.content[:2]) == (401, first)


def soap(org: Org, version: str, password: str) -> requests.Response:
    body = f"<login><n1:username>sidecar@acme.test</n1:username><n1:password>{password}</n1:password></login>"
    return org.http.post(f"{org.url}/services/Soap/u/{version}", data=body, timeout=5)


def test_soap_login_is_off_until_an_administrator_allows_it_and_never_there_in_newer_versions(org: Org) -> None:
    both = org.credentials["password"] + org.credentials["security_token"]
    assert "<sf:exceptionCode>INVALID_OPERATION</sf:exceptionCode>" in soap(org, "64.0", both).text
    org.act("logins", soap=True)
    assert "UNSUPPORTED_API_VERSION" in soap(org, "65.0", both).text
    assert "INVALID_LOGIN" in soap(org, "64.0", org.credentials["password"]).text
    answer = soap(org, "64.0", both)
    assert answer.status_code == 200
    org.token = answer.text.partition("<sessionId>")[2].partition("<")[0]
    assert org.get("/sobjects").status_code == 200


@pytest.mark.parametrize("order", [{"expired_as": "xml"}, {"rotaton": True}])
def test_a_wrong_setting_is_refused(org: Org, order: dict[str, Any]) -> None:
    assert org.control("act", {"do": "logins", **order}).status_code == 400
