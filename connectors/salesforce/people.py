"""Who can own records: users and queues.

Owns the two queries. Refuses guessing: a queue is a group of type Queue. Invariant: inactive users are told as such,
since records keep them as owners. https://developer.salesforce.com/docs/platform/object-reference/references/
standard-objects/object-user.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.base import Person
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.ids import full_id
from connectors.salesforce.rows import decode_row, rows_of
from connectors.salesforce.shape import Shapes
from connectors.salesforce.values import quote, select

_USER = ("Id", "Name", "Email", "IsActive", "ManagerId")
_QUEUE = ("Id", "Name", "Email")


def people(api: Api, shapes: Shapes) -> list[Person]:
    """Users of the org's own staff, active and not, then queues."""
    staff = "UserType = 'Standard'" if shapes.has(names.USER, "UserType") else "Id != null"
    users = [
        Person(
            id=f"user:{full_id(row['Id'])}",
            name=row.get("Name") or "",
            email=row.get("Email"),
            active=bool(row.get("IsActive", True)),
            manager=f"user:{full_id(row['ManagerId'])}" if row.get("ManagerId") else None,
        )
        for row in _all(api, shapes, names.USER, _USER, staff)
    ]
    queues = [
        Person(id=f"queue:{full_id(row['Id'])}", name=row.get("Name") or "", email=row.get("Email"))
        for row in _all(api, shapes, names.GROUP, _QUEUE, "Type = 'Queue'")
    ]
    return users + queues


def _all(api: Api, shapes: Shapes, name: str, columns: tuple[str, ...], where: str) -> Iterator[dict[str, Any]]:
    """Every row, page by page along the id."""
    chosen = [column for column in columns if shapes.has(name, column)]
    last: str | None = None
    while chosen:
        beyond = f"{where} AND Id > {quote(last)}" if last else where
        tail = f"ORDER BY Id ASC LIMIT {names.PAGE_ROWS}"
        result = rows_of(api.query(select(chosen, name, beyond, tail), deleted=False))
        rows = [decode_row(raw) for raw in result.records]
        yield from rows
        if not rows or (result.done and len(rows) < names.PAGE_ROWS):
            return
        last = rows[-1]["Id"]
