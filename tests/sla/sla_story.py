"""Short words for the timelines and verdicts of these tests. Knows the public formats and nothing of how clocks work.

Instants read ``"Mon 10:00"``: the week that begins on Monday 2 March 2026, in UTC; ``"Mon+1 10:00"`` is a week later,
``"Mon+2"`` two. Text with a ``T`` in its middle is ISO 8601 already and taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import date, timedelta
from typing import Any

from sla.fold import evaluate

MONDAY = date(2026, 3, 2)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CALENDARS = {
    "office": {"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}},
    "always": {"timezone": "UTC", "hours": "24x7"},
}
MINUTE, HOUR = 60, 3600

_SHORT = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:\+(\d+))? (\d\d:\d\d)(:\d\d(?:\.\d+)?)?")


def instant(text: str) -> str:
    """``"Mon 10:00"`` as ``2026-03-02T10:00:00Z``."""
    if "T" in text[4:]:
        return text
    match = _SHORT.fullmatch(text)
    assert match, f"{text!r} is no instant of these tests"
    day = MONDAY + timedelta(days=DAYS.index(match[1]) + 7 * int(match[2] or 0))
    return f"{day.isoformat()}T{match[3]}{match[4] or ':00'}Z"


# ---- configurations


def target(metric: str, within: Any, **more: Any) -> dict[str, Any]:
    return {"metric": metric, "within": within, **more}


def policy(*targets: dict[str, Any], name: str = "Support", **more: Any) -> dict[str, Any]:
    return {"name": name, "applies_to": "ticket", "calendar": "office", "targets": list(targets), **more}


def config(*policies: dict[str, Any], match: str | None = None, calendars: Any = None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "calendars": deepcopy({**CALENDARS, **(calendars or {})}),
        "policies": deepcopy(list(policies)),
    }
    if match is not None:
        document["daemon"] = {"match": match}
    return document


def promise(metric: str, within: Any, **more: Any) -> dict[str, Any]:
    """A configuration of one policy for tickets with one target; ``more`` goes to whichever of both knows the key."""
    of_policy = {k: more.pop(k) for k in ("applies_to", "when", "recompute", "name", "stage") if k in more}
    return config(policy(target(metric, within, **more), **of_policy))


# ---- events, as lines of the public timeline format


def event(at: str, word: str, *, record: str = "desk:ticket:1", **more: Any) -> dict[str, Any]:
    return {"record": record, "at": instant(at), "event": word, **more}


def created(at: str, *, actor: str = "customer:7", kind: str | None = None, **more: Any) -> dict[str, Any]:
    """A record of status ``new`` unless told otherwise; keys that are no words of the format become its fields."""
    line = {k: more.pop(k) for k in ("record", "id", "seq", "seen") if k in more}
    line["kind"] = kind or line.get("record", "desk:ticket:1").split(":")[1]
    return event(at, "created", actor=actor, set={"status": "new", **more}, **line)


def changed(at: str, *, actor: str = "user:3", **more: Any) -> dict[str, Any]:
    line = {k: more.pop(k) for k in ("record", "id", "seq", "seen") if k in more}
    return event(at, "changed", actor=actor, set=more, **line)


def reply(at: str, *, actor: str = "user:3", **more: Any) -> dict[str, Any]:
    """A person of the team writes to the customer."""
    return event(at, "message", actor=actor, **{"direction": "outbound", "public": True, **more})


def asks(at: str, *, actor: str = "customer:7", **more: Any) -> dict[str, Any]:
    """The customer writes."""
    return event(at, "message", actor=actor, direction="inbound", public=True, **more)


def activity(at: str, what: str, *, actor: str = "user:5", **more: Any) -> dict[str, Any]:
    return event(at, "activity", actor=actor, activity=what, **more)


# ---- what comes out


def verdicts(configuration: Any, lines: Iterable[Mapping[str, Any]], now: str) -> list[dict[str, Any]]:
    return [clock.verdict() for clock in evaluate(configuration, list(lines), instant(now))]


def only(configuration: Any, lines: Iterable[Mapping[str, Any]], now: str) -> dict[str, Any]:
    """The verdict of the single clock there is."""
    found = verdicts(configuration, lines, now)
    assert len(found) == 1, found
    return found[0]


def pick(found: Iterable[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    """The one verdict with these values, such as ``record=…``, ``target=…``, ``cycle=2``."""
    fitting = [v for v in found if all(v[k] == value for k, value in wanted.items())]
    assert len(fitting) == 1, (wanted, fitting)
    return fitting[0]


def check(verdict: Mapping[str, Any], **expected: Any) -> None:
    """Compares the named parts of a verdict with literal values; instants may be short."""
    wanted = {k: instant(v) if k.endswith("_at") and v is not None else v for k, v in expected.items()}
    assert {k: verdict[k] for k in wanted} == wanted


def ladder(verdict: Mapping[str, Any]) -> list[tuple[str, str | None, bool]]:
    """The steps of a verdict as (at, instant, reached)."""
    return [(step["at"], step["instant"], step["reached"]) for step in verdict["steps"]]


def rung(at: str, when: str | None, reached: bool) -> tuple[str, str | None, bool]:
    """A step as ``ladder`` lists it."""
    return at, None if when is None else instant(when), reached
