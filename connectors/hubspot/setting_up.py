"""Setting up a HubSpot account: what ``init`` and ``provision`` ask of it.

Owns the order of the questions. Refuses opening hours: HubSpot keeps working hours of help desk, chat and SLAs in its
settings and has no API for them (none in its API reference, none in its OpenAPI descriptions). Invariant: as in
``connectors.setup``: only ``create`` changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.base import Finding
from connectors.errors import AuthFailed, Rejected
from connectors.hubspot import names
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.names import ObjectType
from connectors.hubspot.portal import Portal, read_stages
from connectors.hubspot.provisioning import Definitions, files
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.shapes import Properties, RawPage
from connectors.setup import Account, ImportedCalendar, Provision, RawStatus, Watchable


class HubSpotSetUp:
    """See ``connectors.setup.SetUp``."""

    def __init__(self, api: HubSpotApi, portal: Portal, settings: HubSpotSettings) -> None:
        self._api = api
        self._portal = portal
        self._settings = settings
        self._definitions = Definitions(api, settings)

    def account(self) -> Account:
        found = self._portal.account()
        readable = {of.name: self._readable(of) for of in names.RECORDS}
        statuses = [one for of in names.RECORDS if readable[of.name] for one in self._statuses(of)]
        objects = tuple(
            Watchable(object=of.name, kind=of.kind, readable=readable[of.name])  # type: ignore[arg-type]  # our words
            for of in names.RECORDS
        )
        return Account(
            id=str(found.portal_id), name=f"portal {found.portal_id}", zone=found.time_zone, objects=objects,
            statuses=tuple(statuses),
        )  # fmt: skip

    def _readable(self, of: ObjectType) -> bool:
        """An account without the object answers like one whose token may not read it."""
        try:
            self._api.get(RawPage, self._api.paths.objects(of.name), {"limit": "1"})
        except Rejected:
            return False
        except AuthFailed as refused:
            if not refused.narrow:
                raise
            return False
        return True

    def _statuses(self, of: ObjectType) -> Iterator[RawStatus]:
        mapper = Mapper("", self._settings.model_copy(update={"objects": (of.name,)}), frozenset())
        kind: Any = of.kind
        if of.pipelines is None:
            answer = self._api.get(Properties, self._api.paths.properties(of.name))
            found = next((one for one in answer.results if one.name == of.stage), None)
            for option in found.options if found else ():
                category: Any = mapper.category(of, option.value, None)
                yield RawStatus(object=of.name, kind=kind, name=option.value, category=category)
            return
        for stage in read_stages(self._portal.pipelines(of)).values():
            category = mapper.category(of, stage.id, stage)
            yield RawStatus(object=of.name, kind=kind, name=f"{stage.pipeline}/{stage.label}", category=category)

    def calendars(self, today: str) -> list[ImportedCalendar]:  # noqa: ARG002  # there is nothing to expand
        return []

    def field_name(self, kind: str, logical: str) -> str:  # noqa: ARG002  # the same for every kind
        return logical if logical.startswith("sla_") else f"sla_{logical}"

    def missing(self) -> Provision:
        return self._definitions.missing()

    def create(self, lacking: Provision) -> list[Finding]:
        return list(self._definitions.create(lacking.fields))

    def package(self) -> dict[str, bytes]:
        return files(self._settings)
