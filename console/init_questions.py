"""Questions to a person at a terminal, or to the flags of a script: one way to ask for both.

Owns prompting and the refusal of what was not given. Refuses to know what the answers are for. Invariant: a secret is
typed without an echo, and never taken from a flag.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import click

from connectors.secret import Secret
from console import output
from console.boundary import USAGE, Failure

_T = TypeVar("_T")

REFERENCE: Final = '"env:NAME", "file:PATH" or "keyring:SERVICE/NAME"'


class Option(NamedTuple):
    """One of several answers: ``value`` for flags and the file, ``label`` for people."""

    value: str
    label: str


class Questions:
    """``given`` are the flags by name, None where a flag was not used; ``asks`` whether somebody sits there."""

    def __init__(self, given: Mapping[str, str | None], *, asks: bool) -> None:
        self._given = given
        self.asks = asks

    def text(self, name: str, question: str, default: str | None = None) -> str:
        """A text. Without a default it has to be given."""
        if (given := self._given.get(name)) is not None:
            return given
        if self.asks:
            answer: str = click.prompt(question, default=default, err=True)
            return answer.strip()
        if default is None:
            raise click.UsageError(f"{_flag(name)} is missing: {question}")
        return default

    def choice(self, name: str, question: str, options: Sequence[Option], default: str) -> str:
        """The value of one of several options; a single one is not asked for."""
        values = [option.value for option in options]
        if (given := self._given.get(name)) is not None:
            if given not in values:
                raise click.UsageError(f"{_flag(name)} is one of {', '.join(values)}, not {given!r}")
            return given
        if not self.asks or len(options) == 1:
            return default
        output.tell(question)
        for number, option in enumerate(options, 1):
            output.tell(f"  {number}  {option.label}")
        number = click.prompt(
            "Number", type=click.IntRange(1, len(options)), default=values.index(default) + 1, err=True
        )
        return values[number - 1]

    def several(self, name: str, question: str, options: Sequence[str], default: Sequence[str]) -> tuple[str, ...]:
        """Some of the options, with commas between them."""
        while True:
            answer = self.text(name, f"{question} ({', '.join(options)})", ", ".join(default))
            chosen = tuple(dict.fromkeys(part.strip() for part in answer.split(",") if part.strip()))
            if chosen and set(chosen) <= set(options):
                return chosen
            message = f"name one or several of {', '.join(options)}"
            if not self.asks or self._given.get(name) is not None:
                raise click.UsageError(f"{_flag(name)}: {message}")
            output.tell(message)

    def reference(self, name: str) -> str | None:
        """Where a secret lies, by its flag; None when that was not used."""
        given = self._given.get(name)
        if given is not None and not _is_reference(given):
            # The text itself is not repeated: whoever typed it there has shown it to enough already.
            fix = f"put it into a file or a variable and name that: {REFERENCE}; then change it, for it has been seen"
            raise Failure(f"{_flag(name)} takes no secret: command lines are seen and kept by others", fix, USAGE)
        if given is None and not self.asks:
            raise click.UsageError(f"{_flag(name)} is missing: {REFERENCE}")
        return given

    def hidden(self, question: str) -> Secret:
        """A secret, typed without an echo."""
        return Secret(click.prompt(question, hide_input=True, err=True).strip(), label="the keyboard")

    def again(self, trying: Callable[[], _T], most: int = 3) -> _T:
        """What ``trying`` gives. Where it fails, it may try again as long as somebody sits there."""
        for _ in range(most - 1):
            try:
                return trying()
            except Failure as failure:
                if not self.asks:
                    raise
                output.tell(f"{failure.message}{f': {failure.fix}' if failure.fix else ''}\nOnce more, please.")
        return trying()


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _is_reference(text: str) -> bool:
    from sync.secrets import is_reference

    return is_reference(text)
