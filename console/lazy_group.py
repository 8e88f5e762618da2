"""A command group that imports a command only when it is called, and knows what an unknown one was meant to be.

Owns loading and suggesting. Refuses to know any command. Invariant: showing the help imports no command.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any, NamedTuple

import click


class Lazy(NamedTuple):
    """Where a command lives (``module:attribute``) and its line in the help."""

    place: str
    help: str


class LazyGroup(click.Group):
    """``click.Group(lazy={"run": Lazy("console.run:run", "the daemon")})``."""

    def __init__(self, *args: Any, lazy: dict[str, Lazy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if (lazy := self.lazy.get(cmd_name)) is None:
            return None
        module, attribute = lazy.place.split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in self.lazy.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.lazy and not args[0].startswith("-"):
            raise click.UsageError(unknown_command(args[0], list(self.lazy)), ctx)
        return super().resolve_command(ctx, args)


class SuggestingGroup(click.Group):
    """A group of loaded commands that knows what an unknown one was meant to be."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            raise click.UsageError(unknown_command(args[0], list(self.commands)), ctx)
        return super().resolve_command(ctx, args)


def unknown_command(typed: str, known: list[str]) -> str:
    """One sentence that names the nearest command, or all of them."""
    near = difflib.get_close_matches(typed, known, 1, 0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}."
    return f"no such command '{typed}'; {hint}"
