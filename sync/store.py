"""The one narrow seam over SQLite: how a file is opened, read and changed.

Owns connections, transactions, durability and the errors of storage. Refuses to know what the rows mean: statements
stand with the module that owns the table, in the SQL that other engines share. Invariant: every change happens in a
``BEGIN IMMEDIATE`` transaction on the one writing connection; every other connection is ``mode=ro``.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sync import migrations

Row = tuple[Any, ...]
T = TypeVar("T")

BUSY_TIMEOUT_MS: Final = 5_000
JOURNAL_LIMIT: Final = 64 * 1024 * 1024
_KEYS_AT_ONCE: Final = 1_000

_WRITING: Final = (
    "PRAGMA journal_mode = WAL",
    # NORMAL may lose the last commits when the power goes, and an answered webhook must not be lost.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA journal_size_limit = {JOURNAL_LIMIT}",
    # Fewer and larger checkpoints: a hot page is copied home once for many commits. 16 MB is far below the limit above.
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA mmap_size = 0",
    "PRAGMA secure_delete = FAST",
    "PRAGMA cache_size = -16000",
    "PRAGMA temp_store = MEMORY",
)


class StoreError(Exception):
    """Storage failed; the message is one plain sentence. Nothing of the transaction has happened."""


class StoreBusy(StoreError):
    """Another process holds the database for longer than we wait. Passing."""


class StoreFull(StoreError):
    """No room left. Passing, once somebody makes room."""


class StoreCorrupt(StoreError):
    """The file fails its own check: nothing may be written to a CRM from it."""


class StoreTooNew(StoreError):
    """The file was migrated by a newer release."""


class Transaction:
    """Statements on one connection. Handed to the functions that ``Store.write`` and ``Reader.read`` run."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        return self._connection.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        row: Row | None = self._connection.execute(sql, parameters).fetchone()
        return row

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Executes one statement and returns the number of rows it changed."""
        return self._connection.execute(sql, parameters).rowcount

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Executes one statement for every row and returns the number of rows changed."""
        return max(0, self._connection.executemany(sql, rows).rowcount)

    def select_in(self, sql: str, keys: Sequence[str], after: Sequence[Any] = ()) -> Iterator[Row]:
        """Rows of a query whose ``IN ({})`` holds ``keys``, asked in portions; ``after`` fills later parameters."""
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            portion = keys[start : start + _KEYS_AT_ONCE]
            marks = ",".join("?" * len(portion))
            yield from self._connection.execute(sql.format(marks), (*portion, *after))


class Reader:
    """A read-only connection. One call at a time; may be used from several threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, database: Path) -> Reader:
        """Raises StoreError when the file is missing or foreign, StoreTooNew when a newer release has changed it."""
        if not database.exists():
            raise StoreError(f"there is no database at {database}; `sla-sidecar run` makes it")
        with _translated():
            connection = sqlite3.connect(
                f"{database.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            _refuse_strangers(connection, database)
            if migrations.pending(connection):
                raise StoreError(f"{database} is of an older release; start the daemon once to migrate it")
        return cls(connection)

    def read(self, reading: Callable[[Transaction], T]) -> T:
        """What ``reading`` returns, from one consistent snapshot."""
        with self._lock, _translated():
            self._connection.execute("BEGIN")
            try:
                return reading(Transaction(self._connection))
            finally:
                self._connection.execute("COMMIT")

    def data_version(self) -> int:
        """A number that changes whenever another connection has committed."""
        with self._lock, _translated():
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        with self._lock:
            self._connection.close()


class Store:
    """The writing connection. Used by one thread, the one that owns it (see ``sync.writer``)."""

    def __init__(self, database: Path, connection: sqlite3.Connection) -> None:
        self.database = database
        self._connection = connection
        self._transaction = Transaction(connection)

    @classmethod
    def open(cls, database: Path, *, guest: bool = False) -> Store:
        """Makes or opens the file, checks it, backs it up and migrates it when it is of an older release.

        ``guest``: a short visit beside the daemon's own connection, which alone moves the journal into the file: two
        connections that checkpoint at once can corrupt it with SQLite before 3.51.3 (sqlite.org/wal.html#walresetbug).

        Raises StoreCorrupt, StoreTooNew, or StoreError with one sentence that says what to do.
        """
        _create_private(database)
        with _translated():
            connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
            try:
                connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
                _refuse_strangers(connection, database)
                _check(connection, database)
                for pragma in _WRITING:
                    connection.execute(pragma).fetchall()
                if guest:
                    connection.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
                _migrate(connection, database)
            except BaseException:
                connection.close()
                raise
        return cls(database, connection)

    def write(self, change: Callable[[Transaction], T]) -> T:
        """Runs ``change`` in one transaction: all of it is durable when this returns, none of it when this raises."""
        with _translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                result = change(self._transaction)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            return result

    def write_each(self, changes: Sequence[Callable[[Transaction], Any]]) -> list[Any]:
        """Several changes, one commit. The answer to each is its result, or the exception that undid it alone."""

        def grouped(transaction: Transaction) -> list[Any]:
            return [self._apart(transaction, change) for change in changes]

        return self.write(grouped)

    def _apart(self, transaction: Transaction, change: Callable[[Transaction], Any]) -> Any:
        self._connection.execute("SAVEPOINT apart")
        try:
            result = change(transaction)
        except sqlite3.Error:
            raise  # storage itself failed: nothing of the group may look done
        except Exception as error:  # noqa: BLE001 - the one who asked for this change gets its error back
            self._connection.execute("ROLLBACK TO apart")
            result = error
        self._connection.execute("RELEASE apart")
        return result

    def read(self, reading: Callable[[Transaction], T]) -> T:
        """A question to the writing connection, outside any transaction: only its owner asks."""
        with _translated():
            return reading(self._transaction)

    def backup(self, target: Path) -> None:
        """A consistent copy in one step, readable by its owner alone. Replaces ``target`` only when it is complete."""
        partial = target.with_name(f"{target.name}.partial")
        partial.unlink(missing_ok=True)
        _create_private(partial)
        with _translated():
            _copy(self._connection, partial)
        partial.replace(target)

    def tidy(self) -> None:
        """Checkpoints the journal and lets the planner look at what has grown."""
        with _translated():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._connection.execute("PRAGMA optimize").fetchall()

    def close(self) -> None:
        self._connection.close()


def copy(database: Path, target: Path) -> None:
    """A consistent copy of a store that another process may be writing. Raises StoreError."""
    _create_private(target)
    with _translated():
        source = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            source.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            _copy(source, target)
        finally:
            source.close()


def _copy(source: sqlite3.Connection, target: Path) -> None:
    copied = sqlite3.connect(target, isolation_level=None)
    try:
        # All pages in one step: a copy in portions starts again whenever the daemon commits, and never ends.
        source.backup(copied, pages=-1)
    finally:
        copied.close()


def _create_private(database: Path) -> None:
    try:
        database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(database, os.O_RDWR | os.O_CREAT, 0o600))
        database.chmod(0o600)
    except OSError as error:
        raise StoreError(f"cannot open the database {database}: {error.strerror}") from error


def _refuse_strangers(connection: sqlite3.Connection, database: Path) -> None:
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if not empty and application not in (migrations.APPLICATION_ID, 0):
        raise StoreError(f"{database} is a database of another program")
    if not empty and application == 0 and not migrations.applied(connection):
        # The table of migrations, and its index, come before the first of them: a kill can fall in between.
        theirs = "SELECT count(*) FROM sqlite_master WHERE tbl_name <> '_sqlite_migrations'"
        if connection.execute(theirs).fetchone()[0]:
            raise StoreError(f"{database} is a database of another program")
    newer = migrations.unknown(connection)
    if newer:
        raise StoreTooNew(
            f"{database} has been changed by a newer release (migration {newer[0]}); "
            "run that release, or restore the backup made before it"
        )


def _check(connection: sqlite3.Connection, database: Path) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreCorrupt(f"{database} is damaged ({found}); restore a backup or delete it and read the CRM again")


def _migrate(connection: sqlite3.Connection, database: Path) -> None:
    lacking = migrations.pending(connection)
    if not lacking:
        return
    if migrations.applied(connection):
        backup = database.with_name(f"{database.name}.before-{lacking[0]}")
        _create_private(backup)
        _copy(connection, backup)
    migrations.apply(connection)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(error) from error


def _translate(error: sqlite3.Error) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy("another process holds the database; stop it, or wait until it has finished")
    if code == sqlite3.SQLITE_FULL:
        return StoreFull("the disk of the database is full")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreCorrupt("the database is damaged; restore a backup or delete it and read the CRM again")
    return StoreError(f"the database failed: {error}")
