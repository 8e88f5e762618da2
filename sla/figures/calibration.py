"""Whether chances to miss can be believed: predictions on held-out clocks against what happened to them.

Owns the split of a history, the predictions and their score. Refuses to print. Invariant: a prediction is made from
nothing that was not known at its own instant, and from endings that were known at the split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from sla.clock import Clock
from sla.figures.risk import Chance, Ending, History, endings, wilson
from sla.fold import evaluate_timelines
from sla.model import Event
from sla.policy import Policies
from sla.record import RecordState

SPLIT: Final = 70
"""How many of a hundred clocks, in the order of their starts, are history; the rest is held out."""

SHARES: Final = (25, 50, 75)
"""After how much of the promised time (in hundredths) a clock is predicted."""

WIDTH: Final = 10
"""Of a bucket of predicted chances, in hundredths."""

Timelines = Mapping[str, Sequence[Event]]
ClockName = tuple[str, str, int]
Watch = Callable[[Iterable[Any], str, int], Iterator[Any]]
"""Passes items on while it tells a person what is done with how many of them."""


class Prediction(NamedTuple):
    """What was said of a clock after ``share`` hundredths of its time, and whether it then missed."""

    target: str
    share: int
    chance: Chance
    missed: bool


class Score(msgspec.Struct, frozen=True, gc=False):
    """How well some predictions did. ``brier``: the mean square of what they were off, 0 at best; ``base`` is what
    always saying ``happened``, the share that missed, would have scored: the best that can be done without a look."""

    count: int
    predicted: float
    happened: float
    brier: float
    base: float

    @property
    def skill(self) -> float | None:
        """The part of the base rate's score that was saved; None where there is nothing to save."""
        return 1 - self.brier / self.base if self.base else None


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """Predictions of ``[low, high)`` (the last one of 1 as well): what they said on average, what share missed, and
    the 95 % interval of that share."""

    low: float
    high: float
    count: int
    predicted: float
    happened: float
    interval: tuple[float, float]


class Calibration(NamedTuple):
    """``at``: the instant of the split (epoch ms). ``undecided``: held-out predictions of which nobody knows what
    became; ``silent``: those for which the history told nothing."""

    at: int
    history: int
    predictions: list[Prediction]
    undecided: int
    silent: int

    def buckets(self) -> list[Bucket]:
        """Those that have predictions, by chance."""
        found: dict[int, list[Prediction]] = {}
        for prediction in self.predictions:
            found.setdefault(min(int(prediction.chance.probability * 100) // WIDTH, 100 // WIDTH - 1), []).append(
                prediction
            )
        return [_bucket(number * WIDTH / 100, found[number]) for number in sorted(found)]

    def scores(self) -> list[tuple[str, int, Score]]:
        """One for each target and share of the promised time."""
        found: dict[tuple[str, int], list[Prediction]] = {}
        for prediction in self.predictions:
            found.setdefault((prediction.target, prediction.share), []).append(prediction)
        return [(*name, score(found[name])) for name in sorted(found)]

    def score(self) -> Score | None:
        """That of all predictions together; None without any."""
        return score(self.predictions) if self.predictions else None


def score(predictions: Sequence[Prediction]) -> Score:
    """The score of at least one prediction."""
    count = len(predictions)
    happened = sum(p.missed for p in predictions) / count
    predicted = sum(p.chance.probability for p in predictions) / count
    brier = sum((p.chance.probability - p.missed) ** 2 for p in predictions) / count
    return Score(count, predicted, happened, brier, happened * (1 - happened))


def _bucket(low: float, predictions: Sequence[Prediction]) -> Bucket:
    found = score(predictions)
    interval = wilson(found.happened, found.count)
    return Bucket(low, round(low + WIDTH / 100, 2), found.count, found.predicted, found.happened, interval)


class _Held(NamedTuple):
    """A clock to be predicted: when (by hundredths of its time), and whether it missed; None when nobody knows."""

    record: str
    name: ClockName
    instants: list[tuple[int, int]]
    missed: bool | None


def _watch(items: Iterable[Any], what: str, total: int) -> Iterator[Any]:  # noqa: ARG001 - nobody looks
    return iter(items)


def calibrate(
    policies: Policies,
    timelines: Timelines,
    now: int,
    at: int | None = None,
    watch: Watch = _watch,
    tell: Callable[[Sequence[Clock], RecordState], Iterable[Ending]] = endings,
) -> Calibration | None:
    """Predicts the clocks that began at ``at`` or later by the endings known then, and looks what became of them.

    ``at`` is where ``SPLIT`` hundredths of the clocks had begun unless it is given (epoch ms). ``tell`` says what the
    clocks of a record tell the history. None without a clock.
    """
    starts: list[int] = []
    clocks: list[tuple[int, _Held]] = []
    for evaluation in watch(evaluate_timelines(policies, timelines, now), "what became of them", len(timelines)):
        for clock in evaluation.clocks:
            starts.append(clock.started_ms)
            clocks.append((clock.started_ms, _held(clock, now)))
    if not starts:
        return None
    if at is None:
        at = sorted(starts)[len(starts) * SPLIT // 100]
    before = {record: events for record, events in timelines.items() if any(event.at < at for event in events)}
    history = History(
        ending
        for found in watch(evaluate_timelines(policies, before, at - 1), "what was known by then", len(before))
        for ending in tell(found.clocks, found.state)
    )
    held = [clock for started, clock in clocks if started >= at]
    return _predict(policies, timelines, history, at, watch(held, "predicting", len(held)))


def _predict(policies: Policies, timelines: Timelines, history: History, at: int, held: Iterable[_Held]) -> Calibration:
    found, undecided, silent = [], 0, 0
    families = _families(timelines)
    for record, name, instants, missed in held:
        family = {each: timelines[each] for each in families.get(record, (record,))}
        for share, instant in instants:
            then = _then(policies, family, record, name, instant)
            if then is None:
                continue  # at that time it was not running: it was completed and reopened, or ran under another policy
            chance = history.of(*then)
            if missed is None:
                undecided += 1
            elif chance is None:
                silent += 1
            else:
                found.append(Prediction(name[0], share, chance, missed))
    return Calibration(at, history.size, found, undecided, silent)


def _then(
    policies: Policies, family: Timelines, record: str, name: ClockName, instant: int
) -> tuple[Clock, RecordState] | None:
    """A clock as it stood at an instant; None if it did not run or was overdue."""
    for clocks, state in evaluate_timelines(policies, family, instant):
        if state.record == record:
            for clock in clocks:
                if (clock.target, clock.policy, clock.cycle) == name and not clock.run.ended and not clock.breached_ms:
                    return clock, state
    return None


def _held(clock: Clock, now: int) -> _Held:
    run = clock.run
    missed = True if run.breached_at is not None else False if run.completed_at is not None else None
    instants = [(share, at) for share in SHARES if (at := _reached(clock, run.within * share // 100, now)) is not None]
    return _Held(clock.record, (clock.target, clock.policy, clock.cycle), instants, missed)


def _reached(clock: Clock, worked: int, now: int) -> int | None:
    """When a clock had run for so long and went on; None if it never did."""
    for leg in clock.run.legs_until(now):
        if leg.before < worked < leg.before + leg.calendar.elapsed_ms(leg.start, leg.end):
            return leg.calendar.due_ms(leg.start, worked - leg.before)
    return None


def _families(timelines: Timelines) -> dict[str, set[str]]:
    """Which records must be folded with one because they went into it, however indirectly."""
    into: dict[str, set[str]] = {}
    for record, events in timelines.items():
        for event in events:
            if event.into:
                into.setdefault(event.into, set()).add(record)
    found = {}
    for record in into:
        family, waiting = {record}, [record]
        while waiting:
            for other in into.get(waiting.pop(), set()) & timelines.keys() - family:
                family.add(other)
                waiting.append(other)
        found[record] = family
    return found
