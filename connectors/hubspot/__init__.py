"""HubSpot: contacts as leads, leads, tickets, and the e-mails, calls and meetings that answer them.

Owns the connector's face: which module answers which method of the contract. Refuses to hold state of its own.
Invariant: importing it imports no SDK; the first call does.

``names`` vendor words · ``settings`` keys · ``shapes`` JSON · ``api``, ``wire`` calls · ``answers`` errors ·
``portal`` what is discovered · ``window`` cursors · ``reading``, ``threads`` polls · ``moves`` who needs a history ·
``mapping``, ``history``, ``sources``, ``answering``, ``conversing``, ``webhook`` meaning · ``writing``,
``changes``, ``overwritten``, ``activities``, ``tracing``, ``completing``, ``tagging``, ``messages``, ``sending``,
``rows`` write-backs · ``login``, ``oauth`` tokens · ``faults`` codes · ``checking`` findings ·
``scopes`` what a key needs · ``setting_up``, ``provisioning`` what is asked and made before the daemon runs
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from connectors.base import (
    Capabilities,
    Change,
    Finding,
    Hint,
    HintFeed,
    Normalised,
    Page,
    Person,
    Quota,
    Receipt,
    Stream,
    WebhookRequest,
    WriteBack,
)
from connectors.errors import Rejected
from connectors.http import Patience
from connectors.hubspot import answering, conversing, names, webhook
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.checking import Checker
from connectors.hubspot.journal import Journal
from connectors.hubspot.journal_api import JournalApi
from connectors.hubspot.limits import allowance
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.messages import Replies
from connectors.hubspot.portal import Portal
from connectors.hubspot.reading import Reader
from connectors.hubspot.sending import Sender
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.writing import Writer
from connectors.settings import ConnectionSettings
from connectors.setup import SetUp

ACTIONS: Final = ("fields", "task", "complete", "owner", "set", "note", "tag", "message")


class HubSpotConnector:
    """One HubSpot account. See ``connectors.base.Connector`` for what each method promises."""

    def __init__(
        self,
        name: str,
        settings: HubSpotSettings,
        *,
        wanted: frozenset[str],
        clock: Callable[[], int],
        patience: Patience | None = None,
    ) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._mapper = Mapper(name, settings, wanted)
        self.capabilities = Capabilities(
            kinds=tuple(of.kind for of in self._mapper.types if of.kind),
            batch=dict.fromkeys(ACTIONS, names.BATCH_LIMIT) | {"message": names.REPLIES_LIMIT},
            webhooks=settings.webhook_secret is not None,
            mixed=False,
            unfit=frozenset({"INACTIVE_OWNER", "INVALID_OWNER_ID"}),
            gone=frozenset({"OBJECT_NOT_FOUND"}),
        )
        self.allowance = allowance(settings, clock, lambda: self._api.zone)
        self._api = HubSpotApi(settings, clock, patience or Patience(), self.allowance)
        self._portal = Portal(self._api, clock, str(settings.app_id) if settings.app_id else None)
        self._reader = Reader(self._api, self._portal, self._mapper, int(settings.overlap * 1000))
        replies = Replies(self._api, self._portal, settings.sender)
        self._writer = Writer(self._portal, self._mapper, Sender(self._api, self._reader), replies)
        self._checker = Checker(self._api, self._portal, self._mapper, clock)

    def streams(self) -> Sequence[Stream]:
        spoken = [Stream(names.CONVERSATIONS)] if self._mapper.converses else []
        return [*(Stream(of.name, of.kind) for of in self._reader.types), *spoken]

    def poll(self, stream: str, cursor: str | None, since: int) -> Page:
        if stream == names.CONVERSATIONS and self._mapper.converses:
            return self._reader.conversations.poll(cursor, since)
        of = names.TYPES.get(stream)
        if of is None or of not in self._reader.types:
            raise Rejected(f"this connection has no stream {stream!r}", code="NO_SUCH_STREAM")
        return self._reader.poll(of, cursor, since)

    def read(self, records: Sequence[str]) -> list[Change]:
        return self._reader.read(records)

    def normalise(self, change: Change) -> Normalised:
        if change.stream == webhook.STREAM:
            return webhook.normalise(self._mapper, change.payload)
        if change.stream == names.CONVERSATIONS:
            return conversing.normalise(self._mapper, change.payload)
        of = names.TYPES[change.stream]
        if of in self._mapper.types:
            return self._mapper.normalise(of, change.payload)
        return answering.normalise(self._mapper, of, change.payload)

    def verify(self, request: WebhookRequest, now: int) -> list[Hint]:
        return webhook.verify(self._mapper, request, now)

    def hint_feeds(self) -> Sequence[HintFeed]:
        told = self._settings.journal
        if told is None:
            return ()
        return [Journal(JournalApi(self._settings, told, self._clock, self.allowance), self._mapper)]

    def probe(self, public_url: str, now: int) -> WebhookRequest | None:
        return webhook.probe(self._mapper, public_url, now)

    def acknowledgement(self, request: WebhookRequest) -> tuple[str, bytes]:  # noqa: ARG002 - the same for all
        return webhook.acknowledgement()

    def people(self) -> list[Person]:
        return [
            Person(
                id=one.actor,
                name=" ".join(part for part in (one.first_name, one.last_name) if part) or one.email or one.id,
                email=one.email,
                active=not one.archived,
                teams=tuple(team.name for team in one.teams if team.name),
            )
            for one in self._portal.owners(fresh=True)
        ]

    def write(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        return self._writer.write(batch)

    def setup(self) -> SetUp:
        from connectors.hubspot.setting_up import HubSpotSetUp  # the daemon never sets anything up

        return HubSpotSetUp(self._api, self._portal, self._mapper.settings)

    def check(self) -> list[Finding]:
        return self._checker.check()

    def quota(self) -> list[Quota]:
        return self._api.quota()

    def losses(self) -> Sequence[Finding]:
        return self._reader.losses()

    def close(self) -> None:
        self._api.close()


def build(
    name: str, settings: ConnectionSettings, *, wanted: frozenset[str], clock: Callable[[], int]
) -> HubSpotConnector:
    """The connector of one connection, from its validated settings."""
    if not isinstance(settings, HubSpotSettings):
        raise TypeError("a HubSpot connection is built from HubSpotSettings")
    return HubSpotConnector(name, settings, wanted=wanted, clock=clock)
