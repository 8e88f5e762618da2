"""A clock as its timeline, policies and the instant make it: the answer of the fold.

Owns the verdict and who spent the time. Refuses to change: a later instant makes another clock.
Invariant: everything shown here follows from the run and the instant; nothing is counted along the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sla.duration import in_seconds
from sla.instant import format_instant, to_datetime
from sla.model import SYSTEM
from sla.record import RecordState
from sla.run import Run


class StepState(NamedTuple):
    """A step on this clock: ``instant_ms`` None while the clock is paused before it; ``arm`` counts how often a later
    due date has armed it again."""

    at: str
    instant_ms: int | None
    reached: bool
    arm: int
    actions: dict[str, Any]


class Clock:
    """One target on one record, as of ``now``. The ``_ms`` names are epoch or working milliseconds; ``started_at`` and
    its like are aware datetimes; ``verdict()`` is the public line. Reads like its verdict: ``clock["outcome"]``."""

    __slots__ = ("_excused", "_state", "now_ms", "outcome", "reason", "record", "run", "steps")

    def __init__(self, state: RecordState, run: Run, now: int) -> None:
        run.judge(now)
        self._state = state
        self.run = run
        self.record = state.record
        self.now_ms = now
        self._excused = 0
        self.outcome = run.outcome
        self.reason = run.reason
        self.steps = [
            StepState(step.at, *run.rungs.crossing(i, now), run.rungs.arms[i], step.actions)
            for i, step in enumerate(run.target.steps)
        ]
        if run.breached_at is not None and (state.excuses or run.extended_until is not None):
            self._excuse()

    def _excuse(self) -> None:
        """A miss that the excused spans or the extension explain whole is ``excused``."""
        run, end = self.run, self.run.ended_at or self.now_ms
        until = run.extended_until
        if until is not None and run.breached_at is not None and run.breached_at < until and end <= until:
            self.outcome = "excused"  # the extension came after the breach
            return
        excused, reasons, counted_to = 0, [], run.started_at
        for span in sorted(self._state.excuses):
            work = run.work_within(max(span.start, counted_to), span.end, end)
            counted_to = max(counted_to, span.end)
            if work:
                excused += work
                reasons.append(span.reason)
        self._excused = excused
        if excused and run.elapsed_at(end) - excused <= run.budget:
            self.outcome = "excused"
            self.reason = self.reason or "; ".join(reasons)

    # ---- names

    @property
    def policy(self) -> str:
        return self.run.target.policy

    @property
    def target(self) -> str:
        return self.run.target.name

    @property
    def cycle(self) -> int:
        return self.run.cycle

    @property
    def stage(self) -> str:
        return self.run.target.stage

    @property
    def state(self) -> str:
        """``running``, ``paused`` or ``stopped``."""
        return "stopped" if self.run.ended else "running" if self.run.running else "paused"

    # ---- instants

    @property
    def started_ms(self) -> int:
        return self.run.started_at

    @property
    def seen_ms(self) -> int:
        """Until when the time is the system's: the record, or what started the clock, had not been seen before."""
        first = self._state.first_seen_at
        return self.run.seen_at if first is None else max(first, self.run.seen_at)

    @property
    def due_ms(self) -> int | None:
        """When it is or was due; None while it is paused before."""
        return self.run.due_at

    @property
    def completed_ms(self) -> int | None:
        return self.run.completed_at

    @property
    def breached_ms(self) -> int | None:
        return self.run.breached_at

    @property
    def wake_ms(self) -> int | None:
        """The next instant at which this clock changes by itself; None when only an event can change it."""
        if not self.run.running:
            return None
        ahead = [s.instant_ms for s in self.steps if not s.reached and s.instant_ms is not None]
        if self.run.breached_at is None and self.run.due_at is not None:
            ahead.append(self.run.due_at)
        if self.outcome == "excused":
            ahead += [
                at + 1 for at in (self.run.extended_until, self.run.excused_until(self._excused)) if at is not None
            ]
        return min((at for at in ahead if at > self.now_ms), default=None)

    @property
    def started_at(self) -> datetime:
        return to_datetime(self.started_ms)

    @property
    def due_at(self) -> datetime | None:
        return _datetime(self.due_ms)

    @property
    def completed_at(self) -> datetime | None:
        return _datetime(self.completed_ms)

    @property
    def breached_at(self) -> datetime | None:
        return _datetime(self.breached_ms)

    # ---- lengths

    @property
    def within_ms(self) -> int:
        return self.run.within

    @property
    def elapsed_ms(self) -> int:
        return self.run.elapsed_at(self.now_ms)

    @property
    def paused_ms(self) -> int:
        return self.run.paused_at(self.now_ms)

    @property
    def remaining_ms(self) -> int:
        return max(self.run.budget - self.elapsed_ms, 0)

    @property
    def late_ms(self) -> int:
        return max(self.elapsed_ms - self.run.budget, 0) if self.run.breached_at is not None else 0

    @property
    def spent_ms(self) -> dict[str, int]:
        """Working time by who had the record; the parts add up to ``elapsed_ms``."""
        spent = {SYSTEM: 0}
        run = self.run
        for leg in run.legs_until(self.now_ms):
            for holder, a, b in held(self._state, leg.start, leg.end, self.seen_ms):
                spent[holder] = spent.get(holder, 0) + leg.calendar.elapsed_ms(a, b)
        return spent

    @property
    def within_s(self) -> float:
        """The ``_s`` names are those of the verdict: working seconds, whole ones as an int."""
        return in_seconds(self.within_ms)

    @property
    def elapsed_s(self) -> float:
        return in_seconds(self.elapsed_ms)

    @property
    def paused_s(self) -> float:
        return in_seconds(self.paused_ms)

    @property
    def remaining_s(self) -> float:
        return in_seconds(self.remaining_ms)

    @property
    def late_s(self) -> float:
        return in_seconds(self.late_ms)

    @property
    def spent(self) -> dict[str, float]:
        """Working seconds by who had the record; the parts add up to ``elapsed_s``."""
        return {holder: in_seconds(work) for holder, work in self.spent_ms.items()}

    def verdict(self) -> dict[str, Any]:
        """The public line (docs/formats.md): instants as ISO 8601 text, lengths in working seconds."""
        elapsed = self.elapsed_ms
        breached = self.breached_ms
        return {
            "record": self.record,
            "policy": self.policy,
            "target": self.target,
            "cycle": self.cycle,
            "state": self.state,
            "outcome": self.outcome,
            "started_at": format_instant(self.started_ms),
            "due_at": _text(self.due_ms),
            "completed_at": _text(self.completed_ms),
            "breached_at": _text(breached),
            "within_s": in_seconds(self.within_ms),
            "elapsed_s": in_seconds(elapsed),
            "paused_s": in_seconds(self.paused_ms),
            "remaining_s": in_seconds(max(self.run.budget - elapsed, 0)),
            "late_s": in_seconds(max(elapsed - self.run.budget, 0) if breached is not None else 0),
            "reason": self.reason,
            "steps": [
                {"at": step.at, "instant": _text(step.instant_ms), "reached": step.reached} for step in self.steps
            ],
            "spent": self.spent,
        }

    def keys(self) -> list[str]:
        """The names of the verdict, so that ``dict(clock)`` is the verdict."""
        return list(self.verdict())

    def __getitem__(self, name: str) -> Any:
        return self.verdict()[name]

    def __repr__(self) -> str:
        return f"<Clock {self.record} {self.target} #{self.cycle} {self.state} {self.outcome or 'undecided'}>"


def _datetime(at: int | None) -> datetime | None:
    return None if at is None else to_datetime(at)


def _text(at: int | None) -> str | None:
    return None if at is None else format_instant(at)


def held(state: RecordState, start: int, end: int, seen: int) -> Iterator[tuple[str, int, int]]:
    """Who had the record when, within ``[start, end)``: the system until ``seen`` and until it was first routed."""
    if seen > start:
        yield SYSTEM, start, min(seen, end)
        start = min(seen, end)
    holders = state.holders or [(start, SYSTEM)]
    for i, (since, holder) in enumerate(holders):
        until = holders[i + 1][0] if i + 1 < len(holders) else end
        a, b = max(since if i else start, start), min(until, end)
        if a < b:
            yield holder, a, b
