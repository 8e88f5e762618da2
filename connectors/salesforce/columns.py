"""Which Salesforce field fills which normalised field, and what a row must carry besides.

Owns the default columns of each object and the choice of what to select. Refuses to fetch personal data that nobody
asked for: names, subjects and addresses come only when a policy names them. Invariant: every column stands in the
order in which it is selected, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors.salesforce import names
from connectors.salesforce.settings import SalesforceSettings

SYSTEM: Final = (
    "Id", "SystemModstamp", "LastModifiedDate", "IsDeleted", "CreatedDate", "CreatedById", "CreatedBy.UserType",
    "LastModifiedById", "LastModifiedBy.UserType",
)  # fmt: skip

_RECORD: Final = {
    names.LEAD: (
        *SYSTEM, "Status", "OwnerId", "IsConverted", "ConvertedOpportunityId", "ConvertedContactId", "MasterRecordId",
    ),
    names.CASE: (*SYSTEM, "Status", "OwnerId", "IsClosed", "ContactId", "MasterRecordId"),
}  # fmt: skip
_ANSWER: Final = {
    names.TASK: (
        *SYSTEM, "WhoId", "WhatId", "OwnerId", "Status", "IsClosed", "TaskSubtype", "CallType", "CallDisposition",
        "CallDurationInSeconds", "CompletedDateTime",
    ),
    names.EVENT: (*SYSTEM, "WhoId", "WhatId", "OwnerId", "StartDateTime", "ActivityDateTime", "IsChild"),
    names.EMAIL: (*SYSTEM, "ParentId", "Incoming", "Status", "MessageDate", "IsPrivateDraft", "Headers"),
    names.COMMENT: (*SYSTEM, "ParentId", "IsPublished"),
    names.FEED_ITEM: (*SYSTEM, "ParentId", "Type", "Visibility"),
}  # fmt: skip
NEEDED: Final[Mapping[str, frozenset[str]]] = {names.EMAIL: frozenset({"ParentId", "Incoming"})}
"""Columns without which rows of an object would be misread: a customer's mail would look like our answer."""

_HISTORY: Final = ("Id", "CreatedDate", "CreatedById", "CreatedBy.UserType", "Field", "OldValue", "NewValue")

USUAL: Final[Mapping[str, Mapping[str, str]]] = {
    names.LEAD: {"source": "LeadSource", "channel": "LeadSource", "country": "Country"},
    names.CASE: {"source": "Origin", "channel": "Origin", "type": "Type", "priority": "Priority"},
}
"""Normalised fields that every snapshot carries."""

ON_REQUEST: Final[Mapping[str, Mapping[str, str]]] = {
    names.LEAD: {
        "name": "Name", "company": "Company", "title": "Title", "email": "Email", "phone": "Phone", "state": "State",
        "city": "City", "industry": "Industry", "rating": "Rating", "employees": "NumberOfEmployees",
        "revenue": "AnnualRevenue",
    },
    names.CASE: {
        "name": "Subject", "subject": "Subject", "number": "CaseNumber", "reason": "Reason",
        "company": "SuppliedCompany", "email": "SuppliedEmail", "phone": "SuppliedPhone", "account": "AccountId",
        "escalated": "IsEscalated",
    },
}  # fmt: skip
"""Normalised fields that a snapshot carries when a policy's condition or template names them."""


class Columns:
    """The columns of one connection's records: normalised name -> field path, per object."""

    def __init__(self, settings: SalesforceSettings, wanted: frozenset[str]) -> None:
        self.fields: dict[str, dict[str, str]] = {}
        self.written: dict[str, dict[str, str]] = {}
        self.tags: dict[str, str] = {}
        """The field that holds the tags of a record, by object."""
        for name in settings.objects:
            kind: Any = names.KINDS[name]
            chosen = dict(USUAL[name])
            chosen |= {field: path for field, path in ON_REQUEST[name].items() if field in wanted}
            for field, path in settings.fields.items():
                if isinstance(path, str):
                    chosen[field] = path
                elif kind in path:
                    chosen[field] = path[kind]
            self.fields[name] = chosen
            self.written[name] = dict(settings.write.get(kind, {}))
            if kind in settings.tags:
                self.tags[name] = settings.tags[kind]
        self._marker = settings.task_key

    def select(self, name: str, exists: Callable[[str], bool]) -> list[str]:
        """The paths to select of object ``name``, of those that exist for us."""
        if name in _RECORD:
            asked = (*_RECORD[name], *self.fields.get(name, {}).values(), *self.written.get(name, {}).values())
        elif name in names.HISTORIES:
            asked = (*_HISTORY, f"{names.HISTORIES[name]}Id")
        else:
            asked = _ANSWER[name]
            if name == names.TASK:
                # Without the key field our own tasks are known by a marker in their description.
                asked = (*asked, self._marker if exists(self._marker) else "Description")
        return [path for path in dict.fromkeys(asked) if exists(path)]
