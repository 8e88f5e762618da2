"""Logging in to Salesforce: four ways, tokens that rotate, refusals that stop everybody at once."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import responses

from connectors.allowance import Allowance
from connectors.errors import AuthFailed, ConnectorError, RateLimited, RetryLater
from connectors.http import IMPATIENT, Patience
from connectors.salesforce.api import Api
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.support import SOAP_LOGIN_GONE, promised_until, released, support
from connectors.secret import Secret
from sync.secrets import resolve

TOKEN_URL = "https://acme.my.salesforce.com/services/oauth2/token"
INSTANCE = "https://acme.my.salesforce.com"
QUERY_URL = f"{INSTANCE}/services/data/v66.0/queryAll/"
TOKEN = {
    "access_token": "00D!token", "instance_url": INSTANCE, "token_type": "Bearer",
    "id": "https://login.salesforce.com/id/00D000000000062EAA/005000000000009AAA",
}  # fmt: skip
HURRIED = Patience(attempts=5, first_s=0, longest_s=0)


def api(patience: Patience = IMPATIENT, **more: Any) -> Api:
    table = {"connector": "salesforce", "domain": "acme.my", "client_id": "key", "client_secret": "s3cret", **more}
    settings = SalesforceSettings.model_validate({key: value for key, value in table.items() if value is not None})
    return Api(settings, patience, Allowance(lambda: 0))


class Drawer:
    """A place that holds a refresh token, and whether it takes another one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.full = False
        self.kept: list[str] = []

    def keep(self, text: str) -> None:
        if self.full:
            raise OSError("no space left on device")
        self.kept.append(text)
        self.text = text

    def secret(self) -> Secret:
        return Secret(self.text, "file:token", self.keep, lambda: self.text)


def refreshing(org: Any, drawer: Drawer, **more: Any) -> Api:
    table = org.settings(client_secret=None, refresh_token=drawer.secret(), **more)
    return Api(SalesforceSettings.model_validate(table), IMPATIENT, Allowance(lambda: 0))


def soap(org: Any, **more: Any) -> Api:
    known = org.credentials
    given = {
        "username": known["username"], "password": known["password"], "security_token": known["security_token"],
        "allow_soap_login": True, **more,
    }  # fmt: skip
    table = org.settings(client_id=None, client_secret=None, **given)
    return Api(SalesforceSettings.model_validate(table), IMPATIENT, Allowance(lambda: 0))


# ---- the refresh token


@responses.activate
def test_a_refresh_token_is_sent_with_the_app_s_keys_and_kept_before_the_session_is_used() -> None:
    drawer = Drawer("old")
    seen: list[str] = []
    responses.post(TOKEN_URL, json={**TOKEN, "refresh_token": "new"})

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        seen.append(f"{request.headers['Authorization']} {drawer.text}")
        return 200, {}, '{"records": []}'

    responses.add_callback(responses.GET, QUERY_URL, callback=answer)
    wire = api(refresh_token=drawer.secret())
    wire.query("SELECT Id FROM Lead")
    assert parse_qs(str(responses.calls[0].request.body)) == {
        "grant_type": ["refresh_token"], "client_id": ["key"], "client_secret": ["s3cret"], "refresh_token": ["old"],
    }  # fmt: skip
    assert seen == ["Bearer 00D!token new"]
    assert (wire.user, wire.organization) == ("005000000000009AAA", "00D000000000062EAA")


def test_a_refresh_token_that_rotates_is_followed(org: Any) -> None:
    drawer = Drawer(org.credentials["refresh_token"])
    wire = refreshing(org, drawer)
    for _ in range(3):
        wire.query("SELECT Id FROM Lead")
        org.act("revoke_sessions")
    assert len(drawer.kept) == 3
    assert len(set(drawer.kept)) == 3


def test_a_refresh_token_that_stays_is_not_written_again(org: Any) -> None:
    org.act("logins", rotation=False)
    drawer = Drawer(org.credentials["refresh_token"])
    refreshing(org, drawer).ensure_login()
    assert drawer.kept == []


def test_a_refresh_token_that_cannot_be_kept_is_not_used_and_not_lost(org: Any) -> None:
    drawer = Drawer(org.credentials["refresh_token"])
    wire = refreshing(org, drawer)
    drawer.full = True
    for _ in range(2):
        with pytest.raises(AuthFailed) as caught:
            wire.query("SELECT Id FROM Lead")
        assert "make file:token writable" in str(caught.value.fix)
    assert org.emulator.counts["POST /services/oauth2/token"] == 1
    drawer.full = False
    assert wire.query("SELECT Id FROM Lead").body
    assert org.emulator.counts["POST /services/oauth2/token"] == 2


def test_two_processes_on_one_file_find_each_other_s_token(org: Any, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(org.credentials["refresh_token"] + "\n")
    file.chmod(0o600)
    settings = [
        org.settings(client_secret=None, refresh_token=resolve(f"file:{file}", tmp_path)) for _ in range(2)
    ]  # fmt: skip
    daemon, check = (
        Api(SalesforceSettings.model_validate(table), IMPATIENT, Allowance(lambda: 0)) for table in settings
    )
    for _ in range(2):
        daemon.query("SELECT Id FROM Lead")
        check.query("SELECT Id FROM Lead")
        org.act("revoke_sessions")
    assert oct(file.stat().st_mode & 0o777) == "0o600"


def test_a_refresh_token_that_ended_says_how_to_get_another(org: Any) -> None:
    wire = refreshing(org, Drawer(org.credentials["refresh_token"]))
    org.act("revoke_sessions", grants=True)
    with pytest.raises(AuthFailed) as caught:
        wire.ensure_login()
    assert "authorise the app again" in str(caught.value.fix)
    assert org.emulator.counts["POST /services/oauth2/token"] == 1


def test_the_second_request_for_a_token_of_another_process_is_counted_too(org: Any) -> None:
    taken: list[str] = []

    class Counted(Allowance):
        def take(self, endpoint: str) -> None:
            taken.append(endpoint)

    drawer = Drawer("used up")
    table = org.settings(client_secret=None, refresh_token=drawer.secret())
    wire = Api(SalesforceSettings.model_validate(table), IMPATIENT, Counted(lambda: 0))
    drawer.text = org.credentials["refresh_token"]
    wire.ensure_login()
    assert taken == ["login", "login"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "<html>Welcome to the hotel</html>", RetryLater),
        (200, "{}", RetryLater),
        (400, "<html>", ConnectorError),
        (400, '{"error": "invalid_client_id", "error_description": "client identifier invalid"}', AuthFailed),
        (400, '{"error": "invalid_grant", "error_description": "login rate exceeded"}', RateLimited),
        (503, "", RetryLater),
    ],
)
@responses.activate
def test_an_odd_answer_to_a_refresh_is_classified(status: int, body: str, kind: type[Exception]) -> None:
    responses.post(TOKEN_URL, body=body, status=status)
    with pytest.raises(kind) as caught:
        api(refresh_token=Drawer("r3fresh").secret()).ensure_login()
    assert "r3fresh" not in f"{caught.value!r}"
    assert len(responses.calls) == 1


# ---- the SOAP login


def test_the_soap_login_goes_by_an_older_version_than_the_calls(org: Any) -> None:
    org.act("logins", soap=True)
    wire = soap(org)
    wire.query("SELECT Id FROM Lead")
    assert org.emulator.counts["POST /services/Soap/u/64.0"] == 1
    assert org.emulator.counts["GET /services/data/v66.0/queryAll"] == 1
    assert wire.user == org.emulator.cast.integration
    assert wire.organization == org.credentials["organization_id"]


def test_a_refused_soap_login_says_what_to_do(org: Any) -> None:
    with pytest.raises(AuthFailed) as caught:
        soap(org).ensure_login()
    assert "client_secret" in str(caught.value.fix)
    org.act("logins", soap=True)
    with pytest.raises(AuthFailed) as caught:
        soap(org, password="wr0ng").ensure_login()
    assert (caught.value.code, "wr0ng" in repr(caught.value)) == ("INVALID_LOGIN", False)


def test_check_says_when_the_soap_login_ends(org: Any) -> None:
    org.act("logins", soap=True)
    known = org.credentials
    acme = org.connect(
        client_id=None, client_secret=None, username=known["username"], password=known["password"],
        security_token=known["security_token"], allow_soap_login=True,
    )  # fmt: skip
    warned = [finding for finding in acme.check() if finding.level == "warn" and finding.subject == "login"]
    assert "2027-06-01" in warned[0].message
    assert "65.0" in warned[0].message


def test_what_ends_and_when() -> None:
    assert [released(version) for version in ("50.0", "64.0", "65.0", "66.0", "68.0")] == [
        date(2020, 10, 1), date(2025, 6, 1), date(2025, 10, 1), date(2026, 2, 1), date(2026, 10, 1),
    ]  # fmt: skip
    assert promised_until("66.0") == date(2029, 2, 1)
    ends = support("38.0")
    assert ends is not None
    assert (ends.unsupported, ends.gone) == (date(2027, 6, 1), date(2028, 6, 1))
    assert support("41.0") is None
    assert date(2027, 6, 1) == SOAP_LOGIN_GONE


# ---- the life of a session


@responses.activate
def test_a_login_that_leads_to_lightning_pages_is_refused() -> None:
    responses.post(TOKEN_URL, json={**TOKEN, "instance_url": "https://acme.lightning.force.com"})
    with pytest.raises(AuthFailed) as caught:
        api().ensure_login()
    assert "My Domain" in str(caught.value.fix)


def test_a_login_hangs_no_longer_than_any_other_call(org: Any) -> None:
    quick = {"connect": "1s", "read": "100ms", "total": "1s"}
    org.fault("latency", "/services/", seconds=0.3)
    wires = [
        Api(SalesforceSettings.model_validate(org.settings(timeouts=quick)), IMPATIENT, Allowance(lambda: 0)),
        refreshing(org, Drawer("any"), timeouts=quick),
        soap(org, timeouts=quick),
    ]
    for wire in wires:
        with pytest.raises(RetryLater) as caught:
            wire.ensure_login()
        assert (caught.value.code, caught.value.unknown) == ("TIMEOUT", False)


@pytest.mark.parametrize("answer", [(503, "<html>"), (200, "<html>"), (400, '{"error": "unknown_error"}')])
@responses.activate
def test_one_call_logs_in_twice_at_most(answer: tuple[int, str]) -> None:
    responses.post(TOKEN_URL, body=answer[1], status=answer[0])
    with pytest.raises(RetryLater):
        api(HURRIED).query("SELECT Id FROM Lead")
    assert len(responses.calls) == 2


@responses.activate
def test_a_session_that_is_always_refused_costs_two_logins() -> None:
    responses.post(TOKEN_URL, json=TOKEN)
    responses.get(QUERY_URL, json=[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired"}], status=401)
    with pytest.raises(AuthFailed):
        api(HURRIED).query("SELECT Id FROM Lead")
    assert [call.request.method for call in responses.calls] == ["POST", "GET", "POST", "GET"]


def test_eight_threads_share_one_refused_login(org: Any) -> None:
    wire = Api(SalesforceSettings.model_validate(org.settings()), HURRIED, Allowance(lambda: 0))
    wire.ensure_login()
    org.act("block_user")
    logins = org.emulator.counts["POST /services/oauth2/token"]
    refused = threading.Barrier(8, timeout=10)
    failed: list[ConnectorError] = []
    renew = wire._current

    def renew_together(turn: Any, worn: Any = None) -> Any:
        if worn is not None:
            refused.wait()  # everybody has met the end of the session
        return renew(turn, worn)

    wire._current = renew_together  # type: ignore[method-assign]

    def ask() -> None:
        try:
            wire.query("SELECT Id FROM Lead LIMIT 1")
        except ConnectorError as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(error) for error in failed] == [AuthFailed] * 8
    assert {error.fix for error in failed} == {"unfreeze the integration user: Setup > Users"}
    assert org.emulator.counts["POST /services/oauth2/token"] == logins + 1


@pytest.mark.parametrize("shape", ["list", "dict", "html"])
def test_a_session_that_ended_is_renewed_whatever_the_401_looks_like(org: Any, acme: Any, shape: str) -> None:
    acme.people()
    org.act("logins", expired_as=shape)
    org.act("revoke_sessions")
    assert acme.people()
    assert org.emulator.counts["POST /services/oauth2/token"] == 2


def test_a_user_who_may_log_in_again_is_let_in_again(org: Any, acme: Any) -> None:
    acme.people()
    org.act("block_user")
    with pytest.raises(AuthFailed):
        acme.people()
    org.act("unblock_user")
    assert acme.people()


def test_every_login_is_counted_as_one(org: Any) -> None:
    class Counted(Allowance):
        def __init__(self) -> None:
            super().__init__(lambda: 0)
            self.taken: list[str] = []

        def take(self, endpoint: str) -> None:
            self.taken.append(endpoint)

    counted = Counted()
    wire = Api(SalesforceSettings.model_validate(org.settings()), IMPATIENT, counted)
    wire.query("SELECT Id FROM Lead")
    org.act("revoke_sessions")
    wire.query("SELECT Id FROM Lead")
    assert counted.taken == ["login", "rest", "rest", "login", "rest"]


@responses.activate
def test_a_login_that_names_no_host_holds_no_session() -> None:
    responses.post(TOKEN_URL, json={"access_token": "x", "instance_url": ""})
    with pytest.raises(RetryLater):
        api(refresh_token=Drawer("r").secret()).ensure_login()


def test_a_secret_that_was_replaced_after_a_refusal_is_read_anew(org: Any, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("an old one")
    file.chmod(0o600)
    table = org.settings(client_secret=resolve(f"file:{file}", tmp_path))
    wire = Api(SalesforceSettings.model_validate(table), IMPATIENT, Allowance(lambda: 0))
    with pytest.raises(AuthFailed) as caught:
        wire.ensure_login()
    assert "copy the consumer secret again" in str(caught.value.fix)
    file.write_text(org.credentials["consumer_secret"])
    wire.ensure_login()
    file.unlink()
    org.act("revoke_sessions")
    assert wire.query("SELECT Id FROM Lead").body


def test_a_secret_whose_file_has_gone_is_tried_as_it_was(org: Any, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(org.credentials["consumer_secret"])
    file.chmod(0o600)
    table = org.settings(client_secret=resolve(f"file:{file}", tmp_path))
    wire = Api(SalesforceSettings.model_validate(table), IMPATIENT, Allowance(lambda: 0))
    file.unlink()
    org.act("block_user")
    with pytest.raises(AuthFailed):
        wire.ensure_login()
    org.act("unblock_user")
    wire.ensure_login()


TOKENS = "POST /services/oauth2/token"


def by_jwt(org: Any, domain: str | None = "acme.my", **more: Any) -> Any:
    known = org.credentials
    keys = {"client_id": known["consumer_key"], "username": known["username"], "private_key": known["private_key"]}
    return org.connect(client_secret=None, domain=domain, **keys, **more)


@pytest.mark.parametrize(
    ("audience", "domain", "requests"),
    [
        ("login", "acme.my", 1),
        ("my_domain", "acme.my", 2),
        ("test", "acme--dev.sandbox.my", 1),
        ("my_domain", "acme--dev.sandbox.my", 2),
    ],
)
def test_a_jwt_is_meant_for_the_host_that_the_app_takes_and_that_is_remembered(
    org: Any, audience: str, domain: str, requests: int
) -> None:
    org.act("logins", audience=audience)
    acme = by_jwt(org, domain)
    acme._api.ensure_login()
    assert org.emulator.counts[TOKENS] == requests
    org.act("revoke_sessions")
    acme.people()
    assert org.emulator.counts[TOKENS] == requests + 1


def test_a_jwt_that_no_audience_helps_says_what_to_do_after_two_requests(org: Any) -> None:
    org.act("logins", audience="test")
    with pytest.raises(AuthFailed, match="meant for another kind of org") as caught:
        by_jwt(org)._api.ensure_login()
    assert caught.value.fix == "set sandbox = true for a sandbox, and leave it out for production"
    assert org.emulator.counts[TOKENS] == 2
    by_jwt(org, sandbox=True)._api.ensure_login()
    org.act("logins", audience="my_domain")
    with pytest.raises(AuthFailed, match="not installed in this org"):
        by_jwt(org, None)._api.ensure_login()
