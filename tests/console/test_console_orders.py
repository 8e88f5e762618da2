"""What a person orders beside the daemon: it happens once, stands in the ledger, and touches nothing else."""

import json

import pytest

from console.__main__ import run
from sync.store import Store
from sync.view import View

NOW = 1_772_460_300_000


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("[daemon]\n")
    store = Store.open(tmp_path / "sla.db")
    for number, state in enumerate(("dead", "dead", "waiting", "done"), 1):
        store.write(
            lambda t, number=number, state=state: t.run(
                "INSERT INTO outbox (key, connection, record, action, rank, body, state, retry_at, created_at, done_at,"
                " reason) VALUES (?, 'acme', 'acme:lead:1', 'task', 1, ?, ?, ?, ?, ?, 'no such owner')",
                (f"k{number}", '{"subject":"Call"}', state, NOW, NOW, None if state == "waiting" else NOW),
            )
        )
    store.close()

    def call(*arguments):
        code = run(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def ledger(tmp_path):
    view = View.open(tmp_path / "sla.db")
    try:
        return [(row.what, row.body) for row in view.ledger()]
    finally:
        view.close()


def states(cli):
    code, out, _ = cli("dead", "--json")
    assert code == 0
    return [row["id"] for row in json.loads(out)["write_backs"]]


def test_what_failed_is_listed_with_its_reason(cli):
    code, out, _ = cli("dead")
    assert code == 0
    assert out.count("task: Call") == 2
    assert "no such owner" in out
    assert cli("dead", "--connection", "other")[1] == "no write-back has failed\n"


def test_what_waits_is_listed_in_order(cli):
    [row] = json.loads(cli("outbox", "--json")[1])
    assert (row["id"], row["state"], row["retry_at"]) == (3, "waiting", "2026-03-02T14:05:00Z")


def test_a_failed_write_back_is_tried_again_when_somebody_says_so(cli, tmp_path):
    assert cli("dead", "retry", "1") == (0, "1 tried again\n", "")
    assert states(cli) == [2]
    assert [row["id"] for row in json.loads(cli("outbox", "--json")[1])] == [1, 3]
    assert ledger(tmp_path) == [("retry", {"outbox": 1})]


def test_a_failed_write_back_can_be_given_up(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "maria")
    assert json.loads(cli("dead", "drop", "--all", "--json")[1]) == {"dropped": 2}
    assert states(cli) == []
    assert ledger(tmp_path) == [("drop", {"outbox": 1, "by": "maria"}), ("drop", {"outbox": 2, "by": "maria"})]


@pytest.mark.parametrize(("arguments", "code"), [(["9"], 1), (["3"], 1), (["1", "--all"], 2), ([], 2), (["x"], 2)])
def test_an_order_about_nothing_changes_nothing(cli, tmp_path, arguments, code):
    for order in ("retry", "drop"):
        assert cli("dead", order, *arguments)[0] == code
    assert states(cli) == [2, 1]
    assert ledger(tmp_path) == []


def test_the_kill_switch_is_thrown_once_and_stands_in_the_ledger(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "maria")
    assert cli("pause", "--reason", "wrong pool")[1] == "write-backs are paused\n"
    assert cli("pause")[1] == "write-backs were paused already\n"
    assert cli("status")[1].splitlines()[1].startswith("write-backs are paused")
    assert cli("resume")[1] == "write-backs go on\n"
    assert cli("resume")[1] == "write-backs were not paused\n"
    assert ledger(tmp_path) == [("pause", {"by": "maria", "reason": "wrong pool"}), ("resume", {"by": "maria"})]


def test_the_kill_switch_works_with_a_configuration_that_is_wrong_elsewhere(cli, tmp_path):
    (tmp_path / "config.toml").write_text("[daemon]\n[calendars.office]\nhous = 1\n[[policies]]\n")
    assert cli("pause")[0] == 0
