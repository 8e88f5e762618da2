"""Service credits: what a missed objective costs, as a step function of the attainment.

Owns the schedule and its arithmetic. Refuses money: a credit is a share of whatever the contract charges.
Invariant: shares are exact fractions, so an attainment of exactly the limit is never below it, and a lower attainment
never earns a lower credit.
"""

from __future__ import annotations

import itertools
import re
from fractions import Fraction
from typing import Final, NamedTuple

from sla.problem import Collector

KEYS: Final = ("below", "credit")
_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%", re.ASCII)


class Tier(NamedTuple):
    """An attainment under ``below`` earns ``credit``; both are shares of one."""

    below: Fraction
    credit: Fraction


def parse_share(text: object) -> Fraction:
    """The exact share of ``"99.9%"``. Raises ValueError for anything but a percentage above 0 and up to 100."""
    match = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    share = Fraction(match[1]) / 100 if match else Fraction(0)
    if not 0 < share <= 1:
        raise ValueError(f'{text!r} is no share; write a percentage above 0 and up to 100, such as "95%" or "99.9%"')
    return share


def format_share(share: Fraction) -> str:
    """``99.9%``: all its digits, and no more."""
    hundred = 100 * share
    return f"{float(hundred):.6f}".rstrip("0").rstrip(".") + "%"


def read_credits(given: object, problems: Collector) -> tuple[Tier, ...]:
    """The tiers of ``[{ below = "95%", credit = "5%" }, …]``, the lowest limit first."""
    if not isinstance(given, list):
        problems.add('credits are a list such as [{ below = "95%", credit = "5%" }]')
        return ()
    found = []
    for i, table in enumerate(given):
        here = problems.at(i)
        if not isinstance(table, dict):
            here.add('a credit is a table such as { below = "95%", credit = "5%" }')
            continue
        here.unknown_keys(table, KEYS)
        shares = [_read(table, key, here) for key in KEYS]
        if shares[0] is not None and shares[1] is not None:
            found.append((Tier(shares[0], shares[1]), here))
    found.sort(key=lambda pair: pair[0].below)
    for (lower, _), (higher, here) in itertools.pairwise(found):
        if lower.below == higher.below:
            here.at("below").add(f"another credit is given below {format_share(lower.below)} already")
        elif lower.credit < higher.credit:
            here.at("credit").add(
                f"below {format_share(higher.below)} earns more than below {format_share(lower.below)}: "
                "a deeper miss cannot earn less"
            )
    return tuple(tier for tier, _ in found)


def _read(table: dict[str, object], key: str, problems: Collector) -> Fraction | None:
    if key not in table:
        problems.add(f"`{key}` is missing")
        return None
    try:
        return parse_share(table[key])
    except ValueError as mistake:
        problems.at(key).add(str(mistake))
        return None


def credit_for(tiers: tuple[Tier, ...], attainment: Fraction | None) -> Fraction:
    """The credit that an attainment earns: that of the lowest limit it is under; nothing where nothing was decided."""
    if attainment is None:
        return Fraction(0)
    return next((tier.credit for tier in tiers if attainment < tier.below), Fraction(0))


def formula(tiers: tuple[Tier, ...]) -> str:
    """The schedule in words: ``10% below 90%, 5% below 95%, otherwise nothing``."""
    parts = [f"{format_share(tier.credit)} below {format_share(tier.below)}" for tier in tiers]
    return ", ".join([*parts, "otherwise nothing"])
