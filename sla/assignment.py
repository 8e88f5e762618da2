"""Who gets a record next: the choice among the members of a pool.

Owns round robin, weighted and least-loaded choice with caps, hours and exclusions. Refuses to look anything up: who is
inactive, what each one carries and who had it before are arguments.
Invariant: the same arguments give the same choice, and every member is accounted for with a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sla.calendar import Calendar

_ROUNDS: Final = 50
"""How many of a pool's last rounds decide whose turn it is."""

STRATEGIES: Final = ("round_robin", "least_loaded", "weighted")


@dataclass(frozen=True, slots=True)
class Member:
    """One of a pool: ``user:ID``, a share of ``weight``, at most ``cap`` open records, hours of their own."""

    user: str
    weight: int = 1
    cap: int | None = None
    calendar: Calendar | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """People who share records. ``fallback`` (``user:ID`` or ``queue:ID``) gets what nobody may take, and whatever has
    been passed on ``max_hops`` times."""

    name: str
    members: tuple[Member, ...]
    strategy: str = "round_robin"
    fallback: str | None = None
    max_hops: int = 3


class Choice(NamedTuple):
    """Who was chosen (None: nobody, and there is no fallback), why, and what was said of each member."""

    owner: str | None
    reason: str
    considered: list[tuple[str, str]]


def choose(
    pool: Pool,
    now: int,
    *,
    history: Sequence[str] = (),
    open_counts: Mapping[str, int] | None = None,
    exclude: Collection[str] = (),
    inactive: Collection[str] = (),
    hops: int = 0,
) -> Choice:
    """The member who gets the next record at ``now`` (epoch milliseconds).

    ``history`` lists whom this pool chose before, oldest first; ``open_counts`` what each carries; ``exclude`` who may
    not have it (earlier owners); ``hops`` how often it was passed on already.
    """
    counts = open_counts or {}
    considered = [(m.user, _obstacle(m, now, counts, exclude, inactive) or "free") for m in pool.members]
    if hops >= pool.max_hops:
        return _fall_back(pool, f"passed on {hops} times already", considered)
    free = [member for member, (_, verdict) in zip(pool.members, considered, strict=True) if verdict == "free"]
    if not free:
        return _fall_back(pool, "nobody of the pool is free", considered)
    if pool.strategy == "least_loaded":
        chosen = min(free, key=lambda m: (counts.get(m.user, 0) / m.weight, _last_turn(m, history), m.user))
        reason = f"least loaded with {counts.get(chosen.user, 0)} open"
    else:
        chosen = _next_in_turn(pool, free, history)
        reason = "next in turn" if pool.strategy == "round_robin" else f"next in turn by weight {chosen.weight}"
    return Choice(chosen.user, reason, considered)


def _obstacle(
    member: Member, now: int, counts: Mapping[str, int], exclude: Collection[str], inactive: Collection[str]
) -> str | None:
    if member.user in inactive:
        return "inactive in the CRM"
    if member.user in exclude:
        return "had it before"
    if member.cap is not None and counts.get(member.user, 0) >= member.cap:
        return f"at the cap of {member.cap}"
    if member.calendar is not None and not member.calendar.is_open(now):
        return "outside their hours"
    return None


def _last_turn(member: Member, history: Sequence[str]) -> int:
    """How recently the member was chosen: the position in the history, -1 for never."""
    return max((i for i, user in enumerate(history) if user == member.user), default=-1)


def _next_in_turn(pool: Pool, free: list[Member], history: Sequence[str]) -> Member:
    """The one furthest behind their share; between equals the one whose turn is longest ago, then the pool's order.

    Smooth weighted round robin: each turn gives everybody their weight and takes the whole from the chosen. Nobody
    is owed more than one round, so that nobody returns from a holiday to a flood.
    """
    order = {member.user: i for i, member in enumerate(pool.members)}
    whole = sum(member.weight for member in pool.members)
    owed = dict.fromkeys(order, 0)
    for user in history[-_ROUNDS * whole :]:
        for member in pool.members:
            owed[member.user] = min(owed[member.user] + member.weight, whole)
        if user in owed:
            owed[user] -= whole
    return min(free, key=lambda m: (-(owed[m.user] + m.weight), _last_turn(m, history), order[m.user]))


def _fall_back(pool: Pool, why: str, considered: list[tuple[str, str]]) -> Choice:
    if pool.fallback is None:
        return Choice(None, f"{why}, and the pool has no fallback", considered)
    return Choice(pool.fallback, f"{why}: to the fallback", considered)
