"""Options and argument types that several commands share.

Owns their names, help and parsing. Refuses naive times. Invariant: an option of one name means one thing everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])


class Instant(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """ISO 8601 text with an offset, as epoch milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from sla.instant import parse_instant

        if isinstance(value, int):
            return value
        try:
            return parse_instant(value)
        except ValueError as mistake:
            self.fail(str(mistake), param, ctx)


def config(command: _F) -> _F:
    """``--config FILE``, also as SLA_SIDECAR_CONFIG; ``config.toml`` by default."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("config.toml"),
        envvar="SLA_SIDECAR_CONFIG",
        show_default=True,
        show_envvar=True,
        help="The configuration file.",
    )(command)


def json(help: str = "Print one JSON document.") -> Callable[[_F], _F]:
    """``--json``, given to the command as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help=help)


class Zone(click.ParamType):  # type: ignore[type-arg]
    """The name of a time zone, as a ``ZoneInfo``."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from sla.zone import load_zone

        if not isinstance(value, str):
            return value
        try:
            return load_zone(value)
        except ValueError as mistake:
            self.fail(str(mistake), param, ctx)


class Names(click.ParamType):  # type: ignore[type-arg]
    """Several names with commas between them, as a tuple without doubles."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip() for name in str(value).split(",") if name.strip()))
        if not names:
            self.fail("no name was given", param, ctx)
        return names


def timeline(command: _F) -> _F:
    """``--timeline FILE``; the stored timelines by default."""
    return click.option(
        "--timeline",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True, exists=True),
        help="JSON Lines, plain or gzipped; - for standard input. Default: the stored timelines.",
    )(command)


def zone(command: _F) -> _F:
    """``--zone NAME``; UTC by default."""
    return click.option(
        "--zone", type=Zone(), default="UTC", show_default=True, help="Whose days, hours and months count."
    )(command)


def now(command: _F) -> _F:
    """``--now T``; the current time by default."""
    return click.option("--now", type=Instant(), help="Answer as of this time. Default: the current time.")(command)


def current(given: int | None) -> int:
    """The instant that was asked for, else the machine's clock."""
    from sync.clock import SystemClock

    return SystemClock().now() if given is None else given
