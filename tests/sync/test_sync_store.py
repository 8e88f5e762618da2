"""The file: how it is made, refused, migrated, backed up, filled up and shared."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from sync import lease, migrations
from sync.lease import FileLock, SecondDaemon
from sync.store import Reader, Store, StoreBusy, StoreCorrupt, StoreError, StoreFull, StoreTooNew, Transaction, copy


def _setting(transaction: Transaction, name: str, value: str) -> None:
    transaction.run("INSERT INTO setting (name, value) VALUES (?, ?)", (name, value))


def _settings(database: Path) -> list[tuple[str, str]]:
    reader = Reader.open(database)
    try:
        return reader.read(lambda t: t.rows("SELECT name, value FROM setting ORDER BY name"))  # type: ignore[return-value]
    finally:
        reader.close()


def test_a_new_file_is_private_durable_and_strict(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "sla.db")
    assert stat.S_IMODE((tmp_path / "sla.db").stat().st_mode) == 0o600
    asked = {name: store.read(lambda t, n=name: t.one(f"PRAGMA {n}")) for name in
             ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "mmap_size")}  # fmt: skip
    assert asked == {
        "journal_mode": ("wal",), "synchronous": (2,), "foreign_keys": (1,), "busy_timeout": (5000,), "mmap_size": (0,)
    }  # fmt: skip
    loose = store.read(lambda t: t.rows("SELECT name FROM pragma_table_list WHERE schema = 'main' AND NOT strict"))
    assert [name for (name,) in loose if not name.startswith(("sqlite_", "_sqlite"))] == []
    store.close()


def test_a_transaction_that_raises_leaves_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "sla.db")

    def half(transaction: Transaction) -> None:
        _setting(transaction, "a", "1")
        raise LookupError("half way")

    with pytest.raises(LookupError):
        store.write(half)
    assert _settings(store.database) == []
    store.close()


def test_in_a_group_the_one_that_raises_is_undone_alone(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "sla.db")

    def bad(transaction: Transaction) -> None:
        _setting(transaction, "b", "2")
        raise LookupError("no")

    results = store.write_each([lambda t: _setting(t, "a", "1"), bad, lambda t: _setting(t, "c", "3")])
    assert [type(result) for result in results] == [type(None), LookupError, type(None)]
    assert _settings(store.database) == [("a", "1"), ("c", "3")]
    store.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    Store.open(tmp_path / "sla.db").close()
    reader = Reader.open(tmp_path / "sla.db")
    with pytest.raises(StoreError, match="readonly"):
        reader.read(lambda t: _setting(t, "a", "1"))
    reader.close()


def test_a_reader_of_a_missing_file_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no database at .*sla-sidecar run"):
        Reader.open(tmp_path / "none.db")


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE people (name TEXT)")
    other.commit()
    other.close()
    with pytest.raises(StoreError, match="another program"):
        Store.open(tmp_path / "other.db")


def test_a_file_whose_making_was_cut_short_before_the_first_migration_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of migrations is made, with its index, before the transaction of the first of them."""
    with monkeypatch.context() as none_yet:
        none_yet.setattr(migrations, "MIGRATIONS", ())
        connection = sqlite3.connect(tmp_path / "sla.db")
        migrations.apply(connection)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    connection.close()
    assert all("_sqlite_migrations" in name for name in names)
    assert len(names) == 2
    Store.open(tmp_path / "sla.db").close()
    assert _settings(tmp_path / "sla.db") == []


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sla.db").write_bytes(b"hello " * 1_000)
    with pytest.raises(StoreCorrupt):
        Store.open(tmp_path / "sla.db")


def test_a_damaged_file_is_refused_at_the_start(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "sla.db")
    store.write(lambda t: [_setting(t, f"name{i}", "x" * 200) for i in range(500)])
    store.tidy()
    store.close()
    raw = bytearray((tmp_path / "sla.db").read_bytes())
    page = len(raw) // 4096 - 5
    raw[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    (tmp_path / "sla.db").write_bytes(bytes(raw))
    with pytest.raises(StoreCorrupt):
        Store.open(tmp_path / "sla.db")


# ---- migrations


def test_every_migration_is_recorded_and_none_runs_twice(tmp_path: Path) -> None:
    Store.open(tmp_path / "sla.db").close()
    store = Store.open(tmp_path / "sla.db")
    assert store.read(lambda t: t.rows("SELECT migration_set, name FROM _sqlite_migrations")) == [
        ("sla-sidecar", migration.__name__) for migration in migrations.MIGRATIONS
    ]
    store.close()


def _m999_colour(db: object) -> None:
    """A migration of a later release."""
    db.conn.execute("ALTER TABLE setting ADD COLUMN colour TEXT")  # type: ignore[attr-defined]


def test_an_older_file_is_backed_up_then_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(tmp_path / "sla.db")
    store.write(lambda t: _setting(t, "a", "1"))
    store.close()
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, _m999_colour))
    store = Store.open(tmp_path / "sla.db")
    assert store.read(lambda t: t.rows("SELECT name, value, colour FROM setting")) == [("a", "1", None)]
    store.close()
    backup = tmp_path / "sla.db.before-_m999_colour"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    kept = sqlite3.connect(backup)
    assert kept.execute("SELECT * FROM setting").fetchall() == [("a", "1")]
    kept.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(tmp_path / "sla.db").close()

    def m998_half(db: object) -> None:
        _m999_colour(db)
        raise RuntimeError("half way")

    ground = migrations.MIGRATIONS
    monkeypatch.setattr(migrations, "MIGRATIONS", (*ground, m998_half))
    with pytest.raises(RuntimeError):
        Store.open(tmp_path / "sla.db")
    monkeypatch.setattr(migrations, "MIGRATIONS", ground)
    store = Store.open(tmp_path / "sla.db")
    assert [row[1] for row in store.read(lambda t: t.rows("PRAGMA table_info(setting)"))] == ["name", "value"]
    store.close()


def test_a_file_of_a_newer_release_is_refused_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, _m999_colour))
        Store.open(tmp_path / "sla.db").close()
    with pytest.raises(StoreTooNew, match=r"newer release \(migration _m999_colour\); run that release, or restore"):
        Store.open(tmp_path / "sla.db")
    with pytest.raises(StoreTooNew):
        Reader.open(tmp_path / "sla.db")


# ---- backups


def test_a_backup_is_whole_and_private(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "sla.db")
    store.write(lambda t: _setting(t, "a", "1"))
    store.backup(tmp_path / "copy.db")
    store.close()
    assert _settings(tmp_path / "copy.db") == [("a", "1")]
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


def test_a_store_that_is_being_written_can_be_copied(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "sla.db")
    store.write(lambda t: _setting(t, "a", "1"))
    copy(tmp_path / "sla.db", tmp_path / "copy.db")
    store.write(lambda t: _setting(t, "b", "2"))
    store.close()
    assert _settings(tmp_path / "copy.db") == [("a", "1")]


# ---- trouble


def test_a_full_disk_keeps_what_was_committed_and_says_so(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "sla.db")
    store.write(lambda t: _setting(t, "a", "1"))
    pages = store.read(lambda t: t.one("PRAGMA page_count"))
    assert pages is not None
    store.read(lambda t: t.one(f"PRAGMA max_page_count = {pages[0]}"))
    with pytest.raises(StoreFull, match="full"):
        store.write(lambda t: [_setting(t, f"n{i}", "x" * 1_000) for i in range(100)])
    store.read(lambda t: t.one("PRAGMA max_page_count = 100000"))
    store.write(lambda t: _setting(t, "b", "2"))
    assert _settings(store.database) == [("a", "1"), ("b", "2")]
    store.close()


def test_a_file_that_somebody_else_locks_is_reported_as_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.store.BUSY_TIMEOUT_MS", 20)
    store = Store.open(tmp_path / "sla.db")
    other = sqlite3.connect(tmp_path / "sla.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        store.write(lambda t: _setting(t, "a", "1"))
    other.execute("ROLLBACK")
    other.close()
    store.write(lambda t: _setting(t, "a", "1"))
    store.close()


# ---- one daemon


def test_the_second_to_ask_for_the_lock_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "sla.db"), FileLock(tmp_path / "sla.db")
    first.take()
    with pytest.raises(SecondDaemon, match=r"another daemon \(process \d+\)") as refusal:
        second.take()
    assert refusal.value.exit_code == 75
    first.release()
    second.take()
    second.release()


def test_a_daemon_whose_lease_was_taken_over_is_told(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "sla.db")
    store.write(lambda t: lease.take_lease(t, "one", 1_000))
    store.write(lambda t: lease.beat(t, "one", 2_000))
    store.write(lambda t: lease.take_lease(t, "two", 3_000))
    with pytest.raises(SecondDaemon, match="taken over"):
        store.write(lambda t: lease.beat(t, "one", 4_000))
    store.close()
