"""Adding notes and messages to records, each once.

Owns what makes a note or message findable again. Refuses to change one that exists. Invariant: a note is never shown to
a customer: a case's comment is not published, a post on a lead's feed is for internal users; only a message is.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-casecomment.html
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-feeditem.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from connectors.base import Receipt, WriteBack
from connectors.salesforce import names, sending
from connectors.salesforce.api import Api
from connectors.salesforce.ids import is_id
from connectors.salesforce.marks import mark
from connectors.salesforce.receipts import refused, there
from connectors.salesforce.rows import decoded
from connectors.salesforce.sending import Order
from connectors.salesforce.shape import Shapes
from connectors.salesforce.values import id_list, quote, read_instant, select
from sla.model import split_record

SLACK_MS: Final = 60_000
"""How much earlier than wished for a message of ours may be dated, by clocks that differ."""
NOTE_LENGTH: Final = 4000
"""CaseComment.CommentBody; a feed item may be longer."""


class Adding:
    """``write(batch)`` for the actions note and message."""

    def __init__(self, api: Api, shapes: Shapes) -> None:
        self._api = api
        self._shapes = shapes

    def notes(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        """An internal comment on a case, a post on a lead's feed."""
        found = self._notes_there([write for write in batch if write.attempts])
        receipts = [there(write, found[write.key]) for write in batch if write.key in found]
        orders = [self._note(write) for write in batch if write.key not in found]
        if orders:
            receipts += [sending.receipt(*pair) for pair in sending.send(self._api, "POST", orders)]
        return receipts

    def messages(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        """A comment that the customer sees. It carries no mark: a customer reads it; after an unknown outcome it is
        known by its text and by when it was made."""
        receipts = [_no_reply(write) for write in batch if _note_object(write) != names.COMMENT]
        cases = [write for write in batch if _note_object(write) == names.COMMENT]
        found = self._messages_there([write for write in cases if write.attempts])
        receipts += [there(write, found[write.key]) for write in cases if write.key in found]
        orders = [_message(write) for write in cases if write.key not in found]
        if orders:
            receipts += [sending.receipt(*pair) for pair in sending.send(self._api, "POST", orders)]
        return receipts

    def _note(self, write: WriteBack) -> Order:
        name, key = _note_object(write), split_record(write.record)[2]
        ending = f"\n[{mark(write.key)}]"
        text = (write.subject or "")[: NOTE_LENGTH - len(ending)] + ending
        if name == names.COMMENT:
            return Order(write, name, {"ParentId": key, "CommentBody": text, "IsPublished": False})
        fields = {"ParentId": key, "Type": "TextPost", "Body": text}
        shown_to = self._shapes.field(names.FEED_ITEM, "Visibility")
        if shown_to is not None and shown_to.createable:  # there only where an org has sites for its customers
            fields["Visibility"] = "InternalUsers"
        return Order(write, name, fields)

    # ---- finding again

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
                if mark(write.key) in (row.get(text) or ""):
                    found[write.key] = row["Id"]
        return found

    def _rows(self, name: str, columns: list[str], where: str) -> list[dict[str, Any]]:
        latest = f"ORDER BY CreatedDate DESC LIMIT {names.PAGE_ROWS}"
        answer = self._api.query(select(columns, name, where, latest))
        return decoded(answer)


def _note_object(write: WriteBack) -> str:
    return names.FEED_ITEM if split_record(write.record)[1] == "lead" else names.COMMENT


def _message(write: WriteBack) -> Order:
    case = split_record(write.record)[2]
    return Order(write, names.COMMENT, {"ParentId": case, "CommentBody": _text(write), "IsPublished": True})


def _text(write: WriteBack) -> str:
    return (write.subject or "")[:NOTE_LENGTH]


def _no_reply(write: WriteBack) -> Receipt:
    reason = "Salesforce shows its customers comments of cases, and nothing of a lead"
    return refused(write, reason, "NO_REPLY")
