"""What a connector may offer beside the contract: looking at an account before it is configured, and preparing it.

Owns the shapes that ``init``, ``provision`` and ``calendar import`` work with. Refuses a part in the daemon: nothing
of it is needed to keep clocks, and a connector may do without. Invariant: only ``create`` changes anything in the CRM,
and it changes nothing that is there already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from connectors.base import Connector, Finding
from connectors.settings import RecordKind, StatusCategory


class NewField(msgspec.Struct, frozen=True, kw_only=True):
    """A field that the configuration names and the CRM lacks.

    ``object`` and ``name`` are the CRM's words (``Case``, ``SLA_Due__c``; ``tickets``, ``sla_due``). ``length`` in
    characters, 0 where the CRM does not ask. ``unique``: no two records may hold the same value. ``purpose`` is the
    key of the configuration that names it, such as ``write.ticket.sla_due``.
    """

    object: str
    name: str
    label: str
    type: Literal["datetime", "text"]
    purpose: str
    length: int = 0
    unique: bool = False
    help: str = ""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A permission that the daemon's user lacks and ``create`` can give: on ``object``, or on one ``field`` of it."""

    object: str
    field: str | None = None
    access: Literal["read", "edit", "create"] = "edit"


class Provision(msgspec.Struct, frozen=True):
    """What an account lacks. ``findings`` tell what is there and does not fit: it is told, never changed."""

    fields: list[NewField]
    grants: list[Grant] = []
    findings: list[Finding] = []


class Watchable(msgspec.Struct, frozen=True, kw_only=True):
    """An object that can be watched. ``object`` is its word in ``objects``; ``readable`` whether the login sees it."""

    object: str
    kind: RecordKind
    readable: bool = True


class RawStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A status as the CRM says it, in the form that ``status.KIND`` takes, and what it means unless that says else."""

    object: str
    kind: RecordKind
    name: str
    category: StatusCategory


class ImportedCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """Opening hours of the CRM as a table of ``[calendars.NAME]``.

    ``name`` is fit for a key, ``title`` the CRM's own. ``notes`` say what could not be carried over exactly.
    """

    name: str
    title: str
    table: dict[str, Any]
    default: bool = False
    active: bool = True
    notes: tuple[str, ...] = ()


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who is behind a login and what can be watched there. ``zone`` is an IANA name, or None when it is not told;
    ``user`` the login's own ``user:ID``, where it is one of the people."""

    id: str
    name: str
    zone: str | None
    objects: tuple[Watchable, ...]
    statuses: tuple[RawStatus, ...]
    user: str | None = None


class SetUp(Protocol):
    """The set-up of one connection. All methods but ``field_name`` and ``package`` call the CRM and raise one of the
    five errors; what concerns one field alone is a finding."""

    def account(self) -> Account:
        """The account, all objects that can be watched (configured or not) and their statuses in the CRM's order."""

    def calendars(self, today: str) -> list[ImportedCalendar]:
        """Opening hours kept in the CRM; none where it has no API for them. ``today`` (YYYY-MM-DD): recurring
        holidays are expanded from this day on."""

    def field_name(self, kind: str, logical: str) -> str:
        """The name that a field for ``write.KIND`` or ``tags.KIND`` usually has: ``SLA_Due__c``, ``sla_due``."""

    def missing(self) -> Provision:
        """What the configuration names and the account lacks."""

    def create(self, lacking: Provision) -> list[Finding]:
        """Creates what is lacking, each thing by itself, and tells what became of each. What is there already, by
        whomever, is fine."""

    def package(self) -> dict[str, bytes]:
        """All the fields and permissions that the configuration names as files for an administrator: path -> content,
        the same bytes each time. Calls nothing."""


@runtime_checkable
class Prepares(Protocol):
    """A connector that offers a set-up."""

    def setup(self) -> SetUp: ...


def setup_of(connector: Connector) -> SetUp | None:
    """The connector's set-up, or None when it offers none."""
    return connector.setup() if isinstance(connector, Prepares) else None


def failed(findings: Sequence[Finding]) -> bool:
    """Whether anything went wrong."""
    return any(finding.level == "fail" for finding in findings)
