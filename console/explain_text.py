"""The account of a record as text for a person.

Owns its layout on a terminal. Refuses to gather, to word and to compute. Invariant: foreign text is shown as it is,
never read as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import environ
from typing import Any, Final

import click

from console import explain_words as words
from console import output
from console.columns import columns

_COLOURS: Final = {"met": "green", "missed": "red", "running": "cyan", "paused": "yellow"}


def print_accounts(accounts: Sequence[dict[str, Any]]) -> None:
    """Prints each account on standard output."""
    for place, account in enumerate(accounts):
        if place:
            output.say("\n")
        _print_account(account)


def _print_account(account: dict[str, Any]) -> None:
    fields = account["fields"]
    _say_bold(account["record"], f"   as of {account['now']}")
    facts = [f"{name} {fields[name]}" for name in ("status", "priority", "owner") if fields.get(name)]
    output.say("   ".join([account["kind"], *facts, f"first seen {account['first_seen_at']}"]))
    if account.get("measured_only"):
        output.say(f"measured only, never acted on: {account['measured_only']}")
    for move in account.get("moves", ()):
        output.say(f"moved at {move['at']} to version {move['version']} ({move['scope']})")
    _print_timeline(account["timeline"])
    for clock in account["clocks"]:
        _print_clock(clock)
    if not account["clocks"]:
        output.say("\nno clocks: no policy covers it, or nothing has started one")
    if account.get("write_backs"):
        _print_write_backs(account["write_backs"])
    for choice in account.get("assignments", ()):
        _print_assignment(choice)
    for seen in account.get("watches", ()):
        _print_watch(seen)


def _print_timeline(events: list[dict[str, Any]]) -> None:
    known: dict[str, Any] = {}
    rows = [
        (event["at"], event["event"], event.get("actor"), words.detail(event, known), words.counted(event))
        for event in events
    ]
    output.say("\nTimeline")
    _print_table(("at", "event", "by", "~what", "~counted as"), rows)


def _print_clock(clock: dict[str, Any]) -> None:
    word = clock["outcome"] or clock["state"]
    tried = ", only tried out" if clock["stage"] == "shadow" else ""
    end = f"   (policy {clock['policy']}, calendar {clock['calendar']}{tried})"
    output.say()
    _say_bold(f"{clock['target']} #{clock['cycle']}  ", end, word)
    output.say(words.sentence(clock))
    for line in words.promise(clock):
        output.say(line)
    for told in clock["changes"]:
        output.say(words.change(told))
    _print_intervals(clock)
    _print_sums(clock)
    _print_steps(clock["steps"])
    if ruling := words.decided(clock):
        output.say(ruling)
    for other in clock["other_policies"]:
        output.say(f"not {words.rival(other)}")
    output.say(f"judged by {words.version(clock)}")


def _print_intervals(clock: dict[str, Any]) -> None:
    zone, rows = clock["timezone"], []
    for interval in clock["intervals"]:
        work = words.exact(interval["working_s"]) if interval["working_s"] else None
        if work and not interval["counts"]:
            work = f"({work})"  # it does not count
        edges = (words.stamp(interval[edge], zone) for edge in ("from", "to"))
        rows.append((*edges, interval["cause"], interval.get("holder"), work))
    _print_table((f"from ({zone})", "to", "~cause", "whose time", ">working time"), rows)


def _print_sums(clock: dict[str, Any]) -> None:
    spent = {holder: total for holder, total in clock["sums"]["spent"].items() if total["parts"]}
    if spent:
        said = ", ".join(f"{holder} {words.exact(total['working_s'])}" for holder, total in spent.items())
        output.say(f"spent: {said}")
    for name, added in words.sums(clock):
        output.say(f"  {name}: {added}")


def _print_steps(steps: list[dict[str, Any]]) -> None:
    if not steps:
        return
    stored = any("decisions" in step for step in steps)
    decision = (words.step_decision,) if stored else ()
    rows = [
        (step["at"], step["instant"], step["reached"], step["why"], *(told(step) for told in decision))
        for step in steps
    ]
    _print_table(("step", "at", "reached", "~why", *(("~decision",) if stored else ())), rows)


def _print_write_backs(rows: list[dict[str, Any]]) -> None:
    from console.dashboard.page import describe

    output.say("\nWrite-backs")
    told = [
        (
            row["id"],
            row["action"],
            row["state"],
            row["done_at"] or row["retry_at"] or row["created_at"],
            describe("write", {"action": row["action"], "body": row["body"]}),
            row["reason"],
        )
        for row in rows
    ]
    _print_table((">id", "action", "state", "when", "~what", "~reason"), told)


def _print_assignment(choice: dict[str, Any]) -> None:
    pool = f" of {choice['pool']}" if choice["pool"] else ""
    output.say(f"\n{choice['at']}  owner {choice['owner'] or 'nobody'}{pool}: {choice['reason']}")
    rows = [[candidate[name] for name in ("user", "verdict", "open", "turn")] for candidate in choice["considered"]]
    _print_table(("considered", "~verdict", ">open", ">turn"), rows)


def _print_watch(seen: dict[str, Any]) -> None:
    acted = f" ({seen['why_not']}: nothing was done)" if seen["why_not"] else ""
    output.say(f"\n{seen['watch']}: {seen['key']}: {seen['reason']}, since {seen['begin_at']}{acted}")
    output.say("  " + ", ".join(f"{moment['record']} {moment['target']}" for moment in seen["evidence"]))


def _print_table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    for line in columns(names, rows):
        click.echo(line)


def _say_bold(title: str, rest: str, word: str = "") -> None:
    """One line that begins in bold, with a word in its colour behind; plain where nobody sees colours."""
    styled = click.style(output.clean(title), bold=True) + click.style(word, fg=_COLOURS.get(word))
    click.echo(styled + output.clean(rest), color=None if "NO_COLOR" not in environ else False)
