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
