"""How our own tasks and notes are known again where there is no field for their keys. Pure.

Owns the marker in a text. Refuses customers' eyes: nothing that a customer reads carries one. Invariant: the same key
makes the same mark.
"""

from __future__ import annotations

import hashlib
from typing import Final

MARKER: Final = "sla-sidecar:"


def mark(key: str) -> str:
    """The mark of a write-back's key."""
    return f"{MARKER}{digest(key)}"


def is_marked(text: object) -> bool:
    """Whether a text holds any mark of ours."""
    return isinstance(text, str) and MARKER in text


def digest(key: str) -> str:
    """A key of any length as 32 hexadecimal digits."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
