"""One portal (account): everything it holds, and the journal of what happened to it.

Owns ids, time, the index lag and who is told of a change. Refuses HTTP.
Invariant: every change of a record goes through ``emulators.hubspot.writing`` and leaves by ``changed``.
Our own machinery.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from emulators.hubspot.errors import HubSpotError, no_such_type
from emulators.hubspot.kinds import KINDS, Kind, find_kind
from emulators.hubspot.links import Links
from emulators.hubspot.owners import Owners
from emulators.hubspot.pipelines import Pipelines
from emulators.hubspot.properties import Schema
from emulators.hubspot.records import Record, Shelf
from emulators.hubspot.threads import Message, Threads
from emulators.hubspot.walks import Walks


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes. ``by`` and ``request`` are for the log of effects; without ``by`` a write is no effect: it belongs
    to the seed or to life. ``source`` and ``source_id`` go to the history and to webhooks."""

    source: str
    source_id: str | None = None
    user_id: int | None = None
    by: str | None = None
    request: int | None = None
    silent: bool = False
    """No webhook: what was there before the app was installed."""
    strict: bool = False
    """Writes by an API version that holds to what admins require of people on the screen."""


@dataclass(frozen=True, slots=True)
class Happening:
    """What webhooks tell. ``event``: creation, propertyChange, deletion, restore, merge, associationChange …"""

    event: str
    record: Record
    author: Author
    at_ms: int
    details: dict[str, Any]


SYSTEM: Final = Author("CALCULATED")


class Portal:
    """``now_ms`` is the emulated clock; ``lag_ms`` asks how late a write of a type reaches the index."""

    def __init__(self, seed: int, now_ms: Callable[[], int]) -> None:
        dice = random.Random(f"portal {seed}")
        self.now_ms = now_ms
        born = now_ms() - 400 * 86_400_000  # the account is older than anything in it
        self.born_ms = born
        self.id = dice.randrange(10_000_000, 99_000_000)
        self.app_id = dice.randrange(1_000_000, 9_000_000)
        self.app_name = "sla"
        self.owners = Owners(dice, born)
        self.pipelines = Pipelines(dice, born)
        self.schemas = {name: Schema(name, born) for name in KINDS}
        self.links = Links()
        self.threads = Threads(dice.randrange(10**9, 8 * 10**9))
        self.shelves = {
            name: Shelf(kind, dice.randrange(10**9, 9 * 10**9) * (10 if kind.activity else 1))
            for name, kind in KINDS.items()
        }
        self.walks = {name: Walks() for name in KINDS}
        self.rules: list[Rule] = []
        self.needs: list[Needed] = []
        self.index_lag_ms = 0
        self.lag_ms: Callable[[Kind], int] = lambda _kind: self.index_lag_ms
        self.merge_keeps_primary = False
        self.told: Callable[[Happening], None] = lambda _happening: None
        self.said: Callable[[Message], None] = lambda _message: None
        self.logged: Callable[..., None] = lambda **_line: None
        self._dice = dice

    def kind(self, word: str) -> Kind:
        """Raises HubSpotError for a word that is no object type."""
        found = find_kind(word)
        if found is None:
            raise no_such_type(word)
        return found

    def shelf(self, kind: Kind) -> Shelf:
        return self.shelves[kind.name]

    def find(self, kind: Kind, id: str, by: str | None = None) -> Record | None:
        """A record by id or by a unique property. Raises HubSpotError when that property is not unique."""
        if not by or by == "hs_object_id":
            return self.shelf(kind).find(id)
        definition = self.schemas[kind.name].get(by)
        if definition is None or not definition.unique:
            raise HubSpotError(400, f"{by} is not a unique property of {kind.label}")
        return self.shelf(kind).find_by(by, id)

    def live(self, kind: Kind, start: int = 0) -> Iterator[Record]:
        """Records that are neither archived nor merged away, by id."""
        return (one for one in self.shelf(kind).since(start) if not one.archived and not one.merged_into)

    def new_number(self, kind: Kind) -> int:
        return self.shelf(kind).take_number(self._dice.randrange(1, 9))

    def linked(self, record: Record, kind: str) -> list[Record]:
        found = (self.shelves[kind].find(other) for other in self.links.ids(record.node, kind))
        return [one for one in found if one is not None and not one.archived]

    def tell(self, event: str, record: Record, author: Author, **details: Any) -> None:
        """Queues a webhook event."""
        if not author.silent:
            self.told(Happening(event, record, author, self.now_ms(), details))

    def log(self, author: Author, record_kind: str, id: str, **what: Any) -> None:
        """Adds a line to the log of effects, if this author's writes count."""
        if author.by is not None:
            self.logged(object=record_kind, id=id, by=author.by, request=author.request, **what)


@dataclass(frozen=True, slots=True)
class Rule:
    """An admin's validation rule: this property of this type may not have these values. Such rules hold for API writes
    of every version: developers.hubspot.com/changelog/
    upcoming-property-validations-rules-will-be-enforced-for-apis-and-integrations."""

    kind: str
    name: str
    forbidden: frozenset[str]
    message: str


@dataclass(frozen=True, slots=True)
class Needed:
    """An admin's conditional requirement: ``name`` must be set when ``when`` has the value ``value``. From API version
    2026-09 on it holds for API writes too: developers.hubspot.com/changelog/crm-api-write-validation-enforcement."""

    kind: str
    name: str
    when: str
    value: str
