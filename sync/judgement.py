"""One record as the fold sees it now, against what is stored of it: which rows must change.

Owns the comparison. Refuses statements: rows are handed to the portion, which writes them. Invariant: a record judged
twice at the same instant hands over nothing the second time.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Final

import msgspec

from connectors.base import Observed
from sla.clock import Clock
from sla.fold import Evaluation
from sync import clock_row, outbox, record_row
from sync.budget import Budget
from sync.clock_row import ClockName, StepName
from sync.decision import HELD, Decision, Risk, decide
from sync.effect import BREACH, ELSEWHERE, REFRESH, caught_up, effects
from sync.hold import Hold
from sync.key import fields_key
from sync.ledger import Entry
from sync.portion import Portion
from sync.record_row import RecordRow
from sync.writeback import desired, differing, same

NAMELESS: Final = ("", "", 0)
"""Stands for a clock's name where nothing is stored that it could be found by."""

_encode: Final = msgspec.json.Encoder().encode


class Judgement:
    """The judgement of one record at ``now``. ``measured`` tells why nothing is done for it, None when it is."""

    def __init__(
        self,
        portion: Portion,
        record: str,
        evaluation: Evaluation,
        now: int,
        measured: str | None,
        observed: Observed | None,
    ) -> None:
        self._portion = portion
        self._record = record
        self._clocks, self._state = evaluation
        self._now = now
        self._measured = measured
        self._connection, kind, _ = record.split(":", 2)
        self._kind = self._state.kind or kind
        self._old = portion.rows.get(record)
        self._letters = portion.letters.get(record, [])
        self._held: dict[ClockName, int] = {}
        """When to look again at clocks of which a step waits: for hours, or for the policy's budget."""
        self._waiting: dict[StepName, Hold] = {}
        self._read_values(observed)

    # ---- steps

    def decide_steps(self, budget: Budget, limits: Mapping[str, int], risk: Risk | None = None) -> None:
        """Decides about steps newly reached. ``limits``: how many may fire in an hour, by policy; ``risk``: the
        chance of a clock to miss."""
        known = self._portion.steps.get(self._record, {})
        for clock in self._clocks:
            if any(step.reached for step in clock.steps):
                self._decide(clock, known.get((clock.target, clock.policy, clock.cycle), ()), budget, limits, risk)
        self._note_holds()

    def _decide(
        self,
        clock: Clock,
        decided: Container[tuple[str, int]],
        budget: Budget,
        limits: Mapping[str, int],
        risk: Risk | None,
    ) -> None:
        decisions = decide(clock, decided, self._measured, self._state, risk)
        for decision in decisions:
            if decision.what == HELD:
                self._wait(clock, decision)
        fires = any(decision.what == "fired" for decision in decisions)
        if fires and not budget.take(clock.policy, limits[clock.policy]):
            self._look_again(clock, budget.again_at(clock.policy))
            return
        for decision in decisions:
            if decision.what != HELD:
                self._settle(clock, decision)

    def _settle(self, clock: Clock, decision: Decision) -> None:
        portion, now, step = self._portion, self._now, decision.step
        name = (clock.target, clock.policy, clock.cycle, step.at, step.arm)
        held = portion.holds.get(self._record, {}).get(name)
        if held is not None and clock.state == "stopped":
            decision = decision._replace(reason="the clock stopped while it waited for working hours")
        portion.decided.append((self._record, name, now, decision.what, decision.reason))
        if decision.what == "fired":
            ready_at = decision.ready_at if held is None else max(decision.ready_at or 0, held.until)
            for effect in effects(clock, step, self._state, now, ready_at):
                made = caught_up(effect, now, self._observed_at)
                portion.effects.append((self._connection, self._record, made, self._buried(effect.action)))
        if decision.what != "measured":
            self._tell(clock, decision)

    def _wait(self, clock: Clock, decision: Decision) -> None:
        """Keeps a step back until its hours come, and sees to it that the clock is judged then."""
        step, until = decision.step, decision.until
        assert until is not None  # noqa: S101 - what is held is held until
        self._look_again(clock, until)
        name = (clock.target, clock.policy, clock.cycle, step.at, step.arm)
        hold = Hold(self._record, name, self._now, until, decision.reason or HELD)
        self._waiting[hold.name] = hold
        if hold.name not in self._portion.holds.get(self._record, {}):
            self._tell(clock, decision)

    def _look_again(self, clock: Clock, at: int) -> None:
        """Sees to it that a clock is judged at ``at``, or before when it changes by itself."""
        name = (clock.target, clock.policy, clock.cycle)
        ahead = (at, self._held.get(name), clock.wake_ms)
        self._held[name] = min(when for when in ahead if when is not None)

    def _note_holds(self) -> None:
        """Hands over which steps wait where that differs from what is stored."""
        stored = self._portion.holds.get(self._record, {})
        self._portion.released += [hold for name, hold in stored.items() if name not in self._waiting]
        for name, hold in self._waiting.items():
            known = stored.get(name)
            if known is None or known.until != hold.until:
                self._portion.held.append(hold)

    def _tell(self, clock: Clock, decision: Decision) -> None:
        step = decision.step
        body = {"target": clock.target, "policy": clock.policy, "cycle": clock.cycle, "step": step.at,
                "arm": step.arm, "instant": step.instant_ms, "decision": decision.what,
                "reason": decision.reason}  # fmt: skip
        self._portion.entries.append(Entry(self._now, "step", self._record, body))

    def _buried(self, action: str) -> str | None:
        if action in ELSEWHERE:
            return None  # what one receiver refuses says nothing of another
        dead = outbox.quarantine(self._letters, action, self._now)
        return None if dead is None else f"quarantined: {dead.reason}"

    # ---- our own fields

    def _read_values(self, observed: Observed | None) -> None:
        old = self._old
        self._seen: dict[str, Any] = msgspec.json.decode(old.observed) if old else {}
        self._written: dict[str, Any] = msgspec.json.decode(old.written) if old else {}
        self._observed_at = old.observed_at if old else 0
        if observed is not None and observed.at >= self._observed_at:
            self._seen, self._observed_at = dict(observed.values), observed.at

    def refresh_fields(self, writable: Mapping[str, frozenset[str]]) -> None:
        """Wishes for the values of our own fields that stand differently in the CRM."""
        wanted = self._wanted(writable)
        if self._seen:
            for name, value in wanted.items():
                if same(value, self._seen.get(name)):
                    self._written[name] = value  # it stands there: from now on only a change of ours is written
        self._wish(wanted)

    def _wanted(self, writable: Mapping[str, frozenset[str]]) -> dict[str, Any]:
        if self._measured or self._state.deleted or self._state.merged:
            return {}
        return desired(self._clocks, writable.get(self._kind) or frozenset(self._seen))

    def _wish(self, wanted: Mapping[str, Any]) -> None:
        """Keeps one waiting row with the latest values; what is being sent already is not wished for again."""
        portion = self._portion
        if not self._letters:
            found = differing(wanted, self._seen, self._written, {})
            if found:
                self._put(found, late=False)
            return
        ours = [letter for letter in self._letters if letter.action == "fields"]
        sending = {name: value for letter in ours if letter.state == "sending" for name, value in letter.values.items()}
        waiting = [letter for letter in ours if letter.state == "waiting"]
        found = differing(wanted, self._seen, self._written, sending)
        dead = outbox.quarantine(ours, "fields", self._now)
        if dead is not None:
            if found and found != dead.values:
                portion.renewed.append((dead.id, found))
            found = {}
        if [letter.values for letter in waiting] == ([found] if found else []):
            return
        portion.withdrawn += [letter.id for letter in waiting]
        if found:
            # Some of it may have taken effect when we were cut short: then it is looked up first.
            self._put(found, late=any(letter.unknown or letter.body.get("late") for letter in waiting))

    def _put(self, values: Mapping[str, Any], *, late: bool) -> None:
        rank = BREACH if "missed" in values.values() else REFRESH
        key, text = fields_key(self._record, values)
        body = f'{{"late":true,"values":{text}}}' if late else f'{{"values":{text}}}'
        self._portion.fields.append((key, self._connection, self._record, rank, body))

    # ---- rows

    def note(self, version: str, first_seen_at: int, wake_at: int | None, *, titled: bool) -> None:
        """Hands over the record's row and its clocks' rows where they differ. ``wake_at``: when an event that has
        not happened yet will."""
        portion, state = self._portion, self._state
        stored = portion.clocks.get(self._record, {})
        ended: list[ClockName] = []
        for clock in self._clocks:
            name = (clock.target, clock.policy, clock.cycle) if stored or self._held else NAMELESS
            old = stored.pop(name, None)
            change = clock_row.change(clock, old, self._held.get(name, clock.wake_ms), self._now)
            if change is not None:
                portion.changes.append(change)
            if old is not None and clock.state == "stopped" != old.state:
                ended.append(name)
        if stored:
            portion.gone += [(self._record, name) for name in stored]
            # One that begins only now is not over: the wall clock was set back to before it.
            ended += [name for name, old in stored.items() if old.state != "stopped" and old.started_at <= self._now]
        if not state.deleted:  # else its tasks went with it
            portion.ended += [(self._record, name) for name in ended]
        title = state.fields.get("name") if titled else None
        row = RecordRow(
            record=self._record,
            connection=self._connection,
            kind=self._kind,
            first_seen_at=first_seen_at,
            created_at=state.created_at,
            policy_version=version,
            measured=self._measured,
            observed=_text(self._seen),
            observed_at=self._observed_at,
            written=_text(self._written),
            title=title if isinstance(title, str) else None,
            owner=state.owner,
            status=state.status,
            state=record_row.summary(state),
            into_record=state.into,
            wake_at=wake_at,
        )
        if row != self._old:
            portion.records.append(row)


def _text(values: Mapping[str, Any]) -> str:
    return _encode(values).decode() if values else "{}"
