"""What an answer is, and what only looks like one.

Owns the classification of messages and activities. Refuses policies: they choose among the classes found here.
Invariant: every candidate gets either a class or a reason for its rejection.
"""

from __future__ import annotations

from typing import Final

from sla.model import Event
from sla.signal import CALL_ATTEMPT, CUSTOMER, REPLY, SEQUENCE_EMAIL

_REACHED: Final = frozenset({"", "connected", "completed", "answered", "held", "done", "success"})
_ANSWERING: Final = frozenset({"call", "email", "meeting"})


def is_team(actor: str | None) -> bool:
    """Whether a person of the team did it. An event that names nobody is taken for a person's."""
    return actor is None or actor.startswith("user:")


def classify(event: Event, requester: object) -> tuple[int, str | None]:
    """The signal of a message or activity, or 0 and why it is not an answer.

    ``requester`` is the record's own requester: a member of the team who asked does not answer himself.
    """
    return _message(event, requester) if event.event == "message" else _activity(event, requester)


def _message(event: Event, requester: object) -> tuple[int, str | None]:
    actor = event.actor or ""
    inbound = event.direction == "inbound" or (event.direction is None and actor.startswith("customer:"))
    if not event.public:
        return 0, "an internal note"
    if inbound:
        if event.automated or actor.startswith(("bot:", "workflow:", "system:")):
            return 0, "an automatic message of the customer's side"
        return CUSTOMER, None
    if actor.startswith(("bot:", "system:")):
        return 0, f"sent by {actor.partition(':')[0]}, not by a person"
    if actor.startswith("customer:") or (requester and actor == requester):
        return 0, "sent by the requester"
    if event.automated or actor.startswith("workflow:"):
        return SEQUENCE_EMAIL, None
    return REPLY, None


def _activity(event: Event, requester: object) -> tuple[int, str | None]:
    actor = event.actor or ""
    if event.activity not in _ANSWERING:
        return 0, f"a {event.activity or 'nameless activity'} reaches nobody"
    if not event.public:
        return 0, "not visible to the customer"
    if actor and not actor.startswith(("user:", "workflow:")):
        return 0, f"logged by {actor.partition(':')[0]}, not by a person"
    if requester and actor == requester:
        return 0, "logged by the requester"
    if event.automated or actor.startswith("workflow:"):
        return (SEQUENCE_EMAIL, None) if event.activity == "email" else (0, "logged by automation")
    outcome = (event.outcome or "").strip().lower()
    if outcome in _REACHED:
        return REPLY, None
    if event.activity == "call":
        return CALL_ATTEMPT, None
    if event.activity == "email":
        return REPLY, None
    return 0, f"a meeting that was {outcome}"


WHY_NOT_OPTED: Final = {
    CALL_ATTEMPT: "a call attempt, which this policy does not count",
    SEQUENCE_EMAIL: "a sequence or automatic e-mail, which this policy does not count",
}
