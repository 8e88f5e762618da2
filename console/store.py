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


def database_of(config: Path) -> Path:
    """The store that a configuration names. Raises ConfigurationError when its ``[daemon]`` cannot be read.

    A sound file that names it is not read any further: reading all of it takes longer than most answers.
    """
    from sync.toml_syntax import read

    try:
        reading = read(config.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        reading = None  # told below, with its reason
    daemon = reading.document.get("daemon") if reading and reading.document and not reading.mistakes else None
    named = daemon.get("database") if isinstance(daemon, dict) else None
    if isinstance(named, str) and named:
        return config.absolute().parent / Path(named).expanduser()
    from sync.configuration import load_daemon

    return load_daemon(config).database


def who() -> str:
    """Who gives an order, for the ledger: the name of this process's user."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # a container may run under a number that has no name


def present(opened: View, given: int | None = None) -> int:
    """The instant that was asked for, else now: the machine's clock, or that of a daemon under a clock of its own, as
    in the demonstration, which may be ahead."""
    from console import options

    daemon = opened.summary().daemon
    now = options.current(given)
    return max(now, daemon.beat_at) if given is None and daemon else now


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


def chosen(opened: View, asked: str) -> str:
    """The full name of the record that somebody named by its end. Raises Failure when it is none or several."""
    names = opened.find(asked)
    if asked in names or len(names) == 1:
        return asked if asked in names else names[0]
    if names:
        raise Failure(f"'{asked}' may mean several records of the store", "name one of " + ", ".join(names[:5]))
    near = opened.nearest(asked)
    raise Failure(
        f"the store knows no record '{asked}'",
        f"did you mean {near}?" if near else "a record is named connection:kind:id",
    )
