"""The ledger: a chain that betrays any later change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync import housekeeping, ledger
from sync.ledger import Broken, Entry
from sync.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(tmp_path / "sla.db")
    made.write(lambda t: ledger.append(t, [Entry(i, "step", f"crm:lead:{i}", {"n": i}) for i in range(1, 21)]))
    made.write(lambda t: ledger.append(t, [Entry(21, "alarm", None, {"text": "é"})]))
    yield made
    made.close()


def test_an_untouched_chain_holds(store: Store) -> None:
    assert store.read(ledger.verify) is None


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE ledger SET body = '{\"n\":8}' WHERE id = 7", Broken(7, "the row or the one before it was changed")),
        ("UPDATE ledger SET at = at + 1 WHERE id = 21", Broken(21, "the row or the one before it was changed")),
        ("UPDATE ledger SET record = NULL WHERE id = 3", Broken(3, "the row or the one before it was changed")),
        ("DELETE FROM ledger WHERE id = 12", Broken(12, "the row is missing")),
        ("UPDATE ledger SET hash = 'feed' WHERE id = 5", Broken(5, "the row or the one before it was changed")),
    ],
)
def test_any_change_names_the_row(store: Store, tampering: str, found: Broken) -> None:
    store.write(lambda t: t.run(tampering))
    assert store.read(ledger.verify) == found


def test_text_cannot_move_from_one_column_to_the_next_unseen() -> None:
    assert ledger.chain("0", 1, "step", "ab", "c") != ledger.chain("0", 1, "step", "a", "bc")


def test_the_regular_check_goes_on_where_it_ended_and_raises_the_alarm(store: Store) -> None:
    assert store.write(lambda t: housekeeping.check_ledger(t, 30)) is None
    store.write(lambda t: ledger.append(t, [Entry(31, "step", None, {})]))
    store.write(lambda t: t.run("UPDATE ledger SET what = 'drop' WHERE id = 22"))
    assert store.write(lambda t: housekeeping.check_ledger(t, 32)) == Broken(
        22, "the row or the one before it was changed"
    )
    last = store.read(lambda t: t.one("SELECT what, body FROM ledger ORDER BY id DESC LIMIT 1"))
    assert last == (
        "alarm",
        '{"alarm":"the ledger is broken","row":22,"reason":"the row or the one before it was changed"}',
    )
