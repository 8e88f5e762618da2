"""What an event means to clocks, as a set of bits.

Owns the alphabet between a record's history and the metrics. Refuses any notion of a policy.
Invariant: a bit says that something *happened* at the event's instant, never that something *is*.
"""

from __future__ import annotations

from typing import Final

CREATED: Final = 1 << 0
"""The record came to be."""
ASKED: Final = 1 << 1
"""Somebody outside began to wait: a lead or a customer's ticket was made; for a lead, an inquiry came again."""
CUSTOMER: Final = 1 << 2
"""A customer's message."""
REPLY: Final = 1 << 3
"""An answer beyond doubt: by a person of the team, visible to the customer."""
CALL_ATTEMPT: Final = 1 << 4
SEQUENCE_EMAIL: Final = 1 << 5
STATUS_CHANGE: Final = 1 << 6
"""A person moved the record out of ``new``."""
SOLVE: Final = 1 << 7
"""A person resolved the record."""
BY_OWNER: Final = 1 << 8
"""Whatever answered, the record's owner did it."""
RESOLVED: Final = 1 << 9
REOPENED: Final = 1 << 10
REOPENED_BY_TEAM: Final = 1 << 11
OWNED: Final = 1 << 12
"""A person became the owner."""
OWNER_CHANGED: Final = 1 << 13
PENDING: Final = 1 << 14
"""The wait for the customer began."""
UNPENDING: Final = 1 << 15
"""The wait for the customer ended."""
FIELDS: Final = 1 << 16
"""At least one field has another value."""
DELETED: Final = 1 << 17
RESTORED: Final = 1 << 18
MERGED: Final = 1 << 19
DISQUALIFIED: Final = 1 << 20
MOVED: Final = 1 << 21
"""Automation converted it: the wait goes on with the record it became."""
EXCUSED: Final = 1 << 22
EXTENDED: Final = 1 << 23
TERMS: Final = 1 << 24
"""A field that the terms of some policy depend on has another value."""

ANSWER_WORDS: Final = {
    "call_attempt": CALL_ATTEMPT,
    "sequence_email": SEQUENCE_EMAIL,
    "status_change": STATUS_CHANGE,
    "solve_without_reply": SOLVE,
}
"""What a policy can let count as an answer, beside a reply."""

ANSWERS: Final = REPLY | CALL_ATTEMPT | SEQUENCE_EMAIL | STATUS_CHANGE | SOLVE

TRIGGER_WORDS: Final = {
    "created": CREATED,
    "asked": ASKED,
    "customer_message": CUSTOMER,
    "resolved": RESOLVED,
    "reopened": REOPENED,
    "assigned": OWNED,
    "owner_changed": OWNER_CHANGED,
}
"""The words of a spelled-out ``start`` and ``stop``, beside ``answer`` and conditions on fields."""
