"""Every version of the policies that some record still lives by.

Owns the table ``policy_version`` and what a version means: its promises, on the calendars as they are revised since.
Refuses to decide who goes over to a newer version. Invariant: a record is judged by the version that was in force when
it was first seen, and from each of its moves on by that move's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from sla.fold import Move
from sla.policy import SECTIONS, Policies
from sla.problem import Problems
from sync import adoption, clock_row, ledger, people
from sync.adoption import Moved
from sync.revision import Document, edited_calendars, laid_over, plain
from sync.store import StoreError, Transaction

Edition = tuple[int, Policies]
"""A version's policies on their calendars as edited at that instant (epoch ms)."""


class Terms(NamedTuple):
    """By what a record is judged. ``policies``: those it began under; ``moves``: those it went over to, and edits of
    calendars. ``limits``:
    steps an hour, by policy; ``titled``: whether some text of theirs calls a record by its name."""

    policies: Policies
    moves: tuple[Move, ...]
    limits: Mapping[str, int]
    titled: bool

    @classmethod
    def of(cls, policies: Policies, moves: Sequence[Move] = ()) -> Terms:
        every = [policies, *(move.policies for move in moves)]
        limits = {policy.name: policy.actions_per_hour for each in every for policy in each.policies}
        return cls(policies, tuple(moves), limits, any("name" in each.fields for each in every))


def sections(document: Document) -> dict[str, Any]:
    """What of a configuration a version is made of."""
    match = document.get("daemon", {}).get("match")
    kept = {"daemon": {"match": match} if match else {}, "calendars": {}, "policies": []}
    return kept | {name: document[name] for name in SECTIONS if name in document}


class PolicyBook:
    """All versions, rebuilt from the documents they were read from.

    ``current`` are the policies of the configuration that a daemon runs with. Without them the book only reads.
    """

    def __init__(self, current: Policies | None = None, document: Document | None = None) -> None:
        self.current = current
        self._document = sections(document or {})
        self._documents: dict[str, Document | None] = {}
        self._timetable: tuple[tuple[int, str], ...] = ()
        self._editions: dict[str, list[Edition]] = {}
        self._terms: dict[tuple[str, tuple[tuple[int, str, str], ...]], Terms] = {}
        self._ids: Sequence[tuple[str, str]] = []

    # ---- which versions there are

    def register(self, transaction: Transaction, now: int) -> None:
        """Puts the current version in force for the records first seen from ``now`` on, unless it is already."""
        assert self.current is not None  # noqa: S101 - only a daemon registers
        before = adoption.last(transaction)
        keep(transaction, self.current.version, self._document, now)
        if before is None or before.version != self.current.version:
            at = now if before is None else max(now, before.at + 1)
            adoption.add(transaction, self.current.version, at, "new", who="start", done=True)
            if before is not None:
                body = {"version": self.current.version, "before": before.version, "scope": "new", "by": "start"}
                ledger.append(transaction, [ledger.Entry(now, "adopt", None, body)])
                wake_edited(transaction, before.version, self.current.version, at)
        self.refresh(transaction)

    def refresh(self, transaction: Transaction) -> None:
        """Takes notice of versions put in force by somebody else, and of people who have become known."""
        if (ids := people.ids(transaction)) != self._ids:
            self.know(ids)
        found = adoption.timetable(transaction)
        if found != self._timetable:
            self.arrange(found)

    def arrange(self, timetable: tuple[tuple[int, str], ...], documents: Mapping[str, Document] | None = None) -> None:
        """Sets from when on (epoch ms) which version is in force, oldest first; ``documents`` of those not stored."""
        self._timetable = timetable
        self._documents.update(documents or {})
        self._editions.clear()
        self._terms.clear()

    @property
    def timetable(self) -> tuple[tuple[int, str], ...]:
        return self._timetable

    def in_force(self) -> str:
        """The version for records that are first seen now."""
        if self._timetable:
            return self._timetable[-1][1]
        assert self.current is not None  # noqa: S101 - a store without versions has no records either
        return self.current.version

    def know(self, ids: Sequence[tuple[str, str]]) -> None:
        """Notes whose e-mail addresses are which ``user:ID``, for every version."""
        self._ids = ids
        known = [policies for editions in self._editions.values() for _, policies in editions]
        for policies in (*known, *([self.current] if self.current else [])):
            policies.know(ids)

    # ---- what they mean

    def terms(self, transaction: Transaction, version: str, moves: Iterable[Moved], now: int) -> Terms:
        """By what a record that was first seen under ``version`` is judged. A version that this release cannot read
        any more gives way to the current one."""
        key = (version, tuple((moved.at, moved.version, moved.scope) for moved in moves))
        found = self._terms.get(key)
        if found is None:
            names = dict.fromkeys([version, *(to for _, to, _ in key[1])])
            editions = {name: self._editions_of(transaction, name, now) for name in names}
            edits = [
                Move(at, policies, "hours", before)
                for found in editions.values()
                for (_, before), (at, policies) in pairwise(found)
            ]
            went = [Move(at, _as_of(editions[to], at), scope) for at, to, scope in key[1]]
            turns = sorted([*edits, *went], key=lambda move: move.at)
            found = self._terms[key] = Terms.of(editions[version][0][1], turns)
        return found

    def get(self, transaction: Transaction, version: str, now: int) -> Policies:
        """The policies of a version, on the calendars as they are now."""
        return self._editions_of(transaction, version, now)[-1][1]

    def document(self, transaction: Transaction, version: str) -> Document | None:
        """The sections of a configuration that a version was read from."""
        if version not in self._documents:
            row = transaction.one("SELECT document FROM policy_version WHERE version = ?", (version,))
            self._documents[version] = None if row is None else msgspec.json.decode(row[0])
        return self._documents[version]

    def _editions_of(self, transaction: Transaction, version: str, now: int) -> list[Edition]:
        """A version as it was read, then with each later edit of its calendars, and from when on."""
        found = self._editions.get(version)
        if found is None:
            found = self._editions[version] = self._rebuild(transaction, version, now)
            for _, policies in found if self._ids else ():
                policies.know(self._ids)
        return found

    def _rebuild(self, transaction: Transaction, version: str, now: int) -> list[Edition]:
        document = self.document(transaction, version)
        own = self.current if self.current is not None and version == self.current.version else None
        try:
            if own is None and document is not None:
                own = Policies.from_config(document)
            if own is not None:
                return [(0, own), *self._edits(transaction, version, document or self._document)]
            problem = "its document is missing"
        except Problems as problems:
            problem = str(problems)
        if self.current is None:
            raise StoreError(f"the policies of version {version} cannot be read by this release: {problem}")
        body = {"alarm": "policy version lost", "version": version, "reason": problem, "instead": self.current.version}
        ledger.append(transaction, [ledger.Entry(now, "alarm", None, body)])
        return [(0, self.current)]

    def _edits(self, transaction: Transaction, version: str, document: Document) -> Iterator[Edition]:
        """What was put in force after a version, where it says something else of time."""
        own = next((i for i, (_, name) in enumerate(self._timetable) if name == version), len(self._timetable))
        before = document
        for at, name in self._timetable[own + 1 :]:
            other = self.document(transaction, name)
            if other is not None:
                edited = laid_over(document, at, before, other)
                if plain(edited) != plain(document):
                    yield at, Policies.from_config(edited)
                document, before = edited, other


def _as_of(editions: Sequence[Edition], at: int) -> Policies:
    return [policies for since, policies in editions if since <= at][-1]


def keep(transaction: Transaction, version: str, document: Document, now: int) -> None:
    """Stores what a version was read from."""
    transaction.run(
        "INSERT INTO policy_version (version, effective_at, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (version, now, msgspec.json.encode(document).decode()),
    )


def wake_edited(transaction: Transaction, before: str, after: str, at: int) -> int:
    """Has every open clock judged again whose calendar differs between two versions. Returns how many."""
    rows = transaction.rows("SELECT version, document FROM policy_version")
    documents = {version: msgspec.json.decode(document) for version, document in rows}
    old, new = documents.get(before, {}), documents.get(after, {})
    dated = any(old.get(name) != new.get(name) for name in ("maintenance", "people"))
    edited = edited_calendars(old, new)
    if not edited and not dated:
        return 0
    policies = {
        policy["name"]
        for document in documents.values()
        for policy in document.get("policies", [])
        if dated or not edited.isdisjoint(_calendars_of(policy)) or None in _calendars_of(policy)
    }
    return clock_row.wake_policies(transaction, sorted(policies), at)


def _calendars_of(policy: Document) -> set[str | None]:
    """The calendars that a policy names; None stands for one that a record's field or its owner names."""
    named = [table.get("calendar") for table in (policy, *policy.get("targets", [])) if "calendar" in table]
    return {name if isinstance(name, str) and name != "owner" else None for name in named}
