"""Trap 10: the SDK sleeps by itself, for as long as a server says.

urllib3 repeats a GET that is answered 429 or 503 with Retry-After three times, and sleeps before each: an hour told is
three hours of a thread that answers nobody, and nothing is logged. POST and PATCH are not repeated, so it goes unseen
in most tests. https://urllib3.readthedocs.io/en/stable/reference/urllib3.util.html#urllib3.util.Retry
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hubspot import Client
from hubspot_samples.desk import Desk

from connectors.errors import RateLimited

OWNERS = "GET /crm/v3/owners/"


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What anybody wanted to sleep."""
    wishes: list[float] = []
    monkeypatch.setattr(time, "sleep", wishes.append)
    return wishes


@pytest.fixture
def desk(slept: list[float]) -> Iterator[Desk]:
    with Desk(objects=("tickets",), api_version="v3") as desk:
        desk.fault("status:429", path="/crm/v3/owners", seconds=3600)
        yield desk


def test_the_sdk_sleeps_for_hours_and_asks_four_times(desk: Desk, slept: list[float]) -> None:
    client = Client.create(access_token=desk.emulator.credentials()["access_token"], host=desk.server.url)
    del slept[:]
    with pytest.raises(Exception, match="429"):
        client.crm.owners.owners_api.get_page()
    assert [seconds for seconds in slept if seconds >= 1] == [3600, 3600, 3600]
    assert desk.calls() == {OWNERS: 4}


def test_we_are_told_at_once_and_sleep_for_nothing(desk: Desk, slept: list[float]) -> None:
    with pytest.raises(RateLimited) as refused:
        desk.connector.people()
    assert refused.value.after == 3600.0
    assert [seconds for seconds in slept if seconds >= 1] == []
    assert desk.calls() == {OWNERS: 1}
