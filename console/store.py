"""Opening the store for a command.

Owns the one sentence for a store that is not there yet. Refuses to write. Invariant: it is closed again, whatever
happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from console.boundary import USAGE, Failure

if TYPE_CHECKING:
    from sync.store import Reader
    from sync.view import View


def existing(database: Path) -> Path:
    """The store's file. Raises Failure when nothing has made it yet."""
    if not database.exists():
        raise Failure(f"there is no store at {database} yet", "`sla-sidecar run` or `once` makes it", USAGE)
    return database


def who() -> str:
    """Who gives an order, for the ledger: the name of this process's user."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # a container may run under a number that has no name


@contextmanager
def view(database: Path) -> Iterator[View]:
    """The store's read-only side. Raises Failure when there is no store, StoreError when it cannot be used."""
    from sync.view import View

    opened = View.open(existing(database))
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def reader(database: Path) -> Iterator[Reader]:
    """The same for whoever looks back over whole timelines."""
    from sync.store import Reader

    opened = Reader.open(existing(database))
    try:
        yield opened
    finally:
        opened.close()
