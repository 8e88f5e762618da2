"""What ``backtest`` adds up: attainment, alerts, and both sides of a comparison, as one document.

Owns the document of ``--summary``. Refuses to print. Invariant: the text for people is made of this document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from console import output
from sla.account.moment import Moments
from sla.figures.alert import Alert, AlertCount, alerts_of
from sla.figures.comparison import Change, Comparison, Side
from sla.figures.fact import DIMENSIONS, NONE, facts
from sla.instant import DAY, HOUR, to_datetime
from sla.timeline import settle

if TYPE_CHECKING:
    from sla.fold import Evaluation
    from sla.model import Event
    from sla.policy import Policies

WORDS = ("met", "missed", "running", "paused", "cancelled", "excused")


class Account:
    """One configuration's clocks and alerts, counted record by record."""

    def __init__(self, policies: Policies, timelines: Mapping[str, Sequence[Event]], now: int, zone: ZoneInfo) -> None:
        self.policies = policies
        self.timelines = timelines
        self.now = now
        self.zone = zone
        self.records = 0
        self.counts: dict[tuple[str, str], Counter[str]] = {}
        self.alerts = AlertCount(zone)

    def alerts_of(self, evaluation: Evaluation) -> Iterator[Alert]:
        record = evaluation.state.record
        moments: list[Moments] = []

        def fields(at: int) -> Mapping[str, Any]:
            if not moments:  # few steps have a condition: the record is told again only for those
                moments.append(Moments(self.policies, settle(self.timelines[record], self.now)))
            found = moments[0].until(at)
            return found.fields if found else {}

        return alerts_of(evaluation, self.policies.people, fields)

    def add(self, evaluation: Evaluation) -> None:
        self.records += 1
        for clock in evaluation.clocks:
            self.counts.setdefault((clock.policy, clock.target), Counter())[clock.outcome or clock.state] += 1
        self.alerts.add(self.alerts_of(evaluation))

    def document(self) -> dict[str, Any]:
        rows = [
            {"policy": policy, "target": target, **{word: count[word] for word in WORDS}, "attainment": _kept(count)}
            for (policy, target), count in sorted(self.counts.items())
        ]
        return {
            "now": output.instant(self.now),
            "zone": self.zone.key,
            "records": self.records,
            "clocks": sum(count.total() for count in self.counts.values()),
            "attainment": rows,
            "alerts": _alerts(self.alerts, {policy.name: policy.actions_per_hour for policy in self.policies.policies}),
        }


class Differences:
    """Two configurations' accounts of the same records, and what changes between them."""

    def __init__(self, before: Account, after: Account, by: Sequence[str], zone: ZoneInfo) -> None:
        self.before = before
        self.after = after
        self.changed = 0
        self._zone = zone
        self._comparison = Comparison(by, zone)

    def add(self, before: Evaluation, after: Evaluation) -> None:
        self.before.add(before)
        self.after.add(after)
        self._comparison.add(facts(before, self.before.policies.people), facts(after, self.after.policies.people))

    def unknown(self) -> list[str]:
        """The dimensions asked for in which no clock has a value, and which nobody knows."""
        return [name for name, groups in self._comparison.groups.items() if unknown(name, groups)]

    def document(self) -> dict[str, Any]:
        return {
            "now": output.instant(self.before.now),
            "zone": self._zone.key,
            "records": self.before.records,
            "changed": self.changed,
            "whole": _change(self._comparison.whole),
            "by": {
                name: [{"group": group, **_change(change)} for group, change in self._comparison.table(name)]
                for name in self._comparison.groups
            },
            "before": self.before.document(),
            "after": self.after.document(),
        }


def unknown(name: str, groups: Iterable[str]) -> bool:
    """Whether a dimension is neither one of the usual ones nor a field that any record has."""
    return name not in DIMENSIONS and set(groups) == {NONE}


def _change(change: Change) -> dict[str, Any]:
    sides = {"before": _side(change.before), "after": _side(change.after)}
    return {"breaches_gained": change.gained, "breaches_lost": change.lost, **sides}


def _side(side: Side) -> dict[str, Any]:
    return {"clocks": side.clocks, "met": side.met, "missed": side.missed, "attainment": _share(side.attainment)}


def _kept(count: Counter[str]) -> float | None:
    return _share(Side(met=count["met"], missed=count["missed"]).attainment)


def _share(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


# ---- alerts


def _alerts(count: AlertCount, budgets: dict[str, int]) -> dict[str, Any]:
    days = count.days
    busiest = count.busiest_hour
    most = max(days.items(), key=lambda item: (item[1], -item[0]), default=None)
    return {
        "sent": count.sent,
        "measured_only": count.measured,
        "depending_on_risk": count.doubtful,
        "days": len(days),
        "mean_a_day": round(count.sent / len(days), 1) if days else None,
        "busiest_day": None if most is None else {"day": _day(most[0]), "alerts": most[1]},
        "busiest_hour": None if busiest is None else {"from": _hour(busiest[0]), "alerts": busiest[1]},
        "storms": [
            {
                **storm._asdict(),
                "since": output.instant(storm.since),
                "until": output.instant(storm.until),
            }
            for storm in count.storms(budgets)
        ],
        "per_day": [{"day": _day(day), "alerts": alerts} for day, alerts in sorted(days.items())],
        "per_person": [
            {"person": person, "alerts": of.total(), "days": len(of), "most_a_day": max(of.values())}
            for person, of in sorted(count.people.items(), key=lambda item: (-item[1].total(), item[0]))
        ],
    }


def _day(day: int) -> str:
    return to_datetime(day * DAY).date().isoformat()


def _hour(hour: int) -> str:
    return to_datetime(hour * HOUR).replace(tzinfo=None).isoformat(sep=" ", timespec="minutes")
