"""A limit on a whole HTTP call, whatever the server does meanwhile.

Owns urllib3 connections that a timer can cut: a read time-out starts anew with every byte, so a server that drips one
byte a second would hold a thread for ever. Refuses clocks; a timer thread is enough. Invariant: when the time is over
the socket is shut down, and the blocked read returns at once.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from contextvars import ContextVar
from types import TracebackType

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class Deadline:
    """``with Deadline(seconds) as deadline:`` around one call made through ``POOL_CLASSES``, body included."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        self._token = _current.set(self)
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        _current.reset(self._token)
        self._socket = None

    def watch(self, sock: socket.socket | None) -> None:
        self._socket = sock
        if self.expired:
            self._cut()

    def _cut(self) -> None:
        self.expired = True
        sock = self._socket
        if sock is not None:
            with contextlib.suppress(OSError):  # closed meanwhile: then nobody is blocked on it
                sock.shutdown(socket.SHUT_RDWR)


def _watch(sock: socket.socket | None) -> None:
    deadline = _current.get()
    if deadline is not None:
        deadline.watch(sock)


class _Connection(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself overrides http.client
        _watch(self.sock)
        return super().getresponse()


class _SecureConnection(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        _watch(self.sock)
        return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOL_CLASSES = {"http": _Pool, "https": _SecurePool}
"""What ``urllib3.PoolManager.pool_classes_by_scheme`` needs for its connections to be cut in time."""
