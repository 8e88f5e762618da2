"""``suggest``: targets from history, with what each round value would have kept.

Owns the question and the document. Refuses to conclude: ``sla.figures.suggestion`` does. Invariant: the text for people
and the block to paste are made of the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import options, output
from console.boundary import BAD, FINE, Failure

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from console.suggest_basis import Basis
    from console.timeline_file import Timelines
    from sla.clock import Clock
    from sla.figures.fact import Fact
    from sla.figures.scale import Scale
    from sla.figures.suggestion import Segment, Suggestion

_ALL = "*"


class _Percent(click.ParamType):  # type: ignore[type-arg]
    """``80%`` as 80."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"([1-9]\d?)\s*%?", str(value), re.ASCII)
        if match is None:
            self.fail(f"{value!r} is no share: write a whole number from 1% to 99%", param, ctx)
        return int(match[1])


@click.command()
@options.config
@options.timeline
@options.now
@click.option(
    "--by", type=options.Names(), default="priority", show_default=True,
    help="Segments within each policy and target: priority, team, source, channel … or any field of the records.",
)  # fmt: skip
@click.option("--goal", type=_Percent(), default="80%", show_default=True, help="The share that a target should keep.")
@click.option("--calendar", help="Look at first response and resolution on this calendar, whatever the policies say.")
@click.option(
    "--answers", type=options.Names(), help="With --calendar: what else counts as an answer, such as status_change."
)
@options.zone
@options.json()
@click.pass_context
def suggest(
    ctx: click.Context, config: Path, timeline: Path | None, now: int | None, by: tuple[str, ...], goal: int,
    calendar: str | None, answers: tuple[str, ...] | None, zone: ZoneInfo, as_json: bool,
) -> None:  # fmt: skip
    """Suggest targets from a timeline file or the stored history.

    For each segment: how long clocks took, the shortest round value that the goal's share of them met, and the share
    that every other one would have had.
    """
    from console.suggest_basis import read_basis
    from console.timeline_file import read_history

    if answers and not calendar:
        raise click.UsageError("--answers goes with --calendar; a policy says itself what answers", ctx)
    basis = read_basis(config, calendar, answers)
    timelines, bad = read_history(timeline, basis.configuration.daemon.database, basis.configuration.policies)
    history = History(basis, tuple(name for name in by if name not in ("policy", "target")), zone)
    at = options.current(now)
    history.read(timelines, at)
    if not history.segments:
        raise Failure("no policy covers any record of this history", "name a calendar with --calendar", BAD)
    history.tell_unknown()
    document = history.document(goal, at)
    if as_json:
        output.print_json(document)
    else:
        from console.suggest_text import print_suggestions

        print_suggestions(document)
    ctx.exit(BAD if bad else FINE)


_Key = tuple[str, str, tuple[str, ...]]


class History:
    """The segments of a history, and what they say."""

    def __init__(self, basis: Basis, by: tuple[str, ...], zone: ZoneInfo) -> None:
        self.segments: dict[_Key, Segment] = {}
        self.by = by
        self._basis = basis
        self._zone = zone
        self._records = 0
        self._scales: dict[tuple[str, str], Scale] = {}
        self._pooled: dict[_Key, Segment] = {}
        """By priority as targets know it, and over all of them: what the block to paste is made of."""

    def read(self, timelines: Timelines, now: int) -> None:
        from console.progress import watched
        from sla.figures.fact import facts
        from sla.fold import evaluate_timelines

        policies = self._basis.policies
        found = evaluate_timelines(policies, timelines, now)
        for evaluation in watched(found, "evaluating", "records", len(timelines)):
            self._records += 1
            for clock, fact in zip(evaluation.clocks, facts(evaluation, policies.people), strict=True):
                self._add(clock, fact)

    def _add(self, clock: Clock, fact: Fact) -> None:
        from sla.figures.fact import dimension
        from sla.figures.suggestion import placed

        scale = self._scale(fact.policy, fact.target)
        place = placed(scale, clock)
        month = dimension(fact, "month", self._zone)
        group = tuple(dimension(fact, name, self._zone) for name in self.by)
        priority = str(fact.fields.get("priority") or "normal").casefold()
        for segments, name in ((self.segments, group), (self._pooled, (priority,)), (self._pooled, (_ALL,))):
            self._segment(segments, (fact.policy, fact.target, name), scale).add(place, fact, month)

    def _segment(self, segments: dict[_Key, Segment], key: _Key, scale: Scale) -> Segment:
        from sla.figures.suggestion import Segment

        if key not in segments:
            segments[key] = Segment(scale)
        return segments[key]

    def _scale(self, policy: str, target: str) -> Scale:
        from sla.figures.scale import Scale

        if (policy, target) not in self._scales:
            self._scales[policy, target] = Scale(self._basis.target(policy, target).calendar)
        return self._scales[policy, target]

    def tell_unknown(self) -> None:
        """On standard error: dimensions in which no clock has a value, and which nobody knows."""
        from console.backtest_summary import unknown

        for place, name in enumerate(self.by):
            if unknown(name, {group[place] for _, _, group in self.segments}):
                output.tell(f"no record has a field '{name}'")

    # ---- what it says

    def document(self, goal: int, now: int) -> dict[str, Any]:
        from sla.figures.window import window_at

        month = window_at(now, "month", self._zone).name
        return {
            "now": output.instant(now),
            "zone": self._zone.key,
            "goal": goal / 100,
            "records": self._records,
            "segments": [self._told(key, goal, month) for key in sorted(self.segments, key=_order)],
            "toml": "\n".join(self._blocks(goal, month)),
        }

    def _told(self, key: _Key, goal: int, month: str) -> dict[str, Any]:
        from sla.figures.suggestion import suggestion

        policy, target, values = key
        group = dict(zip(self.by, values, strict=True))
        found = suggestion(self.segments[key], goal, month)
        # Without policies there is no promise yet that could have been held.
        now = self._basis.within(policy, target, group.get("priority"))
        told = {"policy": policy, "target": target, "group": group, "within_now": now, **_figures(found)}
        return told if self._basis.promised else {**told, "tightening": None}

    def _blocks(self, goal: int, month: str) -> Iterator[str]:
        from console.suggest_block import blocks
        from sla.figures.suggestion import suggestion

        found: dict[tuple[str, str], dict[str, str | None]] = {}
        for (policy, target, (priority,)), segment in sorted(self._pooled.items()):
            said = suggestion(segment, goal, month)
            length = said.target.text if said.target and not said.small else None
            found.setdefault((policy, target), {})[priority] = length
        yield from blocks(self._basis, found, _ALL)


def _figures(found: Suggestion) -> dict[str, Any]:
    target = found.target
    odds = found.odds.get(target.text) if target else None
    return {
        "ended": found.count,
        "open": found.open,
        "left_out": found.left_out,
        "percentiles_s": {str(p): None if ms is None else ms // 1_000 for p, ms in found.percentiles.items()},
        "suggested": target.text if target else None,
        "share": round(odds.share, 4) if odds else None,
        "bounds": [round(bound, 4) for bound in odds.bounds] if odds else None,
        "if_open_are_late": found.if_open_late.text if found.if_open_late else None,
        "round_values": [
            {"within": text, "kept": odds.kept, "share": round(odds.share, 4)} for text, odds in found.odds.items()
        ],
        "tightening": _tightening(found),
        "small": found.small,
        "warnings": list(found.warnings()),
    }


def _tightening(found: Suggestion) -> Mapping[str, Any] | None:
    if found.tightening is None:
        return None
    months = [{"month": name, "met": met, "decided": decided} for name, met, decided in found.tightening.months]
    return {"months": months, "to": found.tightening.to.text if found.tightening.to else None}


def _order(key: _Key) -> tuple[str, str, tuple[tuple[int, str], ...]]:
    """By name, but priorities from urgent to low."""
    from sla.model import PRIORITIES

    def rank(value: str) -> tuple[int, str]:
        return (PRIORITIES.index(value) if value in PRIORITIES else len(PRIORITIES)), value

    policy, target, values = key
    return policy, target, tuple(map(rank, values))
