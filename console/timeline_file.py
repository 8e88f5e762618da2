"""Reading a timeline file for ``backtest`` and ``explain``: plain or gzipped, with progress for a person.

Owns files and progress. Refuses to interpret events. Invariant: a line that cannot be read is kept with its number and
reason, and never stops the rest.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from console import output
from console.boundary import USAGE, Failure

if TYPE_CHECKING:
    from sla.model import Event
    from sla.timeline import BadLine

_GZIP = b"\x1f\x8b"
_STEP = 20_000  # lines between two updates of the progress


def read_timelines(path: Path, records: frozenset[str] | None = None) -> tuple[dict[str, list[Event]], list[BadLine]]:
    """The events of a file by record, and its bad lines. With ``records`` only theirs and of what merged into them.

    ``-`` reads standard input. Raises Failure when the file is not what its name says.
    """
    from sla.timeline import read_lines

    bad: list[BadLine] = []
    timelines: dict[str, list[Event]] = {}
    with _open(path) as file:
        try:
            for event in read_lines(_counted(file, path), bad):
                if records is None or event.record in records or event.into in records:
                    timelines.setdefault(event.record, []).append(event)
        except (EOFError, gzip.BadGzipFile) as error:
            raise Failure(f"{path} is damaged: {error}", "make or fetch it again", USAGE) from None
    return timelines, bad


def tell_bad_lines(path: Path, bad: list[BadLine]) -> None:
    """Each bad line with its number and reason, on standard error."""
    for number, reason in bad:
        output.tell(f"{path}:{number}: {reason}")


def _open(path: Path) -> IO[bytes]:
    if str(path) == "-":
        import sys

        return sys.stdin.buffer
    file = path.open("rb")
    start = file.read(2)
    file.seek(0)
    return gzip.open(file, "rb") if start == _GZIP else file  # type: ignore[return-value]  # it is a binary file


def _counted(file: IO[bytes], path: Path) -> Iterator[bytes]:
    if not output.terminal():
        yield from file
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=output.err(), transient=True) as progress:
        task = progress.add_task(f"reading {path.name}", total=None)
        for number, line in enumerate(file, 1):
            if number % _STEP == 0:
                progress.update(task, description=f"reading {path.name}: {number:,} lines")
            yield line
