"""One Salesforce connection: the contract's methods, handed to the parts that do them.

Owns the wiring. Refuses logic of its own beyond the choice of the part. Invariant: building one calls nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

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
from connectors.salesforce import names, webhook
from connectors.salesforce.actors import Actors
from connectors.salesforce.adding import Adding
from connectors.salesforce.api import Api
from connectors.salesforce.checking import Checking
from connectors.salesforce.checking_fields import RecordQuestions
from connectors.salesforce.columns import Columns
from connectors.salesforce.completing import Completing
from connectors.salesforce.conversation import ConversationMapping
from connectors.salesforce.history import HistoryMapping
from connectors.salesforce.limits import allowance
from connectors.salesforce.losses import Losses
from connectors.salesforce.mapping import RecordMapping
from connectors.salesforce.people import people
from connectors.salesforce.pubsub import feeds
from connectors.salesforce.reading import Reading
from connectors.salesforce.rows import decode_row
from connectors.salesforce.selection import Selection
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import Shapes
from connectors.salesforce.tasks import Tasks
from connectors.salesforce.updating import Updating
from connectors.setup import SetUp

BATCH = {
    **dict.fromkeys(("fields", "task", "complete", "note", "message"), names.COLLECTION_ROWS),
    **dict.fromkeys(("set", "owner", "tag"), names.PARTS_PER_CALL),
}

UNFIT = frozenset({"INACTIVE_OWNER_OR_USER", "INVALID_OWNER", "TRANSFER_REQUIRES_READ"})
"""Codes which say that the new owner cannot own the record."""
GONE = frozenset({"ENTITY_IS_DELETED", "CANNOT_UPDATE_CONVERTED_LEAD"})
"""Codes which say that the record takes nothing any more."""


class SalesforceConnector:
    """See ``connectors.base.Connector``. ``patience`` is how often a call is repeated at once, ``pause(seconds)`` waits
    between two questions about a bulk job."""

    def __init__(
        self,
        name: str,
        settings: SalesforceSettings,
        *,
        wanted: frozenset[str],
        clock: Callable[[], int],
        patience: Patience = Patience(),  # noqa: B008  # frozen
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        kinds = tuple(names.KINDS[one] for one in settings.objects)
        self.capabilities = Capabilities(
            kinds=kinds, batch=BATCH, webhooks=settings.webhook is not None, unfit=UNFIT, gone=GONE
        )
        self._settings = settings
        self.allowance = allowance(settings, clock)
        self._api = Api(settings, patience, self.allowance)
        shapes = self._shapes = Shapes(self._api, clock)
        columns, actors = Columns(settings, wanted), Actors(settings)
        self._records = RecordMapping(name, settings, columns, actors)
        self._history = HistoryMapping(name, self._records, actors)
        self._conversation = ConversationMapping(name, settings, actors)
        selection = Selection(shapes, columns)
        self._reading = Reading(self._api, selection, settings, clock, pause)
        self._updating = Updating(self._api, shapes, columns, self._records)
        self._tasks = Tasks(self._api, shapes, self._records, settings, clock)
        self._completing = Completing(self._api, shapes, settings, clock)
        self._adding = Adding(self._api, shapes)
        questions = RecordQuestions(self._api, shapes, columns, self._records, settings, wanted)
        self._losses = Losses(selection, questions)
        self._checking = Checking(self._api, shapes, questions, settings, clock)

    def streams(self) -> Sequence[Stream]:
        """Records, then what was said on them, then what happened to their status and owner."""
        return self._reading.streams()

    def poll(self, stream: str, cursor: str | None, since: int) -> Page:
        self._losses.look(stream, cursor)
        return self._reading.poll(stream, cursor, since)

    def read(self, records: Sequence[str]) -> list[Change]:
        return self._reading.read(records)

    def normalise(self, change: Change) -> Normalised:
        row = decode_row(change.payload)
        if change.stream in names.KINDS:
            return self._records.normalise(change.stream, row)
        if change.stream in names.HISTORIES:
            return self._history.normalise(change.stream, row)
        return self._conversation.normalise(change.stream, row)

    def verify(self, request: WebhookRequest, now: int) -> list[Hint]:  # noqa: ARG002  # messages carry no time
        hook = self._settings.webhook
        if hook is None:
            raise Rejected("this connection takes no webhooks", code="NO_WEBHOOK")
        tokens = [token for token in (hook.token, hook.previous_token) if token is not None]
        return webhook.verify(request, self.name, tokens, hook.organization, self._settings.objects)

    def hint_feeds(self) -> Sequence[HintFeed]:
        told, watched = self._settings.pubsub, self._settings.objects
        return () if told is None else feeds(told.objects or watched, watched, self.name, told.endpoint, self._api)

    def probe(self, public_url: str, now: int) -> WebhookRequest | None:  # noqa: ARG002  # messages carry no time
        hook = self._settings.webhook
        return None if hook is None else webhook.probe(f"{public_url}/webhooks/{self.name}", hook)

    def acknowledgement(self, request: WebhookRequest) -> tuple[str, bytes]:  # noqa: ARG002
        return "text/xml; charset=utf-8", webhook.ACKNOWLEDGEMENT

    def people(self) -> list[Person]:
        return people(self._api, self._shapes)

    def write(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        """Write-backs of one record go in calls of their own, in order: a call names a record once."""
        actions = {write.action for write in batch}
        if len(actions) > 1 or len(batch) > names.COLLECTION_ROWS:
            raise Rejected("a batch is of one action and within its size", code="BATCH")
        receipts: list[Receipt] = []
        for part in _rounds(batch):
            receipts += self._write(part)
        return receipts

    def _write(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        match batch[0].action:
            case "fields":
                return self._updating.fields(batch)
            case "set" | "owner":
                return self._updating.checked(batch)
            case "task":
                return self._tasks.add(batch)
            case "complete":
                return self._completing.complete(batch)
            case "note":
                return self._adding.notes(batch)
            case "tag":
                return self._updating.tags(batch)
            case "message":
                return self._adding.messages(batch)

    def setup(self) -> SetUp:
        from connectors.salesforce.setting_up import SalesforceSetUp  # the daemon never sets anything up

        return SalesforceSetUp(self._api, self._shapes, self._records, self._settings)

    def check(self) -> list[Finding]:
        return self._checking.findings()

    def quota(self) -> list[Quota]:
        return self._api.quota()

    def losses(self) -> Sequence[Finding]:
        return self._losses.found()

    def close(self) -> None:
        self._api.close()


def _rounds(batch: Sequence[WriteBack]) -> list[list[WriteBack]]:
    rounds: list[list[WriteBack]] = []
    for write in batch:
        turn = next((some for some in rounds if all(other.record != write.record for other in some)), None)
        if turn is None:
            rounds.append([write])
        else:
            turn.append(write)
    return rounds
