"""The same file, configuration and instant give the same bytes: on any machine, in real processes.

The zones, holidays and hash seeds below are those that would show a slip: local time, a locale's numbers, the order of
a set.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """\
[calendars.office]
timezone = "America/New_York"
hours = { mon-fri = ["09:00-12:30", "13:00-17:00"], sat = "10:00-14:00" }
holidays = ["US", "US-NY"]
closed = ["2026-12-24", "12-31 13:00-24:00"]

[calendars.night]
timezone = "Australia/Lord_Howe"
hours = { sun-sat = "22:00-06:00" }

[calendars.always]
timezone = "UTC"
hours = "24x7"

[people]
"user:1" = { calendar = "office", team = "Süd", manager = "user:9", away = ["2026-03-04"] }
"user:2" = { calendar = "night", team = "Nord" }

[[policies]]
name = "Everybody"
applies_to = "ticket"
calendar = "office"
actions_per_hour = 1
[[policies.targets]]
metric = "first_response"
within = { urgent = "15m", high = "1h", normal = "4h", low = "1bd" }
steps = [{ at = "75%", notify = "owner" }, { at = "due", notify = "manager" }, { at = "+2h", task = "Call" }]
[[policies.targets]]
metric = "resolution"
within = { urgent = "8h", high = "2bd", normal = "3bd" }
[[policies.targets]]
metric = "next_response"
within = "2h"
calendar = "always"

[[policies]]
name = "Gold"
applies_to = "ticket"
calendar = "night"
when = { tier = ["gold", "platinum"], any = [{ source = "Web" }, { subject = { contains = "ÄRGER" } }] }
[[policies.targets]]
metric = "first_response"
within = "90m"
"""
OTHER = CONFIG.replace('"4h"', '"2h"').replace('"90m"', '"1h"')
NOW = "2026-11-15T12:00:00Z"
QUESTIONS = (
    ("backtest", "--json"),
    ("backtest", "--json", "--alerts"),
    ("backtest", "--json", "--summary", "--zone", "Pacific/Apia"),
    ("backtest", "--json", "--compare", "other.toml"),
    ("backtest", "--json", "--summary", "--compare", "other.toml", "--by", "owner,team,tier,hour_of_week"),
    ("backtest", "--summary"),
    ("suggest", "--json", "--by", "tier,source"),
    ("suggest", "--calendar", "night"),
)


def line(chance: random.Random, record: int, at: datetime, event: str, **more: object) -> str:
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"record": f"desk:ticket:{record}", "at": stamp, "event": event, **more}, ensure_ascii=False)


def timeline(records: int) -> str:
    """Tickets of the weeks around both clock changes of the year, some events out of order and some twice."""
    chance = random.Random(3)
    lines = []
    for record in range(records):
        at = datetime(2026, chance.choice((3, 10)), 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(35 * 86_400))
        fields = {
            "status": "new",
            "priority": chance.choice(("urgent", "high", "normal", "low", None)),
            "tier": chance.choice(("Gold", "platinum", "", "Bronze")),
            "source": chance.choice(("Web", "E-Mail", "Телефон")),
            "subject": chance.choice(("Ärger mit der Lieferung", "question", "İstanbul")),
            "owner": chance.choice(("queue:First", None)),
        }
        lines.append(line(chance, record, at, "created", kind="ticket", actor="customer:1", set=fields))
        for _ in range(chance.randrange(9)):
            at += timedelta(milliseconds=chance.randrange(30 * 3_600_000))
            user = chance.choice(("user:1", "user:2", "user:3"))
            lines.append(
                chance.choice(
                    (
                        line(chance, record, at, "message", actor=user, direction="outbound"),
                        line(chance, record, at, "message", actor="customer:1", direction="inbound"),
                        line(chance, record, at, "changed", actor=user, set={"owner": user}),
                        line(chance, record, at, "changed", actor=user, set={"priority": "urgent"}),
                        line(chance, record, at, "changed", actor=user, set={"status": "pending"}),
                        line(chance, record, at, "changed", actor=user, set={"status": "resolved"}),
                        line(chance, record, at, "changed", actor=user, set={"status": "open"}),
                        line(chance, record, at, "merged", into=f"desk:ticket:{chance.randrange(records)}"),
                        line(chance, record, at, "extended", target="resolution", until=at.isoformat(), by="user:9"),
                    )
                )
            )
            lines += [lines[-1]] * chance.randrange(2)
    chance.shuffle(lines)
    return "".join(f"{text}\n" for text in lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("determinism")
    (made / "config.toml").write_text(CONFIG, encoding="utf-8")
    (made / "other.toml").write_text(OTHER, encoding="utf-8")
    (made / "t.jsonl").write_text(timeline(300), encoding="utf-8")
    return made


ASK = f"""
import sys
from console.__main__ import run
for command, *words in {QUESTIONS!r}:
    assert run([command, "--timeline", "t.jsonl", "--now", {NOW!r}, *words]) == 0
    sys.stdout.flush()
    sys.stdout.buffer.write(b"====\\n")
"""


def answers(folder: Path, python: str = sys.executable, **environment: str) -> list[bytes]:
    """What every question is answered with, by a process of its own."""
    clean = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run([python, "-c", ASK], cwd=folder, env=clean, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.split(b"====\n")[:-1]


def test_the_machines_zone_locale_and_hash_seed_change_no_byte(folder: Path) -> None:
    here = answers(folder, TZ="Pacific/Apia", LC_ALL="C", PYTHONHASHSEED="1")
    there = answers(folder, TZ="America/St_Johns", LC_ALL="tr_TR.UTF-8", LANG="tr_TR.UTF-8", PYTHONHASHSEED="99")
    assert len(here) == len(QUESTIONS)
    assert all(len(answer) > 500 for answer in here)
    assert here == there


def interpreters() -> list[str]:
    """The other Pythons that the product is made for and that can be found here."""
    found = []
    own = ".".join(map(str, sys.version_info[:2]))
    for version in ("3.11", "3.12", "3.13"):
        installed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        path = shutil.which(f"python{version}")
        if version != own and (path or installed):
            found.append(str(installed[-1]) if installed else str(path))
    return found


def environment_of(python: str, folder: Path) -> str:
    """An interpreter that has what the product needs, from the lock; skips where that cannot be had."""
    made = folder / "venv"
    for command in (
        [python, "-m", "venv", str(made)],
        [str(made / "bin/pip"), "install", "-q", "--disable-pip-version-check", "--require-hashes",
         "-r", str(ROOT / "requirements.lock")],
    ):  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{python} cannot be given the dependencies: {(done.stderr or done.stdout).strip()[-200:]}")
    return str(made / "bin/python")


@pytest.mark.slow
@pytest.mark.parametrize("python", interpreters() or [pytest.param("", marks=pytest.mark.skip("no other Python here"))])
def test_every_version_of_python_prints_the_same_bytes(folder: Path, python: str, tmp_path: Path) -> None:
    other = environment_of(python, tmp_path)
    assert answers(folder, other) == answers(folder)
