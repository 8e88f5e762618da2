"""How a report's figures are written for people: shares, lengths, headings.

Owns wording shared by the text and the HTML face. Refuses to count. Invariant: a share is rounded down, so that what is
below a goal never looks as if it had reached it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from console.output import length

DASH = "\N{EN DASH}"
SMALL = "few"


class Table(NamedTuple):
    """A heading, column names (those of figures begin with ``>``) and rows of words."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def share(part: int, whole: int) -> str:
    """``94.9 %``, rounded down."""
    return f"{1000 * part // whole / 10:.1f} %" if whole else DASH


def lost(part: int, whole: int) -> str:
    """What is missing from ``share``, so that the two add up to 100 %."""
    return f"{(1000 - 1000 * part // whole) / 10:.1f} %" if whole else DASH


def percent(value: float | None) -> str:
    """A share of one as ``94.9 %``, rounded down."""
    return DASH if value is None else f"{int(value * 1000 + 1e-6) / 10:.1f} %"


def exactly(value: float) -> str:
    """A share of one with all its digits: ``99.95 %``."""
    return f"{round(100 * value, 6):g} %"


def span(value: float | None) -> str:
    """Seconds of working time."""
    return DASH if value is None else length(value)


def number(value: float) -> str:
    """Up to one digit after the point."""
    return f"{value:.1f}".removesuffix(".0")


def tables(document: Mapping[str, Any]) -> list[Table]:
    """Everything the report says, as tables; those without anything in them are left out."""
    groups = [*document["groups"]]
    if len(groups) != 1 or not document["by"]:
        groups.append({"group": dict.fromkeys(document["by"], ""), **document["total"], "is_total": True})
    found = [_attainment(document, groups), _lengths(document, groups), _rates(document, groups)]
    found += [_owners(document["total"]), _objectives(document["objectives"]), _credits(document["objectives"])]
    return [table for table in found if table.rows]


def label(document: Mapping[str, Any], group: Mapping[str, Any]) -> list[str]:
    """The group's values, or ``all`` for the total."""
    if group.get("is_total"):
        return ["all", *([""] * (len(document["by"]) - 1))]
    return [str(value) for value in group["group"].values()]


def _by(document: Mapping[str, Any]) -> list[str]:
    return list(document["by"]) or ["group"]


def _attainment(document: Mapping[str, Any], groups: Sequence[Mapping[str, Any]]) -> Table:
    counts = ("clocks", "met", "missed", "excused", "cancelled", "disqualified", "running")
    columns = (*counts, "raw", "adjusted", "breach")
    rows = [
        [
            *label(document, g),
            *(str(g[name]) for name in counts),
            share(g["met"], g["decided"] + g["excused"]),
            share(g["met"], g["decided"]),
            lost(g["met"], g["decided"] + g["excused"]),
            SMALL if g["small"] else "",
        ]
        for g in groups
        if g["clocks"]
    ]
    return Table("Attainment", [*_by(document), *(f">{name}" for name in columns), "note"], rows)


def _lengths(document: Mapping[str, Any], groups: Sequence[Mapping[str, Any]]) -> Table:
    columns, rows = [], []
    kinds = [kind for kind in ("first_response", "resolution") if document["total"][kind]["count"]]
    for kind in kinds:
        columns += [f">{kind.replace('_', ' ')}", ">p50", ">p80", ">p90", ">p95"]
    for g in groups:
        if any(g[kind]["count"] for kind in kinds) or g["handled"]:
            row = label(document, g)
            for kind in kinds:
                row += [str(g[kind]["count"]), *(span(g[kind][f"p{p}_s"]) for p in (50, 80, 90, 95))]
            rows.append([*row, span(g["average_handling_s"])])
    return Table("Working time (count, percentiles)", [*_by(document), *columns, ">handling"], rows)


def _rates(document: Mapping[str, Any], groups: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        [
            *label(document, g),
            share(g["escalated"], g["clocks"]),
            *(str(g[name]) if g["records"] else DASH for name in ("records", "resolved")),
            share(g["reopened"], g["resolved"]),
            share(g["first_contact"], g["resolved"]),
            span(g["waiting_on_customer_s"]) if g["records"] else DASH,
            _integrity(g["integrity"]),
        ]
        for g in groups
        if g["clocks"]
    ]
    columns = (">escalated", ">records", ">resolved", ">reopened", ">first contact", ">waiting on customer",
               ">paused after they spoke")  # fmt: skip
    return Table("Rates", [*_by(document), *columns], rows)


def _integrity(found: Mapping[str, Any]) -> str:
    said = [f"{found['pauses']} ({span(found['pauses_s'])})"] if found["pauses"] else []
    said += [f"{found['stale']} by status only ({span(found['stale_s'])})"] if found["stale"] else []
    return ", ".join(said) or DASH


def _owners(total: Mapping[str, Any], most: int = 15) -> Table:
    spent = total["time_per_owner"]
    whole = sum(spent.values())
    rows = [[holder, span(work), percent(work / whole)] for holder, work in list(spent.items())[:most]]
    rest = list(spent.values())[most:]
    if rest:
        rows.append([f"{len(rest)} more", span(sum(rest)), percent(sum(rest) / whole)])
    return Table("Working time per owner", ("owner", ">time", ">share"), rows)


def _objectives(standings: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        [
            s["objective"],
            s["window"],
            exactly(s["goal"]),
            percent(s["attainment"]),
            f"{s['met']}/{s['decided']}",
            number(s["remaining"]),
            number(s["projected_remaining"]) if s["current"] else DASH,
            " ".join(_burn(s["burn"], name) for name in ("hour", "day", "week")) if s["current"] else DASH,
            s["status"],
        ]
        for s in standings
    ]
    columns = ("objective", "window", ">goal", ">attained", ">met", ">left", ">left at this volume",
               ">burn 1h/day/week", "status")  # fmt: skip
    return Table("Objectives", columns, rows)


def _burn(burn: Mapping[str, float | None], name: str) -> str:
    value = burn.get(name)
    return DASH if value is None else number(value)


def _credits(standings: Sequence[Mapping[str, Any]]) -> Table:
    rows = [[s["objective"], s["window"], exactly(s["credit"]), s["formula"]] for s in standings if s["formula"]]
    return Table("Service credits", ("objective", "window", ">credit", "how"), rows)
