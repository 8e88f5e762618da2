"""The account of a record as text for a person.

Owns its layout. Refuses to gather or compute. Invariant: foreign text is shown as it is, never read as markup.
"""

from __future__ import annotations

from typing import Any

from rich.text import Text

from console import output

_STYLES = {"met": "green", "missed": "red", "running": "cyan", "paused": "yellow", "cancelled": "dim", "excused": "dim"}
_SHOWN_IN_DETAIL = ("set", "direction", "channel", "activity", "outcome", "into", "target", "until", "reason")


def print_account(account: dict[str, Any]) -> None:
    """Prints timeline, clocks and write-backs on standard output."""
    console = output.out()
    fields = account["fields"]
    console.print(Text.assemble((output.clean(account["record"]), "bold"), f"   as of {account['now']}"))
    facts = [f"{name} {fields[name]}" for name in ("status", "priority", "owner") if fields.get(name)]
    output.say("   ".join([account["kind"], *facts]))
    if account.get("measured_only"):
        output.say(f"measured only, never acted on: {account['measured_only']}")
    _print_timeline(account["timeline"])
    for clock in account["clocks"]:
        decisions = [row for row in account.get("decisions", ()) if _of(row, clock)]
        _print_clock(clock, decisions)
    if not account["clocks"]:
        output.say("\nno clocks: no policy covers it, or nothing has started one")
    if account.get("write_backs"):
        _print_write_backs(account["write_backs"])


def _print_timeline(events: list[dict[str, Any]]) -> None:
    output.say("\nTimeline")
    table = output.table("at", "event", "by", "~what")
    known: dict[str, Any] = {}
    for event in events:
        output.add_row(table, event["at"], event["event"], event.get("actor"), _detail(event, known))
    output.out().print(table)


def _detail(event: dict[str, Any], known: dict[str, Any]) -> str:
    """What an event says. Of its fields only those that were not ``known`` before, which are noted."""
    parts = []
    for name in _SHOWN_IN_DETAIL:
        value = event.get(name)
        if isinstance(value, dict):
            news = {key: inner for key, inner in value.items() if known.get(key) != inner}
            known.update(news)
            parts += [f"{key} = {_plain(inner)}" for key, inner in news.items()] or ["nothing new"]
        elif value is not None:
            parts.append(str(value) if name in ("direction", "activity", "outcome", "channel") else f"{name} {value}")
    if event.get("automated"):
        parts.append("automated")
    if event.get("public") is False:
        parts.append("internal")
    if "not_an_answer" in event:
        parts.append(f"not an answer: {event['not_an_answer']}")
    return ", ".join(parts)


def _plain(value: object) -> str:
    return "empty" if value is None else str(value)


def _print_clock(clock: dict[str, Any], decisions: list[dict[str, Any]]) -> None:
    word = clock["outcome"] or clock["state"]
    title = f"\n{clock['target']} #{clock['cycle']}  "
    end = f"   (policy {clock['policy']}, calendar {clock['calendar']})"
    output.out().print(Text.assemble((title, "bold"), (word, _STYLES.get(word, "")), output.clean(end)))
    output.say(_sentence(clock))
    table = output.table("from", "to", "~cause", ">working time")
    for interval in clock["intervals"]:
        work = output.length(interval["working_s"]) if interval["working_s"] else None
        output.add_row(table, interval["from"], interval["to"], interval["cause"], work)
    output.out().print(table)
    _print_steps(clock["steps"], decisions)
    if spent := {holder: seconds for holder, seconds in clock["spent"].items() if seconds}:
        output.say("spent: " + ", ".join(f"{holder} {output.length(seconds)}" for holder, seconds in spent.items()))
    for other in clock["other_policies"]:
        output.say(f"not {other['policy']}: {other['why_not']}")


def _sentence(clock: dict[str, Any]) -> str:
    parts = [f"started {clock['started_at']}"]
    if clock["due_at"]:
        parts.append(f"due {clock['due_at']}")
    if clock["completed_at"]:
        parts.append(f"completed {clock['completed_at']}")
    parts.append(f"{output.length(clock['elapsed_s'])} of {output.length(clock['within_s'])} used")
    if clock["late_s"]:
        parts.append(f"late by {output.length(clock['late_s'])}")
    elif clock["state"] != "stopped":
        parts.append(f"{output.length(clock['remaining_s'])} left")
    if clock["reason"]:
        parts.append(str(clock["reason"]))
    return ", ".join(parts)


def _print_steps(steps: list[dict[str, Any]], decisions: list[dict[str, Any]]) -> None:
    if not steps:
        return
    table = output.table("step", "at", "reached", "~decision")
    for step in steps:
        said = [_decision(row) for row in decisions if row["step"] == step["at"]]
        output.add_row(table, step["at"], step["instant"], step["reached"], "; ".join(said))
    output.out().print(table)


def _decision(row: dict[str, Any]) -> str:
    reason = f" ({row['reason']})" if row["reason"] else ""
    return f"{row['decision']} {row['decided_at']}{reason}"


def _print_write_backs(rows: list[dict[str, Any]]) -> None:
    output.say("\nWrite-backs")
    from console.dashboard.page import describe

    table = output.table(">id", "action", "state", "when", "~what", "~reason")
    for row in rows:
        when = row["done_at"] or row["retry_at"] or row["created_at"]
        what = describe("write", {"action": row["action"], "body": row["body"]})
        output.add_row(table, row["id"], row["action"], row["state"], when, what, row["reason"])
    output.out().print(table)


def _of(row: dict[str, Any], clock: dict[str, Any]) -> bool:
    return all(row[name] == clock[name] for name in ("target", "policy", "cycle"))
