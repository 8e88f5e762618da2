"""The log of effects: every write that a CRM's API or its people made, once it has taken effect.

Owns the order and the numbering. Refuses attempts: a refused or reset request leaves no line.
Invariant: one line per record written by one request; lines are never changed afterwards.
Our own machinery: no vendor behaves here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

from emulators.clock import EmulatorClock


class Effects:
    """``by`` is ``api:CLIENT`` for writes through the vendor's API and ``person:ID`` for what ``act`` did."""

    def __init__(self, clock: EmulatorClock) -> None:
        self._clock = clock
        self._lines: list[dict[str, Any]] = []
        self._guard = threading.Lock()

    def record(
        self,
        *,
        object: str,
        id: str,
        by: str,
        request: int | None = None,
        fields: Mapping[str, Any] | None = None,
        task: Mapping[str, Any] | None = None,
        note: Mapping[str, Any] | str | None = None,
        also: Mapping[str, Any] | None = None,
    ) -> None:
        """Adds a line. ``also`` is what the CRM changed by itself because of the write (an assignment rule)."""
        parts = {"fields": fields, "task": task, "note": note, "also": also}
        with self._guard:
            line: dict[str, Any] = {
                "n": len(self._lines) + 1,
                "at": self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "object": object,
                "id": id,
            }
            line |= {name: value for name, value in parts.items() if value is not None}
            line |= {"by": by, "request": request}
            self._lines.append(line)

    def lines(self, since: int = 0) -> list[dict[str, Any]]:
        """The lines after number ``since``."""
        with self._guard:
            return self._lines[since:]

    def json_lines(self, since: int = 0) -> bytes:
        return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in self.lines(since)).encode()
