"""The one way in which records change: create, update, archive, restore, link, unlink, merge.

Owns stamps, consequences, history, the index and the journal of one write. Refuses what ``checks`` has not let pass.
Invariant: a write bumps the stamp of every record that it touches, and adds one line to the log of effects.
That every write and link bumps the stamp, and that a merge gives a new id, is captured from published answers.
https://developers.hubspot.com/docs/api-reference/crm-tickets-v3/basic/post-crm-v3-objects-tickets-merge
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emulators.hubspot import consequences
from emulators.hubspot.catalogue import OPTIONS
from emulators.hubspot.checks import Wish, check_links, check_properties
from emulators.hubspot.kinds import Kind
from emulators.hubspot.links import TYPES, LinkType, type_of
from emulators.hubspot.portal import SYSTEM, Author, Portal
from emulators.hubspot.records import Record, Value, Version
from emulators.hubspot.values import render

LOGGED_AS = {"tasks": "task", "notes": "note"}


class Writer:
    """Writes for one author. ``at_ms`` is the instant of the write; the emulated now when it is not given."""

    def __init__(self, portal: Portal, author: Author, at_ms: int | None = None) -> None:
        self.portal = portal
        self.author = author
        self.at_ms = portal.now_ms() if at_ms is None else at_ms
        self._touched: dict[Record, None] = {}

    def create(self, kind: Kind, properties: Any, links: Any = ()) -> Record:
        """Raises HubSpotError when it may not be created."""
        sent = check_properties(self.portal, kind, properties, self.author)
        wishes = check_links(self.portal, kind, links)
        record = Record(kind, self.portal.new_number(kind), self.at_ms, self.at_ms)
        self.portal.shelf(kind).add(record)
        record.values = self._born(record)
        asked = self._defaults(kind) | sent
        told = asked | consequences.on_write(record, asked, self.at_ms, self.portal.owners, self.portal.pipelines)
        self._put(record, told)
        self.portal.tell("creation", record, self.author)
        self._tell_changes(record, asked, asked)
        for wish in wishes:
            self._link(record, wish.end, wish.type_id)
        self._log_create(record, sent, wishes)
        self._finish()
        return record

    def _born(self, record: Record) -> dict[str, Value]:
        integration = self.author.source == "INTEGRATION"
        values: dict[str, Value] = {
            record.kind.birth: self.at_ms,
            record.kind.stamp: self.at_ms,
            "hs_object_id": record.id,
            "hs_object_source": self.author.source if self.author.source in _SOURCES else "CRM_UI",
            "hs_object_source_label": self.portal.app_name if integration else self.author.source,
        }
        if self.author.source_id:
            values["hs_object_source_id"] = self.author.source_id
        if self.author.user_id is not None:
            values["hs_created_by_user_id"] = str(self.author.user_id)
        if record.kind.name == "tickets":
            values |= {"hs_ticket_id": record.id, "hs_in_helpdesk": "false"}
        return values

    def _defaults(self, kind: Kind) -> dict[str, Value]:
        if kind.name == "contacts":
            return {"lifecyclestage": "lead", "hs_is_unworked": "true"}
        if kind.name == "leads":
            pipeline = self.portal.pipelines.of("leads")[0]
            return {"hs_pipeline": pipeline.id, "hs_pipeline_stage": pipeline.stages[0].id}
        return {"hs_task_status": "NOT_STARTED", "hs_task_type": "TODO"} if kind.name == "tasks" else {}

    def update(self, record: Record, properties: Any) -> None:
        """Raises HubSpotError when the values are not acceptable."""
        asked = check_properties(self.portal, record.kind, properties, self.author, record)
        more = consequences.on_write(record, asked, self.at_ms, self.portal.owners, self.portal.pipelines)
        if self.author.user_id is not None:
            more["hs_updated_by_user_id"] = str(self.author.user_id)
        different = self._put(record, asked | more)
        self._tell_changes(record, different, asked)
        self.portal.log(self.author, record.kind.name, record.id, fields=self.rendered(record.kind, asked))
        self._finish()

    def set_quietly(self, record: Record, values: Mapping[str, Value]) -> None:
        """Sets what only the CRM itself may set (a read-only property): no check, no effect."""
        self._tell_changes(record, self._put(record, values), ())
        self._finish()

    def archive(self, record: Record) -> None:
        record.archived_ms = self.at_ms
        self._touch(record)
        self.portal.tell("deletion", record, self.author)
        self.portal.log(self.author, record.kind.name, record.id, fields={"archived": True})
        self._finish()

    def restore(self, record: Record) -> None:
        record.archived_ms = None
        self._touch(record)
        self.portal.tell("restore", record, self.author)
        self.portal.log(self.author, record.kind.name, record.id, fields={"archived": False})
        self._finish()

    def link(self, start: Record, end: Record, type_ids: Iterable[int]) -> list[LinkType]:
        """Adds associations; returns those that now stand between the two."""
        for type_id in type_ids:
            self._link(start, end, type_id)
        found = [type_of(start.kind.name, end.kind.name, one) for one in self._between(start, end)]
        self._log_link(start, end, [one for one in found if one])
        self._finish()
        return [one for one in found if one]

    def unlink(self, start: Record, end: Record, type_ids: set[int] | None = None) -> None:
        if not self.portal.links.remove(start.node, end.node, type_ids):
            return
        for one, other in ((start, end), (end, start)):
            self._touch(one)
            self._tell_link(one, other, TYPES[one.kind.name, other.kind.name][0], removed=True)
        self._log_link(start, end, [])
        self._finish()

    def merge(self, primary: Record, other: Record) -> Record:
        """The record that both become. By default a new id, as the vendor does now; the old ids lead to it
        (developers.hubspot.com, "Merge records")."""
        winner = primary
        if not self.portal.merge_keeps_primary:
            winner = Record(primary.kind, self.portal.new_number(primary.kind), primary.created_ms, self.at_ms)
            self.portal.shelf(primary.kind).add(winner)
            winner.log = list(primary.log)
        moved = {name: value for name, value in other.values.items() if name not in primary.values}
        merged = [one.text("hs_merged_object_ids") for one in (primary, other)]
        ids = [one for one in (*";".join(merged).split(";"), primary.id, other.id) if one]
        winner.values = dict(other.values) | dict(primary.values)
        winner.created_ms = min(primary.created_ms, other.created_ms)
        lost = [one for one in (primary, other) if one is not winner]
        for one in lost:
            one.merged_into = winner
            self.portal.links.move(one.node, winner.node)
            if one.kind.name == "tickets":
                self.portal.threads.move_ticket(one.id, winner.id)
            self._touch(one)
        fixed: dict[str, Value] = {"hs_object_id": winner.id, "hs_merged_object_ids": ";".join(ids)}
        fixed[winner.kind.birth] = winner.created_ms
        if winner.kind.name == "tickets":
            fixed["hs_ticket_id"] = winner.id
        self._put(winner, fixed)
        if winner.text("email"):
            self.portal.shelf(winner.kind).note_unique(winner, "email")
        self.portal.tell(
            "merge", winner, self.author, primaryObjectId=primary.number, mergedObjectIds=[other.number],
            newObjectId=winner.number, numberOfPropertiesMoved=len(moved),
        )  # fmt: skip
        self.portal.log(self.author, winner.kind.name, winner.id, fields={"hs_merged_object_ids": ";".join(ids)})
        self._finish()
        return winner

    def rendered(self, kind: Kind, values: Mapping[str, Value]) -> dict[str, str]:
        """Values as the API answers them; what was cleared is ""."""
        schema = self.portal.schemas[kind.name].properties
        return {name: "" if value == "" else render(schema[name].type, value) for name, value in values.items()}

    def _put(self, record: Record, changes: Mapping[str, Value]) -> dict[str, Value]:
        schema = self.portal.schemas[record.kind.name]
        known = {name: value for name, value in changes.items() if name in schema.properties}
        author = self.author
        version = Version("", self.at_ms, author.source, author.source_id, author.user_id)
        different = record.put(known, version)
        for name in different:
            if schema.properties[name].unique:
                self.portal.shelf(record.kind).note_unique(record, name)
        self._touch(record)
        return different

    def _touch(self, record: Record) -> None:
        record.updated_ms = max(record.updated_ms, self.at_ms)
        record.values = {**record.values, record.kind.stamp: record.updated_ms}
        self._touched[record] = None

    def _finish(self) -> None:
        for record in self._touched:
            lag_ms = self.portal.lag_ms(record.kind)
            self.portal.shelf(record.kind).index.publish(record, self.at_ms, lag_ms)
        self._touched.clear()

    def _link(self, start: Record, end: Record, type_id: int) -> None:
        if not self.portal.links.add(start.node, end.node, type_id):
            return
        self._touch(start)
        self._touch(end)
        one, other = (end, start) if start.kind.activity else (start, end)
        if other.kind.activity and not one.kind.activity:
            different = self._put(one, consequences.of_activity(one, other))
            self._tell_changes(one, different, ())
        for here, there in ((start, end), (end, start)):
            self._tell_link(here, there, TYPES[here.kind.name, there.kind.name][0], removed=False)

    def _between(self, start: Record, end: Record) -> list[int]:
        return self.portal.links.between(start.node, end.node)

    def _tell_changes(self, record: Record, different: Mapping[str, Value], asked: Iterable[str]) -> None:
        if self.author.silent:
            return
        mine = set(asked)
        for name, text in self.rendered(record.kind, different).items():
            author = self.author if name in mine else SYSTEM
            self.portal.tell("propertyChange", record, author, propertyName=name, propertyValue=text)

    def _tell_link(self, start: Record, end: Record, type: LinkType, *, removed: bool) -> None:
        self.portal.tell(
            "associationChange", start, self.author,
            associationType=f"{start.kind.label}_TO_{end.kind.label}", fromObjectId=start.number,
            toObjectId=end.number, associationRemoved=removed, isPrimaryAssociation=type.label == "Primary",
            fromObjectTypeId=start.kind.type_id, toObjectTypeId=end.kind.type_id,
            associationTypeId=type.type_id, associationCategory=type.category,
        )  # fmt: skip

    def _log_create(self, record: Record, asked: Mapping[str, Value], wishes: Sequence[Wish]) -> None:
        said: dict[str, Any] = self.rendered(record.kind, asked)
        if wishes:
            said["associations"] = [{"object": wish.end.kind.name, "id": wish.end.id} for wish in wishes]
        self.portal.log(self.author, record.kind.name, record.id, **{LOGGED_AS.get(record.kind.name, "fields"): said})

    def _log_link(self, start: Record, end: Record, types: Sequence[LinkType]) -> None:
        link = {"object": end.kind.name, "id": end.id, "types": [one.type_id for one in types]}
        self.portal.log(self.author, start.kind.name, start.id, fields={"associations": [link]})


_SOURCES = frozenset(OPTIONS["hs_object_source"].split())
