"""The track of one target name on one record: which clock runs, on which policy's terms, in which cycle.

Owns the decisions about a clock: start, pause, stop, resume, cancel, and whose target rules. Refuses arithmetic.
Invariant: at most one clock of a name runs at a time, and every decision is taken at an event's own instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sla import signal
from sla.condition import ALWAYS
from sla.instant import from_datetime, parse_instant
from sla.metric import NEVER, Trigger
from sla.model import DONE_STATUSES, Event
from sla.policy import Candidate, Policy
from sla.record import RecordState
from sla.run import Run, floor_ms
from sla.target import Offer, Target, length_ms

Matches = Callable[[Policy], bool]

_ENDINGS = {
    signal.MERGED: "merged",
    signal.DISQUALIFIED: "disqualified",
    signal.DELETED: "deleted",
}
_ENDED = signal.MERGED | signal.DISQUALIFIED | signal.DELETED
_STATE = signal.FIELDS | signal.PENDING | signal.UNPENDING
_OTHER = _ENDED | signal.MOVED | signal.REOPENED | signal.RESTORED | signal.EXTENDED | _STATE


class Track:
    """All cycles of one target name on one record."""

    __slots__ = (
        "_answered", "_group", "_listen", "_log", "_mask", "_pinned", "_revivable", "_starts_held", "_stops_held",
        "_strictest", "_unbound", "_wait", "runs",
    )  # fmt: skip

    def __init__(self, group: list[Candidate], listen: list[Candidate], *, strictest: bool) -> None:
        self.runs: list[Run] = []
        """Every cycle so far, the current one last."""
        self._answered = False
        self._unbound: int | None = None
        """Since when the metric has been on while no policy matched."""
        self._log: list[tuple[int, Mapping[str, Any]]] = []
        """How the record's fields stood since then: what pauses a clock would have paused that one."""
        self._wait: int | None = None
        """An unanswered message that found the record resolved."""
        self._revivable = False
        """Whether the last clock was cancelled by a policy while what it waits for is still to come."""
        self._starts_held = self._stops_held = False
        self._live_by(group, listen, strictest=strictest)
        self._pinned = group
        """The candidates of the version by which the current clock lives."""

    def _live_by(self, group: list[Candidate], listen: list[Candidate], *, strictest: bool) -> None:
        """Takes new candidates. ``listen``: whose triggers to follow while there are none, so that a version that
        brings this promise later finds out since when somebody has waited."""
        self._group, self._listen, self._strictest = group, listen, strictest
        self._mask = _OTHER | signal.CREATED
        for candidate in (*group, *listen):
            target = candidate.target
            self._mask |= target.metric.start.signals | target.metric.stop.signals | target.answers

    def move(
        self, at: int, group: list[Candidate], scope: str, state: RecordState, matches: Matches, *, strictest: bool
    ) -> None:
        """The record goes over to another version of the policies, with these candidates, at ``at``.

        ``scope``: ``new`` concerns only the cycles that begin later, ``unbreached`` also the open clock unless it is
        overdue, ``all`` also that one, whose breach stays what it is.
        """
        live = self._live()
        self._live_by(group, group or self._listen, strictest=strictest)
        if live is None:
            if self._unbound is not None and scope != "new":
                live = self._begin(self._unbound, at, state, matches)
                if live:
                    self._pause_or_resume(live, at, state)
            return
        late = live.overdue(at)
        if scope == "new" or (scope == "unbreached" and late):
            return
        self._pinned = group
        offer = self._choose(group, state, matches, live.started_at, lambda offer: _prospect(live, at, offer))
        if offer is None:
            self._no_longer_matches(live, at, state)
        elif late:
            live.hand_over(at, offer)
        else:
            live.carry(at, offer, "version")
            self._pause_or_resume(live, at, state)

    def renew(self, at: int, renewed: Mapping[int, Candidate], state: RecordState) -> None:
        """Goes on by the same promises on calendars that were edited at ``at``."""
        self._group, self._listen, self._pinned = (
            [renewed.get(id(candidate.target), candidate) for candidate in group]
            for group in (self._group, self._listen, self._pinned)
        )
        if self.runs and (candidate := renewed.get(id(self.runs[-1].target))) is not None:
            target = candidate.target
            self.runs[-1].edit_hours(at, target, target.hours.of(target.name, state.fields))

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
        if found & _STATE and (self._unbound is not None or self._revivable):
            self._log.append((at, state.effective()))
        if found & signal.RESTORED:
            live = self._restore(at) or live
        starts = self._fires(target.metric.start, target, found, state, stop=False)
        if live is None and self._unbound is None and not (state.deleted or state.merged):
            live = self._begin_or_resume(target, at, found, starts, state, matches)
            if live and event.seen is not None and live.started_at == at and not found & signal.CREATED:
                live.seen_at = max(event.seen, at)
            if live and stops and found & signal.CREATED:
                live.stop(at)  # what creation itself brings (an owner, say) stops what creation began
                live.fields = state.fields
                return
        if found & target.answers:
            self._answered, self._wait = True, None
        elif found & signal.CREATED and not found & signal.ASKED:
            self._answered = True  # a person of the team opened it: the customer has heard from us
        if found & signal.TERMS and (live is None or live is before):
            live = self._rematch(at, state, matches)
            if live and live is before and target.start_field in state.changed and live.cycle == 1:
                live.begin_earlier(at, _since(target, state, at))
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
        live.fields = state.fields
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
        if found & (signal.CREATED | signal.ASKED) and target.start_field in state.changed:
            return self._begin(_since(target, state, at), at, state, matches, known=True)
        return self._begin(at, at, state, matches)

    def _begin(self, since: int, at: int, state: RecordState, matches: Matches, *, known: bool = False) -> Run | None:
        """A new cycle that began at ``since``; without a matching policy the start is only remembered. ``known``: the
        source tells the start itself, so that an early one is no surprise of ours."""
        offer = self._choose(self._group, state, matches, since, lambda offer: Run(offer, 1, since).due_at or since)
        if offer is None:
            if self._unbound is None:
                self._unbound, self._log = since, [(at, state.effective())]
            return None
        run = Run(offer, len(self.runs) + 1, since)
        stop = offer.target.metric.stop
        self._stops_held = stop.on_edge and stop.condition(state.fields)
        if at > since and not known:
            run.begin_late(at, self._log if self._unbound is not None else ())
        self._unbound, self._revivable, self._log = None, False, []
        self._pinned = self._group
        self.runs.append(run)
        return run

    def _reopen(self, run: Run, at: int, state: RecordState, matches: Matches) -> Run | None:
        """A reopened record resumes its cycle within the window, else begins the next one."""
        if run.completed_at is None:
            # What ended without being done begins anew, unless the record itself was gone.
            return self._begin(at, at, state, matches) if run.reason in ("policy", "disqualified") else None
        rule = run.target.reopen
        if rule.never or not self._within_window(run, at):
            return self._begin(at, at, state, matches)
        run.go_on(at, floor_ms(run.within) if rule.floor is None else rule.floor)
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
            self.runs[-1].go_on(at)
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
        """Whose triggers to listen to while no clock runs: the first that matches, else the last clock's."""
        for candidate in self._group:
            if matches(candidate.policy):
                return candidate.target
        return self.runs[-1].target if self.runs else self._listen[0].target

    def _choose(
        self,
        group: list[Candidate],
        state: RecordState,
        matches: Matches,
        since: int,
        due: Callable[[Offer], int],
    ) -> Offer | None:
        """The strictest matching target, or the first in file order, for a clock that counts from ``since``."""
        offers = [
            offer
            for candidate in group
            if matches(candidate.policy) and (offer := candidate.target.offer(state.fields, since)) is not None
        ]
        if len(offers) < 2 or not self._strictest:
            return offers[0] if offers else None
        return min(offers, key=due)  # of equals the first in the file

    def _rematch(self, at: int, state: RecordState, matches: Matches) -> Run | None:
        """Weighs the policies again after fields changed."""
        live = self._live()
        if state.deleted:
            return live
        if live is None:
            if self._unbound is not None:
                return self._begin(self._unbound, at, state, matches)
            return self._revive(at, state, matches)
        offer = self._choose(self._pinned, state, matches, live.started_at, lambda offer: _prospect(live, at, offer))
        if offer is None:
            self._no_longer_matches(live, at, state)
            return None
        same = offer.target is live.target
        if live.overdue(at) or (same and offer.target.recompute == "keep"):
            return live
        alike = offer.calendar is live.calendar and offer.stretched == live.stretched
        if same and alike and length_ms(offer.within, live.calendar, live.started_at) == live.within:
            return live
        if offer.target.recompute == "restart":
            return self._restart(live, at, offer)
        live.carry(at, offer)
        return live

    def _no_longer_matches(self, live: Run, at: int, state: RecordState) -> None:
        live.cancel(at, "policy")
        live.fields = state.fields
        self._revivable = live.breached_at is None
        self._log = [(at, state.effective())]

    def _restart(self, live: Run, at: int, offer: Offer) -> Run:
        run = Run(offer, live.cycle, at)
        self.runs[-1] = run
        return run

    def _revive(self, at: int, state: RecordState, matches: Matches) -> Run | None:
        """A clock that a policy cancelled goes on when one matches again while the wait is still on."""
        if not self._revivable:
            return None
        run = self.runs[-1]
        offer = self._choose(
            self._pinned, state, matches, run.started_at, lambda offer: length_ms(offer.within, offer.calendar, at)
        )
        if offer is None:
            return None
        run.revive(at, offer, self._log)
        self._revivable, self._log = False, []
        return run


def _prospect(run: Run, at: int, offer: Offer) -> int:
    """When the clock would be due on another target's terms, for comparison only."""
    left = length_ms(offer.within, offer.calendar, run.started_at) - run.elapsed_at(at)
    return offer.calendar.due_ms(at, left) if left > 0 else at + left


def _since(target: Target, state: RecordState, at: int) -> int:
    """Since when somebody has waited, as the target's start field tells; ``at`` where it tells nothing earlier."""
    told = state.fields.get(target.start_field or "")
    try:
        if isinstance(told, str):
            return min(parse_instant(told), at)
        if isinstance(told, datetime):
            return min(from_datetime(told), at)
    except ValueError:
        return at  # a field that holds no instant tells nothing; `check` and `explain` show what it holds
    return min(told, at) if isinstance(told, int) and not isinstance(told, bool) else at
