"""A record as its timeline tells it: fields, status, owners, who waits since when.

Owns the fold of events into a state and into signals. Refuses policies and clocks.
Invariant: the state after an event depends on the events up to it and on nothing else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sla import signal
from sla.answer import classify, is_team
from sla.derivation import NOTHING, Derivation
from sla.model import DONE_STATUSES, SYSTEM, Event, split_record

UNASSIGNED = "unassigned"


class Rejection(NamedTuple):
    """A message, activity or status change that looked like an answer and is none, and why."""

    at: int
    event: str
    reason: str


class Excuse(NamedTuple):
    """A span that is not held against the team, with who said so and why."""

    start: int
    end: int
    reason: str
    by: str


class RecordState:
    """What is known of one record after its events so far.

    ``fields`` holds what conditions can name: ``status`` is a category, ``raw_status`` the CRM's word, ``owner`` is
    ``user:ID``, ``queue:ID`` or None. Instants are epoch milliseconds, None while unknown.
    """

    __slots__ = (
        "_customer_spoke", "_derivation", "_late_word", "_told", "answers", "changed", "created_at", "deleted_at",
        "derived", "excuses", "fields", "first_seen_at", "holders", "into", "kind", "last_answer_at",
        "last_customer_at", "merged", "owners", "pending", "record", "rejections", "reopened", "requester", "status",
        "waiting_since",
    )  # fmt: skip

    def __init__(self, record: str, derivation: Derivation = NOTHING) -> None:
        self.record = record
        self.kind = split_record(record)[1]
        self._derivation = derivation
        self._told: dict[str, Any] = {}
        """The fields as the source told them."""
        self.fields: dict[str, Any] = {}
        """The same with those that follow from them by rule."""
        self.derived: dict[str, str] = {}
        """Which rule gave each derived field."""
        self.answers = self.reopened = 0
        """How often it was answered, and reopened."""
        self.changed: dict[str, Any] = {}
        """What the latest event that changed fields changed."""
        self.status = "new"
        self.pending = False
        """Whether the team waits for the customer now: status pending and no word from the customer since."""
        self.owners: list[str] = []
        """Every person who owned it, in order."""
        self.holders: list[tuple[int, str]] = []
        """Whose time it was from when on: ``system`` before the first routing, a queue, a person."""
        self.created_at: int | None = None
        self.first_seen_at: int | None = None
        self.last_answer_at: int | None = None
        self.last_customer_at: int | None = None
        self.waiting_since: int | None = None
        """Since when somebody outside has waited for a word; None when nobody does."""
        self.deleted_at: int | None = None
        self.merged = False
        self.into: str | None = None
        self.requester: Any = None
        self.excuses: list[Excuse] = []
        self.rejections: list[Rejection] = []
        self._customer_spoke = False
        self._late_word: int | None = None
        """An unanswered message that found the record done."""

    @property
    def deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def owner(self) -> str | None:
        """``user:ID``, ``queue:ID`` or None."""
        found = self.fields.get("owner")
        return found if isinstance(found, str) else None

    def effective(self) -> dict[str, Any]:
        """The fields with the status as it really stands: a customer's message ends the wait for the customer even
        while the status, and the CRM's own word for it, still say pending."""
        if self.status == "pending" and not self.pending:
            return {**self.fields, "status": "open", "raw_status": None}
        return self.fields

    def apply(self, event: Event) -> int:
        """Takes one event in, in order, and returns the signals it means."""
        seen = event.at if event.seen is None else event.seen
        if self.first_seen_at is None or seen < self.first_seen_at:
            self.first_seen_at = seen
        match event.event:
            case "message" | "activity":
                return self._spoken(event)
            case "created":
                return self._created(event)
            case "changed":
                return self._changed(event)
            case "converted" | "disqualified":
                return self._ended(event)
            case "deleted":
                self.deleted_at = event.at
                return signal.DELETED
            case "restored":
                self.deleted_at = None
                return signal.RESTORED
            case "merged":
                self.merged, self.into, self.waiting_since = True, event.into, None
                return signal.MERGED
            case "excused":
                self.excuses.append(
                    Excuse(event.from_at or event.at, event.until or event.at, event.reason or "", event.by or "")
                )
                return signal.EXCUSED
            case "extended":
                return signal.EXTENDED
        return 0

    # ---- messages and activities

    def _spoken(self, event: Event) -> int:
        found, why_not = classify(event, self.requester)
        if why_not is not None:
            self.rejections.append(Rejection(event.at, event.id, why_not))
            return 0
        before = self.pending
        if found == signal.CUSTOMER:
            self.last_customer_at = event.at
            self._customer_spoke = True
            if self.status in DONE_STATUSES:
                self._late_word = self._late_word or event.at
            elif self.waiting_since is None:
                self.waiting_since = event.at
        else:
            if self._answers_by_default(found):
                self._answered(event.at)
            if found == signal.REPLY:
                self._customer_spoke = False
            if event.actor is None or event.actor == self.owner:
                found |= signal.BY_OWNER
        return found | self._pending_signal(before)

    def _answers_by_default(self, found: int) -> bool:
        return bool(found & signal.REPLY) or bool(found & signal.CALL_ATTEMPT and self.kind == "lead")

    def _answered(self, at: int) -> None:
        self.answers += 1
        self.last_answer_at = at
        self._late_word = None
        self.waiting_since = None

    # ---- fields

    def _created(self, event: Event) -> int:
        if event.kind:
            self.kind = event.kind
        again = self.created_at is not None
        if not again:
            self.created_at = event.at
            if event.actor is not None and event.actor.startswith("customer:"):
                self.requester = event.actor
            self.holders.append((event.at, SYSTEM))
        by_team = event.actor is not None and event.actor.startswith("user:")
        found = self._set(event) if event.set else 0
        if again:
            if self.kind != "lead":
                return found
            found |= signal.ASKED  # a second inquiry: joins the wait that runs, or begins the next one
        else:
            found |= signal.CREATED
            if self.kind != "ticket" or not by_team:
                found |= signal.ASKED
        if found & signal.ASKED and self.waiting_since is None and self.status not in DONE_STATUSES:
            self.waiting_since = event.at
        return found

    def _changed(self, event: Event) -> int:
        found = self._set(event) if event.set else 0
        if event.snapshot and self.deleted_at is not None and event.at > self.deleted_at:
            # CRMs tell nobody when something comes back from the bin: it is simply seen again.
            self.deleted_at = None
            found |= signal.RESTORED
        if found & signal.RESOLVED and self.status == "converted":
            return found | self._conversion(event)
        if found & signal.RESOLVED and self.status == "disqualified":
            return found & ~signal.RESOLVED | signal.DISQUALIFIED
        return found

    def _ended(self, event: Event) -> int:
        found = self._set(event) if event.set else 0
        if self.status != event.event:
            found |= self._status(event.event, event)
            self._tell({"status": event.event})
        if event.event == "disqualified":
            self.waiting_since = None
            return found & ~signal.RESOLVED | signal.DISQUALIFIED
        return found | self._conversion(event)

    def _conversion(self, event: Event) -> int:
        """Converted by a person is answered and resolved; by automation the wait goes on."""
        if is_team(event.actor):
            self._answered(event.at)
            return signal.REPLY | signal.RESOLVED | signal.BY_OWNER
        self.into = event.into or self.into
        return signal.MOVED

    def _set(self, event: Event) -> int:
        """The fields that now have these values; a snapshot sets only what differs."""
        assert event.set is not None  # noqa: S101 - the callers looked
        old = self._told
        changed = {name: value for name, value in event.set.items() if name not in old or old[name] != value}
        explicit_status = "status" in event.set and not event.snapshot
        if not changed and not explicit_status:
            return 0
        self._tell(changed)
        found = signal.FIELDS if changed else 0
        if "owner" in changed:
            found |= self._owner(old.get("owner"), changed["owner"], event.at)
        if "requester" in changed:
            self.requester = changed["requester"]
        if "status" in changed or explicit_status:
            found |= self._status(self._told["status"], event)
        return found

    def _tell(self, changed: dict[str, Any]) -> None:
        """Takes values of the source in, and what follows from them."""
        self._told = {**self._told, **changed}
        self.changed = changed
        if self._derivation.empty:
            self.fields = self._told
            return
        before = self.fields
        self.fields, self.derived = self._derivation(self._told)
        followed = {name for name in {*before, *self.fields} if before.get(name) != self.fields.get(name)}
        self.changed = {**changed, **{name: self.fields.get(name) for name in followed}}

    def derive_by(self, derivation: Derivation) -> None:
        """Goes over to other rules for what follows from the fields."""
        self._derivation = derivation
        self.fields, self.derived = (self._told, {}) if derivation.empty else derivation(self._told)

    def _owner(self, before: Any, after: Any, at: int) -> int:
        if isinstance(after, str) and after.startswith(("user:", "queue:")):
            holder = after
        else:
            holder = UNASSIGNED if any(name != SYSTEM for _, name in self.holders) else SYSTEM
        if not self.holders or self.holders[-1][1] != holder:
            self.holders.append((at, holder))
        found = signal.OWNER_CHANGED if before is not None else 0
        if holder.startswith("user:"):
            self.owners.append(holder)
            found |= signal.OWNED
        return found

    def _status(self, after: str, event: Event) -> int:
        before, was_pending = self.status, self.pending
        self.status = after
        self._customer_spoke = False
        found = 0
        done, was_done = after in DONE_STATUSES, before in DONE_STATUSES
        person = is_team(event.actor)
        if done and not was_done:
            found |= signal.RESOLVED
            if person and after in ("resolved", "closed"):
                found |= signal.SOLVE
                self._answered(event.at)
            if event.actor == self.owner:
                found |= signal.BY_OWNER
        elif was_done and not done and self.created_at is not None:
            self.reopened += 1
            if self._late_word is not None and self.waiting_since is None:
                self.waiting_since = event.at if person else self._late_word
            self._late_word = None
            found |= signal.REOPENED | (signal.REOPENED_BY_TEAM if person else 0)
        if before == "new" and after != "new" and event.event == "changed":
            if person:
                found |= signal.STATUS_CHANGE
                if event.actor == self.owner:
                    found |= signal.BY_OWNER
            elif done:
                self.rejections.append(Rejection(event.at, event.id, "resolved by automation, not by a person"))
        return found | self._pending_signal(was_pending)

    def _pending_signal(self, before: bool) -> int:
        self.pending = self.status == "pending" and not self._customer_spoke
        if self.pending == before:
            return 0
        return signal.PENDING if self.pending else signal.UNPENDING
