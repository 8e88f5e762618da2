"""Trap 11: the repeats that the SDK's README recommends throw the error away.

With ``Retry(status_forcelist=(429,))`` the last refusal comes out as urllib3's MaxRetryError, without body and headers:
a second's wait and the end of the day's allowance look the same. https://github.com/HubSpot/hubspot-api-python#api-client
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hubspot import Client
from hubspot_samples.desk import Desk
from urllib3.exceptions import MaxRetryError
from urllib3.util.retry import Retry

from connectors.errors import RateLimited


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(objects=("tickets",), api_version="v3") as desk:
        yield desk


def naive(desk: Desk, fault: str) -> str:
    """What the README's client tells of a refusal."""
    retry = Retry(total=2, status_forcelist=(429,))
    client = Client.create(access_token=desk.emulator.credentials()["access_token"], host=desk.server.url, retry=retry)
    desk.fault(fault, path="/crm/v3/owners")
    with pytest.raises(MaxRetryError) as refused:
        client.crm.owners.owners_api.get_page()
    desk.emulator.faults.clear()
    assert not hasattr(refused.value, "body")
    return str(refused.value).partition("Caused by")[2]


def ours(desk: Desk, fault: str) -> tuple[str | None, float]:
    connector = desk.connect()
    connector.check()  # the time zone, in which a day ends, is known
    desk.fault(fault, path="/crm/v3/owners")
    with pytest.raises(RateLimited) as refused:
        connector.people()
    desk.emulator.faults.clear()
    connector.close()
    return refused.value.code, refused.value.after


def test_the_readmes_client_cannot_tell_a_second_from_a_day(desk: Desk) -> None:
    assert naive(desk, "status:429") == naive(desk, "quota") == " ResponseError('too many 429 error responses'))"


def test_we_know_which_quota_it_is_and_when_it_is_new(desk: Desk) -> None:
    assert ours(desk, "status:429") == ("TEN_SECONDLY_ROLLING", 10.0)
    code, after = ours(desk, "quota")
    assert code == "DAILY"
    day = 86_400_000
    assert abs(after * 1000 - (day - desk.now % day)) < 5000  # the practice portal lives in UTC
