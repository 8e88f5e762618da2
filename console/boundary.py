"""From any failure to one clear message and an exit code: the only place where the console catches what it expects.

Owns the classification of failures. Refuses to hide a fault of our own: what is not known here keeps its traceback.
Invariant: the exit codes are those of the documentation: 0 fine, 1 the answer is bad, 2 wrong usage or configuration,
3 unreachable, 75 another daemon works on this database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

if TYPE_CHECKING:
    from sync.configuration_error import ConfigurationProblem

FINE: Final = 0
BAD: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
SECOND_DAEMON: Final = 75
INTERRUPTED: Final = 130


class Failure(Exception):
    """A command's own bad news: ``message``, what to do about it, and the exit code."""

    def __init__(self, message: str, fix: str | None = None, code: int = BAD) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.code = code


class Answer(NamedTuple):
    """What a failure comes to. ``problems`` are those of a configuration file."""

    code: int
    message: str
    fix: str | None = None
    problems: tuple[ConfigurationProblem, ...] = ()

    def document(self) -> dict[str, Any]:
        """The same for ``--json``."""
        document: dict[str, Any] = {"error": self.message, "fix": self.fix, "exit_code": self.code}
        if self.problems:
            document["problems"] = [problem_document(problem) for problem in self.problems]
        return document


def classify(error: BaseException) -> Answer | None:
    """What to say of a failure; None for a fault of our own."""
    if isinstance(error, Failure):
        return Answer(error.code, error.message, error.fix)
    if isinstance(error, click.ClickException):
        return Answer(USAGE, error.format_message(), _help_hint(error))
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Answer(INTERRUPTED, "interrupted")
    return _of_the_rooms(error) or _of_the_machine(error)


def _help_hint(error: click.ClickException) -> str | None:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"see {error.ctx.command_path} --help"
    return None


def _of_the_rooms(error: BaseException) -> Answer | None:
    # Imported here: they cost time, and a failure is the only time they are needed.
    from connectors.errors import AuthFailed, ConnectorError, RetryLater
    from sla.calendar import NeverOpen
    from sync.configuration_error import ConfigurationError
    from sync.lease import SecondDaemon
    from sync.secrets import SecretMissing
    from sync.store import StoreError

    if isinstance(error, ConfigurationError):
        count = len(error.problems)
        noun = "problem" if count == 1 else "problems"
        return Answer(USAGE, f"the configuration has {count} {noun}", None, tuple(error.problems))
    if isinstance(error, SecretMissing):
        return Answer(USAGE, error.message, error.fix)
    if isinstance(error, SecondDaemon):
        return Answer(SECOND_DAEMON, str(error))
    if isinstance(error, StoreError):
        return Answer(BAD, str(error))
    if isinstance(error, AuthFailed):
        return Answer(BAD, error.reason, "mend the credentials or permissions, then run `sla-sidecar check`")
    if isinstance(error, RetryLater):
        return Answer(UNREACHABLE, error.reason, "try again; `sla-sidecar check` tells more")
    if isinstance(error, ConnectorError):
        return Answer(BAD, error.reason)
    if isinstance(error, NeverOpen):
        return Answer(BAD, str(error), "check the calendar's hours and closed days")
    return None


def _of_the_machine(error: BaseException) -> Answer | None:
    from sync.web import PortTaken

    if isinstance(error, PortTaken):
        return Answer(USAGE, str(error))
    if isinstance(error, OSError) and error.filename is not None:
        return Answer(USAGE, f"{error.filename}: {(error.strerror or 'it cannot be used').lower()}")
    return None


def problem_document(problem: ConfigurationProblem) -> dict[str, Any]:
    """One problem of a configuration file, ready for JSON."""
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "text": problem.text,
        "message": problem.message,
        "nearest": problem.nearest,
        "fix": problem.hint,
    }
