"""The web server of the daemon, on a thread of its own.

Owns the port. Refuses to know what is served: that is the receiver's, and whoever adds routes. Invariant: a port that
cannot be used is known before the daemon says that it is ready.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sync.configuration_shape import Configuration
from sync.receiver import Receiver
from sync.view import View
from sync.works import Works
from sync.writer import Writer

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

_GRACE_S: Final = 2
_TURN_S: Final = 0.001


class Web:
    """The web server on a thread of its own."""

    def __init__(self, works: Works, writer: Writer, routes: Sequence[BaseRoute], configuration: Configuration) -> None:
        import uvicorn

        host, port = configuration.daemon.address
        self._socket = _bound(host, port)
        self._view = View.open(works.store.database)
        public_url = getattr(configuration.daemon, "public_url", None) or f"http://{configuration.daemon.listen}"
        receiver = Receiver(works.links, writer, self._view, works.clock, public_url.rstrip("/"))
        config = uvicorn.Config(
            receiver.application(routes),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=_GRACE_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="web", daemon=True
        )

    def start(self) -> tuple[str, int]:
        # A webhook changes hands between this thread and the writer's: at five milliseconds a turn, as Python gives by
        # itself, each of them would wait behind whatever is being computed.
        sys.setswitchinterval(_TURN_S)
        self._thread.start()
        host, port = self._socket.getsockname()[:2]
        return host, port

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.ident is not None:  # what fails before the start is not to be hidden by its own end
            self._thread.join(_GRACE_S + 1)
        self._view.close()
        self._socket.close()


class PortTaken(OSError):
    """The address of ``daemon.listen`` cannot be used; the message is one plain sentence."""


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise PortTaken(
            f"cannot listen at {host}:{port} ({error.strerror}); set daemon.listen to another port"
        ) from None
    made.listen(128)
    return made
