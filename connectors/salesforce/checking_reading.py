"""``check``'s questions about what is read beside the records: answers and field histories.

Owns the sentences about what does not count, or is known less exactly, because an object or field is not there for us.
Refuses to change anything. Invariant: every finding says what is lost, and how to get it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from connectors.base import Finding
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.bundle import Answer
from connectors.salesforce.checking_fields import PERMISSIONS, where
from connectors.salesforce.columns import NEEDED
from connectors.salesforce.feed import streams
from connectors.salesforce.rows import rows_of
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import STAMPS, Shapes

SILENT: Final = {
    names.TASK: "calls, e-mails and tasks do not count as answers",
    names.EVENT: "meetings do not count as answers",
    names.EMAIL: "e-mails of cases do not count as answers",
    names.COMMENT: "comments of cases do not count as answers",
    names.FEED_ITEM: "posts on feeds do not count as answers",
}
_ENDED: Final = {names.LEAD: "IsConverted = true", names.CASE: "IsClosed = true AND IsClosedOnCreate = false"}
"""Records whose status somebody must have changed."""
UNTOLD: Final = "status and owner are known from when we look, not from when they changed"


class ReadingQuestions:
    """What one connection's settings expect of answers and histories."""

    def __init__(self, api: Api, shapes: Shapes, settings: SalesforceSettings) -> None:
        self._api = api
        self._shapes = shapes
        self._settings = settings

    def findings(self) -> Iterator[Finding]:
        for name in streams(self._settings):
            if name in names.HISTORIES:
                yield from self._history(name)
            elif name in SILENT:
                yield from self._answers(name)
            yield from self._stamp(name)

    def _answers(self, name: str) -> Iterator[Finding]:
        shape = self._shapes.get(name)
        hidden = [] if shape is None else [one for one in sorted(NEEDED.get(name, ())) if shape.field(one) is None]
        if shape is None:
            fix = f"give the integration user Read on {name}, or leave it out of answers"
            yield Finding("warn", name, f"{name} is not readable: {SILENT[name]}", fix)
        elif hidden:
            fix = f"give the integration user Read access to it: {PERMISSIONS}"
            yield Finding("warn", name, f"{name} has no {' and '.join(hidden)} for us: {SILENT[name]}", fix)
        elif name == names.EMAIL and shape.field("Headers") is None:
            fix = f"give the integration user Read access to EmailMessage.Headers: {PERMISSIONS}"
            yield Finding("warn", name, "automatic replies cannot be told from the customer's own", fix)

    def _history(self, name: str) -> Iterator[Finding]:
        record = names.HISTORIES[name]
        fix = f"{where(record)} > Set History Tracking: Status and {record} Owner"
        if self._shapes.get(name) is None:
            yield Finding("warn", "history", f"{name} is not readable: {UNTOLD}", fix)
        elif self._is_untracked(name, record):
            yield Finding("warn", "history", f"{name} holds no change of a status: {UNTOLD}", fix)
        else:
            yield Finding("ok", "history", f"{name} can be read")

    def _is_untracked(self, name: str, record: str) -> bool:
        """Whether statuses have changed and no row tells it. What is tracked itself only setup may ask."""
        asked = (
            f"SELECT Id FROM {name} WHERE Field = 'Status' LIMIT 1",  # noqa: S608  # constants
            f"SELECT Id FROM {record} WHERE {_ENDED[record]} LIMIT 1",  # noqa: S608  # constants
        )
        told, ended = (
            bool(rows_of(answer).records) if isinstance(answer, Answer) else None
            for answer in self._api.each_query(asked)
        )
        return told is False and ended is True

    def _stamp(self, name: str) -> Iterator[Finding]:
        stamp = self._shapes.stamp(name)
        if name in names.HISTORIES or self._shapes.get(name) is None or stamp == STAMPS[0]:
            return
        if stamp is None:
            message = f"{name} has no date to read changes by: it is not read"
        else:
            message = f"{name} cannot be filtered by {STAMPS[0]}: changes that do not move {stamp} come late"
        yield Finding("warn", name, message, "Salesforce decides this; the reconciliation reads open records anew")
