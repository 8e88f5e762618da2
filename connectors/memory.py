"""The connector of an in-memory CRM: the reference implementation of the contract, for tests and the curious.

Owns nothing but the translation between the contract and a shared ``MemoryCrm``. Refuses leniency: a batch that is too
large, mixed or wrong is refused as a CRM would. Invariant: the same state gives the same changes with the same keys.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from connectors.allowance import Allowance
from connectors.base import (
    Capabilities,
    Change,
    Finding,
    Hint,
    HintFeed,
    Normalised,
    Observed,
    Page,
    Person,
    Quota,
    Receipt,
    Stream,
    WebhookRequest,
    WriteBack,
)  # fmt: skip
from connectors.errors import ConnectorError, Rejected, RetryLater
from connectors.memory_crm import OURSELVES, Effect, MemoryCrm, Row, Utterance
from connectors.settings import ConnectionSettings
from sla.model import DONE_STATUSES, Event, record_name, split_record

__all__ = ["SETTINGS", "Effect", "MemoryConnector", "MemoryCrm", "MemorySettings", "build"]

KINDS: Final = ("lead", "ticket", "deal")
BATCH: Final = dict.fromkeys(("fields", "set", "owner", "task", "complete", "note", "tag", "message"), 10)
ESSENTIAL: Final = frozenset({"status", "raw_status", "priority", "owner", "source", "channel", "type", "requester"})


class MemorySettings(ConnectionSettings):
    """``crm`` names the shared state, by default the connection's own name."""

    crm: str = ""


SETTINGS = MemorySettings


def build(name: str, settings: MemorySettings, *, wanted: frozenset[str], clock: Callable[[], int]) -> MemoryConnector:
    """A connector of the CRM that ``settings.crm`` names."""
    return MemoryConnector(name, MemoryCrm.named(settings.crm or name, clock), wanted=wanted)


class MemoryConnector:
    """``MemoryConnector("acme", crm)``: any number of them may share a CRM, as processes share a real one."""

    capabilities = Capabilities(
        kinds=KINDS, batch=BATCH, webhooks=True, unfit=frozenset({"INACTIVE"}), gone=frozenset({"GONE"})
    )

    def __init__(self, name: str, crm: MemoryCrm, *, wanted: frozenset[str] = frozenset()) -> None:
        self.name = name
        self.crm = crm
        self.allowance = Allowance(crm.clock)
        self._shown = ESSENTIAL | wanted

    # ---- reading

    def streams(self) -> Sequence[Stream]:
        return (*(Stream(kind, kind) for kind in KINDS), Stream("message"), Stream("activity"))

    def poll(self, stream: str, cursor: str | None, since: int) -> Page:
        """The cursor is ``SEQ`` or, inside a first sweep, ``SEQ since MS``: later pages of it are as choosy."""
        crm = self.crm
        crm.enter("poll")
        with crm.lock_state:
            position, _, first = (cursor or f"0 since {since}").partition(" since ")
            after = int(position)
            found = [item for item in self._feed(stream) if item.seq > after]
            if first:
                found = [item for item in found if _asked_for(item, int(first))]
            page = found[: crm.page]
            more = len(found) > len(page)
            changes = [self._change(item) for item in [*self._repeated(stream, after), *page]]
            reached = page[-1].seq if page else after
            if first and not more:  # everything older was left out on purpose
                reached = max([reached, *(item.seq for item in self._feed(stream))])
            return Page(changes, f"{reached} since {first}" if first and more else str(reached), more)

    def read(self, records: Sequence[str]) -> list[Change]:
        self.crm.enter("read")
        changes: list[Change] = []
        with self.crm.lock_state:
            for record in records:
                _, kind, key = split_record(record)
                row = self.crm.rows.get((kind, key))
                if row is None:
                    gone = {"id": key, "kind": kind, "gone_at": self.crm.clock()}
                    changes.append(Change(kind, f"{kind}:{key}:gone", msgspec.json.encode(gone)))
                    continue
                said = [item for item in self.crm.utterances.values() if (item.kind, item.record_id) == (kind, key)]
                changes.append(self._change(row))
                changes += [self._change(item) for item in said]
        return changes

    def normalise(self, change: Change) -> Normalised:
        body = msgspec.json.decode(change.payload)
        if change.stream in {"message", "activity"}:
            return Normalised([self._said(body)])
        record = record_name(self.name, body["kind"], body["id"])
        if "gone_at" in body:
            return Normalised([Event(record=record, at=body["gone_at"], id="gone", event="deleted")])
        at, by, seq = body["modified_at"], body["modified_by"], body["seq"]
        shown = {name: value for name, value in body["fields"].items() if name in self._shown}
        events = [
            Event(record=record, at=body["created_at"], id="created", event="created", kind=body["kind"],
                  actor=body["created_by"], set={}),
            Event(record=record, at=at, id=f"s:{seq}", seq=seq, event="changed", actor=by, set=shown, snapshot=True),
        ]  # fmt: skip
        for what, into in (("merged", body["merged_into"]), ("converted", body["converted_into"])):
            if into:
                name = f"{self.name}:{into}"
                events.append(Event(record=record, at=at, id=what, seq=seq, event=what, actor=by, into=name))
        if body["restored_at"] is not None:
            event_id, then = f"restored:{body['restored_at']}", body["restored_at"]
            events.append(Event(record=record, at=then, id=event_id, seq=seq, event="restored", actor=by))
        if body["deleted"] and not body["merged_into"]:
            events.append(Event(record=record, at=at, id=f"deleted:{seq}", seq=seq + 1, event="deleted", actor=by))
        return Normalised(events, Observed(record, at, body["ours"]))

    # ---- webhooks

    def webhook(self, record: tuple[str, str] | str) -> WebhookRequest:
        """The signed request that this CRM would send about a record, for tests."""
        row = self.crm.row(record)
        body = msgspec.json.encode({"kind": row.kind, "id": row.id, "seq": row.seq, "at": self.crm.clock()})
        headers = {"x-memory-signature": self._signature(body)}
        return WebhookRequest("POST", f"https://sidecar.test/hooks/{self.name}", headers, body)

    def probe(self, public_url: str, now: int) -> WebhookRequest | None:
        body = msgspec.json.encode({"probe": now})
        headers = {"x-memory-signature": self._signature(body)}
        return WebhookRequest("POST", f"{public_url}/webhooks/{self.name}", headers, body)

    def verify(self, request: WebhookRequest, now: int) -> list[Hint]:
        given = request.headers.get("x-memory-signature", "").encode()
        if not hmac.compare_digest(given, self._signature(request.body).encode()):
            raise Rejected("the request's signature is wrong", code="BAD_SIGNATURE")
        try:
            body = msgspec.json.decode(request.body)
            if isinstance(body, dict) and "probe" in body:
                return []
            key, record = f"hook:{body['id']}:{body['seq']}", record_name(self.name, body["kind"], body["id"])
            sent_at = int(body["at"])
        except (msgspec.DecodeError, TypeError, KeyError, ValueError) as error:
            raise Rejected("the request is not a notice", code="MALFORMED") from error
        if abs(now - sent_at) > 300_000:
            raise Rejected("the request is more than five minutes away from now", code="STALE")
        return [Hint(key, record, request.body)]

    def hint_feeds(self) -> Sequence[HintFeed]:
        return ()

    def acknowledgement(self, request: WebhookRequest) -> tuple[str, bytes]:  # noqa: ARG002
        return "text/plain", b""

    # ---- people, state

    def people(self) -> list[Person]:
        self.crm.enter("people")
        with self.crm.lock_state:
            return [Person(person, **about) for person, about in sorted(self.crm.people.items())]

    def check(self) -> list[Finding]:
        try:
            self.crm.enter("check")
        except ConnectorError as error:
            return [Finding("fail", "login", error.reason, unreachable=isinstance(error, RetryLater))]
        return [Finding("ok", "login", "the memory CRM answers")]

    def losses(self) -> Sequence[Finding]:
        return tuple(self.crm.losses)

    def quota(self) -> list[Quota]:
        return [Quota("day", len(self.crm.calls), 100_000, self.crm.clock())]

    def close(self) -> None:
        """Nothing to close."""

    # ---- writing

    def write(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        if len({write.action for write in batch}) > 1 or any(len(batch) > BATCH[write.action] for write in batch):
            raise Rejected("a batch is of one action and within its size", code="BATCH")
        self.crm.enter("write")
        with self.crm.lock_state:
            receipts = [self._write(write) for write in batch]
        self.crm.leave("write")
        return receipts

    def _write(self, write: WriteBack) -> Receipt:
        _, kind, key = split_record(write.record)
        fault = self.crm.row_fault(kind, key)
        if fault:
            outcome, reason = fault
            return Receipt(key=write.key, outcome=outcome, reason=reason, wrote=False)  # type: ignore[arg-type]
        row = self.crm.rows.get((kind, key))
        if row is None or row.deleted:
            return Receipt(key=write.key, outcome="rejected", reason="the record is gone", code="GONE", wrote=False)
        differs = {name: row.fields.get(name) for name, value in write.expect.items() if row.fields.get(name) != value}
        if differs:
            return Receipt(key=write.key, outcome="conflict", reason=f"now {differs}", code="CHANGED", wrote=False)
        if write.action in {"task", "note"}:
            return self._add(write, row)
        if write.action == "complete":
            return self._complete(write, row)
        if write.action == "tag":
            return self._tag(write, row)
        if write.action == "message":
            return self._say(write, row)
        return self._fields(write, row)

    def _fields(self, write: WriteBack, row: Row) -> Receipt:
        if write.action == "owner":
            refused = self._refused(write.owner)
            if refused:
                return Receipt(key=write.key, outcome="rejected", reason=refused, code="INACTIVE", wrote=False)
        holder = row.ours if write.action == "fields" else row.fields
        values: Mapping[str, Any] = {"owner": write.owner} if write.action == "owner" else write.values
        new = {name: value for name, value in values.items() if name not in holder or holder[name] != value}
        if new:
            holder.update(new)
            self.crm.effect(write.action, row, write.key, new)
        return Receipt(key=write.key, outcome="done", wrote=bool(new))

    def _add(self, write: WriteBack, row: Row) -> Receipt:
        """Tasks and notes. Without a look-up the same one is made twice: that is what most CRMs do."""
        place = self.crm.tasks if write.action == "task" else self.crm.notes
        if write.attempts:
            for item in place:
                if item["key"] == write.key:
                    return Receipt(key=write.key, outcome="done", wrote=False, crm_id=item["id"])
        id_ = f"{write.action}-{len(place) + 1}"
        made = {
            "id": id_, "key": write.key, "record": f"{row.kind}:{row.id}",
            "subject": write.subject, "owner": write.owner, "due_at": write.due_at, "priority": write.priority,
        }  # fmt: skip
        place.append(made)
        self.crm.effect(write.action, row, write.key, made)
        return Receipt(key=write.key, outcome="done", crm_id=id_)

    def _complete(self, write: WriteBack, row: Row) -> Receipt:
        task = next((item for item in self.crm.tasks if item["key"] == write.task), None)
        if task is None or task.get("closed"):
            return Receipt(key=write.key, outcome="done", wrote=False)
        task["closed"] = True
        self.crm.effect("complete", row, write.key, {"task": task["subject"]})
        return Receipt(key=write.key, outcome="done", crm_id=task["id"])

    def _tag(self, write: WriteBack, row: Row) -> Receipt:
        if write.subject in row.tags:
            return Receipt(key=write.key, outcome="done", wrote=False)
        row.tags = [*row.tags, write.subject or ""]
        self.crm.effect("tag", row, write.key, {"tag": write.subject})
        return Receipt(key=write.key, outcome="done")

    def _say(self, write: WriteBack, row: Row) -> Receipt:
        """A message to the customer, known again by its text and time alone."""
        if write.attempts:
            for n, (record, at, text) in enumerate(self.crm.sent):
                if (record, text) == (f"{row.kind}:{row.id}", write.subject) and at >= (write.since or 0):
                    return Receipt(key=write.key, outcome="done", wrote=False, crm_id=f"message-{n + 1}")
        self.crm.sent.append((f"{row.kind}:{row.id}", self.crm.clock(), write.subject or ""))
        self.crm.effect("message", row, write.key, {"text": write.subject})
        self.crm.message((row.kind, row.id), "outbound", by=OURSELVES, channel="email")
        return Receipt(key=write.key, outcome="done", crm_id=f"message-{len(self.crm.sent)}")

    def _refused(self, owner: str | None) -> str | None:
        people = self.crm.people
        if owner is None or not people:
            return None
        if owner not in people:
            return f"there is no {owner}"
        return None if people[owner]["active"] else f"{owner} is inactive"

    # ---- shapes

    def _feed(self, stream: str) -> list[Row | Utterance]:
        if stream in KINDS:
            found: list[Row | Utterance] = [row for row in self.crm.rows.values() if row.kind == stream]
        else:
            found = [item for item in self.crm.utterances.values() if item.event == stream]
        return sorted(found, key=lambda item: item.seq)

    def _repeated(self, stream: str, after: int) -> list[Row | Utterance]:
        if not self.crm.repeat:
            return []
        return [item for item in self._feed(stream) if item.seq <= after][-self.crm.repeat :]

    def _change(self, item: Row | Utterance) -> Change:
        stream = item.kind if isinstance(item, Row) else item.event
        return Change(stream, f"{stream}:{item.id}:{item.seq}", msgspec.json.encode(item))

    def _said(self, body: dict[str, Any]) -> Event:
        record = record_name(self.name, body["kind"], body["record_id"])
        return Event(record=record, at=body["at"], id=body["id"], event=body["event"], **body["body"])

    def _signature(self, body: bytes) -> str:
        return hmac.new(self.crm.webhook_secret.encode(), body, hashlib.sha256).hexdigest()


def _asked_for(item: Row | Utterance, since: int) -> bool:
    """Whether a first sweep serves it: changed since, or a record that is still open."""
    if isinstance(item, Utterance):
        return item.at >= since
    return item.modified_at >= since or (not item.deleted and item.fields.get("status") not in DONE_STATUSES)
