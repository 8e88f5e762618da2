"""The account of a record in words: sentences, sums with their parts, instants in the calendar's own zone.

Owns the wording, for the terminal and for the page. Refuses to print, to gather and to compute: every figure stands in
the account. Invariant: a sum is written with all that it is made of, so that it can be checked by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from sla.duration import format_duration

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_IN_FULL: Final = 8
"""How many parts of a sum are written one by one; more are added up by day."""

_DETAIL: Final = (
    "set",
    "direction",
    "channel",
    "activity",
    "outcome",
    "into",
    "target",
    "from",
    "until",
    "reason",
    "by",
)
_BARE: Final = frozenset({"direction", "activity", "outcome", "channel"})
_CHANGES: Final = {
    "terms": "",
    "version": "moved to another version: ",
    "extended": "extended: ",
    "merged": "an older wait was merged in: ",
    "reopened": "reopened: ",
    "revived": "covered again: ",
    "late": "covered late: ",
    "hours": "its calendar was edited: ",
}


def exact(seconds: float) -> str:
    """A length to the millisecond: ``3h30m``, ``1m5s``, ``0.250s``."""
    work = round(seconds * 1_000)
    rest = abs(work) % 1_000
    if not rest:
        return format_duration(work)
    sign, whole = ("-" if work < 0 else ""), abs(work) // 1_000
    hours = format_duration(whole // 60 * 60_000) if whole >= 60 else ""
    return f"{sign}{hours}{whole % 60}.{rest:03}s"


# ---- instants


def local(text: str, zone: str) -> datetime:
    """An instant of the account on the wall clock of a zone."""
    return datetime.fromisoformat(text).astimezone(ZoneInfo(zone))


def stamp(text: str, zone: str) -> str:
    """``Mon 2 Mar 2026 09:05 -05:00``: the offset tells the two passes of an hour that the clocks repeat."""
    at = local(text, zone)
    offset = at.strftime("%z")
    return f"{day(at)} {at.year} {clock(at)} {offset[:3]}:{offset[3:]}"


def day(at: datetime) -> str:
    """``Mon 2 Mar``, in English wherever it runs."""
    return f"{DAYS[at.weekday()]} {at.day} {MONTHS[at.month - 1]}"


def clock(at: datetime) -> str:
    """``09:05``, with seconds and milliseconds only where there are some."""
    precision = "milliseconds" if at.microsecond else "seconds" if at.second else "minutes"
    return at.time().isoformat(timespec=precision)


# ---- sums


def addition(total: Mapping[str, Any], zone: str) -> str:
    """``Mon 2 Mar 09:00–12:30 3h30m + 13:00–13:30 30m = 4h``."""  # noqa: RUF002 - as it is written
    parts = total["parts"]
    terms = list(_terms(parts, zone) if len(parts) <= _IN_FULL else _by_day(parts, zone))
    return " + ".join(terms or ["nothing"]) + f" = {exact(total['working_s'])}"


def _terms(parts: Sequence[Mapping[str, Any]], zone: str) -> Iterator[str]:
    said = ""
    for part in parts:
        start, end = local(part["from"], zone), local(part["to"], zone)
        head = "" if day(start) == said else day(start) + " "
        said = day(start)
        tail = (
            clock(end)
            if _same_day(start, end)
            else "24:00"
            if _midnight_after(start, end)
            else f"{day(end)} {clock(end)}"
        )
        yield f"{head}{clock(start)}–{tail} {exact(part['working_s'])}"  # noqa: RUF001 - a dash between times


def _same_day(start: datetime, end: datetime) -> bool:
    return start.date() == end.date()


def _midnight_after(start: datetime, end: datetime) -> bool:
    return end.toordinal() == start.toordinal() + 1 and clock(end) == "00:00"


def _by_day(parts: Sequence[Mapping[str, Any]], zone: str) -> Iterator[str]:
    """The parts added up by the day on which they begin; days of one length in a row are counted."""
    days = [
        (name, sum(round(part["working_s"] * 1_000) for part in group) / 1_000)
        for name, group in groupby(parts, lambda part: day(local(part["from"], zone)))
    ]
    for length, group in groupby(days, lambda item: item[1]):
        names = [name for name, _ in group]
        if len(names) == 1:
            yield f"{names[0]} {exact(length)}"
        else:
            yield f"{names[0]} … {names[-1]} {len(names)} × {exact(length)}"  # noqa: RUF001 - a multiplication


def sums(clock: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every sum of a clock as its name and its addition: whose time, what was paused and left out, the whole, due."""
    zone, found = clock["timezone"], clock["sums"]
    for holder, total in found["spent"].items():
        if total["parts"]:
            yield f"spent by {holder}" if holder != "system" else "spent before anybody had it", addition(total, zone)
    for kind, total in {**found["paused"], **found["left_out"]}.items():
        yield kind, addition(total, zone)
    if found["excused"]["parts"]:
        yield "excused", addition(found["excused"], zone)
    yield "whole", whole(clock)
    if found["due"]:
        yield "due", addition(found["due"], zone)


def whole(clock: Mapping[str, Any]) -> str:
    """How elapsed, paused and left-out time make the working time from start to end or to now."""
    sums = clock["sums"]
    terms = [f"{exact(sums['elapsed']['working_s'])} elapsed"]
    terms += [f"{exact(total['working_s'])} {kind}" for kind, total in {**sums["paused"], **sums["left_out"]}.items()]
    until = "its end" if clock["ended_at"] else "now"
    return " + ".join(terms) + f" = {exact(sums['whole_s'])} of working time from its start to {until}"


# ---- sentences


def sentence(clock: Mapping[str, Any]) -> str:
    """Where a clock stands."""
    parts = [f"started {clock['started_at']}"]
    if clock["due_at"]:
        parts.append(f"due {clock['due_at']}")
    if clock["completed_at"]:
        parts.append(f"completed {clock['completed_at']}")
    elif clock["ended_at"]:
        parts.append(f"ended {clock['ended_at']}")
    parts.append(f"{exact(clock['elapsed_s'])} of {exact(clock['budget_s'])} used")
    if clock["late_s"]:
        parts.append(f"late by {exact(clock['late_s'])}")
    elif clock["state"] != "stopped":
        parts.append(f"{exact(clock['remaining_s'])} left")
    if clock["reason"]:
        parts.append(str(clock["reason"]))
    return ", ".join(parts)


def promise(clock: Mapping[str, Any]) -> Iterator[str]:
    """What was promised and on whose authority, where that is more than the policy's own word."""
    for period in clock["adjustments"]:
        yield (
            f"{exact(period['from_s'])} × {period['factor']:g} = {exact(period['to_s'])} in {period['name']}: "  # noqa: RUF001
            f"{period['reason']}, approved by {period['approved_by']}"
        )
    if clock["budget_s"] != clock["within_s"]:
        yield f"{exact(clock['within_s'])} were promised; due stands where {exact(clock['budget_s'])} have gone by"
    made = clock["decision"]
    for name, derived in made["derived"].items() if made else ():
        yield f"{name} is {plain(derived['value'])} by the rule {derived['rule']}"


def change(told: Mapping[str, Any]) -> str:
    """How the terms of a clock changed: ``priority high → urgent: within 4h → 15m, due moved from … to …``."""
    parts = [f"{name} {plain(v['before'])} → {plain(v['after'])}" for name, v in told["fields"].items()]
    if told["policy_before"] != told["policy"]:
        parts.append(f"policy {told['policy_before']} → {told['policy']}")
    if told["within_before_s"] != told["within_s"]:
        parts.append(f"within {exact(told['within_before_s'])} → {exact(told['within_s'])}")
    before, after = (told[key] or "none while it is paused" for key in ("due_before_at", "due_at"))
    parts.append(f"due moved from {before} to {after}" if before != after else f"due stays {after}")
    if told["floored"]:
        parts.append("no sooner, because due never comes nearer than the floor")
    return f"{told['at']}  {_CHANGES.get(told['why'], told['why'] + ': ')}" + ", ".join(parts)


def decided(clock: Mapping[str, Any]) -> str | None:
    """Why the policy rules that rules."""
    made = clock["decision"]
    if made is None or not clock["other_policies"]:
        return None
    way = "the strictest that matches" if made["match"] == "strictest" else "the first in the file that matches"
    due = f", which made it due {made['due_at']}" if made["due_at"] else ""
    return f"{clock['policy']} rules, {way}, decided {made['at']} {made['when']}{due}"


def rival(other: Mapping[str, Any]) -> str:
    """Why another policy does not rule, and when the clock would have been due under it."""
    due = other["due_at"]
    return f"{other['policy']}: {other['why_not']}" + (f"; due {due}" if due and due not in other["why_not"] else "")


def version(clock: Mapping[str, Any]) -> str:
    """By which versions a clock was judged."""
    return f"policies {clock['policy_version']}, calendar {clock['calendar']} {clock['calendar_version']}"


def step_decision(step: Mapping[str, Any]) -> str:
    """What was decided about a step, and what came of it in the CRM. Nothing where a file is explained."""
    said = [_decision(row) for row in step.get("decisions", ())]
    if step.get("undecided"):
        said.append(step["undecided"])
    return "; ".join(said)


def _decision(row: Mapping[str, Any]) -> str:
    reason = f" ({row['reason']})" if row["reason"] else ""
    receipts = "".join(f", {_receipt(receipt)}" for receipt in row["receipts"])
    return f"{row['decision']} {row['decided_at']}{reason}{receipts}"


def _receipt(row: Mapping[str, Any]) -> str:
    words = [row["action"], row["state"], row["done_at"], row["crm_id"] and f"as {row['crm_id']}", row["reason"]]
    return " ".join(str(word) for word in words if word)


# ---- the timeline


def detail(event: Mapping[str, Any], known: dict[str, Any]) -> str:
    """What an event says. Of its fields only those that were not ``known`` before, which are noted."""
    parts = []
    for name in _DETAIL:
        value = event.get(name)
        if isinstance(value, dict):
            news = {key: inner for key, inner in value.items() if key not in known or known[key] != inner}
            known.update(news)
            parts += [f"{key} = {plain(inner)}" for key, inner in news.items()] or ["nothing new"]
        elif value is not None:
            parts.append(str(value) if name in _BARE else f"{name} {value}")
    if event.get("automated"):
        parts.append("automated")
    if event.get("public") is False:
        parts.append("internal")
    if event.get("seen", event["at"]) > event["at"]:
        parts.append(f"seen {event['seen']}")
    return ", ".join(parts)


def counted(event: Mapping[str, Any]) -> str:
    """What an event counted as, and why it was no answer."""
    parts = [*event["counts_as"], *event["signals"]]
    parts += [f"{name} derived by {rule}" for name, rule in event.get("derived", {}).items()]
    if "not_an_answer" in event:
        parts.append(f"not an answer: {event['not_an_answer']}")
    parts += [f"not an answer for {name}: {why}" for name, why in event.get("not_an_answer_for", {}).items()]
    return ", ".join(parts)


def plain(value: object) -> str:
    """A field's value for people."""
    return "empty" if value is None or value == "" else str(value)
