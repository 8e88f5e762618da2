"""``backtest``: a timeline under a configuration, and what another configuration would change.

Owns printing verdicts, their summary and the comparison. Refuses to judge: the fold does. Invariant: the same file,
configuration and ``--now`` print the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import options, output
from console.boundary import BAD, FINE

if TYPE_CHECKING:
    from sla.clock import Clock
    from sla.model import Event
    from sla.policy import Policies

_WORDS = ("met", "missed", "running", "paused", "cancelled", "excused")
_Key = tuple[str, str, int]


@click.command()
@options.config
@click.option(
    "--timeline",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True, exists=True),
    help="JSON Lines, plain or gzipped; - for standard input. Default: the stored timelines.",
)
@options.now
@click.option(
    "--compare", type=click.Path(path_type=Path, dir_okay=False), help="Print what this configuration changes."
)
@options.json("Print JSON Lines: one verdict a line, or one change a line with --compare.")
@click.pass_context
def backtest(
    ctx: click.Context, config: Path, timeline: Path | None, now: int | None, compare: Path | None, as_json: bool
) -> None:
    """Evaluate a timeline file, or the stored timelines, under a configuration.

    A line that cannot be read is reported with its number, the rest is evaluated, and the exit code is 1.
    """
    from sync.configuration import POLICIES, load

    configuration = load(config, POLICIES)
    other = load(compare, POLICIES) if compare else None
    timelines, bad = _timelines(timeline, configuration.daemon.database)
    at = options.current(now)
    if other is None:
        _print(_clocks(configuration.policies, timelines, at), as_json)
    else:
        before = list(_clocks(configuration.policies, timelines, at))
        _print_changes(before, list(_clocks(other.policies, timelines, at)), as_json)
    ctx.exit(BAD if bad else FINE)


def _timelines(path: Path | None, database: Path) -> tuple[dict[str, list[Event]], int]:
    if path is not None:
        from console.timeline_file import read_timelines, tell_bad_lines

        timelines, bad = read_timelines(path)
        tell_bad_lines(path, bad)
        return timelines, len(bad)
    from console.store import view

    stored: dict[str, list[Event]] = {}
    with view(database) as opened:
        for event in opened.events():
            stored.setdefault(event.record, []).append(event)
    return stored, 0


def _clocks(policies: Policies, timelines: dict[str, list[Event]], now: int) -> Iterator[Clock]:
    from sla.fold import evaluate_timelines

    for evaluation in evaluate_timelines(policies, timelines, now):
        yield from evaluation.clocks


def _print(clocks: Iterable[Clock], as_json: bool) -> None:
    if as_json:
        for clock in clocks:
            output.print_line(clock.verdict())
        return
    counts: dict[tuple[str, str], Counter[str]] = {}
    for clock in clocks:
        word = clock.outcome or clock.state
        counts.setdefault((clock.policy, clock.target), Counter())[word] += 1
        output.say(_line(clock, word))
    _print_summary(counts)


def _line(clock: Clock, word: str) -> str:
    late = f"  late {output.length(clock.late_ms / 1_000)}" if clock.late_ms else ""
    reason = f"  ({clock.reason})" if clock.reason else ""
    due = output.instant(clock.due_ms)
    return f"{word:<9}  {clock.record}  {clock.target} #{clock.cycle}  due {due}{late}{reason}"


def _print_summary(counts: dict[tuple[str, str], Counter[str]]) -> None:
    words = [word for word in _WORDS if any(count[word] for count in counts.values())]
    table = output.table("policy", "target", *(f">{word}" for word in words), ">attainment")
    for (policy, target), count in sorted(counts.items()):
        decided = count["met"] + count["missed"]
        share = f"{100 * count['met'] / decided:.1f} %" if decided else None
        output.add_row(table, policy, target, *(count[word] for word in words), share)
    output.say()
    if counts:
        output.out().print(table)
    else:
        output.say("no policy covers any record of this timeline")


def _print_changes(before: list[Clock], after: list[Clock], as_json: bool) -> None:
    changes = list(_changes(before, after))
    if as_json:
        for change in changes:
            output.print_line(change)
        return
    for change in changes:
        output.say(
            f"{change['record']}  {change['target']} #{change['cycle']}  "
            f"{_standing(change['before'])}  →  {_standing(change['after'])}"
        )
    output.say(f"{len(changes)} of {len(before)} clocks change" if changes else "nothing changes")


def _changes(before: list[Clock], after: list[Clock]) -> Iterator[dict[str, Any]]:
    old, new = _by_key(before), _by_key(after)
    for key in sorted({*old, *new}):
        was, becomes = old.get(key), new.get(key)
        if was != becomes:
            record, target, cycle = key
            yield {"record": record, "target": target, "cycle": cycle, "before": was, "after": becomes}


def _by_key(clocks: list[Clock]) -> dict[_Key, dict[str, Any]]:
    shown = ("policy", "state", "outcome", "due_at", "within_s", "late_s")
    return {
        (clock.record, clock.target, clock.cycle): {name: verdict[name] for name in shown}
        for clock in clocks
        for verdict in (clock.verdict(),)
    }


def _standing(side: dict[str, Any] | None) -> str:
    if side is None:
        return "no clock"
    return f"{side['outcome'] or side['state']}, due {side['due_at'] or '-'} ({side['policy']})"
