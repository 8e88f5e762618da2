"""What an administrator has set up: assignment rules, validation rules, field-level security, limits, the app.

Owns settings and the order ``setup`` that changes them. Refuses to apply them.
Invariant: a fresh org has active assignment rules for leads and cases, as most orgs have.
Our own machinery: what a setting does, the module that applies it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from emulators.core import Refused
from emulators.salesforce.schema import Field
from emulators.salesforce.tables import TRACKED

LEAST: Final = ("ApiEnabled", "TransferAnyLead", "TransferAnyCase", "EditTask")
"""System permissions of the integration user as it comes."""


@dataclass(slots=True)
class ValidationRule:
    """Refuses every write after which ``field`` of ``object`` has ``value``."""

    object: str
    field: str
    value: Any
    message: str


@dataclass(slots=True)
class Org:
    """Settings of the org. Owners are user or queue ids."""

    assignment: dict[str, str | None] = field(default_factory=dict)
    validation: list[ValidationRule] = field(default_factory=list)
    hidden: set[tuple[str, str]] = field(default_factory=set)
    read_only: set[tuple[str, str]] = field(default_factory=set)
    locks: dict[str, int] = field(default_factory=dict)
    run_as: str | None = None
    daily_limit: int = 100_000
    calls: int = 0
    per_app: tuple[str, int] | None = None
    outbound: dict[str, tuple[str, ...]] = field(default_factory=dict)
    permissions: set[str] = field(default_factory=lambda: set(LEAST))
    """What the integration user may beyond objects and fields: the names of ``UserPermissionAccess`` without their
    prefix."""
    denied: set[tuple[str, str]] = field(default_factory=set)
    """Objects and what the integration user may not do with them: read, create or edit."""
    tracked: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(TRACKED))
    """Fields with history tracking switched on, by object."""
    unfilterable: set[tuple[str, str]] = field(default_factory=set)
    """Fields that describe shows as neither filterable nor sortable, beyond those of their type."""
    timeouts: dict[str, int] = field(default_factory=dict)
    """How many queries of an object still run too long."""
    failing_jobs: int = 0
    """How many of the next bulk jobs fail."""
    holiday_hours: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Holidays by name, with the names of the business hours that observe them."""

    def is_hidden(self, object: str, name: str) -> bool:
        return (object, name) in self.hidden

    def is_filterable(self, object: str, field: Field) -> bool:
        return field.filterable and (object, field.name) not in self.unfilterable

    def times_out(self, object: str) -> bool:
        """Whether this query of an object runs too long; counts it."""
        left = self.timeouts.get(object, 0)
        if left:
            self.timeouts[object] = left - 1
        return bool(left)

    def take_lock(self, id: str) -> bool:
        """Whether another transaction holds the row right now; counts the attempt."""
        left = self.locks.get(id, 0)
        if left:
            self.locks[id] = left - 1
        return bool(left)


SETUP_KEYS: Final = (
    "permissions", "deny", "allow", "holiday_hours",
    "assignment", "validation", "hide", "show", "read_only", "lock", "run_as", "daily_limit", "calls", "per_app",
    "outbound", "revoke_sessions", "expire_cursors", "track", "unfilterable", "query_timeout", "fail_jobs",
    "expire_jobs",
)  # fmt: skip


def change(org: Org, order: Mapping[str, Any], owner: Any) -> None:
    """Carries out ``{"do": "setup", …}``. ``owner`` finds a user's or queue's id by name or e-mail.

    ``assignment`` {object: owner or null} · ``validation`` {object, field, value, message} or null (none) ·
    ``hide``/``show``/``read_only`` {object: [fields]} · ``lock`` {id: times} · ``run_as`` user or null ·
    ``permissions`` [names of the integration user's system permissions] · ``deny``/``allow`` {object: [read, create,
    edit]} · ``holiday_hours`` {holiday: [business hours]} · ``daily_limit``, ``calls`` numbers ·
    ``per_app`` {name, limit} or null · ``outbound`` {object: [fields]} · ``track``, ``unfilterable`` {object: [fields]}
    · ``query_timeout`` {object: times} · ``fail_jobs`` times.
    """
    if unknown := set(order) - {"do", *SETUP_KEYS}:
        raise Refused(f"unknown setup {min(unknown)!r}; known: {', '.join(SETUP_KEYS)}")
    for name, who in order.get("assignment", {}).items():
        org.assignment[name] = None if who is None else owner(who)
    if "validation" in order:
        rule = order["validation"]
        org.validation = [*org.validation, ValidationRule(**rule)] if rule else []
    pairs = {key: {(name, one) for name, fields in order.get(key, {}).items() for one in fields}
             for key in ("hide", "show", "read_only")}  # fmt: skip
    org.hidden = (org.hidden | pairs["hide"]) - pairs["show"]
    org.read_only = (org.read_only | pairs["read_only"]) - pairs["show"]
    org.locks.update({row_id: int(times) for row_id, times in order.get("lock", {}).items()})
    if "run_as" in order:
        org.run_as = None if order["run_as"] is None else owner(order["run_as"])
    org.daily_limit = int(order.get("daily_limit", org.daily_limit))
    org.calls = int(order.get("calls", org.calls))
    if "per_app" in order:
        org.per_app = None if order["per_app"] is None else (order["per_app"]["name"], int(order["per_app"]["limit"]))
    org.tracked |= {name: tuple(fields) for name, fields in order.get("track", {}).items()}
    org.unfilterable |= {(name, one) for name, fields in order.get("unfilterable", {}).items() for one in fields}
    org.timeouts |= {name: int(times) for name, times in order.get("query_timeout", {}).items()}
    org.failing_jobs = int(order.get("fail_jobs", org.failing_jobs))
    org.permissions = set(order.get("permissions", org.permissions))
    org.denied |= {(name, one) for name, some in order.get("deny", {}).items() for one in some}
    org.denied -= {(name, one) for name, some in order.get("allow", {}).items() for one in some}
    org.holiday_hours |= {name: tuple(hours) for name, hours in order.get("holiday_hours", {}).items()}
    if "outbound" in order:
        org.outbound = {name: tuple(fields) for name, fields in order["outbound"].items()}
