"""Ranges for the traps: those of the connectors."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "sync"))
sys.path.append(str(Path(__file__).parents[1] / "connectors"))  # its own modules, for a run of this folder alone

from salesforce_practice import acme, drain, org  # found by the line above

__all__ = ["acme", "drain", "org"]
