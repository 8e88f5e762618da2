"""The watches of a running daemon: whether their conditions hold now, and what is done about it, once.

Owns the look at the store once a minute and the effects of an episode. Refuses to decide when a condition holds: that
is ``sla.figures.watch``'s. Invariant: an episode is noted in the transaction that hands over its effects, so it is
acted on once however often the daemon is restarted and however late facts come in.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sla.figures.fact import facts
from sla.figures.watch import Backlog, Breaches, Span, Watch, growth, repeated, text
from sla.instant import format_instant
from sync import ledger, outbox, record_row, watch_row
from sync.clock import Clock
from sync.effect import TASK, WARNING, Effect
from sync.key import episode_key
from sync.ledger import Entry
from sync.policy_book import PolicyBook
from sync.retrospect import Looked, look
from sync.store import Transaction
from sync.watch_row import Breached, Seen
from sync.writer import Writes

log = logging.getLogger(__name__)

EVERY_MS: Final = 60_000
AT_ONCE: Final = 500
"""How many breaches are looked into in one transaction."""


class Watching:
    """Looks after the watches of one store."""

    def __init__(self, writes: Writes, watches: tuple[Watch, ...], book: PolicyBook, clock: Clock) -> None:
        self._writes = writes
        self._watches = watches
        self._book = book
        self._clock = clock
        self._looked_at: int | None = None

    def look(self) -> None:
        """Judges every watch, at most once a minute; sooner while breaches wait to be looked into."""
        now, last = self._clock.now(), self._looked_at
        if last is not None and (not self._watches or 0 <= now - last < EVERY_MS):
            return
        if not self._writes.write(lambda t: self._judge(t, now)):
            self._looked_at = now

    def _judge(self, transaction: Transaction, now: int) -> bool:
        """Whether there is more to be looked into."""
        if self._looked_at is None:
            watch_row.forget_others(transaction, self._watches)
        self._book.refresh(transaction)
        more = False
        for watch in self._watches:
            if isinstance(watch.rule, Breaches):
                unknown = watch_row.unknown_breaches(transaction, watch, now - 2 * watch.rule.within, now, AT_ONCE)
                self._learn(transaction, watch, unknown, now)
                if len(unknown) == AT_ONCE:
                    more = True  # not judged on a part of what happened
                    continue
                spans, since = self._repeated(transaction, watch, watch.rule, now), now - watch.rule.within
            else:
                spans, since = self._grown(transaction, watch, watch.rule, now), now - watch.rule.over
            self._compare(transaction, watch, spans, since, now)
        return more

    # ---- what holds now

    def _learn(self, transaction: Transaction, watch: Watch, unknown: list[Breached], now: int) -> None:
        """Finds out whose breaches these are."""
        keys: dict[tuple[str, str, str, int], str | None] = {}
        for looked in self._evaluated(transaction, sorted({breached.record for breached in unknown}), now):
            customer = _customer(looked)
            for fact in facts(looked.evaluation, looked.policies.people):
                name = (fact.record, fact.target, fact.policy, fact.cycle)
                keys[name] = watch.key(fact, customer) if watch.covers(fact) else None
        watch_row.note_breaches(transaction, watch, [(breached, keys.get(breached[:4])) for breached in unknown])

    def _evaluated(self, transaction: Transaction, records: Iterable[str], now: int) -> Iterator[Looked]:
        """One by one: a record that cannot be evaluated counts for nobody and stops no other."""
        for record in records:
            try:
                yield from look(transaction, self._book, [record], now)
            except Exception:
                log.exception("%s cannot be evaluated; no watch counts it", record)

    def _repeated(self, transaction: Transaction, watch: Watch, rule: Breaches, now: int) -> dict[str, list[Span]]:
        found = watch_row.moments(transaction, watch, now - 2 * rule.within, rule.count)
        return {key: repeated(rule, moments, now) for key, moments in found.items()}

    def _grown(self, transaction: Transaction, watch: Watch, rule: Backlog, now: int) -> dict[str, list[Span]]:
        levels = watch_row.levels(transaction, watch)
        counts = self._counts(transaction, watch, rule)
        if "" not in levels:
            watch_row.note_levels(transaction, watch, now, [("", 0)])
        since = levels.pop("", [(now, 0)])[0][0]
        last = {key: given[-1][1] for key, given in levels.items()}
        changed = [(key, counts.get(key, 0)) for key in sorted(counts.keys() | last.keys())]
        changed = [(key, count) for key, count in changed if count != last.get(key, 0)]
        watch_row.note_levels(transaction, watch, now, changed)
        for key, count in changed:
            levels.setdefault(key, []).append((now, count))
        watch_row.forget_levels(transaction, watch, now - 2 * rule.over)
        return {key: growth(rule, given, since, now) for key, given in levels.items()}

    def _counts(self, transaction: Transaction, watch: Watch, rule: Backlog) -> dict[str, int]:
        """How many clocks are open now, by group."""
        policies = self._book.get(transaction, self._book.in_force(), self._clock.now())
        shadow = [policy.name for policy in policies.policies if policy.stage == "shadow"]
        counts: dict[str, int] = {}
        for policy, owner, count in watch_row.open_clocks(transaction, watch, shadow):
            key: str | None = owner
            if rule.by == "policy":
                key = policy
            elif rule.by == "team":
                colleague = policies.people.get(owner)
                key = colleague.team if colleague else None
            elif owner is None or owner.startswith("queue:") != (rule.by == "queue"):
                key = None
            if key is not None:
                counts[key] = counts.get(key, 0) + count
        return counts

    # ---- what is new about it

    def _compare(
        self, transaction: Transaction, watch: Watch, spans: Mapping[str, list[Span]], since: int, now: int
    ) -> None:
        """Acts on what was not seen before. A span that touches a known episode is that episode, however much of it
        came to light late; one that was over before it was seen is noted only."""
        known = watch_row.episodes(transaction, watch, since)
        lasting: set[Seen] = set()
        for key in sorted(spans):
            for span in spans[key]:
                if span.end is not None and span.end < since:
                    continue
                same = [seen for seen in known.get(key, ()) if _touch(span, seen)]
                if same:
                    watch_row.end(transaction, watch, same[-1], span.end)
                    lasting.update(same)
                    continue
                why_not = "over before it was seen" if span.end is not None else None
                watch_row.begin(transaction, watch, Seen(key, span.begin, span.end), now, acted=why_not is None)
                self._tell(transaction, watch, key, span, why_not, now)
        for seen in (seen for group in known.values() for seen in group if seen.end_at is None):
            if seen not in lasting:
                watch_row.end(transaction, watch, seen, now)

    def _tell(
        self, transaction: Transaction, watch: Watch, key: str, span: Span, why_not: str | None, now: int
    ) -> None:
        """Notes the episode with every record that it concerns, and hands over what is to be done."""
        why = {"watch": watch.name, "by": watch.rule.by, "key": key, "begin_at": span.begin, "reason": span.reason}
        evidence = [moment._asdict() for moment in span.evidence]
        decision = {"decision": "measured" if why_not else "fired", "why_not": why_not}
        body = {**why, "size": span.size, "evidence": evidence, **decision}
        records: list[str | None] = list(dict.fromkeys(moment.record for moment in span.evidence)) or [None]
        entries = [Entry(now, "watch", record, body) for record in records]
        if why_not is None:
            owner, fields = self._standing(transaction, records[-1], now)
            if not span.evidence and key.startswith("user:"):
                owner = key
            if "notify" in watch.actions:
                said = f"{watch.name}: {key}: {span.reason}"
                notice = {"to": watch.actions["notify"], "owner": owner, "text": said, "why": why}
                entries.append(Entry(now, "notice", records[-1], notice))
            connection = (records[-1] or "").partition(":")[0]
            outbox.add(
                transaction,
                [(connection, records[-1] or "", effect, None) for effect in _effects(watch, body, owner, fields, now)],
                now,
            )
        ledger.append(transaction, entries)

    def _standing(self, transaction: Transaction, record: str | None, now: int) -> tuple[str | None, dict[str, Any]]:
        """The owner of a record and its fields."""
        if record is None:
            return None, {}
        row = record_row.load(transaction, [record]).get(record)
        fields: dict[str, Any] = {"name": record}
        for looked in self._evaluated(transaction, [record], now):
            fields |= {name: value for name, value in looked.evaluation.state.fields.items() if value is not None}
        return (row.owner if row else None), fields


def _touch(span: Span, seen: Seen) -> bool:
    return (seen.end_at is None or seen.end_at >= span.begin) and (span.end is None or span.end >= seen.begin_at)


def _effects(
    watch: Watch, body: Mapping[str, Any], owner: str | None, fields: Mapping[str, Any], now: int
) -> Iterator[Effect]:
    """What goes into the outbox: a task on the record that completed it, a call of a webhook."""
    why = {name: body[name] for name in ("watch", "by", "key", "begin_at", "reason")}

    def effect(action: str, rank: int, made: dict[str, Any]) -> Effect:
        named = episode_key(watch.name, body["key"], body["begin_at"], action)
        return Effect(named, action, rank, now, {"why": why, **made})

    if "task" in watch.actions:
        subject = text(watch.actions["task"], fields, watch, body["key"], body["size"])
        person = owner if owner is not None and owner.startswith("user:") else None
        yield effect("task", TASK, {"subject": subject, "owner": person, "due_at": now, "priority": "high"})
    if "webhook" in watch.actions:
        payload = {
            "event": "watch",
            **why,
            "begin_at": format_instant(body["begin_at"]),
            "size": body["size"],
            "evidence": [{**moment, "at": format_instant(moment["at"])} for moment in body["evidence"]],
        }
        yield effect("webhook", WARNING, {"webhook": watch.actions["webhook"], "payload": payload})


def _customer(looked: Looked) -> str | None:
    """Who made the record, where that was a customer."""
    actors: Iterable[str | None] = (event.actor for event in looked.events if event.event == "created")
    return next((actor for actor in actors if actor is not None and actor.startswith("customer:")), None)
