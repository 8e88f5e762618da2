"""What a HubSpot connection may say, and what it costs to look."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.hubspot.settings import HubSpotSettings
from connectors.secret import Secret


def settings(**given: Any) -> HubSpotSettings:
    return HubSpotSettings.model_validate({"connector": "hubspot", "access_token": Secret("pat-eu1-x"), **given})


def test_a_token_is_all_that_must_be_said() -> None:
    plain = settings()
    assert plain.objects == ("contacts", "tickets")
    assert plain.answers == ("emails", "calls", "meetings")
    assert plain.api_version == "2026-09"
    assert plain.overlap == 3600.0
    assert plain.searches_per_second == 5


OAUTH = {"client_id": "c", "client_secret": Secret("s"), "refresh_token": Secret("r", "file:token", lambda text: None)}


def test_oauth_takes_the_place_of_a_token() -> None:
    assert settings(access_token=None, **OAUTH).client_id == "c"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"access_token": None}, "needs the token of a service key; or, for an app with OAuth, client_id"),
        ({"client_id": "c"}, "stands beside client_id: keep the token or OAuth's keys"),
        ({"access_token": None, "client_id": "c"}, "client_secret: OAuth needs client_id, client_secret and"),
        ({"access_token": None, **OAUTH, "refresh_token": None}, "refresh_token: OAuth needs"),
    ],
)
def test_ways_to_log_in_that_contradict_each_other_are_told_with_the_fix(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        settings(**given)


@pytest.mark.parametrize("label", ["env:HUBSPOT_REFRESH", "the configuration", ""])
def test_a_refresh_token_that_could_not_be_replaced_is_refused_with_the_fix(label: str) -> None:
    with pytest.raises(ValidationError, match='write refresh_token = "file:PATH"') as refused:
        settings(**{"access_token": None, **OAUTH, "refresh_token": Secret("na1-x", label)})
    assert "na1-x" not in str(refused.value)


def test_a_refresh_token_that_is_not_fetched_yet_is_judged_by_its_place() -> None:
    assert settings(**{"access_token": None, **OAUTH, "refresh_token": Secret("not fetched", "file:token")})


def test_contacts_and_leads_cannot_both_be_leads() -> None:
    with pytest.raises(ValidationError, match="name one of them here"):
        settings(objects=("contacts", "leads"))


def test_something_must_be_watched() -> None:
    with pytest.raises(ValidationError, match="at least one"):
        settings(objects=())


def test_an_unknown_key_or_version_is_refused() -> None:
    with pytest.raises(ValidationError, match="acess_token"):
        settings(acess_token="x")
    with pytest.raises(ValidationError, match="api_version"):
        settings(api_version="2025-01")


def test_no_setting_shows_the_token() -> None:
    assert "pat-eu1-x" not in repr(settings())
    assert "pat-eu1-x" not in settings().model_dump_json()


def test_the_registry_finds_the_connector() -> None:
    assert connectors.settings_model("hubspot") is HubSpotSettings
    made = connectors.build(
        "acme", "hubspot", {"access_token": Secret("pat-eu1-x")}, wanted=frozenset(), clock=lambda: 0
    )
    assert [stream.name for stream in made.streams()] == ["contacts", "tickets", "emails", "calls", "meetings"]
    assert [stream.kind for stream in made.streams()] == ["lead", "ticket", None, None, None]
    assert made.capabilities.batch["fields"] == 100
    assert made.capabilities.webhooks is False


def test_the_sdk_is_not_imported_before_the_first_call() -> None:
    code = (
        "import sys, connectors; from connectors.secret import Secret;"
        "connectors.build('a', 'hubspot', {'access_token': Secret('t')}, wanted=frozenset(), clock=lambda: 0);"
        "sys.exit(any(name.split('.')[0] == 'hubspot' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
