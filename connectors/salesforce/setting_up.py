"""Setting up a Salesforce org: what ``init``, ``provision`` and ``calendar import`` ask of it.

Owns the order of the questions. Refuses their answers' meaning: each part has its own module. Invariant: as in
``connectors.setup``: only ``create`` changes anything.
"""

from __future__ import annotations

from typing import Any

from connectors.base import Finding
from connectors.errors import ConnectorError, Rejected
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.business_hours import HOLIDAY_COLUMNS, HOURS_COLUMNS, calendars
from connectors.salesforce.endings import endings
from connectors.salesforce.holiday_links import observed, request
from connectors.salesforce.mapping import RecordMapping
from connectors.salesforce.packaging import files
from connectors.salesforce.permission_set import PermissionSet
from connectors.salesforce.provisioning import Fields, described
from connectors.salesforce.rows import decoded
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import Shapes
from connectors.salesforce.values import select
from connectors.setup import Account, Grant, ImportedCalendar, Provision, RawStatus, Watchable

_ORGANIZATION = ("Id", "Name", "TimeZoneSidKey")
_ANY = "Id != null"


class SalesforceSetUp:
    """See ``connectors.setup.SetUp``."""

    def __init__(self, api: Api, shapes: Shapes, mapping: RecordMapping, settings: SalesforceSettings) -> None:
        self._api = api
        self._shapes = shapes
        self._mapping = mapping
        self._settings = settings
        self._fields = Fields(api, shapes, settings)
        self._permission_set = PermissionSet(api, settings)

    def account(self) -> Account:
        self._api.ensure_login()
        [row] = decoded(self._api.query(select(_ORGANIZATION, "Organization", _ANY), deleted=False))
        shapes = {name: self._shapes.get(name) for name in names.KINDS}
        ends = endings(self._api)
        statuses: list[RawStatus] = []
        for name, shape in shapes.items():
            kind: Any = names.KINDS[name]
            field = shape.field("Status") if shape is not None else None
            for raw in field.offered if field is not None else ():
                category: Any = self._mapping.status(kind, {"Status": raw, **ends[name].get(raw, {})})
                statuses.append(RawStatus(object=name, kind=kind, name=raw, category=category))
        watchable = tuple(
            Watchable(object=name, kind=kind, readable=shapes[name] is not None)  # type: ignore[arg-type]  # our words
            for name, kind in names.KINDS.items()
        )
        return Account(
            id=row["Id"], name=row.get("Name") or "", zone=row.get("TimeZoneSidKey"), objects=watchable,
            statuses=tuple(statuses), user=f"user:{self._api.user}" if self._api.user else None,
        )  # fmt: skip

    def calendars(self, today: str) -> list[ImportedCalendar]:
        """Two calls: hours and holidays together, and which of them belong together, where this user may know."""
        hours, holidays = self._api.queries(
            [select(HOURS_COLUMNS, "BusinessHours", _ANY), select(HOLIDAY_COLUMNS, "Holiday", _ANY)]
        )
        try:
            links = observed(self._api.metadata(request))
        except Rejected:
            links = None
        return calendars(decoded(hours), decoded(holidays), links, today)

    def field_name(self, kind: str, logical: str) -> str:  # noqa: ARG002  # the same for every kind
        words = (logical if logical.startswith("sla_") else f"sla_{logical}").split("_")
        return "_".join(["SLA", *(word.title() for word in words[1:])]) + "__c"

    def missing(self) -> Provision:
        self._api.ensure_login()
        return self._fields.missing()

    def create(self, lacking: Provision) -> list[Finding]:
        """Fields first, then the permission set, then a look at what is visible now."""
        made = list(self._fields.create(lacking.fields))
        failed = frozenset((described(field), field.name) for field, told in made if told.level == "fail")
        found = [told for _, told in made]
        if not made or len(failed) < len(made):
            found += self._permission_set.grant(failed)
        return found + self._left(lacking, failed)

    def _left(self, lacking: Provision, failed: frozenset[tuple[str, str]]) -> list[Finding]:
        """What still does not show although it was created: the permission set did not take."""
        try:
            now = self._fields.missing()
        except ConnectorError as error:
            return [Finding("warn", "fields", f"they could not be looked at again: {error.reason}")]
        asked = {field.purpose for field in lacking.fields}
        hidden = [one for one in now.fields if (described(one), one.name) not in failed]
        fix = "Setup > Permission Sets > SLA Sidecar > Object Settings: Edit access; and assign it to this user"
        return [
            *(Finding("fail", f"{one.object}.{one.name}", "is there and still hidden from us", fix) for one in hidden),
            *(Finding("fail", _name(one), "is still read-only for us", fix) for one in now.grants),
            *(one for one in now.findings if one.subject in asked),
        ]

    def package(self) -> dict[str, bytes]:
        return files(self._settings)


def _name(grant: Grant) -> str:
    return f"{grant.object}.{grant.field}" if grant.field else grant.object
