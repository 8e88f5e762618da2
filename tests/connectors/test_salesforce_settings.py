"""What a Salesforce connection's table may say, ids in both lengths, instants and quotes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.salesforce.ids import full_id, is_id, same_id
from connectors.salesforce.settings import SETTINGS, SalesforceSettings
from connectors.salesforce.values import id_list, quote, read_instant, select, show_day, show_instant
from connectors.secret import Secret
from connectors.settings import ConnectionSettings, secret_keys

CLIENT = {"connector": "salesforce", "domain": "acme.my", "client_id": "key", "client_secret": "s3cret"}
KEPT = Secret("5Aep861", "file:token", lambda _text: None)
SOAP = {"connector": "salesforce", "username": "sla@acme.test", "password": "p", "allow_soap_login": True}
JWT = {"connector": "salesforce", "client_id": "key", "username": "sla@acme.test", "private_key": "-----BEGIN"}


def read(**more: Any) -> SalesforceSettings:
    return SETTINGS.model_validate({**CLIENT, **more})


def test_defaults_are_those_of_the_documentation() -> None:
    settings = read()
    assert (settings.api_version, settings.overlap, settings.poll_every) == ("66.0", 600.0, 60.0)
    assert settings.objects == ("Lead", "Case")
    assert settings.task_key == "SLA_Key__c"


def test_secrets_are_found_in_nested_tables() -> None:
    assert secret_keys(SETTINGS) == {
        ("client_secret",), ("private_key",), ("refresh_token",), ("password",), ("security_token",),
        ("webhook", "token"), ("webhook", "previous_token"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "grant", "host"),
    [
        (CLIENT, "client credentials", "acme.my"),
        (JWT, "JWT bearer", "login"),
        ({**JWT, "sandbox": True}, "JWT bearer", "test"),
        ({**CLIENT, "refresh_token": KEPT}, "refresh token", "acme.my"),
        ({"connector": "salesforce", "client_id": "key", "refresh_token": KEPT}, "refresh token", "login"),
        (SOAP, "SOAP login", "login"),
        ({**SOAP, "security_token": "t", "sandbox": True}, "SOAP login", "test"),
    ],
)
def test_the_login_follows_from_what_is_given(table: dict[str, Any], grant: str, host: str) -> None:
    settings = SETTINGS.model_validate(table)
    assert (settings.grant, settings.login_domain) == (grant, host)


@pytest.mark.parametrize(
    "domain", ["acme.my", "ACME.my", "acme.my.salesforce.com", "https://acme.my.salesforce.com/", "https://acme.my"]
)
def test_a_my_domain_can_be_pasted_as_one_has_it(domain: str) -> None:
    assert read(domain=domain).domain == "acme.my"


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"domain": "acme.lightning.force.com"}, "not the one of Lightning pages"),
        ({"domain": "acme.my/evil?"}, "a My Domain reads"),
        ({"domain": None}, "needs your My Domain"),
        ({"domain": "login"}, "needs your My Domain"),
        ({"client_secret": None}, "give client_secret"),
        ({"private_key": "x", "username": "u"}, "private_key and client_secret belong to different logins: keep one"),
        ({"client_secret": None, "private_key": "x"}, "needs the username"),
        ({"client_id": None}, "needs client_id"),
        ({"username": "u"}, "username belongs to the JWT bearer login"),
        ({"security_token": "t"}, "security_token belongs to the SOAP login"),
        ({"allow_soap_login": True}, "allow_soap_login belongs to the SOAP login"),
        ({"password": "p", "username": "u"}, "password and client_secret belong to different logins: keep one"),
        ({"refresh_token": "5Aep861"}, "could not be kept there"),
        ({"refresh_token": KEPT, "private_key": "x"}, "belong to different logins"),
        ({"client_secret": None, "password": "p"}, "takes no client_id"),
        ({"client_secret": None, "client_id": None, "password": "p", "username": "u"}, "ends the SOAP login"),
        ({"client_secret": None, "client_id": None, "password": "p", "allow_soap_login": True}, "needs username"),
        ({"api_version": "66"}, 'reads "66.0"'),
        ({"api_version": "40.0"}, "versions below 50.0"),
        ({"task_key": "Key"}, 'ends in "__c"'),
        ({"objects": []}, "name at least one"),
        ({"objects": ["Account"]}, "'Lead' or 'Case'"),
        ({"integration_user": "sla@acme.test"}, "15 or 18 letters and digits"),
        ({"url": "http://crm.example"}, "plain http is allowed only to this machine"),
        ({"usernme": "x"}, "Extra inputs are not permitted"),
        ({"webhook": {"token": "t", "organization": "005Em0000000001IAA"}}, "begins with 00D"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(wrong: dict[str, Any], hint: str) -> None:
    table = {key: value for key, value in {**CLIENT, **wrong}.items() if value is not None}
    with pytest.raises(ValidationError) as caught:
        SETTINGS.model_validate(table)
    assert hint in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_jwt_login_needs_no_my_domain() -> None:
    assert SETTINGS.model_validate(JWT).domain is None
    assert SETTINGS.model_validate({**JWT, "domain": "acme.my", "sandbox": True}).sandbox is True


def test_a_version_may_carry_its_letter() -> None:
    assert read(api_version="v68.0").api_version == "68.0"


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("00D000000000062", "00D000000000062EAA"),
        ("001A0000006Vm9r", "001A0000006Vm9rIAC"),
        ("00Qaaaaaaaaaaaa", "00QaaaaaaaaaaaaEAA"),
    ],
)
def test_an_id_gets_its_check_characters(short: str, long: str) -> None:
    assert full_id(short) == long
    assert full_id(long) == long


def test_ids_are_compared_with_their_case() -> None:
    assert same_id("001A0000006Vm9r", "001A0000006Vm9rIAC")
    assert not same_id("001A0000006Vm9r", "001a0000006Vm9r")
    assert not same_id("", "")
    assert not is_id("00QÄaaaaaaaaaaa")
    with pytest.raises(ValueError, match="15 or 18"):
        full_id("x")


@pytest.mark.parametrize(
    "text", ["2026-03-02T14:05:00.000+0000", "2026-03-02T14:05:00.000Z", "2026-03-02T15:05:00.000+01:00"]
)
def test_instants_are_read_in_both_notations(text: str) -> None:
    assert read_instant(text) == 1772460300000


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="without an offset"):
        read_instant("2026-03-02T14:05:00.000")


def test_instants_are_shown_to_the_millisecond_and_days_in_utc() -> None:
    assert show_instant(1772460300007) == "2026-03-02T14:05:00.007Z"
    assert show_instant(-1) == "1969-12-31T23:59:59.999Z"
    assert show_day(1772495999000) == "2026-03-02"


@pytest.mark.parametrize("text", ["it's", "a\\' OR Name != '", "x\\", "line\nbreak", "') OR (Id != '", "\u2019", "%_"])
def test_no_text_ends_its_quotes(text: str) -> None:
    inside = quote(text)[1:-1]
    plain = inside.replace("\\\\", "").replace("\\'", "")
    assert "'" not in plain
    assert not plain.endswith("\\")
    assert "\n" not in inside


def test_only_ids_go_into_a_list_of_ids() -> None:
    assert id_list(["00Qaaaaaaaaaaaa"]) == "('00Qaaaaaaaaaaaa')"
    for wrong in ([], ["x"], ["00Qaaaaaaaaaaaa", "') OR (Id != '"]):
        with pytest.raises(ValueError, match="record ids"):
            id_list(wrong)


def test_a_query_is_put_together() -> None:
    assert (
        select(["Id", "Name"], "Lead", "Id != null", "LIMIT 1") == "SELECT Id, Name FROM Lead WHERE Id != null LIMIT 1"
    )


def test_the_page_explains_every_key_of_its_own() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "salesforce.md").read_text()
    table = page.split("| key | default | meaning |")[1].split("\n\n")[0]
    explained = set(re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if "|" in line)))
    common = set(ConnectionSettings.model_fields) - {"objects", "overlap"}
    assert explained == set(SETTINGS.model_fields) - common
