"""``backtest``: a timeline under a configuration, and what another configuration would change.

Owns the question and printing clock by clock; ``backtest_summary`` counts. Refuses to judge: the fold does.
Invariant: the same file, configuration and ``--now`` print the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from console import options, output
from console.boundary import BAD, FINE

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from console.backtest_summary import Account, Differences
    from sla.clock import Clock
    from sla.fold import Evaluation

_SHOWN = ("policy", "state", "outcome", "due_at", "within_s", "late_s")
_PORTION = 200  # lines written at once


@click.command()
@options.config
@options.timeline
@options.now
@click.option(
    "--compare", type=click.Path(path_type=Path, dir_okay=False), help="Print what this configuration changes."
)
@click.option("--alerts", is_flag=True, help="Print the alerts by day and person instead of the verdicts.")
@click.option("--summary", is_flag=True, help="Print the summary only, without a line for each clock.")
@click.option(
    "--by", type=options.Names(), default="owner,team,hour_of_week", show_default=True,
    help="With --compare, group breaches gained and lost by these.",
)  # fmt: skip
@options.zone
@options.json("Print JSON Lines: a verdict, a change (--compare) or an alert (--alerts) each; --summary: one document.")
@click.pass_context
def backtest(
    ctx: click.Context, config: Path, timeline: Path | None, now: int | None, compare: Path | None, alerts: bool,
    summary: bool, by: tuple[str, ...], zone: ZoneInfo, as_json: bool,
) -> None:  # fmt: skip
    """Evaluate a timeline file, or the stored timelines, under a configuration.

    A line that cannot be read is reported with its number, the rest is evaluated, and the exit code is 1.
    """
    from console.backtest_summary import Account, Differences
    from console.timeline_file import read_history
    from sync.configuration import POLICIES, load

    if compare and alerts:
        raise click.UsageError("--alerts tells of one configuration; --compare counts those of both", ctx)
    configuration = load(config, POLICIES)
    other = load(compare, POLICIES) if compare else None
    timelines, bad = read_history(
        timeline, configuration.daemon.database, *(each.policies for each in (configuration, other) if each)
    )
    at = options.current(now)
    account = Account(configuration.policies, timelines, at, zone)
    if other is None:
        _print_one(account, alerts, summary, as_json)
    else:
        differences = Differences(account, Account(other.policies, timelines, at, zone), by, zone)
        _print_changes(differences, summary, as_json)
    ctx.exit(BAD if bad else FINE)


def _evaluations(account: Account, *, shown: bool) -> Iterator[Evaluation]:
    from console.progress import watched
    from sla.fold import evaluate_timelines

    found = evaluate_timelines(account.policies, account.timelines, account.now)
    return watched(found, "evaluating", "records", len(account.timelines), shown=shown)


def _write(lines: Iterable[str | bytes]) -> None:
    """Lines on standard output as they come, some at a time."""
    remaining = iter(lines)
    while portion := list(islice(remaining, _PORTION)):
        texts = (line if isinstance(line, bytes) else output.clean(line).encode() for line in portion)
        click.echo(b"\n".join(texts))


# ---- one configuration


def _print_one(account: Account, alerts: bool, summary: bool, as_json: bool) -> None:
    lines = not (alerts or summary)
    shown = not (lines and sys.stdout.isatty())  # the lines themselves tell how far it is
    evaluations = _evaluations(account, shown=shown)
    if as_json and not summary:
        _write(_alert_lines(account, evaluations) if alerts else _verdict_lines(evaluations))
        return
    _write(_told(account, evaluations, lines))
    document = account.document()
    if as_json:
        output.print_json(document)
        return
    from console.backtest_text import print_alert_tables, print_summary

    if alerts:
        print_alert_tables(document["alerts"])
    print_summary(document)


def _verdict_lines(evaluations: Iterable[Evaluation]) -> Iterator[bytes]:
    for evaluation in evaluations:
        for clock in evaluation.clocks:
            yield msgspec.json.encode(clock.verdict(), enc_hook=str)


def _told(account: Account, evaluations: Iterable[Evaluation], lines: bool) -> Iterator[str]:
    for evaluation in evaluations:
        account.add(evaluation)
        if lines:
            yield from map(_line, evaluation.clocks)


def _alert_lines(account: Account, evaluations: Iterable[Evaluation]) -> Iterator[bytes]:
    found = [alert for evaluation in evaluations for alert in account.alerts_of(evaluation)]
    for alert in sorted(found):
        line = {**alert._asdict(), "at": output.instant(alert.at), "sent": alert.sent}
        yield msgspec.json.encode(line)


def _line(clock: Clock) -> str:
    late = f"  late {output.length(clock.late_ms / 1_000)}" if clock.late_ms else ""
    reason = f"  ({clock.reason})" if clock.reason else ""
    due = output.instant(clock.due_ms)
    word = clock.outcome or clock.state
    return f"{word:<9}  {clock.record}  {clock.target} #{clock.cycle}  due {due}{late}{reason}"


# ---- two configurations


def _print_changes(differences: Differences, summary: bool, as_json: bool) -> None:
    shown = summary or not sys.stdout.isatty()
    before = _evaluations(differences.before, shown=False)
    after = _evaluations(differences.after, shown=shown)
    changes = _changes(differences, zip(before, after, strict=True), counted=summary or not as_json)
    if summary:
        for _ in changes:
            pass
    else:
        _write(msgspec.json.encode(change) if as_json else _change_line(change) for change in changes)
        if as_json:
            return
    document = differences.document()
    for name in differences.unknown():
        output.tell(f"no record has a field '{name}'")
    if as_json:
        output.print_json(document)
        return
    from console.backtest_text import print_comparison

    print_comparison(document)


def _changes(
    differences: Differences, both: Iterable[tuple[Evaluation, Evaluation]], *, counted: bool
) -> Iterator[dict[str, Any]]:
    """The clocks that come out differently, by record, target and cycle; counts everything on the way where wanted."""
    from sla.figures.comparison import pairs

    for before, after in both:
        if counted:
            differences.add(before, after)
        for old, new in pairs(before.clocks, after.clocks):
            was, becomes = _standing(old), _standing(new)
            if was != becomes:
                differences.changed += 1
                clock = old or new
                assert clock is not None  # noqa: S101 - a pair has at least one side
                name = {"record": clock.record, "target": clock.target, "cycle": clock.cycle}
                yield {**name, "before": was, "after": becomes}


def _standing(clock: Clock | None) -> dict[str, Any] | None:
    if clock is None:
        return None
    verdict = clock.verdict()
    return {name: verdict[name] for name in _SHOWN}


def _change_line(change: Mapping[str, Any]) -> str:
    name = f"{change['record']}  {change['target']} #{change['cycle']}"
    return f"{name}  {_side(change['before'])}  →  {_side(change['after'])}"


def _side(side: Mapping[str, Any] | None) -> str:
    if side is None:
        return "no clock"
    return f"{side['outcome'] or side['state']}, due {side['due_at'] or '-'} ({side['policy']})"
