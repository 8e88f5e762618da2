"""What one document of policies says differently from another, in words.

Owns the comparison of documents. Refuses to judge what a difference does to records: ``sync.plan`` does. Invariant:
two documents of the same content have no differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from sla.policy import SECTIONS
from sync.revision import Document, plain

_NOTHING: Final = object()


class Difference(msgspec.Struct, frozen=True):
    """``section``: policies, calendars and the like; ``what``: added, removed, changed; ``details``: one line for each
    value that changed."""

    section: str
    name: str
    what: str
    details: list[str]


def differences(before: Document, after: Document) -> list[Difference]:
    """Everything that ``after`` says differently, by section and name."""
    found: list[Difference] = []
    for section in SECTIONS:
        old, new = (_named(plain(document.get(section) or {})) for document in (before, after))
        for name in dict.fromkeys([*old, *new]):
            if old.get(name, _NOTHING) != new.get(name, _NOTHING):
                found.append(_difference(section, name, old.get(name, _NOTHING), new.get(name, _NOTHING)))
    matching = [document.get("daemon", {}).get("match", "strictest") for document in (before, after)]
    if matching[0] != matching[1]:
        found.append(Difference("daemon", "match", "changed", [_line("", *matching)]))
    return found


def _difference(section: str, name: str, old: Any, new: Any) -> Difference:
    if old is _NOTHING:
        return Difference(section, name, "added", [])
    if new is _NOTHING:
        return Difference(section, name, "removed", [])
    return Difference(section, name, "changed", list(_lines("", old, new)))


def _named(section: Any) -> dict[str, Any]:
    """The tables of a section by name; of a list those that have one, the others by their place."""
    if isinstance(section, Mapping):
        return dict(section)
    return {_name(table, place): table for place, table in enumerate(section, 1)}


def _name(table: Any, place: int) -> str:
    named = table if isinstance(table, Mapping) else {}
    return str(named.get("name") or named.get("metric") or named.get("at") or named.get("field") or f"no. {place}")


def _lines(path: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if _tables(old) and _tables(new):
        olds, news = _named(old), _named(new)
        for name in dict.fromkeys([*olds, *news]):
            yield from _lines(f"{path}.{name}" if path else name, olds.get(name, _NOTHING), news.get(name, _NOTHING))
    else:
        yield _line(path, old, new)


def _tables(value: Any) -> bool:
    """Whether something is compared part by part: a table, or a list of tables."""
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(part, Mapping) for part in value)
    )


def _line(path: str, old: Any, new: Any) -> str:
    return f"{path}: {_word(old)} → {_word(new)}".removeprefix(": ")


def _word(value: Any) -> str:
    return "nothing" if value is _NOTHING else msgspec.json.encode(value).decode()
