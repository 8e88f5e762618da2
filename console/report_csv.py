"""A report as CSV: one row a group, names for machines, safe to open in a spreadsheet.

Owns columns and escaping (RFC 4180: CRLF, quotes doubled). Refuses to count. Invariant: no cell of foreign text begins
like a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet read a text as a formula, full-width forms included
(https://owasp.org/www-community/attacks/CSV_Injection)."""

_LEFT_OUT: Final = ("group", "time_per_owner", "cancelled_by_reason")


def face_csv(document: Mapping[str, Any]) -> str:
    """The groups; the total where nothing is grouped by."""
    groups = document["groups"] if document["by"] else [{"group": {}, **document["total"]}]
    by = list(document["by"])
    columns = [name for name, _ in _cells(document["total"])]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*map(safe, by), *columns])
    for group in groups:
        values = [safe(group["group"][name]) for name in by]
        writer.writerow([*values, *("" if value is None else value for _, value in _cells(group))])
    return text.getvalue()


def safe(text: str) -> str:
    """Foreign text for a cell: what would be read as a formula gets an apostrophe in front."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cells(figures: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in figures.items():
        if name in _LEFT_OUT:
            continue
        if isinstance(value, Mapping):
            yield from ((f"{name}_{part}", inner) for part, inner in value.items())
        else:
            yield name, str(value).lower() if isinstance(value, bool) else value
    yield from _times(figures["time_per_owner"])


def _times(spent: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Time per owner by sort of holder: the names are in the other formats."""
    kinds = {"time_people_s": "user:", "time_queues_s": "queue:", "time_system_s": "system", "time_unassigned_s": "una"}
    for column, start in kinds.items():
        yield column, round(sum(work for holder, work in spent.items() if holder.startswith(start)), 3)
