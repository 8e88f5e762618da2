"""The control surface ``/_emulator/*``: for tests and people; no connector uses it.

Owns its paths. Refuses to reach into a vendor's state except through ``act``.
Invariant: a control request is neither counted, nor struck by faults, nor an effect by itself.
Our own machinery: no vendor behaves here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from emulators.core import CONTROL, Emulator
from emulators.http import Request, Response


def control(emulator: Emulator, request: Request) -> Response:
    """Answers one control request; 400 with the reason when the order is wrong."""
    name = request.path.removeprefix(CONTROL).strip("/")
    methods = ROUTES.get(name)
    if methods is None:
        return Response(404, {"error": f"no such path; known: {', '.join(f'{CONTROL}/{known}' for known in ROUTES)}"})
    handle = methods.get(request.method)
    if handle is None:
        return Response(405, {"error": f"use {' or '.join(methods)}"}, {"Allow": ", ".join(methods)})
    try:
        with emulator.lock:
            return handle(emulator, request)
    except (ValueError, KeyError, TypeError) as wrong:
        missing = f"missing or unknown: {wrong.args[0]}" if isinstance(wrong, KeyError) else str(wrong)
        return Response(400, {"error": missing})


def _order(request: Request) -> dict[str, Any]:
    order = request.json()
    if not isinstance(order, dict):
        raise TypeError("the body must be one JSON object")
    return order


def _about(emulator: Emulator, request: Request) -> Response:  # noqa: ARG001
    return Response(
        body={"name": emulator.name, "url": emulator.url, "now": _now(emulator), "speed": emulator.clock.speed}
    )


def _now(emulator: Emulator) -> str:
    return emulator.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _effects(emulator: Emulator, request: Request) -> Response:
    since = int(request.query.get("since", ["0"])[0])
    return Response(body=emulator.effects.json_lines(since), headers={"Content-Type": "application/x-ndjson"})


def _requests(emulator: Emulator, request: Request) -> Response:  # noqa: ARG001
    return Response(body=dict(sorted(emulator.counts.items())))


def _forget_requests(emulator: Emulator, request: Request) -> Response:  # noqa: ARG001
    emulator.counts.clear()
    return Response(204)


def _faults(emulator: Emulator, request: Request) -> Response:  # noqa: ARG001
    return Response(body=emulator.faults.list())


def _add_fault(emulator: Emulator, request: Request) -> Response:
    return Response(201, emulator.faults.add(_order(request)))


def _clear_faults(emulator: Emulator, request: Request) -> Response:  # noqa: ARG001
    emulator.faults.clear()
    return Response(204)


def _act(emulator: Emulator, request: Request) -> Response:
    return Response(body=emulator.act(_order(request)))


def _advance(emulator: Emulator, request: Request) -> Response:
    emulator.clock.advance(float(_order(request)["seconds"]))
    return Response(body={"now": _now(emulator)})


def _webhooks(emulator: Emulator, request: Request) -> Response:
    if request.method == "POST":
        emulator.webhooks.change(_order(request))
    elif request.method == "DELETE":
        emulator.webhooks.change({"url": None})
    hooks = emulator.webhooks
    return Response(
        body={name: getattr(hooks, name) for name in ("url", "duplicate", "shuffle", "drop", "forged", "skew_s")}
        | {"counts": hooks.counts}
    )


ROUTES: Final[dict[str, dict[str, Callable[[Emulator, Request], Response]]]] = {
    "": {"GET": _about},
    "effects": {"GET": _effects},
    "requests": {"GET": _requests, "DELETE": _forget_requests},
    "faults": {"GET": _faults, "POST": _add_fault, "DELETE": _clear_faults},
    "act": {"POST": _act},
    "advance": {"POST": _advance},
    "webhooks": {"GET": _webhooks, "POST": _webhooks, "DELETE": _webhooks},
}
