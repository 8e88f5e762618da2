"""Findings as lines for people: what was found, and below it what to do.

Owns their look. Refuses order and verdict. Invariant: a next step is shown wherever something is not as it should be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console import output

if TYPE_CHECKING:
    from connectors.base import Finding

_SHAPES = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


def print_finding(name: str | None, finding: Finding) -> None:
    """One finding about connection ``name``, or about the file itself."""
    from rich.text import Text

    shape, style = _SHAPES[finding.level]
    where = f"{name}: " if name else ""
    line = Text.assemble((f"{shape} ", style), output.clean(f"{where}{finding.subject}: {finding.message}"))
    output.out().print(line, soft_wrap=True)
    if finding.fix and finding.level != "ok":
        output.say(f"    {finding.fix}")
