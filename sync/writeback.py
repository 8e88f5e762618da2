"""What our own fields of a record should say: pure.

Owns the logical names and which clock each speaks of. Refuses the CRM's field names, and the store.
Invariant: the same clocks give the same values, so a rebuilt database writes nothing that already stands there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sla.clock import Clock

WORST_FIRST: Final = ("missed", "running", "paused", "met", "excused", "cancelled")
_SECOND: Final = 1_000
_MISSING: Final = object()


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
    spoken = _latest(clock for clock in clocks if clock.stage != "shadow")
    if not spoken or not writable:
        return {}
    values = _overall(list(spoken.values()))
    for target, clock in spoken.items():
        name = slug(target)
        values[f"{name}_due"] = _whole(clock.due_ms)
        values[f"{name}_breached_at"] = _whole(clock.breached_ms)
        values[f"{name}_status"] = word(clock)
    return {name: value for name, value in values.items() if name in writable}


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
        other = found.get(clock.target)
        if other is None or _standing(clock) > _standing(other):
            found[clock.target] = clock
    return found


def _standing(clock: Clock) -> tuple[bool, bool, int, int]:
    return clock.state != "stopped", clock.outcome != "cancelled", clock.started_ms, clock.cycle


def _overall(clocks: list[Clock]) -> dict[str, Any]:
    due = sorted(
        (clock.due_ms, clock.policy) for clock in clocks if clock.state != "stopped" and clock.due_ms is not None
    )
    last = max(clocks, key=_standing)
    return {
        "sla_due": _whole(due[0][0]) if due else None,
        "sla_status": min((word(clock) for clock in clocks), key=WORST_FIRST.index),
        "sla_policy": due[0][1] if due else last.policy,
    }


def _whole(at: int | None) -> int | None:
    # CRMs keep whole seconds: a value with milliseconds would come back different and be written for ever.
    return None if at is None else at - at % _SECOND
