"""SOQL text to a tree, by a real parser.

Owns the shapes of a parsed query and the errors of its grammar. Refuses to know which objects and fields exist.
Invariant: whatever ``parse`` returns is within the grammar of ``soql.lark``; all else raises MALFORMED_QUERY.
Source: SOQL and SOSL Reference.
https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath
from typing import Any, Final, TypeAlias

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from emulators.salesforce.errors import ApiError


@dataclass(frozen=True, slots=True)
class Path:
    """``Owner.Name`` and where it stands (1-based column), for error messages."""

    names: tuple[str, ...]
    column: int

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Literal:
    """``kind`` is the terminal's name: STRING, DATETIME, DATE, NUMBER, INTEGER, BOOLEAN, NULL or DATE_WORD.
    A STRING keeps its escapes in ``text``; ``value`` has them resolved."""

    kind: str
    text: str
    value: Any


@dataclass(frozen=True, slots=True)
class TypeOf:
    relationship: str
    column: int
    whens: tuple[tuple[str, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """``operator``: = != < <= > >= or LIKE."""

    path: Path
    operator: str
    literal: Literal


@dataclass(frozen=True, slots=True)
class In:
    path: Path
    negated: bool
    literals: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """``Id IN (SELECT WhoId FROM Task …)``."""

    path: Path
    negated: bool
    column: Path
    object: str
    where: Condition | None


@dataclass(frozen=True, slots=True)
class Not:
    inner: Condition


@dataclass(frozen=True, slots=True)
class Both:
    """All of ``parts`` when ``every``, else any of them."""

    every: bool
    parts: tuple[Condition, ...]


Condition: TypeAlias = "Compare | In | Join | Not | Both"


@dataclass(frozen=True, slots=True)
class Ordering:
    path: Path
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed SELECT. ``items`` is empty for COUNT(). ``text`` is the query as sent."""

    text: str
    object: str
    items: tuple[Path | TypeOf, ...]
    where: Condition | None = None
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0

    @property
    def counts(self) -> bool:
        return not self.items


def parse(text: str) -> Query:
    """Raises ApiError MALFORMED_QUERY with the place and the unexpected token."""
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as wrong:
        raise _malformed(text, wrong) from None
    head: dict[str, Any] = _Build().transform(tree)
    return Query(text=text, **head)


def at_column(text: str, column: int, message: str) -> str:
    """The vendor's way to point into a query."""
    return f"\n{text}\n{' ' * (column - 1)}^\nERROR at Row:1:Column:{column}\n{message}"


@cache
def _parser() -> Lark:
    grammar = FilePath(__file__).with_name("soql.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", maybe_placeholders=True)


_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_BEYOND: Final = {
    "group": "GROUP BY", "having": "HAVING", "with": "WITH", "using": "USING SCOPE", "for": "FOR VIEW and FOR UPDATE",
    "includes": "INCLUDES", "excludes": "EXCLUDES", "(": "functions and child queries", "all": "ALL ROWS",
}  # fmt: skip
"""Real SOQL that this emulator leaves out, so that its refusal can say so."""


def _malformed(text: str, wrong: UnexpectedInput) -> ApiError:
    unexpected = "<EOF>"
    if isinstance(wrong, UnexpectedToken):
        unexpected = str(wrong.token) or "<EOF>"
    elif isinstance(wrong, UnexpectedCharacters):
        rest = text[wrong.pos_in_stream or 0 :]
        unexpected = re.split(r"[\s,()=<>]", rest)[0] or rest[0]
    at = wrong.pos_in_stream if unexpected != "<EOF>" and wrong.pos_in_stream is not None else len(text)
    left_out = _BEYOND.get(unexpected.lower())
    reason = f" ({left_out}: not part of what this emulator understands)" if left_out else ""
    return ApiError(400, "MALFORMED_QUERY", at_column(text, at + 1, f"unexpected token: '{unexpected}'{reason}"))


class _Build(Transformer[Token, Any]):
    """Tree to dataclasses; one method per rule of the grammar."""

    def start(self, parts: list[Any]) -> dict[str, Any]:
        items, entity, where, order, limit, offset = parts
        return {
            "object": str(entity), "items": items, "where": where, "order": order or (), "limit": limit,
            "offset": offset or 0,
        }  # fmt: skip

    def count(self, _: list[Any]) -> tuple[()]:
        return ()

    def items(self, parts: list[Any]) -> tuple[Any, ...]:
        return tuple(parts)

    def path(self, parts: list[Token]) -> Path:
        return Path(tuple(str(part) for part in parts), parts[0].column or 1)

    def typeof(self, parts: list[Any]) -> TypeOf:
        name, *whens, otherwise = parts
        return TypeOf(str(name), name.column or 1, tuple(whens), otherwise or ())

    def when(self, parts: list[Any]) -> tuple[str, tuple[Path, ...]]:
        return str(parts[0]), tuple(parts[1:])

    def else_(self, parts: list[Any]) -> tuple[Path, ...]:
        return tuple(parts)

    def where(self, parts: list[Condition]) -> Condition:
        return parts[0]

    def conjunction(self, parts: list[Condition]) -> Both:
        return Both(True, tuple(parts))

    def disjunction(self, parts: list[Condition]) -> Both:
        return Both(False, tuple(parts))

    def negation(self, parts: list[Condition]) -> Not:
        return Not(parts[0])

    def compare(self, parts: list[Any]) -> Compare:
        return Compare(parts[0], "!=" if parts[1] == "<>" else str(parts[1]), parts[2])

    def like(self, parts: list[Any]) -> Compare:
        return Compare(parts[0], "LIKE", parts[1])

    def literals(self, parts: list[Literal]) -> tuple[Literal, ...]:
        return tuple(parts)

    def is_in(self, parts: list[Any]) -> In:
        return In(parts[0], False, parts[1])

    def not_in(self, parts: list[Any]) -> In:
        return In(parts[0], True, parts[1])

    def subquery(self, parts: list[Any]) -> tuple[Path, str, Condition | None]:
        return parts[0], str(parts[1]), parts[2]

    def semi_join(self, parts: list[Any]) -> Join:
        return Join(parts[0], False, *parts[1])

    def anti_join(self, parts: list[Any]) -> Join:
        return Join(parts[0], True, *parts[1])

    def order(self, parts: list[Ordering]) -> tuple[Ordering, ...]:
        return tuple(parts)

    def ordering(self, parts: list[Any]) -> Ordering:
        path, direction, nulls = parts
        return Ordering(path, str(direction).lower() == "desc", "last" in str(nulls).lower())

    def limit(self, parts: list[Literal]) -> int:
        return int(parts[0].value)

    def offset(self, parts: list[Literal]) -> int:
        return int(parts[0].value)

    def STRING(self, token: Token) -> Literal:
        inner = str(token)[1:-1]
        return Literal("STRING", inner, re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), inner))

    def NUMBER(self, token: Token) -> Literal:
        return Literal("NUMBER", str(token), float(token))

    def INTEGER(self, token: Token) -> Literal:
        return Literal("INTEGER", str(token), int(token))

    def BOOLEAN(self, token: Token) -> Literal:
        return Literal("BOOLEAN", str(token), str(token).lower() == "true")

    def NULL(self, token: Token) -> Literal:
        return Literal("NULL", str(token), None)

    def DATETIME(self, token: Token) -> Literal:
        return Literal("DATETIME", str(token), str(token).upper())

    def DATE(self, token: Token) -> Literal:
        return Literal("DATE", str(token), str(token))

    def DATE_WORD(self, token: Token) -> Literal:
        return Literal("DATE_WORD", str(token), str(token).upper())


setattr(_Build, "else", _Build.else_)  # the rule's name is a Python keyword
