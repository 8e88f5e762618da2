"""Clocks as cases of a report: each with its fact, and one of a record's clocks with how the record was handled.

Owns which clock counts a record. Refuses to add up. Invariant: a record is counted by one of its clocks, whatever is
grouped by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from sla.figures.fact import Fact, facts
from sla.figures.handling import Handling, Span, handling_of
from sla.fold import Evaluation
from sla.model import Event
from sla.people import People
from sla.run import Run

RESOLUTIONS: Final = ("resolution", "first_resolution")
"""The metrics that count a record, the first that it has."""


class Case(NamedTuple):
    """One clock for a report. ``handling`` is there for the one clock of a record that counts the record; ``counted``
    for every cycle of that one's target."""

    fact: Fact
    metric: str
    run: Run
    excuses: tuple[Span, ...]
    spoken: tuple[Span, ...]
    handling: Handling | None
    counted: bool = False

    @property
    def at(self) -> int:
        """The instant it belongs to: when it was decided, else its start."""
        decided = self.fact.decided_at
        return self.fact.started_at if decided is None else decided


def cases(
    evaluation: Evaluation,
    events: Sequence[Event],
    now: int,
    people: People | None = None,
    targets: Sequence[str] = (),
    *,
    shadow: bool = True,
) -> Iterator[Case]:
    """The clocks of one record, ``events`` being its timeline; without ``shadow`` none of policies that are only tried
    out. With ``targets`` only one of theirs counts the record."""
    found = [
        (fact, clock.run)
        for fact, clock in zip(facts(evaluation, people), evaluation.clocks, strict=True)
        if shadow or fact.stage != "shadow"
    ]
    if not found:
        return
    handling = handling_of(events, now)
    excuses = tuple((excuse.start, excuse.end) for excuse in sorted(evaluation.state.excuses))
    counting = {tried: _counting(found, targets, tried=tried) for tried in (False, True)}
    for i, (fact, run) in enumerate(found):
        first = counting[fact.stage == "shadow"]
        ours = first is not None and fact.target == found[first][0].target
        own = handling if i == first else None
        yield Case(fact, run.target.metric.name, run, excuses, handling.spoken, own, ours)


def _counting(found: Sequence[tuple[Fact, Run]], targets: Sequence[str], *, tried: bool) -> int | None:
    """Which clock counts the record: its resolution, else its earliest. Policies that are only tried out count it for
    themselves."""
    places = [
        i
        for i, (fact, _) in enumerate(found)
        if (not targets or fact.target in targets) and (fact.stage == "shadow") is tried
    ]
    return min(places, key=lambda i: _counts_first(*found[i]), default=None)


def _counts_first(fact: Fact, run: Run) -> tuple[int, int, int]:
    metric = run.target.metric.name
    place = RESOLUTIONS.index(metric) if metric in RESOLUTIONS else len(RESOLUTIONS)
    return place, fact.started_at, fact.cycle
