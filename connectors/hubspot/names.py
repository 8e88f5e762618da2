"""HubSpot's own words: paths, object types, association types, properties, versions and their end dates.

Owns every vendor path and id of the connector. Refuses what differs between portals (stages, owners, options): that is
discovered. Invariant: one ``api_version`` decides all paths.
https://developers.hubspot.com/docs/guides/crm/understanding-the-crm#object-type-ids
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import quote

HOST: Final = "https://api.hubapi.com"

Version = Literal["v3", "2026-03", "2026-09"]
VERSIONS: Final[tuple[str, ...]] = get_args(Version)
DEFAULT_VERSION: Final[Version] = "2026-09"
SUPPORT_ENDS: Final = {"v3": "2027-03-30", "2026-03": "2027-09-30", "2026-09": "2028-03-08"}
"""The last day of support. ``v3`` ends with the v4 associations that it needs; dated versions live for 18 months.
https://developers.hubspot.com/docs/developer-tooling/platform/versioning"""

SEARCH_LIMIT: Final = 200
SEARCH_WALL: Final = 10_000
"""How many rows of one search its offsets reach.
https://developers.hubspot.com/docs/api-reference/search/guide#limits"""
BATCH_LIMIT: Final = 100
HISTORY_LIMIT: Final = 50
"""Inputs of a batch read with histories: "The maximum number of inputs supported in a batch request for property
histories is 50." (answer of the API, as quoted in github.com/activepieces/activepieces, pull request 9359)"""
HISTORY_KEPT: Final = {"contacts": 45}
HISTORY_KEPT_ELSEWHERE: Final = 20
"""Past values that a property's history shows.
https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide"""
THREADS_LIMIT: Final = 100
MESSAGES_LIMIT: Final = 100
CONVERSATIONS: Final = "conversations"
"""The stream of messages in conversations."""
REPLIES_LIMIT: Final = 10
"""Ours: each reply is three calls of its own, and meanwhile the connection does nothing else."""
ASSOCIATIONS_LIMIT: Final = 1000
"""Ids in one batch read of associations.
https://developers.hubspot.com/changelog/bug-fix-batch-read-limit-for-hubspot-associations-api"""
OWNERS_LIMIT: Final = 100


@dataclass(frozen=True, slots=True, eq=False)
class ObjectType:
    """One type of object. ``modified`` and ``created`` name its stamps, ``stage`` the property that holds its status.
    ``pipelines`` is its word in the pipelines API, None when it has no pipelines."""

    name: str
    type_id: str
    created: str
    modified: str = "hs_lastmodifieddate"
    kind: str | None = None
    stage: str | None = None
    pipelines: str | None = None
    read_scope: str = "crm.objects.contacts.read"
    write_scope: str = "crm.objects.contacts.write"


CONTACTS: Final = ObjectType("contacts", "0-1", "createdate", "lastmodifieddate", "lead", "hs_lead_status")
"""Only contacts call their stamp ``lastmodifieddate``."""
LEADS: Final = ObjectType(
    "leads", "0-136", "hs_createdate", kind="lead", stage="hs_pipeline_stage", pipelines="0-136",
    read_scope="crm.objects.leads.read", write_scope="crm.objects.leads.write",
)  # fmt: skip
TICKETS: Final = ObjectType(
    "tickets", "0-5", "createdate", kind="ticket", stage="hs_pipeline_stage", pipelines="tickets",
    read_scope="tickets", write_scope="tickets",
)  # fmt: skip
EMAILS: Final = ObjectType("emails", "0-49", "hs_createdate", read_scope="sales-email-read")
CALLS: Final = ObjectType("calls", "0-48", "hs_createdate")
MEETINGS: Final = ObjectType("meetings", "0-47", "hs_createdate")
TASKS: Final = ObjectType("tasks", "0-27", "hs_createdate")
NOTES: Final = ObjectType("notes", "0-46", "hs_createdate")

RECORDS: Final = (CONTACTS, LEADS, TICKETS)
ENGAGEMENTS: Final = (EMAILS, CALLS, MEETINGS)
TYPES: Final = {one.name: one for one in (*RECORDS, *ENGAGEMENTS, TASKS, NOTES)}
BY_TYPE_ID: Final = {one.type_id: one for one in TYPES.values()}

TOKEN_INFO: Final = "/oauth/v2/private-apps/get/access-token-info"  # noqa: S105  # a path

HUBSPOT_DEFINED: Final = "HUBSPOT_DEFINED"
ASSOCIATION: Final = {
    (TASKS.name, CONTACTS.name): 204,
    (TASKS.name, TICKETS.name): 230,
    (NOTES.name, CONTACTS.name): 202,
    (NOTES.name, TICKETS.name): 228,
}
"""Type ids from an activity to a record, as in the SDK's ``AssociationType``. Those to leads are not published: they
are asked for (``Paths.association_labels``)."""

OWNER: Final = "hubspot_owner_id"
OWNER_SINCE: Final = "hubspot_owner_assigneddate"
STAGE_SINCE: Final = "hs_v2_date_entered_current_stage"
PIPELINE: Final = "hs_pipeline"
OBJECT_ID: Final = "hs_object_id"
MERGED_IDS: Final = "hs_merged_object_ids"
MERGED_AT: Final = "hs_calculated_merged_vids"
"""Contacts only: ``ID:EPOCH_MS;ID:EPOCH_MS``."""
SOURCE: Final = "hs_object_source"
CREATED_BY: Final = "hs_created_by_user_id"
UPDATED_BY: Final = "hs_updated_by_user_id"
MESSAGE_RECEIVED: Final = "hs_last_message_received_at"
AGENT_ANSWERED: Final = "hs_first_agent_message_sent_at"
AGENT_WHO_ANSWERED: Final = "hs_first_agent_message_sent_by"
ENGAGEMENT_SOURCE: Final = "hs_engagement_source"
"""Which tool logged an e-mail, a call or a meeting; the words are those of ``SOURCE``."""

FIELD_PROPERTY: Final = {
    CONTACTS.name: {"source": "hs_analytics_source", "country": "country", "region": "state", "company": "company",
                    "type": "lifecyclestage", "email": "email"},
    LEADS.name: {"source": "hs_lead_source", "name": "hs_lead_name", "type": "hs_lead_type"},
    TICKETS.name: {"source": "source_type", "channel": "source_type", "name": "subject",
                   "type": "hs_ticket_category"},
}  # fmt: skip
"""Normalised field -> property, where the configuration does not say otherwise."""

PRIORITY_PROPERTY: Final = {LEADS.name: "hs_lead_label", TICKETS.name: "hs_ticket_priority"}
PRIORITY_OPTION: Final = {
    LEADS.name: {"urgent": "HOT", "high": "HOT", "normal": "WARM", "low": "COLD"},
    TICKETS.name: {"urgent": "URGENT", "high": "HIGH", "normal": "MEDIUM", "low": "LOW"},
}
"""The option that stands for a normalised priority, where the configuration does not say otherwise."""
NAME_PARTS: Final = ("firstname", "lastname")
"""A contact's name has no property of its own."""

RECORD_PROPERTIES: Final = {
    CONTACTS.name: (MERGED_AT,),
    LEADS.name: (PIPELINE, STAGE_SINCE),
    TICKETS.name: (PIPELINE, STAGE_SINCE, MESSAGE_RECEIVED, AGENT_ANSWERED),
}
COMMON_PROPERTIES: Final = (OWNER, OWNER_SINCE, MERGED_IDS, SOURCE, CREATED_BY, UPDATED_BY)
ENGAGEMENT_PROPERTIES: Final = {
    EMAILS.name: ("hs_timestamp", "hs_email_direction", "hs_email_status", "hs_sequence_id"),
    CALLS.name: ("hs_timestamp", "hs_call_direction", "hs_call_status", "hs_call_disposition"),
    MEETINGS.name: ("hs_timestamp", "hs_meeting_start_time", "hs_meeting_outcome"),
}
"""What an answer needs, and neither subject nor body: nothing of them is kept."""

TASK_KEY: Final = "sla_key"
"""The property of tasks, text and unique, that holds our keys where an administrator wants one: ``task_key``."""
BODY_PROPERTY: Final = {TASKS.name: "hs_task_body", NOTES.name: "hs_note_body"}


@dataclass(frozen=True, slots=True)
class Paths:
    """All paths of one API version. ``kind`` is an object's name or type id."""

    version: str

    def objects(self, kind: str) -> str:
        return f"/crm/v3/objects/{kind}" if self.version == "v3" else f"/crm/objects/{self.version}/{kind}"

    def object(self, kind: str, id: str) -> str:
        return f"{self.objects(kind)}/{quote(id, safe='')}"

    def search(self, kind: str) -> str:
        return f"{self.objects(kind)}/search"

    def batch(self, kind: str, verb: str) -> str:
        """``verb``: read, create or update."""
        return f"{self.objects(kind)}/batch/{verb}"

    def pipelines(self, word: str) -> str:
        return f"/crm/v3/pipelines/{word}" if self.version == "v3" else f"/crm/pipelines/{self.version}/{word}"

    def properties(self, kind: str) -> str:
        return f"/crm/v3/properties/{kind}" if self.version == "v3" else f"/crm/properties/{self.version}/{kind}"

    def owners(self) -> str:
        return "/crm/v3/owners/" if self.version == "v3" else f"/crm/owners/{self.version}"

    def _associations(self, start: str, end: str) -> str:
        if self.version == "v3":
            return f"/crm/v4/associations/{start}/{end}"
        return f"/crm/associations/{self.version}/{start}/{end}"

    def associations(self, start: str, end: str) -> str:
        return f"{self._associations(start, end)}/batch/read"

    def association_labels(self, start: str, end: str) -> str:
        return f"{self._associations(start, end)}/labels"

    def threads(self) -> str:
        """Conversations: the version stands in another place than the old API's."""
        if self.version == "v3":
            return "/conversations/v3/conversations/threads"
        return f"/conversations/conversations/{self.version}/threads"

    def messages(self, thread: str) -> str:
        return f"{self.threads()}/{quote(thread, safe='')}/messages"

    def token(self) -> str:
        """The token endpoint. ``v1`` of it ends before ``v3`` of the objects does, so nothing is sent there:
        https://developers.hubspot.com/changelog/v1-oauth-api-deprecation"""
        return f"/oauth/{self.version}/token"

    def account(self) -> str:
        return f"/account-info/{self.version}/details"
