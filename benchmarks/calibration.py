"""Chances to miss against what happened: the real log, its first 70 % as history and the rest held out."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator, Sequence

from benchmarks.fold import LOG, POLICIES
from benchmarks.measure import medians, table
from console.risk_text import calibration_document, print_calibration
from sla.clock import Clock
from sla.figures.calibration import Calibration, calibrate
from sla.figures.risk import Ending, History, Segment, endings
from sla.instant import HOUR, parse_instant
from sla.model import Event
from sla.policy import Policies
from sla.record import RecordState
from sla.timeline import read_lines

NOW = parse_instant("2017-03-01T00:00:00Z")


def run() -> None:
    _speed()
    if not LOG.exists():
        print(f"\nThe real log is not here ({LOG.name}); set SLA_SIDECAR_DATA to its folder.")
        return
    timelines: dict[str, list[Event]] = {}
    with gzip.open(LOG) as file:
        for event in read_lines(file, []):
            timelines.setdefault(event.record, []).append(event)
    policies = Policies.from_config(POLICIES)
    found = calibrate(policies, timelines, NOW)
    assert found is not None
    print("\nChances to miss against what happened, on the real log")
    print_calibration(calibration_document(found, NOW))
    rows = [("what became of those cancelled or running", "predicted", "missed", "Brier", "base rate")]
    rows.append(("counted as long as they were watched (ours)", *_figures(found)))
    left_out = calibrate(policies, timelines, NOW, found.at, tell=_completed)
    assert left_out is not None
    rows.append(("left out", *_figures(left_out)))
    table("Two ways to take clocks that had not ended at the split", rows)


def _completed(clocks: Sequence[Clock], state: RecordState) -> Iterator[Ending]:
    return (one for one in endings(clocks, state) if one.known)


def _figures(found: Calibration) -> tuple[str, ...]:
    score = found.score()
    assert score is not None
    return f"{score.predicted:.4f}", f"{score.happened:.4f}", f"{score.brier:.4f}", f"{score.base:.4f}"


def _speed() -> None:
    chance = random.Random(1)
    own, other = Segment("resolution", "Support", "normal"), Segment("resolution", "Sales", "high")
    history = History(
        Ending(own, int(chance.expovariate(1 / HOUR)), chance.random() < 0.9) for _ in range(100_000)
    )  # fmt: skip
    us = medians(
        {"own": lambda: history.chance(own, HOUR // 2, HOUR), "other": lambda: history.chance(other, HOUR // 2, HOUR)},
        {"own": 5_000, "other": 5_000},
    )
    table(
        "A chance from 100,000 endings (goal: 10 µs a clock)",
        [("answered by", "µs"), ("its own segment", f"{us['own']:.1f}"), ("all of the target", f"{us['other']:.1f}")],
    )
