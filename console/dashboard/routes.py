"""The page over HTTP: its routes, for the daemon's own web application.

Owns paths, caching and security headers. Refuses every method but GET and HEAD, and any change of anything.
Invariant: whatever text a CRM holds, it reaches the browser as text, under a policy that runs no script but ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from console.boundary import Failure
from console.dashboard.page import Choice, build
from sla.instant import format_instant
from sync.store import StoreError

if TYPE_CHECKING:
    from sync.clock import Clock
    from sync.view import View

_HERE: Final = Path(__file__).parent
_FILES: Final = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
}
_ICON: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><g fill="none" stroke="#2a6f97" stroke-width="3">'
    b'<circle cx="16" cy="16" r="13"/><path d="M16 8v8l5 4" stroke-linecap="round"/></g></svg>'
)
_HTML: Final = "text/html; charset=utf-8"
_DRAWN_MOST: Final = 64
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-cache",
}


def dashboard_routes(view: Callable[[], View], clock: Clock, *, mode: str, host: str) -> list[Route]:
    """The routes of the page. ``view()`` gives the store's read-only side; ``host`` is the address that is listened on:
    while that is this machine alone, a request that names another host is refused, so that no web page elsewhere can
    reach in through a name of its own."""
    page = _Dashboard(view, clock, mode, local=host in ("127.0.0.1", "localhost", "::1"))
    return [
        Route("/", page.whole, methods=["GET"]),
        Route("/live", page.live, methods=["GET"]),
        Route("/record/{record:path}", page.record, methods=["GET"]),
        Route("/icon.svg", page.icon, methods=["GET"]),
        *(Route(f"/{name}", page.file, methods=["GET"]) for name in _FILES),
    ]


class _Dashboard:
    def __init__(self, view: Callable[[], View], clock: Clock, mode: str, *, local: bool) -> None:
        self._view = view
        self._clock = clock
        self._mode = mode
        self._local = local
        self._start = clock.now()
        self._drawn: dict[Choice, tuple[str, bytes]] = {}
        environment = Environment(loader=FileSystemLoader(_HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
        environment.filters["iso"] = format_instant
        environment.globals |= {"speed": round(1 / clock.real_seconds(1), 6), "version": version("sla-sidecar")}
        self._templates = {name: environment.get_template(name) for name in ("page.html", "live.html", "record.html")}

    # Plain functions, not coroutines: the store is read in a worker thread, and the loop goes on serving webhooks.

    def whole(self, request: Request) -> Response:
        return self._guarded(request, self._whole)

    def live(self, request: Request) -> Response:
        return self._guarded(request, self._live)

    def record(self, request: Request) -> Response:
        return self._guarded(request, self._record)

    def _guarded(self, request: Request, answer: Callable[[Request, int], Response]) -> Response:
        if self._foreign(request):
            return _refusal(421, "this page answers to this machine's own names only")
        try:
            return answer(request, self._clock.now())
        except StoreError as error:
            return _refusal(503, str(error))

    def _whole(self, request: Request, now: int) -> Response:
        return _answer(request, self._html("page.html", request, now), _HTML, now=now)

    def _live(self, request: Request, now: int) -> Response:
        # Commits alone change what is drawn; what depends on the time ticks in the browser.
        tag = f'"{self._start:x}-{self._view().data_version():x}"'
        if request.headers.get("if-none-match") == tag:
            return _unchanged(tag, now)
        choice = Choice.of(request.query_params)
        drawn = self._drawn.get(choice)
        if drawn is None or drawn[0] != tag:
            # Drawn once for everybody who looks: many viewers cost no more than one.
            drawn = tag, self._html("live.html", request, now)
            if len(self._drawn) >= _DRAWN_MOST:
                self._drawn.clear()
            self._drawn[choice] = drawn
        return _answer(request, drawn[1], _HTML, tag, now)

    def _record(self, request: Request, now: int) -> Response:
        from console.dashboard.record import build as build_record
        from console.explain_store import account

        try:
            told = account(self._view(), request.path_params["record"], now)
        except Failure as failure:
            return _refusal(404, failure.message)
        return _answer(request, self._templates["record.html"].render(page=build_record(told)).encode(), _HTML, now=now)

    def file(self, request: Request) -> Response:
        name = request.url.path.rpartition("/")[2]
        return _answer(request, (_HERE / name).read_bytes(), _FILES[name], _digest((_HERE / name).read_bytes()))

    def icon(self, request: Request) -> Response:
        return _answer(request, _ICON, "image/svg+xml", _digest(_ICON))

    def _html(self, template: str, request: Request, now: int) -> bytes:
        page = build(self._view(), Choice.of(request.query_params), now, self._mode)
        return self._templates[template].render(page=page).encode()

    def _foreign(self, request: Request) -> bool:
        host = request.headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return self._local and name not in _LOOPBACK


def _answer(request: Request, content: bytes, kind: str, tag: str | None = None, now: int | None = None) -> Response:
    if tag and request.headers.get("if-none-match") == tag:
        return _unchanged(tag, now)
    return Response(content, headers={**HEADERS, "Content-Type": kind, **_marks(tag, now)})


def _unchanged(tag: str, now: int | None) -> Response:
    return Response(status_code=304, headers={**HEADERS, **_marks(tag, now)})


def _refusal(status: int, reason: str) -> Response:
    return PlainTextResponse(f"{reason}\n", status, headers=HEADERS)


def _marks(tag: str | None, now: int | None) -> dict[str, str]:
    marks = {} if tag is None else {"ETag": tag}
    return marks if now is None else {**marks, "X-Server-Now": str(now)}


def _digest(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'
