"""What holds for every test: nothing but loopback is ever reached, and no secret of the machine is used."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import Any

import pytest


class OutsideLoopback(AssertionError):
    """A test tried to reach something that is not on this machine."""


def _is_local(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0])
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def network_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuses every connection and look-up that leaves this machine: typed SDK calls escape HTTP mocks."""
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded(original: Any) -> Any:
        def call(self: socket.socket, address: Any) -> Any:
            if not _is_local(address):
                raise OutsideLoopback(f"a test tried to connect to {address!r}")
            return original(self, address)

        return call

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host is not None and not _is_local((host if isinstance(host, str) else host.decode(), 0)):
            raise OutsideLoopback(f"a test tried to look up {host!r}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the developer's shell that looks like a credential reaches a test."""
    for name in list(os.environ):
        if name.startswith(("SALESFORCE_", "SF_", "HUBSPOT_", "HAPI_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
