"""Tables as TOML text, for what commands print to be pasted.

Owns the writing. Refuses comments and order: the caller has both. Invariant: what is written reads back as the same
table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def pairs(table: Mapping[str, Any]) -> Iterator[str]:
    """One line for each key of a table."""
    for name, value in table.items():
        yield f"{key(name)} = {text(value)}"


def key(name: str) -> str:
    """A key, quoted where it has to be."""
    return name if _BARE.fullmatch(name) else quoted(name)


def text(value: Any) -> str:
    """A value on one line: text, numbers, booleans, lists and inline tables of them."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key(k)} = {text(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(text, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return quoted(value) if isinstance(value, str) else str(value)


def quoted(value: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
