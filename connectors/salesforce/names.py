"""Every path, version, header and object name of Salesforce's API that this connector uses.

Owns vendor words. Refuses behaviour. Invariant: no other module spells out a path or a version.
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-list.html
"""

from __future__ import annotations

from typing import Final

DEFAULT_VERSION: Final = "66.0"
"""Spring '26: every org speaks it, and it is promised until Spring '29. 67.0 and 68.0 have nothing that is used here;
when versions end stands in ``support``."""
OLDEST_VERSION: Final = 50.0
"""Below it, collections and describe lack what is used here."""

VERSIONS: Final = "/services/data/"
"""From the root of the instance; everything below is relative to ``/services/data/vNN.0/``."""
QUERY: Final = "query/"
QUERY_ALL: Final = "queryAll/"
COMPOSITE: Final = "composite"
COLLECTIONS: Final = "composite/sobjects"
RECORD: Final = "sobjects/{object}/{id}"
BULK: Final = "jobs/query"
"""Bulk API 2.0 queries. https://developer.salesforce.com/docs/platform/api-asynch/guide/query-bulk-api-2-0.html"""
LOCATOR: Final = "Sforce-Locator"
DESCRIBE: Final = "sobjects/{object}/describe"
CUSTOM_FIELD: Final = "tooling/sobjects/CustomField"
PERMISSION_SET: Final = "sobjects/PermissionSet"
METADATA: Final = "/services/Soap/m/{version}"
SOAP_HEADERS: Final = {"Content-Type": "text/xml; charset=UTF-8", "Accept": "text/xml", "SOAPAction": '""'}

AUTO_ASSIGN: Final = "Sforce-Auto-Assign"
"""Defaults to TRUE on create and on update of leads and cases: without FALSE the org's assignment rules undo a
reassignment. https://developer.salesforce.com/docs/platform/api-rest/guide/headers-autoassign.html"""
DUPLICATE_RULE: Final = "Sforce-Duplicate-Rule-Header"
"""A duplicate rule that only alerts refuses API writes unless they say that they have seen the alert. From 52.0.
https://developer.salesforce.com/docs/platform/api-rest/guide/headers-duplicaterules.html"""
WRITING: Final = {AUTO_ASSIGN: "FALSE", DUPLICATE_RULE: "allowSave=true"}
"""Headers of every call, and of every part of a composite call, which inherits none."""
UNMODIFIED_SINCE: Final = "If-Unmodified-Since"
"""On a single record: 412 when it was modified after this second. If-Match is for accounts only.
https://developer.salesforce.com/docs/platform/api-rest/guide/intro-rest-conditional-requests.html"""
QUERY_OPTIONS: Final = "Sforce-Query-Options"
LIMIT_INFO: Final = "Sforce-Limit-Info"

PAGE_ROWS: Final = 2000
"""The largest page; the server may answer with less."""
EMAIL_PAGE_ROWS: Final = 500
"""Headers of an e-mail may have 32,000 characters; 2,000 such rows would be more than a call may read."""
BULK_PAGES: Final = 10
"""From how many pages on a bulk job is cheaper: it costs its making, its deletion and some questions about its state
beside a call per portion."""
PORTION_PAGES: Final = 5
"""How many pages' rows one portion of a bulk job's results holds."""
COLLECTION_ROWS: Final = 200
"""Most records of one collections call."""
QUERIES_PER_CALL: Final = 5
"""Most queries in one composite call, which counts as one call.
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-composite.html"""
PARTS_PER_CALL: Final = 25
"""Most parts of a composite call; the single records of one are each written on their own condition."""
IDS_PER_QUERY: Final = 200
"""200 quoted ids of 18 characters stay well below the limit of a request's address (16 KB)."""

LEAD: Final = "Lead"
CASE: Final = "Case"
TASK: Final = "Task"
EVENT: Final = "Event"
EMAIL: Final = "EmailMessage"
COMMENT: Final = "CaseComment"
FEED_ITEM: Final = "FeedItem"
USER: Final = "User"
GROUP: Final = "Group"
GROUP_MEMBER: Final = "GroupMember"
ROLE: Final = "UserRole"
QUEUE_OBJECT: Final = "QueueSobject"
TASK_STATUS: Final = "TaskStatus"

KINDS: Final = {LEAD: "lead", CASE: "ticket"}
OBJECTS: Final = {kind: name for name, kind in KINDS.items()}
ON_LEADS: Final = frozenset({TASK, EVENT, FEED_ITEM})
"""Objects that can hold what was said on a lead; the others belong to cases."""
HISTORIES: Final = {"LeadHistory": LEAD, "CaseHistory": CASE}
"""Where changes of tracked fields are written down, with the records they belong to."""
PREFIXES: Final = {"00Q": LEAD, "500": CASE}
"""The first three characters of an id tell its object."""
USER_PREFIX: Final = "005"
TASK_PREFIX: Final = "00T"
QUEUE_PREFIX: Final = "00G"


def page_rows(name: str) -> int:
    """How many rows of an object to ask for at once."""
    return min(PAGE_ROWS, EMAIL_PAGE_ROWS) if name == EMAIL else PAGE_ROWS
