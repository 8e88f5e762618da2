"""Conversations: which threads have news, and the messages that are the news.

Owns the stream ``conversations``: its cursor, the list of threads by their latest message, and the messages of those
that are tied to a watched record and have moved. Refuses meaning (``conversing``) and text: what was said is not even
decoded. Invariant: an idle poll is one call, and a thread without news costs none.

HubSpot has no batch of messages, so news cost one call for each thread. A page token that HubSpot no longer knows is
given up, and the window is read from its beginning: what is read again has the same keys.
https://developers.hubspot.com/docs/api-reference/conversations-conversations-v3/guide
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from connectors.base import Change, Page
from connectors.errors import Rejected
from connectors.hubspot import names
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.moves import Memory
from connectors.hubspot.names import ObjectType
from connectors.hubspot.portal import Portal
from connectors.hubspot.shapes import ENCODER, Envelope, instant, iso
from connectors.hubspot.thread_shapes import Said, SaidPage, Thread, Threads
from connectors.hubspot.window import RECENT_MS, Position, Window, advance, next_window

Parents = dict[str, list[tuple[str, str]]]
"""The watched records of threads: (object type, id) by thread id."""


class Walk(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stream's position, and the token of the next page of its window."""

    position: Position = Position()
    after: str | None = None

    def encode(self) -> str:
        return msgspec.json.encode(self).decode()


class Conversations:
    """``present`` are the types of records that are watched and that the portal has."""

    def __init__(
        self, api: HubSpotApi, portal: Portal, mapper: Mapper, memory: Memory, overlap_ms: int,
        present: Callable[[], Iterable[ObjectType]],
    ) -> None:  # fmt: skip
        self._api = api
        self._portal = portal
        self._mapper = mapper
        self._memory = memory
        self._overlap_ms = overlap_ms
        self._present = present
        self._done: int | None = None
        self._began_anew = False

    def poll(self, cursor: str | None, since: int) -> Page:
        """The messages of one page of threads that have some since the window began."""
        walk = read_walk(cursor)
        self._portal.introduce()
        before = walk.position if cursor else None
        window = next_window(before, since, self._api.now(), self._overlap_ms, records=False)
        page = self._page_or_first(window.start, walk.after)
        position = advance(before, window, 0 if page.after else None)
        after = Walk(position, page.after).encode()
        self._memory.resume(names.CONVERSATIONS, cursor)
        changes, unsettled = self._news(page.results, self._parents(page.results), window)
        marks = {one.id: one.latest_message_timestamp for one in page.results if one.id not in unsettled}
        self._memory.learn(names.CONVERSATIONS, after, marks)
        self._done = position.done
        return Page(changes, after, more=page.after is not None)

    def latest(self, of: ObjectType, ids: Sequence[str]) -> list[Change]:
        """What has been said about these records since the stream was read last."""
        if not self._mapper.converses:
            return []
        now = self._api.now()
        asked = {(of.name, one) for one in ids}
        done = now - self._overlap_ms if self._done is None else self._done
        window = Window(max(0, min(now, done) - RECENT_MS), now)
        changes: list[Change] = []
        after: str | None = None
        while True:
            try:
                page = self._page(window.start, after)
            except Rejected:
                if after is None:
                    raise
                return changes  # the list has changed meanwhile: what stood further on is told by the stream
            parents = self._parents(page.results)
            parents = {thread: found for thread, found in parents.items() if asked & set(found)}
            changes += self._news(page.results, parents, window)[0]
            after = page.after
            if after is None:
                return changes

    # ---- inside

    def _page(self, start: int, after: str | None) -> Threads:
        query = {
            "sort": "latestMessageTimestamp",
            "latestMessageTimestampAfter": iso(start),
            "association": "TICKET",
            "limit": str(names.THREADS_LIMIT),
            **({"after": after} if after is not None else {}),
        }
        return self._api.get(Threads, self._api.paths.threads(), query)

    def _page_or_first(self, start: int, after: str | None) -> Threads:
        """Begins anew where the token is refused, but not in a circle: the token after that has to be good."""
        try:
            page = self._page(start, after)
        except Rejected:
            if after is None or self._began_anew:
                raise
            self._began_anew = True
            return self._page(start, None)
        self._began_anew = self._began_anew and after is None
        return page

    def _parents(self, threads: Iterable[Thread]) -> Parents:
        """The watched records of each thread: its ticket, its contact, or the leads of its contact."""
        watched = {one.name for one in self._present()}
        found: Parents = {}
        for one in threads:
            known = [(names.TICKETS.name, one.ticket), (names.CONTACTS.name, one.associated_contact_id)]
            found[one.id] = [(kind, number) for kind, number in known if number is not None and kind in watched]
        if names.LEADS.name in watched:
            self._add_leads(threads, found)
        return {thread: records for thread, records in found.items() if records}

    def _add_leads(self, threads: Iterable[Thread], found: Parents) -> None:
        contacts = {one.id: one.associated_contact_id for one in threads if one.associated_contact_id is not None}
        leads = self._portal.associated(names.CONTACTS.name, names.LEADS.name, dict.fromkeys(contacts.values()))
        for thread, contact in contacts.items():
            found[thread] += [(names.LEADS.name, one) for one in leads.get(contact, ())]

    def _news(self, threads: Iterable[Thread], parents: Parents, window: Window) -> tuple[list[Change], set[str]]:
        """The messages that are news, and the threads with one that is still on its way: when it has arrived, nothing
        in the list of threads tells."""
        changes: list[Change] = []
        unsettled: set[str] = set()
        for one in threads:
            known = self._memory.holds(names.CONVERSATIONS, one.id, one.latest_message_timestamp)
            if one.id not in parents or known or one.spam:
                continue
            messages = self._messages(one.id, window.start)
            changes += [self._change(one, said, parents[one.id]) for said in messages]
            if any(said.is_under_way for said in messages):
                unsettled.add(one.id)
        return changes, unsettled

    def _messages(self, thread: str, since: int) -> list[Said]:
        """The messages since an instant, oldest first; read newest first, until they are older."""
        query = {"limit": str(names.MESSAGES_LIMIT), "sort": "-createdAt"}
        found: list[Said] = []
        while True:
            page = self._api.get(SaidPage, self._api.paths.messages(thread), query)
            fresh = [one for one in page.results if (instant(one.created_at) or 0) >= since]
            found += fresh
            if page.after is None or len(fresh) < len(page.results):
                return found[::-1]
            query["after"] = page.after

    def _change(self, thread: Thread, said: Said, parents: list[tuple[str, str]]) -> Change:
        """One message as a change. Its status is part of the key: a message that fails later is another one."""
        kind, _, number = (said.created_by or "").partition("-")
        owner = self._portal.user(number) if kind == "A" else None
        raw = msgspec.Raw(ENCODER.encode(said))
        customer = thread.associated_contact_id
        told = [*parents, *([] if customer is None else [(names.CONTACTS.name, customer)])]
        envelope = Envelope(raw, owner=owner, parents=sorted(set(told)), app=self._portal.app)
        records = (f"{kind}-{parent}" for kind, parent in envelope.parents)
        marks = [names.CONVERSATIONS, said.id, said.status_type, *records]
        return Change(names.CONVERSATIONS, ":".join(marks), ENCODER.encode(envelope))


def read_walk(cursor: str | None) -> Walk:
    """The walk of a cursor text, an empty one without. Raises Rejected for a text that is none."""
    if not cursor:
        return Walk()
    try:
        return msgspec.json.decode(cursor, type=Walk)
    except msgspec.DecodeError:
        raise Rejected("the stored cursor is not one of this connector", code="BAD_CURSOR") from None
