"""Reading: streams of changes by search, and single records with their latest answers.

Owns paging, which rows have their history read with them, and the reading of records that are gone. Refuses meaning
(``mapping``, ``answering``), cursors (``window``) and the bodies of calls (``objects``). Invariant: an idle poll is one
call, and what the portal lacks stops nobody else.

Search rather than the list of all objects, for first contact too: a page of search has 200 rows and takes a filter, one
of the list has 100 and takes none. 200,000 contacts are 1,000 calls by search, fewer where only open ones are wanted,
and 2,000 by list; at five searches a second that is 200 seconds against the list's 105 at its limit of 190 calls in ten
seconds, which leaves nobody else a call. What the index shows late is caught by the next windows, what it never shows
by batch reads of the records that ought to be there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from connectors.base import Change, Finding, Page
from connectors.errors import AuthFailed, Rejected
from connectors.hubspot import moves, names
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.moves import Memory
from connectors.hubspot.names import ObjectType
from connectors.hubspot.objects import Objects, Raw
from connectors.hubspot.portal import Portal
from connectors.hubspot.shapes import ENCODER, Envelope, Row
from connectors.hubspot.threads import Conversations
from connectors.hubspot.window import Window, advance, next_window, read_cursor
from sla.model import split_record

log = logging.getLogger(__name__)

LATEST: Final = 20
"""How many of the newest e-mails, calls and meetings of a record are read again with it."""
ABSENT_MS: Final = 3_600_000
"""How long an object that the portal lacks is left alone."""


class Reader:
    def __init__(self, api: HubSpotApi, portal: Portal, mapper: Mapper, overlap_ms: int) -> None:
        self._api = api
        self._portal = portal
        self._mapper = mapper
        self._overlap_ms = overlap_ms
        self._answers: tuple[ObjectType, ...] = tuple(
            one for one in names.ENGAGEMENTS if one.name in mapper.settings.answers
        )
        self._objects = Objects(api, portal, mapper, self.types)
        self.rows = self._objects.rows
        self._memory = Memory()
        self._absent: dict[str, int] = {}
        self._losses: dict[str, list[Finding]] = {}
        self.conversations = Conversations(api, portal, mapper, self._memory, overlap_ms, self._present)

    @property
    def types(self) -> tuple[ObjectType, ...]:
        """The object types that are polled, records before their answers."""
        return (*self._mapper.types, *self._answers)

    def poll(self, of: ObjectType, cursor: str | None, since: int) -> Page:
        """The next page of a stream."""
        if self._is_absent(of):
            return Page([], cursor or "")
        try:
            page = self._poll(of, cursor, since)
        except (Rejected, AuthFailed) as refused:
            if not self._does_without(of, refused):
                raise
            return Page([], cursor or "")
        self._losses.pop(of.name, None)
        return page

    def losses(self) -> list[Finding]:
        """What polls have found missing: an object as a whole, or properties that the configuration names."""
        return [finding for findings in self._losses.values() for finding in findings]

    def _poll(self, of: ObjectType, cursor: str | None, since: int) -> Page:
        position = read_cursor(cursor)
        self._portal.introduce()
        records = of in self._mapper.types
        again = self._memory.has_seen(of.name)
        window = next_window(position, since, self._api.now(), self._overlap_ms, records=records, again=again)
        page = self._objects.search(of, window)
        rows = [self._objects.kept(of, raw) for raw in page.results]
        # ``total`` counts what is left of the window: a full last page needs no empty one behind it.
        full = bool(rows) and (len(rows) >= names.SEARCH_LIMIT if page.total is None else page.total > len(rows))
        last = max(int(row.id) for _, row in rows) if full else None
        after = advance(position, window, last).encode()
        self._memory.resume(of.name, cursor)
        changes = self._told(of, rows, window)
        if records:
            self._memory.learn(of.name, after, {row.id: moves.mark(of, row) for _, row in rows})
        left = max(0, page.total - len(rows)) if page.total is not None else None
        return Page(changes, after, more=full, remaining=left)

    def _told(self, of: ObjectType, rows: list[Raw], window: Window) -> list[Change]:
        """The rows of a page as changes: records with the history that they need, answers with their records."""
        if of not in self._mapper.types:
            return self._answering(of, rows)
        # A sweep begins in the middle of things: what moved a little before may not have been polled yet.
        floor = window.start - self._overlap_ms if window.again else window.start
        asked = self._with_history(of, [row for _, row in rows if self._may_have_moved(of, row, floor)])
        heard = self._heard(window.start if window.first else 0)
        lost = self._lost(of, rows)
        changes = []
        for raw, row in rows:
            fresh = asked.get(row.id)
            known = fresh is None and not window.first
            changes.append(self._portal.change(of, *(fresh or (raw, row)), told=known, heard=heard, lost=lost))
        return changes

    def _answering(self, of: ObjectType, rows: Sequence[Raw]) -> list[Change]:
        """Engagements with the records they belong to: one call for each type of record and page."""
        if not rows:
            return []
        parents: dict[str, list[tuple[str, str]]] = {row.id: [] for _, row in rows}
        for record in self._present():
            for number, found in self._portal.associated(of.name, record.name, parents).items():
                parents.setdefault(number, []).extend((record.name, one) for one in found)
        return [self._portal.change(of, raw, row, parents[row.id]) for raw, row in rows if parents[row.id]]

    # ---- histories

    def _may_have_moved(self, of: ObjectType, row: Row, floor: int) -> bool:
        """Whether stage or owner can have changed since we last knew them, or since ``floor`` where we never did."""
        if self._memory.knows(of.name, row.id):
            return not self._memory.holds(of.name, row.id, moves.mark(of, row))
        return moves.last_move(of, row) >= floor

    def _with_history(self, of: ObjectType, rows: Sequence[Row]) -> dict[str, Raw]:
        """The same records read from the objects themselves, with the history of stage and owner."""
        found: dict[str, Raw] = {}
        ours = next(iter(self._mapper.write[of.name].values()), None)
        past = [name for name in (of.stage, names.OWNER, ours) if name]
        ids = [row.id for row in rows]
        for raw, _ in self._objects.rows(of, ids, self._objects.wanted(of), history=past):
            _, row = self._objects.kept(of, raw)
            self._portal.recognise(row.properties_with_history.pop(ours or "", ()))
            found[row.id] = msgspec.Raw(ENCODER.encode(row)), row  # labels of sources, which may be names, stay out
        return found

    # ---- what is not there

    def _present(self) -> list[ObjectType]:
        return [one for one in self._mapper.types if not self._is_absent(one)]

    def _is_absent(self, of: ObjectType) -> bool:
        return self._api.now() < self._absent.get(of.name, 0)

    def _does_without(self, of: ObjectType, refused: Rejected | AuthFailed) -> bool:
        """Whether the others go on without this object: leads have to be bought and set up, and have a scope alone."""
        others = [one for one in self._mapper.types if one is not of]
        ours = refused.code == "BAD_CURSOR" or (isinstance(refused, AuthFailed) and not refused.narrow)
        if of is not names.LEADS or not others or ours:
            return False
        self._absent[of.name] = self._api.now() + ABSENT_MS
        fix = f"set leads up in HubSpot or grant {of.read_scope}, or take leads out of `objects`"
        self._losses[of.name] = [Finding("warn", of.name, f"leads cannot be read: {refused.reason}", fix)]
        log.error(
            "connection %s: leads cannot be read (%s); the others are. Set leads up in HubSpot or grant %s, or take "
            "leads out of `objects`",
            self._mapper.connection, refused.reason, of.read_scope,
        )  # fmt: skip
        return True

    def _lost(self, of: ObjectType, rows: Sequence[Raw]) -> frozenset[str]:
        """The properties that are no longer there. Raises the alarm for those that are configured."""
        if of not in self._mapper.types or not rows:
            return frozenset()
        lost, news = self._portal.lost(of, self._mapper.properties[of.name], rows[0][1])
        named = sorted(lost & self._mapper.configured(of))
        gone, fix = "is gone from HubSpot, or hidden from us", "restore it, or mend the configuration"
        self._losses[f"{of.name}."] = [
            Finding("warn", f"{of.name}.{one}", f"{one} of {of.name} {gone}; what it meant stays as it was", fix)
            for one in named
        ]
        if named and news:
            log.error(
                "connection %s: %s of %s is gone from HubSpot, or hidden from us; what it meant stays as it was. "
                "Restore it, or mend the configuration",
                self._mapper.connection, ", ".join(named), of.name,
            )  # fmt: skip
        return lost

    # ---- single records

    def read(self, records: Sequence[str]) -> list[Change]:
        """Records as they are now, with their newest answers."""
        changes: list[Change] = []
        for of in self._present():
            named = (split_record(record) for record in records)
            ids = list(dict.fromkeys(number for _, kind, number in named if kind == of.kind))
            if ids:
                changes += self._records(of, ids)
                for engagement in self._answers:
                    changes += self._latest(of, ids, engagement)
                changes += self.conversations.latest(of, ids)
        return changes

    def _records(self, of: ObjectType, ids: Sequence[str]) -> list[Change]:
        properties = self._mapper.properties[of.name]
        found: list[Raw] = []
        missing = dict.fromkeys(ids)
        for archived in (False, True):
            for raw, _ in self._objects.rows(of, list(missing), properties, archived=archived):
                found.append(self._objects.kept(of, raw))
                row = found[-1][1]
                missing.pop(row.id, None)
                for loser in (row.properties.get(names.MERGED_IDS) or "").split(";"):
                    missing.pop(loser, None)  # its merge event comes out of the winner's row
            if not missing:
                break
        return [*self._read_again(of, found), *(self._gone(of, number) for number in missing)]

    def _read_again(self, of: ObjectType, found: Sequence[Raw]) -> Iterable[Change]:
        """Records that were asked for by name: with the history of those that are not known as they stand."""
        live = [row for _, row in found if not row.archived]
        asked = self._with_history(of, [row for row in live if self._may_have_moved(of, row, 0)])
        heard, lost = self._heard(0), self._lost(of, found)
        for raw, row in found:
            fresh = asked.get(row.id)
            yield self._portal.change(of, *(fresh or (raw, row)), told=fresh is None, heard=heard, lost=lost)

    def _heard(self, since: int) -> int | None:
        """From when on conversations tell themselves what a ticket's dates would tell."""
        return since if self._mapper.converses else None

    def _gone(self, of: ObjectType, id: str) -> Change:
        raw = msgspec.Raw(ENCODER.encode({"id": id}))
        envelope = Envelope(raw, gone=True, seen_at=self._api.now())
        return Change(of.name, f"{of.name}:{id}:gone", ENCODER.encode(envelope))

    def _latest(self, of: ObjectType, ids: Sequence[str], engagement: ObjectType) -> list[Change]:
        linked = self._portal.associated(of.name, engagement.name, ids)
        parents: dict[str, list[tuple[str, str]]] = {}
        for record, found in linked.items():
            for one in sorted(found, key=int, reverse=True)[:LATEST]:
                parents.setdefault(one, []).append((of.name, record))
        rows = self._objects.rows(engagement, list(parents), self._objects.wanted(engagement))
        kept = [self._objects.kept(engagement, raw) for raw, _ in rows]
        return [self._portal.change(engagement, raw, row, parents.get(row.id, ())) for raw, row in kept]
