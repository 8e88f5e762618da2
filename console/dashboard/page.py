"""What the page shows: rows of the store turned into words, shapes and figures for people.

Owns the wording and the order on the page. Refuses HTTP, HTML and the clock: ``now`` is an argument. Invariant: nothing
here depends on when it is drawn but what is marked with the instant it counts to, so an unchanged store is an
unchanged page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from console import calls_text
from console.output import length
from console.risk_text import percent
from sla.instant import format_instant

if TYPE_CHECKING:
    from sla.figures.risk import Chance
    from sync.clock_row import ClockName
    from sync.view import ClockRow, ConnectionRow, LedgerRow, View

SOON_MS: Final = 15 * 60_000
STALE_BEAT_MS: Final = 30_000
ROWS: Final = 100
LOOKED_AT: Final = 2_000
"""How many open clocks are read to find the rows and to count."""

EFFECTS: Final = 40


class Filter(NamedTuple):
    """A choice of clocks: its label, the words of the verdict that it asks for, and whether it wants those that are
    measured only."""

    label: str
    state: str | None = None
    outcome: str | None = None
    measured: bool = False


FILTERS: Final = {
    "open": Filter("All open"),
    "overdue": Filter("Overdue", outcome="missed"),
    "running": Filter("Running", state="running"),
    "paused": Filter("Paused", state="paused"),
    "measured": Filter("Measured only", measured=True),
}

# A shape beside every colour: nobody has to see colours to read the page.
_SHAPES: Final = {"overdue": "▲", "soon": "◆", "running": "●", "paused": "‖", "met": "✓"}
_CONNECTION_SHAPES: Final = {"ok": "●", "retrying": "◆", "stopped": "■"}
_EFFECT_WORDS: Final = {
    "write": "written",
    "step": "step",
    "drop": "left undone",
    "dead": "failed",
    "notice": "notice",
    "notify": "notice",
    "alarm": "alarm",
    "retry": "tried again",
    "pause": "paused",
    "resume": "resumed",
}


_SAID: Final = {"task": "task", "note": "comment", "tag": "tag", "message": "to the customer"}


class Choice(NamedTuple):
    """Which clocks the viewer wants to see. An unknown word means all of them."""

    show: str = "open"
    connection: str | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Choice:
        show = query.get("show", "open")
        return cls(show if show in FILTERS else "open", query.get("connection") or None)


def build(view: View, choice: Choice, now: int, mode: str) -> dict[str, Any]:
    """Everything that the page shows, ready for the template."""
    summary = view.summary()
    connections = view.connections()
    found = view.clocks(measured=False, limit=LOOKED_AT)
    shown = view.clocks(measured=True, limit=LOOKED_AT) if FILTERS[choice.show].measured else found
    clocks = [row for row in shown if _wanted(row, choice)]
    chances = _chances(view, clocks[:ROWS], now)
    words = summary.clocks if len(found) == LOOKED_AT else Counter(row.outcome or row.state for row in found)
    overdue = summary.overdue_open if len(found) == LOOKED_AT else words["missed"]
    return {
        "now": now,
        "mode": mode,
        "paused": summary.paused,
        "daemon": summary.daemon is not None,
        "beat_at": summary.daemon.beat_at if summary.daemon else None,
        "figures": _figures(overdue, words.get("running", 0), words.get("paused", 0), summary.clocks),
        "queues": {
            "inbox": summary.inbox_new,
            "outbox": sum(summary.outbox.get(state, 0) for state in ("waiting", "sending")),
            "dead": summary.outbox.get("dead", 0) + summary.inbox_dead,
        },
        "records": summary.records,
        "filters": [{"name": name, "label": wanted.label} for name, wanted in FILTERS.items()],
        "choice": choice,
        "connections": [connection_words(row, now) for row in connections],
        "clocks": [_clock(row, now, chances.get(_name(row))) for row in clocks[:ROWS]],
        "more": len(clocks) > ROWS,
        "effects": [_effect(row) for row in reversed(view.ledger(limit=EFFECTS))],
    }


def _figures(overdue: int, running: int, paused: int, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {"label": "overdue", "value": overdue, "tone": "overdue" if overdue else "calm", "shape": _SHAPES["overdue"]},
        {"label": "running", "value": running, "tone": "calm", "shape": _SHAPES["running"]},
        {"label": "paused", "value": paused, "tone": "calm", "shape": _SHAPES["paused"]},
        {"label": "met in time", "value": counts.get("met", 0), "tone": "calm", "shape": _SHAPES["met"]},
    ]


def _chances(view: View, rows: list[ClockRow], now: int) -> dict[tuple[str, ClockName], Chance]:
    """The chances to miss of the clocks shown, as of ``now``."""
    records = list(dict.fromkeys(row.record for row in rows if row.outcome is None))
    found = view.at_risk(now, records) if records else []
    return {(one.record, one.name): one.chance for one in found if one.chance is not None}


def _name(row: ClockRow) -> tuple[str, ClockName]:
    return row.record, (row.target, row.policy, row.cycle)


def _risk(chance: Chance, now: int) -> dict[str, str]:
    """A chance in words: how great, of how many, and in full, with the instant that it counts to."""
    compared = f" of {chance.count:,} like it ({chance.segment})" if chance.segment else ""
    bounds = f"{percent(chance.low)} to {percent(chance.high)}"
    return {
        "text": percent(chance.probability),
        "title": f"chance to miss as of {format_instant(now)}:{compared or ' its time is used up'}, {bounds}",
    }


def _clock(row: ClockRow, now: int, chance: Chance | None = None) -> dict[str, Any]:
    tone = _tone(row, now)
    used = row.verdict.get("elapsed_s", 0) / max(row.verdict.get("within_s", 1), 1)
    _, kind, crm_id = row.record.split(":", 2)
    return {
        "record": row.record,
        "connection": row.record.partition(":")[0],
        "name": row.title or f"{kind} {crm_id}",
        "kind": kind,
        "id": crm_id,
        "owner": _person(row.owner),
        "status": row.status,
        "target": row.target.replace("_", " "),
        "cycle": row.cycle,
        "policy": row.policy,
        "tone": tone,
        "shape": _SHAPES[tone],
        "due_at": row.due_at,
        "due_text": None if row.due_at is None else format_instant(row.due_at),
        "left": length(row.verdict.get("remaining_s")),
        "used": min(100, round(100 * used)),
        "within": length(row.verdict.get("within_s")),
        "next_step": _next_step(row.verdict.get("steps", [])),
        "risk": None if chance is None else _risk(chance, now),
    }


def _wanted(row: ClockRow, choice: Choice) -> bool:
    wanted = FILTERS[choice.show]
    return (
        wanted.state in (None, row.state)
        and wanted.outcome in (None, row.outcome)
        and choice.connection in (None, row.record.partition(":")[0])
    )


def _tone(row: ClockRow, now: int) -> str:
    if row.outcome == "missed" or (row.due_at is not None and row.due_at < now):
        return "overdue"
    if row.state == "paused":
        return "paused"
    return "soon" if row.due_at is not None and row.due_at - now <= SOON_MS else "running"


def _next_step(steps: list[dict[str, Any]]) -> str | None:
    ahead = [step for step in steps if not step["reached"] and step["instant"]]
    return str(min(ahead, key=lambda step: step["instant"])["at"]) if ahead else None


def _person(owner: str | None) -> str:
    """``user:5`` as ``user 5``; nobody in words."""
    return owner.replace(":", " ", 1) if owner else "nobody"


def connection_words(row: ConnectionRow, now: int) -> dict[str, Any]:
    """What the page shows of one connection as of ``now`` (epoch ms)."""
    return {
        "name": row.name,
        "connector": row.connector,
        "state": row.state,
        "shape": _CONNECTION_SHAPES.get(row.state, "◆"),
        "reason": row.reason,
        "ok_at": row.ok_at,
        "ok_text": None if row.ok_at is None else format_instant(row.ok_at),
        "retry_at": row.retry_at,
        "records": row.records,
        "waiting": row.waiting,
        "dead": row.dead,
        "quota": [
            {"window": quota.window, "used": quota.used, "max": quota.max} for quota in row.quota if quota.max > 0
        ],
        "calls": calls_text.lines(row, now),
    }


def _effect(row: LedgerRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.at,
        "at_text": format_instant(row.at),
        "what": _EFFECT_WORDS.get(row.what, row.what.replace("_", " ")),
        "tone": "overdue" if row.what in ("dead", "alarm") else "calm",
        "record": row.record,
        "text": describe(row.what, row.body),
    }


def describe(what: str, body: Mapping[str, Any]) -> str:
    """A ledger row in a few words."""
    if what == "step":
        text = f"{body.get('target')} {body.get('step')}: {body.get('decision')}".replace("_", " ")
    elif what == "alarm":
        text = str(body.get("alarm", what))
    elif what == "watch":
        text = f"{body.get('watch')}: {body.get('key')}"
    else:
        inner = body.get("body")
        content: Mapping[str, Any] = inner if isinstance(inner, dict) else body
        text = _action(str(body.get("action", "")), content) or _plain(content)
    reason = body.get("reason")
    return f"{text} - {reason}" if text and reason else str(text or reason or what)


def _action(action: str, body: Mapping[str, Any]) -> str:
    if action == "fields":
        return ", ".join(f"{name} = {_value(name, value)}" for name, value in _values(body))
    if action == "set":
        return "set " + ", ".join(f"{name} = {value}" for name, value in _values(body))
    if action in _SAID:
        return f"{_SAID[action]}: {body.get('subject', '')}"
    if action == "webhook":
        return f"webhook {body.get('webhook', '')}"
    if action == "owner":
        owner = body.get("owner")
        why = f" ({body['reason']})" if body.get("reason") else ""
        return f"owner {owner}{why}" if owner else f"owner by {body.get('wish') or body.get('pool', '')}"
    return str(body.get("text") or body.get("subject") or "")


def _values(body: Mapping[str, Any]) -> list[tuple[str, Any]]:
    values = body.get("values")
    return list(values.items()) if isinstance(values, dict) else []


def _value(name: str, value: Any) -> str:
    if isinstance(value, int) and name.endswith(("_due", "_at")):
        return format_instant(value)
    return "empty" if value is None else str(value)


def _plain(body: Mapping[str, Any]) -> str:
    hidden = ("key", "body", "reason", "why", "expect")
    return ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in body.items()
        if name not in hidden and isinstance(value, (str, int))
    )
