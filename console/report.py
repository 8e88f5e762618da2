"""``report``: which promises were kept, by any dimension and period, with objectives and service credits.

Owns the question and where the answer goes. Refuses to count: ``sla.figures.grouping`` and ``sla.figures.standing`` do.
Invariant: text, CSV, JSON and HTML are four faces of one document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import click
import msgspec

from console import options, output
from console.boundary import BAD, FINE

if TYPE_CHECKING:
    from sla.figures.grouping import Grouping, Selection
    from sla.figures.standing import Reckoning
    from sla.fold import Evaluation
    from sla.model import Event
    from sla.people import People
    from sla.policy import Policies
    from sync.configuration import Configuration

FORMATS = ("text", "csv", "json", "html")


class Judged(NamedTuple):
    """A record's clocks, its timeline, and the people of the policies that it was judged by."""

    evaluation: Evaluation
    events: Sequence[Event]
    people: People


def _names(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:  # noqa: ARG001
    return tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))


def _pairs(ctx: click.Context, param: click.Parameter, value: Sequence[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in value:
        name, equals, wanted = pair.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"'{pair}' is not field=value, such as priority=urgent", ctx, param)
        found.setdefault(name.strip(), set()).add(wanted.strip().casefold())
    return {name: frozenset(values) for name, values in found.items()}


@click.command()
@options.config
@options.timeline
@click.option(
    "--by", callback=_names, default="policy,target", show_default=True,
    help="Group by these, with commas: policy, target, owner, team, channel, source, priority, customer, day, week, "
    "month, quarter, hour_of_week, or any field of the records.",
)  # fmt: skip
@click.option("--from", "since", type=options.Instant(), help="Only clocks decided at or after this time.")
@click.option("--until", type=options.Instant(), help="Only clocks decided before this time.")
@click.option("--target", "targets", multiple=True, help="Only this target. May be given again.")
@click.option("--where", callback=_pairs, multiple=True, help="Only where field=value. May be given again.")
@options.zone
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--output", "-o", "to", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@options.now
@options.json("The same as --format json.")
@click.pass_context
def report(
    ctx: click.Context,
    config: Path,
    timeline: Path | None,
    by: tuple[str, ...],
    since: int | None,
    until: int | None,
    targets: tuple[str, ...],
    where: dict[str, frozenset[str]],
    zone: ZoneInfo,
    form: str,
    to: Path | None,
    now: int | None,
    as_json: bool,
) -> None:
    """Attainment, percentiles and rates by any dimension and period; objectives and service credits.

    A clock belongs to the instant at which it was decided: its due when it was missed, else its completion. Stored
    records are judged by the policies that each of them lives by, those of a file by the configuration's.
    """
    from sla.figures.grouping import Grouping, Selection
    from sla.figures.standing import Reckoning
    from sync.configuration import REPORT, load

    if since is not None and until is not None and since >= until:
        raise click.UsageError("--until is not after --from", ctx)
    configuration = load(config, REPORT)
    at = options.current(now) if timeline else _present(configuration.daemon.database, now)
    selection = Selection(by, zone, since, until, where)
    grouping = Grouping(selection, at)
    reckonings = [Reckoning(objective, at, since, until) for objective in configuration.objectives]
    judged, bad = _judged(configuration, timeline, at)
    left_out = _count(judged, configuration.policies, grouping, reckonings, selection, targets, at)
    _tell_unknown(grouping, left_out)
    document = _document(grouping, reckonings, selection, targets, at, str(timeline) if timeline else "the store")
    _give(document, "json" if as_json else form, to)
    ctx.exit(BAD if bad else FINE)


def _present(database: Path, now: int | None) -> int:
    from console.store import present, view

    with view(database) as opened:
        return present(opened, now)


def _judged(configuration: Configuration, timeline: Path | None, now: int) -> tuple[Iterable[Judged], int]:
    from console.progress import watched

    if timeline is None:
        return watched(_of_store(configuration.daemon.database, now), "counting", "records", None), 0
    from console.timeline_file import read_history

    timelines, bad = read_history(timeline, configuration.daemon.database)
    judged = _of_file(configuration.policies, timelines, now)
    return watched(judged, "counting", "records", len(timelines)), bad


def _of_file(policies: Policies, timelines: Mapping[str, list[Event]], now: int) -> Iterator[Judged]:
    from sla.fold import evaluate_timelines

    for evaluation in evaluate_timelines(policies, timelines, now):
        yield Judged(evaluation, timelines[evaluation.state.record], policies.people)


def _of_store(database: Path, now: int) -> Iterator[Judged]:
    from console.store import reader
    from sync.retrospect import retrospect

    with reader(database) as opened:
        for evaluation, events, policies in retrospect(opened, now):
            yield Judged(evaluation, events, policies.people)


def _count(
    judged: Iterable[Judged],
    policies: Policies,
    grouping: Grouping,
    reckonings: list[Reckoning],
    selection: Selection,
    targets: Sequence[str],
    now: int,
) -> int:
    """Counts every clock in, and returns how many of shadow policies were left out."""
    from sla.figures.case import cases

    shadow = "stage" in selection.by or "stage" in selection.where
    shadow = shadow or all(policy.stage == "shadow" for policy in policies.policies)
    left_out = 0
    for evaluation, events, people in judged:
        if not evaluation.clocks:
            continue
        if not shadow:
            left_out += sum(clock.stage == "shadow" for clock in evaluation.clocks)
        for case in cases(evaluation, events, now, people, targets, shadow=shadow):
            if not targets or case.fact.target in targets:
                grouping.add(case)
            for reckoning in reckonings:
                reckoning.add(case)
    return left_out


def _tell_unknown(grouping: Grouping, left_out: int) -> None:
    """On standard error: dimensions that no clock has a value in, and what was left out."""
    import difflib

    from sla.figures.fact import DIMENSIONS

    if grouping.fields:
        for name, used in grouping.named.items():
            if not used and name not in DIMENSIONS:
                near = difflib.get_close_matches(name, [*DIMENSIONS, *sorted(grouping.fields)], 1, 0.6)
                output.tell(f"no record has a field '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""))
    if left_out:
        output.tell(f"left out: {left_out} clocks of policies that are only tried out; --where stage=shadow shows them")


def _document(
    grouping: Grouping,
    reckonings: list[Reckoning],
    selection: Selection,
    targets: Sequence[str],
    now: int,
    source: str,
) -> dict[str, Any]:
    from sla.figures import attainment, standing
    from sla.instant import format_instant

    standings = [found for reckoning in reckonings for found in reckoning.standings()]
    return {
        "as_of": format_instant(now),
        "source": source,
        "from": None if selection.since is None else format_instant(selection.since),
        "until": None if selection.until is None else format_instant(selection.until),
        "zone": selection.zone.key,
        "by": list(selection.by),
        "targets": list(targets),
        "where": {name: sorted(values) for name, values in selection.where.items()},
        "groups": grouping.groups(),
        "total": grouping.total(),
        "objectives": [
            {
                **found.document(),
                "from": format_instant(found.window.start),
                "until": format_instant(found.window.end),
            }
            for found in standings
        ],
        "definitions": attainment.DEFINITIONS,
        "objective_definitions": standing.DEFINITIONS if standings else {},
    }


def _give(document: dict[str, Any], form: str, to: Path | None) -> None:
    """Writes the report to standard output or into a file, which is there whole or not at all."""
    if form == "json":
        face = msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
    elif form == "csv":
        from console.report_csv import face_csv

        face = face_csv(document)
    elif form == "html":
        from console.report_html import face_html

        face = face_html(document)
    else:
        from console.report_text import face_text

        face = face_text(document)
    if to is None:
        click.echo(face.encode(), nl=False)
        return
    partial = to.with_name(f".{to.name}.partial")
    partial.write_bytes(face.encode())
    partial.replace(to)
