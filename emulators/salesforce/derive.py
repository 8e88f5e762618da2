"""What the platform fills in by itself: full names, case numbers, closed flags, defaults that depend on the org.

Owns derived values. Refuses history, effects and other rows.
Invariant: deriving twice gives the same row.
Source: Object Reference, the pages of the objects named here.
One page per object:
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-task.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from emulators.salesforce.store import Store, Values
from emulators.salesforce.tables import CLOSED
from emulators.salesforce.values import show_instant


def derive(
    store: Store, object: str, old: Values | None, new: Values, user: str, at: int | None = None
) -> Values:  # fmt: skip
    """``new`` with what follows from it. ``user`` is who writes, ``at`` (epoch ms) when; now if it is not said."""
    filled = dict(new)
    if "OwnerId" in store.tables[object.lower()].fields and not filled.get("OwnerId"):
        filled["OwnerId"] = user
    rule = RULES.get(object)
    if rule:
        rule(store, old, filled, store.stamp() if at is None else at // 1000 * 1000)
    return filled


def _person(store: Store, old: Values | None, row: Values, at: int) -> None:  # noqa: ARG001
    row["Name"] = " ".join(part for part in (row.get("FirstName"), row.get("LastName")) if part)


def _case(store: Store, old: Values | None, row: Values, at: int) -> None:
    if old is None:
        row["CaseNumber"] = f"{1000 + store.count('Case') + 1:08d}"
        row["IsClosedOnCreate"] = row.get("Status") in CLOSED["Case"]
    if not row.get("BusinessHoursId"):
        row["BusinessHoursId"] = next(
            (hours["Id"] for hours in store.rows("BusinessHours") if hours["IsDefault"]), None
        )
    contact = store.find(row.get("ContactId")) or {}
    row["ContactEmail"], row["ContactPhone"] = contact.get("Email"), contact.get("Phone")
    row["AccountId"] = row.get("AccountId") or contact.get("AccountId")
    row["IsClosed"] = row.get("Status") in CLOSED["Case"]
    _stamp_end(row, "IsClosed", "ClosedDate", old, at)


def _task(store: Store, old: Values | None, row: Values, at: int) -> None:
    row["IsClosed"] = row.get("Status") in CLOSED["Task"]
    row["IsHighPriority"] = row.get("Priority") == "High"
    row["AccountId"] = _account_of(store, row)
    _stamp_end(row, "IsClosed", "CompletedDateTime", old, at)


def _stamp_end(row: Values, flag: str, when: str, old: Values | None, at: int) -> None:
    if not row[flag]:
        row[when] = None
    elif not (old and old[flag]) and not row.get(when):
        row[when] = at


def _event(store: Store, old: Values | None, row: Values, at: int) -> None:  # noqa: ARG001
    start = row.get("StartDateTime") or row.get("ActivityDateTime")
    if start:
        minutes = row.get("DurationInMinutes") or 60
        row["StartDateTime"] = row["ActivityDateTime"] = start
        row["EndDateTime"] = row.get("EndDateTime") or start + int(minutes) * 60_000
        row["DurationInMinutes"] = (row["EndDateTime"] - start) // 60_000
        row["ActivityDate"] = show_instant(start)[:10]
    row["AccountId"] = _account_of(store, row)


def _email(store: Store, old: Values | None, row: Values, at: int) -> None:  # noqa: ARG001
    row["MessageDate"] = row.get("MessageDate") or at
    if old is None and row.get("ParentId") and not row.get("RelatedToId"):
        row["RelatedToId"] = row["ParentId"]


def _account_of(store: Store, row: Values) -> Any:
    what = store.find(row.get("WhatId")) or {}
    who = store.find(row.get("WhoId")) or {}
    if str(row.get("WhatId") or "").startswith("001"):
        return row["WhatId"]
    return what.get("AccountId") or who.get("AccountId")


RULES: Final[dict[str, Callable[[Store, Values | None, Values, int], None]]] = {
    "Lead": _person, "Contact": _person, "User": _person, "Case": _case, "Task": _task, "Event": _event,
    "EmailMessage": _email,
}  # fmt: skip
