"""What one portal has: its stages, its owners, its time zone, its association types. Asked once and kept.

Owns the discovery of ids that differ between portals, and the envelope in which a row is kept with what its ids meant.
Refuses to hold up a poll for what only helps: without permission to read owners, every owner counts as a person.
Invariant: an id that is not known causes at most one fresh look in ten minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from connectors.base import Change
from connectors.errors import AuthFailed, ConnectorError, Rejected
from connectors.hubspot import names, sources
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.names import ObjectType
from connectors.hubspot.shapes import (
    ENCODER,
    Account,
    Associations,
    Envelope,
    Labels,
    Owner,
    OwnersPage,
    Pipeline,
    Pipelines,
    Properties,
    Row,
    Stage,
    Version,
    instant,
)

LOOK_AGAIN_MS: Final = 600_000
STAGES_STAND_MS: Final = 3_600_000
"""For how long a stage keeps the label that it had: labels are changed at any time, ids are not."""
NOTHING: Final = msgspec.Raw(b"{}")


class Portal:
    """The portal behind ``api``. ``clock`` is epoch ms, ``app`` the id of our own app where it is known."""

    def __init__(self, api: HubSpotApi, clock: Callable[[], int], app: str | None = None) -> None:
        self._api = api
        self._clock = clock
        self.app = app
        self._stages: dict[str, dict[str, Stage]] = {}
        self._owners: dict[str, Owner] | None = None
        self._users: dict[str, Owner] = {}
        self._account: Account | None = None
        self._looked_at: dict[str, int] = {}
        self._lost: dict[str, frozenset[str]] = {}
        self._labels: dict[tuple[str, str], tuple[str, int]] = {}

    # ---- account

    def account(self) -> Account:
        """Who this portal is. Its time zone is where a day's quota ends."""
        if self._account is None:
            self._account = self._api.get(Account, self._api.paths.account())
            self._api.zone = self._account.time_zone
        return self._account

    def introduce(self) -> None:
        """Learns the time zone before the first poll; a token that may not ask goes on without it."""
        with self._look("account") as due:
            try:
                if due:
                    self.account()
            except (AuthFailed, Rejected) as refused:
                if isinstance(refused, AuthFailed) and not refused.narrow:
                    raise

    # ---- stages

    def stages(self, of: ObjectType) -> dict[str, Stage]:
        """The stages of an object's pipelines by id; empty for objects without pipelines."""
        if of.pipelines is None:
            return {}
        looked_at = self._looked_at.get(f"labels of {of.name}")
        if looked_at is None or not 0 <= self._clock() - looked_at < STAGES_STAND_MS:
            self._stages.pop(of.name, None)
        if of.name not in self._stages:
            self._stages[of.name] = read_stages(self.pipelines(of))
            self._looked_at[f"labels of {of.name}"] = self._clock()
        return self._stages[of.name]

    def pipelines(self, of: ObjectType) -> list[Pipeline]:
        return self._api.get(Pipelines, self._api.paths.pipelines(of.pipelines or of.name)).results

    def stage(self, of: ObjectType, id: str | None) -> Stage | None:
        """The stage of an id; an unknown one is looked up anew, for pipelines change while we run."""
        if not id or of.pipelines is None:
            return None
        found = self.stages(of).get(id)
        if found is None:
            with self._look(f"stages of {of.name}") as due:
                if due:
                    self._stages.pop(of.name, None)
                    found = self.stages(of).get(id)
        return found

    # ---- properties

    def lost(self, of: ObjectType, asked: Iterable[str], row: Row) -> tuple[frozenset[str], bool]:
        """Which of the properties asked for the portal no longer has, and whether that has just been found out.

        HubSpot leaves unknown properties out of answers without a word, and gives null for one that is merely empty:
        so a row in which none is missing needs no look. Without permission to look, what is missing is lost.
        """
        missing = frozenset(asked) - row.properties.keys()
        if not missing:
            return frozenset(), False
        with self._look(f"properties of {of.name}") as due:
            if not due:
                return self._lost.get(of.name, frozenset()) & missing, False
            try:
                there = {one.name for one in self._api.get(Properties, self._api.paths.properties(of.name)).results}
            except (AuthFailed, Rejected):
                there = set()
        self._lost[of.name] = missing - there
        return self._lost[of.name], True

    # ---- owners

    def owners(self, *, fresh: bool = False) -> list[Owner]:
        """All owners, deactivated ones too."""
        if self._owners is None or fresh:
            found = [*self._owner_pages("false"), *self._owner_pages("true")]
            self._owners = {owner.id: owner for owner in reversed(found)}
            self._users = {}
            for owner in self._owners.values():
                for user in (owner.user_id, owner.user_id_including_inactive):
                    if user is not None:
                        self._users[str(user)] = owner
        return list(reversed(self._owners.values()))

    def _owner_pages(self, archived: str) -> list[Owner]:
        found: list[Owner] = []
        query = {"limit": str(names.OWNERS_LIMIT), "archived": archived}
        while True:
            page = self._api.get(OwnersPage, self._api.paths.owners(), query)
            found += page.results
            if page.after is None:
                return found
            query["after"] = page.after

    def _known_owners(self) -> dict[str, Owner]:
        if self._owners is None:
            with self._look("owners") as due:
                try:
                    if due:
                        self.owners()
                except AuthFailed as refused:
                    if not refused.narrow:
                        raise
        return self._owners or {}

    def owner(self, id: str | None) -> str | None:
        """``user:ID`` or ``queue:ID`` of a ``hubspot_owner_id``."""
        if not id:
            return None
        found = self._known_owners().get(id)
        if found is None and self._owners is not None:
            with self._look("owners") as due:
                if due:
                    found = {one.id: one for one in self.owners(fresh=True)}.get(id)
        return found.actor if found else f"user:{id}"

    def holder(self, id: str) -> Owner | None:
        """The owner of an id, as last seen; None for an unknown one, and without permission to read owners."""
        self.owner(id)
        return self._known_owners().get(id)

    def user(self, id: str | None) -> str | None:
        """``user:ID`` of a HubSpot user id, which is not an owner's id; None for who cannot own anything."""
        if not id:
            return None
        self._known_owners()
        found = self._users.get(id)
        return found.actor if found else None

    @contextmanager
    def _look(self, what: str) -> Iterator[bool]:
        """Whether it is time to look at something. A look that fails was none: the next row would be understood by
        what nobody has seen, and kept so for good."""
        now = self._clock()
        last = self._looked_at.get(what)
        due = last is None or not 0 <= now - last < LOOK_AGAIN_MS
        if due:
            self._looked_at[what] = now
        try:
            yield due
        except ConnectorError:
            if due:
                self._looked_at.pop(what, None)
            raise

    # ---- associations

    def associated(self, start: str, end: str, ids: Iterable[str]) -> dict[str, list[str]]:
        """The ids of ``end`` objects that each ``start`` object is associated with."""
        found: dict[str, list[str]] = {}
        left: list[dict[str, str]] = [{"id": one} for one in ids]
        while left:
            now, left = left[: names.ASSOCIATIONS_LIMIT], left[names.ASSOCIATIONS_LIMIT :]
            answer = self._api.post(Associations, self._api.paths.associations(start, end), {"inputs": now})
            for one in answer.results:
                found.setdefault(one.from_.id, []).extend(one.ids)
                if one.after is not None:
                    left.append({"id": one.from_.id, "after": one.after})
        return found

    def association_type(self, start: str, end: str) -> tuple[str, int]:
        """Category and type id of the plain association from an activity to a record. Raises Rejected without one."""
        known = names.ASSOCIATION.get((start, end))
        if known is not None:
            return names.HUBSPOT_DEFINED, known
        if (start, end) not in self._labels:
            answer = self._api.get(Labels, self._api.paths.association_labels(start, end))
            plain = [one for one in answer.results if one.category == names.HUBSPOT_DEFINED]
            if not plain:
                raise Rejected(f"this portal does not associate {start} with {end}", code="NO_ASSOCIATION")
            best = min(plain, key=lambda one: one.label is not None)
            self._labels[start, end] = (best.category, best.type_id)
        return self._labels[start, end]

    # ---- rows

    def envelope(self, of: ObjectType, row: Row) -> Envelope:
        """What a row's ids mean in this portal; the row itself is left to the caller."""
        values = row.properties
        owner, by = self.owner(values.get(names.OWNER)), self.user(values.get(names.CREATED_BY))
        if of not in names.RECORDS:
            return Envelope(NOTHING, owner=owner or by)
        stage = self.stage(of, values.get(of.stage)) if of.stage else None
        made = sources.maker(values.get(names.SOURCE), by)
        told = Envelope(NOTHING, stage, owner, made, self.user(values.get(names.UPDATED_BY)))
        if row.properties_with_history:
            self._explain(of, row, told)
        return told

    def _explain(self, of: ObjectType, row: Row, envelope: Envelope) -> None:
        """Adds what the ids in a row's history mean."""
        envelope.app = self.app
        for name, versions in row.properties_with_history.items():
            for one in versions:
                if one.value and name == of.stage and (stage := self.stage(of, one.value)) is not None:
                    envelope.stages[one.value] = stage
                if one.value and name == names.OWNER and (owner := self.owner(one.value)) is not None:
                    envelope.owners[one.value] = owner
                user = sources.user_id(one.source_id, one.updated_by_user_id)
                if user is not None and (person := self.user(user)) is not None:
                    envelope.users[user] = person

    def recognise(self, versions: Iterable[Version]) -> None:
        """Learns our own app's id from the history of a property that nobody but us writes."""
        newest = next((one for one in versions if sources.machine(one.source_type) == sources.APP), None)
        if self.app is None and newest is not None and (newest.source_id or "").isdigit():
            self.app = newest.source_id

    def change(
        self, of: ObjectType, raw: msgspec.Raw, row: Row, parents: Iterable[tuple[str, str]] = (), *,
        told: bool = False, heard: int | None = None, lost: Iterable[str] = (),
    ) -> Change:  # fmt: skip
        """One row as a change. Its key is the object, its stamp and its parents: the same content, the same key.
        ``told``, ``heard`` and ``lost``: see ``Envelope``."""
        envelope = self.envelope(of, row)
        envelope.object, envelope.parents, envelope.told, envelope.heard = raw, sorted(parents), told, heard
        envelope.lost = sorted(set(lost) - row.properties.keys())
        stamp = instant(row.properties.get(of.modified)) or instant(row.updated_at) or 0
        if row.archived:
            marks = [of.name, row.id, "archived", str(instant(row.archived_at) or stamp)]
        else:
            marks = [of.name, row.id, str(stamp), *(f"{kind}-{number}" for kind, number in envelope.parents)]
        return Change(of.name, ":".join(marks), ENCODER.encode(envelope))


def read_stages(pipelines: Iterable[Pipeline]) -> dict[str, Stage]:
    """Stages by id. The first stage of a pipeline, in display order, is where a record begins."""
    found: dict[str, Stage] = {}
    for pipeline in pipelines:
        ordered = sorted(pipeline.stages, key=lambda stage: (stage.display_order, stage.label))
        for place, stage in enumerate(one for one in ordered if not one.archived):
            told = {name.lower(): str(value).lower() for name, value in stage.metadata.items()}
            closed = told.get("ticketstate") == "closed" or told.get("isclosed") == "true"
            found[stage.id] = Stage(stage.id, stage.label, pipeline.label, pipeline.id, closed, place == 0)
    return found
