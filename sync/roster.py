"""Who is meant by a name: the people, queues and teams of one CRM as of some instant.

Owns the resolution of ids, e-mail addresses, names, ``user:NAME``, ``queue:NAME`` and ``team:NAME``. Refuses to ask a
CRM, and to guess: a name that two active people share means nobody. Invariant: an id always means its own bearer, and
somebody active is meant before somebody inactive, a person before a queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from connectors.base import Person

TEAM: Final = "team:"
QUEUE: Final = "queue:"
USER: Final = "user:"


class Roster:
    """The people and queues of one CRM, as of ``at``."""

    def __init__(self, people: Iterable[Person], at: int) -> None:
        self.at = at
        self.inactive: set[str] = set()
        self._persons: dict[str, Person] = {}
        self._ids: dict[str, str] = {}
        self._bearers: dict[str, list[Person]] = {}
        self._teams: dict[str, list[str]] = {}
        for person in people:
            self._persons[person.id] = person
            self._ids[person.id.casefold()] = person.id
            if not person.active:
                self.inactive.add(person.id)
            for name in _names(person):
                self._bearers.setdefault(name.casefold(), []).append(person)
            for team in person.teams if person.active else ():
                self._teams.setdefault(team.casefold(), []).append(person.id)

    def resolve(self, text: str) -> str | None:
        """The id behind an e-mail address, a name, ``user:NAME``, ``queue:NAME`` or an id; None when nobody is meant,
        or more than one."""
        meant = self.meant(text)
        return meant[0] if len(meant) == 1 else None

    def meant(self, text: str) -> list[str]:
        """The ids of everybody whom a text may mean: several where it does not tell them apart."""
        if (known := self._ids.get(text.casefold())) is not None:
            return [known]
        bearers = {person.id: person for person in self._bearers.get(text.casefold(), ())}
        first = min(map(_place, bearers.values()), default=None)
        return [person.id for person in bearers.values() if _place(person) == first]

    def members(self, text: str) -> list[str]:
        """Whom one entry of a pool stands for: the active people of a ``team:NAME``, or the one who is named."""
        if text.startswith(TEAM):
            return sorted(self._teams.get(text.removeprefix(TEAM).casefold(), ()))
        one = self.resolve(text)
        return [] if one is None else [one]

    def like(self, text: str) -> tuple[str, ...]:
        """Every text of the kind of ``text`` that would mean somebody active: teams, queues, addresses, names, ids."""
        active = [person for person in self._persons.values() if person.active]
        if text.startswith(TEAM):
            return tuple(sorted({f"{TEAM}{team}" for person in active for team in person.teams}))
        if text.startswith(QUEUE):
            return tuple(sorted({f"{QUEUE}{one.name}" for one in active if _is_queue(one)}))
        people = [person for person in active if not _is_queue(person)]
        if "@" in text:
            return tuple(sorted(person.email for person in people if person.email))
        if text.startswith(USER):  # an id may have been cut short, as some CRMs show it
            return tuple(sorted({f"{USER}{person.name}" for person in people} | {person.id for person in people}))
        return tuple(sorted({person.name for person in people if person.name}))

    def names(self, user: str | None) -> tuple[str, ...]:
        """The address and the name of a person as a configuration writes them, where the CRM tells."""
        person = self._persons.get(user or "")
        if person is None:
            return ()
        return tuple(name for name in (person.email, f"{USER}{person.name}") if name and self.resolve(name) == user)

    def manager(self, user: str) -> str | None:
        """The id of a person's manager as the CRM says."""
        person = self._persons.get(user)
        return None if person is None or person.manager is None else self.resolve(person.manager)


def _is_queue(person: Person) -> bool:
    return person.id.startswith(QUEUE)


def _names(person: Person) -> list[str]:
    """What a person or queue is called beside the id."""
    own = [f"{QUEUE}{person.name}"] if _is_queue(person) else [person.name, f"{USER}{person.name}"]
    return [name for name in (*own, person.email) if name and name != USER]


def _place(person: Person) -> int:
    """Who is meant first of several bearers of a name."""
    return (0 if not _is_queue(person) else 1) if person.active else 2
