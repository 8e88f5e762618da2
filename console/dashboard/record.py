"""The page of one record: its account in words, tables and a picture.

Owns what of an account the page shows and in which order. Refuses HTTP and to compute. Invariant: the page says what
``explain`` says, in the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from console import explain_words as words
from console.explain_picture import draw


def build(account: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the page of a record shows, ready for the template."""
    fields = account["fields"]
    facts = [f"{name} {fields[name]}" for name in ("status", "priority", "owner") if fields.get(name)]
    known: dict[str, Any] = {}
    return {
        "record": account["record"],
        "now": account["now"],
        "facts": [account["kind"], *facts],
        "measured": account.get("measured_only"),
        "picture": Markup(draw([account])),  # noqa: S704 - escaped where it is drawn
        "clocks": [_clock(clock) for clock in account["clocks"]],
        "timeline": [
            (event["at"], event["event"], event.get("actor"), words.detail(event, known), words.counted(event))
            for event in account["timeline"]
        ],
    }


def _clock(clock: Mapping[str, Any]) -> dict[str, Any]:
    word = clock["outcome"] or clock["state"]
    return {
        "title": f"{clock['target'].replace('_', ' ')} #{clock['cycle']}",
        "word": word,
        "tone": "overdue" if word == "missed" else word,
        "terms": f"policy {clock['policy']}, calendar {clock['calendar']} ({clock['timezone']})",
        "lines": list(_lines(clock)),
        "intervals": [_interval(interval, clock["timezone"]) for interval in clock["intervals"]],
        "sums": list(words.sums(clock)),
        "steps": [
            (step["at"], step["instant"], step["reached"], step["why"], words.step_decision(step))
            for step in clock["steps"]
        ],
        "rivals": [words.rival(other) for other in clock["other_policies"]],
    }


def _lines(clock: Mapping[str, Any]) -> Iterator[str]:
    yield words.sentence(clock)
    yield from words.promise(clock)
    yield from (words.change(told) for told in clock["changes"])
    if ruling := words.decided(clock):
        yield ruling


def _interval(interval: Mapping[str, Any], zone: str) -> dict[str, Any]:
    return {
        "from": words.stamp(interval["from"], zone),
        "to": words.stamp(interval["to"], zone),
        "cause": interval["cause"],
        "holder": interval.get("holder"),
        "work": words.exact(interval["working_s"]) if interval["working_s"] else None,
        "counts": interval["counts"],
    }
