"""A report as one HTML file: no script, nothing fetched, light and dark, fit for print.

Owns the page and its bars. Refuses figures of its own. Invariant: every text from elsewhere is escaped by the template.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from console.output import clean
from console.report_words import share, tables


def face_html(document: Mapping[str, Any]) -> str:
    """The whole page."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, finalize=_shown)
    meanings = [*document["definitions"].items(), *document["objective_definitions"].items()]
    return environment.get_template("report.html").render(
        document=document, tables=tables(document), bars=_bars(document), meanings=meanings
    )


def _shown(value: object) -> object:
    return clean(value) if type(value) is str else value


def _bars(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    bars = []
    for group in document["groups"]:
        met, decided = group["met"], group["decided"]
        if decided:
            width = round(100 * met / decided, 2)
            bars.append(
                {
                    "label": ", ".join(group["group"].values()) or "all",
                    "met": met,
                    "missed": group["missed"],
                    "share": share(met, decided),
                    "small": group["small"],
                    "width": width,
                    "rest": round(100 - width, 2),
                }
            )
    return bars
