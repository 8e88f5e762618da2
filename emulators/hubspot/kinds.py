"""The object types of the CRM: their names, ids, scopes and which property carries which stamp.

Owns the vendor's fixed vocabulary of objects. Refuses anything that differs between portals.
Invariant: a type is found by its plural, its singular and its id, and by nothing else.
https://developers.hubspot.com/docs/guides/crm/understanding-the-crm#object-type-ids
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One object type. ``defaults`` are the properties of an answer that names none; ``searched`` those that the
    free text of a search looks into; ``stamp`` and ``birth`` the properties of the last change and of the creation.
    """

    name: str
    singular: str
    type_id: str
    scope: str
    birth: str
    stamp: str
    defaults: tuple[str, ...]
    searched: tuple[str, ...]
    display: str
    required: tuple[str, ...] = ()
    activity: bool = False
    merges: bool = False
    stage: str | None = None
    pipeline: str | None = None

    @property
    def label(self) -> str:
        """The word of error messages: ``TICKET``."""
        return self.singular.upper()

    def reading(self) -> str:
        return self.scope if self.scope == "tickets" else f"{self.scope}.read"

    def writing(self) -> str:
        return self.scope if self.scope == "tickets" else f"{self.scope}.write"

    def defining(self) -> str:
        """The scope that creates and changes properties: developers.hubspot.com, properties API, required scopes. That
        leads and activities take the one of contacts is assumed: they have none of their own."""
        if self.name == "tickets":
            return self.scope
        own = self.name if self.name in ("contacts", "companies", "deals") else "contacts"
        return f"crm.schemas.{own}.write"


def _activity(name: str, singular: str, type_id: str, *searched: str, display: str) -> Kind:
    # Activities carry the scope of contacts and need a time: developers.hubspot.com, engagements APIs.
    return Kind(
        name, singular, type_id, "crm.objects.contacts", "hs_createdate", "hs_lastmodifieddate",
        ("hs_createdate", "hs_lastmodifieddate", "hs_object_id"), searched, display,
        required=("hs_timestamp",), activity=True,
    )  # fmt: skip


# Type ids: developers.hubspot.com/docs/guides/crm/understanding-the-crm#object-type-ids; default properties of an
# answer: …/api-reference/search-the-crm. Only contacts call their stamp "lastmodifieddate".
KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("contacts", "contact", "0-1", "crm.objects.contacts", "createdate", "lastmodifieddate",
             ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
             ("firstname", "lastname", "email", "phone", "company"), "email", merges=True),
        Kind("companies", "company", "0-2", "crm.objects.companies", "createdate", "hs_lastmodifieddate",
             ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
             ("name", "domain", "phone"), "name", merges=True),
        Kind("deals", "deal", "0-3", "crm.objects.deals", "createdate", "hs_lastmodifieddate",
             ("amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id",
              "pipeline"),
             ("dealname",), "dealname", required=("dealname",), merges=True, stage="dealstage", pipeline="pipeline"),
        Kind("tickets", "ticket", "0-5", "tickets", "createdate", "hs_lastmodifieddate",
             ("content", "createdate", "hs_lastmodifieddate", "hs_object_id", "hs_pipeline", "hs_pipeline_stage",
              "hs_ticket_category", "hs_ticket_priority", "subject"),
             ("subject", "content", "hs_ticket_id"), "subject", required=("hs_pipeline_stage",), merges=True,
             stage="hs_pipeline_stage", pipeline="hs_pipeline"),
        Kind("leads", "lead", "0-136", "crm.objects.leads", "hs_createdate", "hs_lastmodifieddate",
             ("hs_createdate", "hs_lastmodifieddate", "hs_lead_name", "hs_object_id", "hs_pipeline",
              "hs_pipeline_stage"),
             ("hs_lead_name",), "hs_lead_name", required=("hs_lead_name",), stage="hs_pipeline_stage",
             pipeline="hs_pipeline"),
        _activity("tasks", "task", "0-27", "hs_task_subject", "hs_task_body", display="hs_task_subject"),
        _activity("calls", "call", "0-48", "hs_call_title", "hs_call_body", display="hs_call_title"),
        _activity("emails", "email", "0-49", "hs_email_subject", display="hs_email_subject"),
        _activity("meetings", "meeting", "0-47", "hs_meeting_title", "hs_meeting_body", display="hs_meeting_title"),
        _activity("notes", "note", "0-46", "hs_note_body", display="hs_note_body"),
    )
}  # fmt: skip

_BY_WORD: Final = {word: kind for kind in KINDS.values() for word in (kind.name, kind.singular, kind.type_id)}

SCOPES: Final = tuple(
    sorted(
        {kind.reading() for kind in KINDS.values()}
        | {kind.writing() for kind in KINDS.values()}
        | {"oauth", "crm.objects.owners.read", "conversations.read", "conversations.write", "sales-email-read"}
        | {f"crm.schemas.{name}.{way}" for name in ("contacts", "companies", "deals") for way in ("read", "write")}
    )
)
"""Every scope that this emulator asks for; a fresh token has them all."""


def find_kind(word: str) -> Kind | None:
    """``tickets``, ``ticket`` or ``0-5``, in any case."""
    return _BY_WORD.get(word.lower())
