"""Reading a TOML text that may be broken: every syntax error that can be told apart, and what is left without them.

Owns the recovery: a broken line that is one whole statement is blanked and the rest is read again. Refuses to guess:
behind a broken header or a value that is never closed nothing is trusted, so reading stops there.
Invariant: blanking keeps line numbers, so positions in what is left are positions in the file.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, NamedTuple

from sync.toml_positions import Position

_MOST = 25
_COORDINATES = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)

_EXPLAINED = (
    # tomllib's words (or their beginning) -> ours, and how to mend it
    ("Invalid value", "this is not a value", 'put text in quotes: key = "text"'),
    ("Invalid date", "this is no date or time", 'put it in quotes, or write 2026-03-02T14:05:00Z'),
    ("Expected newline", "something follows the end of this statement", "one key = value per line; text needs quotes"),
    ("Expected '='", "a key without a value", 'write key = value; text needs quotes, a table\'s name brackets'),
    ("Expected ']", "the header of this table is not closed", "write [name] or [[name]]"),
    ("Invalid statement", "this is neither key = value nor a [table]", "a comment begins with #"),
    ("Invalid initial", "a key is missing or has a character that needs quotes", 'quote it: "my key" = …'),
    ("Cannot overwrite", "this key or table stands twice", "keep one of them"),
    ("Duplicate inline", "this key stands twice", "keep one of them"),
    ("Cannot declare", "this table stands twice", "keep one header and put the keys together under it"),
    ("Cannot mutate", "this table is already complete and cannot be added to", "put the keys in one place"),
    ("Cannot redefine", "this table is already complete and cannot be added to", "put the keys in one place"),
    ("Unclosed array", "this list is never closed", "a list ends with ], its elements are separated by commas"),
    ("Unclosed inline", "this inline table is never closed", "it stands on one line and ends with }"),
    ("Unterminated", "this text is never closed", "close the quotes"),
    ("Illegal character", "this text is never closed, or holds a character that must be escaped", "close the quotes"),
    ("Unescaped '\\'", "a backslash in double quotes begins an escape", "write \\\\, or use single quotes"),
    ("Invalid hex", "this is not a complete character escape", "write \\u and four digits, or use single quotes"),
    ("Expected '\"\"\"'", "this text is never closed", 'close it with """'),
    ("Expected \"'''\"", "this text is never closed", "close it with '''"),
    ("Expected \"'\"", "this text is never closed", "close the quotes"),
)  # fmt: skip
_SECOND_TIME = ("Cannot overwrite", "Cannot declare", "Cannot mutate", "Cannot redefine", "Duplicate inline")
_NEVER_CLOSED = ("Unclosed", "Unterminated", 'Expected \'"""\'', "Expected \"'")


class Mistake(NamedTuple):
    """One syntax error: where, what, and how to mend it. ``statement`` is the first line of the broken statement."""

    position: Position
    message: str
    fix: str | None
    statement: str


class Reading(NamedTuple):
    """What a text holds. ``document`` is None when too little of it can be trusted; ``text`` is what was read, with
    the lines of ``blanked`` (counted from 1) emptied."""

    document: dict[str, Any] | None
    text: str
    mistakes: list[Mistake]
    blanked: frozenset[int]


def read(text: str) -> Reading:
    """Reads a text as far as it can be read. Without mistakes, ``document`` is what ``tomllib`` says."""
    lines = text.replace("\r\n", "\n").split("\n")
    mistakes: list[Mistake] = []
    blanked: set[int] = set()
    while len(mistakes) < _MOST:
        try:
            return Reading(tomllib.loads("\n".join(lines)), "\n".join(lines), mistakes, frozenset(blanked))
        except tomllib.TOMLDecodeError as error:
            mistake, statement = _locate(lines, str(error))
        except RecursionError:
            mistakes.append(Mistake(Position(1, 1, ""), "this file nests tables or lists too deeply", None, ""))
            break
        mistakes.append(mistake)
        line = lines[statement - 1]
        if statement != mistake.position.line or line.lstrip().startswith("[") or _stays_open(line):
            break
        lines[statement - 1] = ""
        blanked.add(statement)
    return Reading(None, "\n".join(lines), mistakes, frozenset(blanked))


def _locate(lines: list[str], said: str) -> tuple[Mistake, int]:
    """The mistake that ``tomllib`` means, and the line on which the broken statement begins."""
    match = _COORDINATES.fullmatch(said)
    words = match[1] if match else said
    line = int(match[2]) if match and match[2] else len(lines)
    column = int(match[3]) if match and match[3] else 1
    statement = _statement(lines, line)
    if words.startswith(_NEVER_CLOSED) and line != statement:
        line, column = statement, 1
    if words.startswith(_SECOND_TIME) or column > len(lines[line - 1]):
        column = 1
    source = lines[line - 1]
    if not source[: column - 1].strip():
        column = len(source) - len(source.lstrip()) + 1
    message, fix = _explain(words)
    position = Position(line, column, source[column - 1 :].rstrip())
    return Mistake(position, message, fix, lines[statement - 1]), statement


def _statement(lines: list[str], line: int) -> int:
    """The line on which the statement that goes wrong on ``line`` begins: all before it is TOML by itself."""
    for start in range(line, 1, -1):
        try:
            tomllib.loads("\n".join(lines[: start - 1]))
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
        return start
    return 1


def _stays_open(line: str) -> bool:
    """Whether the statement of ``line`` may go on below it, so that the next lines cannot be trusted."""
    return '"""' in line or "'''" in line or line.count("[") > line.count("]") or line.count("{") > line.count("}")


def _explain(words: str) -> tuple[str, str | None]:
    for start, message, fix in _EXPLAINED:
        if words.startswith(start):
            return message, fix
    return words[:1].lower() + words[1:], None
