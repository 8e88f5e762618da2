"""Connections as commands need them that set a CRM up: by name, opened, with what their connector offers.

Owns the choice of connections and its complaints. Refuses to set anything up. Invariant: what was opened is closed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from console.boundary import USAGE, Failure

if TYPE_CHECKING:
    from connectors.setup import SetUp
    from sync.configuration import Configuration, ConnectionEntry


def chosen(configuration: Configuration, name: str | None) -> list[ConnectionEntry]:
    """The connection of this name, or all of them. Raises Failure for a name that is not there."""
    entries = configuration.connections
    if not entries:
        raise Failure(f"{configuration.path} has no connections", "`sla-sidecar init` writes one", USAGE)
    if name is None:
        return list(entries.values())
    if name in entries:
        return [entries[name]]
    near = difflib.get_close_matches(name, entries, 1, 0.5)
    fix = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(entries)}"
    raise Failure(f"{configuration.path} has no connection '{name}'", fix, USAGE)


@contextmanager
def opened(configuration: Configuration, entry: ConnectionEntry, *, offline: bool = False) -> Iterator[SetUp | None]:
    """What the connection's connector offers for setting up, or None. ``offline``: for what calls no CRM, so secrets
    may be missing."""
    import connectors
    from connectors.setup import setup_of
    from sync.clock import SystemClock
    from sync.configuration_section import unfetched

    clock, wanted = SystemClock().now, configuration.named_fields
    settings = unfetched(entry) if offline else entry.settings
    connector = connectors.build(entry.name, entry.connector, settings, wanted=wanted, clock=clock)
    try:
        yield setup_of(connector)
    finally:
        connector.close()
