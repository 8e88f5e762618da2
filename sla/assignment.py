"""Who gets a record next: the choice among the members of a pool.

Owns round robin, weighted and least-loaded choice with caps, hours, exclusions and the question who can still be in
time. Refuses to look anything up: who is inactive, what each one carries and who had it before are arguments.
Invariant: the same arguments give the same choice, and every member is accounted for with a reason.

Taking turns is a line of places. A member of weight w who was chosen at a place stands again 1/w of a round further
on; whoever stands first of those that may is next. The line never waits: one who fell behind, by absence or by an
exclusion, stands where the line has got to, so they are next once and nothing is made up for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from sla.calendar import Calendar

ROUND: Final = 5_354_228_880
"""Length of a round on a pool's line: divisible by every weight up to 24, so that shares are whole."""

STRATEGIES: Final = ("round_robin", "least_loaded", "weighted")

CHOSEN: Final = "chosen"
FREE: Final = "free"
INACTIVE: Final = "inactive in the CRM"
HAD_IT: Final = "had it before"
UNMEETABLE: Final = "unmeetable by design: nobody of the pool who is free can meet due within their hours"


@dataclass(frozen=True, slots=True)
class Member:
    """One of a pool: ``user:ID``, a share of ``weight``, at most ``cap`` open records, hours of their own (absences
    taken out)."""

    user: str
    weight: int = 1
    cap: int | None = None
    calendar: Calendar | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """People who share records. ``fallback`` (``user:ID`` or ``queue:ID``) gets what nobody may take, and whatever has
    been passed on ``max_hops`` times. ``needs``: the least working time that handling a record takes, milliseconds."""

    name: str
    members: tuple[Member, ...]
    strategy: str = "round_robin"
    fallback: str | None = None
    max_hops: int = 3
    needs: int = 0


class Candidate(msgspec.Struct, frozen=True):
    """What was said of one member: a ``verdict``, how many records they have ``open``, and whose ``turn`` it was: 1 is
    first in line."""

    user: str
    verdict: str
    open: int
    turn: int


class Choice(NamedTuple):
    """Who was chosen and why; ``owner`` None: nobody, and there is no fallback.

    ``considered`` are the members in the pool's order. ``place`` is where on the pool's line the chosen one stood, None
    for a choice that was nobody's turn. ``final``: asking again later would find nobody either.
    """

    owner: str | None
    reason: str
    considered: Sequence[Candidate] = ()
    pool: str | None = None
    place: int | None = None
    final: bool = False

    def told(self) -> dict[str, Any]:
        """The choice as the ledger keeps it: owner, reason, pool and who was considered."""
        considered = [msgspec.structs.asdict(candidate) for candidate in self.considered]
        return {"owner": self.owner, "reason": self.reason, "pool": self.pool, "considered": considered}


def choose(
    pool: Pool,
    now: int,
    *,
    places: Mapping[str, int] | None = None,
    open_counts: Mapping[str, int] | None = None,
    exclude: Collection[str] = (),
    inactive: Collection[str] = (),
    unknown: Collection[str] = (),
    hops: int = 0,
    due_at: int | None = None,
) -> Choice:
    """The member who gets the next record at ``now``; instants are epoch milliseconds.

    ``places``: where on the line each stood when last chosen (``Choice.place``); ``open_counts``: what each carries;
    ``exclude``: who may not have it (earlier owners); ``unknown``: whom the CRM does not know; ``hops``: how often it
    was passed on already; ``due_at``: when its clock is due, None where nothing can be met any more or yet.
    """
    counts = open_counts or {}
    places = places or {}
    ahead = _ahead(pool, places)
    line = sorted(pool.members, key=lambda m: _rank(pool, m, ahead, places, counts))
    verdicts = {m.user: _obstacle(m, now, counts, exclude, inactive) for m in pool.members}
    verdicts.update((m.user, "unknown in the CRM") for m in pool.members if m.user in unknown)

    def answer(owner: str | None, reason: str, place: int | None = None) -> Choice:
        turns = {member.user: turn for turn, member in enumerate(line, 1)}
        considered = [
            Candidate(m.user, verdicts[m.user] or FREE, counts.get(m.user, 0), turns[m.user]) for m in pool.members
        ]
        return Choice(owner, reason, considered, pool.name, place)

    if hops >= pool.max_hops:
        return answer(*_fall_back(pool, f"passed on {hops} times already"))
    free = [member for member in line if verdicts[member.user] is None]
    if not free:
        lonely = "only earlier owners are left" if HAD_IT in verdicts.values() else "nobody of the pool is free"
        return answer(*_fall_back(pool, lonely))
    late = {member.user: why for member in free if (why := _too_late(pool, member, now, due_at))}
    verdicts.update(late)
    chosen = next((member for member in free if member.user not in late), free[0])
    verdicts[chosen.user] = CHOSEN
    reason = _reason(pool, chosen, counts)
    if chosen.user in late:
        reason = f"{UNMEETABLE}; {reason}"
    return answer(chosen.user, reason, ahead[chosen.user])


def _obstacle(
    member: Member, now: int, counts: Mapping[str, int], exclude: Collection[str], inactive: Collection[str]
) -> str | None:
    if member.user in inactive:
        return INACTIVE
    if member.cap is not None and counts.get(member.user, 0) >= member.cap:
        return f"at the cap of {member.cap}"
    if member.calendar is not None and not member.calendar.is_open(now):
        away = next(member.calendar.closures(now, now + 1), (now, now, None))[2] == "away"
        return "away" if away else "outside their hours"
    # Last, so that this verdict means: would be free otherwise.
    return HAD_IT if member.user in exclude else None


def _too_late(pool: Pool, member: Member, now: int, due_at: int | None) -> str | None:
    """Why the member cannot meet due any more; None when they can, or when there is nothing to be met."""
    if due_at is None or due_at <= now:
        return None
    left = due_at - now if member.calendar is None else member.calendar.elapsed_ms(now, due_at)
    if left >= max(pool.needs, 1):
        return None
    return f"cannot meet due: {_length(left)} of their time until then, {_length(pool.needs)} needed"


def _ahead(pool: Pool, places: Mapping[str, int]) -> dict[str, int]:
    """Where on the line each member stands now."""
    reached = max((places[member.user] for member in pool.members if member.user in places), default=0)
    found = {}
    for member in pool.members:
        last = places.get(member.user)
        # Half a share from the start of the line at first, so that the turns of weighted members are spread evenly.
        own = ROUND // (2 * member.weight) if last is None else last + ROUND // member.weight
        found[member.user] = max(own, reached)
    return found


def _rank(
    pool: Pool, member: Member, ahead: Mapping[str, int], places: Mapping[str, int], counts: Mapping[str, int]
) -> tuple[float, int, int, int]:
    """By load where that is asked for, then by place; of those at one place the one whose turn is longest ago."""
    load = counts.get(member.user, 0) / member.weight if pool.strategy == "least_loaded" else 0.0
    return load, ahead[member.user], places.get(member.user, -1), pool.members.index(member)


def _reason(pool: Pool, chosen: Member, counts: Mapping[str, int]) -> str:
    if pool.strategy == "least_loaded":
        return f"least loaded with {counts.get(chosen.user, 0)} open"
    return "next in turn" if chosen.weight == 1 else f"next in turn by weight {chosen.weight}"


def _fall_back(pool: Pool, why: str) -> tuple[str | None, str]:
    if pool.fallback is None:
        return None, f"{why}, and the pool has no fallback"
    return pool.fallback, f"{why}: to the fallback"


def _length(work: int) -> str:
    minutes = work // 60_000
    return f"{minutes // 60}h{minutes % 60:02d}m" if minutes >= 60 else f"{minutes}m"
