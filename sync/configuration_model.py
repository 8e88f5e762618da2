"""What tables of a configuration may hold, and pydantic's complaints in the words of people.

Owns the models of ``[daemon]`` and ``[pools.NAME]`` and the translation of a failed validation into problems by path.
Refuses positions and cross-references. Invariant: no problem made here repeats a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails

from connectors.settings import BaseUrl, Seconds, Table
from sla.problem import Collector, Path, Problem

_Model = TypeVar("_Model", bound=BaseModel)

_WORDS = {
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "datetime_type": "must be a time with an offset, such as 2026-03-02T14:05:00Z",
    "datetime_parsing": "must be a time with an offset, such as 2026-03-02T14:05:00Z",
    "datetime_from_date_parsing": "must be a time with an offset, such as 2026-03-02T14:05:00Z",
    "timezone_naive": "must be a time with an offset, such as 2026-03-02T14:05:00Z",
}

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"), "greater_than": ("above", "gt"), "less_than_equal": ("at most", "le"),
}  # fmt: skip


def _listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65_535):
        raise ValueError('must be an address and a port, such as "127.0.0.1:8080"')
    return value


def _tick(value: float) -> float:
    if not 0.05 <= value <= 60:
        raise ValueError('must lie between "50ms" and "1m"')
    return value


def _fallback(value: str) -> str:
    if not re.fullmatch(r"(queue|user):\S.*|[^@\s]+@[^@\s]+", value):
        raise ValueError('must be "queue:NAME", "user:ID", "user:NAME" or an e-mail address')
    return value


def _user(value: str) -> str:
    if not re.fullmatch(r"(user|team):\S.*|[^@\s]+@[^@\s]+|[^@:\s]+ [^@:]*\S", value):
        raise ValueError('must be an e-mail address, a name, "user:ID" or "team:NAME"')
    return value


class DaemonTable(Table):
    database: Annotated[str, Field(min_length=1)] = "sla.db"
    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8080"
    mode: Literal["live", "shadow"] = "live"
    match: Literal["strictest", "first"] = "strictest"
    tick_every: Annotated[Seconds, AfterValidator(_tick)] = 1.0
    public_url: BaseUrl | None = None


class MemberTable(Table):
    user: Annotated[str, AfterValidator(_user)]
    weight: Annotated[int, Field(ge=1, strict=True)] = 1
    cap: Annotated[int, Field(ge=1, strict=True)] | None = None
    calendar: str | None = None


def _member(value: object) -> object:
    return {"user": value} if isinstance(value, str) else value


def _members(value: object) -> object:
    return [value] if isinstance(value, str) else value


class PoolTable(Table):
    members: Annotated[
        tuple[Annotated[MemberTable, BeforeValidator(_member)], ...], BeforeValidator(_members), Field(min_length=1)
    ]
    strategy: Literal["round_robin", "least_loaded", "weighted"] = "round_robin"
    fallback: Annotated[str, AfterValidator(_fallback)] | None = None
    max_hops: Annotated[int, Field(ge=1, strict=True)] = 3
    needs: Seconds = 0.0


def validate(model: type[_Model], table: object, into: Collector) -> _Model | None:
    """The validated table, or None after its problems were added to ``into``."""
    try:
        return model.model_validate(table)
    except ValidationError as failed:
        for problem in _problems(model, table, failed.errors(include_url=False, include_input=False)):
            into.at(*problem.path).add(problem.message, problem.known)
        return None


def _problems(model: type[BaseModel], table: object, errors: list[ErrorDetails]) -> Iterator[Problem]:
    found: dict[Path, Problem] = {}
    for error in errors:
        path = _path(table, error["loc"])
        if path not in found:
            found[path] = _problem(model, path, error)
    for path, problem in found.items():
        # Of a choice between text and a table, only what is wrong inside the table that was written is of use.
        deeper = any(len(other) > len(path) and other[: len(path)] == path for other in found)
        if not (deeper and problem.message.startswith("must be")):
            yield problem


def _path(table: object, location: tuple[int | str, ...]) -> Path:
    """The part of pydantic's location that leads through the document: it also names the members of unions. A key
    that is missing stays as the last part."""
    path: Path = ()
    here = table
    for number, part in enumerate(location):
        if isinstance(here, Mapping) and part in here:
            here = here[part]
        elif isinstance(here, list) and isinstance(part, int):
            here = here[part]  # pydantic counts elements as the document does
        elif number == len(location) - 1 and isinstance(here, Mapping) and part != "[key]":
            pass
        else:
            continue
        path = (*path, part)
    return path


def _problem(model: type[BaseModel], path: Path, error: ErrorDetails) -> Problem:
    kind = error["type"]
    if kind == "extra_forbidden":
        return Problem(path, f"unknown key {path[-1]!r}", _keys(model, path[:-1]))
    if kind == "missing":
        return Problem(path[:-1], f"{path[-1]!r} is missing")
    if kind == "literal_error":
        words = tuple(re.findall(r"'([^']*)'", error["ctx"]["expected"]))
        choice = ", ".join(f'"{word}"' for word in words[:-1]) + f' or "{words[-1]}"'
        if error["loc"][-1] == "[key]":
            return Problem(path, f"unknown key {path[-1]!r}", words)
        return Problem(path, f"must be {choice}", words)
    if kind == "too_short":
        return Problem(path, "must not be empty")
    if kind in _BOUNDS:
        relation, bound = _BOUNDS[kind]
        return Problem(path, f"must be {relation} {error['ctx'][bound]:g}")
    return Problem(path, _WORDS.get(kind) or error["msg"].removeprefix("Value error, "))


def _keys(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """The keys that the table at ``path`` of ``model`` understands."""
    here = model
    for part in path:
        field = here.model_fields.get(part) if isinstance(part, str) else None
        inner = [kind for kind in _classes(field.annotation) if issubclass(kind, BaseModel)] if field else []
        here = inner[0] if inner else here
    return tuple(field.alias or name for name, field in here.model_fields.items())


def _classes(annotation: Any) -> list[type]:
    parts = get_args(annotation)
    if parts:
        return [kind for part in parts for kind in _classes(part)]
    return [annotation] if isinstance(annotation, type) else []
