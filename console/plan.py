"""``plan`` and ``apply``: what a changed file of policies would move, then moving it.

Owns the two commands and how a change reads. Refuses a file with a problem. Invariant: ``plan`` writes nothing and
needs no daemon to stop; ``apply`` does what ``plan`` at the same instant said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import options, output
from console.store import chosen, existing, present, view, who

if TYPE_CHECKING:
    from sync.applying import Applied
    from sync.configuration import Configuration
    from sync.plan import Change, Plan, Side
    from sync.view import View

_SCOPES = ("new", "unbreached", "all")
_MANY = 200


@click.command()
@options.config
@click.option("--scope", type=click.Choice(_SCOPES), help="Ask about one scope only. Default: each of them.")
@click.option("--record", "records", multiple=True, help="Ask about this record only; may be repeated.")
@options.now
@options.json()
def plan(config: Path, scope: str | None, records: tuple[str, ...], now: int | None, as_json: bool) -> None:
    """What the policies of the file would change if they were applied; nothing is written.

    new: records first seen from now on; unbreached: open clocks that are not overdue too; all: every open clock.
    An edited calendar counts for open clocks at once, whatever the scope.
    """
    configuration = _policies(config)
    with view(existing(configuration.daemon.database)) as opened, _progress("comparing", records or opened) as progress:
        found = opened.plan(
            configuration.policies,
            configuration.document,
            present(opened, now),
            scopes=(scope,) if scope else _SCOPES,
            only=[chosen(opened, record) for record in records] or None,
            progress=progress,
        )
    if as_json:
        output.print_json(_document(found))
    else:
        _print(found)


@click.command()
@options.config
@click.option("--scope", type=click.Choice(_SCOPES), default="new", show_default=True, help="Whom it concerns.")
@click.option("--record", "records", multiple=True, help="Move this record only; may be repeated.")
@click.option("--reason", help="Why; it stands in the ledger.")
@click.option("--by", help="Who applies it. Default: the user of this process.")
@options.json()
def apply(
    config: Path, scope: str, records: tuple[str, ...], reason: str | None, by: str | None, as_json: bool
) -> None:
    """Put the policies of the file in force, and move the records of the scope to them, all at one instant.

    Closed cycles never change. One that was cut short is finished first. A running daemon judges what was moved at its
    next tick.
    """
    from console.exceptions import judged_when
    from sync import applying

    if records and scope == "new":
        raise click.UsageError("--record moves records: give --scope unbreached or --scope all with it")
    configuration = _policies(config)
    database = existing(configuration.daemon.database)
    with view(database) as opened:
        now = present(opened)
        only = [chosen(opened, record) for record in records] or None
        read_by = _fields_read(opened, configuration)
    order = applying.Order(configuration.policies.version, configuration.document, scope, by or who(), reason, only)
    with _progress("moving", only or ()) as progress:
        finished = applying.finish(database, now, progress)
        done = applying.apply(database, order, now, progress)
    waiting = applying.unjudged(database, done.at)
    judged = judged_when(config, waiting, done.at) if waiting else None
    if as_json:
        output.print_json(_outcome(done, finished, judged, read_by))
    else:
        _say(done, finished, judged, read_by)


def _policies(config: Path) -> Configuration:
    from sync.configuration import POLICIES, load

    return load(config, POLICIES)


def _fields_read(opened: View, configuration: Configuration) -> list[str]:
    """Fields that the new policies name and the version in force does not: a running daemon does not read them yet."""
    known = opened.fields_in_force()
    return sorted(configuration.policies.fields - known) if known is not None else []


@contextmanager
def _progress(what: str, about: View | Sequence[str]) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal that is told of each portion."""
    if not output.terminal():
        yield lambda _: None
        return
    from rich.progress import Progress

    total = about.open_records() if hasattr(about, "open_records") else len(about) or None
    with Progress(console=output.err(), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


# ---- the plan, for programs and for people


def _document(found: Plan) -> dict[str, Any]:
    return {
        "at": output.instant(found.at),
        "version": {"before": found.before, "after": found.after},
        "differences": [
            {"section": d.section, "name": d.name, "what": d.what, "details": d.details} for d in found.differences
        ],
        "open_records": found.records,
        "moves": found.movable,
        "changes": [
            {
                "scope": change.scope,
                "record": change.record,
                "target": change.target,
                "cycle": change.cycle,
                "before": _side(change.before),
                "after": _side(change.after),
            }
            for change in found.changes
        ],
        "unfinished": found.unfinished,
    }


def _side(side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    due = None if side.due_at is None else output.instant(side.due_at)
    return {
        "policy": side.policy,
        "state": side.state,
        "outcome": side.outcome,
        "due_at": due,
        "within_s": side.within / 1_000 if side.within % 1_000 else side.within // 1_000,
    }


def _print(found: Plan) -> None:
    if found.unfinished:
        output.say(f"an apply of version {found.unfinished} was cut short; the next one finishes it")
    for each in found.differences:
        output.say(f"{each.what:<8} {each.section}: {each.name}")
        for line in each.details:
            output.say(f"         {line}")
    if not found.differences:
        output.say("the file says what is in force already")
    output.say()
    for scope in found.movable:
        _print_scope(found, scope)
    _print_summary(found.changes)


def _print_scope(found: Plan, scope: str) -> None:
    changes = [change for change in found.changes if change.scope == scope]
    moves = "records first seen from now on" if scope == "new" else f"{found.movable[scope]} records would move"
    output.say(f"--scope {scope}: {moves}, {len(changes)} clocks of {found.records} open records would change")
    for change in changes[:_MANY]:
        output.say(
            f"  {change.record}  {change.target} #{change.cycle}  "
            f"{_standing(change.before)}  →  {_standing(change.after)}"
        )
    if len(changes) > _MANY:
        output.say(f"  … and {len(changes) - _MANY} more; --json prints them all")


def _standing(side: Side | None) -> str:
    if side is None:
        return "no clock"
    return f"{side.outcome or side.state}, due {output.instant(side.due_at)} ({side.policy})"


def _print_summary(changes: Iterable[Change]) -> None:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for change in changes:
        side = change.after or change.before
        assert side is not None  # noqa: S101 - a change has at least one side
        counts.setdefault((side.policy, change.scope), Counter())[_kind(change)] += 1
    if not counts:
        return
    table = output.table("policy", "scope", ">sooner", ">later", ">outcome", ">begin", ">end", ">other")
    for (policy, scope), count in sorted(counts.items(), key=lambda item: (item[0][0], _SCOPES.index(item[0][1]))):
        output.add_row(
            table, policy, scope, *(count[word] for word in ("sooner", "later", "outcome", "begin", "end", "other"))
        )
    output.say()
    output.out().print(table)


def _kind(change: Change) -> str:
    """What changes first of all: that there is a clock, how it ends, when it is due."""
    before, after = change.before, change.after
    if before is None or after is None:
        return "begin" if before is None else "end"
    if before.outcome != after.outcome:
        return "outcome"
    if before.due_at is None or after.due_at is None or before.due_at == after.due_at:
        return "other"
    return "sooner" if after.due_at < before.due_at else "later"


# ---- what apply did


def _outcome(done: Applied, finished: Applied | None, judged: str | None, unread: list[str]) -> dict[str, Any]:
    return {
        "version": {"before": done.before, "after": done.version},
        "scope": done.scope,
        "at": output.instant(done.at),
        "moved": done.records,
        "clocks_on_edited_calendars": done.edited,
        "finished": None if finished is None else {"version": finished.version, "moved": finished.records},
        "judged": judged,
        "restart_for_fields": unread,
    }


def _say(done: Applied, finished: Applied | None, judged: str | None, unread: list[str]) -> None:
    if finished is not None:
        output.say(f"finished the apply of version {finished.version}: {len(finished.records)} records moved")
    output.say(
        f"version {done.version} is in force since {output.instant(done.at)} for records first seen from then on"
    )
    if done.scope != "new":
        output.say(f"{len(done.records)} records moved (--scope {done.scope})")
    if done.edited:
        output.say(f"{done.edited} open clocks stand on an edited calendar")
    if judged:
        output.say(f"judged {judged}")
    if unread:
        output.say(f"restart the daemon: the new policies name fields that it does not read yet ({', '.join(unread)})")
