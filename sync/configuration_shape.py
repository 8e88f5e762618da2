"""What a configuration file says, once it has been understood: plain frozen values.

Owns the shapes that the daemon and the console read. Refuses files, positions and problems.
Invariant: a secret is fetched only when ``ConnectionEntry.settings`` is read, never when the file is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from sla.figures.objective import Objective
    from sla.figures.watch import Watch
    from sla.policy import Policies
    from sync.configuration_webhook import WebhookEntry


@dataclass(frozen=True, slots=True)
class DaemonEntry:
    """The table ``[daemon]``. ``database`` is absolute: relative text is read from the file's own folder.
    ``public_url`` is how the outside reaches ``listen``, None where nothing outside does."""

    database: Path
    listen: str = "127.0.0.1:8080"
    mode: Literal["live", "shadow"] = "live"
    match: Literal["strictest", "first"] = "strictest"
    tick_every_s: float = 1.0
    public_url: str | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of ``listen``."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class Reference(NamedTuple):
    """A key of a connection's table whose value is fetched from elsewhere: ``text`` is ``env:NAME`` or the like. A
    ``secret`` may also stand in the file itself, where that is allowed."""

    path: tuple[str | int, ...]
    text: str
    secret: bool


@dataclass(frozen=True, slots=True)
class ConnectionEntry:
    """One table ``[connections.NAME]``. ``enforce_from`` is epoch ms, None for the moment of first connect."""

    name: str
    connector: str
    poll_every_s: float
    enforce_from: int | None
    table: Mapping[str, Any] = field(repr=False)
    """The table as it stands in the file: secrets are still references such as ``env:NAME``."""
    references: tuple[Reference, ...] = field(repr=False)
    resolve: Callable[[], Mapping[str, Any]] = field(repr=False, compare=False)
    may_vanish: float = 0.5

    @property
    def settings(self) -> Mapping[str, Any]:
        """The table for ``connectors.build``, its secrets fetched now. Raises ``sync.secrets.SecretMissing``."""
        return self.resolve()


@dataclass(frozen=True, slots=True)
class MemberEntry:
    """One entry of a pool. ``user`` is an e-mail address, a name, the CRM's own id (``user:ID``), or ``team:NAME``
    for everybody active of a team; the rest then holds for each of them."""

    user: str
    weight: int = 1
    cap: int | None = None
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """One table ``[pools.NAME]``. ``fallback`` is ``queue:NAME``, ``user:ID``, ``user:NAME``, an e-mail address or
    None; ``needs`` is the least working time that handling a record takes, in milliseconds."""

    name: str
    members: tuple[MemberEntry, ...]
    strategy: Literal["round_robin", "least_loaded", "weighted"] = "round_robin"
    fallback: str | None = None
    max_hops: int = 3
    needs: int = 0


@dataclass(frozen=True, slots=True)
class Configuration:
    """A whole configuration file. ``document`` is what tomllib read of ``source``; ``path`` is where from."""

    path: Path
    daemon: DaemonEntry
    connections: Mapping[str, ConnectionEntry]
    pools: Mapping[str, PoolEntry]
    policies: Policies
    document: Mapping[str, Any] = field(repr=False)
    source: str = field(repr=False)
    objectives: tuple[Objective, ...] = ()
    webhooks: Mapping[str, WebhookEntry] = field(default_factory=dict)
    watches: tuple[Watch, ...] = ()

    @property
    def named_fields(self) -> frozenset[str]:
        """The record fields that policies, watches and objectives name: what connectors have to read."""
        watched = (watch.fields for watch in self.watches)
        aimed = (objective.fields for objective in self.objectives)
        return self.policies.fields.union(*watched, *aimed)
