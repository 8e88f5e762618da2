"""Who can own records: users with their teams, and queues.

Owns the queries. Refuses guessing: a queue is a group of type Queue; what a person belongs to are the public groups and
queues that name them, themselves or by a group in between, and their role. Roles and territories inside a group are
left out. Invariant: inactive users are told as such, since records keep them as owners.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-user.html
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-groupmember.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from connectors.base import Person
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.ids import full_id
from connectors.salesforce.rows import decode_row, rows_of
from connectors.salesforce.shape import Shapes
from connectors.salesforce.values import quote, select

_USER = ("Id", "Name", "Email", "IsActive", "ManagerId", "UserRoleId")
_GROUP = ("Id", "Name", "Email", "Type")
_MEMBER = ("Id", "GroupId", "UserOrGroupId")
_ROLE = ("Id", "Name")
_ANY = "Id != null"


def people(api: Api, shapes: Shapes) -> list[Person]:
    """Users of the org's own staff, active and not, then queues."""
    staff = "UserType = 'Standard'" if shapes.has(names.USER, "UserType") else _ANY
    groups = list(_all(api, shapes, names.GROUP, _GROUP, "Type IN ('Queue', 'Regular')"))
    queues = [
        Person(id=f"queue:{full_id(row['Id'])}", name=row.get("Name") or "", email=row.get("Email"))
        for row in groups
        if row.get("Type", "Queue") == "Queue"
    ]
    belongs = _belongs(api, shapes, groups)
    roles = {row["Id"]: row.get("Name") or "" for row in _all(api, shapes, names.ROLE, _ROLE, _ANY)}
    users = [
        Person(
            id=f"user:{full_id(row['Id'])}",
            name=row.get("Name") or "",
            email=row.get("Email"),
            active=bool(row.get("IsActive", True)),
            manager=f"user:{full_id(row['ManagerId'])}" if row.get("ManagerId") else None,
            teams=_teams(belongs.get(row["Id"], ()), roles.get(row.get("UserRoleId"))),
        )
        for row in _all(api, shapes, names.USER, _USER, staff)
    ]
    return users + queues


def _teams(groups: Iterable[str], role: str | None) -> tuple[str, ...]:
    return tuple(sorted({*groups, *([role] if role else [])}))


def _belongs(api: Api, shapes: Shapes, groups: list[dict[str, Any]]) -> dict[str, set[str]]:
    """The names of the groups and queues of each user, also of those that hold a group of theirs. Without groups
    nobody's members are asked for."""
    if not groups:
        return {}
    called = {row["Id"]: row.get("Name") or "" for row in groups}
    holders: dict[str, list[str]] = {}
    for row in _all(api, shapes, names.GROUP_MEMBER, _MEMBER, _ANY):
        holders.setdefault(row.get("UserOrGroupId", ""), []).append(row.get("GroupId", ""))
    return {
        one: {called[group] for group in _upwards(one, holders) if called.get(group)}
        for one in holders
        if one.startswith(names.USER_PREFIX)
    }


def _upwards(one: str, holders: dict[str, list[str]]) -> set[str]:
    """Every group around a user or group; circles end."""
    found: set[str] = set()
    ahead = list(holders.get(one, ()))
    while ahead:
        group = ahead.pop()
        if group not in found:
            found.add(group)
            ahead += holders.get(group, ())
    return found


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
