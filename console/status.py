"""``status``: one screen about the daemon, its connections, clocks and queues.

Owns its layout. Refuses to judge: it shows what the store holds. Invariant: it works while the daemon is busy, and when
the rest of the configuration is broken.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from console import calls_text, options, output

if TYPE_CHECKING:
    from sync.view import ClockRow, ConnectionRow, Summary

_NEXT = 5
_INSTANTS = frozenset({"at", "begin_at", "resets_at", "until", "heard_at", "retry_at"})


@click.command()
@options.config
@options.json()
def status(config: Path, as_json: bool) -> None:
    """Connections, lag, quota, clocks by state, queues and dead letters."""
    from console.objectives import current_objectives
    from console.risk_text import risk_document, risk_line
    from console.store import view
    from sync.configuration import load_daemon

    daemon = load_daemon(config)
    with view(daemon.database) as opened:
        summary, connections = opened.summary(), opened.connections()
        # A daemon under a clock of its own, as in the demonstration, may be ahead of this machine's.
        now = max(options.current(None), summary.daemon.beat_at if summary.daemon else 0)
        next_due = [row for row in opened.clocks(limit=_NEXT) if row.due_at is not None]
        riskiest = [one for one in opened.at_risk(now) if one.chance is not None][:_NEXT]
    objectives = current_objectives(config, daemon.database, now)
    if as_json:
        document = _document(daemon.mode, summary, connections, next_due)
        document["riskiest"] = [risk_document(one) for one in riskiest]
        output.print_json({**document, "objectives": [row.document for row in objectives]})
    else:
        _print(daemon.mode, summary, connections, next_due, now)
        for one in riskiest:
            output.say(risk_line(one))
        for row in objectives:
            output.say(row.line)


def _document(
    mode: str, summary: Summary, connections: list[ConnectionRow], next_due: list[ClockRow]
) -> dict[str, Any]:
    daemon = summary.daemon
    return {
        "mode": mode,
        "paused": summary.paused,
        "daemon": None
        if daemon is None
        else {
            "pid": daemon.pid,
            "started_at": output.instant(daemon.started_at),
            "beat_at": output.instant(daemon.beat_at),
        },
        "records": summary.records,
        "clocks": summary.clocks,
        "overdue": summary.overdue_open,
        "inbox": {"new": summary.inbox_new, "dead": summary.inbox_dead},
        "outbox": summary.outbox,
        "next_due": [
            {"record": row.record, "target": row.target, "due_at": output.instant(row.due_at)} for row in next_due
        ],
        "connections": [_connection_document(row) for row in connections],
    }


def _connection_document(row: ConnectionRow) -> dict[str, Any]:
    document = msgspec.to_builtins(row)
    for name in ("enforce_from", "ok_at", "retry_at"):
        document[name] = None if document[name] is None else output.instant(document[name])
    shown = [*document["quota"], *document["held"], *document["reading"], document["allowance"] or {}]
    shown += document["channels"]
    for part in shown:
        for name in _INSTANTS & part.keys():
            part[name] = None if part[name] is None else output.instant(part[name])
    return dict(document)


def _print(mode: str, summary: Summary, connections: list[ConnectionRow], next_due: list[ClockRow], now: int) -> None:
    daemon = summary.daemon
    output.say(f"daemon     {_daemon_words(daemon.pid, daemon.beat_at, now) if daemon else 'never ran'}, mode {mode}")
    if summary.paused:
        output.say("write-backs are paused; `sla-sidecar resume` lets them go on")
    clocks = ", ".join(f"{count} {word}" for word, count in sorted(summary.clocks.items())) or "none"
    output.say(f"clocks     {clocks}; {summary.overdue_open} overdue and open; {summary.records} records")
    waiting = summary.outbox.get("waiting", 0) + summary.outbox.get("sending", 0)
    output.say(f"inbox      {summary.inbox_new} to read, {summary.inbox_dead} dead")
    output.say(f"outbox     {waiting} waiting, {summary.outbox.get('dead', 0)} dead")
    output.say()
    table = output.table("connection", "state", "last read", ">records", ">waiting", ">dead", "quota", "~reason")
    for row in connections:
        quota = ", ".join(f"{q.used:,}/{q.max:,} per {q.window}" for q in row.quota)
        read = _ago(row.ok_at, now)
        output.add_row(table, row.name, row.state, read, row.records, row.waiting, row.dead, quota, row.reason)
    if connections:
        output.out().print(table)
    else:
        output.say("no connection has been read yet")
    for row in connections:
        for line in calls_text.lines(row, now):
            output.say(f"{row.name}: {line}")
    for clock in next_due:
        ahead = (clock.due_at or now) - now
        words = f"in {output.length(ahead / 1_000)}" if ahead >= 0 else _ago(clock.due_at, now)
        output.say(f"due {words}: {clock.record} {clock.target}")


def _daemon_words(pid: int, beat_at: int, now: int) -> str:
    return f"process {pid}, last sign of life {_ago(beat_at, now)}"


def _ago(at: int | None, now: int) -> str:
    return "never" if at is None else f"{output.length(max(0, now - at) / 1_000)} ago"
