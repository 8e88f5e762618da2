"""Adding tasks and notes to records, each once.

Owns what makes a task or note findable again. Refuses to change one that exists: a person may have completed or moved
it since. Invariant: the same key makes one task, however often it is sent, if the org has a unique key field; without
one, if a look-up before each sending can see it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

from connectors.base import Receipt, WriteBack
from connectors.salesforce import names, sending
from connectors.salesforce.actors import owner_id
from connectors.salesforce.api import Api
from connectors.salesforce.conversation import MARKER
from connectors.salesforce.ids import full_id, is_id
from connectors.salesforce.mapping import RecordMapping
from connectors.salesforce.rows import decode_row, rows_of
from connectors.salesforce.sending import Order
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import FieldShape, Shapes
from connectors.salesforce.values import id_list, quote, read_instant, select, show_day
from sla.model import split_record

_HOLDER: Final = re.compile(r"record with id: ([A-Za-z0-9]{15,18})")
"""DUPLICATE_VALUE names the record that holds the value: "duplicate value found: … on record with id: 00T…"."""
SUBJECT_LENGTH: Final = 255
SLACK_MS: Final = 60_000
"""How much earlier than wished for a message of ours may be dated, by clocks that differ."""
NOTE_LENGTH: Final = 4000
"""CaseComment.CommentBody; a feed item may be longer."""


class Adding:
    """``write(batch)`` for the actions task and note."""

    def __init__(self, api: Api, shapes: Shapes, mapping: RecordMapping, settings: SalesforceSettings) -> None:
        self._api = api
        self._shapes = shapes
        self._mapping = mapping
        self._key = settings.task_key

    def tasks(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        field = self._key_field()
        # A unique field refuses the second of two by itself, so only a lost answer is worth a look.
        unsure = [write for write in batch if write.attempts or field is None or not field.unique]
        found = self._tasks_there(unsure, field)
        receipts = [_there(write, found[write.key]) for write in batch if write.key in found]
        orders = [self._task(write, field) for write in batch if write.key not in found]
        for order, row in sending.send(self._api, "POST", orders) if orders else []:
            holder = _HOLDER.search(str(row.errors[0].get("message"))) if row.errors else None
            if sending.code_of(row) == "DUPLICATE_VALUE" and holder and field is not None:
                receipts.append(_there(order.write, full_id(holder[1])))
            else:
                receipts.append(sending.receipt(order, row))
        return receipts

    def notes(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        """An internal comment on a case, a post on a lead's feed."""
        found = self._notes_there([write for write in batch if write.attempts])
        receipts = [_there(write, found[write.key]) for write in batch if write.key in found]
        orders = [_note(write) for write in batch if write.key not in found]
        if orders:
            receipts += [sending.receipt(*pair) for pair in sending.send(self._api, "POST", orders)]
        return receipts

    def messages(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        """A comment that the customer sees. It carries no mark: a customer reads it; after an unknown outcome it is
        known by its text and by when it was made."""
        receipts = [_no_reply(write) for write in batch if _note_object(write) != names.COMMENT]
        cases = [write for write in batch if _note_object(write) == names.COMMENT]
        found = self._messages_there([write for write in cases if write.attempts])
        receipts += [_there(write, found[write.key]) for write in cases if write.key in found]
        orders = [_message(write) for write in cases if write.key not in found]
        if orders:
            receipts += [sending.receipt(*pair) for pair in sending.send(self._api, "POST", orders)]
        return receipts

    # ---- making

    def _task(self, write: WriteBack, field: FieldShape | None) -> Order:
        _, kind, key = split_record(write.record)
        fields: dict[str, Any] = {
            "Subject": (write.subject or "")[:SUBJECT_LENGTH],
            # A task of a lead may have no WhatId (Object Reference, Task.WhoId).
            ("WhoId" if kind == "lead" else "WhatId"): key,
        }
        owner = owner_id(write.owner)
        if owner is not None and owner.startswith(names.USER_PREFIX):  # a queue cannot be relied on to take tasks
            fields["OwnerId"] = owner
        if write.due_at is not None:
            fields["ActivityDate"] = show_day(write.due_at)
        priority = self._priority(write.priority)
        if priority is not None:
            fields["Priority"] = priority
        if field is None:
            fields["Description"] = f"{MARKER}{_short(write.key)}"
        else:
            fields[field.name] = _fitting(write.key, field)
        return Order(write, names.TASK, fields)

    def _priority(self, priority: str | None) -> str | None:
        shape = self._shapes.get(names.TASK)
        field = shape.field("Priority") if shape is not None else None
        if priority is None or field is None:
            return None
        raw = self._mapping.raw_priority(priority, field.offered)
        # Most orgs have nothing above High.
        return raw or (self._mapping.raw_priority("high", field.offered) if priority == "urgent" else None)

    def _key_field(self) -> FieldShape | None:
        shape = self._shapes.get(names.TASK)
        field = shape.field(self._key) if shape is not None else None
        return field if field is not None and field.createable and field.filterable else None

    # ---- finding again

    def _tasks_there(self, batch: Sequence[WriteBack], field: FieldShape | None) -> dict[str, str]:
        """Ids of the tasks that exist already, by write-back key."""
        if not batch:
            return {}
        if field is not None:
            keys = {_fitting(write.key, field): write.key for write in batch}
            where = f"{field.name} IN ({', '.join(quote(text) for text in sorted(keys))})"
            rows = self._rows(names.TASK, ["Id", field.name], where)
            return {keys[row[field.name]]: row["Id"] for row in rows if row[field.name] in keys}
        ids = sorted({split_record(write.record)[2] for write in batch if is_id(split_record(write.record)[2])})
        if not ids:
            return {}
        there = f"(WhoId IN {id_list(ids)} OR WhatId IN {id_list(ids)})"
        return self._marked(names.TASK, "Description", there, batch)

    def _notes_there(self, batch: Sequence[WriteBack]) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, body in ((names.COMMENT, "CommentBody"), (names.FEED_ITEM, "Body")):
            some = [write for write in batch if _note_object(write) == name]
            ids = sorted({split_record(write.record)[2] for write in some if is_id(split_record(write.record)[2])})
            if ids:
                found |= self._marked(name, body, f"ParentId IN {id_list(ids)}", some)
        return found

    def _messages_there(self, batch: Sequence[WriteBack]) -> dict[str, str]:
        keys = {split_record(write.record)[2]: write for write in batch if is_id(split_record(write.record)[2])}
        if not keys:
            return {}
        where = f"ParentId IN {id_list(sorted(keys))} AND IsPublished = true"
        if self._api.user is not None:
            where = f"CreatedById = {quote(self._api.user)} AND {where}"
        found: dict[str, str] = {}
        for row in self._rows(names.COMMENT, ["Id", "ParentId", "CommentBody", "CreatedDate"], where):
            write = next((one for key, one in keys.items() if key[:15] == row["ParentId"][:15]), None)
            if write is None or (row.get("CommentBody") or "").strip() != _text(write).strip():
                continue
            if read_instant(row["CreatedDate"]) >= (write.since or 0) - SLACK_MS:
                found[write.key] = row["Id"]
        return found

    def _marked(self, name: str, text: str, where: str, batch: Sequence[WriteBack]) -> dict[str, str]:
        """A long text cannot be searched by the server (Object Reference: not filterable), so it is searched here."""
        if self._api.user is not None:
            where = f"CreatedById = {quote(self._api.user)} AND {where}"
        found: dict[str, str] = {}
        for row in self._rows(name, ["Id", text], where):
            for write in batch:
                if f"{MARKER}{_short(write.key)}" in (row.get(text) or ""):
                    found[write.key] = row["Id"]
        return found

    def _rows(self, name: str, columns: list[str], where: str) -> list[dict[str, Any]]:
        latest = f"ORDER BY CreatedDate DESC LIMIT {names.PAGE_ROWS}"
        answer = self._api.query(select(columns, name, where, latest))
        return [decode_row(raw) for raw in rows_of(answer).records]


def _note_object(write: WriteBack) -> str:
    return names.FEED_ITEM if split_record(write.record)[1] == "lead" else names.COMMENT


def _note(write: WriteBack) -> Order:
    name, key = _note_object(write), split_record(write.record)[2]
    mark = f"\n[{MARKER}{_short(write.key)}]"
    text = (write.subject or "")[: NOTE_LENGTH - len(mark)] + mark
    if name == names.COMMENT:
        return Order(write, name, {"ParentId": key, "CommentBody": text, "IsPublished": False})
    return Order(write, name, {"ParentId": key, "Type": "TextPost", "Body": text})


def _message(write: WriteBack) -> Order:
    case = split_record(write.record)[2]
    return Order(write, names.COMMENT, {"ParentId": case, "CommentBody": _text(write), "IsPublished": True})


def _text(write: WriteBack) -> str:
    return (write.subject or "")[:NOTE_LENGTH]


def _no_reply(write: WriteBack) -> Receipt:
    reason = "Salesforce shows its customers comments of cases, and nothing of a lead"
    return Receipt(key=write.key, outcome="rejected", wrote=False, reason=reason, code="NO_REPLY")


def _there(write: WriteBack, crm_id: str) -> Receipt:
    return Receipt(key=write.key, outcome="done", wrote=False, crm_id=crm_id)


def _short(key: str) -> str:
    """A key of any length as 32 hexadecimal digits."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _fitting(key: str, field: FieldShape) -> str:
    """The key itself where it fits into the field, so that a person can read it; else its digest."""
    return key if not field.length or len(key) <= field.length else _short(key)
