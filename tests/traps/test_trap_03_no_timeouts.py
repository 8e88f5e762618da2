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

import pytest
from hubspot import Client
from hubspot_samples.desk import Desk

from connectors.errors import RetryLater
from connectors.http import IMPATIENT
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
