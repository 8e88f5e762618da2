"""``python -m emulators``: one line when ready, answers over HTTP, an end on SIGTERM."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from emulators.__main__ import main
from emulators.clock import EmulatorClock

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = 1_772_460_300_000


def test_it_says_when_it_is_ready_and_stops_on_sigterm() -> None:
    command = [sys.executable, "-m", "emulators", "salesforce", "--records", "10", "--seed", "3", "--speed", "60"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {"name", "url", "credentials", "webhook_secret"}
        assert ready["name"] == "salesforce"
        header = {"Authorization": f"Bearer {ready['credentials']['access_token']}"}
        with requests.Session() as http:
            http.trust_env = False
            answer = http.get(
                f"{ready['url']}/services/data/v66.0/query",
                params={"q": "SELECT COUNT() FROM Lead"},
                headers=header,
                timeout=5,
            )
            assert answer.json()["totalSize"] > 0
            assert http.get(f"{ready['url']}/_emulator/", timeout=5).json()["speed"] == 60
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""


def test_an_unknown_name_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["zendesk"])
    assert stopped.value.code == 2
    assert "invalid choice: 'zendesk'" in capsys.readouterr().err


def test_clocks_of_one_origin_and_speed_agree() -> None:
    clocks = [EmulatorClock(60, ORIGIN, real=lambda: ORIGIN / 1000 + 10) for _ in range(2)]
    assert [clock.now_ms() for clock in clocks] == [ORIGIN + 600_000] * 2


def test_a_clock_never_runs_backwards() -> None:
    reals = iter([100.0, 100.0, 90.0, 101.0])
    clock = EmulatorClock(real=lambda: next(reals))
    assert [clock.now_ms() for _ in range(3)] == [100_000, 100_000, 101_000]
    with pytest.raises(ValueError, match="above 0"):
        EmulatorClock(0)
