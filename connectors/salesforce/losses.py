"""What is no longer there for us: found while reading, in the words of ``check``.

Owns the memory of what was there. Refuses to ask: it looks at what describe showed for the poll at hand. Invariant: an
object that an org may well lack is a loss only if it has been read before; a field that the configuration names is one
from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.base import Finding
from connectors.salesforce import names
from connectors.salesforce.checking_fields import PERMISSIONS, RecordQuestions
from connectors.salesforce.checking_reading import SILENT, UNTOLD
from connectors.salesforce.selection import Selection
from connectors.salesforce.sweep import read_cursor


class Losses:
    """The losses of one connection, stream by stream."""

    def __init__(self, selection: Selection, records: RecordQuestions) -> None:
        self._selection = selection
        self._records = records
        self._shown: dict[str, set[str]] = {}
        self._found: dict[str, list[Finding]] = {}

    def found(self) -> Sequence[Finding]:
        """Of all streams that were looked at, each as it stood last."""
        return [finding for findings in self._found.values() for finding in findings]

    def look(self, name: str, cursor: str | None) -> None:
        """Looks at object ``name`` as describe shows it for a poll from ``cursor``."""
        self._found[name] = list(self._losses(name, cursor))

    def _losses(self, name: str, cursor: str | None) -> Iterator[Finding]:
        is_record = name in names.KINDS
        if is_record:
            yield from self._records.losses(name)
        columns = self._selection.select(name)
        if columns:
            yield from self._vanished(name, columns, self._records.looks_at(name) if is_record else set())
        elif not is_record and cursor is not None and not read_cursor(name, cursor, 0).beginning:
            message = f"{name} is no longer readable: {SILENT.get(name, UNTOLD)}"
            yield Finding("warn", name, message, f"give the integration user Read on {name}: {PERMISSIONS}")

    def _vanished(self, name: str, columns: Sequence[str], told: set[str]) -> Iterator[Finding]:
        shown = self._shown.setdefault(name, set())
        shown.update(columns)
        fix = f"give the integration user Read access to it: {PERMISSIONS}"
        for path in sorted(shown - told):
            if self._selection.field(name, path) is None:
                yield Finding("warn", f"{name}.{path}", f"{name} no longer has {path}, or we may not see it", fix)
