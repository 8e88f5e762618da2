"""A configuration file, read once and wholly."""

from __future__ import annotations

from sync.configuration_shape import Configuration, ConnectionEntry, DaemonEntry, MemberEntry, PoolEntry

__all__ = ["Configuration", "ConnectionEntry", "DaemonEntry", "MemberEntry", "PoolEntry"]
