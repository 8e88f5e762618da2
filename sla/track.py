"""The track of one target name on one record: which clock runs, on which policy's terms, in which cycle.

Owns the decisions about a clock: start, pause, stop, resume, cancel, and whose target rules. Refuses arithmetic.
Invariant: at most one clock of a name runs at a time, and every decision is taken at an event's own instant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sla import signal
from sla.condition import ALWAYS
from sla.duration import Duration
from sla.metric import NEVER, Trigger
from sla.model import DONE_STATUSES, Event
from sla.policy import Candidate, Policy, Target
from sla.record import RecordState
from sla.run import Run, floor_ms, length_ms

Matches = Callable[[Policy], bool]

_ENDINGS = {
    signal.MERGED: "merged",
    signal.DISQUALIFIED: "disqualified",
    signal.DELETED: "deleted",
}
_ENDED = signal.MERGED | signal.DISQUALIFIED | signal.DELETED
_STATE = signal.FIELDS | signal.PENDING | signal.UNPENDING
_OTHER = _ENDED | signal.MOVED | signal.REOPENED | signal.RESTORED | signal.EXTENDED | _STATE


class Offer(NamedTuple):
    """A target that matches, and its length for this record."""

    target: Target
    within: Duration


class Track:
    """All cycles of one target name on one record."""

    __slots__ = (
        "_answered", "_group", "_mask", "_revivable", "_starts_held", "_stops_held", "_strictest", "_unbound", "_wait",
        "runs",
    )  # fmt: skip

    def __init__(self, group: list[Candidate], *, strictest: bool) -> None:
        self._group = group
        self._strictest = strictest
        self.runs: list[Run] = []
        """Every cycle so far, the current one last."""
        self._answered = False
        self._unbound: int | None = None
        """Since when the metric has been on while no policy matched."""
        self._wait: int | None = None
        """An unanswered message that found the record resolved."""
        self._revivable = False
        """Whether the last clock was cancelled by a policy while what it waits for is still to come."""
        self._starts_held = self._stops_held = False
        self._mask = _OTHER | signal.CREATED
        for candidate in group:
            target = candidate.target
            self._mask |= target.metric.start.signals | target.metric.stop.signals | target.answers

    def on(self, event: Event, found: int, state: RecordState, matches: Matches) -> None:
        """Takes the signals of one event in."""
        if not found & self._mask:
            return
        at = event.at
        live = before = self._live()
        target = live.target if live else self._terms(matches)
        if found & signal.EXTENDED and self.runs and event.until is not None and event.target in (None, target.name):
            self.runs[-1].extend(at, event.until)
        stops = self._fires(target.metric.stop, target, found, state, stop=True)
        live = self._end(live, at, found, stops, state)
        if found & signal.RESTORED:
            live = self._restore(at) or live
        starts = self._fires(target.metric.start, target, found, state, stop=False)
        if live is None and self._unbound is None:
            live = self._begin_or_resume(target, at, found, starts, state, matches)
            if live and stops and found & signal.CREATED:
                live.stop(at)  # what creation itself brings (an owner, say) stops what creation began
                return
        if found & target.answers:
            self._answered, self._wait = True, None
        elif found & signal.CREATED and not found & signal.ASKED:
            self._answered = True  # a person of the team opened it: the customer has heard from us
        if found & signal.TERMS and (live is None or live is before):
            live = self._rematch(at, state, matches)
        if live and (found & _STATE or live is not before):
            self._pause_or_resume(live, at, state)

    def _end(self, live: Run | None, at: int, found: int, stops: bool, state: RecordState) -> Run | None:
        """The clock that still runs after what this event ends."""
        if live is None:
            if stops or found & (_ENDED & ~signal.DELETED):  # a deleted record may come back
                self._unbound, self._revivable = None, False
            return None
        if found & _ENDED:
            live.cancel(at, next(reason for bit, reason in _ENDINGS.items() if found & bit))
        elif found & signal.MOVED and state.into:
            live.cancel(at, "converted")
        elif stops:
            live.stop(at)
        else:
            return live
        return None

    def join(self, at: int, since: int, state: RecordState, matches: Matches) -> None:
        """Takes over the unanswered wait of a record that was merged into this one."""
        if state.deleted or state.merged:
            return
        live = self._live()
        metric = (live.target if live else self._terms(matches)).metric
        waits = metric.start.signals & (signal.ASKED | signal.CUSTOMER)
        if not waits:
            return
        if live:
            live.begin_earlier(at, since)
        elif metric.after_answer == self._answered and state.status not in DONE_STATUSES:
            self._begin(since, at, state, matches)

    # ---- triggers

    def _fires(self, trigger: Trigger, target: Target, found: int, state: RecordState, *, stop: bool) -> bool:
        holds = trigger.condition is ALWAYS or trigger.condition(state.fields)
        if trigger.on_edge:
            held = self._stops_held if stop else self._starts_held
            if stop:
                self._stops_held = holds
            else:
                self._starts_held = holds
            return holds and not held
        if not holds:
            return False
        if found & trigger.signals:
            return True
        answers = trigger.answer and found & target.answers
        return bool(answers and (found & signal.BY_OWNER or not trigger.by_owner))

    # ---- starting

    def _begin_or_resume(
        self, target: Target, at: int, found: int, starts: bool, state: RecordState, matches: Matches
    ) -> Run | None:
        metric = target.metric
        if found & signal.REOPENED and not starts:
            if metric.resumes:
                if not self.runs:
                    return self._begin(at, at, state, matches)  # it began as resolved: nobody has waited until now
                return self._reopen(self.runs[-1], at, state, matches)
            if self._wait is not None:
                since = at if found & signal.REOPENED_BY_TEAM else self._wait
                self._wait = None
                return self._begin(since, at, state, matches)
            return None
        if not starts or (self.runs and not metric.repeat):
            return None
        if metric.after_answer and not self._answered:
            return None
        if metric.while_open and (state.status in DONE_STATUSES or state.deleted or state.merged):
            if found & signal.CUSTOMER and metric.start.signals & signal.CUSTOMER and self._wait is None:
                self._wait = at
            return None
        return self._begin(at, at, state, matches)

    def _begin(self, since: int, at: int, state: RecordState, matches: Matches) -> Run | None:
        """A new cycle that began at ``since``; without a matching policy the start is only remembered."""
        offer = self._choose(state, matches, lambda target, within: Run(target, within, 1, since).due_at or since)
        if offer is None:
            self._unbound = since
            return None
        self._unbound = None
        run = Run(offer.target, offer.within, len(self.runs) + 1, since)
        stop = offer.target.metric.stop
        self._stops_held = stop.on_edge and stop.condition(state.fields)
        if at > since:
            run.settle_late(at)
        self.runs.append(run)
        return run

    def _reopen(self, run: Run, at: int, state: RecordState, matches: Matches) -> Run | None:
        """A reopened record resumes its cycle within the window, else begins the next one."""
        if run.completed_at is None or run.outcome == "cancelled":
            return None
        rule = run.target.reopen
        if rule.never or not self._within_window(run, at):
            return self._begin(at, at, state, matches)
        run.go_on(at, counted=False, floor=floor_ms(run.within) if rule.floor is None else rule.floor)
        return self._rematch(at, state, matches)  # who rules may have changed while nothing ran

    @staticmethod
    def _within_window(run: Run, at: int) -> bool:
        window, since = run.target.reopen.window, run.completed_at or at
        if window is None:
            return True
        if window.days:
            return at <= run.calendar.add_days_ms(since, window.days)
        return run.calendar.elapsed_ms(since, at) <= window.work

    def _restore(self, at: int) -> Run | None:
        """A record that came back from deletion: its clock goes on, the gap left out."""
        if self.runs and self.runs[-1].ended and self.runs[-1].reason == "deleted":
            self.runs[-1].go_on(at, counted=False)
            return self.runs[-1]
        return None

    # ---- pausing

    @staticmethod
    def _pause_or_resume(run: Run, at: int, state: RecordState) -> None:
        pause = run.target.metric.pause
        holds = pause is not NEVER and pause(state.effective())
        if holds and run.running:
            run.pause(at)
        elif not holds and run.paused_from is not None:
            run.resume(at)

    # ---- whose target rules

    def _live(self) -> Run | None:
        return self.runs[-1] if self.runs and not self.runs[-1].ended else None

    def _terms(self, matches: Matches) -> Target:
        """Whose triggers to listen to while no clock runs: the last clock's, else the first that matches."""
        for candidate in self._group:
            if matches(candidate.policy):
                return candidate.target
        return self.runs[-1].target if self.runs else self._group[0].target

    def _choose(self, state: RecordState, matches: Matches, due: Callable[[Target, Duration], int]) -> Offer | None:
        """The strictest matching target, or the first in file order."""
        offers = [
            Offer(candidate.target, within)
            for candidate in self._group
            if matches(candidate.policy) and (within := candidate.target.within_for(state.fields)) is not None
        ]
        if len(offers) < 2 or not self._strictest:
            return offers[0] if offers else None
        return min(offers, key=lambda offer: due(*offer))  # of equals the first in the file

    def _rematch(self, at: int, state: RecordState, matches: Matches) -> Run | None:
        """Weighs the policies again after fields changed."""
        live = self._live()
        if state.deleted:
            return live
        if live is None:
            if self._unbound is not None:
                return self._begin(self._unbound, at, state, matches)
            return self._revive(at, state, matches)
        if live.breached_at is not None:
            if self._choose(state, matches, lambda target, within: 0) is None:  # noqa: ARG005
                self._no_longer_matches(live, at)
                return None
            return live
        offer = self._choose(state, matches, lambda target, within: _prospect(live, at, target, within))
        if offer is None:
            self._no_longer_matches(live, at)
            return None
        same = offer.target is live.target
        if same and length_ms(offer.within, live.calendar, live.started_at) == live.within:
            return live
        if offer.target.recompute == "keep" and same:
            return live
        if offer.target.recompute == "restart":
            return self._restart(live, at, offer)
        live.carry(at, offer.target, offer.within)
        return live

    def _no_longer_matches(self, live: Run, at: int) -> None:
        live.cancel(at, "policy")
        self._revivable = live.breached_at is None

    def _restart(self, live: Run, at: int, offer: Offer) -> Run:
        run = Run(offer.target, offer.within, live.cycle, at)
        self.runs[-1] = run
        return run

    def _revive(self, at: int, state: RecordState, matches: Matches) -> Run | None:
        """A clock that a policy cancelled goes on when one matches again while the wait is still on."""
        if not self._revivable:
            return None
        run = self.runs[-1]
        offer = self._choose(state, matches, lambda target, within: length_ms(within, target.calendar, at))
        if offer is None:
            return None
        self._revivable = False
        run.go_on(at, counted=True)
        run.carry(at, offer.target, offer.within)
        run.settle_late(at)
        return run


def _prospect(run: Run, at: int, target: Target, within: Duration) -> int:
    """When the clock would be due on another target's terms, for comparison only."""
    left = length_ms(within, target.calendar, run.started_at) - run.elapsed_at(at)
    return target.calendar.due_ms(at, left) if left > 0 else at + left
