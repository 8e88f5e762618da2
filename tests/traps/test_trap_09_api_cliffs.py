"""Trap 9: logins and API versions end on announced days, and the libraries' own defaults run towards them.

Salesforce's SOAP login is off in new orgs, has no version from 65.0 on and ends in Summer '27; HubSpot's numbered APIs
end in 2027, v4 first. simple-salesforce speaks 59.0 unless told otherwise and takes a user name and password for a SOAP
login; hubspot-api-client knows numbered paths alone. Nothing of that is noticed before the day.
https://developer.salesforce.com/docs/platform/api/guide/sforce-api-calls-login.html
https://developers.hubspot.com/docs/developer-tooling/platform/versioning
"""

from __future__ import annotations

import inspect
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hubspot import Client
from hubspot_samples.desk import Desk
from salesforce_naive import Led
from simple_salesforce.api import DEFAULT_API_VERSION, Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from connectors.hubspot.checking import _version
from connectors.hubspot.settings import HubSpotSettings
from connectors.salesforce.checking import version_end
from connectors.salesforce.names import DEFAULT_VERSION


def ms(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)


# ---- the libraries, as their README says


def test_a_user_name_and_a_password_open_no_new_org(org: Any) -> None:
    import requests

    session = requests.Session()
    session.mount("https://", Led(org.url))
    known = org.credentials
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        Salesforce(
            username=known["username"], password=known["password"], security_token=known["security_token"],
            session=session,
        )  # fmt: skip
    assert "disabled by default" in str(refused.value)


def test_the_libraries_defaults_are_old_and_nobody_says_so() -> None:
    assert DEFAULT_API_VERSION == "59.0"
    assert version_end(DEFAULT_API_VERSION, date(2026, 11, 21)) is not None


def test_the_hubspot_sdk_knows_numbered_paths_alone() -> None:
    with Desk(objects=("tickets",)) as desk:
        desk.calls()
        client = Client.create(
            access_token=desk.emulator.credentials()["access_token"], host=desk.server.url, retry=False
        )
        client.crm.tickets.basic_api.get_page(limit=1)
        assert [path for call in desk.calls() if (path := call.split()[1]).startswith("/crm/")] == [
            "/crm/v3/objects/tickets"
        ]
        assert "2026" not in inspect.getsource(type(client.crm.tickets.basic_api))


# ---- ours


SALESFORCE = [
    ("38.0", "2026-05-31", None),
    ("38.0", "2026-06-01", "Salesforce supports 38.0 until 2027-06-01 and answers it until 2028-06-01"),
    ("38.0", "2027-06-01", "Salesforce answers 38.0 no more from 2028-06-01 on"),
    ("38.0", "2028-06-01", "Salesforce answers 38.0 no more since 2028-06-01"),
    ("30.0", "2026-11-21", "Salesforce answers 30.0 no more since 2025-06-01"),
    ("59.0", "2025-10-01", "Salesforce has bound itself to support 59.0 until 2026-10-01, and to no day after it"),
    ("66.0", "2026-11-21", None),
    ("66.0", "2028-02-01", None),
    ("66.0", "2028-02-02", "Salesforce has bound itself to support 66.0 until 2029-02-01, and to no day after it"),
]


@pytest.mark.parametrize(("version", "today", "said"), SALESFORCE)
def test_the_end_of_a_salesforce_version_is_told_a_year_ahead(version: str, today: str, said: str | None) -> None:
    assert version_end(version, date.fromisoformat(today)) == said


HUBSPOT = [
    ("v3", "2026-03-30", "warn", "HubSpot supports v3 until 2027-03-30"),
    ("v3", "2026-03-29", "ok", "v3, supported until 2027-03-30"),
    ("v3", "2027-03-31", "fail", "HubSpot's support of v3 ended 2027-03-30"),
    ("2026-03", "2026-11-21", "warn", "HubSpot supports 2026-03 until 2027-09-30"),
    ("2026-09", "2026-11-21", "ok", "2026-09, supported until 2028-03-08"),
    ("2026-09", "2027-03-10", "warn", "HubSpot supports 2026-09 until 2028-03-08"),
]


@pytest.mark.parametrize(("version", "today", "level", "said"), HUBSPOT)
def test_the_end_of_a_hubspot_version_is_told_a_year_ahead(version: str, today: str, level: str, said: str) -> None:
    found = _version(version, ms(today))
    assert (found.level, found.message) == (level, said)
    assert level == "ok" or found.fix


def test_what_we_speak_by_default_ends_in_no_year_from_here() -> None:
    assert version_end(DEFAULT_VERSION, date(2026, 11, 21)) is None
    default = HubSpotSettings.model_fields["api_version"].default
    assert _version(default, ms("2026-11-21")).level == "ok"


def test_check_warns_of_the_soap_login_that_ends(org: Any) -> None:
    org.act("logins", soap=True)
    known = org.credentials
    found = org.connect(
        client_id=None, client_secret=None, username=known["username"], password=known["password"],
        security_token=known["security_token"], allow_soap_login=True,
    ).check()  # fmt: skip
    [warned] = [one for one in found if one.subject == "login" and one.level == "warn"]
    assert "2027-06-01" in warned.message
    assert warned.fix is not None


def test_check_warns_of_a_version_that_ends(org: Any) -> None:
    [found] = [one for one in org.connect(api_version="56.0").check() if one.subject == "api version"]
    assert found.level == "warn"
    assert found.message == "Salesforce has bound itself to support 56.0 until 2025-10-01, and to no day after it"
    assert found.fix == 'set api_version to what the org speaks, such as "68.0"'
