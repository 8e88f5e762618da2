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
    from sync.view import View


@contextmanager
def view(database: Path) -> Iterator[View]:
    """The store's read-only side. Raises Failure when there is no store, StoreError when it cannot be used."""
    from sync.view import View

    if not database.exists():
        raise Failure(f"there is no store at {database} yet", "`sla-sidecar run` or `once` makes it", USAGE)
    opened = View.open(database)
    try:
        yield opened
    finally:
        opened.close()
