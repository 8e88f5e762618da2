"""Rows of tasks, calendar events, e-mails and comments to messages and activities. Pure.

Owns what counts as said or done on a record, by whom and when. Refuses to judge whether it is an answer. Invariant: a
task that we made ourselves never becomes an activity.
"""

from __future__ import annotations

import re
from typing import Final

from connectors.base import Normalised
from connectors.salesforce import names
from connectors.salesforce.actors import Actors, is_machine
from connectors.salesforce.mapping import Row
from connectors.salesforce.marks import is_marked
from connectors.salesforce.settings import CALL_OUTCOMES, SalesforceSettings
from connectors.salesforce.values import read_instant
from sla.model import Event, record_name

AUTOMATIC: Final = "_automatic"
"""Key that ``feed`` puts in the place of an e-mail's headers: whether they say that no person sent it."""

DRAFT, FORWARDED = "5", "4"
"""EmailMessage.Status: 0 New, 1 Read, 2 Replied, 3 Sent, 4 Forwarded, 5 Draft (Object Reference, EmailMessage). That
what goes out as Forwarded goes to somebody else than the customer is assumed."""

WRITTEN: Final = frozenset({"TextPost", "ContentPost", "LinkPost"})
"""FeedItem.Type of what a person wrote; all others stand for something that happened elsewhere (Object Reference,
FeedItem)."""

# RFC 3834 section 5 ("Auto-Submitted" with anything but "no"), and what mail programs used before it.
_AUTOMATIC: Final = re.compile(
    r"^(?:auto-submitted:[ \t]*(?!no\b)\S|x-auto-?(?:reply|respond)\s*:|x-autoreply-from\s*:"
    r"|precedence:[ \t]*(?:auto_reply|bulk|junk)\b)",
    re.IGNORECASE | re.MULTILINE,
)

_ACTIVITY: Final = {"Call": "call", "Email": "email", "ListEmail": "email"}


def says_automatic(headers: object) -> bool:
    """Whether an e-mail's headers say that a machine sent it: an out-of-office note, a bulk mail."""
    return isinstance(headers, str) and _AUTOMATIC.search(headers) is not None


class ConversationMapping:
    """What one connection's settings make of everything that is said and done on its records."""

    def __init__(self, connection: str, settings: SalesforceSettings, actors: Actors) -> None:
        self._connection = connection
        self._actors = actors
        self._key = settings.task_key
        self._mails = names.EMAIL in settings.answers
        self._objects = frozenset(settings.objects)
        self._outcomes = {**CALL_OUTCOMES, **{raw.lower(): word for raw, word in settings.call_outcomes.items()}}

    def parent(self, row: Row) -> str | None:
        """The name of the watched record that a row belongs to, or None."""
        for field in ("WhoId", "WhatId", "ParentId"):
            value = row.get(field)
            name = names.PREFIXES.get(value[:3]) if isinstance(value, str) else None
            if name in self._objects:
                return record_name(self._connection, names.KINDS[str(name)], str(value))
        return None

    def normalise(self, name: str, row: Row) -> Normalised:
        """One event, or none: for a draft, an open task, a deleted row, one of our own."""
        record = self.parent(row)
        if record is None or row.get("IsDeleted"):
            return Normalised([])
        event = {
            names.TASK: self._task, names.EVENT: self._meeting, names.EMAIL: self._email, names.COMMENT: self._comment,
            names.FEED_ITEM: self._post,
        }[name](record, row)  # fmt: skip
        return Normalised([event] if event is not None else [])

    def is_ours(self, row: Row) -> bool:
        """Whether a task is one that we made: by its key field, or by the marker in its description."""
        return bool(row.get(self._key)) or is_marked(row.get("Description"))

    def _task(self, record: str, row: Row) -> Event | None:
        if not row.get("IsClosed") or self.is_ours(row):
            return None
        activity = _ACTIVITY.get(row.get("TaskSubtype") or "")
        if activity is None:
            called = row.get("CallType") or row.get("CallDisposition") or row.get("CallDurationInSeconds")
            activity = "call" if called else "task"
        if activity == "email" and self._mails and str(row.get("WhatId") or "").startswith("500"):
            # Salesforce keeps such a task beside each e-mail of a case, incoming ones too (EmailMessage.ActivityId).
            return None
        at = row.get("CompletedDateTime") or row.get("LastModifiedDate") or row["SystemModstamp"]
        return self._done(record, row, activity, at, self._outcome(row) if activity == "call" else "completed")

    def _outcome(self, row: Row) -> str:
        said = row.get("CallDisposition")
        if not isinstance(said, str) or not said.strip():
            return "completed"
        return self._outcomes.get(said.strip().lower(), said.strip().lower())

    def _meeting(self, record: str, row: Row) -> Event | None:
        at = row.get("StartDateTime") or row.get("ActivityDateTime")
        if not at or row.get("IsChild"):  # a child is an invitee's copy of the same meeting
            return None
        return self._done(record, row, "meeting", at, None)

    def _done(self, record: str, row: Row, activity: str, at: str, outcome: str | None) -> Event:
        """The doer is the task's owner; the creator tells a machine's task, since it is made in the owner's name."""
        creator = self._actors.of(row, "CreatedBy")
        actor = creator if is_machine(creator) else self._actors.of(row, "Owner") or creator
        automated = is_machine(creator) or row.get("TaskSubtype") == "ListEmail"
        return Event(
            record=record, at=read_instant(at), id=row["Id"], event="activity", actor=actor, activity=activity,
            outcome=outcome, automated=automated,
        )  # fmt: skip

    def _email(self, record: str, row: Row) -> Event | None:
        if row.get("Status") == DRAFT or row.get("IsPrivateDraft"):
            return None
        at = read_instant(row.get("MessageDate") or row["CreatedDate"])
        if row.get("Incoming"):
            # Whoever's name stands on it, it came from outside: mail programs save it as their own user.
            customer, automated = f"customer:{row['ParentId']}", row.get(AUTOMATIC) is True
            return _message(record, row, at, customer, "inbound", automated=automated)
        actor, forwarded = self._actors.of(row, "CreatedBy"), row.get("Status") == FORWARDED
        automated = is_machine(actor) or row.get(AUTOMATIC) is True
        return _message(record, row, at, actor, "outbound", automated=automated, public=not forwarded)

    def _post(self, record: str, row: Row) -> Event | None:
        """A post that somebody wrote. Posts that stand for an e-mail, a comment, a call or a change of a field are told
        by these themselves. A lead sees no feed, whoever else does."""
        if row.get("Type") not in WRITTEN:
            return None
        at, actor = read_instant(row["CreatedDate"]), self._actors.of(row, "CreatedBy")
        if actor is not None and actor.startswith("customer:"):
            return _message(record, row, at, actor, "inbound", automated=False, channel="portal")
        public = row.get("Visibility") == "AllUsers" and str(row.get("ParentId")).startswith("500")
        return _message(
            record, row, at, actor, "outbound", automated=is_machine(actor), channel="portal", public=public
        )

    def _comment(self, record: str, row: Row) -> Event:
        at, actor = read_instant(row["CreatedDate"]), self._actors.of(row, "CreatedBy")
        if actor is not None and actor.startswith("customer:"):
            return _message(record, row, at, actor, "inbound", automated=False, channel="portal")
        public = bool(row.get("IsPublished"))
        return _message(
            record, row, at, actor, "outbound", automated=is_machine(actor), channel="portal", public=public
        )


def _message(
    record: str, row: Row, at: int, actor: str | None, direction: str, *, automated: bool, channel: str = "email",
    public: bool = True,
) -> Event:  # fmt: skip
    return Event(
        record=record, at=at, id=row["Id"], event="message", actor=actor, direction=direction, automated=automated,
        channel=channel, public=public,
    )  # fmt: skip
