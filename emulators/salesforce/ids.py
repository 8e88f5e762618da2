"""Record ids as Salesforce makes them: 15 case-sensitive characters, and 18 with a checksum that survives case.

Owns prefixes' arithmetic and nothing of what a record is. Invariant: ids are handed out in ascending order per prefix.
Source: developer.salesforce.com, "ID Field Type" (18 = 15 + 3 characters, one per five, for what is upper-case).
https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/field_types.htm
"""

from __future__ import annotations

import re
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE: Final = re.compile(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?")
_POD: Final = "Em0000"
"""The part of an id that names the instance and is the same for all ids of an org."""


def checksum(id15: str) -> str:
    """The three characters that turn 15 into 18."""
    chunks = (id15[0:5], id15[5:10], id15[10:15])
    return "".join(_CHECKS[sum(1 << bit for bit, letter in enumerate(chunk) if letter.isupper())] for chunk in chunks)


def make_id(prefix: str, number: int) -> str:
    """The ``number``-th id of an object, 18 characters."""
    digits = ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    id15 = prefix + _POD + digits.rjust(12 - len(_POD), "0")
    return id15 + checksum(id15)


def is_id(text: object) -> bool:
    """Whether ``text`` has the shape of an id; 18 characters also need the right checksum."""
    if not isinstance(text, str) or not _SHAPE.fullmatch(text):
        return False
    return len(text) == 15 or restore_case(text) is not None


def to_18(text: str) -> str:
    """An id in its 18-character form. 18-character ids whose case was lost get it back."""
    return text + checksum(text) if len(text) == 15 else (restore_case(text) or text)


def restore_case(id18: str) -> str | None:
    """The id with the case that its checksum tells; None when the checksum cannot belong to it."""
    if id18[15:] == checksum(id18[:15]):
        return id18
    letters = list(id18[:15])
    for chunk, check in enumerate(id18[15:].upper()):
        if check not in _CHECKS:
            return None
        bits = _CHECKS.index(check)
        for bit in range(5):
            at = chunk * 5 + bit
            letters[at] = letters[at].upper() if bits >> bit & 1 else letters[at].lower()
            if bits >> bit & 1 and not letters[at].isalpha():
                return None
    return "".join(letters) + id18[15:].upper()
