"""What is wrong with a configuration file: every problem, where it stands, and how to mend it.

Owns the step from a path in the document to a place in the file, and the sentence a person reads. Refuses to judge.
Invariant: the text of a secret is never part of a problem, whatever key it was written under.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sla.problem import Problem
from sync.toml_positions import Path as KeyPath
from sync.toml_positions import Place
from sync.toml_syntax import Mistake

MASK = "***"
_PRIVATE = re.compile(r"secret|token|password|passwd|credential|private|key", re.IGNORECASE)
_LOGIN = re.compile(r"://[^/@\s\"']*@")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class ConfigurationProblem:
    """One mistake of a file. ``line`` and ``column`` count from 1; ``text`` is what stands there, on one line."""

    file: str
    line: int
    column: int
    text: str
    message: str
    nearest: str | None = None
    fix: str | None = None
    path: KeyPath = ()

    @property
    def place(self) -> str:
        """``config.toml:12:3``; the file alone for what is wrong with the file itself."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    @property
    def hint(self) -> str | None:
        """How to mend it, as one sentence."""
        return f'did you mean "{self.nearest}"?' if self.nearest else self.fix

    def __str__(self) -> str:
        shown = self.text not in ("", MASK) and self.text.strip("\"'") not in self.message
        text = f" ({self.text})" if shown else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.place}: {self.message}{text}{hint}"


class ConfigurationError(Exception):
    """A file that cannot be used. ``problems`` holds every one of them, in the order of the file."""

    def __init__(self, problems: Iterable[ConfigurationProblem]) -> None:
        self.problems = sorted(set(problems), key=lambda problem: (problem.line, problem.column, problem.message))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def from_mistake(file: str, mistake: Mistake) -> ConfigurationProblem:
    """A syntax error as a problem. Of a statement that may hold a secret nothing but the key is shown."""
    line, column, text = mistake.position
    if _PRIVATE.search(mistake.statement.partition("=")[0]):
        text = MASK
    return ConfigurationProblem(file, line, column, _one_line(text), mistake.message, fix=mistake.fix)


def locate(
    file: str,
    problem: Problem,
    document: Mapping[str, Any],
    places: Mapping[KeyPath, Place],
    fix: str | None = None,
    private: bool = False,
) -> ConfigurationProblem:
    """The problem at its place in the file: an unknown key at the key, anything else at the value, and what is
    missing at the nearest table that is there."""
    path = problem.path
    while path not in places:
        path = path[:-1]
    place = places[path]
    whole = path == problem.path
    unknown_key = whole and problem.message.startswith("unknown key") and place.key is not None
    position = place.key if unknown_key and place.key else place.value
    value = _value(document, path) if whole else None
    wrong = str(path[-1]) if unknown_key and path else value if isinstance(value, str) else None
    nearest = _nearest(wrong, problem.known)
    if problem.known and not nearest and not fix:
        fix = f"known here: {', '.join(problem.known[:20])}" + (" …" if len(problem.known) > 20 else "")
    private = private or (path[:1] == ("connections",) and any(_PRIVATE.search(str(part)) for part in path[2:]))
    text = MASK if private and not unknown_key else _one_line(position.text)
    return ConfigurationProblem(
        file, position.line, position.column, text, problem.message, nearest, fix, problem.path
    )  # fmt: skip


def _nearest(wrong: str | None, known: tuple[str, ...]) -> str | None:
    if not wrong or not known:
        return None
    by_folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(wrong.casefold(), by_folded, n=1, cutoff=0.5 if len(wrong) <= 4 else 0.6)
    return by_folded[close[0]] if close else None


def _value(document: Any, path: KeyPath) -> Any:
    for part in path:
        document = document[part]
    return document


def _one_line(text: str) -> str:
    first, _, rest = text.partition("\n")
    first = _LOGIN.sub(f"://{MASK}@", first.strip())
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in first)
    return shown[:_LONGEST] + "…" if len(shown) > _LONGEST or rest else shown
