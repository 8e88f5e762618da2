"""Percentiles of measured lengths.

Owns the one definition used everywhere: nearest rank. Refuses interpolation: every percentile is a length that a record
really had. Invariant: the answer is an element of what was given, and a higher percentile is never a lower one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

SHOWN: Final = (50, 80, 90, 95)


def nearest_rank(ordered: Sequence[int], percent: int) -> int | None:
    """The smallest of ``ordered`` (ascending) that at least ``percent`` of a hundred of them do not exceed.

    ``percent`` is a whole number from 1 to 100. None of nothing.
    """
    if not ordered:
        return None
    return ordered[-(-percent * len(ordered) // 100) - 1]


def percentiles(values: Sequence[int], shown: Sequence[int] = SHOWN) -> dict[int, int | None]:
    """The percentiles of ``values``, in any order."""
    ordered = sorted(values)
    return {percent: nearest_rank(ordered, percent) for percent in shown}
