"""The contract of a connector: what every CRM's folder offers and nothing more.

Owns the shapes that cross between ``sync`` and a CRM. Refuses vendor words, database, scheduler and threads.
Invariant: ``normalise`` and ``verify`` are pure; only ``poll``, ``read``, ``people``, ``write`` and ``check`` do I/O,
and they raise nothing but the five errors of ``connectors.errors``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import msgspec

from connectors.allowance import Allowance
from sla.model import Event

Action = Literal["fields", "task", "complete", "owner", "set", "note", "tag", "message"]


class Stream(msgspec.Struct, frozen=True):
    """One feed of changes with a cursor of its own: ``Lead``, ``Task``, ``tickets`` … Polled in order."""

    name: str
    kind: str | None = None
    """The record kind it carries; None for feeds of messages and activities."""


class Change(msgspec.Struct, frozen=True, gc=False):
    """One raw inbound notice: what the vendor said, kept before anything is understood.

    ``key`` is unique within the connection for the same content (vendor id + version stamp, or a body hash), so the
    same notice by poll, by webhook and twice is one row. ``payload`` is the vendor's own JSON, or a webhook's part.
    """

    stream: str
    key: str
    payload: bytes


class Page(msgspec.Struct, frozen=True):
    """One page of changes. ``cursor`` resumes after it (opaque text); ``more`` asks for another poll at once.
    ``remaining`` is how many rows lie behind it, where the vendor tells: progress for people, and nothing else."""

    changes: list[Change]
    cursor: str
    more: bool = False
    remaining: int | None = None


class Observed(msgspec.Struct, frozen=True, gc=False):
    """The values our own write-back fields had in the CRM at ``at`` (epoch ms), by logical name (see WriteBack)."""

    record: str
    at: int
    values: dict[str, Any]


class Normalised(msgspec.Struct, frozen=True, gc=False):
    """What a change means: events for timelines, and what our own fields held, if the change shows them."""

    events: list[Event]
    observed: Observed | None = None


class Hint(msgspec.Struct, frozen=True):
    """What a verified webhook tells: the raw part to keep, and the record to read again (None: keep only)."""

    key: str
    record: str | None
    payload: bytes


class HintPage(msgspec.Struct, frozen=True):
    """What a hint feed brought. ``cursor`` resumes after it (opaque text). ``gap``: something may have been missed
    before these hints, so a poll has to look for it."""

    hints: list[Hint]
    cursor: str
    gap: bool = False


class HintFeed(Protocol):
    """A push channel that we pull from, such as an event bus or a journal: hints without an address of our own.

    Used from one thread of its own. Like webhooks, its hints only make a read come sooner.
    """

    name: str

    def pull(self, cursor: str | None, wait_s: float) -> HintPage:
        """The next hints after ``cursor`` (None: from now on), waiting at most ``wait_s`` seconds of real time.
        Raises one of the five errors; a cursor that the vendor no longer knows is a ``gap``, not an error."""

    def close(self) -> None:
        """Ends a pull that waits, from any thread."""


PROBE_HEADER: Final = "x-sla-sidecar-probe"
"""Carries a word of 16 to 64 hexadecimal digits, which comes back with the answer to a genuine probe."""


class WebhookRequest(msgspec.Struct, frozen=True):
    """A webhook as it arrived. Header names are lower-case. ``url`` is the public URL from the configuration plus the
    path and query as called, never rebuilt from the proxied request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Person(msgspec.Struct, frozen=True):
    """A user or queue that can own records. ``id`` is ``user:ID`` or ``queue:ID``; ``teams`` are the names of the
    teams, groups and roles that a user belongs to in the CRM."""

    id: str
    name: str
    email: str | None = None
    active: bool = True
    manager: str | None = None
    teams: tuple[str, ...] = ()


class WriteBack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One desired effect in the CRM.

    ``fields``  ``values``: logical name -> value for the fields mapped by ``write.KIND``. Logical names that end in
    ``_due`` or ``_at`` hold epoch ms or None; others text, number, bool or None.
    ``task``    ``subject``, ``owner`` (``user:ID``; None when unowned), ``due_at`` epoch ms, ``priority``; carries
    ``key`` into the CRM so that it can be found again. ``complete``: the task that the write-back ``task`` made (its
    key; ``crm_id`` its id in the CRM where known) is marked as completed, unless it is closed or gone already.
    ``owner``: new owner ``user:ID`` or ``queue:ID``.
    ``set``     ``values``: normalised record fields such as ``priority`` or ``status``. ``note``: ``subject`` is the
    text, which the customer never sees. ``tag``: ``subject`` is added to the record's tags, once.
    ``message`` ``subject`` is the text that the customer gets; ``since`` (epoch ms): the same text sent by us before
    is another message.

    ``expect`` (owner, set): normalised values that must still hold in the CRM, else the receipt is a conflict.
    ``attempts`` counts earlier tries whose outcome is unknown: above 0 the connector looks the effect up first.
    """

    key: str
    record: str
    action: Action
    values: dict[str, Any] = {}
    subject: str | None = None
    owner: str | None = None
    due_at: int | None = None
    priority: str | None = None
    expect: dict[str, Any] = {}
    attempts: int = 0
    since: int | None = None
    task: str | None = None
    crm_id: str | None = None


OVERWROTE_EDIT: Final = "OVERWROTE_EDIT"
"""Code of a receipt that is ``done``, and that ran over an edit made between our read and our write: ``reason`` says
whose. People have to be told."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the CRM answered to one write-back.

    ``done`` it is so now (``wrote`` False when it already was); ``conflict`` the expectation failed; ``rejected``
    never; ``retry`` not now (``after`` seconds, ``unknown`` when it may have happened).
    """

    key: str
    outcome: Literal["done", "conflict", "rejected", "retry"]
    wrote: bool = True
    reason: str | None = None
    code: str | None = None
    crm_id: str | None = None
    after: float | None = None
    unknown: bool = False


class Finding(msgspec.Struct, frozen=True):
    """One line of ``check``: ``level`` ok, warn or fail; ``unreachable`` when the CRM or the network gave no answer;
    ``fix`` is the next step for a person."""

    level: Literal["ok", "warn", "fail"]
    subject: str
    message: str
    fix: str | None = None
    unreachable: bool = False


class Capabilities(msgspec.Struct, frozen=True):
    """What a connector can do and in which portions. ``batch``: the most write-backs of an action in one call;
    ``mixed``: one call may write to records of several kinds; ``unfit``: codes of receipts which say that the new owner
    cannot own the record, so that another may; ``gone``: codes which say that the record takes nothing any more, since
    it was deleted or converted, so that there is nothing for a person to mend."""

    kinds: tuple[str, ...]
    batch: Mapping[str, int]
    webhooks: bool = False
    mixed: bool = True
    unfit: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()


class Quota(msgspec.Struct, frozen=True):
    """What the vendor last said of the allowance: calls ``used`` of ``limit`` in ``window`` (``day``, ``10s`` …)."""

    window: str
    used: int
    limit: int
    at: int


class Connector(Protocol):
    """One configured CRM account. Made by ``connectors.build(name, settings, …)``; used from one thread at a time."""

    name: str
    capabilities: Capabilities
    allowance: Allowance
    """Asked before every call; ``sync`` keeps its count across restarts and tells it what calls are for."""

    def streams(self) -> Sequence[Stream]: ...

    def poll(self, stream: str, cursor: str | None, since: int) -> Page:
        """The next page after ``cursor``. Without a cursor: what changed at or after ``since`` (epoch ms), and every
        record that is still open. Complete on its own: nothing depends on webhooks."""

    def read(self, records: Sequence[str]) -> list[Change]:
        """The records (``connection:kind:id``) as they are now, with their latest messages and activities, in as few
        calls as the vendor allows. A record that is gone comes back as a change that normalises to ``deleted``."""

    def normalise(self, change: Change) -> Normalised: ...

    def verify(self, request: WebhookRequest, now: int) -> list[Hint]:
        """Raises Rejected for a request that is forged, stale, malformed or not ours."""

    def hint_feeds(self) -> Sequence[HintFeed]:
        """The push channels that this connection is configured to pull from; mostly none."""

    def probe(self, public_url: str, now: int) -> WebhookRequest | None:
        """A request such as the vendor would send to ``public_url`` (without a path), signed or with its token, that
        ``verify`` accepts and that names no record; None when this connection takes no webhooks. ``now``: epoch ms.

        Whoever can make one holds the secret already, and it leads to no row and no call: see ``sync.probe``."""

    def acknowledgement(self, request: WebhookRequest) -> tuple[str, bytes]:
        """Content type and body of the answer that the vendor takes for a receipt."""

    def people(self) -> list[Person]: ...

    def write(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        """At most ``capabilities.batch[action]`` write-backs of one action; one receipt each, in any order. Sends only
        values that differ. A raised error speaks for the whole batch."""

    def check(self) -> list[Finding]: ...

    def quota(self) -> list[Quota]: ...

    def losses(self) -> Sequence[Finding]:
        """What is configured, or was there before, and is not there for us now, as far as polls have met it, in the
        words of ``check``; nothing that an account may well lack. Makes no call. Empty again once it is back."""

    def close(self) -> None: ...
