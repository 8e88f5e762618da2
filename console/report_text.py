"""A report as text for people.

Owns its layout. Refuses figures of its own. Invariant: the same document is the same text, on a terminal or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import Any

from console import output
from console.report_words import Table, tables


def face_text(document: Mapping[str, Any]) -> str:
    """Tables, and how the figures are meant."""
    parts = [_head(document), *(_drawn(table) for table in tables(document))]
    if not document["total"]["clocks"]:
        parts.append("no clock was asked for that is in this history")
    else:
        parts.append(_notes(document))
    return "\n\n".join(parts) + "\n"


def _head(document: Mapping[str, Any]) -> str:
    span = [f"{word} {document[word]}" for word in ("from", "until") if document[word]]
    chosen = [f"{name} = {' or '.join(values)}" for name, values in document["where"].items()]
    chosen += [f"target = {' or '.join(document['targets'])}"] if document["targets"] else []
    said = [f"as of {document['as_of']}", *span, *chosen, f"zone {document['zone']}"]
    return output.clean(f"Report on {document['source']}, {', '.join(said)}")


def _drawn(table: Table) -> str:
    from rich.console import Console

    drawn = output.table(*(f"~{name}" if name == "how" else name for name in table.columns))
    for row in table.rows:
        output.add_row(drawn, *row)
    widest = sum(max(map(len, column)) + 3 for column in zip(table.columns, *table.rows, strict=True))
    text = StringIO()
    Console(file=text, width=max(160, widest), color_system=None, highlight=False).print(drawn)
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    return "\n".join([table.title, *lines])


def _notes(document: Mapping[str, Any]) -> str:
    lines = [
        "raw = met / (met + missed + excused); adjusted = met / (met + missed): excused clocks are left out.",
        "Cancelled and running clocks are in no rate. A clock belongs to the period in which it was decided.",
        "Percentiles by nearest rank, of completed clocks, in working time. `--format json` has every definition.",
    ]
    if any(group["small"] for group in document["groups"]):
        lines.append("few: fewer than 20 decided clocks, too few to say.")
    return "\n".join(lines)
