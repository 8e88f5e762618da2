"""Attainment: which promises were kept, group by group, with the figures that stand beside it.

Owns what a report counts and how. Refuses to evaluate and to lay out: it adds up what the fold found.
Invariant: every rate is a quotient of two counts that are shown with it, and a cancelled clock is in neither.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sla.duration import parse_threshold
from sla.figures.case import RESOLUTIONS, Case
from sla.figures.handling import Handling, Span
from sla.figures.percentile import SHOWN, percentiles
from sla.instant import SECOND
from sla.run import Run

FEW: Final = 20
"""A group with fewer decided clocks is marked: one more miss would move its attainment by more than five points."""

DEFINITIONS: Final = {
    "clocks": "clocks of the group, whatever became of them; one target on one record, each cycle for itself",
    "period": "a clock belongs to the instant at which it was decided: its due when that was missed, else its "
    "completion or cancellation; one that is undecided belongs to its start",
    "met": "completed at or before due",
    "missed": "due passed before completion, and it was not excused; still running ones count from their due on",
    "excused": "missed, and explained whole by excused time or an extension",
    "cancelled": "ended without an answer before due (merged, deleted, converted, its policy no longer matched); in no "
    "rate. `disqualified` is one reason, counted apart. A miss before the cancellation stays a miss",
    "running": "undecided: running or paused, due not passed",
    "decided": "met + missed: the denominator. Cancelled and running clocks are never in it",
    "raw_attainment": "met / (met + missed + excused): an excused clock counts as what it was",
    "adjusted_attainment": "met / (met + missed): excused clocks are left out",
    "compliance_rate": "the adjusted attainment, under the name that contracts use",
    "breach_rate": "(missed + excused) / (met + missed + excused): 1 - raw attainment",
    "first_response": "working time of completed first responses, late ones included; percentiles by nearest rank: the "
    "smallest length that at least p % of them did not exceed",
    "resolution": "working time of completed resolutions (each cycle; first_resolution where there is no resolution), "
    "in the same way",
    "average_handling_s": "mean working time that people (not queues, not the system) had the record while its "
    "resolution ran; pauses and records that no person ever had are left out",
    "escalation_rate": "clocks that reached a step at or after due, or one that reassigns / clocks",
    "records": "records, each once: in the group of its resolution where it has one, else of its earliest clock",
    "reopen_rate": "resolved records that were reopened / resolved records",
    "first_contact_rate": "resolved records with at most one answer before it and no reopening / resolved records",
    "waiting_on_customer_s": "working time during which the team waited for the customer, until they spoke",
    "time_per_owner": "working time that each holder had the record while the clock that counts it ran, in all cycles",
    "integrity": "`pauses`: pauses of clocks during which the customer had already spoken, and their working time from "
    "then on; `stale`: times a status still said that the customer is awaited although they had spoken. The latter "
    "never stop a clock here",
    "small": f"fewer than {FEW} decided clocks: too few to say",
}  # fmt: skip
"""What each figure means, word for word as reports print it."""


_COUNTS: Final = (
    "escalated", "records", "resolved", "reopened", "first_contact", "waiting", "stale", "stale_work", "pauses",
    "pauses_work",
)  # fmt: skip


class Tally:
    """What a group of clocks adds up to. Lengths are working milliseconds."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.lengths = {"first_response": array("q"), "resolution": array("q")}
        self.handled = array("q")
        self.escalated = 0
        self.records = self.resolved = self.reopened = self.first_contact = 0
        self.waiting = self.stale = self.stale_work = self.pauses = self.pauses_work = 0
        self.spent: Counter[str] = Counter()

    def add(self, case: Case, now: int) -> None:
        """Counts one clock in."""
        fact = case.fact
        self.outcomes[fact.outcome or "running"] += 1
        if fact.outcome == "cancelled":
            self.reasons[fact.reason or "no reason given"] += 1
        if fact.completed_at is not None and case.metric == "first_response":
            self.lengths["first_response"].append(fact.elapsed)
        if fact.completed_at is not None and case.metric in RESOLUTIONS and case.counted:
            self.lengths["resolution"].append(fact.elapsed)
        self.escalated += any(_escalates(at, actions) for at, _, actions in fact.reached)
        if case.spoken:
            self._add_pauses(case, now)
        if case.counted:
            self._add_time(case)
        if case.handling is not None:
            self._add_record(case, case.handling)

    def _add_pauses(self, case: Case, now: int) -> None:
        run = case.run
        pauses = run.pauses if run.paused_from is None else [*run.pauses, (run.paused_from, now)]
        for start, end in pauses:
            work = _work_within(run, case.spoken, start, end)
            if work:
                self.pauses += 1
                self.pauses_work += work

    def _add_record(self, case: Case, handling: Handling) -> None:
        calendar = case.run.calendar
        self.records += 1
        self.resolved += handling.resolved_at is not None
        self.reopened += handling.resolved_at is not None and handling.reopened > 0
        self.first_contact += handling.first_contact
        self.waiting += sum(calendar.elapsed_ms(*span) for span in handling.waits)
        self.stale += len(handling.stale)
        self.stale_work += sum(calendar.elapsed_ms(*span) for span in handling.stale)

    def _add_time(self, case: Case) -> None:
        fact = case.fact
        people = [work for holder, work in fact.spent.items() if holder.startswith("user:")]
        if people and fact.completed_at is not None and case.metric in RESOLUTIONS:
            self.handled.append(sum(people))
        for holder, work in fact.spent.items():
            if work:
                self.spent[holder] += work

    def merge(self, other: Tally) -> None:
        """Counts another group in."""
        for mine, theirs in (
            (self.outcomes, other.outcomes), (self.reasons, other.reasons), (self.spent, other.spent),
        ):  # fmt: skip
            mine.update(theirs)
        for name, lengths in other.lengths.items():
            self.lengths[name].extend(lengths)
        self.handled.extend(other.handled)
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def figures(self) -> dict[str, Any]:
        """Everything for JSON; lengths in working seconds, rates as shares of one, None where nothing is to divide."""
        count = self.outcomes
        met, missed, excused, cancelled = (count[word] for word in ("met", "missed", "excused", "cancelled"))
        disqualified = self.reasons["disqualified"]
        adjusted = rate(met, met + missed)
        return {
            "clocks": count.total(),
            "met": met,
            "missed": missed,
            "excused": excused,
            "running": count["running"],
            "cancelled": cancelled - disqualified,
            "disqualified": disqualified,
            "cancelled_by_reason": dict(sorted((+self.reasons).items())),
            "decided": met + missed,
            "small": met + missed < FEW,
            "raw_attainment": rate(met, met + missed + excused),
            "adjusted_attainment": adjusted,
            "compliance_rate": adjusted,
            "breach_rate": rate(missed + excused, met + missed + excused),
            **{name: _spread(lengths) for name, lengths in self.lengths.items()},
            "handled": len(self.handled),
            "average_handling_s": mean_s(self.handled),
            "escalated": self.escalated,
            "escalation_rate": rate(self.escalated, count.total()),
            "records": self.records,
            "resolved": self.resolved,
            "reopened": self.reopened,
            "reopen_rate": rate(self.reopened, self.resolved),
            "first_contact": self.first_contact,
            "first_contact_rate": rate(self.first_contact, self.resolved),
            "waiting_on_customer_s": seconds(self.waiting),
            "time_per_owner": {holder: seconds(work) for holder, work in _by_length(self.spent)},
            "integrity": {
                "pauses": self.pauses,
                "pauses_s": seconds(self.pauses_work),
                "stale": self.stale,
                "stale_s": seconds(self.stale_work),
            },
        }


def _by_length(spent: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(spent.items(), key=lambda item: (-item[1], item[0]))


def _spread(lengths: array[int]) -> dict[str, Any]:
    found = percentiles(lengths)
    return {"count": len(lengths), **{f"p{p}_s": _seconds_or_none(found[p]) for p in SHOWN}}


def _seconds_or_none(work: int | None) -> int | float | None:
    return None if work is None else seconds(work)


def seconds(work: int) -> int | float:
    """Whole seconds as an int; milliseconds only where there are some."""
    return work // SECOND if work % SECOND == 0 else work / SECOND


def mean_s(lengths: array[int]) -> float | None:
    """The mean in seconds, to the millisecond."""
    return round(sum(lengths) / len(lengths) / SECOND, 3) if lengths else None


def rate(part: int, whole: int) -> float | None:
    """A share of one, rounded to six digits; the counts beside it are exact."""
    return round(part / whole, 6) if whole else None


def _escalates(at: str, actions: Mapping[str, Any]) -> bool:
    """Whether a step that was reached escalates: it stands at or after due, or it hands the record on."""
    return "reassign" in actions or _is_late(at)


@cache
def _is_late(at: str) -> bool:
    percent, offset = parse_threshold(at)
    return percent >= 100 and offset >= 0


def _work_within(run: Run, spans: Sequence[Span], start: int, end: int) -> int:
    """Working time of ``[start, end)`` that lies in ``spans``."""
    total = 0
    for since, until in spans:
        a, b = max(since, start), min(until, end)
        if a < b:
            total += run.calendar.elapsed_ms(a, b)
    return total
