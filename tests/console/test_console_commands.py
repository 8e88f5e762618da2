"""The command line without a daemon: answers, exit codes, and one clear message for every mistake."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.__main__ import COMMANDS, run
from console.lazy_group import LazyGroup

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """\
[calendars.office]
timezone = "America/New_York"
hours = { mon-fri = "09:00-17:00" }

[[policies]]
name = "Support"
applies_to = "ticket"
calendar = "office"
[[policies.targets]]
metric = "first_response"
within = "1h"
steps = [{ at = "75%", notify = "owner" }]
"""
CREATED = (
    '{"record": "desk:ticket:42", "kind": "ticket", "at": "2026-03-02T14:05:00Z", "id": "a1", "event": "created", '
    '"actor": "customer:7", "set": {"status": "new", "owner": "queue:Support"}}\n'
)
ANSWERED = (
    '{"record": "desk:ticket:42", "at": "2026-03-02T14:21:00Z", "id": "a3", "event": "message", "actor": "user:3", '
    '"direction": "outbound"}\n'
)
SECOND = CREATED.replace("ticket:42", "ticket:43")
NOW = ("--now", "2026-03-02T16:00:00Z")


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "t.jsonl").write_text(CREATED + ANSWERED)

    def call(*arguments):
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def process(*arguments, cwd=ROOT, **more):
    return subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}, **more,
    )  # fmt: skip


# ---- help and usage


def test_help_names_every_command_and_imports_none():
    code = (
        "import sys; from console.__main__ import run; run(['--help']); "
        "print([m for m in ('pydantic', 'rich', 'sla.fold', 'starlette', 'sqlite3', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    for name in COMMANDS:
        assert f"  {name} " in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(cli, name):
    code, out, _ = cli(name, "--help")
    assert code == 0
    assert out.startswith(f"Usage: sla-sidecar {name} ")


def test_an_unknown_command_is_met_with_the_nearest(cli):
    assert cli("backtets") == (
        2,
        "",
        "error: no such command 'backtets'; did you mean 'backtest'?\n  see sla-sidecar --help\n",
    )
    assert "did you mean 'elapsed'?" in cli("calendar", "elapse")[2]


def test_an_unknown_option_is_wrong_usage(cli):
    code, out, err = cli("backtest", "--timline", "t.jsonl")
    assert (code, out) == (2, "")
    assert "No such option '--timline'" in err.replace(":", "")


def test_no_command_at_all_shows_the_help(cli):
    code, out, err = cli()
    assert (code, out) == (2, "")
    assert "Commands:" in err


def test_a_command_that_is_named_is_imported_when_called():
    group = LazyGroup(lazy=COMMANDS)
    assert group.get_command(None, "calendar").name == "calendar"
    assert group.get_command(None, "nothing") is None


def test_python_m_console_ends_with_the_exit_code(tmp_path):
    assert process("--version").stdout == "sla-sidecar 0.1.0\n"
    done = process("calender")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_mistake(cli, tmp_path):
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "t.jsonl").write_text("".join(CREATED.replace(":42", f":{n}") for n in range(3_000)))
    command = f"{sys.executable} -m console backtest --timeline t.jsonl --json {' '.join(NOW)} | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


# ---- calendar


def test_due_is_said_in_utc_and_in_the_calendars_own_time(cli):
    question = ("calendar", "due", "--calendar", "office", "--from", "2026-03-06T16:00:00-05:00", "--add", "2h")
    assert cli(*question)[:2] == (0, "2026-03-09T14:00:00Z   Mon 2026-03-09 10:00:00 EDT\n")
    assert json.loads(cli(*question, "--json")[1]) == {
        "calendar": "office",
        "from": "2026-03-06T21:00:00Z",
        "add": "2h",
        "due_at": "2026-03-09T14:00:00Z",
        "local": "Mon 2026-03-09 10:00:00 EDT",
    }


def test_working_days_can_be_added(cli):
    question = ("calendar", "due", "--calendar", "office", "--from", "2026-03-06T16:00:00-05:00", "--add", "2bd")
    assert cli(*question)[1].startswith("2026-03-10T20:00:00Z")


def test_elapsed_working_time_has_a_sign(cli):
    span = ("--from", "2026-03-06T16:00:00-05:00", "--to", "2026-03-09T09:30:00-04:00")
    assert cli("calendar", "elapsed", "--calendar", "office", *span)[:2] == (0, "1h30m   (5400 s of working time)\n")
    back = ("--to", "2026-03-06T16:00:00-05:00", "--from", "2026-03-09T09:30:00-04:00", "--json")
    answer = json.loads(cli("calendar", "elapsed", "--calendar", "office", *back)[1])
    assert (answer["elapsed_s"], answer["elapsed"]) == (-5400, "-1h30m")


def test_the_calendar_needs_no_policies(cli, tmp_path):
    (tmp_path / "config.toml").write_text(CONFIG[: CONFIG.index("[[policies]]")])
    assert cli("calendar", "due", "--calendar", "office", "--from", "2026-03-06T16:00:00Z", "--add", "2h")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--calendar", "ofice", "--from", "2026-03-06T16:00:00Z", "--add", "2h"), "did you mean 'office'?"),
        (("--calendar", "office", "--from", "2026-03-06T16:00:00", "--add", "2h"), "has no offset"),
        (("--calendar", "office", "--from", "yesterday", "--add", "2h"), "is not an ISO 8601 time"),
        (("--calendar", "office", "--from", "2026-03-06T16:00:00Z", "--add", "2d"), "can be read in two ways"),
        (("--calendar", "office", "--from", "2026-03-06T16:00:00Z"), "Missing option '--add'"),
    ],
)
def test_a_wrong_question_to_the_calendar_is_wrong_usage(cli, arguments, says):
    code, out, err = cli("calendar", "due", *arguments)
    assert (code, out) == (2, "")
    assert says in err


def test_a_calendar_that_never_opens_has_no_due(cli, tmp_path):
    (tmp_path / "config.toml").write_text(CONFIG.replace('hours = { mon-fri = "09:00-17:00" }', "hours = { mon = [] }"))
    code, out, err = cli("calendar", "due", "--calendar", "office", "--from", "2026-03-06T16:00:00Z", "--add", "2h")
    assert (code, out) in ((1, ""), (2, ""))
    assert "Traceback" not in err


# ---- backtest


def test_backtest_prints_a_verdict_a_line(cli):
    code, out, err = cli("backtest", "--timeline", "t.jsonl", *NOW, "--json")
    assert (code, err) == (0, "")
    [verdict] = [json.loads(line) for line in out.splitlines()]
    assert verdict == {
        "record": "desk:ticket:42",
        "policy": "Support",
        "target": "first_response",
        "cycle": 1,
        "state": "stopped",
        "outcome": "met",
        "started_at": "2026-03-02T14:05:00Z",
        "due_at": "2026-03-02T15:05:00Z",
        "completed_at": "2026-03-02T14:21:00Z",
        "breached_at": None,
        "within_s": 3600,
        "elapsed_s": 960,
        "paused_s": 0,
        "remaining_s": 2640,
        "late_s": 0,
        "reason": None,
        "steps": [{"at": "75%", "instant": "2026-03-02T14:50:00Z", "reached": False}],
        "spent": {"system": 0, "queue:Support": 960},
    }


def test_backtest_tells_a_person_verdicts_and_attainment(cli, tmp_path):
    (tmp_path / "t.jsonl").write_text(CREATED + ANSWERED + SECOND)
    code, out, _ = cli("backtest", "--timeline", "t.jsonl", *NOW)
    assert code == 0
    assert out.splitlines()[:2] == [
        "met        desk:ticket:42  first_response #1  due 2026-03-02T15:05:00Z",
        "missed     desk:ticket:43  first_response #1  due 2026-03-02T15:05:00Z  late 55m",
    ]
    assert "50.0 %" in out


def test_a_gzipped_timeline_is_read_as_it_is(cli, tmp_path):
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress((CREATED + ANSWERED).encode()))
    plain = cli("backtest", "--timeline", "t.jsonl", *NOW, "--json")
    assert cli("backtest", "--timeline", "t.jsonl.gz", *NOW, "--json") == plain


def test_a_damaged_gzip_is_one_clear_message(cli, tmp_path):
    whole = gzip.compress((CREATED * 50).encode())
    (tmp_path / "t.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    code, out, err = cli("backtest", "--timeline", "t.jsonl.gz", *NOW)
    assert (code, out) == (2, "")
    assert "t.jsonl.gz is damaged" in err


def test_a_bad_line_is_told_with_its_number_and_the_rest_is_evaluated(cli, tmp_path):
    (tmp_path / "t.jsonl").write_text(CREATED + "oops\n\n" + ANSWERED.replace('"id"', '"idd"') + SECOND)
    code, out, err = cli("backtest", "--timeline", "t.jsonl", *NOW, "--json")
    assert code == 1
    assert [json.loads(line)["record"] for line in out.splitlines()] == ["desk:ticket:42", "desk:ticket:43"]
    assert err.splitlines()[0].startswith("t.jsonl:2: not JSON")
    assert err.splitlines()[1] == "t.jsonl:4: unknown key 'idd'; did you mean 'id'?"


def test_the_order_of_lines_and_doubled_lines_change_nothing(cli, tmp_path):
    straight = cli("backtest", "--timeline", "t.jsonl", *NOW, "--json")
    (tmp_path / "t.jsonl").write_text(ANSWERED + CREATED + ANSWERED)
    assert cli("backtest", "--timeline", "t.jsonl", *NOW, "--json") == straight


def test_what_another_configuration_would_change(cli, tmp_path):
    (tmp_path / "other.toml").write_text(CONFIG.replace('"1h"', '"10m"'))
    arguments = ("backtest", "--timeline", "t.jsonl", *NOW, "--compare", "other.toml")
    assert cli(*arguments)[1].splitlines()[:2] == [
        "desk:ticket:42  first_response #1  met, due 2026-03-02T15:05:00Z (Support)  "
        "→  missed, due 2026-03-02T14:15:00Z (Support)",
        "1 of 1 clocks change",
    ]
    [change] = [json.loads(line) for line in cli(*arguments, "--json")[1].splitlines()]
    assert (change["before"]["outcome"], change["after"]["outcome"]) == ("met", "missed")
    assert cli("backtest", "--timeline", "t.jsonl", *NOW, "--compare", "config.toml")[1] == "nothing changes\n"


def test_a_timeline_that_is_not_there_is_wrong_usage(cli):
    code, _, err = cli("backtest", "--timeline", "nowhere.jsonl")
    assert code == 2
    assert "'nowhere.jsonl' does not exist" in err


def test_without_a_timeline_or_a_store_backtest_says_what_to_do(cli, tmp_path):
    code, _, err = cli("backtest")
    assert code == 2
    assert f"there is no store at {tmp_path}/sla.db yet" in err


# ---- explain from a file


def test_explain_accounts_for_every_interval(cli):
    code, out, _ = cli("explain", "42", "--timeline", "t.jsonl", *NOW, "--json")
    assert code == 0
    account = json.loads(out)
    assert account["record"] == "desk:ticket:42"
    [clock] = account["clocks"]
    assert clock["intervals"] == [
        {"from": "2026-03-02T14:05:00Z", "to": "2026-03-02T14:21:00Z", "kind": "running", "cause": "running",
         "counts": True, "working_s": 960, "holder": "queue:Support"}
    ]  # fmt: skip


def test_explain_is_text_for_a_person(cli):
    code, out, _ = cli("explain", "desk:ticket:42", "--timeline", "t.jsonl", *NOW)
    assert code == 0
    assert "first_response #1  met   (policy Support, calendar office)" in out
    assert "started 2026-03-02T14:05:00Z, due 2026-03-02T15:05:00Z, completed 2026-03-02T14:21:00Z" in out
    assert "spent: queue:Support 16m" in out


def test_a_record_that_nobody_knows_is_a_bad_answer(cli):
    code, out, err = cli("explain", "77", "--timeline", "t.jsonl")
    assert (code, out) == (1, "")
    assert "t.jsonl knows no record '77'" in err


def test_foreign_text_cannot_steer_the_terminal(cli, tmp_path):
    (tmp_path / "t.jsonl").write_text(CREATED.replace("queue:Support", "queue:\\u001b[31mred[bold]"))
    _, out, _ = cli("explain", "42", "--timeline", "t.jsonl", *NOW)
    assert "\x1b" not in out
    assert "[bold]" in out


# ---- configuration mistakes


def test_every_mistake_of_the_file_is_shown_with_its_place_and_code_two(cli, tmp_path):
    (tmp_path / "config.toml").write_text(CONFIG.replace("within", "wthin").replace("hours", "hous"))
    code, out, err = cli("backtest", "--timeline", "t.jsonl")
    assert (code, out) == (2, "")
    assert "config.toml:3:1: unknown key 'hous'" in err
    assert "config.toml:11:1: unknown key 'wthin'" in err
    assert 'did you mean "within"?' in err
    assert "Traceback" not in err


def test_a_program_gets_the_mistakes_as_one_document(cli, tmp_path):
    (tmp_path / "config.toml").write_text(CONFIG.replace("within", "wthin"))
    code, out, _ = cli("backtest", "--timeline", "t.jsonl", "--json")
    document = json.loads(out)
    assert (code, document["exit_code"]) == (2, 2)
    assert document["problems"][-1]["line"] == 11
    assert document["problems"][-1]["nearest"] == "within"


def test_a_missing_configuration_is_one_clear_message(cli):
    code, out, err = cli("backtest", "--config", "nowhere.toml", "--timeline", "t.jsonl")
    assert (code, out) == (2, "")
    assert "nowhere.toml: no such file or directory" in err


def test_the_configuration_can_be_named_by_the_environment(cli, tmp_path, monkeypatch):
    (tmp_path / "config.toml").rename(tmp_path / "other.toml")
    monkeypatch.setenv("SLA_SIDECAR_CONFIG", "other.toml")
    assert cli("backtest", "--timeline", "t.jsonl", *NOW)[0] == 0


# ---- check


def test_the_example_is_accepted_as_far_as_it_goes_offline(cli, tmp_path):
    (tmp_path / "config.toml").write_text((ROOT / "config.example.toml").read_text())
    code, out, _ = cli("check", "--offline")
    assert code == 0
    assert "the environment variable HUBSPOT_ACCESS_TOKEN is not set" in out


def test_a_missing_secret_is_a_finding_and_stops_no_other(cli, tmp_path, monkeypatch):
    monkeypatch.delenv("HUBSPOT_ACCESS_TOKEN", raising=False)
    (tmp_path / "config.toml").write_text((ROOT / "config.example.toml").read_text())
    code, out, _ = cli("check", "--json")
    document = json.loads(out)
    assert (code, document["exit_code"]) == (1, 1)
    secrets = [finding for finding in document["findings"] if finding["subject"] == "secret"]
    assert len(secrets) == 3
    assert secrets[-1]["fix"] == "set HUBSPOT_ACCESS_TOKEN before starting"


def test_check_looks_at_each_live_connection(cli, tmp_path):
    (tmp_path / "config.toml").write_text(CONFIG + '\n[connections.paper]\nconnector = "memory"\n')
    code, out, _ = cli("check", "--json")
    assert code == 0
    assert "paper" in [finding["connection"] for finding in json.loads(out)["findings"]]


def test_a_crm_that_cannot_be_reached_is_code_three(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "secret-canary")
    (tmp_path / "config.toml").write_text(
        CONFIG + '\n[connections.away]\nconnector = "hubspot"\nurl = "http://127.0.0.1:9"\naccess_token = "env:TOKEN"\n'
        'timeouts = { connect = "200ms", read = "200ms", total = "1s" }\n'
    )
    code, out, err = cli("check")
    assert code == 3
    assert "secret-canary" not in out + err


def test_a_configuration_that_check_cannot_use_is_code_two(cli):
    code, _, err = cli("check")
    assert code == 2
    assert "there is no [connections.NAME]" in err


# ---- what needs a store


@pytest.mark.parametrize(
    "command", ["status", "explain 42", "backup copy.db", "outbox", "dead", "dead retry 1", "pause", "resume"]
)
def test_without_a_store_a_command_says_what_makes_one(cli, tmp_path, command):
    code, out, err = cli(*command.split())
    assert (code, out) == (2, "")
    assert "`sla-sidecar run` or `once` makes it" in err
    assert not (tmp_path / "sla.db").exists()
