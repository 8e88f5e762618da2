"""The wire of an emulator: requests in, answers out as bytes, and the cuts that real networks make.

Owns sockets, keep-alive and the shapes ``Request`` and ``Response``. Refuses to know any vendor or any fault's reason.
Invariant: an answer leaves in one write unless it was asked to drip, so a cut falls exactly where it was asked for.
Our own machinery: HTTP/1.1 as in https://www.rfc-editor.org/rfc/rfc9110.html and nothing of a vendor's.
"""

from __future__ import annotations

import contextlib
import enum
import itertools
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(slots=True)
class Request:
    """One request. ``path`` is as sent, without the query; header names are lower-case; ``number`` counts from 1."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    number: int

    @property
    def segments(self) -> list[str]:
        """The parts of the path, percent-decoded one by one; empty parts are left out."""
        return [unquote(part) for part in self.path.split("/") if part]

    def json(self) -> Any:
        """The body as JSON. Raises ValueError when it is not JSON."""
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """The body as an HTML form; the first value of each name."""
        return {name: values[0] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}


@dataclass(slots=True)
class Response:
    """One answer. ``body``: None is empty, bytes go out as they are, anything else as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    trickle_s: float = 0.0
    """For how many real seconds the body drips; a time-out that starts anew with every byte never strikes."""


class Cut(enum.Enum):
    """Where the connection breaks: nowhere, by RST before any byte, closed before any byte, or inside the body."""

    NONE = "none"
    RESET = "reset"
    DROP = "drop"
    TRUNCATE = "truncate"


DROPS: Final = 40
"""In how many pieces a body drips."""
Respond = Callable[[Request], tuple[Response, Cut]]


def encode_body(response: Response) -> tuple[bytes, str | None]:
    """Bytes and default content type of an answer's body."""
    if response.body is None:
        return b"", None
    if isinstance(response.body, bytes):
        return response.body, "application/octet-stream"
    return json.dumps(response.body, separators=(",", ":")).encode(), "application/json;charset=UTF-8"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HttpServer

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        with contextlib.suppress(OSError):  # the peer, or a cut, was faster
            super().finish()

    def handle(self) -> None:
        # A client that goes away is the client's affair: no traceback on the emulator's standard error.
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle()

    def answer(self) -> None:
        target = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=target.path,
            query=parse_qs(target.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._read_body(),
            number=self.server.next_number(),
        )
        response, cut = self.server.respond(request)
        self._send(response, cut)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> list[bytes]:
        chunks: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return chunks

    def _send(self, response: Response, cut: Cut) -> None:
        if cut in (Cut.RESET, Cut.DROP):
            self._hang_up(with_reset=cut is Cut.RESET)
            return
        body, content_type = encode_body(response)
        headers = {"Content-Length": str(len(body))}
        if content_type:
            headers["Content-Type"] = content_type
        if response.status == 204:  # RFC 9110 8.6: no Content-Length in a 204
            del headers["Content-Length"]
        headers.update(response.headers)
        reason = self.responses.get(response.status, ("",))[0]
        head = f"HTTP/1.1 {response.status} {reason}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        if self.command == "HEAD":
            body = b""
        if cut is Cut.TRUNCATE:
            self.connection.sendall(head.encode("latin-1") + body[: len(body) // 2])
            self._hang_up(with_reset=False)
            return
        if response.trickle_s and body:
            self.connection.sendall(head.encode("latin-1"))
            self._drip(body, response.trickle_s)
            return
        self.connection.sendall(head.encode("latin-1") + body)

    def _drip(self, body: bytes, seconds: float) -> None:
        step = -(-len(body) // DROPS)
        for start in range(0, len(body), step):
            time.sleep(seconds / DROPS)
            self.connection.sendall(body[start : start + step])

    def _hang_up(self, *, with_reset: bool) -> None:
        self.close_connection = True
        if with_reset:  # linger 0 turns close into RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: counts and effects are the record of what happened."""


class HttpServer(ThreadingHTTPServer):
    """Loopback only. ``respond`` is called on the connection's own thread."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, port: int, respond: Respond) -> None:
        self.respond = respond
        self._numbers = itertools.count(1)
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), name="emulator-http", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_number(self) -> int:
        return next(self._numbers)

    def opened(self, connection: socket.socket) -> None:
        with self._guard:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._guard:
            self._open.discard(connection)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops listening and hangs up on clients that keep their connections open."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._guard:
            left = list(self._open)
        for connection in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def server_bind(self) -> None:
        # HTTPServer.server_bind asks DNS for its own name; an emulator has no use for the answer.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
