"""The JSON that HubSpot sends, as far as it is read, and the envelope in which a row is kept.

Owns the decoders. Refuses meaning: see ``mapping``. Invariant: every key is optional that HubSpot has ever left out,
and unknown keys are ignored, so a new one never breaks a poll.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


class Told(msgspec.Struct, rename="camel"):
    """Base of what HubSpot says: its keys are in camel case."""


class Version(Told):
    """One past value of a property and where it came from, as ``propertiesWithHistory`` lists them: newest first."""

    timestamp: str
    value: str | None = None
    source_type: str = ""
    source_id: str | None = None
    updated_by_user_id: int | None = None


class Row(Told, omit_defaults=True, gc=False):
    """One object of the CRM. ``properties`` are text or null, whatever their type."""

    id: str
    properties: dict[str, str | None] = {}
    created_at: str | None = None
    updated_at: str | None = None
    archived: bool = False
    archived_at: str | None = None
    object_write_trace_id: str | None = None
    properties_with_history: dict[str, list[Version]] = {}


class Refusal(Told):
    """The body of an error. Everything is optional; ``error`` and ``status`` count at the token endpoint only."""

    error: str = ""
    status: str = ""

    message: str = ""
    category: str = ""
    policy_name: str = ""
    context: dict[str, Any] = {}
    errors: list[dict[str, Any]] = []


class Failed(Told):
    """One entry of ``errors`` in an answer that is a success for other rows."""

    category: str = ""
    message: str = ""
    context: dict[str, Any] = {}
    errors: list[dict[str, Any]] = []


class _Next(Told):
    after: str | None = None


class Paging(Told):
    """Where the next page begins; absent on the last."""

    next: _Next | None = None


class RawPage(Told):
    """A page of objects whose rows are kept as they came."""

    results: list[msgspec.Raw] = []
    total: int | None = None
    errors: list[Failed] = []
    paging: Paging | None = None

    @property
    def after(self) -> str | None:
        return self.paging.next.after if self.paging and self.paging.next else None


class Written(Told):
    """The answer to a batch of writes: HTTP 200, 201 or 207, all of them only half of the truth."""

    results: list[Row] = []
    errors: list[Failed] = []
    num_errors: int = 0


class _From(Told):
    id: str


class _To(Told):
    to_object_id: int | str


class Associated(Told):
    """The objects that one object is associated with."""

    from_: _From = msgspec.field(name="from")
    to: list[_To] = []
    paging: Paging | None = None

    @property
    def ids(self) -> list[str]:
        return [str(one.to_object_id) for one in self.to]

    @property
    def after(self) -> str | None:
        return self.paging.next.after if self.paging and self.paging.next else None


class Associations(Told):
    results: list[Associated] = []


class Label(Told):
    """One kind of association. ``label`` is null for the plain one."""

    type_id: int
    category: str = "HUBSPOT_DEFINED"
    label: str | None = None


class Labels(Told):
    results: list[Label] = []


class PipelineStage(Told):
    id: str
    label: str = ""
    display_order: int = 0
    archived: bool = False
    metadata: dict[str, Any] = {}


class Pipeline(Told):
    id: str
    label: str = ""
    display_order: int = 0
    archived: bool = False
    stages: list[PipelineStage] = []


class Pipelines(Told):
    results: list[Pipeline] = []


class OwnerTeam(Told):
    """A team of an owner, schema PublicTeam."""

    name: str = ""


class Owner(Told):
    """Who can own records. ``id`` is what ``hubspot_owner_id`` holds; ``userId`` is another number."""

    id: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    user_id: int | None = None
    user_id_including_inactive: int | None = None
    type: str = "PERSON"
    archived: bool = False
    teams: list[OwnerTeam] = []

    @property
    def actor(self) -> str:
        return f"queue:{self.id}" if self.type == "QUEUE" else f"user:{self.id}"


class OwnersPage(Told):
    results: list[Owner] = []
    paging: Paging | None = None

    @property
    def after(self) -> str | None:
        return self.paging.next.after if self.paging and self.paging.next else None


class Option(Told):
    value: str
    label: str = ""


class _Modification(Told):
    read_only_value: bool = False


class Property(Told):
    name: str
    type: str = ""
    options: list[Option] = []
    has_unique_value: bool = False
    modification_metadata: _Modification | None = None

    @property
    def read_only(self) -> bool:
        return self.modification_metadata is not None and self.modification_metadata.read_only_value


class Properties(Told):
    results: list[Property] = []


class TokenInfo(Told):
    """What HubSpot tells of a static token, as far as it matters here."""

    scopes: list[str] = []


class Account(Told):
    portal_id: int = 0
    time_zone: str | None = None
    account_type: str | None = None


class Stage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stage as the portal had it when a row was read: kept with the row, so that its meaning needs no call."""

    id: str
    label: str
    pipeline: str
    pipeline_id: str = ""
    closed: bool = False
    first: bool = False


class Envelope(msgspec.Struct, omit_defaults=True):
    """A row as it is kept: HubSpot's own JSON, and beside it what the portal said of the ids in it.

    ``owner`` and ``editor`` are ``user:ID`` or ``queue:ID``; ``creator`` who made the object by hand. ``parents`` are
    the records of an e-mail, call, meeting or message: (object type, id). ``gone`` marks an id that no longer leads
    anywhere. ``stages``, ``owners`` and ``users`` are those that the row's history names, by HubSpot's ids, ``app`` is
    our own app's. ``told``: stage and owner stand where an earlier row showed them, with their history. ``heard``: the
    instant (epoch ms) from which on the conversations themselves are read. ``lost``: properties that were asked for and
    are no longer there, so that their absence says nothing.
    """

    object: msgspec.Raw
    stage: Stage | None = None
    owner: str | None = None
    creator: str | None = None
    editor: str | None = None
    parents: list[tuple[str, str]] = []
    gone: bool = False
    seen_at: int | None = None
    stages: dict[str, Stage] = {}
    owners: dict[str, str] = {}
    users: dict[str, str] = {}
    app: str | None = None
    told: bool = False
    heard: int | None = None
    lost: list[str] = []


class WebhookEvent(Told):
    """One entry of a webhook's array. Ids are numbers or text, by the kind of event."""

    subscription_type: str = ""
    subscription_id: int | str | None = None
    portal_id: int | None = None
    object_id: int | str | None = None
    object_type_id: str | None = None
    occurred_at: int | None = None
    property_name: str | None = None
    property_value: Any = None
    primary_object_id: int | str | None = None
    new_object_id: int | str | None = None
    merged_object_ids: list[int | str] = []


ROW: Final = msgspec.json.Decoder(Row)
ENVELOPE: Final = msgspec.json.Decoder(Envelope)
WEBHOOK_EVENT: Final = msgspec.json.Decoder(WebhookEvent)
ENCODER: Final = msgspec.json.Encoder()


def instant(text: str | None) -> int | None:
    """Epoch ms of a HubSpot time: ISO 8601 with an offset, a date (midnight UTC), or epoch ms in text. None without.

    Raises ValueError for anything else.
    """
    if not text:
        return None
    if text.isdigit() or (text[0] == "-" and text[1:].isdigit()):
        return int(text)
    at = datetime.fromisoformat(text)
    since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def iso(at: int) -> str:
    """``2026-03-02T14:05:00.000Z``, as HubSpot writes times."""
    return (_EPOCH + at * _MS).isoformat(timespec="milliseconds").replace("+00:00", "Z")
