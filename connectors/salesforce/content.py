"""What a row says, as a number. Pure.

Owns the comparison of rows that came by different ways. Refuses their meaning. Invariant: a query's row and a bulk
job's row of one state have one content. What only one of them tells is no content: a null, the address of the row,
whether a number ended in ``.0``; and what a reader noted on it is none either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from zlib import crc32

import msgspec

from connectors.salesforce.actors import ME, READ

_NOTES: Final = frozenset({"attributes", ME, READ})


def content(row: Mapping[str, Any]) -> int:
    """A checksum of what a row says."""
    return crc32(msgspec.json.encode(sorted(_leaves(row, ""))))


def _leaves(row: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for field, value in row.items():
        if value is None or field in _NOTES:
            continue
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}{field}.")
        else:
            yield path + field, int(value) if isinstance(value, float) and value.is_integer() else value
