"""Owners: the people and queues that records can belong to.

Owns who exists, who is deactivated and which team they are in. Refuses records.
Invariant: an owner's id, its user id and its e-mail address name the same owner, and ids follow from the seed.
https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Final

from emulators.hubspot.values import iso

_PEOPLE: Final = (
    ("maria@acme.test", "Maria", "Santos", "Inside Sales"),
    ("li@acme.test", "Li", "Wei", "Inside Sales"),
    ("sam@acme.test", "Sam", "Okafor", "Support"),
    ("jo@acme.test", "Jo", "Lindqvist", "Support"),
)
QUEUE: Final = "Unassigned"


@dataclass(slots=True)
class Owner:
    """``user_id`` is None for a queue; it stays known when the user is deactivated."""

    id: str
    first: str
    last: str
    created_ms: int
    updated_ms: int
    email: str | None = None
    user_id: int | None = None
    team: tuple[str, str] | None = None
    archived: bool = False

    @property
    def queue(self) -> bool:
        return self.user_id is None

    def body(self) -> dict[str, Any]:
        """Schema PublicOwner. A deactivated user has no ``userId`` any more, only ``userIdIncludingInactive``."""
        body: dict[str, Any] = {"id": self.id, "type": "QUEUE" if self.queue else "PERSON"}
        if self.email:
            body["email"] = self.email
        body |= {"firstName": self.first, "lastName": self.last}
        if self.user_id is not None:
            body |= {} if self.archived else {"userId": self.user_id}
            body["userIdIncludingInactive"] = self.user_id
        body |= {"createdAt": iso(self.created_ms), "updatedAt": iso(self.updated_ms), "archived": self.archived}
        if self.team:
            body["teams"] = [{"id": self.team[0], "name": self.team[1], "primary": True}]
        return body


class Owners:
    def __init__(self, dice: random.Random, now_ms: int) -> None:
        self.all: list[Owner] = []
        number = dice.randrange(10_000_000, 90_000_000)
        user = dice.randrange(10_000_000, 90_000_000)
        teams = {name: str(dice.randrange(100_000, 999_999)) for name in ("Inside Sales", "Support")}
        for email, first, last, team in _PEOPLE:
            number, user = number + dice.randrange(1, 999), user + dice.randrange(1, 999)
            self.all.append(Owner(str(number), first, last, now_ms, now_ms, email, user, (teams[team], team)))
        self.all.append(Owner(str(number + 7), QUEUE, "", now_ms, now_ms))

    def find(self, id: str) -> Owner | None:
        return next((owner for owner in self.all if owner.id == id), None)

    def by_user(self, user_id: str) -> Owner | None:
        return next((owner for owner in self.all if owner.user_id is not None and str(owner.user_id) == user_id), None)

    def named(self, word: str) -> Owner | None:
        """By id, e-mail address, first name or queue name: how people name each other in orders."""
        lower = word.lower()
        return next(
            (one for one in self.all if one.id == word or lower in ((one.email or "").lower(), one.first.lower())), None
        )

    def people(self, team: str | None = None) -> list[Owner]:
        """Active persons, of one team if given."""
        return [
            one for one in self.all
            if not one.queue and not one.archived and (team is None or (one.team and one.team[1] == team))
        ]  # fmt: skip
