"""One running clock: its working time, pauses, due and breach.

Owns the arithmetic of a clock between the decisions taken about it. Refuses to decide: starting, stopping, pausing
and choosing the target belong to ``sla.track``.
Invariant: working time is counted once, in closed legs and one open one; a breach, once made, stays.

Time is judged when a leg closes: events of one instant are all applied before a threshold at that instant is, so
a due equal to the instant of a pause or stop has not been missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sla.calendar import Calendar
from sla.rungs import Leg, Rungs
from sla.target import FLOOR, Offer, Target, length_ms

Log = Sequence[tuple[int, Mapping[str, Any]]]
"""How a record's fields stood from which instant on: what would have paused a clock that did not run yet."""


class Change(NamedTuple):
    """The terms of a clock changed at ``at``: what it was promised and when it was due before and after.

    ``why``: ``terms`` (priority, policy or calendar), ``version``, ``extended``, ``merged``, ``reopened``, ``revived``,
    ``late`` (its policy began to match when due had passed) or ``hours`` (its calendar was edited). ``floored``: due
    stands the floor ahead, because it would have come too soon.
    """

    at: int
    why: str
    policy_before: str
    policy: str
    within_before: int
    within: int
    due_before: int | None
    due: int | None
    floored: bool


def floor_ms(within: int) -> int:
    """How far ahead a due date that was moved nearer stands at least: max(10 % of the target, 15 min)."""
    return max(within // 10, FLOOR)


class Run:
    """A clock on its way. Instants are epoch milliseconds, lengths working milliseconds."""

    __slots__ = (
        "_days",
        "_edited",
        "_fixed",
        "breached_at",
        "budget",
        "calendar",
        "changes",
        "completed_at",
        "cycle",
        "due_at",
        "elapsed",
        "ended_at",
        "extended_until",
        "fields",
        "legs",
        "open_from",
        "outcome",
        "paused_from",
        "pauses",
        "reason",
        "resumed",
        "rungs",
        "seen_at",
        "started_at",
        "stretched",
        "target",
        "within",
    )  # fmt: skip

    def __init__(self, offer: Offer, cycle: int, started_at: int) -> None:
        target, within, self.calendar, self.stretched = offer
        self.target = target
        self.cycle = cycle
        self.started_at = started_at
        self._days = within.days
        if within.days:
            due = self.calendar.add_days_ms(started_at, within.days)
            self.within = self.calendar.elapsed_ms(started_at, due)
            self._fixed: tuple[int, int] | None = (due, self.within)
        else:
            self._fixed, self.within = None, within.work
        self.budget = self.within
        self.elapsed = 0
        """Working time before the open leg, or in all when there is none."""
        self.open_from: int | None = started_at
        self.resumed = False
        self.legs: list[Leg] = []
        self.paused_from: int | None = None
        self.pauses: list[tuple[int, int]] = []
        self.due_at: int | None = None
        self.breached_at: int | None = None
        self.completed_at: int | None = None
        """When what it promised was done; None for a clock that was cancelled."""
        self.ended_at: int | None = None
        self.outcome: str | None = None
        self.reason: str | None = None
        self.extended_until: int | None = None
        self.seen_at = started_at
        """When we first saw what started it: until then the time is nobody's but ours."""
        self.changes: list[Change] = []
        """How its terms changed on the way."""
        self.fields: Mapping[str, Any] | None = None
        """The record's fields as they stood when it ended."""
        self.rungs = Rungs(self)
        self._edited: tuple[Target, Calendar] | None = None
        """What an edited calendar made of its target since it ended."""
        self._schedule()

    @property
    def ended(self) -> bool:
        return self.ended_at is not None

    @property
    def running(self) -> bool:
        return self.open_from is not None

    # ---- what happens to it

    def pause(self, at: int) -> None:
        self._close(at)
        self.paused_from = at
        if self.breached_at is None:
            self.due_at = None

    def resume(self, at: int) -> None:
        """Goes on after a pause; a pause of no length at all never was."""
        assert self.paused_from is not None  # noqa: S101 - the track only resumes what it paused
        if at == self.paused_from and self.legs:
            self._reopen_last()
        else:
            self.pauses.append((self.paused_from, at))
            if self._fixed is not None and (self._fixed[0] <= at or self.calendar.elapsed_ms(self.paused_from, at)):
                self._fixed = None  # from here on what is left counts as the working time that it is
            self.open_from, self.resumed = at, True
        self.paused_from = None
        self._schedule()

    def stop(self, at: int, reason: str | None = None) -> None:
        """Completes it: met when due has not passed, missed otherwise."""
        self._end(at)
        self.completed_at = at
        self.outcome = "missed" if self.breached_at is not None else "met"
        self.reason = reason

    def cancel(self, at: int, reason: str) -> None:
        """Ends it without an answer. A breach already made stays a miss."""
        self._end(at)
        self.outcome = "missed" if self.breached_at is not None else "cancelled"
        self.reason = reason

    def go_on(self, at: int, floor: int | None = None) -> None:
        """Runs again after it ended, the gap left out. ``floor`` is how far ahead it is then due at least."""
        gap_from = self._open_again()
        self.open_from, self.resumed = at, at > gap_from
        due_before, budget = self.due_at, self.budget
        if floor is not None and self.breached_at is None:
            self.budget = max(self.budget, self.elapsed + floor)
        self._schedule()
        self._note(at, "reopened" if floor is not None else "revived", None, due_before, self.budget > budget)

    def revive(self, at: int, offer: Offer, log: Log) -> None:
        """Goes on after no policy matched for a while: somebody waited, so the gap counts, except for what would have
        paused it then; and it is not overdue by surprise."""
        due_before = self.due_at
        self.open_from, self.resumed = self._open_again(), False
        self._replay(log)
        self._note(at, "revived", None, due_before, False)
        self.carry(at, offer)
        self.settle_late(at)

    def _open_again(self) -> int:
        """Takes its end back and returns when that was."""
        assert self.ended_at is not None  # noqa: S101 - only what ended goes on
        gap_from, self.ended_at = self.ended_at, None
        if self._edited is not None:
            (self.target, self.calendar), self._edited = self._edited, None
        self.completed_at = self.reason = self.fields = self._fixed = None
        self.outcome = "missed" if self.breached_at is not None else None
        return gap_from

    def extend(self, at: int, until: int) -> None:
        """Moves due to ``until`` when that is later; a breach already made is judged by the excuses instead."""
        self.extended_until = max(until, self.extended_until or until)
        if self.breached_at is not None or self.ended or (self.due_at is not None and self.due_at >= until):
            return
        if self.running and self.due_at is not None and self.due_at < at:
            return  # the breach is only not written down yet
        due_before = self.due_at
        self.rungs.mark(at)
        self._split(at)
        self._reach(at, until)
        self.rungs.rearm()
        self._schedule()
        self._note(at, "extended", None, due_before, False)

    def begin_earlier(self, at: int, since: int) -> None:
        """Takes over an older wait at the instant ``at``: it began at ``since``, and due is not moved into the past."""
        if since >= self.started_at or self.overdue(at):
            return
        missed, due_before, left = self.calendar.elapsed_ms(since, self.started_at), self.due_at, self._left(at)
        self.rungs.mark(at)
        self._split(at)
        self.legs.insert(0, Leg(since, self.started_at, 0, self.calendar, False))
        for i in range(1, len(self.legs)):
            self.legs[i] = self.legs[i]._replace(before=self.legs[i].before + missed)
        self.started_at = since
        self.elapsed += missed
        floored = self._bring_nearer(at, left, due_before)
        self.rungs.rearm()
        self._schedule()
        self._note(at, "merged", None, due_before, floored)

    def carry(self, at: int, offer: Offer, why: str = "terms") -> None:
        """Gets another target, length or calendar and keeps its start, elapsed time and pauses.

        When that makes due earlier, due stands at least the floor ahead of ``at``, but never later than before.
        """
        if self.overdue(at):
            return  # the breach under the old target stays, tagged with it
        left = self._left(at)
        self.rungs.mark(at)
        self._split(at)
        old, old_due = (self.target, self.within), self.due_at
        self._retarget(offer)
        self._days = offer.within.days
        self.within = self.budget = length_ms(offer.within, self.calendar, self.started_at)
        if self.running and self._days and not self.pauses:
            self._fixed = self.calendar.add_days_ms(self.started_at, self._days), self.within
        floored = self._bring_nearer(at, left, old_due)
        if self.extended_until is not None and self.extended_until > at:
            self._reach(at, self.extended_until)
        self.rungs.rearm()
        self._schedule()
        self._note(at, why, old, old_due, floored)

    def edit_hours(self, at: int, target: Target, calendar: Calendar) -> None:
        """The same target on a calendar that is another one from ``at`` on: what is left is laid out on it, whole days
        are counted as days.

        A clock that has ended stays as it was; should it go on, it does so on the edited calendar.
        """
        if self.ended:
            self._edited = (target, calendar)
            return
        same, due_before = calendar.version == self.calendar.version, self.due_at
        if not same:
            self.rungs.mark(at)
            self._split(at)
        self.target, self.calendar = target, calendar
        if same:
            return
        if self._days and self._fixed is not None and self.budget == self.within and self.breached_at is None:
            due = calendar.add_days_ms(self.started_at, self._days)
            self.within = self.budget = calendar.elapsed_ms(self.started_at, due)
            self._fixed = due, self.within
        elif self.breached_at is None:
            self._fixed = None
            if self.extended_until is not None and self.extended_until > at:
                self._reach(at, self.extended_until)
        self.rungs.base = len(self.legs)
        self._schedule()
        if self.due_at != due_before:
            self._note(at, "hours", None, due_before, False)

    def hand_over(self, at: int, offer: Offer) -> None:
        """Gets another target's policy and steps after its breach: what it was promised, and missed, stays."""
        self.judge(at)
        self.rungs.mark(at)
        old = self.target, self.within
        self._retarget(offer._replace(calendar=self.calendar))
        self._note(at, "version", old, self.due_at, False)

    def begin_late(self, at: int, log: Log) -> None:
        """For a clock whose policy began to match only at ``at``: the pauses since its start were pauses, and it is
        not overdue by surprise."""
        self._replay(log)
        self.settle_late(at)

    def _replay(self, log: Log) -> None:
        """Pauses and goes on as the record's fields tell that it would have."""
        pause, self.due_at = self.target.metric.pause, None
        for since, fields in log:
            if pause(fields) == self.running:
                self.pause(since) if self.running else self.resume(since)
                self.due_at = None  # nothing is judged before there was anything to keep

    def settle_late(self, at: int) -> None:
        """Puts due the floor ahead of ``at`` when it has passed by then."""
        self._schedule()
        due, left = self.due_at, self._left(at)
        late = due is not None and due <= at if self.running else left <= 0
        if late:
            self.budget = max(self.budget, self.elapsed_at(at) + floor_ms(self.within))
            self._schedule()
            self._note(at, "late", None, due, True)

    # ---- reading it

    def overdue(self, at: int) -> bool:
        """Whether due passed before ``at``, written down or not."""
        return self.breached_at is not None or (self.running and self.due_at is not None and self.due_at < at)

    def judge(self, now: int) -> None:
        """Notes the breach of an open leg that reached its due by ``now``."""
        if self.running and self.breached_at is None and self.due_at is not None and self.due_at <= now:
            self._breach(self.due_at)

    def elapsed_at(self, now: int) -> int:
        """Working time up to ``now``."""
        return (
            self.elapsed if self.open_from is None else (self.elapsed + self.calendar.elapsed_ms(self.open_from, now))
        )

    def legs_until(self, end: int) -> list[Leg]:
        """Every leg, the one that still runs cut at ``end``."""
        if self.open_from is None:
            return self.legs
        return [*self.legs, Leg(self.open_from, end, self.elapsed, self.calendar, self.resumed)]

    def work_within(self, since: int, until: int, end: int) -> int:
        """Working time up to ``end`` that lies in ``[since, until)``."""
        total = 0
        for leg in self.legs_until(end):
            start, stop = max(leg.start, since), min(leg.end, until)
            if start < stop:
                total += leg.calendar.elapsed_ms(start, stop)
        return total

    def paused_at(self, now: int) -> int:
        """Working time inside pauses up to ``now``."""
        spans = self.pauses if self.paused_from is None else [*self.pauses, (self.paused_from, now)]
        return sum(self.calendar.elapsed_ms(start, end) for start, end in spans)

    def excused_until(self, excused: int) -> int | None:
        """The last instant at which ``excused`` working milliseconds still explain a miss of the running clock."""
        if self.open_from is None:
            return None
        return self.calendar.due_ms(self.open_from, self.budget + excused - self.elapsed)

    # ---- inside

    def _schedule(self) -> None:
        """Sets due for the open leg."""
        if self.open_from is None or self.breached_at is not None:
            return
        left = self.budget - self.elapsed
        if self._fixed is not None and self._fixed[1] == self.budget:
            self.due_at = self._fixed[0]
        elif left > 0:
            self.due_at = self.calendar.due_ms(self.open_from, left)
        else:
            self.due_at = self.calendar.next_open(self.open_from) if self.resumed else self.open_from

    def _breach(self, at: int) -> None:
        self.breached_at = self.due_at = at
        self.outcome = "missed"

    def _close(self, at: int) -> None:
        """Ends the open leg at ``at``, and notes the breach if due passed before."""
        assert self.open_from is not None  # noqa: S101 - only a running clock has a leg to close
        if self.breached_at is None and self.due_at is not None and self.due_at < at:
            self._breach(self.due_at)
        self.legs.append(Leg(self.open_from, at, self.elapsed, self.calendar, self.resumed))
        self.elapsed += self.calendar.elapsed_ms(self.open_from, at)
        self.open_from = None

    def _reopen_last(self) -> None:
        last = self.legs.pop()
        self.open_from, self.elapsed, self.resumed = last.start, last.before, last.resumed

    def _split(self, at: int) -> None:
        """Closes the open leg and begins the next one in the same instant."""
        if self.open_from is not None and at > self.open_from:
            self._close(at)
            self.open_from, self.resumed = at, False

    def _end(self, at: int) -> None:
        if self.open_from is not None:
            self._close(at)
        elif self.paused_from is not None:
            self.pauses.append((self.paused_from, at))
            self.paused_from = None
            if self.breached_at is None:
                self.due_at = self.calendar.due_ms(at, self.budget - self.elapsed)
        self.ended_at = at

    def _left(self, at: int) -> int:
        return self.budget - self.elapsed_at(at)

    def _bring_nearer(self, at: int, old_left: int, old_due: int | None) -> bool:
        """Keeps a due that the changed terms bring nearer the floor ahead of ``at``, but never later than ``old_due``;
        ``old_left`` is the working time that was left. Returns whether the floor kept it away."""
        left, floor = self.budget - self.elapsed, floor_ms(self.within)
        if not self.running or old_due is None:
            least = min(floor, old_left)
            self.budget = self.elapsed + (max(left, least) if left < old_left else left)
            return left < least
        due = at if left <= 0 else self._due_with(at, left)
        if due >= old_due:
            return False
        floored = max(due, min(self.calendar.due_ms(at, floor), old_due))
        if floored > due:
            self._lay(at, floored)
        return floored > due

    def _due_with(self, at: int, left: int) -> int:
        if self._fixed is not None and self._fixed[1] == self.budget:
            return self._fixed[0]
        return self.calendar.due_ms(at, left)

    def _reach(self, at: int, until: int) -> None:
        """Puts due at ``until`` when that is later than it stands."""
        if not self.running:
            self.budget = max(self.budget, self.elapsed + self.calendar.elapsed_ms(at, until))
        elif self._due_with(at, max(self._left(at), 0)) < until:
            self._lay(at, until)

    def _lay(self, at: int, due: int) -> None:
        """Gives the running clock the budget that makes it due at this very instant, also where nobody is open."""
        self.budget = self.elapsed_at(at) + self.calendar.elapsed_ms(at, due)
        self._fixed = due, self.budget

    def _retarget(self, offer: Offer) -> None:
        target = offer.target
        self.rungs.keep(target.steps)
        self.target, _, self.calendar, self.stretched = offer
        self._fixed = None

    def _note(self, at: int, why: str, old: tuple[Target, int] | None, due_before: int | None, floored: bool) -> None:
        target, within = old or (self.target, self.within)
        self.changes.append(
            Change(at, why, target.policy, self.target.policy, within, self.within, due_before, self.due_at, floored)
        )
