"""One daemon per database: a lock on a file beside it, and a lease row inside it.

Owns who may write. Refuses to wait: a second daemon is told at once. Invariant: the kernel releases the lock when the
process dies, however it dies, so a killed daemon never keeps its successor out.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from sync.store import StoreError, Transaction


class SecondDaemon(StoreError):
    """Another daemon works on this database. The process ends with ``exit_code``."""

    exit_code: Final = 75  # EX_TEMPFAIL of sysexits.h: try again later, nothing is wrong with the data


class FileLock:
    """An exclusive lock on ``<database>.lock`` that lives as long as the process, or until ``release``."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}.lock")
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raises SecondDaemon when another process holds it."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise SecondDaemon(f"another daemon (process {holder}) works on this database; stop it first") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def take_lease(transaction: Transaction, boot: str, now: int) -> None:
    """Notes that the daemon ``boot`` (a random id of this start) now writes. The file lock has been taken before."""
    transaction.run(
        "INSERT INTO lease (id, boot, pid, started_at, beat_at) VALUES (1, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET boot = excluded.boot, pid = excluded.pid,"
        " started_at = excluded.started_at, beat_at = excluded.beat_at",
        (boot, os.getpid(), now, now),
    )


def beat(transaction: Transaction, boot: str, now: int) -> None:
    """Renews the lease. Raises SecondDaemon when another start has taken it, as a lock on a network disk allows."""
    if transaction.run("UPDATE lease SET beat_at = ? WHERE id = 1 AND boot = ?", (now, boot)) != 1:
        raise SecondDaemon("another daemon has taken over this database; this one stops")
