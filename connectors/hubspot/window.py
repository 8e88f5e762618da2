"""Where a stream stands: a frozen window of modification stamps, walked by object id.

Owns the cursor of a stream and the choice of the next window. Refuses I/O; the server's time is an argument. Invariant:
every window begins before the last one ended, so a row that the search index shows late is seen by a later one.

Search is eventually consistent and stops at 10,000 rows, and a portal-wide edit gives more rows than that one stamp: so
a window is frozen, sorted by id, and continued by ``id > last`` instead of by offset or by stamp. Each poll looks back
two minutes; a sweep of the whole ``overlap`` comes round six times in its length, so an idle poll stays one call.
"""

from __future__ import annotations

from typing import Final

import msgspec

from connectors.errors import Rejected

RECENT_MS: Final = 120_000
SWEEPS_PER_OVERLAP: Final = 6


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """Stamps from ``start`` to ``end``, both included; ``last`` is the id of the last row seen. ``open``: also every
    record that is still open, whenever it changed. ``again``: the stream has been read before, so nothing in it is a
    first contact. ``sweep``: it covers the whole overlap."""

    start: int
    end: int
    last: int = 0
    open: bool = False
    again: bool = False
    sweep: bool = False

    @property
    def first(self) -> bool:
        """Whether it is first contact."""
        return self.open and not self.again


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """``done`` is the end of the last complete window, ``swept`` of the last complete sweep; epoch ms."""

    done: int = 0
    swept: int = 0
    window: Window | None = None

    def encode(self) -> str:
        return msgspec.json.encode(self).decode()


def read_cursor(cursor: str | None) -> Position | None:
    """The position of a cursor text, None where nothing has been read yet. Raises Rejected for a text that is none."""
    if not cursor:
        return None
    try:
        return msgspec.json.decode(cursor, type=Position)
    except msgspec.DecodeError:
        raise Rejected("the stored cursor is not one of this connector", code="BAD_CURSOR") from None


def next_window(
    position: Position | None, since: int, now: int, overlap_ms: int, *, records: bool, again: bool = False
) -> Window:
    """The window to read now. ``records``: the stream carries records, so the first window takes the open ones too;
    ``again`` where this is done to compare, not for the first time."""
    if position is None:
        return Window(min(since, now), now, open=records, again=again, sweep=True)
    if position.window is not None:
        return position.window
    sweep = now - position.swept >= overlap_ms // SWEEPS_PER_OVERLAP
    back = overlap_ms if sweep else min(RECENT_MS, overlap_ms)
    # min: a clock that was set back must not make the window empty.
    return Window(max(0, min(position.done, now) - back), max(now, position.done), sweep=sweep)


def advance(position: Position | None, window: Window, last: int | None) -> Position:
    """The position after a page. ``last``: the id to go on after, None when the window is complete."""
    done, swept = (position.done, position.swept) if position else (0, 0)
    if last is not None:
        return Position(done, swept, msgspec.structs.replace(window, last=last))
    return Position(window.end, window.end if window.sweep else swept)
