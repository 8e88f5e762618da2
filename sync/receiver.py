"""The door for webhooks, and the paths by which the daemon's health is asked.

Owns the order limit, verify, keep, answer. Refuses to act on a webhook: it is kept, and its record is read again later.
Invariant: a webhook is answered 2xx only after its row is on disk; whatever prevents that is answered 503, so that the
sender comes again.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.base import PROBE_HEADER, Hint, WebhookRequest
from connectors.errors import Rejected
from sync import inbox, metrics
from sync.clock import Clock
from sync.link import Link
from sync.store import StoreError
from sync.view import View
from sync.writer import Writer

log = logging.getLogger(__name__)

MAX_BYTES: Final = 1_048_576
MAX_HEADERS: Final = 16_384
ARRIVE_S: Final = 10.0
KEEP_S: Final = 4.0
"""How long a sender waits for the disk before it is asked to come again: HubSpot hangs up after five seconds."""

AGAIN_S: Final = 30
TELL_S: Final = 10.0
FORGED: Final = frozenset({"BAD_SIGNATURE", "NO_SIGNATURE", "BAD_TOKEN", "STALE", "NO_TIMESTAMP"})
"""Codes of refusals that say: whoever sent this is not who they claim to be."""

_WORD: Final = re.compile(r"[0-9a-f]{16,64}", re.ASCII)

FRESH_S: Final = 15
"""How old the daemon's last sign of life may be while it counts as ready."""


class TooLarge(ValueError):
    """A body beyond the limit; the rest of it is never read."""


class Receiver:
    """Takes webhooks for the connections of one daemon. ``public_url`` is how the outside calls us, without a slash."""

    def __init__(self, links: Mapping[str, Link], writer: Writer, view: View, clock: Clock, public_url: str) -> None:
        self._links = links
        self._writer = writer
        self._view = view
        self._clock = clock
        self._public_url = public_url
        self._told: dict[str, tuple[float, int]] = {}

    def application(self, routes: Sequence[BaseRoute] = ()) -> Starlette:
        """The ASGI application; ``routes`` are added after ours."""
        return Starlette(
            routes=[
                Route("/webhooks/{connection}", self.webhook, methods=["POST"]),
                Route("/webhooks/{connection}/{rest:path}", self.webhook, methods=["POST"]),
                Route("/healthz", self.health),
                Route("/readyz", self.ready),
                Route("/metrics", self.metrics),
                *routes,
            ]
        )

    # ---- webhooks

    async def webhook(self, request: Request) -> Response:
        """POST /webhooks/NAME, or /webhooks/NAME/TOKEN where the CRM cannot sign: verified, kept, acknowledged."""
        link = self._links.get(request.path_params["connection"])
        if link is None or not link.connector.capabilities.webhooks:
            return _refusal(404, "there is no such connection")
        if sum(len(name) + len(value) for name, value in request.headers.raw) > MAX_HEADERS:
            return _refusal(431, "the headers are too large")
        try:
            body = await asyncio.wait_for(_body(request), ARRIVE_S)
        except TooLarge:
            return _refusal(413, "the body is too large")
        except TimeoutError:
            return _refusal(408, "the body did not arrive in time")
        told = WebhookRequest(request.method, self._url(request), _headers(request), body)
        try:
            hints = link.connector.verify(told, self._clock.now())
        except Rejected as error:
            self._refused(link.name, error.reason)
            return _refusal(401 if error.code in FORGED else 400, error.reason)
        if hints and not await self._kept(link.name, hints):
            headers = {"Retry-After": str(AGAIN_S)}
            return JSONResponse({"error": "cannot keep it now; come again"}, 503, headers)
        content_type, answer = link.connector.acknowledgement(told)
        return Response(answer, 200, {} if hints else _echo(told), media_type=content_type)

    def _refused(self, connection: str, reason: str) -> None:
        """Told once in ten seconds: whoever sends forged requests by the thousand fills no log."""
        now = self._clock.monotonic()
        before, unsaid = self._told.get(connection, (-TELL_S, 0))
        if now - before < TELL_S:
            self._told[connection] = (before, unsaid + 1)
            return
        more = f" ({unsaid} more since the last time)" if unsaid else ""
        log.warning("connection %s: a webhook was refused: %s%s", connection, reason, more)
        self._told[connection] = (now, 0)

    async def _kept(self, connection: str, hints: list[Hint]) -> bool:
        now = self._clock.now()
        kept = asyncio.wrap_future(self._writer.submit(lambda t: inbox.keep_hints(t, connection, hints, now)))
        try:
            # Shielded: when the sender's patience ends first, the row is still written, and its repeat is the same row.
            await asyncio.wait_for(asyncio.shield(kept), KEEP_S)
        except (StoreError, TimeoutError) as error:
            log.error("connection %s: a webhook could not be kept: %s", connection, error)  # noqa: TRY400
            kept.add_done_callback(lambda future: future.exception())  # it may still fail; that is told above
            return False
        return True

    def _url(self, request: Request) -> str:
        """As it was called: signatures cover the escapes of a path, which the server has decoded in ``path``."""
        raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        path, query = raw.decode("latin-1"), request.scope["query_string"].decode("latin-1")
        return f"{self._public_url}{path}" + (f"?{query}" if query else "")

    # ---- health

    async def health(self, _: Request) -> Response:
        """GET /healthz: the process answers."""
        return PlainTextResponse("ok\n")

    async def ready(self, _: Request) -> Response:
        """GET /readyz: the store can be read and the daemon has worked lately."""
        try:
            summary = await asyncio.to_thread(self._view.summary)
        except StoreError as error:
            return PlainTextResponse(f"{error}\n", 503)
        alive = summary.daemon is not None and self._clock.now() - summary.daemon.beat_at <= self._stale_ms()
        return PlainTextResponse("ready\n" if alive else "the daemon has not worked lately\n", 200 if alive else 503)

    def _stale_ms(self) -> float:
        return FRESH_S * 1_000 / self._clock.real_seconds(1.0)

    async def metrics(self, _: Request) -> Response:
        """GET /metrics: the counts of the store in the Prometheus text format."""
        try:
            text = await asyncio.to_thread(metrics.exposition, self._view, self._clock.now())
        except StoreError as error:
            return PlainTextResponse(f"{error}\n", 503)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BYTES:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise TooLarge
    return bytes(body)


def _headers(request: Request) -> dict[str, str]:
    """One text a name. What came twice is joined, as HTTP has it: no check sees the one and misses the other."""
    found: dict[str, str] = {}
    for raw_name, raw_value in request.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _echo(told: WebhookRequest) -> dict[str, str]:
    """A genuine request that tells nothing is a probe: it gets its own word back, and is kept nowhere."""
    word = told.headers.get(PROBE_HEADER, "")
    return {PROBE_HEADER: word} if _WORD.fullmatch(word) else {}


def _refusal(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)
