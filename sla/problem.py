"""What is wrong with a configuration, all of it at once, by path.

Owns the shape in which ``sla`` reports mistakes of its input. Refuses files, lines and columns: ``sync`` adds them.
Invariant: a path leads from the document's root to the offending key or value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

Path = tuple[str | int, ...]


class Problem(NamedTuple):
    """One mistake. ``known`` lists the keys that would have been understood where an unknown one stands."""

    path: Path
    message: str
    known: tuple[str, ...] = ()


class Problems(ValueError):
    """Every mistake of a document at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(f"{dotted(p.path)}: {p.message}" for p in self.problems))


def dotted(path: Path) -> str:
    """``policies[0].targets[1].within``"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "document"


class Collector:
    """Collects problems below one path, so that a reader can go on after the first."""

    def __init__(self, path: Path = (), into: list[Problem] | None = None) -> None:
        self.path = path
        self.problems: list[Problem] = [] if into is None else into

    def at(self, *parts: str | int) -> Collector:
        """The same collection, further down."""
        return Collector((*self.path, *parts), self.problems)

    def add(self, message: str, known: Iterable[str] = ()) -> None:
        self.problems.append(Problem(self.path, message, tuple(known)))

    def unknown_keys(self, table: object, known: Iterable[str]) -> None:
        """Reports every key of ``table`` that is not in ``known``."""
        names = tuple(known)
        if isinstance(table, dict):
            for key in table:
                if key not in names:
                    self.at(key).add(f"unknown key {key!r}", names)

    def raise_if_any(self) -> None:
        if self.problems:
            raise Problems(self.problems)
