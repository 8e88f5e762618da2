"""Connectors by name, their settings, and secrets that do not show."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import connectors
from connectors.memory import MemoryConnector, MemorySettings
from connectors.secret import Secret
from connectors.settings import ConnectionSettings, base_url, is_loopback, seconds, secret_keys

ROOT = Path(__file__).resolve().parents[2]


def test_the_built_in_connectors_are_known() -> None:
    assert connectors.known() == ("hubspot", "memory", "salesforce")


@pytest.mark.parametrize(("typed", "meant"), [("salesfroce", "salesforce"), ("hub-spot", "hubspot"), ("zzz", None)])
def test_an_unknown_connector_names_the_nearest(typed: str, meant: str | None) -> None:
    with pytest.raises(connectors.UnknownConnector) as caught:
        connectors.settings_model(typed)
    assert caught.value.nearest == meant
    assert (f'"{meant}"' if meant else "hubspot, memory, salesforce") in str(caught.value)


def test_an_installed_package_adds_a_connector(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name, value = "mycrm", "connectors.memory"

    def entry_points(*, group: str, name: str = "mycrm") -> list[Point]:
        return [Point()] if (group, name) == ("sla_sidecar.connectors", "mycrm") else []

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    assert connectors.known() == ("hubspot", "memory", "mycrm", "salesforce")
    assert connectors.settings_model("mycrm") is MemorySettings


def test_building_validates_the_settings() -> None:
    with pytest.raises(ValidationError) as caught:
        connectors.build("acme", "memory", {"crn": "x"}, wanted=frozenset(), clock=lambda: 0)
    assert caught.value.errors()[0]["loc"] == ("crn",)
    built = connectors.build("registry-test", "memory", {}, wanted=frozenset(), clock=lambda: 0)
    assert isinstance(built, MemoryConnector)


@pytest.mark.parametrize("name", ["hubspot", "memory", "salesforce"])
def test_settings_are_known_without_the_vendors_sdk(name: str) -> None:
    code = (
        f"import sys, connectors; connectors.settings_model({name!r}); "
        "print([m for m in ('simple_salesforce', 'hubspot', 'lxml') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_secret_shows_itself_only_when_revealed() -> None:
    secret = Secret("hunter2", label="env:PASSWORD")
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>10}", "%s" % secret, repr([secret])]  # noqa: UP031
    assert all("hunter2" not in text for text in shown)
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2")
    assert secret != Secret("hunter3")
    assert copy.deepcopy(secret) is secret
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_settings_wrap_plain_text_at_once_and_never_show_it() -> None:
    class Settings(ConnectionSettings):
        token: Secret
        old: tuple[Secret, ...] = ()

    settings = Settings.model_validate({"connector": "x", "token": "hunter2", "old": [Secret("a"), "b"]})
    assert settings.token.reveal() == "hunter2"
    assert "hunter2" not in repr(settings)
    assert settings.model_dump()["token"] == "***"
    assert "hunter2" not in settings.model_dump_json()
    assert secret_keys(Settings) == {("token",), ("old",)}


def test_a_failed_validation_does_not_repeat_values() -> None:
    with pytest.raises(ValidationError) as caught:
        ConnectionSettings.model_validate({"connector": "x", "url": "http://hunter2@crm.example"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"), [("15s", 15.0), ("10m", 600.0), ("1h30m", 5400.0), ("250ms", 0.25), ("1.5s", 1.5)]
)
def test_a_duration_is_text(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("wrong", ["", "15", "s", "-5s", "2d", "1 h", 15, None])
def test_anything_else_is_no_duration(wrong: Any) -> None:
    with pytest.raises(ValueError, match="a duration is text"):
        seconds(wrong)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://acme.test/", "https://acme.test"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:1/x/", "http://[::1]:1/x"),
        ("http://localhost:9", "http://localhost:9"),
    ],
)
def test_plain_http_is_for_this_machine_only(url: str, clean: str) -> None:
    assert base_url(url) == clean


@pytest.mark.parametrize(
    "wrong",
    ["http://crm.example", "http://127.0.0.1.example", "ftp://127.0.0.1", "https://", "https://a/?x=1", "crm.example",
     "https://u:p@a.test", "http://10.0.0.1"],
)  # fmt: skip
def test_other_urls_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        base_url(wrong)


def test_loopback_is_told_from_the_rest() -> None:
    assert is_loopback("127.8.9.1")
    assert not is_loopback("128.0.0.1")
    assert not is_loopback(None)
