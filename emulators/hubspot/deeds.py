"""What people do in the CRM: write to customers, call, assign, move, convert. And what customers do.

Owns the records that a deed leaves behind. Refuses to decide who does what when: see ``people`` and ``living``.
Invariant: a deed writes through ``Writer``, as the vendor's own screens do, so it has the same consequences.
Our own machinery; what a deed leaves behind is assumed from what the vendor's screens leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from emulators.hubspot.links import HUBSPOT_DEFINED, TYPES
from emulators.hubspot.owners import Owner
from emulators.hubspot.portal import Author, Portal
from emulators.hubspot.records import Record
from emulators.hubspot.threads import Message, Thread
from emulators.hubspot.writing import Writer

DISPOSITIONS: Final = {
    "connected": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    "no_answer": "73a0d17f-1163-4015-bdd5-ec830791da20",
    "busy": "9d9162e7-6cf3-4944-bf63-4dff82258764",
    "voicemail": "b2cf5968-551e-4856-9783-52b3da59a7d0",
    "wrong_number": "17b47fee-58de-441e-a44c-c6300d46f273",
}
"""The default call outcomes, the same in every portal: developers.hubspot.com, calls API, hs_call_disposition."""
CUSTOMER: Final = Author("CONVERSATIONS", "customer")
FORM: Final = Author("FORM", "website")
WORKFLOW: Final = Author("AUTOMATION_PLATFORM", "enrollmentId:1")


@dataclass(frozen=True, slots=True)
class Deeds:
    """``counted``: the deeds are effects (``act``). ``silent``: no webhook (the seed). ``at_ms``: when, if not now.
    ``source``: the vendor's word for where people do it."""

    portal: Portal
    counted: bool = False
    silent: bool = False
    at_ms: int | None = None
    source: str = "CRM_UI"

    def at(self, at_ms: int) -> Deeds:
        return replace(self, at_ms=at_ms)

    @property
    def now_ms(self) -> int:
        return self.portal.now_ms() if self.at_ms is None else self.at_ms

    def author(self, owner: Owner | None, otherwise: Author = CUSTOMER) -> Author:
        """Somebody of the team at the keyboard; without one, ``otherwise``. Captured webhooks name people
        ``userId:98499705``."""
        if owner is None:
            return replace(otherwise, by="person:customer" if self.counted else None, silent=self.silent)
        by = f"person:{owner.id}" if self.counted else None
        return Author(self.source, f"userId:{owner.user_id}", owner.user_id, by, silent=self.silent)

    def writer(self, owner: Owner | None, otherwise: Author = CUSTOMER) -> Writer:
        return Writer(self.portal, self.author(owner, otherwise), self.at_ms)

    def create(
        self,
        kind: str,
        properties: Mapping[str, Any],
        ends: Iterable[Record] = (),
        owner: Owner | None = None,
        otherwise: Author = FORM,
    ) -> Record:
        """A record linked to ``ends`` in the plain way. Raises HubSpotError as the vendor's screen would complain."""
        links = [
            {
                "to": {"id": end.id},
                "types": [
                    {
                        "associationCategory": HUBSPOT_DEFINED,
                        "associationTypeId": TYPES[kind, end.kind.name][0].type_id,
                    }
                ],
            }
            for end in ends
        ]
        return self.writer(owner, otherwise).create(self.portal.kind(kind), properties, links)

    def update(
        self,
        record: Record,
        properties: Mapping[str, Any],
        owner: Owner | None = None,
        otherwise: Author = CUSTOMER,
    ) -> None:
        self.writer(owner, otherwise).update(record, properties)

    def move(self, record: Record, state: str, owner: Owner | None = None) -> None:
        """Into the stage that means ``state`` here."""
        stage = self.portal.pipelines.stage(record.kind.name, state)
        self.update(record, {str(record.kind.stage): stage.id}, owner)

    def say(
        self,
        record: Record,
        text: str,
        owner: Owner | None = None,
        *,
        automated: bool = False,
        failed: bool = False,
    ) -> tuple[Record, Message | None]:
        """An e-mail about a record: the customer's without ``owner``, a robot's when ``automated``. It is logged on
        the record and its contacts, and a ticket's goes on in its conversation too."""
        inbound = owner is None and not automated
        contacts = [record] if record.kind.name == "contacts" else self.portal.linked(record, "contacts")
        email = self.create(
            "emails",
            {
                "hs_timestamp": str(self.now_ms),
                "hs_email_direction": "INCOMING_EMAIL" if inbound else "EMAIL",
                "hs_email_status": "FAILED" if failed else "SENT",
                "hs_email_subject": f"Re: {record.text('subject') or record.text('hs_lead_name') or 'your inquiry'}",
                "hs_email_text": text,
            }
            | ({"hubspot_owner_id": owner.id} if owner else {})
            | ({"hs_engagement_source": "CONVERSATIONS"} if record.kind.name == "tickets" else {}),
            dict.fromkeys((record, *contacts)),
            owner,
            WORKFLOW if automated else CUSTOMER,
        )
        if record.kind.name != "tickets":
            return email, None
        message = self._post(record, contacts, text, owner, inbound=inbound, failed=failed)
        return email, message

    def comment(self, record: Record, text: str, owner: Owner) -> tuple[Record, Message | None]:
        """An internal note: the customer never sees it."""
        note = self.create("notes", {"hs_timestamp": str(self.now_ms), "hs_note_body": text}, [record], owner)
        thread = self.portal.threads.of_ticket(record.id) if record.kind.name == "tickets" else None
        if thread is None:
            return note, None
        message = self._message(thread, text, f"A-{owner.user_id}", "HUBSPOT", None)
        self.portal.threads.say(thread, message)
        return note, message

    def _post(
        self, ticket: Record, contacts: list[Record], text: str, owner: Owner | None, *, inbound: bool, failed: bool
    ) -> Message:
        threads = self.portal.threads
        thread = threads.of_ticket(ticket.id)
        if thread is None:
            contact_id = contacts[0].id if contacts else None
            thread = threads.open(
                self.now_ms, contact_id=contact_id, ticket_id=ticket.id, subject=ticket.text("subject")
            )
            linked = {"hs_conversations_originating_thread_id": thread.id, "hs_num_associated_conversations": "1"}
            self.writer(None).set_quietly(ticket, linked)
        if inbound:
            actor, client = f"V-{thread.contact_id or 0}", "HUBSPOT"
        elif owner is not None:
            actor, client = f"A-{owner.user_id}", "HUBSPOT"
        else:
            actor, client = "S-hubspot", "SYSTEM"
        message = self._message(thread, text, actor, client, "INCOMING" if inbound else "OUTGOING")
        message.status = "FAILED" if failed else ("RECEIVED" if inbound else "SENT")
        threads.say(thread, message)
        if not self.silent:
            self.portal.said(message)
        return message

    def _message(self, thread: Thread, text: str, actor: str, client: str, direction: str | None) -> Message:
        number = self.portal.threads.take_number()
        return Message(str(number), thread.id, self.now_ms, actor, client, text, direction, subject=thread.subject)

    def call(self, record: Record, owner: Owner | None, outcome: str = "connected", *, inbound: bool = False) -> Record:
        """A logged call; on a lead's contacts as well, as the screen proposes."""
        contacts = [] if record.kind.name == "contacts" else self.portal.linked(record, "contacts")
        reached = outcome in ("connected", "voicemail", "wrong_number")
        return self.create(
            "calls",
            {
                "hs_timestamp": str(self.now_ms),
                "hs_call_title": f"Call with {record.text(record.kind.display)}",
                "hs_call_direction": "INBOUND" if inbound else "OUTBOUND",
                "hs_call_status": "COMPLETED" if reached else "NO_ANSWER" if outcome == "no_answer" else "BUSY",
                "hs_call_disposition": DISPOSITIONS[outcome],
                "hs_call_duration": "180000" if outcome == "connected" else "0",
            }
            | ({"hubspot_owner_id": owner.id} if owner else {}),
            dict.fromkeys((record, *contacts)),
            owner,
            CUSTOMER,
        )

    def convert(self, record: Record, owner: Owner | None) -> Record:
        """Makes a deal of a lead or of a contact; the lead is qualified, the contact an opportunity."""
        contacts = [record] if record.kind.name == "contacts" else self.portal.linked(record, "contacts")
        deal = self.create(
            "deals",
            {
                "dealname": f"{record.text(record.kind.display)} - new deal",
                "dealstage": self.portal.pipelines.stage("deals", "new").id,
            }
            | ({"hubspot_owner_id": owner.id} if owner else {}),
            contacts,
            owner,
            WORKFLOW,
        )
        if record.kind.name == "leads":
            self.move(record, "qualified", owner)
        for contact in contacts:
            self.update(contact, {"lifecyclestage": "opportunity", "hs_lead_status": "OPEN_DEAL"}, owner)
        return deal
