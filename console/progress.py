"""How far a long command is: a bar with rate and time left, or who is waited for, for a person at a terminal.

Owns the bar and the line. Refuses the answer's stream: both are drawn on standard error. Invariant: without a terminal
nothing is drawn and nothing is imported for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from console import output

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from sync.reading import Reading

_T = TypeVar("_T")
_STEP = 500  # items between two updates of the bar


def watched(
    items: Iterable[_T],
    what: str,
    unit: str,
    total: int | None,
    position: Callable[[], int] | None = None,
    *,
    shown: bool = True,
) -> Iterator[_T]:
    """The same items, while a bar tells of them: ``what`` is done at so many ``unit`` a second.

    ``total`` is how many there are, or what ``position`` will have reached at their end; None when nobody knows.
    """
    if not (shown and output.terminal()):
        yield from items
        return
    with _bar() as progress:
        task = progress.add_task(what, total=total, unit=unit, done=0)
        for number, item in enumerate(items, 1):
            if number % _STEP == 0:
                progress.update(task, completed=position() if position else number, done=number)
            yield item
        progress.update(task, completed=total, done=0)


@contextmanager
def waiting() -> Iterator[Callable[[str], None]]:
    """A line that says whom a command waits for: call what it gives with the names."""
    if not output.terminal():
        yield lambda _: None
        return
    with output.err().status("") as status:
        yield lambda names: status.update(f"asking {output.clean(names)} …" if names else "")


@contextmanager
def first_contact() -> Iterator[Callable[[Reading], None]]:
    """A bar for every stream whose first reading takes more than a page, while it lasts: call what it gives with how
    far a reading is, from any thread."""
    if not output.terminal():
        yield lambda _: None
        return
    bars = _Bars()
    try:
        yield bars.told
    finally:
        bars.close()


class _Bars:
    """Made when the first of them is needed, gone when the last has come to its end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._progress: Progress | None = None
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def told(self, reading: Reading) -> None:
        key = (reading.connection, reading.stream)
        with self._lock:
            if reading.done:
                self._end(key)
            else:
                self._further(key, reading)

    def _further(self, key: tuple[str, str], reading: Reading) -> None:
        if self._progress is None:
            self._progress = _bar()
            self._progress.start()
        if key not in self._tasks:
            name = output.clean(f"{reading.connection} {reading.stream}")
            self._tasks[key] = self._progress.add_task(name, total=None, unit="records", done=0)
        total = None if reading.remaining is None else reading.read + reading.remaining
        self._progress.update(self._tasks[key], completed=reading.read, total=total, done=reading.read)

    def _end(self, key: tuple[str, str]) -> None:
        task = self._tasks.pop(key, None)
        if self._progress is not None and task is not None:
            self._progress.remove_task(task)
        if self._progress is not None and not self._tasks:
            self._progress.stop()
            self._progress = None

    def close(self) -> None:
        with self._lock:
            for key in list(self._tasks):
                self._end(key)


def _bar() -> Progress:
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            done, unit = task.fields["done"], task.fields["unit"]
            return Text(f"{done / task.elapsed:,.0f} {unit}/s" if done and task.elapsed else "")

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:
            seconds = task.time_remaining
            return Text("" if seconds is None else f"{output.length(seconds)} left")

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Rate(), Left())
    # The answer's lines are on standard output: the bar leaves that stream as it is.
    return Progress(*columns, console=output.err(), transient=True, redirect_stdout=False, redirect_stderr=False)
