"""CRMs on this machine: HTTP servers that speak the vendors' own wire protocol, for practice, tests and the demo.

Each vendor has a folder with a subclass of ``emulators.core.Emulator`` named ``EMULATOR``. The vendors' own clients
work against it unchanged. Beside the vendor's paths there is a control surface, ``/_emulator/*``: a log of every write
that took effect, call counts, fault switches, what people do, the clock, and where webhooks go.

On the command line: ``python -m emulators salesforce|hubspot [--port N] [--seed S] [--records N] [--living] [--speed X]
[--origin EPOCH_MS]``; in a test: ``server = serve(EMULATOR(seed=1)); …; server.close()``.

Imports nothing of the other packages: an emulator that shared a mapping with its connector would share its mistakes.
``docs/emulators.md`` says what each one emulates, by which page of the vendor, and what it leaves out.
"""

from emulators.core import Emulator, Refused, Server, serve
from emulators.http import Request, Response
from emulators.webhooks import Delivery

__all__ = ["Delivery", "Emulator", "Refused", "Request", "Response", "Server", "serve"]
