"""What happens in the demo, told as it happens.

Owns the words and the choice of what is worth telling. Refuses to look anywhere but into the ledger. Invariant: every
line tells of something that is written down, and each kind of thing is told in full the first few times only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from sla.instant import to_datetime

if TYPE_CHECKING:
    from sync.view import LedgerRow

CHAPTERS: Final = {
    "due": "due times and SLA states stand in the CRM's own fields",
    "task": "a task waits for the owner at the warning step",
    "reassigned": "a lead that nobody called has been given to somebody else",
    "paused": "a ticket's clock is paused while the customer is asked",
    "resumed": "the customer's message has set it going again",
}
_OFTEN: Final = {"due": 2, "task": 6, "reassigned": 8, "paused": 4, "resumed": 4, "answered": 3}


class Story:
    """Turns ledger rows into lines, and remembers which chapters have happened. ``title`` is what people call a
    record, or None."""

    def __init__(self, title: Callable[[str], str | None]) -> None:
        self._title = title
        self.happened: set[str] = set()
        self._told: Counter[str] = Counter()
        self._paused: set[str] = set()

    def lines(self, rows: Iterable[LedgerRow]) -> Iterator[str]:
        """The lines for new rows, oldest first."""
        for row in rows:
            if row.what != "write" or row.record is None:
                continue
            for kind, text in self._scenes(row.record, row.body):
                self._told[kind] += 1
                if self._told[kind] <= _OFTEN.get(kind, 3):
                    yield f"{to_datetime(row.at):%H:%M}  {text}"
                if kind in CHAPTERS and kind not in self.happened:
                    self.happened.add(kind)
                    yield f"       ✓ {CHAPTERS[kind]}"

    @property
    def complete(self) -> bool:
        """Whether everything that the demo shows has been shown."""
        return self.happened == set(CHAPTERS)

    def _scenes(self, record: str, ledger: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        action, body = ledger.get("action"), ledger.get("body", {})
        title = self._title(record)
        name = f"{title} ({_short(record)})" if title else _short(record)
        if action == "task":
            yield "task", f"{name}: task for {_person(body.get('owner'))} - “{body.get('subject')}”"
        elif action == "owner":
            yield "reassigned", f"{name}: overdue, now belongs to {_person(body.get('owner'))}"
        elif action == "fields":
            yield from self._fields(record, name, body.get("values", {}))

    def _fields(self, record: str, name: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        status = values.get("sla_status")
        due = values.get("sla_due")
        if isinstance(due, int) and record not in self._paused:
            yield "due", f"{name}: due {to_datetime(due):%H:%M}, written into the CRM"
        if status == "paused":
            self._paused.add(record)
            yield "paused", f"{name}: waits for the customer, its clock is paused"
        elif record in self._paused and (isinstance(due, int) or status in ("running", "missed")):
            self._paused.discard(record)
            yield "resumed", f"{name}: the customer has answered, its clock runs again"
        elif status == "met":
            yield "answered", f"{name}: answered in time"


def _short(record: str) -> str:
    connection, kind, crm_id = record.split(":", 2)
    return f"{connection.removeprefix('practice-')} {kind} {crm_id}"


def _person(owner: object) -> str:
    return str(owner).replace(":", " ", 1) if owner else "nobody in particular"
