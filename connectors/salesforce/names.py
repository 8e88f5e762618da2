"""Every path, version, header and object name of Salesforce's API that this connector uses.

Owns vendor words. Refuses behaviour. Invariant: no other module spells out a path or a version.
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-list.html
"""

from __future__ import annotations

from typing import Final

DEFAULT_VERSION: Final = "66.0"
"""Spring '26. Salesforce supports a version for at least three years; ``check`` warns before it ends."""
OLDEST_VERSION: Final = 50.0
"""Below it, collections and describe lack what is used here; 31.0 to 40.0 are withdrawn in Summer '28."""

VERSIONS: Final = "/services/data/"
"""From the root of the instance; everything below is relative to ``/services/data/vNN.0/``."""
QUERY: Final = "query/"
QUERY_ALL: Final = "queryAll/"
COMPOSITE: Final = "composite"
COLLECTIONS: Final = "composite/sobjects"
DESCRIBE: Final = "sobjects/{object}/describe"
CUSTOM_FIELD: Final = "tooling/sobjects/CustomField"
PERMISSION_SET: Final = "sobjects/PermissionSet"

AUTO_ASSIGN: Final = "Sforce-Auto-Assign"
"""Defaults to TRUE on create and on update of leads and cases: without FALSE the org's assignment rules undo a
reassignment. https://developer.salesforce.com/docs/platform/api-rest/guide/headers-autoassign.html"""
QUERY_OPTIONS: Final = "Sforce-Query-Options"
LIMIT_INFO: Final = "Sforce-Limit-Info"

PAGE_ROWS: Final = 2000
"""The largest page; the server may answer with less."""
EMAIL_PAGE_ROWS: Final = 500
"""Headers of an e-mail may have 32,000 characters; 2,000 such rows would be more than a call may read."""
COLLECTION_ROWS: Final = 200
"""Most records of one collections call."""
QUERIES_PER_CALL: Final = 5
"""Most queries in one composite call, which counts as one call.
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-composite.html"""
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

KINDS: Final = {LEAD: "lead", CASE: "ticket"}
OBJECTS: Final = {kind: name for name, kind in KINDS.items()}
PREFIXES: Final = {"00Q": LEAD, "500": CASE}
"""The first three characters of an id tell its object."""
USER_PREFIX: Final = "005"
QUEUE_PREFIX: Final = "00G"


def page_rows(name: str) -> int:
    """How many rows of an object to ask for at once."""
    return min(PAGE_ROWS, EMAIL_PAGE_ROWS) if name == EMAIL else PAGE_ROWS
