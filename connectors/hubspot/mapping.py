"""What HubSpot's objects mean: rows of contacts, leads and tickets -> events, fields, status categories.

Owns the mapping of records and the list of properties that it needs. Refuses I/O, the clock and anything that is not in
the row's envelope. Invariant: the same envelope gives the same events, whenever and however often it is replayed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from connectors.base import Normalised, Observed
from connectors.hubspot import history, names
from connectors.hubspot.names import ObjectType
from connectors.hubspot.settings import LEAD_STATUS, HubSpotSettings
from connectors.hubspot.shapes import ENVELOPE, ROW, Envelope, Row, Stage, instant
from connectors.hubspot.sources import OURSELVES
from sla.model import PRIORITIES, Event, record_name

T = TypeVar("T")

ALWAYS: Final = frozenset({"source", "channel"})
"""Fields that every record carries: reports are cut by them, and they say nothing of a person."""

PRIORITY: Final = {
    "urgent": "urgent", "high": "high", "medium": "normal", "low": "low",
    "hot": "high", "warm": "normal", "cold": "low",
}  # fmt: skip
"""Ticket priorities and lead labels; ``priority`` of the connection overrides one by one."""

STAGE_LABELS: Final = {
    "ticket": {
        "waiting on contact": "pending", "waiting on customer": "pending", "waiting on third party": "on_hold",
        "on hold": "on_hold", "resolved": "resolved",
    },
    "lead": {"qualified": "converted", "disqualified": "disqualified"},
}  # fmt: skip
"""What stages mean by the labels that HubSpot gives them, and their usual additions; ``status.KIND`` overrides."""


class Mapper:
    """The mapping of one connection. ``wanted`` are the normalised fields that policies name."""

    def __init__(self, connection: str, settings: HubSpotSettings, wanted: frozenset[str]) -> None:
        self.connection = connection
        self.settings = settings
        self.types: tuple[ObjectType, ...] = tuple(one for one in names.RECORDS if one.name in settings.objects)
        self.wanted = wanted
        self.fields = {one.name: self._fields(one) for one in self.types}
        self.write: dict[str, Mapping[str, str]] = {
            one.name: for_kind(settings.write, one.kind) or {} for one in self.types
        }
        self.tags: dict[str, str] = {
            one.name: path for one in self.types if (path := for_kind(settings.tags, one.kind)) is not None
        }
        self.sender = f"user:{settings.sender}" if settings.sender is not None else None
        """In whose name we write to customers: what this user says is ours."""
        self.converses = names.CONVERSATIONS in settings.answers
        """Whether conversations are read themselves."""
        self.properties = {one.name: self._properties(one) for one in self.types}
        self._priority = PRIORITY | {raw.casefold(): value for raw, value in settings.priority.items()}
        self.statuses = {one.name: self._statuses(one) for one in self.types}
        self._status = {
            name: {raw.casefold(): category for raw, category in known.items()} for name, known in self.statuses.items()
        }

    # ---- what to ask for

    def _fields(self, of: ObjectType) -> dict[str, str]:
        known = {name: path for name, path in names.FIELD_PROPERTY[of.name].items() if name in self.wanted | ALWAYS}
        for name, given in self.settings.fields.items():
            path = given if isinstance(given, str) else for_kind(given, of.kind)
            if path:
                known[name] = path
        return known

    def _properties(self, of: ObjectType) -> tuple[str, ...]:
        found = [of.modified, of.created, *([of.stage] if of.stage else []), *names.COMMON_PROPERTIES]
        found += names.RECORD_PROPERTIES[of.name]
        found += [names.PRIORITY_PROPERTY[of.name]] if of.name in names.PRIORITY_PROPERTY else []
        found += [*self.fields[of.name].values(), *self.write[of.name].values()]
        found += names.NAME_PARTS if self._composes_name(of) else ()
        found += (names.AGENT_WHO_ANSWERED,) if self.settings.sender is not None and of is names.TICKETS else ()
        return tuple(dict.fromkeys(found))

    def configured(self, of: ObjectType) -> set[str]:
        """The properties that must be there: stage, owner, and all that the configuration or a policy names."""
        found = {names.OWNER, *self.fields[of.name].values(), *self.write[of.name].values()}
        return found | ({of.stage} if of.stage else set())

    def _composes_name(self, of: ObjectType) -> bool:
        return of is names.CONTACTS and "name" in self.wanted and "name" not in self.fields[of.name]

    def _statuses(self, of: ObjectType) -> dict[str, str]:
        given = for_kind(self.settings.status, of.kind) or {}
        built_in = LEAD_STATUS if of is names.CONTACTS else {}
        return {**built_in, **given}

    def of_kind(self, kind: str) -> ObjectType | None:
        """The object type that holds this connection's records of a kind, or None when it watches none."""
        return next((one for one in self.types if one.kind == kind), None)

    def name(self, of: ObjectType, id: str) -> str:
        """``connection:kind:id``."""
        return record_name(self.connection, of.kind or of.name, id)

    # ---- what it means

    def category(self, of: ObjectType, raw: str | None, stage: Stage | None) -> str:
        """The status category of a raw status (a stage's id, or a contact's lead status).

        The configuration is asked first, by ``Pipeline/Stage``, by the stage's label and by id; then the portal.
        """
        given = self._status[of.name]
        if stage is not None:
            for word in (f"{stage.pipeline}/{stage.label}", stage.label, stage.id):
                if word.casefold() in given:
                    return given[word.casefold()]
            usual = STAGE_LABELS.get(of.kind or "", {}).get(stage.label.casefold())
            return usual or ("closed" if stage.closed else "new" if stage.first else "open")
        if not raw:
            return "new"
        return given.get(raw.casefold(), "open")

    def raw_status(self, raw: str | None, stage: Stage | None) -> str | None:
        """The CRM's own word: ``Pipeline/Stage`` where the portal has pipelines, else the value itself."""
        return f"{stage.pipeline}/{stage.label}" if stage is not None else raw or None

    def priority(self, raw: str | None) -> str | None:
        found = self._priority.get(raw.casefold()) if raw else None
        return found if found in PRIORITIES else None

    def status(self, of: ObjectType, raw: str | None, stage: Stage | None) -> dict[str, Any]:
        """The fields that a raw status means."""
        return {"status": self.category(of, raw, stage), "raw_status": self.raw_status(raw, stage)}

    def snapshot(self, of: ObjectType, row: Row, envelope: Envelope) -> dict[str, Any]:
        """All normalised fields of a record, our own write-back fields left out, and those of properties that are no
        longer there: what they held is not known, which is not the same as nothing."""
        values, lost = row.properties, envelope.lost
        fields: dict[str, Any] = {}
        if of.stage not in lost:
            fields |= self.status(of, values.get(of.stage) if of.stage else None, envelope.stage)
        if names.OWNER not in lost:
            fields["owner"] = envelope.owner
        paths = self.fields[of.name]
        if of.name in names.PRIORITY_PROPERTY:
            paths = {"priority": names.PRIORITY_PROPERTY[of.name], **paths}
        fields |= {name: self._field(name, values.get(path)) for name, path in paths.items() if path not in lost}
        if self._composes_name(of):
            fields["name"] = " ".join(part for path in names.NAME_PARTS if (part := values.get(path))) or None
        return fields

    def _field(self, name: str, value: str | None) -> str | None:
        if name == "priority":
            return self.priority(value)
        return value.lower() if name == "channel" and value else value or None

    def normalise(self, of: ObjectType, payload: bytes) -> Normalised:
        """The events of one row of a record, and what our own fields held."""
        envelope = ENVELOPE.decode(payload)
        row = ROW.decode(envelope.object)
        record = self.name(of, row.id)
        if envelope.gone or row.archived:
            at = instant(row.archived_at) or envelope.seen_at or 0
            return Normalised([Event(record=record, at=at, id=f"deleted:{at}", event="deleted", kind=of.kind)])
        values = row.properties
        created = instant(values.get(of.created)) or instant(row.created_at) or 0
        stamp = instant(values.get(of.modified)) or instant(row.updated_at) or created
        fields = self.snapshot(of, row, envelope)
        editor = envelope.editor
        events = [
            Event(
                record=record, at=created, id="created", event="created", kind=of.kind, actor=envelope.creator, set={}
            ),
            Event(
                record=record, at=stamp, id=f"s:{stamp}", event="changed", kind=of.kind, actor=editor, set=fields,
                snapshot=True,
            ),
        ]  # fmt: skip
        events += self._moves(record, of, row, envelope, fields, created, stamp)
        events += self._messages(record, values, envelope.heard)
        events += self._merged(of, row.id, values, stamp)
        return Normalised(events, self._observed(of, record, stamp, values, envelope.lost))

    def _moves(
        self, record: str, of: ObjectType, row: Row, envelope: Envelope, fields: dict[str, Any], created: int,
        stamp: int,
    ) -> list[Event]:  # fmt: skip
        """Changes of stage and owner at their own instants: by their history where the row has it, else by HubSpot's
        stamps of the latest ones, unless an earlier row has told them."""
        if row.properties_with_history:
            return history.events(
                record, of, row, envelope, created, lambda raw: self.status(of, raw, envelope.stages.get(raw or ""))
            )
        return [] if envelope.told else self._dated(record, row.properties, fields, created, stamp, envelope.editor)

    def _dated(
        self, record: str, values: Mapping[str, str | None], fields: dict[str, Any], created: int, stamp: int,
        editor: str | None,
    ) -> list[Event]:  # fmt: skip
        told = []
        if "status" in fields:
            told.append(("stage", names.STAGE_SINCE, {name: fields[name] for name in ("status", "raw_status")}))
        if fields.get("owner") is not None:
            told.append(("owner", names.OWNER_SINCE, {"owner": fields["owner"]}))
        events = []
        for word, path, changes in told:
            at = instant(values.get(path))
            if at is not None and created < at < stamp:
                events.append(
                    Event(record=record, at=at, id=f"{word}:{at}", event="changed", actor=editor, set=changes)
                )
        return events

    def _messages(self, record: str, values: Mapping[str, str | None], heard: int | None) -> list[Event]:
        """What a ticket says of its conversation: when the customer last wrote, and when an agent first answered.
        What was said since ``heard`` is told by the conversation itself."""
        who = values.get(names.AGENT_WHO_ANSWERED)
        first = OURSELVES if who and who == self.settings.sender else None
        told = (
            ("in", names.MESSAGE_RECEIVED, "inbound", "customer:unknown"),
            ("out", names.AGENT_ANSWERED, "outbound", first),
        )
        return [
            Event(record=record, at=at, id=f"{word}:{at}", event="message", actor=actor, direction=direction)
            for word, path, direction, actor in told
            if (at := instant(values.get(path))) is not None and (heard is None or at < heard)
        ]

    def speaker(self, owner: str | None) -> str | None:
        """The actor behind an outbound message: ourselves where it went out in our sender's name."""
        return OURSELVES if owner is not None and owner == self.sender else owner

    def _merged(self, of: ObjectType, winner: str, values: Mapping[str, str | None], stamp: int) -> list[Event]:
        losers = [one for one in (values.get(names.MERGED_IDS) or "").split(";") if one and one != winner]
        if not losers:
            return []
        when = dict(pair.split(":", 1) for pair in (values.get(names.MERGED_AT) or "").split(";") if ":" in pair)
        into = self.name(of, winner)
        name = f"merged:{winner}"
        return [
            Event(
                record=self.name(of, loser), at=instant(when.get(loser)) or stamp, id=name, event="merged", into=into
            )
            for loser in losers
        ]  # fmt: skip

    def _observed(
        self, of: ObjectType, record: str, stamp: int, values: Mapping[str, str | None], lost: Sequence[str]
    ) -> Observed | None:
        ours = {name: path for name, path in self.write[of.name].items() if path not in lost}
        if not ours:
            return None
        return Observed(record, stamp, {name: decode(name, values.get(path)) for name, path in ours.items()})


def for_kind(table: Mapping[Any, T], kind: str | None) -> T | None:
    """The entry of a configuration's table by record kind, or None."""
    return table.get(kind)


def is_instant(logical: str) -> bool:
    """Whether a logical write-back field holds epoch ms."""
    return logical.endswith(("_due", "_at"))


def decode(logical: str, value: str | None) -> Any:
    """The logical value of one of our own fields as HubSpot holds it."""
    if not value:
        return None
    return moment(value) if is_instant(logical) else value


def moment(held: str) -> int | str:
    """An instant; what is none, in a property of text that somebody else wrote into, stays as it is."""
    try:
        return instant(held) or 0
    except (ValueError, OverflowError):
        return held


def encode(logical: str, value: Any) -> str:
    """A logical value as HubSpot takes it; "" clears a property. Instants go as epoch ms."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if is_instant(logical) else str(value)


def same(logical: str, wanted: Any, held: str | None) -> bool:
    """Whether a property already holds the wanted logical value."""
    if is_instant(logical):
        return (moment(held) if held else None) == (None if wanted is None else int(wanted))
    return encode(logical, wanted) == (held or "")
