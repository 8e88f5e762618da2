"""Where things stand in a TOML text: line and column of every table, key and element, and of syntax errors.

Owns positions only: ``tomllib`` decides what is TOML and what it means, this module walks a text that it accepted.
Refuses to judge values. Invariant: the paths found are exactly the paths of the document that ``tomllib`` returns.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import NamedTuple

Path = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t\n]*(?:#[^\n]*)?")
_SPACES = re.compile(r"[ \t]*")
_DOT = re.compile(r"[ \t]*\.")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{1,2}(?!"))?'
    r"|'''.*?'''(?:'{1,2}(?!'))?"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"\d{4}-\d\d-\d\d[ Tt]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d)?|[^\s,\]}#]+")


class Position(NamedTuple):
    """A place in a text: ``line`` and ``column`` count from 1, in characters; ``text`` is what stands there."""

    line: int
    column: int
    text: str


class Place(NamedTuple):
    """Where a path stands: its key (None for an element of an array), and its value or table ``header``."""

    key: Position | None
    value: Position
    header: bool = False


def positions(text: str) -> dict[Path, Place]:
    """The place of every path of a text that ``tomllib`` accepts. The root is ``()``."""
    return _Scanner(text.replace("\r\n", "\n")).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.places: dict[Path, Place] = {(): Place(None, Position(1, 1, ""))}
        self.elements: dict[Path, int] = {}  # array of tables -> index of its last element
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def scan(self) -> dict[Path, Place]:
        table: Path = ()
        while self._skip_blank():
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self.places

    def _header(self) -> Path:
        start = self.at
        array = self.text.startswith("[[", start)
        self.at += 2 if array else 1
        keys = self._keys()
        self._skip_spaces()
        self.at += 2 if array else 1
        header = self._position(start, self.at)
        path: Path = ()
        for number, (name, key) in enumerate(keys, 1):
            path = (*path, name)
            if array and number == len(keys):
                self._note(path, Place(key, header, True))
                self.elements[path] = self.elements.get(path, -1) + 1
                path = (*path, self.elements[path])
                self.places[path] = Place(key, header, True)
            else:
                # A table may be named first by a subtable's header; its own header is the better place.
                if number == len(keys):
                    self.places[path] = Place(key, header, True)
                self._note(path, Place(key, header, True))
                if path in self.elements:
                    path = (*path, self.elements[path])
        return path

    def _pair(self, table: Path) -> None:
        keys = self._keys()
        path = table
        for name, key in keys[:-1]:
            path = (*path, name)
            self._note(path, Place(key, key))
        name, key = keys[-1]
        path = (*path, name)
        self.at = self.text.index("=", self.at) + 1
        self._skip_spaces()
        self._value(path, key)

    def _keys(self) -> list[tuple[str, Position]]:
        """A dotted key, each part with its place; stands behind its last part afterwards."""
        keys = []
        while True:
            self._skip_spaces()
            start = self.at
            word = self._take(_BARE, _STRING)
            keys.append((_unquoted(word), self._position(start, self.at)))
            if not (dot := _DOT.match(self.text, self.at)):
                return keys
            self.at = dot.end()

    def _value(self, path: Path, key: Position | None) -> None:
        start = self.at
        self.places[path] = Place(key, self._position(start, start))  # before its parts: reading order
        if self.text[start] == "[":
            self._array(path)
        elif self.text[start] == "{":
            self._inline_table(path)
        else:
            self._take(_STRING, _SCALAR)
        self.places[path] = Place(key, self._position(start, self.at))

    def _array(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self._skip_blank() and self.text[self.at] != "]":
            if self.text[self.at] == ",":
                self.at += 1
            else:
                self._value((*path, index), None)
                index += 1
        self.at += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        while self._skip_blank() and self.text[self.at] != "}":
            if self.text[self.at] == ",":
                self.at += 1
            else:
                self._pair(path)
        self.at += 1

    def _note(self, path: Path, place: Place) -> None:
        self.places.setdefault(path, place)

    def _take(self, *patterns: re.Pattern[str]) -> str:
        for pattern in patterns:
            if match := pattern.match(self.text, self.at):
                self.at = match.end()
                return match[0]
        raise AssertionError(f"tomllib accepted what this scanner does not know, at character {self.at}")

    def _skip_spaces(self) -> None:
        match = _SPACES.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _skip_blank(self) -> bool:
        """Skips blanks, newlines and comments; True while something is left."""
        while (match := _BLANK.match(self.text, self.at)) and match.end() > self.at:
            self.at = match.end()
        return self.at < len(self.text)

    def _position(self, start: int, end: int) -> Position:
        line = bisect_right(self.starts, start)
        return Position(line, start - self.starts[line - 1] + 1, self.text[start:end])


def _unquoted(key: str) -> str:
    if key[0] in "\"'":
        [key] = tomllib.loads(f"{key} = 0")
    return key
