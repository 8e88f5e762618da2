"""How a figure is taken: medians of interleaved rounds, in CPU time, so that a busy neighbour costs both sides."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def medians(
    contestants: Mapping[str, Callable[[], Any]], calls: Mapping[str, int], rounds: int = 7
) -> dict[str, float]:
    """Median CPU microseconds per call of each contestant; the contestants take turns in every round."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for contest in contestants.values():
        contest()
    for _ in range(rounds):
        for name, contest in contestants.items():
            began = time.process_time()
            for _ in range(calls[name]):
                contest()
            taken[name].append((time.process_time() - began) / calls[name] * 1e6)
    return {name: statistics.median(times) for name, times in taken.items()}


def timed(work: Callable[[], Any], rounds: int = 5) -> tuple[float, Any]:
    """Median CPU seconds of a longer piece of work, and its last result."""
    taken, result = [], None
    for _ in range(rounds):
        began = time.process_time()
        result = work()
        taken.append(time.process_time() - began)
    return statistics.median(taken), result


def table(title: str, rows: list[tuple[str, ...]]) -> None:
    """Prints rows as columns, the first one as their head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print(f"\n{title}")
    for n, row in enumerate(rows):
        print(
            "  " + "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
        )
        if n == 0:
            print("  " + "  ".join("-" * w for w in widths))
