"""The reading half of one connection, put together.

Owns the wiring of sweeps, bulk jobs and fresh reads. Refuses logic of its own. Invariant: one maker of changes serves
all three, so that a row has one key whichever way it came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.base import Change, Page, Stream
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.bulk import BulkQueries
from connectors.salesforce.feed import Feed, streams
from connectors.salesforce.fresh import FreshReads
from connectors.salesforce.loading import Loading
from connectors.salesforce.rows import Rows
from connectors.salesforce.selection import Selection
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.sweep import Sweeps


class Reading:
    """``clock()`` is the present in epoch ms; ``pause(seconds)`` waits between two questions about a bulk job."""

    def __init__(
        self, api: Api, selection: Selection, settings: SalesforceSettings, clock: Callable[[], int],
        pause: Callable[[float], None],
    ) -> None:  # fmt: skip
        rows, sweeps = Rows(settings.objects), Sweeps(settings)
        loading = Loading(api, BulkQueries(api, selection), selection, rows, sweeps, clock, pause)
        self.feed = Feed(api, selection, settings, rows, loading, sweeps, clock)
        self._fresh = FreshReads(api, selection, settings, rows, clock)
        self._streams = tuple(Stream(name, names.KINDS.get(name)) for name in streams(settings))

    def streams(self) -> Sequence[Stream]:
        return self._streams

    def poll(self, stream: str, cursor: str | None, since: int) -> Page:
        return self.feed.poll(stream, cursor, since)

    def read(self, records: Sequence[str]) -> list[Change]:
        return self._fresh.read(records)
