"""``python -m emulators salesforce|hubspot``: one emulated CRM on loopback, until SIGTERM or Ctrl-C.

Owns the command line. Invariant: exactly one line goes to standard output, once the emulator answers.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from emulators.core import Emulator, serve

if TYPE_CHECKING:
    from emulators.salesforce.pubsub import PubSubServer

NAMES: Final = ("salesforce", "hubspot")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 after a stop, 2 for wrong usage or a taken port."""
    options = _parser().parse_args(arguments)
    emulator = _filled(options)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = serve(emulator, options.port)
    except OSError as taken:
        sys.stderr.write(f"cannot listen on port {options.port}: {taken.strerror}\n")
        return 2
    bus = _bus(emulator) if options.pubsub else None
    ready = {
        "name": emulator.name,
        "url": server.url,
        "credentials": emulator.credentials(),
        "webhook_secret": emulator.webhook_secret,
    }
    if bus is not None:
        ready["pubsub"] = bus.endpoint
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    stop.wait()
    if bus is not None:
        bus.close()
    server.close()
    return 0


def _filled(options: argparse.Namespace) -> Emulator:
    """The emulator with what it begins with. Nothing of that is garbage: looking for some in every pass takes longer
    than making 200,000 records does."""
    make: type[Emulator] = importlib.import_module(f"emulators.{options.name}").EMULATOR
    gc.disable()
    emulator = make(
        seed=options.seed,
        records=options.records,
        living=options.living,
        speed=options.speed,
        origin=options.origin,
    )
    gc.freeze()
    gc.enable()
    return emulator


def _bus(emulator: Emulator) -> PubSubServer:
    """The event bus of a practice org; needs what the extra ``pubsub`` installs."""
    from emulators.salesforce.emulator import SalesforceEmulator
    from emulators.salesforce.pubsub import PubSubServer

    if not isinstance(emulator, SalesforceEmulator):
        sys.exit("--pubsub goes with salesforce")
    return PubSubServer(emulator).start()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulators", description="A practice CRM on this machine.")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one (default)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same data (default 1)")
    parser.add_argument("--records", type=int, default=0, help="how many records to begin with (default 0)")
    parser.add_argument("--living", action="store_true", help="new records arrive, people answer, some do not")
    parser.add_argument("--speed", type=float, default=1.0, help="emulated seconds per real second (default 1)")
    parser.add_argument("--origin", type=int, help="epoch ms at which emulated and real time agree (default: now)")
    parser.add_argument("--pubsub", action="store_true", help="salesforce: change events over gRPC too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
