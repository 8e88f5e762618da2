"""What our own fields of a record should say: pure.

Owns the logical names and which clock each speaks of. Refuses the CRM's field names, and the store.
Invariant: the same clocks give the same values, so a rebuilt database writes nothing that already stands there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sla.clock import Clock

OVERALL: Final = frozenset({"sla_due", "sla_status", "sla_policy"})
WORST_FIRST: Final = ("missed", "running", "paused", "met", "excused", "cancelled")
_SECOND: Final = 1_000
_MISSING: Final = object()


@lru_cache(maxsize=1_024)
def slug(target: str) -> str:
    """A target's name as it begins a logical field: ``Proposal follow-up`` -> ``proposal_follow_up``."""
    return re.sub(r"[^a-z0-9]+", "_", target.lower()).strip("_")


def word(clock: Clock) -> str:
    """A clock in one word: how it ended, missed from the breach on, else running or paused."""
    return clock.outcome or clock.state


def desired(clocks: Iterable[Clock], writable: frozenset[str]) -> dict[str, Any]:
    """The value of every logical field in ``writable``. Instants are epoch ms on whole seconds, None to clear.

    Clocks of policies that are only tried out (stage ``shadow``) say nothing. No clocks, no values.
    """
    spoken = _latest(clocks)
    if not spoken or not writable:
        return {}
    values = {}
    for name, target, what in _plan(writable):
        if what == "sla":
            values[name] = _overall(name, spoken.values())
        elif target in spoken:
            values[name] = _of(spoken[target], what)
    return values


@lru_cache(maxsize=256)
def _plan(writable: frozenset[str]) -> tuple[tuple[str, str, str], ...]:
    """Logical names with the target that each speaks of, and what of it."""
    plan = []
    for name in sorted(writable):
        what = next((suffix for suffix in ("_breached_at", "_status", "_due") if name.endswith(suffix)), None)
        if name in OVERALL:
            plan.append((name, "", "sla"))
        elif what is not None:
            plan.append((name, name.removesuffix(what), what))
    return tuple(plan)


def _of(clock: Clock, what: str) -> Any:
    if what == "_status":
        return word(clock)
    return _whole(clock.due_ms if what == "_due" else clock.breached_ms)


def differing(
    wanted: Mapping[str, Any], seen: Mapping[str, Any], written: Mapping[str, Any], sending: Mapping[str, Any]
) -> dict[str, Any]:
    """What of ``wanted`` has to be written.

    ``seen`` is what the CRM last showed, ``written`` what we last made stand there, ``sending`` what is on its way. A
    value that we wrote and somebody changed is left alone: two who correct each other never end.
    """
    found = {}
    for name, value in wanted.items():
        if name in sending:
            settled = sending[name] == value
        else:
            settled = same(value, seen.get(name)) or same(value, written.get(name, _MISSING))
        if not settled:
            found[name] = value
    return found


def same(value: Any, other: Any) -> bool:
    """Whether two values stand for the same in a CRM: instants by the second, nothing and empty text alike."""
    if isinstance(value, int) and isinstance(other, int):
        return value // _SECOND == other // _SECOND
    if value in (None, ""):
        return other in (None, "")
    return bool(value == other)


def _latest(clocks: Iterable[Clock]) -> dict[str, Clock]:
    """Per target the clock that speaks for it: an open one before a stopped one, then the later start."""
    found: dict[str, Clock] = {}
    for clock in clocks:
        if clock.stage != "shadow":
            name = slug(clock.target)
            other = found.get(name)
            if other is None or _standing(clock) > _standing(other):
                found[name] = clock
    return found


def _standing(clock: Clock) -> tuple[bool, bool, int, int]:
    return clock.state != "stopped", clock.outcome != "cancelled", clock.started_ms, clock.cycle


def _overall(name: str, clocks: Collection[Clock]) -> Any:
    """What ``sla_due``, ``sla_status`` and ``sla_policy`` say of all clocks of a record."""
    if name == "sla_status":
        return min((word(clock) for clock in clocks), key=WORST_FIRST.index)
    due = min(
        ((clock.due_ms, clock.policy) for clock in clocks if clock.state != "stopped" and clock.due_ms is not None),
        default=None,
    )
    if name == "sla_due":
        return None if due is None else _whole(due[0])
    return max(clocks, key=_standing).policy if due is None else due[1]


def _whole(at: int | None) -> int | None:
    # CRMs keep whole seconds: a value with milliseconds would come back different and be written for ever.
    return None if at is None else at - at % _SECOND
