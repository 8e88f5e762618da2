"""Receipts that need no answer of Salesforce: it is so already, or it would be refused. Pure.

Owns their wording. Refuses rows of answers, which ``faults`` reads. Invariant: none of them tells of a write.
"""

from __future__ import annotations

from connectors.base import Receipt, WriteBack


def there(write: WriteBack, crm_id: str | None = None, reason: str | None = None) -> Receipt:
    """It is so already."""
    return Receipt(key=write.key, outcome="done", wrote=False, crm_id=crm_id, reason=reason)


def refused(write: WriteBack, reason: str, code: str) -> Receipt:
    """It never will be as it is."""
    return Receipt(key=write.key, outcome="rejected", wrote=False, reason=reason, code=code)


def moved_on(write: WriteBack, reason: str) -> Receipt:
    """The record is not as expected."""
    return Receipt(key=write.key, outcome="conflict", wrote=False, reason=reason, code="CHANGED")


def gone(write: WriteBack) -> Receipt:
    return refused(write, "the record is gone", "ENTITY_IS_DELETED")
