"""The emulated Salesforce through jsforce 3.10.15, unchanged (``make test-node``)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from emulators.core import serve
from emulators.salesforce import SalesforceEmulator

FOLDER = Path(__file__).with_name("node")
ELSEWHERE = [Path(folder) for folder in os.environ.get("NODE_PATH", "").split(os.pathsep) if folder]
"""Where packages may be already; else npm puts them beside the script, on first use."""

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not shutil.which("node") or not shutil.which("npm"), reason="needs node and npm"),
]


@pytest.fixture(scope="module", autouse=True)
def packages() -> None:
    if not any((folder / "jsforce").is_dir() for folder in (*ELSEWHERE, FOLDER / "node_modules")):
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--silent"]
        subprocess.run(command, cwd=FOLDER, check=True, timeout=300)


def test_jsforce_works_unchanged() -> None:
    emulator = SalesforceEmulator()
    for number in range(250):  # with the ten that are there: more than one page of 200
        emulator.act({"do": "create", "object": "Account", "fields": {"Name": f"Account {number}"}})
    server = serve(emulator)
    ready = json.dumps({"url": server.url, "credentials": emulator.credentials()})
    try:
        run = subprocess.run(
            ["node", FOLDER / "salesforce.cjs"],
            env={**os.environ, "EMULATOR": ready},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        server.close()
    assert run.returncode == 0, run.stdout + run.stderr
    wanted = re.findall(r'^  async "(.+)"\(\) \{$', (FOLDER / "salesforce.cjs").read_text(), re.MULTILINE)
    assert run.stdout.splitlines() == wanted
