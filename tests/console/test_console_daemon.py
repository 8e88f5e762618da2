"""The daemon as a process, and the commands beside it: real processes, real HTTP to an emulated CRM."""

import json
import logging
import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from console.__main__ import run

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
CONFIG = """\
[daemon]
listen = "127.0.0.1:0"
tick_every = "100ms"

[calendars.always]
timezone = "UTC"
hours = "24x7"

[connections.desk]
connector = "salesforce"
url = "env:DESK_URL"
domain = "acme.my"
client_id = "env:DESK_ID"
client_secret = "env:DESK_SECRET"
enforce_from = 2020-01-01T00:00:00Z
poll_every = "1s"
write.lead = { first_response_due = "SLA_First_Response_Due__c", sla_status = "SLA_Status__c" }

[[policies]]
name = "Inbound"
applies_to = "lead"
calendar = "always"
[[policies.targets]]
metric = "first_response"
within = "1h"
steps = [{ at = "due", task = "Call {record.name}" }]
"""


@pytest.fixture(scope="module")
def emulator():
    process = subprocess.Popen(
        [sys.executable, "-m", "emulators", "salesforce", "--records", "8"],
        cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield json.loads(process.stdout.readline())
    process.terminate()
    process.wait(5)
    process.stdout.close()


@pytest.fixture
def desk(emulator, tmp_path, monkeypatch, capsys):
    (tmp_path / "config.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DESK_URL", emulator["url"])
    monkeypatch.setenv("DESK_ID", emulator["credentials"]["consumer_key"])
    monkeypatch.setenv("DESK_SECRET", emulator["credentials"]["consumer_secret"])
    yield Desk(tmp_path, emulator["url"], emulator["credentials"]["consumer_secret"], capsys)
    logging.getLogger().handlers.clear()


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class Desk:
    """A folder with a configuration, and the command line in it."""

    def __init__(self, folder, url, secret, capsys):
        self.folder = folder
        self.url = url
        self.secret = secret
        self.capsys = capsys

    def __call__(self, *arguments):
        code = run(arguments)
        done = Done(code, *self.capsys.readouterr())
        assert "Traceback" not in done.stderr
        assert self.secret not in done.stdout + done.stderr
        return done

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json").stdout)

    def effects(self):
        with urllib.request.urlopen(f"{self.url}/_emulator/effects") as answer:
            return answer.read().decode().splitlines()

    @contextmanager
    def running(self):
        process = subprocess.Popen(
            [sys.executable, "-m", "console", "run"],
            cwd=self.folder, env={**os.environ, **ENVIRONMENT}, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            line = process.stderr.readline()
            assert "sla-sidecar is at work" in line, line + process.stderr.read()
            yield process, line.split()[-1]
        finally:
            process.kill()
            process.wait()
            process.stderr.close()


def test_a_dry_run_shows_what_would_be_written_and_why_and_sends_nothing(desk):
    before = desk.effects()
    done = desk("once", "--dry-run")
    assert done.returncode == 0
    assert "would write" in done.stdout
    assert "because first_response #1 of Inbound reached due at " in done.stdout
    assert done.stdout.splitlines()[-1].endswith("write-backs; nothing was sent")
    assert desk.effects() == before
    assert not (desk.folder / "sla.db").exists()
    document = desk.json("once", "--dry-run")
    assert (document["dry_run"], document["exit_code"]) == (True, 0)
    assert {row["action"] for row in document["write_backs"]} == {"fields", "task"}


def test_once_writes_and_once_more_has_nothing_to_write(desk):
    before = len(desk.effects())
    first = desk("once")
    assert first.returncode == 0
    assert "task: Call " in first.stdout
    written = desk.effects()
    assert len(written) > before
    again = desk("once")
    assert (again.returncode, again.stdout) == (0, "nothing to write\n")
    assert desk.effects() == written


def test_a_crm_that_is_away_is_code_three(desk, monkeypatch):
    monkeypatch.setenv("DESK_URL", "http://127.0.0.1:9")
    (desk.folder / "config.toml").write_text(CONFIG.replace("poll_every", 'timeouts.total = "1s"\npoll_every'))
    done = desk("once", "--dry-run")
    assert done.returncode == 3
    assert "desk: " in done.stderr


def test_wrong_credentials_are_a_bad_answer_with_the_fix(desk, monkeypatch):
    monkeypatch.setenv("DESK_SECRET", "wrong")
    done = desk("once")
    assert done.returncode == 1
    check = desk("check")
    assert check.returncode == 1
    assert "✗ desk: login" in check.stdout


@pytest.mark.parametrize("command", ["run", "once"])
def test_nothing_starts_while_a_secret_is_missing(desk, command, monkeypatch):
    monkeypatch.setenv("DESK_SECRET", "")
    done = desk(command)
    assert done.returncode == 2
    assert "config.toml:14:17: the environment variable DESK_SECRET is empty" in done.stderr
    assert not (desk.folder / "sla.db").exists()


def test_a_daemon_serves_its_page_and_ends_cleanly(desk):
    with desk.running() as (process, page):
        with urllib.request.urlopen(page) as answer:
            assert "script-src 'self'" in answer.headers["content-security-policy"]
            assert "SLA clocks" in answer.read().decode()
        with urllib.request.urlopen(page + "healthz") as answer:
            assert answer.read() == b"ok\n"

        second = desk("run")
        assert second.returncode == 75
        assert "another daemon" in second.stderr
        with urllib.request.urlopen(page) as answer:
            assert answer.status == 200

        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_port_that_is_taken_is_wrong_configuration(desk):
    with desk.running() as (_, page):
        port = page.rstrip("/").rpartition(":")[2]
        other = desk.folder / "other.toml"
        taken = CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{port}")
        other.write_text(taken.replace("[daemon]", '[daemon]\ndatabase = "other.db"'))
        done = desk("run", "--config", "other.toml")
    assert done.returncode == 2
    assert f"cannot listen at 127.0.0.1:{port}" in done.stderr


def test_the_store_can_be_asked_while_and_after_the_daemon_runs(desk):
    assert desk("once").returncode == 0
    status = desk.json("status")
    assert status["connections"][0]["state"] == "ok"
    assert status["records"] > 0
    assert "desk" in desk("status").stdout

    record = status["next_due"][0]["record"]
    account = desk.json("explain", record)
    assert account["record"] == record
    assert {row["decision"] for row in account["decisions"]} == {"fired"}
    assert "task" in {row["action"] for row in account["write_backs"]}
    text = desk("explain", record.rpartition(":")[2]).stdout
    assert "Write-backs" in text
    assert "fired" in text

    stored = desk("backtest", "--json").stdout.splitlines()
    assert record in {json.loads(line)["record"] for line in stored}

    assert desk("outbox").stdout == "nothing waits\n"
    assert desk("dead").stdout == "no write-back has failed\n"
    assert desk.json("dead") == {"write_backs": [], "changes": []}
    assert desk("dead", "retry", "7").returncode == 1
    assert desk("dead", "drop").returncode == 2

    assert desk("pause", "--reason", "a test").stdout == "write-backs are paused\n"
    assert desk.json("status")["paused"] is True
    assert desk.json("pause") == {"paused": True, "changed": False}
    assert desk("resume").stdout == "write-backs go on\n"

    assert desk("backup", "copy.db").returncode == 0
    assert (desk.folder / "copy.db").stat().st_mode & 0o077 == 0
    assert desk("backup", "copy.db").returncode == 2


def test_a_database_that_is_none_is_one_clear_message(desk):
    (desk.folder / "sla.db").write_text("this is not a database, whatever its name says" * 100)
    done = desk("status")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")


def test_the_demo_shows_itself_and_leaves_nothing_behind(tmp_path):
    environment = {**ENVIRONMENT, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "console", "demo", "--no-browser", "--port", "0", "--speed", "120"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        told = []
        for line in process.stdout:
            told.append(line)
            if "✓" in line:
                break
        assert any(line.startswith("The page:       http://127.0.0.1:") for line in told)
        assert "✓ due times and SLA states stand in the CRM's own fields" in told[-1]
        assert list(tmp_path.glob("sla-sidecar-demo-*/config.toml"))
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.stdout.close()
    assert list(tmp_path.iterdir()) == []
    emulators = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "emulators salesforce --living --port 0 --speed 120" not in emulators
