"""The vocabulary shared by every room: events, status categories, priorities, actors.

Owns the words of the timeline. Refuses behaviour: nothing here decides anything.
Invariant: every instant is an ``int`` of milliseconds since 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

STATUSES: Final = ("new", "open", "pending", "on_hold", "resolved", "closed", "disqualified", "converted")
"""Status categories. ``disqualified`` and ``converted`` exist for leads only."""

DONE_STATUSES: Final = frozenset({"resolved", "closed", "disqualified", "converted"})
"""Categories in which nobody is expected to work on the record any more."""

PRIORITIES: Final = ("urgent", "high", "normal", "low")
KINDS: Final = ("lead", "ticket", "deal")
EVENTS: Final = (
    "created", "changed", "message", "activity", "merged", "converted", "disqualified",
    "deleted", "restored", "excused", "extended",
)  # fmt: skip
ACTIVITIES: Final = ("call", "email", "meeting", "task", "note")
ACTORS: Final = ("user", "customer", "bot", "workflow", "system")

SYSTEM: Final = "system"
"""Whose time it is before a record was first seen or first routed."""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One fact about one record, in source time.

    ``at``, ``seen``, ``from_at`` and ``until`` are epoch milliseconds. ``(record, id)`` is the identity: the same
    pair twice is one event. Events of one instant are ordered by ``seq``, then by ``id``.

    ``snapshot`` marks a ``changed`` event that carries the whole mapped record as a CRM showed it at ``at``:
    only what differs from the state before it counts as changed, whatever order snapshots arrive in. A record's
    ``created`` event with an empty ``set`` takes the fields of its earliest snapshot (see ``sla.timeline.settle``).
    ``was``: what the fields of ``set`` held before, where a source's own history tells it.
    """

    record: str
    at: int
    id: str
    event: str
    kind: str | None = None
    seq: int | None = None
    seen: int | None = None
    actor: str | None = None
    set: dict[str, Any] | None = None
    direction: str | None = None
    public: bool = True
    automated: bool = False
    channel: str | None = None
    activity: str | None = None
    outcome: str | None = None
    into: str | None = None
    target: str | None = None
    from_at: int | None = None
    until: int | None = None
    reason: str | None = None
    by: str | None = None
    snapshot: bool = False
    was: dict[str, Any] | None = None


def record_name(connection: str, kind: str, id: str) -> str:
    """``connection:kind:id``, the name of a record everywhere in the product."""
    return f"{connection}:{kind}:{id}"


def split_record(record: str) -> tuple[str, str, str]:
    """The three parts of a record's name. Raises ValueError when it does not have three."""
    parts = record.split(":", 2)
    if len(parts) != 3 or not all(parts):
        raise ValueError(f"a record is named connection:kind:id, not {record!r}")
    return parts[0], parts[1], parts[2]
