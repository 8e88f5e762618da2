"""Timelines by record, from a file or the store: plain or gzipped, with progress for a person.

Owns files and how much of them is held. Refuses to interpret events. Invariant: a line that cannot be read is kept with
its number and reason, and never stops the rest.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from console import output
from console.boundary import USAGE, Failure
from console.progress import watched
from sla.model import Event

if TYPE_CHECKING:
    from sla.policy import Policies
    from sla.timeline import BadLine

_GZIP = b"\x1f\x8b"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Event).decode


class Timelines(Mapping[str, list[Event]]):
    """Events by record, packed: a fifth of the memory of the events themselves, and unpacked when asked for.

    A record may stand anywhere in a file and may take over another's wait, so all of them are held.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._packed: dict[str, list[bytes]] = {}
        for event in events:
            self._packed.setdefault(event.record, []).append(_pack(event))

    def __getitem__(self, record: str) -> list[Event]:
        return [_unpack(packed) for packed in self._packed[record]]

    def __contains__(self, record: object) -> bool:
        return record in self._packed

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def read_history(path: Path | None, database: Path, *policies: Policies) -> tuple[Timelines, int]:
    """The timelines of a file, or those that are stored; and how many lines were bad, each told on standard error.
    From the store ``policies`` learn whose e-mail address is which owner.

    Raises Failure when the file is not what its name says, or when there is no store yet.
    """
    if path is not None:
        bad: list[BadLine] = []
        timelines = Timelines(_events(path, bad))
        tell_bad_lines(path, bad)
        return timelines, len(bad)
    from console.store import view

    with view(database) as opened:
        ids = opened.ids()
        for each in policies:
            each.know(ids)
        return Timelines(watched(opened.events(), "reading the store", "events", None)), 0


def read_timelines(path: Path, records: frozenset[str] | None = None) -> tuple[dict[str, list[Event]], list[BadLine]]:
    """The events of a file by record, and its bad lines. With ``records`` only theirs and of what merged into them.

    ``-`` reads standard input. Raises Failure when the file is not what its name says.
    """
    bad: list[BadLine] = []
    timelines: dict[str, list[Event]] = {}
    for event in _events(path, bad):
        if records is None or event.record in records or event.into in records:
            timelines.setdefault(event.record, []).append(event)
    return timelines, bad


def tell_bad_lines(path: Path, bad: list[BadLine]) -> None:
    """Each bad line with its number and reason, on standard error."""
    for number, reason in bad:
        output.tell(f"{path}:{number}: {reason}")


def _events(path: Path, bad: list[BadLine]) -> Iterator[Event]:
    from sla.timeline import read_lines

    file, size, position = _open(path)
    with file:
        try:
            yield from read_lines(watched(file, f"reading {path.name}", "lines", size, position), bad)
        except (EOFError, gzip.BadGzipFile) as error:
            raise Failure(f"{path} is damaged: {error}", "make or fetch it again", USAGE) from None


def _open(path: Path) -> tuple[IO[bytes], int | None, Callable[[], int] | None]:
    """The lines, how many bytes lie behind them, and how many of these have been read."""
    if str(path) == "-":
        import sys

        return sys.stdin.buffer, None, None
    file = path.open("rb")
    start = file.read(2)
    file.seek(0)
    lines = gzip.GzipFile(fileobj=file) if start == _GZIP else file
    return lines, path.stat().st_size, file.tell  # type: ignore[return-value]  # it is a binary file
