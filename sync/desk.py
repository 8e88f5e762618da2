"""Who gets a record: the pools of the configuration against the people of the CRM.

Owns the table ``assignment`` and what a pool's entries stand for. Refuses to choose: the rules of choice are ``sla``'s.
Invariant: a choice is stored with the row it was made for before the CRM hears of it, so a retry never chooses anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from sla.assignment import CHOSEN, INACTIVE, Candidate, Choice, Member, Pool, choose
from sla.calendar import Calendar
from sla.instant import DAY
from sla.model import DONE_STATUSES
from sla.people import NOBODY, People
from sla.step import Wish
from sync.roster import TEAM, Roster
from sync.store import Transaction

__all__ = ["ROSTER_MS", "Ask", "Desk", "Roster", "forget", "remember"]

ROSTER_MS: Final = 600_000
"""How long the list of people is believed."""

_HORIZON_MS: Final = 400 * DAY
"""How far ahead absences are looked for: further than any promise reaches."""


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
    @property
    def needs(self) -> int: ...


class Ask(NamedTuple):
    """For which record an owner is looked for. Instants are epoch ms: ``started_at`` and ``due_at`` are those of the
    clock that asks. ``holders``: whose time it was since when. ``owner``: who has the record now."""

    connection: str
    record: str
    owner: str | None
    holders: Sequence[Sequence[Any]]
    started_at: int
    due_at: int | None
    now: int


class Desk:
    """Chooses owners for one daemon."""

    def __init__(
        self, pools: Mapping[str, PoolLike], calendars: Mapping[str, Calendar], people: People = NOBODY
    ) -> None:
        self._pools = pools
        self._calendars = calendars
        self._people = people
        self._hours: dict[tuple[str, str | None, int], Calendar | None] = {}

    def knows(self, pool: str) -> bool:
        return pool in self._pools

    def is_of(self, pool: str, roster: Roster, owner: str | None) -> bool:
        """Whether ``owner`` is a member of the pool or its fallback."""
        fallback = self._pools[pool].fallback
        if owner is None:
            return False
        return self._has_member(pool, roster, owner) or (fallback is not None and roster.resolve(fallback) == owner)

    def has_had(self, wish: Wish, roster: Roster, ask: Ask, instant: int) -> bool:
        """Whether the record seems to have gone where ``wish`` would send it since ``instant``, the one of the step."""
        if wish.kind == "pool":
            return self.knows(wish.name or "") and self.is_of(wish.name or "", roster, ask.owner)
        if wish.kind in ("next", "manager"):
            # Whoever has it now may have got it by this very step: then their own manager is the wrong one.
            return bool(ask.holders) and ask.holders[-1][0] >= instant
        return ask.owner is not None and roster.resolve(wish.name or "") == ask.owner

    def choose_for(self, transaction: Transaction, roster: Roster, wish: Wish, ask: Ask) -> Choice:
        """Whom a step's ``reassign`` means now. ``final`` choices of nobody will not become better by waiting."""
        match wish.kind:
            case "pool":
                return self._of_pool(transaction, roster, wish.name or "", ask)
            case "next":
                pool = next((name for name in self._pools if self._has_member(name, roster, ask.owner)), None)
                if pool is None:
                    return Choice(None, f"{ask.owner or 'nobody'} is a member of no pool", final=True)
                return self._of_pool(transaction, roster, pool, ask)
            case "manager":
                return self._manager_of(roster, ask.owner)
        return _named(roster, wish.name or "")

    # ---- pools

    def _of_pool(self, transaction: Transaction, roster: Roster, name: str, ask: Ask) -> Choice:
        if name not in self._pools:
            return Choice(None, f"there is no pool {name!r}", final=True)
        pool, unknown = self._made(name, roster, ask.now)
        users = [member.user for member in pool.members]
        earlier = transaction.rows(
            "SELECT owner FROM assignment WHERE record = ? AND at >= ? ORDER BY at", (ask.record, ask.started_at)
        )
        choice = choose(
            pool,
            ask.now,
            places=_places(transaction, name, users),
            open_counts=_open_counts(transaction, ask.connection, users),
            exclude=_owners_since(ask.holders, ask.started_at) | {owner for (owner,) in earlier},
            inactive=roster.inactive,
            unknown=unknown,
            hops=len(earlier),
            due_at=ask.due_at,
        )
        given = self._pools[name].fallback
        if choice.owner is None and given is not None:
            return choice._replace(reason=f"{choice.reason} that can have it: {_named(roster, given).reason}")
        return choice

    def _has_member(self, pool: str, roster: Roster, owner: str | None) -> bool:
        return owner is not None and any(owner in roster.members(m.user) for m in self._pools[pool].members)

    def _made(self, name: str, roster: Roster, now: int) -> tuple[Pool, set[str]]:
        """The pool with its people's ids, and those of its entries that stand for nobody in the CRM. Who is named
        and also in a team of the pool is a member as named."""
        given = self._pools[name]
        members: dict[str, Member] = {}
        unknown = set()
        for member in sorted(given.members, key=lambda member: member.user.startswith(TEAM)):
            users = roster.members(member.user)
            if not users:
                unknown.add(member.user)
            for user in users or [member.user]:
                hours = self._hours_of(member, roster, user if users else None, now)
                members.setdefault(user, Member(user, member.weight, member.cap, hours))
        fallback = _named(roster, given.fallback).owner if given.fallback else None
        pool = Pool(name, tuple(members.values()), given.strategy, fallback, given.max_hops, given.needs)
        return pool, unknown

    def _hours_of(self, member: MemberLike, roster: Roster, user: str | None, now: int) -> Calendar | None:
        """A member's own calendar, else the one that ``[people]`` gives them; without their absences either way."""
        own = self._calendars.get(member.calendar or "")
        listed = (self._people.get(name) for name in (member.user, user, *roster.names(user)))
        hours = next((colleague.hours for colleague in listed if colleague is not None), None)
        if own is None or hours is None:
            return own or hours
        key = (user or member.user, member.calendar, now // DAY)
        if key not in self._hours:
            self._hours = {known: found for known, found in self._hours.items() if known[2] == key[2]}
            away = [span for span in hours.closures(now - DAY, now + _HORIZON_MS) if span[2] == "away"]
            self._hours[key] = own.without([(start, end, "away") for start, end, _ in away]) if away else own
        return self._hours[key]

    # ---- people

    def _manager_of(self, roster: Roster, owner: str | None) -> Choice:
        """The manager of the owner; in place of an inactive one, theirs."""
        if owner is None or not owner.startswith("user:"):
            return Choice(None, "nobody owns it, so there is no manager", final=True)
        considered: list[Candidate] = []
        asked, seen = owner, {owner}
        while (manager := self._manager(roster, asked)) is not None and manager not in seen:
            seen.add(manager)
            if manager not in roster.inactive:
                return Choice(manager, f"manager of {asked}", [*considered, Candidate(manager, CHOSEN, 0, 1)])
            considered.append(Candidate(manager, INACTIVE, 0, len(seen)))
            asked = manager
        return Choice(None, f"no active manager of {owner} is known", considered, final=True)

    def _manager(self, roster: Roster, user: str) -> str | None:
        """As ``[people]`` says, by id, address or name, else as the CRM does."""
        for name in (user, *roster.names(user)):
            colleague = self._people.get(name)
            if colleague is not None and colleague.manager is not None:
                return roster.resolve(colleague.manager)
        return roster.manager(user)


def _named(roster: Roster, name: str) -> Choice:
    """Somebody named outright."""
    meant = roster.meant(name)
    if not meant:
        return Choice(None, f"{name} is unknown in the CRM", final=True)
    if len(meant) > 1:
        return Choice(None, f"{name} may mean {len(meant)} people of the CRM", final=True)
    owner = meant[0]
    if owner in roster.inactive:
        return Choice(
            None, f"{name} is inactive in the CRM", [Candidate(owner, "inactive in the CRM", 0, 1)], final=True
        )
    return Choice(owner, f"{name} is named by the step", [Candidate(owner, CHOSEN, 0, 1)])


def remember(transaction: Transaction, key: str, wish: str, choice: Choice, record: str, now: int) -> None:
    """Notes a choice under the key of the effect it was made for; ``wish`` is what the step asks for."""
    transaction.run(
        "INSERT INTO assignment (key, pool, owner, record, at, place) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO NOTHING",
        (key, choice.pool or wish, choice.owner, record, now, choice.place),
    )


def forget(transaction: Transaction, key: str) -> None:
    """Takes a choice back that never took effect."""
    transaction.run("DELETE FROM assignment WHERE key = ?", (key,))


def _places(transaction: Transaction, pool: str, users: Sequence[str]) -> dict[str, int]:
    """Where on the pool's line each of ``users`` stood when last chosen."""
    found = {}
    for user in users:
        row = transaction.one("SELECT max(place) FROM assignment WHERE pool = ? AND owner = ?", (pool, user))
        if row is not None and row[0] is not None:
            found[user] = row[0]
    return found


def _open_counts(transaction: Transaction, connection: str, users: Sequence[str]) -> Counter[str]:
    """What each carries, and what is on its way to them."""
    counts: Counter[str] = Counter()
    for owner, status, count in transaction.select_in(
        "SELECT owner, status, count(*) FROM record WHERE owner IN ({}) AND connection = ? AND into_record IS NULL"
        " AND NOT coalesce(json_extract(state, '$.deleted'), 0) GROUP BY owner, status",
        users,
        (connection,),
    ):
        if status not in DONE_STATUSES:
            counts[owner] += count
    for (owner,) in transaction.rows(
        "SELECT a.owner FROM outbox AS o JOIN assignment AS a ON a.key = o.key LEFT JOIN record AS r"
        " ON r.record = a.record WHERE o.connection = ? AND o.done_at IS NULL AND o.action = 'owner'"
        " AND r.owner IS NOT a.owner",
        (connection,),
    ):
        counts[owner] += 1
    return counts


def _owners_since(holders: Sequence[Sequence[Any]], started_at: int) -> set[str]:
    """Whoever held the record at ``started_at`` or later."""
    ends = [holder[0] for holder in holders[1:]] + [None]
    return {
        name for (_, name), end in zip(holders, ends, strict=True) if end is None or end > started_at
    }  # fmt: skip
