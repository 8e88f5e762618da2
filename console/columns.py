"""Tables as plain text, for answers that should not wait for a library to load.

Owns widths and folding. Refuses colours and lines. Invariant: nothing of a cell is cut off: what is too wide folds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from shutil import get_terminal_size
from textwrap import wrap
from typing import Final

from console.output import clean, shown

_GAP: Final = "   "
_PIPE_WIDTH: Final = 160  # nobody resizes a pipe: keep every column whole
_LEAST: Final = 16


def columns(names: Sequence[str], rows: Sequence[Sequence[object]], width: int | None = None) -> list[str]:
    """The lines of a table: its header, a rule, its rows. A column whose name begins with ``>`` is set flush right, one
    with ``~`` folds over several lines where the table would be wider than ``width``, the terminal's by default."""
    if width is None:
        width = get_terminal_size((_PIPE_WIDTH, 24)).columns if sys.stdout.isatty() else _PIPE_WIDTH
    texts = [[clean(shown(cell)) for cell in row] for row in rows]
    heads = [name.lstrip(">~") for name in names]
    widths = [max(len(head), *(len(row[i]) for row in texts), 1) for i, head in enumerate(heads)]
    _narrow(widths, [i for i, name in enumerate(names) if name.startswith("~")], width)
    right = [name.startswith(">") for name in names]
    lines = [_line(heads, widths, right), "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))]
    for row in texts:
        lines += _folded(row, widths, right)
    return lines


def _narrow(widths: list[int], folding: Sequence[int], width: int) -> None:
    """Takes what is too much from the widest of the columns that fold."""
    over = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    while over > 0 and folding:
        widest = max(folding, key=lambda i: widths[i])
        if widths[widest] <= _LEAST:
            return
        widths[widest] -= 1
        over -= 1


def _folded(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> Iterator[str]:
    cells = [wrap(text, width) or [""] for text, width in zip(row, widths, strict=True)]
    for i in range(max(map(len, cells))):
        yield _line([cell[i] if i < len(cell) else "" for cell in cells], widths, right)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    places = zip(cells, widths, right, strict=True)
    return _GAP.join(cell.rjust(width) if flush else cell.ljust(width) for cell, width, flush in places).rstrip()
