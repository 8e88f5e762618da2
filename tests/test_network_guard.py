"""The guard itself: a test that leaves the machine fails."""

from __future__ import annotations

import socket

import pytest
import requests


def test_a_connection_outside_loopback_fails() -> None:
    with socket.socket() as probe, pytest.raises(AssertionError, match="a test tried"):
        probe.connect(("192.0.2.1", 443))


def test_a_name_outside_this_machine_is_not_looked_up() -> None:
    with pytest.raises(AssertionError, match="a test tried"):
        socket.getaddrinfo("api.crm.invalid", 443)


def test_an_http_client_fails_too() -> None:
    with pytest.raises(AssertionError, match="a test tried"):
        requests.get("http://192.0.2.1/", timeout=1)


def test_loopback_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
