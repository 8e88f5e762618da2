"""Fault switches: what goes wrong, for which requests, how often.

Owns matching and counting. Refuses to carry a fault out: the core and the vendors' emulators do that.
Invariant: a fault with ``times`` n strikes exactly n times, however many threads ask.
Our own machinery: what a fault looks like is the vendors' affair.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

KINDS: Final = (
    "status", "quota", "latency", "reset", "drop_response", "html", "truncate", "partial", "expire_token", "late_index",
    "row", "slow_body",
)  # fmt: skip
KEYS: Final = frozenset({"method", "path", "fault", "times", "probability", "seconds"})
_GLOB: Final = re.compile(r"[*?\[]")


@dataclass(slots=True)
class Fault:
    """One switch. ``times`` None: until cleared. ``seconds``: latency, slow_body, late_index, or the Retry-After of a
    status."""

    id: int
    fault: str
    method: str | None = None
    path: str | None = None
    times: int | None = None
    probability: float = 1.0
    seconds: float | None = None
    struck: int = 0

    @property
    def kind(self) -> str:
        return self.fault.partition(":")[0]

    @property
    def argument(self) -> str:
        """What stands behind the colon: a status, the vendor's code of a ``row:CODE`` fault, which quota."""
        return self.fault.partition(":")[2]

    @property
    def status(self) -> int:
        """The HTTP status of a ``status:N`` fault, or of a page of HTML: 200 unless it says another."""
        return int(self.argument or 200)

    def matches(self, method: str, path: str) -> bool:
        if self.times is not None and self.struck >= self.times:
            return False
        if self.method and self.method != method.upper():
            return False
        if self.path is None:
            return True
        return fnmatchcase(path, self.path) if _GLOB.search(self.path) else path.startswith(self.path)


class Faults:
    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._faults: list[Fault] = []
        self._made = 0
        self._guard = threading.Lock()

    def add(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Switches a fault on. Raises ValueError with what is wrong with the order."""
        fault = _read(order)
        with self._guard:
            self._made += 1
            fault.id = self._made
            self._faults.append(fault)
            return asdict(fault)

    def clear(self) -> None:
        with self._guard:
            self._faults.clear()

    def list(self) -> list[dict[str, Any]]:
        with self._guard:
            return [asdict(fault) for fault in self._faults]

    def find(self, kind: str, method: str, path: str) -> Fault | None:
        """The first switch of this kind that matches and whose dice fall for it; not yet counted as struck."""
        with self._guard:
            for fault in self._faults:
                if fault.kind == kind and fault.matches(method, path) and self._falls(fault):
                    return fault
        return None

    def strike(self, fault: Fault) -> None:
        with self._guard:
            fault.struck += 1

    def take(self, kind: str, method: str, path: str) -> Fault | None:
        """``find`` and ``strike`` in one."""
        with self._guard:
            for fault in self._faults:
                if fault.kind == kind and fault.matches(method, path) and self._falls(fault):
                    fault.struck += 1
                    return fault
        return None

    def index_delay(self, *names: str) -> float:
        """For how many emulated seconds a row written now stays out of queries and searches.

        A ``late_index`` fault is asked by row, not by request: its ``path`` is held against each of ``names`` (the
        object, the paths that will miss the row), its ``method`` is not looked at.
        """
        with self._guard:
            for fault in self._faults:
                matches = any(fault.matches(fault.method or "", name) for name in names)
                if fault.kind == "late_index" and matches and self._falls(fault):
                    fault.struck += 1
                    return fault.seconds or 0.0
        return 0.0

    def _falls(self, fault: Fault) -> bool:
        return fault.probability >= 1.0 or self._dice.random() < fault.probability


def _read(order: Mapping[str, Any]) -> Fault:
    if unknown := set(order) - KEYS:
        raise ValueError(f"unknown key {min(unknown)!r}; known: {', '.join(sorted(KEYS))}")
    name = str(order.get("fault", ""))
    kind, _, argument = name.partition(":")
    if kind not in KINDS:
        raise ValueError(f"unknown fault {name!r}; known: {', '.join(KINDS)} (status as status:429)")
    if kind == "status" and not re.fullmatch(r"[1-5]\d\d", argument):
        raise ValueError(f"a status fault names its status, as in status:503, not {name!r}")
    if kind == "html" and argument and not re.fullmatch(r"[2-5]\d\d", argument):
        raise ValueError(f"a page of HTML has a status or none, as in html:503, not {name!r}")
    if kind == "row" and not re.fullmatch(r"[A-Z_]+(,[A-Z_]+)?", argument):
        raise ValueError(f"a row fault names the vendor's code, as in row:STRING_TOO_LONG, not {name!r}")
    seconds = order.get("seconds")
    if kind in ("latency", "late_index", "slow_body") and not seconds:
        raise ValueError(f"{kind} needs seconds")
    probability = float(order.get("probability", 1.0))
    if not 0 <= probability <= 1:
        raise ValueError(f"probability lies between 0 and 1, not {probability}")
    times = order.get("times")
    return Fault(
        id=0,
        fault=name,
        method=str(order["method"]).upper() if order.get("method") else None,
        path=str(order["path"]) if order.get("path") else None,
        times=None if times is None else int(times),
        probability=probability,
        seconds=None if seconds is None else float(seconds),
    )
