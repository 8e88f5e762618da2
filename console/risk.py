"""``risk``: the chance of every open clock to miss, and whether such chances can be believed.

Owns the question. Refuses to reckon and to lay out. Invariant: the same history and ``--now`` print the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from console import options, output
from console.boundary import BAD, FINE


@click.command()
@options.config
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many clocks.")
@click.option("--calibration", is_flag=True, help="Compare chances with what happened, on held-out history.")
@options.timeline
@click.option(
    "--split", type=options.Instant(),
    help="With --calibration, predict the clocks that began from this time on. Default: where 70 % had begun.",
)  # fmt: skip
@options.now
@options.json()
@click.pass_context
def risk(
    ctx: click.Context, config: Path, limit: int, calibration: bool, timeline: Path | None, split: int | None,
    now: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Open clocks by their chance to miss: the share of clocks like them, among those that lasted as long, that did.

    With --calibration: how such chances would have done on the later part of a timeline file, or of the stored
    timelines.
    """
    if calibration:
        ctx.exit(_calibrate(config, timeline, split, options.current(now), as_json))
    if timeline or split is not None:
        raise click.UsageError("--timeline and --split go with --calibration", ctx)
    _list(config, limit, now, as_json)


def _list(config: Path, limit: int, now: int | None, as_json: bool) -> None:
    from console.risk_text import print_at_risk, risk_document
    from console.store import view
    from sync.configuration import load_daemon

    with view(load_daemon(config).database) as opened:
        daemon = opened.summary().daemon
        # A daemon under a clock of its own, as in the demonstration, may be ahead of this machine's.
        at = max(options.current(None), daemon.beat_at if daemon else 0) if now is None else now
        found = opened.at_risk(at, limit=max(limit, 1_000))[:limit]
    if as_json:
        output.print_json({"now": output.instant(at), "clocks": [risk_document(one) for one in found]})
    else:
        print_at_risk(found)


def _calibrate(config: Path, timeline: Path | None, split: int | None, now: int, as_json: bool) -> int:
    from console.risk_text import calibration_document, print_calibration
    from console.timeline_file import read_history
    from sla.figures.calibration import calibrate
    from sync.configuration import POLICIES, load

    configuration = load(config, POLICIES)
    timelines, bad = read_history(timeline, configuration.daemon.database, configuration.policies)
    found = calibrate(configuration.policies, timelines, now, split, _watched)
    if found is None:
        if as_json:
            output.print_json({"now": output.instant(now), "history": 0, "predictions": 0, "score": None})
        else:
            output.say("there is no clock in this history")
        return BAD
    document = calibration_document(found, now)
    if as_json:
        output.print_json(document)
    else:
        print_calibration(document)
    return BAD if bad else FINE


def _watched(items: Iterable[Any], what: str, total: int) -> Iterator[Any]:
    from console.progress import watched

    return watched(items, what, "clocks" if what == "predicting" else "records", total)
