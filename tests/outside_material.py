"""Where public material lies that the tests can be held against and that is no part of the project."""

from __future__ import annotations

import os
from pathlib import Path

SPECS = Path(os.environ.get("SLA_SIDECAR_SPECS", Path(__file__).resolve().parents[2] / "shared" / "specs"))
DATA = Path(os.environ.get("SLA_SIDECAR_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
