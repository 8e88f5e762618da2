"""Trap 12: one version of urllib3 breaks every call of the HubSpot SDK.

2.6.0 took ``getheader`` and ``getheaders`` away, which the SDK calls on every answer; 2.6.1 brought them back. An
unpinned installation of one day in December 2025 therefore answers every call with an AttributeError.
https://github.com/HubSpot/hubspot-api-python/issues/460
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import urllib3
from hubspot import Client
from hubspot_samples.desk import Desk
from packaging.requirements import Requirement

from connectors.errors import AuthFailed

ROOT = Path(__file__).parents[2]


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(objects=("tickets",), api_version="v3") as desk:
        yield desk


@pytest.fixture
def as_2_6_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed urllib3, without what 2.6.0 had not."""
    for holder in (urllib3.HTTPResponse, urllib3.BaseHTTPResponse):
        for name in ("getheader", "getheaders"):
            if name in vars(holder):
                monkeypatch.delattr(holder, name)


@pytest.mark.usefixtures("as_2_6_0")
def test_the_sdk_answers_every_call_with_an_attribute_error(desk: Desk) -> None:
    client = Client.create(access_token=desk.emulator.credentials()["access_token"], host=desk.server.url)
    with pytest.raises(AttributeError, match="getheader"):
        client.crm.tickets.basic_api.get_page(limit=1)


@pytest.mark.usefixtures("as_2_6_0")
def test_our_calls_live_through_it(desk: Desk) -> None:
    ticket = desk.ticket()
    assert [change.key.split(":")[1] for change in desk.poll("tickets")[0]] == [ticket]
    desk.fault("status:401")
    with pytest.raises(AuthFailed):
        desk.connector.people()


def test_that_version_is_never_installed_with_us() -> None:
    lines = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (needed,) = (one for one in map(Requirement, lines) if one.name == "urllib3")
    assert [one for one in ("2.5.0", "2.6.0", "2.6.1", "2.8.0") if one not in needed.specifier] == ["2.6.0"]
    assert metadata.version("urllib3") in needed.specifier
