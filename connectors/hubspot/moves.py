"""Which records' stage or owner may have moved since we last looked: only for those is the history asked for.

Owns the memory of what was seen, bounded whatever the size of the portal. Refuses calls and meaning. Invariant: what a
page taught is forgotten when the page turns out not to have been kept, which the next cursor shows.

A record that is written to by us comes back with the same stage, the same owner and the same stamps of both, so an
echo costs nothing. After a restart the memory is empty: then HubSpot's own stamps say who has moved since.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import islice
from typing import Final

from connectors.hubspot import names
from connectors.hubspot.names import ObjectType
from connectors.hubspot.shapes import Row, instant

KNOWN_MAX: Final = 20_000
"""Entries for each stream, some two hundred bytes each; the longest unseen goes first."""


class Memory:
    """What was last seen of each thing of a stream."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, int]] = {}
        self._page: dict[str, tuple[str | None, Mapping[str, int]]] = {}

    def resume(self, stream: str, cursor: str | None) -> None:
        """A poll begins at ``cursor``. Where the last page ended elsewhere, it was not kept."""
        ended, learnt = self._page.pop(stream, (None, {}))
        if ended != cursor:
            for key in learnt:
                self._known.get(stream, {}).pop(key, None)

    def learn(self, stream: str, cursor: str, marks: Mapping[str, Hashable]) -> None:
        """A page that ends at ``cursor`` showed these things so."""
        known = self._known.setdefault(stream, {})
        learnt = {key: hash(mark) for key, mark in marks.items()}
        for key, mark in learnt.items():
            known.pop(key, None)  # the newest stand last
            known[key] = mark
        for key in list(islice(known, max(0, len(known) - KNOWN_MAX))):
            del known[key]
        self._page[stream] = (cursor, learnt)

    def has_seen(self, stream: str) -> bool:
        """Whether a page of the stream has been read."""
        return stream in self._known

    def knows(self, stream: str, key: str) -> bool:
        return key in self._known.get(stream, {})

    def holds(self, stream: str, key: str, mark: Hashable) -> bool:
        """Whether the thing was last seen just so."""
        return self._known.get(stream, {}).get(key) == hash(mark)


def mark(of: ObjectType, row: Row) -> Hashable:
    """What changes whenever the stage or the owner does."""
    values = row.properties
    return tuple(values.get(name) for name in (of.stage or "", names.STAGE_SINCE, names.OWNER, names.OWNER_SINCE))


def last_move(of: ObjectType, row: Row) -> int:
    """The latest instant (epoch ms) at which stage or owner can have moved, by HubSpot's own stamps.

    A contact's status has no stamp of its own, nor has a stage in a portal without ``STAGE_SINCE``: then it may have
    moved with the last modification.
    """
    values = row.properties
    if values.get(names.MERGED_IDS):  # a new record, that both have become, with the stamps of one of them
        return instant(values.get(of.modified)) or instant(row.updated_at) or 0
    owner = instant(values.get(names.OWNER_SINCE)) or 0
    stage = instant(values.get(names.STAGE_SINCE))
    if stage is None and of.stage and values.get(of.stage):
        stage = instant(values.get(of.modified)) or instant(row.updated_at)
    return max(owner, stage or 0)
