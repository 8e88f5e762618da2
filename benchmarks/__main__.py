"""``python -m benchmarks [calendar|fold|pipeline|calls|backtest …]``: all of them without a name."""

from __future__ import annotations

import importlib
import platform
import sys

NAMES = (
    "calendar",
    "fold",
    "pipeline",
    "calls",
    "latency",
    "webhooks",
    "first_contact",
    "backtest",
    "report",
    "recompute",
    "calibration",
)


def main() -> None:
    wanted = sys.argv[1:] or list(NAMES)
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        sys.exit(f"unknown benchmark {unknown[0]!r}; known: {', '.join(NAMES)}")
    print(f"Python {platform.python_version()} on {platform.machine()}; medians of CPU time")
    for name in wanted:
        importlib.import_module(f"benchmarks.{name}").run()


main()
