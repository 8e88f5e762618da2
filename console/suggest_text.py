"""Suggestions for people.

Owns their tables and sentences. Refuses to count. Invariant: a figure that rests on little says so beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console import output

_AROUND = 3  # round values shown on either side of the suggested one


def print_suggestions(document: Mapping[str, Any]) -> None:
    """One row a segment, then its round values, warnings and tightening, then the block to paste."""
    segments = document["segments"]
    _print_table(segments, document["goal"])
    for segment in segments:
        output.say()
        output.say(_name(segment))
        for line in _lines(segment):
            output.say(f"  {line}")
    output.say()
    output.say("Working time; attainments are of the clocks that ended, as if the target had stood from the start.")
    output.say("To paste:")
    output.say(document["toml"])


def _print_table(segments: list[Mapping[str, Any]], goal: float) -> None:
    names = list(segments[0]["group"])
    percents = list(segments[0]["percentiles_s"])
    table = output.table(
        "policy", "target", *names, ">ended", ">open", *(f">{p} %" for p in percents), ">now",
        f">{100 * goal:.0f} % met", ">share", ">between",
    )  # fmt: skip
    for segment in segments:
        output.add_row(
            table, segment["policy"], segment["target"], *segment["group"].values(), segment["ended"], segment["open"],
            *(output.length(seconds) for seconds in segment["percentiles_s"].values()), segment["within_now"],
            segment["suggested"], _percent(segment["share"]), _bounds(segment["bounds"]),
            style="dim" if segment["small"] else None,
        )  # fmt: skip
    output.out().print(table)


def _lines(segment: Mapping[str, Any]) -> list[str]:
    lines = ["  ".join(f"{v['within']} {100 * v['share']:.0f} %" for v in _around(segment))]
    lines += [f"! {warning}" for warning in segment["warnings"]]
    if (tightening := segment["tightening"]) is not None:
        months = ", ".join(f"{m['month']} {100 * m['met'] / m['decided']:.1f} %" for m in tightening["months"])
        allows = f"it could be {tightening['to']}" if tightening["to"] else "no shorter round value would have held"
        lines.append(f"held: {months}; {allows}")
    return [line for line in lines if line]


def _around(segment: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The round values next to the suggested one, or the longest where none is long enough."""
    values = segment["round_values"]
    place = next((n for n, value in enumerate(values) if value["within"] == segment["suggested"]), len(values))
    return list(values[max(place - _AROUND, 0) : place + _AROUND + 1])


def _name(segment: Mapping[str, Any]) -> str:
    group = ", ".join(f"{name} {value}" for name, value in segment["group"].items())
    return f"{segment['policy']}, {segment['target']}" + (f", {group}" if group else "")


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.1f} %"


def _bounds(bounds: list[float] | None) -> str | None:
    return None if bounds is None else f"{100 * bounds[0]:.0f} to {100 * bounds[1]:.0f} %"
