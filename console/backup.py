"""``backup``: a consistent copy of the store while the daemon runs.

Owns the command. Refuses to overwrite. Invariant: the copy is whole or it is not there.
"""

from __future__ import annotations

from pathlib import Path

import click

from console import options, output
from console.boundary import USAGE, Failure
from console.store import existing


@click.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@options.config
@options.json()
def backup(target: Path, config: Path, as_json: bool) -> None:
    """Copy the store to the new file TARGET. Safe while the daemon runs."""
    from sync.configuration import load_daemon
    from sync.store import StoreError, copy

    database = existing(load_daemon(config).database)
    if target.exists():
        raise Failure(f"{target} exists already", "name a new file", USAGE)
    try:
        copy(database, target)
    except StoreError:
        target.unlink(missing_ok=True)
        raise
    size = target.stat().st_size
    if as_json:
        output.print_json({"database": str(database), "target": str(target), "bytes": size})
    else:
        output.say(f"{target}: {size / 1_048_576:.1f} MiB")
