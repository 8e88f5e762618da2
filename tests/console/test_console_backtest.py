"""``backtest``: what would have happened, who would have been told, and what another configuration would change."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from console.__main__ import run
from console.timeline_file import Timelines
from sla.instant import parse_instant
from sla.timeline import event_from_mapping
from sync.configuration import POLICIES, load
from sync.engine import Arrival, Engine, Rules
from sync.policy_book import PolicyBook
from sync.store import Store

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """\
[calendars.office]
timezone = "UTC"
hours = { mon-fri = "09:00-17:00" }

[people]
"user:5" = { manager = "user:9", team = "Sales" }

[[policies]]
name = "Support"
applies_to = "ticket"
calendar = "office"
actions_per_hour = 2
[[policies.targets]]
metric = "first_response"
within = "1h"
steps = [{ at = "75%", notify = "owner" }, { at = "due", notify = "manager" }]
"""
NOW = ("--now", "2026-03-06T17:00:00Z")
FILE = ("--timeline", "t.jsonl", *NOW)


def line(number, at, event, **more):
    return {"record": f"desk:ticket:{number}", "at": f"2026-03-{at}:00Z", "event": event, **more}


def opened(number, at, **fields):
    return line(number, at, "created", kind="ticket", set={"status": "new", "owner": "user:5", **fields})


def answered(number, at):
    return line(number, at, "message", actor="user:5", direction="outbound")


# Monday: one answered after half an hour, one after 50 minutes, three after two hours.
STORY = [
    opened(1, "02T10:00"), answered(1, "02T10:30"),
    opened(2, "02T10:00", source="Web"), answered(2, "02T10:50"),
    *(opened(n, "02T10:00") for n in (3, 4, 5)), *(answered(n, "02T12:00") for n in (3, 4, 5)),
]  # fmt: skip


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(line) + "\n" for line in STORY))

    def call(*arguments):
        code = run(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def document(cli, *arguments):
    code, out, err = cli("backtest", *FILE, "--json", "--summary", *arguments)
    assert (code, err) == (0, "")
    return json.loads(out)


# ---- alerts


def test_alerts_are_lines_in_order_of_time(cli):
    code, out, err = cli("backtest", *FILE, "--alerts", "--json")
    assert (code, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[0] == {
        "at": "2026-03-02T10:45:00Z", "record": "desk:ticket:2", "policy": "Support", "target": "first_response",
        "cycle": 1, "step": "75%", "stage": "enforce", "actions": ["notify"], "to": ["user:5"],
        "risk": None, "sent": True,
    }  # fmt: skip
    assert [(line["at"][11:16], line["record"][-1], *line["to"]) for line in lines] == [
        ("10:45", "2", "user:5"), ("10:45", "3", "user:5"), ("10:45", "4", "user:5"), ("10:45", "5", "user:5"),
        ("11:00", "3", "user:9"), ("11:00", "4", "user:9"), ("11:00", "5", "user:9"),
    ]  # fmt: skip


def test_the_summary_counts_alerts_by_day_and_person_and_names_the_storm(cli):
    assert document(cli)["alerts"] == {
        "sent": 7,
        "measured_only": 0,
        "depending_on_risk": 0,
        "days": 1,
        "mean_a_day": 7.0,
        "busiest_day": {"day": "2026-03-02", "alerts": 7},
        "busiest_hour": {"from": "2026-03-02 10:00", "alerts": 4},
        "storms": [
            {"policy": "Support", "budget": 2, "since": "2026-03-02T10:45:00Z", "until": "2026-03-02T11:00:00Z",
             "held": 5, "peak": 7}
        ],
        "per_day": [{"day": "2026-03-02", "alerts": 7}],
        "per_person": [
            {"person": "user:5", "alerts": 4, "days": 1, "most_a_day": 4},
            {"person": "user:9", "alerts": 3, "days": 1, "most_a_day": 3},
        ],
    }  # fmt: skip


def test_days_are_those_of_the_zone_that_is_named(cli):
    alerts = document(cli, "--zone", "Pacific/Kiritimati")["alerts"]
    assert [row["day"] for row in alerts["per_day"]] == ["2026-03-03"]
    code, _, err = cli("backtest", *FILE, "--zone", "Nowhere/Land")
    assert code == 2
    assert "Nowhere/Land" in err


def test_a_person_reads_who_would_have_been_told(cli):
    code, out, _ = cli("backtest", *FILE, "--alerts")
    assert code == 0
    assert ["2026-03-02", "7"] in [line.split() for line in out.splitlines()]
    assert ["user:5", "4", "1", "4.0", "4"] in [line.split() for line in out.splitlines()]
    assert "alerts: 7 on 1 day, 7.0 a day; most on 2026-03-02 (7) and in the hour from 2026-03-02 10:00 (4), UTC" in out
    assert "storm: Support went over 2 actions an hour" in out
    assert "desk:ticket" not in out


def test_a_policy_without_steps_alerts_nobody(cli, tmp_path):
    (tmp_path / "config.toml").write_text("".join(line for line in CONFIG.splitlines(True) if "steps" not in line))
    assert "no alert would have fired" in cli("backtest", *FILE, "--alerts")[1]
    assert "alerts:" not in cli("backtest", *FILE)[1]


def test_a_condition_on_a_step_is_judged_by_the_record_as_it_stood(cli, tmp_path):
    config = CONFIG.replace('notify = "owner" }', 'notify = "owner", when = { source = "Web" } }')
    (tmp_path / "config.toml").write_text(config)
    lines = [json.loads(line) for line in cli("backtest", *FILE, "--alerts", "--json")[1].splitlines()]
    assert [line["record"][-1] for line in lines if line["step"] == "75%"] == ["2"]


def test_alerts_are_of_one_configuration(cli):
    code, out, err = cli("backtest", *FILE, "--alerts", "--compare", "config.toml")
    assert (code, out) == (2, "")
    assert "--alerts tells of one configuration" in err


# ---- the summary


def test_the_summary_alone_has_no_line_for_each_clock(cli):
    code, out, _ = cli("backtest", *FILE, "--summary")
    assert code == 0
    assert "desk:ticket" not in out
    assert "40.0 %" in out


def test_the_summary_as_a_document(cli):
    found = document(cli)
    assert {name: found[name] for name in ("now", "zone", "records", "clocks")} == {
        "now": "2026-03-06T17:00:00Z", "zone": "UTC", "records": 5, "clocks": 5,
    }  # fmt: skip
    assert found["attainment"] == [
        {"policy": "Support", "target": "first_response", "met": 2, "missed": 3, "running": 0, "paused": 0,
         "cancelled": 0, "excused": 0, "attainment": 0.4},
    ]  # fmt: skip


# ---- another configuration


@pytest.fixture
def shorter(tmp_path):
    (tmp_path / "other.toml").write_text(CONFIG.replace('"1h"', '"40m"'))
    return ("--compare", "other.toml")


def test_breaches_gained_and_lost_by_owner_team_and_hour_of_the_week(cli, shorter):
    found = document(cli, *shorter)
    assert (found["changed"], found["records"]) == (5, 5)
    assert found["whole"] == {
        "breaches_gained": 1,
        "breaches_lost": 0,
        "before": {"clocks": 5, "met": 2, "missed": 3, "attainment": 0.4},
        "after": {"clocks": 5, "met": 1, "missed": 4, "attainment": 0.2},
    }
    [owner], [team] = found["by"]["owner"], found["by"]["team"]
    assert (owner["group"], owner["breaches_gained"]) == ("user:5", 1)
    assert (team["group"], team["after"]["missed"]) == ("Sales", 4)
    assert {row["group"]: row["breaches_gained"] for row in found["by"]["hour_of_week"]} == {"Mon 10": 1, "Mon 11": 0}
    assert (found["before"]["alerts"]["sent"], found["after"]["alerts"]["sent"]) == (7, 8)


def test_other_groups_can_be_asked_for(cli, shorter):
    found = document(cli, *shorter, "--by", "source,hour_of_week")
    assert {row["group"]: row["breaches_gained"] for row in found["by"]["source"]} == {"(none)": 0, "Web": 1}


def test_a_longer_target_loses_breaches(cli, shorter):
    _, out, _ = cli("backtest", "--config", "other.toml", *FILE, "--compare", "config.toml", "--summary")
    assert out.splitlines()[:5] == [
        "5 of 5 clocks change",
        "",
        "breaches: 0 gained, 1 lost",
        "attainment: 20.0 % before, 40.0 % after",
        "alerts: 8 (8.0 a day) before, 7 (7.0 a day) after",
    ]


def test_the_changes_are_still_lines(cli, shorter):
    lines = [json.loads(line) for line in cli("backtest", *FILE, *shorter, "--json")[1].splitlines()]
    assert [set(line) for line in lines] == [{"record", "target", "cycle", "before", "after"}] * 5
    assert [line["record"][-1] for line in lines] == ["1", "2", "3", "4", "5"]


def test_a_group_that_nothing_has_is_told(cli, shorter):
    _, _, err = cli("backtest", *FILE, *shorter, "--by", "ownr")
    assert err == "no record has a field 'ownr'\n"


# ---- where timelines come from


def test_the_stored_history_gives_the_same_as_its_file(cli, tmp_path):
    configuration = load(Path("config.toml"), POLICIES)
    book = PolicyBook(configuration.policies, configuration.document)
    arrivals = {}
    for line in STORY:
        event = event_from_mapping(line)
        arrivals.setdefault(event.record, Arrival(event.at)).events.append(event)
    store = Store.open(configuration.daemon.database)
    store.write(lambda t: book.register(t, parse_instant("2026-03-02T09:00:00Z")))
    store.write(lambda t: Engine(book, {"desk": Rules(0)}, live=True).judge(t, arrivals, parse_instant(NOW[1])))
    store.close()
    stored = cli("backtest", *NOW, "--json")
    from_file = cli("backtest", *FILE, "--json")
    assert stored[0] == 0
    assert [json.loads(line)["outcome"] for line in stored[1].splitlines()] == [
        json.loads(line)["outcome"] for line in from_file[1].splitlines()
    ]


def test_timelines_are_held_packed_and_come_out_as_they_went_in():
    events = [event_from_mapping(line) for line in STORY]
    held = Timelines(events)
    assert len(held) == 5
    assert held["desk:ticket:2"] == events[2:4]
    assert "desk:ticket:9" not in held
    assert [event for record in held for event in held[record]] == sorted(events, key=lambda event: event.record)


def test_standard_input_is_a_timeline_too(cli, monkeypatch, tmp_path):
    with (tmp_path / "t.jsonl").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        piped = cli("backtest", "--timeline", "-", *NOW, "--json")
    assert piped == cli("backtest", *FILE, "--json")


# ---- progress


def process(tmp_path, terminal):
    """Runs a backtest of its own whose standard error is a terminal or not; returns what both streams carried."""
    own, other = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        [sys.executable, "-m", "console", "backtest", *FILE, "--json"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=other if terminal else subprocess.PIPE,
    ) as running:  # fmt: skip
        os.close(other)
        out, err = running.communicate(timeout=60)
    if terminal:
        err = b""
        try:
            while chunk := os.read(own, 65_536):
                err += chunk
        except OSError:
            pass  # the terminal has been closed at its other end
    os.close(own)
    assert running.returncode == 0
    return out, err.decode()


def test_a_terminal_shows_how_far_it_is_and_a_pipe_does_not(cli, tmp_path):
    many = [opened(n, "02T10:00") for n in range(3_000)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(line) + "\n" for line in many))
    piped, silence = process(tmp_path, terminal=False)
    shown, bar = process(tmp_path, terminal=True)
    assert silence == ""
    assert shown == piped
    assert "reading t.jsonl" in bar
    assert "evaluating" in bar
    assert "records/s" in bar
