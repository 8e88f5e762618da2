"""Record ids: 15 characters that tell upper from lower case, or 18 that need not.

Owns the conversion and the comparison. Refuses lower-casing. Invariant: two spellings of one id compare equal, two ids
never do. https://help.salesforce.com/s/articleView?id=000385585 (how the last three characters are made)
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_ID: Final = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)
_CHECK: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def is_id(text: str) -> bool:
    """Whether ``text`` has the form of a record id."""
    return _ID.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def full_id(text: str) -> str:
    """The 18-character form of an id. Raises ValueError for anything else."""
    if not is_id(text):
        raise ValueError("a Salesforce id has 15 or 18 letters and digits")
    core = text[:15]
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, char in enumerate(core[start : start + 5]) if "A" <= char <= "Z")
        suffix += _CHECK[bits]
    return core + suffix


def same_id(one: str, other: str) -> bool:
    """Whether both spell the same id. Text that is no id equals nothing."""
    return is_id(one) and is_id(other) and one[:15] == other[:15]
