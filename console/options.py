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


def now(command: _F) -> _F:
    """``--now T``; the current time by default."""
    return click.option("--now", type=Instant(), help="Answer as of this time. Default: the current time.")(command)


def current(given: int | None) -> int:
    """The instant that was asked for, else the machine's clock."""
    from sync.clock import SystemClock

    return SystemClock().now() if given is None else given
