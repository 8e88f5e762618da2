"""Who gets a record: the pools of the configuration against the people of the CRM.

Owns the table ``assignment`` and the resolution of names. Refuses to choose: the rules of choice are ``sla``'s.
Invariant: a choice is stored with the row it was made for before the CRM hears of it, so a retry never chooses anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from connectors.base import Person
from sla.assignment import Choice, Member, Pool, choose
from sla.calendar import Calendar
from sla.model import DONE_STATUSES
from sync.store import Transaction

ROSTER_MS: Final = 600_000
"""How long the list of people is believed."""

_HISTORY: Final = 1_000


class MemberLike(Protocol):
    """One member of a pool as configured."""

    @property
    def user(self) -> str: ...
    @property
    def weight(self) -> int: ...
    @property
    def cap(self) -> int | None: ...
    @property
    def calendar(self) -> str | None: ...


class PoolLike(Protocol):
    """A pool as configured."""

    @property
    def name(self) -> str: ...
    @property
    def members(self) -> Sequence[Any]: ...
    @property
    def strategy(self) -> str: ...
    @property
    def fallback(self) -> str | None: ...
    @property
    def max_hops(self) -> int: ...


class Roster:
    """The people and queues of one CRM, as of ``at``."""

    def __init__(self, people: Iterable[Person], at: int) -> None:
        self.at = at
        self.inactive: set[str] = set()
        self._ids: dict[str, str] = {}
        for person in people:
            if not person.active:
                self.inactive.add(person.id)
            queue = person.id.startswith("queue:")
            names = (person.id, f"queue:{person.name}" if queue else person.name, person.email)
            for name in names:
                # An active person is meant before an inactive one of the same name.
                if name and (person.active or name.casefold() not in self._ids):
                    self._ids[name.casefold()] = person.id

    def resolve(self, text: str) -> str | None:
        """The id behind an e-mail address, a name, ``queue:NAME`` or an id; None when nobody is meant."""
        return self._ids.get(text.casefold())


class Desk:
    """Chooses owners for one daemon."""

    def __init__(self, pools: Mapping[str, PoolLike], calendars: Mapping[str, Calendar]) -> None:
        self._pools = pools
        self._calendars = calendars

    def knows(self, pool: str) -> bool:
        return pool in self._pools

    def is_of(self, pool: str, roster: Roster, owner: str | None) -> bool:
        """Whether ``owner`` is a member of the pool or its fallback."""
        made = self._made(pool, roster)
        return owner is not None and (owner == made.fallback or any(owner == member.user for member in made.members))

    def choose(
        self,
        transaction: Transaction,
        roster: Roster,
        pool: str,
        connection: str,
        record: str,
        holders: Sequence[Sequence[Any]],
        started_at: int,
        taken: Counter[str],
        now: int,
    ) -> Choice:
        """The next owner of ``record``. ``holders``: whose time it was since when; ``started_at``: when the clock that
        asks began; ``taken``: what each was given in this transaction already."""
        made = self._made(pool, roster)
        history = transaction.rows(
            "SELECT owner FROM assignment WHERE pool = ? ORDER BY at DESC, rowid DESC LIMIT ?", (pool, _HISTORY)
        )
        earlier = transaction.rows(
            "SELECT owner FROM assignment WHERE record = ? AND at >= ? ORDER BY at", (record, started_at)
        )
        return choose(
            made,
            now,
            history=[owner for (owner,) in reversed(history)],
            open_counts=_open_counts(transaction, connection, made) + taken,
            exclude=_owners_since(holders, started_at) | {owner for (owner,) in earlier},
            inactive=roster.inactive,
            hops=len(earlier),
        )

    def _made(self, name: str, roster: Roster) -> Pool:
        given = self._pools[name]
        members = [
            Member(user, member.weight, member.cap, self._calendars.get(member.calendar or ""))
            for member in given.members
            if (user := roster.resolve(member.user))
        ]
        fallback = roster.resolve(given.fallback) if given.fallback else None
        return Pool(name, tuple(members), given.strategy, fallback, given.max_hops)


def remember(transaction: Transaction, key: str, pool: str, owner: str, record: str, now: int) -> None:
    """Notes a choice under the key of the effect it was made for."""
    transaction.run(
        "INSERT INTO assignment (key, pool, owner, record, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
        (key, pool, owner, record, now),
    )


def forget(transaction: Transaction, key: str) -> None:
    """Takes a choice back that never took effect."""
    transaction.run("DELETE FROM assignment WHERE key = ?", (key,))


def _open_counts(transaction: Transaction, connection: str, pool: Pool) -> Counter[str]:
    users = [member.user for member in pool.members]
    counts: Counter[str] = Counter()
    for owner, status, count in transaction.select_in(
        "SELECT owner, status, count(*) FROM record WHERE owner IN ({}) AND connection = ? GROUP BY owner, status",
        users,
        (connection,),
    ):
        if status not in DONE_STATUSES:
            counts[owner] += count
    return counts


def _owners_since(holders: Sequence[Sequence[Any]], started_at: int) -> set[str]:
    """Whoever held the record at ``started_at`` or later."""
    ends = [holder[0] for holder in holders[1:]] + [None]
    return {
        name for (_, name), end in zip(holders, ends, strict=True) if end is None or end > started_at
    }  # fmt: skip
