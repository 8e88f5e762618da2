"""How answers look: JSON on standard output for programs, text for people, talk on standard error.

Owns printing and the way instants and lengths are written for people. Refuses to compute anything.
Invariant: standard output carries nothing but the answer; control characters of foreign text never reach a terminal.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from console.boundary import Answer


@cache
def _console(stderr: bool) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, emoji=False)  # a record may be named desk:ticket:42
    if not console.is_terminal:
        console.width = 160  # nobody resizes a pipe: keep every column whole
    return console


def out() -> Console:
    """The console of standard output. Plain when it is not a terminal or NO_COLOR is set."""
    _console.cache_clear()  # a test exchanges the streams
    return _console(False)


def err() -> Console:
    """The console of standard error."""
    _console.cache_clear()
    return _console(True)


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    encoded = msgspec.json.format(msgspec.json.encode(document, enc_hook=str), indent=2)
    click.echo(encoded)


def print_line(document: Any) -> None:
    """One line of JSON Lines on standard output."""
    click.echo(msgspec.json.encode(document, enc_hook=str))


def tell(text: str = "") -> None:
    """One line for people on standard error."""
    click.echo(clean(text), err=True)


def say(text: str = "") -> None:
    """One line for people on standard output."""
    click.echo(clean(text))


def clean(text: str) -> str:
    """Text from elsewhere without control characters, so that it cannot steer the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)


def table(*columns: str) -> Table:
    """An empty table without lines. A column whose name begins with ``>`` is set flush right, one with ``~`` may fold
    over several lines."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in columns:
        justify: Any = "right" if name.startswith(">") else "left"
        folds = name.startswith("~")
        made.add_column(name.lstrip(">~"), justify=justify, no_wrap=not folds, overflow="fold" if folds else "ellipsis")
    return made


def add_row(to: Table, *cells: object, style: str | None = None) -> None:
    """Adds a row; texts are shown as they are, never read as markup."""
    from rich.text import Text

    to.add_row(*(cell if isinstance(cell, Text) else Text(clean(shown(cell))) for cell in cells), style=style)


def shown(value: object) -> str:
    """A value for people: nothing as a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def instant(at: int | None) -> str:
    """Epoch milliseconds as ISO 8601 text with an offset."""
    from sla.instant import format_instant

    return "-" if at is None else format_instant(at)


def length(seconds: float | None) -> str:
    """Seconds as ``2h05m``, ``1m30s``, ``12s``; working time is written the same way."""
    if seconds is None:
        return "-"
    sign, whole = ("-" if seconds < 0 else ""), int(abs(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{sign}{hours}h{minutes:02}m"
    if minutes:
        return f"{sign}{minutes}m{rest:02}s" if rest else f"{sign}{minutes}m"
    return f"{sign}{rest}s"


def terminal() -> bool:
    """Whether progress may be shown: standard error is a terminal."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def print_failure(answer: Answer, as_json: bool) -> None:
    """A failure on standard error, and as the one document on standard output where JSON was asked for."""
    if as_json:
        print_json(answer.document())
    console = err()
    console.print(_headline(answer), soft_wrap=True)
    for problem in answer.problems:
        _print_problem(console, problem)
    if answer.fix:
        console.print(f"  {clean(answer.fix)}", markup=False)


def _headline(answer: Answer) -> Any:
    from rich.text import Text

    return Text.assemble(("error: ", "bold red"), clean(answer.message))


def _print_problem(console: Console, problem: Any) -> None:
    from rich.text import Text

    console.print()
    console.print(Text.assemble((f"{problem.place}: ", "bold"), clean(problem.message)))
    if problem.text:
        console.print(Text(f"    {clean(problem.text)}"))
        hint = f" {clean(problem.hint)}" if problem.hint else ""
        console.print(Text.assemble("    ", ("^" * min(len(problem.text), 60), "red"), hint))
    elif problem.hint:
        console.print(Text(f"    {clean(problem.hint)}"))
