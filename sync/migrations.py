"""The schema of the store and how an older file comes to it.

Owns every CREATE and ALTER. Refuses data: rows are the business of the modules that name them.
Invariant: a migration and the note that it was applied are one transaction; a released migration never changes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sqlite_utils import Database

SET: Final = "sla-sidecar"
APPLICATION_ID: Final = 0x534C4153
"""``SLAS`` in the file's header: how a database of ours is told from a stranger's."""


def _script(db: Database, statements: str) -> None:
    # Not executescript: it would commit the transaction that makes a migration atomic.
    for statement in statements.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


def m001_ground(db: Database) -> None:
    """The tables of the first release."""
    _script(db, _GROUND)


def m002_versions(db: Database) -> None:
    """Which version of the policies was in force when, which records went over to another, what was withdrawn."""
    _script(db, _VERSIONS)


def m003_people_and_watches(db: Database) -> None:
    """Places on a pool's line, whose address is which id, what watches have seen and said."""
    _script(db, _PEOPLE_AND_WATCHES)


def m004_steps(db: Database) -> None:
    """Steps that wait for working hours."""
    _script(db, _STEPS)


def m005_quota(db: Database) -> None:
    """What our calls were for, what is held back, how far a first contact and a full reconciliation are; the next step
    for a person where a connection has stopped."""
    _script(db, _QUOTA)


def m006_push(db: Database) -> None:
    """Webhooks that wait are found by their record, what is ready to be understood without passing over them; how the
    channels stand that hints are pulled from."""
    _script(db, _PUSH)


MIGRATIONS: Final[tuple[Callable[[Any], None], ...]] = (
    m001_ground,
    m002_versions,
    m003_people_and_watches,
    m004_steps,
    m005_quota,
    m006_push,
)


def applied(connection: sqlite3.Connection) -> list[str]:
    """Names of the migrations that this file has had, oldest first."""
    table = connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone()
    if table is None:
        return []
    rows = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY rowid", (SET,))
    return [name for (name,) in rows]


def pending(connection: sqlite3.Connection) -> list[str]:
    """Names of the migrations that this file still lacks."""
    had = set(applied(connection))
    return [migration.__name__ for migration in MIGRATIONS if migration.__name__ not in had]


def unknown(connection: sqlite3.Connection) -> list[str]:
    """Names of migrations that a newer release has applied to this file."""
    ours = {migration.__name__ for migration in MIGRATIONS}
    return [name for name in applied(connection) if name not in ours]


def apply(connection: sqlite3.Connection) -> None:
    """Applies what is pending, each migration in a transaction of its own."""
    # sqlite_utils takes longer to import than the daemon takes to start: only a file that lacks something pays.
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    migrations = Migrations(SET)
    for migration in MIGRATIONS:
        migrations()(migration)
    migrations.apply(Database(connection))


_GROUND: Final = f"""
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE connection (
  name TEXT PRIMARY KEY, connector TEXT NOT NULL, enforce_from INTEGER, state TEXT NOT NULL, reason TEXT,
  ok_at INTEGER, retry_at INTEGER, lag_s INTEGER
) STRICT;
CREATE TABLE cursor (
  connection TEXT NOT NULL, stream TEXT NOT NULL, value TEXT NOT NULL, updated_at INTEGER NOT NULL,
  PRIMARY KEY (connection, stream)
) STRICT;
CREATE TABLE inbox (
  id INTEGER PRIMARY KEY, connection TEXT NOT NULL, stream TEXT NOT NULL, change_key TEXT NOT NULL,
  received_at INTEGER NOT NULL, payload BLOB NOT NULL, state INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, reason TEXT, record TEXT,
  UNIQUE (connection, change_key)
) STRICT;
CREATE INDEX inbox_new ON inbox (id) WHERE state = 0;
CREATE INDEX inbox_dead ON inbox (id) WHERE state = 2;
CREATE TABLE record (
  record TEXT PRIMARY KEY, connection TEXT NOT NULL, kind TEXT NOT NULL, first_seen_at INTEGER NOT NULL,
  created_at INTEGER, policy_version TEXT NOT NULL, measured TEXT, observed TEXT NOT NULL, observed_at INTEGER NOT NULL,
  written TEXT NOT NULL, title TEXT, owner TEXT, status TEXT, state TEXT NOT NULL, into_record TEXT, wake_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX record_owner ON record (connection, owner, status);
CREATE INDEX record_into ON record (into_record) WHERE into_record IS NOT NULL;
CREATE INDEX record_wake ON record (wake_at) WHERE wake_at IS NOT NULL;
CREATE TABLE event (
  record TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, seen_at INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (record, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE clock (
  record TEXT NOT NULL, target TEXT NOT NULL, policy TEXT NOT NULL, cycle INTEGER NOT NULL, state TEXT NOT NULL,
  outcome TEXT, started_at INTEGER NOT NULL, due_at INTEGER, breached_at INTEGER, completed_at INTEGER,
  wake_at INTEGER, detected_at INTEGER, version INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (record, target, policy, cycle)
) STRICT, WITHOUT ROWID;
CREATE INDEX clock_wake ON clock (wake_at, record) WHERE wake_at IS NOT NULL;
CREATE INDEX clock_due ON clock (due_at) WHERE state <> 'stopped';
CREATE TABLE step (
  record TEXT NOT NULL, target TEXT NOT NULL, policy TEXT NOT NULL, cycle INTEGER NOT NULL, step TEXT NOT NULL,
  arm INTEGER NOT NULL, decided_at INTEGER NOT NULL, decision TEXT NOT NULL, reason TEXT,
  PRIMARY KEY (record, target, policy, cycle, step, arm)
) STRICT, WITHOUT ROWID;
CREATE INDEX step_fired ON step (policy, decided_at) WHERE decision = 'fired';
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, connection TEXT NOT NULL, record TEXT NOT NULL,
  action TEXT NOT NULL, rank INTEGER NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
  attempts INTEGER NOT NULL DEFAULT 0, unknown INTEGER NOT NULL DEFAULT 0, retry_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL, done_at INTEGER, reason TEXT, crm_id TEXT
) STRICT;
CREATE INDEX outbox_open ON outbox (connection, rank, id) WHERE done_at IS NULL;
CREATE INDEX outbox_record ON outbox (record);
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;
CREATE TABLE assignment (
  key TEXT PRIMARY KEY, pool TEXT NOT NULL, owner TEXT NOT NULL, record TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX assignment_pool ON assignment (pool, at);
CREATE INDEX assignment_record ON assignment (record);
CREATE TABLE ledger (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, what TEXT NOT NULL, record TEXT, body TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX ledger_record ON ledger (record);
CREATE TABLE policy_version (
  version TEXT PRIMARY KEY, effective_at INTEGER NOT NULL, document TEXT NOT NULL
) STRICT;
CREATE TABLE lease (
  id INTEGER PRIMARY KEY CHECK (id = 1), boot TEXT NOT NULL, pid INTEGER NOT NULL, started_at INTEGER NOT NULL,
  beat_at INTEGER NOT NULL
) STRICT;
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE quota (
  connection TEXT NOT NULL, window TEXT NOT NULL, used INTEGER NOT NULL, max INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (connection, window)
) STRICT;
"""

_VERSIONS: Final = """
CREATE TABLE adoption (
  id INTEGER PRIMARY KEY, version TEXT NOT NULL, at INTEGER NOT NULL, scope TEXT NOT NULL, records TEXT,
  reason TEXT, who TEXT NOT NULL, after TEXT NOT NULL DEFAULT '', moved INTEGER NOT NULL DEFAULT 0,
  done_at INTEGER, told_at INTEGER
) STRICT;
CREATE INDEX adoption_untold ON adoption (id) WHERE told_at IS NULL;
CREATE TABLE move (
  record TEXT NOT NULL, at INTEGER NOT NULL, version TEXT NOT NULL, scope TEXT NOT NULL, adoption INTEGER NOT NULL,
  judged_at INTEGER, overtaken TEXT,
  PRIMARY KEY (record, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX move_unjudged ON move (adoption) WHERE judged_at IS NULL;
CREATE INDEX move_overtaken ON move (adoption) WHERE overtaken IS NOT NULL;
CREATE TABLE withdrawal (
  record TEXT NOT NULL, event TEXT NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT,
  PRIMARY KEY (record, event)
) STRICT, WITHOUT ROWID;
INSERT INTO adoption (version, at, scope, who, done_at, told_at)
  SELECT version, effective_at, 'new', 'start', effective_at, effective_at FROM policy_version ORDER BY effective_at;
"""

_STEPS: Final = """
CREATE TABLE hold (
  record TEXT NOT NULL, target TEXT NOT NULL, policy TEXT NOT NULL, cycle INTEGER NOT NULL, step TEXT NOT NULL,
  arm INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (record, target, policy, cycle, step, arm)
) STRICT, WITHOUT ROWID;
"""

_QUOTA: Final = """
CREATE TABLE spent (
  connection TEXT NOT NULL, quarter INTEGER NOT NULL, purpose TEXT NOT NULL, calls INTEGER NOT NULL,
  PRIMARY KEY (connection, quarter, purpose)
) STRICT, WITHOUT ROWID;
CREATE TABLE allowance (
  connection TEXT PRIMARY KEY, share REAL NOT NULL, max INTEGER, own INTEGER NOT NULL, left INTEGER,
  begin_at INTEGER NOT NULL, resets_at INTEGER, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE held (
  connection TEXT NOT NULL, purpose TEXT NOT NULL, until INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (connection, purpose)
) STRICT, WITHOUT ROWID;
CREATE TABLE reading (
  connection TEXT NOT NULL, stream TEXT NOT NULL, begin_at INTEGER NOT NULL, at INTEGER NOT NULL,
  read INTEGER NOT NULL, remaining INTEGER, done INTEGER NOT NULL,
  PRIMARY KEY (connection, stream)
) STRICT, WITHOUT ROWID;
CREATE TABLE sweep (
  connection TEXT PRIMARY KEY, begin_at INTEGER NOT NULL, seen_to INTEGER, stream TEXT, cursor TEXT,
  read INTEGER NOT NULL, missed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE swept (
  connection TEXT NOT NULL, record TEXT NOT NULL,
  PRIMARY KEY (connection, record)
) STRICT, WITHOUT ROWID;
ALTER TABLE connection ADD COLUMN fix TEXT;
"""

_PUSH: Final = """
DROP INDEX inbox_new;
CREATE INDEX inbox_ready ON inbox (id) WHERE state = 0 AND record IS NULL;
CREATE INDEX inbox_waiting ON inbox (connection, record, id) WHERE state = 0 AND record IS NOT NULL;
CREATE TABLE channel (
  connection TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, heard_at INTEGER, retry_at INTEGER,
  PRIMARY KEY (connection, name)
) STRICT, WITHOUT ROWID;
"""

_PEOPLE_AND_WATCHES: Final = """
ALTER TABLE assignment ADD COLUMN place INTEGER;
UPDATE assignment SET place = numbered.n * 5354228880 FROM (
  SELECT key, row_number() OVER (PARTITION BY pool, owner ORDER BY at, rowid) AS n FROM assignment
) AS numbered WHERE numbered.key = assignment.key;
DROP INDEX assignment_pool;
CREATE INDEX assignment_place ON assignment (pool, owner, place);
CREATE TABLE person (
  connection TEXT NOT NULL, email TEXT NOT NULL, id TEXT NOT NULL,
  PRIMARY KEY (connection, email)
) STRICT, WITHOUT ROWID;
CREATE TABLE watched (
  watch TEXT NOT NULL, record TEXT NOT NULL, target TEXT NOT NULL, policy TEXT NOT NULL, cycle INTEGER NOT NULL,
  at INTEGER NOT NULL, key TEXT,
  PRIMARY KEY (watch, record, target, policy, cycle)
) STRICT, WITHOUT ROWID;
CREATE INDEX clock_breached ON clock (breached_at) WHERE breached_at IS NOT NULL;
CREATE TABLE backlog (
  watch TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, open INTEGER NOT NULL,
  PRIMARY KEY (watch, key, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE episode (
  watch TEXT NOT NULL, key TEXT NOT NULL, begin_at INTEGER NOT NULL, end_at INTEGER, seen_at INTEGER NOT NULL,
  acted INTEGER NOT NULL,
  PRIMARY KEY (watch, key, begin_at)
) STRICT, WITHOUT ROWID;
"""
