"""The part that every emulated CRM shares: state behind one lock, faults around it, life inside it.

Owns the way of a request through faults to the vendor's ``answer``, and the threads of a served emulator. Refuses
vendor words; a vendor's emulator overrides the methods of ``Emulator``.
Invariant: vendor state is read and changed only while holding ``lock``; nothing sleeps or sends while holding it.
Our own machinery: no vendor behaves here.
"""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from collections import Counter
from email.utils import format_datetime
from typing import Any, Final

from emulators.clock import EmulatorClock
from emulators.effects import Effects
from emulators.faults import Faults
from emulators.http import Cut, HttpServer, Request, Response
from emulators.webhooks import Delivery, Sender, WebhookSettings

log = logging.getLogger("emulators")

CONTROL: Final = "/_emulator"
LIVE_EVERY_S: Final = 0.25
HTML_PAGE: Final = (
    b"<!DOCTYPE html>\n<html><head><title>We are down for maintenance</title></head>"
    b"<body><h1>Sorry for the inconvenience</h1><p>We'll be back shortly.</p></body></html>\n"
)


class Refused(ValueError):
    """An order to ``act`` that makes no sense; its text goes back to the caller with status 400."""


class Emulator:
    """Base of an emulated CRM. A vendor's package names its subclass ``EMULATOR``.

    ``records`` is how many records to begin with (the same for the same ``seed``), ``living`` whether things happen by
    themselves, ``speed`` and ``origin`` (epoch ms) set the clock, which ``clock`` replaces altogether.
    """

    name = ""
    webhook_secret = ""

    def __init__(
        self,
        *,
        seed: int = 1,
        records: int = 0,
        living: bool = False,
        speed: float = 1.0,
        origin: int | None = None,
        clock: EmulatorClock | None = None,
    ) -> None:
        self.clock = clock or EmulatorClock(speed, origin)
        self.effects = Effects(self.clock)
        self.random = random.Random(seed)
        self.faults = Faults(random.Random(f"faults {seed}"))  # its own dice: faults leave seeded data as they are
        self.webhooks = WebhookSettings()
        self.lock = threading.RLock()
        self.counts: Counter[str] = Counter()
        self.url = ""
        self.seed = seed
        self.records = records
        self.living = living

    # What a vendor's emulator answers. All of it is called while holding ``lock``.

    def answer(self, request: Request) -> Response:
        """Handles a request on the vendor's paths."""
        return self.error(404, request)

    def act(self, order: dict[str, Any]) -> dict[str, Any]:
        """Does what a person does in the CRM: ``{"do": …}``. Raises Refused when it cannot be done."""
        raise Refused(f"{self.name} cannot {order.get('do')!r}")

    def credentials(self) -> dict[str, str]:
        """What the vendor's own clients ask for. Called once it is served, so ``url`` is set."""
        return {}

    def live(self) -> None:
        """One tick of life, about four times a second when ``living``."""

    def deliveries(self) -> list[Delivery]:
        """The webhooks that became due since the last call."""
        return []

    # What goes wrong, in the vendor's shape.

    def error(self, status: int, request: Request) -> Response:  # noqa: ARG002
        """The vendor's error body for ``status``."""
        return Response(status, {"message": f"status {status}"})

    def over_quota(self, request: Request, which: str) -> Response | None:  # noqa: ARG002
        """The vendor's answer when an allowance is used up: the day's, or ``which``, in the vendor's word.
        None when this request is not counted."""
        return self.error(429, request)

    def expire_token(self, request: Request) -> bool:  # noqa: ARG002
        """Ends the session whose token this request carries; False when it carries none."""
        return False

    def normalise_path(self, path: str) -> str:
        """A path for counting: ids become ``{id}``."""
        return re.sub(r"(?<=/)\d{3,}(?=/|$)", "{id}", path)

    # For a vendor's emulator to call.

    def partial(self, request: Request) -> bool:
        """Whether some rows of this batch must fail. Asked by ``answer`` for batches only, so that a ``partial``
        fault is not spent on other requests."""
        return self.faults.take("partial", request.method, request.path) is not None


def respond(emulator: Emulator, request: Request) -> tuple[Response, Cut]:
    """The way of one vendor request through the faults that are switched on."""
    faults, method, path = emulator.faults, request.method, request.path
    with emulator.lock:
        emulator.counts[f"{method} {emulator.normalise_path(path)}"] += 1
    if slow := faults.take("latency", method, path):
        time.sleep(slow.seconds or 0)  # real seconds: clients' time-outs are real
    if faults.take("reset", method, path):
        return Response(), Cut.RESET
    with emulator.lock:
        response = _refusal(emulator, request) or _answer(emulator, request)
    if faults.take("drop_response", method, path):
        return response, Cut.DROP
    if faults.take("truncate", method, path):
        return response, Cut.TRUNCATE
    if slow_body := faults.take("slow_body", method, path):
        response.trickle_s = slow_body.seconds or 0.0
    return response, Cut.NONE


def _refusal(emulator: Emulator, request: Request) -> Response | None:
    """The answer of a fault that keeps the request from being handled."""
    faults, method, path = emulator.faults, request.method, request.path
    if failure := faults.take("status", method, path):
        response = emulator.error(failure.status, request)
        if failure.seconds is not None:
            response.headers["Retry-After"] = f"{failure.seconds:g}"
        return response
    if page := faults.take(
        "html", method, path
    ):  # 200 is the nasty case: a proxy's or a maintenance page where JSON was due
        return Response(page.status, HTML_PAGE, {"Content-Type": "text/html;charset=UTF-8"})
    if (empty := faults.find("quota", method, path)) and (refused := emulator.over_quota(request, empty.argument)):
        faults.strike(empty)
        return refused
    if (stale := faults.find("expire_token", method, path)) and emulator.expire_token(request):
        faults.strike(stale)
    return None


def _answer(emulator: Emulator, request: Request) -> Response:
    try:
        return emulator.answer(request)
    except Exception:  # a bug of the emulator: told on standard error, and to the client in the vendor's shape
        log.exception("%s: %s %s failed", emulator.name, request.method, request.path)
        return emulator.error(500, request)


class Server:
    """A served emulator: its address, and the end of it."""

    def __init__(self, emulator: Emulator, http: HttpServer) -> None:
        self.emulator = emulator
        self._http = http
        self._stop = threading.Event()
        self._sender = Sender(self._take, emulator.webhooks, emulator.clock.now_ms, random.Random(emulator.seed))
        self._life = threading.Thread(target=self._live, name="emulator-life", daemon=True)

    @property
    def url(self) -> str:
        return self._http.url

    def start(self) -> None:
        self._http.start()
        self._sender.start()
        self._life.start()

    def close(self) -> None:
        self._stop.set()
        self._life.join()
        self._sender.stop()
        self._http.stop()

    def _take(self) -> list[Delivery]:
        with self.emulator.lock:
            return self.emulator.deliveries()

    def _live(self) -> None:
        while self.emulator.living and not self._stop.wait(LIVE_EVERY_S):
            with self.emulator.lock:
                self.emulator.live()


def serve(emulator: Emulator, port: int = 0) -> Server:
    """Serves on loopback from threads of this process; port 0 picks one. Raises OSError when the port is taken."""
    from emulators.control import control

    def route(request: Request) -> tuple[Response, Cut]:
        if request.path.startswith(CONTROL):
            return control(emulator, request), Cut.NONE
        response, cut = respond(emulator, request)
        response.headers.setdefault("Date", format_datetime(emulator.clock.now(), usegmt=True))
        return response, cut

    server = Server(emulator, HttpServer(port, route))
    emulator.url = server.url
    server.start()
    return server
