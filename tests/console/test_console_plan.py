"""``plan``, ``apply``, ``excuse`` and ``extend`` as a user meets them: real files, real processes, kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from console.__main__ import run
from sla.instant import MINUTE, format_instant, parse_instant
from sla.model import Event
from sla.policy import Policies
from sync.clock import SystemClock
from sync.engine import Arrival, Engine, Rules
from sync.lease import FileLock
from sync.ledger import verify
from sync.link import register
from sync.policy_book import PolicyBook
from sync.store import Reader, Store

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """\
[daemon]

[calendars.always]
timezone = "UTC"
hours = "24x7"

[connections.desk]
connector = "salesforce"
url = "https://desk.example"
domain = "acme.my"
client_id = "env:DESK_ID"
client_secret = "env:DESK_SECRET"

[[policies]]
name = "Inbound"
applies_to = "lead"
calendar = "always"
[[policies.targets]]
metric = "first_response"
within = "1h"
steps = [{ at = "due", task = "Call {record.name}" }]
"""
DOUBLE = CONFIG.replace('"1h"', '"2h"')


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Office:
    """A folder with a configuration and a store of leads, and the command line in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.database = folder / "sla.db"
        self.now = SystemClock().now()
        self._capsys = capsys
        self.write(CONFIG)

    def write(self, text: str) -> None:
        (self.folder / "config.toml").write_text(text)

    def fill(self, minutes_ago: dict[str, int]) -> None:
        """Leads of so many minutes ago, as a daemon that has stopped since would have left them."""
        document = tomllib.loads(CONFIG)
        engine = Engine(PolicyBook(Policies.from_config(document), document), {"desk": Rules(0)}, live=True)
        store = Store.open(self.database)
        store.write(lambda t: register(t, "desk", "salesforce", 0, self.now))
        store.write(lambda t: engine.book.register(t, self.now - 200 * MINUTE))
        arrivals = {}
        for name, ago in minutes_ago.items():
            at, fields = self.now - ago * MINUTE, {"status": "new", "owner": "user:ann"}
            event = Event(record=name, at=at, id="0", event="created", kind="lead", actor="customer:1", set=fields)
            arrivals[name] = Arrival(at, [event])
        names = list(arrivals)
        for start in range(0, len(names), 500):
            part = {name: arrivals[name] for name in names[start : start + 500]}
            assert store.write(lambda t, p=part: engine.judge(t, p, self.now - 5 * MINUTE)) == []  # type: ignore[misc]
        store.close()

    def __call__(self, *arguments: str) -> Done:
        code = run(arguments)
        done = Done(code, *self._capsys.readouterr())
        assert "Traceback" not in done.err
        return done

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json").out)

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        reader = Reader.open(self.database)
        try:
            return reader.read(lambda t: t.rows(sql, parameters))
        finally:
            reader.close()

    def dues(self) -> dict[str, int]:
        """By lead, in minutes from now."""
        return {
            record.rpartition(":")[2]: round((due - self.now) / MINUTE)
            for record, due in self.rows("SELECT record, due_at FROM clock ORDER BY record")
        }


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("getpass.getuser", lambda: "maria")
    made = Office(tmp_path, capsys)
    made.fill({"desk:lead:fresh": 10, "desk:lead:late": 90})
    return made


# ---- plan


def test_a_plan_shows_before_and_after_for_people_and_programs_and_ends_with_zero(office: Office) -> None:
    office.write(DOUBLE)
    text = office("plan")
    assert (text.code, text.err) == (0, "")
    assert 'targets.first_response.within: "1h" → "2h"' in text.out
    assert "--scope new: records first seen from now on, 0 clocks of 2 open records would change" in text.out
    assert "--scope unbreached: 2 records would move, 1 clocks of 2 open records would change" in text.out
    document = office.json("plan", "--scope", "unbreached")
    [change] = document["changes"]
    assert (change["record"], change["target"], change["cycle"], change["scope"]) == (
        "desk:lead:fresh", "first_response", 1, "unbreached",
    )  # fmt: skip
    due = {side: parse_instant(change[side]["due_at"]) for side in ("before", "after")}
    assert due["after"] - due["before"] == 60 * MINUTE
    assert change["before"]["policy"] == change["after"]["policy"] == "Inbound"
    assert office.dues() == {"fresh": 50, "late": -30}


def test_a_plan_of_what_is_in_force_has_nothing_to_show(office: Office) -> None:
    done = office("plan")
    assert done.code == 0
    assert done.out.startswith("the file says what is in force already\n")
    assert office.json("plan")["changes"] == []


def test_nothing_is_planned_or_applied_from_a_file_with_a_problem(office: Office) -> None:
    office.write(DOUBLE.replace("within", "withn"))
    for command in ("plan", "apply"):
        done = office(command)
        assert done.code == 2
        assert "unknown key 'withn'" in done.err
    assert office.rows("SELECT count(*) FROM adoption") == [(1,)]


def test_there_is_nothing_to_plan_before_the_first_start(office: Office) -> None:
    office.write(CONFIG.replace("[daemon]", '[daemon]\ndatabase = "other.db"'))
    for command in (["plan"], ["apply"], ["excuse", "1", "--list"]):
        assert office(*command).code == 2


# ---- apply


def test_apply_does_what_was_planned_at_once_where_no_daemon_runs(office: Office) -> None:
    office.write(DOUBLE)
    done = office("apply", "--scope", "unbreached", "--reason", "new contract")
    assert done.code == 0
    assert "2 records moved (--scope unbreached)\njudged now\n" in done.out
    assert office.dues() == {"fresh": 110, "late": -30}
    told = office.rows("SELECT record, json_extract(body, '$.by'), json_extract(body, '$.reason') FROM ledger"
                       " WHERE what = 'move' ORDER BY record")  # fmt: skip
    assert told == [("desk:lead:fresh", "maria", "new contract"), ("desk:lead:late", "maria", "new contract")]
    assert office.json("plan")["differences"] == []


def test_apply_without_a_scope_moves_nobody(office: Office) -> None:
    office.write(DOUBLE)
    document = office.json("apply")
    assert (document["scope"], document["moved"], document["judged"]) == ("new", [], None)
    assert office.dues() == {"fresh": 50, "late": -30}
    assert office("apply", "--record", "fresh").code == 2


def test_apply_moves_the_records_that_were_named(office: Office) -> None:
    office.write(DOUBLE)
    assert office.json("apply", "--scope", "all", "--record", "fresh")["moved"] == ["desk:lead:fresh"]
    done = office("apply", "--scope", "all", "--record", "frsh")
    assert done.code == 1
    assert "did you mean desk:lead:fresh?" in done.err


def test_an_edited_calendar_counts_for_open_clocks_at_once(office: Office) -> None:
    begin, end = (format_instant(office.now + minutes * MINUTE) for minutes in (10, 40))
    office.write(
        CONFIG
        + f"""
[[maintenance]]
name = "New telephones"
from = {begin}
until = {end}
reason = "nobody can call"
approved_by = "maria"
"""
    )
    assert {c["record"] for c in office.json("plan", "--scope", "new")["changes"]} == {"desk:lead:fresh"}
    assert office.json("apply")["clocks_on_edited_calendars"] == 2


def test_new_fields_ask_for_a_restart(office: Office) -> None:
    office.write(DOUBLE.replace('calendar = "always"', 'calendar = "always"\nwhen = { region = "EU" }'))
    assert office.json("apply")["restart_for_fields"] == ["region"]


@pytest.fixture
def crowd(office: Office) -> Office:
    office.fill({f"desk:lead:{number:04}": 10 for number in range(5_000)})
    return office


def test_an_apply_that_is_killed_between_two_portions_is_finished_by_the_next(crowd: Office) -> None:
    crowd.write(DOUBLE)
    process = subprocess.Popen(
        [sys.executable, "-m", "console", "apply", "--scope", "all"],
        cwd=crowd.folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        while process.poll() is None and not any(moved for (moved,) in crowd.rows("SELECT moved FROM adoption")):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    finally:
        process.kill()
        process.stdout.close()  # type: ignore[union-attr]
    [(cut, moved)] = crowd.rows("SELECT done_at, moved FROM adoption WHERE scope = 'all'")
    assert cut is None, "it came to its end before it was killed"
    assert 0 < moved < 5_002
    assert moved % 500 == 0

    assert crowd.json("plan", "--scope", "new")["unfinished"] is not None
    document = crowd.json("apply", "--scope", "all")
    assert len(document["finished"]["moved"]) == 5_002 - moved
    assert document["moved"] == []
    assert crowd.rows("SELECT count(*), count(DISTINCT at) FROM move") == [(5_002, 1)]
    assert crowd.rows("SELECT count(*) FROM ledger WHERE what = 'move'") == [(5_002,)]
    assert set(crowd.dues().values()) == {110, -30}
    store = Store.open(crowd.database)
    assert store.read(verify) is None
    store.close()


# ---- excuse and extend


def at(office: Office, minutes: int) -> str:
    return format_instant(office.now + minutes * MINUTE)


def test_an_excuse_is_kept_listed_and_withdrawn(office: Office) -> None:
    given = ("excuse", "late", "--from", at(office, -80), "--until", at(office, -20), "--reason", "the line was down")
    done = office(*given, "--by", "ann")
    assert (done.code, done.out) == (0, "excused-1 stands for desk:lead:late, by ann; judged now\n")
    assert office.rows("SELECT outcome FROM clock WHERE record = 'desk:lead:late'") == [("excused",)]
    [listed] = office.json("excuse", "late", "--list")["exceptions"]
    assert (listed["id"], listed["by"], listed["reason"], listed["withdrawn"]) == (
        "excused-1", "ann", "the line was down", None,
    )  # fmt: skip
    assert office("excuse", "late", "--withdraw", "excused-1", "--reason", "wrong lead").code == 0
    assert office.rows("SELECT outcome FROM clock WHERE record = 'desk:lead:late'") == [("missed",)]
    assert "by maria" in office.json("excuse", "late", "--list")["exceptions"][0]["withdrawn"]


def test_an_extension_moves_due(office: Office) -> None:
    given = ("extend", "fresh", "--until", at(office, 300), "--reason", "they asked for it")
    document = office.json(*given, "--target", "first_response")
    assert (document["id"], document["target"], document["judged"]) == ("extended-1", "first_response", "now")
    assert office.dues()["fresh"] == 300


@pytest.mark.parametrize(
    ("order", "code", "said"),
    [
        (["excuse", "lat", "--from", "-10", "--until", "-5", "--reason", "x"], 1, "did you mean desk:lead:late?"),
        (["excuse", "late", "--from", "-5", "--until", "-10", "--reason", "x"], 1, "before it begins"),
        (["excuse", "late", "--from", "-10", "--until", "-5"], 2, "--reason must be given"),
        (["excuse", "late", "--reason", "x"], 2, "--from and --until must be given"),
        (["excuse"], 2, "name either RECORD or --calendar"),
        (["excuse", "late", "--withdraw", "excused-9"], 1, "has no exception 'excused-9'"),
        (["extend", "fresh", "--target", "first_respnse", "--until", "90", "--reason", "x"], 1, "'first_response'?"),
        (["extend", "fresh", "--target", "first_response", "--until", "20", "--reason", "x"], 1, "extends nothing"),
        (["excuse", "--calendar", "alwys", "--from", "-10", "--until", "-5", "--reason", "x"], 1, "'always'?"),
    ],
)
def test_an_order_that_makes_no_sense_says_so_in_one_sentence(
    office: Office, order: list[str], code: int, said: str
) -> None:
    filled = [at(office, int(word)) if before in ("--from", "--until") else word
              for before, word in zip(["", *order], order, strict=False)]  # fmt: skip
    done = office(*filled)
    assert (done.code, said in done.err) == (code, True), done.err
    assert office.rows("SELECT count(*) FROM event WHERE id <> '0'") == [(0,)]


def test_a_closure_is_excused_on_every_record_whose_clock_ran_then_and_withdrawn_again(office: Office) -> None:
    closure = ("excuse", "--calendar", "always", "--from", at(office, -89), "--until", at(office, -20))
    document = office.json(*closure, "--reason", "evacuated")
    assert document["records"] == ["desk:lead:late"]
    assert office.json("excuse", "--calendar", "always", "--withdraw", document["id"])["records"] == ["desk:lead:late"]


# ---- beside a daemon


@pytest.fixture
def daemon(office: Office) -> Iterator[Callable[[], None]]:
    """A daemon's lock held by somebody else, as a running daemon holds it."""
    lock = FileLock(office.database)
    lock.take()
    yield lock.release
    lock.release()


def test_beside_a_daemon_the_order_is_kept_and_judged_at_its_next_tick(
    office: Office, daemon: Callable[[], None]
) -> None:
    office.write(DOUBLE)
    assert office.json("apply", "--scope", "all")["judged"] == "at the daemon's next tick"
    assert office.dues() == {"fresh": 50, "late": -30}
    assert {wake is not None for (wake,) in office.rows("SELECT wake_at FROM record")} == {True}
    daemon()
    assert office.json("apply", "--scope", "all")["moved"] == []


def test_an_order_stands_although_the_rest_of_the_file_is_wrong(office: Office) -> None:
    office.write(CONFIG.replace("applies_to", "aplies_to"))
    given = ("extend", "fresh", "--target", "first_response", "--until", at(office, 300), "--reason", "x")
    assert office.json(*given)["judged"] == "when the daemon runs"


def test_a_plan_of_many_records_is_cut_short_for_people_and_whole_for_programs(crowd: Office) -> None:
    crowd.write(DOUBLE)
    done = crowd("plan", "--scope", "all")
    assert "5002 records would move, 5001 clocks of 5002 open records would change" in done.out  # a breach stays
    assert "… and 4801 more; --json prints them all" in done.out
    assert len(crowd.json("plan", "--scope", "all")["changes"]) == 5_001
