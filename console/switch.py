"""``pause`` and ``resume``: the kill switch of all write-backs.

Owns the two commands. Refuses to need more of the configuration than the database's place. Invariant: clocks go on, and
what was wished for meanwhile is decided anew when write-backs go on.
"""

from __future__ import annotations

from pathlib import Path

import click

from console import options, output
from console.store import existing, who


@click.command()
@options.config
@click.option("--reason", help="Why; it stands in the ledger.")
@options.json()
def pause(config: Path, reason: str | None, as_json: bool) -> None:
    """Stop all write-backs at once; clocks go on."""
    from sync import orders
    from sync.configuration import load_daemon

    changed = orders.pause(existing(load_daemon(config).database), options.current(None), who(), reason)
    _answer(paused=True, changed=changed, as_json=as_json)


@click.command()
@options.config
@options.json()
def resume(config: Path, as_json: bool) -> None:
    """Let write-backs go on."""
    from sync import orders
    from sync.configuration import load_daemon

    changed = orders.resume(existing(load_daemon(config).database), options.current(None), who())
    _answer(paused=False, changed=changed, as_json=as_json)


def _answer(*, paused: bool, changed: bool, as_json: bool) -> None:
    if as_json:
        output.print_json({"paused": paused, "changed": changed})
    elif paused:
        output.say("write-backs are paused" if changed else "write-backs were paused already")
    else:
        output.say("write-backs go on" if changed else "write-backs were not paused")
