"""How chances to miss look: a line, a table, a document; and the table that tells whether they can be believed.

Owns the layout. Refuses to reckon: ``sla.figures.risk`` and ``sla.figures.calibration`` do. Invariant: no chance is
shown without the count of endings that it comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from console import output

if TYPE_CHECKING:
    from sla.figures.calibration import Calibration
    from sla.figures.risk import Chance
    from sync.at_risk import AtRisk


def percent(share: float) -> str:
    """``83 %``; a share that is not quite all or none never reads as if it were."""
    whole = round(100 * share)
    if whole in (0, 100) and share not in (0, 1):
        return "< 1 %" if whole == 0 else "> 99 %"
    return f"{whole} %"


def chance_words(chance: Chance | None) -> str:
    """``83 % of 412``; for one whose time is used up just that."""
    if chance is None:
        return "unknown"
    return percent(chance.probability) + (f" of {chance.count:,}" if chance.segment else "")


def risk_document(one: AtRisk) -> dict[str, Any]:
    """For JSON; lengths are working seconds."""
    target, policy, cycle = one.name
    return {
        "record": one.record,
        "policy": policy,
        "target": target,
        "cycle": cycle,
        "state": one.state,
        "due_at": None if one.due_at is None else output.instant(one.due_at),
        "elapsed_s": one.elapsed / 1_000,
        "remaining_s": one.remaining / 1_000,
        "chance": None if one.chance is None else one.chance.document(),
    }


def risk_line(one: AtRisk) -> str:
    """One clock for ``status``."""
    left = output.length(one.remaining / 1_000)
    return f"at risk {chance_words(one.chance)}: {one.record} {one.name[0]}, {left} left"


def print_at_risk(found: Sequence[AtRisk]) -> None:
    """The table of open clocks."""
    if not found:
        output.say("no clock is open and in time")
        return
    table = output.table(">chance to miss", ">95 %", ">of", "record", "target", "state", ">left", "~compared with")
    for one in found:
        chance = one.chance
        compared = [chance.count, str(chance.segment)] if chance and chance.segment else [None, None]
        bounds = f"{percent(chance.low)} - {percent(chance.high)}" if chance and chance.segment else None
        share = percent(chance.probability) if chance else "unknown"
        left = output.length(one.remaining / 1_000)
        output.add_row(table, share, bounds, compared[0], one.record, one.name[0], one.state, left, compared[1])
    output.out().print(table)


def calibration_document(found: Calibration, now: int) -> dict[str, Any]:
    """For JSON. Shares are 0 to 1."""
    whole = found.score()
    return {
        "now": output.instant(now),
        "split": output.instant(found.at),
        "history": found.history,
        "predictions": len(found.predictions),
        "undecided": found.undecided,
        "silent": found.silent,
        "score": None if whole is None else _rounded({**msgspec.to_builtins(whole), "skill": whole.skill}),
        "buckets": [_rounded(msgspec.to_builtins(bucket)) for bucket in found.buckets()],
        "targets": [
            {"target": target, "after": f"{share}%", **_rounded({**msgspec.to_builtins(each), "skill": each.skill})}
            for target, share, each in found.scores()
        ],
    }


def _rounded(table: dict[str, Any]) -> dict[str, Any]:
    return {name: _round(value) for name, value in table.items()}


def _round(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_round(each) for each in value]
    return round(value, 4) if isinstance(value, float) else value


def print_calibration(document: dict[str, Any]) -> None:
    """The tables of a calibration."""
    output.say(
        f"history    {document['history']:,} clocks known at {document['split']}; "
        f"{document['predictions']:,} predictions of clocks that began later"
    )
    if document["undecided"] or document["silent"]:
        output.say(
            f"left out   {document['undecided']:,} of which nobody knows what became, "
            f"{document['silent']:,} for which too few had ended to tell"
        )
    whole = document["score"]
    if whole is None:
        output.say("nothing can be compared: the history is too short")
        return
    output.say()
    buckets = output.table("predicted", ">predictions", ">on average", ">missed", ">95 %")
    for row in document["buckets"]:
        low, high = row["interval"]
        name = f"{percent(row['low'])} to {percent(row['high'])}"
        interval = f"{percent(low)} - {percent(high)}"
        output.add_row(buckets, name, row["count"], _exactly(row["predicted"]), _exactly(row["happened"]), interval)
    output.out().print(buckets)
    output.say()
    scores = output.table(
        "target", ">after", ">predictions", ">on average", ">missed", ">Brier", ">base rate", ">saved"
    )
    for row in document["targets"]:
        _score_row(scores, row["target"], row["after"], row)
    _score_row(scores, "all", None, whole)
    output.out().print(scores)
    output.say()
    output.say(
        "Brier: the mean square of what the chances were off; base rate: that of always saying the share that missed"
    )


def _score_row(table: Any, name: str, after: str | None, row: dict[str, Any]) -> None:
    skill = None if row["skill"] is None else _exactly(row["skill"])
    shares = _exactly(row["predicted"]), _exactly(row["happened"])
    output.add_row(table, name, after, row["count"], *shares, f"{row['brier']:.4f}", f"{row['base']:.4f}", skill)


def _exactly(share: float) -> str:
    return f"{100 * share:.1f} %"
