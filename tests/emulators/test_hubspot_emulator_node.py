"""The emulated HubSpot through the vendor's own Node.js client (``make test-node``)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulators.core import Server, serve
from emulators.hubspot import HubSpotEmulator

FOLDER = Path(__file__).parent / "node_hubspot"
INSTALLED = Path(os.environ.get("SLA_SIDECAR_NODE_HUBSPOT", FOLDER))
"""Where npm has put, or shall put, ``node_modules``."""

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not shutil.which("node") or not shutil.which("npm"), reason="needs node and npm"),
]


@pytest.fixture(scope="module")
def modules() -> Path:
    """The folder of the installed client, installed on first use."""
    modules = INSTALLED / "node_modules"
    if not (modules / "@hubspot" / "api-client").is_dir():
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"],
            cwd=FOLDER, check=True, timeout=300,
        )  # fmt: skip
        modules = FOLDER / "node_modules"
    return modules


@pytest.fixture
def crm() -> Iterator[Server]:
    server = serve(HubSpotEmulator(seed=8))
    yield server
    server.close()


def test_the_node_client_works_unchanged(crm: Server, modules: Path) -> None:
    credentials = json.dumps(crm.emulator.credentials())
    ran = subprocess.run(
        ["node", str(FOLDER / "contract.cjs"), crm.url, credentials],
        env=os.environ | {"NODE_PATH": str(modules)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "stages": [
            ["New", "false"],
            ["Waiting on us", "false"],
            ["Waiting on contact", "false"],
            ["Waiting on third party", "false"],
            ["Closed", "true"],
        ],
        "owners": [["maria@acme.test", "PERSON"], ["li@acme.test", "PERSON"]],
        "byUser": "maria@acme.test",
        "created": ["Help", True],
        "updated": ["2026-03-02T14:05:00Z", True],
        "batchCreated": ["COMPLETE", ["a", "b"]],
        "batchUpdated": [1, 1, "OBJECT_NOT_FOUND"],
        "batchRead": "INTEGRATION",
        "searched": [1, "running"],
        "task": ["NOT_STARTED", True],
        "lead": "Ada",
        "refused": [400, "VALIDATION_ERROR", "PROPERTY_DOESNT_EXIST"],
        "oauth": ["bearer", 1800, True, True, [400, "BAD_REFRESH_TOKEN", "invalid_grant"]],
        "setUp": [["sla_key", "sla_why"], "sla_group", 409],
        "upserted": [True, False, True],
        "history": [["AUTOMATION_PLATFORM", "INTEGRATION"], True],
        "said": ["INCOMING", "OUTGOING"],
        "refusals": {
            "rolling": [429, "RATE_LIMITS", "TEN_SECONDLY_ROLLING"],
            "daily": [429, "RATE_LIMITS", "DAILY"],
            "stranger": [401, "INVALID_AUTHENTICATION", None],
            "scopes": [403, "MISSING_SCOPES", None],
            "doubled": [409, "CONFLICT", None],
            "partly": ["COMPLETE", 1, "INTERNAL_ERROR"],
        },
        "dated": [200, True],
        "archived": 1,
    }
