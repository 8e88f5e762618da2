"""``explain RECORD``: its timeline, its clocks with every interval's cause, each step with its decision, each write.

Owns gathering the account of one record from the store or from a file. Refuses a second opinion: ``sla.explain``
evaluates. Invariant: the text and the JSON document say the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import options, output
from console.boundary import Failure

if TYPE_CHECKING:
    from sla.fold import Wait
    from sla.model import Event
    from sync.view import RecordView, View


@click.command()
@click.argument("record")
@options.config
@click.option(
    "--timeline",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True, exists=True),
    help="Explain from this JSON Lines file instead of the store.",
)
@options.now
@options.json()
def explain(record: str, config: Path, timeline: Path | None, now: int | None, as_json: bool) -> None:
    """Why the clocks of RECORD stand where they stand.

    RECORD is connection:kind:id, or the end of it where that is enough.
    """
    if timeline:
        account = _from_file(record, config, timeline, options.current(now))
    else:
        account = _from_store(record, config, now)
    if as_json:
        output.print_json(account)
    else:
        from console.explain_text import print_account

        print_account(account)


def _from_file(record: str, config: Path, path: Path, now: int) -> dict[str, Any]:
    from console.timeline_file import read_timelines, tell_bad_lines
    from sla.explain import explain_record
    from sync.configuration import POLICIES, load

    policies = load(config, POLICIES).policies
    timelines, bad = read_timelines(path)
    tell_bad_lines(path, bad)
    name = _chosen(record, [name for name in timelines if name == record or name.endswith(f":{record}")], str(path))
    return explain_record(policies, timelines[name], now, _waits(name, timelines))


def _from_store(record: str, config: Path, asked_now: int | None) -> dict[str, Any]:
    from console.store import view
    from sla.explain import explain_record
    from sla.policy import Policies
    from sync.configuration import load_daemon

    now = options.current(asked_now)
    with view(load_daemon(config).database) as opened:
        found = opened.record(record)
        if found is None:
            name = _chosen(record, opened.find(record), "the store")
            found = opened.record(name)
        if found is None:
            raise Failure(f"the store knows no record '{record}'")
        daemon = opened.summary().daemon
        # A daemon under a clock of its own, as in the demonstration, may be ahead of this machine's.
        now = max(now, daemon.beat_at) if asked_now is None and daemon else now
        document = opened.policy_document(found.policy_version)
        policies = Policies.from_config(document or {})
        account = explain_record(policies, found.events, now)
        if _starts(account["clocks"]) != {(row.target, row.started_at) for row in found.clocks}:
            # A start that this timeline does not explain: a merged record brought its wait along.
            account = explain_record(policies, found.events, now, _waits(found.record, _timelines(opened)))
    return {**account, **_stored(found)}


def _chosen(asked: str, names: list[str], place: str) -> str:
    if asked in names or len(names) == 1:
        return asked if asked in names else names[0]
    if names:
        raise Failure(f"'{asked}' may mean several records of {place}", "name one of " + ", ".join(names[:5]))
    raise Failure(f"{place} knows no record '{asked}'", "a record is named connection:kind:id")


def _waits(record: str, timelines: dict[str, list[Event]]) -> list[Wait]:
    """The unanswered waits that merged records brought to this one."""
    from sla.fold import Wait, wait_of

    waits = []
    for name, events in timelines.items():
        for event in events:
            if name != record and event.into == record and event.event in ("merged", "converted"):
                since = wait_of(events, event.at)
                if since is not None:
                    waits.append(Wait(event.at, since))
    return waits


def _starts(clocks: list[dict[str, Any]]) -> set[tuple[str, int]]:
    from sla.instant import parse_instant

    return {(clock["target"], parse_instant(clock["started_at"])) for clock in clocks}


def _timelines(opened: View) -> dict[str, list[Event]]:
    timelines: dict[str, list[Event]] = {}
    for event in opened.events():
        timelines.setdefault(event.record, []).append(event)
    return timelines


def _stored(found: RecordView) -> dict[str, Any]:
    """What the store adds to the account: decisions about steps, write-backs, and whether it is acted on at all."""
    return {
        "first_seen_at": output.instant(found.first_seen_at),
        "policy_version": found.policy_version,
        "measured_only": found.measured,
        "in_the_crm": found.observed,
        "decisions": [
            {
                "target": step.target,
                "policy": step.policy,
                "cycle": step.cycle,
                "step": step.step,
                "decision": step.decision,
                "decided_at": output.instant(step.decided_at),
                "reason": step.reason,
            }
            for step in found.steps
        ],
        "write_backs": [
            {
                "id": row.id,
                "action": row.action,
                "state": row.state,
                "attempts": row.attempts,
                "created_at": output.instant(row.created_at),
                "done_at": None if row.done_at is None else output.instant(row.done_at),
                "retry_at": None if row.retry_at is None else output.instant(row.retry_at),
                "reason": row.reason,
                "crm_id": row.crm_id,
                "body": row.body,
            }
            for row in found.outbox
        ],
    }
