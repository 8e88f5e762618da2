"""Trap 17: the mock of HTTP calls that everybody uses does not catch the SDK's typed calls.

``responses`` patches ``requests``; the typed client speaks through urllib3. A test that registers an answer and calls
the SDK goes to the network, with whatever token it has. https://github.com/getsentry/responses
"""

from __future__ import annotations

import socket

import pytest
import responses
from hubspot import Client
from hubspot_samples.desk import Desk
from urllib3.exceptions import NewConnectionError


def test_a_typed_call_passes_by_its_mock_and_goes_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(f"{host}/crm/v3/objects/tickets", json={"results": []})
        client = Client.create(access_token="pat-na1-x", host=host, retry=False)
        with pytest.raises(NewConnectionError, match="refused"):
            client.crm.tickets.basic_api.get_page()
        assert len(mock.calls) == 0


def test_to_the_vendors_own_host_it_would_take_the_token_along() -> None:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get("https://api.hubapi.com/crm/v3/objects/tickets", json={"results": []})
        client = Client.create(access_token="pat-na1-x", retry=False)
        with pytest.raises(AssertionError, match=r"api\.hubapi\.com"):  # our guard, and not the mock, has stopped it
            client.crm.tickets.basic_api.get_page()


def test_our_calls_are_tried_against_a_server_that_is_there() -> None:
    with Desk(objects=("tickets",)) as desk:
        ticket = desk.ticket()
        assert [change.key.split(":")[1] for change in desk.poll("tickets")[0]] == [ticket]
        assert desk.calls()["POST /crm/objects/2026-09/tickets/search"] == 1
