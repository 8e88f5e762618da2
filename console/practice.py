"""The practice CRMs of the demo: emulators as processes of their own, on this machine only.

Owns starting, introducing and stopping them. Refuses to know what they do inside: they are reached by HTTP, as a CRM
is. Invariant: whatever ends the demo, no emulator stays behind.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

from console.boundary import Failure

READY_WITHIN_S: Final = 20.0
_STOP_WITHIN_S: Final = 5.0


class Practice(NamedTuple):
    """A running emulator: its address, and what a client logs in with."""

    name: str
    url: str
    credentials: dict[str, str]


@contextmanager
def practice_crms(names: tuple[str, ...], *, speed: float, origin: int, records: int) -> Iterator[list[Practice]]:
    """Starts the emulators together, gives them once they answer, and stops them in the end.

    ``origin`` is the epoch ms at which their time and real time agree. Raises Failure when one does not start.
    """
    with ExitStack() as stack:
        processes = [stack.enter_context(_emulator(name, speed, origin, records)) for name in names]
        yield [_introduced(name, process) for name, process in zip(names, processes, strict=True)]


@contextmanager
def _emulator(name: str, speed: float, origin: int, records: int) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable, "-m", "emulators", name, "--living",
        "--port", "0", "--speed", str(speed), "--origin", str(origin), "--records", str(records),
    ]  # fmt: skip
    # A session of its own: Ctrl-C reaches the demo alone, which then stops its emulators in order.
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _introduced(name: str, process: subprocess.Popen[str]) -> Practice:
    """Waits for the one line of JSON by which an emulator says that it is ready."""
    lines: list[str] = []
    assert process.stdout is not None  # noqa: S101 - opened with a pipe
    reader = threading.Thread(target=lambda: lines.append(process.stdout.readline()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    reader.join(READY_WITHIN_S)
    try:
        said: dict[str, Any] = json.loads(lines[0])
    except (IndexError, ValueError):
        raise Failure(f"the emulated {name} does not start", f"python -m emulators {name} shows why") from None
    return Practice(name, said["url"], said["credentials"])
