"""``outbox`` and ``dead``: what waits to be written, what failed and why, and what to do about it.

Owns the lists and the two orders about what failed. Refuses to touch what is under way. Invariant: nothing is dropped
that was not named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from console import options, output
from console.boundary import BAD, USAGE, Failure
from console.lazy_group import SuggestingGroup
from console.store import existing, view, who

if TYPE_CHECKING:
    from sync.view import DeadChange, OutboxRow

_LIMIT = click.option("--limit", type=click.IntRange(1, 100_000), default=200, show_default=True, help="At most.")
_CONNECTION = click.option("--connection", metavar="NAME", help="Of this connection only.")


@click.command()
@options.config
@_CONNECTION
@_LIMIT
@options.json()
def outbox(config: Path, connection: str | None, limit: int, as_json: bool) -> None:
    """What waits to be written, in the order in which it is sent."""
    from sync.configuration import load_daemon

    with view(load_daemon(config).database) as opened:
        rows = opened.outbox(connection=connection, limit=limit)
    if as_json:
        output.print_json([_row(row) for row in rows])
    else:
        _print_rows(rows, "nothing waits")


class _Dead(SuggestingGroup):
    """Without a subcommand the list itself."""


@click.group(cls=_Dead, invoke_without_command=True)
@options.config
@_CONNECTION
@_LIMIT
@options.json()
@click.pass_context
def dead(ctx: click.Context, config: Path, connection: str | None, limit: int, as_json: bool) -> None:
    """What failed and why: write-backs that a CRM refused, changes that could not be understood.

    `dead retry` tries write-backs again, `dead drop` gives them up.
    """
    if ctx.invoked_subcommand is not None:
        return
    from sync.configuration import load_daemon

    with view(load_daemon(config).database) as opened:
        rows = opened.outbox(states=("dead",), connection=connection, limit=limit)
        changes = [row for row in opened.dead_changes(limit=limit) if connection in (None, row.connection)]
    if as_json:
        output.print_json({"write_backs": [_row(row) for row in rows], "changes": [_change(row) for row in changes]})
        return
    _print_rows(rows, "no write-back has failed")
    if changes:
        table = output.table(">id", "connection", "stream", "received", "~reason")
        for row in changes:
            output.add_row(table, row.id, row.connection, row.stream, output.instant(row.received_at), row.reason)
        output.say("\nChanges that could not be understood; they are kept and read again after an upgrade")
        output.out().print(table)


_IDS = click.argument("ids", type=int, nargs=-1)
_ALL = click.option("--all", "everything", is_flag=True, help="Every one that failed.")


@dead.command()
@_IDS
@_ALL
@options.config
@options.json()
def retry(ids: tuple[int, ...], everything: bool, config: Path, as_json: bool) -> None:
    """Try the failed write-backs with these IDS again at once."""
    from sync import orders

    _order(config, ids, everything, as_json, "tried again", orders.retry)


@dead.command()
@_IDS
@_ALL
@options.config
@options.json()
def drop(ids: tuple[int, ...], everything: bool, config: Path, as_json: bool) -> None:
    """Give the failed write-backs with these IDS up for good."""
    from sync import orders

    def order(database: Path, rows: Sequence[int], now: int) -> int:
        return orders.drop(database, rows, now, who())

    _order(config, ids, everything, as_json, "dropped", order)


def _order(
    config: Path,
    ids: tuple[int, ...],
    everything: bool,
    as_json: bool,
    done: str,
    order: Callable[[Path, Sequence[int], int], int],
) -> None:
    from sync.configuration import load_daemon

    if bool(ids) == everything:
        raise Failure("name the ids, or --all", "`sla-sidecar dead` lists them", USAGE)
    database = existing(load_daemon(config).database)
    with view(database) as opened:
        known = {row.id for row in opened.outbox(states=("dead",), limit=100_000)}
    if unknown := sorted(set(ids) - known):
        raise Failure(f"no failed write-back has the id {unknown[0]}", "`sla-sidecar dead` lists them", BAD)
    count = order(database, sorted(ids or known), options.current(None))
    if as_json:
        output.print_json({done.replace(" ", "_"): count})
    else:
        output.say(f"{count} {done}")


def _row(row: OutboxRow) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(row)
    for name in ("created_at", "done_at", "retry_at"):
        document[name] = None if document[name] is None else output.instant(document[name])
    return document


def _change(row: DeadChange) -> dict[str, Any]:
    return {**msgspec.to_builtins(row), "received_at": output.instant(row.received_at)}


def _print_rows(rows: list[OutboxRow], nothing: str) -> None:
    from console.dashboard.page import describe

    if not rows:
        output.say(nothing)
        return
    table = output.table(">id", "record", "~what", "state", ">tries", "next try", "~reason")
    for row in rows:
        what = describe("write", {"action": row.action, "body": row.body})
        again = output.instant(row.retry_at) if row.state == "waiting" else None
        output.add_row(table, row.id, row.record, what, row.state, row.attempts, again, row.reason)
    output.out().print(table)
