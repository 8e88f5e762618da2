"""The summary of ``backtest`` for people.

Owns its tables and sentences. Refuses to count: everything comes from the document. Invariant: what is left out of a
long table is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console import output
from console.backtest_summary import WORDS

_ROWS = 25  # of the groups of a comparison
_STORMS = 10


def print_summary(document: Mapping[str, Any]) -> None:
    """Attainment by policy and target, and the alerts in a few lines."""
    output.say()
    _print_attainment(document["attainment"])
    if not document["clocks"]:
        output.say("no policy covers any record of this timeline")
    _print_alert_lines(document["alerts"], document["zone"])


def print_alert_tables(alerts: Mapping[str, Any]) -> None:
    """Alerts by local day, and by person."""
    days = output.table("day", ">alerts")
    for row in alerts["per_day"]:
        output.add_row(days, row["day"], f"{row['alerts']:,}")
    people = output.table("to", ">alerts", ">days", ">a day", ">most a day")
    for row in alerts["per_person"]:
        mean = f"{row['alerts'] / row['days']:.1f}"
        output.add_row(people, row["person"], f"{row['alerts']:,}", row["days"], mean, row["most_a_day"])
    for table in (days, people):
        if table.row_count:
            output.out().print(table)
            output.say()
    if not _any(alerts):
        output.say("no alert would have fired")


def print_comparison(document: Mapping[str, Any]) -> None:
    """What changes: breaches, attainment, alerts; then group by group."""
    clocks = document["before"]["clocks"]
    changed = document["changed"]
    output.say(f"{changed} of {clocks} clocks change" if changed else "nothing changes")
    if not changed:
        return
    whole = document["whole"]
    output.say()
    output.say(f"breaches: {whole['breaches_gained']:,} gained, {whole['breaches_lost']:,} lost")
    output.say(f"attainment: {_share(whole['before'])} before, {_share(whole['after'])} after")
    output.say(f"alerts: {_a_day(document['before'])} before, {_a_day(document['after'])} after")
    for name, rows in document["by"].items():
        _print_groups(name, rows)


def _print_attainment(rows: Sequence[Mapping[str, Any]]) -> None:
    words = [word for word in WORDS if any(row[word] for row in rows)]
    table = output.table("policy", "target", *(f">{word}" for word in words), ">attainment")
    for row in rows:
        output.add_row(table, row["policy"], row["target"], *(row[word] for word in words), _share(row))
    if rows:
        output.out().print(table)


def _print_alert_lines(alerts: Mapping[str, Any], zone: str) -> None:
    if _any(alerts):
        output.say()
    if alerts["sent"]:
        day, hour = alerts["busiest_day"], alerts["busiest_hour"]
        output.say(
            f"alerts: {alerts['sent']:,} on {_days(alerts['days'])}, {alerts['mean_a_day']:,} a day; "
            f"most on {day['day']} ({day['alerts']:,}) and in the hour from {hour['from']} ({hour['alerts']:,}), {zone}"
        )
    if alerts["measured_only"]:
        output.say(
            f"of policies that are only tried out (stage shadow): {alerts['measured_only']:,}, none of them sent"
        )
    if alerts["depending_on_risk"]:
        output.say(
            f"steps that ask for a chance to miss, which no backtest knows: {alerts['depending_on_risk']:,} at most"
        )
    for storm in sorted(alerts["storms"], key=lambda storm: -storm["held"])[:_STORMS]:
        output.say(
            f"storm: {storm['policy']} went over {storm['budget']:,} actions an hour from {storm['since']} to "
            f"{storm['until']}: up to {storm['peak']:,} in an hour, {storm['held']:,} would have waited"
        )
    if (more := len(alerts["storms"]) - _STORMS) > 0:
        output.say(f"… and {more:,} smaller storms; --json --summary lists them")


def _any(alerts: Mapping[str, Any]) -> bool:
    return bool(alerts["sent"] or alerts["measured_only"] or alerts["depending_on_risk"])


def _print_groups(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """The groups in which a breach is gained or lost, those that change most first."""
    moved = [row for row in rows if row["breaches_gained"] or row["breaches_lost"]]
    if name != "hour_of_week":
        moved.sort(key=lambda row: -(row["breaches_gained"] + row["breaches_lost"]))
    output.say()
    if not moved:
        output.say(f"by {name}: no group gains or loses a breach")
        return
    table = output.table(name, ">gained", ">lost", ">clocks", ">before", ">after")
    for row in moved if name == "hour_of_week" else moved[:_ROWS]:
        output.add_row(
            table, row["group"], row["breaches_gained"], row["breaches_lost"], row["after"]["clocks"],
            _share(row["before"]), _share(row["after"]),
        )  # fmt: skip
    output.out().print(table)
    if name != "hour_of_week" and len(moved) > _ROWS:
        output.say(f"… and {_named(len(moved) - _ROWS)}; --json --summary lists them")


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"


def _named(count: int) -> str:
    return "1 more group" if count == 1 else f"{count:,} more groups"


def _share(side: Mapping[str, Any]) -> str | None:
    share = side["attainment"]
    return None if share is None else f"{100 * share:.1f} %"


def _a_day(side: Mapping[str, Any]) -> str:
    alerts = side["alerts"]
    return f"{alerts['sent']:,} ({alerts['mean_a_day'] or 0:,} a day)"
