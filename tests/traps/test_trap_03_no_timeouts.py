"""Trap 3: the vendors' libraries wait for ever.

Neither sets a time-out by itself, for a login as little as for a call: a server that takes the connection and says
nothing holds the thread until somebody restarts the daemon, and no clock is looked at meanwhile.
https://github.com/simple-salesforce/simple-salesforce/issues/148
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hubspot import Client
from hubspot_samples.desk import Desk
from salesforce_naive import led, sdk
from simple_salesforce.api import Salesforce

from connectors.errors import RetryLater
from connectors.http import IMPATIENT
from connectors.salesforce.settings import SalesforceSettings
from connectors.secret import Secret

LIMITS = {"connect": "1s", "read": "100ms", "total": "1s"}


class Silence:
    """A server that takes every connection and never answers."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                self._taken.append(self._server.accept()[0])

    def close(self) -> None:
        for one in (self._server, *self._taken):
            one.close()


@pytest.fixture
def silence() -> Iterator[Silence]:
    found = Silence()
    yield found
    found.close()


def test_the_hubspot_sdk_waits_until_the_server_goes_away(silence: Silence) -> None:
    client = Client.create(access_token="pat-na1-x", host=silence.url, retry=False)

    def ask() -> None:
        with suppress(Exception):
            client.crm.tickets.basic_api.get_page()

    waiting = threading.Thread(target=ask, daemon=True)
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    assert client.crm.tickets.basic_api.api_client.rest_client.pool_manager.connection_pool_kw.get("timeout") is None


def test_our_calls_to_hubspot_end_in_time(silence: Silence) -> None:
    with Desk(objects=("tickets",)) as desk:
        connector = desk.connect(url=silence.url, timeouts=LIMITS, patience=IMPATIENT)
        with pytest.raises(RetryLater) as late:
            connector.people()
        assert late.value.code == "TIMEOUT"
        connector.close()


def test_our_logins_to_hubspot_end_in_time(silence: Silence) -> None:
    with Desk(objects=("tickets",)) as desk:
        oauth = {
            "access_token": None,
            "client_id": "c",
            "client_secret": Secret("s"),
            "refresh_token": Secret("r", "file:token", keep=lambda _text: None),
        }
        connector = desk.connect(url=silence.url, timeouts=LIMITS, patience=IMPATIENT, **oauth)
        with pytest.raises(RetryLater) as late:
            connector.people()
        assert late.value.code == "TIMEOUT"
        connector.close()


def test_the_salesforce_sdk_asks_for_no_limit_not_even_at_the_login(org: Any) -> None:
    naive, wire = sdk(org)
    naive.query("SELECT Id FROM Lead")
    naive.Lead.describe()
    assert wire.limits == [None, None, None]


def test_a_login_by_the_salesforce_sdk_waits_until_the_server_goes_away(silence: Silence) -> None:
    session, _ = led(silence.url)

    def ask() -> None:
        with suppress(Exception):
            Salesforce(consumer_key="key", consumer_secret="s3cret", domain="acme.my", session=session)

    waiting = threading.Thread(target=ask, daemon=True)
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()


KEPT = Secret("r", "file:token", keep=lambda _text: None)
LOGINS: dict[str, dict[str, Any]] = {
    "client credentials": {},
    "JWT bearer": {"client_secret": None, "username": "sla@acme.test"},
    "refresh token": {"refresh_token": KEPT},
    "SOAP login": {
        "client_id": None, "client_secret": None, "username": "u", "password": "p", "allow_soap_login": True,
    },
}  # fmt: skip


@pytest.mark.parametrize("grant", sorted(LOGINS))
def test_every_login_of_ours_to_salesforce_ends_in_time(org: Any, silence: Silence, grant: str) -> None:
    key = {"private_key": org.credentials["private_key"]} if grant == "JWT bearer" else {}
    table = org.settings(url=silence.url, timeouts=LIMITS, **LOGINS[grant], **key)
    assert SalesforceSettings.model_validate(table).grant == grant
    connector = org.connect(url=silence.url, timeouts=LIMITS, **LOGINS[grant], **key)
    with pytest.raises(RetryLater) as late:
        connector.people()
    assert late.value.code == "TIMEOUT"


def test_our_calls_to_salesforce_end_in_time(org: Any) -> None:
    connector = org.connect(timeouts=LIMITS)
    connector.people()
    org.fault("latency", "/services/data", seconds=0.3)
    with pytest.raises(RetryLater) as late:
        connector.people()
    assert late.value.code == "TIMEOUT"
